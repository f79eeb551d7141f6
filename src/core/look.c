/* SPDX-License-Identifier: ISC */
/* look.c: looking at the engine: peers, paths, and who wants to hear of changes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/core.h"
#include "core/look.h"
#include "core/meet.h"
#include "core/route.h"
#include "core/told.h"

struct watcher {
	struct list all;
	ear_event_fn *fn;
	void *arg;
	bool gone; /* taken away while being told: pruned afterwards */
};

enum ear_path_state
look_state(struct dest *dest, const struct path *path)
{
	const struct link *link;

	if (path->state == EAR_PATH_FAILED)
		return EAR_PATH_FAILED;
	link = path->kind == EAR_LINK_SERVER
		       ? dest->ear->server
		       : dest->ear->reach->lan_find(dest->ear->reach_arg, dest->lan);
	if (link != NULL && link->state == LINK_UP)
		return EAR_PATH_UP;
	if (link != NULL && link->state == LINK_OPENING)
		return EAR_PATH_OPENING;
	return route_may_probe(dest, path) ? EAR_PATH_IDLE : EAR_PATH_FAILED;
}

static const char *
failure_of(const struct dest *dest, const struct path *path, enum ear_path_state state)
{
	const struct ear *ear = dest->ear;

	if (state == EAR_PATH_UP || state == EAR_PATH_IDLE)
		return "";
	if (path->kind == EAR_LINK_SERVER && ear->server == NULL)
		return "no server is configured";
	if (path->kind == EAR_LINK_SERVER && ear->server->state != LINK_UP)
		return ear->reach->server_failure(ear->reach_arg);
	if (path->failure[0] == '\0' && path->kind == EAR_LINK_LAN)
		return "not in earshot";
	return path->failure;
}

/* Of an open stream what it has shown; else what its key, which every stream must have, stands
 * for. */
static enum ear_level
lan_level(struct ear *ear, const char *address)
{
	const struct link *link = ear->reach->lan_find(ear->reach_arg, address);

	if (link != NULL && link->state == LINK_UP)
		return link->level;
	return meet_level(ear, pins_at(ear->pins, address));
}

static enum ear_level
level_of(const struct dest *dest, const struct path *path)
{
	return path != NULL && path->kind == EAR_LINK_SERVER ? EAR_PROVED
	       : dest->lan != NULL                           ? lan_level(dest->ear, dest->lan)
							     : EAR_PLAIN;
}

/* Who says where it can be dialled. */
static const char *
found_by(struct ear *ear, const struct dest *dest)
{
	if (dest->lan == NULL)
		return "";
	if (peers_find(ear->peers, dest->lan) != NULL)
		return "mdns";
	if (dest->conf != NULL && dest->conf->host != NULL)
		return "config";
	return told_is_known(ear, dest->lan) ? "told" : "";
}

static void
tell_path(struct dest *dest, const struct path *path, ear_path_fn *fn, void *arg)
{
	struct ear_path_info info = {
		.to = dest_name(dest),
		.address = path->kind == EAR_LINK_LAN ? dest->lan : dest->jid,
		.link = path->kind,
		.state = look_state(dest, path),
		.level = level_of(dest, path),
		.rtt_us = path->samples > 0 ? path->srtt : -1,
		.rttvar_us = path->samples > 0 ? path->rttvar : -1,
		.samples = path->samples,
		.alive_us = path->alive_at == 0 ? -1 : ear_now(dest->ear->clock) - path->alive_at,
		.chosen = dest->chosen == path,
	};

	info.found = path->kind == EAR_LINK_LAN ? found_by(dest->ear, dest) : "";
	info.failure = failure_of(dest, path, info.state);
	if (info.chosen)
		info.why = dest->why;
	else if (info.state == EAR_PATH_FAILED)
		info.why = "does not work";
	else
		info.why = dest->chosen == NULL ? "nothing was sent lately" : "longer";
	fn(arg, &info);
}

static void
tell_paths(struct dest *dest, ear_path_fn *fn, void *arg)
{
	if (dest->lan != NULL)
		tell_path(dest, &dest->by_lan, fn, arg);
	if (dest->jid != NULL)
		tell_path(dest, &dest->by_server, fn, arg);
}

/* Every announced peer is a destination too, also before anything is sent to it. */
static void
make_dests(struct ear *ear)
{
	for (size_t i = 0; i < peers_count(ear->peers); i++)
		dest_get(ear, peers_at(ear->peers, i)->address);
}

struct path_look {
	ear_path_fn *fn;
	void *arg;
};

static void
look_at_paths(struct dest *dest, void *arg)
{
	const struct path_look *look = arg;

	tell_paths(dest, look->fn, look->arg);
}

