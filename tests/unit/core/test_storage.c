/* SPDX-License-Identifier: ISC */
/* test_storage.c: which store an engine has, as its configuration says, and what is left of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <earshot/store.h>

#include "base/alloc.h"
#include "core/storage.h"
#include "core_rig.h"

static const struct core_reach reach = { REACH_NOBODY };
static struct world world;
static char dir[64], file[96], error[512];

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_storage.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/pubsub.db", dir);
	return 0;
}

static int
teardown(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static int
begin(const char *text, const char *where)
{
	world_begin(&world, text, &reach);
	return storage_open(world.ear, NULL, where, error, sizeof(error));
}

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	*(int *)arg = changed->error;
}

static void
create(int *answer)
{
	const struct ear_change change = { .kind = EAR_CREATE_NODE,
					   .config = "",
					   .jid = "juliet@example.org" };
	const struct ear_transaction transaction = { .node = "news",
						     .changes = &change,
						     .count = 1 };

	*answer = 1;
	ear_store_change(ear_store(world.ear), &transaction, on_changed, answer);
}

static void
test_none(void **state)
{
	assert_int_equal(begin("[store]\nkind = none\n", dir), 0);
	assert_null(ear_store(world.ear));
	world_end(&world);
}

/* What waits when the engine goes is done, though nobody is told any more. */
static void
test_file_below_the_state(void **state)
{
	int answer;

	assert_int_equal(begin("", dir), 0);
	clock_advance(world.clock, EAR_SEC);
	assert_int_not_equal(access(file, F_OK), 0);
	create(&answer);
	world_end(&world);
	assert_int_equal(answer, 1);
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(begin("", dir), 0);
	create(&answer);
	clock_advance(world.clock, EAR_SEC);
	assert_int_equal(answer, -EEXIST);
	world_end(&world);
}

static void
test_file_of_ones_own(void **state)
{
	char *text = xasprintf("[store]\npath = %s/own.db\n", dir);
	char *own = xasprintf("%s/own.db", dir);
	int answer;

	assert_int_equal(begin(text, dir), 0);
	create(&answer);
	clock_advance(world.clock, EAR_SEC);
	assert_int_equal(answer, 0);
	world_end(&world);
	assert_int_equal(access(own, F_OK), 0);
	assert_int_not_equal(access(file, F_OK), 0);
	free(text);
	free(own);
}

/* An engine that runs for a moment leaves nothing behind, whatever is configured. */
static void
test_in_memory(void **state)
{
	int answer;

	assert_int_equal(begin("[store]\nkind = postgres\nurl = host=/nonexistent\n", NULL), 0);
	create(&answer);
	clock_advance(world.clock, EAR_SEC);
	assert_int_equal(answer, 0);
	world_end(&world);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
}

static void
test_no_secret(void **state)
{
	assert_int_equal(begin("[store]\nkind = postgres\nurl = host=/run\n"
			       "secret-file = /nonexistent/secret\n",
			       dir),
			 -ENOENT);
	assert_string_equal(error,
			    "store.secret-file: /nonexistent/secret: No such file or directory");
	assert_null(ear_store(world.ear));
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_below_the_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_of_ones_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_secret, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
