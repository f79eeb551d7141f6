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

#define TRIES_MAX  8 /* after deadlocks and the like */
#define LOSSES_MAX 3 /* connections that one job may take with it */

#define DIVISION_BY_ZERO "22012"

enum {
	OID_INT8 = 20,
	OID_TEXT = 25,
};

/* What the next result is of. */
enum what { WHAT_BEGIN, WHAT_PREPARE, WHAT_STEP, WHAT_END, WHAT_SYNC };

struct expected {
	enum what what;
	size_t step;      /* that it is for */
	size_t statement; /* that is prepared */
};

enum run_state {
	RUN_IDLE,
	RUN_STEPS,
	RUN_COMMIT, /* sent: it is done, or not, whatever becomes of the connection */
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
	pq_run_wait_fn *wait;
	pq_run_fn *fn;
	void *arg;
	enum run_state state;
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
say(struct pq_run *run, enum what what, const char *text)
{
	pq_link_query(run->link, text, &no_params);
	expect(run, what, 0);
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
send_prepared(struct pq_run *run, const struct job_step *step, bool needed,
	      const struct pq_params *params)
{
	size_t at = find_statement(run, step->sql, needed);
	char name[32], *needing;

	snprintf(name, sizeof(name), "s%zu", at);
	if (!is_prepared(run, at)) {
		needing = needing_rows(pq_step_text(step), needed);
		add_statement(run, at, step->sql, needed);
		pq_link_prepare(run->link, name, needing == NULL ? pq_step_text(step) : needing,
				params);
		expect(run, WHAT_PREPARE, at);
		free(needing);
	}
	pq_link_execute(run->link, name, params);
}

static void
send_once(struct pq_run *run, const struct job_step *step, bool needed,
	  const struct pq_params *params)
{
	char *needing = needing_rows(pq_step_text(step), needed);

	pq_link_query(run->link, needing == NULL ? pq_step_text(step) : needing, params);
	free(needing);
}

/* The last one is looked at by us. */
static bool
is_needed(const struct job *job, size_t index)
{
	return job->steps[index].none != 0 && index + 1 < job->count;
}

static void
send_step(struct pq_run *run, size_t index)
{
	const struct job_step *step = &run->job->job->steps[index];
	bool needed = is_needed(run->job->job, index);
	struct bound bound;

	if (pq_step_text(step) == NULL)
		return;
	run->step = index;
	bind(&bound, step);
	if (run->job->once)
		send_once(run, step, needed, &bound.params);
	else
		send_prepared(run, step, needed, &bound.params);
	expect(run, WHAT_STEP, 0);
}

/* What one answer ends it with: reading alone, there is nothing to undo. */
static bool
needs_transaction(const struct job *job)
{
	return job->writes || job->count > 1;
}

/* Who reads twice reads the same; who writes sees what others wrote meanwhile, for the statements
 * ask for it. */
static void
send_steps(struct pq_run *run)
{
	const struct job *job = run->job->job;

	if (needs_transaction(job)) {
		say(run, WHAT_BEGIN,
		    job->writes ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
				: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
		run->open = true;
	}
	for (size_t i = 0; i < job->count; i++)
		send_step(run, i);
	if (run->open && !job->writes)
		say(run, WHAT_END, "COMMIT");
	sync(run);
}

static void
send_rollback(struct pq_run *run)
{
	run->state = RUN_ROLLBACK;
	run->open = false;
	say(run, WHAT_END, "ROLLBACK");
	sync(run);
}

/* Sessions do not wait for the disk (pq_schema.c) but where this is said; and who has written
 * nothing waits for nothing, unless he is made to write. */
static void
send_commit(struct pq_run *run)
{
	enum pq_wait wait = run->job->once ? PQ_WAIT_OWN : run->wait(run->arg, run->job);

	run->state = RUN_COMMIT;
	run->open = false;
	run->job->durable = wait != PQ_WAIT_NOT;
	if (wait != PQ_WAIT_NOT)
		say(run, WHAT_END,
		    "SELECT set_config('synchronous_commit',"
		    " current_setting('earshot.durable', true), true)");
	if (wait == PQ_WAIT_ALL)
		say(run, WHAT_END, "SELECT pg_logical_emit_message(true, 'earshot', '')");
	say(run, WHAT_END, "COMMIT");
	sync(run);
}

/* --- results ------------------------------------------------------------------------------ */

static void
start(struct pq_run *run)
{
	run->state = RUN_STEPS;
	run->step = run->rows = 0;
	run->open = run->passing = false;
	send_steps(run);
}

static void
finish(struct pq_run *run)
{
	struct pq_job *job = run->job;

	if (run->passing && ++job->tries < TRIES_MAX) {
		ear_debug("store: postgresql: again: %s", job->job->text);
		pq_job_reset(job);
		start(run);
		return;
	}
	run->state = RUN_IDLE;
	run->job = NULL;
	run->fn(run->arg, job);
}

/* Whether the last step has to have brought a row, and has not. */
static bool
lacks_rows(const struct pq_run *run, const struct job *job)
{
	const struct job_step *last = job->count == 0 ? NULL : &job->steps[job->count - 1];

	return last != NULL && last->none != 0 && pq_step_text(last) != NULL && run->rows == 0;
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

static void
on_sync(struct pq_run *run)
{
	run->first = run->count = 0;
	if (run->state == RUN_STEPS)
		go_on(run);
	else if (run->state == RUN_COMMIT && run->job->job->error != 0)
		send_rollback(run); /* what was before the COMMIT may have failed */
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
	return expected->what == WHAT_STEP && is_needed(run->job->job, expected->step) &&
	       state != NULL && strcmp(state, DIVISION_BY_ZERO) == 0;
}

static void
on_error(struct pq_run *run, const struct expected *expected, const PGresult *result)
{
	const char *state = run->lib->PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = run->lib->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const struct job *job = run->job->job;
	char whole[512];

	unprepare(run, expected);
	if (job->error != 0)
		return;
	if (is_none(run, expected, state)) {
		pq_job_fail(run->job, job->steps[expected->step].none, expected->step, NULL);
		return;
	}
	run->passing = pq_error_is_passing(state);
	snprintf(whole, sizeof(whole), "%.400s (%.5s)", text == NULL ? "no reason given" : text,
		 state == NULL ? "?" : state);
	pq_job_fail(run->job, pq_error_of(state), expected->step, whole);
}

static void
on_good(struct pq_run *run, const struct expected *expected, const PGresult *result)
{
	if (expected->what == WHAT_STEP)
		run->rows = pq_job_take(run->job, expected->step, run->lib, result);
	else if (expected->what == WHAT_END && run->state == RUN_STEPS)
		run->open = false;
}

void
pq_run_result(struct pq_run *run, PGresult *result)
{
	const struct expected expected = run->expected[run->first];

	assert(run->first < run->count);
	run->first++;
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
pq_run_new(const struct pq_lib *lib, struct pq_link *link, pq_run_wait_fn *wait, pq_run_fn *fn,
	   void *arg)
{
	struct pq_run *run = xalloc(sizeof(*run));

	run->lib = lib;
	run->link = link;
	run->wait = wait;
	run->fn = fn;
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
	run->job = job;
	start(run);
}

bool
pq_run_is_busy(const struct pq_run *run)
{
	return run->state != RUN_IDLE;
}

struct pq_job *
pq_run_lost(struct pq_run *run)
{
	struct pq_job *job = run->job;
	bool unsure = run->state == RUN_COMMIT;

	run->state = RUN_IDLE;
	run->job = NULL;
	run->first = run->count = run->statement_count = 0;
	if (job == NULL)
		return NULL;
	pq_job_reset(job);
	job->losses++;
	if (unsure)
		pq_job_fail(job, -ECONNRESET, job->job->count,
			    "the connection was lost while it was being written");
	else if (job->losses >= LOSSES_MAX)
		pq_job_fail(job, -EIO, 0, "the connection was lost each time it was tried");
	return job;
}
