/* SPDX-License-Identifier: ISC */
/*
 * engine_reload.c: another configuration for an engine that runs.
 *
 * Most options are looked up whenever they are needed, so that a new policy holds for the next
 * stanza of an open stream. Where something was made of an option, that part is made anew, and the
 * streams of the other parts do not notice. A server link is first closed properly: what it had not
 * delivered comes back and waits for the new one.
 */
#include <stdio.h>

#include "core/dest_conf.h"
#include "core/engine_impl.h"
#include "core/meet.h"
#include "core/storage.h"
#include "player/kind.h"

static void
on_change(void *arg, const char *text)
{
	ear_info("configuration: %s", text);
}

static void
start(struct engine *engine, int (*fn)(struct engine *engine, char *text, size_t size))
{
	char text[ENGINE_ERROR_SIZE];

	if (fn(engine, text, sizeof(text)) != 0)
		ear_error("%s", text);
}

/* --- the server ----------------------------------------------------------------------------- */

void
engine_server_over(void *arg)
{
	struct engine *engine = arg;

	engine->server_leaves = false;
	engine_stop_server(engine);
	start(engine, engine_start_server);
}

void
engine_server_is_down(struct engine *engine)
{
	if (engine->server_leaves)
		ear_timer_set(&engine->server_over, 0);
}

static void
replace_server(struct engine *engine)
{
	struct link *server = engine->ear->server;

	if (server == NULL) {
		start(engine, engine_start_server);
		return;
	}
	engine->server_leaves = true;
	link_close(server);
}

/* --- the others ----------------------------------------------------------------------------- */

/* Its pending presses end, with an error to whoever pressed. */
static void
replace_player(struct engine *engine)
{
	struct ear_player *old = engine->ear->player;

	engine->ear->player = NULL;
	player_free(old);
	start(engine, engine_start_player);
}

static void
apply(struct engine *engine, unsigned parts, bool server)
{
	if (parts & CONF_PART_PLAYER)
		replace_player(engine);
	if (parts & CONF_PART_METRICS)
		start(engine, engine_start_metrics);
	if (parts & CONF_PART_PUBLISHED && engine->mdns != NULL)
		engine_publish(engine);
	if (server)
		replace_server(engine);
}

bool
engine_reload(struct ear *ear, const struct conf *conf)
{
	struct engine *engine = engine_of(ear);
	unsigned parts = conf_compare(engine->conf, conf, on_change, NULL);
	bool secret = engine_has_secret(engine, conf);

	if (parts & CONF_PART_WHOLE)
		return false;
	if (!storage_has_secret(ear, conf)) {
		ear_info("configuration: store.secret-file: another secret");
		return false;
	}
	if (!secret && !(parts & CONF_PART_SERVER))
		ear_info("configuration: server.secret-file: another secret");
	if (secret && parts == 0)
		ear_info("configuration: nothing changed");
	engine->conf = ear->conf = conf;
	dests_reload(ear);
	apply(engine, parts, !secret || parts & CONF_PART_SERVER);
	/* Levels, and who has to prove what, follow from the configuration too. */
	meet_soon(ear);
	return true;
}

/* --- how it is ------------------------------------------------------------------------------ */

static const char *
describe_server(const struct ear *ear)
{
	if (ear->server == NULL)
		return "";
	return ear->server->state == LINK_UP ? ", server up" : ", server down";
}

void
engine_describe(const struct ear *ear, char *out, size_t size)
{
	const struct engine *engine = engine_of(ear);

	if (engine->lan == NULL)
		snprintf(out, size, "no LAN%s", describe_server(ear));
	else
		snprintf(out, size, "%s%s, %zu in earshot%s",
			 engine_is_ready(ear) ? "" : "no name on the LAN yet",
			 engine_is_ready(ear) ? ear->self_lan : "", peers_count(ear->peers),
			 describe_server(ear));
}
