/* SPDX-License-Identifier: ISC */
/* route.c: the OUT door. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/meet.h"
#include "core/names.h"
#include "core/policy.h"
#include "core/probe.h"
#include "core/request.h"
#include "core/route.h"
#include "core/told.h"

/* How long a switch waits for the old path to be empty, at least. */
#define DRAIN_MIN (1 * EAR_SEC)

/* --- what can be reached ------------------------------------------------------------------ */

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
	if (dest != NULL)
		n += names_targets(ear, dest->conf, targets + n, lengths + n, max - n);
	return n + told_targets(ear, address, targets + n, lengths + n, max - n);
}

static bool
link_is_open(const struct link *link)
{
	return link != NULL && (link->state == LINK_UP || link->state == LINK_OPENING);
}

static bool
lan_is_there(const struct dest *dest)
{
	struct ear *ear = dest->ear;
	struct sockaddr_storage target;
	socklen_t length;

	return dest->lan != NULL &&
	       (link_is_open(ear->reach->lan_find(ear->reach_arg, dest->lan)) ||
		route_targets(ear, dest->lan, &target, &length, 1) > 0);
}

/* Where plaintext is denied, not even a stream header leaves for one that can do nothing else. */
static bool
lan_is_allowed(const struct dest *dest)
{
	return policy_allows_plain(dest->ear->conf) || meet_may_be_keyed(dest->ear, dest->lan);
}

static bool
lan_is_usable(const struct dest *dest)
{
	return lan_is_there(dest) && lan_is_allowed(dest);
}

/* Why there is no path. */
static int
no_path(const struct dest *dest)
{
	if (!lan_is_there(dest))
		return -EHOSTUNREACH;
	if (dest->refused != 0)
		return dest->refused;
	return lan_is_allowed(dest) ? -EHOSTUNREACH : -EACCES;
}

/* A device that was bound by its key is only known to be there once a stream has shown that key:
 * nothing waits for that which the server can carry. */
static bool
lan_is_expected_only(const struct dest *dest)
{
	const struct link *link = dest->ear->reach->lan_find(dest->ear->reach_arg, dest->lan);

	return dest->bound && (link == NULL || link->state != LINK_UP) &&
	       route_may_probe(dest, &dest->by_server);
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

/* Where probes watch a LAN path all the time, they find out that it is back, or it announces
 * itself: no stanza has to wait for a dead dial. */
bool
route_is_usable(const struct dest *dest, const struct path *path)
{
	if (path->kind == EAR_LINK_LAN && path->state == EAR_PATH_FAILED && path->retry_at != 0 &&
	    dest_is_warm(dest))
		return false;
	if (!route_may_probe(dest, path))
		return false;
	return path->kind != EAR_LINK_LAN || !lan_is_expected_only(dest);
}

/* --- which path --------------------------------------------------------------------------- */

/* The LAN path has just come into being: what is left then is no noise to be careful about. */
static bool
is_new_and_shorter(struct dest *dest, const struct path *other, const struct path *chosen)
{
	if (dest->compared || other != &dest->by_lan || !dest->bound || other->samples == 0)
		return false;
	dest->compared = true;
	return path_cost(other) <= path_cost(chosen);
}

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
	if (is_new_and_shorter(dest, other, chosen)) {
		dest->why = "shorter";
		return other;
	}
	if (path_is_worth(other, chosen)) {
		dest->why = "shorter, as measured";
		return other;
	}
	dest->why = path_cost(chosen) <= path_cost(other) ? "shorter" : "not worth a change yet";
	return chosen;
}

static void
on_drained(struct dest *dest, struct path *old, const struct ear_answer *answer)
{
	if (dest->ear->stopping) {
		dest->switching = false;
		return;
	}
	/* Nobody knows what of it arrived: it goes first on the new one. */
	if (answer->error != 0 && old != dest->chosen)
		delivery_forsake(dest, old);
	dest->switching = dest->leaving;
	route_flush(dest);
}

static void
on_lan_drained(void *arg, const struct ear_answer *answer)
{
	struct dest *dest = arg;

	on_drained(dest, &dest->by_lan, answer);
}

