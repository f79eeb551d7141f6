/* SPDX-License-Identifier: ISC */
/* store_events.c: events that are still to be told: who tells those of a node, to whom, how far. */
#include <errno.h>

#include "base/alloc.h"
#include "store/store_change.h"

_Static_assert(EAR_LEASE_USEC == 10000000, "the statements say so");
_Static_assert(EAR_SUBSCRIBED == 3 && EAR_TELL_SUBSCRIBERS == 0 && EAR_TELL_ONE == 1,
	       "the statements say so");

/* By the clock of the database, which all who share it have in common. */
#define NOW   "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
#define UNTIL NOW " + 10000000"

/* --- taking ------------------------------------------------------------------------------- */

/*
 * Of the nodes that have events, which are few, what of the lease is looked for; and the nodes with
 * the oldest first. Where nobody shares it all nodes are ours. A row says how long until what
 * others have now may be ours; one whose lease is just being claimed counts.
 */
#define EACH_NODE "SELECT e.node FROM event e GROUP BY e.node ORDER BY min(e.id)"
#define FREE                                                                                       \
	"(SELECT m.node FROM lease m WHERE m.node = w.node"                                        \
	" AND (m.holder = $1 OR m.until < " NOW ") FOR UPDATE SKIP LOCKED) l"
#define CLAIM                                                                                      \
	"UPDATE lease SET holder = $1, until = " UNTIL " WHERE node = ANY (ARRAY(SELECT l.node"    \
	" FROM waiting w CROSS JOIN LATERAL " FREE " LIMIT $2)) RETURNING node"
#define OTHERS "(SELECT m.until FROM lease m WHERE m.node = w.node AND m.holder <> $1 OFFSET 0) l"

static const struct db_sql sql_claim = {
	NULL,
	"WITH waiting AS MATERIALIZED (" EACH_NODE "), claimed AS (" CLAIM ")"
	" SELECT min(l.until) - " NOW " FROM waiting w CROSS JOIN LATERAL " OTHERS
	" WHERE w.node <> ALL (ARRAY(SELECT c.node FROM claimed c)) HAVING count(*) > 0",
};

#define EVENT                                                                                      \
	"SELECT e.id, n.name, e.audience, e.dest, e.item, e.body, e.type, e.backlog, e.wide,"      \
	" e.told, e.at FROM event e JOIN node n ON n.id = e.node"

static const struct db_sql sql_take = {
	EVENT " WHERE $1 <> '' ORDER BY e.id LIMIT $2",
	EVENT " WHERE e.node = ANY (ARRAY(SELECT l.node FROM lease l WHERE l.holder = $1"
	      " AND l.until > " NOW ")) ORDER BY e.id LIMIT $2",
};

static void
on_event_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	struct ear_stored_event *event;

	if (step < ask->first_step) {
		ear_timer_set(&ask->store->lease,
			      columns[0].number > EAR_SEC ? columns[0].number : EAR_SEC);
		return;
	}
	if (step != ask->first_step)
		return;
	event = ask_event(ask);
	event->id = columns[0].number;
	event->node = ask_copy(ask, columns[1].text);
	event->audience = (enum ear_audience)columns[2].number;
	event->to = ask_copy(ask, columns[3].text);
	event->item = ask_copy(ask, columns[4].text);
	event->text = ask_copy(ask, columns[5].text);
	event->type = ask_copy(ask, columns[6].text);
	event->backlog = (size_t)columns[7].number;
	event->wide = columns[8].number != 0;
	event->told = ask_copy(ask, columns[9].text);
	event->at = columns[10].number;
}

/* On the disk when it is answered: with the lease go the events, which another engine may have
 * written a moment ago, and what is told must not be forgotten by a crash of the database. */
void
ear_store_take(struct ear_store *store, ear_events_fn *fn, void *arg)
{
	struct ask *ask = ask_new(store, arg);
	struct plan plan = { 0 };

	ask->fn.events = fn;
	ask->answer = ask_answer_events;
	ask->row = on_event_row;
	PLAN(&plan, &sql_claim, 0, db_text(store->holder), db_int(EAR_EVENTS_MAX));
	ask->first_step = PLAN(&plan, &sql_take, 0, db_text(store->holder), db_int(EAR_EVENTS_MAX));
	plan.repeatable = true;
	store_run(store, ask, &plan, store->kind->shared ? DB_WRITES : DB_READS);
}

