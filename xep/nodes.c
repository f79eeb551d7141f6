/* SPDX-License-Identifier: ISC */
/* nodes.c: the nodes that we own (XEP-0060, XEP-0163): their table, and what starts what. */
#include <string.h>

#include "disco.h"
#include "memory.h"
#include "nodes_impl.h"

const struct node *const nodes_all[NODES_COUNT] = { &node_state, &node_tune };

const struct node *
nodes_find(const char *name)
{
	for (size_t i = 0; name != NULL && i < NODES_COUNT; i++)
		if (strcmp(nodes_all[i]->name, name) == 0)
			return nodes_all[i];
	return NULL;
}

/* --- service discovery (XEP-0060 §5) ------------------------------------------------------ */

static enum ear_verdict
node_info(const struct ear_in *in, const char *name, xmpp_stanza_t *query)
{
	const struct node *node = nodes_find(name);
	xmpp_stanza_t *identity;

	if (node == NULL)
		return EAR_PASS;
	if (!ear_may(in, node->verb))
		return EAR_FORBIDDEN;
	identity = ear_child(query, "identity", EAR_NS_DISCO_INFO);
	ear_set(identity, "category", "pubsub");
	ear_set(identity, "type", "leaf");
	ear_set(identity, "name", "%s", node->title);
	ear_set(ear_child(query, "feature", EAR_NS_DISCO_INFO), "var", EAR_NS_PUBSUB);
	return EAR_DONE;
}

bool
nodes_self(const struct ear_in *in, char *bare)
{
	const char *self = in->to != NULL ? in->to : ear_self(in->ear, in->link);

	return self != NULL && ear_jid_bare(self, bare, EAR_JID_SIZE) == 0;
}

static void
set_jid(const struct ear_in *in, xmpp_stanza_t *item)
{
	char bare[EAR_JID_SIZE];

	if (nodes_self(in, bare))
		ear_set(item, "jid", "%s", bare);
}

/* §5.5: of a node its items, which have ids alone. */
static enum ear_verdict
node_items(const struct ear_in *in, const char *name, xmpp_stanza_t *query)
{
	const struct node *node = nodes_find(name);
	xmpp_stanza_t *item;

	if (node == NULL)
		return EAR_PASS;
	if (!ear_may(in, node->verb))
		return EAR_FORBIDDEN;
	item = ear_child(query, "item", EAR_NS_DISCO_ITEMS);
	set_jid(in, item);
	ear_set(item, "name", NODES_ITEM);
	return EAR_DONE;
}

/* §5.2: the nodes that he may see. */
static enum ear_verdict
items(const struct ear_in *in, const char *name, xmpp_stanza_t *query)
{
	if (name != NULL)
		return node_items(in, name, query);
	for (size_t i = 0; i < NODES_COUNT; i++) {
		xmpp_stanza_t *item;

		if (!ear_may(in, nodes_all[i]->verb))
			continue;
		item = ear_child(query, "item", EAR_NS_DISCO_ITEMS);
		set_jid(in, item);
		ear_set(item, "node", "%s", nodes_all[i]->name);
		ear_set(item, "name", "%s", nodes_all[i]->title);
	}
	return EAR_DONE;
}

/* --- life --------------------------------------------------------------------------------- */

static void
on_change(void *arg, const struct ear_event *event)
{
	struct nodes *nodes = arg;

	switch (event->kind) {
	case EAR_SERVER_UP:
	case EAR_PEER_CHANGED:
	case EAR_PATH_CHANGED:
		nodes_retry(nodes, event);
		break;
	case EAR_TRUST_CHANGED:
		nodes_judge(nodes, event->address);
		break;
	case EAR_PEER_GONE:
	case EAR_TRUST_ENDED:
	case EAR_STREAM_ENDED:
	case EAR_OWN_KEY_CHANGED:
	case EAR_NETWORK_CHANGED:
	case EAR_PLAYER_CHANGED:
		break;
	}
}

struct nodes *
nodes_new(struct ear *ear)
{
	static const struct disco_nodes disco = { node_info, items };
	struct nodes *nodes = xep_alloc(sizeof(*nodes));

	nodes->ear = ear;
	nodes_timers(nodes);
	disco_add(ear, &disco);
	ear_watch(ear, on_change, nodes);
	return nodes;
}

void
nodes_free(struct nodes *nodes)
{
	ear_unwatch(nodes->ear, on_change, nodes);
	nodes_stop_timers(nodes);
	told_forget_all(nodes);
	free(nodes);
}
