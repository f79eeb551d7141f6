/* SPDX-License-Identifier: ISC */
/* pubsub_tell.c: telling: events out of the store, and what was told of them back into it. */
#include <errno.h>

#include "memory.h"
#include "pubsub_tell_impl.h"

static void take(struct pubsub_teller *teller);

/* --- what was told is noted --------------------------------------------------------------- */

static void
tell_no_more_of(struct tale *tale)
{
	struct lane *lane = tale->lane;
	struct tale **place = &lane->tales;

	while (*place != tale)
		place = &(*place)->next;
	*place = tale->next;
	tale_leave(tale);
	if (lane->tales == NULL)
		lane_free(lane);
}

static void
on_told(void *arg, const struct ear_changed *changed)
{
	struct tale *tale = arg;
	struct pubsub_teller *teller = tale->lane->teller;
	bool all = tale->noting_all;

	tale->noting = tale->noting_all = false;
	if (changed->error == -ESTALE) {
		ear_debug("%s: another engine tells of it now", tale->event.node);
		lane_free(tale->lane);
	} else if (changed->error != 0) {
		ear_warn("%s: that an event was told cannot be noted: %s", tale->event.node,
			 changed->text);
		tale->due = true;
		ear_timer_set(&teller->left, TELL_RETRY_USEC);
		return;
	} else if (all) {
		tell_no_more_of(tale);
	}
	if (teller->tales < EAR_EVENTS_MAX / 2)
		take(teller);
}

static void
note(struct pubsub_teller *teller, struct tale *tale)
{
	tale->due = false;
	tale->noting = true;
	tale->noting_all = tale->sent;
	ear_store_told(teller->store, tale->event.id, tale->sent ? NULL : tale->upto, on_told,
		       tale);
}

/* Whether what was sent of it has arrived at the next hop (ear_has_left), or is old enough. */
static bool
has_arrived(struct pubsub_teller *teller, struct tale *tale)
{
	if (ear_now(ear_clock(teller->ear)) - tale->sent_at > TELL_LEFT_MAX)
		return true;
	for (; tale->to_at < tale->to_count; tale->to_at++) {
		if (!ear_has_left(teller->ear, tale->to[tale->to_at], tale->mark))
			return false;
		free(tale->to[tale->to_at]);
	}
	return tale->held == 0;
}

static void
on_left(void *arg)
{
	struct pubsub_teller *teller = arg;
	bool more = false;

	for (struct lane *lane = teller->lanes; lane != NULL; lane = lane->next)
		for (struct tale *tale = lane->tales; tale != NULL; tale = tale->next)
			if (tale->due && !tale->noting && has_arrived(teller, tale))
				note(teller, tale);
			else
				more = more || tale->due;
	if (more)
		ear_timer_set(&teller->left, TELL_LEFT_USEC);
}

/* What was sent to those on the page is to be watched until it has left. */
void
tell_watch_page(struct lane *lane, struct tale *tale)
{
	size_t left = tale->to_count - tale->to_at, count = 0;
	const char *ways[MULTI_DOMAINS_MAX];
	char **to = xep_alloc((left + lane->count + MULTI_DOMAINS_MAX + 1) * sizeof(to[0]));

	if (left > 0)
		memcpy(to, tale->to + tale->to_at, left * sizeof(to[0]));
	for (size_t i = 0; i < lane->count; i++)
		if (!lane->page[i].gathered)
			to[left++] = xep_strdup(multi_way(lane->teller, lane->page[i].address));
		else if (count == 0)
			count = multi_ways(lane->teller, ways);
	for (size_t i = 0; i < count; i++)
		to[left++] = xep_strdup(ways[i]);
	free(tale->to);
	tale->to = to;
	tale->to_at = 0;
	tale->to_count = left;
	tale->mark = ear_mark(lane->teller->ear);
	tale->sent_at = ear_now(ear_clock(lane->teller->ear));
}

/* Everybody up to the end of the page was sent to. */
void
tell_page_is_told(struct lane *lane, struct tale *tale)
{
	struct pubsub_teller *teller = lane->teller;

	tell_watch_page(lane, tale);
	if (lane->full) {
		free(tale->upto);
		tale->upto = xep_strdup(lane->after);
	}
	tale->due = true;
	if (!ear_timer_is_set(&teller->left))
		ear_timer_set(&teller->left, 0);
}

/* --- events ------------------------------------------------------------------------------- */

