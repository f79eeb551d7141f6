/* SPDX-License-Identifier: ISC */
/*
 * receive.h: once: the receiving side of the promise.
 *
 * From those who know that we remember (their stream has acknowledgements, or they were told), each
 * message with an origin-id (XEP-0359) and each IQ set is noted once it is handled. One that comes
 * again is dropped; a message's receipt is sent again, a request is answered as it was. A message
 * that comes for the first time behind a newer one (<order/>) is refused: its sender is told that
 * it did not arrive, and no program ever sees a wrong order.
 */
#ifndef CORE_RECEIVE_H
#define CORE_RECEIVE_H

#include "core/core.h"

/* Remembers in memory only. */
void receive_init(struct ear *ear);
void receive_release(struct ear *ear);

/* In that directory instead. 0, or -errno with error filled. */
int receive_open(struct ear *ear, const char *dir, char *error, size_t size);

/*
 * Whether it has come before, which has been dealt with. If not, a request is noted, and a message
 * is in hand until receive_end: whoever is killed meanwhile leaves behind that it may have been
 * handled.
 */
bool receive_is_repeat(struct ear *ear, const struct link *link, const struct ear_in *in);

/* Whether it comes behind one that left after it; its sender is told. */
bool receive_is_overtaken(const struct ear_in *in);

/* What came is dealt with. */
void receive_end(struct ear *ear);

/* Says in the error for a message (NULL: none) that an earlier process, which was killed, may have
 * handled it, where that is so. */
void receive_doubt(const struct ear_in *in, xmpp_stanza_t *error);

/* It was not handled, and its sender is told so by that error (borrowed): should a request come
 * again, it may be handled; a message is refused again for a while. */
void receive_refused(const struct ear_in *in, xmpp_stanza_t *error);

/* A message was handled: it is noted, and gets the receipt that it asks for (XEP-0184). */
void receive_done(struct ear *ear, const struct link *link, const struct ear_in *in);

/* A request was answered with that. */
void receive_answered(struct ear *ear, const char *peer, xmpp_stanza_t *answer);

#endif
