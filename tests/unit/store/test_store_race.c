/* SPDX-License-Identifier: ISC */
/*
 * test_store_race.c: several engines change the same nodes at the same time, and tell of it. What
 * one was told has happened is there, and told once, in the order of its node; what failed is not;
 * and what is counted is right. Where nobody shares the database there is one engine.
 */
#include "store_kit.h"

#define ENGINES 4
#define NODES   4 /* the first KEPT of which are never deleted: what is told of them is in order */
#define KEPT    2
#define ROUNDS  200 /* of each engine: it reads, decides, changes */
#define AT_ONCE 6
#define JIDS    12
#define KEEP    8
#define SECONDS 90

struct engine {
	struct ear_store *store;
	size_t begun, under_way;
	unsigned seed;
	struct ear_stored_event events[EAR_EVENTS_MAX];
	size_t count, place; /* of events */
	bool telling, news;
	size_t taken;
};

struct round {
	struct engine *engine;
	size_t text; /* of its event */
	char node[8];
	char jid[32], item[8];
	bool creates;
};

enum fate { FATE_OPEN, FATE_DONE, FATE_NOT };

static struct engine engines[ENGINES];
static size_t engine_count, texts, told_count, done_count, stale;
static enum fate fates[ENGINES * ROUNDS];
static unsigned times_told[ENGINES * ROUNDS];
static int64_t last_told[KEPT];

static unsigned
pick(struct engine *engine, unsigned n)
{
	return (unsigned)rand_r(&engine->seed) / 7 % n;
}

/* --- changing ----------------------------------------------------------------------------- */

static void begin_round(struct engine *engine);

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	struct round *round = arg;
	struct engine *engine = round->engine;

	switch (changed->error) {
	case 0:
		fates[round->text] = FATE_DONE;
		done_count++;
		break;
	case -ESTALE:
	case -EEXIST:
	case -ENODATA:
		fates[round->text] = FATE_NOT;
		stale += changed->error == -ESTALE;
		break;
	default:
		fail_msg("%s: %s", strerror(-changed->error), changed->text);
	}
	engine->under_way--;
	free(round);
	begin_round(engine);
}

static struct ear_change
any_change(struct round *round, unsigned node)
{
	struct engine *engine = round->engine;
	unsigned what = pick(engine, 100);

	if (node >= KEPT && what < 15)
		return doing(EAR_DELETE_NODE);
	if (what < 25)
		return (struct ear_change){ .kind = EAR_CONFIGURE_NODE,
					    .config = "c",
					    .keep = KEEP };
	if (what < 35)
		return affiliating(round->jid, pick(engine, 2) ? EAR_MEMBER : EAR_AFFILIATION_NONE);
	if (what < 60)
		return subscribing(round->jid,
				   (enum ear_subscription)pick(engine, EAR_SUBSCRIPTION_COUNT));
	if (what < 70)
		return removing(round->item);
	return what < 72 ? doing(EAR_PURGE_NODE) : putting(round->item, "<p/>", KEEP);
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct round *round = arg;
	char text[16];
	struct ear_event_draft event = { .text = text, .type = "headline" };
	struct ear_change one;
	struct ear_transaction transaction = { .node = round->node,

					       .changes = &one,
					       .count = 1,
					       .events = &event,
					       .event_count = 1 };

	if (answer->error == 0) {
		one = any_change(round, (unsigned)(round->node[1] - '0'));
		transaction.epoch = answer->rows[0].epoch;
	} else {
		assert_int_equal(answer->error, -ENOENT);
		one = creating("");
	}
	round->text = texts++;
	snprintf(text, sizeof(text), "%zu", round->text);
	ear_store_change(round->engine->store, &transaction, on_changed, round);
}

static void
begin_round(struct engine *engine)
{
	struct round *round;
	struct ear_query query = { .kind = EAR_QUERY_NODE };

	if (engine->begun == ROUNDS)
		return;
	engine->begun++;
	engine->under_way++;
	round = xalloc(sizeof(*round));
	round->engine = engine;
	snprintf(round->node, sizeof(round->node), "n%u", pick(engine, NODES));
	snprintf(round->jid, sizeof(round->jid), "u%u@x", pick(engine, JIDS));
	snprintf(round->item, sizeof(round->item), "%u", pick(engine, 2 * KEEP));
	query.node = round->node;
	ear_store_query(engine->store, &query, on_node, round);
}

/* --- telling ------------------------------------------------------------------------------ */

static void next_event(struct engine *engine);

static void
note_told(struct engine *engine)
{
	const struct ear_stored_event *event = &engine->events[engine->place];
	size_t text = strtoul(event->text, NULL, 10);
	unsigned node = (unsigned)(event->node[1] - '0');

	assert_true(text < texts);
	times_told[text]++;
	told_count++;
	engine->taken++;
	if (node >= KEPT)
		return;
	assert_true(event->id > last_told[node]);
	last_told[node] = event->id;
}

