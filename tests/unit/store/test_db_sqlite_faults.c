/* SPDX-License-Identifier: ISC */
/* test_db_sqlite_faults.c: a disk that fails for a while costs nobody a file that is good: what may
 * have been read wrong is looked at again before it is set aside. */
#include "db_rig.h"
#include "faults.h"

#define THINGS  1500
#define FOREVER ((size_t)-1)

static bool
exists(const char *end)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", file, end);
	return access(path, F_OK) == 0;
}

/* Several times what is kept in memory. */
static void
fill(size_t count)
{
	static struct said many[250];
	static char text[2001];
	char name[16];

	memset(text, 'x', sizeof(text) - 1);
	again();
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		give(&many[i % 250], true, &sql_add, name, text, -EEXIST);
		if (i % 250 == 249 || i + 1 == count)
			turn();
	}
	shut();
}

/* Wherever it is while it is opened, and however long. */
static void
test_reads_fail_when_it_is_opened(void **state)
{
	static const size_t lengths[] = { 1, 3, 40, FOREVER };
	size_t faults = 0;

	fill(50);
	for (size_t length = 0; length < 4; length++)
		for (size_t n = 0; n < 45; n++) {
			faults_begin(FAULT_READ, n, lengths[length]);
			open_as(&one, file);
			count_things();
			faults += faults_end();
			assert_false(exists(".bad"));
			assert_int_equal(count_things(), 50);
			shut();
		}
	assert_true(faults > 200);
}

/* The disk says EIO in the middle: who asks is told so, and asks again. */
static void
test_reads_fail(void **state)
{
	struct db_step step = step_of(&sql_all, NULL, NULL, 0);
	struct said said;

	fill(THINGS);
	again();
	faults_begin(FAULT_READ, 20, 2);
	give_steps(&said, false, &step, 1);
	turn();
	assert_true(faults_end() > 0);
	assert_int_equal(said.error, -EIO);
	assert_int_equal(said.rows, 0);
	assert_int_equal(count_things(), THINGS);
	assert_false(exists(".bad"));
}

/* What was never written is read, once: nobody hears of it. */
static void
test_junk_is_read(void **state)
{
	struct db_step step = step_of(&sql_all, NULL, NULL, 0);
	struct said change, said, count;

	fill(THINGS);
	again();
	faults_begin(FAULT_JUNK, 20, 1);
	give(&change, true, &sql_add, "one more", "", -EEXIST);
	give_steps(&said, false, &step, 1);
	give(&count, false, &sql_count, NULL, NULL, 0);
	turn();
	assert_int_equal(faults_end(), 1);
	assert_int_equal(change.error, 0);
	assert_int_equal(change.rows, 1);
	assert_int_equal(said.error, 0);
	assert_int_equal(said.rows, THINGS + 1);
	assert_int_equal(count.number, THINGS + 1);
	assert_false(exists(".bad"));
	again();
	assert_int_equal(count_things(), THINGS + 1);
}

static void
test_junk_is_read_when_it_is_opened(void **state)
{
	fill(50);
	for (size_t n = 0; n < 45; n++) {
		faults_begin(FAULT_JUNK, n, 1);
		if (try_open_as(&one, file) == 0)
			count_things();
		faults_end();
		shut();
		assert_false(exists(".bad"));
		again();
		assert_int_equal(count_things(), 50);
		shut();
	}
}

/* Every write fails for want of room, or as such, while it is opened, and while it is used. */
static void
test_writes_fail(void **state)
{
	static const enum fault kinds[] = { FAULT_FULL, FAULT_WRITE };
	struct said said;

	fill(THINGS);
	for (size_t kind = 0; kind < 2; kind++)
		for (size_t n = 0; n < 12; n++) {
			faults_begin(kinds[kind], n, FOREVER);
			open_as(&one, file);
			give(&said, true, &sql_add, "late", "", -EEXIST);
			turn();
			assert_true(faults_end() > 0 || said.error == 0);
			if (said.error != 0)
				assert_int_equal(said.error, kind == 0 ? -ENOSPC : -EIO);
			assert_false(exists(".bad"));
			assert_int_equal(count_things(), THINGS + (said.error == 0));
			give(&said, true, &sql_remove, "late", NULL, 0);
			turn();
			assert_int_equal(said.error, 0);
			shut();
			again();
			assert_int_equal(count_things(), THINGS);
			shut();
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_fail_when_it_is_opened),
		TEST(test_reads_fail),
		TEST(test_junk_is_read),
		TEST(test_junk_is_read_when_it_is_opened),
		TEST(test_writes_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
