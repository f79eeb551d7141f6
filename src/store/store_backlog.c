/* SPDX-License-Identifier: ISC */
/* store_backlog.c: what waits for those who were not there. */
#include <errno.h>

#include <earshot/jid.h>

#include "store/store_impl.h"

/*
 * Events are known by positive ids, what waits by negative ones: so one that waits and is not taken
 * again is not kept a second time, and no event is taken for another.
 */
static const struct db_sql sql_keep = {
	"INSERT INTO backlog (jid, node, event, item, type, at, body)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (jid, event) DO NOTHING",
	NULL
};
static const struct db_sql sql_trim = {
	"DELETE FROM backlog WHERE jid = $1 AND node = $2 AND id <= (SELECT b.id FROM backlog b"
	" WHERE b.jid = $1 AND b.node = $2 ORDER BY b.id DESC LIMIT 1 OFFSET $3)",
	NULL
};

static struct ask *
ask_change(struct ear_store *store, ear_changed_fn *fn, void *arg)
{
	struct ask *ask = ask_new(store, arg);

	ask->fn.changed = fn;
	ask->answer = ask_answer_changed;
	return ask;
}

void
ear_store_keep_for(struct ear_store *store, const char *jid, const struct ear_stored_event *event,
		   ear_changed_fn *fn, void *arg)
{
	struct ask *ask = ask_change(store, fn, arg);
	struct plan plan = { 0 };
	struct db_value id = event->id > 0 ? db_int(event->id) : db_text(NULL);

	if (event->backlog == 0 || event->id < 0) {
		store_refuse(ask, 0, "");
		return;
	}
	PLAN(&plan, &sql_keep, 0, db_text(jid), db_text(event->node), id, db_text(event->item),
	     db_text(event->type), db_int(event->at), db_text(event->text));
	PLAN(&plan, &sql_trim, 0, db_text(jid), db_text(event->node),
	     db_int((int64_t)event->backlog));
	store_run(store, ask, &plan, DB_WRITES_LAZILY);
}

/* --- what waits --------------------------------------------------------------------------- */

/* By the clock of the database, as of events. Where nobody shares it everybody is ours. */
#define NOW   "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
#define UNTIL NOW " + 10000000"

static const struct db_sql sql_claim = {
	"SELECT 1 WHERE $1 <> '' AND $2 <> ''",
	"INSERT INTO claim AS c (jid, holder, until) VALUES ($1, $2, " UNTIL ")"
	" ON CONFLICT (jid) DO UPDATE SET holder = excluded.holder, until = excluded.until"
	" WHERE c.holder = excluded.holder OR c.until < " NOW " RETURNING 1",
};
static const struct db_sql sql_release = {
	NULL,
	"DELETE FROM claim WHERE jid = $1 AND NOT EXISTS (SELECT 1 FROM backlog b WHERE b.jid = "
	"$1)",
};

/* What came back late, and so was kept late, is no newer for that. */
static const struct db_sql sql_waiting = {
	"SELECT id, jid, node, item, type, at, body, COALESCE(event, -id) FROM backlog"
	" WHERE jid = $1 ORDER BY COALESCE(event, id), id LIMIT $2",
	NULL
};

static void
on_row(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	struct ear_stored_event *event;

	if (step != ask->first_step)
		return;
	event = ask_event(ask);
	event->id = -columns[0].number;
	event->audience = EAR_TELL_ONE;
	event->to = ask_copy(ask, columns[1].text);
	event->node = ask_copy(ask, columns[2].text);
	event->item = ask_copy(ask, columns[3].text);
	event->type = ask_copy(ask, columns[4].text);
	event->at = columns[5].number;
	event->text = ask_copy(ask, columns[6].text);
	event->told = "";
	event->origin = columns[7].number;
}

void
ear_store_waiting(struct ear_store *store, const char *jid, ear_events_fn *fn, void *arg)
{
	struct ask *ask = ask_new(store, arg);
	struct plan plan = { 0 };

	ask->fn.events = fn;
	ask->answer = ask_answer_events;
	ask->row = on_row;
	PLAN(&plan, &sql_claim, -EBUSY, db_text(jid), db_text(store->holder));
	ask->first_step = PLAN(&plan, &sql_waiting, 0, db_text(jid), db_int(EAR_EVENTS_MAX));
	PLAN(&plan, &sql_release, 0, db_text(jid));
	store_run(store, ask, &plan, store_lease_effect(store));
}

static const struct db_sql sql_late = {
	"SELECT DISTINCT jid FROM backlog WHERE jid > $1 ORDER BY jid LIMIT $2", NULL
};

static void
on_late(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	ask_row(ask)->jid = ask_copy(ask, columns[0].text);
}

void
ear_store_late(struct ear_store *store, const char *after, ear_stored_fn *fn, void *arg)
{
	struct ask *ask = ask_new(store, arg);
	struct plan plan = { 0 };

	ask->fn.stored = fn;
	ask->answer = ask_answer_rows;
	ask->row = on_late;
	PLAN(&plan, &sql_late, 0, db_text(after), db_int(EAR_STORE_PAGE_MAX));
	store_run(store, ask, &plan, false);
}

static const struct db_sql sql_waited = { "DELETE FROM backlog WHERE id = $1", NULL };

void
ear_store_waited(struct ear_store *store, const int64_t *ids, size_t count, ear_changed_fn *fn,
		 void *arg)
{
	struct ask *ask = ask_change(store, fn, arg);
	struct plan plan = { 0 };

	if (count == 0 || count > EAR_STORE_PAGE_MAX) {
		store_refuse(ask, count == 0 ? 0 : -EMSGSIZE, "");
		return;
	}
	for (size_t i = 0; i < count; i++)
		PLAN(&plan, &sql_waited, 0, db_int(-ids[i]));
	store_run(store, ask, &plan, DB_WRITES_LAZILY);
}
