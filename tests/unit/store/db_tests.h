/* SPDX-License-Identifier: ISC */
/*
 * db_tests.h: what db.h promises, tried with the kind of database that db_kit.h has. The program's
 * kit_setup and kit_teardown call kit_begin() and kit_end(); KIT_TESTS are the tests.
 */
#ifndef DB_TESTS_H
#define DB_TESTS_H

#include "db_kit.h"

static void
kit_test_order(void **state)
{
	char key[16];

	kit_open(&kit_schema);
	for (int i = 0; i < 200; i++) {
		const struct db_step count = { .sql = &kit_count };

		snprintf(key, sizeof(key), "k%d", i);
		kit_run_put(2 * i, key, i);
		kit_run(2 * i + 1, &count, 1, false);
	}
	assert_int_equal(kit.count, 0);
	KIT_UNTIL(kit.count == 400);
	for (int i = 0; i < 400; i++) {
		assert_int_equal(kit.answers[i].tag, i);
		assert_int_equal(kit.answers[i].error, 0);
		assert_string_equal(kit.answers[i].text, "");
		/* What was written before is seen. */
		if (i % 2 == 1)
			assert_int_equal(kit.answers[i].number, i / 2 + 1);
	}
}

static void
kit_test_values(void **state)
{
	static const int64_t numbers[] = { 0, -1, 1, INT64_MAX, INT64_MIN, INT64_C(4294967296) };
	static char longest[128 * 1024];
	const char *const texts[] = { "", "plain", "Käse, жук, 🧀", "it's \"quoted\\",
				      longest };
	struct kit_job *job;

	memset(longest, 'x', sizeof(longest) - 1);
	kit_open(&kit_schema);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char key[16];

		snprintf(key, sizeof(key), "n%zu", i);
		job = kit_run_put(0, key, numbers[i]);
		KIT_UNTIL(kit.count == i + 1);
		assert_int_equal(kit.answers[i].error, 0);
		assert_true(job->number == numbers[i]);
		assert_true(job->null);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct db_step put = {
			&kit_put, { KIT_TEXT(texts[i]), KIT_INT(1), KIT_TEXT(texts[i]) }, 3, 0
		};
		const struct db_step get = { &kit_get, { KIT_TEXT(texts[i]) }, 1, -ENOENT };
		size_t before = kit.count;

		kit_run(0, &put, 1, true);
		job = kit_run(0, &get, 1, false);
		KIT_UNTIL(kit.count == before + 2);
		assert_int_equal(kit.answers[before + 1].error, 0);
		assert_non_null(job->column);
		assert_string_equal(job->column, texts[i]);
	}
}

/* What the caller has goes away at once. */
static void
kit_test_copied(void **state)
{
	char key[8] = "before", text[8] = "text";
	struct db_step step = { &kit_put, { KIT_TEXT(key), KIT_INT(1), KIT_TEXT(text) }, 3, 0 };
	struct kit_job *job;

	kit_open(&kit_schema);
	job = kit_run(0, &step, 1, true);
	memcpy(key, "after", sizeof("after"));
	memcpy(text, "other", sizeof("other"));
	step.sql = NULL;
	KIT_UNTIL(kit.count == 1);
	assert_string_equal(job->column, "text");
}

static void
kit_test_undo(void **state)
{
	const struct db_step steps[] = {
		kit_step_put("b", 2),
		kit_step_put("c", 3),
		{ &kit_add, { KIT_TEXT("missing"), KIT_INT(1) }, 2, -ESTALE },
		kit_step_put("d", 4)
	};

	kit_open(&kit_schema);
	kit_run_put(0, "a", 1);
	kit_run(1, steps, 4, true);
	kit_run_put(2, "e", 5);
	KIT_UNTIL(kit.count == 3);
	assert_int_equal(kit.answers[0].error, 0);
	assert_int_equal(kit.answers[1].error, -ESTALE);
	assert_int_equal(kit.answers[1].step, 2);
	assert_int_equal(kit.answers[1].rows, 0);
	assert_string_equal(kit.answers[1].text, "");
	assert_int_equal(kit.answers[2].error, 0);
	assert_int_equal(kit_number(&kit_count), 2);
	assert_int_equal(kit_number(&kit_sum), 6);
}

