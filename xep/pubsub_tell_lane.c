/* SPDX-License-Identifier: ISC */
/* pubsub_tell_lane.c: the events of one node, in their order, each to its audience, page by page.
 */
#include <errno.h>

#include "memory.h"
#include "pubsub_tell_impl.h"

#define WANT_TRIES 50              /* to tell one, while there is no room on the way to him */
#define FIRST_PAGE MULTI_LIMIT_MAX /* a server has something to do while we look up the others */

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

void
tale_leave(struct tale *tale)
{
	struct pubsub_teller *teller = tale->lane->teller;

	ear_store_forget(teller->store, tale);
	multi_drop(teller, tale);
	teller->tales--;
	tale->lane = NULL;
	tale_drop(tale);
}

/* It is another engine's now, or there is nothing more to tell. */
void
lane_free(struct lane *lane)
{
	struct lane **place = &lane->teller->lanes;

	while (*place != lane)
		place = &(*place)->next;
	*place = lane->next;
	ear_store_forget(lane->teller->store, lane);
	ear_timer_stop(&lane->again);
	free_page(lane);
	free(lane->after);
	while (lane->tales != NULL) {
		struct tale *tale = lane->tales;

		lane->tales = tale->next;
		tale_leave(tale);
	}
	free(lane->node);
	free(lane);
}

static void
on_again(void *arg)
{
	lane_run(arg);
}

struct lane *
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

void
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
	lane->page[lane->count++] = (struct seat){ xep_strdup(address), waits, false };
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
	lane->full = answer->count >= lane->page_max;
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
	lane->page_max = lane->after == NULL ? FIRST_PAGE : EAR_STORE_PAGE_MAX;
	ear_store_audience(lane->teller->store, tale->event.id,
			   lane->after != NULL ? lane->after : told, lane->page_max, on_audience,
			   lane);
}

/*
 * false: there is no room for now, or others come first. Of those who are sent a message of their
 * own only so many are told before the links write: what all of them need is in the cache no more
 * when the last one has his.
 */
static bool
tell_page(struct lane *lane, struct tale *tale)
{
	size_t singly = 0;
	int error = 0;

	while (lane->at < lane->count) {
		struct seat *seat = &lane->page[lane->at];

		if (singly == TELL_SLICE) {
			ear_timer_set(&lane->again, 0);
			return false;
		}
		error = late_tell(lane->teller, tale, seat->address, seat->waits);
		if (tell_is_full(error))
			break;
		seat->gathered = error > 0;
		singly += !seat->gathered;
		lane->at++;
	}
	if (!tell_is_full(multi_flush(lane->teller, tale)) && !tell_is_full(error))
		return true;
	ear_timer_set(&lane->again, TELL_ROOM_USEC);
	return false;
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
		tell_watch_page(lane, tale);
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
	tell_page_is_told(lane, tale);
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
