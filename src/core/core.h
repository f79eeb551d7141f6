/* SPDX-License-Identifier: ISC */
/*
 * core.h: the engine's inside, seen by src/core only (and by the scenario tests, which give it fake
 * links).
 *
 * The life of a stanza in core. IN: link -> on_stanza -> dispatch_in: an answer goes to its
 * request; one for us walks the extensions' rules; one from a program of this machine for somebody
 * else goes to route_out. OUT: route_out finds the destination, takes its shortest usable path,
 * stamps the address that the destination has there, and hands it to the link. FAIL: what a dying
 * link gives back goes through route_out again without that path; what no path takes is answered
 * with one error (route_bounce).
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <sys/socket.h>

#include <earshot/ear.h>

#include "base/conf.h"
#include "base/list.h"
#include "base/map.h"
#include "core/dest.h"
#include "core/metrics.h"
#include "discover/mdns.h"
#include "discover/peers.h"
#include "link/link.h"
#include "wire/ids.h"

struct netwatch;

/* What the engine around core knows of itself, for ear_diagnose(). Borrowed. */
struct core_facts {
	unsigned port;        /* of direct streams; 0: none listens */
	size_t streams;       /* direct ones, whoever opened them and known or not */
	const char *instance; /* as published by mDNS; NULL: not yet */
	const char *mdns;     /* "daemon", "embedded"; NULL: no mDNS */
	bool mdns_fails;
	const char *mdns_text;          /* what it said last, "" */
	const struct netwatch *network; /* the addresses of this machine; NULL: not known */
	enum mdns_trouble mdns_trouble;
	char renamed[128];       /* the name that we wanted and somebody else has; "" */
	struct event_base *base; /* NULL: no sockets here */
};

/* What became of a look-up: addresses without port; count 0: text says why there are none. */
typedef void core_found_fn(void *arg, const struct sockaddr_storage *addresses, size_t count,
			   const char *text);

/* How core reaches the LAN and the programs of this machine: the real links, or a test's. */
struct core_reach {
	struct link *(*lan_open)(void *arg, const char *address); /* NULL: nowhere to dial */
	struct link *(*lan_find)(void *arg, const char *address);
	void (*lan_recheck)(void *arg, const char *address);
	struct link *(*local_find)(void *arg, const char *address);
	const char *(*server_failure)(void *arg);
	/* As lan_export and lan_refuse. */
	int (*lan_export)(void *arg, struct link *link, const char *label, unsigned char *out,
			  size_t length);
	void (*lan_refuse)(void *arg, struct link *link, int error, const char *text);
	/* Our key or certificate is another one from now on. */
	void (*identity_changed)(void *arg);
	/* Looks up a host name; fn runs once, from the event loop. May be NULL: nobody can. */
	void (*find_host)(void *arg, const char *host, core_found_fn *fn, void *fn_arg);
	/* As server_trouble, server_ask, server_owes; NULL where there is nothing to be asked. */
	const char *(*server_trouble)(void *arg, char *out, size_t size);
	void (*server_ask)(void *arg);
	bool (*server_owes)(void *arg);
	void (*describe)(void *arg, struct core_facts *facts); /* may be NULL: there is no more */
};

struct answers;
struct ear_store;
struct identity;
struct kept;
struct pins;
struct seen;
struct sent;

