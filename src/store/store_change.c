/* SPDX-License-Identifier: ISC */
/* store_change.c: transactions: what they are decided on, the node itself, the events they write.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "store/store_change.h"

/* --- what it is decided on ---------------------------------------------------------------- */

static const struct db_sql sql_epoch = {
	"UPDATE store SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch", NULL
};

#define STANDS    " WHERE name = $1 AND gone = 0 AND epoch = CAST($2 AS bigint)"
#define GUARD     "last = last + CAST($3 AS bigint)" STANDS " RETURNING epoch, last"
#define NEW_EPOCH "(SELECT s.epoch FROM store s WHERE s.id = 1)"

/* The node is ours from here on. SQLite, where it is anyway, makes a table for what is returned,
 * and so is asked first. */
static const struct db_sql sql_guard = {
	"SELECT epoch, last + CAST($3 AS bigint) FROM node" STANDS,
	"UPDATE node SET " GUARD,
};
static const struct db_sql sql_guard_epoch = {
	"SELECT " NEW_EPOCH ", last + CAST($3 AS bigint) FROM node" STANDS,
	"UPDATE node SET epoch = " NEW_EPOCH ", " GUARD,
};
static const struct db_sql sql_last = {
	"UPDATE node SET last = last + 1 WHERE name = $1 AND gone = 0",
	"",
};
static const struct db_sql sql_new_epoch = {
	"UPDATE node SET epoch = " NEW_EPOCH " WHERE name = $1 AND gone = 0",
	"",
};

/* Whether views of the node that somebody has are no longer right. */
static bool
changes_epoch(const struct ear_transaction *transaction)
{
	for (size_t i = 0; i < transaction->count; i++)
		switch (transaction->changes[i].kind) {
		case EAR_CONFIGURE_NODE:
		case EAR_DELETE_NODE:
		case EAR_AFFILIATE:
			return true;
		case EAR_CREATE_NODE:
		case EAR_PURGE_NODE:
		case EAR_PUT_ITEM:
		case EAR_REMOVE_ITEM:
		case EAR_SUBSCRIBE:
			break;
		}
	return false;
}

static size_t
guard(struct plan *plan, const struct ear_transaction *transaction)
{
	const char *node = transaction->node;
	bool epoch = changes_epoch(transaction), tells = transaction->event_count > 0;
	size_t step;

	if (epoch)
		plan_add(plan, &sql_epoch, 0, NULL, 0);
	step = PLAN(plan, epoch ? &sql_guard_epoch : &sql_guard, -ESTALE, db_text(node),
		    db_int(transaction->epoch), db_int(tells));
	if (epoch)
		PLAN(plan, &sql_new_epoch, 0, db_text(node));
	if (tells)
		PLAN(plan, &sql_last, 0, db_text(node));
	return step;
}

/* --- the node ----------------------------------------------------------------------------- */

static const struct db_sql sql_is_free = {
	"SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM node WHERE name = $1 AND gone = 0)", NULL
};
static const struct db_sql sql_has_room = {
	"UPDATE store SET epoch = epoch + 1, nodes = nodes + 1 WHERE id = 1 AND nodes < $1"
	" RETURNING epoch",
	NULL
};
/* Behind the row of `store`, which whoever creates one has to himself. */
static const struct db_sql sql_may_create = {
	"SELECT 1 WHERE (SELECT count(*) FROM (SELECT 1 FROM node WHERE creator = $1 AND gone = 0"
	" LIMIT CAST($2 AS bigint)) AS his) < CAST($2 AS bigint)",
	NULL
};
static const struct db_sql sql_create = {
	"INSERT INTO node (name, config, creator, created_at, epoch, last)"
	" SELECT $1, $2, $3, $4, epoch, 1 FROM store WHERE id = 1"
	" ON CONFLICT (name) WHERE gone = 0 DO NOTHING RETURNING epoch, last",
	NULL
};
static const struct db_sql sql_lease = {
	NULL, "INSERT INTO lease (node, holder, until) SELECT id, '', 0 FROM node"
	      " WHERE name = $1 AND gone = 0"
};