/* The condition of the last step counts, too, also of a job that reads. */
static void
kit_test_none(void **state)
{
	const struct db_step fine[] = { { &kit_get, { KIT_TEXT("no") }, 1, 0 },
					kit_step_put("a", 1) };
	const struct db_step last[] = { kit_step_put("b", 1),
					{ &kit_get, { KIT_TEXT("no") }, 1, -ENODATA } };
	const struct db_step reading[] = { { &kit_count, { KIT_NULL }, 0, -EIO },
					   { &kit_get, { KIT_TEXT("no") }, 1, -ENOENT },
					   { &kit_count, { KIT_NULL }, 0, -EIO } };
	const struct kit_answer *answer;

	kit_open(&kit_schema);
	answer = kit_ask(fine, 2, true);
	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->rows, 1);
	answer = kit_ask(last, 2, true);
	assert_int_equal(answer->error, -ENODATA);
	assert_int_equal(answer->step, 1);
	assert_int_equal(kit_number(&kit_count), 1);
	answer = kit_ask(reading, 3, false);
	assert_int_equal(answer->error, -ENOENT);
	assert_int_equal(answer->step, 1);
	assert_int_equal(answer->rows, 0);
	answer = kit_ask(&reading[1], 1, false);
	assert_int_equal(answer->error, -ENOENT);
}

/* Wherever it is, all of one that is repeatable is undone; and the next is none the worse. */
static void
kit_test_none_of_repeatable(void **state)
{
	const struct db_step none = { &kit_get, { KIT_TEXT("no") }, 1, -ENODATA };
	const struct db_step there = { &kit_get, { KIT_TEXT("z") }, 1, -ENODATA };

	kit_open(&kit_schema);
	for (size_t i = 0; i < 3; i++) {
		struct db_step steps[] = { kit_step_put("a", 1), kit_step_put("b", 1),
					   kit_step_put("c", 1) };
		size_t before = kit.count;

		steps[i] = none;
		kit_run_repeatable(0, steps, 3);
		KIT_UNTIL(kit.count > before);
		assert_int_equal(kit.answers[before].error, -ENODATA);
		assert_int_equal(kit.answers[before].step, i);
		assert_int_equal(kit.answers[before].rows, 0);
		assert_int_equal(kit_number(&kit_count), (int64_t)i);
		kit_run_put((int)i, i == 0 ? "x" : i == 1 ? "y" : "z", 1);
		KIT_UNTIL(kit.count == before + 3);
	}
	assert_int_equal(kit_number(&kit_count), 3);
	kit_run_repeatable(0, &there, 1);
	kit_ask(&there, 1, false);
	assert_int_equal(kit.answers[kit.count - 2].error, 0);
	assert_int_equal(kit.answers[kit.count - 2].rows, 1);
}

static void
kit_test_rows(void **state)
{
	const struct db_step steps[] = { { .sql = &kit_count },
					 { .sql = &kit_all },
					 { .sql = &kit_sum } };
	struct db_step puts[50];
	char keys[50][8];
	const struct kit_answer *answer;

	kit_open(&kit_schema);
	for (int i = 0; i < 50; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		puts[i] = kit_step_put(keys[i], i);
		puts[i].none = -EIO;
	}
	answer = kit_ask(puts, 50, true);
	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->rows, 50);
	answer = kit_ask(steps, 3, false);
	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->rows, 52);
	assert_int_equal(answer->first_row, 0);
	assert_int_equal(answer->number, 49 * 50 / 2);
	answer = kit_ask(&steps[1], 1, false);
	assert_int_equal(answer->rows, 50);
	assert_int_equal(answer->number, 49);
}

/* An error is that of its step; nothing of the job stays, and the next one is none the worse. */
static void
kit_test_errors(void **state)
{
	const struct db_step twice[] = { kit_step_put("a", 1), kit_step_put("b", 1),
					 kit_step_put("a", 2), kit_step_put("c", 1) };
	const struct db_step wrong[] = { kit_step_put("x", 1), { .sql = &kit_wrong } };
	const struct db_step reading = { .sql = &kit_wrong };
	const struct db_step several[] = { { .sql = &kit_count }, reading, { .sql = &kit_count } };
	const struct kit_answer *answer;

	kit_open(&kit_schema);
	for (int i = 0; i < 2; i++) {
		answer = kit_ask(twice, 4, true);
		assert_true(answer->error < 0);
		assert_int_equal(answer->step, 2);
		assert_string_not_equal(answer->text, "");
		assert_int_equal(answer->rows, 0);
		answer = kit_ask(wrong, 2, true);
		assert_int_equal(answer->error, -EIO);
		assert_int_equal(answer->step, 1);
		answer = kit_ask(&reading, 1, false);
		assert_int_equal(answer->error, -EIO);
		answer = kit_ask(several, 3, false);
		assert_int_equal(answer->error, -EIO);
		assert_int_equal(answer->step, 1);
		assert_int_equal(answer->rows, 0);
		assert_int_equal(kit_number(&kit_count), 0);
	}
	answer = kit_ask(twice, 2, true);
	assert_int_equal(answer->error, 0);
	assert_int_equal(kit_number(&kit_count), 2);
}

