/* SPDX-License-Identifier: ISC */
/* 0030-disco.c: service discovery (XEP-0030), with the node that entity capabilities announce. */
#include <string.h>

#include <earshot/ear.h>

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

static enum ear_verdict
on_info(const struct ear_in *in)
{
	const char *node = node_of(in);

	if (node != NULL && !is_caps_node(in->ear, node))
		return EAR_ITEM_NOT_FOUND;
	return ear_reply(in, ear_disco_info(in->ear, node));
}

static enum ear_verdict
on_items(const struct ear_in *in)
{
	if (node_of(in) != NULL)
		return EAR_ITEM_NOT_FOUND;
	return ear_reply(in, ear_element(ear_ctx(in->ear), "query", EAR_NS_DISCO_ITEMS));
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
};
