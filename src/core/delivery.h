/* SPDX-License-Identifier: ISC */
/*
 * delivery.h: once, in order, or one error: the sending side of the promise.
 *
 * What leaves by a direct stream with acknowledgements (link->acks) is answered for by that link
 * until the other end has it. What leaves by a server for somebody who remembers what he got
 * (dest->remembers), or may turn out to, is owed: kept here until his receipt (XEP-0184), his
 * answer or an error comes. When a path dies, what is owed on it leaves again by the next one with
 * the same ids (XEP-0359 for messages; those of IQs are unique as they are), in the same order and
 * before everything newer; the receiver drops what it has had (receive.h). Whoever does not
 * remember gets what XMPP gives: at most once, and an error that says that it may have arrived.
 */
#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

#include "core/core.h"

/* A stanza is accepted from a program or an extension: gives it what it needs to be known again.
 * Consumes it; the caller owns what it gets. */
xmpp_stanza_t *delivery_accept(struct ear *ear, xmpp_stanza_t *stanza);

/* By what a message is known on every path (XEP-0359): NULL: nothing. Borrowed. */
const char *delivery_origin(xmpp_stanza_t *stanza);

/* Whether it can be owed, if it goes by a server. */
bool delivery_is_owed(const struct dest *dest, xmpp_stanza_t *stanza);

/* It leaves for the first time: numbers a message, so that one that has been overtaken on its way
 * is known as that. */
void delivery_number(struct dest *dest, xmpp_stanza_t *stanza);

/* Whether one more can be owed. */
bool delivery_has_room(const struct dest *dest);

/* It is about to leave by the server: asks for a receipt. */
void delivery_ask(xmpp_stanza_t *stanza);

/* It has (borrowed). */
void delivery_owe(struct dest *dest, xmpp_stanza_t *stanza);

/* The receipt for that message came from that address, or that request to it is over. false: it is
 * not owed. */
bool delivery_receipt(struct ear *ear, const char *from, const char *id);

/* An error came for it by the server. true: it says only that the server does not reach him, and
 * another path will be tried. */
bool delivery_error(struct ear *ear, const struct ear_in *in);

/* The server link gives it back: whether it is owed, and so returned by what follows. Of one who
 * does not remember it is owed no longer. */
bool delivery_keeps(struct dest *dest, xmpp_stanza_t *stanza);

/* That path is not good any more: what left by it and may not have arrived leaves again. */
void delivery_forsake(struct dest *dest, struct path *path);

/* What is owed has to leave again, by whatever path: the server link is down. */
void delivery_return(struct dest *dest);

/*
 * Looks after receipts that do not come: what they are for waits to be sent again, or is given up.
 * Returns after how many microseconds it has to be called again; 0: something waits to be sent now;
 * -1: nothing is owed.
 */
int64_t delivery_check(struct dest *dest);

/* It has certainly not left, and will not: nothing of it is owed. */
void delivery_forget(struct dest *dest, xmpp_stanza_t *stanza);

/* The engine stops, or who remembered is not there any more: whether what is owed has arrived will
 * not be known. */
void delivery_stop(struct dest *dest);

/* Whether a stanza may wait for a path to come back: somebody was there a moment ago. Whoever asks
 * something is better told at once that nobody is. */
bool delivery_may_wait(const struct dest *dest, xmpp_stanza_t *stanza);

#endif
