/* SPDX-License-Identifier: ISC */
/* test_store_change.c: each change of a node itself, what it is decided on, and that it is all or
 * nothing. */
#include "store_kit.h"

static void
test_create(void **state)
{
	int64_t epoch;

	assert_int_equal(change("blogs", creating("title: x")), 0);
	epoch = got.epoch;
	assert_true(epoch > 0);
	assert_int_equal(ask_node("blogs", KIT_OWNER), 0);
	assert_int_equal(got.count, 1);
	assert_string_equal(got.rows[0].node, "blogs");
	assert_string_equal(got.rows[0].config, "title: x");
	assert_string_equal(got.rows[0].creator, KIT_OWNER);
	assert_int_equal(got.rows[0].affiliation, EAR_OWNER);
	assert_int_equal(got.rows[0].epoch, epoch);
	assert_int_equal(got.rows[0].items, 0);
	assert_int_equal(got.rows[0].subscribers, 0);
	assert_true(llabs(got.rows[0].created_at - time(NULL)) < 60);
	assert_int_equal(change("blogs", creating("other")), -EEXIST);
	assert_string_equal(got.text, "");
	assert_int_equal(ask_node("blogs", KIT_OWNER), 0);
	assert_string_equal(got.rows[0].config, "title: x");
}

/* An auto-created node: with its first item, its subscriber, and what is told. */
static void
test_create_with_all(void **state)
{
	const struct ear_change all[] = {
		creating("c"),
		putting("1", "<a/>", 10),
		affiliating(KIT_ROMEO, EAR_PUBLISHER),
		subscribing(KIT_ROMEO, EAR_SUBSCRIBED),
		{ .kind = EAR_CONFIGURE_NODE, .config = "d", .keep = 10 },
	};
	int64_t epoch;

	assert_int_equal(change_all("blogs", all, 5, "<event/>"), 0);
	epoch = got.epoch;
	assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
	assert_int_equal(got.rows[0].epoch, epoch);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.rows[0].config, "d");
	assert_int_equal(got.rows[0].items, 1);
	assert_int_equal(got.rows[0].subscribers, 1);
	assert_int_equal(got.rows[0].affiliation, EAR_PUBLISHER);
	assert_string_equal(got.rows[1].jid, KIT_ROMEO);
	assert_int_equal(got.rows[1].subscription, EAR_SUBSCRIBED);
	assert_string_equal(got.rows[1].options, "");
	assert_int_equal(take(kit.store), 1);
}

/* Case counts, and so does every byte. */
static void
test_names(void **state)
{
	static const char *const names[] = { "a", "A", "ä", "a/b", "'; DROP TABLE node; --", "%" };
	struct ear_query query = { .kind = EAR_QUERY_NODES };

	for (size_t i = 0; i < 6; i++)
		create(names[i]);
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), "% '; DROP TABLE node; -- A a a/b ä ");
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(change(names[i], creating("")), -EEXIST);
}

static int
change_on(const char *node, int64_t epoch, struct ear_change one)
{
	struct ear_transaction transaction = {
		.node = node, .epoch = epoch, .changes = &one, .count = 1
	};

	return commit(&transaction);
}

/* Configuration and affiliations make another epoch; items and subscriptions do not. */
static void
test_epoch(void **state)
{
	const struct ear_change other[] = {
		{ .kind = EAR_CONFIGURE_NODE, .config = "x", .keep = 9 },
		affiliating(KIT_ROMEO, EAR_MEMBER),
		affiliating(KIT_ROMEO, EAR_AFFILIATION_NONE)
	};
	const struct ear_change same[] = { putting("1", "", 9), removing("1"),
					   subscribing(KIT_ROMEO, EAR_SUBSCRIBED),
					   subscribing(KIT_ROMEO, EAR_SUBSCRIPTION_NONE),
					   doing(EAR_PURGE_NODE) };
	int64_t epoch, before;

	create("blogs");
	epoch = got.epoch;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(change_on("blogs", epoch, same[i]), 0);
		assert_int_equal(got.epoch, epoch);
	}
	for (size_t i = 0; i < 3; i++) {
		before = epoch;
		assert_int_equal(change_on("blogs", before, other[i]), 0);
		epoch = got.epoch;
		assert_true(epoch != before && epoch > 0);
		assert_int_equal(change_on("blogs", before, same[0]), -ESTALE);
	}
	assert_int_equal(change_on("blogs", epoch, same[0]), 0);
}

