/* SPDX-License-Identifier: ISC */
/* test_db_postgres.c: what db.h promises, with a real server; and what several that share it see
 * of each other. */
#include "kit_postgres.h"

#include "db_tests.h"

#define OTHERS 3

KIT_SQL(kit_notify, "NOTIFY earshot");
KIT_SQL(kit_written, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
KIT_SQL(kit_on_disk, "SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn");
KIT_SQL(kit_is_committed, "SELECT CASE current_setting('transaction_isolation')"
			  " WHEN 'read committed' THEN 1 ELSE 0 END");
KIT_SQL(kit_pause, "SELECT 1 FROM (SELECT pg_sleep(0.3)) AS p");

/* Others that share the database, on the same loop. */
struct other {
	struct db *db;
	size_t news, done;
	int error;
};

static struct other others[OTHERS];

static void
on_other_news(void *arg)
{
	((struct other *)arg)->news++;
}

static void
on_other_done(void *arg, int error, size_t step, const char *text)
{
	struct other *other = arg;

	other->done++;
	other->error = error;
	if (error != 0)
		print_message("%s\n", text);
}

static void
open_others(const struct db_schema *schema)
{
	static const struct db_events events = { .news = on_other_news };
	const struct db_config config = kit_config();

	memset(others, 0, sizeof(others));
	for (size_t i = 0; i < OTHERS; i++)
		assert_int_equal(db_postgres.open(kit.base, kit.clock, &config, schema, &events,
						  &others[i], &others[i].db, kit.error,
						  sizeof(kit.error)),
				 0);
}

static int
close_all(void **state)
{
	for (size_t i = 0; i < OTHERS; i++) {
		if (others[i].db != NULL)
			db_postgres.close(others[i].db);
		others[i].db = NULL;
	}
	return kit_teardown(state);
}

static void
run_other(struct other *other, const struct db_step *steps, size_t count)
{
	db_postgres.run(other->db, &(struct db_job){ .steps = steps,
						     .count = count,
						     .writes = true,
						     .done = on_other_done,
						     .arg = other });
}

/* Who says so knows already. */
static void
test_news_of_others(void **state)
{
	const struct db_step notify = { .sql = &kit_notify };
	size_t before[OTHERS], own;

	kit_open(&kit_schema);
	open_others(&kit_schema);
	KIT_UNTIL(kit.news > 0 && others[0].news > 0 && others[1].news > 0 && others[2].news > 0);
	for (size_t i = 0; i < OTHERS; i++)
		before[i] = others[i].news;
	own = kit.news;
	kit_ask(&notify, 1, true);
	KIT_UNTIL(others[0].news > before[0] && others[1].news > before[1] &&
		  others[2].news > before[2]);
	assert_int_equal(kit_number(&kit_count), 0);
	assert_int_equal(kit.news, own);
	run_other(&others[0], &notify, 1);
	KIT_UNTIL(kit.news > own);
}

/* One of a job that is undone is not said. */
static void
test_no_news_of_undone(void **state)
{
	const struct db_step undone[] = { { .sql = &kit_notify },
					  { &kit_get, { KIT_TEXT("no") }, 1, -ENOENT } };
	const struct db_step notify = { .sql = &kit_notify };
	size_t before;

	kit_open(&kit_schema);
	open_others(&kit_schema);
	KIT_UNTIL(kit.news > 0 && others[0].news > 0 && others[1].news > 0 && others[2].news > 0);
	before = others[0].news;
	assert_int_equal(kit_ask(undone, 2, true)->error, -ENOENT);
	assert_int_equal(kit_ask(&notify, 1, true)->error, 0);
	KIT_UNTIL(others[0].news > before);
	assert_int_equal(others[0].news, before + 1);
}

/* Whatever comes behind it in the same turn, and writes nothing. */
static void
test_answered_is_on_disk(void **state)
{
	const struct db_step put[] = { kit_step_put("a", 1), { .sql = &kit_written } };
	const struct db_step add = { &kit_add, { KIT_TEXT("no"), KIT_INT(1) }, 2, 0 };
	const struct db_step refused = { &kit_add, { KIT_TEXT("no"), KIT_INT(1) }, 2, -ENOENT };
	const struct db_step count = { .sql = &kit_count };
	const struct {
		const struct db_step *step;
		enum db_effect writes;
	} behind[] = { { NULL, DB_READS },
		       { &add, DB_WRITES },
		       { &add, DB_WRITES_LAZILY },
		       { &refused, DB_WRITES },
		       { &count, DB_READS } };

	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		struct kit_job *job;
		size_t before;

		cluster_empty(&cluster);
		kit_open(&kit_schema);
		assert_int_equal(kit_number(&kit_count), 0);
		before = kit.count;
		job = kit_run(0, put, 2, true);
		if (behind[i].step != NULL)
			kit_run(1, behind[i].step, 1, behind[i].writes);
		KIT_UNTIL(kit.count > before);
		assert_int_equal(kit.answers[before].error, 0);
		assert_true(kit_number(&kit_on_disk) >= job->number);
		kit_close();
	}
}

