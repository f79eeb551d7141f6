/* SPDX-License-Identifier: ISC */
/*
 * server_impl.h: the parts of the server link: server.c its life, server_net.c the way to the
 * server, server_queue.c what is sent and whether it arrived, server_edge.c addresses,
 * server_network.c what a change of our own network means for it.
 */
#ifndef LINK_SERVER_IMPL_H
#define LINK_SERVER_IMPL_H

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/list.h"
#include "base/timer.h"
#include "link/dial.h"
#include "link/io.h"
#include "link/server.h"
#include "link/server_dns.h"
#include "link/server_xmpp.h"
#include "link/tls.h"
#include "wire/reader.h"

#define SERVER_PATIENCE    (15 * EAR_SEC) /* for names, for a connection, for a login */
#define SERVER_IMPATIENCE  (5 * EAR_SEC)  /* for a connection while there is a worse server */
#define SERVER_QUEUE_MAX   1024
#define SERVER_QUEUE_BYTES (1024 * 1024)
#define SERVER_SEND_MAX    (256 * 1024) /* bytes of one stanza */
#define SERVER_TEXT_SIZE   512

enum server_phase {
	SERVER_WAITING,    /* for the next try */
	SERVER_RESOLVING,  /* the host's name */
	SERVER_CONNECTING, /* TCP to the targets */
	SERVER_STARTTLS,   /* asking for TLS in the clear, RFC 6120 §5 */
	SERVER_TLS,        /* its handshake */
	SERVER_LOGIN,      /* libstrophe is at work */
	SERVER_UP,
	SERVER_CLOSING, /* our end tag is out */
	SERVER_CLOSED,  /* asked to stay down */
};

/* A stanza on its way, and as it goes on the wire. */
struct server_item {
	struct list entry;
	xmpp_stanza_t *stanza;
	char *text;
	size_t length;
	uint64_t number; /* in the server's count, once sent */
	int64_t at;      /* when it came */
};

struct server_items {
	struct list items; /* oldest first */
	size_t count, bytes;
};

struct server {
	struct link link;
	struct event_base *base;
	struct ear_clock *clock;
	xmpp_ctx_t *ctx;
	bool component, tls_optional;
	char *jid; /* canonical, with a resource that stays for the life of this process */
	char *domain;
	char *host, *secret, *ca_file;
	unsigned port;
	enum server_phase phase;
	bool goodbye;      /* asked to close while up: says so at the end of the turn */
	bool ending;       /* being freed: nobody is told of anything */
	unsigned failures; /* in a row */
	int64_t up_at;
	char failure[SERVER_TEXT_SIZE];
	int error;                   /* of that failure */
	enum server_phase failed_in; /* where it had come to */
	struct ear_timer retry, deadline;
	int64_t retry_at;           /* when that runs */
	int64_t tried_at;           /* when the last try began */
	const struct netwatch *net; /* borrowed; NULL: none */
	struct event *turn; /* runs at the end of the turn of the loop in which it is made active */

	/* server_net.c */
	struct server_dns *dns;
	struct server_target targets[SERVER_TARGETS_MAX];
	size_t target_count, target; /* the first that is not in the dial */
	struct dial *dial;           /* those of one priority; NULL: none was begun */
	char numeric[64];            /* the address in use, or that was tried last */
	char where[80];              /* it, as address:port */
	bool plain;                  /* this server has no TLS, and that is allowed */
	struct io *io;
	struct tls *tls;
	struct reader *reader;                 /* until TLS */
	struct server_reason reason;           /* of a stream error before TLS */
	struct evbuffer *wire_in;              /* before TLS took it */
	struct evbuffer *plain_in, *plain_out; /* libstrophe's side */
	struct server_xmpp *xmpp;
	int reserve; /* a descriptor below 1024, kept for libstrophe */

	/* server_queue.c */
	struct server_items queue; /* not yet given to libstrophe */
	struct server_items sent;  /* not yet known to have reached the server */
	struct ear_timer life;
	int64_t heard_at; /* when the last stanza came */
	char ping[17];    /* id of the ping under way, "" none */
	char lost[17];    /* of one before it that may only be late */
	int64_t ping_at;
	uint64_t ping_number;
	bool refusable; /* pings go to an address that the server itself refuses */
	bool shared;    /* somebody else is connected for our domain; said so in the log */
};

/* server.c */
void server_enter(struct server *server, enum server_phase phase);
void server_fail(struct server *server, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void server_is_up(void *arg, const char *jid);
void server_got(void *arg, xmpp_stanza_t *stanza);
/* 1 s doubling to 60 s, of which a random quarter is taken off. */
int64_t server_backoff(unsigned failures, uint32_t (*random)(uint32_t max));

/* Tries again then. */
void server_retry_in(struct server *server, int64_t usec);

/* server_net.c */
void server_net_open(struct server *server);
void server_net_close(struct server *server);
/* The connection is of no use: the next address, or none. */
void server_net_failed(struct server *server, int error);
/* Lets bytes flow between libstrophe and the network. */
void server_net_pump(struct server *server);
/* Ends the stream and hands to the kernel what it takes. */
void server_net_bye(struct server *server);
void server_net_release(struct server *server);

/* server_queue.c */
void server_queue_init(struct server *server);
int server_queue_add(struct server *server, xmpp_stanza_t *stanza);
/* Gives to libstrophe as much as may be under way. */
void server_queue_flush(struct server *server);
size_t server_queue_unacked(const struct link *link);
void server_queue_up(struct server *server);
void server_queue_acked(void *arg, uint64_t number);
/* Whether it is the answer to our ping: nobody else's business. As it came. */
bool server_queue_is_pong(struct server *server, xmpp_stanza_t *stanza);
/* Sends a ping, unless one is under way. */
void server_queue_ask(struct server *server);
/* undelivered for everything, oldest first. */
void server_queue_give_back(struct server *server);
void server_queue_release(struct server *server);

/* server_edge.c */
/* Writes a stanza as this server wants it. -EMSGSIZE; -EINVAL: a component's without a `to`. */
int server_edge_out(struct server *server, xmpp_stanza_t *stanza, struct evbuffer *out);
/* Makes `from` canonical. False: the stanza is to be dropped; said so in the log. */
bool server_edge_in(struct server *server, xmpp_stanza_t *stanza);

#endif
