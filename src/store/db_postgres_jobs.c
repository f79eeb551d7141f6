/* SPDX-License-Identifier: ISC */
/*
 * db_postgres_jobs.c: jobs, from one list to the next:
 *
 *	waiting -> under way -> committing (both pq_run) -> committed -> answered, from the loop
 *	    ^-----------'-----------------------------------------'
 *	      the connection was lost before it was written, or it may be done twice
 *
 * Several that wait share one wait for the disk, which is what takes the time: the last of them has
 * it, and all of them are answered behind it. So nobody is told of what may be lost; and what
 * another session sees before it is on the disk, is there when a change of that session's own is,
 * unless that is a lazy one.
 */
#include <errno.h>

#include "store/db_postgres_impl.h"

#define WAIT  (10 * EAR_SEC) /* for a connection */
#define BATCH 64             /* jobs that may share one wait for the disk */

void
postgres_settle(struct postgres *pg, struct pq_job *job)
{
	list_add(&pg->answered, &job->all);
	ear_timer_set(&pg->turn, 0);
}

/* All of them may be told. */
static void
settle_committed(struct postgres *pg)
{
	while (!list_is_empty(&pg->committed)) {
		struct pq_job *job = container_of(pg->committed.next, struct pq_job, all);

		list_del(&job->all);
		postgres_settle(pg, job);
	}
	pg->committed_count = 0;
	pg->unwritten = false;
}

void
postgres_give_back(struct postgres *pg, struct list *again, struct pq_job *job)
{
	if (job->once || (job->job->error != 0 && list_is_empty(again)))
		postgres_settle(pg, job);
	else
		list_add(again, &job->all);
}

/* Whether it is to be done again. What was only read is, where one before it is. */
static bool
is_again(const struct pq_job *job, const struct list *again)
{
	if (job->job->error != 0)
		return false;
	return job->job->writes ? job->job->repeatable : !list_is_empty(again);
}

/* The server may have died with it. */
static void
doubt_one(struct postgres *pg, struct list *again, struct pq_job *job)
{
	if (is_again(job, again)) {
		pq_job_again(job);
		postgres_give_back(pg, again, job);
	} else if (job->job->writes) {
		pq_job_fail(job, -ECONNRESET, job->job->count,
			    "the connection was lost while it was being written");
		postgres_give_back(pg, again, job);
	} else if (job->job->error != 0) {
		postgres_give_back(pg, again, job);
	} else {
		postgres_settle(pg, job);
	}
}

void
postgres_doubt(struct postgres *pg, struct list *again)
{
	while (!list_is_empty(&pg->committed)) {
		struct pq_job *job = container_of(pg->committed.next, struct pq_job, all);

		list_del(&job->all);
		doubt_one(pg, again, job);
	}
	pg->committed_count = 0;
	pg->unwritten = false;
}

void
postgres_put_back(struct postgres *pg, struct list *again)
{
	struct list *before = pg->waiting.next;

	while (!list_is_empty(again)) {
		struct pq_job *job = container_of(again->next, struct pq_job, all);

		list_del(&job->all);
		list_add(before, &job->all);
		postgres_count(pg, job);
	}
}

/* None of them is known to be on the disk. */
static void
doubt_all(struct postgres *pg)
{
	struct list again;

	list_init(&again);
	postgres_doubt(pg, &again);
	postgres_put_back(pg, &again);
}

/* What it was given as its end; it is told when all before it are. */
void
postgres_keep(struct postgres *pg, struct pq_job *job)
{
	list_add(&pg->committed, &job->all);
	pg->committed_count++;
	if (job->job->error == 0 && job->durable)
		pg->unwritten = false;
	else if (job->job->error == 0 && job->job->writes == DB_WRITES)
		pg->unwritten = true;
	/* What was to take the others to the disk (write_through) has failed: nobody knows. */
	if (job->job->error != 0 && job->once)
		doubt_all(pg);
	else if (!pg->unwritten)
		settle_committed(pg);
}

static struct pq_job *
first_waiting(struct postgres *pg)
{
	return list_is_empty(&pg->waiting) ? NULL
					   : container_of(pg->waiting.next, struct pq_job, all);
}

