/* SPDX-License-Identifier: ISC */
/* pubsub_publish.c: publishing an item (XEP-0060 §7.1), on a node that is made for it where there
 * is none (§7.1.4), and as it is wanted to be (§7.1.5). */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "memory.h"
#include "pubsub_item.h"
#include "pubsub_node.h"

/* An item as it was sent. */
struct publication {
	xmpp_stanza_t *item;    /* NULL: none */
	xmpp_stanza_t *payload; /* NULL: none */
	char id[EAR_ITEM_MAX + 1];
	bool has_id;    /* or one is made */
	char *rendered; /* of the payload; NULL: none */
};

/* --- what is published -------------------------------------------------------------------- */

static const struct pubsub_refusal too_many_items = { EAR_BAD_REQUEST, "max-items-exceeded", NULL,
						      "one item at a time" };
static const struct pubsub_refusal no_item = { EAR_BAD_REQUEST, "item-required", NULL, NULL };
static const struct pubsub_refusal no_payload = { EAR_BAD_REQUEST, "payload-required", NULL, NULL };
static const struct pubsub_refusal item_forbidden = { EAR_BAD_REQUEST, "item-forbidden", NULL,
						      NULL };
static const struct pubsub_refusal not_one_payload = { EAR_BAD_REQUEST, "invalid-payload", NULL,
						       "an item holds one element" };
static const struct pubsub_refusal other_payload = {
	EAR_BAD_REQUEST, "invalid-payload", NULL,
	"its namespace is another one than that of the node (pubsub#type)"
};
static const struct pubsub_refusal unreadable = { EAR_BAD_REQUEST, "invalid-payload", NULL,
						  "its elements cannot be passed on" };
static const struct pubsub_refusal too_big = { EAR_NOT_ACCEPTABLE, "payload-too-big", NULL, NULL };
static const struct pubsub_refusal long_id = { EAR_NOT_ACCEPTABLE, NULL, NULL,
					       "the ItemID is too long" };

static bool
is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

/* The one element in an item; it may also be empty, where that is allowed is judged elsewhere. */
static const struct pubsub_refusal *
read_payload(xmpp_stanza_t *item, xmpp_stanza_t **payload)
{
	for (xmpp_stanza_t *e = xmpp_stanza_get_children(item); e != NULL;
	     e = xmpp_stanza_get_next(e)) {
		if (xmpp_stanza_is_text(e) && !is_blank(xmpp_stanza_get_text_ptr(e)))
			return &not_one_payload;
		if (!xmpp_stanza_is_tag(e))
			continue;
		if (*payload != NULL)
			return &not_one_payload;
		*payload = e;
	}
	return NULL;
}

/* §7.1.1, §7.1.3.7: who publishes without an ItemID gets one. */
static const struct pubsub_refusal *
read_id(struct publication *publication)
{
	const char *id = xmpp_stanza_get_id(publication->item);

	publication->has_id = id != NULL && *id != '\0';
	if (!publication->has_id)
		ear_new_id(publication->id);
	else if (strlen(id) > EAR_ITEM_MAX)
		return &long_id;
	else
		memcpy(publication->id, id, strlen(id) + 1);
	return NULL;
}

/* §7.1.3.7: what the node's kind of event wants, and does not want. */
static const struct pubsub_refusal *
check_presence(const struct publication *publication, const struct pubsub_config *config)
{
	if (publication->item == NULL && config->persist_items)
		return &no_item;
	if (publication->payload == NULL && config->deliver_payloads)
		return &no_payload;
	if (publication->item != NULL && !config->persist_items && !config->deliver_payloads)
		return &item_forbidden;
	return NULL;
}

/* §7.1.3.6. The type need not be a namespace (§5.4); without a colon it is none. */
static const struct pubsub_refusal *
check_namespace(const struct publication *publication, const struct pubsub_config *config)
{
	const char *ns = xmpp_stanza_get_ns(publication->payload);

	if (config->atom || strchr(config->type, ':') == NULL)
		return NULL;
	return ns != NULL && strcmp(ns, config->type) == 0 ? NULL : &other_payload;
}

