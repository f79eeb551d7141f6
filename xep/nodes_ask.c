/* SPDX-License-Identifier: ISC */
/* nodes_ask.c: requests to our nodes: subscribe, unsubscribe, subscriptions, affiliations, items
 * (XEP-0060 §5.6, §5.7, §6.1, §6.2, §6.5), and the right error for everything else. */
#include <string.h>

#include <earshot/store.h>

#include "nodes_impl.h"
#include "own_jid.h"

/* Requests that are in XEP-0060 and not here, and the feature that lacks (§16.1.2); those of owners
 * where there is no store. */
static const struct {
	const char *ns, *request, *feature;
} lacking[] = {
	{ EAR_NS_PUBSUB, "affiliations", "retrieve-affiliations" },
	{ EAR_NS_PUBSUB, "create", "create-nodes" },
	{ EAR_NS_PUBSUB, "default", "subscription-options" },
	{ EAR_NS_PUBSUB, "options", "subscription-options" },
	{ EAR_NS_PUBSUB, "publish", "publish" },
	{ EAR_NS_PUBSUB, "retract", "delete-items" },
	{ EAR_NS_PUBSUB_OWNER, "affiliations", "modify-affiliations" },
	{ EAR_NS_PUBSUB_OWNER, "configure", "config-node" },
	{ EAR_NS_PUBSUB_OWNER, "default", "config-node" },
	{ EAR_NS_PUBSUB_OWNER, "delete", "delete-nodes" },
	{ EAR_NS_PUBSUB_OWNER, "purge", "purge-nodes" },
	{ EAR_NS_PUBSUB_OWNER, "subscriptions", "manage-subscriptions" },
};

/* An error with the condition that XEP-0060 has for it. */
static enum ear_verdict
refuse(const struct ear_in *in, enum ear_verdict condition, const char *specific,
       const char *feature, const char *text)
{
	xmpp_stanza_t *element = ear_element(ear_ctx(in->ear), specific, NODES_ERRORS);

	if (feature != NULL)
		ear_set(element, "feature", "%s", feature);
	return ear_fail_with(in, condition, NULL, element, text);
}

enum ear_verdict
nodes_lack(const struct ear_in *in, const char *feature)
{
	return refuse(in, EAR_FEATURE_NOT_IMPLEMENTED, "unsupported", feature, NULL);
}

static enum ear_verdict
unsupported(const struct ear_in *in)
{
	xmpp_stanza_t *request = ear_first(in->payload);

	for (size_t i = 0; request != NULL && i < sizeof(lacking) / sizeof(lacking[0]); i++)
		if (ear_is(request, lacking[i].request, lacking[i].ns))
			return nodes_lack(in, lacking[i].feature);
	return EAR_BAD_REQUEST;
}

/* The node that a request is about, if its sender may see it. NULL: *verdict is what he is answered
 * with. */
static const struct node *
get_node(const struct ear_in *in, xmpp_stanza_t *request, enum ear_verdict *verdict)
{
	const char *name = xmpp_stanza_get_attribute(request, "node");
	const struct node *node = nodes_find(name);

	if (name == NULL)
		*verdict = refuse(in, EAR_BAD_REQUEST, "nodeid-required", NULL, NULL);
	else if (node == NULL)
		*verdict = EAR_ITEM_NOT_FOUND;
	else if (!ear_may(in, node->verb))
		*verdict = ear_fail(in, EAR_NOT_AUTHORIZED,
				    "policy.%s wants a sender who is better known",
				    ear_verb_name(node->verb));
	else
		return node;
	return NULL;
}

/* --- items (§6.5) ------------------------------------------------------------------------- */

/* §6.5.7: a request may name the items that it wants. */
static bool
is_wanted(xmpp_stanza_t *items)
{
	bool named = false;

	for (xmpp_stanza_t *e = ear_first(items); e != NULL; e = ear_next(e)) {
		const char *id = xmpp_stanza_get_id(e);

		if (!ear_is(e, "item", EAR_NS_PUBSUB))
			continue;
		if (id != NULL && strcmp(id, NODES_ITEM) == 0)
			return true;
		named = true;
	}
	return !named;
}

