/* SPDX-License-Identifier: ISC */
/*
 * pq_run.h: one job at a time over a link that is up. All steps go out together: one that may end
 * the job (db_step.none) fails where no row comes, and so what is behind it is not done.
 *
 *	BEGIN step step? step -> COMMIT, or ROLLBACK
 *
 * A commit need not wait for the disk when another one is to come that does: it takes with it what
 * was committed before, by whomever.
 *
 * What was not committed can be done again, and is: after a deadlock with another session, and
 * when the connection is lost.
 */
#ifndef STORE_PQ_RUN_H
#define STORE_PQ_RUN_H

#include "store/pq_job.h"
#include "store/pq_link.h"

struct pq_run;

/* The job has its error, or 0, and its rows. Called from the link's events; another job may be
 * begun. */
typedef void pq_run_fn(void *arg, struct pq_job *job);

/* What the commit of a job waits for. */
enum pq_wait {
	PQ_WAIT_NOT,
	PQ_WAIT_OWN, /* that it is on the disk, if it wrote anything at all */
	PQ_WAIT_ALL, /* that whatever was committed before is, too */
};

typedef enum pq_wait pq_run_wait_fn(void *arg, const struct pq_job *job);

struct pq_run *pq_run_new(const struct pq_lib *lib, struct pq_link *link, pq_run_wait_fn *wait,
			  pq_run_fn *fn, void *arg);
void pq_run_free(struct pq_run *run);

/* Where none is under way. The job is the caller's again when fn runs, or pq_run_lost(). */
void pq_run_begin(struct pq_run *run, struct pq_job *job);
bool pq_run_is_busy(const struct pq_run *run);

void pq_run_result(struct pq_run *run, PGresult *result);

/* The link is down. Returns the job that was under way, or NULL: its error is 0 where it can be
 * done again, or -ECONNRESET. */
struct pq_job *pq_run_lost(struct pq_run *run);

#endif
