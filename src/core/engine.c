/* SPDX-License-Identifier: ISC */
/* engine.c: core with its real links, discovery and player around it, as configuration wants them.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>

#include "base/alloc.h"
#include "core/engine_impl.h"
#include "core/engine_lan.h"
#include "core/engine_names.h"
#include "core/engine_net.h"
#include "core/keep.h"
#include "core/meet.h"
#include "core/post.h"
#include "core/receive.h"
#include "core/storage.h"
#include "discover/mdns.h"
#include "link/lan.h"
#include "link/local.h"
#include "link/metrics_http.h"
#include "link/server.h"
#include "link/tls.h"
#include "player/kind.h"
#include "trust/hint.h"
#include "trust/identity.h"

#define NAMING_USEC (5 * EAR_SEC) /* mDNS probes for a second, and again after a collision */

static_assert((int)CONF_MDNS_AUTO == MDNS_AUTO && (int)CONF_MDNS_DAEMON == MDNS_DAEMON &&
		      (int)CONF_MDNS_EMBEDDED == MDNS_EMBEDDED,
	      "the kinds of the configuration are those of mDNS");

/* --- how core reaches the links ----------------------------------------------------------- */

static struct link *
reach_lan_open(void *arg, const char *address)
{
	struct engine *engine = arg;

	return engine->lan == NULL ? NULL : lan_open(engine->lan, address);
}

static struct link *
reach_lan_find(void *arg, const char *address)
{
	struct engine *engine = arg;

	return engine->lan == NULL ? NULL : lan_find(engine->lan, address);
}

static void
reach_lan_recheck(void *arg, const char *address)
{
	struct engine *engine = arg;

	if (engine->lan != NULL)
		lan_recheck(engine->lan, address);
}

static int
reach_lan_export(void *arg, struct link *link, const char *label, unsigned char *out, size_t length)
{
	return lan_export(link, label, out, length);
}

static void
reach_lan_refuse(void *arg, struct link *link, int error, const char *text)
{
	lan_refuse(link, error, text);
}

static void
reach_identity_changed(void *arg)
{
	struct engine *engine = arg;
	const struct identity *identity = engine->ear->identity;

	if (engine->tls == NULL)
		return;
	tls_peers_set(engine->tls, identity_pkey(identity), identity_certificate(identity));
	hint_make(identity_key(identity), engine->hint);
	if (engine->mdns != NULL)
		engine_publish(engine);
}

static struct link *
reach_local_find(void *arg, const char *address)
{
	struct engine *engine = arg;

	return engine->local == NULL ? NULL : local_find(engine->local, address);
}

static const char *
reach_server_failure(void *arg)
{
	struct engine *engine = arg;

	return engine->ear->server == NULL ? "" : server_failure(engine->ear->server);
}

static const char *
reach_server_trouble(void *arg, char *out, size_t size)
{
	struct engine *engine = arg;

	return server_trouble(engine->ear->server, out, size);
}

static void
reach_server_ask(void *arg)
{
	struct engine *engine = arg;

	server_ask_life(engine->ear->server);
}

static bool
reach_server_owes(void *arg)
{
	struct engine *engine = arg;

	return server_owes(engine->ear->server);
}

static void
reach_describe(void *arg, struct core_facts *facts)
{
	struct engine *engine = arg;

	facts->port = engine->lan == NULL ? 0 : lan_port(engine->lan);
	facts->streams = engine->lan == NULL ? 0 : lan_stream_count(engine->lan);
	facts->mdns_fails = engine->mdns_fails;
	facts->mdns_text = engine->mdns_text;
	facts->network = engine_net_watch(engine->net);
	facts->base = engine->base;
	if (engine->mdns == NULL)
		return;
	facts->mdns_trouble = mdns_trouble(engine->mdns);
	if (!mdns_is_renamed(engine->mdns, facts->renamed, sizeof(facts->renamed)))
		facts->renamed[0] = '\0';
	facts->mdns = mdns_kind_name(engine->mdns);
	facts->instance = mdns_instance(engine->mdns);
}

static void
reach_find_host(void *arg, const char *host, core_found_fn *fn, void *fn_arg)
{
	struct engine *engine = arg;

	engine_names_find(engine->names, host, fn, fn_arg);
}

static const struct core_reach reach = {
	.lan_open = reach_lan_open,
	.lan_find = reach_lan_find,
	.lan_recheck = reach_lan_recheck,
	.local_find = reach_local_find,
	.server_failure = reach_server_failure,
	.find_host = reach_find_host,
	.server_trouble = reach_server_trouble,
	.server_ask = reach_server_ask,
	.server_owes = reach_server_owes,
	.describe = reach_describe,
	.lan_export = reach_lan_export,
	.lan_refuse = reach_lan_refuse,
	.identity_changed = reach_identity_changed,
};

/* --- discovery ---------------------------------------------------------------------------- */

