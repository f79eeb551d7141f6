/* SPDX-License-Identifier: ISC */
/* publishing.c: one who publishes into a store, with whom what is published is told. */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/timer.h"
#include "bench.h"
#include "publishing.h"
#include "store/store.h"

#define KEEP 10

const char *
publishing_payload(void)
{
	static char payload[PUBLISHING_PAYLOAD + 1];

	return memset(payload, 'p', PUBLISHING_PAYLOAD);
}

const char *
publishing_event(void)
{
	static char text[PUBLISHING_EVENT + 1];

	return memset(text, 't', PUBLISHING_EVENT);
}

/* --- telling ------------------------------------------------------------------------------- */

static void on_events(void *arg, int error, const struct ear_stored_event *events, size_t count);

static void
tell(struct publishing *side)
{
	if (!side->telling)
		ear_store_take(side->store, on_events, side);
	side->telling = true;
}

static void
on_news(void *arg)
{
	tell(arg);
}

static void
on_told(void *arg, const struct ear_changed *changed)
{
	struct publishing *side = arg;

	side->telling = false;
	tell(side);
}

/* To whom is not asked here: all of it has been told. */
static void
on_events(void *arg, int error, const struct ear_stored_event *events, size_t count)
{
	struct publishing *side = arg;

	if (error != 0)
		bench_die("events: %s", strerror(-error));
	side->telling = count > 0;
	for (size_t i = 0; i < count; i++)
		ear_store_told(side->store, events[i].id, NULL, i + 1 < count ? NULL : on_told,
			       side);
}

/* --- publishing ----------------------------------------------------------------------------- */

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	struct publishing *side = arg;

	if (changed->error != 0)
		bench_die("a change: %s %s", strerror(-changed->error), changed->text);
	side->epoch = changed->epoch;
	if (--side->waiting == 0)
		event_base_loopbreak(side->base);
}

void
publishing_change(struct publishing *side, const struct ear_change *changes, size_t count,
		  bool tells)
{
	struct ear_event_draft event = { .text = publishing_event(), .type = "headline" };
	struct ear_transaction transaction = { .node = PUBLISHING_NODE,
					       .epoch = side->epoch,

					       .changes = changes,
					       .count = count,
					       .events = &event,
					       .event_count = tells };

	side->waiting++;
	ear_store_change(side->store, &transaction, on_changed, side);
}

static void
publish(struct publishing *side, size_t n)
{
	char id[24];
	struct ear_change put = { .kind = EAR_PUT_ITEM,
				  .item = id,
				  .jid = "romeo@example.org/orchard",
				  .payload = publishing_payload(),
				  .keep = KEEP };

	snprintf(id, sizeof(id), "%zu", n);
	publishing_change(side, &put, 1, true);
}

double
publishing_rate(struct publishing *side, size_t turns, size_t each)
{
	int64_t start = bench_now();

	for (size_t turn = 0; turn < turns; turn++) {
		for (size_t i = 0; i < each; i++)
			publish(side, turn * each + i);
		event_base_dispatch(side->base);
	}
	return (double)(turns * each) * 1e9 / (double)(bench_now() - start);
}

/* --- its life ------------------------------------------------------------------------------- */

void
publishing_open(struct publishing *side, const struct db_kind *kind, const struct db_config *config)
{
	struct ear_change create = { .kind = EAR_CREATE_NODE,
				     .config = "",
				     .jid = "romeo@example.org" };
	char error[512];

	*side = (struct publishing){ .base = event_base_new() };
	side->clock = clock_new(side->base);
	if (store_new(side->base, side->clock, kind, config, &side->store, error, sizeof(error)) !=
	    0)
		bench_die("%s", error);
	publishing_change(side, &create, 1, false);
	event_base_dispatch(side->base);
	ear_store_watch(side->store, on_news, side);
}

void
publishing_close(struct publishing *side)
{
	store_free(side->store);
	clock_free(side->clock);
	event_base_free(side->base);
}