void
ear_each_path(struct ear *ear, const char *to, ear_path_fn *fn, void *arg)
{
	struct path_look look = { fn, arg };
	struct dest *dest;

	if (to != NULL) {
		dest = dest_get(ear, to);
		if (dest != NULL)
			tell_paths(dest, fn, arg);
		return;
	}
	make_dests(ear);
	dests_each(ear, look_at_paths, &look);
}

/* Why its direct stream was not good enough, or NULL. */
static const char *
refusal_of(const struct dest *dest)
{
	const char *text;

	if (dest->refused == 0)
		return NULL;
	route_condition(dest->refused, &text);
	return dest->by_lan.failure[0] != '\0' ? dest->by_lan.failure : text;
}

static void
tell_peer(struct ear *ear, struct dest *dest, ear_peer_fn *fn, void *arg)
{
	const struct peer *peer = dest->lan == NULL ? NULL : peers_find(ear->peers, dest->lan);
	struct path *path = route_best(dest);
	const char *name = dest->conf != NULL ? dest->conf->name
			   : peer != NULL     ? peer->txt.nick
					      : "";
	struct ear_peer_info info = {
		.address = dest_name(dest),
		.jid = dest->jid,
		.name = name == NULL ? "" : name,
		.status = peer == NULL ? "" : peer->txt.status,
		.message = peer == NULL ? "" : peer->txt.msg,
		.in_earshot = peer != NULL,
		.found = found_by(ear, dest),
		.level = level_of(dest, path),
		.link = path == NULL ? EAR_LINK_NONE : path->kind,
		.rtt_us = path != NULL && path->samples > 0 ? path->srtt : -1,
		.refused = refusal_of(dest),
		.caps_node = peer == NULL ? "" : peer->txt.node,
		.caps_hash = peer == NULL ? "" : peer->txt.hash,
		.caps_ver = peer == NULL ? "" : peer->txt.ver,
	};

	fn(arg, &info);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(dest_name(*(struct dest *const *)a), dest_name(*(struct dest *const *)b));
}

static bool
is_peer(struct ear *ear, const struct dest *dest)
{
	return dest->conf != NULL || (dest->lan != NULL && (peers_find(ear->peers, dest->lan) ||
							    told_is_known(ear, dest->lan)));
}

void
ear_each_peer(struct ear *ear, const char *address, ear_peer_fn *fn, void *arg)
{
	struct list *item, *spare;
	struct dest **sorted, *dest;
	size_t n = 0;

	if (address != NULL) {
		dest = dest_find(ear, address);
		if (dest == NULL && peers_find(ear->peers, address) != NULL)
			dest = dest_get(ear, address);
		if (dest != NULL && is_peer(ear, dest))
			tell_peer(ear, dest, fn, arg);
		return;
	}
	make_dests(ear);
	sorted = xalloc(ear->dests.count * sizeof(*sorted));
	list_each (item, spare, &ear->dests.all) {
		dest = container_of(item, struct dest, all);
		if (is_peer(ear, dest))
			sorted[n++] = dest;
	}
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++)
		tell_peer(ear, sorted[i], fn, arg);
	free(sorted);
}

/* --- watching ----------------------------------------------------------------------------- */

static void
watchers_prune(struct ear *ear)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->watchers) {
		struct watcher *watcher = container_of(item, struct watcher, all);

		if (watcher->gone) {
			list_del(item);
			free(watcher);
		}
	}
}

void
core_tell(struct ear *ear, enum ear_event_kind kind, const char *address, enum ear_link_kind link)
{
	struct ear_event event = { .kind = kind, .address = address, .link = link };
	struct list *item, *spare;
	bool outer = !ear->telling;

	ear->telling = true;
	ear->dests.walking++; /* who is told may send, and nobody's destination goes for that */
	list_each (item, spare, &ear->watchers) {
		struct watcher *watcher = container_of(item, struct watcher, all);

		if (!watcher->gone)
			watcher->fn(watcher->arg, &event);
	}
	ear->dests.walking--;
	if (outer) {
		ear->telling = false;
		watchers_prune(ear);
	}
}

void
ear_watch(struct ear *ear, ear_event_fn *fn, void *arg)
{
	struct watcher *watcher = xalloc(sizeof(*watcher));

	watcher->fn = fn;
	watcher->arg = arg;
	list_add(&ear->watchers, &watcher->all);
}

void
core_unwatch_all(struct ear *ear)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->watchers)
		container_of(item, struct watcher, all)->gone = true;
	watchers_prune(ear);
}

void
ear_unwatch(struct ear *ear, ear_event_fn *fn, void *arg)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->watchers) {
		struct watcher *watcher = container_of(item, struct watcher, all);

		if (watcher->fn == fn && watcher->arg == arg)
			watcher->gone = true;
	}
	if (!ear->telling)
		watchers_prune(ear);
}