static enum ear_verdict
get_items(const struct ear_in *in, xmpp_stanza_t *request)
{
	char publisher[EAR_JID_SIZE];
	xmpp_stanza_t *pubsub, *items, *item;
	enum ear_verdict verdict;
	const struct node *node = get_node(in, request, &verdict);

	if (node == NULL)
		return verdict;
	pubsub = ear_element(ear_ctx(in->ear), "pubsub", EAR_NS_PUBSUB);
	items = ear_child(pubsub, "items", EAR_NS_PUBSUB);
	ear_set(items, "node", "%s", node->name);
	if (is_wanted(request)) {
		item = ear_child(items, "item", EAR_NS_PUBSUB);
		xmpp_stanza_set_id(item, NODES_ITEM);
		if (nodes_self(in, publisher)) /* §7.1.2.3: as who is told sees it */
			ear_set(item, "publisher", "%s", publisher);
		xmpp_stanza_add_child_ex(item, node->payload(in->ear), 0);
	}
	return ear_reply(in, pubsub);
}

/* --- affiliations (§5.7) ------------------------------------------------------------------ */

/* Nobody but this engine is anything at a node of ours. */
static enum ear_verdict
get_affiliations(const struct ear_in *in, xmpp_stanza_t *request)
{
	xmpp_stanza_t *pubsub;
	enum ear_verdict verdict;
	const struct node *node = get_node(in, request, &verdict);

	if (node == NULL)
		return verdict;
	pubsub = ear_element(ear_ctx(in->ear), "pubsub", EAR_NS_PUBSUB);
	ear_set(ear_child(pubsub, "affiliations", EAR_NS_PUBSUB), "node", "%s", node->name);
	return ear_reply(in, pubsub);
}

/* --- subscriptions ------------------------------------------------------------------------ */

static void
add_subscription(xmpp_stanza_t *parent, const char *node, const char *jid, const char *state)
{
	xmpp_stanza_t *subscription = ear_child(parent, "subscription", EAR_NS_PUBSUB);

	ear_set(subscription, "node", "%s", node);
	ear_set(subscription, "jid", "%s", jid);
	ear_set(subscription, "subscription", "%s", state);
}

/* Those of one address, at one node or at all. */
static void
add_subscriptions(struct ear *ear, const char *from, const char *name, xmpp_stanza_t *list)
{
	const struct nodes *nodes = nodes_of(ear);

	for (size_t i = 0; i < nodes->count; i++) {
		const struct listener *listener = nodes->told[i];

		if (listener->subscribed && !listener->gone &&
		    ear_jid_bare_equal(listener->address, from) &&
		    (name == NULL || strcmp(listener->node->name, name) == 0))
			add_subscription(list, listener->node->name, listener->address,
					 "subscribed");
	}
}

void
nodes_add_subscriptions(struct ear *ear, const char *from, xmpp_stanza_t *list)
{
	add_subscriptions(ear, from, NULL, list);
}

/* §5.6: the asker's own, of one node or of all. */
static enum ear_verdict
get_subscriptions(const struct ear_in *in, xmpp_stanza_t *request)
{
	const char *name = xmpp_stanza_get_attribute(request, "node");
	xmpp_stanza_t *pubsub, *list;

	if (name != NULL && nodes_find(name) == NULL)
		return EAR_ITEM_NOT_FOUND;
	pubsub = ear_element(ear_ctx(in->ear), "pubsub", EAR_NS_PUBSUB);
	list = ear_child(pubsub, "subscriptions", EAR_NS_PUBSUB);
	if (name != NULL)
		ear_set(list, "node", "%s", name);
	add_subscriptions(in->ear, in->from, name, list);
	return ear_reply(in, pubsub);
}

static enum ear_verdict
reply_subscription(const struct ear_in *in, const struct node *node, const char *jid,
		   const char *state)
{
	xmpp_stanza_t *pubsub = ear_element(ear_ctx(in->ear), "pubsub", EAR_NS_PUBSUB);

	add_subscription(pubsub, node->name, jid, state);
	return ear_reply(in, pubsub);
}

