/* SPDX-License-Identifier: ISC */
/* pq_run.c: one job at a time, in a pipeline. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "store/pq_error.h"
#include "store/pq_run.h"

#define TRIES_MAX 8 /* after deadlocks and the like */

#define DIVISION_BY_ZERO "22012"

enum {
	OID_INT8 = 20,
	OID_TEXT = 25,
};

/* What the next result is of. */
enum what { WHAT_BEGIN, WHAT_PREPARE, WHAT_STEP, WHAT_END, WHAT_COMMIT, WHAT_SYNC };

struct expected {
	enum what what;
	size_t step;      /* that it is for */
	size_t statement; /* that is prepared */
};

enum run_state {
	RUN_IDLE,
	RUN_STEPS,
	RUN_ROLLBACK,
};

/* One that this connection has prepared; its name is its place. */
struct statement {
	const struct db_sql *sql; /* NULL: it failed */
	bool needed;              /* it fails when no row comes */
};

struct pq_run {
	const struct pq_lib *lib;
	struct pq_link *link;
	struct pq_run_events events;
	void *arg;
	/* Its COMMIT is sent: it is done, or not, whatever becomes of the connection. What comes
	 * is of this one first. */
	struct pq_job *committing;
	bool refused;         /* that COMMIT: its transaction is over */
	enum run_state state; /* of the other one */
	struct pq_job *job;
	size_t step;  /* that is being sent */
	size_t rows;  /* of the last step */
	bool open;    /* a transaction */
	bool passing; /* the error is one that may pass */
	struct expected *expected;
	size_t first, count, room;
	struct statement *statements;
	size_t statement_count, statement_room;
};

/* --- sending ------------------------------------------------------------------------------ */

/* Who reads twice reads the same; who writes sees what others wrote meanwhile, for the statements
 * ask for it. */
static const struct db_sql begin_reading = {
	.postgres = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
};
static const struct db_sql begin_writing = {
	.postgres = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
};
static const struct db_sql commit = { .postgres = "COMMIT" };
static const struct db_sql rollback = { .postgres = "ROLLBACK" };

/* Sessions do not wait for the disk (pq_schema.c) but where this is said; and who has written
 * nothing waits for nothing, unless he is made to write. */
#define WAIT                                                                                       \
	"SELECT set_config('synchronous_commit', current_setting('earshot.durable', true), true)"

static const struct db_sql wait_own = { .postgres = WAIT };
static const struct db_sql wait_all = {
	.postgres = WAIT ", pg_logical_emit_message(true, 'earshot', '')",
};

static const struct pq_params no_params;

static void
expect(struct pq_run *run, enum what what, size_t statement)
{
	if (run->count == run->room) {
		run->room = run->room == 0 ? 64 : run->room * 2;
		run->expected = xrealloc(run->expected, run->room * sizeof(run->expected[0]));
	}
	run->expected[run->count++] = (struct expected){ what, run->step, statement };
}

static void
sync(struct pq_run *run)
{
	expect(run, WHAT_SYNC, 0);
	pq_link_sync(run->link);
}

struct bound {
	Oid types[DB_VALUES_MAX];
	const char *values[DB_VALUES_MAX];
	char numbers[DB_VALUES_MAX][24];
	struct pq_params params;
};

/* Types are said, so that $1 > 0 does not make a small integer of $1. */
static void
bind(struct bound *bound, const struct job_step *step)
{
	for (size_t i = 0; i < step->count; i++) {
		const struct db_value *value = &step->values[i];

		switch (value->type) {
		case DB_NULL:
			bound->types[i] = 0;
			bound->values[i] = NULL;
			break;
		case DB_INT:
			snprintf(bound->numbers[i], sizeof(bound->numbers[i]), "%" PRId64,
				 value->number);
			bound->types[i] = OID_INT8;
			bound->values[i] = bound->numbers[i];
			break;
		case DB_TEXT:
			bound->types[i] = OID_TEXT;
			bound->values[i] = value->text;
			break;
		}
	}
	bound->params = (struct pq_params){ .count = step->count,
					    .types = bound->types,
					    .values = bound->values };
}

