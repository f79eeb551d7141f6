/* SPDX-License-Identifier: ISC */
/* lan.c: the listener, the tables of streams and links, and who waits in them. */
#include <errno.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>

#include <earshot/jid.h>
#include <earshot/log.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/listen.h"
#include "link/tls.h"

#define PORT_TRIES 16

static void
source_text(const union lan_source *source, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned port;

	if (source->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &source->v6.sin6_addr, host, sizeof(host));
		port = ntohs(source->v6.sin6_port);
		snprintf(out, size, "[%s]:%u", host, port);
	} else {
		inet_ntop(AF_INET, &source->v4.sin_addr, host, sizeof(host));
		port = ntohs(source->v4.sin_port);
		snprintf(out, size, "%s:%u", host, port);
	}
}

bool
lan_log_allows(struct lan *lan)
{
	int64_t now = ear_now(lan->clock);

	if (now - lan->log_since > LAN_LOG_USEC) {
		lan->log_since = now;
		lan->log_count = 0;
	}
	if (lan->log_count++ == LAN_LOG_MAX)
		ear_warn("lan: more of these are not logged for a while");
	return lan->log_count <= LAN_LOG_MAX;
}

void
lan_log_stranger(struct lan *lan, const struct lan_stream *ls, const char *text)
{
	char source[80];

	if (!lan_log_allows(lan))
		return;
	source_text(&ls->source, source, sizeof(source));
	ear_warn("lan: %s (%s): refused: %s", source, ls->claim != NULL ? ls->claim : "no name",
		 text);
}

static struct lan_stream *
oldest_stranger(struct lan *lan)
{
	return container_of(lan->strangers.next, struct lan_stream, entry);
}

static bool
same_host(const union lan_source *a, const union lan_source *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET6)
		return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
	return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

struct lan_stream *
lan_crowded_out(struct lan *lan, const union lan_source *source, enum lan_phase phase, size_t max)
{
	struct lan_stream *first = NULL, *own = NULL;
	struct list *at, *spare;
	size_t count = 0, own_count = 0;

	list_each (at, spare, &lan->strangers) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (phase != LAN_NEW && (ls->phase != phase || ls->refused))
			continue;
		count++;
		first = first == NULL ? ls : first;
		if (!same_host(&ls->source, source))
			continue;
		own_count++;
		own = own == NULL ? ls : own;
	}
	if (count < max)
		return NULL;
	return own_count >= max / LAN_SHARES ? own : first;
}

static void
take_source(union lan_source *out, const struct sockaddr *source)
{
	if (source->sa_family == AF_INET6)
		memcpy(&out->v6, source, sizeof(out->v6));
	else
		memcpy(&out->v4, source, sizeof(out->v4));
}

static void
on_accepted(void *arg, int fd, const struct sockaddr *source)
{
	struct lan *lan = arg;
	union lan_source from = { .any = { 0 } };
	struct lan_stream *ls;

	take_source(&from, source);
	if (lan->stream_count >= LAN_STREAMS_MAX || !listen_is_on(fd, lan->interfaces)) {
		if (lan_log_allows(lan))
			ear_warn("lan: a connection was refused: %s",
				 lan->stream_count >= LAN_STREAMS_MAX ? "too many"
								      : "not on our interfaces");
		close(fd);
		return;
	}
	if (lan->stranger_count == LAN_UNKNOWN_MAX) {
		ls = lan_crowded_out(lan, &from, LAN_NEW, LAN_UNKNOWN_MAX);
		lan_log_stranger(lan, ls, "too many strangers");
		lan_stream_free(ls, "resource-constraint");
	}
	ls = lan_stream_new(lan, io_new_fd(lan->base, fd, NULL, NULL), false, &from);
	list_add(&lan->strangers, &ls->entry);
	lan->stranger_count++;
}

/* Whoever goes on waiting gets back into the list; others may leave it meanwhile. */
static void
recheck_waiting(struct lan *lan)
{
	struct list work;

	list_init(&work);
	while (!list_is_empty(&lan->waiting)) {
		struct list *first = lan->waiting.next;

		list_del(first);
		list_add(&work, first);
	}
	while (!list_is_empty(&work)) {
		struct lan_stream *ls = container_of(work.next, struct lan_stream, wait);

		list_del(&ls->wait);
		lan_stream_recheck(ls);
	}
}

static struct lan_link *
first_link(struct lan *lan)
{
	return list_is_empty(&lan->all) ? NULL
					: container_of(lan->all.next, struct lan_link, entry);
}

static void
on_soon(void *arg)
{
	struct lan *lan = arg;

	if (lan->recheck) {
		lan->recheck = false;
		recheck_waiting(lan);
	}
	for (struct lan_link *l; (l = first_link(lan)) != NULL && l->over;)
		lan_link_finish(l);
}

void
lan_soon(struct lan *lan)
{
	ear_timer_set(&lan->soon, 0);
}

/* Both families on one port; either may be missing on this machine. */
static int
listen_both(struct lan *lan, unsigned port, int fds[2])
{
	int error;

	for (int i = 0; i < PORT_TRIES; i++) {
		fds[0] = listen_tcp(AF_INET6, port);
		fds[1] = listen_tcp(AF_INET, fds[0] >= 0 ? listen_port(fds[0]) : port);
		if ((fds[0] >= 0 || fds[1] >= 0) && fds[0] != -EADDRINUSE && fds[1] != -EADDRINUSE)
			return 0;
		error = fds[1] < 0 ? fds[1] : fds[0];
		for (int j = 0; j < 2; j++)
			if (fds[j] >= 0)
				close(fds[j]);
		if (port != 0)
			break;
	}
	return error;
}

