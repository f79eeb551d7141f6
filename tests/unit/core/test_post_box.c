/* SPDX-License-Identifier: ISC */
/* test_post_box.c: what waits leaves in order, as far as it is confirmed. */
#include <sqlite3.h>

#include "post_rig.h"

static void
test_one_first_then_a_window(void **state)
{
	say_many(0, 40);
	appears(true);
	assert_int_equal(sent_count, 1);
	assert_sent(0, 0);
	assert_non_null(ear_find(sent[0], "request", EAR_NS_RECEIPTS));
	assert_string_equal(
		xmpp_stanza_get_attribute(ear_find(sent[0], "origin-id", EAR_NS_SID), "id"),
		id_of(0));
	assert_null(ear_find(sent[0], "route", EAR_NS_CONTROL));
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 17);
	receipt(TV, id_of(1));
	assert_int_equal(sent_count, 18);
	confirm_all();
	assert_int_equal(sent_count, 40);
	for (int i = 0; i < 40; i++)
		assert_sent((size_t)i, i);
	assert_int_equal(list().all, 0);
	/* Also what comes now, at once. */
	say_many(40, 1);
	assert_int_equal(sent_count, 41);
}

static void
test_a_stranger_confirms_nothing(void **state)
{
	say_many(0, 2);
	appears(true);
	receipt("evil@trap.local", id_of(0));
	receipt(TV, "other");
	assert_int_equal(sent_count, 1);
	assert_int_equal(list().all, 2);
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 2);
}

static void
test_same_ids_after_a_restart(void **state)
{
	char ids[3][32];

	say_many(0, 4);
	appears(true);
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 4);
	for (size_t i = 0; i < 3; i++)
		copy_text(ids[i], sizeof(ids[0]), id_of(i + 1));
	/* The receipt of 0 is on the disk by now, that of 1 is not. */
	clock_advance(clock_, EAR_SEC);
	receipt(TV, id_of(1));
	stop(true);
	start();
	appears(true);
	assert_int_equal(sent_count, 1);
	confirm_all();
	assert_int_equal(sent_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(id_of(i), ids[i]);
	assert_int_equal(list().all, 0);
}

static void
test_comes_back_and_leaves_again(void **state)
{
	say_many(0, 5);
	appears(true);
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 5);
	dies(2);
	clock_advance(clock_, 60 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 4);
	forget(sent, &sent_count);
	appears(true);
	clock_advance(clock_, 60 * EAR_SEC);
	confirm_all();
	assert_int_equal(list().all, 0);
	/* Whoever remembers drops the first again; the order holds. */
	for (size_t i = 1; i < sent_count; i++)
		assert_true(strcmp(body_of(i - 1), body_of(i)) <= 0);
	assert_sent(sent_count - 1, 4);
}

static void
test_nobody_listens(void **state)
{
	say_many(0, 20);
	appears(true);
	refused(sent[0], EAR_SERVICE_UNAVAILABLE);
	assert_int_equal(sent_count, 1);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 20);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	assert_sent(1, 0);
	assert_string_equal(id_of(0), id_of(1));
	refused(sent[1], EAR_SERVICE_UNAVAILABLE);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 3);
	/* Not oftener than every two minutes in the end. */
	for (int i = 0; i < 3600; i++) {
		refused(sent[sent_count - 1], EAR_SERVICE_UNAVAILABLE);
		clock_advance(clock_, EAR_SEC);
	}
	assert_in_range(sent_count, 20, 45);
	clock_advance(clock_, 120 * EAR_SEC);
	confirm_all();
	assert_int_equal(list().all, 0);
}

static void
test_an_error_is_the_end_of_one(void **state)
{
	struct listing listing;

	say_many(0, 3);
	appears(true);
	refused(sent[0], EAR_FORBIDDEN);
	clock_advance(clock_, EAR_SEC);
	assert_int_equal(sent_count, 2);
	confirm_all();
	confirm_all();
	listing = list();
	assert_int_equal(listing.all, 1);
	assert_int_equal(listing.count[EAR_QUEUED_FAILED], 1);
	assert_string_equal(listing.condition, "forbidden");
	assert_string_equal(listing.why, "so it is");
	stop(true);
	start();
	appears(true);
	clock_advance(clock_, 300 * EAR_SEC);
	assert_int_equal(sent_count, 0);
}

static void
test_no_receipt(void **state)
{
	say_many(0, 2);
	appears(true);
	for (size_t i = 1; i <= 3; i++) {
		assert_int_equal(sent_count, i);
		assert_sent(i - 1, 0);
		clock_advance(clock_, 61 * EAR_SEC);
	}
	assert_string_equal(list().condition, "");
	assert_int_equal(list().count[EAR_QUEUED_FAILED], 1);
	assert_sent(sent_count - 1, 1);
}

static void
test_full_link(void **state)
{
	full = -ENOBUFS;
	say_many(0, 3);
	appears(true);
	assert_int_equal(sent_count, 0);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 3);
	full = 0;
	clock_advance(clock_, 60 * EAR_SEC);
	confirm_all();
	assert_int_equal(list().all, 0);
	full = -EMSGSIZE;
	say_many(3, 1);
	clock_advance(clock_, 5 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_FAILED], 1);
	assert_non_null(strstr(list().why, "too large"));
}

static void
test_life(void **state)
{
	says("late", TV, "5000");
	says("long", TV, "50000");
	clock_advance(clock_, 6 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_FAILED], 1);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	appears(true);
	clock_advance(clock_, EAR_SEC);
	assert_int_equal(sent_count, 1);
	assert_string_equal(body_of(0), "long");
	assert_string_equal(
		xmpp_stanza_get_attribute(ear_find(sent[0], "expires", EAR_NS_DELIVERY), "ms"),
		"43999");
}

/* Who reads it tomorrow sees that it was said today (XEP-0203). */
static void
test_delay(void **state)
{
	char path[96];
	sqlite3 *db;

	say_many(0, 2);
	stop(false);
	snprintf(path, sizeof(path), "%s/spool.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE item SET taken_at = 86400 WHERE seq = 1", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	start();
	appears(true);
	confirm_all();
	assert_int_equal(sent_count, 2);
	assert_string_equal(
		xmpp_stanza_get_attribute(ear_find(sent[0], "delay", EAR_NS_DELAY), "stamp"),
		"1970-01-02T00:00:00Z");
	assert_null(ear_find(sent[1], "delay", EAR_NS_DELAY));
}

static void
test_drop(void **state)
{
	const char *error;
	size_t count;

	say_many(0, 3);
	appears(true);
	assert_int_equal(ear_drop_queued(ear, id_of(0), &count, &error), 0);
	assert_int_equal(count, 1);
	clock_advance(clock_, EAR_MSEC);
	assert_int_equal(sent_count, 2);
	assert_sent(1, 1);
	assert_int_equal(ear_drop_queued(ear, TV, &count, &error), 0);
	assert_int_equal(count, 2);
	receipt(TV, id_of(1));
	clock_advance(clock_, 200 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	assert_int_equal(list().all, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_first_then_a_window),
		TEST(test_a_stranger_confirms_nothing),
		TEST(test_same_ids_after_a_restart),
		TEST(test_comes_back_and_leaves_again),
		TEST(test_nobody_listens),
		TEST(test_an_error_is_the_end_of_one),
		TEST(test_no_receipt),
		TEST(test_full_link),
		TEST(test_life),
		TEST(test_delay),
		TEST(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
