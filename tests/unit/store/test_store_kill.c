/* SPDX-License-Identifier: ISC */
/*
 * test_store_kill.c: an engine that publishes and tells is killed at any moment. Whatever it was
 * told has happened has; what it had begun has happened or not, as a whole; the next one goes on
 * telling where it was.
 */
#include "store_kit.h"

#include <signal.h>
#include <sys/wait.h>

#define KILLS      40
#define SLOW_KILLS 2  /* where a lease has to be waited for */
#define LATEST     20 /* reports that are waited for */
#define PUBLISHES  10000
#define KEEP       5

/* What the one that dies says on its pipe, before and after. */
struct report {
	char what; /* 'b': publishing n; 'p': published n; 'x': telling the end of n; 't': told */
	size_t n;
};

static char fates[PUBLISHES];   /* the last report of each */
static size_t begun, published; /* so many, and the last of them */

/* --- who dies ----------------------------------------------------------------------------- */

static int reports;

static void
say(char what, size_t n)
{
	struct report report = { what, n };

	if (write(reports, &report, sizeof(report)) != sizeof(report))
		_exit(1);
}

static void
publish(size_t n)
{
	char text[16];
	struct ear_change put = putting(text, text, KEEP);

	snprintf(text, sizeof(text), "%zu", n);
	say('b', n);
	assert_int_equal(tell("blogs", put, text), 0);
	say('p', n);
}

static void
tell_one(void)
{
	size_t n;

	if (take(kit.store) == 0)
		return;
	n = strtoul(got.events[0].text, NULL, 10);
	assert_int_equal(audience(kit.store, got.events[0].id, ""), 0);
	assert_int_equal(got.count, 1);
	if (take(kit.store) == 0 || told(kit.store, got.events[0].id, "a@x") != 0)
		return;
	assert_true(take(kit.store) > 0);
	say('x', n);
	if (told(kit.store, got.events[0].id, NULL) == 0)
		say('t', n);
}

/* Everything is the child's own: it has no connection and no loop of its parent's. */
static void
live(size_t first)
{
	kit.base = event_base_new();
	kit.clock = clock_new(kit.base);
	kit.store = kit_open_another();
	for (size_t n = first; n < PUBLISHES; n++) {
		publish(n);
		if (n % 3 != 0)
			tell_one();
	}
	_exit(0);
}

/* --- who looks ---------------------------------------------------------------------------- */

static void
note(const struct report *report)
{
	assert_true(report->n < PUBLISHES);
	fates[report->n] = report->what;
	if (report->what == 'b')
		begun = report->n + 1;
	if (report->what == 'p')
		published = report->n;
}

static void
kill_one(int after, unsigned usec)
{
	int ends[2], status;
	struct report report;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		reports = ends[1];
		live(begun);
	}
	close(ends[1]);
	while (after-- > 0 && read(ends[0], &report, sizeof(report)) == sizeof(report))
		note(&report);
	usleep(usec);
	kill(pid, SIGKILL);
	while (read(ends[0], &report, sizeof(report)) == sizeof(report))
		note(&report);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* All that is left to tell, in its order; half of it is told. */
static void
tell_rest(void)
{
	static bool left[PUBLISHES];
	time_t until = time(NULL) + KIT_WAIT;
	size_t last = 0, n;

	memset(left, 0, sizeof(left));
	while (take(kit.store) == 0 && kit.kind->shared && time(NULL) < until)
		usleep(200000);
	while (take(kit.store) > 0) {
		n = strtoul(got.events[0].text, NULL, 10);
		assert_true(n < begun && !left[n] && (last == 0 || n > last));
		assert_int_not_equal(fates[n], 't');
		left[n] = true;
		last = n;
		assert_int_equal(told(kit.store, got.events[0].id, NULL), 0);
	}
	for (n = 0; n < begun; n++) {
		assert_true(fates[n] != 'p' || left[n]);
		fates[n] = 't';
	}
}

/* The newest of what was published, or had been begun. */
static void
check_items(void)
{
	size_t count, newest;

	assert_int_equal(ask_node("blogs", NULL), 0);
	count = got.rows[0].items;
	assert_int_equal(got.rows[0].subscribers, 1);
	assert_int_equal(ask_items("blogs"), 0);
	assert_int_equal(got.count, count);
	assert_int_equal(got.total, count);
	assert_true(count <= KEEP && (begun < 2 * KEEP || count == KEEP));
	newest = count == 0 ? 0 : strtoul(got.rows[0].item, NULL, 10);
	assert_true(newest >= published && (newest < begun || begun == 0));
	for (size_t i = 0; i < count; i++)
		assert_string_equal(got.rows[i].item, got.rows[i].payload);
}

static void
test_kill(void **state)
{
	int kills = kit.kind->shared ? SLOW_KILLS : KILLS;

	srand(7);
	create("blogs");
	assert_int_equal(change("blogs", subscribing("a@x", EAR_SUBSCRIBED)), 0);
	for (int i = 0; i < kills; i++) {
		store_free(kit.store);
		kit.store = NULL;
		kill_one(rand() % LATEST + 1, (unsigned)rand() % 4000);
		kit.store = kit_open_another();
		tell_rest();
		check_items();
	}
	assert_true(begun > (size_t)kills);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST_FILE(test_kill) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
