/* SPDX-License-Identifier: ISC */
/* pubsub_node.c: nodes come, are configured, emptied, and go (XEP-0060 §8.1-8.5). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "pubsub.h"

#define REDIRECT_MAX 2047 /* bytes of a URI that a deleted node leaves behind */
#define WHY_MAX      128

static const struct pubsub_refusal no_collections = { EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
						      "collections", NULL };
static const struct pubsub_refusal no_items = { EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
						"persistent-items", NULL };

/* XEP-0248: what else than a leaf is asked for. */
static bool
wants_collection(const struct pubsub_op *op)
{
	const char *type = xmpp_stanza_get_attribute(op->request, "type");

	return type != NULL && strcmp(type, "leaf") != 0;
}

static bool
is_cancelled(xmpp_stanza_t *form)
{
	const char *type = xmpp_stanza_get_type(form);

	return type != NULL && strcmp(type, "cancel") == 0;
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
		pubsub_refuse(op, &no_collections);
	else if (error == -ENOTSUP && strcmp(why, "pubsub#access_model") == 0)
		pubsub_fail(op, EAR_NOT_ACCEPTABLE, "unsupported-access-model", NULL);
	else
		pubsub_fail(op, EAR_NOT_ACCEPTABLE, NULL, text);
}

/* --- create (§8.1) ------------------------------------------------------------------------ */

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
		pubsub_fail(op, EAR_RESOURCE_CONSTRAINT, "max-nodes-exceeded",
			    "there are as many nodes as there may be");
		break;
	default:
		pubsub_fail_store(op, changed->error, changed->text);
	}
}

static void
create_as(struct pubsub_op *op, const struct pubsub_config *config)
{
	char id[17], *text = pubsub_config_text(config);
	const struct ear_change change = { .kind = EAR_CREATE_NODE,
					   .config = text,
					   .jid = op->who };
	struct ear_transaction transaction = { .last = -1, .changes = &change, .count = 1 };

	ear_new_id(id);
	op->arg = xep_strdup(op->node == NULL ? id : op->node);
	op->free_arg = free;
	transaction.node = op->arg;
	pubsub_change(op, &transaction, on_created);
	free(text);
}

static void
create(struct pubsub_op *op, const struct pubsub_view *view)
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
	if (wants_collection(op)) {
		pubsub_refuse(op, &no_collections);
		return;
	}
	if (!find_configuration(op, &form)) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL,
			    "the configuration comes behind, and names no node");
		return;
	}
	if (form != NULL && !is_cancelled(form))
		rc = pubsub_config_submit(&config, form, PUBSUB_CONFIG, &why);
	if (rc != 0)
		pubsub_fail_config(op, rc, why);
	else
		create_as(op, &config);
}

/* --- configure (§8.2, §8.3) --------------------------------------------------------------- */

static bool
is_refused(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct pubsub_refusal *refusal = pubsub_may_own(op, view);

	if (refusal != NULL)
		pubsub_refuse(op, refusal);
	return refusal != NULL;
}

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
	if (!is_refused(op, view))
		reply_form(op, "configure", view->node,
			   pubsub_config_form(op->ear, &view->config, view->node));
}

/* §8.3: of a node that would be created. */
static void
get_default(struct pubsub_op *op, const struct pubsub_view *view)
{
	if (wants_collection(op))
		pubsub_refuse(op, &no_collections);
	else
		reply_form(op, "default", NULL,
			   pubsub_config_form(op->ear, &pubsub_config_default, NULL));
}

/* The answer to every change of a node that is there. */
static void
on_changed(struct pubsub_op *op, const struct ear_changed *changed)
{
	if (changed->error != 0) {
		pubsub_fail_store(op, changed->error, changed->text);
		return;
	}
	ear_info("%s: %s of the node %s", op->from, op->kind->name, op->node);
	pubsub_reply(op, NULL);
}