/* Its place, or one where none is. */
static size_t
find_statement(const struct pq_run *run, const struct db_sql *sql, bool needed)
{
	size_t at = run->statement_count;

	for (size_t i = 0; i < run->statement_count; i++) {
		if (run->statements[i].sql == sql && run->statements[i].needed == needed)
			return i;
		if (run->statements[i].sql == NULL)
			at = i;
	}
	return at;
}

static bool
is_prepared(const struct pq_run *run, size_t at)
{
	return at < run->statement_count && run->statements[at].sql != NULL;
}

static void
add_statement(struct pq_run *run, size_t at, const struct db_sql *sql, bool needed)
{
	if (at == run->statement_room) {
		run->statement_room = run->statement_room == 0 ? 32 : run->statement_room * 2;
		run->statements =
			xrealloc(run->statements, run->statement_room * sizeof(run->statements[0]));
	}
	if (at == run->statement_count)
		run->statement_count++;
	run->statements[at] = (struct statement){ sql, needed };
}

/* A statement that fails, as DIVISION_BY_ZERO, when no row comes: so what is behind it can be sent
 * with it, and is not done. NULL: the text itself is to be sent. */
static char *
needing_rows(const char *text, bool needed)
{
	if (!needed)
		return NULL;
	return xasprintf("WITH earshot_step AS (%s),"
			 " earshot_count AS (SELECT count(*) AS n FROM earshot_step)"
			 " SELECT earshot_step.* FROM earshot_count LEFT JOIN earshot_step ON true"
			 " WHERE 1 / earshot_count.n >= 0",
			 text);
}

static void
send_prepared(struct pq_run *run, const struct db_sql *sql, bool needed,
	      const struct pq_params *params)
{
	size_t at = find_statement(run, sql, needed);
	char name[32], *needing;

	snprintf(name, sizeof(name), "s%zu", at);
	if (!is_prepared(run, at)) {
		needing = needing_rows(pq_text_of(sql), needed);
		add_statement(run, at, sql, needed);
		pq_link_prepare(run->link, name, needing == NULL ? pq_text_of(sql) : needing,
				params);
		expect(run, WHAT_PREPARE, at);
		free(needing);
	}
	pq_link_execute(run->link, name, params);
}

static void
send_once(struct pq_run *run, const struct db_sql *sql, bool needed, const struct pq_params *params)
{
	char *needing = needing_rows(pq_text_of(sql), needed);

	pq_link_query(run->link, needing == NULL ? pq_text_of(sql) : needing, params);
	free(needing);
}

static void
send_sql(struct pq_run *run, enum what what, const struct db_sql *sql, bool needed,
	 const struct pq_params *params)
{
	if (run->job->once)
		send_once(run, sql, needed, params);
	else
		send_prepared(run, sql, needed, params);
	expect(run, what, 0);
}

static void
say(struct pq_run *run, enum what what, const struct db_sql *sql)
{
	send_sql(run, what, sql, false, &no_params);
}

/* All of it goes out at once, and is done when the server comes to the end of that: it can be done
 * again, should nobody hear of it. */
static bool
is_whole(const struct pq_job *job)
{
	return job->job->writes && job->job->repeatable && !job->once;
}

/* The last one is looked at by us, unless it would be too late then. */
static bool
is_needed(const struct pq_job *job, size_t index)
{
	return job->job->steps[index].none != 0 && (index + 1 < job->job->count || is_whole(job));
}

static void
send_step(struct pq_run *run, size_t index)
{
	const struct job_step *step = &run->job->job->steps[index];
	struct bound bound;

	if (pq_text_of(step->sql) == NULL)
		return;
	run->step = index;
	bind(&bound, step);
	send_sql(run, WHAT_STEP, step->sql, is_needed(run->job, index), &bound.params);
}

