/* SPDX-License-Identifier: ISC */
/* route_fail.c: what waits for a path, what a dying link gives back, and the one error when no path
 * is left. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet.h"
#include "core/policy.h"
#include "core/program.h"
#include "core/request.h"
#include "core/route.h"

#define EXPECT_OTHER    (5 * EAR_SEC)
#define GIVEN_BACK_WAIT (10 * EAR_MSEC) /* for the link's down() after its undelivered() */

struct waiting {
	struct list all;
	xmpp_stanza_t *stanza;
	enum ear_link_kind only;
};

/* --- the one error ------------------------------------------------------------------------ */

enum ear_verdict
route_condition(int error, const char **text)
{
	switch (error) {
	case -EINVAL:
		*text = "no such address";
		return EAR_JID_MALFORMED;
	case -ENOBUFS:
		*text = "too much is waiting for it: the queue is full";
		return EAR_RESOURCE_CONSTRAINT;
	case -EMSGSIZE:
		*text = "the stanza is too large";
		return EAR_POLICY_VIOLATION;
	case -EACCES:
		*text = "its only path is not encrypted, which policy.plaintext denies";
		return EAR_NOT_AUTHORIZED;
	case -EKEYREJECTED:
		*text = "REFUSED: it has not shown the key that it had: an impostor, or a device "
			"that was reset (then: earshot untrust, and pair again)";
		return EAR_NOT_AUTHORIZED;
	case -EKEYREVOKED:
		*text = "REFUSED: its key was revoked";
		return EAR_NOT_AUTHORIZED;
	case -EPERM:
		*text = "REFUSED: it claims an address whose server does not publish its key";
		return EAR_NOT_AUTHORIZED;
	case -ETIMEDOUT:
		*text = "no answer in time";
		return EAR_REMOTE_SERVER_TIMEOUT;
	case -ECONNRESET:
		*text = "the path died before the answer came: it may have been done";
		return EAR_REMOTE_SERVER_TIMEOUT;
	case -ECANCELED:
		*text = "the engine stops";
		return EAR_RECIPIENT_UNAVAILABLE;
	default:
		*text = "no path to it: not in earshot, and not reachable through a server";
		return EAR_RECIPIENT_UNAVAILABLE;
	}
}

void
route_bounce(struct ear *ear, xmpp_stanza_t *stanza, int error)
{
	const char *text;
	enum ear_verdict condition = route_condition(error, &text);

	if (!request_fail(ear, stanza, error) && !program_bounce(ear, stanza, condition, text))
		ear_info("%s: %s dropped: %s", xmpp_stanza_get_to(stanza),
			 xmpp_stanza_get_name(stanza), text);
	xmpp_stanza_release(stanza);
}

/* --- what waits --------------------------------------------------------------------------- */

static void
wait_in(struct list *list, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	struct waiting *waiting = xalloc(sizeof(*waiting));

	waiting->stanza = stanza;
	waiting->only = only;
	list_add(list, &waiting->all);
}

int
route_hold(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	if (dest->waiting_count >= DEST_WAITING_MAX)
		return -ENOBUFS;
	wait_in(&dest->waiting, stanza, only);
	dest->waiting_count++;
	return 0;
}

static xmpp_stanza_t *
waiting_take(struct list *list, enum ear_link_kind *only)
{
	struct waiting *waiting = container_of(list->next, struct waiting, all);
	xmpp_stanza_t *stanza = waiting->stanza;

	*only = waiting->only;
	list_del(&waiting->all);
	free(waiting);
	return stanza;
}

/* All that waits, oldest first: what came back was sent before what was held back. */
static void
take_all(struct dest *dest, struct list *todo)
{
	struct list *lists[] = { &dest->returned, &dest->waiting };

	list_init(todo);
	for (size_t i = 0; i < 2; i++)
		while (!list_is_empty(lists[i])) {
			struct list *item = lists[i]->next;

			list_del(item);
			list_add(todo, item);
		}
	dest->returned_count = dest->waiting_count = 0;
}

/* Held back again it keeps its place, and may pass the bound: it was taken before. */
static void
leave(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	const char *to = xmpp_stanza_get_to(stanza);
	struct dest *now = ear_jid_is_lan(to) ? dest : dest_find(dest->ear, to);
	int error;

	/* The address may be another device's than when it was sent. */
	if (now != NULL)
		dest = now;
	if (only == EAR_LINK_NONE && dest->switching) {
		wait_in(&dest->waiting, stanza, only);
		dest->waiting_count++;
		return;
	}
	/* Who was refused a moment ago is not asked again and again. */
	if (only == EAR_LINK_LAN && dest->refused != 0)
		error = dest->refused;
	else
		error = only == EAR_LINK_NONE ? route_to(dest, stanza)
					      : route_out(dest->ear, stanza, only);
	if (error != 0)
		route_bounce(dest->ear, stanza, error);
}

