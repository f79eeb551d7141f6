/* SPDX-License-Identifier: ISC */
/*
 * meet.h: who is it that has shown a key on the LAN.
 *
 * The life of a meeting. A stream shows a certificate: meet_keyed. Its key is compared with what
 * the address had before and with what it announces; what the certificate claims is compared with
 * what the server of the claimed address publishes, asked for while the stream waits. A key that
 * somebody vouches for is pinned, and its LAN address becomes one destination with its JIDs. Later
 * words of the servers and of the user are applied to all meetings at once (meet_soon).
 */
#ifndef CORE_MEET_H
#define CORE_MEET_H

#include "core/core.h"
#include "trust/pins.h"

/* Makes an identity and pins in memory only. */
void meet_init(struct ear *ear);
void meet_release(struct ear *ear);

/* From that directory instead. -errno with error filled. */
int meet_open(struct ear *ear, const char *dir, char *error, size_t size);

/* Our certificate names our addresses. */
void meet_tell_jids(struct ear *ear);

/* As lan_hooks. */
int meet_may_plain(struct ear *ear, const char *address);
int meet_keyed(struct ear *ear, struct link *link, const unsigned char *der, size_t length,
	       const char **text);
bool meet_is_met(struct ear *ear, const struct link *link);
bool meet_is_theirs(struct ear *ear, const struct link *link, const char *address);

/* Whether a stream with that peer can be expected to be encrypted. */
bool meet_may_be_keyed(struct ear *ear, const char *address);

/* A keyed link is up. */
void meet_up(struct ear *ear, struct link *link);

/* A peer is announced, or announced otherwise. */
void meet_announced(struct ear *ear, const struct peer *peer);

/* Somebody sends to that JID: its keys may tell that it is in earshot. */
void meet_seek(struct ear *ear, const char *jid);

/* Looks at everything again, from the event loop. */
void meet_soon(struct ear *ear);

/* The same after so many microseconds. */
void meet_later(struct ear *ear, int64_t usec);

/* What that key may do here, as far as its pin says. */
enum ear_level meet_level(struct ear *ear, const struct pin *pin);

/* Whether that JID, which a server has stamped, is on our list. */
bool meet_trusts_jid(struct ear *ear, const char *jid);

#endif