/* One text for one database alone, and none for the other. */
static void
kit_test_dialects(void **state)
{
	const struct db_step steps[] = { { .sql = &kit_only_postgres, .none = -EIO },
					 kit_step_put("a", 1),
					 { .sql = &kit_only_sqlite, .none = -EIO } };
	const struct kit_answer *answer;

	kit_open(&kit_schema);
	answer = kit_ask(steps, 3, true);
	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->rows, 2);
	answer = kit_ask(NULL, 0, false);
	assert_int_equal(answer->error, 0);
	answer = kit_ask(NULL, 0, true);
	assert_int_equal(answer->error, 0);
}

static void
kit_test_rows_max(void **state)
{
	const struct db_step most = { &kit_many, { KIT_INT(1), KIT_INT(DB_ROWS_MAX) }, 2, 0 };
	const struct db_step more = { &kit_many, { KIT_INT(0), KIT_INT(DB_ROWS_MAX) }, 2, 0 };
	const struct db_step half = { &kit_many, { KIT_INT(0), KIT_INT(DB_ROWS_MAX / 2) }, 2, 0 };
	const struct db_step sum[] = { kit_step_put("a", 1), half, half };
	const struct kit_answer *answer;

	kit_open(&kit_schema);
	answer = kit_ask(&most, 1, false);
	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->rows, DB_ROWS_MAX);
	answer = kit_ask(&more, 1, false);
	assert_int_equal(answer->error, -EMSGSIZE);
	assert_int_equal(answer->rows, 0);
	answer = kit_ask(sum, 3, true);
	assert_int_equal(answer->error, -EMSGSIZE);
	assert_int_equal(answer->rows, 0);
	assert_int_equal(kit_number(&kit_count), 0);
}

static void
kit_test_jobs_max(void **state)
{
	const size_t given = DB_JOBS_MAX + 20;
	const struct db_step count = { .sql = &kit_count };
	size_t refused = 0;

	kit_open(&kit_schema);
	for (size_t i = 0; i < given; i++)
		kit_run((int)i, &count, 1, false);
	assert_int_equal(kit.count, 0);
	KIT_UNTIL(kit.count == given);
	for (size_t i = 0; i < given; i++) {
		refused += kit.answers[i].error == -ENOBUFS;
		assert_true(kit.answers[i].error == 0 || kit.answers[i].error == -ENOBUFS);
	}
	assert_int_equal(refused, 20);
	assert_int_equal(kit_number(&kit_count), 0);
}

static void
kit_test_forget(void **state)
{
	const struct db_step count = { .sql = &kit_count };
	struct kit_job *job;

	kit_open(&kit_schema);
	KIT_KIND.forget(kit.db, &count);
	kit_run_put(0, "a", 1);
	job = kit_run_put(1, "b", 1);
	KIT_KIND.forget(kit.db, job);
	job = kit_run(2, &count, 1, false);
	KIT_KIND.forget(kit.db, job);
	kit_run_put(3, "c", 1);
	KIT_UNTIL(kit.count == 2);
	assert_int_equal(kit.answers[0].tag, 0);
	assert_int_equal(kit.answers[1].tag, 3);
	assert_int_equal(kit_number(&kit_count), 3);
}

/* In its own callback, and of another one that is done but not told. */
static void
kit_on_forgetting_row(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	struct kit_job *job = arg;

	job->rows++;
	KIT_KIND.forget(job->kit->db, job);
	KIT_KIND.forget(job->kit->db, job->next);
}

