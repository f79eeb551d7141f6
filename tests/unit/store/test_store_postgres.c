/* SPDX-License-Identifier: ISC */
/* test_store_postgres.c: the tests of the store again, which are programs beside this one, with a
 * PostgreSQL server in place of SQLite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/cluster.h"

#define PROGRAMS_MAX 32

static struct cluster cluster = { .hasty = true };

/* They say in their own way what fails; here one is one test. */
static void
run_program(void **state)
{
	char *argv[] = { *state, NULL };
	const char *mine = getenv("CMOCKA_MESSAGE_OUTPUT");
	char *kept = mine == NULL ? NULL : strdup(mine);
	int status = -1;
	pid_t pid;

	/* What is counted is what is said here. */
	setenv("CMOCKA_MESSAGE_OUTPUT", "stdout", 1);
	assert_int_equal(posix_spawn(&pid, argv[0], NULL, NULL, argv, environ), 0);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (kept != NULL)
		setenv("CMOCKA_MESSAGE_OUTPUT", kept, 1);
	else
		unsetenv("CMOCKA_MESSAGE_OUTPUT");
	free(kept);
	if (status != 0)
		fail_msg("%s: status %#x", argv[0], (unsigned)status);
}

static int
start_cluster(void **state)
{
	if (cluster_start(&cluster) != 0)
		return -1;
	return setenv("EARSHOT_TEST_STORE", cluster.dir, 1);
}

static int
stop_cluster(void **state)
{
	cluster_stop(&cluster);
	return 0;
}

/* Ours is among them, what the compiler left beside, and one that cuts the power of SQLite's disk.
 */
static bool
is_store_test(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	return strchr(name, '.') == NULL && strcmp(name, "test_store_postgres") != 0 &&
	       strcmp(name, "test_store_power") != 0;
}

int
main(int argc, char **argv)
{
	struct CMUnitTest tests[PROGRAMS_MAX] = { 0 };
	char *self = strdup(argv[0]), pattern[512];
	size_t count = 0;
	glob_t found;
	int status;

	snprintf(pattern, sizeof(pattern), "%s/test_store*", dirname(self));
	free(self);
	if (glob(pattern, 0, NULL, &found) != 0)
		return 1;
	for (size_t i = 0; i < found.gl_pathc && count < PROGRAMS_MAX; i++) {
		if (is_store_test(found.gl_pathv[i]))
			tests[count++] =
				(struct CMUnitTest){ .name = strrchr(found.gl_pathv[i], '/') + 1,
						     .test_func = run_program,
						     .initial_state = found.gl_pathv[i] };
	}
	status = count == 0 ? 1
			    : _cmocka_run_group_tests("store", tests, count, start_cluster,
						      stop_cluster);
	globfree(&found);
	return status;
}