/* What one answer ends it with: reading alone, there is nothing to undo. */
static bool
needs_transaction(const struct pq_job *job)
{
	return job->job->writes ? !is_whole(job) : job->job->count > 1;
}

static void
send_wait(struct pq_run *run)
{
	enum pq_wait wait = run->job->once ? PQ_WAIT_OWN : run->events.wait(run->arg, run->job);

	run->job->durable = wait != PQ_WAIT_NOT;
	if (wait != PQ_WAIT_NOT)
		say(run, WHAT_END, wait == PQ_WAIT_ALL ? &wait_all : &wait_own);
}

static void
send_steps(struct pq_run *run)
{
	const struct job *job = run->job->job;

	if (needs_transaction(run->job)) {
		say(run, WHAT_BEGIN, job->writes ? &begin_writing : &begin_reading);
		run->open = true;
	}
	for (size_t i = 0; i < job->count; i++)
		send_step(run, i);
	if (run->open && !job->writes)
		say(run, WHAT_COMMIT, &commit);
	if (is_whole(run->job))
		send_wait(run);
	sync(run);
}

static void
send_rollback(struct pq_run *run)
{
	run->state = RUN_ROLLBACK;
	run->open = false;
	say(run, WHAT_END, &rollback);
	sync(run);
}

static void
start(struct pq_run *run, struct pq_job *job)
{
	run->job = job;
	run->state = RUN_STEPS;
	run->step = run->rows = 0;
	run->open = run->passing = false;
	send_steps(run);
}

/* What comes next need not wait for that; should it fail, see on_committed(). */
static void
send_commit(struct pq_run *run)
{
	struct pq_job *next;

	send_wait(run);
	say(run, WHAT_COMMIT, &commit);
	sync(run);
	run->committing = run->job;
	run->refused = false;
	run->job = NULL;
	run->state = RUN_IDLE;
	next = run->committing->once ? NULL : run->events.next(run->arg);
	if (next != NULL)
		start(run, next);
}

/* --- results ------------------------------------------------------------------------------ */

static void
finish(struct pq_run *run)
{
	struct pq_job *job = run->job;

	if (run->passing && ++job->tries < TRIES_MAX) {
		ear_debug("store: postgresql: again: %s", job->job->text);
		pq_job_reset(job);
		start(run, job);
		return;
	}
	run->state = RUN_IDLE;
	run->job = NULL;
	run->events.ran(run->arg, job);
}

/* Whether the last step has to have brought a row, and has not. */
static bool
lacks_rows(const struct pq_run *run, const struct job *job)
{
	const struct job_step *last = job->count == 0 ? NULL : &job->steps[job->count - 1];

	return last != NULL && last->none != 0 && pq_text_of(last->sql) != NULL && run->rows == 0;
}

static void
go_on(struct pq_run *run)
{
	const struct job *job = run->job->job;

	if (job->error == 0 && lacks_rows(run, job))
		pq_job_fail(run->job, job->steps[job->count - 1].none, job->count - 1, NULL);
	if (job->error != 0 && run->open)
		send_rollback(run);
	else if (job->error == 0 && run->open)
		send_commit(run);
	else
		finish(run);
}

/* Where it failed, what was before the COMMIT may have: then the transaction is open, and what was
 * sent behind it did nothing. Where the COMMIT itself was refused that was done as it should be. */
static void
on_committed(struct pq_run *run)
{
	struct pq_job *job = run->committing;

	run->committing = NULL;
	if (job->job->error != 0 && run->job == NULL) {
		run->job = job;
		send_rollback(run);
		return;
	}
	if (job->job->error != 0 && !run->refused)
		pq_link_drop(run->link, job->job->text);
	run->events.ran(run->arg, job);
}

static void
on_sync(struct pq_run *run)
{
	run->count -= run->first;
	memmove(run->expected, run->expected + run->first, run->count * sizeof(run->expected[0]));
	run->first = 0;
	if (run->committing != NULL)
		on_committed(run);
	else if (run->state == RUN_STEPS)
		go_on(run);
	else
		finish(run);
}

