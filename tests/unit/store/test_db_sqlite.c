/* SPDX-License-Identifier: ISC */
/* test_db_sqlite.c: jobs are done together at the end of a turn, undone alone, answered in their
 * order, and on the disk when they are. */
#include "db_rig.h"

/* --- jobs ---------------------------------------------------------------------------------- */

static void
test_a_job(void **state)
{
	struct said said;

	open_as(&one, NULL);
	give(&said, true, &sql_add, "a", "text", -EEXIST);
	assert_false(said.done);
	turn();
	assert_true(said.done);
	assert_int_equal(said.error, 0);
	assert_int_equal(said.rows, 1);
	assert_string_equal(said.text, "");
	give(&said, false, &sql_get, "a", NULL, -ENOENT);
	turn();
	assert_int_equal(said.rows, 1);
	assert_int_equal(said.number, 1);
	assert_string_equal(said.last, "a");
	give(&said, false, &sql_get, "b", NULL, -ENOENT);
	turn();
	assert_int_equal(said.error, -ENOENT);
	assert_string_equal(said.text, "");
	assert_int_equal(said.rows, 0);
	/* What is for the other kind is not done here. */
	give(&said, true, &sql_nothing, NULL, NULL, -EEXIST);
	turn();
	assert_int_equal(said.error, 0);
}

static void
test_null_and_numbers(void **state)
{
	static const struct db_sql sql = { .text = "SELECT $2, $1, $3 IS NULL, $4" };
	struct db_step step = { .sql = &sql, .count = 4 };
	struct said said;

	step.values[0] = (struct db_value){ DB_INT, INT64_MIN, NULL };
	step.values[1] = (struct db_value){ DB_NULL, 0, NULL };
	step.values[3] = (struct db_value){ DB_TEXT, 0, "it's" };
	open_as(&one, NULL);
	give_steps(&said, false, &step, 1);
	turn();
	assert_int_equal(said.error, 0);
	assert_true(said.number == INT64_MIN);
	assert_string_equal(said.last, "it's");
}

/* Everything is copied: what was given may go. */
static void
test_copies(void **state)
{
	char *name = xstrdup("short lived");
	struct said said;

	open_as(&one, NULL);
	give(&said, true, &sql_add, name, "t", -EEXIST);
	memset(name, 'x', strlen(name));
	free(name);
	turn();
	give(&said, false, &sql_get, "short lived", NULL, -ENOENT);
	turn();
	assert_int_equal(said.error, 0);
}

/* The job in the middle is undone as a whole; those around it are not. */
static void
test_one_is_undone_alone(void **state)
{
	struct db_step steps[3] = { step_of(&sql_add, "b1", "", -EEXIST),
				    step_of(&sql_add, "a", "", -EEXIST),
				    step_of(&sql_add, "b2", "", -EEXIST) };
	struct said a, b, c, again_said;

	open_as(&one, NULL);
	give(&a, true, &sql_add, "a", "", -EEXIST);
	give_steps(&b, true, steps, 3);
	give(&c, true, &sql_add, "c", "", -EEXIST);
	turn();
	assert_int_equal(a.error, 0);
	assert_int_equal(b.error, -EEXIST);
	assert_int_equal(b.step, 1);
	assert_int_equal(b.rows, 0);
	assert_string_equal(b.text, "");
	assert_int_equal(c.error, 0);
	assert_int_equal(count_things(), 2);
	/* The same for what SQLite refuses; that has a text. */
	steps[1] = step_of(&sql_force, "a", "", 0);
	give_steps(&b, true, steps, 3);
	give(&again_said, true, &sql_add, "d", "", -EEXIST);
	turn();
	assert_int_equal(b.error, -EEXIST);
	assert_int_equal(b.step, 1);
	assert_non_null(strstr(b.text, "thing.name"));
	assert_int_equal(again_said.error, 0);
	assert_int_equal(count_things(), 3);
}

/* Nothing said that this one may end there, so it had no savepoint: all of the turn is done again,
 * each job of it once. */
static void
test_one_fails_unforeseen(void **state)
{
	const struct db_step steps[] = { step_of(&sql_force, "b1", "", 0),
					 step_of(&sql_force, "a", "", 0),
					 step_of(&sql_force, "b2", "", 0) };
	struct said a, b, c, d;

	open_as(&one, file);
	give(&a, true, &sql_add, "a", "", -EEXIST);
	give_steps(&b, true, steps, 3);
	give(&c, true, &sql_add, "a", "", -EEXIST);
	give(&d, true, &sql_add, "d", "", 0);
	turn();
	assert_int_equal(a.error, 0);
	assert_int_equal(a.rows, 1);
	assert_int_equal(b.error, -EEXIST);
	assert_int_equal(b.step, 1);
	assert_int_equal(b.rows, 0);
	assert_non_null(strstr(b.text, "thing.name"));
	assert_int_equal(c.error, -EEXIST);
	assert_string_equal(c.text, "");
	assert_int_equal(d.error, 0);
	assert_int_equal(d.rows, 1);
	assert_int_equal(count_things(), 2);
	shut();
	open_as(&one, file);
	assert_int_equal(count_things(), 2);
}

