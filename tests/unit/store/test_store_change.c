/* SPDX-License-Identifier: ISC */
/* test_store_change.c: each kind of change, what it is decided on, and that it is all or nothing.
 */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
