/* SPDX-License-Identifier: ISC */
/*
 * db_sqlite.c: the jobs of an SQLite database, turn by turn.
 *
 * What is given during one turn of the loop is done at its end in one transaction, so that however
 * many they are the disk is waited for once. Each job is undone alone, by its savepoint; nobody is
 * answered before all of them are on the disk.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/db_sqlite_impl.h"

/* Of one turn: then others in the loop have theirs. */
#define TURN_JOBS  256
#define TURN_USEC  (20 * EAR_MSEC)
#define TURN_BYTES ((size_t)16 * 1024 * 1024) /* of rows */

static struct db_sqlite *
sqlite_of(struct db *db)
{
	return (struct db_sqlite *)db;
}

/* --- a step ------------------------------------------------------------------------------- */

static void
bind(const struct statement *statement, const struct job_step *step)
{
	for (size_t i = 0; i < step->count; i++) {
		const struct db_value *value = &step->values[i];
		int place = statement->places[i];

		if (place == 0 || value->type == DB_NULL)
			continue;
		if (value->type == DB_INT)
			sqlite3_bind_int64(statement->prepared, place, value->number);
		else
			sqlite3_bind_text(statement->prepared, place, value->text, -1,
					  SQLITE_STATIC);
	}
}

static struct db_value
column(sqlite3_stmt *prepared, int i)
{
	const char *text;

	switch (sqlite3_column_type(prepared, i)) {
	case SQLITE_NULL:
		return (struct db_value){ .type = DB_NULL };
	case SQLITE_INTEGER:
		return (struct db_value){ .type = DB_INT,
					  .number = sqlite3_column_int64(prepared, i) };
	default:
		text = (const char *)sqlite3_column_text(prepared, i);
		return (struct db_value){ .type = DB_TEXT, .text = text == NULL ? "" : text };
	}
}

static int
take_row(struct db_sqlite *db, struct job *job, size_t step, sqlite3_stmt *prepared)
{
	struct db_value columns[DB_VALUES_MAX];
	int count = sqlite3_column_count(prepared), rc;

	assert(count <= DB_VALUES_MAX);
	for (int i = 0; i < count; i++)
		columns[i] = column(prepared, i);
	rc = job_add_row(job, step, columns, (size_t)count);
	return rc == 0 ? 0 : sqlite_file_tell(&db->file, rc, "too much for one answer");
}

/* *none: no row came where one had to. */
static int
do_step(struct db_sqlite *db, struct job *job, size_t i, bool *none)
{
	const struct job_step *step = &job->steps[i];
	const struct statement *statement;
	int code, rc = 0;
	bool came = false;

	if (step->sql->text == NULL)
		return 0;
	statement = db_sqlite_prepare(db, step->sql);
	if (statement == NULL)
		return sqlite_file_fail(&db->file);
	assert(job->writes || sqlite3_stmt_readonly(statement->prepared));
	bind(statement, step);
	while (rc == 0 && (code = sqlite3_step(statement->prepared)) == SQLITE_ROW) {
		came = true;
		rc = take_row(db, job, i, statement->prepared);
	}
	if (rc == 0 && code != SQLITE_DONE)
		rc = sqlite_file_fail(&db->file);
	sqlite3_reset(statement->prepared);
	sqlite3_clear_bindings(statement->prepared);
	*none = rc == 0 && !came && step->none != 0;
	return *none ? step->none : rc;
}

/* --- a job -------------------------------------------------------------------------------- */

static bool
is_due(const struct job *job)
{
	return !job->refused && (job->writes || job->done != NULL);
}

/* Whether it may end, by a `none`, when it has written something. */
static bool
may_end_late(const struct job *job)
{
	for (size_t i = 1; i < job->count; i++)
		if (job->steps[i].none != 0)
			return true;
	return false;
}

/* What is always the same, and so is kept prepared. */
static int
run_kept(struct db_sqlite *db, const struct db_sql *sql)
{
	const struct statement *statement = db_sqlite_prepare(db, sql);
	int rc = 0;

	if (statement == NULL)
		return sqlite_file_fail(&db->file);
	if (sqlite3_step(statement->prepared) != SQLITE_DONE)
		rc = sqlite_file_fail(&db->file);
	sqlite3_reset(statement->prepared);
	return rc;
}

/* The job alone. */
static int
undo(struct db_sqlite *db, const struct job *job, bool saved)
{
	/* SQLite itself may have undone all of the transaction, also when one only reads. */
	if (db->writing && sqlite3_get_autocommit(db->file.sqlite) != 0)
		return job->error;
	if (!job->writes)
		return 0;
	return saved ? sqlite_file_run(&db->file, "ROLLBACK TO job; RELEASE job") : -EAGAIN;
}

static const struct db_sql sql_save = { "SAVEPOINT job", NULL };
static const struct db_sql sql_release = { "RELEASE job", NULL };

/* 0: done or undone, as job->error says; -EAGAIN: it cannot be undone alone; -errno: it is over
 * with all of this turn. */
