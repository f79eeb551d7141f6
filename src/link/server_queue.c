/* SPDX-License-Identifier: ISC */
/*
 * server_queue.c: what is sent, and whether it arrived.
 *
 * A stanza is in `queue` until libstrophe gets it and in `sent` until the server is known to have
 * taken it: by XEP-0198, or because it answered a ping that followed. A server handles a stream in
 * order, so the answer vouches for everything before it; and a frozen server, whose kernel goes on
 * acknowledging, is found out by the same ping.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>

#include "base/alloc.h"
#include "link/server_impl.h"

#define PING_WAIT    (10 * EAR_SEC) /* for the answer */
#define PING_AGAIN   (5 * EAR_SEC)  /* for that of a component's first, and then of its second */
#define PING_SENT    EAR_SEC        /* after the oldest stanza in `sent` */
#define PING_IDLE    (60 * EAR_SEC) /* of silence */
#define PING_AFTER   256            /* stanzas in `sent` are reason enough */
#define PIECE_BYTES  (16 * 1024)
#define BACKLOG_MAX  (256 * 1024) /* bytes that the kernel has not taken */
#define WINDOW_BYTES (2 * SERVER_QUEUE_BYTES)
#define STALE_AFTER  (100 * EAR_MSEC) /* in `queue`: what waits less is as good as sent at once */

static struct server_item *
first(struct server_items *items)
{
	return list_is_empty(&items->items)
		       ? NULL
		       : container_of(items->items.next, struct server_item, entry);
}

static void
put(struct server_items *items, struct server_item *item)
{
	list_add(&items->items, &item->entry);
	items->count++;
	items->bytes += item->length;
}

static struct server_item *
take(struct server_items *items)
{
	struct server_item *item = first(items);

	if (item == NULL)
		return NULL;
	list_del(&item->entry);
	items->count--;
	items->bytes -= item->length;
	return item;
}

static void
item_free(struct server_item *item)
{
	xmpp_stanza_release(item->stanza);
	free(item->text);
	free(item);
}

int
server_queue_add(struct server *server, xmpp_stanza_t *stanza)
{
	struct server_item *item;
	struct evbuffer *out;
	int error;

	if (server->queue.count >= SERVER_QUEUE_MAX)
		return -ENOBUFS;
	if (server->queue.bytes >= SERVER_QUEUE_BYTES)
		return -EDQUOT;
	out = evbuffer_new();
	error = server_edge_out(server, stanza, out);
	if (error == 0) {
		item = xalloc(sizeof(*item));
		item->stanza = stanza;
		item->length = evbuffer_get_length(out);
		item->text = xstrndup((const char *)evbuffer_pullup(out, -1), item->length);
		item->at = ear_now(server->clock);
		put(&server->queue, item);
	}
	evbuffer_free(out);
	return error;
}

/* --- proof of life ------------------------------------------------------------------------ */

static void
arm_life(struct server *server)
{
	int64_t now = ear_now(server->clock), at;

	if (server->ping[0] != '\0')
		at = server->ping_at + (server->component ? PING_AGAIN : PING_WAIT);
	else if (server->sent.count > 0)
		at = now + PING_SENT;
	else
		at = server->heard_at + PING_IDLE;
	ear_timer_set(&server->life, at > now ? at - now : 0);
}

/*
 * An account asks its server. A component asks itself by way of the server, because it cannot know
 * what the server is called. Where that comes to nothing, somebody else may be connected for the
 * same domain, and get what comes back. Then it asks an address that is none: the server refuses
 * it on the stream by which it came (RFC 6120 §8.3.3.8).
 */
static void
send_ping(struct server *server)
{
	const char *to = server->refusable ? "@" : server->link.self;
	char text[2 * EAR_JID_SIZE];
	int length;

	ear_new_id(server->ping);
	if (server->component)
		length =
			snprintf(text, sizeof(text),
				 "<iq type='get' id='%s' from='%s' to='%s'><ping xmlns='%s'/></iq>",
				 server->ping, server->link.self, to, EAR_NS_PING);
	else
		length = snprintf(text, sizeof(text),
				  "<iq type='get' id='%s' to='%s'><ping xmlns='%s'/></iq>",
				  server->ping, server->domain, EAR_NS_PING);
	server->ping_at = ear_now(server->clock);
	server_xmpp_send(server->xmpp, text, (size_t)length);
	server->ping_number = server_xmpp_sent(server->xmpp);
	arm_life(server);
}

static void
on_life(void *arg)
{
	struct server *server = arg;
	int64_t now = ear_now(server->clock);

	if (server->phase != SERVER_UP)
		return;
	if (server->ping[0] != '\0' && server->component && !server->refusable) {
		server->refusable = true;
		copy_text(server->lost, sizeof(server->lost), server->ping);
		send_ping(server);
		server_net_pump(server);
		return;
	}
	if (server->ping[0] != '\0') {
		if (server->heard_at <= server->ping_at) {
			server_fail(server, -ETIMEDOUT, "%s does not answer: frozen or cut off",
				    server->where);
			return;
		}
		/* It lives, but keeps this answer to itself. */
		server->ping[0] = '\0';
	}
	if (server->sent.count > 0 || server->heard_at + PING_IDLE <= now) {
		send_ping(server);
		server_net_pump(server);
	} else {
		arm_life(server);
	}
}

