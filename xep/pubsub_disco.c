/* SPDX-License-Identifier: ISC */
/* pubsub_disco.c: what the service is, and what a node is (XEP-0060 §5.1, §5.3, §5.4). */
#include <errno.h>
#include <stdio.h>

#include "forms.h"
#include "memory.h"
#include "pubsub_disco_impl.h"
#include "rsm.h"

/* --- who asks ----------------------------------------------------------------------------- */

struct disco_ask *
disco_ask_new(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	struct disco_ask *ask = xep_alloc(sizeof(*ask));
	struct pubsub_op *op = &ask->op;
	char bare[EAR_JID_SIZE];

	op->ear = in->ear;
	op->from = xep_strdup(in->from);
	op->who = xep_strdup(ear_jid_bare(in->from, bare, sizeof(bare)) == 0 ? bare : in->from);
	op->to = in->to == NULL ? NULL : xep_strdup(in->to);
	op->node = node == NULL ? NULL : xep_strdup(node);
	op->level = in->level;
	op->link = in->link;
	op->may_publish = ear_may(in, EAR_VERB_PUBLISH);
	op->may_subscribe = ear_may(in, EAR_VERB_SUBSCRIBE);
	op->may_own = ear_may(in, EAR_VERB_ADMIN);
	ask->store = ear_store(in->ear);
	ask->later = disco_later(in, query, disco_ask_free, ask);
	ask->query = query;
	if (ask->later != NULL)
		return ask;
	disco_ask_free(ask);
	return NULL;
}

void
disco_ask_free(void *arg)
{
	struct disco_ask *ask = arg;

	ear_store_forget(ask->store, ask);
	for (size_t i = 0; i < ask->affiliation_count; i++)
		free(ask->affiliations[i].node);
	for (size_t i = 0; i < ask->entry_count; i++) {
		free(ask->entries[i].id);
		free(ask->entries[i].name);
	}
	free(ask->affiliations);
	free(ask->entries);
	free(ask->after);
	free(ask->before);
	free(ask->op.from);
	free(ask->op.who);
	free(ask->op.to);
	free(ask->op.node);
	free(ask);
}

void
disco_ask_end(struct disco_ask *ask, enum ear_verdict verdict, xmpp_stanza_t *query)
{
	disco_answer(ask->later, verdict, query);
	disco_ask_free(ask);
}

void
disco_ask_fail(struct disco_ask *ask, const struct ear_stored_answer *answer)
{
	if (answer->error == -ENOENT) {
		disco_ask_end(ask, EAR_ITEM_NOT_FOUND, NULL);
		return;
	}
	ear_warn("%s: service discovery: %s", ask->op.from, answer->text);
	disco_ask_end(ask, EAR_INTERNAL_SERVER_ERROR, NULL);
}

void
disco_view_of(struct pubsub_view *view, const struct ear_stored_answer *answer)
{
	const struct ear_stored *row = &answer->rows[0];

	*view = (struct pubsub_view){
		.node = row->node,
		.exists = true,
		.config = pubsub_config_default,
		.creator = row->creator,
		.epoch = row->epoch,
		.created_at = row->created_at,
		.items = row->items,
		.subscribers = row->subscribers,
		.affiliation = row->affiliation,
		.contact = row->contact,
		.subscriptions = row + 1,
		.subscription_count = answer->count - 1,
	};
	pubsub_config_read(&view->config, row->config == NULL ? "" : row->config);
}

bool
disco_is_hidden(const struct disco_ask *ask, const struct pubsub_config *config,
		enum ear_affiliation affiliation)
{
	const struct pubsub_view view = { .affiliation = affiliation };

	affiliation = pubsub_affiliation(&ask->op, &view);
	return affiliation == EAR_OUTCAST ||
	       (config->access_model == PUBSUB_WHITELIST && affiliation == EAR_AFFILIATION_NONE);
}

/* --- meta-data (§5.4) --------------------------------------------------------------------- */

/* A field of a result; value NULL: none yet. */
static xmpp_stanza_t *
add_field(xmpp_stanza_t *form, const char *var, const char *type, const char *label,
	  const char *value)
{
	xmpp_stanza_t *field = ear_child(form, "field", EAR_NS_DATA);

	ear_set(field, "var", "%s", var);
	ear_set(field, "type", "%s", type);
	if (label != NULL)
		ear_set(field, "label", "%s", label);
	if (value != NULL)
		ear_child_text(field, "value", EAR_NS_DATA, value);
	return field;
}

static void
add_text(xmpp_stanza_t *form, const char *var, const char *label, const char *value)
{
	if (*value != '\0')
		add_field(form, var, "text-single", label, value);
}

static void
add_number(xmpp_stanza_t *form, const char *var, const char *label, size_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", value);
	add_field(form, var, "text-single", label, text);
}