static size_t
create(struct plan *plan, const char *node, const struct ear_change *change)
{
	static const enum ear_affiliation owner = EAR_OWNER;
	struct ear_change owns = { .kind = EAR_AFFILIATE, .jid = change->jid };
	size_t step;

	owns.affiliation = owner;
	PLAN(plan, &sql_is_free, -EEXIST, db_text(node));
	PLAN(plan, &sql_has_room, -EDQUOT, db_int(EAR_NODES_MAX));
	if (change->jid != NULL && change->keep != 0)
		PLAN(plan, &sql_may_create, -EMLINK, db_text(change->jid),
		     db_int((int64_t)change->keep));
	step = PLAN(plan, &sql_create, -EEXIST, db_text(node),
		    db_text(change->config == NULL ? "" : change->config),
		    db_text(change->jid == NULL ? "" : change->jid), db_int(time(NULL)));
	PLAN(plan, &sql_lease, 0, db_text(node));
	if (change->jid != NULL)
		change_affiliate(plan, node, &owns);
	return step;
}

static const struct db_sql sql_configure = {
	"UPDATE node SET config = $2,"
	" excess = CASE WHEN items > CAST($3 AS bigint) THEN items - CAST($3 AS bigint) ELSE 0 END,"
	" items = CASE WHEN items > CAST($3 AS bigint) THEN CAST($3 AS bigint) ELSE items END"
	" WHERE name = $1 AND gone = 0",
	NULL
};

static void
configure(struct plan *plan, const char *node, const struct ear_change *change)
{
	PLAN(plan, &sql_configure, 0, db_text(node),
	     db_text(change->config == NULL ? "" : change->config), db_int((int64_t)change->keep));
	change_trim(plan, node);
}

/* Whom it concerns is told by what stays of it: see store_events.c. */
static const struct db_sql sql_forget_people = {
	"DELETE FROM affiliation WHERE node = " SQL_NODE_ID, NULL
};
static const struct db_sql sql_count_out = { "UPDATE store SET nodes = nodes - 1 WHERE id = 1",
					     NULL };
static const struct db_sql sql_delete = { "UPDATE node SET gone = 1 WHERE name = $1 AND gone = 0",
					  NULL };

/* Behind the events, which are written to it by its name. */
static void
destroy(struct plan *plan, const char *node)
{
	change_purge(plan, node);
	PLAN(plan, &sql_forget_people, 0, db_text(node));
	plan_add(plan, &sql_count_out, 0, NULL, 0);
	PLAN(plan, &sql_delete, 0, db_text(node));
	change_sweep(plan);
}

/* --- all of it ---------------------------------------------------------------------------- */

static void
add_change(struct plan *plan, struct ask *ask, const char *node, const struct ear_change *change)
{
	switch (change->kind) {
	case EAR_CREATE_NODE:
		ask->first_step = create(plan, node, change);
		break;
	case EAR_CONFIGURE_NODE:
		configure(plan, node, change);
		break;
	case EAR_DELETE_NODE: /* comes last */
		break;
	case EAR_PURGE_NODE:
		change_purge(plan, node);
		break;
	case EAR_PUT_ITEM:
		change_put(plan, node, change);
		break;
	case EAR_REMOVE_ITEM:
		change_remove(plan, node, change);
		break;
	case EAR_AFFILIATE:
		change_affiliate(plan, node, change);
		break;
	case EAR_SUBSCRIBE:
		change_subscribe(plan, ask, node, change);
		break;
	}
}

/* SQLite makes ready to undo what comes from a SELECT, however little, but not VALUES. */
#define INSERT_EVENT                                                                               \
	"INSERT INTO event (node, seq, audience, dest, item, body, type, backlog, wide, at)"
#define EVENT_VALUES "$2, $3, $4, $5, $6, $7, $8, $9"

static const struct db_sql sql_event = {
	INSERT_EVENT " VALUES (" SQL_NODE_ID ", (SELECT last FROM node WHERE name = $1"
		     " AND gone = 0), " EVENT_VALUES ")",
	INSERT_EVENT " SELECT id, last, " EVENT_VALUES " FROM node WHERE name = $1 AND gone = 0",
};

/*
 * The newest item as it is in this transaction, and so whoever subscribes with it misses none and
 * gets none twice, however often there is another one. The bytes are those of store.h.
 */
#define ESCAPED(chr, text)                                                                         \
	"replace(replace(replace(replace(replace(replace(replace(" text ", " chr                   \
	"(38), '&amp;'), " chr "(60), '&lt;'), " chr "(62), '&gt;'), " chr "(39), '&apos;'), " chr \
	"(9), '&#9;'), " chr "(10), '&#10;'), " chr "(13), '&#13;')"
