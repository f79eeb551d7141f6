/* SPDX-License-Identifier: ISC */
/* pubsub_kit.h: the publish-subscribe service over a real store, and those who ask it. */
#ifndef PUBSUB_KIT_H
#define PUBSUB_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "fake_ear.h"
#include "pubsub.h"

#define SERVICE     "pubsub.example.org"
#define PUBSUB(xml) "<pubsub xmlns='" EAR_NS_PUBSUB "'>" xml "</pubsub>"
#define OWN(xml)    "<pubsub xmlns='" EAR_NS_PUBSUB_OWNER "'>" xml "</pubsub>"

static struct ear *ear;

static inline int
setup_with(struct ear *engine)
{
	ear = engine;
	ear->level = EAR_PROVED;
	ear->link = EAR_LINK_SERVER;
	ear->self[EAR_LINK_SERVER] = SERVICE;
	return 0;
}

static inline int
setup(void **state)
{
	return setup_with(fake_new_with_store());
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

static inline void
ask(const char *type, const char *from, const char *xml)
{
	fake_ask_to(ear, type, from, SERVICE, xml);
}

static inline void
turn(int count)
{
	for (int i = 0; i < count; i++)
		clock_advance(ear->clock, EAR_MSEC);
}

/* All is answered, and told. */
static inline void
settle(void)
{
	for (int i = 0; i < 1000 && ear->holds > 0; i++)
		turn(1);
	assert_int_equal(ear->holds, 0);
	turn(100);
}

#endif
