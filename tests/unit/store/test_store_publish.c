/* SPDX-License-Identifier: ISC */
/* test_store_publish.c: one item put and told of, beside the same item put and not told of. */
#include "store_kit.h"

#define ROUNDS 150
#define EACH   40 /* of each of two engines */
#define KEEP   7

static size_t answered;

static void
on_answered(void *arg, const struct ear_changed *changed)
{
	assert_int_equal(changed->error, 0);
	answered++;
}

/* The one that is not told of is the measure. */
static void
compare(void)
{
	char expected[256];
	size_t items;

	assert_int_equal(ask_node("plain", NULL), 0);
	items = got.rows[0].items;
	assert_int_equal(ask_node("told", NULL), 0);
	assert_int_equal(got.rows[0].items, items);
	assert_int_equal(ask_items("plain"), 0);
	assert_int_equal(got.total, items);
	copy_text(expected, sizeof(expected), got_names());
	assert_int_equal(ask_items("told"), 0);
	assert_int_equal(got.total, items);
	assert_string_equal(got_names(), expected);
}

/* New ones, the same again, more and less that stays, none that stays. */
static void
test_as_step_by_step(void **state)
{
	char id[2] = "", payload[16];
	uint32_t dice = 1;

	create("plain");
	create("told");
	for (int i = 0; i < ROUNDS; i++) {
		size_t keep;

		dice = dice * 1664525 + 1013904223;
		id[0] = (char)('a' + (dice >> 20) % 9);
		keep = (dice >> 26) % 7;
		snprintf(payload, sizeof(payload), "%d", i);
		assert_int_equal(change("plain", putting(id, payload, keep)), 0);
		assert_int_equal(tell("told", putting(id, payload, keep), payload), 0);
		assert_int_equal(got.last, i + 2);
		compare();
		if (keep == 0)
			continue;
		assert_string_equal(got.rows[0].item, id);
		assert_string_equal(got.rows[0].payload, payload);
		assert_string_equal(got.rows[0].publisher, KIT_ROMEO "/orchard");
		assert_true(llabs(got.rows[0].at - time(NULL)) < 60);
	}
}

static void
test_event(void **state)
{
	const struct ear_change put = putting("7", "<entry/>", 3);
	const struct ear_event_draft draft = headline();
	struct ear_transaction transaction = {
		.node = "blogs", .changes = &put, .count = 1, .events = &draft, .event_count = 1
	};
	int64_t last;

	create("blogs");
	assert_int_equal(ask_node("blogs", NULL), 0);
	transaction.epoch = got.rows[0].epoch;
	last = got.rows[0].last;
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(got.epoch, transaction.epoch);
	assert_int_equal(got.last, last + 1);
	assert_int_equal(take(kit.store), 1);
	assert_headline(&got.events[0], "blogs");
}

/* Whoever subscribed before hears of it, who did behind it does not. */
static void
test_since(void **state)
{
	create("blogs");
	assert_int_equal(change("blogs", subscribing("a@x", EAR_SUBSCRIBED)), 0);
	assert_int_equal(tell("blogs", putting("1", "", 3), "1"), 0);
	assert_int_equal(change("blogs", subscribing("b@x", EAR_SUBSCRIBED)), 0);
	assert_int_equal(take(kit.store), 1);
	assert_int_equal(audience(kit.store, got.events[0].id, ""), 0);
	assert_string_equal(got_names(), "a@x ");
}

/* Decided on what is no longer so: nothing of it is done. */
static void
test_stale(void **state)
{
	const struct ear_change put = putting("1", "", 3);
	const struct ear_event_draft draft = { .text = "1", .type = "headline" };
	struct ear_transaction transaction = {
		.node = "blogs", .changes = &put, .count = 1, .events = &draft, .event_count = 1
	};
	int64_t epoch, last;

	create("blogs");
	assert_int_equal(ask_node("blogs", NULL), 0);
	epoch = got.rows[0].epoch;
	last = got.rows[0].last;
	for (int i = 0; i < 2; i++) {
		transaction.epoch = i == 0 ? epoch + 1 : epoch;
		transaction.node = i == 1 ? "other" : "blogs";
		assert_int_equal(commit(&transaction), -ESTALE);
	}
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.rows[0].items, 0);
	assert_int_equal(got.rows[0].last, last);
	assert_int_equal(take(kit.store), 0);
}

static void
publish(struct ear_store *store, int64_t epoch, int number)
{
	char id[16];
	const struct ear_change put = { .kind = EAR_PUT_ITEM, .item = id, .keep = KEEP };
	const struct ear_event_draft draft = { .text = id, .type = "headline" };
	const struct ear_transaction transaction = { .node = "blogs",
						     .epoch = epoch,

						     .changes = &put,
						     .count = 1,
						     .events = &draft,
						     .event_count = 1 };

	snprintf(id, sizeof(id), "%d", number % 11);
	ear_store_change(store, &transaction, on_answered, &kit);
}

/* At the same time into the same node, the same items, too: each sees what the other has left. */
static void
test_two_engines(void **state)
{
	struct ear_store *other = kit.kind->shared ? kit_open_another() : kit.store;
	time_t until = time(NULL) + KIT_WAIT;
	int64_t epoch;

	create("blogs");
	assert_int_equal(ask_node("blogs", NULL), 0);
	epoch = got.rows[0].epoch;
	answered = 0;
	for (int i = 0; i < EACH; i++) {
		publish(kit.store, epoch, i);
		publish(other, epoch, i * 3);
	}
	while (answered < (size_t)2 * EACH && time(NULL) < until)
		kit_loop();
	assert_int_equal(answered, 2 * EACH);
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.rows[0].items, KEEP);
	assert_int_equal(got.rows[0].last, 1 + 2 * EACH);
	assert_int_equal(ask_items("blogs"), 0);
	assert_int_equal(got.count, KEEP);
	assert_int_equal(got.total, KEEP);
	if (other != kit.store)
		store_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_as_step_by_step), TEST(test_event),       TEST(test_since),
		TEST(test_stale),           TEST(test_two_engines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