static void
test_answers_have_their_order(void **state)
{
	struct said said[8];

	open_as(&one, NULL);
	for (int i = 0; i < 8; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%d", i % 4);
		give(&said[i], i % 3 != 2, i % 3 == 2 ? &sql_count : &sql_add, name, name, -EEXIST);
	}
	turn();
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(said[i].place, i);
	/* Whoever asks after a change sees it: 0 and 1 were added before the third. */
	assert_int_equal(said[2].number, 2);
	assert_int_equal(said[4].error, -EEXIST);
}

/* However many jobs there are, the disk is waited for once. */
static void
test_one_commit_for_all(void **state)
{
	static struct said said[200];
	struct stat before, after;
	char wal[128], name[16];

	open_as(&one, file);
	assert_int_equal(add("first"), 0);
	snprintf(wal, sizeof(wal), "%s-wal", file);
	assert_int_equal(stat(wal, &before), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%d", i);
		give(&said[i], true, &sql_add, name, "", -EEXIST);
	}
	turn();
	for (int i = 0; i < 200; i++)
		assert_int_equal(said[i].error, 0);
	assert_int_equal(stat(wal, &after), 0);
	/* Each commit writes its pages anew: 200 of them would be 400 at least. */
	assert_true(after.st_size - before.st_size < 40 * 4096);
}

static void
test_a_turn_is_bounded(void **state)
{
	static struct said said[600];
	char name[16];
	int done = 0;

	open_as(&one, NULL);
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "%d", i);
		give(&said[i], true, &sql_add, name, "", -EEXIST);
	}
	turn();
	for (int i = 0; i < 600; i++)
		done += said[i].done;
	assert_int_equal(done, 256);
	turn();
	turn();
	for (size_t i = 0; i < 600; i++)
		assert_true(said[i].done && said[i].error == 0 && said[i].place == i);
}

static void
test_too_many_wait(void **state)
{
	struct said *said = xalloc((DB_JOBS_MAX + 2) * sizeof(said[0])), late;

	open_as(&one, NULL);
	for (size_t i = 0; i < DB_JOBS_MAX + 2; i++)
		give(&said[i], false, &sql_count, NULL, NULL, 0);
	for (int i = 0; i < 20; i++)
		turn();
	for (size_t i = 0; i < DB_JOBS_MAX + 2; i++) {
		assert_true(said[i].done && said[i].place == i);
		assert_int_equal(said[i].error, i < DB_JOBS_MAX ? 0 : -ENOBUFS);
	}
	assert_string_not_equal(said[DB_JOBS_MAX].text, "");
	give(&late, true, &sql_add, "late", "", -EEXIST);
	turn();
	assert_int_equal(late.error, 0);
	free(said);
}

static void
test_too_much_waits(void **state)
{
	size_t half = DB_BYTES_MAX / 2;
	char *text = xalloc(half);
	struct said said[3];

	memset(text, 'x', half - 1);
	open_as(&one, NULL);
	for (int i = 0; i < 3; i++)
		give(&said[i], false, &sql_get, i == 1 ? "a" : text, NULL, 0);
	turn();
	assert_int_equal(said[0].error, 0);
	assert_int_equal(said[1].error, 0);
	assert_int_equal(said[2].error, -ENOBUFS);
	free(text);
}

static void
test_too_many_rows(void **state)
{
	static const struct db_sql many = {
		.text = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			" WHERE i < $1) SELECT i FROM n"
	};
	static const struct db_sql big = {
		.text = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			" WHERE i < $1) SELECT hex(zeroblob(500000)) FROM n"
	};
	struct db_step steps[2] = { step_of(&sql_add, "a", "", -EEXIST),
				    { .sql = &many, .count = 1 } };
	struct said said;

	open_as(&one, NULL);
	steps[1].values[0] = (struct db_value){ DB_INT, DB_ROWS_MAX, NULL };
	give_steps(&said, false, &steps[1], 1);
	turn();
	assert_int_equal(said.error, 0);
	assert_int_equal(said.rows, DB_ROWS_MAX);
	give_steps(&said, true, steps, 2);
	turn();
	assert_int_equal(said.error, -EMSGSIZE);
	assert_int_equal(said.step, 1);
	assert_int_equal(said.rows, 0);
	assert_int_equal(count_things(), 0);
	steps[1].sql = &big;
	steps[1].values[0].number = 100;
	give_steps(&said, false, &steps[1], 1);
	turn();
	assert_int_equal(said.error, -EMSGSIZE);
}

/* --- forgetting, closing ------------------------------------------------------------------- */

