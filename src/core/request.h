/* SPDX-License-Identifier: ISC */
/* request.h: our requests and their answers, matched by who was asked and the id (RFC 6120 §8.2.3).
 */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include "core/core.h"

#define REQUESTS_MAX 4096

/* As ear_request, by one kind of link only unless EAR_LINK_NONE. */
void request_send(struct ear *ear, xmpp_stanza_t *iq, enum ear_link_kind only, int64_t usec,
		  ear_answer_fn *fn, void *arg);

/* A result or error came. false: nobody asked for it, or it comes from somebody else than was
 * asked. */
bool request_answer(struct ear *ear, struct link *link, xmpp_stanza_t *stanza, const char *from);

/* Notes on which link a stanza leaves, if it is a request of ours. */
void request_left(struct ear *ear, xmpp_stanza_t *stanza, const struct link *link);

/* The request that this stanza is failed. false: it is none. */
bool request_fail(struct ear *ear, xmpp_stanza_t *stanza, int error);

/* A link gave it back, maybe after it had arrived: it is on no link, and may leave by *only.
 * false: it is no request. */
bool request_came_back(struct ear *ear, xmpp_stanza_t *stanza, bool maybe,
		       enum ear_link_kind *only);

/* Whether it is a request that nobody waits for any more. */
bool request_is_over(struct ear *ear, xmpp_stanza_t *stanza);

/* Whether it is one of ours that may have arrived by an earlier way. */
bool request_may_have_arrived(struct ear *ear, xmpp_stanza_t *stanza);

/* Whether it has been on a link before, if it is a request of ours. */
bool request_has_left(struct ear *ear, xmpp_stanza_t *stanza);

/* Whether it is a request of ours that may be asked again although it may have been done. */
bool request_may_repeat(struct ear *ear, xmpp_stanza_t *stanza);

/* A link died: a get that was on it is asked again elsewhere, a set only of one that remembers;
 * else it fails as unknown. */
void request_on_down(struct ear *ear, const struct link *link);

/* All fail now. */
void request_cancel_all(struct ear *ear, int error);

/* Frees what is left; nobody is told. */
void request_drop_all(struct ear *ear);

#endif
