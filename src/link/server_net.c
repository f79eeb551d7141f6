/* SPDX-License-Identifier: ISC */
/*
 * server_net.c: the way to the server: its addresses, TCP, STARTTLS, TLS; then bytes between the
 * network and libstrophe. Nothing here waits: a name server or a server that says nothing is left
 * to the timer.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/server_impl.h"
#include "wire/writer.h"

#define NS_TLS         "urn:ietf:params:xml:ns:xmpp-tls"
#define PORT_CLIENT    5222
#define PORT_COMPONENT 5275
#define KEEPALIVE_MSEC 30000
#define DEAD_MSEC      10000 /* unacknowledged that long: the way is cut */
#define READ_AHEAD_MAX (256 * 1024)

_Static_assert(SERVER_TARGETS_MAX <= DIAL_TARGETS_MAX, "a dial takes all");

/* What the STARTTLS stream has told. */
enum starttls {
	STARTTLS_GO_ON = 0,
	STARTTLS_PROCEED,
	STARTTLS_NONE, /* not offered */
	STARTTLS_REFUSED,
	STARTTLS_ERROR, /* the stream ended with one: see `reason` */
};

static void drop_connection(struct server *server);

/* --- bytes -------------------------------------------------------------------------------- */

/* What libstrophe said, encrypted where it has to be, to the socket's buffer. */
static int
push(struct server *server)
{
	if (server->tls != NULL)
		return tls_seal(server->tls, server->plain_out, io_out(server->io));
	evbuffer_add_buffer(io_out(server->io), server->plain_out);
	return 0;
}

static void
tell_over(struct server *server, const struct server_reason *reason)
{
	const char *condition = reason->condition, *text = reason->text;

	if (server->phase == SERVER_CLOSING)
		server_fail(server, 0, "closed");
	else if (strcmp(condition, "not-authorized") == 0 && server->component)
		server_fail(server, -EACCES, "component secret refused by %s: check secret-file",
			    server->where);
	else if (strcmp(condition, "not-authorized") == 0)
		server_fail(server, -EACCES, "password for %s refused by %s: check secret-file",
			    server->jid, server->where);
	else if (strcmp(condition, "host-unknown") == 0)
		server_fail(server, -ENOENT, "%s does not know %s (host-unknown): check jid",
			    server->where, server->domain);
	else if (strcmp(condition, "conflict") == 0)
		server_fail(server, -EADDRINUSE, "%s: somebody else is connected as %s (conflict)",
			    server->where, server->link.self);
	else if (condition[0] != '\0')
		server_fail(server, -ECONNABORTED, "%s ended the stream: %s%s%s", server->where,
			    condition, text[0] != '\0' ? ": " : "", text);
	else if (text[0] != '\0')
		server_fail(server, -EPROTONOSUPPORT, "%s: %s", server->where, text);
	else
		server_fail(server, -ECONNRESET, "%s closed the connection", server->where);
}

void
server_net_pump(struct server *server)
{
	bool more;

	if (server->xmpp == NULL)
		return;
	more = server_xmpp_pump(server->xmpp, server->plain_in, server->plain_out);
	if (server->io == NULL)
		return;
	if (push(server) != 0) {
		server_fail(server, -EPROTO, "%s: TLS: %s", server->where,
			    tls_failure(server->tls));
		return;
	}
	if (server_xmpp_is_over(server->xmpp)) {
		tell_over(server, server_xmpp_reason(server->xmpp));
		return;
	}
	if (more)
		event_active(server->turn, EV_WRITE, 0);
	io_read(server->io, evbuffer_get_length(server->plain_in) < READ_AHEAD_MAX);
	/* Not behind what others still have to do in this turn. */
	io_flush(server->io);
}

/* --- login -------------------------------------------------------------------------------- */

static void
start_login(struct server *server)
{
	static const struct server_xmpp_events events = { .up = server_is_up,
							  .stanza = server_got,
							  .acked = server_queue_acked };
	const char *error;

	server->xmpp = server_xmpp_new(server->ctx, server->component, server->jid, server->secret,
				       server->numeric, &server->reserve, &events, server, &error);
	if (server->xmpp == NULL) {
		server_fail(server, -EMFILE, "%s", error);
		return;
	}
	server_enter(server, SERVER_LOGIN);
	server_net_pump(server);
}

