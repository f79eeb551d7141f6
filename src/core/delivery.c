/* SPDX-License-Identifier: ISC */
/* delivery.c: what is owed to whom. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/probe.h"
#include "core/program.h"
#include "core/request.h"
#include "core/route.h"
#include "core/sent.h"

#define RECEIPT_MIN   (5 * EAR_SEC) /* what waits longer for its receipt is sent again */
#define LEAVE_MAX     EAR_SEC       /* for a link to give back what it holds */
#define RECEIPT_TRIES 3             /* in a row, without any */

static bool
is_promised(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return strcmp(xmpp_stanza_get_name(stanza), "message") == 0 &&
	       (type == NULL || (strcmp(type, "error") != 0 && strcmp(type, "groupchat") != 0));
}

/* XEP-0359 §3: one that a program has chosen is kept. */
static void
give_origin_id(struct ear *ear, xmpp_stanza_t *message)
{
	char id[17];

	if (ear_find(message, "origin-id", EAR_NS_SID) != NULL)
		return;
	ids_take(&ear->ids, id);
	ear_set(ear_child(message, "origin-id", EAR_NS_SID), "id", "%s", id);
	if (xmpp_stanza_get_id(message) == NULL)
		xmpp_stanza_set_id(message, id);
}

const char *
delivery_origin(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *origin = ear_find(stanza, "origin-id", EAR_NS_SID);

	return origin == NULL ? NULL : xmpp_stanza_get_attribute(origin, "id");
}

xmpp_stanza_t *
delivery_accept(struct ear *ear, xmpp_stanza_t *stanza)
{
	stanza = expires_stamp(ear, stanza);
	if (is_promised(stanza))
		give_origin_id(ear, stanza);
	return stanza;
}

/* A device that may turn out to remember, before its first stream has said so. */
static bool
may_come_to_remember(const struct dest *dest)
{
	return dest->lan != NULL || dest->conf != NULL || dest->bound || dest->trusted;
}

/* Of a message that is promised. */
static bool
is_known_again(const struct dest *dest, xmpp_stanza_t *message)
{
	return (dest->remembers || may_come_to_remember(dest)) &&
	       ear_find(message, "origin-id", EAR_NS_SID) != NULL;
}

bool
delivery_is_owed(const struct dest *dest, xmpp_stanza_t *stanza)
{
	if (is_promised(stanza))
		return is_known_again(dest, stanza);
	return dest->remembers && request_may_repeat(dest->ear, stanza);
}

/* Not those that may take one path only: they are not in order with the others. */
void
delivery_number(struct dest *dest, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *order;

	if (!is_promised(stanza) || !is_known_again(dest, stanza) ||
	    ear_find(stanza, "order", EAR_NS_DELIVERY) != NULL)
		return;
	order = ear_child(stanza, "order", EAR_NS_DELIVERY);
	if (dest->sent.last == 0)
		ids_take(&dest->ear->ids, dest->sent.id);
	ear_set(order, "n", "%lld", (long long)++dest->sent.last);
	ear_set(order, "id", "%s", dest->sent.id);
}

bool
delivery_has_room(const struct dest *dest)
{
	return !dest->remembers ||
	       queue_has_room(&dest->owed, 0, DEST_WAITING_MAX, DEST_WAITING_BYTES) == 0;
}

/* XEP-0184 §5.1. */
void
delivery_ask(xmpp_stanza_t *stanza)
{
	if (is_promised(stanza) && ear_find(stanza, "request", EAR_NS_RECEIPTS) == NULL)
		ear_child(stanza, "request", EAR_NS_RECEIPTS);
}

void
delivery_owe(struct dest *dest, xmpp_stanza_t *stanza)
{
	int64_t now = ear_now(dest->ear->clock);

	if (queue_has_room(&dest->owed, 0, DEST_WAITING_MAX, DEST_WAITING_BYTES) != 0)
		parcel_free(queue_take(&dest->owed));
	queue_add(&dest->owed, xmpp_stanza_clone(stanza), EAR_LINK_NONE, now);
	route_look_after(dest, RECEIPT_MIN);
}

/* parcel NULL: there is none. */
static void
drop(struct queue *queue, struct parcel *parcel)
{
	if (parcel == NULL)
		return;
	queue_remove(queue, parcel);
	parcel_free(parcel);
}

