/* SPDX-License-Identifier: ISC */
/* local.c: programs of this machine, each a link. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "link/io.h"
#include "link/listen.h"
#include "link/local.h"
#include "link/local_socket.h"
#include "link/outbox.h"
#include "link/stream.h"

struct local {
	struct event_base *base;
	struct ear_clock *clock;
	xmpp_ctx_t *ctx;
	const struct link_events *events;
	void *owner;
	struct listener *listener;
	struct local_socket socket;
	char *group, *self;
	struct list clients;
	struct map *names; /* full address -> client that is up */
	size_t count;
	unsigned long last; /* number in the last resource that was given */
};

struct client {
	struct link link; /* first: a struct link * is one of us */
	struct list entry;
	struct local *local;
	struct stream *stream;
	struct outbox sent;
	bool refused; /* it has got a stream error, and is heard no more */
};

static struct client *
of(struct link *link)
{
	return (struct client *)link;
}

static void
client_free(struct client *c)
{
	struct local *local = c->local;

	if (c->link.peer != NULL && map_get(local->names, c->link.peer) == c)
		map_del(local->names, c->link.peer);
	list_del(&c->entry);
	local->count--;
	stream_free(c->stream, NULL);
	outbox_release(&c->sent);
	link_release(&c->link);
	free(c);
}

/* Whether core has heard of it. */
static bool
is_known(const struct client *c)
{
	return c->link.peer != NULL;
}

static void
refuse(struct client *c, const char *condition, const char *text)
{
	ear_warn("%s: refused: %s", is_known(c) ? c->link.peer : "local program", text);
	c->refused = true;
	stream_fail(c->stream, condition, -EPROTO, text);
	link_enter(&c->link, LINK_CLOSING);
}

static int
client_send(struct link *link, xmpp_stanza_t *stanza)
{
	struct client *c = of(link);
	struct io *io = stream_io(c->stream);
	uint64_t before = io_written(io);
	int rc;

	if (link->state != LINK_UP)
		return -ENOTCONN;
	rc = outbox_make_room(&c->sent, io_sent(io));
	if (rc != 0)
		return rc;
	if (xmpp_stanza_get_attribute(stanza, "from") == NULL)
		xmpp_stanza_set_attribute(stanza, "from", link->self);
	rc = stream_send(c->stream, stanza);
	if (rc != 0)
		return rc;
	outbox_add(&c->sent, stanza, (size_t)(io_written(io) - before), io_written(io), 0);
	/* Whoever sent it is told that we have it, and forgets it. */
	io_flush(io);
	return 0;
}

static void
client_close(struct link *link)
{
	link_enter(link, LINK_CLOSING);
	stream_close(of(link)->stream);
}

static const struct link_ops ops = {
	.send = client_send,
	.close = client_close,
};

/* Its address is told by `to` in our header, so it has to be given before. */
static void
on_header(void *arg, const struct reader_header *header)
{
	struct client *c = arg;
	struct local *local = c->local;
	char id[17];

	c->link.self = xstrdup(local->self);
	c->link.peer = xasprintf("%s/cli-%lu", local->self, ++local->last);
	c->link.level = EAR_TRUSTED;
	c->link.earshot = true;
	map_set(local->names, c->link.peer, c);
	ear_new_id(id);
	stream_header(c->stream, &(struct writer_header){
					 .from = c->link.self,
					 .to = c->link.peer,
					 .id = id,
					 .version = "1.0",
				 });
	stream_known(c->stream);
	c->link.events->identified(c->link.owner, &c->link);
	if (c->link.state != LINK_OPENING)
		return;
	link_enter(&c->link, LINK_UP);
	c->link.events->up(c->link.owner, &c->link);
}

/* Whatever it says: the stanza is from whom the kernel let in. */
static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct client *c = arg;
	const char *name = xmpp_stanza_get_name(stanza), *ns = xmpp_stanza_get_ns(stanza);

	if (ns == NULL || strcmp(ns, EAR_NS_CLIENT) != 0 ||
	    (strcmp(name, "message") != 0 && strcmp(name, "iq") != 0 &&
	     strcmp(name, "presence") != 0)) {
		refuse(c, "unsupported-stanza-type", "sent something that is no stanza");
		return;
	}
	xmpp_stanza_set_attribute(stanza, "from", c->link.peer);
	c->link.events->stanza(c->link.owner, &c->link, stanza);
}