static void
add_date(xmpp_stanza_t *form, int64_t at)
{
	char text[EAR_STAMP_SIZE];

	if (at > 0 && ear_stamp(at, text))
		add_text(form, "pubsub#creation_date", "Creation date", text);
}

static const char *
publishers_name(enum pubsub_publishers publishers)
{
	switch (publishers) {
	case PUBSUB_BY_PUBLISHERS:
		return "publishers";
	case PUBSUB_BY_SUBSCRIBERS:
		return "subscribers";
	case PUBSUB_BY_ANYONE:
		return "open";
	case PUBSUB_PUBLISHERS_COUNT:
		break;
	}
	return "publishers";
}

static xmpp_stanza_t *
add_meta(xmpp_stanza_t *query, const struct pubsub_view *view)
{
	const struct pubsub_config *config = &view->config;
	xmpp_stanza_t *form = ear_child(query, "x", EAR_NS_DATA);

	xmpp_stanza_set_type(form, "result");
	add_field(form, "FORM_TYPE", "hidden", NULL, PUBSUB_META);
	add_text(form, "pubsub#type", "Payload type", config->type);
	if (view->creator != NULL && *view->creator != '\0')
		add_field(form, "pubsub#creator", "jid-single", "Node creator", view->creator);
	add_date(form, view->created_at);
	add_text(form, "pubsub#title", "Title", config->title);
	add_text(form, "pubsub#description", "Description", config->description);
	if (*config->language != '\0')
		add_field(form, "pubsub#language", "list-single", "Language", config->language);
	add_field(form, "pubsub#access_model", "list-single", "Who may subscribe and read",
		  pubsub_access_name(config->access_model));
	add_field(form, "pubsub#publish_model", "list-single", "Who may publish",
		  publishers_name(config->publish_model));
	add_number(form, "pubsub#max_items", "How many items it holds at most", config->max_items);
	add_number(form, "pubsub#num_subscribers", "Number of subscribers", view->subscribers);
	return form;
}

static void
add_people(xmpp_stanza_t *form, const char *var, const char *label,
	   enum ear_affiliation affiliation, const struct ear_stored_answer *answer)
{
	xmpp_stanza_t *field = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		if (answer->rows[i].affiliation != affiliation)
			continue;
		if (field == NULL)
			field = add_field(form, var, "jid-multi", label, NULL);
		ear_child_text(field, "value", EAR_NS_DATA, answer->rows[i].jid);
	}
}

static void
on_people(void *arg, const struct ear_stored_answer *answer)
{
	struct disco_ask *ask = arg;

	if (answer->error != 0) {
		disco_ask_fail(ask, answer);
		return;
	}
	add_people(ask->form, "pubsub#owner", "Owners", EAR_OWNER, answer);
	add_people(ask->form, "pubsub#publisher", "Publishers", EAR_PUBLISHER, answer);
	disco_ask_end(ask, EAR_DONE, NULL);
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct disco_ask *ask = arg;
	struct ear_query query = { .kind = EAR_QUERY_AFFILIATIONS, .node = ask->op.node };
	struct pubsub_view view;
	xmpp_stanza_t *identity;
	bool hidden;

	if (answer->error != 0 || answer->count == 0) {
		disco_ask_fail(ask, answer);
		return;
	}
	disco_view_of(&view, answer);
	hidden = disco_is_hidden(ask, &view.config, view.affiliation);
	identity = ear_child(ask->query, "identity", EAR_NS_DISCO_INFO);
	ear_set(identity, "category", "pubsub");
	ear_set(identity, "type", "leaf");
	if (!hidden && *view.config.title != '\0')
		ear_set(identity, "name", "%s", view.config.title);
	ear_set(ear_child(ask->query, "feature", EAR_NS_DISCO_INFO), "var", EAR_NS_PUBSUB);
	/* §5.3: every node can be asked for; what it is about is for those it is for. */
	if (hidden) {
		disco_ask_end(ask, EAR_DONE, NULL);
		return;
	}
	ask->form = add_meta(ask->query, &view);
	ear_store_query(ask->store, &query, on_people, ask);
}

enum ear_verdict
pubsub_disco_info(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	struct disco_ask *ask;
	struct ear_query node_query = { .kind = EAR_QUERY_NODE };

	if (ear_store(in->ear) == NULL || strlen(node) > EAR_NODE_MAX)
		return EAR_PASS;
	ask = disco_ask_new(in, node, query);
	if (ask == NULL)
		return EAR_RESOURCE_CONSTRAINT;
	node_query.node = ask->op.node;
	node_query.who = ask->op.who;
	ear_store_query(ask->store, &node_query, on_node, ask);
	return EAR_DONE;
}
