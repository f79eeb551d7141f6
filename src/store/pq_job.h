/* SPDX-License-Identifier: ISC */
/* pq_job.h: a job that waits, is done, or is to be answered. */
#ifndef STORE_PQ_JOB_H
#define STORE_PQ_JOB_H

#include "base/list.h"
#include "store/db.h"
#include "store/pq_lib.h"

struct pq_step {
	const struct db_sql *sql;
	const struct db_value *values;
	size_t count;
	int none;
	PGresult *result; /* NULL: none yet */
};

struct pq_job {
	struct list all;
	struct pq_step *steps; /* with what they point to in one piece of memory behind it */
	size_t count;
	bool writes;
	bool once; /* nothing of it is kept prepared */
	db_row_fn *row;
	db_done_fn *done; /* NULL: nobody waits for it any more */
	void *arg;
	int64_t since; /* ear_now() when it was given */
	unsigned tries, losses;
	int error; /* with which it is answered */
	size_t failed;
	char *text; /* NULL: "" */
};

struct pq_job *pq_job_new(const struct db_job *job);
void pq_job_free(struct pq_job *job, const struct pq_lib *lib);

/* Nobody waits for it. */
void pq_job_forget(struct pq_job *job);

/* What it is answered with; the first error counts. text: NULL for "". */
void pq_job_fail(struct pq_job *job, int error, size_t step, const char *text);

/* As if it had never begun. */
void pq_job_reset(struct pq_job *job, const struct pq_lib *lib);

/* The text of a step on PostgreSQL, or NULL: there is nothing to do. */
const char *pq_step_text(const struct pq_step *step);

/* How many rows have come. */
size_t pq_job_rows(const struct pq_job *job, const struct pq_lib *lib);

/* Tells rows and end. */
void pq_job_answer(struct pq_job *job, const struct pq_lib *lib);

#endif
