/* SPDX-License-Identifier: ISC */
/* lan_link.c: the conversation with one peer: which of its streams is written to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>
#include <earshot/log.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"

static int64_t
now_of(const struct lan_link *l)
{
	return ear_now(l->lan->clock);
}

static struct lan_link *
of(struct link *link)
{
	return (struct lan_link *)link;
}

void
lan_link_settle_acks(struct lan_link *l)
{
	if (l->out != NULL)
		l->link.acks = l->out->acks != NULL;
}

/* The newest usable stream that we dialled, or that the peer dialled. */
static struct lan_stream *
newest(struct lan_link *l, bool dialled)
{
	struct lan_stream *found = NULL;
	struct list *at, *spare;

	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (ls->dialled == dialled && lan_stream_is_usable(ls))
			found = ls;
	}
	return found;
}

/*
 * Which stream is to be written to; *until: not before that time. Of two between Earshots the one
 * that the smaller address dialled stays, and whoever dialled the other closes it. Other peers keep
 * the newest (as libpurple does): whichever is left when they have closed one.
 */
static struct lan_stream *
pick(struct lan_link *l, int64_t *until)
{
	struct lan_stream *mine = newest(l, true), *theirs = newest(l, false);

	*until = 0;
	if (mine == NULL || theirs == NULL)
		return mine != NULL && mine->open ? mine : theirs;
	/* It is on its way to TLS, and then to a link of its own. */
	if (!theirs->secured && !mine->open && mine->phase != LAN_NEW)
		return theirs;
	if (mine->secured || mine->version || theirs->version) {
		if (strcmp(l->lan->self, l->wire) > 0) {
			lan_stream_close(mine);
			return theirs;
		}
		if (mine->open)
			return mine;
		*until = l->contest_at + LAN_ORDER_USEC;
		return theirs;
	}
	*until = l->contest_at + (mine->open ? LAN_SETTLE_USEC : LAN_ORDER_USEC);
	return mine->open && mine->opened_at > theirs->opened_at ? mine : theirs;
}

/* Stanzas do not overtake those that are still on their way in the stream written to before. */
static int64_t
order_until(struct lan_link *l, const struct lan_stream *want)
{
	if (l->last == NULL || l->last == want || !l->last->carried)
		return 0;
	if (l->switch_at == 0)
		l->switch_at = now_of(l);
	return l->switch_at + LAN_ORDER_USEC;
}

static bool
probe_is_pending(struct lan_link *l)
{
	if (l->probed == NULL)
		return false;
	if (lan_acks_are_on(l->probed) ? lan_acks_are_asked(l->probed)
				       : io_acked(stream_io(l->probed->stream)) < l->probe_end)
		return true;
	l->probed = NULL;
	return false;
}

/* There is no other to wait for, and what this one does not acknowledge is not lost. */
static bool
is_left_alone(struct lan_link *l, const struct lan_stream *want)
{
	return want == l->probed && lan_acks_are_on(want) && newest(l, !want->dialled) == NULL;
}

static void
link_up(struct lan_link *l)
{
	if (l->link.state != LINK_OPENING)
		return;
	link_enter(&l->link, LINK_UP);
	l->link.events->up(l->link.owner, &l->link);
}

/* What was written to, and has not ended in time, may have lost what it does not acknowledge. */
static void
leave(struct lan_link *l, struct lan_stream *want)
{
	struct lan_stream *old = l->last;

	l->out = l->last = want;
	l->switch_at = 0;
	lan_link_settle_acks(l);
	l->out = NULL;
	if (old != NULL && old != want && lan_acks_are_due(old))
		lan_queue_salvage(l, old);
	l->out = want;
}

void
lan_link_choose(struct lan_link *l)
{
	struct lan_stream *want;
	int64_t until, order, now = now_of(l);

	if (l->closing || l->over)
		return;
	want = pick(l, &until);
	if (want == NULL || want == l->out) {
		l->out = want;
		lan_queue_flush(l);
		return;
	}
	order = order_until(l, want);
	if (order > until)
		until = order;
	if (is_left_alone(l, want))
		l->probed = NULL;
	if (probe_is_pending(l))
		until = now + LAN_PROBE_USEC;
	if (now < until) {
		l->out = NULL;
		ear_timer_set(&l->hold, until - now);
		return;
	}
	leave(l, want);
	if (l->closing || l->over)
		return;
	link_up(l);
	lan_queue_flush(l);
}

static void
on_hold(void *arg)
{
	lan_link_choose(arg);
}

static bool
is_silent(const struct lan_link *l)
{
	struct list *at, *spare;

	list_each (at, spare, &l->streams)
		if (lan_acks_are_silent(container_of(at, struct lan_stream, entry)))
			return true;
	return false;
}

/*
 * Nothing for idle_usec closes the link; on the way what has arrived is forgotten. One that has not
 * acknowledged in all that time does not get to say goodbye.
 */
