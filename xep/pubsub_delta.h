/* SPDX-License-Identifier: ISC */
/* pubsub_delta.h: what an owner wants to be different, entry by entry (XEP-0060 §8.8.2, §8.9.2):
 * pubsub_delta.c reads and answers it, pubsub_people.c does it. */
#ifndef XEP_PUBSUB_DELTA_H
#define XEP_PUBSUB_DELTA_H

#include "pubsub_work.h"

struct pubsub_entry {
	char *jid;        /* canonical; of an affiliation bare. NULL: it is no address */
	const char *text; /* as it was sent */
	int wanted;       /* an ear_affiliation or ear_subscription; -1: there is no such one */
	int was;          /* the same, once it is known */
	bool refused;     /* it stays as it was */
};

struct pubsub_delta {
	struct pubsub_work work; /* first */
	struct pubsub_entry *entries;
	size_t count, at; /* at: which is being looked at */
	size_t owners;    /* how many there are */
	bool again;       /* what was done is looked at once more */
};

/* Of the elements `name` in the request, by their attribute of the same name, which `read` knows.
 * NULL: it was refused. */
struct pubsub_delta *pubsub_delta_begin(struct pubsub_op *op, const struct pubsub_view *view,
					const char *name, bool bare, int (*read)(const char *));

/* Success, or those that were refused as they are (§8.8.2.4, §8.9.2.4). */
void pubsub_delta_answer(struct pubsub_op *op, const char *name, const char *(*write)(int));

#endif
