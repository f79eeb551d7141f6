/* SPDX-License-Identifier: ISC */
/* dispatch.h: the IN door. */
#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

#include "core/core.h"

/* A whole stanza from a link; borrowed. */
void dispatch_in(struct ear *ear, struct link *link, xmpp_stanza_t *stanza);

#endif
