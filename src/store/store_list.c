/* SPDX-License-Identifier: ISC */
/* store_list.c: what can be read page by page (XEP-0059): its statements, its rows, its places. */
#include <errno.h>
#include <string.h>

#include "store/store_list.h"

#define LISTING(HEAD, PAGE)                                                                        \
	.head = { { HEAD("<="), NULL }, { HEAD("<"), NULL } },                                     \
	.page = { { PAGE(">", ""), NULL }, { PAGE("<", " DESC"), NULL } }

/* Behind every name and address in the order of their bytes: longer than any, of U+10FFFF. */
#define TIMES_4(text) text text text text
static const char top[] = TIMES_4(TIMES_4(TIMES_4(TIMES_4("\xf4\x8f\xbf\xbf"))));
_Static_assert(sizeof(top) > EAR_NODE_MAX, "something may be behind the top");

/* --- nodes, items ------------------------------------------------------------------------- */

#define NODES_HEAD(op)                                                                             \
	"SELECT (SELECT nodes FROM store WHERE id = 1),"                                           \
	" (SELECT count(*) FROM node WHERE gone = 0 AND name " op " $1)"
#define NODES_PAGE(op, order)                                                                      \
	"SELECT name, config, creator, created_at, epoch, last, items, subscribers FROM node"      \
	" WHERE gone = 0 AND name " op " $1 ORDER BY name" order " LIMIT $2 OFFSET $3"

static void
row_of_node(struct ask *ask, struct ear_stored *row, const struct db_value *columns)
{
	row->node = ask_copy(ask, columns[0].text);
	row->config = ask_copy(ask, columns[1].text);
	row->creator = ask_copy(ask, columns[2].text);
	row->created_at = columns[3].number;
	row->epoch = columns[4].number;
	row->last = columns[5].number;
	row->items = (size_t)columns[6].number;
	row->subscribers = (size_t)columns[7].number;
}

const struct listing listing_nodes = { LISTING(NODES_HEAD, NODES_PAGE), .row = row_of_node };

#define ITEM_SEQ(node) "(SELECT p.seq FROM item p WHERE p.node = " node " AND p.id = $2)"
#define ITEMS_HEAD(op)                                                                             \
	"SELECT items, (SELECT count(*) FROM item i WHERE i.node = node.id AND i.seq " op          \
	" " ITEM_SEQ("node.id") ") FROM node WHERE name = $1 AND gone = 0"
#define ITEMS_PAGE(op, beyond, order)                                                              \
	"SELECT id, publisher, at, payload FROM item WHERE node = " SQL_NODE_ID " AND seq " op     \
	" COALESCE(" ITEM_SEQ(SQL_NODE_ID) ", " beyond ")"                                         \
					   " ORDER BY seq" order " LIMIT $3 OFFSET $4"

void
listing_item(struct ask *ask, struct ear_stored *row, const struct db_value *columns)
{
	row->item = ask_copy(ask, columns[0].text);
	row->publisher = ask_copy(ask, columns[1].text);
	row->at = columns[2].number;
	row->payload = ask_copy(ask, columns[3].text);
}

const struct listing listing_items = {
	.head = { { ITEMS_HEAD(">="), NULL }, { ITEMS_HEAD(">"), NULL } },
	.page = { { ITEMS_PAGE("<", "9223372036854775807", " DESC"), NULL },
		  { ITEMS_PAGE(">", "-1", ""), NULL } },
	.row = listing_item,
	.of_one = true,
	.by_seq = true,
};

/* --- affiliations ------------------------------------------------------------------------- */

#define AFFILIATED_HEAD(op)                                                                        \
	"SELECT affiliations, (SELECT count(*) FROM affiliation a WHERE a.node = node.id"          \
	" AND a.jid " op " $2) FROM node WHERE name = $1 AND gone = 0"
#define AFFILIATED_PAGE(op, order)                                                                 \
	"SELECT jid, affiliation FROM affiliation WHERE node = " SQL_NODE_ID " AND jid " op        \
	" $2 ORDER BY jid" order " LIMIT $3 OFFSET $4"

