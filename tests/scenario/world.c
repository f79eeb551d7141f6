/* SPDX-License-Identifier: ISC */
/* world.c: the world of a scenario: its beginning, its end, and what is left of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "registry.h"
#include "scenario.h"

bool
fail(struct world *world, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(world->message, sizeof(world->message), format, args);
	va_end(args);
	return false;
}

void
world_start(struct world *world)
{
	const char *failed;

	if (world->ear != NULL)
		return;
	world->ear = core_new(world->clock, world->conf, ear_xeps_all, &world_reach, world);
	core_set_self_lan(world->ear, "tv@box.local");
	if (world->conf->server_kind != CONF_SERVER_NONE) {
		struct fake *fake = fake_get(world, EAR_LINK_SERVER, "server");

		xreplace(&fake->link.self, world->conf->server_jid);
		world->ear->server = &fake->link;
		xreplace(&world->ear->self_server, world->conf->server_jid);
	}
	core_start(world->ear, &failed);
	ear_set_fetcher(world->ear, trust_fetch, world);
}

bool
world_is_quiet(struct world *world)
{
	char *text;
	size_t length;

	for (size_t i = 0; i < LINKS_MAX; i++) {
		struct fake *fake = &world->links[i];

		if (!fake->used || fake->sent_count == 0)
			continue;
		if (xmpp_stanza_to_text(fake->sent[0], &text, &length) == XMPP_EOK) {
			fail(world, "not expected on %s: %s", fake->name, text);
			xmpp_free(world->ear->ctx, text);
		}
		return false;
	}
	return true;
}

void
world_stop(struct world *world)
{
	if (world->ear != NULL && !world->stopped) {
		player_end(world);
		core_stop(world->ear);
	}
	world->stopped = true;
}

void
world_end(struct world *world)
{
	world_stop(world);
	for (size_t i = 0; i < LINKS_MAX; i++)
		fake_release(&world->links[i]);
	trust_end(world);
	if (world->ear != NULL)
		core_free(world->ear);
	conf_free(world->conf);
	clock_free(world->clock);
	match_reset();
}
