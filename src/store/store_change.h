/* SPDX-License-Identifier: ISC */
/* store_change.h: the steps of changes, between the parts that know them. */
#ifndef STORE_STORE_CHANGE_H
#define STORE_STORE_CHANGE_H

#include "store/store_impl.h"

/* store_item.c. trim: as many of the oldest items go as the node's row says. */
void change_put(struct plan *plan, const char *node, const struct ear_change *change);
void change_remove(struct plan *plan, const char *node, const struct ear_change *change);
void change_purge(struct plan *plan, const char *node);
void change_trim(struct plan *plan, const char *node);

/* item.seq of one that is put behind all others: a number (of which there are 2^43), and then its
 * mark. */
#define CHANGE_SEQ(mark) "(seq / 1048576 + 1) * 1048576 + CAST(" mark " AS bigint)"
_Static_assert(EAR_MARK_MAX == 1048576 - 1, "the statements say so");

static inline int64_t
change_mark(const struct ear_change *change)
{
	return change->mark & EAR_MARK_MAX;
}

/* store_publish.c: all of a transaction that is one publication, where the database is shared.
 * Returns the step that says the node's epoch and last. */
bool change_is_publication(const struct ear_transaction *transaction);
size_t change_publish(struct plan *plan, const struct ear_transaction *transaction);

/* store_people.c */
void change_affiliate(struct plan *plan, const char *node, const struct ear_change *change);
void change_subscribe(struct plan *plan, struct ask *ask, const char *node,
		      const struct ear_change *change);

/* store_events.c: what is left of nodes that were deleted goes when all was told. */
void change_sweep(struct plan *plan);

#endif
