/* SPDX-License-Identifier: ISC */
/* pq_schema.c: brings a connection, and the schema behind it, to where jobs may run. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "store/pq_schema.h"

#define LONG_PATIENCE (600 * EAR_SEC) /* for a new version, or for who brings it up */
#define OWN_STEPS     6               /* around the statements of a version */

#define STEP_FIND_TABLE 3 /* of the first job */

/*
 * A statement that hangs ends before our patience does. Who leaves a transaction open loses it, so
 * that a machine that vanished does not keep its locks. A commit waits for the disk where that is
 * asked for (pq_run.c): in the server's own way, unless that is not to wait at all. Every statement
 * has its index: a plan that was made while a table was small is not to read all of it when it has
 * grown. Transactions without a BEGIN (pq_run.h) are as those with one, whatever the administrator
 * has chosen for others.
 */
static const struct db_sql settings = {
	.postgres = "SELECT set_config('statement_timeout', '10s', false),"
		    " set_config('idle_in_transaction_session_timeout', '15s', false),"
		    " set_config('tcp_keepalives_idle', '10', false),"
		    " set_config('tcp_keepalives_interval', '3', false),"
		    " set_config('tcp_keepalives_count', '3', false),"
		    " set_config('tcp_user_timeout', '15000', false),"
		    " set_config('default_transaction_isolation', 'read committed', false),"
		    " set_config('default_transaction_read_only', 'off', false),"
		    " set_config('jit', 'off', false),"
		    " set_config('enable_seqscan', 'off', false),"
		    " set_config('earshot.durable', CASE current_setting('synchronous_commit')"
		    " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)",
};
static const struct db_sql no_wait = {
	.postgres = "SELECT set_config('synchronous_commit', 'off', false)",
};
static const struct db_sql listens = { .postgres = "LISTEN earshot" };
static const struct db_sql find_table = {
	.postgres = "SELECT 1 WHERE to_regclass('earshot_schema') IS NOT NULL",
};
static const struct db_sql find_version = { .postgres = "SELECT version FROM earshot_schema" };
static const struct db_sql no_limit = { .postgres = "SET LOCAL statement_timeout = 0" };
/* "earshot" in ASCII: the lock is this database's, so that others hardly take the same number. */
static const struct db_sql lock = {
	.postgres = "SELECT pg_advisory_xact_lock(28536116838166388)",
};
static const struct db_sql make_table = {
	.postgres = "CREATE TABLE IF NOT EXISTS earshot_schema (version bigint NOT NULL)",
};
static const struct db_sql first_version = {
	.postgres = "INSERT INTO earshot_schema"
		    " SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM earshot_schema)",
};
static const struct db_sql still_that = {
	.postgres = "SELECT version FROM earshot_schema WHERE version = $1",
};
static const struct db_sql next_version = {
	.postgres = "UPDATE earshot_schema SET version = $1 + 1 WHERE version = $1",
};

struct pq_schema {
	const struct db_schema *versions;
	size_t count;
	pq_schema_fn *fn;
	void *arg;
	struct pq_link *link;
	struct pq_run *run;
	struct pq_job *job; /* under way */
	bool found;         /* the table */
	size_t version;
};

static void
run_steps(struct pq_schema *schema, const struct db_step *steps, size_t count, bool writes,
	  db_row_fn *row, db_done_fn *done)
{
	schema->job = pq_job_new(job_new(&(struct db_job){ .steps = steps,
							   .count = count,
							   .writes = writes,
							   .row = row,
							   .done = done,
							   .arg = schema }));
	schema->job->once = true;
	pq_run_begin(schema->run, schema->job);
}

static void find(struct pq_schema *schema);

/* -EAGAIN: another one was faster. */
static void
on_raised(void *arg, int error, size_t step, const char *text)
{
	struct pq_schema *schema = arg;

	if (error != 0 && error != -EAGAIN) {
		schema->fn(schema->arg, error, text);
		return;
	}
	if (error == 0)
		ear_info("store: postgresql: schema version %zu is made", schema->version + 1);
	find(schema);
}

