/* SPDX-License-Identifier: ISC */
/*
 * pubsub_work.h: what requests about people gather on their way: a node's owners, and the changes
 * and events that come of it. One such is, or begins, the `arg` of a request.
 *
 * Nothing that was read of a node outlives decide(): what is needed later is copied in here.
 */
#ifndef XEP_PUBSUB_WORK_H
#define XEP_PUBSUB_WORK_H

#include "pubsub.h"

#define PUBSUB_OF_ONE      32 /* subscriptions of one bare address at one node */
#define PUBSUB_OWNERS_TOLD 64 /* of one thing, about which all are told */

typedef void pubsub_next_fn(struct pubsub_op *op);

struct pubsub_work {
	struct pubsub_config config;
	int64_t epoch; /* of the node, as the request was decided on, or after a change of its own
			*/
	char *owners[PUBSUB_OWNERS_TOLD];
	size_t owner_count;
	pubsub_next_fn *next;
	pubsub_changed_fn *done;
	struct ear_change *changes;
	struct ear_event_draft *events;
	char **texts; /* of both */
	size_t count, event_count, text_count;
};

/* As it is to the sender of op: work is zeroed memory, which free() gives back after
 * pubsub_work_release(). */
void pubsub_work_begin(struct pubsub_op *op, const struct pubsub_view *view,
		       struct pubsub_work *work, void (*free)(void *));
void pubsub_work_release(struct pubsub_work *work);
struct pubsub_work *pubsub_work_of(struct pubsub_op *op);

/* Reads the owners, then next. */
void pubsub_work_owners(struct pubsub_op *op, pubsub_next_fn *next);

/* Takes over a text that a change or an event borrows. */
const char *pubsub_work_keep(struct pubsub_work *work, char *text);

void pubsub_work_subscribe(struct pubsub_work *work, const char *jid, enum ear_subscription state,
			   const char *options);
void pubsub_work_affiliate(struct pubsub_work *work, const char *jid,
			   enum ear_affiliation affiliation);

/* An event for one, as a message of the node's type; its text is taken over. item: which it is
 * about, or NULL. */
void pubsub_work_tell(struct pubsub_work *work, const char *to, const char *item, char *text);

/* §8.6: each owner is asked, for a person to answer when he comes, unless he has been asked that
 * already. False: each has been asked so much that nobody is asked that. */
bool pubsub_work_ask_owners(struct pubsub_op *op, const char *jid);

/* §12.13, §8.8.4: his subscription is another one now. */
void pubsub_work_tell_subscription(struct pubsub_op *op, const char *to, const char *jid,
				   enum ear_subscription state);
/* §6.1.7: the newest item that is there when he is subscribed, if whoever subscribes is told. */
void pubsub_work_tell_newest(struct pubsub_op *op, const char *jid);
/* pubsub#notify_sub: the owners, but whoever has that bare address. */
void pubsub_work_tell_owners(struct pubsub_op *op, const char *jid, enum ear_subscription state);

/* Whether there is no room for so many more of each in one transaction. */
bool pubsub_work_is_full(const struct pubsub_work *work, size_t changes, size_t events);

/* All of it, decided on work->epoch; borrows from work. */
struct ear_transaction pubsub_work_transaction(const struct pubsub_work *work, const char *node);

/* Does all of it. done runs with 0, or an error that is not -ESTALE; after 0 the work is empty
 * again. */
void pubsub_work_commit(struct pubsub_op *op, pubsub_changed_fn *done);

/* --- of subscriptions --- */

/* Whether policy believes him that a subscription is his. */
const struct pubsub_refusal *pubsub_may_ask(const struct pubsub_op *op);

/* Why the `jid` of a request is none of its sender's, with others' as that refusal; NULL: jid, of
 * EAR_JID_SIZE bytes, is canonical. */
const struct pubsub_refusal *pubsub_own_jid(const struct pubsub_op *op, char *jid,
					    const struct pubsub_refusal *others);

/* His subscription by exactly that address, or NULL. */
const struct ear_stored *pubsub_subscription_at(const struct pubsub_view *view, const char *jid);

/* Whether somebody of that affiliation may subscribe only when an owner says so (§6.1.4). */
bool pubsub_needs_approval(const struct pubsub_config *config, enum ear_affiliation affiliation);

/* Whether that affiliation and a subscription exclude each other (§4.1, §4.5). */
bool pubsub_is_shut_out(const struct pubsub_config *config, enum ear_affiliation affiliation);

/* A <subscription/>; node NULL: without. */
void pubsub_add_subscription(xmpp_stanza_t *parent, const char *ns, const char *node,
			     const char *jid, enum ear_subscription state);

#endif