void
postgres_count(struct postgres *pg, const struct pq_job *job)
{
	if (job->job->error != 0)
		return;
	pg->waiting_count++;
	pg->waiting_bytes += job->job->bytes;
}

void
postgres_take(struct postgres *pg, struct pq_job *job)
{
	list_del(&job->all);
	if (job->job->error != 0)
		return;
	pg->waiting_count--;
	pg->waiting_bytes -= job->job->bytes;
}

enum pq_wait
postgres_wait_of(const struct postgres *pg, const struct pq_job *job)
{
	const struct pq_job *before = pg->committing == job ? NULL : pg->committing;
	bool last =
		list_is_empty(&pg->waiting) || pg->committed_count + (before != NULL) + 1 >= BATCH;

	if (!last)
		return PQ_WAIT_NOT;
	if (pg->unwritten ||
	    (before != NULL && before->job->writes == DB_WRITES && !before->durable))
		return PQ_WAIT_ALL;
	return job->job->writes == DB_WRITES_LAZILY ? PQ_WAIT_NOT : PQ_WAIT_OWN;
}

static void
on_written(void *arg, int error, size_t step, const char *text)
{
}

/* Those that came last had nothing to write: something else has to. */
static void
write_through(struct postgres *pg)
{
	static const struct db_sql mark = {
		.postgres = "SELECT pg_logical_emit_message(true, 'earshot', '')",
	};
	const struct db_step step = { .sql = &mark };

	pg->under_way = pq_job_new(job_new(&(struct db_job){
		.steps = &step, .count = 1, .writes = DB_WRITES, .done = on_written }));
	pg->under_way->once = true;
	pq_run_begin(pg->run, pg->under_way);
}

/* Of those that may be begun behind one that is being committed. */
static struct pq_job *
begin_behind(struct postgres *pg)
{
	struct pq_job *job = first_waiting(pg);

	if (!pg->ready || job == NULL || job->job->error != 0 || pg->committed_count + 1 >= BATCH)
		return NULL;
	postgres_take(pg, job);
	pg->under_way = job;
	return job;
}

struct pq_job *
postgres_go_on(struct postgres *pg)
{
	/* Else it is that one again. */
	if (pg->under_way != NULL)
		pg->committing = pg->under_way;
	pg->under_way = NULL;
	return begin_behind(pg);
}

void
postgres_start_next(struct postgres *pg)
{
	struct pq_job *job;

	if (pg->committing != NULL) {
		if (!pq_run_is_busy(pg->run) && (job = begin_behind(pg)) != NULL)
			pq_run_begin(pg->run, job);
		return;
	}
	while (pg->ready && pg->under_way == NULL) {
		job = first_waiting(pg);
		if (pg->unwritten && (job == NULL || pg->committed_count >= BATCH)) {
			write_through(pg);
			return;
		}
		if (job == NULL)
			return;
		postgres_take(pg, job);
		if (job->job->error != 0) {
			postgres_keep(pg, job);
			continue;
		}
		pg->under_way = job;
		pq_run_begin(pg->run, job);
	}
}

/* When that one has waited long enough for a connection. */
static int64_t
due_of(const struct postgres *pg, const struct pq_job *job)
{
	int64_t since = job->since > pg->down_since ? job->since : pg->down_since;

	return since + WAIT;
}

void
postgres_expire(struct postgres *pg)
{
	int64_t now = ear_now(pg->clock);
	struct pq_job *job;

	while (!pg->ready && (job = first_waiting(pg)) != NULL) {
		if (pg->fault == 0 && job->job->error == 0 && due_of(pg, job) > now) {
			ear_timer_set(&pg->expiry, due_of(pg, job) - now);
			return;
		}
		postgres_take(pg, job);
		pq_job_fail(job, pg->fault == 0 ? -ENOTCONN : pg->fault, 0,
			    pg->why == NULL ? "the database does not answer" : pg->why);
		postgres_settle(pg, job);
	}
	ear_timer_stop(&pg->expiry);
}

void
postgres_tell(struct postgres *pg)
{
	while (!pg->closing && !list_is_empty(&pg->answered)) {
		pg->telling = container_of(pg->answered.next, struct pq_job, all);
		list_del(&pg->telling->all);
		job_answer(pg->telling->job);
		pq_job_free(pg->telling);
		pg->telling = NULL;
	}
}