static void
on_server_drained(void *arg, const struct ear_answer *answer)
{
	struct dest *dest = arg;

	on_drained(dest, &dest->by_server, answer);
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
	request_send(ear, ping, old->kind, wait > DRAIN_MIN ? wait : DRAIN_MIN,
		     old->kind == EAR_LINK_LAN ? on_lan_drained : on_server_drained, dest);
}

/* What is the shortest now; changes nothing but dest->why. */
struct path *
route_best(struct dest *dest)
{
	return dest->switching ? dest->chosen : cheapest(dest);
}

/* One that works is emptied first; from one that does not, what may not have arrived is taken back.
 */
static void
leave_path(struct dest *dest, const struct path *path, struct path *old)
{
	int64_t now = ear_now(dest->ear->clock);

	if (!route_is_usable(dest, old))
		delivery_forsake(dest, old);
	else if (path != NULL && (now - old->used_at < DRAIN_MIN + 4 * path_cost(old) ||
				  (old == &dest->by_server && dest->owed.count > 0)))
		start_switch(dest, old);
	if (dest->leaving)
		dest->switching = true;
}

/* Who is behind a server and nowhere else is no news: there may be thousands. */
static bool
has_choice(const struct dest *dest)
{
	return dest->lan != NULL || dest->conf != NULL;
}

struct path *
route_choose(struct dest *dest)
{
	struct path *old = dest->chosen, *path;

	path = route_best(dest);
	if (path == old)
		return path;
	dest->chosen = path;
	ear_log(has_choice(dest) ? EAR_LOG_INFO : EAR_LOG_DEBUG, "%s: path %s -> %s: %s",
		dest_name(dest), ear_link_name(old == NULL ? EAR_LINK_NONE : old->kind),
		ear_link_name(path == NULL ? EAR_LINK_NONE : path->kind), dest->why);
	metrics_add(&dest->ear->metrics, METRIC_SWITCHES,
		    path == NULL ? EAR_LINK_NONE : path->kind);
	if (old != NULL)
		leave_path(dest, path, old);
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
	const char *to = xmpp_stanza_get_to(stanza), *there = to;

	if (path->kind == EAR_LINK_LAN && !dest->bound)
		there = dest->lan;
	else if (path->kind == EAR_LINK_SERVER && ear_jid_is_lan(to))
		there = dest->jid;
	if (strcmp(there, to) != 0)
		xmpp_stanza_set_to(stanza, there);
}

/* What is addressed to a JID goes to its key, and to no other. A stream that is being opened is
 * judged before anything is written to it (meet_keyed). */
static bool
is_right(const struct dest *dest, const struct link *link, xmpp_stanza_t *stanza)
{
	if (!dest->bound || link->state == LINK_OPENING)
		return true;
	return (link->keyed && link->jid != NULL && ear_key_equal(&link->key, &dest->key)) ||
	       ear_jid_is_lan(xmpp_stanza_get_to(stanza));
}

static void
has_left(struct dest *dest, struct path *path, const struct link *link, xmpp_stanza_t *stanza)
{
	struct ear *ear = dest->ear;
	bool up = link->state == LINK_UP;

	path->used_at = ear_now(ear->clock);
	if (up && path->kind == EAR_LINK_LAN)
		path->carried_at = path->used_at;
	if (path->state == EAR_PATH_IDLE)
		path->state = up ? EAR_PATH_UP : EAR_PATH_OPENING;
	metrics_add(&ear->metrics, METRIC_OUT, path->kind);
	request_left(ear, stanza, link);
}

static int
send_by(struct dest *dest, struct path *path, xmpp_stanza_t *stanza)
{
	struct link *link;
	xmpp_stanza_t *keep;
	bool owed;
	int error;

	/* Before a link is opened: where plaintext is denied not even a stream header leaves. */
	if (path->kind == EAR_LINK_LAN && !lan_is_allowed(dest))
		return no_path(dest);
	link = link_of(dest, path);
	if (!link_is_open(link))
		return -EHOSTUNREACH;
	if (path->kind == EAR_LINK_LAN && !is_right(dest, link, stanza))
		return -EHOSTUNREACH;
	owed = path->kind == EAR_LINK_SERVER && delivery_is_owed(dest, stanza);
	if (owed && !delivery_has_room(dest))
		return -EAGAIN;
	address_for(dest, path, stanza);
	if (owed)
		delivery_ask(stanza);
	keep = xmpp_stanza_clone(stanza);
	error = link_send(link, stanza);
	if (error == 0) {
		has_left(dest, path, link, keep);
		if (owed)
			delivery_owe(dest, keep);
	}
	xmpp_stanza_release(keep);
	/* Full until the other end has acknowledged some of it. */
	return link_is_full(error) && link->acks ? -EAGAIN : error;
}

