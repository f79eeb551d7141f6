/* SPDX-License-Identifier: ISC */
/*
 * pubsub_disco_items.c: which nodes there are, and which items (XEP-0060 §5.2, §5.5), page by page
 * where that is asked for (XEP-0059), or where there are more than an answer holds.
 *
 * Before the nodes of the store come those that the engine itself owns: together they are one list.
 */
#include <errno.h>

#include "memory.h"
#include "pubsub_disco_impl.h"
#include "rsm.h"

#define BYTES_MAX ((size_t)96 * 1024) /* of the names of a page */

/* --- entries ------------------------------------------------------------------------------ */

static void
entry_set(struct disco_entry *entry, const char *id, const char *name)
{
	entry->id = xep_strdup(id);
	entry->name = name == NULL || *name == '\0' ? NULL : xep_strdup(name);
}

/* At its end, or before all others. */
static void
add_entry(struct disco_ask *ask, const char *id, const char *name)
{
	struct disco_entry *at;

	ask->bytes += strlen(id) + (name == NULL ? 0 : strlen(name));
	if (ask->entry_count == ask->room) {
		ask->room = ask->room == 0 ? 64 : 2 * ask->room;
		ask->entries =
			xep_check(realloc(ask->entries, ask->room * sizeof(ask->entries[0])));
	}
	at = &ask->entries[ask->entry_count];
	if (ask->back) {
		memmove(&ask->entries[1], &ask->entries[0],
			ask->entry_count * sizeof(ask->entries[0]));
		at = &ask->entries[0];
	}
	ask->entry_count++;
	entry_set(at, id, name);
	ask->full = ask->entry_count >= ask->max || ask->bytes >= BYTES_MAX;
}

/* --- nodes of the engine itself ----------------------------------------------------------- */

static size_t
count_others(const struct disco_ask *ask)
{
	size_t count = 0;

	for (xmpp_stanza_t *e = ear_first(ask->query); e != NULL; e = ear_next(e))
		count++;
	return count;
}

static xmpp_stanza_t *
other(const struct disco_ask *ask, size_t i)
{
	xmpp_stanza_t *e = ear_first(ask->query);

	while (i-- > 0)
		e = ear_next(e);
	return e;
}

static const char *
attribute(xmpp_stanza_t *element, const char *name)
{
	const char *value = xmpp_stanza_get_attribute(element, name);

	return value == NULL ? "" : value;
}

/* The place of that one; their number: it is none of them. */
static size_t
find_other(const struct disco_ask *ask, const char *id)
{
	size_t i = 0;

	while (id != NULL && i < ask->others && strcmp(attribute(other(ask, i), "node"), id) != 0)
		i++;
	return id == NULL ? ask->others : i;
}

static void
add_other(struct disco_ask *ask, size_t i)
{
	xmpp_stanza_t *e = other(ask, i);

	add_entry(ask, attribute(e, "node"), attribute(e, "name"));
}

/* --- the answer --------------------------------------------------------------------------- */

static void
add_item(const struct disco_ask *ask, xmpp_stanza_t *query, const struct disco_entry *entry)
{
	xmpp_stanza_t *item = ear_child(query, "item", EAR_NS_DISCO_ITEMS);
	const char *self = ask->op.to != NULL ? ask->op.to : ear_self(ask->op.ear, ask->op.link);
	char bare[EAR_JID_SIZE];

	if (self != NULL && ear_jid_bare(self, bare, sizeof(bare)) == 0)
		ear_set(item, "jid", "%s", bare);
	if (ask->op.node != NULL) {
		ear_set(item, "name", "%s", entry->id);
		return;
	}
	ear_set(item, "node", "%s", entry->id);
	if (entry->name != NULL)
		ear_set(item, "name", "%s", entry->name);
}

/* Where the page is in the whole list, in which what is hidden has its place. */
static size_t
index_of_page(const struct disco_ask *ask)
{
	size_t i = find_other(ask, ask->entries[0].id);

	return i < ask->others ? i : ask->others + ask->first;
}

static void
answer_list(struct disco_ask *ask)
{
	xmpp_stanza_t *query = ear_element(ear_ctx(ask->op.ear), "query", EAR_NS_DISCO_ITEMS);
	size_t count = ask->max == 0 ? 0 : ask->entry_count;

	if (ask->op.node != NULL)
		ear_set(query, "node", "%s", ask->op.node);
	for (size_t i = 0; i < count; i++)
		add_item(ask, query, &ask->entries[i]);
	if (ask->asked || ask->full)
		rsm_add(query, count == 0 ? NULL : ask->entries[0].id,
			count == 0 ? NULL : ask->entries[count - 1].id,
			count == 0 ? 0 : index_of_page(ask), ask->others + ask->total);
	disco_ask_end(ask, EAR_DONE, query);
}

/* --- pages of the store ------------------------------------------------------------------- */

static void on_rows(void *arg, const struct ear_stored_answer *answer);

static void
ask_rows(struct disco_ask *ask)
{
	struct ear_query query = {
		.kind = ask->op.node == NULL ? EAR_QUERY_NODES : EAR_QUERY_ITEMS,
		.node = ask->op.node,
		.after = ask->after,
		.before = ask->before,
		.skip = ask->index,
		/* One more says whether there is more; at least one, for the count. */
		.max = ask->max < EAR_STORE_PAGE_MAX ? ask->max + 1 : EAR_STORE_PAGE_MAX,
	};

	ear_store_query(ask->store, &query, on_rows, ask);
}

