/* SPDX-License-Identifier: ISC */
/*
 * nodes_impl.h: the parts of the nodes: nodes.c the table, nodes_ask.c requests, nodes_told.c who
 * is told, nodes_keep.c who is after a restart, nodes_send.c notifications.
 */
#ifndef XEP_NODES_IMPL_H
#define XEP_NODES_IMPL_H

#include "nodes.h"

#define NODES_ITEM   "current" /* the id of every item */
#define NODES_ERRORS EAR_NS_PUBSUB "#errors"

/* Somebody who is told of one node. */
struct listener {
	struct ear *ear;
	const struct node *node;
	char *address;           /* as he subscribed, or is there: bare or full */
	char *ours;              /* which address of ours he knows; NULL: whichever the link has */
	enum ear_link_kind link; /* by which he was heard */
	bool subscribed, wants;  /* either or both */
	bool missed;             /* he has not got the last one */
	int64_t failing_since, failed_at; /* the first and the last that did not arrive; 0: none */
	int64_t heard_at;                 /* from himself */
	bool gone;                        /* is to be forgotten */
	char id[17];                      /* of the last notification */
};

/* Between two notifications of one node. */
struct gap {
	struct nodes *nodes;
	struct ear_timer timer;
};

struct nodes {
	struct ear *ear;
	struct listener *told[NODES_TOLD_MAX]; /* heard of longest ago first */
	size_t count;
	struct gap gaps[NODES_COUNT];
	bool due[NODES_COUNT]; /* changed since its last notification */
	struct ear_timer again, prune;
};

struct nodes *nodes_new(struct ear *ear);
void nodes_free(struct nodes *nodes);
struct nodes *nodes_of(struct ear *ear);

/* Whom we are to somebody who asks: bare, of EAR_JID_SIZE bytes. */
bool nodes_self(const struct ear_in *in, char *bare);

/* --- nodes_ask.c: the rule's payload is the <pubsub/> --- */

enum ear_verdict nodes_get(const struct ear_in *in);
enum ear_verdict nodes_set(const struct ear_in *in);

/* Refuses what nothing here takes, by the feature that lacks (§16.1.2). */
enum ear_verdict nodes_lack(const struct ear_in *in, const char *feature);

/* Of an owner, where nobody can own one. */
enum ear_verdict nodes_own(const struct ear_in *in);

/* --- nodes_told.c --- */

/* Whoever sent that, under address (his own, or the bare one): heard of now. Made when new. */
struct listener *told_hear(struct nodes *nodes, const struct ear_in *in, const struct node *node,
			   const char *address);
struct listener *told_find(struct nodes *nodes, const struct node *node, const char *address);
/* Whether two addresses are one device, as far as its key or configuration say. */
bool told_is_same(struct ear *ear, const char *a, const char *b);

void told_forget(struct nodes *nodes, struct listener *listener);
void told_forget_all(struct nodes *nodes);

/* --- nodes_keep.c: what is subscribed through the server is remembered --- */

void nodes_keep(const struct listener *listener, enum ear_level level);
/* While `subscribed` is still true. */
void nodes_keep_no_more(const struct listener *listener);
void nodes_load(struct nodes *nodes);

/* --- nodes_send.c --- */

/* The item as it is now, to him alone; what comes of that is noted in him. */
void nodes_notify(struct nodes *nodes, struct listener *listener);
void nodes_timers(struct nodes *nodes);
void nodes_stop_timers(struct nodes *nodes);

/* An error for a notification came, from whom it was for or from ourselves. */
enum ear_verdict nodes_bounced(struct nodes *nodes, const struct ear_in *in);

/* The server, or that address, may be reached again: who missed something gets what is now. */
void nodes_retry(struct nodes *nodes, const struct ear_event *event);

/* How sure it is who that is may have changed. */
void nodes_judge(struct nodes *nodes, const char *address);

#endif
