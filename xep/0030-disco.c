/* SPDX-License-Identifier: ISC */
/* 0030-disco.c: service discovery (XEP-0030), with the node that entity capabilities announce. */
#include <assert.h>
#include <string.h>

#include <earshot/ear.h>

#include "disco.h"
#include "memory.h"

extern const struct ear_xep ear_xep_0030;

struct disco {
	const struct disco_nodes *nodes[DISCO_NODES_MAX];
	size_t count;
};

void
disco_add(struct ear *ear, const struct disco_nodes *nodes)
{
	struct disco *disco = ear_state(ear, &ear_xep_0030);

	assert(disco->count < DISCO_NODES_MAX);
	disco->nodes[disco->count++] = nodes;
}

/* XEP-0115 §6.2: what is announced as node#ver can be asked for under that name. */
static bool
is_caps_node(struct ear *ear, const char *node)
{
	size_t length = strlen(EAR_CAPS_NODE);

	return strncmp(node, EAR_CAPS_NODE, length) == 0 && node[length] == '#' &&
	       strcmp(node + length + 1, ear_caps_ver(ear)) == 0;
}

/* NULL where the request asks for the engine as such. */
static const char *
node_of(const struct ear_in *in)
{
	const char *node = xmpp_stanza_get_attribute(in->payload, "node");

	return node != NULL && *node != '\0' ? node : NULL;
}

static xmpp_stanza_t *
query_new(const struct ear_in *in, const char *ns, const char *node)
{
	xmpp_stanza_t *query = ear_element(ear_ctx(in->ear), "query", ns);

	if (node != NULL)
		ear_set(query, "node", "%s", node);
	return query;
}

/* Consumes the query. */
static enum ear_verdict
end(const struct ear_in *in, enum ear_verdict verdict, xmpp_stanza_t *query)
{
	if (verdict == EAR_DONE)
		return ear_reply(in, query);
	xmpp_stanza_release(query);
	return verdict == EAR_PASS ? EAR_ITEM_NOT_FOUND : verdict;
}

static enum ear_verdict
on_info(const struct ear_in *in)
{
	const struct disco *disco = ear_state(in->ear, &ear_xep_0030);
	enum ear_verdict verdict = EAR_PASS;
	const char *node = node_of(in);
	xmpp_stanza_t *query;

	if (node == NULL || is_caps_node(in->ear, node))
		return ear_reply(in, ear_disco_info(in->ear, node));
	query = query_new(in, EAR_NS_DISCO_INFO, node);
	for (size_t i = 0; i < disco->count && verdict == EAR_PASS; i++)
		if (disco->nodes[i]->info != NULL)
			verdict = disco->nodes[i]->info(in, node, query);
	return end(in, verdict, query);
}

static enum ear_verdict
on_items(const struct ear_in *in)
{
	const struct disco *disco = ear_state(in->ear, &ear_xep_0030);
	enum ear_verdict verdict = EAR_PASS;
	const char *node = node_of(in);
	xmpp_stanza_t *query = query_new(in, EAR_NS_DISCO_ITEMS, node);

	for (size_t i = 0; i < disco->count && (verdict == EAR_PASS || node == NULL); i++)
		if (disco->nodes[i]->items != NULL)
			verdict = disco->nodes[i]->items(in, node, query);
	return end(in, node == NULL ? EAR_DONE : verdict, query);
}

static int
start(struct ear *ear)
{
	ear_set_state(ear, &ear_xep_0030, xep_alloc(sizeof(struct disco)));
	return 0;
}

static void
stop(struct ear *ear)
{
	free(ear_state(ear, &ear_xep_0030));
	ear_set_state(ear, &ear_xep_0030, NULL);
}

static const char *const features[] = { EAR_NS_DISCO_INFO, EAR_NS_DISCO_ITEMS, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_DISCO_INFO, "query", on_info, EAR_VERB_QUERY },
	{ EAR_IQ_GET, EAR_NS_DISCO_ITEMS, "query", on_items, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_0030 = {
	.number = "0030",
	.name = "service discovery",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
