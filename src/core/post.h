/* SPDX-License-Identifier: ISC */
/*
 * post.h: messages that outlive the daemon (`earshot send --queue`).
 *
 * The life of one: a program sends it with <route queue='true'/>; it is stored (store/spool) before
 * the program's <flush/> is answered; it leaves by route_out, to each destination in order, with an
 * id of its own (XEP-0359) and a request for a receipt (XEP-0184); it is forgotten when the receipt
 * comes, or kept as failed when an error does. After a restart all that was not forgotten leaves
 * again with the same ids: who has had it drops it and sends the receipt again.
 *
 * Who does not remember what he got (dest->remembers, link->acks) gets it at most once: that it may
 * have arrived is stored before it leaves, and it counts as sent unless it comes back. Somebody who
 * is not there, or for whom nobody listens, is tried again; any other error is the end of it.
 */
#ifndef CORE_POST_H
#define CORE_POST_H

#include "core/core.h"

struct post;

/*
 * Opens what is stored below that directory; NULL, or [store] kind = none: nothing is ever stored.
 * A spool that cannot be opened is no reason not to start: that is logged, and it is tried again
 * when it is needed. 0.
 */
int post_open(struct ear *ear, const char *dir, char *error, size_t size);
void post_release(struct ear *ear);

/* Whether it is one that is stored. */
bool post_has(const struct ear *ear, xmpp_stanza_t *stanza);

/* How many are stored, in any state, and their bytes. */
void post_count(const struct ear *ear, size_t *count, size_t *bytes);

/* A program's message that it wants stored (borrowed). For one that is not stored it gets one
 * error. only: the path it asked for, which none can wait for. */
void post_take(struct ear *ear, const char *program, xmpp_stanza_t *stanza,
	       enum ear_link_kind only);

/* All that was taken is on the disk from now on, or its program has got its error. */
void post_commit(struct ear *ear);

/* A path to that destination works, or may: what is stored for it leaves soon, as far as its window
 * goes. Called often; cheap when nothing is stored. */
void post_pump(struct ear *ear, struct dest *dest);

/* A receipt for that id came from `from`; or an error did; or no path took it (stanza borrowed).
 * false: it is none of ours. */
bool post_receipt(struct ear *ear, const char *from, const char *id);
bool post_error(struct ear *ear, const struct ear_in *in);
bool post_bounce(struct ear *ear, xmpp_stanza_t *stanza, int error);

#endif
