/* SPDX-License-Identifier: ISC */
/* test_pq_link.c: what becomes of jobs when the connection, the server, the password or the library
 * is not there. */
#include "kit_postgres.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 600

KIT_SQL(kit_set, "UPDATE kit SET v = $2 WHERE k = $1 RETURNING v");
KIT_SQL(kit_pause, "SELECT 1 FROM (SELECT pg_sleep(0.5)) AS p");

#define END_EARSHOT                                                                                \
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"                            \
	" WHERE application_name = 'earshot'"

static const char *program;

static void
expect_there(const char *key, bool there)
{
	const struct db_step step = { &kit_get, { KIT_TEXT(key) }, 1, 0 };
	const struct kit_answer *answer = kit_ask(&step, 1, false);

	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->rows, there);
}

/* What was answered with 0 is there, in any case; nothing is answered twice or never. */
static void
test_server_killed(void **state)
{
	char keys[MANY][8];
	size_t good = 0, unsure = 0;

	kit_open(&kit_schema);
	for (int i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		kit_run_put(i, keys[i], i);
	}
	KIT_UNTIL(kit.count > 50);
	cluster_kill(&cluster);
	assert_int_equal(cluster_again(&cluster), 0);
	KIT_UNTIL(kit.count == MANY);
	for (int i = 0; i < MANY; i++) {
		const struct kit_answer answer = kit.answers[i];

		assert_int_equal(answer.tag, i);
		good += answer.error == 0;
		unsure += answer.error == -ECONNRESET;
		if (answer.error != 0)
			continue;
		expect_there(keys[i], true);
		kit.count = MANY;
	}
	assert_int_equal(good + unsure, MANY);
	assert_in_range(unsure, 0, 64); /* that shared one wait for the disk */
}

/* A row each, and no row twice: it was not written, so it is done again. */
static void
test_lost_before_it_was_written(void **state)
{
	const struct db_step steps[] = { kit_step_put("a", 1),
					 { .sql = &kit_pause },
					 kit_step_put("b", 1) };
	size_t news;

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	news = kit.news;
	kit_run(7, steps, 3, true);
	KIT_UNTIL(cluster_sql(&cluster, "SELECT count(*) FROM pg_stat_activity"
					" WHERE wait_event = 'PgSleep'") == 1);
	cluster_sql(&cluster, END_EARSHOT);
	KIT_UNTIL(kit.count == 2);
	assert_int_equal(kit.answers[1].error, 0);
	assert_int_equal(kit.answers[1].rows, 3);
	assert_int_equal(kit_number(&kit_count), 2);
	/* It is there again: what others said meanwhile was not heard. */
	assert_true(kit.news > news);
}

/* COMMIT takes its time, and nobody hears how it ends. */
static void
test_lost_while_it_was_written(void **state)
{
	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	cluster_sql(&cluster, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
			      " 'BEGIN PERFORM pg_sleep(5); RETURN NULL; END'");
	cluster_sql(&cluster, "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON kit DEFERRABLE"
			      " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()");
	kit_run_put(0, "a", 1);
	KIT_UNTIL(cluster_sql(&cluster, "SELECT count(*) FROM pg_stat_activity"
					" WHERE wait_event = 'PgSleep' AND query = 'COMMIT'") == 1);
	cluster_sql(&cluster, END_EARSHOT);
	KIT_UNTIL(kit.count == 2);
	assert_int_equal(kit.answers[1].error, -ECONNRESET);
	assert_string_not_equal(kit.answers[1].text, "");
	expect_there("a", false);
}

/* The same, of one that may be done twice. */
static void
test_lost_and_repeatable(void **state)
{
	const struct db_step step = kit_step_put("a", 1);

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	cluster_sql(&cluster, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
			      " 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END'");
	cluster_sql(&cluster, "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON kit DEFERRABLE"
			      " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()");
	kit_run_repeatable(0, &step, 1);
	KIT_UNTIL(cluster_sql(&cluster, "SELECT count(*) FROM pg_stat_activity"
					" WHERE wait_event = 'PgSleep'") == 1);
	cluster_sql(&cluster, END_EARSHOT);
	KIT_UNTIL(kit.count == 2);
	assert_int_equal(kit.answers[1].error, 0);
	assert_int_equal(kit.answers[1].rows, 1);
	assert_int_equal(kit_number(&kit_count), 1);
}