/* That is our name from now on; only where it stands are we somebody on the LAN. */
static void
use_instance(struct engine *engine, const char *instance)
{
	struct ear *ear = engine->ear;
	char address[EAR_JID_SIZE];
	bool other;

	if (ear_jid_from_instance(instance, address, sizeof(address)) != 0)
		return;
	other = ear->self_lan != NULL && strcmp(ear->self_lan, address) != 0;
	core_set_self_lan(ear, address);
	if (engine->lan != NULL)
		lan_set_self(engine->lan, instance);
	if (engine->local != NULL)
		local_set_self(engine->local, address);
	if (other)
		core_tell(ear, EAR_NETWORK_CHANGED, ear->self_lan, EAR_LINK_NONE);
}

static void
use_name(struct engine *engine, const char *instance, const char *how)
{
	ear_timer_stop(&engine->unnamed);
	ear_info("on the LAN as %s.local, port %u, %s", instance, lan_port(engine->lan), how);
	engine->named = true;
	use_instance(engine, instance);
	core_set_naming(engine->ear, 0);
}

static void
on_published(void *arg, const char *instance)
{
	struct engine *engine = arg;
	char how[32];

	snprintf(how, sizeof(how), "mDNS %s", mdns_kind_name(engine->mdns));
	use_name(engine, instance, how);
}

/* Nobody has objected to the configured name; for those who know where we are it is good enough. */
static void
use_configured_name(void *arg)
{
	struct engine *engine = arg;
	char instance[512];

	snprintf(instance, sizeof(instance), "%s@%s", engine->conf->lan_user,
		 engine->conf->engine_name);
	use_name(engine, instance, "not announced by mDNS");
}

static void
on_mdns_state(void *arg, bool works, const char *text)
{
	struct engine *engine = arg;

	engine->mdns_fails = !works;
	copy_text(engine->mdns_text, sizeof(engine->mdns_text), text);
	ear_log(works ? EAR_LOG_INFO : EAR_LOG_WARN, "mDNS: %s", text);
}

static const struct mdns_events mdns_events = { on_published, on_mdns_state };

void
engine_publish(struct engine *engine)
{
	const struct conf *conf = engine->conf;
	struct txt txt = { .port = lan_port(engine->lan) };
	uint8_t wire[TXT_MAX];
	int length;

	copy_text(txt.nick, sizeof(txt.nick), conf->lan_nick == NULL ? "" : conf->lan_nick);
	copy_text(txt.status, sizeof(txt.status),
		  conf->lan_status == NULL ? "avail" : conf->lan_status);
	copy_text(txt.msg, sizeof(txt.msg), conf->lan_message == NULL ? "" : conf->lan_message);
	copy_text(txt.jid, sizeof(txt.jid), conf->server_jid == NULL ? "" : conf->server_jid);
	copy_text(txt.node, sizeof(txt.node), EAR_CAPS_NODE);
	copy_text(txt.hash, sizeof(txt.hash), "sha-1");
	copy_text(txt.ver, sizeof(txt.ver), ear_caps_ver(engine->ear));
	copy_text(txt.hint, sizeof(txt.hint), engine->hint);
	length = txt_encode(&txt, conf->lan_publish, wire, sizeof(wire));
	if (length < 0) {
		ear_error("lan: the TXT record is too long: shorten lan.nick or lan.message");
		length = 0;
	}
	mdns_publish(engine->mdns, wire, length);
}

/* The daemon's reload and tests change the port only by a restart; a busy one is no reason to stay
 * silent. */
static struct lan *
listen_on(struct engine *engine, unsigned port, int *error)
{
	struct lan_config config = { .port = port,
				     .interfaces = engine->conf->lan_interfaces,
				     .tls = engine->tls };

	return lan_new(engine->base, engine->ear->clock, engine->ear->ctx, &config,
		       &engine_lan_hooks, &core_link_events, engine->ear, error);
}

static int
start_lan(struct engine *engine, char *text, size_t size)
{
	const struct conf *conf = engine->conf;
	struct mdns_config config = {
		.kind = (enum mdns_kind)conf->lan_mdns,
		.interfaces = conf->lan_interfaces,
		.user = conf->lan_user,
		.machine = conf->engine_name,
	};
	const struct identity *identity = engine->ear->identity;
	int error = 0;

	engine->tls = tls_peers_new(identity_pkey(identity), identity_certificate(identity));
	hint_make(identity_key(identity), engine->hint);
	engine->lan = listen_on(engine, conf->lan_port, &error);
	if (engine->lan == NULL && error == -EADDRINUSE) {
		engine->lan = listen_on(engine, 0, &error);
		if (engine->lan != NULL)
			ear_info("lan: port %u is in use, taking %u", conf->lan_port,
				 lan_port(engine->lan));
	}
	if (engine->lan == NULL) {
		snprintf(text, size, "lan: port %u: %s", conf->lan_port, strerror(-error));
		return error;
	}
	if (conf->lan_mdns == CONF_MDNS_OFF) {
		use_configured_name(engine);
		return 0;
	}
	config.port = lan_port(engine->lan);
	engine->mdns = mdns_new(engine->base, engine->ear->clock, &config, engine->ear->peers,
				&mdns_events, engine);
	engine_publish(engine);
	core_set_naming(engine->ear, NAMING_USEC);
	ear_timer_set(&engine->unnamed, NAMING_USEC);
	return 0;
}

