/* SPDX-License-Identifier: ISC */
/* dispatch.h: the IN door. */
#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

#include "core/core.h"

/* A whole stanza from a link; borrowed. */
void dispatch_in(struct ear *ear, struct link *link, xmpp_stanza_t *stanza);

/* One that has come from the server to another engine, which has passed it on; borrowed. Answers
 * and presences; anything else is dropped. */
void dispatch_heard(struct ear *ear, struct link *link, xmpp_stanza_t *stanza);

/* How sure it is who that is: what the link vouches for, and who is on our list. */
enum ear_level dispatch_level(struct ear *ear, const struct link *link, const char *from);

/* No path took a message that this engine itself sent (borrowed); late: its time was over. Whether
 * an extension wants to know. */
bool dispatch_bounce(struct ear *ear, xmpp_stanza_t *stanza, enum ear_verdict condition,
		     const char *text, bool late);

#endif