/* To one of the programs of this machine, under the address that it was given when it came. */
static int
route_to_program(struct ear *ear, struct link *link, xmpp_stanza_t *stanza)
{
	return link_is_open(link) ? core_send(ear, link, stanza) : -EHOSTUNREACH;
}

/* Whether this says something about the path, not about the stanza. */
static bool
is_of_path(int error)
{
	return error == -EHOSTUNREACH || error == -ENOTCONN;
}

/* Just started: who is on the LAN is known sooner than who we are there. */
static bool
has_no_name_yet(const struct dest *dest, const struct path *path)
{
	struct ear *ear = dest->ear;

	return path->kind == EAR_LINK_LAN && ear_timer_is_set(&ear->naming) &&
	       ear->reach->lan_find(ear->reach_arg, dest->lan) == NULL && lan_is_usable(dest);
}

int
route_try_by(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	struct path *path = dest_path(dest, only);
	int error;

	if (path != NULL && has_no_name_yet(dest, path))
		return -EAGAIN;
	error = path == NULL ? -EHOSTUNREACH : send_by(dest, path, stanza);
	return error == -ENOTCONN ? -EHOSTUNREACH : error;
}

/* Whether it asks something of the account whose device that is, and not of one of its resources.
 */
static bool
asks_account(const struct dest *dest, xmpp_stanza_t *stanza)
{
	const char *to = xmpp_stanza_get_to(stanza);

	return dest->bound && ear_is_request(stanza) && ear_jid_resource(to) == NULL &&
	       ear_jid_resource(dest->jid) != NULL && ear_jid_bare_equal(to, dest->jid);
}

/* A server answers by itself what is asked of an account (RFC 6121 §8.5.2.1.3): as long as that
 * means its only device in earshot, that one is asked, also before its path was measured. */
static struct path *
choose_for(struct dest *dest, xmpp_stanza_t *stanza)
{
	struct path *path = route_choose(dest);

	if (path == &dest->by_server && asks_account(dest, stanza) &&
	    route_is_usable(dest, &dest->by_lan))
		return &dest->by_lan;
	return path;
}

int
route_try(struct dest *dest, xmpp_stanza_t *stanza)
{
	struct path *path;
	int error;

	for (int tries = 0; tries < 2; tries++) {
		path = choose_for(dest, stanza);
		if (path == NULL && !dest->switching && !request_has_left(dest->ear, stanza))
			break; /* told at once, whatever waits (delivery_may_wait) */
		/* Nothing overtakes what waits, also when the path that it waits for dies. */
		if (dest->switching || dest_is_waiting(dest) ||
		    (path != NULL && has_no_name_yet(dest, path)))
			return -EAGAIN;
		if (path == NULL)
			break;
		delivery_number(dest, stanza);
		error = send_by(dest, path, stanza);
		if (!is_of_path(error))
			return error;
		path_fail(path, ear_now(dest->ear->clock), "the link takes nothing");
	}
	error = no_path(dest);
	return error == -EHOSTUNREACH && delivery_may_wait(dest, stanza) ? -EAGAIN : error;
}

int
route_out(struct ear *ear, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	const char *to = xmpp_stanza_get_to(stanza);
	struct link *program;
	struct dest *dest;
	int error;

	if (to == NULL)
		return -EINVAL;
	/* Our own name may have changed since a program came. */
	program = ear->reach->local_find(ear->reach_arg, to);
	if (program != NULL || core_is_self(ear, to))
		return route_to_program(ear, program, stanza);
	dest = dest_get(ear, to);
	if (dest == NULL)
		return -EINVAL;
	if (only != EAR_LINK_NONE) {
		error = route_try_by(dest, stanza, only);
	} else {
		probe_active(dest);
		error = dest->flushing ? -EAGAIN : route_try(dest, stanza);
	}
	return error == -EAGAIN ? route_hold(dest, stanza, only) : error;
}
