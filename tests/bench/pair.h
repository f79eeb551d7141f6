/* SPDX-License-Identifier: ISC */
/* pair.h: the lan link alone, without the rest of the engine, as one end of a direct stream. */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include "link/lan.h"

struct event_base;
struct ear_clock;
struct tls_peers;

#define PAIR_PORT_ANY 0

/* One end. Its peers are whoever they say they are; what it dials is on loopback. */
struct pair {
	struct event_base *base;
	struct ear_clock *clock;
	struct pool *pool;
	xmpp_ctx_t *ctx;
	struct lan *lan;
	struct tls_peers *tls; /* set before; NULL: in plain */
	unsigned peer_port;    /* where lan_open goes */
	size_t up, down;       /* links that came up, that died */
	size_t stanzas;        /* that arrived */
	/* May be NULL. stanza is borrowed. */
	void (*on_stanza)(struct pair *pair, struct link *link, xmpp_stanza_t *stanza);
	void *arg;
};

/* Listens as that instance ("bench@alpha"), or bench_die. */
void pair_open(struct pair *pair, const char *instance, unsigned port);
void pair_close(struct pair *pair);

/* Another one in the same event loop, as another instance and on a port of its own. */
void pair_open_beside(struct pair *pair, const struct pair *first, const char *instance);

#endif