static enum ear_affiliation
affiliation_of(const struct disco_ask *ask, const char *node)
{
	for (size_t i = 0; i < ask->affiliation_count; i++)
		if (strcmp(ask->affiliations[i].node, node) == 0)
			return ask->affiliations[i].affiliation;
	return EAR_AFFILIATION_NONE;
}

static void
take_row(struct disco_ask *ask, const struct ear_stored *row, size_t place)
{
	struct pubsub_config config = pubsub_config_default;
	bool first = ask->entry_count == 0 || ask->back;

	if (ask->op.node == NULL) {
		pubsub_config_read(&config, row->config == NULL ? "" : row->config);
		if (disco_is_hidden(ask, &config, affiliation_of(ask, row->node)))
			return;
	}
	if (first)
		ask->first = place;
	add_entry(ask, ask->op.node == NULL ? row->node : row->item,
		  ask->op.node == NULL ? config.title : NULL);
}

/* Also what was hidden is behind us. */
static void
go_behind(struct disco_ask *ask, const struct ear_stored *row)
{
	char **place = ask->back ? &ask->before : &ask->after;

	free(*place);
	*place = xep_strdup(ask->op.node == NULL ? row->node : row->item);
	ask->index = 0;
}

/* Before the first of the store are the engine's own. */
static void
add_others_before(struct disco_ask *ask)
{
	for (size_t i = ask->others; ask->back && i-- > 0 && !ask->full;)
		add_other(ask, i);
}

static void
on_rows(void *arg, const struct ear_stored_answer *answer)
{
	struct disco_ask *ask = arg;
	size_t n = answer->count;

	if (answer->error != 0) {
		disco_ask_fail(ask, answer);
		return;
	}
	ask->total = answer->total;
	for (size_t i = 0; i < n && !ask->full; i++) {
		size_t at = ask->back ? n - 1 - i : i;

		take_row(ask, &answer->rows[at], answer->first + at);
		go_behind(ask, &answer->rows[at]);
	}
	if (ask->full || ask->max == 0) {
		answer_list(ask);
	} else if (n > ask->max || n == EAR_STORE_PAGE_MAX) {
		ask_rows(ask);
	} else {
		add_others_before(ask);
		answer_list(ask);
	}
}

/* --- where it begins ---------------------------------------------------------------------- */

static void
take_page(struct disco_ask *ask, const struct rsm *rsm)
{
	ask->asked = rsm->asked;
	ask->max = rsm->asked || ask->op.node != NULL ? rsm->max : EAR_STORE_PAGE_MAX;
	ask->back = rsm->before != NULL;
	ask->after = rsm->after == NULL ? NULL : xep_strdup(rsm->after);
	ask->before = rsm->before == NULL ? NULL : xep_strdup(rsm->before);
	ask->index = rsm->by_index ? rsm->index : 0;
}

/* Those of the engine itself that are on the page. */
static void
add_others(struct disco_ask *ask)
{
	size_t i;

	if (ask->back) {
		i = find_other(ask, ask->before);
		if (i == ask->others)
			return;
		/* All before it are the engine's own. */
		while (i-- > 0 && !ask->full)
			add_other(ask, i);
		ask->full = true;
		return;
	}
	i = find_other(ask, ask->after);
	if (ask->after != NULL && i == ask->others)
		return;
	i = ask->after != NULL ? i + 1 : ask->index;
	ask->index = i < ask->others ? 0 : i - ask->others;
	free(ask->after);
	ask->after = NULL;
	for (; i < ask->others && !ask->full; i++)
		add_other(ask, i);
}

static void
on_affiliations(void *arg, const struct ear_stored_answer *answer)
{
	struct disco_ask *ask = arg;

	if (answer->error != 0) {
		disco_ask_fail(ask, answer);
		return;
	}
	ask->affiliations = xep_alloc((answer->count + 1) * sizeof(ask->affiliations[0]));
	for (size_t i = 0; i < answer->count; i++)
		ask->affiliations[ask->affiliation_count++] =
			(struct disco_affiliation){ xep_strdup(answer->rows[i].node),
						    answer->rows[i].affiliation };
	ask->others = count_others(ask);
	if (ask->max > 0)
		add_others(ask);
	ask_rows(ask);
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct disco_ask *ask = arg;
	const struct pubsub_refusal *why;
	struct pubsub_view view;

	if (answer->error != 0 || answer->count == 0) {
		disco_ask_fail(ask, answer);
		return;
	}
	disco_view_of(&view, answer);
	why = pubsub_may_read(&ask->op, &view);
	if (why != NULL)
		disco_ask_end(ask, why->condition, NULL);
	else
		ask_rows(ask);
}

enum ear_verdict
pubsub_disco_items(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	struct disco_ask *ask;
	struct ear_query first = { .kind = EAR_QUERY_AFFILIATIONS };
	struct rsm rsm;

	if (ear_store(in->ear) == NULL || (node != NULL && strlen(node) > EAR_NODE_MAX))
		return EAR_PASS;
	if (rsm_read(&rsm, in->payload) != 0)
		return EAR_BAD_REQUEST;
	ask = disco_ask_new(in, node, query);
	if (ask == NULL)
		return EAR_RESOURCE_CONSTRAINT;
	take_page(ask, &rsm);
	first.who = ask->op.who;
	if (node == NULL) {
		ear_store_query(ask->store, &first, on_affiliations, ask);
		return EAR_DONE;
	}
	first.kind = EAR_QUERY_NODE;
	first.node = ask->op.node;
	ear_store_query(ask->store, &first, on_node, ask);
	return EAR_DONE;
}