struct ear {
	struct ear_clock *clock;
	const struct conf *conf;
	const struct ear_xep *const *xeps;
	void **xep_states;
	size_t started;    /* of xeps: those that may be stopped */
	struct pool *pool; /* of ctx */
	xmpp_ctx_t *ctx;
	const struct core_reach *reach;
	void *reach_arg;
	struct link *server; /* NULL: none configured */
	struct ear_player *player;
	struct post *post; /* post.c: messages that outlive us; NULL: none do */
	struct peers *peers;
	struct dests dests;
	struct identity *identity;
	struct pins *pins;
	struct map *vouches;  /* bare JID -> struct vouch: which keys its server publishes */
	struct map *meetings; /* key and LAN address -> struct meeting: which keys were shown */
	struct map *told;     /* LAN address -> struct told: where its engine says that it is */
	struct map *names;    /* host name -> struct name: where configured peers are */
	struct map *hints;    /* LAN address -> struct hint: whose key it announces */
	struct ear_timer settle;
	int64_t seek_at, seek_wait; /* when strangers are looked for again, and then after that */
	int64_t seek_begun;         /* when that began anew; 0: never */
	unsigned long long lists_serial; /* of the last list of keys that is another one */
	unsigned long long lists_told;   /* of the last one that watchers were told of */
	int64_t asks_at;                 /* lists may be asked for: so many at that time */
	unsigned asks_left;
	ear_fetch_devices_fn *fetch;
	void *fetch_arg;
	struct metrics metrics;
	struct ids ids;                     /* for requests */
	struct map *requests;               /* id -> struct request */
	struct map *programs;               /* full address -> struct program */
	struct sent *sent;                  /* sent.c: which program sent which message */
	struct seen *seen, *seen_strangers; /* which stanzas have come: of those who proved who they
					       are, of others */
	struct answers *answers;            /* and what was answered */
	struct kept *kept;                  /* keep.c: what extensions remember */
	struct ear_timer keep_pause;        /* of its file, after it was written */
	struct ear_store *store;            /* storage.c; NULL: [store] kind = none */
	char *store_secret;                 /* of its database; NULL: none */
	char clock_id[17];                  /* names our clock to others (expires.h) */
	struct list holds;
	struct list watchers;
	char *self_lan, *self_server;
	struct ear_timer naming; /* while it is set, our LAN name is still to be established */
	char caps_ver[64];
	bool telling; /* inside core_tell */
	bool stopping;
};

/* The part of the engine that needs no socket. conf, clock, xeps and reach are borrowed. */
struct ear *core_new(struct ear_clock *clock, const struct conf *conf,
		     const struct ear_xep *const *xeps, const struct core_reach *reach,
		     void *reach_arg);

/* Starts the extensions. 0 or the first one's -errno, its name in *failed. */
int core_start(struct ear *ear, const char **failed);

/* Stops the extensions, ends requests (-ECANCELED) and holds. The links still work during this. */
void core_stop(struct ear *ear);

/* Frees what core_new made. */
void core_free(struct ear *ear);

/* Our address on the LAN and for programs, once known; after a collision again. */
void core_set_self_lan(struct ear *ear, const char *address);

/* Our LAN name is being established, without which nobody on the LAN listens to us: for so long at
 * most stanzas for the LAN wait. 0: it is. */
void core_set_naming(struct ear *ear, int64_t usec);

/* Whether the bare address is one of ours on any link. */
bool core_is_self(const struct ear *ear, const char *address);
/* The same of an address that is canonical, whole and without its resource. */
bool core_is_self_canonical(const struct ear *ear, const char *full, const char *bare);

/* What every link tells core. owner is the struct ear. */
extern const struct link_events core_link_events;

/* What the table of peers tells core. arg is the struct ear. */
extern const struct peers_events core_peers_events;

/* Lets the extensions stamp a stanza of this engine itself (ear_xep.outgoing). */
void core_stamp(struct ear *ear, xmpp_stanza_t *stanza);

/* The link that serial names, while it lives and takes stanzas; peer is its peer's address. */
struct link *core_link(struct ear *ear, enum ear_link_kind kind, const char *peer,
		       unsigned long long serial);

/* Hands the stanza to that very link, as link_send, and counts it. */
int core_send(struct ear *ear, struct link *link, xmpp_stanza_t *stanza);

/* Nobody watches any more. */
void core_unwatch_all(struct ear *ear);

/* Tells everyone who watches. */
void core_tell(struct ear *ear, enum ear_event_kind kind, const char *address,
	       enum ear_link_kind link);

#endif
