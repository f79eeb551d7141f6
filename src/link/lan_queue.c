/* SPDX-License-Identifier: ISC */
/* lan_queue.c: stanzas on their way to one peer: written in the form of the wire, given back in
 * ours. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>
#include <event2/buffer.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "wire/parse.h"

#define PRUNE_EVERY 32 /* stanzas: what has arrived is asked for once for so many */

/* Our own address and theirs are told by the link: NULL, as where there is none. *own: counts
 * those that there are. */
static const char *
unusual(xmpp_stanza_t *stanza, const char *attribute, const char *usual, int *own)
{
	const char *value = xmpp_stanza_get_attribute(stanza, attribute);

	*own += value != NULL;
	return value == NULL || strcmp(value, usual) == 0 ? NULL : value;
}

/* XEP-0174 §7: both are "user@machine", without a resource, between two that know no better. An
 * answer comes from the address that was asked, also when that is not the one asked last (RFC 6120
 * §8.1.2.1). */
static int
send_as(struct lan_link *l, xmpp_stanza_t *stanza, const char *from, const char *to, int own)
{
	const char *self = l->out->lan->self;
	struct writer_ends ends = { lan_address_from(l->out, from), lan_address_to(l->out, to),
				    own };

	if (ends.from != self && from == NULL && ear_is_answer(stanza))
		ends.from = self;
	return stream_send_as(l->out->stream, stanza, &ends);
}

static int64_t
now_of(const struct lan_link *l)
{
	return ear_now(l->lan->clock);
}

/* A peer that keeps one stream of several may drop what it has acknowledged. */
static int64_t
keep_since(const struct lan_link *l)
{
	return l->link.earshot ? INT64_MAX : now_of(l) - LAN_MOMENTS_USEC;
}

/* What has arrived counts only where it is certainly looked at, and the other end does not say so
 * itself. */
static void
prune(struct lan_stream *ls, int64_t keep)
{
	if (!ls->unconfirmed && ls->acks == NULL)
		outbox_prune(&ls->sent, io_acked(stream_io(ls->stream)), keep);
}

static int
make_room(struct lan_stream *ls)
{
	if (ls->acks != NULL)
		return outbox_room(&ls->sent);
	return outbox_make_room(&ls->sent, ls->unconfirmed ? 0 : io_sent(stream_io(ls->stream)));
}

/*
 * Instead of the stanza, a tree of small blocks of several times the size. It is out of the cache
 * when it is freed, which then costs more than writing it did; it is hardly ever needed again.
 */
static void
keep_text(struct outbox_item *item, struct evbuffer *out, const char *from, const char *to)
{
	struct evbuffer_ptr at;

	item->from = xstrdup(from);
	item->to = xstrdup(to);
	item->text = item->room;
	evbuffer_ptr_set(out, &at, evbuffer_get_length(out) - item->bytes, EVBUFFER_PTR_SET);
	evbuffer_copyout_from(out, &at, item->text, item->bytes);
	xmpp_stanza_release(item->stanza);
	item->stanza = NULL;
}

int
lan_queue_write(struct lan_link *l, xmpp_stanza_t *stanza)
{
	struct lan_stream *ls = l->out;
	struct io *io = stream_io(ls->stream);
	struct outbox_item *item;
	uint64_t before = io_written(io);
	size_t bytes;
	int rc, own = 0;
	const char *from = unusual(stanza, "from", l->link.self, &own);
	const char *to = unusual(stanza, "to", l->link.peer, &own);

	/* Stanzas that have arrived are freed while the cache still knows them. */
	if (ls->sent.count % PRUNE_EVERY == PRUNE_EVERY - 1)
		prune(ls, keep_since(l));
	rc = make_room(ls);
	if (rc == 0)
		rc = send_as(l, stanza, from, to, own);
	if (rc != 0)
		return rc;
	bytes = (size_t)(io_written(io) - before);
	item = outbox_add_room(&ls->sent, stanza, bytes, before + bytes, now_of(l),
			       bytes <= PARSE_MAX ? bytes : 0);
	if (ls->acks != NULL)
		item->number = lan_acks_count(ls, stanza);
	if (bytes <= PARSE_MAX)
		keep_text(item, io_out(io), from, to);
	ls->carried = true;
	l->active_at = item->at;
	if (ls->acks != NULL)
		lan_acks_watch(ls, bytes);
	return 0;
}

