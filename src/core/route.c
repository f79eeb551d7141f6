/* SPDX-License-Identifier: ISC */
/* route.c: the OUT door. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>
#include <netinet/in.h>

#include "base/alloc.h"
#include "core/policy.h"
#include "core/probe.h"
#include "core/program.h"
#include "core/request.h"
#include "core/route.h"

#define DRAIN_MIN                                                                                  \
	(1 * EAR_SEC) /* how long a switch waits for the old path to be empty, at least            \
		       */
#define GIVEN_BACK_WAIT (10 * EAR_MSEC) /* for the link's down() after its undelivered() */

struct waiting {
	struct list all;
	xmpp_stanza_t *stanza;
	enum ear_link_kind only;
};

/* --- what can be reached ------------------------------------------------------------------ */

static size_t
targets_of_conf(const struct conf_peer *peer, struct sockaddr_storage *target, socklen_t *length)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)target;
	int size = sizeof(*target);

	if (peer == NULL || peer->host == NULL ||
	    evutil_parse_sockaddr_port(peer->host, (struct sockaddr *)target, &size) != 0)
		return 0;
	if (target->ss_family == AF_INET6)
		in6->sin6_port = htons(peer->port);
	else
		((struct sockaddr_in *)target)->sin_port = htons(peer->port);
	*length = size;
	return 1;
}

size_t
route_targets(struct ear *ear, const char *address, struct sockaddr_storage *targets,
	      socklen_t *lengths, size_t max)
{
	const struct peer *peer = peers_find(ear->peers, address);
	const struct dest *dest = dest_find(ear, address);
	size_t n = 0;

	for (size_t i = 0; peer != NULL && i < peer->way_count && n < max; i++) {
		if (peer->ways[i].address.ss_family == AF_UNSPEC)
			continue;
		targets[n] = peer->ways[i].address;
		lengths[n++] = peer->ways[i].length;
	}
	if (n < max && dest != NULL)
		n += targets_of_conf(dest->conf, &targets[n], &lengths[n]);
	return n;
}

static bool
link_is_open(const struct link *link)
{
	return link != NULL && (link->state == LINK_UP || link->state == LINK_OPENING);
}

static bool
lan_is_usable(const struct dest *dest)
{
	struct ear *ear = dest->ear;
	struct sockaddr_storage target;
	socklen_t length;

	if (dest->lan == NULL || !policy_allows_plain(ear->conf))
		return false;
	return link_is_open(ear->reach->lan_find(ear->reach_arg, dest->lan)) ||
	       route_targets(ear, dest->lan, &target, &length, 1) > 0;
}

bool
route_may_probe(const struct dest *dest, const struct path *path)
{
	const struct link *server = dest->ear->server;

	if (!path_is_open(path, ear_now(dest->ear->clock)))
		return false;
	if (path->kind == EAR_LINK_LAN)
		return lan_is_usable(dest);
	return dest->jid != NULL && server != NULL && server->state == LINK_UP;
}

/* Where probes watch a LAN path all the time, they find out that it is back: no stanza has to wait
 * for a dead dial. */
bool
route_is_usable(const struct dest *dest, const struct path *path)
{
	if (path->kind == EAR_LINK_LAN && path->state == EAR_PATH_FAILED && dest_is_warm(dest))
		return false;
	return route_may_probe(dest, path);
}

/* --- which path --------------------------------------------------------------------------- */

static struct path *
cheapest(struct dest *dest)
{
	bool lan = route_is_usable(dest, &dest->by_lan);
	bool server = route_is_usable(dest, &dest->by_server);
	struct path *chosen = dest->chosen, *other;

	if (!lan || !server) {
		dest->why = lan      ? "the only one that works"
			    : server ? "the only one that works"
				     : "none works";
		return lan ? &dest->by_lan : server ? &dest->by_server : NULL;
	}
	if (chosen == NULL) {
		dest->why = "shorter";
		return path_cost(&dest->by_lan) <= path_cost(&dest->by_server) ? &dest->by_lan
									       : &dest->by_server;
	}
	other = chosen == &dest->by_lan ? &dest->by_server : &dest->by_lan;
	if (path_is_worth(other, chosen)) {
		dest->why = "shorter, as measured";
		return other;
	}
	dest->why = path_cost(chosen) <= path_cost(other) ? "shorter" : "not worth a change yet";
	return chosen;
}

static void
flush_waiting(struct dest *dest)
{
	struct ear *ear = dest->ear;
	struct list *item, *spare, todo;

	list_init(&todo);
	list_each (item, spare, &dest->waiting) {
		list_del(item);
		list_add(&todo, item);
	}
	dest->waiting_count = 0;
	list_each (item, spare, &todo) {
		struct waiting *waiting = container_of(item, struct waiting, all);
		xmpp_stanza_t *stanza = waiting->stanza;
		enum ear_link_kind only = waiting->only;
		int error;

		list_del(item);
		free(waiting);
		error = route_out(ear, stanza, only);
		if (error != 0)
			route_bounce(ear, stanza, error);
	}
}

