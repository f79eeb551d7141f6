/* SPDX-License-Identifier: ISC */
/*
 * db_kit.h: what db.h promises, tried with one kind of database. The program that includes this
 * says which by KIT_KIND, and gives kit_config(): where a database is that is empty before each
 * test and stays from one opening to the next within it. KIT_TESTS are the tests.
 */
#ifndef DB_KIT_H
#define DB_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "store/db.h"

static struct db_config kit_config(void);

#define KIT_WAIT    (30 * EAR_SEC)
#define KIT_ANSWERS (DB_JOBS_MAX + 64)

/* One job as it was answered. */
struct kit_answer {
	int error, tag;
	size_t step, rows, first_row; /* rows: told before; first_row: the step of the first */
	int64_t number;               /* the first column of the last row */
	char text[160];
};

struct kit_job {
	struct kit *kit;
	int tag;
	size_t rows, first_row;
	int64_t number;
	char *column; /* text of the second column of the last row, or NULL */
	bool null;
	struct kit_job *next;
};

struct kit {
	struct event_base *base;
	struct ear_clock *clock;
	struct db *db;
	struct kit_answer answers[KIT_ANSWERS];
	size_t count, news;
	bool inside; /* a call into the driver is under way */
	struct kit_job *jobs;
	char error[256];
	int rc;
};

static struct kit kit;

#define KIT_SQL(name, ...) static const struct db_sql name = { .text = __VA_ARGS__ }

KIT_SQL(kit_make, "CREATE TABLE kit (k TEXT PRIMARY KEY, v BIGINT NOT NULL, n TEXT)");
KIT_SQL(kit_widen, "ALTER TABLE kit ADD COLUMN w BIGINT NOT NULL DEFAULT 7");
KIT_SQL(kit_put, "INSERT INTO kit (k, v, n) VALUES ($1, $2, $3) RETURNING v, n");
KIT_SQL(kit_add, "UPDATE kit SET v = v + $2 WHERE k = $1 RETURNING v");
KIT_SQL(kit_get, "SELECT v, n FROM kit WHERE k = $1");
KIT_SQL(kit_count, "SELECT count(*) FROM kit");
KIT_SQL(kit_sum, "SELECT sum(v) FROM kit");
KIT_SQL(kit_all, "SELECT v FROM kit ORDER BY v");
KIT_SQL(kit_wide, "SELECT w FROM kit WHERE k = $1");
KIT_SQL(kit_wrong, "SELECT nothing FROM nowhere");
KIT_SQL(kit_many, "WITH RECURSIVE c (x) AS (SELECT $1 UNION ALL SELECT x + 1 FROM c WHERE x < $2)"
		  " SELECT x FROM c");
static const struct db_sql kit_only_postgres = { .text = NULL, .postgres = "SELECT 1" };
static const struct db_sql kit_only_sqlite = { .text = "SELECT 1", .postgres = "" };

static const struct db_sql *const kit_first[] = { &kit_make, NULL };
static const struct db_sql *const kit_second[] = { &kit_widen, NULL };
static const struct db_sql *const *const kit_versions_1[] = { kit_first, NULL };
static const struct db_sql *const *const kit_versions_2[] = { kit_first, kit_second, NULL };
static const struct db_schema kit_schema = { kit_versions_1 };
static const struct db_schema kit_schema_2 = { kit_versions_2 };

#define KIT_TEXT(t)                                                                                \
	{                                                                                          \
		.type = DB_TEXT, .text = (t)                                                       \
	}
#define KIT_INT(n)                                                                                 \
	{                                                                                          \
		.type = DB_INT, .number = (n)                                                      \
	}
#define KIT_NULL                                                                                   \
	{                                                                                          \
		.type = DB_NULL                                                                    \
	}

static inline struct db_step
kit_step_put(const char *key, int64_t value)
{
	return (struct db_step){ &kit_put, { KIT_TEXT(key), KIT_INT(value), KIT_NULL }, 3, 0 };
}

/* --- opening, waiting --------------------------------------------------------------------- */

static void
kit_on_news(void *arg)
{
	((struct kit *)arg)->news++;
}

static const struct db_events kit_events = { .news = kit_on_news };

static inline int
kit_try(const struct db_schema *schema)
{
	const struct db_config config = kit_config();

	kit.rc = KIT_KIND.open(kit.base, kit.clock, &config, schema, &kit_events, &kit, &kit.db,
			       kit.error, sizeof(kit.error));
	return kit.rc;
}

static inline void
kit_open(const struct db_schema *schema)
{
	if (kit_try(schema) != 0)
		fail_msg("%s", kit.error);
}

static inline void
kit_close(void)
{
	if (kit.db != NULL)
		KIT_KIND.close(kit.db);
	kit.db = NULL;
}