/* last: another one after what is told, and only after that. */
static void
test_last(void **state)
{
	int64_t epoch, last;

	create("blogs");
	epoch = got.epoch;
	last = got.last;
	assert_int_equal(change_on("blogs", epoch, putting("1", "", 9)), 0);
	assert_int_equal(got.last, last);
	assert_int_equal(tell("blogs", putting("2", "", 9), "<e/>"), 0);
	assert_true(got.last != last);
	last = got.last;
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.rows[0].items, 2);
	assert_int_equal(got.rows[0].last, last);
}

/* A name that is given to another node: what was decided on the first is not done to that. */
static void
test_epoch_of_another(void **state)
{
	int64_t epoch;

	create("blogs");
	epoch = got.epoch;
	assert_int_equal(change_on("none", epoch, putting("1", "", 9)), -ESTALE);
	assert_int_equal(change("blogs", doing(EAR_DELETE_NODE)), 0);
	assert_int_equal(change_on("blogs", epoch, putting("1", "", 9)), -ESTALE);
	create("blogs");
	assert_true(got.epoch != epoch);
	assert_int_equal(change_on("blogs", epoch, putting("1", "", 9)), -ESTALE);
	assert_int_equal(change_on("blogs", epoch, doing(EAR_DELETE_NODE)), -ESTALE);
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.rows[0].items, 0);
}

/* The last of many fails: nothing has happened, and nothing is told. */
static void
test_undone(void **state)
{
	const struct ear_change all[] = {
		putting("2", "", 10),
		affiliating(KIT_ROMEO, EAR_MEMBER),
		subscribing(KIT_ROMEO, EAR_SUBSCRIBED),
		{ .kind = EAR_CONFIGURE_NODE, .config = "x", .keep = 0 },
		removing("none"),
	};
	struct ear_stored before;

	create("blogs");
	assert_int_equal(change("blogs", putting("1", "<a/>", 10)), 0);
	assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
	before = got.rows[0];
	assert_int_equal(change_all("blogs", all, 5, "<event/>"), -ENODATA);
	assert_string_equal(got.text, "");
	assert_int_equal(got.epoch, 0);
	assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.rows[0].epoch, before.epoch);
	assert_int_equal(got.rows[0].last, before.last);
	assert_int_equal(got.rows[0].items, 1);
	assert_int_equal(got.rows[0].affiliation, EAR_AFFILIATION_NONE);
	assert_int_equal(ask_items("blogs"), 0);
	assert_string_equal(got_names(), "1 ");
	assert_int_equal(take(kit.store), 0);
}

static void
test_delete(void **state)
{
	const struct ear_change all[] = { creating(""), putting("1", "", 9),
					  affiliating(KIT_ROMEO, EAR_MEMBER),
					  subscribing(KIT_ROMEO, EAR_SUBSCRIBED) };
	struct ear_query his = { .kind = EAR_QUERY_SUBSCRIPTIONS, .who = KIT_ROMEO };

	assert_int_equal(change_all("blogs", all, 4, NULL), 0);
	assert_int_equal(change("blogs", doing(EAR_DELETE_NODE)), 0);
	assert_int_equal(ask_node("blogs", KIT_ROMEO), -ENOENT);
	assert_int_equal(ask_items("blogs"), -ENOENT);
	assert_int_equal(ask(&his), 0);
	assert_int_equal(got.count, 0);
	his.kind = EAR_QUERY_AFFILIATIONS;
	assert_int_equal(ask(&his), 0);
	assert_int_equal(got.count, 0);
	create("blogs");
	assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.rows[0].items, 0);
	assert_int_equal(got.rows[0].affiliation, EAR_AFFILIATION_NONE);
}

/* What cannot be: answered, from the loop. */
static int
create_as(const char *node, const char *creator, size_t keep)
{
	struct ear_change one = { .kind = EAR_CREATE_NODE, .jid = creator, .keep = keep };

	return change(node, one);
}

