/* SPDX-License-Identifier: ISC */
/* test_db_sqlite_shrink.c: a file that much is deleted from becomes smaller when it is quiet. */
#include "db_rig.h"

#define THINGS 2000 /* of a page and a half each */

static const struct db_sql sql_most = { .text = "DELETE FROM thing WHERE id % 10 <> 0" };
static const struct db_sql sql_few = { .text = "DELETE FROM thing WHERE id % 100 = 0" };
static const struct db_sql sql_sum = { .text = "SELECT sum(length(text)) FROM thing" };

static int64_t
size_of_file(void)
{
	struct stat status;

	assert_int_equal(stat(file, &status), 0);
	return status.st_size;
}

static void
run(const struct db_sql *sql)
{
	struct said said;

	give(&said, true, sql, NULL, NULL, 0);
	turn();
	assert_true(said.done);
	assert_int_equal(said.error, 0);
}

static int64_t
sum(void)
{
	struct said said;

	give(&said, false, &sql_sum, NULL, NULL, 0);
	turn();
	assert_int_equal(said.error, 0);
	return said.number;
}

/* So many in a turn that the disk is not waited for often. */
static void
fill(int count)
{
	static char text[6001];
	static struct said said[200];
	char name[16];

	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < count;) {
		size_t n = 0;

		for (; n < sizeof(said) / sizeof(said[0]) && i < count; n++, i++) {
			snprintf(name, sizeof(name), "%d", i);
			give(&said[n], true, &sql_add, name, text, -EEXIST);
		}
		turn();
		while (n-- > 0)
			assert_true(said[n].done && said[n].error == 0);
	}
}

/* As it is when the daemon is not running. */
static int
ask_file(const char *sql)
{
	sqlite3 *sqlite;
	sqlite3_stmt *statement;
	int answer;

	assert_int_equal(sqlite3_open(file, &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_type(statement, 0) == SQLITE_INTEGER
			 ? sqlite3_column_int(statement, 0)
			 : strcmp((const char *)sqlite3_column_text(statement, 0), "ok");
	sqlite3_finalize(statement);
	sqlite3_close(sqlite);
	return answer;
}

/* From before files could shrink. */
static void
make_old(void)
{
	sqlite3 *sqlite;

	shut();
	assert_int_equal(sqlite3_open(file, &sqlite), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(sqlite, "PRAGMA auto_vacuum = NONE; VACUUM", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(sqlite);
	assert_int_equal(ask_file("PRAGMA auto_vacuum"), 0);
}

static void
minute(void)
{
	clock_advance(db_clock, 60 * EAR_SEC);
}

static void
check_whole(int count)
{
	assert_int_equal(count_things(), count);
	assert_int_equal(sum(), 6000 * count);
	shut();
	assert_int_equal(ask_file("PRAGMA integrity_check"), 0);
}

static void
test_shrinks(void **state)
{
	int64_t full;

	again();
	fill(THINGS);
	minute();
	full = size_of_file();
	assert_true(full > THINGS * 6000);
	run(&sql_most);
	minute();
	assert_true(size_of_file() < full / 5);
	check_whole(THINGS / 10);
	again();
	fill(1);
	assert_int_equal(count_things(), THINGS / 10 + 1);
}

/* As long as something is written every second, all of the time is for that. */
static void
test_waits_for_quiet(void **state)
{
	int64_t full;
	struct said said;

	again();
	fill(THINGS);
	minute();
	full = size_of_file();
	run(&sql_most);
	for (int i = 0; i < 30; i++) {
		give(&said, true, &sql_add, "a", "", -EEXIST);
		turn();
		give(&said, true, &sql_remove, "a", NULL, -ENODATA);
		clock_advance(db_clock, EAR_SEC);
		assert_true(size_of_file() >= full);
	}
	minute();
	assert_true(size_of_file() < full / 5);
	check_whole(THINGS / 10);
}

/* In the middle of it something is written, and the daemon ends and begins again. */
static void
test_goes_on(void **state)
{
	int64_t full;
	int left;

	again();
	fill(THINGS);
	run(&sql_most);
	full = size_of_file();
	clock_advance(db_clock, 3 * EAR_SEC + EAR_SEC / 2);
	for (int i = 0; i < 10; i++) {
		clock_advance(db_clock, 30 * EAR_MSEC);
		assert_int_equal(add("a"), 0);
		run(&sql_few);
		left = count_things();
		clock_advance(db_clock, 2 * EAR_SEC);
		assert_int_equal(count_things(), left);
		give(&(struct said){ 0 }, true, &sql_remove, "a", NULL, 0);
		turn();
	}
	again();
	minute();
	assert_true(size_of_file() < full / 5);
	check_whole(THINGS / 10 - THINGS / 100);
}

/* A few free pages are for what comes next. */
static void
test_few_stay(void **state)
{
	int64_t full;

	again();
	fill(THINGS);
	minute();
	full = size_of_file();
	run(&sql_few);
	minute();
	assert_int_equal(size_of_file(), full);
}

/* One from before that is small is made one that can; a large one is left as it is. */
static void
test_old(void **state)
{
	int64_t full;

	again();
	fill(THINGS);
	make_old();
	again();
	full = size_of_file();
	run(&sql_most);
	minute();
	assert_true(size_of_file() < full / 5);
	check_whole(THINGS / 10);
	assert_int_equal(ask_file("PRAGMA auto_vacuum"), 2);
}

static void
test_old_and_large(void **state)
{
	int64_t full;

	again();
	fill(2 * THINGS);
	make_old();
	again();
	full = size_of_file();
	assert_true(full > 16 * 1024 * 1024);
	run(&sql_most);
	minute();
	assert_true(size_of_file() >= full);
	check_whole(2 * THINGS / 10);
	assert_int_equal(ask_file("PRAGMA auto_vacuum"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shrinks), TEST(test_waits_for_quiet),
		TEST(test_goes_on), TEST(test_few_stay),
		TEST(test_old),     TEST(test_old_and_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
