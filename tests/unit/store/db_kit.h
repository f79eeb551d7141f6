/* SPDX-License-Identifier: ISC */
/*
 * db_kit.h: a database of one kind, jobs for it, and how they were answered. The program that
 * includes this says which by KIT_KIND, and gives kit_config(): where a database is that is empty
 * before each test and stays from one opening to the next within it.
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

#define KIT_WAIT    (90 * EAR_SEC)
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
kit_run_job(int tag, struct db_job given)
{
	struct kit_job *job = xalloc(sizeof(*job));

	*job = (struct kit_job){ .kit = &kit, .tag = tag, .next = kit.jobs };
	kit.jobs = job;
	given.row = kit_on_row;
	given.done = kit_on_done;
	given.arg = job;
	kit.inside = true;
	KIT_KIND.run(kit.db, &given);
	kit.inside = false;
	return job;
}

static inline struct kit_job *
kit_run(int tag, const struct db_step *steps, size_t count, enum db_effect writes)
{
	return kit_run_job(tag,
			   (struct db_job){ .steps = steps, .count = count, .writes = writes });
}

/* One that is done again where nobody knows whether it was. */
static inline struct kit_job *
kit_run_repeatable(int tag, const struct db_step *steps, size_t count)
{
	return kit_run_job(tag, (struct db_job){ .steps = steps,
						 .count = count,
						 .writes = DB_WRITES,
						 .repeatable = true });
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

#endif
