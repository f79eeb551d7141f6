/* SPDX-License-Identifier: ISC */
/* kit_postgres.h: db_kit.h with a server of our own. */
#ifndef KIT_POSTGRES_H
#define KIT_POSTGRES_H

#include "store/db.h"

#define KIT_KIND db_postgres
#include "db_kit.h"

#include <earshot/log.h>

#include "tests/unit/store/cluster.h"

static struct cluster cluster;
static const char *secret, *url; /* NULL: the cluster's */

static struct db_config
kit_config(void)
{
	return (struct db_config){ .url = url == NULL ? cluster.url : url, .secret = secret };
}

static inline int
kit_setup(void **state)
{
	secret = url = NULL;
	cluster_empty(&cluster);
	kit_begin();
	return 0;
}

static inline int
kit_teardown(void **state)
{
	kit_end();
	return 0;
}

static inline int
start_cluster(void **state)
{
	ear_log_set_level(EAR_LOG_ERROR);
	return cluster_start(&cluster);
}

static inline int
stop_cluster(void **state)
{
	cluster_stop(&cluster);
	return 0;
}

#endif