static struct parcel *
oldest(const struct dest *dest)
{
	return list_is_empty(&dest->owed.parcels)
		       ? NULL
		       : container_of(dest->owed.parcels.next, struct parcel, all);
}

/* Requests have a time of their own, which ends with an answer or without. */
static struct parcel *
oldest_message(const struct dest *dest)
{
	const struct list *item;

	for (item = dest->owed.parcels.next; item != &dest->owed.parcels; item = item->next) {
		struct parcel *parcel = container_of(item, struct parcel, all);

		if (is_promised(parcel->stanza))
			return parcel;
	}
	return NULL;
}

static void
give_up(struct dest *dest, struct parcel *parcel)
{
	queue_remove(&dest->owed, parcel);
	route_bounce(dest->ear, xmpp_stanza_clone(parcel->stanza), -ECONNRESET);
	parcel_free(parcel);
}

/*
 * Receipts come in the order of what they are for. One that was left out stands for a stanza that
 * must not be sent behind newer ones; where none comes at all everything is sent again, not for
 * ever.
 */
int64_t
delivery_check(struct dest *dest)
{
	int64_t wait = RECEIPT_MIN + 4 * path_cost(&dest->by_server);
	struct parcel *parcel;

	while ((parcel = oldest_message(dest)) != NULL) {
		int64_t left = parcel->at + wait - ear_now(dest->ear->clock);

		if (left > 0)
			return left;
		if (!dest->remembers) {
			drop(&dest->owed, parcel);
			continue;
		}
		if (!parcel->overtaken && dest->unreceipted < RECEIPT_TRIES) {
			dest->unreceipted++;
			delivery_return(dest);
			return 0;
		}
		give_up(dest, parcel);
	}
	return -1;
}

static struct parcel *
owed_to(struct ear *ear, const char *from, const char *id, struct dest **dest)
{
	*dest = dest_find(ear, from);
	return *dest == NULL ? NULL : queue_find(&(*dest)->owed, id);
}

/* What may have arrived and waits to be sent again. */
static struct parcel *
find_again(const struct queue *queue, const char *id)
{
	struct parcel *parcel = queue_find(queue, id);

	return parcel != NULL && parcel->maybe ? parcel : NULL;
}

/* It has arrived after all. */
static bool
need_not_repeat(struct dest *dest, const char *id)
{
	struct queue *const queues[] = { &dest->returned, &dest->waiting };
	bool found = false;

	for (size_t i = 0; i < 2 && !found; i++) {
		struct parcel *parcel = find_again(queues[i], id);

		found = parcel != NULL && is_promised(parcel->stanza);
		drop(queues[i], found ? parcel : NULL);
	}
	return found;
}

static void
overtake(struct dest *dest, const struct parcel *by)
{
	struct list *item;

	for (item = dest->owed.parcels.next; item != &by->all; item = item->next)
		container_of(item, struct parcel, all)->overtaken = true;
}

/* Also of a request of ours that is over, however it ended. */
bool
delivery_receipt(struct ear *ear, const char *from, const char *id)
{
	struct dest *dest;
	struct parcel *parcel = owed_to(ear, from, id, &dest);

	if (parcel == NULL)
		return dest != NULL && need_not_repeat(dest, id);
	if (is_promised(parcel->stanza)) {
		path_alive(&dest->by_server, ear_now(ear->clock));
		dest->unreceipted = 0;
		overtake(dest, parcel);
	}
	drop(&dest->owed, parcel);
	return true;
}

/* Only he who got it knows that it came too late, or behind newer ones. */
static bool
is_his_own_word(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = ear_find(stanza, "error", NULL);

	return error != NULL && (ear_find(error, "expired", EAR_NS_DELIVERY) != NULL ||
				 ear_find(error, "overtaken", EAR_NS_DELIVERY) != NULL);
}

static bool
is_of_path(xmpp_stanza_t *stanza, enum ear_verdict condition)
{
	return path_is_unreached(condition) && !is_his_own_word(stanza);
}

/* It is on its way again, or waits for that: what a server says about the last time is old. */
static bool
is_elsewhere(struct ear *ear, const struct dest *dest, const struct ear_in *in)
{
	const struct note *note;

	if (queue_find(&dest->returned, in->id) != NULL ||
	    queue_find(&dest->waiting, in->id) != NULL)
		return true;
	note = sent_find(ear, in->id, in->from);
	return note != NULL && note->maybe;
}

