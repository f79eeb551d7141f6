/* SPDX-License-Identifier: ISC */
/* server.c: the server link: its states, its failures, and when it tries again. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>
#include <earshot/log.h>

#include "base/alloc.h"
#include "link/server_impl.h"

#define BACKOFF_MIN EAR_SEC
#define BACKOFF_MAX (60 * EAR_SEC)
#define STEADY      (30 * EAR_SEC) /* up that long: what failed before is forgotten */
#define CLOSE_WAIT  (2 * EAR_SEC)  /* for the server's end tag */

static const char *
phase_name(enum server_phase phase)
{
	switch (phase) {
	case SERVER_WAITING:
		return "waiting";
	case SERVER_RESOLVING:
		return "resolving";
	case SERVER_CONNECTING:
		return "connecting";
	case SERVER_STARTTLS:
		return "starttls";
	case SERVER_TLS:
		return "tls";
	case SERVER_LOGIN:
		return "login";
	case SERVER_UP:
		return "up";
	case SERVER_CLOSING:
		return "closing";
	case SERVER_CLOSED:
		return "closed";
	}
	return "?";
}

void
server_enter(struct server *server, enum server_phase phase)
{
	if (phase != server->phase)
		ear_debug("%s: server: %s -> %s", server->link.peer, phase_name(server->phase),
			  phase_name(phase));
	server->phase = phase;
}

int64_t
server_backoff(unsigned failures, uint32_t (*random)(uint32_t max))
{
	unsigned doublings = failures > 1 ? failures - 1 : 0;
	int64_t wait = doublings >= 6 ? BACKOFF_MAX : BACKOFF_MIN << doublings;

	return wait - random((uint32_t)(wait / 4));
}

static void
on_retry(void *arg)
{
	struct server *server = arg;

	link_enter(&server->link, LINK_OPENING);
	server_net_open(server);
}

void
server_retry_in(struct server *server, int64_t usec)
{
	server->retry_at = ear_now(server->clock) + usec;
	ear_timer_set(&server->retry, usec);
}

void
server_fail(struct server *server, int error, const char *format, ...)
{
	bool closing = server->link.state == LINK_CLOSING;
	va_list args;

	va_start(args, format);
	vsnprintf(server->failure, sizeof(server->failure), format, args);
	va_end(args);
	server->error = error;
	server->failed_in = server->phase;
	if (server->phase == SERVER_UP && ear_now(server->clock) - server->up_at >= STEADY)
		server->failures = 0;
	server_net_close(server);
	server_enter(server, closing ? SERVER_CLOSED : SERVER_WAITING);
	link_enter(&server->link, LINK_DOWN);
	server_queue_give_back(server);
	if (!closing)
		server_retry_in(server, server_backoff(++server->failures, server_random));
	server->link.events->down(server->link.owner, &server->link, error, server->failure);
}

/* --- libstrophe's events ------------------------------------------------------------------ */

void
server_is_up(void *arg, const char *jid)
{
	struct server *server = arg;
	char canonical[EAR_JID_SIZE];

	if (server->link.state == LINK_CLOSING)
		return;
	ear_timer_stop(&server->deadline);
	if (jid != NULL && ear_jid_prep(jid, canonical, sizeof(canonical)) == 0)
		xreplace(&server->link.self, canonical);
	server->up_at = ear_now(server->clock);
	server_enter(server, SERVER_UP);
	link_enter(&server->link, LINK_UP);
	server_queue_up(server);
	event_active(server->turn, EV_WRITE, 0);
	server->link.events->up(server->link.owner, &server->link);
}

void
server_got(void *arg, xmpp_stanza_t *stanza)
{
	struct server *server = arg;

	if (!server_queue_is_pong(server, stanza) && server_edge_in(server, stanza))
		server->link.events->stanza(server->link.owner, &server->link, stanza);
}

/* --- operations --------------------------------------------------------------------------- */

/* The end of the turn: everything that was sent in it goes out together. */
static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	if (server->link.state == LINK_CLOSING && !server->goodbye) {
		server_fail(server, 0, "closed");
		return;
	}
	if (server->phase == SERVER_UP)
		server_queue_flush(server);
	if (server->phase == SERVER_UP && server->goodbye) {
		server_net_bye(server);
		ear_timer_set(&server->deadline, CLOSE_WAIT);
		server_enter(server, SERVER_CLOSING);
		return;
	}
	server_net_pump(server);
}