/* --- to whom ------------------------------------------------------------------------------ */

/* -ESTALE: it is another's now, or has been told. */
static const struct db_sql sql_hold = {
	"SELECT 1 FROM event WHERE id = $1 AND $2 <> ''",
	"UPDATE lease SET until = " UNTIL " WHERE node = (SELECT node FROM event WHERE id = $1)"
	" AND holder = $2 RETURNING 1",
};

static void
hold(struct plan *plan, const struct ear_store *store, int64_t event)
{
	PLAN(plan, &sql_hold, -ESTALE, db_int(event), db_text(store->holder));
}

/* Only of a node that lets something wait. */
#define ONE_WAITS                                                                                  \
	"CASE WHEN e.backlog > 0 AND EXISTS (SELECT 1 FROM backlog b WHERE b.jid = e.dest)"        \
	" THEN 1 ELSE 0 END"

static const struct db_sql sql_one = {
	"SELECT e.dest, COALESCE((SELECT s.options FROM subscription s"
	" WHERE s.node = e.node AND s.jid = e.dest), ''), " ONE_WAITS
	" FROM event e WHERE e.id = $1 AND e.audience = 1 AND e.dest > $2",
	NULL
};

/* Each of these once: so the subscriptions of the node come in their order, and are not sorted. */
#define WHERE_EVENT   " FROM event e WHERE e.id = $1 AND e.audience = 0)"
#define EVENT_NODE    "(SELECT e.node" WHERE_EVENT
#define EVENT_SEQ     "(SELECT e.seq" WHERE_EVENT
#define EVENT_BACKLOG "(SELECT e.backlog" WHERE_EVENT
#define SUBSCRIBER_WAITS                                                                           \
	"CASE WHEN " EVENT_BACKLOG                                                                 \
	" > 0 AND EXISTS (SELECT 1 FROM backlog b WHERE b.jid = s.jid) THEN 1 ELSE 0 END"

static const struct db_sql sql_subscribers = {
	"SELECT s.jid, s.options, " SUBSCRIBER_WAITS
	" FROM subscription s WHERE s.node = " EVENT_NODE " AND s.since < " EVENT_SEQ
	" AND s.state = 3 AND s.jid > $2 ORDER BY s.jid LIMIT $3",
	NULL
};

static void
on_audience_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	struct ear_stored *row;

	if (step < ask->first_step)
		return;
	row = ask_row(ask);
	row->jid = ask_copy(ask, columns[0].text);
	row->options = ask_copy(ask, columns[1].text);
	row->items = (size_t)columns[2].number;
}

void
ear_store_audience(struct ear_store *store, int64_t event, const char *after, size_t max,
		   ear_stored_fn *fn, void *arg)
{
	struct ask *ask = ask_new(store, arg);
	struct plan plan = { 0 };

	ask->fn.stored = fn;
	ask->answer = ask_answer_rows;
	ask->row = on_audience_row;
	hold(&plan, store, event);
	ask->first_step = PLAN(&plan, &sql_one, 0, db_int(event), db_text(after));
	PLAN(&plan, &sql_subscribers, 0, db_int(event), db_text(after),
	     db_int(max < EAR_STORE_PAGE_MAX ? (int64_t)max : EAR_STORE_PAGE_MAX));
	plan.repeatable = true;
	store_run(store, ask, &plan, store_lease_effect(store));
}

/* --- how far ------------------------------------------------------------------------------ */

static const struct db_sql sql_told = { "UPDATE event SET told = $2 WHERE id = $1", NULL };

/* Whoever wants the next event of that node may have it. */
#define MORE                                                                                       \
	"CASE WHEN EXISTS (SELECT 1 FROM event f WHERE f.node = lease.node AND f.id <> $1)"        \
	" THEN "