int
lan_queue_add(struct lan_link *l, xmpp_stanza_t *stanza)
{
	struct evbuffer *scratch = l->lan->scratch;
	int rc = outbox_make_room(&l->queue, 0);

	if (rc != 0)
		return rc;
	rc = writer_stanza(scratch, stanza, STREAM_STANZA_MAX);
	if (rc != 0)
		return rc;
	outbox_add(&l->queue, stanza, evbuffer_get_length(scratch), UINT64_MAX, 0);
	evbuffer_drain(scratch, evbuffer_get_length(scratch));
	return 0;
}

static void
give_back(struct lan_link *l, struct outbox_item *item, bool maybe)
{
	l->link.events->undelivered(l->link.owner, &l->link, item->stanza, maybe);
	outbox_item_free(item);
}

/*
 * What waited for the stream was addressed before anybody knew whose key it would show: a JID that
 * is not of that key gets nothing there.
 */
static bool
is_theirs(const struct lan_link *l, const struct outbox_item *item)
{
	const struct link *link = &l->link;
	const char *to = xmpp_stanza_get_to(item->stanza);

	return to == NULL || ear_jid_is_lan(to) ||
	       (link->jid != NULL && l->lan->hooks.is_theirs(link->owner, link, to));
}

static bool
is_stale(const struct lan_link *l, const struct outbox_item *item)
{
	const struct link_events *events = l->link.events;

	return events->stale != NULL && events->stale(l->link.owner, item->stanza);
}

void
lan_queue_flush(struct lan_link *l)
{
	struct outbox_item *item;
	int rc;

	while (l->out != NULL && (item = outbox_take(&l->queue)) != NULL) {
		if (!is_theirs(l, item) || is_stale(l, item)) {
			give_back(l, item, false);
			continue;
		}
		rc = lan_queue_write(l, item->stanza);
		if (link_is_full(rc) || rc == -ENOTCONN) {
			outbox_put_first(&l->queue, item);
			return;
		}
		if (rc != 0) {
			/* Our address grew since it was measured. */
			give_back(l, item, false);
			continue;
		}
		item->stanza = NULL;
		outbox_item_free(item);
	}
}

void
lan_queue_prune(struct lan_link *l)
{
	struct list *at, *spare;

	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (ls->sent.count > 0)
			prune(ls, keep_since(l));
	}
}

/* As it was before keep_text. */
static void
from_text(const struct lan_link *l, struct outbox_item *item)
{
	const char *from = item->from != NULL ? item->from : l->link.self;
	const char *to = item->to != NULL ? item->to : l->link.peer;

	item->stanza = parse_stanza(l->lan->ctx, item->text, item->bytes);
	assert(item->stanza != NULL);
	xmpp_stanza_set_attribute(item->stanza, "from", from);
	xmpp_stanza_set_attribute(item->stanza, "to", to);
	outbox_item_forget_text(item);
	free(item->from);
	free(item->to);
	item->from = item->to = NULL;
}

static void
restore(const struct lan_link *l, struct outbox_item *item)
{
	if (item->text != NULL)
		from_text(l, item);
	item->end = UINT64_MAX;
}

/* Whether nothing of that item has gone to the kernel, or nobody has read it there. */
static bool
is_unsent(struct lan_stream *ls, const struct outbox_item *item)
{
	return ls->rejected || item->end - item->bytes >= io_sent(stream_io(ls->stream));
}

/* Whether all that was written has been read: nothing of it comes back. */
static void
forget_read(struct lan_stream *ls)
{
	if (ls->acks != NULL && stream_was_read(ls->stream))
		outbox_release(&ls->sent);
}

static struct outbox_item *
oldest(struct lan_stream *ls)
{
	return container_of(ls->sent.items.next, struct outbox_item, entry);
}

