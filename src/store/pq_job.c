/* SPDX-License-Identifier: ISC */
/* pq_job.c: the copy of a job, its results, and how they are told. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/pq_job.h"

/* Types of the system catalogue, which are the same everywhere. */
enum {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_NUMERIC = 1700,
};

static size_t
size_of_values(const struct db_step *step)
{
	size_t size = step->count * sizeof(step->values[0]);

	for (size_t i = 0; i < step->count; i++) {
		if (step->values[i].type == DB_TEXT)
			size += strlen(step->values[i].text) + 1;
	}
	return size;
}

/* Values first, for they are aligned; texts grow behind all of them. */
static void
copy_step(struct pq_step *out, const struct db_step *step, struct db_value **values, char **texts)
{
	*out = (struct pq_step){
		.sql = step->sql, .values = *values, .count = step->count, .none = step->none
	};
	for (size_t i = 0; i < step->count; i++) {
		struct db_value *value = (*values)++;

		*value = step->values[i];
		if (value->type != DB_TEXT)
			continue;
		value->text = *texts;
		*texts = stpcpy(*texts, step->values[i].text) + 1;
	}
}

struct pq_job *
pq_job_new(const struct db_job *job)
{
	size_t size = sizeof(struct pq_job) + job->count * sizeof(struct pq_step), count = 0;
	struct db_value *values;
	struct pq_job *copy;
	char *texts;

	assert(job->count <= DB_STEPS_MAX);
	for (size_t i = 0; i < job->count; i++) {
		assert(job->steps[i].count <= DB_VALUES_MAX);
		size += size_of_values(&job->steps[i]);
		count += job->steps[i].count;
	}
	copy = xalloc(size);
	list_init(&copy->all);
	copy->steps = (struct pq_step *)(copy + 1);
	copy->count = job->count;
	copy->writes = job->writes;
	copy->row = job->row;
	copy->done = job->done;
	copy->arg = job->arg;
	values = (struct db_value *)(copy->steps + job->count);
	texts = (char *)(values + count);
	for (size_t i = 0; i < job->count; i++)
		copy_step(&copy->steps[i], &job->steps[i], &values, &texts);
	return copy;
}

static void
drop_results(struct pq_job *job, const struct pq_lib *lib)
{
	for (size_t i = 0; i < job->count; i++) {
		if (job->steps[i].result != NULL)
			lib->PQclear(job->steps[i].result);
		job->steps[i].result = NULL;
	}
}

void
pq_job_free(struct pq_job *job, const struct pq_lib *lib)
{
	list_del(&job->all);
	drop_results(job, lib);
	free(job->text);
	free(job);
}

void
pq_job_forget(struct pq_job *job)
{
	job->row = NULL;
	job->done = NULL;
}

void
pq_job_fail(struct pq_job *job, int error, size_t step, const char *text)
{
	if (job->error != 0)
		return;
	job->error = error;
	job->failed = step;
	xreplace(&job->text, text);
}

void
pq_job_reset(struct pq_job *job, const struct pq_lib *lib)
{
	drop_results(job, lib);
	job->error = 0;
	job->failed = 0;
	xreplace(&job->text, NULL);
}

const char *
pq_step_text(const struct pq_step *step)
{
	const char *text = step->sql->postgres != NULL ? step->sql->postgres : step->sql->text;

	return text == NULL || text[0] == '\0' ? NULL : text;
}

size_t
pq_job_rows(const struct pq_job *job, const struct pq_lib *lib)
{
	size_t rows = 0;

	for (size_t i = 0; i < job->count; i++) {
		if (job->steps[i].result != NULL)
			rows += (size_t)lib->PQntuples(job->steps[i].result);
	}
	return rows;
}

/* --- answers ------------------------------------------------------------------------------ */

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

static void
tell_rows(struct pq_job *job, size_t step, const struct pq_lib *lib)
{
	const PGresult *result = job->steps[step].result;
	struct db_value columns[DB_VALUES_MAX];
	int width = lib->PQnfields(result);

	assert(width <= DB_VALUES_MAX);
	for (int row = 0; row < lib->PQntuples(result) && job->row != NULL; row++) {
		for (int i = 0; i < width; i++)
			columns[i] = value_at(lib, result, row, i);
		job->row(job->arg, step, columns, (size_t)width);
	}
}

void
pq_job_answer(struct pq_job *job, const struct pq_lib *lib)
{
	for (size_t i = 0; i < job->count && job->error == 0; i++) {
		if (job->steps[i].result != NULL)
			tell_rows(job, i, lib);
	}
	if (job->done != NULL)
		job->done(job->arg, job->error, job->failed, job->text == NULL ? "" : job->text);
}