void
route_flush(void *arg)
{
	struct dest *dest = arg;
	enum ear_link_kind only;
	xmpp_stanza_t *stanza;
	struct list todo;

	if (dest->switching)
		return;
	take_all(dest, &todo);
	while (!list_is_empty(&todo)) {
		stanza = waiting_take(&todo, &only);
		leave(dest, stanza, only);
	}
	program_on_link(dest->ear);
}

void
route_stop(struct dest *dest, void *unused)
{
	enum ear_link_kind only;
	xmpp_stanza_t *stanza;
	struct list todo;

	take_all(dest, &todo);
	while (!list_is_empty(&todo)) {
		stanza = waiting_take(&todo, &only);
		route_bounce(dest->ear, stanza, -ECANCELED);
	}
}

/* --- links that die ----------------------------------------------------------------------- */

static bool
is_request(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return strcmp(xmpp_stanza_get_name(stanza), "iq") == 0 && type != NULL &&
	       (strcmp(type, "get") == 0 || strcmp(type, "set") == 0);
}

/*
 * The one kind of link that it may leave by again: what was asked or sent by one path alone stays
 * there, and what a LAN peer gets as an answer never enters a server's network (XEP-0174 §13.2).
 */
static enum ear_link_kind
only_of(struct ear *ear, const struct link *link, xmpp_stanza_t *stanza)
{
	enum ear_link_kind only;

	if (request_came_back(ear, stanza, &only))
		return only;
	if (ear_is_answer(stanza))
		return policy_allows_relay(link->kind, EAR_LINK_SERVER) ? EAR_LINK_NONE
									: link->kind;
	return program_only(ear, stanza);
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
	struct dest *dest = to == NULL || link->kind == EAR_LINK_LOCAL ? NULL : dest_get(ear, to);
	struct path *path = dest == NULL ? NULL : dest_path(dest, link->kind);
	enum ear_link_kind only;

	/* Whoever asked has had an answer, if only that time is up. */
	if (is_request(stanza) && !request_came_back(ear, stanza, &only)) {
		xmpp_stanza_release(stanza);
		return;
	}
	if (ear->stopping || path == NULL || dest->returned_count >= DEST_RETURNED_MAX) {
		route_bounce(ear, stanza, path == NULL ? -EHOSTUNREACH : -ENOBUFS);
		return;
	}
	wait_in(&dest->returned, stanza, only_of(ear, link, stanza));
	dest->returned_count++;
	/* A link that lost only one of its streams gives back what was on it, and stays up. */
	if (!ear_timer_is_set(&dest->flush))
		ear_timer_set(&dest->flush, GIVEN_BACK_WAIT);
	/* What never left says that the path cannot be opened; what left may only have met a dead
	 * stream. */
	if (!maybe)
		path_fail(path, ear_now(ear->clock), "could not be opened");
}

static void
server_is_down(struct dest *dest, void *text)
{
	if (dest->jid == NULL)
		return;
	dest->by_server.state = EAR_PATH_IDLE;
	dest->by_server.samples = 0;
	copy_text(dest->by_server.failure, sizeof(dest->by_server.failure), text);
	route_flush(dest);
	if (dest->chosen != NULL)
		route_choose(dest);
}

static bool
is_of_trust(int error)
{
	return error == -EKEYREJECTED || error == -EKEYREVOKED || error == -EPERM ||
	       error == -EACCES;
}

/*
 * A peer that closed or reset a stream which worked may take a new one at once, when there is
 * something to send; a dead cable will not, nor one that never let us in.
 */
static void
lan_is_down(struct dest *dest, int error, const char *text)
{
	struct path *path = &dest->by_lan;
	bool dead = error == -ETIMEDOUT || error == -EHOSTUNREACH || error == -ENETUNREACH ||
		    is_of_trust(error) || (error != 0 && path->state != EAR_PATH_UP);

	if (is_of_trust(error))
		dest->refused = error;

	if (dead && path_is_open(path, ear_now(dest->ear->clock)))
		path_fail(path, ear_now(dest->ear->clock), text);
	else if (path->state != EAR_PATH_FAILED)
		path->state = EAR_PATH_IDLE;
	copy_text(path->failure, sizeof(path->failure), text);
	/* Somebody else may announce the same key. */
	if (dest->bound && error != 0)
		meet_later(dest->ear, EXPECT_OTHER);
	route_flush(dest);
	if (dest->chosen != NULL)
		route_choose(dest);
}

void
route_on_down(struct ear *ear, struct link *link, int error, const char *text)
{
	struct dest *dest;

	if (link->kind == EAR_LINK_SERVER)
		dests_each(ear, server_is_down, (void *)text);
	else if (link->kind == EAR_LINK_LAN && (dest = dest_find(ear, link->peer)) != NULL)
		lan_is_down(dest, error, text);
}

void
route_drop_waiting(struct dest *dest)
{
	enum ear_link_kind only;
	struct list todo;

	take_all(dest, &todo);
	while (!list_is_empty(&todo))
		xmpp_stanza_release(waiting_take(&todo, &only));
}
