/* SPDX-License-Identifier: ISC */
/* pq_job.c: a job, and PostgreSQL's values as db.h has them. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "store/pq_job.h"

#define LOSSES_MAX 3 /* connections that one job may take with it */

/* Types of the system catalogue, which are the same everywhere. */
enum {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_NUMERIC = 1700,
};

struct pq_job *
pq_job_new(struct job *job)
{
	struct pq_job *ours = xalloc(sizeof(*ours));

	list_init(&ours->all);
	ours->job = job;
	return ours;
}

void
pq_job_free(struct pq_job *job)
{
	list_del(&job->all);
	job_free(job->job);
	free(job);
}

void
pq_job_forget(struct pq_job *job)
{
	job->job->row = NULL;
	job->job->done = NULL;
}

void
pq_job_fail(struct pq_job *job, int error, size_t step, const char *text)
{
	if (job->job->error == 0)
		job_fail(job->job, error, step, text);
}

void
pq_job_reset(struct pq_job *job)
{
	job_fail(job->job, 0, 0, NULL);
}

void
pq_job_again(struct pq_job *job)
{
	pq_job_reset(job);
	if (++job->losses >= LOSSES_MAX)
		pq_job_fail(job, -EIO, 0, "the connection was lost each time it was tried");
}

const char *
pq_text_of(const struct db_sql *sql)
{
	const char *text = sql->postgres != NULL ? sql->postgres : sql->text;

	return text == NULL || text[0] == '\0' ? NULL : text;
}

/* sum() of integers is numeric there; a condition is an integer in SQLite. */
static struct db_value
value_at(const struct pq_lib *lib, const PGresult *result, int row, int column)
{
	struct db_value value = { .type = DB_TEXT };

	if (lib->PQgetisnull(result, row, column))
		return (struct db_value){ .type = DB_NULL };
	value.text = lib->PQgetvalue(result, row, column);
	switch (lib->PQftype(result, column)) {
	case OID_BOOL:
		return (struct db_value){ .type = DB_INT, .number = value.text[0] == 't' };
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
	case OID_NUMERIC:
		return (struct db_value){ .type = DB_INT, .number = strtoll(value.text, NULL, 10) };
	default:
		return value;
	}
}

size_t
pq_job_take(struct pq_job *job, size_t step, const struct pq_lib *lib, const PGresult *result)
{
	int rows = lib->PQntuples(result), width = lib->PQnfields(result);
	struct db_value columns[DB_VALUES_MAX];
	int error = 0;

	assert(width <= DB_VALUES_MAX);
	for (int row = 0; row < rows && error == 0; row++) {
		for (int i = 0; i < width; i++)
			columns[i] = value_at(lib, result, row, i);
		error = job_add_row(job->job, step, columns, (size_t)width);
	}
	if (error != 0)
		pq_job_fail(job, error, step, "too many rows");
	return (size_t)rows;
}
