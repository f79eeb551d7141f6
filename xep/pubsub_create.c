/* SPDX-License-Identifier: ISC */
/* pubsub_create.c: nodes come, by name or at once, with a configuration or as by default (XEP-0060
 * §8.1). */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "pubsub_node.h"

/* §8.1.3: the configuration comes behind, and names no node. false: it does not. */
static bool
find_configuration(struct pubsub_op *op, xmpp_stanza_t **form)
{
	xmpp_stanza_t *configure = NULL;

	*form = NULL;
	for (xmpp_stanza_t *e = ear_first(op->pubsub_element); e != op->request; e = ear_next(e))
		if (ear_is(e, "configure", EAR_NS_PUBSUB))
			return false;
	for (xmpp_stanza_t *e = ear_next(op->request); e != NULL; e = ear_next(e)) {
		if (!ear_is(e, "configure", EAR_NS_PUBSUB))
			continue;
		if (configure != NULL || xmpp_stanza_get_attribute(e, "node") != NULL)
			return false;
		configure = e;
	}
	if (configure != NULL)
		*form = ear_find(configure, "x", EAR_NS_DATA);
	return true;
}

/* Whoever is trusted may create as many as there is room for. */
struct ear_change
pubsub_creation(const struct pubsub_op *op, const char *config)
{
	return (struct ear_change){
		.kind = EAR_CREATE_NODE,
		.config = config,
		.jid = op->who,
		.keep = op->level >= EAR_TRUSTED ? 0 : ear_nodes_per_owner(op->ear),
	};
}

/* <max-nodes-exceeded/> is in the schema of errors alone. What is one's own doing is a violation of
 * policy, as too many subscriptions are (§6.1.3.9). */
const struct pubsub_refusal *
pubsub_not_created(int error)
{
	static const struct pubsub_refusal all = { EAR_RESOURCE_CONSTRAINT, "max-nodes-exceeded",
						   NULL,
						   "there are as many nodes as there may be" };
	static const struct pubsub_refusal his = { EAR_POLICY_VIOLATION, "max-nodes-exceeded", NULL,
						   "you have created as many nodes as one may" };

	return error == -EDQUOT ? &all : error == -EMLINK ? &his : NULL;
}

static void
on_created(struct pubsub_op *op, const struct ear_changed *changed)
{
	xmpp_stanza_t *answer = NULL, *create;

	switch (changed->error) {
	case 0:
		ear_info("%s: created the node %s", op->from, (const char *)op->arg);
		/* §8.1.1: what it is called when that was left to us. */
		if (op->node == NULL) {
			answer = pubsub_answer(op, EAR_NS_PUBSUB);
			create = ear_child(answer, "create", EAR_NS_PUBSUB);
			ear_set(create, "node", "%s", (const char *)op->arg);
		}
		pubsub_reply(op, answer);
		break;
	case -EEXIST:
		pubsub_fail(op, EAR_CONFLICT, NULL, NULL);
		break;
	case -EDQUOT:
	case -EMLINK:
		pubsub_refuse(op, pubsub_not_created(changed->error));
		break;
	default:
		pubsub_fail_store(op, changed->error, changed->text);
	}
}

static void
create_as(struct pubsub_op *op, const struct pubsub_config *config)
{
	char id[17], *text = pubsub_config_text(config);
	const struct ear_change change = pubsub_creation(op, text);
	struct ear_transaction transaction = { .changes = &change, .count = 1 };

	ear_new_id(id);
	op->arg = xep_strdup(op->node == NULL ? id : op->node);
	op->free_arg = free;
	transaction.node = op->arg;
	pubsub_change(op, &transaction, on_created);
	free(text);
}

void
pubsub_create(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct pubsub_refusal *refusal = pubsub_may_create(op);
	struct pubsub_config config = pubsub_config_default;
	const char *why;
	xmpp_stanza_t *form;
	int rc = 0;

	if (refusal != NULL) {
		pubsub_refuse(op, refusal);
		return;
	}
	if (view != NULL && view->exists) {
		pubsub_fail(op, EAR_CONFLICT, NULL, NULL);
		return;
	}
	if (pubsub_wants_collection(op)) {
		pubsub_refuse(op, &pubsub_no_collections);
		return;
	}
	if (!find_configuration(op, &form)) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL,
			    "the configuration comes behind, and names no node");
		return;
	}
	if (form != NULL && !pubsub_is_cancelled(form))
		rc = pubsub_config_submit(&config, form, PUBSUB_CONFIG, &why);
	if (rc != 0)
		pubsub_fail_config(op, rc, why);
	else
		create_as(op, &config);
}
