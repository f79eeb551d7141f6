/* SPDX-License-Identifier: ISC */
/* core.c: the engine without sockets: its making, what links and the table of peers tell it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/core.h"
#include "core/disco.h"
#include "core/dispatch.h"
#include "core/hold.h"
#include "core/keep.h"
#include "core/meet.h"
#include "core/names.h"
#include "core/policy.h"
#include "core/post.h"
#include "core/probe.h"
#include "core/program.h"
#include "core/receive.h"
#include "core/request.h"
#include "core/route.h"
#include "core/several.h"
#include "core/storage.h"
#include "core/told.h"
#include "core/vouch.h"
#include "wire/pool.h"

/* --- what links tell ---------------------------------------------------------------------- */

/* Whether it may not be used: it is closed then. */
static bool
refuse_plain(struct ear *ear, struct link *link)
{
	if (link->kind != EAR_LINK_LAN || link->keyed || policy_allows_plain(ear->conf))
		return false;
	if (link->state != LINK_CLOSING)
		ear_warn("%s: refused: plaintext is denied (policy.plaintext)", link->peer);
	link_close(link);
	return true;
}

static void
on_identified(void *owner, struct link *link)
{
	struct ear *ear = owner;

	if (link->kind == EAR_LINK_LOCAL)
		program_add(ear, link);
	else
		refuse_plain(ear, link);
}

static void
server_is_up(struct dest *dest, void *unused)
{
	dest->by_server.state = EAR_PATH_IDLE;
	path_retry(&dest->by_server);
	probe_now(dest);
	route_on_server(dest);
}

static void
lan_is_up(struct ear *ear, struct link *link)
{
	struct dest *dest = dest_get(ear, link->peer);

	if (link->keyed)
		meet_up(ear, link);
	else if (ear->conf->policy_plaintext == CONF_PLAINTEXT_WARN && dest != NULL &&
		 dest->by_lan.alive_at == 0)
		ear_warn("%s: the direct stream is not encrypted, and who is there is not proved",
			 link->peer);
	if (dest == NULL)
		return;
	dest->refused = 0;
	dest->compared = dest->silent = false;
	dest->remembers = dest->remembers || link->acks;
	path_alive(&dest->by_lan, ear_now(ear->clock));
	told_up(ear, link);
	probe_now(dest);
	route_on_lan(dest);
	post_pump(ear, dest);
}

void
core_stamp(struct ear *ear, xmpp_stanza_t *stanza)
{
	for (size_t i = 0; ear->xeps[i] != NULL; i++)
		if (ear->xeps[i]->outgoing != NULL)
			ear->xeps[i]->outgoing(ear, stanza);
}

/* RFC 6121 §4.2: an account gets messages only once it has said that it is there. */
static void
send_initial_presence(struct ear *ear, struct link *link)
{
	xmpp_stanza_t *presence = ear_stanza(ear->ctx, "presence", NULL, NULL, NULL);

	core_stamp(ear, presence);
	if (link_send(link, presence) != 0)
		xmpp_stanza_release(presence);
}

/* The server may have given us another resource than we asked for. */
static void
use_server_address(struct ear *ear, const char *address)
{
	if (ear->self_server != NULL && strcmp(ear->self_server, address) == 0)
		return;
	xreplace(&ear->self_server, address);
	meet_tell_jids(ear);
	ear->reach->identity_changed(ear->reach_arg);
}

static void
on_up(void *owner, struct link *link)
{
	struct ear *ear = owner;

	if (refuse_plain(ear, link))
		return;
	if (link->kind == EAR_LINK_SERVER) {
		ear_info("%s: connected as %s", link->peer, link->self);
		use_server_address(ear, link->self);
		if (ear->conf->server_kind == CONF_SERVER_ACCOUNT)
			send_initial_presence(ear, link);
		dests_each(ear, server_is_up, NULL);
		vouch_retry(ear);
		core_tell(ear, EAR_SERVER_UP, link->self, EAR_LINK_SERVER);
		meet_soon(ear);
	} else if (link->kind == EAR_LINK_LAN) {
		lan_is_up(ear, link);
	}
	program_on_link(ear);
}

static void
on_stanza(void *owner, struct link *link, xmpp_stanza_t *stanza)
{
	struct ear *ear = owner;

	/* One that is being closed is not looked up any more when a key is revoked. */
	if (link->kind == EAR_LINK_LAN && link->keyed && link->state == LINK_CLOSING)
		link->level = meet_level(ear, pins_find(ear->pins, &link->key));
	if (!refuse_plain(ear, link))
		dispatch_in(ear, link, stanza);
}

static void
on_undelivered(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	route_on_undelivered(owner, link, xmpp_stanza_clone(stanza), maybe);
}

static bool
on_stale(void *owner, xmpp_stanza_t *stanza)
{
	return route_is_stale(owner, stanza);
}