static void
on_drained(void *arg)
{
	struct client *c = arg;

	if (c->sent.count > 0)
		outbox_prune(&c->sent, io_acked(stream_io(c->stream)), INT64_MAX);
}

static void
on_closing(void *arg)
{
	struct client *c = arg;

	link_enter(&c->link, LINK_CLOSING);
}

/* A program is one stream: what it has not read will not be read by anybody. */
static void
on_ended(void *arg, int error, const char *text)
{
	struct client *c = arg;
	struct io *io = stream_io(c->stream);
	struct outbox_item *item;
	bool maybe;

	link_enter(&c->link, LINK_DOWN);
	if (!is_known(c)) {
		if (error != 0 && !c->refused)
			ear_info("local program: %s", text);
		client_free(c);
		return;
	}
	map_del(c->local->names, c->link.peer);
	outbox_prune(&c->sent, io_acked(io), INT64_MAX);
	while ((item = outbox_take(&c->sent)) != NULL) {
		maybe = item->end - item->bytes < io_sent(io);
		if (!maybe)
			io_forget(io);
		c->link.events->undelivered(c->link.owner, &c->link, item->stanza, maybe);
		outbox_item_free(item);
	}
	c->link.events->down(c->link.owner, &c->link, error, text);
	client_free(c);
}

static const struct stream_events stream_events = {
	.header = on_header,
	.stanza = on_stanza,
	.drained = on_drained,
	.closing = on_closing,
	.ended = on_ended,
};

static struct client *
client_new(struct local *local, int fd)
{
	struct client *c = xalloc(sizeof(*c));

	link_init(&c->link, &ops, EAR_LINK_LOCAL, local->events, local->owner);
	c->local = local;
	outbox_init(&c->sent);
	c->stream = stream_new(local->clock, local->ctx, io_new_fd(local->base, fd, NULL, NULL),
			       STREAM_HEADER_USEC, &stream_events, c);
	list_add(&local->clients, &c->entry);
	local->count++;
	return c;
}

static void
on_accepted(void *arg, int fd, const struct sockaddr *source)
{
	struct local *local = arg;
	uid_t uid = (uid_t)-1;
	bool may = local_socket_may(fd, local->group, &uid);
	struct client *c = client_new(local, fd);

	if (!may) {
		ear_warn("local: a program of uid %lu was refused: not the owner%s%s",
			 (unsigned long)uid, local->group != NULL ? " and not in group " : "",
			 local->group != NULL ? local->group : "");
		stream_free(c->stream, "not-authorized");
	} else if (local->count > LOCAL_CLIENTS_MAX) {
		ear_warn("local: a program was refused: %d are here already", LOCAL_CLIENTS_MAX);
		stream_free(c->stream, "resource-constraint");
	} else {
		return;
	}
	c->stream = NULL;
	client_free(c);
}

struct local *
local_new(struct event_base *base, struct ear_clock *clock, xmpp_ctx_t *ctx,
	  const struct local_config *config, const struct link_events *events, void *owner,
	  int *error)
{
	struct local *local = xalloc(sizeof(*local));
	int fd = -1;

	*error = 0;
	if (config->path != NULL) {
		fd = local_socket_open(&local->socket, config->path, config->group);
		if (fd < 0) {
			*error = fd;
			free(local);
			return NULL;
		}
	}
	local->base = base;
	local->clock = clock;
	local->ctx = ctx;
	local->events = events;
	local->owner = owner;
	local->group = xstrdup(config->group);
	local->self = xstrdup("localhost");
	local->names = map_new();
	list_init(&local->clients);
	if (fd >= 0) {
		local->listener = listener_new(base, clock, fd, config->path, on_accepted, local);
		listener_enable(local->listener);
	}
	return local;
}

void
local_set_self(struct local *local, const char *address)
{
	xreplace(&local->self, address);
}

void
local_attach(struct local *local, int fd)
{
	client_new(local, fd);
}

struct link *
local_find(struct local *local, const char *address)
{
	struct client *c = map_get(local->names, address);

	return c == NULL ? NULL : &c->link;
}

void
local_free(struct local *local)
{
	if (local == NULL)
		return;
	listener_free(local->listener);
	while (!list_is_empty(&local->clients))
		client_free(container_of(local->clients.next, struct client, entry));
	local_socket_remove(&local->socket);
	map_free(local->names);
	free(local->group);
	free(local->self);
	free(local);
}
