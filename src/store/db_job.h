/* SPDX-License-Identifier: ISC */
/* db_job.h: a job that was given to a driver (store/db.h): its copy, the rows that came, and its
 * answer. */
#ifndef STORE_DB_JOB_H
#define STORE_DB_JOB_H

#include "base/list.h"
#include "store/db.h"

struct job_step {
	const struct db_sql *sql;
	const struct db_value *values;
	size_t count;
	int none;
};

struct job_row;

struct job {
	struct list all; /* of the driver */
	const struct job_step *steps;
	size_t count;
	enum db_effect writes;
	bool repeatable;
	db_row_fn *row;
	db_done_fn *done; /* NULL: nobody waits for it any more */
	void *arg;
	bool refused;
	size_t bytes; /* of the copy */
	/* What came of it. */
	struct job_row *first, **end;
	size_t row_count, row_bytes;
	int error;
	size_t failed; /* the step */
	char *text;    /* NULL: none */
};

/* A copy of everything. */
struct job *job_new(const struct db_job *given);

/* One that is not done, since too many wait: its place, where it is answered -ENOBUFS. */
struct job *job_new_refused(const struct db_job *given);
void job_free(struct job *job);

/* Keeps a row (copied). -EMSGSIZE: those are too many, or too much. */
int job_add_row(struct job *job, size_t step, const struct db_value *columns, size_t count);

/* What it is answered: no rows, that error. text: for people, or NULL. One that is refused stays
 * so. */
void job_fail(struct job *job, int error, size_t step, const char *text);

/* Nobody waits for jobs of that arg in that list; for any. */
void job_forget(struct list *jobs, const void *arg);
void job_forget_all(struct list *jobs);

/* Tells of the rows and of the end, whoever still waits for it. From the event loop. */
void job_answer(struct job *job);

#endif
