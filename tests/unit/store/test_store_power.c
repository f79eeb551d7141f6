/* SPDX-License-Identifier: ISC */
/*
 * test_store_power.c: publishers, subscribers and owners are at work when the process is killed, or
 * the power is cut, at each single step that the disk is asked for. What was answered is there
 * afterwards, what was not is there as a whole or not at all, and the events of what is there are
 * still to be told.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "power.h"
#include "store_kit.h"

/* --- the work ------------------------------------------------------------------------------ */

static char big[100 * 1024];

static bool
must(int error)
{
	if (error != 0)
		fail_msg("%d: %s", error, got.text);
	return true;
}

static void
step_create(void)
{
	must(change("blogs", creating("title: x")));
}

static void
step_subscribe(void)
{
	const struct ear_change changes[] = { subscribing(KIT_ROMEO, EAR_SUBSCRIBED),
					      subscribing(KIT_OWNER "/hall", EAR_SUBSCRIBED) };

	must(change_all("blogs", changes, 2, NULL));
}

static void
step_put(void)
{
	must(tell("blogs", putting("a", "<a/>", 10), "<a-is-new/>"));
}

/* Enough for the log to be written back into the file. */
static void
step_put_big(void)
{
	memset(big, 'x', sizeof(big) - 1);
	must(tell("blogs", putting("big", big, 10), "<big-is-new/>"));
}

static size_t waiting;

static void
on_one_of_many(void *arg, const struct ear_changed *changed)
{
	if (changed->error != 0)
		fail_msg("%d: %s", changed->error, changed->text);
	waiting--;
}

/* One turn of the loop, and so one transaction of the database. */
static void
step_many(void)
{
	static const char *const items[] = { "b", "c", "d", "e" };
	struct ear_event_draft draft = { .text = "<new/>", .type = "headline" };
	int64_t epoch;

	must(ask_node("blogs", NULL));
	epoch = got.rows[0].epoch;
	for (size_t i = 0; i < 4; i++) {
		struct ear_change one = putting(items[i], "<x/>", 10);
		struct ear_transaction transaction = { .node = "blogs",
						       .epoch = epoch,

						       .changes = &one,
						       .count = 1,
						       .events = &draft,
						       .event_count = 1 };

		waiting++;
		ear_store_change(kit.store, &transaction, on_one_of_many, NULL);
	}
	while (waiting > 0)
		kit_loop();
}

static void
step_other(void)
{
	must(change("other", creating("")));
}

static void
step_affiliate(void)
{
	must(change("other", affiliating(KIT_ROMEO, EAR_PUBLISHER)));
}

static void
step_tell_half(void)
{
	assert_true(take(kit.store) > 0);
	must(told(kit.store, got.events[0].id, KIT_OWNER "/hall"));
}

static void
step_told(void)
{
	assert_true(take(kit.store) > 0);
	must(told(kit.store, got.events[0].id, NULL));
}

static void
step_keep_for(void)
{
	struct ear_stored_event event = {
		.id = 1,
		.node = "blogs",
		.to = "",
		.item = "a",
		.text = "<late/>",
		.type = "normal",
		.backlog = 3,
		.told = "",
	};

	got_clear();
	ear_store_keep_for(kit.store, KIT_ROMEO, &event, kit_on_changed, &kit);
	kit_wait(&got.done);
	must(got.error);
}

static void
step_remove(void)
{
	must(tell("blogs", removing("a"), "<a-is-gone/>"));
}

static void
step_trim(void)
{
	must(tell("blogs", putting("last", "<last/>", 2), "<last-is-new/>"));
}

static void
step_configure(void)
{
	must(change("blogs", (struct ear_change){ .kind = EAR_CONFIGURE_NODE,
						  .config = "title: y",
						  .keep = 1 }));
}

static void
step_unsubscribe(void)
{
	must(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIPTION_NONE)));
}

static void
step_purge(void)
{
	must(tell("blogs", doing(EAR_PURGE_NODE), "<purged/>"));
}

static void
step_delete_other(void)
{
	must(change("other", doing(EAR_DELETE_NODE)));
}

static void
step_delete(void)
{
	must(tell("blogs", doing(EAR_DELETE_NODE), "<deleted/>"));
}

static void (*const steps[])(void) = {
	step_create, step_subscribe,    step_put,       step_many,      step_put_big,
	step_other,  step_affiliate,    step_tell_half, step_told,      step_keep_for,
	step_remove, step_put_big,      step_trim,      step_configure, step_unsubscribe,
	step_purge,  step_delete_other, step_delete,
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* On a clock that stands still: what is one turn is one turn also on a machine that is busy. */
static void
begin(void)
{
	kit.clock = clock_new_fake();
	kit.store = kit_open_another();
}

static void
end(void)
{
	store_free(kit.store);
	kit.store = NULL;
	clock_free(kit.clock);
}

/* Opens, works, closes; after each step fn. */
static void
work(void (*fn)(size_t done))
{
	begin();
	for (size_t i = 0; i < STEPS; i++) {
		steps[i]();
		fn(i + 1);
	}
	end();
}

/* --- what there is ------------------------------------------------------------------------- */

/* All rows of a table but for the times in them. */
static void
dump_table(sqlite3 *sqlite, const char *table, FILE *out)
{
	char sql[128];
	sqlite3_stmt *s;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1, 2, 3", table);
	assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		fprintf(out, "%s:", table);
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const char *name = sqlite3_column_name(s, i);
			const char *text = (const char *)sqlite3_column_text(s, i);

			if (strcmp(name, "at") != 0 && strcmp(name, "created_at") != 0)
				fprintf(out, " %s=%.40s", name, text == NULL ? "NULL" : text);
		}
		fprintf(out, "\n");
	}
	assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
}

