/* SPDX-License-Identifier: ISC */
/* store_contact.c: who gets the presence of a service, and who shares his with it (RFC 6121 §3). */
#include <errno.h>

#include "store/store_impl.h"

_Static_assert(EAR_CONTACT_FROM == 1, "the statements say so");

static const struct db_sql sql_was = {
	"SELECT COALESCE((SELECT state FROM contact WHERE ours = $1 AND theirs = $2), 0)", NULL
};
static const struct db_sql sql_has_room = {
	"SELECT 1 WHERE EXISTS (SELECT 1 FROM contact WHERE ours = $1 AND theirs = $2)"
	" OR (SELECT count(*) FROM contact) < $3",
	NULL
};
static const struct db_sql sql_add = {
	"INSERT INTO contact (ours, theirs, state) VALUES ($1, $2, 1)"
	" ON CONFLICT (ours, theirs) DO NOTHING",
	NULL
};
static const struct db_sql sql_set = {
	"UPDATE contact SET state = $3 WHERE ours = $1 AND theirs = $2", NULL
};
static const struct db_sql sql_remove = { "DELETE FROM contact WHERE ours = $1 AND theirs = $2",
					  NULL };
static const struct db_sql sql_page = {
	"SELECT ours, theirs, state FROM contact WHERE (ours, theirs) > ($1, $2)"
	" ORDER BY ours, theirs LIMIT $3",
	NULL
};

static void
answer(struct ask *ask, int error, const char *text)
{
	struct ear_stored_answer rows = { .error = error,
					  .text = text,
					  .rows = ask->rows,
					  .count = error == 0 ? ask->count : 0 };

	ask->fn.stored(ask->arg, &rows);
}

static void
on_was(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	if (step == ask->first_step)
		ask_row(ask)->contact = (enum ear_contact)columns[0].number;
}

static void
on_page(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	struct ear_stored *row = ask_row(ask);

	row->ours = ask_copy(ask, columns[0].text);
	row->jid = ask_copy(ask, columns[1].text);
	row->contact = (enum ear_contact)columns[2].number;
}

static void
add_change(struct plan *plan, const char *ours, const char *theirs, enum ear_contact_change change)
{
	struct db_value o = db_text(ours), t = db_text(theirs);

	switch (change) {
	case EAR_CONTACT_LOOK:
		break;
	case EAR_CONTACT_ADD:
		PLAN(plan, &sql_has_room, -EDQUOT, o, t, db_int(EAR_CONTACTS_MAX));
		PLAN(plan, &sql_add, 0, o, t);
		break;
	case EAR_CONTACT_GAIN:
		PLAN(plan, &sql_set, 0, o, t, db_int(EAR_CONTACT_BOTH));
		break;
	case EAR_CONTACT_LOSE:
		PLAN(plan, &sql_set, 0, o, t, db_int(EAR_CONTACT_FROM));
		break;
	case EAR_CONTACT_REMOVE:
		PLAN(plan, &sql_remove, 0, o, t);
		break;
	}
}

static struct ask *
ask_begin(struct ear_store *store, ear_stored_fn *fn, void *arg)
{
	struct ask *ask = ask_new(store, arg);

	ask->fn.stored = fn;
	ask->answer = answer;
	return ask;
}

void
ear_store_contact(struct ear_store *store, const char *ours, const char *theirs,
		  enum ear_contact_change change, ear_stored_fn *fn, void *arg)
{
	struct ask *ask = ask_begin(store, fn, arg);
	struct plan plan = { 0 };

	ask->row = on_was;
	ask->first_step = PLAN(&plan, &sql_was, 0, db_text(ours), db_text(theirs));
	add_change(&plan, ours, theirs, change);
	store_run(store, ask, &plan, change == EAR_CONTACT_LOOK ? DB_READS : DB_WRITES);
}

void
ear_store_contacts(struct ear_store *store, const char *ours, const char *theirs, ear_stored_fn *fn,
		   void *arg)
{
	struct ask *ask = ask_begin(store, fn, arg);
	struct plan plan = { 0 };

	ask->row = on_page;
	PLAN(&plan, &sql_page, 0, db_text(ours), db_text(theirs), db_int(EAR_STORE_PAGE_MAX));
	store_run(store, ask, &plan, DB_READS);
}

/* --- of one that becomes one of several ---------------------------------------------------- */

/* Two that bring the same contacts do so one after the other. */
static const struct db_sql sql_alone = {
	NULL,
	"SELECT 1 FROM store WHERE id = 1 FOR UPDATE",
};
static const struct db_sql sql_mark = {
	"INSERT INTO brought (mark) VALUES ($1) ON CONFLICT (mark) DO NOTHING RETURNING 1", NULL
};
static const struct db_sql sql_bring = {
	"INSERT INTO contact (ours, theirs, state) VALUES ($1, $2, $3)"
	" ON CONFLICT (ours, theirs) DO NOTHING RETURNING theirs",
	NULL
};
static const struct db_sql sql_fit = {
	"SELECT 1 WHERE (SELECT count(*) FROM contact) <= CAST($1 AS bigint)", NULL
};

static void
on_brought(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	if (step >= ask->first_step && step < ask->first_step + ask->max)
		ask_row(ask)->jid = ask_copy(ask, columns[0].text);
}

void
ear_store_bring(struct ear_store *store, const char *mark, const struct ear_stored *contacts,
		size_t count, ear_stored_fn *fn, void *arg)
{
	struct ask *ask = ask_begin(store, fn, arg);
	struct plan plan = { 0 };

	if (count > EAR_BRING_MAX) {
		store_refuse(ask, -EMSGSIZE, "too many contacts at once");
		return;
	}
	ask->row = on_brought;
	ask->max = count;
	plan_add(&plan, &sql_alone, 0, NULL, 0);
	ask->first_step = PLAN(&plan, &sql_mark, -EEXIST, db_text(mark)) + 1;
	for (size_t i = 0; i < count; i++)
		PLAN(&plan, &sql_bring, 0, db_text(contacts[i].ours), db_text(contacts[i].jid),
		     db_int(contacts[i].contact));
	PLAN(&plan, &sql_fit, -EDQUOT, db_int(EAR_CONTACTS_MAX));
	store_run(store, ask, &plan, DB_WRITES);
}
