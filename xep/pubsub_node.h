/* SPDX-License-Identifier: ISC */
/* pubsub_node.h: the parts of what becomes of nodes: pubsub_create.c, pubsub_node.c,
 * pubsub_delete.c. */
#ifndef XEP_PUBSUB_NODE_H
#define XEP_PUBSUB_NODE_H

#include "pubsub.h"

/* XEP-0248: something else than a leaf is asked for, and what is said to that. */
bool pubsub_wants_collection(const struct pubsub_op *op);
extern const struct pubsub_refusal pubsub_no_collections;

/* §8.2.4 */
bool pubsub_is_cancelled(xmpp_stanza_t *form);

/* Whether he is no owner, and was told so. */
bool pubsub_refuse_stranger(struct pubsub_op *op, const struct pubsub_view *view);

/* The answer to a change of a node that was there. */
void pubsub_node_changed(struct pubsub_op *op, const struct ear_changed *changed);

/* Of a node that he creates, of that configuration (borrowed). */
struct ear_change pubsub_creation(const struct pubsub_op *op, const char *config);
/* What that may fail with: NULL, it is something else. */
const struct pubsub_refusal *pubsub_not_created(int error);

void pubsub_create(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_delete(struct pubsub_op *op, const struct pubsub_view *view);

#endif
