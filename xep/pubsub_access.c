/* SPDX-License-Identifier: ISC */
/*
 * pubsub_access.c: who may what at a node (XEP-0060 §4.1, §4.5).
 *
 * Policy comes first: what a node's owner allows is only for those whom this engine's owner lets
 * use it. And an affiliation, or a subscription, belongs to an address: somebody who only says that
 * this is his address has none of what it gives, but all of what it takes away.
 */
#include <string.h>

#include "nodes.h"
#include "presence.h"
#include "pubsub.h"

#define REFUSAL static const struct pubsub_refusal

REFUSAL forbidden = { EAR_FORBIDDEN, NULL, NULL, NULL };
REFUSAL unknown_reader = { EAR_NOT_AUTHORIZED, NULL, NULL,
			   "policy.subscribe wants a sender who is better known" };
REFUSAL unknown_publisher = { EAR_FORBIDDEN, NULL, NULL,
			      "policy.publish wants a sender who is better known" };
REFUSAL far = { EAR_NOT_AUTHORIZED, "presence-subscription-required", NULL, NULL };
REFUSAL unlisted = { EAR_NOT_AUTHORIZED, "not-in-roster-group", NULL, NULL };
REFUSAL closed = { EAR_NOT_ALLOWED, "closed-node", NULL, NULL };
REFUSAL pending = { EAR_NOT_AUTHORIZED, "pending-subscription", NULL, NULL };
REFUSAL no_subscriptions = { EAR_FEATURE_NOT_IMPLEMENTED, "unsupported", "subscribe", NULL };
REFUSAL taken = { EAR_CONFLICT, NULL, NULL, "a node of that name is this engine's own" };
REFUSAL no_name = { EAR_NOT_ACCEPTABLE, NULL, NULL, "no node can have such a name" };
REFUSAL not_subscribed = { EAR_NOT_AUTHORIZED, "not-subscribed", NULL, NULL };

/* Somebody at a node. */
struct guest {
	struct ear *ear;
	const char *address;
	enum ear_link_kind link;
	enum ear_level level;
	enum ear_affiliation affiliation; /* that counts */
	bool may_subscribe;
	bool is_contact; /* of several engines */
};

/* --- who he is ---------------------------------------------------------------------------- */

/* Whether the address is his. Where policy lets in whoever says so, it is believed. */
static bool
is_believed(enum ear_level level, bool may_publish)
{
	return level >= EAR_PROVED || may_publish;
}

static enum ear_affiliation
affiliation_that_counts(enum ear_affiliation affiliation, bool believed)
{
	return believed || affiliation == EAR_OUTCAST ? affiliation : EAR_AFFILIATION_NONE;
}

enum ear_affiliation
pubsub_affiliation(const struct pubsub_op *op, const struct pubsub_view *view)
{
	return affiliation_that_counts(view->affiliation, is_believed(op->level, op->may_publish));
}

static bool
has_subscription(const struct pubsub_op *op, const struct pubsub_view *view,
		 enum ear_subscription state)
{
	for (size_t i = 0; i < view->subscription_count; i++)
		if (view->subscriptions[i].subscription == state)
			return is_believed(op->level, op->may_publish);
	return false;
}

static struct guest
guest_of(const struct pubsub_op *op, const struct pubsub_view *view)
{
	return (struct guest){
		.ear = op->ear,
		.address = op->who,
		.link = op->link,
		.level = op->level,
		.affiliation = pubsub_affiliation(op, view),
		.may_subscribe = op->may_subscribe,
		.is_contact = view->contact != EAR_CONTACT_NONE,
	};
}

/* --- whom a node lets in ------------------------------------------------------------------ */

static void
note_earshot(void *arg, const struct ear_peer_info *peer)
{
	bool *in_earshot = arg;

	*in_earshot = *in_earshot || peer->in_earshot;
}

/* §4.5 "presence", which on a LAN is being there. Whoever is on our list is no stranger either. */
static bool
is_near(const struct guest *guest)
{
	bool near = guest->link == EAR_LINK_LAN || guest->level >= EAR_TRUSTED;
	char bare[EAR_JID_SIZE];

	if (guest->level < EAR_PROVED || ear_jid_bare(guest->address, bare, sizeof(bare)) != 0)
		return false;
	if (!near)
		ear_each_peer(guest->ear, bare, note_earshot, &near);
	return near || guest->is_contact || presence_is_contact(guest->ear, bare);
}

/* Of the access model alone. */
static const struct pubsub_refusal *
ask_model(const struct guest *guest, enum pubsub_access model)
{
	switch (model) {
	case PUBSUB_OPEN:
	case PUBSUB_AUTHORIZE: /* §6.1.4: whom an owner approves */
	case PUBSUB_ACCESS_COUNT:
		return NULL;
	case PUBSUB_PRESENCE:
		return is_near(guest) ? NULL : &far;
	case PUBSUB_ROSTER:
		return guest->level >= EAR_TRUSTED ? NULL : &unlisted;
	case PUBSUB_WHITELIST:
		return &closed;
	}
	return &forbidden;
}