/* --- STARTTLS, RFC 6120 §5 ---------------------------------------------------------------- */

static int
on_header(void *arg, const struct reader_header *header)
{
	return STARTTLS_GO_ON;
}

static int
on_clear_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct server *server = arg;
	static const char ask[] = "<starttls xmlns='" NS_TLS "'/>";

	if (ear_is(stanza, "proceed", NS_TLS))
		return STARTTLS_PROCEED;
	if (ear_is(stanza, "error", EAR_NS_STREAM)) {
		server->reason = (struct server_reason){ 0 };
		server_reason_take(&server->reason, stanza);
		return STARTTLS_ERROR;
	}
	if (!ear_is(stanza, "features", EAR_NS_STREAM))
		return STARTTLS_REFUSED;
	if (ear_find(stanza, "starttls", NS_TLS) == NULL)
		return STARTTLS_NONE;
	evbuffer_add(io_out(server->io), ask, sizeof(ask) - 1);
	return STARTTLS_GO_ON;
}

static int
on_clear_end(void *arg)
{
	return STARTTLS_REFUSED;
}

static void
ask_for_tls(struct server *server)
{
	static const struct reader_events events = { .header = on_header,
						     .stanza = on_clear_stanza,
						     .end = on_clear_end };
	struct writer_header header = { .to = server->domain, .version = "1.0" };

	server->reader = reader_new(server->ctx, &reader_caps_unknown, &events, server);
	server_enter(server, SERVER_STARTTLS);
	writer_header(io_out(server->io), &header);
}

static void
start_tls(struct server *server)
{
	char error[SERVER_TEXT_SIZE];

	server->tls = tls_client_new(server->domain, server->ca_file, error, sizeof(error));
	if (server->tls == NULL) {
		server_fail(server, -EIO, "%s", error);
		return;
	}
	server_enter(server, SERVER_TLS);
	/* Nothing that came in the clear behind <proceed/> may count, RFC 6120 §5.4.3.3. */
	evbuffer_drain(server->wire_in, evbuffer_get_length(server->wire_in));
	tls_feed(server->tls, server->wire_in, server->plain_in, io_out(server->io));
}

/* A stream that was opened to look for TLS cannot be used without: again, and straight to login. */
static void
without_tls(struct server *server)
{
	if (!server->tls_optional) {
		server_fail(server, -EPROTONOSUPPORT, "%s offers no TLS: the password stays here",
			    server->where);
		return;
	}
	ear_warn("%s: %s offers no TLS: going on without", server->link.peer, server->where);
	server->plain = true;
	drop_connection(server);
	server_enter(server, SERVER_CONNECTING);
	ear_timer_stop(&server->deadline);
	dial_again(server->dial);
}

static void
take_clear(struct server *server)
{
	size_t length = evbuffer_get_length(server->wire_in);
	const void *bytes = evbuffer_pullup(server->wire_in, -1);
	int result = reader_feed(server->reader, bytes, length);

	evbuffer_drain(server->wire_in, length);
	if (result == STARTTLS_PROCEED)
		start_tls(server);
	else if (result == STARTTLS_NONE)
		without_tls(server);
	else if (result == STARTTLS_ERROR)
		tell_over(server, &server->reason);
	else if (result == STARTTLS_REFUSED)
		server_fail(server, -EPROTO, "%s refused to begin TLS", server->where);
	else if (result != STARTTLS_GO_ON)
		server_fail(server, -EPROTO, "%s is no XMPP server for %s", server->where,
			    server->domain);
}

static void
take_sealed(struct server *server)
{
	bool was_ready = tls_is_ready(server->tls);
	int error = tls_feed(server->tls, server->wire_in, server->plain_in, io_out(server->io));

	if (error == -EPROTO) {
		server_fail(server, -EPROTO, "%s: TLS with %s: %s", server->where, server->domain,
			    tls_failure(server->tls));
		return;
	}
	if (!was_ready && tls_is_ready(server->tls))
		start_login(server);
	else
		server_net_pump(server);
	if (error == -ESHUTDOWN && server->io != NULL)
		server_fail(server, -ECONNRESET, "%s closed the connection", server->where);
}

/* --- the socket --------------------------------------------------------------------------- */