static void
on_idle(void *arg)
{
	struct lan_link *l = arg;
	int64_t left = l->active_at + l->lan->idle_usec - now_of(l);

	lan_queue_prune(l);
	l->pruning = !lan_queue_is_empty(l);
	if (left <= 0 && is_silent(l))
		lan_link_abandon(&l->link, -ETIMEDOUT, "does not acknowledge what it gets");
	else if (l->pruning)
		ear_timer_set(&l->idle, EAR_SEC);
	else if (left > 0)
		ear_timer_set(&l->idle, left);
	else
		lan_link_begin_close(l);
}

static int
lan_send(struct link *link, xmpp_stanza_t *stanza)
{
	struct lan_link *l = of(link);
	int rc;

	if (l->closing || l->over || (link->state != LINK_OPENING && link->state != LINK_UP))
		return -ENOTCONN;
	if (l->out != NULL && l->queue.count == 0)
		rc = lan_queue_write(l, stanza);
	else
		rc = lan_queue_add(l, stanza);
	return rc;
}

/* One that is not shown yet lives and dies with its stream. */
static void
lan_close(struct link *link)
{
	if (!list_is_empty(&of(link)->entry))
		lan_link_begin_close(of(link));
}

static const struct link_ops ops = {
	.send = lan_send,
	.close = lan_close,
	.abandon = lan_link_abandon,
	.unacked = lan_queue_unacked,
};

struct lan_link *
lan_link_new(struct lan *lan, const char *address)
{
	struct lan_link *l = xalloc(sizeof(*l));
	char wire[EAR_INSTANCE_MAX + 1];

	if (ear_jid_to_instance(address, wire, sizeof(wire)) != 0) {
		free(l);
		return NULL;
	}
	link_init(&l->link, &ops, EAR_LINK_LAN, lan->events, lan->owner);
	l->link.peer = xstrdup(address);
	l->link.self = xstrdup(lan->self_address);
	l->lan = lan;
	l->wire = xstrdup(wire);
	list_init(&l->streams);
	outbox_init(&l->queue);
	ear_timer_init(&l->idle, lan->clock, on_idle, l);
	ear_timer_init(&l->hold, lan->clock, on_hold, l);
	list_init(&l->entry);
	return l;
}

void
lan_link_show(struct lan_link *l)
{
	l->active_at = now_of(l);
	ear_timer_set(&l->idle, l->lan->idle_usec);
	list_add(&l->lan->all, &l->entry);
	map_set(l->lan->links, l->link.peer, l);
}

struct lan_link *
lan_link_find(struct lan *lan, const char *address)
{
	struct lan_link *l = map_get(lan->links, address);

	if (l == NULL || l->closing || l->over || l->link.state == LINK_CLOSING)
		return NULL;
	return l;
}

/*
 * What has arrived and was not read is thrown away. An end in good order would say that it was
 * read; after system-shutdown (RFC 6120 §4.9.3.21) it is what was not acknowledged.
 */
static void
shut_down(struct lan_stream *ls)
{
	bool counts = lan_stream_is_usable(ls) && lan_acks_are_on(ls);

	if (counts)
		lan_sm_end(ls);
	lan_stream_free(ls, counts ? "system-shutdown" : NULL);
}

void
lan_link_free(struct lan_link *l)
{
	struct lan *lan = l->lan;

	while (!list_is_empty(&l->streams))
		shut_down(container_of(l->streams.next, struct lan_stream, entry));
	dial_free(l->dial);
	ear_timer_stop(&l->idle);
	ear_timer_stop(&l->hold);
	outbox_release(&l->queue);
	if (map_get(lan->links, l->link.peer) == l)
		map_del(lan->links, l->link.peer);
	list_del(&l->entry);
	link_release(&l->link);
	free(l->wire);
	free(l->failure);
	free(l);
}

/*
 * A peer that dials again while its first stream is there has lost that one. It is closed with
 * time for what is still in it; only so many are kept.
 */
static void
supersede(struct lan_link *l)
{
	struct list *at, *spare;
	size_t left = 0;

	list_each (at, spare, &l->streams)
		left++;
	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (ls->dialled)
			continue;
		if (left < LAN_PEER_STREAMS_MAX) {
			lan_stream_close(ls);
			continue;
		}
		left--;
		if (l->out == ls)
			l->out = NULL;
		lan_link_stream_ended(l, ls, -ECONNABORTED, "replaced by a newer stream");
	}
}

void
lan_link_adopt(struct lan_link *l, struct lan_stream *ls)
{
	struct lan_stream *mine;

	supersede(l);
	list_del(&ls->entry);
	l->lan->stranger_count--;
	list_add(&l->streams, &ls->entry);
	ls->link = l;
	l->contest_at = now_of(l);
	mine = newest(l, true);
	/* The peer has seen nothing of one that is only being connected. */
	if (mine == NULL)
		lan_link_drop_dial(l);
	else if (mine->open && now_of(l) - mine->opened_at > LAN_YOUNG_USEC)
		lan_link_probe(l, true);
}

static void
look_again(struct lan_link *l)
{
	struct list *at, *spare;

	list_each (at, spare, &l->streams)
		lan_acks_look_again(container_of(at, struct lan_stream, entry));
}

