/* SPDX-License-Identifier: ISC */
/* 0030-disco.c: service discovery (XEP-0030), with the node that entity capabilities announce. */
#include <assert.h>
#include <string.h>

#include <earshot/ear.h>

#include "disco.h"
#include "memory.h"

extern const struct ear_xep ear_xep_0030;

/* A request that some of those who were asked will answer. */
struct request {
	struct disco *disco;
	struct request *next;
	struct ear_hold *hold;
	xmpp_stanza_t *query;
	enum ear_verdict verdict; /* of the first who refuses */
	size_t waiting;
};

/* One of them. */
struct disco_later {
	struct request *request;
	struct disco_later *next;
	void (*drop)(void *arg);
	void *arg;
};

struct disco {
	const struct disco_nodes *nodes[DISCO_NODES_MAX];
	size_t count;
	struct request *asking; /* the one that is being asked about now; NULL: it is not held */
	struct request *requests;
	struct disco_later *laters;
	size_t later_count;
};

void
disco_add(struct ear *ear, const struct disco_nodes *nodes)
{
	struct disco *disco = ear_state(ear, &ear_xep_0030);

	assert(disco->count < DISCO_NODES_MAX);
	disco->nodes[disco->count++] = nodes;
}

/* --- answers that come later -------------------------------------------------------------- */

struct disco_later *
disco_later(const struct ear_in *in, xmpp_stanza_t *query, void (*drop)(void *arg), void *arg)
{
	struct disco *disco = ear_state(in->ear, &ear_xep_0030);
	struct request *request = disco->asking;
	struct disco_later *later;

	if (disco->later_count >= DISCO_LATER_MAX)
		return NULL;
	if (request == NULL) {
		request = xep_alloc(sizeof(*request));
		request->disco = disco;
		request->hold = ear_hold(in);
		request->query = xmpp_stanza_clone(query);
		request->verdict = EAR_DONE;
		request->next = disco->requests;
		disco->requests = disco->asking = request;
	}
	request->waiting++;
	disco->later_count++;
	later = xep_alloc(sizeof(*later));
	*later = (struct disco_later){ request, disco->laters, drop, arg };
	disco->laters = later;
	return later;
}

/* Its hold is answered. */
static void
request_free(struct request *request)
{
	struct request **place = &request->disco->requests;

	while (*place != request)
		place = &(*place)->next;
	*place = request->next;
	xmpp_stanza_release(request->query);
	free(request);
}

static void
later_free(struct disco *disco, struct disco_later *later)
{
	struct disco_later **place = &disco->laters;

	while (*place != later)
		place = &(*place)->next;
	*place = later->next;
	disco->later_count--;
	free(later);
}

void
disco_answer(struct disco_later *later, enum ear_verdict verdict, xmpp_stanza_t *query)
{
	struct request *request = later->request;

	if (query != NULL) {
		xmpp_stanza_release(request->query);
		request->query = query;
	}
	later_free(request->disco, later);
	if (request->verdict == EAR_DONE)
		request->verdict = verdict;
	if (--request->waiting > 0)
		return;
	if (request->verdict == EAR_DONE)
		ear_hold_reply(request->hold, xmpp_stanza_clone(request->query));
	else
		ear_hold_fail(request->hold, request->verdict, NULL);
	request_free(request);
}

/* --- requests ----------------------------------------------------------------------------- */

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
	struct disco *disco = ear_state(in->ear, &ear_xep_0030);

	if (disco->asking != NULL) {
		if (verdict != EAR_PASS)
			disco->asking->verdict = verdict;
		disco->asking = NULL;
		xmpp_stanza_release(query);
		return EAR_DONE;
	}
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

/* Of the engine itself all add their own, unless one refuses. */
static bool
may_go_on(enum ear_verdict verdict, const char *node)
{
	return verdict == EAR_PASS || (node == NULL && verdict == EAR_DONE);
}

static enum ear_verdict
on_items(const struct ear_in *in)
{
	const struct disco *disco = ear_state(in->ear, &ear_xep_0030);
	enum ear_verdict verdict = EAR_PASS;
	const char *node = node_of(in);
	xmpp_stanza_t *query = query_new(in, EAR_NS_DISCO_ITEMS, node);

	for (size_t i = 0; i < disco->count && may_go_on(verdict, node); i++)
		if (disco->nodes[i]->items != NULL)
			verdict = disco->nodes[i]->items(in, node, query);
	return end(in, node == NULL && verdict == EAR_PASS ? EAR_DONE : verdict, query);
}

static int
start(struct ear *ear)
{
	ear_set_state(ear, &ear_xep_0030, xep_alloc(sizeof(struct disco)));
	return 0;
}

/* The engine has answered what was held. */
static void
stop(struct ear *ear)
{
	struct disco *disco = ear_state(ear, &ear_xep_0030);

	while (disco->laters != NULL) {
		disco->laters->drop(disco->laters->arg);
		later_free(disco, disco->laters);
	}
	while (disco->requests != NULL)
		request_free(disco->requests);
	free(disco);
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
