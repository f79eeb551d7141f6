/* SPDX-License-Identifier: ISC */
/* test_store_list.c: pages of everything, from both ends (XEP-0059 §2.1-2.6). */
#include "store_kit.h"

#define COUNT 7

/* Names of COUNT nodes, of as many items and people: what is asked below looks the same in all. */
static const char *const names[COUNT] = { "a", "b", "c", "d", "e", "f", "g" };

struct kind {
	struct ear_query query;
	bool newest_first;
};

static const struct kind kinds[] = {
	{ { .kind = EAR_QUERY_NODES }, false },
	{ { .kind = EAR_QUERY_ITEMS, .node = "d" }, true },
	{ { .kind = EAR_QUERY_AFFILIATIONS, .node = "d" }, false },
	{ { .kind = EAR_QUERY_SUBSCRIPTIONS, .node = "d" }, false },
	{ { .kind = EAR_QUERY_AFFILIATIONS, .who = "e" }, false },
	{ { .kind = EAR_QUERY_SUBSCRIPTIONS, .who = "e" }, false },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
fill(void)
{
	struct ear_change owned = creating("c");

	for (size_t i = 0; i < COUNT; i++) {
		owned.jid = "e";
		assert_int_equal(change(names[i], owned), 0);
		assert_int_equal(change(names[i], subscribing("e", EAR_SUBSCRIBED)), 0);
	}
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(change("d", affiliating(names[i], EAR_MEMBER)), 0);
		assert_int_equal(change("d", subscribing(names[i], EAR_SUBSCRIBED)), 0);
		/* The newest first: those are in the same order, too. */
		assert_int_equal(change("d", putting(names[COUNT - 1 - i], "", 100)), 0);
	}
}

static const char *
name_of(const struct ear_stored *row, const struct kind *kind)
{
	return row->item != NULL          ? row->item
	       : kind->query.who != NULL  ? row->node
	       : kind->query.node != NULL ? row->jid
					  : row->node;
}

/* What comes are names[first...]. */
static void
check_page(const struct kind *kind, const struct ear_query *query, size_t first, size_t count)
{
	struct ear_query page = *query;

	page.kind = kind->query.kind;
	page.node = kind->query.node;
	page.who = kind->query.who;
	assert_int_equal(ask(&page), 0);
	assert_int_equal(got.total, COUNT);
	assert_int_equal(got.count, count);
	if (count > 0)
		assert_int_equal(got.first, first);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(name_of(&got.rows[i], kind), names[first + i]);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Behind each place, of each size, with so many left out. */
static void
test_forward(void **state)
{
	fill();
	for (size_t k = 0; k < KINDS; k++)
		for (size_t after = 0; after <= COUNT; after++)
			for (size_t max = 0; max < COUNT + 2; max++)
				for (size_t skip = 0; skip < 3; skip++) {
					struct ear_query query = { .max = max, .skip = skip };
					size_t first = least(after + skip, COUNT);
					size_t most = max == 0 ? COUNT : max;

					query.after = after == 0 ? NULL : names[after - 1];
					check_page(&kinds[k], &query, first,
						   least(COUNT - first, most));
				}
}

static void
test_backward(void **state)
{
	fill();
	for (size_t k = 0; k < KINDS; k++)
		for (size_t before = 0; before <= COUNT; before++)
			for (size_t max = 0; max < COUNT + 2; max++)
				for (size_t skip = 0; skip < 3; skip++) {
					struct ear_query query = { .max = max, .skip = skip };
					size_t end = before > skip ? before - skip : 0;
					size_t count = least(end, max == 0 ? COUNT : max);

					query.before = before == COUNT ? "" : names[before];
					check_page(&kinds[k], &query, end - count, count);
				}
}

/* A name need not be there to be a place: it may have gone since. */
static void
test_gone_places(void **state)
{
	struct ear_query after = { .after = "bb" }, before = { .before = "ee" };

	fill();
	for (size_t k = 0; k < KINDS; k++) {
		struct ear_query query = kinds[k].query;

		if (kinds[k].newest_first) {
			query.after = "bb";
			assert_int_equal(ask(&query), -ENODATA);
			query.after = NULL;
			query.before = "bb";
			assert_int_equal(ask(&query), -ENODATA);
			continue;
		}
		check_page(&kinds[k], &after, 2, 5);
		check_page(&kinds[k], &before, 0, 5);
	}
}

static void
test_columns(void **state)
{
	struct ear_query query = { .kind = EAR_QUERY_NODES, .max = 1, .after = "c" };

	fill();
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got.rows[0].config, "c");
	assert_string_equal(got.rows[0].creator, "e");
	assert_int_equal(got.rows[0].items, COUNT);
	assert_int_equal(got.rows[0].subscribers, COUNT);
	assert_true(got.rows[0].epoch > 0);
	query = (struct ear_query){ .kind = EAR_QUERY_AFFILIATIONS, .who = "e", .max = 1 };
	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.rows[0].affiliation, EAR_OWNER);
	query.kind = EAR_QUERY_SUBSCRIPTIONS;
	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.rows[0].subscription, EAR_SUBSCRIBED);
	assert_string_equal(got.rows[0].jid, "e");
	assert_string_equal(got.rows[0].options, "");
}

/* One who is at a node with several resources: a page ends between nodes. */
static void
test_together(void **state)
{
	struct ear_query query = { .kind = EAR_QUERY_SUBSCRIPTIONS, .who = "e", .max = 3 };

	create("a");
	create("b");
	assert_int_equal(change("a", subscribing("e/1", EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("a", subscribing("e/2", EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("b", subscribing("e/3", EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("b", subscribing("e/4", EAR_SUBSCRIBED)), 0);
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), "e/1 e/2 ");
	assert_int_equal(got.total, 4);
	query.after = "a";
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), "e/3 e/4 ");
	assert_int_equal(got.first, 2);
	query.after = NULL;
	query.before = "";
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), "e/3 e/4 ");
	assert_int_equal(got.first, 2);
	query.max = 1; /* which is too few: something is there all the same */
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), "e/4 ");
	query.max = 4;
	assert_int_equal(ask(&query), 0);
	assert_string_equal(got_names(), "e/1 e/2 e/3 e/4 ");
}

/* The largest name there can be comes last. */
static void
test_top(void **state)
{
	struct ear_query query = { .kind = EAR_QUERY_NODES, .before = "" };
	char name[EAR_NODE_MAX + 1] = "";

	for (size_t i = 0; i + 4 <= EAR_NODE_MAX; i += 4)
		memcpy(name + i, "\xf4\x8f\xbf\xbf", 5);
	create(name);
	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.count, 1);
	assert_string_equal(got.rows[0].node, name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forward), TEST(test_backward), TEST(test_gone_places),
		TEST(test_columns), TEST(test_together), TEST(test_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
