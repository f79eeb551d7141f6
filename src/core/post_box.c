/* SPDX-License-Identifier: ISC */
/*
 * post_box.c: what is stored for one destination leaves in order, and is forgotten when it has
 * arrived.
 *
 * One letter goes first; what it meets (a receipt, nobody who listens) says whether a window of
 * them may follow, so that none arrives before another that was refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/delivery.h"
#include "core/post_impl.h"
#include "core/route.h"
#include "wire/parse.h"

#define WINDOW       16               /* letters that are not confirmed */
#define RECEIPT_WAIT (60 * EAR_SEC)   /* who confirms: sent again; who does not: sent */
#define QUIET        (3 * EAR_SEC)    /* without an error: whoever confirms nothing seems there */
#define PACE         (50 * EAR_MSEC)  /* between two windows for whoever confirms nothing */
#define LOOK_AGAIN   (200 * EAR_MSEC) /* while a link opens */
#define DELAYED      60               /* seconds on the wall */
#define REST_FIRST   (2 * EAR_SEC)
#define REST_MAX     (120 * EAR_SEC)

/* --- boxes --------------------------------------------------------------------------------- */

static struct letter *
first_letter(struct box *box)
{
	return list_is_empty(&box->letters) ? NULL
					    : container_of(box->letters.next, struct letter, all);
}

void
box_free(struct box *box)
{
	struct letter *letter;

	while ((letter = first_letter(box)) != NULL)
		letter_free(letter);
	ear_timer_stop(&box->timer);
	map_del(box->post->boxes, box->to);
	free(box->to);
	free(box);
}

void
box_soon(struct box *box)
{
	box_after(box, 0);
}

void
box_after(struct box *box, int64_t usec)
{
	timer_set_sooner(&box->timer, usec);
}

void
box_rest(struct box *box)
{
	box->open = false;
	if (box->rest_until > ear_now(box->post->ear->clock))
		return;
	box->backoff = box->backoff == 0 ? REST_FIRST : 2 * box->backoff;
	if (box->backoff > REST_MAX)
		box->backoff = REST_MAX;
	box->rest_until = ear_now(box->post->ear->clock) + box->backoff;
	box_after(box, box->backoff);
}

/* --- leaving ------------------------------------------------------------------------------ */

struct reading {
	struct box *box;
	struct letter *letter;
	xmpp_stanza_t *stanza;
	bool waits;
	int64_t due, taken_at;
};

static void
on_next(void *arg, const struct spool_item *item)
{
	struct reading *reading = arg;

	reading->letter = letter_new(reading->box, item);
	reading->box->cursor = item->seq;
}

static void
on_text(void *arg, const struct spool_item *item)
{
	struct reading *reading = arg;

	reading->waits = item->state != SPOOL_FAILED;
	reading->taken_at = item->taken_at;
	reading->due = item->boot[0] == '\0' ? 0 : item->due;
	reading->stanza = parse_long(reading->box->post->ear->ctx, item->text, item->length);
}

/* Reads the next that waits. -ENOENT: none does. */
static int
fetch(struct box *box, struct letter **letter)
{
	struct post *post = box->post;
	struct reading reading = { .box = box };
	int rc = spool_next(post->spool, box->to, box->cursor, on_next, &reading);

	if (rc != 0 && rc != -ENOENT) {
		post_trouble(post, rc);
		box_rest(box);
	}
	*letter = reading.letter;
	return rc;
}

/* What is left of its life. */
static void
set_life(xmpp_stanza_t *stanza, int64_t left)
{
	xmpp_stanza_t *expires = ear_find(stanza, "expires", EAR_NS_DELIVERY);

	if (expires != NULL)
		ear_set(expires, "ms", "%lld", (long long)(left < 0 ? 0 : left / EAR_MSEC));
}

/* XEP-0203 §3: when it was said, for people, where that is not now. */
static void
set_delay(xmpp_stanza_t *stanza, int64_t taken_at)
{
	char stamp[EAR_STAMP_SIZE];

	if (time(NULL) - taken_at < DELAYED || ear_find(stanza, "delay", EAR_NS_DELAY) != NULL ||
	    !ear_stamp(taken_at, stamp))
		return;
	ear_set(ear_child(stanza, "delay", EAR_NS_DELAY), "stamp", "%s", stamp);
}

/* 0: a link has it; -ENOENT: there is none to send; or as route_out. */
static int
leave(struct letter *letter)
{
	struct post *post = letter->box->post;
	struct ear *ear = post->ear;
	struct reading reading = { .box = letter->box };
	int rc = spool_get(post->spool, letter->seq, on_text, &reading);

	if (rc != 0 && rc != -ENOENT) {
		post_trouble(post, rc);
		return rc;
	}
	if (rc == 0 && (reading.stanza == NULL || !reading.waits))
		rc = -ENOENT;
	if (rc == 0) {
		if (reading.due != 0)
			set_life(reading.stanza, reading.due - ear_now(ear->clock));
		set_delay(reading.stanza, reading.taken_at);
		reading.stanza = delivery_accept(ear, reading.stanza);
		rc = route_out(ear, reading.stanza, EAR_LINK_NONE);
	}
	if (rc != 0 && reading.stanza != NULL)
		xmpp_stanza_release(reading.stanza);
	letter->left = rc == 0;
	letter->left_at = ear_now(ear->clock);
	return rc;
}

