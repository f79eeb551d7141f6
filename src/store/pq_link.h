/* SPDX-License-Identifier: ISC */
/*
 * pq_link.h: one connection to a PostgreSQL server, on our loop: made, watched, and made again when
 * it is lost. Commands go out in a pipeline; their results come back in the same order.
 *
 *	down -> connecting -> up -> down, and so on, with longer and longer pauses until
 *	pq_link_is_good()
 */
#ifndef STORE_PQ_LINK_H
#define STORE_PQ_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pq_lib.h"

struct event_base;
struct ear_clock;
struct pq_link;
struct pq_url;

/* From the event loop, or from pq_link_wait(). */
struct pq_link_events {
	void (*up)(void *arg);
	/* Of the oldest command that had none; the receiver's to clear. */
	void (*result)(void *arg, PGresult *result);
	/* Another session has notified us. */
	void (*news)(void *arg);
	/* The same, with a text; borrowed. */
	void (*heard)(void *arg, const char *text);
	/* It was lost, or could not be made; text: why, in one line, borrowed. Commands that had no
	 * result get none. */
	void (*down)(void *arg, const char *text);
};

struct pq_link_config {
	struct event_base *base;
	struct ear_clock *clock;
	const struct pq_lib *lib; /* borrowed, as the url */
	const struct pq_url *url;
	const char *secret; /* copied; NULL: none */
};

/* Begins to connect from the loop, at once. */
struct pq_link *pq_link_new(const struct pq_link_config *config,
			    const struct pq_link_events *events, void *arg);
void pq_link_free(struct pq_link *link);

/* What was set up on it works: pauses begin at the shortest again. */
void pq_link_is_good(struct pq_link *link);

/* Ends the connection from the loop, with that text; another one is made after a pause. */
void pq_link_drop(struct pq_link *link, const char *text);

/* With nothing heard for so long while results are due, it is lost; 0: the usual time. */
void pq_link_patience(struct pq_link *link, int64_t usec);

/* --- commands, of a link that is up; what goes wrong is told by down() ---------------------- */

struct pq_params {
	size_t count;
	const Oid *types;
	const char *const *values; /* NULL for NULL */
};

void pq_link_query(struct pq_link *link, const char *text, const struct pq_params *params);
void pq_link_prepare(struct pq_link *link, const char *name, const char *text,
		     const struct pq_params *params);
void pq_link_execute(struct pq_link *link, const char *name, const struct pq_params *params);

/* Its result is PGRES_PIPELINE_SYNC. After an error the server passes over everything up to here.
 * What was sent leaves now. */
void pq_link_sync(struct pq_link *link);

/* Outside of the loop: waits for something to come or to leave, and deals with it; false: nothing
 * did in that time, or it is not up. */
bool pq_link_wait(struct pq_link *link, int64_t usec);

#endif
