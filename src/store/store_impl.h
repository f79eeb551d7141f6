/* SPDX-License-Identifier: ISC */
/*
 * store_impl.h: what the parts of a store share. The life of a question or a change:
 *
 *	ear_store_...() -> ask_new() -> plan_add(): its steps -> store_run() -> the database
 *	     -> ask.row() for each row, which copies what is answered
 *	     -> ask.answer(), once, unless nobody waits for it any more
 *
 * Whoever writes to a node begins with its row, and so has it to himself until his transaction
 * ends: what is counted there is right, and events have their order. Who needs the row of `store`,
 * too (epochs, the count of nodes), takes that first: so nobody waits for each other.
 */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <earshot/timer.h>

#include "base/list.h"
#include "store/db.h"
#include "store/store.h"

#define STORE_HOLDER_SIZE 17

struct ask_chunk;
struct listing;

struct ear_store {
	const struct db_kind *kind;
	struct db *db;
	char holder[STORE_HOLDER_SIZE]; /* which engine we are, in leases */
	struct list asks;               /* in the order in which they were asked */
	struct ear_timer soon;          /* news are told */
	struct ear_timer lease;         /* of others, that may be over then */
	ear_store_news_fn *news;
	void *news_arg;
	bool has_news;
	bool was_told; /* there were some by the database itself */
	bool shared;   /* with other engines */
	/* store_say.c: texts that are being told to them, and that are being read; */
	size_t saying, saying_size, hearing;
	struct ear_timer said; /* what was said may be old then */
	store_heard_fn *heard;
	void *heard_arg;
};

/* Version by version (db.h). */
extern const struct db_schema store_schema;

/* --- a row of steps --- */

struct plan {
	struct db_step *steps;
	size_t count, room;
	bool repeatable; /* db.h */
};

static inline struct db_value
db_int(int64_t number)
{
	return (struct db_value){ .type = DB_INT, .number = number };
}

/* NULL: no value. */
static inline struct db_value
db_text(const char *text)
{
	return (struct db_value){ .type = text == NULL ? DB_NULL : DB_TEXT, .text = text };
}

/* none: see db_step. Texts are borrowed until the plan is run. Returns its number. */
size_t plan_add(struct plan *plan, const struct db_sql *sql, int none,
		const struct db_value *values, size_t count);

#define PLAN(plan, sql, none, ...)                                                                 \
	plan_add(plan, sql, none, (const struct db_value[]){ __VA_ARGS__ },                        \
		 sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value))

/* --- what was asked --- */

struct ask {
	struct list list;
	struct ear_store *store;
	union {
		ear_stored_fn *stored;
		ear_changed_fn *changed;
		ear_events_fn *events;
	} fn; /* changed may be NULL */
	void *arg;
	bool forgotten;
	void (*row)(struct ask *ask, size_t step, const struct db_value *columns, size_t count);
	void (*answer)(struct ask *ask, int error, const char *text);
	int error;  /* where it is ours to say; 0: the database says */
	char *text; /* the same */
	bool tells; /* writes events */
	struct ear_stored *rows;
	struct ear_stored_event *events;
	size_t count, room;
	int64_t event;                 /* that was told to all */
	int64_t numbers[2];            /* of a change: epoch, last; of a page: total, place */
	const struct listing *listing; /* of a page */
	size_t first_step;             /* whose rows are looked at */
	bool back, last;               /* a page before something; the last one */
	size_t max, skip;
	struct ask_chunk *chunks;
};

struct ask *ask_new(struct ear_store *store, void *arg);
void ask_free(struct ask *ask);

/* A copy that lives as long as the answer; NULL stays NULL. */
const char *ask_copy(struct ask *ask, const char *text);

/* The part of a canonical address before its resource; likewise. */
const char *ask_bare(struct ask *ask, const char *jid);

/* Room for one more row or event, zeroed. */
struct ear_stored *ask_row(struct ask *ask);
struct ear_stored_event *ask_event(struct ask *ask);

/* Tells who waits: for a change, if anybody does; for events; for rows that are no page, all of
 * them. */
void ask_answer_changed(struct ask *ask, int error, const char *text);
void ask_answer_events(struct ask *ask, int error, const char *text);
void ask_answer_rows(struct ask *ask, int error, const char *text);

/* --- doing it --- */

/* Consumes the plan. */
void store_run(struct ear_store *store, struct ask *ask, struct plan *plan, enum db_effect writes);

/* Of what takes a lease: one that a crash of the database forgets is one that nobody has. */
static inline enum db_effect
store_lease_effect(const struct ear_store *store)
{
	return store->kind->shared ? DB_WRITES_LAZILY : DB_READS;
}

/* store_say.c. heard: what the database says of others, see db_events. */
void store_say_init(struct ear_store *store, struct ear_clock *clock);
void store_say_release(struct ear_store *store);
void store_say_heard(struct ear_store *store, const char *text);

/* That is the answer, in its turn; the database is asked nothing. text is copied. */
void store_refuse(struct ask *ask, int error, const char *text);

/* The watcher is told, from the event loop. */
void store_tell_news(struct ear_store *store);

/* The row of a node by its name, $1. */
#define SQL_NODE_ID "(SELECT id FROM node WHERE name = $1 AND gone = 0)"

#endif
