/* SPDX-License-Identifier: ISC */
/* client.h: an XMPP client of the engine, over the local link (src/link/local.h): no SASL, no
 * binding; the header that answers ours says who we are. */
#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H

#include <stdbool.h>
#include <strophe.h>

struct event_base;
struct client;

/* All run from the event loop. */
struct client_events {
	void (*up)(void *arg);
	/* stanza is borrowed: an answer, a message, an error. */
	void (*stanza)(void *arg, xmpp_stanza_t *stanza);
	/* The engine left, or made no sense; why is for people. Nothing follows. */
	void (*down)(void *arg, bool nonsense, const char *why);
};

/* Takes the connected descriptor over and begins the stream. */
struct client *client_new(struct event_base *base, xmpp_ctx_t *ctx, int fd,
			  const struct client_events *events, void *arg);

/* Our full address; NULL before up(). */
const char *client_address(const struct client *client);

/* Queues a stanza and consumes it. -EMSGSIZE: too large; -ENOTCONN: the engine left. */
int client_send(struct client *client, xmpp_stanza_t *stanza);

/* Ends the stream, closes the descriptor, frees; not from inside an event. */
void client_free(struct client *client);

/* Connects to the socket of a daemon: the descriptor, or -errno. */
int client_connect(const char *path);

#endif