static void
on_told(void *arg, const struct ear_changed *changed)
{
	struct engine *engine = arg;

	if (changed->error == 0)
		note_told(engine);
	else
		assert_int_equal(changed->error, -ESTALE);
	engine->place++;
	next_event(engine);
}

static void
on_audience(void *arg, const struct ear_stored_answer *answer)
{
	struct engine *engine = arg;

	assert_true(answer->error == 0 || answer->error == -ESTALE);
	ear_store_told(engine->store, engine->events[engine->place].id, NULL, on_told, engine);
}

static void
drop_events(struct engine *engine)
{
	for (size_t i = 0; i < engine->count; i++) {
		free((char *)engine->events[i].text);
		free((char *)engine->events[i].node);
	}
	engine->count = engine->place = 0;
}

static void
on_events(void *arg, int error, const struct ear_stored_event *events, size_t count)
{
	struct engine *engine = arg;

	assert_int_equal(error, 0);
	drop_events(engine);
	for (size_t i = 0; i < count; i++) {
		engine->events[i] = events[i];
		engine->events[i].text = xstrdup(events[i].text);
		engine->events[i].node = xstrdup(events[i].node);
	}
	engine->count = count;
	engine->telling = count > 0;
	if (count > 0 || engine->news)
		next_event(engine);
}

static void
next_event(struct engine *engine)
{
	engine->telling = true;
	if (engine->place < engine->count) {
		ear_store_audience(engine->store, engine->events[engine->place].id, "",
				   EAR_STORE_PAGE_MAX, on_audience, engine);
		return;
	}
	engine->news = false;
	ear_store_take(engine->store, on_events, engine);
}

static void
on_news(void *arg)
{
	struct engine *engine = arg;

	engine->news = true;
	if (!engine->telling)
		next_event(engine);
}

/* --- all of it ---------------------------------------------------------------------------- */

static bool
is_over(void)
{
	for (size_t i = 0; i < engine_count; i++)
		if (engines[i].begun < ROUNDS || engines[i].under_way > 0)
			return false;
	return told_count >= done_count;
}

static void
run_all(void)
{
	time_t until = time(NULL) + SECONDS;

	engine_count = kit.kind->shared ? ENGINES : 1;
	for (size_t i = 0; i < engine_count; i++) {
		engines[i] = (struct engine){ .seed = (unsigned)i + 1 };
		engines[i].store = i == 0 ? kit.store : kit_open_another();
		ear_store_watch(engines[i].store, on_news, &engines[i]);
		for (int n = 0; n < AT_ONCE; n++)
			begin_round(&engines[i]);
	}
	while (!is_over() && time(NULL) < until)
		event_base_loop(kit.base, EVLOOP_ONCE);
	kit_turn();
}

/* The rows that there are, and how many of them are in that state, 0: all. */
static size_t
count_rows(enum ear_query_kind kind, const char *node, enum ear_subscription state)
{
	struct ear_query query = { .kind = kind, .node = node };
	size_t count = 0;

	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.total, got.count);
	for (size_t i = 0; i < got.count; i++)
		count += state == 0 || got.rows[i].subscription == state;
	return count;
}

static void
check_node(const char *node)
{
	size_t items, subscribers;

	if (ask_node(node, NULL) == -ENOENT)
		return;
	items = got.rows[0].items;
	subscribers = got.rows[0].subscribers;
	assert_int_equal(count_rows(EAR_QUERY_ITEMS, node, 0), items);
	assert_true(items <= KEEP);
	assert_int_equal(count_rows(EAR_QUERY_SUBSCRIPTIONS, node, EAR_SUBSCRIBED), subscribers);
	count_rows(EAR_QUERY_AFFILIATIONS, node, 0);
}

static void
test_race(void **state)
{
	char node[8];

	run_all();
	assert_true(is_over());
	for (size_t i = 0; i < texts; i++) {
		assert_int_not_equal(fates[i], FATE_OPEN);
		assert_int_equal(times_told[i], fates[i] == FATE_DONE);
	}
	for (int i = 0; i < NODES; i++) {
		snprintf(node, sizeof(node), "n%d", i);
		check_node(node);
	}
	count_rows(EAR_QUERY_NODES, NULL, 0);
	assert_true(done_count > texts / 3);
	print_message("%zu changes, %zu of them done, %zu too late; told by each:", texts,
		      done_count, stale);
	for (size_t i = 0; i < engine_count; i++) {
		print_message(" %zu", engines[i].taken);
		drop_events(&engines[i]);
		if (i > 0)
			store_free(engines[i].store);
	}
	print_message("\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_race) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
