/* SPDX-License-Identifier: ISC */
/* store_item.c: putting and removing items, and how many of them a node holds. */
#include <errno.h>
#include <time.h>

#include "store/store_change.h"

/* One that is replaced is counted already. What is asked of $2 is found in the index, and so twice
 * is less than the table that UPDATE FROM makes in SQLite. */
#define TOTAL "items + (NOT EXISTS (SELECT 1 FROM item i WHERE i.node = node.id AND i.id = $2))"

static const struct db_sql sql_count = {
	"UPDATE node SET seq = " CHANGE_SEQ("$4") ", excess = max(" TOTAL
						  " - $3, 0), items = min(" TOTAL ", $3)"
						  " WHERE name = $1 AND gone = 0",
	"UPDATE node SET seq = " CHANGE_SEQ(
		"$4") ","
		      " excess = CASE WHEN n.total > CAST($3 AS bigint) THEN n.total - CAST($3 AS "
		      "bigint)"
		      " ELSE 0 END,"
		      " items = CASE WHEN n.total > CAST($3 AS bigint) THEN CAST($3 AS bigint)"
		      " ELSE n.total END"
		      " FROM (SELECT o.id AS own, o.items + CASE WHEN EXISTS (SELECT 1 FROM item i"
		      " WHERE i.node = o.id AND i.id = $2) THEN 0 ELSE 1 END AS total"
		      " FROM node o WHERE o.name = $1 AND o.gone = 0) AS n WHERE node.id = n.own",
};

/* SQLite makes ready to undo what comes from a SELECT, however little, but not VALUES. */
#define PUT "INSERT INTO item (node, id, seq, at, publisher, payload)"
#define REPLACE                                                                                    \
	" ON CONFLICT (node, id) DO UPDATE SET seq = excluded.seq, at = excluded.at,"              \
	" publisher = excluded.publisher, payload = excluded.payload"

static const struct db_sql sql_put = {
	PUT " VALUES (" SQL_NODE_ID ", $2, (SELECT seq FROM node WHERE name = $1 AND gone = 0), $3,"
	    " $4, $5)" REPLACE,
	PUT
	" SELECT n.id, $2, n.seq, $3, $4, $5 FROM node n WHERE n.name = $1 AND n.gone = 0" REPLACE,
};

/* Up to the oldest that stays; all where none does. */
static const struct db_sql sql_trim = {
	"DELETE FROM item WHERE node = " SQL_NODE_ID " AND seq < COALESCE("
	"(SELECT i.seq FROM item i WHERE i.node = " SQL_NODE_ID " ORDER BY i.seq"
	" LIMIT 1 OFFSET (SELECT excess FROM node WHERE name = $1 AND gone = 0)),"
	" 9223372036854775807)",
	NULL
};

void
change_trim(struct plan *plan, const char *node)
{
	PLAN(plan, &sql_trim, 0, db_text(node));
}

void
change_put(struct plan *plan, const char *node, const struct ear_change *change)
{
	PLAN(plan, &sql_count, 0, db_text(node), db_text(change->item),
	     db_int((int64_t)change->keep), db_int(change_mark(change)));
	PLAN(plan, &sql_put, 0, db_text(node), db_text(change->item), db_int(time(NULL)),
	     db_text(change->jid == NULL ? "" : change->jid),
	     db_text(change->payload == NULL ? "" : change->payload));
	change_trim(plan, node);
}

static const struct db_sql sql_is_there = { "SELECT 1 FROM item WHERE node = " SQL_NODE_ID
					    " AND id = $2",
					    NULL };
/* Whoever published it by one of his resources, or by his bare address. */
static const struct db_sql sql_remove_own = {
	"DELETE FROM item WHERE node = " SQL_NODE_ID " AND id = $2 AND (publisher = $3"
	" OR substr(publisher, 1, length($3) + 1) = $3 || '/') RETURNING id",
	NULL
};
static const struct db_sql sql_remove = { "DELETE FROM item WHERE node = " SQL_NODE_ID
					  " AND id = $2 RETURNING id",
					  NULL };
static const struct db_sql sql_count_out = {
	"UPDATE node SET items = items - 1 WHERE name = $1 AND gone = 0", NULL
};

void
change_remove(struct plan *plan, const char *node, const struct ear_change *change)
{
	if (change->jid == NULL) {
		PLAN(plan, &sql_remove, -ENODATA, db_text(node), db_text(change->item));
	} else {
		PLAN(plan, &sql_is_there, -ENODATA, db_text(node), db_text(change->item));
		PLAN(plan, &sql_remove_own, -EPERM, db_text(node), db_text(change->item),
		     db_text(change->jid));
	}
	PLAN(plan, &sql_count_out, 0, db_text(node));
}

static const struct db_sql sql_purge = { "DELETE FROM item WHERE node = " SQL_NODE_ID, NULL };
static const struct db_sql sql_count_none = {
	"UPDATE node SET items = 0 WHERE name = $1 AND gone = 0", NULL
};

void
change_purge(struct plan *plan, const char *node)
{
	PLAN(plan, &sql_purge, 0, db_text(node));
	PLAN(plan, &sql_count_none, 0, db_text(node));
}
