/* SPDX-License-Identifier: ISC */
/* db_postgres_impl.h: what db_postgres*.c share. */
#ifndef STORE_DB_POSTGRES_IMPL_H
#define STORE_DB_POSTGRES_IMPL_H

#include <earshot/timer.h>

#include "store/db.h"
#include "store/pq_job.h"
#include "store/pq_link.h"
#include "store/pq_run.h"
#include "store/pq_schema.h"
#include "store/pq_url.h"

struct postgres {
	struct db db;
	struct pq_lib lib;
	struct pq_url url;
	struct pq_link *link;
	struct pq_run *run;
	struct pq_schema *schema;
	struct ear_clock *clock;
	struct db_events events;
	void *arg;
	struct list waiting, committed, answered;
	size_t committed_count;
	bool unwritten; /* of the committed, some are not known to be on the disk */
	size_t waiting_count, waiting_bytes; /* without those that have an error already */
	struct pq_job *committing;           /* NULL: none but the schema's */
	struct pq_job *under_way;            /* behind that one; likewise */
	struct pq_job *telling;              /* in its callbacks */
	struct ear_timer turn;
	struct ear_timer expiry;
	bool was_ready;
	bool missed;       /* to be told: what others said while it was not */
	bool ready;        /* jobs may run */
	bool news;         /* to be told */
	struct list heard; /* the same: texts */
	size_t heard_count;
	bool turning;       /* others are called */
	bool closing;       /* as soon as they return */
	int64_t down_since; /* of one that is not ready */
	int fault;          /* with which all are answered until it is ready; 0: none */
	char *why;          /* it is not ready; the last line that was logged */
};

/* Into and out of `waiting`, as far as its bounds count it. */
void postgres_count(struct postgres *pg, const struct pq_job *job);
void postgres_take(struct postgres *pg, struct pq_job *job);

/* Begins the next one, where none is under way. */
void postgres_start_next(struct postgres *pg);

/* The one under way is being committed: the next one, or NULL. */
struct pq_job *postgres_go_on(struct postgres *pg);

/* What its commit is to wait for. */
enum pq_wait postgres_wait_of(const struct postgres *pg, const struct pq_job *job);

/* It is done, or refused: it is answered when all before it are on the disk; in any case. */
void postgres_keep(struct postgres *pg, struct pq_job *job);
void postgres_settle(struct postgres *pg, struct pq_job *job);

/*
 * The connection is lost. What was committed and may not have reached the disk is answered
 * -ECONNRESET, or done again where it can be: from the first such one on they go into a list, so
 * that they are answered in their order. One that was under way goes there, too, unless it has
 * ended and nobody is before it. Then they are the first that wait.
 */
void postgres_doubt(struct postgres *pg, struct list *again);
void postgres_give_back(struct postgres *pg, struct list *again, struct pq_job *job);
void postgres_put_back(struct postgres *pg, struct list *again);

/* Fails those that have waited too long for a connection, or for one that works. */
void postgres_expire(struct postgres *pg);

/* Answers all that can be. */
void postgres_tell(struct postgres *pg);

#endif