/* The whole database as text; also of none. */
static char *
dump(void)
{
	static const char *const tables[] = { "store",        "node",  "item",   "affiliation",
					      "subscription", "event", "backlog" };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	sqlite3_stmt *s;
	sqlite3 *sqlite;

	if (access(kit.path, F_OK) == 0) {
		assert_int_equal(sqlite3_open(kit.path, &sqlite), SQLITE_OK);
		assert_int_equal(
			sqlite3_exec(sqlite, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL),
			SQLITE_OK);
		assert_int_equal(sqlite3_prepare_v2(sqlite, "PRAGMA integrity_check", -1, &s, NULL),
				 SQLITE_OK);
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
		sqlite3_finalize(s);
		assert_int_equal(sqlite3_prepare_v2(sqlite, "PRAGMA user_version", -1, &s, NULL),
				 SQLITE_OK);
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
		for (size_t i = 0;
		     sqlite3_column_int(s, 0) > 0 && i < sizeof(tables) / sizeof(tables[0]); i++)
			dump_table(sqlite, tables[i], out);
		sqlite3_finalize(s);
		sqlite3_close(sqlite);
	}
	fclose(out);
	/* Its tables are made before the first change is. */
	if (strcmp(text, "store: id=1 epoch=0 nodes=0\n") == 0)
		text[0] = '\0';
	return text;
}

/* --- once without any harm ----------------------------------------------------------------- */

static char *expected[STEPS + 1];
static size_t events[STEPS + 1];

static void
on_step_expected(size_t done)
{
	store_free(kit.store);
	expected[done] = dump();
	kit.store = kit_open_another();
	events[done] = take(kit.store);
}

static void
remove_files(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -f %s/*", kit.dir);
	assert_int_equal(system(command), 0);
}

/* --- and again, until it is cut ------------------------------------------------------------ */

static int answered;

static void
on_step_answered(size_t done)
{
	char byte = 0;

	if (write(answered, &byte, 1) != 1)
		_exit(4);
}

/* How many steps were answered; *alive: it was through before that. */
static size_t
work_until(size_t n, bool loses, bool *alive)
{
	int ends[2], status;
	size_t count = 0;
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		answered = ends[1];
		power_cut_at(n, loses, (unsigned)n);
		work(on_step_answered);
		_exit(0);
	}
	close(ends[1]);
	while (read(ends[0], &byte, 1) == 1)
		count++;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		fail_msg("cut at %zu: the work itself failed", n);
	*alive = WIFEXITED(status);
	return count;
}

/* By who opens it next: the events that are still to be told; and that it goes on. */
static void
look_again(size_t n, size_t done)
{
	begin();
	if (take(kit.store) != events[done])
		fail_msg("cut at %zu: %zu events are to be told, not %zu", n, got.count,
			 events[done]);
	must(change("afterwards", creating("")));
	end();
}

/* What was told is told again after a power cut, though not before what was done earlier. */
static bool
may_be_lost(size_t step)
{
	return steps[step] == step_tell_half || steps[step] == step_told ||
	       steps[step] == step_keep_for;
}

static void
check(size_t n, size_t count, bool loses)
{
	char *found = dump(), *bad = xasprintf("%s.bad", kit.path);
	size_t done = count;

	while (loses && done > 0 && may_be_lost(done - 1) && strcmp(found, expected[done]) != 0)
		done--;
	if (strcmp(found, expected[done]) != 0)
		done = count + (count < STEPS);
	if (strcmp(found, expected[done]) != 0)
		fail_msg("cut at %zu, %zu steps answered; found is\n%s\nand not\n%s", n, count,
			 found, expected[count]);
	assert_int_not_equal(access(bad, F_OK), 0);
	free(found);
	free(bad);
	look_again(n, done);
}

static void
cut_everywhere(bool loses)
{
	bool alive = false;
	size_t n = 0, last = 0, half = 0;

	while (!alive) {
		size_t count;

		remove_files();
		count = work_until(++n, loses, &alive);
		half += count < STEPS && count == last;
		last = count;
		check(n, count, loses);
	}
	print_message("cut at %zu places\n", n - 1);
	assert_int_equal(last, STEPS);
	assert_true(n > 100 && half > 0);
}

static void
test_killed_anywhere(void **state)
{
	cut_everywhere(false);
}

static void
test_without_power_anywhere(void **state)
{
	cut_everywhere(true);
}

static int
setup(void **state)
{
	power_begin();
	kit.kind = &db_sqlite;
	ear_log_set_level(EAR_LOG_ERROR);
	/* Nothing has to be on a real disk. */
	snprintf(kit.dir, sizeof(kit.dir), "%s/test_power.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(kit.dir) == NULL)
		return -1;
	snprintf(kit.path, sizeof(kit.path), "%s/store.db", kit.dir);
	kit.config.path = kit.path;
	expected[0] = xstrdup("");
	work(on_step_expected);
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	got_clear();
	for (size_t i = 0; i <= STEPS; i++)
		free(expected[i]);
	snprintf(command, sizeof(command), "rm -rf %s", kit.dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_anywhere),
		cmocka_unit_test(test_without_power_anywhere),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