static int
do_job(struct db_sqlite *db, struct job *job)
{
	bool none = false, saved = job->writes && (db->careful || may_end_late(job));
	size_t i = 0;
	int rc = saved ? run_kept(db, &sql_save) : 0;

	if (rc != 0)
		return rc;
	while (i < job->count && (rc = do_step(db, job, i, &none)) == 0)
		i++;
	if (rc == 0)
		return saved ? run_kept(db, &sql_release) : 0;
	job_fail(job, rc, i, none ? NULL : db->file.error);
	if (none && i == 0 && !saved)
		return 0;
	return rc == -EUCLEAN && !none ? rc : undo(db, job, saved);
}

/* --- a turn ------------------------------------------------------------------------------- */

/* What is left of the list goes back, in front of the others. */
static void
put_back(struct db_sqlite *db, struct list *rest, struct list *jobs)
{
	struct list *before = db->waiting.next;

	while (rest != jobs) {
		struct list *next = rest->next;
		struct job *job = container_of(rest, struct job, all);

		list_del(rest);
		list_add(before, rest);
		db->waiting_count++;
		db->waiting_bytes += job->bytes;
		rest = next;
	}
}

static int
do_jobs(struct db_sqlite *db, struct list *jobs)
{
	int64_t until = ear_now(db->turn.clock) + TURN_USEC;
	struct list *item, *spare;
	size_t bytes = 0;

	list_each (item, spare, jobs) {
		struct job *job = container_of(item, struct job, all);
		int rc = is_due(job) ? do_job(db, job) : 0;

		if (rc != 0)
			return rc;
		bytes += job->row_bytes;
		if (bytes > TURN_BYTES || ear_now(db->turn.clock) >= until) {
			put_back(db, item->next, jobs);
			break;
		}
	}
	return 0;
}

static bool
one_writes(const struct list *jobs)
{
	for (const struct list *item = jobs->next; item != jobs; item = item->next)
		if (container_of(item, struct job, all)->writes)
			return true;
	return false;
}

/* Whether it is only written what need not be on the disk. */
static bool
all_are_lazy(const struct list *jobs)
{
	for (const struct list *item = jobs->next; item != jobs; item = item->next)
		if (container_of(item, struct job, all)->writes == DB_WRITES)
			return false;
	return true;
}

static const struct db_sql sql_begin = { "BEGIN IMMEDIATE", NULL };
static const struct db_sql sql_commit = { "COMMIT", NULL };

/* A commit returns when it is on the disk, or in the log that the next one takes there. */
static int
begin(struct db_sqlite *db, bool lazy)
{
	int rc = 0;

	if (lazy != db->lazy)
		rc = sqlite_file_run(&db->file, lazy ? "PRAGMA synchronous = NORMAL"
						     : "PRAGMA synchronous = FULL");
	if (rc == 0)
		db->lazy = lazy;
	return rc == 0 ? run_kept(db, &sql_begin) : rc;
}

static void
roll_back(struct db_sqlite *db)
{
	if (sqlite3_get_autocommit(db->file.sqlite) == 0)
		sqlite3_exec(db->file.sqlite, "ROLLBACK", NULL, NULL, NULL);
}

/* As if nothing had been tried. */
static void
reset_all(struct list *jobs)
{
	struct list *item, *spare;

	list_each (item, spare, jobs)
		job_fail(container_of(item, struct job, all), 0, 0, NULL);
}

static int
do_jobs_carefully(struct db_sqlite *db, struct list *jobs)
{
	int rc;

	roll_back(db);
	reset_all(jobs);
	rc = run_kept(db, &sql_begin);
	db->careful = true;
	rc = rc == 0 ? do_jobs(db, jobs) : rc;
	db->careful = false;
	return rc;
}

/* -EAGAIN: something is to be written, and there is no file yet. */
static int
transact(struct db_sqlite *db, struct list *jobs)
{
	bool writes = one_writes(jobs);
	sqlite3_int64 before = sqlite3_total_changes64(db->file.sqlite);
	int rc = writes ? begin(db, all_are_lazy(jobs)) : 0;

	db->writing = writes;
	if (rc == 0)
		rc = do_jobs(db, jobs);
	if (rc == -EAGAIN)
		rc = do_jobs_carefully(db, jobs);
	if (rc == 0 && db->blank && sqlite3_total_changes64(db->file.sqlite) != before)
		rc = -EAGAIN;
	if (rc == 0 && writes)
		rc = run_kept(db, &sql_commit);
	if (rc == 0 && writes)
		db_sqlite_shrink_wrote(db);
	if (rc != 0)
		roll_back(db);
	return rc;
}

static void
fail_all(struct db_sqlite *db, struct list *jobs, int error)
{
	struct list *item, *spare;

	list_each (item, spare, jobs)
		job_fail(container_of(item, struct job, all), error, 0, db->file.error);
}

