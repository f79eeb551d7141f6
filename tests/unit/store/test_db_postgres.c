/* SPDX-License-Identifier: ISC */
/* test_db_postgres.c: what db.h promises, with a real server. */
#include "store/db.h"

#define KIT_KIND db_postgres
#include "db_kit.h"

#include <earshot/log.h>

#include "tests/unit/store/cluster.h"

static struct cluster cluster;

static struct db_config
kit_config(void)
{
	return (struct db_config){ .url = cluster.url };
}

static int
kit_setup(void **state)
{
	cluster_empty(&cluster);
	kit_begin();
	return 0;
}

static int
kit_teardown(void **state)
{
	kit_end();
	return 0;
}

static int
start_cluster(void **state)
{
	ear_log_set_level(EAR_LOG_ERROR);
	return cluster_start(&cluster);
}

static int
stop_cluster(void **state)
{
	cluster_stop(&cluster);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { KIT_TESTS };

	return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
