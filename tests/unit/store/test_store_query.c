/* SPDX-License-Identifier: ISC */
/* test_store_query.c: what is asked of one node, of somebody, of single items; and what is missing.
 */
#include "store_kit.h"

static void
test_nothing(void **state)
{
	struct ear_query query = { .node = "blogs", .who = KIT_ROMEO };

	for (int kind = EAR_QUERY_NODE; kind <= EAR_QUERY_SUBSCRIPTIONS; kind++) {
		query.kind = (enum ear_query_kind)kind;
		query.epoch = 0;
		assert_int_equal(ask(&query), kind == EAR_QUERY_NODES ? 0 : -ENOENT);
		assert_int_equal(got.count, 0);
		query.epoch = 7;
		assert_int_equal(ask(&query), -ESTALE);
		assert_string_equal(got.text, "");
	}
	query = (struct ear_query){ .kind = EAR_QUERY_AFFILIATIONS, .who = KIT_ROMEO };
	assert_int_equal(ask(&query), 0);
	query.kind = EAR_QUERY_SUBSCRIPTIONS;
	assert_int_equal(ask(&query), 0);
	query.kind = EAR_QUERY_NODES;
	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.count, 0);
	assert_int_equal(got.total, 0);
}

static void
test_epoch(void **state)
{
	struct ear_query query = { .node = "blogs", .who = KIT_ROMEO };

	create("blogs");
	query.epoch = got.epoch;
	for (int kind = EAR_QUERY_NODE; kind <= EAR_QUERY_SUBSCRIPTIONS; kind++) {
		query.kind = (enum ear_query_kind)kind;
		assert_int_equal(ask(&query), 0);
	}
	assert_int_equal(change("blogs", affiliating(KIT_ROMEO, EAR_OUTCAST)), 0);
	for (int kind = EAR_QUERY_NODE; kind <= EAR_QUERY_SUBSCRIPTIONS; kind++) {
		query.kind = (enum ear_query_kind)kind;
		assert_int_equal(ask(&query), -ESTALE);
	}
}

static void
test_node_of_nobody(void **state)
{
	create("blogs");
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.rows[0].affiliation, EAR_AFFILIATION_NONE);
	assert_null(got.rows[0].jid);
	assert_null(got.rows[0].item);
}

static void
test_items_by_id(void **state)
{
	const char *ids[] = { "1", "none", "3", "2", "3" };
	struct ear_query query = {
		.kind = EAR_QUERY_ITEMS, .node = "blogs", .ids = ids, .id_count = 5
	};

	create("blogs");
	create("other");
	assert_int_equal(change("other", putting("none", "", 10)), 0);
	for (char id[2] = "1"; id[0] <= '5'; id[0]++)
		assert_int_equal(change("blogs", putting(id, id, 10)), 0);
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), "3 2 1 ");
	assert_string_equal(got.rows[0].payload, "3");
	assert_int_equal(got.rows[0].epoch, 0);
	query.id_count = 0;
	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.count, 0);
}

static void
test_his_at_one(void **state)
{
	struct ear_query query = { .kind = EAR_QUERY_AFFILIATIONS,
				   .node = "blogs",
				   .who = KIT_ROMEO };

	create("blogs");
	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.count, 0);
	assert_int_equal(change("blogs", affiliating(KIT_ROMEO, EAR_MEMBER)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO "/b", EAR_PENDING)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO "/a", EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_OWNER, EAR_SUBSCRIBED)), 0);
	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.count, 1);
	assert_string_equal(got.rows[0].jid, KIT_ROMEO);
	assert_int_equal(got.rows[0].affiliation, EAR_MEMBER);
	query.kind = EAR_QUERY_SUBSCRIPTIONS;
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), KIT_ROMEO "/a " KIT_ROMEO "/b ");
	assert_int_equal(got.rows[0].subscription, EAR_SUBSCRIBED);
	assert_int_equal(got.rows[1].subscription, EAR_PENDING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),     TEST(test_epoch),      TEST(test_node_of_nobody),
		TEST(test_items_by_id), TEST(test_his_at_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
