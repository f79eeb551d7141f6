/* SPDX-License-Identifier: ISC */
/* test_seen.c: which ids are known, how many, and who makes room for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/seen_impl.h"

#define ROMEO  "romeo@pronto.local"
#define JULIET "juliet@example.org/balcony"

static char dir[64], error[512];

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_seen.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/seen", dir);
	unlink(path);
	return rmdir(dir);
}

static struct seen *
open_seen(const char *where)
{
	int rc = 1;
	struct seen *seen = seen_open(where, &rc, error, sizeof(error));

	if (seen == NULL)
		fail_msg("%s", error);
	assert_int_equal(rc, 0);
	return seen;
}

static const char *
id_of(unsigned n)
{
	static char id[32];

	snprintf(id, sizeof(id), "id-%u", n);
	return id;
}

static void
note_row(struct seen *seen, const char *sender, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		seen_note(seen, sender, id_of(i));
}

static unsigned
count_known(const struct seen *seen, const char *sender, unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += seen_has(seen, sender, id_of(i));
	return n;
}

static void
check_basics(struct seen *seen)
{
	assert_false(seen_has(seen, ROMEO, "a1"));
	assert_false(seen_knows(seen, ROMEO));
	seen_note(seen, ROMEO, "a1");
	assert_true(seen_has(seen, ROMEO, "a1"));
	assert_true(seen_knows(seen, ROMEO));
	assert_false(seen_has(seen, ROMEO, "a2"));
	assert_false(seen_has(seen, JULIET, "a1"));
	assert_false(seen_knows(seen, JULIET));
	seen_note(seen, JULIET, "a1");
	seen_forget(seen, ROMEO, "a1");
	seen_forget(seen, ROMEO, "a2");
	seen_forget(seen, "nobody", "a1");
	assert_false(seen_has(seen, ROMEO, "a1"));
	assert_true(seen_has(seen, JULIET, "a1"));
	seen_note(seen, ROMEO, "a1");
	assert_true(seen_has(seen, ROMEO, "a1"));
}

static void
test_known(void **state)
{
	struct seen *seen = open_seen(dir);

	check_basics(seen);
	seen_close(seen);
	seen = open_seen(NULL);
	check_basics(seen);
	seen_close(seen);
}

/* What a process has in hand when it is killed, the next ones are unsure of. */
static void
test_in_hand(void **state)
{
	struct seen *seen = open_seen(dir);

	seen_begin(seen, ROMEO, "a1");
	assert_false(seen_is_unsure(seen, ROMEO, "a1"));
	seen_note(seen, ROMEO, "a1");
	seen_end(seen);
	seen_begin(seen, ROMEO, "a2");
	seen_close(seen);
	for (unsigned i = 0; i < SEEN_HANDS; i++) {
		seen = open_seen(dir);
		assert_true(seen_is_unsure(seen, ROMEO, "a2"));
		assert_false(seen_has(seen, ROMEO, "a2"));
		assert_false(seen_is_unsure(seen, ROMEO, "a1"));
		assert_false(seen_is_unsure(seen, JULIET, "a2"));
		seen_begin(seen, JULIET, id_of(i));
		seen_close(seen);
	}
	seen = open_seen(dir);
	assert_false(seen_is_unsure(seen, ROMEO, "a2"));
	for (unsigned i = 0; i < SEEN_HANDS; i++)
		assert_true(seen_is_unsure(seen, JULIET, id_of(i)));
	seen_close(seen);
}

/* One that ends as it should leaves nothing behind, and takes nothing of others away. */
static void
test_in_hand_and_out(void **state)
{
	struct seen *seen = open_seen(dir);

	seen_begin(seen, ROMEO, "a1");
	seen_close(seen);
	for (unsigned i = 0; i < 2 * SEEN_HANDS; i++) {
		seen = open_seen(dir);
		assert_true(seen_is_unsure(seen, ROMEO, "a1"));
		assert_false(seen_is_unsure(seen, JULIET, "a1"));
		seen_begin(seen, JULIET, "a1");
		seen_end(seen);
		seen_close(seen);
	}
}