/* A peer that is refused although it has a key concerns the user. */
static enum ear_log_level
level_of_end(const struct link *link, int error)
{
	if (error == -EKEYREJECTED)
		return EAR_LOG_ERROR;
	return link->kind == EAR_LINK_SERVER ? EAR_LOG_WARN : EAR_LOG_INFO;
}

static void
on_down(void *owner, struct link *link, int error, const char *text)
{
	struct ear *ear = owner;

	if (link->kind == EAR_LINK_LOCAL) {
		program_remove(ear, link);
		return;
	}
	if (error != 0)
		ear_log(level_of_end(link, error), "%s: %s link down: %s",
			link->peer == NULL ? "?" : link->peer, ear_link_name(link->kind), text);
	if (ear->stopping)
		return;
	if (link->kind == EAR_LINK_LAN && link->peer != NULL)
		told_down(ear, link);
	route_on_down(ear, link, error, text);
	request_on_down(ear, link);
	program_on_link(ear);
	if (link->kind != EAR_LINK_LAN || link->peer == NULL)
		return;
	dest_settle(ear, link->peer);
	core_tell(ear, EAR_STREAM_ENDED, link->peer, EAR_LINK_NONE);
}

static void
on_silent(void *owner, struct link *link, bool silent)
{
	struct ear *ear = owner;

	if (!ear->stopping)
		route_on_silent(ear, link, silent);
}

/* What an acknowledgement proves. */
static void
on_acked(void *owner, struct link *link, int64_t rtt)
{
	struct ear *ear = owner;
	struct dest *dest = ear->stopping ? NULL : dest_find(ear, link->peer);

	if (dest == NULL)
		return;
	/* Not known yet when a stream with somebody new came up. */
	dest->remembers = dest->remembers || link->acks;
	path_sample(&dest->by_lan, ear_now(ear->clock), rtt);
	metrics_rtt(&ear->metrics, EAR_LINK_LAN, rtt);
	if (dest_is_waiting(dest))
		route_flush(dest);
}

const struct link_events core_link_events = {
	.identified = on_identified,
	.up = on_up,
	.stanza = on_stanza,
	.undelivered = on_undelivered,
	.stale = on_stale,
	.silent = on_silent,
	.acked = on_acked,
	.down = on_down,
};

/* --- what the table of peers tells -------------------------------------------------------- */

static void
peer_is_there(struct ear *ear, const struct peer *peer)
{
	struct dest *dest = dest_find(ear, peer->address);

	if (dest != NULL) {
		path_retry(&dest->by_lan);
		probe_now(dest);
	}
	meet_announced(ear, peer);
	dest_settle(ear, peer->address);
	ear->reach->lan_recheck(ear->reach_arg, peer->address);
	core_tell(ear, EAR_PEER_CHANGED, peer->address, EAR_LINK_LAN);
}

static void
on_found(void *arg, const struct peer *peer)
{
	ear_info("%s: in earshot", peer->address);
	peer_is_there(arg, peer);
}

static void
on_changed(void *arg, const struct peer *peer)
{
	peer_is_there(arg, peer);
}

static void
on_lost(void *arg, const struct peer *peer)
{
	struct ear *ear = arg;
	struct dest *dest;

	ear_info("%s: out of earshot", peer->address);
	ear->reach->lan_recheck(ear->reach_arg, peer->address);
	dest = dest_find(ear, peer->address);
	if (dest != NULL && dest->chosen != NULL)
		route_choose(dest);
	dest_settle(ear, peer->address);
	core_tell(ear, EAR_PEER_GONE, peer->address, EAR_LINK_NONE);
}

const struct peers_events core_peers_events = { on_found, on_changed, on_lost };

/* --- addresses and links ------------------------------------------------------------------ */

void
core_set_self_lan(struct ear *ear, const char *address)
{
	xreplace(&ear->self_lan, address);
}

static void
flush(struct dest *dest, void *unused)
{
	route_flush(dest);
}

static void
on_named(void *arg)
{
	struct ear *ear = arg;

	dests_each(ear, flush, NULL);
}

void
core_set_naming(struct ear *ear, int64_t usec)
{
	if (usec > 0)
		ear_timer_set(&ear->naming, usec);
	else if (ear_timer_is_set(&ear->naming))
		ear_timer_set(&ear->naming, 0);
}

/* What follows the '@' of a canonical bare address. */
static const char *
domain_of(const char *bare)
{
	const char *at = strchr(bare, '@');

	return at == NULL ? bare : at + 1;
}

/* Our own addresses are canonical already. A component is everybody in its domain. */
bool
core_is_self(const struct ear *ear, const char *address)
{
	char full[EAR_JID_SIZE], bare[EAR_JID_SIZE];

	return dest_forms(ear, address, full, bare) == 0 && core_is_self_canonical(ear, full, bare);
}