/* §6.1.1: the address that is meant. */
static bool
has_jid(xmpp_stanza_t *request)
{
	return xmpp_stanza_get_attribute(request, "jid") != NULL;
}

/* §6.1.3.1: nobody subscribes anybody else. */
static bool
get_jid(const struct ear_in *in, xmpp_stanza_t *request, char *jid)
{
	return own_jid_take(xmpp_stanza_get_attribute(request, "jid"), in->from, jid) ==
	       OWN_JID_YES;
}

static enum ear_verdict
subscribe(const struct ear_in *in, xmpp_stanza_t *request)
{
	struct nodes *nodes = nodes_of(in->ear);
	struct listener *listener;
	char jid[EAR_JID_SIZE];
	enum ear_verdict verdict;
	const struct node *node = get_node(in, request, &verdict);

	if (node == NULL)
		return verdict;
	if (!has_jid(request))
		return refuse(in, EAR_BAD_REQUEST, "jid-required", NULL, NULL);
	if (!get_jid(in, request, jid))
		return refuse(in, EAR_BAD_REQUEST, "invalid-jid", NULL,
			      "only the address that asks can be subscribed");
	/* §6.3.7: together with options, which nothing here has. */
	if (ear_find(in->payload, "options", EAR_NS_PUBSUB) != NULL)
		return nodes_lack(in, "subscription-options");
	listener = told_hear(nodes, in, node, jid);
	listener->subscribed = true;
	nodes_keep(listener, in->level);
	reply_subscription(in, node, jid, "subscribed");
	nodes_notify(nodes, listener); /* §6.1.7 */
	return EAR_DONE;
}

static enum ear_verdict
unsubscribe(const struct ear_in *in, xmpp_stanza_t *request)
{
	struct nodes *nodes = nodes_of(in->ear);
	struct listener *listener;
	char jid[EAR_JID_SIZE];
	enum ear_verdict verdict;
	const struct node *node = get_node(in, request, &verdict);

	if (node == NULL)
		return verdict;
	if (!has_jid(request))
		return refuse(in, EAR_BAD_REQUEST, "jid-required", NULL, NULL);
	if (!get_jid(in, request, jid))
		return EAR_FORBIDDEN; /* §6.2.3.3 */
	listener = told_find(nodes, node, jid);
	if (listener == NULL || !listener->subscribed) /* §6.2.3.2 */
		return ear_fail_with(in, EAR_UNEXPECTED_REQUEST, "cancel",
				     ear_element(ear_ctx(in->ear), "not-subscribed", NODES_ERRORS),
				     NULL);
	nodes_keep_no_more(listener);
	listener->subscribed = false;
	if (!listener->wants)
		told_forget(nodes, listener);
	return reply_subscription(in, node, jid, "none");
}

/* --- doors -------------------------------------------------------------------------------- */

enum ear_verdict
nodes_get(const struct ear_in *in)
{
	xmpp_stanza_t *items = ear_find(in->payload, "items", EAR_NS_PUBSUB);
	xmpp_stanza_t *subscriptions = ear_find(in->payload, "subscriptions", EAR_NS_PUBSUB);
	xmpp_stanza_t *affiliations = ear_find(in->payload, "affiliations", EAR_NS_PUBSUB);

	if (items != NULL)
		return get_items(in, items);
	/* Without a store there is no service that knows any (pubsub_features.c). */
	if (affiliations != NULL && ear_store(in->ear) != NULL)
		return get_affiliations(in, affiliations);
	return subscriptions != NULL ? get_subscriptions(in, subscriptions) : unsupported(in);
}

enum ear_verdict
nodes_set(const struct ear_in *in)
{
	xmpp_stanza_t *on = ear_find(in->payload, "subscribe", EAR_NS_PUBSUB);
	xmpp_stanza_t *off = ear_find(in->payload, "unsubscribe", EAR_NS_PUBSUB);

	/* §6.1.1: one and only one. */
	if (on != NULL && off != NULL)
		return EAR_BAD_REQUEST;
	if (on != NULL)
		return subscribe(in, on);
	return off != NULL ? unsubscribe(in, off) : unsupported(in);
}

enum ear_verdict
nodes_own(const struct ear_in *in)
{
	return unsupported(in);
}
