/* SPDX-License-Identifier: ISC */
/* publishing.h: one who publishes into a store, with whom what is published is told. */
#ifndef BENCH_PUBLISHING_H
#define BENCH_PUBLISHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <earshot/store.h>

#include "store/db.h"

#define PUBLISHING_PAYLOAD 300 /* bytes */
#define PUBLISHING_EVENT   420
#define PUBLISHING_NODE    "blogs"

struct publishing {
	struct event_base *base;
	struct ear_clock *clock;
	struct ear_store *store;
	int64_t epoch;
	size_t waiting; /* answers */
	bool telling;
};

/* What each item holds, and what is told of it. */
const char *publishing_payload(void);
const char *publishing_event(void);

/* In an empty store; the node is there, and who creates it has been answered. */
void publishing_open(struct publishing *side, const struct db_kind *kind,
		     const struct db_config *config);
void publishing_close(struct publishing *side);

/* Is answered while base runs, which stops when nothing waits for an answer. */
void publishing_change(struct publishing *side, const struct ear_change *changes, size_t count,
		       bool tells);

/* Publishes a second, so many in each turn of the loop. */
double publishing_rate(struct publishing *side, size_t turns, size_t each);

#endif
