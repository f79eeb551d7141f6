/* SPDX-License-Identifier: ISC */
/*
 * store_say.c: what engines that share a database tell each other through it, and it forgets.
 *
 *	a short text    NOTIFY with it
 *	a long one      a row of `said`, NOTIFY with "#" and its number; whoever hears that reads it
 *
 * Such a row lives for half a minute, or up to twice as long: each engine that has said or heard
 * one, or has just been started, takes away what is old then. So nothing is left of one that was
 * killed, as long as another one runs, or when it runs again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "store/store_impl.h"

#define MARK      '#' /* no stanza begins so */
#define LIFE      (30 * EAR_SEC)
#define SAID_MAX  256                        /* rows, of all engines */
#define SAID_SIZE (8 * INT64_C(1024) * 1024) /* bytes in them */

_Static_assert(STORE_SAY_SHORT < 8000, "PostgreSQL notifies of no more");
_Static_assert(LIFE == 30000000, "the statements say so");

#define NOW "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"

static const struct db_sql sql_say = {
	"SELECT 1 WHERE $1 <> ''",
	"SELECT pg_notify('earshot', $1)",
};

/* Two that count at the same time may both find room. */
static const struct db_sql sql_say_long = {
	"SELECT 1 WHERE $1 <> '' AND $2 < $4 AND $3 > 0",
	"WITH there AS MATERIALIZED"
	" (SELECT count(*) AS texts, COALESCE(sum(size), 0) AS bytes FROM said),"
	" put AS (INSERT INTO said (at, size, body) SELECT " NOW ", $2, $1 FROM there"
	" WHERE texts < $3 AND bytes + $2 <= $4 RETURNING id)"
	" SELECT pg_notify('earshot', '#' || id) FROM put",
};
static const struct db_sql sql_read = {
	NULL,
	"SELECT body FROM said WHERE id = $1",
};
static const struct db_sql sql_forget = {
	NULL,
	"DELETE FROM said WHERE id = ANY (ARRAY(SELECT o.id FROM said o WHERE o.at < " NOW
	" - 30000000 FOR UPDATE SKIP LOCKED))",
};
static const struct db_sql sql_is_left = { NULL, "SELECT 1 FROM said LIMIT 1" };

/* --- what is old -------------------------------------------------------------------------- */

static void
look_later(struct ear_store *store)
{
	if (store->kind->shared && !ear_timer_is_set(&store->said))
		ear_timer_set(&store->said, LIFE);
}

static void
on_left(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	if (step == ask->first_step)
		ask->count = 1;
}

static void
on_forgotten(struct ask *ask, int error, const char *text)
{
	if (error != 0 || ask->count > 0)
		look_later(ask->store);
}

static void
on_old(void *arg)
{
	struct ear_store *store = arg;
	struct ask *ask = ask_new(store, NULL);
	struct plan plan = { 0 };

	ask->row = on_left;
	ask->answer = on_forgotten;
	plan_add(&plan, &sql_forget, 0, NULL, 0);
	ask->first_step = plan_add(&plan, &sql_is_left, 0, NULL, 0);
	plan.repeatable = true;
	store_run(store, ask, &plan, DB_WRITES_LAZILY);
}

/* --- saying ------------------------------------------------------------------------------- */

static void
on_said(struct ask *ask, int error, const char *text)
{
	struct ear_store *store = ask->store;

	store->saying--;
	store->saying_size -= ask->max;
	if (error == -EDQUOT)
		ear_warn("store: %zu bytes not passed on: too much is on its way", ask->max);
	else if (error != 0)
		ear_debug("store: %zu bytes not passed on: %s", ask->max, text);
}

int
store_say(struct ear_store *store, const char *text)
{
	size_t size = strlen(text);
	struct plan plan = { 0 };
	struct ask *ask;

	if (size > STORE_SAY_MAX)
		return -EMSGSIZE;
	if (store->saying >= STORE_SAYING_MAX || store->saying_size + size > STORE_SAYING_SIZE)
		return -ENOBUFS;
	ask = ask_new(store, NULL);
	ask->answer = on_said;
	ask->max = size;
	store->saying++;
	store->saying_size += size;
	if (size <= STORE_SAY_SHORT) {
		PLAN(&plan, &sql_say, 0, db_text(text));
	} else {
		plan_add(&plan, &sql_forget, 0, NULL, 0);
		PLAN(&plan, &sql_say_long, -EDQUOT, db_text(text), db_int((int64_t)size),
		     db_int(SAID_MAX), db_int(SAID_SIZE));
		look_later(store);
	}
	store_run(store, ask, &plan, store_lease_effect(store));
	return 0;
}

/* --- hearing ------------------------------------------------------------------------------ */

static void
tell(struct ear_store *store, const char *text)
{
	if (store->heard != NULL)
		store->heard(store->heard_arg, text);
}

static void
on_body(struct ask *ask, size_t step, const struct db_value *columns, size_t count)
{
	ask_row(ask)->payload = ask_copy(ask, columns[0].text);
}

/* Who was not connected for that long does not find it any more. */
static void
on_read(struct ask *ask, int error, const char *text)
{
	ask->store->hearing--;
	if (error == 0 && ask->count > 0)
		tell(ask->store, ask->rows[0].payload);
	else
		ear_debug("store: what another one has passed on is not there: %s", text);
}

static void
read_long(struct ear_store *store, int64_t id)
{
	struct plan plan = { 0 };
	struct ask *ask;

	if (store->hearing >= STORE_HEARING_MAX) {
		ear_warn("store: what another one has passed on is not heard: too much is");
		return;
	}
	store->hearing++;
	ask = ask_new(store, NULL);
	ask->row = on_body;
	ask->answer = on_read;
	PLAN(&plan, &sql_read, 0, db_int(id));
	store_run(store, ask, &plan, DB_READS);
	look_later(store);
}

void
store_say_heard(struct ear_store *store, const char *text)
{
	if (text != NULL && text[0] == MARK)
		read_long(store, strtoll(text + 1, NULL, 10));
	else
		tell(store, text);
}

void
store_hear(struct ear_store *store, store_heard_fn *fn, void *arg)
{
	store->heard = fn;
	store->heard_arg = arg;
}

/* --- its life ----------------------------------------------------------------------------- */

void
store_say_init(struct ear_store *store, struct ear_clock *clock)
{
	ear_timer_init(&store->said, clock, on_old, store);
	look_later(store);
}

void
store_say_release(struct ear_store *store)
{
	ear_timer_stop(&store->said);
}