static void
on_data(void *arg, const void *bytes, size_t length)
{
	struct server *server = arg;
	bool clear = server->tls == NULL && server->reader == NULL;

	evbuffer_add(clear ? server->plain_in : server->wire_in, bytes, length);
	if (clear)
		server_net_pump(server);
	else if (server->tls != NULL)
		take_sealed(server);
	else
		take_clear(server);
}

static void
on_drained(void *arg)
{
	struct server *server = arg;

	if (server->queue.count > 0)
		event_active(server->turn, EV_WRITE, 0);
}

/* A server that takes connections and says nothing is as good as none while there is another. */
static bool
has_next(const struct server *server)
{
	return server->phase >= SERVER_CONNECTING && server->phase <= SERVER_LOGIN &&
	       server->link.state == LINK_OPENING &&
	       (dial_has_next(server->dial) || server->target < server->target_count);
}

static void dial_targets(struct server *server);

/* Others of the same priority, or else those of the next one. */
static void
try_next(struct server *server)
{
	server->plain = false;
	drop_connection(server);
	server_enter(server, SERVER_CONNECTING);
	ear_timer_stop(&server->deadline);
	if (!dial_next(server->dial))
		dial_targets(server);
}

static void
tell_next(const struct server *server, int error)
{
	ear_info("%s: %s: %s; trying the next address", server->link.peer, server->where,
		 strerror(-error));
}

void
server_net_failed(struct server *server, int error)
{
	if (has_next(server)) {
		tell_next(server, error);
		try_next(server);
		return;
	}
	if (error == -ETIMEDOUT)
		server_fail(server, error, "%s does not answer: frozen or cut off", server->where);
	else
		server_fail(server, error, "%s: %s", server->where, strerror(-error));
}

static void
on_failed(void *arg, int error)
{
	struct server *server = arg;

	server_net_failed(server, error);
}

static void
on_eof(void *arg)
{
	struct server *server = arg;

	server_net_pump(server);
	if (server->io == NULL)
		return;
	if (server->phase == SERVER_CLOSING)
		server_fail(server, 0, "closed");
	else if (has_next(server))
		server_net_failed(server, -ECONNRESET);
	else
		server_fail(server, -ECONNRESET, "%s closed the connection", server->where);
}