/* What was sent, and whether bytes of it may have arrived. */
static void
return_all(struct lan_link *l, struct lan_stream *ls)
{
	struct outbox_item *item;
	bool certain;

	while ((item = outbox_take(&ls->sent)) != NULL) {
		certain = is_unsent(ls, item);
		if (certain)
			io_forget(stream_io(ls->stream));
		restore(l, item);
		give_back(l, item, !certain);
	}
}

/*
 * With what was sent comes back all that is younger, so that it does not overtake what is sent
 * again. That may come to this link at once, and waits there in the place of the other.
 */
static void
return_in_order(struct lan_link *l, struct lan_stream *ls)
{
	struct outbox younger;
	struct outbox_item *item;

	outbox_init(&younger);
	while ((item = outbox_take(&l->queue)) != NULL)
		outbox_put(&younger, item);
	return_all(l, ls);
	while ((item = outbox_take(&younger)) != NULL)
		give_back(l, item, false);
}

/*
 * Between two Earshots the loser of a simultaneous open was read to its end; what was not
 * acknowledged there may have arrived all the same, and whether it can be sent again is for above
 * to say. Any other peer has thrown the stream away, and maybe with it what it had acknowledged: it
 * gets all of the last moments again.
 */
void
lan_queue_salvage(struct lan_link *l, struct lan_stream *ls)
{
	struct outbox again;
	struct outbox_item *item;
	int64_t keep = INT64_MAX;
	bool certain;

	forget_read(ls);
	if (ls->acks != NULL && ls->sent.count > 0 && !is_unsent(ls, oldest(ls))) {
		return_in_order(l, ls);
		return;
	}
	outbox_init(&again);
	if (now_of(l) - l->contest_at < LAN_YOUNG_USEC)
		keep = keep_since(l);
	prune(ls, keep);
	while ((item = outbox_take(&ls->sent)) != NULL) {
		certain = is_unsent(ls, item);
		if (certain)
			io_forget(stream_io(ls->stream));
		restore(l, item);
		if (certain || !l->link.earshot)
			outbox_put(&again, item);
		else
			give_back(l, item, true);
	}
	while (!list_is_empty(&again.items)) {
		item = container_of(again.items.prev, struct outbox_item, entry);
		list_del(&item->entry);
		outbox_put_first(&l->queue, item);
	}
}

void
lan_queue_return_sent(struct lan_link *l, struct lan_stream *ls)
{
	prune(ls, INT64_MAX);
	forget_read(ls);
	return_all(l, ls);
}

void
lan_queue_return(struct lan_link *l)
{
	struct outbox_item *item;

	while ((item = outbox_take(&l->queue)) != NULL)
		give_back(l, item, false);
}

/* Of those on a stream; of a peer that acknowledges nothing, those that the kernel has not taken.
 */
static size_t
unacked_of(const struct lan_stream *ls)
{
	const struct list *item;
	uint64_t sent;
	size_t count = 0;

	if (ls->acks != NULL || ls->sent.count == 0)
		return ls->sent.count;
	sent = io_sent(stream_io(ls->stream));
	for (item = ls->sent.items.prev; item != &ls->sent.items; item = item->prev) {
		if (container_of(item, const struct outbox_item, entry)->end <= sent)
			break;
		count++;
	}
	return count;
}

/* Also on streams to which no more is written: before a switch to another one, and at the end. */
size_t
lan_queue_unacked(const struct link *link)
{
	const struct lan_link *l = container_of(link, const struct lan_link, link);
	const struct list *at;
	size_t count = l->queue.count;

	for (at = l->streams.next; at != &l->streams; at = at->next)
		count += unacked_of(container_of(at, const struct lan_stream, entry));
	return count;
}

bool
lan_queue_is_empty(const struct lan_link *l)
{
	struct list *at, *spare;

	list_each (at, spare, &l->streams)
		if (container_of(at, struct lan_stream, entry)->sent.count > 0)
			return false;
	return l->queue.count == 0;
}