struct lan *
lan_new(struct event_base *base, struct ear_clock *clock, xmpp_ctx_t *ctx,
	const struct lan_config *config, const struct lan_hooks *hooks,
	const struct link_events *events, void *owner, int *error)
{
	struct lan *lan = xalloc(sizeof(*lan));
	int fds[2];

	*error = listen_both(lan, config->port, fds);
	if (*error != 0) {
		free(lan);
		return NULL;
	}
	lan->base = base;
	lan->clock = clock;
	lan->ctx = ctx;
	lan->hooks = *hooks;
	lan->events = events;
	lan->owner = owner;
	lan->interfaces = xstrdup(config->interfaces);
	lan->idle_usec = config->idle_usec > 0 ? config->idle_usec : LAN_IDLE_USEC;
	lan->log_since = ear_now(clock);
	for (int i = 0; i < 2; i++) {
		if (fds[i] < 0)
			continue;
		lan->port = listen_port(fds[i]);
		lan->listeners[i] = listener_new(base, clock, fds[i], "lan", on_accepted, lan);
	}
	lan->tls = config->tls;
	lan->tickets = map_new();
	list_init(&lan->ticket_ages);
	list_init(&lan->waiting);
	lan->links = map_new();
	list_init(&lan->all);
	list_init(&lan->strangers);
	lan->scratch = evbuffer_new();
	ear_timer_init(&lan->soon, clock, on_soon, lan);
	return lan;
}

unsigned
lan_port(const struct lan *lan)
{
	return lan->port;
}

size_t
lan_stream_count(const struct lan *lan)
{
	return lan->stream_count;
}

/* Under another name we are somebody else for our peers: what was opened under the old one ends. */
static void
close_all(struct lan *lan)
{
	struct list *at, *spare;

	list_each (at, spare, &lan->all)
		lan_link_begin_close(container_of(at, struct lan_link, entry));
	list_each (at, spare, &lan->strangers) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (ls->claim == NULL && ls->phase == LAN_NEW && !ls->told)
			continue;
		ls->refused = true;
		stream_fail(ls->stream, "host-gone", -ESTALE, "we have another name now");
	}
}

void
lan_set_self(struct lan *lan, const char *instance)
{
	char address[LAN_ADDRESS_SIZE];

	if (lan->self != NULL && strcmp(lan->self, instance) == 0)
		return;
	if (ear_jid_from_instance(instance, address, sizeof(address)) != 0) {
		ear_error("lan: \"%s\" is no XEP-0174 name", instance);
		return;
	}
	close_all(lan);
	xreplace(&lan->self, instance);
	xreplace(&lan->self_address, address);
	for (int i = 0; i < 2; i++)
		if (lan->listeners[i] != NULL)
			listener_enable(lan->listeners[i]);
}

static struct link *
dial(struct lan *lan, const char *address)
{
	struct dial_target targets[DIAL_TARGETS_MAX] = { 0 };
	struct lan_link *l;
	size_t count;

	count = lan->hooks.resolve(lan->owner, address, targets, DIAL_TARGETS_MAX);
	if (count == 0)
		return NULL;
	l = lan_link_new(lan, address);
	if (l == NULL)
		return NULL;
	lan_link_show(l);
	lan_link_dial(l, targets, count);
	return &l->link;
}

/* For each stanza: mostly the link is there. */
struct link *
lan_open(struct lan *lan, const char *address)
{
	struct link *link;

	if (lan->self == NULL)
		return NULL;
	link = lan_find(lan, address);
	return link != NULL ? link : dial(lan, address);
}

struct link *
lan_find(struct lan *lan, const char *address)
{
	struct lan_link *l = lan_link_find(lan, address);

	return l == NULL ? NULL : &l->link;
}

int
lan_export(struct link *link, const char *label, unsigned char *out, size_t length)
{
	const struct lan_link *l = (const struct lan_link *)link;
	struct tls *tls;

	if (l->out == NULL || !lan_stream_is_usable(l->out))
		return -ENOTCONN;
	tls = io_tls(stream_io(l->out->stream));
	return tls == NULL ? -EACCES : tls_export(tls, label, out, length);
}

void
lan_recheck(struct lan *lan, const char *address)
{
	struct dial_target targets[DIAL_TARGETS_MAX];
	struct lan_link *l = address != NULL ? lan_link_find(lan, address) : NULL;
	bool quiet;

	lan->recheck = true;
	lan->words++;
	lan_soon(lan);
	if (l == NULL)
		return;
	quiet = ear_now(lan->clock) - l->active_at > LAN_QUIET_USEC && lan_queue_is_empty(l);
	if (quiet && lan->hooks.resolve(lan->owner, address, targets, DIAL_TARGETS_MAX) == 0)
		lan_link_begin_close(l);
	else
		lan_link_probe(l, false);
}

void
lan_free(struct lan *lan)
{
	if (lan == NULL)
		return;
	for (int i = 0; i < 2; i++)
		listener_free(lan->listeners[i]);
	while (!list_is_empty(&lan->strangers))
		lan_stream_free(oldest_stranger(lan), NULL);
	while (!list_is_empty(&lan->all))
		lan_link_free(first_link(lan));
	ear_timer_stop(&lan->soon);
	lan_ticket_drop_all(lan);
	map_free(lan->tickets);
	map_free(lan->links);
	evbuffer_free(lan->scratch);
	free(lan->interfaces);
	free(lan->self);
	free(lan->self_address);
	free(lan);
}
