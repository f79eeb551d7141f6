/* SPDX-License-Identifier: ISC */
/*
 * test_seen_kill.c: a process that notes as fast as it can is killed at any moment, again and
 * again: what it had noted is known to the next one, and what it never noted is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/seen.h"

#define KILLS 150
#define EACH  5 /* of so many ids of a sender the fourth is taken back */

static char dir[64], error[512];
/* The child says here how many ids it has behind it, and how many it has handed on. */
static _Atomic uint32_t *done, *handed;

static int
setup(void **state)
{
	unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)getpid();

	print_message("seed %u (SEED=)\n", seed);
	srandom(seed);
	snprintf(dir, sizeof(dir), "/tmp/test_seen_kill.XXXXXX");
	done = mmap(NULL, 2 * sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	handed = done + 1;
	return done == MAP_FAILED || mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char path[96];

	munmap((void *)done, 2 * sizeof(*done));
	snprintf(path, sizeof(path), "%s/seen", dir);
	unlink(path);
	return rmdir(dir);
}

static struct seen *
open_seen(void)
{
	int rc;
	struct seen *seen = seen_open(dir, &rc, error, sizeof(error));

	if (seen == NULL)
		fail_msg("%s", error);
	return seen;
}

/* Id number i and whose it is: rows of one sender, from so many. */
struct step {
	char sender[32], id[32];
};

static struct step
step_of(uint32_t i, unsigned senders)
{
	struct step step;
	unsigned row = senders == 1 ? 1000 : 40;

	snprintf(step.sender, sizeof(step.sender), "s%u@example.org", i / row % senders);
	snprintf(step.id, sizeof(step.id), "%u", i);
	return step;
}

static bool
is_taken_back(uint32_t i)
{
	return i % EACH == 3;
}

static void
note_for_ever(uint32_t from, unsigned senders)
{
	struct seen *seen = open_seen();

	for (uint32_t i = from;; i++) {
		struct step step = step_of(i, senders);

		if (seen_has(seen, step.sender, step.id) && i > from)
			_exit(1);
		seen_begin(seen, step.sender, step.id);
		*handed = i + 1;
		seen_note(seen, step.sender, step.id);
		seen_end(seen);
		if (is_taken_back(i))
			seen_forget(seen, step.sender, step.id);
		*done = i + 1;
	}
}

/* How far it had certainly come when it was killed. */
static uint32_t
run_and_kill(uint32_t from, unsigned senders)
{
	struct timespec moment = { .tv_nsec = random() % 3000000 };
	int status;
	pid_t child;

	*done = *handed = from;
	child = fork();
	if (child == 0)
		note_for_ever(from, senders);
	while (*done == from && waitpid(child, &status, WNOHANG) == 0)
		;
	nanosleep(&moment, NULL);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	return *done;
}

/* All of the last SEEN_IDS ids before `to`, of which no sender has more. */
static void
check(const struct seen *seen, uint32_t to, unsigned senders)
{
	for (uint32_t i = to > SEEN_IDS ? to - SEEN_IDS : 0; i < to; i++) {
		struct step step = step_of(i, senders);

		if (seen_has(seen, step.sender, step.id) == is_taken_back(i))
			fail_msg("%u of %u is %s", i, to,
				 is_taken_back(i) ? "known although taken back" : "not known");
	}
	/* The one at which it was killed may be known. If it is not, and was handed on, it is
	 * unsure. */
	if (*handed > to) {
		struct step step = step_of(to, senders);

		if (!seen_has(seen, step.sender, step.id) && !is_taken_back(to) &&
		    !seen_is_unsure(seen, step.sender, step.id))
			fail_msg("%u was handed on, and nothing says so", to);
	}
	/* What comes after it was never noted. */
	for (uint32_t i = to + 1; i < to + 1000; i++) {
		struct step step = step_of(i, senders);

		if (seen_has(seen, step.sender, step.id))
			fail_msg("%u is known, which was not noted", i);
	}
}

static void
check_killed(unsigned senders)
{
	uint32_t next = 0;

	for (unsigned i = 0; i < KILLS; i++) {
		struct seen *seen;

		next = run_and_kill(next, senders);
		seen = open_seen();
		check(seen, next, senders);
		seen_close(seen);
	}
	print_message("%u ids, %d kills\n", next, KILLS);
	assert_true(next > 4 * SEEN_IDS);
}

static void
test_one_sender(void **state)
{
	check_killed(1);
}

/* More than there are slots, and the last SEEN_IDS ids are of fewer. */
static void
test_senders_that_make_room(void **state)
{
	check_killed(SEEN_SENDERS_MAX + 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_sender, setup, teardown),
		cmocka_unit_test_setup_teardown(test_senders_that_make_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
