/* SPDX-License-Identifier: ISC */
/* db_rig.h: an SQLite database in a directory of its own on a clock that stands still, and what its
 * jobs are answered. */
#ifndef DB_RIG_H
#define DB_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "store/db.h"

static const struct db_sql sql_table = {
	.text = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, text TEXT)"
};
static const struct db_sql sql_part = {
	.text = "CREATE TABLE part (thing INTEGER NOT NULL REFERENCES thing ON DELETE CASCADE)"
};
static const struct db_sql sql_column = { .text = "ALTER TABLE thing ADD COLUMN size INTEGER" };
static const struct db_sql sql_wrong = { .text = "CREATE TABLE thing (x INTEGER)" };

static const struct db_sql *const first[] = { &sql_table, &sql_part, NULL };
static const struct db_sql *const second[] = { &sql_column, NULL };
static const struct db_sql *const broken[] = { &sql_column, &sql_wrong, NULL };
static const struct db_sql *const *const versions_one[] = { first, NULL };
static const struct db_sql *const *const versions_two[] = { first, second, NULL };
static const struct db_sql *const *const versions_broken[] = { first, broken, NULL };
static const struct db_schema one = { versions_one };
static const struct db_schema two = { versions_two };
static const struct db_schema wrong = { versions_broken };

static const struct db_sql sql_add = {
	.text = "INSERT INTO thing (name, text) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id"
};
static const struct db_sql sql_force = { .text = "INSERT INTO thing (name, text) VALUES ($1, $2)" };
static const struct db_sql sql_remove = {
	.text = "DELETE FROM thing WHERE name = $1 RETURNING id"
};
static const struct db_sql sql_get = { .text = "SELECT id, name, text FROM thing WHERE name = $1" };
static const struct db_sql sql_all = { .text = "SELECT name, text FROM thing ORDER BY name" };
static const struct db_sql sql_count = { .text = "SELECT count(*) FROM thing" };
static const struct db_sql sql_nothing = { .postgres = "NOTIFY nobody" };

static char dir[64], file[96], error[512];
static struct ear_clock *db_clock;
static struct db *db;
static int news;

/* What a job was answered. */
struct said {
	bool done;
	int error;
	size_t step, rows, place; /* which answer it was */
	int64_t number;           /* of the last row, its first column */
	char text[256], last[64]; /* of the last row: its first text */
};

static size_t answers;

static inline void
on_news(void *arg)
{
	news++;
}

static inline void
on_row(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	struct said *said = arg;

	assert_false(said->done);
	said->rows++;
	for (size_t i = count; i-- > 0;) {
		if (columns[i].type == DB_INT)
			said->number = columns[i].number;
		else if (columns[i].type == DB_TEXT)
			copy_text(said->last, sizeof(said->last), columns[i].text);
	}
}

static inline void
on_done(void *arg, int failed, size_t step, const char *text)
{
	struct said *said = arg;

	assert_false(said->done);
	said->done = true;
	said->error = failed;
	said->step = step;
	said->place = answers++;
	copy_text(said->text, sizeof(said->text), text);
}

static inline int
try_open_as(const struct db_schema *schema, const char *path)
{
	static const struct db_events events = { .news = on_news };
	struct db_config config = { .path = path };

	return db_sqlite.open(NULL, db_clock, &config, schema, &events, NULL, &db, error,
			      sizeof(error));
}

static inline void
open_as(const struct db_schema *schema, const char *path)
{
	if (try_open_as(schema, path) != 0)
		fail_msg("%s", error);
}

static inline void
shut(void)
{
	if (db != NULL)
		db->kind->close(db);
	db = NULL;
}

static inline void
again(void)
{
	shut();
	open_as(&one, file);
}

static inline struct db_step
step_of(const struct db_sql *sql, const char *name, const char *text, int none)
{
	struct db_step step = { .sql = sql, .none = none };

	if (name != NULL)
		step.values[step.count++] = (struct db_value){ DB_TEXT, 0, name };
	if (text != NULL)
		step.values[step.count++] = (struct db_value){ DB_TEXT, 0, text };
	return step;
}

static inline void
give_steps(struct said *said, bool writes, const struct db_step *steps, size_t count)
{
	struct db_job job = { steps, count, writes, on_row, on_done, NULL, false };

	*said = (struct said){ 0 };
	job.arg = said;
	db->kind->run(db, &job);
}

static inline void
give(struct said *said, bool writes, const struct db_sql *sql, const char *name, const char *text,
     int none)
{
	struct db_step step = step_of(sql, name, text, none);

	give_steps(said, writes, &step, 1);
}

static inline void
turn(void)
{
	clock_advance(db_clock, 1);
}

static inline int
add(const char *name)
{
	struct said said;

	give(&said, true, &sql_add, name, name, -EEXIST);
	turn();
	assert_true(said.done);
	return said.error;
}

/* How many things there are; or -errno. */
static inline int
count_things(void)
{
	struct said said;

	give(&said, false, &sql_count, NULL, NULL, 0);
	turn();
	assert_true(said.done);
	return said.error == 0 ? (int)said.number : said.error;
}

static inline int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_db.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/things.db", dir);
	ear_log_set_level(EAR_LOG_ERROR);
	db_clock = clock_new_fake();
	answers = 0;
	news = 0;
	return 0;
}

static inline int
teardown(void **state)
{
	char command[128];

	shut();
	clock_free(db_clock);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
