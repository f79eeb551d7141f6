/* SPDX-License-Identifier: ISC */
/* test_store_item.c: putting, replacing, removing, and how many items a node holds. */
#include "store_kit.h"

static size_t
items_of(const char *node)
{
	assert_int_equal(ask_node(node, NULL), 0);
	return got.rows[0].items;
}

static void
put(const char *item, size_t keep)
{
	assert_int_equal(change("blogs", putting(item, item, keep)), 0);
}

static const char *
items(void)
{
	assert_int_equal(ask_items("blogs"), 0);
	return got_names();
}

static void
test_put(void **state)
{
	create("blogs");
	assert_int_equal(change("blogs", putting("1", "<entry>ü</entry>", 10)), 0);
	assert_int_equal(ask_items("blogs"), 0);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.total, 1);
	assert_string_equal(got.rows[0].item, "1");
	assert_string_equal(got.rows[0].payload, "<entry>ü</entry>");
	assert_string_equal(got.rows[0].publisher, KIT_ROMEO "/orchard");
	assert_true(llabs(got.rows[0].at - time(NULL)) < 60);
	assert_int_equal(got.rows[0].epoch, 0);
}

/* The same id again: it is the newest, and there is one of it. */
static void
test_replace(void **state)
{
	create("blogs");
	put("1", 10);
	put("2", 10);
	assert_int_equal(change("blogs", putting("1", "new", 10)), 0);
	assert_string_equal(items(), "1 2 ");
	assert_string_equal(got.rows[0].payload, "new");
	assert_int_equal(items_of("blogs"), 2);
}

/* One is known from another that is the same, by whichever way it was put; the order stays. */
static void
test_mark(void **state)
{
	const unsigned marks[] = { 5, EAR_MARK_MAX, 0, 7 };
	const char *ids[] = { "1", "2" };
	struct ear_query query = {
		.kind = EAR_QUERY_ITEMS, .node = "blogs", .ids = ids, .id_count = 2
	};

	create("blogs");
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct ear_change one = putting(i % 2 == 0 ? "1" : "2", "same", 10);

		one.mark = marks[i];
		assert_int_equal(i < 2 ? change("blogs", one) : tell("blogs", one, "x"), 0);
		assert_int_equal(ask(&query), 0);
		assert_string_equal(got.rows[0].item, one.item);
		assert_int_equal(got.rows[0].mark, marks[i]);
	}
	assert_int_equal(got.rows[1].mark, 0);
	assert_int_equal(got.rows[1].epoch, 0);
	assert_string_equal(items(), "2 1 ");
}

static void
test_keep(void **state)
{
	create("blogs");
	for (char id[2] = "a"; id[0] <= 'f'; id[0]++)
		put(id, 3);
	assert_string_equal(items(), "f e d ");
	put("d", 3); /* which is there already: nobody has to go */
	assert_string_equal(items(), "d f e ");
	put("g", 1);
	assert_string_equal(items(), "g ");
	assert_int_equal(items_of("blogs"), 1);
	put("h", 0);
	assert_string_equal(items(), "");
	assert_int_equal(items_of("blogs"), 0);
	put("i", 3);
	assert_string_equal(items(), "i ");
}

/* In one transaction: each in its turn. */
static void
test_keep_in_order(void **state)
{
	const struct ear_change all[] = { putting("1", "", 1), putting("2", "", 1), removing("2") };
	const struct ear_change gone[] = { putting("3", "", 1), putting("4", "", 1),
					   removing("3") };

	create("blogs");
	assert_int_equal(change_all("blogs", all, 3, NULL), 0);
	assert_string_equal(items(), "");
	assert_int_equal(change_all("blogs", gone, 3, NULL), -ENODATA);
	assert_int_equal(items_of("blogs"), 0);
}

static void
test_configured_to_less(void **state)
{
	create("blogs");
	for (char id[2] = "a"; id[0] <= 'f'; id[0]++)
		put(id, 10);
	assert_int_equal(change("blogs", (struct ear_change){ .kind = EAR_CONFIGURE_NODE,
							      .config = "c",
							      .keep = 10 }),
			 0);
	assert_string_equal(items(), "f e d c b a ");
	assert_int_equal(
		change("blogs",
		       (struct ear_change){ .kind = EAR_CONFIGURE_NODE, .config = "c", .keep = 2 }),
		0);
	assert_string_equal(items(), "f e ");
	assert_int_equal(got.total, 2);
	assert_int_equal(items_of("blogs"), 2);
}