/* The same, of one that was committed and waits for others to reach the disk. All are answered in
 * their order. */
static void
test_lost_behind_repeatable(void **state)
{
	const struct db_step set = { .sql = &kit_set, { KIT_TEXT("a"), KIT_INT(5) }, 2 };
	const struct db_step get = { .sql = &kit_get, { KIT_TEXT("a") }, 1 };
	const struct db_step last[] = { kit_step_put("c", 1),
					{ .sql = &kit_pause },
					kit_step_put("d", 1) };
	static const int errors[] = { -ECONNRESET, 0, 0, -ECONNRESET, 0 };

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	kit_run_put(0, "a", 1);
	kit_run_repeatable(1, &set, 1);
	kit_run(2, &get, 1, false);
	kit_run_put(3, "b", 1);
	kit_run(4, last, 3, true);
	KIT_UNTIL(cluster_sql(&cluster, "SELECT count(*) FROM pg_stat_activity"
					" WHERE wait_event = 'PgSleep'") == 1);
	cluster_sql(&cluster, END_EARSHOT);
	KIT_UNTIL(kit.count == 6);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(kit.answers[i + 1].tag, i);
		assert_int_equal(kit.answers[i + 1].error, errors[i]);
	}
	assert_int_equal(kit.answers[2].rows, 1);
	assert_int_equal(kit.answers[3].rows, 1);
	assert_int_equal(kit.answers[3].number, 5);
	assert_int_equal(kit_number(&kit_count), 4);
}

/* One that takes the connection with it each time is not tried for ever. */
static void
test_lost_each_time(void **state)
{
	static const struct db_sql suicide = { .text = "SELECT pg_terminate_backend("
						       "pg_backend_pid())" };
	const struct db_step step = { .sql = &suicide };

	kit_open(&kit_schema);
	assert_int_equal(kit_ask(&step, 1, true)->error, -EIO);
	assert_int_equal(kit_number(&kit_count), 0);
}

/* A while, then its caller must know; and afterwards everything is as before. */
static void
test_server_gone(void **state)
{
	int64_t before;

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	cluster_kill(&cluster);
	before = clock_usec(CLOCK_MONOTONIC);
	kit_run_put(1, "a", 1);
	kit_run_put(2, "b", 1);
	KIT_UNTIL(kit.count == 3);
	assert_in_range(clock_usec(CLOCK_MONOTONIC) - before, 9 * EAR_SEC, 30 * EAR_SEC);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(kit.answers[i].error, -ENOTCONN);
		assert_int_equal(kit.answers[i].tag, i);
		assert_string_not_equal(kit.answers[i].text, "");
	}
	kit_run_put(3, "c", 1);
	assert_int_equal(cluster_again(&cluster), 0);
	KIT_UNTIL(kit.count == 4);
	assert_int_equal(kit.answers[3].error, 0);
	assert_int_equal(kit_number(&kit_count), 1);
}

/* It takes what we send and says nothing, as one behind a dead network. Closing waits only a
 * moment. */
static void
test_server_stopped(void **state)
{
	int64_t before;

	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	cluster_signal(&cluster, SIGSTOP);
	kit_run_put(1, "a", 1);
	kit_turn();
	before = clock_usec(CLOCK_MONOTONIC);
	kit_close();
	assert_in_range(clock_usec(CLOCK_MONOTONIC) - before, 0, 8 * EAR_SEC);
	cluster_signal(&cluster, SIGCONT);
	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	cluster_signal(&cluster, SIGSTOP);
	kit_run_put(2, "b", 1);
	KIT_UNTIL(kit.count == 3);
	assert_int_equal(kit.answers[2].error, -ENOTCONN);
	cluster_signal(&cluster, SIGCONT);
	kit_run_put(3, "c", 1);
	KIT_UNTIL(kit.count == 4);
	assert_int_equal(kit.answers[3].error, 0);
	expect_there("b", false);
}