/* All of them find no schema, and one makes it. */
static void
test_schema_by_several(void **state)
{
	for (int i = 0; i < 10; i++) {
		const struct db_step count = { .sql = &kit_count };

		cluster_empty(&cluster);
		open_others(i % 2 == 0 ? &kit_schema : &kit_schema_2);
		for (size_t k = 0; k < OTHERS; k++)
			run_other(&others[k], &count, 1);
		KIT_UNTIL(others[0].done == 1 && others[1].done == 1 && others[2].done == 1);
		for (size_t k = 0; k < OTHERS; k++)
			assert_int_equal(others[k].error, 0);
		assert_int_equal(cluster_sql(&cluster, "SELECT count(*) FROM earshot_schema"), 1);
		assert_int_equal(cluster_sql(&cluster, "SELECT version FROM earshot_schema"),
				 i % 2 + 1);
		for (size_t k = 0; k < OTHERS; k++)
			db_postgres.close(others[k].db);
		memset(others, 0, sizeof(others));
	}
}

/* The server ends one of two that wait for each other: it is tried again. */
static void
test_deadlock_is_tried_again(void **state)
{
	const struct db_step a = { &kit_add, { KIT_TEXT("a"), KIT_INT(1) }, 2, -ENOENT };
	const struct db_step b = { &kit_add, { KIT_TEXT("b"), KIT_INT(1) }, 2, -ENOENT };
	const struct db_step pause = { .sql = &kit_pause };
	const struct db_step ab[] = { a, pause, b }, ba[] = { b, pause, a };

	kit_open(&kit_schema);
	open_others(&kit_schema);
	kit_run_put(0, "a", 0);
	kit_run_put(0, "b", 0);
	KIT_UNTIL(kit.count == 2);
	run_other(&others[0], ab, 3);
	run_other(&others[1], ba, 3);
	KIT_UNTIL(others[0].done == 1 && others[1].done == 1);
	assert_int_equal(others[0].error, 0);
	assert_int_equal(others[1].error, 0);
	assert_int_equal(kit_number(&kit_sum), 4);
}

static void
refuse_negative(void)
{
	cluster_sql(&cluster, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
			      " 'BEGIN IF NEW.v < 0 THEN RAISE EXCEPTION ''no''; END IF;"
			      " RETURN NULL; END'");
	cluster_sql(&cluster, "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON kit DEFERRABLE"
			      " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()");
}

/* What is sent behind a COMMIT that fails is done all the same, and what failed is not. */
static void
test_commit_fails(void **state)
{
	size_t before;

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	refuse_negative();
	for (int i = 0; i < 2; i++) {
		before = kit.count;
		kit_run_put(0, "a", -1);
		if (i == 0)
			kit_run_put(1, "b", 1);
		kit_run_put(2, i == 0 ? "c" : "d", 1);
		KIT_UNTIL(kit.count == before + (i == 0 ? 3 : 2));
		assert_int_equal(kit.answers[before].tag, 0);
		assert_true(kit.answers[before].error < 0);
		assert_int_not_equal(kit.answers[before].error, -ECONNRESET);
		for (size_t k = before + 1; k < kit.count; k++)
			assert_int_equal(kit.answers[k].error, 0);
		assert_int_equal(kit_number(&kit_count), i == 0 ? 2 : 3);
	}
	assert_true(kit_ask(
			    &(struct db_step){
				    &kit_put, { KIT_TEXT("a"), KIT_INT(-1), KIT_NULL }, 3, 0 },
			    1, true)
			    ->error < 0);
	assert_int_equal(kit_number(&kit_count), 3);
}

/* The connection stays: what was committed before is not in doubt, what comes behind not done
 * twice. */