/* --- programs, extensions ----------------------------------------------------------------- */

static int
start_local(struct engine *engine, bool no_socket, char *text, size_t size)
{
	const struct conf *conf = engine->conf;
	struct local_config config = { .path = no_socket ? NULL : conf->local_socket,
				       .group = conf->local_group };
	char *path = NULL;
	int error = 0;

	if (!no_socket && config.path == NULL)
		config.path = path = conf_default_socket();
	engine->local = local_new(engine->base, engine->ear->clock, engine->ear->ctx, &config,
				  &core_link_events, engine->ear, &error);
	if (engine->local == NULL)
		snprintf(text, size, "%s: %s%s", config.path, strerror(-error),
			 error == -EADDRINUSE ? ": another earshotd runs here, stop it first" : "");
	free(path);
	return engine->local == NULL ? error : 0;
}

static int
start_xeps(struct engine *engine, char *text, size_t size)
{
	const char *failed = NULL;
	int error = core_start(engine->ear, &failed);

	if (error != 0)
		snprintf(text, size, "extension %s: %s", failed, strerror(-error));
	return error;
}

/* --- the whole ---------------------------------------------------------------------------- */

/*
 * The daemon does not start without what it must remember: forgotten keys are an open door. A
 * command that is its own engine may run where nothing can be written, as somebody new.
 */
static int
open_state(struct engine *engine, bool passing, char *text, size_t size)
{
	const char *dir = engine->conf->engine_state;
	int error;

	if (dir == NULL) {
		snprintf(text, size, "engine.state: no directory is known: set it, or HOME");
		error = -ENOENT;
	} else {
		error = meet_open(engine->ear, dir, text, size);
		if (error == 0)
			error = receive_open(engine->ear, passing ? NULL : dir, text, size);
		if (error == 0)
			error = post_open(engine->ear, passing ? NULL : dir, text, size);
		if (error == 0)
			error = keep_open(engine->ear, passing ? NULL : dir, text, size);
	}
	if (error == 0 || !passing)
		return error;
	ear_warn("%s; this command is nobody that others know", text);
	return 0;
}

static int
start(struct engine *engine, bool no_socket, char *text, size_t size)
{
	char instance[512];
	int error = open_state(engine, no_socket, text, size);

	if (error == 0)
		error = storage_open(engine->ear, engine->base,
				     no_socket ? NULL : engine->conf->engine_state, text, size);
	if (error == 0)
		error = engine_start_player(engine, text, size);
	if (error == 0)
		error = start_local(engine, no_socket, text, size);
	if (error != 0)
		return error;
	/* A provisional name for the programs of this machine until mDNS has established ours. */
	snprintf(instance, sizeof(instance), "%s@%s", engine->conf->lan_user,
		 engine->conf->engine_name);
	use_instance(engine, instance);
	if (engine->conf->lan_enabled)
		error = start_lan(engine, text, size);
	if (error == 0)
		error = engine_start_server(engine, text, size);
	if (error == 0)
		error = engine_start_metrics(engine, text, size);
	if (error != 0)
		return error;
	engine->net = engine_net_new(engine->base, engine->ear, engine->lan);
	return start_xeps(engine, text, size);
}

struct ear *
engine_new(const struct engine_config *config, char *error, size_t size)
{
	struct engine *engine = xalloc(sizeof(*engine));

	engine->base = config->base;
	engine->conf = config->conf;
	engine->ear = core_new(config->clock, config->conf, config->xeps, &reach, engine);
	engine->names = engine_names_new(config->base, config->clock);
	ear_timer_init(&engine->server_over, config->clock, engine_server_over, engine);
	ear_timer_init(&engine->unnamed, config->clock, use_configured_name, engine);
	if (start(engine, config->no_socket, error, size) != 0) {
		engine_free(engine->ear);
		return NULL;
	}
	return engine->ear;
}

void
engine_free(struct ear *ear)
{
	struct engine *engine;

	if (ear == NULL)
		return;
	engine = engine_of(ear);
	/* First: its pending presses end, and with them the requests that extensions hold for it.
	 */
	player_free(ear->player);
	ear->player = NULL;
	core_stop(ear);
	engine_net_free(engine->net);
	engine->net = NULL;
	ear_timer_stop(&engine->unnamed);
	engine_names_free(engine->names);
	engine->names = NULL;
	if (engine->mdns != NULL)
		mdns_free(engine->mdns);
	if (engine->lan != NULL)
		lan_free(engine->lan);
	tls_peers_free(engine->tls);
	engine_stop_server(engine);
	ear_timer_stop(&engine->server_over);
	metrics_http_free(engine->metrics);
	if (engine->local != NULL)
		local_free(engine->local);
	engine->lan = NULL;
	engine->local = NULL;
	core_free(ear);
	free(engine);
}

void
engine_attach(struct ear *ear, int fd)
{
	local_attach(engine_of(ear)->local, fd);
}

bool
engine_is_ready(const struct ear *ear)
{
	const struct engine *engine = engine_of(ear);

	return engine->lan == NULL || engine->named;
}
