/* SPDX-License-Identifier: ISC */
/* store_query.c: what is there: one node, items by their ids, somebody's; pages are store_list.c's.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/store_list.h"

static const struct db_sql sql_epoch = {
	"SELECT 1 FROM node WHERE name = $1 AND gone = 0 AND epoch = $2", NULL
};
static const struct db_sql sql_exists = { "SELECT 1 FROM node WHERE name = $1 AND gone = 0", NULL };
#define NODE(more)                                                                                 \
	"SELECT name, config, creator, created_at, epoch, last, items, subscribers,"               \
	" subscriptions - subscribers, COALESCE((SELECT a.affiliation FROM affiliation a"          \
	" WHERE a.node = node.id AND a.jid = $2), 0)" more                                         \
	" FROM node WHERE name = $1 AND gone = 0"

static const struct db_sql sql_node = { NODE(""), NULL };
/* Who has a store to himself has his contacts elsewhere. */
static const struct db_sql sql_node_shared = {
	NODE(", COALESCE((SELECT max(c.state) FROM contact c WHERE c.theirs = $2), 0)"), NULL
};
static const struct db_sql sql_item = {
	"SELECT id, publisher, at, payload, seq FROM item WHERE node = " SQL_NODE_ID " AND id = $2",
	NULL
};
static const struct db_sql sql_affiliate = {
	"SELECT jid, affiliation FROM affiliation WHERE node = " SQL_NODE_ID " AND jid = $2", NULL
};

/* SQLite would go through all of the node's rather than through all of his: it has no figures. */
#define SUBSCRIBER(index)                                                                          \
	"SELECT jid, state, options FROM subscription" index " WHERE node = " SQL_NODE_ID          \
	" AND bare = $2 ORDER BY jid LIMIT $3"

static const struct db_sql sql_subscriber = {
	SUBSCRIBER(" INDEXED BY subscription_bare"),
	SUBSCRIBER(""),
};

/* --- rows that are no page ---------------------------------------------------------------- */

static void
on_node_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	struct ear_stored *row;

	if (step < ask->first_step)
		return;
	row = ask_row(ask);
	if (step == ask->first_step) {
		listing_nodes.row(ask, row, columns);
		row->pending = (size_t)columns[8].number;
		row->affiliation = (enum ear_affiliation)columns[9].number;
		if (count > 10)
			row->contact = (enum ear_contact)columns[10].number;
	} else {
		listing_subscriber(ask, row, columns);
		row->node = ask->rows[0].node;
	}
}

/* epoch holds the place of an item until they are in order; the mark is in it. */
static void
on_item_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	struct ear_stored *row;

	if (step < ask->first_step)
		return;
	row = ask_row(ask);
	listing_item(ask, row, columns);
	row->epoch = columns[4].number;
	row->mark = (unsigned)(columns[4].number & EAR_MARK_MAX);
}

static void
on_affiliate_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	if (step >= ask->first_step)
		listing_affiliate(ask, ask_row(ask), columns);
}

static void
on_subscriber_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	if (step >= ask->first_step)
		listing_subscriber(ask, ask_row(ask), columns);
}

static int
newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct ear_stored *)a)->epoch,
		y = ((const struct ear_stored *)b)->epoch;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* One that was asked for twice is there once. */
static void
answer_items(struct ask *ask, int error, const char *text)
{
	size_t count = 0;

	if (ask->count > 0)
		qsort(ask->rows, ask->count, sizeof(ask->rows[0]), newest_first);
	for (size_t i = 0; i < ask->count; i++)
		if (i == 0 || ask->rows[i].epoch != ask->rows[count - 1].epoch)
			ask->rows[count++] = ask->rows[i];
	for (size_t i = 0; i < count; i++)
		ask->rows[i].epoch = 0;
	ask->count = count;
	ask_answer_rows(ask, error, text);
}

/* --- the kinds ---------------------------------------------------------------------------- */

static void
ask_node(struct ask *ask, struct plan *plan, const struct ear_query *query)
{
	ask->row = on_node_row;
	ask->first_step = PLAN(plan, ask->store->shared ? &sql_node_shared : &sql_node, -ENOENT,
			       db_text(query->node), db_text(query->who));
	if (query->who != NULL)
		PLAN(plan, &sql_subscriber, 0, db_text(query->node), db_text(query->who),
		     db_int(EAR_STORE_PAGE_MAX));
}

static void
ask_items(struct ask *ask, struct plan *plan, const struct ear_query *query)
{
	if (query->ids == NULL) {
		listing_ask(&listing_items, ask, plan, query->node, query);
		return;
	}
	ask->row = on_item_row;
	ask->answer = answer_items;
	PLAN(plan, &sql_exists, -ENOENT, db_text(query->node));
	ask->first_step = plan->count;
	for (size_t i = 0; i < query->id_count && i < EAR_STORE_PAGE_MAX; i++)
		PLAN(plan, &sql_item, 0, db_text(query->node), db_text(query->ids[i]));
}

static void
ask_affiliations(struct ask *ask, struct plan *plan, const struct ear_query *query)
{
	if (query->who == NULL) {
		listing_ask(&listing_affiliated, ask, plan, query->node, query);
	} else if (query->node == NULL) {
		listing_ask(&listing_affiliations, ask, plan, query->who, query);
	} else {
		ask->row = on_affiliate_row;
		PLAN(plan, &sql_exists, -ENOENT, db_text(query->node));
		ask->first_step =
			PLAN(plan, &sql_affiliate, 0, db_text(query->node), db_text(query->who));
	}
}

static void
ask_subscriptions(struct ask *ask, struct plan *plan, const struct ear_query *query)
{
	if (query->who == NULL) {
		listing_ask(&listing_subscribed, ask, plan, query->node, query);
	} else if (query->node == NULL) {
		listing_ask(&listing_subscriptions, ask, plan, query->who, query);
	} else {
		ask->row = on_subscriber_row;
		PLAN(plan, &sql_exists, -ENOENT, db_text(query->node));
		ask->first_step = PLAN(plan, &sql_subscriber, 0, db_text(query->node),
				       db_text(query->who), db_int(EAR_STORE_PAGE_MAX));
	}
}

static void
ask_kind(struct ask *ask, struct plan *plan, const struct ear_query *query)
{
	switch (query->kind) {
	case EAR_QUERY_NODE:
		ask_node(ask, plan, query);
		break;
	case EAR_QUERY_NODES:
		listing_ask(&listing_nodes, ask, plan, NULL, query);
		break;
	case EAR_QUERY_ITEMS:
		ask_items(ask, plan, query);
		break;
	case EAR_QUERY_AFFILIATIONS:
		ask_affiliations(ask, plan, query);
		break;
	case EAR_QUERY_SUBSCRIPTIONS:
		ask_subscriptions(ask, plan, query);
		break;
	}
}

void
ear_store_query(struct ear_store *store, const struct ear_query *query, ear_stored_fn *fn,
		void *arg)
{
	struct ask *ask = ask_new(store, arg);
	struct plan plan = { 0 };
	bool has_epoch = query->node != NULL && query->epoch != 0;

	ask->fn.stored = fn;
	ask->answer = ask_answer_rows;
	if (has_epoch)
		PLAN(&plan, &sql_epoch, -ESTALE, db_text(query->node), db_int(query->epoch));
	ask_kind(ask, &plan, query);
	store_run(store, ask, &plan, false);
}
