/* SPDX-License-Identifier: ISC */
/* pubsub_tell.c: telling: events out of the store, in the order of their node, to everybody whom
 * each is for, once. */
#include <errno.h>

#include "memory.h"
#include "pubsub_tell_impl.h"

static void take(struct pubsub_teller *teller);

/* --- lanes -------------------------------------------------------------------------------- */

static void
free_page(struct lane *lane)
{
	for (size_t i = 0; i < lane->count; i++)
		free(lane->page[i]);
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

static void
on_left(void *arg)
{
	struct pubsub_teller *teller = arg;
	bool more = false;

	for (struct lane *lane = teller->lanes; lane != NULL; lane = lane->next)
		for (struct tale *tale = lane->tales; tale != NULL; tale = tale->next)
			if (tale->due && !tale->noting)
				note(teller, tale);
			else
				more = more || tale->due;
	if (more)
		ear_timer_set(&teller->left, TELL_LEFT_USEC);
}

/* Everybody up to the end of the page was sent to. */
static void
is_told(struct lane *lane, struct tale *tale)
{
	struct pubsub_teller *teller = lane->teller;

	if (lane->full) {
		free(tale->upto);
		tale->upto = xep_strdup(lane->after);
	}
	tale->sent_at = ear_now(ear_clock(teller->ear));
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
add_to_page(struct lane *lane, const char *address, size_t max)
{
	if (lane->page == NULL)
		lane->page = xep_alloc(max * sizeof(lane->page[0]));
	lane->page[lane->count++] = xep_strdup(address);
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
			add_to_page(lane, answer->rows[i].jid, answer->count);
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
			add_to_page(lane, tale->event.to, 1);
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
	for (; lane->at < lane->count; lane->at++)
		if (tell_is_full(tale_send(lane->teller, tale, lane->page[lane->at], 0))) {
			ear_timer_set(&lane->again, TELL_ROOM_USEC);
			return false;
		}
	return true;
}

static void
end_page(struct lane *lane, struct tale *tale)
{
	tale->sent = !lane->full;
	is_told(lane, tale);
	free_page(lane);
	lane->asked = false;
	if (tale->sent) {
		free(lane->after);
		lane->after = NULL;
	}
}

void
lane_run(struct lane *lane)
{
	struct tale *tale;

	while (!lane->asking && !ear_timer_is_set(&lane->again) && (tale = to_tell(lane)) != NULL) {
		if (!lane->asked) {
			ask_page(lane, tale);
			continue;
		}
		if (!tell_page(lane, tale))
			return;
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
	ear_store_watch(teller->store, on_news, teller);
	/* What an earlier life, or another engine, has left. */
	take(teller);
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
	tell_forget_sent(teller);
	free(teller);
}

void
pubsub_teller_event(struct pubsub_teller *teller, const struct ear_event *event)
{
}

enum ear_verdict
pubsub_teller_bounced(struct pubsub_teller *teller, const struct ear_in *in)
{
	return EAR_PASS;
}

void
pubsub_teller_wanted(struct pubsub_teller *teller, const struct ear_in *in,
		     const char *const *nodes, size_t count)
{
}

void
pubsub_teller_nobody(struct pubsub_teller *teller, const char *bare)
{
}