/* Nothing of this turn was done. What is whole and cannot be worked with is damaged after all. */
static int
do_on_good_file(struct db_sqlite *db, struct list *jobs)
{
	int rc = db_sqlite_damaged(db, true);

	if (rc != 0)
		return rc;
	reset_all(jobs);
	rc = transact(db, jobs);
	return rc == -EUCLEAN ? db_sqlite_damaged(db, false) : rc;
}

static void
try_jobs(struct db_sqlite *db, struct list *jobs)
{
	int rc = db_sqlite_need(db);

	if (rc == 0)
		rc = transact(db, jobs);
	if (rc == -EAGAIN) {
		reset_all(jobs);
		rc = db_sqlite_make(db);
		rc = rc == 0 ? transact(db, jobs) : rc;
	}
	if (rc == -EUCLEAN && db->file.sqlite != NULL)
		rc = do_on_good_file(db, jobs);
	if (rc != 0)
		fail_all(db, jobs, rc);
}

/* The oldest that wait, as many as one turn may do. */
static void
take_jobs(struct db_sqlite *db, struct list *jobs)
{
	list_init(jobs);
	for (size_t n = 0; n < TURN_JOBS && !list_is_empty(&db->waiting); n++) {
		struct job *job = container_of(db->waiting.next, struct job, all);

		list_del(&job->all);
		list_add(jobs, &job->all);
		db->waiting_count--;
		db->waiting_bytes -= job->bytes;
	}
}

/* Whoever is told may give further jobs, and forget others. */
static void
answer_all(struct db_sqlite *db)
{
	while (!list_is_empty(&db->answered)) {
		struct job *job = container_of(db->answered.next, struct job, all);

		job_answer(job);
		job_free(job);
	}
}

static void
soon(struct db_sqlite *db)
{
	if (!ear_timer_is_set(&db->turn))
		ear_timer_set(&db->turn, 0);
}

static void
do_turn(struct db_sqlite *db)
{
	struct list jobs;

	take_jobs(db, &jobs);
	if (!list_is_empty(&jobs))
		try_jobs(db, &jobs);
	while (!list_is_empty(&jobs)) {
		struct list *item = jobs.next;

		list_del(item);
		list_add(&db->answered, item);
	}
	if (!list_is_empty(&db->waiting))
		soon(db);
	answer_all(db);
}

static void
on_turn(void *arg)
{
	struct db_sqlite *db = arg;

	do_turn(db);
	if (!db->news)
		return;
	db->news = false;
	if (db->events != NULL && db->events->news != NULL)
		db->events->news(db->arg);
}

/* --- the driver --------------------------------------------------------------------------- */

static void
sqlite_free(struct db_sqlite *db)
{
	ear_timer_stop(&db->turn);
	db_sqlite_let_go(db);
	free(db->path);
	free(db);
}

static int
sqlite_open(struct event_base *base, struct ear_clock *clock, const struct db_config *config,
	    const struct db_schema *schema, const struct db_events *events, void *arg,
	    struct db **out, char *error, size_t size)
{
	struct db_sqlite *db = xalloc(sizeof(*db));
	int rc = 0;

	db->db.kind = &db_sqlite;
	db->path = xstrdup(config->path);
	db->schema = schema;
	db->events = events;
	db->arg = arg;
	list_init(&db->waiting);
	list_init(&db->answered);
	ear_timer_init(&db->turn, clock, on_turn, db);
	db_sqlite_shrink_init(db, clock);
	if (config->path != NULL && access(config->path, F_OK) == 0)
		rc = db_sqlite_need(db);
	if (db->news)
		soon(db);
	*out = &db->db;
	if (rc != -EPROTONOSUPPORT && rc != -EINVAL)
		return 0;
	copy_text(error, size, db->file.error);
	sqlite_free(db);
	*out = NULL;
	return rc;
}

static void
sqlite_run(struct db *base, const struct db_job *given)
{
	struct db_sqlite *db = sqlite_of(base);
	struct job *job = job_new(given);

	if (db->waiting_count >= DB_JOBS_MAX || db->waiting_bytes + job->bytes > DB_BYTES_MAX) {
		job_free(job);
		job = job_new_refused(given);
	}
	list_add(&db->waiting, &job->all);
	db->waiting_count++;
	db->waiting_bytes += job->bytes;
	soon(db);
}

static void
sqlite_forget(struct db *base, const void *arg)
{
	struct db_sqlite *db = sqlite_of(base);

	job_forget(&db->waiting, arg);
	job_forget(&db->answered, arg);
}

static void
sqlite_close(struct db *base)
{
	struct db_sqlite *db = sqlite_of(base);

	assert(list_is_empty(&db->answered));
	job_forget_all(&db->waiting);
	while (!list_is_empty(&db->waiting))
		do_turn(db);
	sqlite_free(db);
}

const struct db_kind db_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.run = sqlite_run,
	.forget = sqlite_forget,
	.close = sqlite_close,
};