static void
name_target(struct server *server, const struct dial_target *target)
{
	char *host = server->numeric, service[8];
	bool six = target->address.ss_family == AF_INET6;

	if (getnameinfo((const struct sockaddr *)&target->address, target->length, host,
			sizeof(server->numeric), service, sizeof(service),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		copy_text(server->where, sizeof(server->where), "?");
	else
		snprintf(server->where, sizeof(server->where), six ? "[%s]:%s" : "%s:%s", host,
			 service);
}

/* Nothing of a former address stays. */
static void
drop_connection(struct server *server)
{
	server_xmpp_free(server->xmpp);
	server->xmpp = NULL;
	if (server->reserve == -1)
		server->reserve = server_xmpp_reserve();
	tls_free(server->tls);
	server->tls = NULL;
	if (server->reader != NULL)
		reader_free(server->reader);
	server->reader = NULL;
	if (server->io != NULL)
		io_close(server->io, false);
	server->io = NULL;
	evbuffer_drain(server->wire_in, evbuffer_get_length(server->wire_in));
	evbuffer_drain(server->plain_in, evbuffer_get_length(server->plain_in));
	evbuffer_drain(server->plain_out, evbuffer_get_length(server->plain_out));
}

static void
on_connected(void *arg, struct io *io, const struct dial_target *target)
{
	static const struct io_events events = {
		.data = on_data, .drained = on_drained, .eof = on_eof, .failed = on_failed
	};
	struct server *server = arg;

	name_target(server, target);
	server->io = io;
	io_set_events(io, &events, server);
	io_watch_life(io, KEEPALIVE_MSEC, DEAD_MSEC);
	ear_timer_set(&server->deadline, SERVER_PATIENCE);
	if (server->component || server->plain)
		start_login(server);
	else
		ask_for_tls(server);
}

static void
on_missed(void *arg, const struct dial_target *target, int error)
{
	struct server *server = arg;

	name_target(server, target);
	tell_next(server, error);
}

static void
on_dial_failed(void *arg, const struct dial_target *target, int error)
{
	struct server *server = arg;

	name_target(server, target);
	server_net_failed(server, error);
}

/* The addresses of the next priority; of a worse one only when they are no good (RFC 2782). */
static size_t
take_targets(struct server *server, struct dial_target *out)
{
	const struct server_target *target = &server->targets[server->target];
	unsigned priority = target->priority;
	size_t count = 0;

	while (server->target < server->target_count && target->priority == priority) {
		out[count++] = (struct dial_target){ .address = target->address,
						     .length = target->length };
		target = &server->targets[++server->target];
	}
	dial_order(out, count);
	return count;
}

static void
dial_targets(struct server *server)
{
	static const struct dial_events events = { .connected = on_connected,
						   .missed = on_missed,
						   .failed = on_dial_failed };
	struct dial_target targets[SERVER_TARGETS_MAX];
	size_t count = take_targets(server, targets);
	bool more = server->target < server->target_count;
	struct dial_setup setup = { .base = server->base,
				    .clock = server->clock,
				    .net = server->net,
				    .connect_usec = more ? SERVER_IMPATIENCE : SERVER_PATIENCE,
				    .events = &events,
				    .arg = server };

	name_target(server, &targets[0]);
	dial_free(server->dial);
	server->dial = dial_new(&setup, targets, count);
}

static void
on_resolved(void *arg, const struct server_target *targets, size_t count, int error,
	    const char *text)
{
	struct server *server = arg;

	if (count == 0) {
		server_fail(server, error != 0 ? error : -EHOSTUNREACH, "%s", text);
		return;
	}
	memcpy(server->targets, targets, count * sizeof(targets[0]));
	server->target_count = count;
	server->target = 0;
	ear_timer_stop(&server->deadline);
	server_enter(server, SERVER_CONNECTING);
	dial_targets(server);
}

static void
on_deadline(void *arg)
{
	struct server *server = arg;

	switch (server->phase) {
	case SERVER_RESOLVING:
		server_fail(server, -ETIMEDOUT, "%s: the name server does not answer",
			    server->host != NULL ? server->host : server->domain);
		break;
	case SERVER_STARTTLS:
	case SERVER_TLS:
	case SERVER_LOGIN:
		server_net_failed(server, -ETIMEDOUT);
		break;
	case SERVER_CLOSING:
		server_fail(server, 0, "closed");
		break;
	case SERVER_WAITING:
	case SERVER_CONNECTING: /* the dial has time-outs of its own */
	case SERVER_UP:
	case SERVER_CLOSED:
		break;
	}
}

void
server_net_open(struct server *server)
{
	bool srv = server->host == NULL && server->port == 0 && !server->component;
	const char *name = server->host;

	if (server->dns == NULL)
		return;
	server->tried_at = ear_now(server->clock);
	if (name == NULL)
		name = server->component ? "127.0.0.1" : server->domain;
	ear_timer_init(&server->deadline, server->clock, on_deadline, server);
	ear_timer_set(&server->deadline, SERVER_PATIENCE);
	server_enter(server, SERVER_RESOLVING);
	server->plain = false;
	server_dns_find(server->dns, name, srv,
			server->port != 0   ? server->port
			: server->component ? PORT_COMPONENT
					    : PORT_CLIENT,
			on_resolved, server);
}

void
server_net_close(struct server *server)
{
	ear_timer_stop(&server->deadline);
	server_dns_cancel(server->dns);
	dial_free(server->dial);
	server->dial = NULL;
	drop_connection(server);
}

void
server_net_bye(struct server *server)
{
	static const char end[] = "</stream:stream>";

	if (server->io == NULL || server->xmpp == NULL)
		return;
	server_xmpp_pump(server->xmpp, server->plain_in, server->plain_out);
	evbuffer_add(server->plain_out, end, sizeof(end) - 1);
	push(server);
}

void
server_net_release(struct server *server)
{
	if (server->io != NULL && server->phase == SERVER_UP) {
		server_net_bye(server);
		io_close(server->io, true);
		server->io = NULL;
	}
	server_net_close(server);
	server_dns_free(server->dns);
	if (server->reserve != -1)
		close(server->reserve);
	evbuffer_free(server->wire_in);
	evbuffer_free(server->plain_in);
	evbuffer_free(server->plain_out);
}
