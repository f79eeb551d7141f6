/* SPDX-License-Identifier: ISC */
/* pubsub_item.c: the kinds of requests about items, and deleting one (XEP-0060 §7.2). */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "pubsub_item.h"

const struct pubsub_kind pubsub_kinds_item[] = {
	{ true, EAR_NS_PUBSUB, "publish", PUBSUB_NEEDS_NAME, pubsub_publish },
	{ true, EAR_NS_PUBSUB, "retract", PUBSUB_NEEDS_NODE, pubsub_retract },
	{ false, EAR_NS_PUBSUB, "items", PUBSUB_NEEDS_NODE, pubsub_items },
	{ 0 },
};

size_t
pubsub_item_count(xmpp_stanza_t *request, xmpp_stanza_t **first)
{
	size_t count = 0;

	*first = NULL;
	for (xmpp_stanza_t *e = ear_first(request); e != NULL; e = ear_next(e)) {
		if (!ear_is(e, "item", EAR_NS_PUBSUB))
			continue;
		if (count++ == 0)
			*first = e;
	}
	return count;
}

/* --- retract (§7.2) ----------------------------------------------------------------------- */

/* What the answer of the store is waited for with. */
struct retraction {
	char *id;
	bool tell, wide;
	const char *type; /* of the messages */
	size_t backlog;
};

static void
retraction_free(void *arg)
{
	struct retraction *retraction = arg;

	free(retraction->id);
	free(retraction);
}

/* §7.2.2.1: by the request, or by the node's configuration. */
static bool
is_told(const struct pubsub_op *op, const struct pubsub_config *config)
{
	const char *notify = xmpp_stanza_get_attribute(op->request, "notify");

	if (!config->deliver_notifications)
		return false;
	return config->notify_retract ||
	       (notify != NULL && (strcmp(notify, "true") == 0 || strcmp(notify, "1") == 0));
}

static const struct pubsub_refusal no_items = { EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
						"persistent-items",
						"this node does not keep its items" };
static const struct pubsub_refusal no_item = { EAR_BAD_REQUEST, "item-required", NULL,
					       "an <item/> with an id is wanted" };
static const struct pubsub_refusal several = { EAR_BAD_REQUEST, NULL, NULL, "one item at a time" };
static const struct pubsub_refusal not_there = { EAR_ITEM_NOT_FOUND, NULL, NULL,
						 "there is no such item" };
static const struct pubsub_refusal not_his = { EAR_FORBIDDEN, NULL, NULL,
					       "another has published that item" };

static const struct pubsub_refusal *
read_retraction(const struct pubsub_op *op, const struct pubsub_view *view, const char **id)
{
	const struct pubsub_refusal *why = pubsub_may_own(op, view);
	xmpp_stanza_t *item;
	size_t count = pubsub_item_count(op->request, &item);

	if (why != NULL)
		why = pubsub_may_publish(op, view);
	if (why != NULL)
		return why;
	if (!view->config.persist_items)
		return &no_items;
	*id = item == NULL ? NULL : xmpp_stanza_get_id(item);
	if (*id == NULL || **id == '\0')
		return &no_item;
	if (count > 1)
		return &several;
	return strlen(*id) > EAR_ITEM_MAX ? &not_there : NULL;
}

static void
on_retracted(struct pubsub_op *op, const struct ear_changed *changed)
{
	if (changed->error == 0)
		pubsub_reply(op, NULL);
	else if (changed->error == -ENODATA)
		pubsub_refuse(op, &not_there);
	else if (changed->error == -EPERM)
		pubsub_refuse(op, &not_his);
	else
		pubsub_fail_store(op, changed->error, changed->text);
}

/* Who owns the node deletes everything; others what they themselves have published (§4.1). */
static void
retract(struct pubsub_op *op, const struct retraction *retraction, bool owns)
{
	const char *const ids[] = { retraction->id };
	const struct ear_change change = { .kind = EAR_REMOVE_ITEM,
					   .item = retraction->id,
					   .jid = owns ? NULL : op->who };
	char *text = pubsub_event_retract(op->ear, op->node, ids, 1);
	const struct ear_event_draft event = {
		.audience = EAR_TELL_SUBSCRIBERS,
		.item = retraction->id,
		.text = text,
		.type = retraction->type,
		.backlog = retraction->backlog,
		.wide = retraction->wide,
	};
	struct ear_transaction transaction = {
		.changes = &change,
		.count = 1,
		.events = &event,
		.event_count = retraction->tell ? 1 : 0,
	};

	pubsub_change(op, &transaction, on_retracted);
	free(text);
}

static struct retraction *
retraction_new(const struct pubsub_op *op, const struct pubsub_view *view, const char *id)
{
	struct retraction *retraction = xep_alloc(sizeof(*retraction));

	retraction->id = xep_strdup(id);
	retraction->tell = is_told(op, &view->config);
	retraction->wide = pubsub_config_is_wide(&view->config);
	retraction->type = view->config.message_type;
	retraction->backlog = view->config.backlog;
	return retraction;
}

void
pubsub_retract(struct pubsub_op *op, const struct pubsub_view *view)
{
	const char *id;
	const struct pubsub_refusal *why = read_retraction(op, view, &id);

	if (why != NULL) {
		pubsub_refuse(op, why);
		return;
	}
	op->arg = retraction_new(op, view, id);
	op->free_arg = retraction_free;
	retract(op, op->arg, pubsub_may_own(op, view) == NULL);
}