static void
test_commit_is_refused_alone(void **state)
{
	size_t news;

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	refuse_negative();
	KIT_UNTIL(kit.news > 0);
	news = kit.news;
	kit_run_put(0, "a", 1);
	kit_run_put(1, "b", -1);
	kit_run_put(2, "c", 1);
	KIT_UNTIL(kit.count == 4);
	assert_int_equal(kit.answers[1].error, 0);
	assert_true(kit.answers[2].error < 0);
	assert_int_equal(kit.answers[3].error, 0);
	assert_int_equal(kit_number(&kit_count), 2);
	assert_int_equal(kit.news, news);
}

/* One that has no COMMIT fails at its end: how it ended is not known, and the others are not
 * concerned. */
static void
test_end_of_repeatable_fails(void **state)
{
	const struct db_step put = kit_step_put("a", -1);

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	refuse_negative();
	kit_run_repeatable(1, &put, 1);
	kit_run_put(2, "c", 1);
	KIT_UNTIL(kit.count == 3);
	assert_int_equal(kit.answers[1].tag, 1);
	assert_true(kit.answers[1].error < 0);
	assert_int_equal(kit.answers[2].error, 0);
	assert_int_equal(kit_number(&kit_count), 1);
}

/* Whatever others' transactions are by default: also where nobody says BEGIN. */
static void
test_defaults_of_others(void **state)
{
	const struct db_step put = kit_step_put("a", 1);
	char text[256];

	snprintf(text, sizeof(text),
		 "%s options='-c default_transaction_read_only=on"
		 " -c default_transaction_isolation=serializable'",
		 cluster.url);
	url = text;
	kit_open(&kit_schema);
	kit_run_repeatable(0, &put, 1);
	KIT_UNTIL(kit.count == 1);
	assert_int_equal(kit.answers[0].error, 0);
	assert_int_equal(kit_number(&kit_is_committed), 1);
	kit_run_put(0, "b", 1);
	KIT_UNTIL(kit.count == 3);
	assert_int_equal(kit.answers[2].error, 0);
}

/* What is found wrong is known at once; the password is never repeated. */
static void
test_url_is_looked_at(void **state)
{
	static const struct {
		const char *url, *says;
	} refused[] = {
		{ "postgresql://ear:geheim@127.0.0.1/ear", "secret-file" },
		{ "host=127.0.0.1 password=geheim", "secret-file" },
		{ "host=127.0.0.1 sslpassword=geheim", "secret-file" },
		{ "geheim", "not a connection string" },
		{ "postgresql://ear:geheim@127.0.0.1:x:y/ear?geheim", "not a connection string" },
		{ "host=db.example.org", "hostaddr" },
		{ "postgresql://192.0.2.1,db.example.org/ear", "hostaddr" },
		{ "service=geheim", "service" },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		url = refused[i].url;
		assert_int_equal(kit_try(&kit_schema), -EINVAL);
		assert_null(kit.db);
		if (strstr(kit.error, refused[i].says) == NULL)
			fail_msg("%s: %s", url, kit.error);
		assert_null(strstr(kit.error, "geheim"));
	}
}

static void
test_url_is_taken(void **state)
{
	char text[256];
	static const char *const forms[] = {
		"postgresql://postgres@/postgres?host=%s",
		"host=%s user=postgres dbname=postgres application_name=mine",
		"host=%s,localhost,192.0.2.1,::1 user=postgres dbname=postgres",
		"host=%s,db.example.org hostaddr=,192.0.2.1 user=postgres dbname=postgres",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(text, sizeof(text), forms[i], cluster.dir);
		url = text;
		kit_open(&kit_schema);
		assert_int_equal(kit_number(&kit_count), 0);
		assert_int_equal(cluster_sql(&cluster, "SELECT count(*) FROM pg_stat_activity"
						       " WHERE application_name = 'mine'"),
				 i == 1);
		assert_int_equal(cluster_sql(&cluster, "SELECT count(*) FROM pg_stat_activity"
						       " WHERE application_name = 'earshot'"),
				 i != 1);
		kit_close();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, close_all)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TESTS,
		TEST(test_news_of_others),
		TEST(test_no_news_of_undone),
		TEST(test_answered_is_on_disk),
		TEST(test_schema_by_several),
		TEST(test_deadlock_is_tried_again),
		TEST(test_commit_fails),
		TEST(test_commit_is_refused_alone),
		TEST(test_end_of_repeatable_fails),
		TEST(test_defaults_of_others),
		TEST(test_url_is_looked_at),
		TEST(test_url_is_taken),
	};

	return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