static const struct db_sql sql_release = {
	"SELECT 1 FROM event WHERE id = $1 AND $2 <> ''",
	"UPDATE lease SET holder = " MORE "holder ELSE '' END, until = " MORE UNTIL " ELSE 0 END"
	" WHERE node = (SELECT e.node FROM event e WHERE e.id = $1) AND holder = $2 RETURNING 1",
};

/* What is left of nodes that are gone, but for those that an event is of, other than that one. */
#define SWEPT(others)                                                                              \
	"SELECT n.id FROM node n WHERE n.gone = 1"                                                 \
	" AND NOT EXISTS (SELECT 1 FROM event e WHERE e.node = n.id" others ")"
#define ARE_SWEPT "= ANY (ARRAY(SELECT id FROM swept))"
#define SWEEP                                                                                      \
	" of_people AS (DELETE FROM subscription WHERE node " ARE_SWEPT "),"                       \
	" of_engines AS (DELETE FROM lease WHERE node " ARE_SWEPT ")"                              \
	" DELETE FROM node WHERE id " ARE_SWEPT

/* PostgreSQL sweeps with it: what it takes away is still there for all its parts. */
static const struct db_sql sql_done = {
	"DELETE FROM event WHERE id = $1",
	"WITH done AS (DELETE FROM event WHERE id = $1),"
	" swept AS MATERIALIZED (" SWEPT(" AND e.id <> $1") ")," SWEEP,
};

/* One at a time in SQLite, which makes a table for more: when its last event has been told, or
 * there was none, its time has come. */
#define ONE_SWEPT "(" SWEPT("") " LIMIT 1)"

static const struct db_sql sql_sweep_subscriptions = {
	"DELETE FROM subscription WHERE node = " ONE_SWEPT, ""
};
static const struct db_sql sql_sweep_nodes = { "DELETE FROM node WHERE id = " ONE_SWEPT, "" };
static const struct db_sql sql_sweep = {
	NULL,
	"WITH swept AS MATERIALIZED (" SWEPT("") ")," SWEEP,
};

static void
sweep_file(struct plan *plan)
{
	plan_add(plan, &sql_sweep_subscriptions, 0, NULL, 0);
	plan_add(plan, &sql_sweep_nodes, 0, NULL, 0);
}

void
change_sweep(struct plan *plan)
{
	sweep_file(plan);
	plan_add(plan, &sql_sweep, 0, NULL, 0);
}

static const struct db_sql sql_is_there = { "SELECT 1 FROM event WHERE id = $1", NULL };

static void
on_still_there(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	ask->error = -ESTALE;
	ask->text = xstrdup("");
}

/* What is not there any more was forgotten: by us, where nobody heard of it since the connection
 * was lost, or by another engine. Only what is there is another's. */
static void
answer_told(struct ask *ask, int error, const char *text)
{
	struct plan plan = { 0 };
	struct ask *look;

	if (error != -ESTALE || ask->fn.changed == NULL) {
		ask_answer_changed(ask, error, text);
		return;
	}
	look = ask_new(ask->store, ask->arg);
	look->fn = ask->fn;
	look->answer = ask_answer_changed;
	look->row = on_still_there;
	PLAN(&plan, &sql_is_there, 0, db_int(ask->event));
	store_run(look->store, look, &plan, DB_READS);
}

void
ear_store_told(struct ear_store *store, int64_t event, const char *upto, ear_changed_fn *fn,
	       void *arg)
{
	struct ask *ask = ask_new(store, arg);
	struct plan plan = { 0 };

	ask->fn.changed = fn;
	ask->answer = upto != NULL ? ask_answer_changed : answer_told;
	ask->event = event;
	if (upto != NULL) {
		hold(&plan, store, event);
		PLAN(&plan, &sql_told, 0, db_int(event), db_text(upto));
	} else {
		PLAN(&plan, &sql_release, -ESTALE, db_int(event), db_text(store->holder));
		PLAN(&plan, &sql_done, 0, db_int(event));
		sweep_file(&plan);
	}
	plan.repeatable = true;
	store_run(store, ask, &plan, DB_WRITES_LAZILY);
}
