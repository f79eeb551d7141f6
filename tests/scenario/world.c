/* SPDX-License-Identifier: ISC */
/* world.c: the world of a scenario: its beginning, its end, and what is left of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "core/receive.h"
#include "core/storage.h"
#include "registry.h"
#include "scenario.h"
#include "store/seen.h"
#include "store/store_impl.h"

/* Whoever is answered may ask again, and what is told of it leaves a little later. */
#define QUIET_TURNS 4
#define TURNS_MAX   100000

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
	char error[256];

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
	if (storage_open(world->ear, NULL, NULL, error, sizeof(error)) != 0)
		fail(world, "%s", error);
	core_start(world->ear, &failed);
	ear_set_fetcher(world->ear, trust_fetch, world);
}

void
world_share(struct world *world)
{
	ear_store(world->ear)->shared = true;
}

/* Its file is away again at once: the engine has it open. */
bool
world_after_killed(struct world *world, const char *sender, const char *id)
{
	char dir[] = "/tmp/scenario.XXXXXX", error[256] = "no directory", name[300];
	struct seen *seen = NULL;
	int rc;

	if (mkdtemp(dir) != NULL)
		seen = seen_open(dir, &rc, error, sizeof(error));
	if (seen == NULL)
		return fail(world, "%s", error);
	snprintf(name, sizeof(name), "m%s", id); /* as receive.c names messages */
	seen_begin(seen, sender, name);
	seen_close(seen);
	rc = receive_open(world->ear, dir, error, sizeof(error));
	snprintf(name, sizeof(name), "%s/seen", dir);
	unlink(name);
	rmdir(dir);
	return rc == 0 || fail(world, "%s", error);
}

void
world_settle(struct world *world)
{
	struct ear_store *store = world->ear == NULL ? NULL : ear_store(world->ear);
	int quiet = 0;

	if (store == NULL || world->stopped || !store_is_busy(store))
		return;
	for (int i = 0; i < TURNS_MAX && quiet < QUIET_TURNS; i++) {
		clock_advance(world->clock, 1);
		quiet = store_is_busy(store) ? 0 : quiet + 1;
	}
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
