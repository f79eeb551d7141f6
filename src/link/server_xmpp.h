/* SPDX-License-Identifier: ISC */
/*
 * server_xmpp.h: libstrophe's connection, kept away from the network. It speaks into one end of a
 * socket pair; what it says and hears passes through evbuffers. Login, resource binding and
 * XEP-0198 are libstrophe's; names, TCP, TLS and waiting are not, because its own would hold the
 * whole program (getaddrinfo and the TLS handshake block), and stanzas are read by server_in.
 */
#ifndef LINK_SERVER_XMPP_H
#define LINK_SERVER_XMPP_H

#include <stdbool.h>
#include <stdint.h>
#include <strophe.h>

struct evbuffer;
struct server_xmpp;

/* Why a stream or a login ended, as the server said it; "" when it did not. */
struct server_reason {
	char condition[64]; /* "not-authorized" */
	char text[256];
};

/* Run inside server_xmpp_pump, which the events must not free. */
struct server_xmpp_events {
	void (*up)(void *arg,
		   const char *jid); /* logged in, as that full address; NULL: as asked */
	void (*stanza)(void *arg, xmpp_stanza_t *stanza); /* borrowed, as it came */
	/* The server has taken everything up to the count-th stanza sent (XEP-0198 §4). */
	void (*acked)(void *arg, uint64_t count);
};

/*
 * numeric: the server's address, which is not connected to. reserve: a descriptor of
 * server_xmpp_reserve, given up here. NULL with error filled: no descriptor under 1024 is left for
 * libstrophe's select().
 */
struct server_xmpp *server_xmpp_new(xmpp_ctx_t *ctx, bool component, const char *jid,
				    const char *secret, const char *numeric, int *reserve,
				    const struct server_xmpp_events *events, void *arg,
				    const char **error);
void server_xmpp_free(struct server_xmpp *xmpp);

/*
 * Lets it read from in, work, and write to out. True: there is more to do at once, in the next turn
 * of the loop.
 */
bool server_xmpp_pump(struct server_xmpp *xmpp, struct evbuffer *in, struct evbuffer *out);

/* Queues one rendered stanza; it leaves with the next pump. Only after up. */
void server_xmpp_send(struct server_xmpp *xmpp, const char *text, size_t length);

/* Stanzas sent since up. */
uint64_t server_xmpp_sent(const struct server_xmpp *xmpp);

/* The stream has ended: no pump after that. */
bool server_xmpp_is_over(const struct server_xmpp *xmpp);

/* Why: a text without a condition is of our own making. */
const struct server_reason *server_xmpp_reason(const struct server_xmpp *xmpp);

/* Reads a stream error or SASL failure. */
void server_reason_take(struct server_reason *reason, xmpp_stanza_t *error);

/* A descriptor below 1024, close-on-exec, to be given up for libstrophe's; -1: none is left. */
int server_xmpp_reserve(void);

#endif