void
route_flush(void *arg)
{
	struct dest *dest = arg;

	if (!dest->switching)
		flush_waiting(dest);
}

static void
on_drained(void *arg, const struct ear_answer *answer)
{
	struct dest *dest = arg;

	dest->switching = false;
	if (!dest->ear->stopping)
		flush_waiting(dest);
}

/* A ping behind the last stanza on the old path: its answer says that the path is empty. */
static void
start_switch(struct dest *dest, const struct path *old)
{
	struct ear *ear = dest->ear;
	const char *to = old->kind == EAR_LINK_LAN ? dest->lan : dest->jid;
	xmpp_stanza_t *ping = ear_stanza(ear->ctx, "iq", "get", to, NULL);
	int64_t wait = 4 * path_cost(old);

	ear_child(ping, "ping", EAR_NS_PING);
	dest->switching = true;
	request_send(ear, ping, old->kind, wait > DRAIN_MIN ? wait : DRAIN_MIN, on_drained, dest);
}

struct path *
route_choose(struct dest *dest)
{
	struct path *old = dest->chosen, *path;
	int64_t now = ear_now(dest->ear->clock);

	if (dest->switching)
		return dest->chosen;
	path = cheapest(dest);
	if (path == old)
		return path;
	dest->chosen = path;
	ear_info("%s: path %s -> %s: %s", dest_name(dest),
		 ear_link_name(old == NULL ? EAR_LINK_NONE : old->kind),
		 ear_link_name(path == NULL ? EAR_LINK_NONE : path->kind), dest->why);
	if (path != NULL && old != NULL && route_is_usable(dest, old) &&
	    now - old->used_at < DRAIN_MIN + 4 * path_cost(old))
		start_switch(dest, old);
	core_tell(dest->ear, EAR_PATH_CHANGED, dest_name(dest),
		  path == NULL ? EAR_LINK_NONE : path->kind);
	return path;
}

/* --- sending ------------------------------------------------------------------------------ */

static struct link *
link_of(struct dest *dest, const struct path *path)
{
	struct ear *ear = dest->ear;

	if (path->kind == EAR_LINK_SERVER)
		return ear->server;
	return ear->reach->lan_open(ear->reach_arg, dest->lan);
}

/* The address that the destination has on that path. */
static void
address_for(struct dest *dest, const struct path *path, xmpp_stanza_t *stanza)
{
	if (path->kind == EAR_LINK_LAN)
		xmpp_stanza_set_to(stanza, dest->lan);
	else if (ear_jid_is_lan(xmpp_stanza_get_to(stanza)))
		xmpp_stanza_set_to(stanza, dest->jid);
}

static int
send_by(struct dest *dest, struct path *path, xmpp_stanza_t *stanza)
{
	struct ear *ear = dest->ear;
	struct link *link = link_of(dest, path);
	xmpp_stanza_t *keep;
	int error;

	if (!link_is_open(link) || (path->kind == EAR_LINK_LAN && !policy_allows_plain(ear->conf)))
		return -EHOSTUNREACH;
	address_for(dest, path, stanza);
	keep = xmpp_stanza_clone(stanza);
	error = link_send(link, stanza);
	if (error == 0) {
		path->used_at = ear_now(ear->clock);
		if (path->state == EAR_PATH_IDLE)
			path->state = link->state == LINK_UP ? EAR_PATH_UP : EAR_PATH_OPENING;
		request_left(ear, keep, link);
	}
	xmpp_stanza_release(keep);
	return error;
}

static int
hold_back(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	struct waiting *waiting;

	if (dest->waiting_count >= DEST_WAITING_MAX)
		return -ENOBUFS;
	waiting = xalloc(sizeof(*waiting));
	waiting->stanza = stanza;
	waiting->only = only;
	list_add(&dest->waiting, &waiting->all);
	dest->waiting_count++;
	return 0;
}

/* To one of the programs of this machine. */
static int
route_to_self(struct ear *ear, xmpp_stanza_t *stanza)
{
	struct link *link = ear->reach->local_find(ear->reach_arg, xmpp_stanza_get_to(stanza));

	return link_is_open(link) ? link_send(link, stanza) : -EHOSTUNREACH;
}

static int
route_to_dest(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	int error = -EHOSTUNREACH;

	for (int tries = 0; tries < 2; tries++) {
		struct path *path =
			only == EAR_LINK_NONE ? route_choose(dest) : dest_path(dest, only);

		/* A path that was asked for by name is tried, whatever its past. */
		if (path == NULL || (only == EAR_LINK_NONE && !route_is_usable(dest, path)))
			return error;
		/* Nothing overtakes what waits. */
		if ((dest->switching || dest->waiting_count > 0) && only == EAR_LINK_NONE)
			return hold_back(dest, stanza, only);
		error = send_by(dest, path, stanza);
		if (error == 0 || error == -EMSGSIZE || error == -ENOBUFS)
			return error;
		path_fail(path, ear_now(dest->ear->clock), "the link takes nothing");
	}
	return error;
}

