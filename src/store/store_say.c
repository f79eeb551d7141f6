/* SPDX-License-Identifier: ISC */
/* store_say.c: what engines that share a database tell each other through it, and it forgets. */
#include <errno.h>
#include <string.h>

#include "store/store_impl.h"

static const struct db_sql sql_say = {
	"SELECT 1 WHERE $1 <> ''",
	"SELECT pg_notify('earshot', $1)",
};

static void
answer(struct ask *ask, int error, const char *text)
{
	ask->store->saying--;
}

int
store_say(struct ear_store *store, const char *text)
{
	struct plan plan = { 0 };
	struct ask *ask;

	if (strlen(text) > STORE_SAY_MAX)
		return -EMSGSIZE;
	if (store->saying >= STORE_SAYING_MAX)
		return -ENOBUFS;
	store->saying++;
	ask = ask_new(store, NULL);
	ask->answer = answer;
	PLAN(&plan, &sql_say, 0, db_text(text));
	store_run(store, ask, &plan, store_lease_effect(store));
	return 0;
}

void
store_hear(struct ear_store *store, store_heard_fn *fn, void *arg)
{
	store->heard = fn;
	store->heard_arg = arg;
}
