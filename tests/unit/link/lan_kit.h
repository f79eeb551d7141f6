/* SPDX-License-Identifier: ISC */
/* lan_kit.h: one of ours, which raw peers talk to. */
#ifndef TEST_LAN_KIT_H
#define TEST_LAN_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <earshot/stanza.h>

#include "base/timer.h"
#include "link/lan_impl.h"
#include "tests/unit/link/side.h"

#define JULIET "juliet@forza.local"
#define HEADER RAW_STREAM " from='juliet@forza' to='tv@pronto' version='1.0'>"

static struct net net;
static struct side tv;

static inline bool
is_down(void *arg)
{
	return tv.down > 0;
}

static inline bool
is_up(void *arg)
{
	return tv.up > 0;
}

static inline bool
has_stanza(void *arg)
{
	return tv.body_count > 0;
}

#endif
