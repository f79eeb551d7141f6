/* SPDX-License-Identifier: ISC */
/*
 * store_publish.c: one item put and told of, which is what a service does most, in two statements:
 * a database behind a socket takes as long for each as for what is in it.
 *
 * What these do is what store_change.c and store_item.c do step by step; SQLite has none of it.
 */
#include <errno.h>
#include <time.h>

#include "store/store_change.h"

/* The node is ours from here on. Apart from the other one, which then sees what whoever had it
 * before has left. */
static const struct db_sql sql_lock = {
	NULL,
	"SELECT epoch, last + 1 FROM node WHERE name = $1 AND gone = 0"
	" AND epoch = CAST($2 AS bigint) FOR NO KEY UPDATE",
};

/* One that is replaced is counted already. */
#define TOTAL                                                                                      \
	"items + CASE WHEN EXISTS (SELECT 1 FROM item i WHERE i.node = node.id AND i.id = $2)"     \
	" THEN 0 ELSE 1 END"
#define COUNTED                                                                                    \
	"UPDATE node SET last = last + 1, seq = " CHANGE_SEQ(                                      \
		"$14") ","                                                                         \
		       " excess = GREATEST(" TOTAL " - CAST($3 AS bigint), 0),"                    \
		       " items = LEAST(" TOTAL ", CAST($3 AS bigint))"                             \
		       " WHERE name = $1 AND gone = 0 RETURNING id, last, seq, excess"
#define PUT                                                                                        \
	"INSERT INTO item (node, id, seq, at, publisher, payload)"                                 \
	" SELECT c.id, $2, c.seq, $4, $5, $6 FROM counted c"                                       \
	" ON CONFLICT (node, id) DO UPDATE SET seq = excluded.seq, at = excluded.at,"              \
	" publisher = excluded.publisher, payload = excluded.payload"

/* All parts see what was there before: of the others as many of the oldest go. */
#define OTHERS "i.node = (SELECT id FROM counted) AND i.id <> $2"
#define OLDEST                                                                                     \
	"SELECT i.seq FROM item i WHERE " OTHERS                                                   \
	" ORDER BY i.seq LIMIT 1 OFFSET (SELECT excess FROM counted)"
#define TRIMMED                                                                                    \
	"DELETE FROM item i WHERE (SELECT excess FROM counted) > 0 AND " OTHERS                    \
	" AND i.seq < COALESCE((" OLDEST "), 9223372036854775807)"
#define TOLD                                                                                       \
	"INSERT INTO event (node, seq, audience, dest, item, body, type, backlog, wide, at)"       \
	" SELECT id, last, $7, $8, $9, $10, $11, $12, $13, $4 FROM counted"                        \
	" RETURNING pg_notify('earshot', '')"

static const struct db_sql sql_publish = {
	NULL,
	"WITH counted AS (" COUNTED "), put AS (" PUT "), trimmed AS (" TRIMMED ") " TOLD,
};

/* Where the item itself does not go again at once. */
bool
change_is_publication(const struct ear_transaction *transaction)
{
	return transaction->epoch != 0 && transaction->count == 1 &&
	       transaction->changes[0].kind == EAR_PUT_ITEM && transaction->changes[0].keep > 0 &&
	       transaction->event_count == 1;
}

size_t
change_publish(struct plan *plan, const struct ear_transaction *transaction)
{
	const struct ear_change *put = &transaction->changes[0];
	const struct ear_event_draft *event = &transaction->events[0];
	const char *node = transaction->node;
	size_t step = PLAN(plan, &sql_lock, -ESTALE, db_text(node), db_int(transaction->epoch));

	PLAN(plan, &sql_publish, 0, db_text(node), db_text(put->item), db_int((int64_t)put->keep),
	     db_int(time(NULL)), db_text(put->jid == NULL ? "" : put->jid),
	     db_text(put->payload == NULL ? "" : put->payload), db_int(event->audience),
	     db_text(event->to), db_text(event->item), db_text(event->text), db_text(event->type),
	     db_int((int64_t)event->backlog), db_int(event->wide), db_int(change_mark(put)));
	return step;
}
