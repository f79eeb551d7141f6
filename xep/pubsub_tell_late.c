/* SPDX-License-Identifier: ISC */
/*
 * pubsub_tell_late.c: those who were not there, or are slow.
 *
 * Of a node with a backlog, what they miss waits in the store, and is sent before anything newer
 * once they are there: something that was sent to them arrives, they appear, or their presence
 * says so. Of other nodes nothing waits but what is held here for who is slow, because a direct
 * stream whose queue is full stops nobody else, or not found again yet after a start.
 */
#include <errno.h>

#include "hash.h"
#include "memory.h"
#include "nodes_impl.h"
#include "pubsub_tell_impl.h"

#define TICK      (50 * EAR_MSEC)  /* between two looks whether what was sent has left */
#define ASKS_MAX  64               /* at a time */
#define SLOW      (200 * EAR_MSEC) /* between two tries where a queue is full */
#define AGAIN     (60 * EAR_SEC)   /* without a sign of life */
#define AWAY      (10 * EAR_SEC)   /* between two looks at his presence */
#define BUCKET(a) (hash_text(HASH_BEGIN, a) % TELL_BUCKETS)

/* Of somebody who is slow, or not found again yet. */
struct held {
	struct held *next;
	struct tale *tale;
};

struct late {
	struct late *next; /* in its bucket */
	struct pubsub_teller *teller;
	char *address;
	bool waits;  /* in the store something does, as far as is known */
	bool more;   /* since it was asked */
	bool asking; /* for what waits, or telling that it does no more */
	int64_t at;  /* when it is tried (again) */
	struct held *first, **last;
	size_t held_count;
	/* What was sent of what waited, and has not left yet. */
	int64_t ids[EAR_EVENTS_MAX];
	size_t id_count;
	uint64_t mark;
	int64_t sent_at;
};

static int64_t
now_of(const struct pubsub_teller *teller)
{
	return ear_now(ear_clock(teller->ear));
}

/* --- the table ---------------------------------------------------------------------------- */

static struct late *
late_find(struct pubsub_teller *teller, const char *address)
{
	struct late *late = teller->late_count == 0 ? NULL : teller->late[BUCKET(address)];

	while (late != NULL && strcmp(late->address, address) != 0)
		late = late->next;
	return late;
}

static void
drop_held(struct late *late)
{
	while (late->first != NULL) {
		struct held *held = late->first;

		late->first = held->next;
		held->tale->held--;
		tale_drop(held->tale);
		free(held);
	}
	late->last = &late->first;
	late->held_count = 0;
}

static void
late_free(struct late *late)
{
	struct pubsub_teller *teller = late->teller;
	struct late **place = &teller->late[BUCKET(late->address)];

	while (*place != late)
		place = &(*place)->next;
	*place = late->next;
	teller->late_count--;
	teller->late_asks -= late->asking;
	ear_store_forget(teller->store, late);
	drop_held(late);
	free(late->address);
	free(late);
}

static void
look_in(struct pubsub_teller *teller, int64_t usec)
{
	int64_t at = now_of(teller) + (usec > 0 ? usec : 0);

	if (ear_timer_is_set(&teller->tick) && teller->tick_at <= at)
		return;
	teller->tick_at = at;
	ear_timer_set(&teller->tick, usec > 0 ? usec : 0);
}

/* It is tried again then. */
static void
try_in(struct late *late, int64_t usec)
{
	late->at = now_of(late->teller) + usec;
	look_in(late->teller, usec);
}

static void
asked(struct late *late, bool asking)
{
	late->asking = asking;
	late->teller->late_asks += asking ? 1 : -1;
}

/* NULL: so many are known. What waits in the store is seen there. */
static struct late *
late_get(struct pubsub_teller *teller, const char *address)
{
	struct late *late = late_find(teller, address);

	if (late == NULL && teller->late_count < TELL_LATE_MAX) {
		late = xep_alloc(sizeof(*late));
		late->teller = teller;
		late->address = xep_strdup(address);
		late->last = &late->first;
		late->next = teller->late[BUCKET(address)];
		teller->late[BUCKET(address)] = late;
		teller->late_count++;
	}
	return late;
}

/* --- waiting ------------------------------------------------------------------------------ */

static void
on_kept(void *arg, const struct ear_changed *changed)
{
	if (changed->error != 0)
		ear_warn("what somebody missed cannot be kept for him: %s", changed->text);
}

void
late_keep(struct pubsub_teller *teller, struct tale *tale, const char *address, int64_t wait)
{
	struct late *late = late_get(teller, address);

	ear_store_keep_for(teller->store, address, &tale->event, on_kept, teller);
	if (late == NULL)
		return;
	late->more = late->more || late->asking;
	if (!late->waits || now_of(teller) + wait > late->at)
		try_in(late, wait);
	late->waits = true;
}

