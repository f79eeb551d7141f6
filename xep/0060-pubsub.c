/* SPDX-License-Identifier: ISC */
/* 0060-pubsub.c: publish-subscribe (XEP-0060): who takes a request, the nodes that this engine
 * itself owns (nodes.h) or the service for everybody's (pubsub.h), and the life of both. */
#include <string.h>

#include "memory.h"
#include "nodes_impl.h"
#include "pubsub_impl.h"

extern const struct ear_xep ear_xep_0060;

struct both {
	struct nodes *nodes;
	struct pubsub *pubsub;        /* NULL: there is nowhere to store */
	struct pubsub_teller *teller; /* the same */
};

struct nodes *
nodes_of(struct ear *ear)
{
	return ((struct both *)ear_state(ear, &ear_xep_0060))->nodes;
}

struct pubsub *
pubsub_of(struct ear *ear)
{
	const struct both *both = ear_state(ear, &ear_xep_0060);

	return both == NULL ? NULL : both->pubsub;
}

struct pubsub_teller *
pubsub_teller_of(struct ear *ear)
{
	const struct both *both = ear_state(ear, &ear_xep_0060);

	return both == NULL ? NULL : both->teller;
}

/* --- requests ----------------------------------------------------------------------------- */

/* §4.1: nobody else owns a node of ours, or publishes there. That it cannot be created since it is
 * there already (§8.1.1) the service says. */
static bool
is_about_ours(const struct ear_in *in)
{
	for (xmpp_stanza_t *e = ear_first(in->payload); e != NULL; e = ear_next(e))
		if (!ear_is(e, "create", EAR_NS_PUBSUB) &&
		    nodes_find(xmpp_stanza_get_attribute(e, "node")) != NULL)
			return true;
	return false;
}

static enum ear_verdict
on_get(const struct ear_in *in)
{
	return pubsub_of(in->ear) == NULL || is_about_ours(in) ? nodes_get(in) : pubsub_take(in);
}

static enum ear_verdict
on_set(const struct ear_in *in)
{
	return pubsub_of(in->ear) == NULL || is_about_ours(in) ? nodes_set(in) : pubsub_take(in);
}

static enum ear_verdict
on_owner(const struct ear_in *in)
{
	if (pubsub_of(in->ear) == NULL)
		return nodes_own(in);
	return is_about_ours(in) ? EAR_FORBIDDEN : pubsub_take(in);
}

static enum ear_verdict
on_approval(const struct ear_in *in)
{
	return pubsub_of(in->ear) == NULL ? EAR_PASS : pubsub_approve(in);
}

static enum ear_verdict
on_error(const struct ear_in *in)
{
	const struct both *both = ear_state(in->ear, &ear_xep_0060);
	enum ear_verdict verdict = nodes_bounced(both->nodes, in);

	if (verdict == EAR_PASS && both->teller != NULL)
		verdict = pubsub_teller_bounced(both->teller, in);
	return verdict;
}

/* --- life --------------------------------------------------------------------------------- */

static void
on_event(void *arg, const struct ear_event *event)
{
	const struct both *both = arg;

	pubsub_teller_event(both->teller, event);
	if (event->kind == EAR_TRUST_ENDED)
		pubsub_standing_ended(both->pubsub->ear, event->address);
}

static int
start(struct ear *ear)
{
	struct ear_store *store = ear_store(ear);
	struct both *both = xep_alloc(sizeof(*both));

	ear_set_state(ear, &ear_xep_0060, both);
	both->nodes = nodes_new(ear);
	nodes_load(both->nodes);
	if (store == NULL)
		return 0;
	both->pubsub = pubsub_new(ear, store);
	both->teller = pubsub_teller_new(ear);
	ear_watch(ear, on_event, both);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct both *both = ear_state(ear, &ear_xep_0060);

	if (both->pubsub != NULL) {
		ear_unwatch(ear, on_event, both);
		pubsub_teller_free(both->teller);
		pubsub_free(both->pubsub);
	}
	nodes_free(both->nodes);
	ear_set_state(ear, &ear_xep_0060, NULL);
	free(both);
}

static const char *const features[] = {
	EAR_NS_PUBSUB,
	EAR_NS_PUBSUB "#auto-subscribe",
	EAR_NS_PUBSUB "#filtered-notifications",
	EAR_NS_PUBSUB "#last-published",
	EAR_NS_PUBSUB "#presence-notifications",
	EAR_NS_PUBSUB "#presence-subscribe",
	EAR_NS_PUBSUB "#retrieve-items",
	EAR_NS_PUBSUB "#retrieve-subscriptions",
	EAR_NS_PUBSUB "#subscribe",
	NULL,
};

/* What a request needs is a matter of its node. */
static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_PUBSUB, "pubsub", on_get, EAR_VERB_QUERY },
	{ EAR_IQ_SET, EAR_NS_PUBSUB, "pubsub", on_set, EAR_VERB_QUERY },
	{ EAR_IQ_GET, EAR_NS_PUBSUB_OWNER, "pubsub", on_owner, EAR_VERB_QUERY },
	{ EAR_IQ_SET, EAR_NS_PUBSUB_OWNER, "pubsub", on_owner, EAR_VERB_QUERY },
	{ EAR_MESSAGE, EAR_NS_DATA, "x", on_approval, EAR_VERB_QUERY },
	{ EAR_MESSAGE_ERROR, NULL, NULL, on_error, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_0060 = {
	.number = "0060",
	.name = "publish-subscribe",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