static void
run_all(struct pubsub_teller *teller)
{
	for (struct lane *lane = teller->lanes; lane != NULL; lane = lane->next)
		lane_run(lane);
}

/*
 * Just started, there may be events, and nobody who could be reached: whoever is not is not told,
 * and was there when they happened.
 */
static bool
is_settled(struct pubsub_teller *teller, size_t left)
{
	int64_t age = ear_now(ear_clock(teller->ear)) - teller->started_at;

	teller->settled = teller->settled || left == 0 || !ear_store_is_old(teller->store) ||
			  age >= TELL_FIND_MAX || (teller->server_up && age >= TELL_FIND_USEC);
	return teller->settled;
}

static void
on_taken(void *arg, int error, const struct ear_stored_event *events, size_t count)
{
	struct pubsub_teller *teller = arg;

	teller->taking = false;
	if (error != 0) {
		ear_warn("what is to be told cannot be read: %s", strerror(-error));
		ear_timer_set(&teller->renew, TELL_RETRY_USEC);
		return;
	}
	if (!is_settled(teller, count)) {
		ear_timer_set(&teller->renew, EAR_SEC);
		return;
	}
	for (size_t i = 0; i < count; i++)
		lane_add(lane_get(teller, events[i].node), &events[i]);
	run_all(teller);
	if (teller->again)
		take(teller);
	if (teller->lanes != NULL && !ear_timer_is_set(&teller->renew))
		ear_timer_set(&teller->renew, TELL_RENEW_USEC);
}

static void
take(struct pubsub_teller *teller)
{
	teller->again = teller->taking;
	if (teller->taking)
		return;
	teller->taking = true;
	ear_store_take(teller->store, on_taken, teller);
}

static void
on_renew(void *arg)
{
	take(arg);
}

static void
on_news(void *arg)
{
	late_recall(arg);
	take(arg);
}

/* --- life --------------------------------------------------------------------------------- */

struct pubsub_teller *
pubsub_teller_new(struct ear *ear)
{
	struct pubsub_teller *teller = xep_alloc(sizeof(*teller));

	teller->ear = ear;
	teller->store = ear_store(ear);
	teller->started_at = ear_now(ear_clock(ear));
	ear_timer_init(&teller->left, ear_clock(ear), on_left, teller);
	ear_timer_init(&teller->renew, ear_clock(ear), on_renew, teller);
	late_init(teller);
	multi_tell_init(teller);
	person_nobody(teller, NULL);
	/* Also of what an earlier life, or another engine, has left: not before anything is known
	 * of a database is it opened. */
	ear_store_watch(teller->store, on_news, teller);
	return teller;
}

void
pubsub_teller_free(struct pubsub_teller *teller)
{
	ear_store_watch(teller->store, NULL, NULL);
	ear_store_forget(teller->store, teller);
	while (teller->lanes != NULL)
		lane_free(teller->lanes);
	ear_timer_stop(&teller->left);
	ear_timer_stop(&teller->renew);
	late_release(teller);
	want_release(teller);
	gone_release(teller);
	person_release(teller);
	multi_tell_release(teller);
	tell_forget_sent(teller);
	free(teller);
}

/* Something may wait for him that another engine has kept. */
static void
on_peer(void *arg, const struct ear_peer_info *peer)
{
	struct pubsub_teller *teller = arg;

	if (!peer->in_earshot)
		return;
	late_may_be_there(teller, peer->address);
	late_look(teller, peer->address);
	if (peer->jid != NULL)
		late_look(teller, peer->jid);
}

void
pubsub_teller_event(struct pubsub_teller *teller, const struct ear_event *event)
{
	switch (event->kind) {
	case EAR_SERVER_UP:
		teller->server_up = true;
		multi_forget(teller->multi);
		late_may_be_there(teller, NULL);
		break;
	case EAR_PEER_CHANGED:
		ear_each_peer(teller->ear, event->address, on_peer, teller);
		break;
	case EAR_PATH_CHANGED:
	case EAR_TRUST_CHANGED:
		if (event->address != NULL)
			late_may_be_there(teller, event->address);
		break;
	case EAR_PEER_GONE:
	case EAR_TRUST_ENDED:
	case EAR_STREAM_ENDED:
	case EAR_OWN_KEY_CHANGED:
	case EAR_NETWORK_CHANGED:
	case EAR_PLAYER_CHANGED:
		break;
	}
}