static int
hold(struct pubsub_teller *teller, struct tale *tale, const char *address)
{
	struct late *late = late_get(teller, address);
	struct held *held;

	if (late == NULL || late->held_count == TELL_HELD_MAX) {
		ear_debug("%s: is too slow for %s: an event is not told", address,
			  tale->event.node);
		return 0;
	}
	held = xep_alloc(sizeof(*held));
	held->tale = tale_hold(tale);
	tale->held++;
	*late->last = held;
	late->last = &held->next;
	late->held_count++;
	/* Not later for what is newer. */
	if (!late->waits && late->held_count == 1)
		try_in(late, SLOW);
	return 0;
}

void
late_tell_alone(struct pubsub_teller *teller, struct tale *tale, const char *address, int64_t stamp)
{
	const struct late *late = late_find(teller, address);
	bool keeps = tale->event.backlog > 0;
	int error;

	if (keeps && late != NULL && late->waits) {
		late_keep(teller, tale, address, 0);
		return;
	}
	if (!keeps && late != NULL && late->held_count > 0) {
		hold(teller, tale, address);
		return;
	}
	error = tale_single(teller, tale, address, stamp);
	if (error != 0 && keeps)
		late_keep(teller, tale, address, tell_is_full(error) ? SLOW : TELL_SETTLE_USEC);
	else if (tell_is_full(error))
		hold(teller, tale, address);
}

struct look {
	enum ear_link_kind link;
};

static void
on_path(void *arg, const struct ear_path_info *path)
{
	struct look *look = arg;

	if (path->chosen)
		look->link = path->link;
}

/* Just started: who was there all the time has not been found again yet. */
static bool
is_looking_around(const struct pubsub_teller *teller)
{
	return now_of(teller) - teller->started_at < TELL_FIND_MAX;
}

/* Whether its queue is its own: that of a server is everybody's. */
static bool
is_alone(struct pubsub_teller *teller, const char *address)
{
	struct look look = { EAR_LINK_NONE };

	if (ear_only_by_server(teller->ear, address))
		return false;
	ear_each_path(teller->ear, address, on_path, &look);
	return look.link != EAR_LINK_SERVER;
}

int
late_tell(struct pubsub_teller *teller, struct tale *tale, const char *address, bool waits)
{
	struct late *late = late_find(teller, address);
	bool keeps = tale->event.backlog > 0;
	int error;

	if (keeps && waits && (late == NULL || !late->waits)) {
		late = late_get(teller, address);
		if (late != NULL && !late->waits)
			try_in(late, 0);
		if (late != NULL)
			late->waits = true;
	}
	if (keeps && (waits || (late != NULL && late->waits) || person_is_away(teller, address))) {
		late_keep(teller, tale, address, 0);
		return 0;
	}
	if (!keeps && late != NULL && late->held_count > 0)
		return hold(teller, tale, address);
	error = tale_gather(teller, tale, address);
	if (error == -EHOSTUNREACH && !gone_unsent(teller, address, tale->event.node) && !keeps &&
	    is_looking_around(teller))
		return hold(teller, tale, address);
	if (error >= 0 || (tell_is_full(error) && !is_alone(teller, address)))
		return error;
	if (keeps)
		late_keep(teller, tale, address, tell_is_full(error) ? SLOW : AGAIN);
	else if (tell_is_full(error))
		return hold(teller, tale, address);
	return 0;
}

/* --- being told after all ----------------------------------------------------------------- */

static void
on_waited(void *arg, const struct ear_changed *changed)
{
	struct late *late = arg;

	asked(late, false);
	if (changed->error != 0) {
		ear_warn("%s: that he was told cannot be noted: %s", late->address, changed->text);
		try_in(late, TELL_RETRY_USEC);
		return;
	}
	late->id_count = 0;
	look_in(late->teller, late->at - now_of(late->teller));
}

static int
send_waiting(struct late *late, const struct ear_stored_event *event)
{
	struct ear_stored_event as_it_was = *event;
	struct tale *tale;
	int error;

	/* Should it come back, it waits again. */
	as_it_was.id = event->origin;
	as_it_was.backlog = PUBSUB_BACKLOG_MAX;
	tale = tale_new(late->teller, &as_it_was);
	error = tale_send(late->teller, tale, late->address, event->at);
	tale_drop(tale);
	return error;
}

static void
all_told(struct late *late)
{
	late->waits = late->more;
	late->more = false;
	if (late->waits || late->held_count > 0)
		try_in(late, 0);
	else
		late_free(late);
}