/* Those that he has created and that are still there, whoever owns them by now. */
static void
test_so_many_of_one(void **state)
{
	char name[8];

	assert_int_equal(create_as("a", KIT_ROMEO, 0), 0);
	assert_int_equal(create_as("b", KIT_ROMEO, 2), 0);
	assert_int_equal(create_as("c", KIT_ROMEO, 2), -EMLINK);
	assert_int_equal(ask_node("c", NULL), -ENOENT);
	assert_int_equal(create_as("b", KIT_ROMEO, 2), -EEXIST);
	assert_int_equal(create_as("c", KIT_OWNER, 2), 0);
	assert_int_equal(change("a", affiliating(KIT_ROMEO, EAR_AFFILIATION_NONE)), 0);
	assert_int_equal(create_as("d", KIT_ROMEO, 2), -EMLINK);
	assert_int_equal(tell("a", doing(EAR_DELETE_NODE), "<event/>"), 0);
	assert_int_equal(create_as("d", KIT_ROMEO, 2), 0);
	assert_int_equal(create_as("e", KIT_ROMEO, 2), -EMLINK);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(create_as(name, KIT_ROMEO, 0), 0);
	}
	assert_int_equal(create_as("e", KIT_ROMEO, 102), -EMLINK);
	assert_int_equal(create_as("e", KIT_ROMEO, 103), 0);
	assert_int_equal(create_as("f", NULL, 1), 0);
	assert_int_equal(create_as("g", NULL, 1), 0);
}

static void
test_impossible(void **state)
{
	const struct ear_change late[] = { putting("1", "", 9), creating("") };
	const struct ear_change early[] = { doing(EAR_DELETE_NODE), putting("1", "", 9) };
	struct ear_change many[EAR_CHANGES_MAX + 1];
	struct ear_transaction transaction = { .node = "blogs", .changes = late };

	create("blogs");
	transaction.count = 1;
	assert_int_equal(commit(&transaction), -EINVAL);
	transaction.epoch = 1;
	transaction.count = 2;
	assert_int_equal(commit(&transaction), -EINVAL);
	transaction.changes = early;
	assert_int_equal(commit(&transaction), -EINVAL);
	for (size_t i = 0; i <= EAR_CHANGES_MAX; i++)
		many[i] = putting("1", "", 9);
	assert_int_equal(change_all("blogs", many, EAR_CHANGES_MAX + 1, NULL), -EINVAL);
	assert_string_not_equal(got.text, "");
}

/* As much as a transaction may hold. */
static void
test_largest(void **state)
{
	struct ear_change many[EAR_CHANGES_MAX];
	struct ear_event_draft drafts[EAR_DRAFTS_MAX];
	char ids[EAR_CHANGES_MAX][8];
	struct ear_transaction transaction = { .node = "blogs",

					       .changes = many,
					       .count = EAR_CHANGES_MAX,
					       .events = drafts,
					       .event_count = EAR_DRAFTS_MAX };

	many[0] = creating("");
	for (int i = 0; i < EAR_CHANGES_MAX; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%d", i);
		if (i > 0)
			many[i] = putting(ids[i], "", 1000);
		drafts[i] = (struct ear_event_draft){ .text = ids[i], .type = "normal" };
	}
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.rows[0].items, EAR_CHANGES_MAX - 1);
	assert_int_equal(take(kit.store), EAR_EVENTS_MAX);
}

/* Events alone: of one who is answered with what there is. */
static void
test_events_alone(void **state)
{
	struct ear_event_draft draft = {
		.audience = EAR_TELL_ONE, .to = KIT_ROMEO "/a", .text = "<e/>", .type = "headline"
	};
	struct ear_transaction transaction = { .node = "blogs",
					       .events = &draft,
					       .event_count = 1 };

	create("blogs");
	transaction.epoch = got.epoch;
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(take(kit.store), 1);
	assert_string_equal(got.events[0].to, KIT_ROMEO "/a");
	transaction.epoch++;
	assert_int_equal(commit(&transaction), -ESTALE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create),       TEST(test_create_with_all),
		TEST(test_names),        TEST(test_epoch),
		TEST(test_last),         TEST(test_epoch_of_another),
		TEST(test_undone),       TEST(test_delete),
		TEST(test_impossible),   TEST(test_largest),
		TEST(test_events_alone), TEST(test_so_many_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