void
listing_affiliate(struct ask *ask, struct ear_stored *row, const struct db_value *columns)
{
	row->jid = ask_copy(ask, columns[0].text);
	row->affiliation = (enum ear_affiliation)columns[1].number;
}

const struct listing listing_affiliated = {
	LISTING(AFFILIATED_HEAD, AFFILIATED_PAGE),
	.row = listing_affiliate,
	.of_one = true,
};

/* First what is his, which is little, then the names of those nodes. */
#define HIS(columns, table, owner)                                                                 \
	"WITH his AS MATERIALIZED (SELECT " columns " FROM " table " WHERE " owner " = $1)"
#define AT_NODES     " FROM his h JOIN node n ON n.id = h.node WHERE n.gone = 0"
#define HIS_HEAD(op) " SELECT count(*), count(CASE WHEN n.name " op " $2 THEN 1 END)" AT_NODES

#define HIS_AFFILIATIONS      HIS("node, jid, affiliation", "affiliation", "jid")
#define AFFILIATIONS_HEAD(op) HIS_AFFILIATIONS HIS_HEAD(op)
#define AFFILIATIONS_PAGE(op, order)                                                               \
	HIS_AFFILIATIONS " SELECT h.jid, h.affiliation, n.name" AT_NODES " AND n.name " op         \
			 " $2 ORDER BY n.name" order " LIMIT $3 OFFSET $4"

static void
row_of_affiliation(struct ask *ask, struct ear_stored *row, const struct db_value *columns)
{
	listing_affiliate(ask, row, columns);
	row->node = ask_copy(ask, columns[2].text);
}

const struct listing listing_affiliations = {
	LISTING(AFFILIATIONS_HEAD, AFFILIATIONS_PAGE),
	.row = row_of_affiliation,
	.of_one = true,
};

/* --- subscriptions ------------------------------------------------------------------------ */

#define SUBSCRIBED_HEAD(op)                                                                        \
	"SELECT subscriptions, (SELECT count(*) FROM subscription s WHERE s.node = node.id"        \
	" AND s.jid " op " $2) FROM node WHERE name = $1 AND gone = 0"
#define SUBSCRIBED_PAGE(op, order)                                                                 \
	"SELECT jid, state, options FROM subscription WHERE node = " SQL_NODE_ID " AND jid " op    \
	" $2 ORDER BY jid" order " LIMIT $3 OFFSET $4"

void
listing_subscriber(struct ask *ask, struct ear_stored *row, const struct db_value *columns)
{
	row->jid = ask_copy(ask, columns[0].text);
	row->subscription = (enum ear_subscription)columns[1].number;
	row->options = ask_copy(ask, columns[2].text);
}

const struct listing listing_subscribed = {
	LISTING(SUBSCRIBED_HEAD, SUBSCRIBED_PAGE),
	.row = listing_subscriber,
	.of_one = true,
};

#define HIS_SUBSCRIPTIONS      HIS("node, jid, state, options", "subscription", "bare")
#define SUBSCRIPTIONS_HEAD(op) HIS_SUBSCRIPTIONS HIS_HEAD(op)
#define SUBSCRIPTIONS_PAGE(op, order)                                                              \
	HIS_SUBSCRIPTIONS " SELECT h.jid, h.state, h.options, n.name" AT_NODES " AND n.name " op   \
			  " $2 ORDER BY n.name" order ", h.jid" order " LIMIT $3 OFFSET $4"

static void
row_of_subscription(struct ask *ask, struct ear_stored *row, const struct db_value *columns)
{
	listing_subscriber(ask, row, columns);
	row->node = ask_copy(ask, columns[3].text);
}

const struct listing listing_subscriptions = {
	LISTING(SUBSCRIPTIONS_HEAD, SUBSCRIPTIONS_PAGE),
	.row = row_of_subscription,
	.of_one = true,
	.together = true,
};

/* --- pages -------------------------------------------------------------------------------- */