static void
test_forget(void **state)
{
	struct said a, b;

	open_as(&one, NULL);
	give(&a, true, &sql_add, "a", "", -EEXIST);
	give(&b, true, &sql_add, "b", "", -EEXIST);
	db->kind->forget(db, &a);
	turn();
	assert_false(a.done);
	assert_true(b.done);
	assert_int_equal(count_things(), 2);
}

static struct said other;

static void
on_row_forget(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	on_row(arg, step, columns, count);
	db->kind->forget(db, arg);
	db->kind->forget(db, &other);
}

/* In the middle of its own rows, and what is answered in the same turn. */
static void
test_forget_while_told(void **state)
{
	struct db_step step = step_of(&sql_all, NULL, NULL, 0);
	struct said said = { 0 };
	struct db_job job = { &step, 1, false, on_row_forget, on_done, &said, false };

	open_as(&one, NULL);
	assert_int_equal(add("a"), 0);
	assert_int_equal(add("b"), 0);
	db->kind->run(db, &job);
	give(&other, false, &sql_count, NULL, NULL, 0);
	turn();
	assert_int_equal(said.rows, 1);
	assert_false(said.done);
	assert_false(other.done);
}

static void
on_done_more(void *arg, int failed, size_t step, const char *text)
{
	on_done(arg, failed, step, text);
	give(&other, true, &sql_add, "more", "", -EEXIST);
	assert_false(other.done);
}

static void
test_give_while_told(void **state)
{
	struct db_step step = step_of(&sql_count, NULL, NULL, 0);
	struct said said = { 0 };
	struct db_job job = { &step, 1, false, on_row, on_done_more, &said, false };

	open_as(&one, NULL);
	db->kind->run(db, &job);
	turn();
	assert_true(said.done);
	turn();
	assert_true(other.done);
	assert_int_equal(other.error, 0);
}

static void
test_close_does_what_waits(void **state)
{
	static struct said said[300];
	struct said read;
	char name[16];

	again();
	give(&read, false, &sql_count, NULL, NULL, 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%d", i);
		give(&said[i], true, &sql_add, name, "", -EEXIST);
	}
	again();
	assert_false(read.done || said[0].done || said[299].done);
	assert_int_equal(count_things(), 300);
}

/* --- versions ------------------------------------------------------------------------------ */

static void
test_next_version(void **state)
{
	static const struct db_sql size = { .text = "SELECT count(size) FROM thing" };
	struct said said;

	again();
	assert_int_equal(add("a"), 0);
	shut();
	open_as(&two, file);
	give(&said, false, &size, NULL, NULL, 0);
	turn();
	assert_int_equal(said.error, 0);
	assert_int_equal(count_things(), 1);
	shut();
	/* Whoever knows less does not touch it. */
	assert_int_equal(try_open_as(&one, file), -EPROTONOSUPPORT);
	assert_null(db);
	assert_non_null(strstr(error, "a later earshotd"));
	open_as(&two, file);
	assert_int_equal(count_things(), 1);
}

/* The second of its statements fails: nothing of it is there, and what was there is. */
static void
test_half_a_version(void **state)
{
	again();
	assert_int_equal(add("a"), 0);
	shut();
	open_as(&wrong, file);
	assert_int_equal(count_things(), -EIO);
	again();
	assert_int_equal(count_things(), 1);
	assert_int_equal(add("b"), 0);
}

static void
test_references_hold(void **state)
{
	static const struct db_sql part = { .text = "INSERT INTO part (thing) VALUES ($1)" };
	static const struct db_sql parts = { .text = "SELECT count(*) FROM part" };
	struct db_step step = { .sql = &part, .count = 1 };
	struct said said;

	again();
	assert_int_equal(add("a"), 0);
	step.values[0] = (struct db_value){ DB_INT, 1, NULL };
	give_steps(&said, true, &step, 1);
	turn();
	assert_int_equal(said.error, 0);
	step.values[0].number = 77;
	give_steps(&said, true, &step, 1);
	give(&other, true, &sql_remove, "a", NULL, -ENODATA);
	turn();
	assert_int_equal(said.error, -EEXIST);
	assert_int_equal(other.error, 0);
	give(&said, false, &parts, NULL, NULL, 0);
	turn();
	assert_int_equal(said.number, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_job),
		TEST(test_null_and_numbers),
		TEST(test_copies),
		TEST(test_one_is_undone_alone),
		TEST(test_one_fails_unforeseen),
		TEST(test_answers_have_their_order),
		TEST(test_one_commit_for_all),
		TEST(test_a_turn_is_bounded),
		TEST(test_too_many_wait),
		TEST(test_too_much_waits),
		TEST(test_too_many_rows),
		TEST(test_forget),
		TEST(test_forget_while_told),
		TEST(test_give_while_told),
		TEST(test_close_does_what_waits),
		TEST(test_next_version),
		TEST(test_half_a_version),
		TEST(test_references_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
