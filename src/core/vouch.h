/* SPDX-License-Identifier: ISC */
/*
 * vouch.h: which keys the servers publish for the addresses that we care about: asked for through
 * an extension (ear_set_fetcher), remembered for a while, and forgotten with the process. What has
 * to last is pinned (trust/pins.h).
 */
#ifndef CORE_VOUCH_H
#define CORE_VOUCH_H

#include "core/core.h"

#define VOUCHES_MAX 256             /* addresses; the longest unasked goes first, ours last */
#define VOUCH_BURST 32              /* lists that others make us ask for; then one a second */
#define VOUCH_FRESH (600 * EAR_SEC) /* a list is asked for again after that */
#define VOUCH_AGAIN (3 * EAR_SEC)   /* one that could not be had, or was without the key, sooner */
#define VOUCH_EMPTY                                                                                \
	(32 * EAR_SEC) /* an empty list of one whom we want is asked for again, more and           \
			   more seldom, until that */
#define VOUCH_EVENT (1 * EAR_SEC) /* whoever says that it has changed; more seldom each time */

enum vouch_word {
	VOUCH_UNKNOWN, /* nobody can be asked */
	VOUCH_ASKING,
	VOUCH_NOBODY, /* the address publishes no keys */
	VOUCH_NO,     /* it publishes keys, not this one */
	VOUCH_YES,
};

/*
 * What the server of that JID says of that key. Asks when it is not known well enough. jid may be
 * full: a device that is published under another resource has that one. out, of EAR_JID_SIZE: with
 * VOUCH_YES the device's own address, full where it is published with a resource.
 */
enum vouch_word vouch_check(struct ear *ear, const char *jid, const struct ear_key *key, char *out);

/* The same without asking. */
enum vouch_word vouch_look(struct ear *ear, const char *jid, const struct ear_key *key, char *out);

/* Has the list of that address asked for, unless it was told within so many microseconds. For those
 * that configuration names or that somebody here sends to: it is asked for whatever others want. */
void vouch_want(struct ear *ear, const char *jid, int64_t age);

/* The first list that has become another one since that serial, which is moved on to it; out, of
 * EAR_JID_SIZE: whose it is. False: none has. */
bool vouch_news(struct ear *ear, unsigned long long *since, char *out);

/* Calls fn for each device in the lists that have changed since that serial (ear->lists_serial);
 * true from it ends the walk. */
bool vouch_each(struct ear *ear, unsigned long long since,
		bool (*fn)(void *arg, const char *jid, const struct ear_key *key), void *arg);

/* Who publishes that key, as far as we know: first those that vouch_want has asked for. Returns how
 * many. */
size_t vouch_jids(struct ear *ear, const struct ear_key *key, char (*out)[EAR_JID_SIZE],
		  size_t max);

/* The name that the device gives itself, "" when none. */
const char *vouch_name(struct ear *ear, const char *jid, const struct ear_key *key);

/* Asks for lists that have changed. False: one has, but was asked for just now. */
bool vouch_renew(struct ear *ear);

/* The server link is up again: whatever could not be asked can be. */
void vouch_retry(struct ear *ear);

void vouch_release(struct ear *ear);

#endif
