/* SPDX-License-Identifier: ISC */
/* route_wait.c: what waits for a path: held back while one is emptied, given back by one that died,
 * or sent to somebody who was there a moment ago. */
#include <errno.h>

#include "base/timer.h"
#include "core/delivery.h"
#include "core/program.h"
#include "core/request.h"
#include "core/route.h"

#define LOOK_AGAIN (100 * EAR_MSEC) /* between two looks at what waits */

void
route_look_after(struct dest *dest, int64_t usec)
{
	timer_set_sooner(&dest->flush, usec);
}

static void
look_again(struct dest *dest)
{
	route_look_after(dest, LOOK_AGAIN);
}

int
route_hold(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	struct parcel *parcel =
		parcel_new(xmpp_stanza_clone(stanza), only, ear_now(dest->ear->clock));
	int error =
		queue_has_room(&dest->waiting, parcel->bytes, DEST_WAITING_MAX, DEST_WAITING_BYTES);

	if (error != 0) {
		parcel_free(parcel);
		return error;
	}
	xmpp_stanza_release(stanza); /* the parcel has its own */
	queue_put(&dest->waiting, parcel);
	look_again(dest);
	return 0;
}

/* All that waits, oldest first: what came back was sent before what was held back. */
static void
take_all(struct dest *dest, struct queue *todo)
{
	queue_init(todo);
	queue_append(todo, &dest->returned);
	queue_append(todo, &dest->waiting);
}

/* The address may be another device's than when it was sent. */
static struct dest *
dest_now(struct dest *dest, const struct parcel *parcel)
{
	const char *to = xmpp_stanza_get_to(parcel->stanza);
	struct dest *now = dest_find(dest->ear, to);

	return now == NULL || now == dest || ear_jid_is_lan(to) ? dest : now;
}

static int
leave(struct dest *dest, struct parcel *parcel)
{
	struct ear *ear = dest->ear;

	/* He who may have it knows what became of it. */
	if (!parcel->maybe && expires_is_over(ear, parcel->stanza))
		return -ETIME;
	if (parcel->only == EAR_LINK_NONE)
		return route_try(dest, parcel->stanza);
	/* Who was refused a moment ago is not asked again and again. */
	if (parcel->only == EAR_LINK_LAN && dest->refused != 0)
		return dest->refused;
	/* Nor is one dialled again and again who could not be a moment ago. */
	if (parcel->only == EAR_LINK_LAN && !path_is_open(&dest->by_lan, ear_now(ear->clock)))
		return -EHOSTUNREACH;
	return route_try_by(dest, parcel->stanza, parcel->only);
}

static bool
is_too_old(const struct dest *dest, const struct parcel *parcel)
{
	return ear_now(dest->ear->clock) - parcel->at >= DEST_WAITING_USEC;
}

/* Why one that waited goes no further. After the last sign of life it waits for a path only so
 * long (delivery_may_wait), which is told apart from one that there never was. */
static int
end_of(const struct dest *dest, const struct parcel *parcel, int error)
{
	bool waited = ear_now(dest->ear->clock) - parcel->at >= LOOK_AGAIN;

	if (error == -EAGAIN ||
	    (error == -EHOSTUNREACH && waited && dest->remembers && parcel->only == EAR_LINK_NONE))
		return -ESTALE;
	return error;
}

/* What may have arrived is not given up for want of room: that would leave a doubt, and there is
 * room again when the link lives or when it is dead. */
static bool
may_stay(const struct dest *dest, const struct parcel *parcel, int error)
{
	return (error == -EAGAIN || (parcel->maybe && link_is_full(error))) &&
	       !is_too_old(dest, parcel);
}

/* Held back again it keeps its place, and may pass the bounds: it was taken before. */
static void
leave_or_stay(struct dest *dest, struct parcel *parcel)
{
	int error;

	if (request_is_over(dest->ear, parcel->stanza)) {
		parcel_free(parcel);
		return;
	}
	xmpp_stanza_clone(parcel->stanza); /* for whoever takes it, who may free it at once */
	error = leave(dest, parcel);
	if (may_stay(dest, parcel, error)) {
		xmpp_stanza_release(parcel->stanza);
		queue_put(&dest->waiting, parcel);
		look_again(dest);
		return;
	}
	if (error != 0)
		route_bounce(dest->ear, parcel->stanza, end_of(dest, parcel, error));
	parcel_free(parcel);
}

/* A link that was told to give back what it holds has done so, or never will. */
static bool
must_stay(struct dest *dest)
{
	if (dest->leaving && ear_now(dest->ear->clock) >= dest->leave_until)
		dest->leaving = dest->switching = false;
	return dest->switching;
}

/* When to look next. */
static void
arm(struct dest *dest, int64_t owed)
{
	if (dest_is_waiting(dest))
		look_again(dest);
	else if (owed > 0)
		route_look_after(dest, owed);
}

void
route_flush(void *arg)
{
	struct dest *dest = arg;
	struct parcel *parcel;
	struct queue todo;
	int64_t owed = 0;

	if (dest->flushing)
		return;
	if (!must_stay(dest)) {
		delivery_check(dest);
		take_all(dest, &todo);
		dest->flushing = true;
		while ((parcel = queue_take(&todo)) != NULL)
			leave_or_stay(dest_now(dest, parcel), parcel);
		dest->flushing = false;
		owed = delivery_check(dest);
	}
	arm(dest, owed);
	program_on_link(dest->ear);
}

void
route_stop(struct dest *dest, void *unused)
{
	struct parcel *parcel;
	struct queue todo;

	delivery_stop(dest);
	take_all(dest, &todo);
	while ((parcel = queue_take(&todo)) != NULL) {
		route_bounce(dest->ear, xmpp_stanza_clone(parcel->stanza), -ECANCELED);
		parcel_free(parcel);
	}
}