static void
on_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	if (step == ask->first_step) {
		ask->numbers[0] = columns[0].number;
		ask->numbers[1] = columns[1].number;
	} else if (step > ask->first_step) {
		ask->listing->row(ask, ask_row(ask), columns);
	}
}

/* A row more was asked for: the node that it belongs to is for the next page, unless there would be
 * nothing on this one. */
static void
keep_together(struct ask *ask)
{
	size_t count = ask->max;

	if (ask->count <= ask->max)
		return;
	while (count > 0 && strcmp(ask->rows[count - 1].node, ask->rows[ask->max].node) == 0)
		count--;
	ask->count = count > 0 ? count : ask->max;
}

static void
reverse(struct ear_stored *rows, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct ear_stored row = rows[i];

		rows[i] = rows[count - 1 - i];
		rows[count - 1 - i] = row;
	}
}

static size_t
first_of(const struct ask *ask)
{
	int64_t place = ask->last ? ask->numbers[0] : ask->numbers[1];

	if (ask->count == 0)
		return 0;
	place = ask->back ? place - (int64_t)(ask->skip + ask->count) : place + (int64_t)ask->skip;
	return place > 0 ? (size_t)place : 0;
}

static void
answer(struct ask *ask, int error, const char *text)
{
	struct ear_stored_answer page = { .error = error, .text = text };

	if (error == 0) {
		if (ask->listing->together)
			keep_together(ask);
		if (ask->back)
			reverse(ask->rows, ask->count);
		page.rows = ask->rows;
		page.count = ask->count;
		page.total = (size_t)ask->numbers[0];
		page.first = first_of(ask);
	}
	ask->fn.stored(ask->arg, &page);
}

static void
add_places(const struct listing *listing, struct ask *ask, struct plan *plan, const char *owner,
	   const struct ear_query *query)
{
	const char *place = ask->back ? query->before : query->after,
		   *beyond = ask->back ? top : "";
	size_t limit = ask->max + (listing->together ? 1 : 0);

	place = ask->last ? NULL : place;
	if (listing->by_seq) {
		PLAN(plan, &listing->head[ask->back], -ENOENT, db_text(owner), db_text(place));
		PLAN(plan, &listing->page[ask->back], 0, db_text(owner), db_text(place),
		     db_int((int64_t)limit), db_int((int64_t)ask->skip));
		return;
	}
	beyond = place == NULL ? beyond : place;
	place = place == NULL ? "" : place; /* nothing is counted before that */
	if (listing->of_one) {
		PLAN(plan, &listing->head[ask->back], -ENOENT, db_text(owner), db_text(place));
		PLAN(plan, &listing->page[ask->back], 0, db_text(owner), db_text(beyond),
		     db_int((int64_t)limit), db_int((int64_t)ask->skip));
	} else {
		PLAN(plan, &listing->head[ask->back], 0, db_text(place));
		PLAN(plan, &listing->page[ask->back], 0, db_text(beyond), db_int((int64_t)limit),
		     db_int((int64_t)ask->skip));
	}
}

/* -ENODATA: the item that is the place is not there. */
static const struct db_sql sql_place = { "SELECT 1 FROM item WHERE node = " SQL_NODE_ID
					 " AND id = $2",
					 NULL };

void
listing_ask(const struct listing *listing, struct ask *ask, struct plan *plan, const char *owner,
	    const struct ear_query *query)
{
	const char *place = query->before != NULL ? query->before : query->after;

	ask->listing = listing;
	ask->back = query->before != NULL;
	ask->last = ask->back && query->before[0] == '\0';
	ask->skip = query->skip < INT32_MAX ? query->skip : INT32_MAX;
	ask->max = query->max == 0 || query->max > EAR_STORE_PAGE_MAX ? EAR_STORE_PAGE_MAX
								      : query->max;
	ask->row = on_row;
	ask->answer = answer;
	if (listing->by_seq && place != NULL && !ask->last)
		PLAN(plan, &sql_place, -ENODATA, db_text(owner), db_text(place));
	ask->first_step = plan->count;
	add_places(listing, ask, plan, owner, query);
}
