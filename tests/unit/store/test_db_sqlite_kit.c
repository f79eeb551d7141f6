/* SPDX-License-Identifier: ISC */
/* test_db_sqlite_kit.c: what db.h promises of any kind of database, of SQLite. */
#include "store/db.h"

#define KIT_KIND db_sqlite
#include "db_tests.h"

static char dir[64], path[96];

static struct db_config
kit_config(void)
{
	return (struct db_config){ .path = path };
}

static int
kit_setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_db_kit.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/kit.db", dir);
	kit_begin();
	return 0;
}

static int
kit_teardown(void **state)
{
	char command[128];

	kit_end();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { KIT_TESTS };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
