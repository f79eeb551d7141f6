/* SPDX-License-Identifier: ISC */
/* store.c: the life of a store, and who is answered when. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store_impl.h"
#include "wire/ids.h"

static void
ask_end(struct ask *ask, int error, const char *text)
{
	bool tells = ask->tells && error == 0;
	struct ear_store *store = ask->store;

	list_del(&ask->list);
	if (!ask->forgotten)
		ask->answer(ask, error, text);
	ask_free(ask);
	if (tells)
		store_tell_news(store);
}

static void
soon(struct ear_store *store)
{
	if (!ear_timer_is_set(&store->soon))
		ear_timer_set(&store->soon, 0);
}

/* --- from the event loop ------------------------------------------------------------------ */

static void
on_soon(void *arg)
{
	struct ear_store *store = arg;

	if (!store->has_news || store->news == NULL)
		return;
	store->has_news = false;
	store->news(store->news_arg);
}

static void
on_news(void *arg)
{
	struct ear_store *store = arg;

	store->was_told = true;
	store_tell_news(store);
}

static void
on_row(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	struct ask *ask = arg;

	if (ask->row != NULL && !ask->forgotten)
		ask->row(ask, step, columns, count);
}

static void
on_done(void *arg, int error, size_t step, const char *text)
{
	struct ask *ask = arg;

	if (error == 0 && ask->error != 0)
		ask_end(ask, ask->error, ask->text);
	else
		ask_end(ask, error, text == NULL ? "" : text);
}

static void
on_heard(void *arg, const char *text)
{
	store_say_heard(arg, text);
}

/* --- its life ----------------------------------------------------------------------------- */

int
store_new(struct event_base *base, struct ear_clock *clock, const struct db_kind *kind,
	  const struct db_config *config, struct ear_store **out, char *error, size_t size)
{
	struct ear_store *store = xalloc(sizeof(*store));
	static const struct db_events events = { .news = on_news, .heard = on_heard };
	struct ids ids = { 0 };
	int rc;

	*out = NULL;
	store->kind = kind;
	store->shared = kind->shared;
	ids_take(&ids, store->holder);
	list_init(&store->asks);
	ear_timer_init(&store->soon, clock, on_soon, store);
	ear_timer_init(&store->lease, clock, on_news, store);
	store_say_init(store, clock);
	rc = kind->open(base, clock, config, &store_schema, &events, store, &store->db, error,
			size);
	if (rc == 0)
		*out = store;
	else
		store_free(store);
	return rc;
}

bool
store_is_busy(const struct ear_store *store)
{
	return !list_is_empty(&store->asks) || ear_timer_is_set(&store->soon);
}

void
store_free(struct ear_store *store)
{
	if (store == NULL)
		return;
	if (store->db != NULL)
		store->kind->close(store->db);
	while (!list_is_empty(&store->asks))
		ask_free(container_of(store->asks.next, struct ask, list));
	ear_timer_stop(&store->lease);
	ear_timer_stop(&store->soon);
	store_say_release(store);
	free(store);
}

/* --- doing it ----------------------------------------------------------------------------- */

void
store_run(struct ear_store *store, struct ask *ask, struct plan *plan, enum db_effect writes)
{
	struct db_job job = {
		.steps = plan->steps,
		.count = plan->count,
		.writes = writes,
		.repeatable = plan->repeatable,
		.row = on_row,
		.done = on_done,
		.arg = ask,
	};

	store->kind->run(store->db, &job);
	free(plan->steps);
}

void
store_refuse(struct ask *ask, int error, const char *text)
{
	static const struct db_sql nothing = { "SELECT 1", NULL };
	struct plan plan = { 0 };

	ask->row = NULL;
	ask->error = error;
	ask->text = xstrdup(text);
	plan_add(&plan, &nothing, 0, NULL, 0);
	store_run(ask->store, ask, &plan, false);
}

void
store_tell_news(struct ear_store *store)
{
	store->has_news = true;
	soon(store);
}

void
ear_store_watch(struct ear_store *store, ear_store_news_fn *fn, void *arg)
{
	store->news = fn;
	store->news_arg = arg;
	/* What there is of an earlier run the database has told, or will. */
	if (fn != NULL && store->has_news)
		soon(store);
}

bool
ear_store_is_old(const struct ear_store *store)
{
	return store->was_told;
}

bool
ear_store_is_shared(const struct ear_store *store)
{
	return store != NULL && store->shared;
}

void
ear_store_forget(struct ear_store *store, const void *arg)
{
	struct list *i, *spare;

	list_each (i, spare, &store->asks) {
		struct ask *ask = container_of(i, struct ask, list);

		if (ask->arg == arg)
			ask->forgotten = true;
	}
}
