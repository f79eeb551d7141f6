/* SPDX-License-Identifier: ISC */
/* pubsub_people.h: what requests about people do, for the tables of pubsub_subscribe.c and
 * pubsub_people.c: each the decide() of a kind. */
#ifndef XEP_PUBSUB_PEOPLE_H
#define XEP_PUBSUB_PEOPLE_H

#include "pubsub.h"

#define PUBSUB_DELTA_MAX 60   /* entries of one change of subscriptions or affiliations */
#define PUBSUB_LIST_MAX  1000 /* rows of one answer; more are asked for page by page (XEP-0059) */
#define PUBSUB_LIST_SIZE ((size_t)192 * 1024) /* bytes of it, about */

/* --- pubsub_options.c: options of a subscription (§6.3, §6.4) --- */

void pubsub_options_get(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_options_set(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_options_default(struct pubsub_op *op, const struct pubsub_view *view);

/* What the form in that element says; false: it was refused, and is answered. */
bool pubsub_options_take(struct pubsub_op *op, xmpp_stanza_t *element,
			 struct pubsub_options *options);

/* --- pubsub_list.c: who and what (§5.6, §5.7, §8.8.1, §8.9.1) --- */

void pubsub_list_subscriptions(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_list_affiliations(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_list_subscribers(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_list_affiliated(struct pubsub_op *op, const struct pubsub_view *view);

/* --- pubsub_people.c: what owners change (§8.8.2, §8.9.2) --- */

void pubsub_set_subscriptions(struct pubsub_op *op, const struct pubsub_view *view);
void pubsub_set_affiliations(struct pubsub_op *op, const struct pubsub_view *view);

#endif
