/* SPDX-License-Identifier: ISC */
/* test_store.c: the life of a store: order, news, forgetting, ends in the middle. */
#include "store_kit.h"

static int answers[16], answer_count;

static void
note(void *arg, int error)
{
	assert_true(answer_count < 16);
	answers[answer_count++] = (int)(intptr_t)arg * 1000 - error;
}

static void
on_stored(void *arg, const struct ear_stored_answer *answer)
{
	note(arg, answer->error);
}

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	note(arg, changed->error);
}

static int
reset(void **state)
{
	answer_count = 0;
	return kit_setup(state);
}

static void
change_as(intptr_t who, struct ear_change one, int64_t epoch)
{
	struct ear_transaction transaction = {
		.node = "blogs", .epoch = epoch, .changes = &one, .count = 1
	};

	ear_store_change(kit.store, &transaction, on_changed, (void *)who);
}

static void
ask_as(intptr_t who)
{
	struct ear_query query = { .kind = EAR_QUERY_NODE, .node = "blogs" };

	ear_store_query(kit.store, &query, on_stored, (void *)who);
}

static void
wait_for_answers(int count)
{
	time_t until = time(NULL) + KIT_WAIT;

	while (answer_count < count && time(NULL) < until)
		event_base_loop(kit.base, EVLOOP_ONCE);
	assert_int_equal(answer_count, count);
}

/* In the order in which it was asked, each seeing what came before it, none from inside. */
static void
test_order(void **state)
{
	static const int expected[] = { 1000 + ENOENT, 2000, 3000, 4000 + EEXIST, 5000 };

	ask_as(1);
	change_as(2, creating(""), 0);
	ask_as(3);
	change_as(4, creating(""), 0);
	ask_as(5);
	assert_int_equal(answer_count, 0);
	wait_for_answers(5);
	assert_memory_equal(answers, expected, sizeof(expected));
}

/* Nobody is told; what was to be changed is. */
static void
test_forget(void **state)
{
	static const int expected[] = { 2000 + EEXIST, 2000 };

	change_as(1, creating(""), 0);
	change_as(2, creating(""), 0);
	ask_as(1);
	ask_as(2);
	change_as(1, putting("1", "", 9), 0); /* impossible: answered by the store itself */
	ear_store_forget(kit.store, (void *)1);
	wait_for_answers(2);
	kit_turn();
	wait_for_answers(2);
	assert_memory_equal(answers, expected, sizeof(expected));
}

static void
on_first(void *arg, const struct ear_stored_answer *answer)
{
	note(arg, answer->error);
	ear_store_forget(kit.store, (void *)2);
	ask_as(3);
}

/* From inside an answer. */
static void
test_forget_inside(void **state)
{
	struct ear_query query = { .kind = EAR_QUERY_NODE, .node = "blogs" };
	static const int expected[] = { 1000 + ENOENT, 3000 + ENOENT };

	ear_store_query(kit.store, &query, on_first, (void *)1);
	ask_as(2);
	change_as(2, putting("1", "", 9), 0);
	wait_for_answers(2);
	kit_turn();
	wait_for_answers(2);
	assert_memory_equal(answers, expected, sizeof(expected));
}

static void
on_news(void *arg)
{
	++*(int *)arg;
}

static void
test_news(void **state)
{
	struct ear_change one = putting("1", "", 9);
	int news = 0, later = 0, before;

	ear_store_watch(kit.store, on_news, &news);
	create("blogs");
	kit_turn();
	before = news; /* a database that others share may have some */
	assert_int_equal(change("blogs", one), 0);
	kit_turn();
	assert_int_equal(news, before);
	assert_int_equal(tell("blogs", one, "e"), 0);
	kit_turn();
	assert_true(news > before);
	before = news;
	assert_int_equal(tell("blogs", removing("none"), "e"), -ENODATA);
	kit_turn();
	assert_int_equal(news, before);
	ear_store_watch(kit.store, on_news, &later);
	assert_int_equal(tell("blogs", one, "e"), 0);
	kit_turn();
	assert_int_equal(news, before);
	assert_true(later > 0);
}