/* Rendered once, for the store and for all who are told; it must be one that others can read. */
static const struct pubsub_refusal *
render(struct pubsub_op *op, struct publication *publication, const struct pubsub_config *config)
{
	size_t max = config->max_payload < EAR_PAYLOAD_MAX ? config->max_payload : EAR_PAYLOAD_MAX;
	xmpp_stanza_t *back;

	publication->rendered = ear_render(publication->payload, max);
	if (publication->rendered == NULL)
		return &too_big;
	back = ear_parse(ear_ctx(op->ear), publication->rendered);
	if (back == NULL)
		return &unreadable;
	xmpp_stanza_release(back);
	return NULL;
}

/* NULL: it may be published on such a node. */
static const struct pubsub_refusal *
read_publication(struct pubsub_op *op, struct publication *publication,
		 const struct pubsub_config *config)
{
	const struct pubsub_refusal *why = NULL;

	if (pubsub_item_count(op->request, &publication->item) > 1)
		return &too_many_items;
	if (publication->item != NULL)
		why = read_payload(publication->item, &publication->payload);
	if (why == NULL)
		why = check_presence(publication, config);
	if (why == NULL && publication->item != NULL)
		why = read_id(publication);
	if (why != NULL || publication->payload == NULL)
		return why;
	why = check_namespace(publication, config);
	return why != NULL ? why : render(op, publication, config);
}

/* RFC 4287 and XEP-0472, which say more than that it is no such payload. */
static bool
check_feed(struct pubsub_op *op, const struct publication *publication,
	   const struct pubsub_config *config)
{
	const char *fault = NULL;

	if (publication->payload != NULL && config->atom)
		fault = pubsub_feed_fault(publication->payload, config->type, publication->id);
	if (fault != NULL)
		pubsub_fail(op, EAR_BAD_REQUEST, "invalid-payload", fault);
	return fault == NULL;
}

/* --- options (§7.1.5) --------------------------------------------------------------------- */

/* The form of preconditions; NULL: there are none. An empty element is what some clients send
 * where there are none. */
static xmpp_stanza_t *
options_of(const struct pubsub_op *op)
{
	xmpp_stanza_t *options = ear_find(op->pubsub_element, "publish-options", EAR_NS_PUBSUB);

	return options == NULL ? NULL : ear_find(options, "x", EAR_NS_DATA);
}

/* A node that exists is as it is; one that is made for it becomes as they say. */
static bool
check_options(struct pubsub_op *op, const struct pubsub_view *view, struct pubsub_config *config)
{
	xmpp_stanza_t *form = options_of(op);
	const char *why = NULL;
	int rc = 0;

	if (form == NULL)
		return true;
	if (view->exists)
		rc = pubsub_config_holds(config, form, &why) ? 0 : -ENOTSUP;
	else
		rc = pubsub_config_submit(config, form, PUBSUB_PUBLISH, &why);
	if (rc == -EINVAL)
		pubsub_fail(op, EAR_BAD_REQUEST, "invalid-options", why);
	else if (rc != 0)
		pubsub_fail(op, EAR_CONFLICT, "precondition-not-met", why);
	return rc == 0;
}

/* --- publishing --------------------------------------------------------------------------- */

/* §7.1.2: with the id of an item that was sent without one. */
static void
reply_published(struct pubsub_op *op)
{
	xmpp_stanza_t *pubsub = pubsub_answer(op, EAR_NS_PUBSUB), *publish;

	publish = ear_child(pubsub, "publish", EAR_NS_PUBSUB);
	ear_set(publish, "node", "%s", op->node);
	if (op->arg != NULL)
		xmpp_stanza_set_id(ear_child(publish, "item", EAR_NS_PUBSUB), op->arg);
	pubsub_reply(op, pubsub);
}

/* His, as he gave it, and by this request: not from before, nor by another one of his that is the
 * same. */
static bool
is_that_item(struct pubsub_op *op, const struct ear_stored *row)
{
	xmpp_stanza_t *item, *payload = NULL;
	char *text = NULL;
	bool same;

	if (row->mark != op->mark || row->at < op->at || row->publisher == NULL ||
	    (strcmp(row->publisher, op->who) != 0 && strcmp(row->publisher, op->from) != 0))
		return false;
	pubsub_item_count(op->request, &item);
	if (read_payload(item, &payload) == NULL && payload != NULL)
		text = ear_render(payload, EAR_PAYLOAD_MAX);
	same = strcmp(row->payload == NULL ? "" : row->payload, text == NULL ? "" : text) == 0;
	free(text);
	return same;
}

