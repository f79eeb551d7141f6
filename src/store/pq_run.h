/* SPDX-License-Identifier: ISC */
/*
 * pq_run.h: jobs over a link that is up. All steps of one go out together: one that may end
 * the job (db_step.none) fails where no row comes, and so what is behind it is not done.
 *
 *	BEGIN step step? step -> COMMIT, or ROLLBACK
 *
 * With the COMMIT of one go the steps of the next. One that is repeatable (db_job) has neither
 * BEGIN nor COMMIT: the server does all of it when it comes to the end of what was sent.
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

/* What the commit of a job waits for. */
enum pq_wait {
	PQ_WAIT_NOT,
	PQ_WAIT_OWN, /* that it is on the disk, if it wrote anything at all */
	PQ_WAIT_ALL, /* that whatever was committed before is, too */
};

/* Called from the link's events. */
struct pq_run_events {
	enum pq_wait (*wait)(void *arg, const struct pq_job *job);
	/* The one that was begun is being committed: which is the next? NULL: none yet. */
	struct pq_job *(*next)(void *arg);
	/* The job has its error, or 0, and its rows. Another job may be begun. */
	void (*ran)(void *arg, struct pq_job *job);
};

struct pq_run *pq_run_new(const struct pq_lib *lib, struct pq_link *link,
			  const struct pq_run_events *events, void *arg);
void pq_run_free(struct pq_run *run);

/* Where none is under way, or being committed alone. The job is the caller's again when ran() is
 * called, or pq_run_lost(). */
void pq_run_begin(struct pq_run *run, struct pq_job *job);
bool pq_run_is_busy(const struct pq_run *run);

void pq_run_result(struct pq_run *run, PGresult *result);

/* The link is down. Returns a job that was under way, the oldest first, or NULL: there is none any
 * more. Its error is 0 where it can be done again, or -ECONNRESET. */
struct pq_job *pq_run_lost(struct pq_run *run);

#endif