/* What is remembered of the last look-up is of that look-up. */
static void
test_note_after_another_look(void **state)
{
	struct seen *seen = open_seen(NULL);

	seen_note(seen, ROMEO, "a0");
	seen_note(seen, JULIET, "a0");
	assert_false(seen_has(seen, ROMEO, "a1"));
	assert_false(seen_has(seen, JULIET, "a1"));
	seen_note(seen, ROMEO, "a1");
	assert_true(seen_has(seen, ROMEO, "a1"));
	assert_false(seen_has(seen, JULIET, "a1"));
	assert_false(seen_has(seen, JULIET, "a2"));
	seen_note(seen, JULIET, "a2");
	seen_note(seen, JULIET, "a2");
	seen_forget(seen, JULIET, "a2");
	assert_false(seen_has(seen, JULIET, "a2"));
	seen_close(seen);
}

static void
test_any_id(void **state)
{
	struct seen *seen = open_seen(dir);
	char *longest = malloc(200001), *other;

	memset(longest, 'x', 200000);
	longest[200000] = '\0';
	other = strdup(longest);
	other[199999] = 'y';
	seen_note(seen, ROMEO, longest);
	assert_true(seen_has(seen, ROMEO, longest));
	assert_false(seen_has(seen, ROMEO, other));
	assert_false(seen_has(seen, ROMEO, ""));
	seen_note(seen, ROMEO, "");
	assert_true(seen_has(seen, ROMEO, ""));
	seen_note(seen, longest, "a1");
	assert_true(seen_has(seen, longest, "a1"));
	assert_false(seen_has(seen, other, "a1"));
	free(longest);
	free(other);
	seen_close(seen);
}

/* At every number of ids: the last SEEN_IDS, and never more than twice as many. */
static void
test_last_ids_are_known(void **state)
{
	struct seen *seen = open_seen(dir);

	for (unsigned to = 0; to < 5 * SEEN_IDS;) {
		unsigned step = to % 3 == 0 ? 97 : 400, from;

		note_row(seen, ROMEO, to, to + step);
		to += step;
		from = to > SEEN_IDS ? to - SEEN_IDS : 0;
		assert_int_equal(count_known(seen, ROMEO, from, to), to - from);
		assert_in_range(count_known(seen, ROMEO, 0, to), to - from, 2 * SEEN_IDS);
		assert_int_equal(count_known(seen, ROMEO, to, to + 100), 0);
	}
	seen_close(seen);
}

/* An id that is noted again is as good as new; taken back, it is gone wherever it was. */
static void
test_noted_again(void **state)
{
	struct seen *seen = open_seen(NULL);

	seen_note(seen, ROMEO, "again");
	seen_note(seen, ROMEO, "once");
	note_row(seen, ROMEO, 0, SEEN_IDS + SEEN_IDS / 2);
	seen_note(seen, ROMEO, "again");
	note_row(seen, ROMEO, 2 * SEEN_IDS, 3 * SEEN_IDS - 1);
	assert_false(seen_has(seen, ROMEO, "once"));
	assert_true(seen_has(seen, ROMEO, "again"));
	seen_note(seen, ROMEO, "again");
	seen_forget(seen, ROMEO, "again");
	assert_false(seen_has(seen, ROMEO, "again"));
	seen_close(seen);
}

/* Notes that are taken back neither fill the tables nor hide what is there. */
static void
test_forgotten_in_a_row(void **state)
{
	struct seen *seen = open_seen(NULL);

	for (unsigned i = 0; i < 20 * SEEN_IDS; i++) {
		seen_note(seen, ROMEO, id_of(i));
		if (i % 8 != 0)
			seen_forget(seen, ROMEO, id_of(i));
	}
	for (unsigned i = 19 * SEEN_IDS; i < 20 * SEEN_IDS; i++)
		assert_int_equal(seen_has(seen, ROMEO, id_of(i)), i % 8 == 0);
	seen_close(seen);
}

static void
test_known_after_reopening(void **state)
{
	struct seen *seen = open_seen(dir);

	note_row(seen, ROMEO, 0, SEEN_IDS + 10);
	note_row(seen, JULIET, 7, 9);
	seen_forget(seen, JULIET, id_of(8));
	seen_close(seen);
	seen = open_seen(dir);
	assert_true(seen_knows(seen, JULIET));
	assert_false(seen_knows(seen, "nobody"));
	assert_int_equal(count_known(seen, ROMEO, 0, SEEN_IDS + 20), SEEN_IDS + 10);
	assert_true(seen_has(seen, JULIET, id_of(7)));
	assert_false(seen_has(seen, JULIET, id_of(8)));
	note_row(seen, JULIET, 20, 30);
	assert_int_equal(count_known(seen, JULIET, 0, 30), 11);
	seen_close(seen);
}

static const char *
sender_of(unsigned n)
{
	static char sender[32];

	snprintf(sender, sizeof(sender), "s%u@example.org", n);
	return sender;
}

