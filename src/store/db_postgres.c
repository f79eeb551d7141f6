/* SPDX-License-Identifier: ISC */
/*
 * db_postgres.c: PostgreSQL as a database of jobs: its connection, and what callers ask for. What
 * becomes of jobs is in db_postgres_jobs.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "store/db_postgres_impl.h"

#define HEARD_MAX 4096      /* texts of others that are not told yet */
#define DRAIN     (EAR_SEC) /* what was given may take when it is closed */

struct heard {
	struct list list;
	char text[];
};

static void
on_expiry(void *arg)
{
	postgres_expire(arg);
}

static void postgres_free(struct postgres *pg);

static void
tell_news(struct postgres *pg)
{
	bool news = pg->news && !pg->closing;

	pg->news = false;
	if (news && pg->events.news != NULL)
		pg->events.news(pg->arg);
}

static struct heard *
take_heard(struct postgres *pg)
{
	struct heard *heard;

	if (list_is_empty(&pg->heard))
		return NULL;
	heard = container_of(pg->heard.next, struct heard, list);
	list_del(&heard->list);
	pg->heard_count--;
	return heard;
}

static void
tell_heard(struct postgres *pg)
{
	struct heard *heard;

	if (pg->missed && !pg->closing && pg->events.heard != NULL)
		pg->events.heard(pg->arg, NULL);
	pg->missed = false;
	while (!pg->closing && (heard = take_heard(pg)) != NULL) {
		if (pg->events.heard != NULL)
			pg->events.heard(pg->arg, heard->text);
		free(heard);
	}
}

static void
forget_heard(struct postgres *pg)
{
	struct heard *heard;

	while ((heard = take_heard(pg)) != NULL)
		free(heard);
}

/* The only place from which others are called; they may close it. */
static void
on_turn(void *arg)
{
	struct postgres *pg = arg;

	pg->turning = true;
	postgres_expire(pg);
	postgres_start_next(pg);
	postgres_tell(pg);
	tell_news(pg);
	tell_heard(pg);
	pg->turning = false;
	if (pg->closing)
		postgres_free(pg);
}

/* --- the connection ----------------------------------------------------------------------- */

static void
explain(struct postgres *pg, const char *text)
{
	if (pg->why == NULL || strcmp(pg->why, text) != 0)
		ear_warn("store: postgresql: %s", text);
	xreplace(&pg->why, text);
}

static void
become_ready(struct postgres *pg)
{
	ear_info("store: postgresql: connected");
	pq_link_is_good(pg->link);
	pg->missed = pg->was_ready;
	pg->ready = pg->was_ready = true;
	pg->fault = 0;
	xreplace(&pg->why, NULL);
	ear_timer_stop(&pg->expiry);
	pg->news = true;
	ear_timer_set(&pg->turn, 0);
}

/* pq_schema_fn. A later version's stays what it is until the connection is lost; what else is wrong
 * may be mended. */
static void
on_schema(void *arg, int error, const char *text)
{
	struct postgres *pg = arg;

	if (error == 0) {
		become_ready(pg);
		return;
	}
	pg->fault = error;
	explain(pg, text);
	if (error != -EPROTONOSUPPORT)
		pq_link_drop(pg->link, text);
	ear_timer_set(&pg->turn, 0);
}

/* From pq_run. */
static void
take_back(struct postgres *pg, const struct pq_job *job)
{
	if (pg->committing == job)
		pg->committing = NULL;
	else
		pg->under_way = NULL;
}

static void
on_ran(void *arg, struct pq_job *job)
{
	struct postgres *pg = arg;

	if (pq_schema_owns(pg->schema, job)) {
		pq_schema_step(pg->schema, job);
		return;
	}
	take_back(pg, job);
	postgres_keep(pg, job);
	postgres_start_next(pg);
}

static enum pq_wait
on_wait(void *arg, const struct pq_job *job)
{
	return postgres_wait_of(arg, job);
}

static struct pq_job *
on_next(void *arg)
{
	return postgres_go_on(arg);
}

static const struct pq_run_events run_events = { .wait = on_wait, .next = on_next, .ran = on_ran };

static void
on_up(void *arg)
{
	struct postgres *pg = arg;

	pq_schema_begin(pg->schema, pg->link, pg->run);
}

static void
on_result(void *arg, PGresult *result)
{
	struct postgres *pg = arg;

	pq_run_result(pg->run, result);
}

static void
on_news(void *arg)
{
	struct postgres *pg = arg;

	pg->news = pg->ready;
	ear_timer_set(&pg->turn, 0);
}

static void
on_heard(void *arg, const char *text)
{
	struct postgres *pg = arg;
	size_t size = strlen(text) + 1;
	struct heard *heard;

	if (pg->heard_count >= HEARD_MAX)
		return;
	heard = xalloc(sizeof(*heard) + size);
	memcpy(heard->text, text, size);
	list_add(&pg->heard, &heard->list);
	pg->heard_count++;
	ear_timer_set(&pg->turn, 0);
}

static void
on_down(void *arg, const char *text)
{
	struct postgres *pg = arg;
	struct pq_job *job;
	struct list again;

	if (pg->ready)
		pg->down_since = ear_now(pg->clock);
	pg->ready = false;
	list_init(&again);
	postgres_doubt(pg, &again);
	explain(pg, text);
	while ((job = pq_run_lost(pg->run)) != NULL) {
		if (pq_schema_owns(pg->schema, job)) {
			pq_job_forget(job);
			pq_schema_step(pg->schema, job);
		} else {
			take_back(pg, job);
			postgres_give_back(pg, &again, job);
		}
	}
	postgres_put_back(pg, &again);
	ear_timer_set(&pg->turn, 0);
}