static void
test_remove(void **state)
{
	create("blogs");
	put("1", 10);
	put("2", 10);
	assert_int_equal(change("blogs", removing("1")), 0);
	assert_string_equal(items(), "2 ");
	assert_int_equal(items_of("blogs"), 1);
	assert_int_equal(change("blogs", removing("1")), -ENODATA);
	assert_int_equal(items_of("blogs"), 1);
}

static int
remove_as(const char *item, const char *publisher)
{
	return change("blogs", (struct ear_change){
				       .kind = EAR_REMOVE_ITEM, .item = item, .jid = publisher });
}

/* Whose it is counts, whatever resource he had: addresses that only begin alike are others. */
static void
test_remove_own(void **state)
{
	const struct ear_change bare = {
		.kind = EAR_PUT_ITEM, .item = "2", .payload = "", .jid = KIT_ROMEO, .keep = 10
	};

	create("blogs");
	put("1", 10);
	assert_int_equal(change("blogs", bare), 0);
	assert_int_equal(remove_as("3", KIT_ROMEO), -ENODATA);
	for (int i = 1; i <= 2; i++) {
		const char *item = i == 1 ? "1" : "2";

		assert_int_equal(remove_as(item, KIT_OWNER), -EPERM);
		assert_int_equal(remove_as(item, KIT_ROMEO ".example"), -EPERM);
		assert_int_equal(remove_as(item, "romeo@montague"), -EPERM);
		assert_int_equal(remove_as(item, "%"), -EPERM);
		assert_int_equal(remove_as(item, ""), -EPERM);
		assert_int_equal(items_of("blogs"), (size_t)(3 - i));
		assert_int_equal(remove_as(item, KIT_ROMEO), 0);
		assert_int_equal(remove_as(item, KIT_ROMEO), -ENODATA);
	}
	assert_int_equal(items_of("blogs"), 0);
}

static void
test_purge(void **state)
{
	create("blogs");
	create("other");
	put("1", 10);
	put("2", 10);
	assert_int_equal(change("other", putting("1", "", 10)), 0);
	assert_int_equal(change("blogs", doing(EAR_PURGE_NODE)), 0);
	assert_string_equal(items(), "");
	assert_int_equal(items_of("blogs"), 0);
	assert_int_equal(items_of("other"), 1);
	put("3", 10);
	assert_string_equal(items(), "3 ");
}

/* The largest payload and id that there can be. */
static void
test_large(void **state)
{
	char *payload = xalloc(EAR_PAYLOAD_MAX + 1), id[EAR_ITEM_MAX + 1];

	memset(payload, 'x', EAR_PAYLOAD_MAX);
	memset(id, 'i', EAR_ITEM_MAX);
	id[EAR_ITEM_MAX] = '\0';
	create("blogs");
	assert_int_equal(change("blogs", putting(id, payload, 10)), 0);
	assert_int_equal(ask_items("blogs"), 0);
	assert_string_equal(got.rows[0].item, id);
	assert_string_equal(got.rows[0].payload, payload);
	free(payload);
}

/* As many as a node may hold: to put one more takes no longer for it. */
static void
test_many(void **state)
{
	struct ear_change many[EAR_CHANGES_MAX];
	char ids[EAR_CHANGES_MAX][8];
	size_t n = 0;

	create("blogs");
	while (n < EAR_NODE_ITEMS_MAX + 100) {
		for (size_t i = 0; i < EAR_CHANGES_MAX; i++, n++) {
			snprintf(ids[i], sizeof(ids[i]), "%zu", n);
			many[i] = putting(ids[i], "", EAR_NODE_ITEMS_MAX);
		}
		assert_int_equal(change_all("blogs", many, EAR_CHANGES_MAX, NULL), 0);
	}
	assert_int_equal(items_of("blogs"), EAR_NODE_ITEMS_MAX);
	assert_int_equal(ask_items("blogs"), 0);
	assert_int_equal(got.count, EAR_STORE_PAGE_MAX);
	assert_int_equal(got.total, EAR_NODE_ITEMS_MAX);
	assert_int_equal(change("blogs", removing("0")), -ENODATA);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_put),    TEST(test_replace),       TEST(test_mark),
		TEST(test_keep),   TEST(test_keep_in_order), TEST(test_configured_to_less),
		TEST(test_remove), TEST(test_remove_own),    TEST(test_purge),
		TEST(test_large),  TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