static void
on_waiting(void *arg, int error, const struct ear_stored_event *events, size_t count)
{
	struct late *late = arg;
	struct pubsub_teller *teller = late->teller;
	int failed = error;

	asked(late, false);
	if (error == 0 && count == 0) {
		all_told(late);
		return;
	}
	for (size_t i = 0; i < count && failed == 0; i++) {
		failed = send_waiting(late, &events[i]);
		if (failed == 0)
			late->ids[late->id_count++] = events[i].id;
	}
	late->mark = ear_mark(teller->ear);
	late->sent_at = now_of(teller);
	late->at = late->sent_at;
	/* Also where another engine is telling him. */
	if (failed != 0)
		try_in(late, error != 0 ? TELL_RETRY_USEC : tell_is_full(failed) ? SLOW : AGAIN);
	look_in(teller, TICK);
}

static void
ask(struct late *late)
{
	if (late->teller->late_asks >= ASKS_MAX) {
		try_in(late, TICK);
		return;
	}
	asked(late, true);
	late->more = false;
	ear_store_waiting(late->teller->store, late->address, on_waiting, late);
}

/* What was sent of it has left, or has had the time to. */
static void
end_sent(struct late *late)
{
	struct pubsub_teller *teller = late->teller;

	if (!ear_has_left(teller->ear, multi_way(teller, late->address), late->mark) &&
	    now_of(teller) - late->sent_at < TELL_LEFT_MAX) {
		look_in(teller, TICK);
		return;
	}
	asked(late, true);
	ear_store_waited(teller->store, late->ids, late->id_count, on_waited, late);
}

static void
send_held(struct late *late)
{
	while (late->first != NULL) {
		struct held *held = late->first;
		int error = tale_send(late->teller, held->tale, late->address, 0);

		if (tell_is_full(error) ||
		    (error == -EHOSTUNREACH && is_looking_around(late->teller))) {
			try_in(late, SLOW);
			return;
		}
		if (error != 0) {
			ear_debug("%s: has gone: what was held for him is dropped", late->address);
			drop_held(late);
			return;
		}
		late->first = held->next;
		late->held_count--;
		held->tale->held--;
		tale_drop(held->tale);
		free(held);
	}
	late->last = &late->first;
}

static void
look_at(struct late *late)
{
	struct pubsub_teller *teller = late->teller;
	int64_t left = late->at - now_of(teller);

	if (late->asking)
		return;
	if (late->id_count > 0) {
		end_sent(late);
		return;
	}
	if (left > 0) {
		look_in(teller, left);
		return;
	}
	if (late->held_count > 0)
		send_held(late);
	if (late->waits && person_is_away(teller, late->address))
		try_in(late, AWAY);
	else if (late->waits)
		ask(late);
	else if (late->held_count == 0)
		late_free(late);
}

static void
on_tick(void *arg)
{
	struct pubsub_teller *teller = arg;

	for (size_t i = 0; i < TELL_BUCKETS; i++)
		for (struct late *late = teller->late[i], *next; late != NULL; late = next) {
			next = late->next;
			look_at(late);
		}
}

/* --- signs of life ------------------------------------------------------------------------ */

static bool
is_his(struct pubsub_teller *teller, const char *address, const char *other)
{
	return ear_jid_bare_equal(address, other) || told_is_same(teller->ear, address, other);
}

void
late_may_be_there(struct pubsub_teller *teller, const char *address)
{
	int64_t now = now_of(teller);

	for (size_t i = 0; teller->late_count > 0 && i < TELL_BUCKETS; i++)
		for (struct late *late = teller->late[i]; late != NULL; late = late->next)
			if (late->at > now + TELL_SETTLE_USEC &&
			    (address == NULL || is_his(teller, late->address, address)))
				try_in(late, 0);
}

void
late_look(struct pubsub_teller *teller, const char *address)
{
	struct late *late = teller->recalled ? late_get(teller, address) : NULL;

	if (late == NULL || (late->waits && late->at <= now_of(teller) + TELL_SETTLE_USEC))
		return;
	late->waits = true;
	try_in(late, 0);
}

/* What an earlier life has left. */
static void
on_late(void *arg, const struct ear_stored_answer *answer)
{
	struct pubsub_teller *teller = arg;

	if (answer->error != 0)
		ear_warn("who has to be told something yet cannot be read: %s", answer->text);
	for (size_t i = 0; i < answer->count; i++)
		late_look(teller, answer->rows[i].jid);
	if (answer->count == EAR_STORE_PAGE_MAX && teller->late_count < TELL_LATE_MAX)
		ear_store_late(teller->store, answer->rows[answer->count - 1].jid, on_late, teller);
}

void
late_init(struct pubsub_teller *teller)
{
	ear_timer_init(&teller->tick, ear_clock(teller->ear), on_tick, teller);
}

void
late_recall(struct pubsub_teller *teller)
{
	if (teller->recalled)
		return;
	teller->recalled = true;
	ear_store_late(teller->store, "", on_late, teller);
}

void
late_release(struct pubsub_teller *teller)
{
	ear_timer_stop(&teller->tick);
	for (size_t i = 0; i < TELL_BUCKETS; i++)
		while (teller->late[i] != NULL)
			late_free(teller->late[i]);
}
