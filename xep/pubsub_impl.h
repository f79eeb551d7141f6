/* SPDX-License-Identifier: ISC */
/* pubsub_impl.h: requests on their way, between pubsub.c (one of them) and pubsub_queue.c (those of
 * one sender about one node, and what is known of it). */
#ifndef XEP_PUBSUB_IMPL_H
#define XEP_PUBSUB_IMPL_H

#include "pubsub.h"

#define PUBSUB_TRIES 16 /* of one request, because its node was another one each time */

struct pubsub_queue;

struct pubsub_request {
	struct pubsub_op op; /* first: what the kinds know of it */
	struct pubsub_request *next;
	struct pubsub_queue *queue; /* NULL: it is about no node */
	struct ear_hold *hold;
	bool decided;  /* the store is being asked, or it is answered */
	bool ended;    /* answered: freed when its kind has returned */
	bool fresh;    /* what it was decided on was read after it came */
	bool alone;    /* what comes behind it waits until it has ended */
	bool by_items; /* it only changes or reads items */
	bool changes_node;
	unsigned tries;
	pubsub_changed_fn *on_changed;
	pubsub_stored_fn *on_stored;
};

/* What one sender asks about one node, oldest first, and how that node is to him. */
struct pubsub_queue {
	struct pubsub *pubsub;
	char *node, *who;
	uint64_t hash; /* of both */
	struct pubsub_request *first;
	bool known, reading, running;
	struct pubsub_view view;
	char *creator;
	struct ear_stored *subscriptions; /* with their texts */
};

struct pubsub {
	struct ear *ear;
	struct ear_store *store;
	struct pubsub_queue **queues; /* used longest ago first */
	size_t queue_count, queue_room;
	struct pubsub_request *loose; /* those about no node */
	size_t waiting;
	unsigned mark;                      /* of the last publication */
	struct pubsub_questions *questions; /* NULL: none yet */
	struct pubsub_standings *standings; /* NULL: none yet */
};

struct pubsub *pubsub_new(struct ear *ear, struct ear_store *store);
/* What waits is answered by the engine. */
void pubsub_free(struct pubsub *pubsub);

/* --- pubsub.c ------------------------------------------------------------------------------ */

/* Calls its kind, and looks at what came of it. */
void pubsub_decide(struct pubsub_request *request, const struct pubsub_view *view);
void pubsub_request_free(struct pubsub_request *request);

/* Takes out of a list, and frees, what has ended. */
void pubsub_sweep(struct pubsub_request **place);

/* --- pubsub_standing.c --------------------------------------------------------------------- */

void pubsub_standings_free(struct pubsub_standings *standings);

/* --- pubsub_queue.c ------------------------------------------------------------------------ */

/* The queue of a sender and a node. Of those in which nothing waits PUBSUB_VIEWS_MAX are kept. */
struct pubsub_queue *pubsub_queue_get(struct pubsub *pubsub, const char *node, const char *who);
void pubsub_queue_add(struct pubsub_queue *queue, struct pubsub_request *request);

/* Goes on with it, as far as possible; frees what has ended. */
void pubsub_queue_run(struct pubsub_queue *queue);

/* That node is another one now: whoever has a view of it reads again. */
void pubsub_queue_forget(struct pubsub *pubsub, const char *node);
void pubsub_queue_free(struct pubsub_queue *queue);

#endif
