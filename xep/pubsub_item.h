/* SPDX-License-Identifier: ISC */
/*
 * pubsub_item.h: requests about items, between their files: pubsub_item.c the kinds and retract
 * (§7.2), pubsub_publish.c publish (§7.1), pubsub_items.c retrieve (§6.5), pubsub_feed.c feeds.
 */
#ifndef XEP_PUBSUB_ITEM_H
#define XEP_PUBSUB_ITEM_H

#include "pubsub.h"

/* What a kind's decide() is. */
void pubsub_publish(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_retract(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_items(struct pubsub_op *op, const struct pubsub_view *view);

/* The <item/>s of a request: how many, and the first; NULL: none. */
size_t pubsub_item_count(xmpp_stanza_t *request, xmpp_stanza_t **first);

/* --- pubsub_feed.c ------------------------------------------------------------------------- */

/*
 * What is wrong with a payload as an entry of a feed of that type (RFC 4287 §4.1.2, XEP-0472,
 * XEP-0277): for people, static. NULL: nothing. item: its ItemID.
 */
const char *pubsub_feed_fault(xmpp_stanza_t *payload, const char *type, const char *item);

#endif
