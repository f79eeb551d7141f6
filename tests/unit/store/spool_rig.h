/* SPDX-License-Identifier: ISC */
/* spool_rig.h: a spool in a directory of its own, and what is found in it. */
#ifndef SPOOL_RIG_H
#define SPOOL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "store/spool.h"

#define TO "juliet@pronto.local"

static char dir[64], file[96], error[512];
static struct spool *spool;
static int rc;

static inline int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_spool.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/" SPOOL_FILE, dir);
	ear_log_set_level(EAR_LOG_ERROR);
	return 0;
}

static inline int
teardown(void **state)
{
	char command[128];

	spool_close(spool);
	spool = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static inline void
again(void)
{
	spool_close(spool);
	spool = spool_open(dir, &rc, error, sizeof(error));
	if (spool == NULL)
		fail_msg("%s", error);
}

static inline int
add(const char *to, const char *id, const char *text, size_t length)
{
	struct spool_item item = { .to = to,
				   .id = id,
				   .text = text,
				   .length = length,
				   .boot = "",
				   .taken_at = 1795000000 };
	int64_t seq;

	return spool_add(spool, &item, &seq);
}

static inline int
add_short(const char *to, const char *id)
{
	return add(to, id, id, strlen(id));
}

struct found {
	size_t count;
	int64_t seqs[16];
	char ids[16][32], text[32], to[64], condition[64], why[64];
	unsigned tries;
	enum spool_state state;
};

static inline void
on_item(void *arg, const struct spool_item *item)
{
	struct found *found = arg;

	if (found->count < 16) {
		found->seqs[found->count] = item->seq;
		copy_text(found->ids[found->count], sizeof(found->ids[0]), item->id);
	}
	found->count++;
	copy_text(found->to, sizeof(found->to), item->to);
	copy_text(found->condition, sizeof(found->condition), item->condition);
	copy_text(found->why, sizeof(found->why), item->why);
	snprintf(found->text, sizeof(found->text), "%.*s",
		 item->text == NULL ? 0 : (int)item->length, item->text == NULL ? "" : item->text);
	found->tries = item->tries;
	found->state = item->state;
}

static inline struct found
find(const char *to)
{
	struct found found = { 0 };

	assert_int_equal(spool_each(spool, to, 0, on_item, &found), 0);
	return found;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
