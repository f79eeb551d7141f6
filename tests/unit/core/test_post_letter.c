/* SPDX-License-Identifier: ISC */
/* test_post_letter.c: whoever confirms nothing gets nothing twice. */
#include "post_rig.h"

static void
test_at_most_once(void **state)
{
	say_many(0, 30);
	appears(false);
	assert_int_equal(sent_count, 1);
	assert_int_equal(list().count[EAR_QUEUED_SENT], 1);
	clock_advance(clock_, 5 * EAR_SEC);
	assert_int_equal(sent_count, 30);
	for (int i = 0; i < 30; i++)
		assert_sent((size_t)i, i);
	stop(true);
	start();
	appears(false);
	clock_advance(clock_, 300 * EAR_SEC);
	assert_int_equal(sent_count, 0);
	assert_int_equal(list().all, 0);
}

static void
test_killed_before_it_leaves(void **state)
{
	say_many(0, 30);
	appears(false);
	assert_int_equal(sent_count, 1);
	stop(true);
	start();
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 29);
	appears(false);
	clock_advance(clock_, 5 * EAR_SEC);
	assert_int_equal(sent_count, 29);
	assert_sent(0, 1);
}

static void
test_counts_as_sent(void **state)
{
	say_many(0, 1);
	appears(false);
	clock_advance(clock_, 59 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_SENT], 1);
	clock_advance(clock_, 2 * EAR_SEC);
	assert_int_equal(list().all, 0);
}

static void
test_may_have_arrived(void **state)
{
	struct listing listing;

	say_many(0, 1);
	appears(false);
	dies(0);
	appears(false);
	clock_advance(clock_, 300 * EAR_SEC);
	assert_int_equal(sent_count, 1);
	listing = list();
	assert_int_equal(listing.count[EAR_QUEUED_FAILED], 1);
	assert_string_equal(listing.condition, "remote-server-timeout");
}

static void
test_refused_did_not_arrive(void **state)
{
	say_many(0, 1);
	appears(false);
	refused(sent[0], EAR_SERVICE_UNAVAILABLE);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	full = -ENOBUFS;
	refused(sent[1], EAR_SERVICE_UNAVAILABLE);
	clock_advance(clock_, 10 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	full = 0;
	clock_advance(clock_, 60 * EAR_SEC);
	assert_int_equal(sent_count, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_at_most_once),           TEST(test_killed_before_it_leaves),
		TEST(test_counts_as_sent),         TEST(test_may_have_arrived),
		TEST(test_refused_did_not_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