bool
delivery_error(struct ear *ear, const struct ear_in *in)
{
	enum ear_verdict condition = ear_condition_of(in->stanza);
	struct dest *dest = dest_find(ear, in->from);

	if (dest == NULL || in->link != EAR_LINK_SERVER)
		return false;
	if (!dest->remembers || !is_of_path(in->stanza, condition)) {
		drop(&dest->owed, queue_find(&dest->owed, in->id));
		drop(&dest->returned, queue_find(&dest->returned, in->id));
		drop(&dest->waiting, queue_find(&dest->waiting, in->id));
		return false;
	}
	if (queue_find(&dest->owed, in->id) == NULL)
		return is_elsewhere(ear, dest, in);
	path_fail(&dest->by_server, ear_now(ear->clock), ear_condition_name(condition));
	delivery_forsake(dest, &dest->by_server);
	route_flush(dest);
	return true;
}

/* Its receiver may have forgotten that he has had newer ones. */
static void
say_overtaken(xmpp_stanza_t *message)
{
	xmpp_stanza_t *order = ear_find(message, "order", EAR_NS_DELIVERY);

	if (order != NULL)
		ear_set_flag(order, "overtaken", true);
}

/* Nobody knows whether they have arrived. */
static void
mark_maybe(struct ear *ear, const struct queue *owed)
{
	enum ear_link_kind only;
	const struct list *item;

	for (item = owed->parcels.next; item != &owed->parcels; item = item->next) {
		struct parcel *parcel = container_of(item, struct parcel, all);

		parcel->maybe = true;
		if (parcel->overtaken)
			say_overtaken(parcel->stanza);
		if (!request_came_back(ear, parcel->stanza, true, &only))
			program_maybe(ear, parcel->stanza);
	}
}

bool
delivery_keeps(struct dest *dest, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);
	struct parcel *parcel = queue_find(&dest->owed, id);

	if (parcel == NULL)
		return dest->remembers && (find_again(&dest->returned, id) != NULL ||
					   find_again(&dest->waiting, id) != NULL);
	if (dest->remembers)
		return true;
	drop(&dest->owed, parcel);
	return false;
}

void
delivery_forget(struct dest *dest, xmpp_stanza_t *stanza)
{
	drop(&dest->owed, queue_find(&dest->owed, xmpp_stanza_get_id(stanza)));
}

void
delivery_return(struct dest *dest)
{
	if (!dest->remembers)
		return;
	mark_maybe(dest->ear, &dest->owed);
	dest->ear->metrics.count[METRIC_RETRANSMITTED][EAR_LINK_SERVER] += dest->owed.count;
	queue_prepend(&dest->returned, &dest->owed);
}

void
delivery_forsake(struct dest *dest, struct path *path)
{
	struct ear *ear = dest->ear;
	struct link *link;

	if (path->kind == EAR_LINK_SERVER) {
		delivery_return(dest);
		return;
	}
	link = dest->lan == NULL ? NULL : ear->reach->lan_find(ear->reach_arg, dest->lan);
	if (link == NULL || link->ops->abandon == NULL)
		return;
	/* What waits for one that is still being opened certainly has not arrived. */
	if (!link->acks && link->state != LINK_OPENING)
		return;
	dest->leaving = true;
	dest->leave_until = ear_now(ear->clock) + LEAVE_MAX;
	route_look_after(dest, LEAVE_MAX);
	link->ops->abandon(link, -ETIMEDOUT, "what was sent is not acknowledged");
}

void
delivery_stop(struct dest *dest)
{
	struct parcel *parcel;

	while ((parcel = oldest(dest)) != NULL)
		give_up(dest, parcel);
}

bool
delivery_may_wait(const struct dest *dest, xmpp_stanza_t *stanza)
{
	int64_t since = ear_now(dest->ear->clock) - DEST_WAITING_USEC;

	return dest->remembers && request_has_left(dest->ear, stanza) &&
	       (path_was_alive(&dest->by_lan, since) || path_was_alive(&dest->by_server, since));
}

void
ear_set_remembers(struct ear *ear, const char *address)
{
	struct dest *dest = dest_get(ear, address);

	if (dest == NULL || dest->remembers)
		return;
	dest->remembers = true;
	probe_tell_time(dest);
}