/* The next use tries again. */
static void
unprepare(struct pq_run *run, const struct expected *expected)
{
	if (expected->what == WHAT_PREPARE)
		run->statements[expected->statement].sql = NULL;
}

/* Whether it failed since no row came. */
static bool
is_none(const struct pq_run *run, const struct expected *expected, const char *state)
{
	return expected->what == WHAT_STEP && is_needed(run->job, expected->step) &&
	       state != NULL && strcmp(state, DIVISION_BY_ZERO) == 0;
}

/* Of whom the oldest result is that is still to come. */
static struct pq_job *
heard_of(const struct pq_run *run)
{
	return run->committing != NULL ? run->committing : run->job;
}

static void
on_error(struct pq_run *run, const struct expected *expected, const PGresult *result)
{
	const char *state = run->lib->PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = run->lib->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const struct job *job = heard_of(run)->job;
	char whole[512];

	unprepare(run, expected);
	if (job->error != 0)
		return;
	/* How that one ended nobody knows. */
	if (expected->what == WHAT_SYNC) {
		pq_link_drop(run->link, text == NULL ? "no reason given" : text);
		return;
	}
	if (is_none(run, expected, state)) {
		pq_job_fail(run->job, job->steps[expected->step].none, expected->step, NULL);
		return;
	}
	if (run->job == NULL || run->committing == NULL)
		run->passing = pq_error_is_passing(state);
	run->refused = run->committing != NULL && expected->what == WHAT_COMMIT;
	snprintf(whole, sizeof(whole), "%.400s (%.5s)", text == NULL ? "no reason given" : text,
		 state == NULL ? "?" : state);
	pq_job_fail(heard_of(run), pq_error_of(state), expected->step, whole);
}

static void
on_good(struct pq_run *run, const struct expected *expected, const PGresult *result)
{
	if (expected->what == WHAT_STEP)
		run->rows = pq_job_take(run->job, expected->step, run->lib, result);
	else if (expected->what == WHAT_COMMIT && run->committing == NULL)
		run->open = false;
}

void
pq_run_result(struct pq_run *run, PGresult *result)
{
	struct expected expected;

	assert(run->first < run->count);
	expected = run->expected[run->first++];
	switch (run->lib->PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		on_good(run, &expected, result);
		break;
	case PGRES_PIPELINE_SYNC:
		assert(expected.what == WHAT_SYNC);
		on_sync(run);
		break;
	case PGRES_PIPELINE_ABORTED:
		unprepare(run, &expected);
		break;
	default:
		on_error(run, &expected, result);
		break;
	}
	run->lib->PQclear(result);
}

/* ------------------------------------------------------------------------------------------ */

struct pq_run *
pq_run_new(const struct pq_lib *lib, struct pq_link *link, const struct pq_run_events *events,
	   void *arg)
{
	struct pq_run *run = xalloc(sizeof(*run));

	run->lib = lib;
	run->link = link;
	run->events = *events;
	run->arg = arg;
	return run;
}

void
pq_run_free(struct pq_run *run)
{
	if (run == NULL)
		return;
	free(run->expected);
	free(run->statements);
	free(run);
}

void
pq_run_begin(struct pq_run *run, struct pq_job *job)
{
	assert(run->state == RUN_IDLE);
	start(run, job);
}

bool
pq_run_is_busy(const struct pq_run *run)
{
	return run->state != RUN_IDLE;
}

static struct pq_job *
lose_committing(struct pq_run *run)
{
	struct pq_job *job = run->committing;

	run->committing = NULL;
	pq_job_reset(job);
	pq_job_fail(job, -ECONNRESET, job->job->count,
		    "the connection was lost while it was being written");
	return job;
}

struct pq_job *
pq_run_lost(struct pq_run *run)
{
	struct pq_job *job = run->job;

	run->first = run->count = run->statement_count = 0;
	if (run->committing != NULL)
		return lose_committing(run);
	run->state = RUN_IDLE;
	run->job = NULL;
	if (job != NULL)
		pq_job_again(job);
	return job;
}
