/* SPDX-License-Identifier: ISC */
/* test_pubsub_publish.c: publications while the database is lost: who publishes is told that it was
 * done if it was, and only then. */
#include <errno.h>

#include "pubsub_kit.h"
#include "store/db.h"

#define OWNER   "hamlet@example.org/elsinore"
#define READER  "francisco@example.org/barracks"
#define PUBLISH PUBSUB("<publish node='n'><item id='1'><a xmlns='urn:example:a'/></item></publish>")

/* --- a database that is lost ---------------------------------------------------------------- */

enum losing { LOSES_NOTHING, LOSES_ANSWER, LOSES_ALL };

/* A real one; of the next publication nobody hears how it ended. */
static struct {
	struct db db; /* first */
	struct db *real;
	const struct db_events *events;
	void *events_arg;
	enum losing losing;
	db_done_fn *done;
	void *arg;
} frail;

static void
on_lost(void *arg, int error, size_t step, const char *text)
{
	frail.done(frail.arg, -ECONNRESET, step, "it was lost");
	frail.events->news(frail.events_arg); /* it is there again */
}

static int
frail_open(struct event_base *base, struct ear_clock *clock, const struct db_config *config,
	   const struct db_schema *schema, const struct db_events *events, void *arg,
	   struct db **out, char *error, size_t size)
{
	int rc = db_sqlite.open(base, clock, config, schema, events, arg, &frail.real, error, size);

	frail.events = events;
	frail.events_arg = arg;
	*out = &frail.db;
	return rc;
}

static void
frail_run(struct db *db, const struct db_job *job)
{
	struct db_job lost = { .steps = job->steps, .count = job->count, .writes = job->writes };

	if (frail.losing == LOSES_NOTHING || job->writes != DB_WRITES) {
		db_sqlite.run(frail.real, job);
		return;
	}
	if (frail.losing == LOSES_ALL)
		lost.count = 0;
	frail.losing = LOSES_NOTHING;
	frail.done = job->done;
	frail.arg = job->arg;
	lost.done = on_lost;
	db_sqlite.run(frail.real, &lost);
}

static void
frail_forget(struct db *db, const void *arg)
{
	db_sqlite.forget(frail.real, arg);
}

static void
frail_close(struct db *db)
{
	db_sqlite.close(frail.real);
}

static const struct db_kind kind = {
	.name = "frail",
	.open = frail_open,
	.run = frail_run,
	.forget = frail_forget,
	.close = frail_close,
};

/* --- publications --------------------------------------------------------------------------- */

static int
setup_frail(void **state)
{
	frail.db.kind = &kind;
	frail.losing = LOSES_NOTHING;
	return setup_with(fake_new_with(&kind));
}

static void
publish(enum losing losing)
{
	settle();
	fake_clear(ear);
	frail.losing = losing;
	ask("set", OWNER, PUBLISH);
	settle();
	assert_int_equal(frail.losing, LOSES_NOTHING);
}

static size_t
told(void)
{
	size_t count = 0;

	for (size_t i = 0; i < ear->box_count; i++)
		count += strcmp(xmpp_stanza_get_to(ear->box[i]), READER) == 0;
	return count;
}

static void
subscribe(void)
{
	publish(LOSES_NOTHING);
	assert_non_null(fake_result(ear));
	ask("set", READER, PUBSUB("<subscribe node='n' jid='" READER "'/>"));
	publish(LOSES_NOTHING);
}

/* It was written, and only the answer was lost. */
static void
test_done(void **state)
{
	subscribe();
	publish(LOSES_ANSWER);
	assert_non_null(fake_result(ear));
	assert_int_equal(told(), 1);
}

/* It was not, and one that is the same, of the same second, is there. */
static void
test_not_done(void **state)
{
	subscribe();
	publish(LOSES_ALL);
	assert_true(fake_refused(ear, EAR_REMOTE_SERVER_TIMEOUT));
	assert_int_equal(told(), 0);
}

/* The first one, which makes its node. */
static void
test_first(void **state)
{
	publish(LOSES_ANSWER);
	assert_non_null(fake_result(ear));
}

#define FRAIL(name) cmocka_unit_test_setup_teardown(name, setup_frail, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRAIL(test_done),
		FRAIL(test_not_done),
		FRAIL(test_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