/* What was news when nobody watched is told to who comes. */
static void
test_late_watcher(void **state)
{
	int news = 0;

	create("blogs");
	assert_int_equal(tell("blogs", putting("1", "", 9), "e"), 0);
	kit_turn();
	ear_store_watch(kit.store, on_news, &news);
	assert_int_equal(news, 0);
	kit_turn();
	assert_int_equal(news, 1);
}

/* Of an earlier run. */
static void
test_old_news(void **state)
{
	time_t until = time(NULL) + KIT_WAIT;
	int news = 0;

	create("blogs");
	assert_int_equal(tell("blogs", putting("1", "", 9), "e"), 0);
	kit_again();
	ear_store_watch(kit.store, on_news, &news);
	while (news == 0 && time(NULL) < until)
		event_base_loop(kit.base, EVLOOP_ONCE);
	assert_true(news > 0);
}

/* Another engine hears of it. */
static void
test_news_of_others(void **state)
{
	struct ear_store *other;
	time_t until = time(NULL) + KIT_WAIT;
	int news = 0;

	if (!kit.kind->shared)
		return;
	other = kit_open_another();
	ear_store_watch(other, on_news, &news);
	assert_int_equal(take(other), 0); /* it is connected */
	kit_turn();
	news = 0;
	assert_int_equal(change_all("blogs", (struct ear_change[]){ creating("") }, 1, "e"), 0);
	while (news == 0 && time(NULL) < until)
		event_base_loop(kit.base, EVLOOP_ONCE);
	assert_true(news > 0);
	store_free(other);
}

/* It ends with questions on their way: what was to be changed is, and nobody is told. */
static void
test_end(void **state)
{
	answer_count = 0;
	change_as(1, creating(""), 0);
	ask_as(2);
	change_as(3, putting("1", "", 9), 0);
	kit_again();
	assert_int_equal(answer_count, 0);
	if (kit.kind->shared)
		return; /* it was not connected yet */
	assert_int_equal(ask_node("blogs", NULL), 0);
}

static long
sql(const char *text)
{
	struct cluster cluster;

	cluster_find(&cluster, getenv("EARSHOT_TEST_STORE"));
	return cluster_sql(&cluster, text);
}

/* A database of version 3 is brought up, with all that is in it. */
static void
test_raised(void **state)
{
	if (!kit.kind->shared)
		return;
	create("blogs");
	assert_int_equal(tell("blogs", putting("1", "<a/>", 9), "<items/>"), 0);
	assert_int_equal(take(kit.store), 1);
	store_free(kit.store);
	sql("DROP TABLE said");
	sql("DROP TABLE brought");
	sql("UPDATE lease SET until = 0");
	sql("UPDATE earshot_schema SET version = 3");
	kit.store = kit_open_another();
	assert_int_equal(ask_items("blogs"), 0);
	assert_string_equal(got_names(), "1 ");
	assert_int_equal(take(kit.store), 1);
	assert_int_equal(told(kit.store, got.events[0].id, NULL), 0);
	assert_int_equal(take(kit.store), 0);
	assert_int_equal(sql("SELECT count(*) FROM said"), 0);
	assert_int_equal(sql("SELECT count(*) FROM brought"), 0);
	assert_int_equal(sql("SELECT count(*) FROM lease WHERE holder = ''"), 1);
}

#define TEST_ANSWERS(name) cmocka_unit_test_setup_teardown(name, reset, kit_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_ANSWERS(test_order),
		TEST_ANSWERS(test_forget),
		TEST_ANSWERS(test_forget_inside),
		TEST_ANSWERS(test_news),
		TEST_ANSWERS(test_late_watcher),
		TEST_FILE(test_old_news),
		TEST_ANSWERS(test_news_of_others),
		TEST_FILE(test_end),
		TEST_FILE(test_raised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
