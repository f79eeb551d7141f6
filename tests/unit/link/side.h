/* SPDX-License-Identifier: ISC */
/* side.h: for tests of links: a loop, one end of a LAN with a memory, and raw peers on sockets. */
#ifndef TEST_SIDE_H
#define TEST_SIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "link/lan.h"
#include "tests/unit/link/tls_kit.h"

struct event_base;

#define SIDE_MAX 4096 /* things that are remembered of each kind */

struct net {
	struct event_base *base;
	struct ear_clock *clock;
	xmpp_ctx_t *ctx;
	bool fake;
};

void net_init(struct net *net, bool fake_clock);
void net_release(struct net *net);
/* One turn of the loop without waiting; a fake clock goes on by 10 us. */
void net_turn(struct net *net);
/* Turns until condition(arg), at most 10 s of real time; false: it never came true. */
bool net_until(struct net *net, bool (*condition)(void *arg), void *arg);
/* Turns for a while in which something must not happen; a fake clock goes no faster than the real
 * one. */
void net_for(struct net *net, int msec);

struct given_back {
	char *body, *to, *from;
	bool maybe;
};

struct side {
	struct net *net;
	struct lan *lan;
	const char *self;
	/* What the hooks say. */
	int identify_rc;       /* 0: the claim is right */
	const char *by_source; /* address of one that says nothing; NULL: -EAGAIN */
	struct dial_target targets[DIAL_TARGETS_MAX];
	size_t target_count;
	bool features;
	bool secure;        /* its targets are announced as speaking STARTTLS */
	int plain_rc;       /* whether one may go without TLS */
	int keyed_rc;       /* whether a key is good */
	bool met;           /* stanzas may go before it has confirmed */
	const char *jid;    /* that a good key is said to belong to */
	const char *ours;   /* another address of ours */
	const char *theirs; /* another address of the other end */
	struct tls_id id;   /* with TLS */
	struct tls_peers *tls;
	/* What was told. */
	int keys; /* that were asked for */
	int identified, up, down, error;
	char *text;
	struct link *link; /* the last that was up or identified; NULL once it is down */
	char *bodies[SIDE_MAX];
	size_t body_count;
	char *last; /* the last stanza, whole */
	struct given_back back[SIDE_MAX];
	size_t back_count;
	bool resend;       /* what certainly did not arrive is sent again on a new link */
	bool acks;         /* whether the link had them when it was up */
	int silent, heard; /* how often a link fell silent, and was heard again */
	int acked;         /* questions that were answered, and how long the last one took */
	int64_t rtt;
	int refuse_up;       /* links are refused for that when they come up */
	const char *answers; /* body of a message that answers each that comes */
	const char *stale;   /* body of one that is of no use any more */
};

void side_init(struct side *side, struct net *net, const char *self, int64_t idle_usec);
/* The same with a key of its own. */
void side_init_tls(struct side *side, struct net *net, const char *self);
void side_release(struct side *side);
/* Where others are found: another side, or a port on loopback. */
void side_add_target(struct side *side, const char *host, unsigned port);
/* A message with that body; the link's word. */
int side_send(struct side *side, struct link *link, const char *to, const char *body);

/* A raw peer. */
struct raw {
	struct net *net;
	int fd, listener;
	unsigned port;
	char *got;
	size_t length;
	bool eof, reset;
	struct tls *tls; /* NULL: in plain */
	struct evbuffer *wire, *plain;
};

void raw_connect(struct raw *raw, struct net *net, unsigned port);
void raw_connect_from(struct raw *raw, struct net *net, const char *host, unsigned port);
void raw_listen(struct raw *raw, struct net *net);
bool raw_accept(struct raw *raw); /* waits for one */
/* One byte at a time. */
void raw_say(struct raw *raw, const char *text);
/* In one piece. */
void raw_say_all(struct raw *raw, const char *text, size_t length);
/* Waits for that text in what came; false: the connection ended or time is over. */
bool raw_expect(struct raw *raw, const char *text);
bool raw_expect_end(struct raw *raw);
/* Whether that text has come. */
bool raw_has(const struct raw *raw, const char *text);
/* From now on in TLS; waits for the end of the handshake. False: it failed. */
bool raw_secure(struct raw *raw, struct tls_peers *peers, bool client);
void raw_forget(struct raw *raw);
void raw_hang_up(struct raw *raw, bool reset);
void raw_release(struct raw *raw);

/* A slow and uneven way to a port: what comes in leaves some turns of the loop later. */
struct relay {
	struct net *net;
	int listener;
	unsigned port, to, seed;
	struct relay_way {
		int from, to;
		char held[65536];
		size_t length;
		bool done;
	} ways[16]; /* both ways of each connection beside each other */
	size_t count;
};

void relay_init(struct relay *relay, struct net *net, unsigned to, unsigned seed);
void relay_turn(struct relay *relay);
void relay_release(struct relay *relay);

#define RAW_STREAM                                                                                 \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"

#endif