/* §4.1: reading goes with subscribing, but for those who only publish. */
static const struct pubsub_refusal *
ask_guest(const struct guest *guest, enum pubsub_access model)
{
	switch (guest->affiliation) {
	case EAR_OUTCAST:
	case EAR_PUBLISH_ONLY:
		return &forbidden;
	case EAR_MEMBER:
	case EAR_PUBLISHER:
	case EAR_OWNER:
		return guest->may_subscribe ? NULL : &unknown_reader;
	case EAR_AFFILIATION_NONE:
	case EAR_AFFILIATION_COUNT:
		break;
	}
	return guest->may_subscribe ? ask_model(guest, model) : &unknown_reader;
}

const struct pubsub_refusal *
pubsub_may_subscribe(const struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct guest guest = guest_of(op, view);
	const struct pubsub_refusal *why = ask_guest(&guest, view->config.access_model);

	if (why != NULL && !op->may_own)
		return why;
	if (!view->config.subscribe)
		return &no_subscriptions;
	if (view->config.access_model == PUBSUB_AUTHORIZE && guest.affiliation < EAR_MEMBER &&
	    has_subscription(op, view, EAR_PENDING))
		return &pending;
	return NULL;
}

const struct pubsub_refusal *
pubsub_may_read(const struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct guest guest = guest_of(op, view);
	const struct pubsub_refusal *why = ask_guest(&guest, view->config.access_model);

	if (op->may_own)
		return NULL;
	if (why != NULL)
		return why;
	if (view->config.access_model == PUBSUB_AUTHORIZE && guest.affiliation < EAR_MEMBER &&
	    !has_subscription(op, view, EAR_SUBSCRIBED))
		return &not_subscribed;
	return NULL;
}

bool
pubsub_may_be_told(struct ear *ear, const char *address, enum ear_link_kind link,
		   enum ear_level level, const struct pubsub_config *config,
		   const struct ear_stored *row)
{
	const struct ear_in in = { .ear = ear, .from = address, .level = level, .link = link };
	bool believed = is_believed(level, ear_may(&in, EAR_VERB_PUBLISH));
	const struct guest guest = {
		.ear = ear,
		.address = address,
		.link = link,
		.level = level,
		.affiliation = affiliation_that_counts(row->affiliation, believed),
		.may_subscribe = ear_may(&in, EAR_VERB_SUBSCRIBE),
		.is_contact = row->contact != EAR_CONTACT_NONE,
	};

	if (config->access_model == PUBSUB_AUTHORIZE && guest.affiliation < EAR_MEMBER)
		return false;
	return ask_guest(&guest, config->access_model) == NULL;
}

/* --- who publishes and owns --------------------------------------------------------------- */

static bool
may_by_model(const struct pubsub_op *op, const struct pubsub_view *view)
{
	switch (view->config.publish_model) {
	case PUBSUB_BY_ANYONE:
		return true;
	case PUBSUB_BY_SUBSCRIBERS:
		return has_subscription(op, view, EAR_SUBSCRIBED);
	case PUBSUB_BY_PUBLISHERS:
	case PUBSUB_PUBLISHERS_COUNT:
		break;
	}
	return false;
}

/* §7.1.3.1 */
const struct pubsub_refusal *
pubsub_may_publish(const struct pubsub_op *op, const struct pubsub_view *view)
{
	enum ear_affiliation affiliation = pubsub_affiliation(op, view);

	if (op->may_own)
		return NULL;
	if (affiliation == EAR_OUTCAST)
		return &forbidden;
	if (!op->may_publish)
		return &unknown_publisher;
	if (affiliation >= EAR_PUBLISH_ONLY)
		return NULL;
	return may_by_model(op, view) ? NULL : &forbidden;
}

/* What the engine itself has, or may have one day, under that name: its own nodes, and those of
 * service discovery (XEP-0030, XEP-0050, XEP-0115). */
static bool
is_ours(const char *node)
{
	static const char *const ours[] = { EAR_NS_COMMANDS, EAR_CAPS_NODE, "urn:earshot:" };

	for (size_t i = 0; i < NODES_COUNT; i++)
		if (strcmp(nodes_all[i]->name, node) == 0)
			return true;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strncmp(node, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static bool
is_name(const char *node)
{
	for (const unsigned char *c = (const unsigned char *)node; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			return false;
	return strlen(node) <= EAR_NODE_MAX;
}

/* §8.1.1 */
const struct pubsub_refusal *
pubsub_may_create(const struct pubsub_op *op)
{
	if (!op->may_publish && !op->may_own)
		return &unknown_publisher;
	if (op->node != NULL && !is_name(op->node))
		return &no_name;
	return op->node != NULL && is_ours(op->node) ? &taken : NULL;
}

const struct pubsub_refusal *
pubsub_may_own(const struct pubsub_op *op, const struct pubsub_view *view)
{
	return op->may_own || pubsub_affiliation(op, view) == EAR_OWNER ? NULL : &forbidden;
}
