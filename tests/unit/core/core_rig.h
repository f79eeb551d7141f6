/* SPDX-License-Identifier: ISC */
/* core_rig.h: a core that reaches nobody, with a configuration and a clock of ours. */
#ifndef CORE_RIG_H
#define CORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timer.h"
#include "core/core.h"

static const struct ear_xep *const no_xeps[] = { NULL };

static inline struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static inline void
recheck(void *arg, const char *address)
{
}

static inline const char *
failure(void *arg)
{
	return "";
}

static inline void
nothing(void *arg)
{
}

#define REACH_NOBODY                                                                               \
	.lan_open = nowhere, .lan_find = nowhere, .lan_recheck = recheck, .local_find = nowhere,   \
	.server_failure = failure, .identity_changed = nothing

struct world {
	struct ear_clock *clock;
	struct conf *conf;
	struct ear *ear;
};

static inline struct conf *
parse(const char *text)
{
	struct conf *conf = conf_new();
	char error[CONF_ERROR_SIZE];

	assert_int_equal(conf_parse(conf, text, "test", error, sizeof(error)), 0);
	return conf;
}

static inline void
world_begin(struct world *world, const char *text, const struct core_reach *reach)
{
	world->clock = clock_new_fake();
	world->conf = parse(text);
	world->ear = core_new(world->clock, world->conf, no_xeps, reach, NULL);
}

static inline void
world_end(struct world *world)
{
	core_free(world->ear);
	conf_free(world->conf);
	clock_free(world->clock);
}

static inline int
tear_down(void **state)
{
	world_end(*state);
	return 0;
}

#endif
