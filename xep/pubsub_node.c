/* SPDX-License-Identifier: ISC */
/* pubsub_node.c: nodes are configured (XEP-0060 §8.2, §8.3) and emptied (§8.5). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "pubsub_node.h"

#define WHY_MAX 128

const struct pubsub_refusal pubsub_no_collections = { EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
						      "collections", NULL };
static const struct pubsub_refusal no_items = { EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
						"persistent-items", NULL };

bool
pubsub_wants_collection(const struct pubsub_op *op)
{
	const char *type = xmpp_stanza_get_attribute(op->request, "type");

	return type != NULL && strcmp(type, "leaf") != 0;
}

bool
pubsub_is_cancelled(xmpp_stanza_t *form)
{
	const char *type = xmpp_stanza_get_type(form);

	return type != NULL && strcmp(type, "cancel") == 0;
}

bool
pubsub_refuse_stranger(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct pubsub_refusal *refusal = pubsub_may_own(op, view);

	if (refusal != NULL)
		pubsub_refuse(op, refusal);
	return refusal != NULL;
}

void
pubsub_node_changed(struct pubsub_op *op, const struct ear_changed *changed)
{
	if (changed->error != 0) {
		pubsub_fail_store(op, changed->error, changed->text);
		return;
	}
	/* Configured, purged, deleted. */
	ear_info("%s: %sd the node %s", op->from, op->kind->name, op->node);
	pubsub_reply(op, NULL);
}

static bool
is_of_collections(const char *var)
{
	return strcmp(var, "pubsub#node_type") == 0 || strcmp(var, "pubsub#collection") == 0 ||
	       strcmp(var, "pubsub#children") == 0;
}

void
pubsub_fail_config(struct pubsub_op *op, int error, const char *why)
{
	char text[WHY_MAX + 64];

	if (strlen(why) > WHY_MAX) /* the sender's own word */
		why = "a field";
	snprintf(text, sizeof(text), "%s%s", why,
		 error == -ENOTSUP ? ": that is not supported here" : ": that cannot be taken");
	if (error == -ENOTSUP && is_of_collections(why))
		pubsub_refuse(op, &pubsub_no_collections);
	else if (error == -ENOTSUP && strcmp(why, "pubsub#access_model") == 0)
		pubsub_fail(op, EAR_NOT_ACCEPTABLE, "unsupported-access-model", NULL);
	else
		pubsub_fail(op, EAR_NOT_ACCEPTABLE, NULL, text);
}

/* --- configure (§8.2, §8.3) --------------------------------------------------------------- */

static void
reply_form(struct pubsub_op *op, const char *name, const char *node, xmpp_stanza_t *form)
{
	xmpp_stanza_t *answer = pubsub_answer(op, EAR_NS_PUBSUB_OWNER);
	xmpp_stanza_t *element = ear_child(answer, name, EAR_NS_PUBSUB_OWNER);

	if (node != NULL)
		ear_set(element, "node", "%s", node);
	xmpp_stanza_add_child_ex(element, form, 0);
	pubsub_reply(op, answer);
}

static void
get_configuration(struct pubsub_op *op, const struct pubsub_view *view)
{
	if (!pubsub_refuse_stranger(op, view))
		reply_form(op, "configure", view->node,
			   pubsub_config_form(op->ear, &view->config, view->node));
}

/* §8.3: of a node that would be created. */
static void
get_default(struct pubsub_op *op, const struct pubsub_view *view)
{
	if (pubsub_wants_collection(op))
		pubsub_refuse(op, &pubsub_no_collections);
	else
		reply_form(op, "default", NULL,
			   pubsub_config_form(op->ear, &pubsub_config_default, NULL));
}

/* One change of the node, and what is told of it: consumed; NULL: nothing is. */
static void
change_node(struct pubsub_op *op, const struct ear_change *change,
	    const struct pubsub_config *config, char *event)
{
	const struct ear_event_draft draft = {
		.audience = EAR_TELL_SUBSCRIBERS,
		.text = event,
		.type = config->message_type,
		.backlog = config->backlog,
		.wide = pubsub_config_is_wide(config),
	};
	struct ear_transaction transaction = {
		.changes = change,
		.count = 1,
		.events = &draft,
		.event_count = event != NULL,
	};

	pubsub_change(op, &transaction, pubsub_node_changed);
	free(event);
}

/* §8.2.5.3: with all of it where payloads are told. */
static char *
configured_event(struct pubsub_op *op, const struct pubsub_config *config)
{
	xmpp_stanza_t *form;
	char *event;

	if (!config->deliver_notifications || !config->notify_config)
		return NULL;
	form = config->deliver_payloads ? pubsub_config_result(op->ear, config) : NULL;
	event = pubsub_event_configuration(op->ear, op->node, form);
	if (form != NULL)
		xmpp_stanza_release(form);
	return event;
}

static void
configure_as(struct pubsub_op *op, const struct pubsub_view *view,
	     const struct pubsub_config *config)
{
	char *old = pubsub_config_text(&view->config), *text = pubsub_config_text(config);
	const struct ear_change change = { .kind = EAR_CONFIGURE_NODE,
					   .config = text,
					   .keep = pubsub_config_keep(config) };

	if (strcmp(old, text) == 0) /* nothing has changed that could be told */
		pubsub_reply(op, NULL);
	else
		change_node(op, &change, config, configured_event(op, config));
	free(old);
	free(text);
}

static void
configure(struct pubsub_op *op, const struct pubsub_view *view)
{
	xmpp_stanza_t *form = ear_find(op->request, "x", EAR_NS_DATA);
	struct pubsub_config config = view->config;
	const char *why;
	int rc;

	if (pubsub_refuse_stranger(op, view))
		return;
	if (form == NULL) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL, "there is no form");
		return;
	}
	if (pubsub_is_cancelled(form)) { /* §8.2.4 */
		pubsub_reply(op, NULL);
		return;
	}
	rc = pubsub_config_submit(&config, form, PUBSUB_CONFIG, &why);
	if (rc != 0)
		pubsub_fail_config(op, rc, why);
	else
		configure_as(op, view, &config);
}

/* --- purge (§8.5) ------------------------------------------------------------------------- */

static void
purge(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct ear_change change = { .kind = EAR_PURGE_NODE };
	const struct pubsub_config *config = &view->config;
	char *event = NULL;

	if (pubsub_refuse_stranger(op, view))
		return;
	if (!config->persist_items) {
		pubsub_refuse(op, &no_items);
		return;
	}
	if (config->deliver_notifications && config->notify_retract)
		event = pubsub_event_purge(op->ear, op->node);
	change_node(op, &change, config, event);
}

const struct pubsub_kind pubsub_kinds_node[] = {
	{ true, EAR_NS_PUBSUB, "create", PUBSUB_NEEDS_NOTHING, pubsub_create },
	{ false, EAR_NS_PUBSUB_OWNER, "configure", PUBSUB_NEEDS_NODE, get_configuration },
	{ true, EAR_NS_PUBSUB_OWNER, "configure", PUBSUB_NEEDS_NODE, configure },
	{ false, EAR_NS_PUBSUB_OWNER, "default", PUBSUB_NEEDS_NOTHING, get_default },
	{ true, EAR_NS_PUBSUB_OWNER, "delete", PUBSUB_NEEDS_NODE, pubsub_delete },
	{ true, EAR_NS_PUBSUB_OWNER, "purge", PUBSUB_NEEDS_NODE, purge },
	{ 0 },
};
