/* SPDX-License-Identifier: ISC */
/* probe.c: XEP-0199 pings on the paths of destinations in use. */
#include <errno.h>

#include "core/core.h"
#include "core/meet.h"
#include "core/probe.h"
#include "core/request.h"
#include "core/route.h"

#define ACTIVE_FOR  (30 * EAR_SEC) /* after the last stanza its paths are watched that long */
#define EVERY_FIRST (100 * EAR_MSEC)
#define EVERY_BUSY  (1 * EAR_SEC)
#define EVERY_WARM  (10 * EAR_SEC)
#define ANSWER_MIN  (1500 * EAR_MSEC) /* an answer that takes longer means a dead path */

static bool
is_gone(const struct ear_answer *answer)
{
	/* It has not left at all: we have too much to do ourselves. */
	if (link_is_full(answer->error))
		return false;
	if (answer->error != -EREMOTEIO)
		return answer->error != 0;
	return path_is_unreached(ear_condition_of(answer->stanza));
}

/* The ping may have been lost with one of two streams: the other one has been heard of since. */
static bool
has_lived(const struct path *path, const struct ear_answer *answer)
{
	return answer->error == -ETIMEDOUT && path->alive_at > path->pinged_at;
}

static void
on_pong(struct dest *dest, struct path *path, const struct ear_answer *answer)
{
	struct ear *ear = dest->ear;

	path->pinging = false;
	if (ear->stopping)
		return;
	if (is_gone(answer) && !has_lived(path, answer))
		path_fail(path, ear_now(ear->clock),
			  answer->error == -ETIMEDOUT ? "does not answer" : "not there");
	if (dest->chosen != NULL || dest_is_warm(dest))
		route_choose(dest);
	if (answer->error == 0 && path->samples < PATH_ENOUGH)
		ear_timer_set(&dest->probe, EVERY_FIRST);
}

static void
on_lan_pong(void *arg, const struct ear_answer *answer)
{
	struct dest *dest = arg;

	on_pong(dest, &dest->by_lan, answer);
}

static void
on_server_pong(void *arg, const struct ear_answer *answer)
{
	struct dest *dest = arg;

	on_pong(dest, &dest->by_server, answer);
}

/* He learns how our clocks are apart, and so how old the first thing is that may come too late. */
static void
tell_time(const struct dest *dest, xmpp_stanza_t *ping)
{
	if (dest->remembers)
		ear_set(ear_child(ping, "expires", EAR_NS_DELIVERY), "ms", "%d", EXPIRES_MAX_MS);
}

static void
ping(struct dest *dest, struct path *path)
{
	struct ear *ear = dest->ear;
	bool lan = path->kind == EAR_LINK_LAN;
	xmpp_stanza_t *iq = ear_stanza(ear->ctx, "iq", "get", lan ? dest->lan : dest->jid, NULL);

	tell_time(dest, ear_child(iq, "ping", EAR_NS_PING));
	path->pinging = true;
	path->pinged_at = ear_now(ear->clock);
	request_send(ear, expires_stamp(ear, iq), path->kind, ANSWER_MIN + 4 * path_cost(path),
		     lan ? on_lan_pong : on_server_pong, dest);
}

static bool
is_active(const struct dest *dest)
{
	return ear_now(dest->ear->clock) < dest->active_until;
}

/* Only an Earshot is pinged on the LAN: libpurple answers no IQ at all. */
static void
probe_lan(struct dest *dest)
{
	struct ear *ear = dest->ear;
	struct link *link;

	if (dest->by_lan.pinging || !route_may_probe(dest, &dest->by_lan) || ear->self_lan == NULL)
		return;
	link = ear->reach->lan_find(ear->reach_arg, dest->lan);
	if (link == NULL && (dest_is_warm(dest) || dest->jid != NULL))
		link = ear->reach->lan_open(ear->reach_arg, dest->lan);
	if (link != NULL && link->state == LINK_UP && link->earshot)
		ping(dest, &dest->by_lan);
}

/* The server path is measured only where there is something to compare it with. */
static void
probe_server(struct dest *dest)
{
	if (dest->lan != NULL && dest->jid != NULL && !dest->by_server.pinging &&
	    route_may_probe(dest, &dest->by_server))
		ping(dest, &dest->by_server);
}

/* All quiet destinations are looked at in one turn, so that they wake the processor once. */
static void
rest(struct dest *dest)
{
	ear_timer_set(&dest->probe, EVERY_WARM - ear_now(dest->ear->clock) % EVERY_WARM);
}

static void
on_probe(void *arg)
{
	struct dest *dest = arg;

	if (is_active(dest) || dest_is_warm(dest))
		probe_lan(dest);
	if (is_active(dest) && dest->lan != NULL)
		probe_server(dest);
	else if (!is_active(dest) && !dest->switching && !dest_is_warm(dest))
		dest->chosen = NULL;
	if (ear_timer_is_set(&dest->probe))
		return;
	if (is_active(dest))
		ear_timer_set(&dest->probe, EVERY_BUSY);
	else if (dest_is_warm(dest))
		rest(dest);
}

void
probe_tell_time(struct dest *dest)
{
	if (dest->jid != NULL && !dest->by_server.pinging &&
	    route_may_probe(dest, &dest->by_server))
		ping(dest, &dest->by_server);
}

void
probe_init(struct dest *dest)
{
	ear_timer_init(&dest->probe, dest->ear->clock, on_probe, dest);
	if (dest_is_warm(dest))
		ear_timer_set(&dest->probe, EVERY_FIRST);
}

void
probe_release(struct dest *dest)
{
	ear_timer_stop(&dest->probe);
}

/* A destination with one path only needs no measuring: its stream tells when it dies. */
void
probe_active(struct dest *dest)
{
	bool was = is_active(dest);

	if (!was && dest->jid != NULL && !dest->bound)
		meet_seek(dest->ear, dest->jid);
	dest->active_until = ear_now(dest->ear->clock) + ACTIVE_FOR;
	if (!was && dest->lan != NULL)
		ear_timer_set(&dest->probe, dest->bound ? 0 : EVERY_FIRST);
}

void
probe_now(struct dest *dest)
{
	if (is_active(dest) || dest_is_warm(dest))
		ear_timer_set(&dest->probe, dest->bound ? 0 : EVERY_FIRST);
}