static void
kit_test_forget_inside(void **state)
{
	const struct db_step many = { &kit_many, { KIT_INT(1), KIT_INT(10) }, 2, 0 };
	const struct db_step count = { .sql = &kit_count };
	struct kit_job *other = xalloc(sizeof(*other)), *job = xalloc(sizeof(*job));

	kit_open(&kit_schema);
	*other = (struct kit_job){ .kit = &kit, .next = kit.jobs };
	*job = (struct kit_job){ .kit = &kit, .next = other };
	kit.jobs = job;
	KIT_KIND.run(kit.db, &(struct db_job){ .steps = &many,
					       .count = 1,
					       .row = kit_on_forgetting_row,
					       .done = kit_on_done,
					       .arg = job });
	KIT_KIND.run(kit.db, &(struct db_job){ .steps = &count,
					       .count = 1,
					       .row = kit_on_row,
					       .done = kit_on_done,
					       .arg = other });
	assert_int_equal(kit_number(&kit_count), 0);
	assert_int_equal(job->rows, 1);
	assert_int_equal(other->rows, 0);
	assert_int_equal(kit.count, 1);
}

/* From its own end one asks for the next, and so on. */
static void
kit_on_next(void *arg, int error, size_t step, const char *text)
{
	struct kit_job *job = arg;
	const struct db_step add = { &kit_add, { KIT_TEXT("a"), KIT_INT(1) }, 2, -EIO };

	assert_int_equal(error, 0);
	assert_false(job->kit->inside);
	if (job->tag++ == 100) {
		job->kit->count++;
		return;
	}
	job->kit->inside = true;
	KIT_KIND.run(job->kit->db, &(struct db_job){ .steps = &add,
						     .count = 1,
						     .writes = true,
						     .done = kit_on_next,
						     .arg = job });
	job->kit->inside = false;
}

static void
kit_test_run_inside(void **state)
{
	struct kit_job job = { .kit = &kit };

	kit_open(&kit_schema);
	kit_run_put(0, "a", 0);
	KIT_UNTIL(kit.count == 1);
	kit_on_next(&job, 0, 0, "");
	KIT_UNTIL(kit.count == 2);
	assert_int_equal(kit_number(&kit_sum), 100);
}

/* Nobody is told; a job is there as a whole or not at all. */
static void
kit_test_close(void **state)
{
	const struct db_step pair[] = { kit_step_put("x", 1), kit_step_put("y", 1) };

	kit_open(&kit_schema);
	kit_close();
	kit_open(&kit_schema);
	kit_run_put(0, "a", 1);
	KIT_UNTIL(kit.count == 1);
	kit_run_put(1, "b", 1);
	kit_run(2, pair, 2, true);
	kit_close();
	for (int i = 0; i < 3; i++)
		kit_turn();
	assert_int_equal(kit.count, 1);
	kit_open(&kit_schema);
	/* The connection was there, or it needs none: nothing is lost. */
	assert_int_equal(kit_number(&kit_count), 4);
}

/* Each version once; an older program leaves a newer one's alone. */
static void
kit_test_versions(void **state)
{
	const struct db_step wide = { &kit_wide, { KIT_TEXT("a") }, 1, -ENOENT };
	const struct db_step count = { .sql = &kit_count };
	const struct kit_answer *answer;

	kit_open(&kit_schema);
	kit_run_put(0, "a", 1);
	KIT_UNTIL(kit.count == 1);
	kit_close();
	for (int i = 0; i < 2; i++) {
		kit_open(&kit_schema_2);
		answer = kit_ask(&wide, 1, false);
		assert_int_equal(answer->error, 0);
		assert_int_equal(answer->number, 7);
		kit_close();
	}
	if (kit_try(&kit_schema) == 0) {
		answer = kit_ask(&count, 1, false);
		assert_int_equal(answer->error, -EPROTONOSUPPORT);
		assert_string_not_equal(answer->text, "");
		kit_close();
	} else {
		assert_int_equal(kit.rc, -EPROTONOSUPPORT);
		assert_string_not_equal(kit.error, "");
	}
	kit_open(&kit_schema_2);
	assert_int_equal(kit_number(&kit_count), 1);
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

#define KIT_TESTS                                                                                  \
	KIT_TEST(kit_test_order), KIT_TEST(kit_test_values), KIT_TEST(kit_test_copied),            \
		KIT_TEST(kit_test_undo), KIT_TEST(kit_test_none),                                  \
		KIT_TEST(kit_test_none_of_repeatable), KIT_TEST(kit_test_rows),                    \
		KIT_TEST(kit_test_errors), KIT_TEST(kit_test_dialects),                            \
		KIT_TEST(kit_test_rows_max), KIT_TEST(kit_test_jobs_max),                          \
		KIT_TEST(kit_test_forget), KIT_TEST(kit_test_forget_inside),                       \
		KIT_TEST(kit_test_run_inside), KIT_TEST(kit_test_close),                           \
		KIT_TEST(kit_test_versions)

#endif