int
route_out(struct ear *ear, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	const char *to = xmpp_stanza_get_to(stanza);
	struct dest *dest;

	if (to == NULL)
		return -EINVAL;
	if (core_is_self(ear, to))
		return route_to_self(ear, stanza);
	dest = dest_get(ear, to);
	if (dest == NULL)
		return -EINVAL;
	if (only == EAR_LINK_NONE)
		probe_active(dest);
	return route_to_dest(dest, stanza, only);
}

/* --- failure ------------------------------------------------------------------------------ */

static const char *
bounce_text(int error)
{
	switch (error) {
	case -EINVAL:
		return "no such address";
	case -ENOBUFS:
		return "too much is waiting for it: the queue is full";
	case -EMSGSIZE:
		return "the stanza is too large";
	default:
		return "no path to it: not in earshot, and not reachable through a server";
	}
}

void
route_bounce(struct ear *ear, xmpp_stanza_t *stanza, int error)
{
	const char *id = xmpp_stanza_get_id(stanza);
	enum ear_verdict condition = error == -EINVAL     ? EAR_JID_MALFORMED
				     : error == -ENOBUFS  ? EAR_RESOURCE_CONSTRAINT
				     : error == -EMSGSIZE ? EAR_POLICY_VIOLATION
							  : EAR_RECIPIENT_UNAVAILABLE;

	if (!request_fail(ear, id == NULL ? "" : id, error) &&
	    !program_bounce(ear, stanza, condition, bounce_text(error)))
		ear_info("%s: %s dropped: %s", xmpp_stanza_get_to(stanza),
			 xmpp_stanza_get_name(stanza), bounce_text(error));
	xmpp_stanza_release(stanza);
}

/*
 * It waits until the link is down for good, so that what the link gives back leaves in the order in
 * which it came. A stanza of which bytes were written goes again too: its id is the same, which is
 * how its receiver can tell.
 */
void
route_on_undelivered(struct ear *ear, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	const char *to = xmpp_stanza_get_to(stanza);
	struct dest *dest = to == NULL ? NULL : dest_get(ear, to);
	struct path *path = dest == NULL ? NULL : dest_path(dest, link->kind);

	if (ear->stopping || path == NULL || hold_back(dest, stanza, EAR_LINK_NONE) != 0) {
		route_bounce(ear, stanza, dest == NULL ? -EHOSTUNREACH : -ENOBUFS);
		return;
	}
	/* A link that lost only one of its streams gives back what was on it, and stays up. */
	if (!ear_timer_is_set(&dest->flush))
		ear_timer_set(&dest->flush, GIVEN_BACK_WAIT);
	/* What never left says that the path cannot be opened; what left may only have met a dead
	 * stream. */
	if (!maybe)
		path_fail(path, ear_now(ear->clock), "could not be opened");
}

static void
server_is_down(struct ear *ear, const char *text)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->dests.all) {
		struct dest *dest = container_of(item, struct dest, all);

		if (dest->jid == NULL)
			continue;
		dest->by_server.state = EAR_PATH_IDLE;
		dest->by_server.samples = 0;
		copy_text(dest->by_server.failure, sizeof(dest->by_server.failure), text);
		flush_waiting(dest);
		if (dest->chosen != NULL)
			route_choose(dest);
	}
}

/* A peer that closed or reset its stream may take a new one at once; a dead cable will not. */
static void
lan_is_down(struct dest *dest, int error, const char *text)
{
	struct path *path = &dest->by_lan;

	if (error == -ETIMEDOUT || error == -EHOSTUNREACH || error == -ENETUNREACH)
		path_fail(path, ear_now(dest->ear->clock), text);
	else if (path->state != EAR_PATH_FAILED)
		path->state = EAR_PATH_IDLE;
	copy_text(path->failure, sizeof(path->failure), text);
	flush_waiting(dest);
	if (dest->chosen != NULL)
		route_choose(dest);
	probe_now(dest);
}

void
route_on_down(struct ear *ear, struct link *link, int error, const char *text)
{
	struct dest *dest;

	if (link->kind == EAR_LINK_SERVER)
		server_is_down(ear, text);
	else if (link->kind == EAR_LINK_LAN && (dest = dest_find(ear, link->peer)) != NULL)
		lan_is_down(dest, error, text);
}

void
route_drop_waiting(struct list *item)
{
	struct waiting *waiting = container_of(item, struct waiting, all);

	list_del(item);
	xmpp_stanza_release(waiting->stanza);
	free(waiting);
}
