/* SPDX-License-Identifier: ISC */
/* pubsub_tell.c: telling: events out of the store, in the order of their node, to everybody whom
 * each is for, once. */
#include <errno.h>

#include "memory.h"
#include "pubsub_tell_impl.h"

#define WANT_TRIES 50 /* to tell one, while there is no room on the way to him */

static void take(struct pubsub_teller *teller);

/* --- lanes -------------------------------------------------------------------------------- */

static void
free_page(struct lane *lane)
{
	for (size_t i = 0; i < lane->count; i++)
		free(lane->page[i].address);
	free(lane->page);
	lane->page = NULL;
	lane->count = lane->at = 0;
}

static void
leave_lane(struct tale *tale)
{
	struct pubsub_teller *teller = tale->lane->teller;

	ear_store_forget(teller->store, tale);
	teller->tales--;
	tale->lane = NULL;
	tale_drop(tale);
}

/* It is another engine's now, or there is nothing more to tell. */
static void
lane_free(struct lane *lane)
{
	struct lane **place = &lane->teller->lanes;

	while (*place != lane)
		place = &(*place)->next;
	*place = lane->next;
	ear_store_forget(lane->teller->store, lane);
	ear_timer_stop(&lane->again);
	free_page(lane);
	while (lane->tales != NULL) {
		struct tale *tale = lane->tales;

		lane->tales = tale->next;
		leave_lane(tale);
	}
	free(lane->node);
	free(lane);
}

static void
on_again(void *arg)
{
	lane_run(arg);
}

static struct lane *
lane_get(struct pubsub_teller *teller, const char *node)
{
	struct lane *lane = teller->lanes;

	while (lane != NULL && strcmp(lane->node, node) != 0)
		lane = lane->next;
	if (lane != NULL)
		return lane;
	lane = xep_alloc(sizeof(*lane));
	lane->teller = teller;
	lane->node = xep_strdup(node);
	lane->next = teller->lanes;
	teller->lanes = lane;
	ear_timer_init(&lane->again, ear_clock(teller->ear), on_again, lane);
	return lane;
}

static void
lane_add(struct lane *lane, const struct ear_stored_event *event)
{
	struct tale **place = &lane->tales;

	if (event->id <= lane->last)
		return;
	while (*place != NULL)
		place = &(*place)->next;
	*place = tale_new(lane->teller, event);
	(*place)->lane = lane;
	lane->last = event->id;
	lane->teller->tales++;
}

/* --- what was told is noted --------------------------------------------------------------- */

static void
tell_no_more_of(struct tale *tale)
{
	struct lane *lane = tale->lane;
	struct tale **place = &lane->tales;

	while (*place != tale)
		place = &(*place)->next;
	*place = tale->next;
	leave_lane(tale);
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

/* Whether what was sent of it is out of this process, as far as that can be known. */
static bool
has_left(struct pubsub_teller *teller, struct tale *tale)
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
			if (tale->due && !tale->noting && has_left(teller, tale))
				note(teller, tale);
			else
				more = more || tale->due;
	if (more)
		ear_timer_set(&teller->left, TELL_LEFT_USEC);
}

/* What was sent to those on the page is to be watched until it has left. */
static void
watch_page(struct lane *lane, struct tale *tale)
{
	size_t left = tale->to_count - tale->to_at;
	char **to = xep_alloc((left + lane->count + 1) * sizeof(to[0]));

	if (left > 0)
		memcpy(to, tale->to + tale->to_at, left * sizeof(to[0]));
	for (size_t i = 0; i < lane->count; i++)
		to[left++] = xep_strdup(lane->page[i].address);
	free(tale->to);
	tale->to = to;
	tale->to_at = 0;
	tale->to_count = left;
	tale->mark = ear_mark(lane->teller->ear);
	tale->sent_at = ear_now(ear_clock(lane->teller->ear));
}

/* Everybody up to the end of the page was sent to. */
static void
is_told(struct lane *lane, struct tale *tale)
{
	struct pubsub_teller *teller = lane->teller;

	watch_page(lane, tale);
	if (lane->full) {
		free(tale->upto);
		tale->upto = xep_strdup(lane->after);
	}
	tale->due = true;
	if (!ear_timer_is_set(&teller->left))
		ear_timer_set(&teller->left, 0);
}

/* --- an event to its audience ------------------------------------------------------------- */

static struct tale *
to_tell(const struct lane *lane)
{
	struct tale *tale = lane->tales;

	while (tale != NULL && tale->sent)
		tale = tale->next;
	return tale;
}

static void
add_to_page(struct lane *lane, const char *address, bool waits, size_t max)
{
	if (lane->page == NULL)
		lane->page = xep_alloc(max * sizeof(lane->page[0]));
	lane->page[lane->count++] = (struct seat){ xep_strdup(address), waits };
}