/* The letter may be gone afterwards. Whether the next one may leave. */
static bool
try_letter(struct letter *letter)
{
	struct box *box = letter->box;
	bool handed = letter->handed;
	const char *why;
	int rc = leave(letter);
	enum ear_verdict condition;

	if (rc == 0)
		return true;
	if (rc == -ENOENT) {
		letter_free(letter);
		box_soon(box);
		return true;
	}
	condition = route_condition(rc, &why);
	if (rc == -EMSGSIZE || rc == -EINVAL) {
		letter_fail(letter, ear_condition_name(condition), why);
		box_soon(box);
		return true;
	}
	if (handed || box->backoff == 0)
		letter_return(letter, ear_condition_name(condition), why);
	box_rest(box);
	return false;
}

/* From now on they may have arrived; whoever does not know them again never gets them twice. */
static bool
hand(struct box *box, struct letter *const *batch, size_t count)
{
	int64_t seqs[WINDOW];
	int rc;

	post_commit(box->post->ear);
	for (size_t i = 0; i < count; i++)
		seqs[i] = batch[i]->seq;
	rc = spool_mark(box->post->spool, seqs, count, SPOOL_HANDED, "", "");
	if (rc != 0) {
		post_trouble(box->post, rc);
		box_rest(box);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		batch[i]->handed = true;
	return true;
}

/* Those that have not left, oldest first. */
static size_t
collect(struct box *box, struct letter **batch, size_t max)
{
	struct list *item;
	size_t count = 0;

	for (item = box->letters.next; item != &box->letters && count < max; item = item->next) {
		struct letter *letter = container_of(item, struct letter, all);

		if (!letter->left)
			batch[count++] = letter;
	}
	while (count < max && fetch(box, &batch[count]) == 0)
		count++;
	return count;
}

static size_t
count_left(const struct box *box)
{
	const struct list *item;
	size_t count = 0;

	for (item = box->letters.next; item != &box->letters; item = item->next)
		count += container_of(item, struct letter, all)->left;
	return count;
}

static void
send_batch(struct box *box, bool knows, size_t max)
{
	struct letter *batch[WINDOW];
	size_t count = collect(box, batch, max), i;
	bool go = true;

	if (count == 0 || (!knows && !hand(box, batch, count)))
		return;
	for (i = 0; i < count && go; i++)
		go = try_letter(batch[i]);
	for (; !knows && i < count; i++)
		letter_return(batch[i], "", "");
	if (go && !knows && box->open)
		box_after(box, PACE);
}

/* The link by which it would leave, once that is up; else it is looked at again. */
static struct link *
way_of(struct box *box, struct dest *dest)
{
	struct ear *ear = box->post->ear;
	struct path *path = route_best(dest);
	struct link *link;

	if (path == NULL)
		return NULL;
	if (path->kind == EAR_LINK_SERVER) {
		link = ear->server;
	} else {
		link = ear->reach->lan_find(ear->reach_arg, dest->lan);
		if (link == NULL && !ear_timer_is_set(&ear->naming))
			link = ear->reach->lan_open(ear->reach_arg, dest->lan);
	}
	if (link != NULL && link->state == LINK_UP)
		return link;
	box_after(box, LOOK_AGAIN);
	return NULL;
}

static void
pump(struct box *box)
{
	struct dest *dest = dest_get(box->post->ear, box->to);
	struct link *link = dest == NULL ? NULL : way_of(box, dest);
	size_t left, max;
	bool knows;

	if (link == NULL)
		return;
	if (link->serial != box->serial)
		box->open = false;
	box->serial = link->serial;
	knows = link->acks || dest->remembers;
	left = knows || !box->open ? count_left(box) : 0;
	max = box->open ? WINDOW : 1;
	if (left >= max)
		return;
	/* What waits in memory would be lost with it. */
	if (!knows && (dest->switching || dest_is_waiting(dest)))
		box_after(box, LOOK_AGAIN);
	else
		send_batch(box, knows, max - left);
}

/* --- time --------------------------------------------------------------------------------- */

/* What was left without an answer for long; when the next is. */
static void
look_back(struct box *box)
{
	int64_t now = ear_now(box->post->ear->clock), age;
	struct list *item, *spare;

	list_each (item, spare, &box->letters) {
		struct letter *letter = container_of(item, struct letter, all);

		if (!letter->left)
			continue;
		age = now - letter->left_at;
		if (letter->handed && age >= QUIET)
			box->open = true;
		if (age >= RECEIPT_WAIT)
			letter_unconfirmed(letter);
		else
			box_after(box,
				  letter->handed && !box->open ? QUIET - age : RECEIPT_WAIT - age);
	}
}

static void
on_timer(void *arg)
{
	struct box *box = arg;
	struct post *post = box->post;
	struct letter *next;

	if (post->spool == NULL || post->ear->stopping)
		return;
	post_commit(post->ear);
	post_expire(post);
	look_back(box);
	if (ear_now(post->ear->clock) >= box->rest_until)
		pump(box);
	else
		box_after(box, box->rest_until - ear_now(post->ear->clock));
	/* For what has just left, too. */
	look_back(box);
	if (list_is_empty(&box->letters) && fetch(box, &next) == -ENOENT)
		box_free(box);
	else
		box_after(box, REST_MAX);
}

struct box *
box_get(struct post *post, const char *to)
{
	struct box *box = map_get(post->boxes, to);

	if (box != NULL)
		return box;
	box = xalloc(sizeof(*box));
	box->post = post;
	box->to = xstrdup(to);
	list_init(&box->letters);
	ear_timer_init(&box->timer, post->ear->clock, on_timer, box);
	map_set(post->boxes, to, box);
	return box;
}

void
post_pump(struct ear *ear, struct dest *dest)
{
	struct post *post = ear->post;

	if (post == NULL)
		return;
	for (size_t i = map_count(post->boxes); i-- > 0;) {
		struct box *box = map_at(post->boxes, i, NULL);

		if (dest_find(ear, box->to) == dest)
			box_after(box, 0);
	}
}
