/* SPDX-License-Identifier: ISC */
/* pq_job.h: a job (db_job.h) as it is done by PostgreSQL, maybe more than once. */
#ifndef STORE_PQ_JOB_H
#define STORE_PQ_JOB_H

#include "store/db_job.h"
#include "store/pq_lib.h"

struct pq_job {
	struct list all; /* of the driver */
	struct job *job;
	bool once;     /* nothing of it is kept prepared, and its commit waits for the disk */
	int64_t since; /* ear_now() when it was given */
	unsigned tries, losses;
	bool durable; /* its commit waits for the disk, with all before it */
};

/* The job is ours from now on. */
struct pq_job *pq_job_new(struct job *job);
void pq_job_free(struct pq_job *job);

/* Nobody waits for it. */
void pq_job_forget(struct pq_job *job);

/* What it is answered; the first error counts. text: for people, or NULL. */
void pq_job_fail(struct pq_job *job, int error, size_t step, const char *text);

/* As if it had never begun. */
void pq_job_reset(struct pq_job *job);

/* The same, to be tried with another connection; -EIO when it has lost too many. */
void pq_job_again(struct pq_job *job);

/* The text of a statement on PostgreSQL, or NULL: there is nothing to do. */
const char *pq_text_of(const struct db_sql *sql);

/* Keeps the rows of a step; fails where those are too many. Returns how many they are. */
size_t pq_job_take(struct pq_job *job, size_t step, const struct pq_lib *lib,
		   const PGresult *result);

#endif