bool
core_is_self_canonical(const struct ear *ear, const char *full, const char *bare)
{
	if (ear->self_lan != NULL && strcmp(bare, ear->self_lan) == 0)
		return true;
	if (ear->self_server == NULL)
		return false;
	if (ear->conf->server_kind == CONF_SERVER_COMPONENT)
		return strcmp(domain_of(bare), ear->self_server) == 0;
	return strcmp(full, ear->self_server) == 0;
}

/* By what it is called: the name of the link, or the JID that its key is proved to belong to. */
static struct link *
lan_link(struct ear *ear, const char *peer)
{
	struct link *link = ear->reach->lan_find(ear->reach_arg, peer);
	const struct dest *dest;

	if (link != NULL)
		return link;
	dest = dest_find(ear, peer);
	return dest == NULL || dest->lan == NULL ? NULL
						 : ear->reach->lan_find(ear->reach_arg, dest->lan);
}

struct link *
core_link(struct ear *ear, enum ear_link_kind kind, const char *peer, unsigned long long serial)
{
	struct link *link = NULL;

	switch (kind) {
	case EAR_LINK_SERVER:
		link = ear->server;
		break;
	case EAR_LINK_LAN:
		link = lan_link(ear, peer);
		break;
	case EAR_LINK_LOCAL:
		link = ear->reach->local_find(ear->reach_arg, peer);
		break;
	case EAR_LINK_NONE:
		break;
	}
	return link != NULL && link->serial == serial && link->state == LINK_UP ? link : NULL;
}

int
core_send(struct ear *ear, struct link *link, xmpp_stanza_t *stanza)
{
	int error = link_send(link, stanza);

	if (error == 0)
		metrics_add(&ear->metrics, METRIC_OUT, link->kind);
	return error;
}

/* --- its making --------------------------------------------------------------------------- */

static size_t
count_xeps(const struct ear_xep *const *xeps)
{
	size_t n = 0;

	while (xeps[n] != NULL)
		n++;
	return n;
}

static void
set_caps(struct ear *ear)
{
	xmpp_stanza_t *info = ear_disco_info(ear, NULL);

	disco_ver(info, ear->caps_ver, sizeof(ear->caps_ver));
	xmpp_stanza_release(info);
}

struct ear *
core_new(struct ear_clock *clock, const struct conf *conf, const struct ear_xep *const *xeps,
	 const struct core_reach *reach, void *reach_arg)
{
	struct ear *ear = xalloc(sizeof(*ear));

	ear->clock = clock;
	ear->conf = conf;
	ear->xeps = xeps;
	ear->xep_states = xalloc((count_xeps(xeps) + 1) * sizeof(void *));
	ear->ctx = pool_ctx_new(&ear->pool);
	ear->reach = reach;
	ear->reach_arg = reach_arg;
	ear->peers = peers_new(&core_peers_events, ear);
	ear->requests = map_new();
	ear->programs = map_new();
	list_init(&ear->holds);
	list_init(&ear->watchers);
	ear_timer_init(&ear->naming, clock, on_named, ear);
	receive_init(ear);
	keep_init(ear);
	meet_init(ear);
	told_init(ear);
	names_init(ear);
	dests_init(ear);
	set_caps(ear);
	return ear;
}

int
core_start(struct ear *ear, const char **failed)
{
	set_caps(ear); /* with what a store brings */
	if (ear->store != NULL)
		several_begin(ear);
	for (size_t i = 0; ear->xeps[i] != NULL; i++) {
		int error = ear->xeps[i]->start == NULL ? 0 : ear->xeps[i]->start(ear);

		if (error != 0) {
			*failed = ear->xeps[i]->name;
			return error;
		}
		ear->started = i + 1;
	}
	return 0;
}

void
core_stop(struct ear *ear)
{
	ear->stopping = true;
	hold_cancel_all(ear);
	dests_each(ear, route_stop, NULL);
	/* Before the extensions go, whose requests these are; and what they asked in stop(). */
	request_cancel_all(ear, -ECANCELED);
	for (size_t i = 0; i < ear->started; i++)
		if (ear->xeps[i]->stop != NULL)
			ear->xeps[i]->stop(ear);
	request_cancel_all(ear, -ECANCELED);
}

void
core_free(struct ear *ear)
{
	ear->stopping = true;
	ear_timer_stop(&ear->naming);
	core_unwatch_all(ear);
	storage_release(ear);
	post_release(ear);
	meet_release(ear);
	dests_release(ear);
	receive_release(ear);
	keep_release(ear);
	told_release(ear);
	names_release(ear);
	request_drop_all(ear);
	map_free(ear->requests);
	program_release_all(ear);
	map_free(ear->programs);
	peers_free(ear->peers);
	pool_ctx_free(ear->ctx, ear->pool);
	free(ear->xep_states);
	free(ear->self_lan);
	free(ear->self_server);
	free(ear);
}