/* Also across a restart, which must not forget whose turn it is. */
static void
test_oldest_sender_makes_room(void **state)
{
	struct seen *seen = open_seen(dir);

	for (unsigned i = 0; i < SEEN_SENDERS_MAX; i++)
		note_row(seen, sender_of(i), 0, 300);
	note_row(seen, sender_of(0), 300, 301);
	seen_close(seen);
	seen = open_seen(dir);
	note_row(seen, ROMEO, 0, 3);
	assert_int_equal(count_known(seen, ROMEO, 0, 400), 3);
	assert_false(seen_knows(seen, sender_of(1)));
	assert_int_equal(count_known(seen, sender_of(0), 0, 400), 301);
	for (unsigned i = 2; i < SEEN_SENDERS_MAX; i++)
		assert_int_equal(count_known(seen, sender_of(i), 0, 400), 300);
	/* Looking does not make young: only what is noted does. */
	note_row(seen, JULIET, 0, 1);
	assert_false(seen_knows(seen, sender_of(2)));
	assert_true(seen_knows(seen, sender_of(3)));
	/* Who comes back is new. */
	note_row(seen, sender_of(1), 0, 1);
	assert_int_equal(count_known(seen, sender_of(1), 0, 400), 1);
	seen_close(seen);
}

/* Who was only asked about comes and goes, and makes nobody go. */
static void
test_many_strangers(void **state)
{
	struct seen *seen = open_seen(dir);

	seen_note(seen, ROMEO, "a1");
	for (unsigned turn = 0; turn < 3; turn++)
		for (unsigned i = 0; i < 1000; i++) {
			assert_false(seen_knows(seen, sender_of(i)));
			assert_false(seen_has(seen, sender_of(i), "a1"));
			seen_forget(seen, sender_of(i), "a1");
		}
	assert_true(seen_has(seen, ROMEO, "a1"));
	for (unsigned i = 950; i < 1000; i++) {
		seen_note(seen, sender_of(i), "a2");
		assert_false(seen_knows(seen, sender_of(i - 200)));
	}
	assert_true(seen_has(seen, ROMEO, "a1"));
	for (unsigned i = 950; i < 1000; i++)
		assert_true(seen_has(seen, sender_of(i), "a2"));
	seen_close(seen);
}

/* One that has many names makes the others go one by one, not their ids. */
static void
test_many_senders(void **state)
{
	struct seen *seen = open_seen(dir);

	for (unsigned i = 0; i < 3 * SEEN_SENDERS_MAX; i++) {
		note_row(seen, sender_of(i), 0, 5);
		note_row(seen, ROMEO, 10 * i, 10 * i + 1);
	}
	assert_true(seen_has(seen, ROMEO, id_of(0)));
	for (unsigned i = 0; i < 3 * SEEN_SENDERS_MAX; i++)
		assert_int_equal(count_known(seen, sender_of(i), 0, 10),
				 i > 2 * SEEN_SENDERS_MAX ? 5 : 0);
	seen_close(seen);
}

/* The kernel kills a process that makes a system call here: 4 generations begin in between. */
static void
note_without_calls(void)
{
	struct seen *seen = open_seen(dir);

	seen_note(seen, ROMEO, "first");
	seen_note(seen, JULIET, "first");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		syscall(SYS_exit, 77);
	for (unsigned i = 0; i < 4 * SEEN_IDS; i++) {
		const char *sender = i % 5 == 0 ? ROMEO : JULIET;

		if (seen_has(seen, sender, id_of(i)))
			syscall(SYS_exit, 1);
		seen_note(seen, sender, id_of(i));
	}
	syscall(SYS_exit, seen_has(seen, JULIET, id_of(4 * SEEN_IDS - 1)) ? 0 : 2);
}

static void
test_costs_no_system_call(void **state)
{
	const char *loaded = getenv("LD_PRELOAD");
	int status;
	pid_t child;

	if (loaded != NULL && strstr(loaded, "vgpreload") != NULL)
		skip(); /* valgrind makes calls of its own */
	child = fork();
	if (child == 0)
		note_without_calls();
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	if (WIFSIGNALED(status))
		fail_msg("ended by signal %d: a system call", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_hand_and_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_note_after_another_look, setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_ids_are_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noted_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten_in_a_row, setup, teardown),
		cmocka_unit_test_setup_teardown(test_known_after_reopening, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oldest_sender_makes_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_senders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_costs_no_system_call, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