static void
test_password(void **state)
{
	char text[128];

	cluster_sql(&cluster, "DROP ROLE IF EXISTS guarded");
	cluster_sql(&cluster, "CREATE ROLE guarded LOGIN PASSWORD 'quiet'");
	snprintf(text, sizeof(text), "host=%s user=guarded dbname=postgres", cluster.dir);
	url = text;
	secret = "quiet";
	kit_open(&kit_schema);
	assert_int_equal(kit_number(&kit_count), 0);
	kit_close();
	secret = "loud";
	kit_open(&kit_schema);
	kit_run_put(0, "a", 1);
	KIT_UNTIL(kit.count == 2);
	assert_int_equal(kit.answers[1].error, -ENOTCONN);
	assert_non_null(strstr(kit.answers[1].text, "password authentication failed"));
	assert_null(strstr(kit.answers[1].text, "loud"));
}

/* What may be mended meanwhile is answered at once, and looked at again. */
static void
test_no_right_to_make_the_schema(void **state)
{
	char text[128];
	int64_t before;

	cluster_sql(&cluster, "DROP ROLE IF EXISTS poor");
	cluster_sql(&cluster, "CREATE ROLE poor LOGIN");
	cluster_sql(&cluster, "REVOKE ALL ON SCHEMA public FROM public");
	snprintf(text, sizeof(text), "host=%s user=poor dbname=postgres", cluster.dir);
	url = text;
	before = clock_usec(CLOCK_MONOTONIC);
	kit_open(&kit_schema);
	kit_run_put(0, "a", 1);
	KIT_UNTIL(kit.count == 1);
	assert_true(kit.answers[0].error < 0 && kit.answers[0].error != -ENOTCONN);
	assert_in_range(clock_usec(CLOCK_MONOTONIC) - before, 0, 8 * EAR_SEC);
	cluster_sql(&cluster, "GRANT ALL ON SCHEMA public TO poor");
	do {
		kit_run_put(1, "a", 1);
		kit_turn();
		KIT_UNTIL(kit.count > 1);
	} while (kit.answers[--kit.count].error != 0);
	cluster_sql(&cluster, "DROP OWNED BY poor CASCADE");
}

/* This program again, where the library is no library. */
static void
test_missing_library(void **state)
{
	char dir[] = "/tmp/earshot-nopq.XXXXXX", path[64], variable[64], *argv[3], *env[3];
	int status = -1;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/libpq.so.5", dir);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	snprintf(variable, sizeof(variable), "LD_LIBRARY_PATH=%s", dir);
	argv[0] = (char *)program;
	argv[1] = (char *)"--missing";
	argv[2] = NULL;
	env[0] = variable;
	env[1] = (char *)"ASAN_OPTIONS=detect_leaks=0";
	env[2] = NULL;
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, env), 0);
	waitpid(pid, &status, 0);
	unlink(path);
	rmdir(dir);
	assert_int_equal(status, 0);
}

static int
try_without(void)
{
	bool told;

	kit_begin();
	told = kit_try(&kit_schema) == -ELIBACC && strstr(kit.error, "libpq5") != NULL;
	kit_end();
	return told ? 0 : 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_server_killed),
		TEST(test_lost_before_it_was_written),
		TEST(test_lost_while_it_was_written),
		TEST(test_lost_and_repeatable),
		TEST(test_lost_behind_repeatable),
		TEST(test_lost_each_time),
		TEST(test_server_gone),
		TEST(test_server_stopped),
		TEST(test_password),
		TEST(test_no_right_to_make_the_schema),
		TEST(test_missing_library),
	};

	program = argv[0];
	if (argc > 1 && strcmp(argv[1], "--missing") == 0)
		return try_without();
	return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