void
lan_link_opened(struct lan_link *l, struct lan_stream *ls)
{
	ls->open = true;
	ls->opened_at = now_of(l);
	l->error = 0;
	xreplace(&l->failure, NULL);
	l->link.earshot = ls->version;
	if (ls->dialled) {
		lan_link_drop_dial(l);
		if (newest(l, false) != NULL)
			l->contest_at = now_of(l);
	}
	if (l->closing) {
		lan_stream_close(ls);
		return;
	}
	look_again(l);
	lan_link_choose(l);
}

void
lan_link_stream_closing(struct lan_link *l, struct lan_stream *ls)
{
	if (l->out == ls)
		l->out = NULL;
	if (newest(l, true) == NULL && newest(l, false) == NULL && l->dial == NULL)
		link_enter(&l->link, LINK_CLOSING);
	else
		lan_link_choose(l);
}

static bool
is_about_keys(int error)
{
	return error == -EACCES || error == -EKEYREJECTED || error == -EKEYREVOKED;
}

/* That somebody was refused is not made forgotten by an address that did not answer. */
static void
remember_failure(struct lan_link *l, int error, const char *text)
{
	if (is_about_keys(l->error) && !is_about_keys(error))
		return;
	if (l->failure == NULL || error != 0) {
		l->error = error;
		xreplace(&l->failure, text);
	}
}

/* Whether another stream of it goes on. */
static bool
has_open(struct lan_link *l, const struct lan_stream *but)
{
	struct list *at, *spare;

	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (ls != but && ls->open && lan_stream_is_usable(ls))
			return true;
	}
	return false;
}

static void
forget_stream(struct lan_link *l, struct lan_stream *ls)
{
	if (l->out == ls)
		l->out = NULL;
	if (l->last == ls)
		l->last = NULL;
	if (l->probed == ls)
		l->probed = NULL;
}

/* text lives as long as the stream, so it is copied before that goes. */
void
lan_link_stream_ended(struct lan_link *l, struct lan_stream *ls, int error, const char *text)
{
	bool again = ls->dialled && !ls->open && l->dial != NULL && !l->closing;
	bool last = l->streams.next == &ls->entry && l->streams.prev == &ls->entry;
	bool silent = lan_acks_are_silent(ls);

	if (last || !has_open(l, ls))
		remember_failure(l, error, text);
	forget_stream(l, ls);
	/* One that the peer dialled is enough: ours may have gone because of that. */
	if (again && (newest(l, false) != NULL || !dial_next(l->dial)))
		lan_link_drop_dial(l);
	if (last && l->dial == NULL)
		lan_queue_return_sent(l, ls);
	else
		lan_queue_salvage(l, ls);
	lan_stream_free(ls, NULL);
	if (last && l->dial == NULL) {
		lan_link_become_over(l);
		return;
	}
	if (silent && !l->closing && !l->over && l->link.events->silent != NULL)
		l->link.events->silent(l->link.owner, &l->link, false);
	lan_link_choose(l);
}

/* The other end has another one, or we have: what it does not answer here may be lost. */
bool
lan_link_give_up(struct lan_link *l, struct lan_stream *ls)
{
	if (!has_open(l, ls))
		return false;
	ear_debug("%s: a stream that does not acknowledge is given up", l->link.peer);
	stream_abort(ls->stream);
	lan_link_stream_ended(l, ls, -ETIMEDOUT, "does not acknowledge what it gets");
	return true;
}

void
lan_link_drained(struct lan_link *l, struct lan_stream *ls)
{
	if (!l->closing)
		lan_queue_flush(l);
	if (ls->sent.count > 0 && ls->acks == NULL && !l->pruning) {
		l->pruning = true;
		ear_timer_set(&l->idle, EAR_SEC);
	}
}

void
lan_link_dialled(struct lan_link *l, struct io *io, bool secure)
{
	static const union lan_source nowhere;
	struct lan_stream *ls = lan_stream_new(l->lan, io, true, &nowhere);

	ls->secure = secure;
	list_add(&l->streams, &ls->entry);
	lan_stream_greet(ls, l);
}

void
lan_link_move(struct lan_link *to, struct lan_stream *ls)
{
	struct lan_link *from = ls->link;

	forget_stream(from, ls);
	list_del(&ls->entry);
	list_add(&to->streams, &ls->entry);
	ls->link = to;
	lan_link_begin_close(from);
}

void
lan_link_dial_failed(struct lan_link *l, int error, const char *text)
{
	lan_link_drop_dial(l);
	if (!list_is_empty(&l->streams)) {
		lan_link_choose(l);
		return;
	}
	remember_failure(l, error, text);
	lan_link_become_over(l);
}

void
lan_link_probe(struct lan_link *l, bool hold)
{
	struct lan_stream *ls = l->out != NULL ? l->out : l->last;

	if (ls == NULL || !lan_stream_is_usable(ls))
		return;
	if (lan_acks_are_on(ls))
		lan_acks_probe(ls);
	else
		stream_probe(ls->stream);
	if (!hold)
		return;
	l->probed = ls;
	l->probe_end = io_written(stream_io(ls->stream));
	l->out = NULL;
}
