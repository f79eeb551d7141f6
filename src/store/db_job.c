/* SPDX-License-Identifier: ISC */
/* db_job.c: a job of a database driver, from its copy to its answer. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/db_job.h"

struct job_row {
	struct job_row *next;
	size_t step, count;
	struct db_value columns[];
};

static size_t
text_size(const struct db_value *value)
{
	return value->type == DB_TEXT ? strlen(value->text) + 1 : 0;
}

/* Copies with the texts to *room, which is moved on. */
static void
copy_values(struct db_value *to, const struct db_value *from, size_t count, char **room)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = text_size(&from[i]);

		to[i] = from[i];
		if (size == 0)
			continue;
		to[i].text = memcpy(*room, from[i].text, size);
		*room += size;
	}
}

static size_t
values_size(const struct db_value *values, size_t count)
{
	size_t size = count * sizeof(values[0]);

	for (size_t i = 0; i < count; i++)
		size += text_size(&values[i]);
	return size;
}

/* One block: the job, its steps, their values, their texts. */
struct job *
job_new(const struct db_job *given)
{
	size_t size = sizeof(struct job) + given->count * sizeof(struct job_step), values = 0;
	struct db_value *value;
	struct job_step *steps;
	struct job *job;
	char *room;

	assert(given->count <= DB_STEPS_MAX && given->done != NULL);
	for (size_t i = 0; i < given->count; i++) {
		assert(given->steps[i].count <= DB_VALUES_MAX);
		size += values_size(given->steps[i].values, given->steps[i].count);
		values += given->steps[i].count;
	}
	job = xalloc(size);
	steps = (struct job_step *)(job + 1);
	value = (struct db_value *)(steps + given->count);
	room = (char *)(value + values);
	for (size_t i = 0; i < given->count; i++) {
		const struct db_step *step = &given->steps[i];

		steps[i] = (struct job_step){ step->sql, value, step->count, step->none };
		copy_values(value, step->values, step->count, &room);
		value += step->count;
	}
	list_init(&job->all);
	job->steps = steps;
	job->count = given->count;
	job->writes = given->writes;
	job->repeatable = given->repeatable;
	job->row = given->row;
	job->done = given->done;
	job->arg = given->arg;
	job->bytes = size;
	job->end = &job->first;
	return job;
}

static void
free_rows(struct job *job)
{
	while (job->first != NULL) {
		struct job_row *row = job->first;

		job->first = row->next;
		free(row);
	}
	job->end = &job->first;
	job->row_count = job->row_bytes = 0;
}

void
job_free(struct job *job)
{
	list_del(&job->all);
	free_rows(job);
	free(job->text);
	free(job);
}

int
job_add_row(struct job *job, size_t step, const struct db_value *columns, size_t count)
{
	size_t size = sizeof(struct job_row) + values_size(columns, count);
	struct job_row *row;
	char *room;

	if (job->row_count >= DB_ROWS_MAX || job->row_bytes + size > DB_BYTES_MAX)
		return -EMSGSIZE;
	job->row_count++;
	job->row_bytes += size;
	if (job->row == NULL)
		return 0;
	row = xalloc(size);
	row->step = step;
	row->count = count;
	room = (char *)(row->columns + count);
	copy_values(row->columns, columns, count, &room);
	*job->end = row;
	job->end = &row->next;
	return 0;
}

void
job_fail(struct job *job, int error, size_t step, const char *text)
{
	if (job->refused)
		return;
	free_rows(job);
	job->error = error;
	job->failed = step;
	xreplace(&job->text, text);
}

static void
forget(struct job *job)
{
	job->row = NULL;
	job->done = NULL;
}

void
job_forget(struct list *jobs, const void *arg)
{
	struct list *item, *spare;

	list_each (item, spare, jobs)
		if (container_of(item, struct job, all)->arg == arg)
			forget(container_of(item, struct job, all));
}

void
job_forget_all(struct list *jobs)
{
	struct list *item, *spare;

	list_each (item, spare, jobs)
		forget(container_of(item, struct job, all));
}

struct job *
job_new_refused(const struct db_job *given)
{
	struct db_job empty = *given;
	struct job *job;

	empty.count = 0;
	job = job_new(&empty);
	job_fail(job, -ENOBUFS, 0, "too much waits for the database");
	job->refused = true;
	return job;
}

/* Whoever is told may forget it meanwhile. */
void
job_answer(struct job *job)
{
	for (struct job_row *row = job->first; row != NULL && job->row != NULL; row = row->next)
		job->row(job->arg, row->step, row->columns, row->count);
	if (job->done != NULL)
		job->done(job->arg, job->error, job->failed, job->text == NULL ? "" : job->text);
}