#define FILLED(chr, stamp)                                                                         \
	"replace(replace(replace(replace($4, " chr                                                 \
	"(1), " ESCAPED(chr, "i.id") "), " chr                                                     \
				     "(2), " ESCAPED(chr, "i.publisher") "), " chr "(4), " stamp   \
									 "), " chr                 \
									 "(3), i.payload)"
#define NEWEST_EVENT(chr, stamp)                                                                   \
	INSERT_EVENT " SELECT n.id, n.last, $2, $3, i.id, " FILLED(                                \
		chr, stamp) ", $5, $6, $7, $8"                                                     \
			    " FROM node n JOIN item i ON i.node = n.id AND i.seq ="                \
			    " (SELECT max(m.seq) FROM item m WHERE m.node = n.id)"                 \
			    " WHERE n.name = $1 AND n.gone = 0"

static const struct db_sql sql_newest_event = {
	NEWEST_EVENT("char", "strftime('%Y-%m-%dT%H:%M:%SZ', i.at, 'unixepoch')"),
	NEWEST_EVENT("chr", "to_char(to_timestamp(i.at) AT TIME ZONE 'UTC',"
			    " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"),
};

static const struct db_sql sql_notify = { NULL, "SELECT pg_notify('earshot', '')" };

static void
add_event(struct plan *plan, const char *node, const struct ear_event_draft *event)
{
	struct db_value backlog = db_int((int64_t)event->backlog), at = db_int(time(NULL));

	if (event->newest)
		PLAN(plan, &sql_newest_event, 0, db_text(node), db_int(event->audience),
		     db_text(event->to), db_text(event->text), db_text(event->type), backlog,
		     db_int(event->wide), at);
	else
		PLAN(plan, &sql_event, 0, db_text(node), db_int(event->audience),
		     db_text(event->to), db_text(event->item), db_text(event->text),
		     db_text(event->type), backlog, db_int(event->wide), at);
}

static void
add_events(struct plan *plan, const struct ear_transaction *transaction)
{
	for (size_t i = 0; i < transaction->event_count; i++)
		add_event(plan, transaction->node, &transaction->events[i]);
	if (transaction->event_count > 0)
		plan_add(plan, &sql_notify, 0, NULL, 0);
}

/* Of epoch and last, as they are now. */
static void
on_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	if (step != ask->first_step)
		return;
	ask->numbers[0] = columns[0].number;
	ask->numbers[1] = columns[1].number;
}

/* It creates first or not at all, and deletes last. */
static bool
is_possible(const struct ear_transaction *transaction)
{
	if (transaction->count > EAR_CHANGES_MAX || transaction->event_count > EAR_DRAFTS_MAX)
		return false;
	for (size_t i = 0; i < transaction->count; i++) {
		enum ear_change_kind kind = transaction->changes[i].kind;

		if ((kind == EAR_CREATE_NODE) != (i == 0 && transaction->epoch == 0) ||
		    (kind == EAR_DELETE_NODE && i + 1 < transaction->count))
			return false;
	}
	return transaction->count > 0 || transaction->epoch != 0;
}

static void
add_all(struct plan *plan, struct ask *ask, const struct ear_transaction *transaction)
{
	const char *node = transaction->node;
	size_t count = transaction->count;

	if (transaction->epoch != 0)
		ask->first_step = guard(plan, transaction);
	for (size_t i = 0; i < count; i++)
		add_change(plan, ask, node, &transaction->changes[i]);
	add_events(plan, transaction);
	if (count > 0 && transaction->changes[count - 1].kind == EAR_DELETE_NODE)
		destroy(plan, node);
}

void
ear_store_change(struct ear_store *store, const struct ear_transaction *transaction,
		 ear_changed_fn *fn, void *arg)
{
	struct ask *ask = ask_new(store, arg);
	struct plan plan = { 0 };

	ask->fn.changed = fn;
	ask->answer = ask_answer_changed;
	if (!is_possible(transaction)) {
		store_refuse(ask, -EINVAL, "no such transaction");
		return;
	}
	ask->row = on_row;
	ask->tells = transaction->event_count > 0;
	if (store->kind->shared && change_is_publication(transaction))
		ask->first_step = change_publish(&plan, transaction);
	else
		add_all(&plan, ask, transaction);
	store_run(store, ask, &plan, true);
}
