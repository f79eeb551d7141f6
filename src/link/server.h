/* SPDX-License-Identifier: ISC */
/* server.h: the connection to an XMPP server, as XEP-0114 component or as account (RFC 6120), by
 * libstrophe. */
#ifndef LINK_SERVER_H
#define LINK_SERVER_H

#include "link/link.h"

struct event_base;
struct ear_clock;
struct netwatch;

struct server_config {
	bool component;
	const char *jid;  /* component: domain; account: user@domain[/resource] */
	const char *host; /* NULL: SRV of the domain (account), 127.0.0.1 (component) */
	unsigned port;    /* 0: 5275 for a component, SRV or 5222 for an account */
	const char
		*secret; /* component secret or password; copied, wiped when freed, never logged */
	const char *ca_file; /* NULL: the system's */
	bool tls_optional; /* account: go on without TLS where the server has none (loopback servers
			      only) */
	const char *dns_server; /* NULL: the system's; "address:port" for tests */
};

/*
 * Starts connecting; keeps at it with jittered back-off (1 s doubling to 60 s). The link lives
 * until server_free; after down() its state is LINK_OPENING again when the next try begins. peer =
 * the server's domain, self = our address.
 */
struct link *server_new(struct event_base *base, struct ear_clock *clock, xmpp_ctx_t *ctx,
			const struct server_config *config, const struct link_events *events,
			void *owner);

/* Why the last connection ended or failed, for people ("" when it never did). */
const char *server_failure(const struct link *link);

/* As lan_watch_network. */
void server_watch_network(struct link *link, const struct netwatch *net);

/*
 * A connection from an address that is gone ends at once, with -ENETDOWN, and the next try does not
 * wait, nor does it when something became better; more often than once a second it is not tried for
 * that. Only from the event loop.
 */
void server_network_changed(struct link *link, bool better);

/* The server is asked for a sign of life at once. Only from the event loop. */
void server_ask_life(struct link *link);

/* Whether it still owes that. */
bool server_owes(const struct link *link);

/*
 * What keeps it from being up: the text into out (that of the last failure, or what it waits for),
 * and what may help, static.
 */
const char *server_trouble(const struct link *link, char *out, size_t size);

/* Whether it was made with that secret. */
bool server_has_secret(const struct link *link, const char *secret);

/* Closes (</stream:stream>) and frees; no event runs. */
void server_free(struct link *link);

#endif