void
server_queue_ask(struct server *server)
{
	if (server->phase != SERVER_UP || server->ping[0] != '\0')
		return;
	send_ping(server);
	server_net_pump(server);
}

bool
server_queue_is_pong(struct server *server, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);

	/* Nobody but the server was told the id: whatever `from` says, it has read the ping. */
	server->heard_at = ear_now(server->clock);
	if (id == NULL || id[0] == '\0' || strcmp(xmpp_stanza_get_name(stanza), "iq") != 0)
		return false;
	if (strcmp(id, server->lost) == 0) {
		server->refusable = false;
		return true;
	}
	if (strcmp(id, server->ping) != 0)
		return false;
	if (server->refusable && !server->shared)
		ear_warn("%s: somebody else is connected as %s, too, and gets a part of what is "
			 "for it: give each a domain of its own",
			 server->link.peer, server->link.self);
	server->shared = server->refusable;
	server->ping[0] = '\0';
	server_queue_acked(server, server->ping_number);
	return true;
}

void
server_queue_acked(void *arg, uint64_t number)
{
	struct server *server = arg;
	struct server_item *item;

	server->heard_at = ear_now(server->clock);
	while ((item = first(&server->sent)) != NULL && item->number <= number)
		item_free(take(&server->sent));
	if (server->queue.count > 0)
		event_active(server->turn, EV_WRITE, 0);
	if (server->sent.count == 0 && server->ping[0] == '\0')
		arm_life(server);
}

/* --- flow --------------------------------------------------------------------------------- */

static bool
has_room(struct server *server)
{
	return server->sent.count < SERVER_QUEUE_MAX && server->sent.bytes < WINDOW_BYTES &&
	       io_written(server->io) - io_sent(server->io) < BACKLOG_MAX;
}

static void
give_back(struct server *server, struct server_item *item, bool maybe)
{
	if (!server->ending)
		server->link.events->undelivered(server->link.owner, &server->link, item->stanza,
						 maybe);
	item_free(item);
}

/* The oldest that is still worth sending; what is not comes back. NULL: there is none. */
static struct server_item *
first_fresh(struct server *server)
{
	const struct link_events *events = server->link.events;
	int64_t now = ear_now(server->clock);
	struct server_item *item;

	while ((item = first(&server->queue)) != NULL && now - item->at >= STALE_AFTER &&
	       events->stale != NULL && events->stale(server->link.owner, item->stanza))
		give_back(server, take(&server->queue), false);
	return item;
}

/* What XEP-0198 does not count leaves in larger pieces: libstrophe makes a system call of each. */
static void
flush_pieces(struct server *server)
{
	char piece[PIECE_BYTES];
	struct server_item *item;
	size_t used = 0;

	while (has_room(server) && (item = first_fresh(server)) != NULL) {
		if (used + item->length > sizeof(piece) && used > 0)
			break;
		take(&server->queue);
		put(&server->sent, item);
		item->number = server_xmpp_sent(server->xmpp) + 1;
		if (item->length > sizeof(piece)) {
			server_xmpp_send(server->xmpp, item->text, item->length);
			return;
		}
		memcpy(piece + used, item->text, item->length);
		used += item->length;
	}
	if (used > 0)
		server_xmpp_send(server->xmpp, piece, used);
}

static void
flush_one(struct server *server)
{
	struct server_item *item = take(&server->queue);

	server_xmpp_send(server->xmpp, item->text, item->length);
	item->number = server_xmpp_sent(server->xmpp);
	put(&server->sent, item);
}

void
server_queue_flush(struct server *server)
{
	bool began = server->sent.count == 0;

	while (has_room(server) && first_fresh(server) != NULL)
		if (server->component)
			flush_pieces(server);
		else
			flush_one(server);
	if (server->ping[0] != '\0' || server->sent.count == 0)
		return;
	if (server->sent.count >= PING_AFTER)
		send_ping(server);
	else if (began)
		arm_life(server);
}

size_t
server_queue_unacked(const struct link *link)
{
	const struct server *server = container_of(link, const struct server, link);

	return server->queue.count + server->sent.count;
}

void
server_queue_up(struct server *server)
{
	server->ping[0] = server->lost[0] = '\0';
	server->refusable = server->shared = false;
	server->heard_at = ear_now(server->clock);
	arm_life(server);
}

static void
give_all_back(struct server *server, struct server_items *items, bool maybe)
{
	struct server_item *item;

	while ((item = take(items)) != NULL)
		give_back(server, item, maybe);
}

void
server_queue_give_back(struct server *server)
{
	ear_timer_stop(&server->life);
	server->ping[0] = '\0';
	give_all_back(server, &server->sent, true);
	give_all_back(server, &server->queue, false);
}

void
server_queue_init(struct server *server)
{
	list_init(&server->queue.items);
	list_init(&server->sent.items);
	ear_timer_init(&server->life, server->clock, on_life, server);
}

void
server_queue_release(struct server *server)
{
	struct server_item *item;

	ear_timer_stop(&server->life);
	while ((item = take(&server->sent)) != NULL || (item = take(&server->queue)) != NULL)
		item_free(item);
}