static int
on_send(struct link *link, xmpp_stanza_t *stanza)
{
	struct server *server = container_of(link, struct server, link);
	int error;

	if (link->state != LINK_UP && link->state != LINK_OPENING)
		return -ENOTCONN;
	error = server_queue_add(server, stanza);
	if (error == 0 && server->phase == SERVER_UP)
		event_active(server->turn, EV_WRITE, 0);
	return error;
}

static void
on_close(struct link *link)
{
	struct server *server = container_of(link, struct server, link);

	if (link->state == LINK_CLOSING || server->phase == SERVER_CLOSED)
		return;
	ear_timer_stop(&server->retry);
	ear_timer_stop(&server->deadline);
	server->goodbye = server->phase == SERVER_UP;
	link_enter(link, LINK_CLOSING);
	event_active(server->turn, EV_WRITE, 0);
}

/* --- making and freeing ------------------------------------------------------------------- */

/*
 * An account's resource stays the same over reconnects, so that the server ends the session that
 * it still holds for us (RFC 6120 §7.7.2.2).
 */
static void
set_address(struct server *server, const char *jid)
{
	char canonical[EAR_JID_SIZE];
	struct ear_jid parts;

	if (ear_jid_prep(jid, canonical, sizeof(canonical)) != 0)
		copy_text(canonical, sizeof(canonical),
			  jid); /* the server will say what it thinks */
	if (ear_jid_parse(canonical, &parts) == 0)
		server->domain = xstrndup(parts.domain, parts.domain_len);
	else
		server->domain = xstrdup(canonical);
	if (server->component || ear_jid_resource(canonical) != NULL)
		server->jid = xstrdup(canonical);
	else
		server->jid = xasprintf("%s/earshot-%08x", canonical, server_random(UINT32_MAX));
	server->link.self = xstrdup(server->jid);
	server->link.peer = xstrdup(server->domain);
}

struct link *
server_new(struct event_base *base, struct ear_clock *clock, xmpp_ctx_t *ctx,
	   const struct server_config *config, const struct link_events *events, void *owner)
{
	static const struct link_ops ops = { .send = on_send,
					     .close = on_close,
					     .unacked = server_queue_unacked,
					     .ask = server_ask_life };
	struct server *server = xalloc(sizeof(*server));

	server->base = base;
	server->clock = clock;
	server->ctx = ctx;
	server->component = config->component;
	server->tls_optional = config->tls_optional;
	server->host = xstrdup(config->host);
	server->secret = xstrdup(config->secret);
	server->ca_file = xstrdup(config->ca_file);
	server->port = config->port;
	server->tried_at = INT64_MIN / 2;
	server->reserve = server_xmpp_reserve();
	server->wire_in = evbuffer_new();
	server->plain_in = evbuffer_new();
	server->plain_out = evbuffer_new();
	server->turn = event_new(base, -1, 0, on_turn, server);
	server->dns = server_dns_new(base, clock, config->dns_server);
	link_init(&server->link, &ops, EAR_LINK_SERVER, events, owner);
	server->link.level = EAR_PROVED;
	server->link.earshot = true;
	set_address(server, config->jid);
	server_queue_init(server);
	ear_timer_init(&server->retry, clock, on_retry, server);
	server_net_open(server);
	return &server->link;
}

const char *
server_failure(const struct link *link)
{
	return container_of(link, const struct server, link)->failure;
}

bool
server_has_secret(const struct link *link, const char *secret)
{
	return strcmp(container_of(link, const struct server, link)->secret, secret) == 0;
}

void
server_free(struct link *link)
{
	struct server *server;

	if (link == NULL)
		return;
	server = container_of(link, struct server, link);
	server->ending = true;
	ear_timer_stop(&server->retry);
	if (server->phase == SERVER_UP)
		server_queue_flush(server);
	server_net_release(server);
	server_queue_release(server);
	event_free(server->turn);
	link_release(link);
	if (server->secret != NULL)
		explicit_bzero(server->secret, strlen(server->secret));
	free(server->secret);
	free(server->jid);
	free(server->domain);
	free(server->host);
	free(server->ca_file);
	free(server);
}
