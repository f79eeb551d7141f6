/* SPDX-License-Identifier: ISC */
/* engine_part.c: the parts of an engine that come and go while it runs: server, player, figures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "core/engine_impl.h"
#include "core/engine_net.h"
#include "core/meet.h"
#include "link/metrics_http.h"
#include "link/server.h"
#include "player/kind.h"

/*
 * An account's device has an address of its own that lasts, so that others can know it again:
 * without a configured resource its name and the beginning of its key.
 */
static char *
server_address(const struct engine *engine)
{
	const struct conf *conf = engine->conf;
	char key[EAR_KEY_SIZE];

	if (conf->server_kind == CONF_SERVER_COMPONENT ||
	    ear_jid_resource(conf->server_jid) != NULL)
		return xstrdup(conf->server_jid);
	ear_key_format(ear_own_key(engine->ear), key);
	return xasprintf("%s/%s-%.6s", conf->server_jid, conf->engine_name, key);
}

/* Ours there; NULL: none. The certificate and what mDNS tells name it. */
static void
use_address(struct engine *engine, const char *address)
{
	struct ear *ear = engine->ear;

	if (address == NULL && ear->self_server == NULL)
		return;
	xreplace(&ear->self_server, address);
	meet_tell_jids(ear);
	ear->reach->identity_changed(ear->reach_arg);
}

static void
on_server_down(void *owner, struct link *link, int error, const char *text)
{
	core_link_events.down(owner, link, error, text);
	engine_server_is_down(engine_of(owner));
}

int
engine_start_server(struct engine *engine, char *text, size_t size)
{
	const struct conf *conf = engine->conf;
	struct server_config config = {
		.component = conf->server_kind == CONF_SERVER_COMPONENT,
		.jid = conf->server_jid,
		.host = conf->server_host,
		.port = conf->server_port,
		.ca_file = conf->server_ca_file,
		.tls_optional = conf->server_tls == CONF_TLS_OPTIONAL,
	};
	char *secret = NULL, *jid, self[EAR_JID_SIZE];
	int error;

	if (conf->server_kind == CONF_SERVER_NONE) {
		use_address(engine, NULL);
		return 0;
	}
	error = conf_secret(conf->server_secret_file, &secret);
	if (error != 0) {
		snprintf(text, size, "server.secret-file: %s: %s%s", conf->server_secret_file,
			 strerror(-error),
			 error == -EPERM ? ": others may read it, chmod 600" : "");
		return error;
	}
	config.secret = secret;
	config.jid = jid = server_address(engine);
	engine->server_events = core_link_events;
	engine->server_events.down = on_server_down;
	engine->ear->server = server_new(engine->base, engine->ear->clock, engine->ear->ctx,
					 &config, &engine->server_events, engine->ear);
	server_watch_network(engine->ear->server, engine_net_watch(engine->net));
	use_address(engine, ear_jid_prep(jid, self, sizeof(self)) == 0 ? self : NULL);
	free(jid);
	OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
	return 0;
}

void
engine_stop_server(struct engine *engine)
{
	if (engine->ear->server != NULL)
		server_free(engine->ear->server);
	engine->ear->server = NULL;
}

bool
engine_has_secret(const struct engine *engine, const struct conf *conf)
{
	char *secret;
	bool same;

	if (engine->ear->server == NULL || conf->server_kind == CONF_SERVER_NONE)
		return conf->server_kind == CONF_SERVER_NONE;
	if (conf_secret(conf->server_secret_file, &secret) != 0)
		return false;
	same = server_has_secret(engine->ear->server, secret);
	OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
	return same;
}

static void
on_player(void *arg, const struct ear_player_state *state)
{
	struct engine *engine = arg;

	core_tell(engine->ear, EAR_PLAYER_CHANGED, NULL, EAR_LINK_NONE);
}

int
engine_start_player(struct engine *engine, char *text, size_t size)
{
	const struct conf *conf = engine->conf;
	struct player_config config = { .kind = conf->player_kind,
					.socket = conf->player_socket,
					.url = conf->player_url,
					.name = conf->player_name };
	char *secret = NULL;
	int error = 0;

	if (conf->player_secret_file != NULL)
		error = conf_secret(conf->player_secret_file, &secret);
	if (error != 0) {
		snprintf(text, size, "player.secret-file: %s: %s", conf->player_secret_file,
			 strerror(-error));
		return error;
	}
	config.secret = secret;
	error = player_new(engine->base, engine->ear->clock, &config, on_player, engine,
			   &engine->ear->player);
	if (error != 0)
		snprintf(text, size, "player: kind %s: %s", conf->player_kind,
			 error == -EINVAL ? "no such kind, or its url is none" : strerror(-error));
	if (secret != NULL)
		OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
	return error;
}

static char *
on_metrics(void *arg)
{
	struct engine *engine = arg;

	return ear_metrics(engine->ear);
}

int
engine_start_metrics(struct engine *engine, char *text, size_t size)
{
	const char *endpoint = engine->conf->engine_metrics;
	int error = 0;

	metrics_http_free(engine->metrics);
	engine->metrics = NULL;
	if (endpoint == NULL)
		return 0;
	engine->metrics = metrics_http_new(engine->base, engine->ear->clock, endpoint, on_metrics,
					   engine, &error);
	if (engine->metrics == NULL)
		snprintf(text, size, "engine.metrics: %s: %s", endpoint, strerror(-error));
	else
		ear_info("metrics at http://%.*s:%u/metrics",
			 (int)(strrchr(endpoint, ':') - endpoint), endpoint,
			 metrics_http_port(engine->metrics));
	return error;
}
