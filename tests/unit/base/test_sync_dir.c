/* SPDX-License-Identifier: ISC */
/* test_sync_dir.c: directories that are there, and others. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sync_dir.h"

static void
test_sync_dir(void **state)
{
	assert_int_equal(sync_dir("."), 0);
	assert_int_equal(sync_dir("/proc/self"), 0); /* which cannot be synced */
	assert_int_equal(sync_dir("no such directory"), -ENOENT);
	assert_int_equal(sync_dir("Makefile"), -ENOTDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sync_dir) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
