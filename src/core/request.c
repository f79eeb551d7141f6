/* SPDX-License-Identifier: ISC */
/* request.c: our requests and their answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/expires.h"
#include "core/probe.h"
#include "core/request.h"
#include "core/route.h"

#define TIMEOUT  (30 * EAR_SEC)
#define WAY_BACK (3 * EAR_SEC) /* of an answer, and the time of a player */

struct request {
	struct ear *ear;
	char id[17];
	char *to;          /* whom we asked: only that device may answer */
	xmpp_stanza_t *iq; /* to ask again by another path */
	enum ear_link_kind only;
	enum ear_link_kind kind; /* of the link it left by; EAR_LINK_NONE: it waits for one */
	unsigned long long serial;
	int64_t asked_at, left_at;
	bool measurable; /* a ping that left by an open link: its round trip is the path's */
	bool maybe;      /* it may have been done: a path died with it */
	int failed;      /* set before the timer brings the bad news */
	struct ear_timer timer;
	ear_answer_fn *fn;
	void *arg;
};

/* What left by a server is owed no more: it is over, or leaves anew. */
static void
request_settle(const struct request *request)
{
	if (request->kind == EAR_LINK_SERVER && !request->ear->stopping)
		delivery_receipt(request->ear, request->to, request->id);
}

static void
request_free(struct request *request)
{
	map_del(request->ear->requests, request->id);
	request_settle(request);
	ear_timer_stop(&request->timer);
	xmpp_stanza_release(request->iq);
	free(request->to);
	free(request);
}

static void
request_end(struct request *request, const struct ear_answer *answer)
{
	ear_answer_fn *fn = request->fn;
	void *arg = request->arg;

	request_free(request);
	fn(arg, answer);
}

static void
on_timer(void *arg)
{
	struct request *request = arg;
	struct ear_answer answer = { .error = request->failed != 0 ? request->failed : -ETIMEDOUT,
				     .link = request->kind,
				     .rtt_us = -1 };

	request_end(request, &answer);
}

/* Not from inside the asker's call: by the timer. */
static void
request_fail_soon(struct request *request, int error)
{
	request->failed = error;
	ear_timer_set(&request->timer, 0);
}

static void
request_route(struct request *request)
{
	int error;

	request_settle(request);
	request->kind = EAR_LINK_NONE;
	xmpp_stanza_set_to(request->iq, request->to);
	xmpp_stanza_del_attribute(request->iq, "from");
	error = route_out(request->ear, xmpp_stanza_clone(request->iq), request->only);
	if (error != 0) {
		xmpp_stanza_release(request->iq); /* the reference that route_out left to us */
		request_fail_soon(request, error == -EINVAL ? -EHOSTUNREACH : error);
	}
}

/* What is of no use any more was done by now, or never will be: more than the way back is not
 * waited for. */
static int64_t
patience(xmpp_stanza_t *iq, int64_t usec)
{
	int64_t life = expires_life(iq), most = usec > 0 ? usec : TIMEOUT;

	return life >= 0 && life + WAY_BACK < most ? life + WAY_BACK : most;
}

void
request_send(struct ear *ear, xmpp_stanza_t *iq, enum ear_link_kind only, int64_t usec,
	     ear_answer_fn *fn, void *arg)
{
	struct request *request = xalloc(sizeof(*request));
	const char *to = xmpp_stanza_get_to(iq);

	request->ear = ear;
	request->iq = iq;
	request->to = xstrdup(to == NULL ? "" : to);
	request->only = only;
	request->fn = fn;
	request->arg = arg;
	request->asked_at = ear_now(ear->clock);
	ear_timer_init(&request->timer, ear->clock, on_timer, request);
	ear_timer_set(&request->timer, patience(iq, usec));
	ids_take(&ear->ids, request->id);
	xmpp_stanza_set_id(iq, request->id);
	map_set(ear->requests, request->id, request);
	if (ear->stopping || map_count(ear->requests) > REQUESTS_MAX)
		request_fail_soon(request, ear->stopping ? -ECANCELED : -ENOBUFS);
	else
		request_route(request);
}

/* The request that this stanza is. What links give back may be a copy, hence by the id; but peers
 * choose the ids of our answers. */
static struct request *
request_of(struct ear *ear, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);

	return id == NULL || !ear_is_request(stanza) ? NULL : map_get(ear->requests, id);
}

void
request_left(struct ear *ear, xmpp_stanza_t *stanza, const struct link *link)
{
	struct request *request = request_of(ear, stanza);

	if (request == NULL)
		return;
	request->kind = link->kind;
	request->serial = link->serial;
	request->left_at = ear_now(ear->clock);
	request->measurable = link->state == LINK_UP && ear_find(stanza, "ping", EAR_NS_PING);
}

/* It has left by another link since: what the server says about the last time is old. */
static bool
is_old(const struct request *request, const struct link *link, enum ear_verdict condition)
{
	return link->kind == EAR_LINK_SERVER && request->kind != EAR_LINK_SERVER &&
	       path_is_unreached(condition);
}

/* A server that does not know the device says nothing about the device: the LAN may. */
static bool
try_elsewhere(struct request *request, const struct link *link, enum ear_verdict condition)
{
	struct ear *ear = request->ear;
	struct dest *dest = dest_find(ear, request->to);

	if (link->kind != EAR_LINK_SERVER || request->only != EAR_LINK_NONE || dest == NULL ||
	    dest->lan == NULL ||
	    (condition != EAR_REMOTE_SERVER_NOT_FOUND && condition != EAR_RECIPIENT_UNAVAILABLE))
		return false;
	path_fail(&dest->by_server, ear_now(ear->clock), ear_condition_name(condition));
	if (!route_is_usable(dest, &dest->by_lan))
		return false;
	request_route(request);
	return true;
}