static const struct pq_link_events link_events = {
	.up = on_up,
	.result = on_result,
	.news = on_news,
	.heard = on_heard,
	.down = on_down,
};

/* --- the driver --------------------------------------------------------------------------- */

static int
postgres_open(struct event_base *base, struct ear_clock *clock, const struct db_config *config,
	      const struct db_schema *schema, const struct db_events *events, void *arg,
	      struct db **out, char *error, size_t size)
{
	struct postgres *pg = xalloc(sizeof(*pg));
	int rc = pq_lib_open(&pg->lib, error, size);

	*out = NULL;
	if (rc == 0)
		rc = pq_url_take(&pg->url, &pg->lib, config->url, error, size);
	if (rc != 0) {
		free(pg);
		return rc;
	}
	pg->db.kind = &db_postgres;
	pg->clock = clock;
	if (events != NULL)
		pg->events = *events;
	pg->arg = arg;
	list_init(&pg->waiting);
	list_init(&pg->committed);
	list_init(&pg->answered);
	list_init(&pg->heard);
	ear_timer_init(&pg->turn, clock, on_turn, pg);
	ear_timer_init(&pg->expiry, clock, on_expiry, pg);
	pg->down_since = ear_now(clock);
	pg->link = pq_link_new(&(struct pq_link_config){ .base = base,
							 .clock = clock,
							 .lib = &pg->lib,
							 .url = &pg->url,
							 .secret = config->secret },
			       &link_events, pg);
	pg->run = pq_run_new(&pg->lib, pg->link, &run_events, pg);
	pg->schema = pq_schema_new(schema, on_schema, pg);
	*out = &pg->db;
	return 0;
}

static struct postgres *
postgres_of(struct db *db)
{
	return container_of(db, struct postgres, db);
}

static void
postgres_run(struct db *db, const struct db_job *given)
{
	struct postgres *pg = postgres_of(db);
	struct job *job = job_new(given);
	struct pq_job *ours;

	if (pg->waiting_count >= DB_JOBS_MAX || pg->waiting_bytes + job->bytes > DB_BYTES_MAX) {
		job_free(job);
		job = job_new_refused(given);
	}
	ours = pq_job_new(job);
	ours->since = ear_now(pg->clock);
	postgres_count(pg, ours);
	list_add(&pg->waiting, &ours->all);
	ear_timer_set(&pg->turn, 0);
}

static void
forget_all(struct list *jobs, const void *arg)
{
	struct list *item, *spare;

	list_each (item, spare, jobs) {
		struct pq_job *job = container_of(item, struct pq_job, all);

		if (job->job->arg == arg)
			pq_job_forget(job);
	}
}

static void
postgres_forget(struct db *db, const void *arg)
{
	struct postgres *pg = postgres_of(db);
	struct pq_job *single[] = { pg->committing, pg->under_way, pg->telling };
	struct list *item, *spare;

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
		if (single[i] != NULL && single[i]->job->arg == arg)
			pq_job_forget(single[i]);
	}
	forget_all(&pg->committed, arg);
	forget_all(&pg->answered, arg);
	list_each (item, spare, &pg->waiting) {
		struct pq_job *job = container_of(item, struct pq_job, all);

		if (job->job->arg != arg)
			continue;
		pq_job_forget(job);
		if (job->job->writes)
			continue;
		postgres_take(pg, job);
		pq_job_free(job);
	}
}

static void
free_all(struct postgres *pg, struct list *jobs)
{
	struct list *item, *spare;

	list_each (item, spare, jobs)
		pq_job_free(container_of(item, struct pq_job, all));
}

static void
drop_reading(struct postgres *pg)
{
	struct list *item, *spare;

	list_each (item, spare, &pg->waiting) {
		struct pq_job *job = container_of(item, struct pq_job, all);

		if (job->job->writes)
			continue;
		postgres_take(pg, job);
		pq_job_free(job);
	}
}

/* What writes, for a moment: the loop may not run any more. */
static void
drain(struct postgres *pg)
{
	int64_t now, end = clock_usec(CLOCK_MONOTONIC) + DRAIN;

	drop_reading(pg);
	postgres_start_next(pg);
	while (pg->ready && (pg->committing != NULL || pg->under_way != NULL) &&
	       (now = clock_usec(CLOCK_MONOTONIC)) < end && pq_link_wait(pg->link, end - now))
		;
}

static void
postgres_free(struct postgres *pg)
{
	struct pq_job *job;

	drain(pg);
	ear_timer_stop(&pg->turn);
	ear_timer_stop(&pg->expiry);
	forget_heard(pg);
	while ((job = pq_run_lost(pg->run)) != NULL)
		pq_job_free(job);
	free_all(pg, &pg->waiting);
	free_all(pg, &pg->committed);
	free_all(pg, &pg->answered);
	pq_schema_free(pg->schema);
	pq_run_free(pg->run);
	pq_link_free(pg->link);
	pq_url_release(&pg->url);
	free(pg->why);
	free(pg);
}

static void
postgres_close(struct db *db)
{
	struct postgres *pg;

	if (db == NULL)
		return;
	pg = postgres_of(db);
	pg->closing = true;
	if (!pg->turning)
		postgres_free(pg);
}

const struct db_kind db_postgres = {
	.name = "postgres",
	.shared = true,
	.open = postgres_open,
	.run = postgres_run,
	.forget = postgres_forget,
	.close = postgres_close,
};