static size_t
count_statements(const struct db_sql *const *statements)
{
	size_t count = 0;

	while (statements[count] != NULL)
		count++;
	return count;
}

/* One version up. */
static void
raise_version(struct pq_schema *schema)
{
	const struct db_sql *const *statements = schema->versions->versions[schema->version];
	const struct db_value version = { .type = DB_INT, .number = (int64_t)schema->version };
	size_t inner = count_statements(statements), count = 0;
	struct db_step *steps = xalloc((inner + OWN_STEPS) * sizeof(*steps));

	steps[count++].sql = &no_limit;
	steps[count++].sql = &lock;
	steps[count++].sql = &make_table;
	steps[count++].sql = &first_version;
	steps[count++] = (struct db_step){ &still_that, { version }, 1, -EAGAIN };
	for (size_t i = 0; i < inner; i++)
		steps[count++].sql = statements[i];
	steps[count++] = (struct db_step){ &next_version, { version }, 1, 0 };
	assert(count == inner + OWN_STEPS);
	pq_link_patience(schema->link, LONG_PATIENCE);
	run_steps(schema, steps, count, true, NULL, on_raised);
	free(steps);
}

static void
decide(struct pq_schema *schema)
{
	char text[160];

	if (schema->version < schema->count) {
		raise_version(schema);
		return;
	}
	pq_link_patience(schema->link, 0);
	if (schema->version == schema->count) {
		schema->fn(schema->arg, 0, "");
		return;
	}
	snprintf(text, sizeof(text),
		 "a later earshotd has made the schema (version %zu, this one knows %zu): run that "
		 "one",
		 schema->version, schema->count);
	schema->fn(schema->arg, -EPROTONOSUPPORT, text);
}

static void
on_version_row(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	struct pq_schema *schema = arg;

	schema->version = (size_t)columns[0].number;
}

static void
on_version(void *arg, int error, size_t step, const char *text)
{
	struct pq_schema *schema = arg;

	if (error != 0)
		schema->fn(schema->arg, error, text);
	else
		decide(schema);
}

static void
find(struct pq_schema *schema)
{
	const struct db_step step = { .sql = &find_version };

	schema->version = 0;
	run_steps(schema, &step, 1, false, on_version_row, on_version);
}

static void
on_begun_row(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	struct pq_schema *schema = arg;

	if (step == STEP_FIND_TABLE)
		schema->found = true;
}

static void
on_begun(void *arg, int error, size_t step, const char *text)
{
	struct pq_schema *schema = arg;

	if (error != 0)
		schema->fn(schema->arg, error, text);
	else if (schema->found)
		find(schema);
	else
		decide(schema);
}

struct pq_schema *
pq_schema_new(const struct db_schema *versions, pq_schema_fn *fn, void *arg)
{
	struct pq_schema *schema = xalloc(sizeof(*schema));

	schema->versions = versions;
	while (versions->versions[schema->count] != NULL)
		schema->count++;
	schema->fn = fn;
	schema->arg = arg;
	return schema;
}

void
pq_schema_free(struct pq_schema *schema)
{
	free(schema);
}

void
pq_schema_begin(struct pq_schema *schema, struct pq_link *link, struct pq_run *run)
{
	const struct db_step steps[] = { { .sql = &settings },
					 { .sql = &no_wait },
					 { .sql = &listens },
					 { .sql = &find_table } };

	schema->link = link;
	schema->run = run;
	schema->found = false;
	schema->version = 0;
	run_steps(schema, steps, sizeof(steps) / sizeof(steps[0]), true, on_begun_row, on_begun);
}

bool
pq_schema_owns(const struct pq_schema *schema, const struct pq_job *job)
{
	return job != NULL && schema->job == job;
}

void
pq_schema_step(struct pq_schema *schema, struct pq_job *job)
{
	schema->job = NULL;
	job_answer(job->job);
	pq_job_free(job);
}
