/* SPDX-License-Identifier: ISC */
/* dest.h: destinations: everybody we send to, under all addresses that one device is known by, with
 * its paths. */
#ifndef CORE_DEST_H
#define CORE_DEST_H

#include "base/conf.h"
#include "base/list.h"
#include "base/map.h"
#include "core/expires.h"
#include "core/path.h"
#include "core/queue.h"

#define DESTS_MAX 4096 /* the longest unused one goes first */
/* Of what waits for a path, and of what waits for its receipt; past it the sender is told. */
#define DEST_WAITING_MAX   4096
#define DEST_WAITING_BYTES (1024 * 1024)
#define DEST_WAITING_USEC  (30 * EAR_SEC)
#define DEST_RETURNED_MAX  4096 /* stanzas that links gave back: more than a link holds */

struct ear;

/* The messages of one sender to one destination, as he counts them. */
struct order {
	char id[17]; /* of that count; "": none */
	int64_t last;
};

struct dest {
	struct list all; /* oldest use first */
	struct ear *ear;
	char *lan; /* canonical bare LAN address, NULL: not on the LAN */
	char *jid; /* what the server path sends to when the sender wrote the LAN address; NULL: not
		      behind a server */
	bool sole; /* known by that alone, its lan or else its jid: was never given another */
	const struct conf_peer *conf; /* its [peer] section, or NULL */
	bool bound; /* lan and jid are one device because of its key, not by configuration */
	struct ear_key key; /* while bound: the only one that a stream to lan may have */
	int refused;        /* -errno: why the last stream to lan was not good enough; 0 */
	bool compared;      /* the LAN path was chosen or not on what was measured of it */
	bool trusted;       /* on our list: its stream is kept warm */
	struct path by_lan, by_server;
	struct path *chosen; /* NULL: no choice made yet */
	const char *why;
	int64_t active_until; /* probed until then: it was sent something lately */
	struct ear_timer probe;
	bool remembers;    /* the other end drops what it has had: what may have arrived may be sent
			      again */
	struct queue owed; /* left by the server; whether they arrived is not known */
	unsigned unreceipted;  /* how often all of that was sent again for want of a receipt */
	struct queue returned; /* a link gave them back; older than what waits */
	struct queue waiting;  /* held back until the old path is empty, or there is one */
	struct ear_timer flush;
	bool switching;
	bool flushing; /* what waits is leaving: what is sent meanwhile goes behind it */
	bool silent;   /* its stream does not acknowledge; there was no other path */
	int64_t leave_until;
	bool leaving; /* a switch goes on when the old link has given back what it holds */
	struct order sent, handled; /* by us, of his (receive.h) */
	struct age age;             /* of what it sends: see expires.h */
};

struct dests {
	struct map *by_address; /* lan, bare jid, configured full jid -> struct dest */
	struct list all;
	size_t count;
	unsigned walking; /* somebody walks `all`: nobody moves in it or leaves it */
};

void dests_init(struct ear *ear);
void dests_release(struct ear *ear);

/* The destination of an address; made when it is new. NULL: no address. */
struct dest *dest_get(struct ear *ear, const char *address);

/* The same, only if it is there. */
struct dest *dest_find(struct ear *ear, const char *address);
/* The same by its canonical forms, whole and without its resource. */
struct dest *dest_find_canonical(struct ear *ear, const char *full, const char *bare);

/* Both canonical forms (EAR_JID_SIZE each) by one preparation, or none: RFC 7622 §3. Returns 0 or
 * what ear_jid_prep() does. */
int dest_forms(const struct ear *ear, const char *address, char *full, char *bare);

/* Calls fn for each destination. fn may send, and so make new ones. */
void dests_each(struct ear *ear, void (*fn)(struct dest *dest, void *arg), void *arg);

/*
 * The device of that key is at that LAN address and is known by these JIDs (canonical, full where
 * it has a resource; the first is where its server path leads): one destination from now on. No
 * walk over all destinations may be under way.
 */
struct dest *dest_bind(struct ear *ear, const char *lan, const struct ear_key *key,
		       const char *const *jids, size_t count);

/* The one that is bound to that key, or NULL. */
struct dest *dest_of_key(struct ear *ear, const struct ear_key *key);

/* Who is announced at that LAN address has come or gone: its account may mean another device now.
 * As dest_bind. */
void dest_settle(struct ear *ear, const char *lan);

/* That is over: its JIDs are not reached over the LAN any more. */
void dest_unbind(struct dest *dest);

/* Whether two addresses are the same device, as far as configuration or keys say, or equal. */
bool dest_is_same(struct ear *ear, const char *a, const char *b);

/* Its path by that kind of link, or NULL. */
struct path *dest_path(struct dest *dest, enum ear_link_kind kind);

/* What people call it: its LAN address, else its JID. */
const char *dest_name(const struct dest *dest);

/* Whether stanzas for it wait. */
bool dest_is_waiting(const struct dest *dest);

/* Whether a stream to it is kept open and watched also when nothing is sent. */
bool dest_is_warm(const struct dest *dest);

#endif
