/* SPDX-License-Identifier: ISC */
/* route_fail.c: what a dying link gives back, and the one error when no path is left. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/dispatch.h"
#include "core/expires.h"
#include "core/meet.h"
#include "core/policy.h"
#include "core/post.h"
#include "core/program.h"
#include "core/request.h"
#include "core/route.h"
#include "core/sent.h"

#define EXPECT_OTHER    (5 * EAR_SEC)
#define GIVEN_BACK_WAIT (10 * EAR_MSEC) /* for the link's down() after its undelivered() */

/* --- the one error ------------------------------------------------------------------------ */

enum ear_verdict
route_condition(int error, const char **text)
{
	switch (error) {
	case -EINVAL:
		*text = "no such address";
		return EAR_JID_MALFORMED;
	case -ENOBUFS:
		*text = "too many stanzas are waiting for it: the queue is full";
		return EAR_RESOURCE_CONSTRAINT;
	case -EDQUOT:
		*text = "too many bytes are waiting for it: the queue is full";
		return EAR_RESOURCE_CONSTRAINT;
	case -ESTALE:
		*text = "it waited for a path as long as it may, and none came back";
		return EAR_RECIPIENT_UNAVAILABLE;
	case -ETIME:
		*text = "it expired on its way: it was not delivered";
		return EAR_REMOTE_SERVER_TIMEOUT;
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
	const struct dest *dest;
	const char *text, *to = xmpp_stanza_get_to(stanza);

	if (!request_fail(ear, stanza, error) && !post_bounce(ear, stanza, error) &&
	    !program_bounce(ear, stanza, error)) {
		enum ear_verdict condition = route_condition(error, &text);

		if (ear->stopping ||
		    !dispatch_bounce(ear, stanza, condition, text, error == -ETIME))
			ear_info("%s: %s dropped: %s", to, xmpp_stanza_get_name(stanza), text);
	}
	dest = to == NULL ? NULL : dest_find(ear, to);
	metrics_add(&ear->metrics, error == -ETIME ? METRIC_EXPIRED : METRIC_BOUNCED,
		    dest == NULL || dest->chosen == NULL ? EAR_LINK_NONE : dest->chosen->kind);
	xmpp_stanza_release(stanza);
}

/* --- links that die ----------------------------------------------------------------------- */

/* A receipt says what a LAN peer wrote, as an answer does. */
static bool
is_answer(xmpp_stanza_t *stanza)
{
	return ear_is_answer(stanza) || (strcmp(xmpp_stanza_get_name(stanza), "message") == 0 &&
					 ear_find(stanza, "received", EAR_NS_RECEIPTS) != NULL);
}

/*
 * The one kind of link that it may leave by again: what was asked or sent by one path alone stays
 * there, and what a LAN peer gets as an answer never enters a server's network (XEP-0174 §13.2).
 */
static enum ear_link_kind
only_of(struct ear *ear, const struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	enum ear_link_kind only;

	if (request_came_back(ear, stanza, maybe, &only))
		return only;
	if (is_answer(stanza))
		return policy_allows_relay(link->kind, EAR_LINK_SERVER) ? EAR_LINK_NONE
									: link->kind;
	return program_only(ear, stanza);
}

/* Whether it may be sent again although it may have arrived. */
static bool
may_repeat(const struct dest *dest, const struct link *link, xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return dest->remembers || link->acks || ear_is_answer(stanza) ||
	       strcmp(xmpp_stanza_get_name(stanza), "presence") == 0 ||
	       (ear_is_request(stanza) && strcmp(type, "get") == 0);
}

/* A stream that comes up and dies, again and again, does not keep it for ever. */
static int64_t
waits_since(struct ear *ear, xmpp_stanza_t *stanza)
{
	struct note *note = sent_of(ear, stanza);

	if (note == NULL)
		return ear_now(ear->clock);
	if (note->back_at == 0)
		note->back_at = ear_now(ear->clock);
	return note->back_at;
}

static int
give_back(struct ear *ear, struct dest *dest, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	enum ear_link_kind only = only_of(ear, link, stanza, maybe);

	if (maybe)
		program_maybe(ear, stanza);
	if (ear->stopping)
		return -ECANCELED;
	if (maybe && !may_repeat(dest, link, stanza))
		return -ECONNRESET;
	/* The one path that it may take could not be opened: it is not tried for ever. */
	if (!maybe && only == link->kind)
		return only == EAR_LINK_LAN && dest->refused != 0 ? dest->refused : -EHOSTUNREACH;
	if (dest->returned.count >= DEST_RETURNED_MAX)
		return -ENOBUFS;
	if (maybe)
		metrics_add(&ear->metrics, METRIC_RETRANSMITTED, link->kind);
	queue_add(&dest->returned, stanza, only, waits_since(ear, stanza))->maybe = maybe;
	/* A link that lost only one of its streams gives back what was on it, and stays up. */
	route_look_after(dest, GIVEN_BACK_WAIT);
	return 0;
}

/* Of what may have arrived by an earlier way, only he who may have it knows what became of it; of
 * what is stored that is not noted here. */
static bool
is_late(struct ear *ear, xmpp_stanza_t *stanza)
{
	return expires_is_over(ear, stanza) && !request_may_have_arrived(ear, stanza) &&
	       !program_is_maybe(ear, stanza) && !post_has(ear, stanza);
}

bool
route_is_stale(struct ear *ear, xmpp_stanza_t *stanza)
{
	return request_is_over(ear, stanza) || is_late(ear, stanza);
}

/*
 * It waits until the link is down for good, so that what the link gives back leaves in the order in
 * which it came. What is owed is kept elsewhere.
 */
void
route_on_undelivered(struct ear *ear, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	const char *to = xmpp_stanza_get_to(stanza);
	struct dest *dest = to == NULL || link->kind == EAR_LINK_LOCAL ? NULL : dest_get(ear, to);
	struct path *path = dest == NULL ? NULL : dest_path(dest, link->kind);
	int error;

	/* Whoever asked has had an answer, if only that time is up. */
	if (request_is_over(ear, stanza)) {
		xmpp_stanza_release(stanza);
		return;
	}
	/* Which says nothing about the path. */
	if (!maybe && is_late(ear, stanza)) {
		if (dest != NULL)
			delivery_forget(dest, stanza);
		route_bounce(ear, stanza, -ETIME);
		return;
	}
	if (path != NULL && link->kind == EAR_LINK_SERVER && delivery_keeps(dest, stanza)) {
		xmpp_stanza_release(stanza);
		return;
	}
	error = dest == NULL ? -EHOSTUNREACH : give_back(ear, dest, link, stanza, maybe);
	if (error != 0) {
		route_bounce(ear, stanza, error);
		return;
	}
	/* What never left says that the path cannot be opened; what left may only have met a dead
	 * stream. */
	if (!maybe && path != NULL)
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
	delivery_return(dest);
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

/* What was to leave it has come back. */
static void
lan_has_left(struct dest *dest)
{
	if (dest->leaving)
		dest->leaving = dest->switching = false;
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
	path->left = error == 0;
	dest->silent = false;
	lan_has_left(dest);
	/* Somebody else may announce the same key. */
	if (dest->bound && error != 0)
		meet_later(dest->ear, EXPECT_OTHER);
	route_flush(dest);
	if (dest->chosen != NULL)
		route_choose(dest);
}

/* It has been replaced already, and what it ended of says nothing about the one that is up now. */
static bool
is_replaced(struct ear *ear, const struct link *link)
{
	const struct link *now = ear->reach->lan_find(ear->reach_arg, link->peer);

	return now != NULL && now != link && now->state == LINK_UP;
}

void
route_on_down(struct ear *ear, struct link *link, int error, const char *text)
{
	struct dest *dest;

	if (link->kind == EAR_LINK_SERVER) {
		dests_each(ear, server_is_down, (void *)text);
		return;
	}
	dest = link->kind == EAR_LINK_LAN ? dest_find(ear, link->peer) : NULL;
	if (dest == NULL)
		return;
	if (!is_replaced(ear, link)) {
		lan_is_down(dest, error, text);
	} else {
		lan_has_left(dest);
		route_flush(dest);
	}
}

/*
 * Nothing is lost by going on elsewhere: what is not acknowledged leaves again. With no other path
 * the stream is better than none, it may only be slow.
 */
static void
give_up_silent(struct dest *dest)
{
	if (!dest->silent || !route_may_probe(dest, &dest->by_server))
		return;
	dest->silent = false;
	metrics_add(&dest->ear->metrics, METRIC_SILENT, EAR_LINK_LAN);
	path_fail(&dest->by_lan, ear_now(dest->ear->clock), "does not acknowledge");
	delivery_forsake(dest, &dest->by_lan);
	dest->switching = dest->leaving;
	route_choose(dest);
}

void
route_on_silent(struct ear *ear, struct link *link, bool silent)
{
	struct dest *dest = link->kind == EAR_LINK_LAN ? dest_find(ear, link->peer) : NULL;

	if (dest == NULL)
		return;
	dest->silent = silent;
	give_up_silent(dest);
}

void
route_on_lan(struct dest *dest)
{
	if (dest->owed.count > 0 && !route_is_usable(dest, &dest->by_server))
		delivery_return(dest);
	route_flush(dest);
}

void
route_on_server(struct dest *dest)
{
	give_up_silent(dest);
	route_flush(dest);
}