static void
measure(struct request *request, const struct link *link, enum ear_verdict condition)
{
	struct ear *ear = request->ear;
	struct dest *dest = dest_find(ear, request->to);
	struct path *path = dest == NULL ? NULL : dest_path(dest, link->kind);
	int64_t now = ear_now(ear->clock);

	/* Unknown when the stream came up; what he answers is not asked about (lan_acks.c). */
	if (dest != NULL && link->kind == EAR_LINK_LAN)
		dest->remembers = dest->remembers || link->acks;
	if (path == NULL || path_is_hearsay(condition, link->kind))
		return;
	if (!request->measurable || request->serial != link->serial) {
		path_alive(path, now);
		return;
	}
	path_sample(path, now, now - request->left_at);
	metrics_rtt(&ear->metrics, link->kind, now - request->left_at);
}

bool
request_answer(struct ear *ear, struct link *link, xmpp_stanza_t *stanza, const char *from)
{
	const char *id = xmpp_stanza_get_id(stanza);
	struct request *request = id == NULL ? NULL : map_get(ear->requests, id);
	struct ear_answer answer = { .stanza = stanza, .link = link->kind, .level = link->level };
	enum ear_verdict condition = EAR_PASS; /* of a result */

	if (request == NULL || request->failed != 0 || from == NULL ||
	    !dest_is_same(ear, from, request->to))
		return false;
	if (strcmp(xmpp_stanza_get_type(stanza), "error") == 0) {
		condition = ear_condition_of(stanza);
		answer.error = -EREMOTEIO;
	}
	if (is_old(request, link, condition))
		return true;
	measure(request, link, condition);
	if (condition != EAR_PASS && try_elsewhere(request, link, condition))
		return true;
	answer.rtt_us = ear_now(ear->clock) - request->asked_at;
	request_end(request, &answer);
	return true;
}

/* Such an error says that nobody got it, which is not known of what a path has died with. */
static bool
is_of_nobody(int error)
{
	return error == -EHOSTUNREACH || error == -ESTALE || error == -ENOBUFS ||
	       error == -EDQUOT || error == -ETIME;
}

bool
request_fail(struct ear *ear, xmpp_stanza_t *stanza, int error)
{
	struct request *request = request_of(ear, stanza);

	if (request == NULL)
		return false;
	request_fail_soon(request, request->maybe && is_of_nobody(error) ? -ECONNRESET : error);
	return true;
}

bool
request_came_back(struct ear *ear, xmpp_stanza_t *stanza, bool maybe, enum ear_link_kind *only)
{
	struct request *request = request_of(ear, stanza);

	if (request == NULL)
		return false;
	request->maybe = request->maybe || maybe;
	request->kind = EAR_LINK_NONE;
	*only = request->only;
	return true;
}

/* A get may be asked twice; a set only of somebody who remembers that he was asked. */
static bool
may_repeat(const struct request *request)
{
	const struct dest *dest;

	if (request->only != EAR_LINK_NONE)
		return false;
	if (strcmp(xmpp_stanza_get_type(request->iq), "get") == 0)
		return true;
	dest = dest_find(request->ear, request->to);
	return dest != NULL && dest->remembers;
}

bool
request_is_over(struct ear *ear, xmpp_stanza_t *stanza)
{
	return ear_is_request(stanza) && request_of(ear, stanza) == NULL;
}

bool
request_may_have_arrived(struct ear *ear, xmpp_stanza_t *stanza)
{
	const struct request *request = request_of(ear, stanza);

	return request != NULL && request->maybe;
}

bool
request_has_left(struct ear *ear, xmpp_stanza_t *stanza)
{
	const struct request *request = request_of(ear, stanza);

	return request == NULL || request->left_at > 0;
}

bool
request_may_repeat(struct ear *ear, xmpp_stanza_t *stanza)
{
	const struct request *request = request_of(ear, stanza);

	return request != NULL && may_repeat(request);
}

/* What came back undelivered waits or has left by another link before this runs. */
void
request_on_down(struct ear *ear, const struct link *link)
{
	for (size_t i = map_count(ear->requests); i-- > 0;) {
		struct request *request;

		if (i >= map_count(ear->requests))
			continue;
		request = map_at(ear->requests, i, NULL);
		if (request->serial != link->serial || request->kind != link->kind ||
		    request->failed != 0)
			continue;
		request->maybe = true;
		if (may_repeat(request))
			request_route(request);
		else
			request_fail_soon(request, -ECONNRESET);
	}
}

void
request_cancel_all(struct ear *ear, int error)
{
	size_t n = map_count(ear->requests);

	/* Whoever is told may ask again, in vain: that one is not waited for. */
	while (n-- > 0 && map_count(ear->requests) > 0) {
		struct ear_answer answer = { .error = error, .rtt_us = -1 };

		request_end(map_at(ear->requests, 0, NULL), &answer);
	}
}

void
request_drop_all(struct ear *ear)
{
	while (map_count(ear->requests) > 0)
		request_free(map_at(ear->requests, 0, NULL));
}

void
ear_request(struct ear *ear, xmpp_stanza_t *iq, int64_t usec, ear_answer_fn *fn, void *arg)
{
	request_send(ear, iq, EAR_LINK_NONE, usec, fn, arg);
}

void
ear_request_by(struct ear *ear, enum ear_link_kind only, xmpp_stanza_t *iq, int64_t usec,
	       ear_answer_fn *fn, void *arg)
{
	request_send(ear, iq, only, usec, fn, arg);
}

void
ear_request_forget(struct ear *ear, const void *arg)
{
	for (size_t i = map_count(ear->requests); i-- > 0;) {
		struct request *request = map_at(ear->requests, i, NULL);

		if (request->arg == arg)
			request_free(request);
	}
}