/* One change of the node, and what is told of it: consumed; NULL: nothing is. */
static void
change_node(struct pubsub_op *op, const struct ear_change *change,
	    const struct pubsub_config *config, char *event, bool wide)
{
	const struct ear_event_draft draft = {
		.audience = EAR_TELL_SUBSCRIBERS,
		.text = event,
		.type = config->message_type,
		.backlog = config->backlog,
		.wide = wide,
	};
	struct ear_transaction transaction = {
		.last = -1,
		.changes = change,
		.count = 1,
		.events = &draft,
		.event_count = event != NULL,
	};

	pubsub_change(op, &transaction, on_changed);
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
configure_as(struct pubsub_op *op, const struct pubsub_config *config)
{
	char *text = pubsub_config_text(config);
	const struct ear_change change = { .kind = EAR_CONFIGURE_NODE,
					   .config = text,
					   .keep = pubsub_config_keep(config) };

	change_node(op, &change, config, configured_event(op, config),
		    pubsub_config_is_wide(config));
	free(text);
}

static void
configure(struct pubsub_op *op, const struct pubsub_view *view)
{
	xmpp_stanza_t *form = ear_find(op->request, "x", EAR_NS_DATA);
	struct pubsub_config config = view->config;
	const char *why;
	int rc;

	if (is_refused(op, view))
		return;
	if (form == NULL) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL, "there is no form");
		return;
	}
	if (is_cancelled(form)) { /* §8.2.4 */
		pubsub_reply(op, NULL);
		return;
	}
	rc = pubsub_config_submit(&config, form, PUBSUB_CONFIG, &why);
	if (rc != 0)
		pubsub_fail_config(op, rc, why);
	else
		configure_as(op, &config);
}

/* --- delete (§8.4) ------------------------------------------------------------------------ */

/* RFC 3986 §3: a scheme, and something behind it. What is told to others holds nothing else. */
static bool
is_uri(const char *text)
{
	size_t scheme = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+.-");

	if (scheme == 0 || text[scheme] != ':' || text[scheme + 1] == '\0')
		return false;
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if (*c <= ' ' || *c == 0x7f)
			return false;
	return strlen(text) <= REDIRECT_MAX;
}

static char *
deleted_event(struct pubsub_op *op, const struct pubsub_config *config, const char *redirect)
{
	if (!config->deliver_notifications || !config->notify_delete)
		return NULL;
	return pubsub_event_delete(op->ear, op->node, redirect);
}

static void delete (struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct ear_change change = { .kind = EAR_DELETE_NODE };
	xmpp_stanza_t *redirect = ear_find(op->request, "redirect", EAR_NS_PUBSUB_OWNER);
	const char *uri = redirect == NULL ? NULL : xmpp_stanza_get_attribute(redirect, "uri");

	if (is_refused(op, view))
		return;
	if (redirect != NULL && (uri == NULL || !is_uri(uri))) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL, "it redirects to no URI");
		return;
	}
	/* Once it is gone nobody can say whom else than its subscribers it would have let in. */
	change_node(op, &change, &view->config, deleted_event(op, &view->config, uri),
		    view->config.access_model == PUBSUB_OPEN);
}

/* --- purge (§8.5) ------------------------------------------------------------------------- */

static void
purge(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct ear_change change = { .kind = EAR_PURGE_NODE };
	const struct pubsub_config *config = &view->config;
	char *event = NULL;

	if (is_refused(op, view))
		return;
	if (!config->persist_items) {
		pubsub_refuse(op, &no_items);
		return;
	}
	if (config->deliver_notifications && config->notify_retract)
		event = pubsub_event_purge(op->ear, op->node);
	change_node(op, &change, config, event, pubsub_config_is_wide(config));
}

const struct pubsub_kind pubsub_kinds_node[] = {
	{ true, EAR_NS_PUBSUB, "create", PUBSUB_NEEDS_NOTHING, create },
	{ false, EAR_NS_PUBSUB_OWNER, "configure", PUBSUB_NEEDS_NODE, get_configuration },
	{ true, EAR_NS_PUBSUB_OWNER, "configure", PUBSUB_NEEDS_NODE, configure },
	{ false, EAR_NS_PUBSUB_OWNER, "default", PUBSUB_NEEDS_NOTHING, get_default },
	{ true, EAR_NS_PUBSUB_OWNER, "delete", PUBSUB_NEEDS_NODE, delete },
	{ true, EAR_NS_PUBSUB_OWNER, "purge", PUBSUB_NEEDS_NODE, purge },
	{ 0 },
};
