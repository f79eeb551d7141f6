/* SPDX-License-Identifier: ISC */
/*
 * nodes.h: nodes that this engine itself owns and publishes (XEP-0060): each holds one item, whose
 * payload is made when it is asked for, and who may see it is a matter of policy.
 *
 * Who is told of a change: whoever has subscribed (XEP-0060 §6.1), and whoever says by his
 * capabilities that he wants to hear of it (XEP-0163 §4.3.2), each by the shortest path, once. Of
 * changes that follow each other closely only the last is told.
 */
#ifndef XEP_NODES_H
#define XEP_NODES_H

#include <earshot/ear.h>

#define NODES_TOLD_MAX 1024             /* whoever was heard of longest ago goes */
#define NODES_GAP      (200 * EAR_MSEC) /* between two notifications of one node */
#define NODES_AGAIN    (5 * EAR_SEC) /* one that did not arrive is sent again, as it is by then */
#define NODES_UNHEARD                                                                              \
	(600 * EAR_SEC) /* a client that was not heard of is asked whether it is there */
#define NODES_PATIENCE (120 * EAR_SEC) /* so long; who is on the LAN is forgotten then */

struct node {
	const char *name;   /* its NodeID */
	const char *title;  /* for people */
	enum ear_verb verb; /* that reading it needs, and being told */
	/* Of the item now: a new element, the caller's; never NULL. */
	xmpp_stanza_t *(*payload)(struct ear *ear);
	int64_t life; /* a notification that is older is of no use */
};

/* Every node that there is. */
#define NODES_COUNT 2
extern const struct node node_state, node_tune; /* player_nodes.c */
extern const struct node *const nodes_all[NODES_COUNT];

/* NULL: it is none of ours; name may be NULL. */
const struct node *nodes_find(const char *name);

/* Its item is another one now. */
void nodes_changed(struct ear *ear, const struct node *node);

/* Whether anybody is told of any. */
bool nodes_are_followed(struct ear *ear);

/* Somebody who is there now, with capabilities: in is the presence that says so, or as one. wants
 * has bit i for nodes_all[i]; what he may not see he does not get. 0: he is not there any more. */
void nodes_wanted(const struct ear_in *in, unsigned wants);

/* Adds a <subscription/> for each subscription of that address (§5.6). */
void nodes_add_subscriptions(struct ear *ear, const char *from, xmpp_stanza_t *list);

/* Nobody who was heard through the server, and has that bare address (NULL: any), is there until he
 * says so again. */
void nodes_nobody_wants(struct ear *ear, const char *bare);

#endif