static inline void
kit_begin(void)
{
	memset(&kit, 0, sizeof(kit));
	kit.base = event_base_new();
	kit.clock = clock_new(kit.base);
}

static inline void
kit_end(void)
{
	struct kit_job *job;

	kit_close();
	while ((job = kit.jobs) != NULL) {
		kit.jobs = job->next;
		free(job->column);
		free(job);
	}
	if (kit.clock != NULL)
		clock_free(kit.clock);
	if (kit.base != NULL)
		event_base_free(kit.base);
	memset(&kit, 0, sizeof(kit));
}

static inline void
kit_turn(void)
{
	const struct timeval tick = { .tv_usec = 20000 };

	event_base_loopexit(kit.base, &tick);
	event_base_loop(kit.base, EVLOOP_ONCE);
}

#define KIT_UNTIL(condition)                                                                       \
	do {                                                                                       \
		int64_t until = clock_usec(CLOCK_MONOTONIC) + KIT_WAIT;                            \
		while (!(condition)) {                                                             \
			if (clock_usec(CLOCK_MONOTONIC) > until)                                   \
				fail_msg("waited in vain for " #condition);                        \
			kit_turn();                                                                \
		}                                                                                  \
	} while (0)

/* --- jobs --------------------------------------------------------------------------------- */

static void
kit_on_row(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	struct kit_job *job = arg;

	assert_false(job->kit->inside);
	if (job->rows++ == 0)
		job->first_row = step;
	job->number = columns[0].type == DB_INT ? columns[0].number : -1;
	if (count < 2)
		return;
	job->null = columns[1].type == DB_NULL;
	xreplace(&job->column, columns[1].type == DB_TEXT ? columns[1].text : NULL);
}

static void
kit_on_done(void *arg, int error, size_t step, const char *text)
{
	struct kit_job *job = arg;
	struct kit_answer *answer = &job->kit->answers[job->kit->count++];

	assert_false(job->kit->inside);
	assert_true(job->kit->count < KIT_ANSWERS);
	*answer = (struct kit_answer){ .error = error,
				       .tag = job->tag,
				       .step = step,
				       .rows = job->rows,
				       .first_row = job->first_row,
				       .number = job->number };
	copy_text(answer->text, sizeof(answer->text), text);
}

static inline struct kit_job *
kit_run(int tag, const struct db_step *steps, size_t count, bool writes)
{
	struct kit_job *job = xalloc(sizeof(*job));

	*job = (struct kit_job){ .kit = &kit, .tag = tag, .next = kit.jobs };
	kit.jobs = job;
	kit.inside = true;
	KIT_KIND.run(kit.db, &(struct db_job){ .steps = steps,
					       .count = count,
					       .writes = writes,
					       .row = kit_on_row,
					       .done = kit_on_done,
					       .arg = job });
	kit.inside = false;
	return job;
}

static inline struct kit_job *
kit_run_put(int tag, const char *key, int64_t value)
{
	const struct db_step step = kit_step_put(key, value);

	return kit_run(tag, &step, 1, true);
}

/* Runs it and waits; what it was answered. */
static inline const struct kit_answer *
kit_ask(const struct db_step *steps, size_t count, bool writes)
{
	size_t before = kit.count;

	kit_run(1000, steps, count, writes);
	KIT_UNTIL(kit.count > before);
	return &kit.answers[kit.count - 1];
}

static inline int64_t
kit_number(const struct db_sql *sql)
{
	const struct db_step step = { .sql = sql };
	const struct kit_answer *answer = kit_ask(&step, 1, false);

	if (answer->error != 0)
		fail_msg("%s: %d %s", sql->text, answer->error, answer->text);
	assert_int_equal(answer->rows, 1);
	return answer->number;
}

/* --- tests -------------------------------------------------------------------------------- */

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
	strcpy(key, "after");
	strcpy(text, "other");
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

/* kit_setup and kit_teardown are the program's: they call kit_begin() and kit_end(). */
#define KIT_TESTS                                                                                  \
	KIT_TEST(kit_test_order), KIT_TEST(kit_test_values), KIT_TEST(kit_test_copied),            \
		KIT_TEST(kit_test_undo), KIT_TEST(kit_test_none), KIT_TEST(kit_test_rows),         \
		KIT_TEST(kit_test_errors), KIT_TEST(kit_test_dialects),                            \
		KIT_TEST(kit_test_rows_max), KIT_TEST(kit_test_jobs_max),                          \
		KIT_TEST(kit_test_forget), KIT_TEST(kit_test_forget_inside),                       \
		KIT_TEST(kit_test_run_inside), KIT_TEST(kit_test_close),                           \
		KIT_TEST(kit_test_versions)

#endif