static bool
is_delivered(const struct ear_stored *row)
{
	struct pubsub_options options = { .deliver = true };

	if (row->options != NULL && *row->options != '\0')
		pubsub_options_read(&options, row->options);
	return options.deliver;
}

static void
on_audience(void *arg, const struct ear_stored_answer *answer)
{
	struct lane *lane = arg;

	lane->asking = false;
	if (answer->error == -ESTALE || answer->error == -ENOENT) {
		lane_free(lane);
		return;
	}
	if (answer->error != 0) {
		ear_warn("%s: who is to be told cannot be read: %s", lane->node, answer->text);
		ear_timer_set(&lane->again, TELL_RETRY_USEC);
		return;
	}
	free(lane->after);
	lane->after = NULL;
	lane->asked = true;
	lane->full = answer->count >= EAR_STORE_PAGE_MAX;
	for (size_t i = 0; i < answer->count; i++) {
		if (is_delivered(&answer->rows[i]))
			add_to_page(lane, answer->rows[i].jid, answer->rows[i].items > 0,
				    answer->count);
		if (lane->full && i + 1 == answer->count)
			lane->after = xep_strdup(answer->rows[i].jid);
	}
	lane_run(lane);
}

static void
ask_page(struct lane *lane, struct tale *tale)
{
	const char *told = tale->event.told == NULL ? "" : tale->event.told;

	if (tale->event.audience == EAR_TELL_ONE) {
		lane->asked = true;
		lane->full = false;
		if (tale->event.to != NULL)
			add_to_page(lane, tale->event.to, false, 1);
		return;
	}
	lane->asking = true;
	ear_store_audience(lane->teller->store, tale->event.id,
			   lane->after != NULL ? lane->after : told, on_audience, lane);
}

/* false: there is no room for now. */
static bool
tell_page(struct lane *lane, struct tale *tale)
{
	for (; lane->at < lane->count; lane->at++) {
		const struct seat *seat = &lane->page[lane->at];

		if (tell_is_full(late_tell(lane->teller, tale, seat->address, seat->waits))) {
			ear_timer_set(&lane->again, TELL_ROOM_USEC);
			return false;
		}
	}
	return true;
}

/* Those who want it are another page, behind all others. */
static bool
begin_want(struct lane *lane, struct tale *tale)
{
	char **addresses;
	size_t count;

	if (lane->full || lane->of_want || !tale->event.wide)
		return false;
	count = want_addresses(lane->teller, lane->node, &addresses);
	if (count > 0) {
		watch_page(lane, tale);
		free_page(lane);
	}
	for (size_t i = 0; i < count; i++) {
		add_to_page(lane, addresses[i], false, count);
		free(addresses[i]);
	}
	free(addresses);
	lane->of_want = count > 0;
	return lane->of_want;
}

/* One who is slow is not waited for. */
static void
on_want(void *arg, const struct ear_stored_answer *answer)
{
	struct lane *lane = arg;
	const char *address = lane->page[lane->at].address;

	lane->asking = false;
	if (want_is_told(lane->teller, address, answer) &&
	    tell_is_full(tale_send(lane->teller, to_tell(lane), address, 0)) &&
	    lane->tries++ < WANT_TRIES) {
		ear_timer_set(&lane->again, TELL_ROOM_USEC);
		return;
	}
	lane->tries = 0;
	lane->at++;
	lane_run(lane);
}

static void
end_page(struct lane *lane, struct tale *tale)
{
	tale->sent = !lane->full;
	is_told(lane, tale);
	free_page(lane);
	lane->asked = lane->of_want = false;
	if (tale->sent) {
		free(lane->after);
		lane->after = NULL;
	}
}

static void
ask_want(struct lane *lane)
{
	lane->asking = true;
	want_ask(lane->teller, lane->page[lane->at].address, lane->node, on_want, lane);
}

void
lane_run(struct lane *lane)
{
	struct tale *tale;

	while (!lane->asking && !ear_timer_is_set(&lane->again) && (tale = to_tell(lane)) != NULL) {
		if (!lane->asked)
			ask_page(lane, tale);
		else if (lane->of_want && lane->at < lane->count)
			ask_want(lane);
		else if (!lane->of_want && !tell_page(lane, tale))
			return;
		else if (!begin_want(lane, tale))
			end_page(lane, tale);
	}
}

/* --- events ------------------------------------------------------------------------------- */

static void
run_all(struct pubsub_teller *teller)
{
	for (struct lane *lane = teller->lanes; lane != NULL; lane = lane->next)
		lane_run(lane);
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
	ear_timer_init(&teller->left, ear_clock(ear), on_left, teller);
	ear_timer_init(&teller->renew, ear_clock(ear), on_renew, teller);
	late_init(teller);
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
	case EAR_STREAM_ENDED:
	case EAR_OWN_KEY_CHANGED:
	case EAR_NETWORK_CHANGED:
	case EAR_PLAYER_CHANGED:
		break;
	}
}