static void
on_looked(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	if (answer->error == 0 && answer->count > 0 && is_that_item(op, &answer->rows[0]))
		reply_published(op);
	else
		pubsub_fail_store(op, -ECONNRESET, answer->text);
}

/* The database was lost while it was being written. Whether it is there is known when that is back:
 * those who are told are so in any case, since that was written with it. An item that is not there
 * may be yet, or may have gone again. False: it is none that could be. */
static bool
look_for_it(struct pubsub_op *op)
{
	xmpp_stanza_t *item = NULL;
	const char *id = op->arg;
	struct ear_query query = {
		.kind = EAR_QUERY_ITEMS, .node = op->node, .ids = &id, .id_count = 1
	};

	pubsub_item_count(op->request, &item);
	if (item == NULL)
		return false;
	if (id == NULL)
		id = xmpp_stanza_get_id(item);
	pubsub_query_now(op, &query, on_looked);
	return true;
}

static void
on_published(struct pubsub_op *op, const struct ear_changed *changed)
{
	if (pubsub_not_created(changed->error) != NULL)
		pubsub_refuse(op, pubsub_not_created(changed->error));
	else if (changed->error == 0)
		reply_published(op);
	else if (changed->error != -ECONNRESET || !look_for_it(op))
		pubsub_fail_store(op, changed->error, changed->text);
}

/* §7.1.2.3: the bare address of somebody who is listed, of others the full one. */
static const char *
publisher_of(const struct pubsub_op *op, const struct pubsub_view *view)
{
	return !view->exists || view->affiliation == EAR_PUBLISHER ||
			       view->affiliation == EAR_PUBLISH_ONLY ||
			       view->affiliation == EAR_OWNER
		       ? op->who
		       : op->from;
}

/* All of it at once: a node that is missing, the item where it is kept, and who is told. */
static void
put(struct pubsub_op *op, const struct pubsub_view *view, const struct pubsub_config *config,
    const struct publication *publication)
{
	const char *publisher = publisher_of(op, view);
	const char *id = publication->item == NULL ? NULL : publication->id;
	const char *payload = publication->rendered == NULL ? "" : publication->rendered;
	const struct pubsub_item item = { .id = id, .payload = payload, .publisher = publisher };
	char *text = pubsub_event_items(op->ear, op->node, &item, id == NULL ? 0 : 1,
					config->deliver_payloads);
	char *config_text = view->exists ? NULL : pubsub_config_text(config);
	const struct ear_event_draft event = {
		.audience = EAR_TELL_SUBSCRIBERS,
		.item = id,
		.text = text,
		.type = config->message_type,
		.backlog = config->backlog,
		.wide = pubsub_config_is_wide(config),
	};
	struct ear_change changes[2];
	struct ear_transaction transaction = {
		.changes = changes,
		.events = &event,
		.event_count = config->deliver_notifications ? 1 : 0,
	};

	if (!view->exists)
		changes[transaction.count++] = pubsub_creation(op, config_text);
	if (config->persist_items)
		changes[transaction.count++] =
			(struct ear_change){ .kind = EAR_PUT_ITEM,
					     .item = id,
					     .payload = payload,
					     .jid = publisher,
					     .keep = pubsub_config_keep(config),
					     .mark = op->mark };
	op->at = time(NULL);
	pubsub_change(op, &transaction, on_published);
	free(config_text);
	free(text);
}

static void
publish(struct pubsub_op *op, const struct pubsub_view *view, const struct pubsub_config *config)
{
	struct publication publication = { NULL };
	const struct pubsub_refusal *why = read_publication(op, &publication, config);

	if (why != NULL) {
		pubsub_refuse(op, why);
	} else if (check_feed(op, &publication, config)) {
		op->arg = publication.item == NULL || publication.has_id
				  ? NULL
				  : xep_strdup(publication.id);
		op->free_arg = free;
		put(op, view, config, &publication);
	}
	free(publication.rendered);
}

void
pubsub_publish(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct pubsub_refusal *why =
		view->exists ? pubsub_may_publish(op, view) : pubsub_may_create(op);
	struct pubsub_config config = view->exists ? view->config : pubsub_config_default;

	if (why != NULL)
		pubsub_refuse(op, why);
	else if (check_options(op, view, &config))
		publish(op, view, &config);
}
