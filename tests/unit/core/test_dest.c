/* SPDX-License-Identifier: ISC */
/* test_dest.c: one device under all its addresses; which destinations go when there are too many.
 */
#include <stdio.h>

#include "core_rig.h"

static const char text[] = "[peer \"bare\"]\n"
			   "address = play@tv.local\n"
			   "jid = tv@example.org\n"
			   "[peer \"full\"]\n"
			   "address = play@box.local\n"
			   "jid = box@example.org/living\n"
			   "[peer \"again\"]\n"
			   "address = other@tv.local\n"
			   "jid = TV@example.org\n";

static const struct core_reach reach = {
	REACH_NOBODY,
};

static int
set_up(void **state)
{
	static struct world world;

	world_begin(&world, text, &reach);
	*state = &world;
	return 0;
}

static void
test_addresses(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	struct dest *bare = dest_find(ear, "Play@TV.local/x"),
		    *full = dest_find(ear, "play@box.local");

	assert_non_null(bare);
	assert_ptr_equal(dest_find(ear, "tv@example.org"), bare);
	assert_ptr_equal(dest_find(ear, "tv@EXAMPLE.org/any"), bare);
	assert_string_equal(dest_name(bare), "play@tv.local");
	/* The device that is bound with its resource is not another resource of that account. */
	assert_ptr_equal(dest_find(ear, "box@example.org/living"), full);
	assert_ptr_equal(dest_find(ear, "box@example.org"), full);
	assert_null(dest_find(ear, "box@example.org/phone"));
	assert_ptr_not_equal(dest_get(ear, "box@example.org/phone"), full);
	assert_null(dest_get(ear, "@"));
	assert_null(dest_get(ear, ""));
}

static void
test_same(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;

	assert_true(dest_is_same(ear, "play@tv.local", "tv@example.org"));
	assert_false(dest_is_same(ear, "other@tv.local", "tv@example.org"));
	assert_false(dest_is_same(ear, "box@example.org/phone", "box@example.org/living"));
	dest_get(ear, "juliet@pronto.local");
	assert_true(dest_is_same(ear, "juliet@pronto.local", "Juliet@pronto.local/balcony"));
	dest_get(ear, "romeo@example.net");
	assert_false(dest_is_same(ear, "romeo@example.net", "romeo@example.net/orchard"));
	assert_false(dest_is_same(ear, "a@b", "c@d"));
}

/* Bounded; what configuration names stays, and so does what was used last. */
static void
test_trim(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	char address[64];

	for (int i = 0; i < DESTS_MAX + 100; i++) {
		snprintf(address, sizeof(address), "u%d@example.net", i);
		assert_non_null(dest_get(ear, address));
		assert_non_null(dest_get(ear, "u0@example.net"));
	}
	assert_int_equal(ear->dests.count, DESTS_MAX);
	assert_non_null(dest_find(ear, "play@tv.local"));
	assert_non_null(dest_find(ear, "u0@example.net"));
	assert_null(dest_find(ear, "u1@example.net"));
}

static void
make_some(struct dest *dest, void *arg)
{
	int *count = arg;
	char address[64];

	if ((*count)++ > 100)
		return;
	snprintf(address, sizeof(address), "w%d@example.net", *count);
	dest_get(dest->ear, address);
	dest_get(dest->ear, dest_name(dest));
}

/* Who is walked over may send, to new ones too: each is seen once. */
static void
test_walk(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	int count = 0;

	dests_each(ear, make_some, &count);
	assert_int_equal(count, ear->dests.count);
	assert_true(count > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_addresses), TEST(test_same), TEST(test_trim),
					    TEST(test_walk) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
