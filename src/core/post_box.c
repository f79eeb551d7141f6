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

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/post_impl.h"
#include "core/route.h"
#include "wire/parse.h"

#define WINDOW       16               /* letters that are not confirmed */
#define RECEIPT_WAIT (60 * EAR_SEC)   /* who confirms: sent again; who does not: sent */
#define MUTE_MAX     3                /* times without a receipt */
#define QUIET        (3 * EAR_SEC)    /* without an error: whoever confirms nothing seems there */
#define PACE         (50 * EAR_MSEC)  /* between two windows for whoever confirms nothing */
#define LOOK_AGAIN   (200 * EAR_MSEC) /* while a link opens */
#define REST_FIRST   (2 * EAR_SEC)
#define REST_MAX     (120 * EAR_SEC)

/* --- letters and boxes -------------------------------------------------------------------- */

void
letter_free(struct letter *letter)
{
	map_del(letter->box->post->letters, letter->id);
	list_del(&letter->all);
	free(letter->id);
	free(letter);
}

static struct letter *
letter_new(struct box *box, const struct spool_item *item)
{
	struct letter *letter = xalloc(sizeof(*letter));

	letter->box = box;
	letter->id = xstrdup(item->id);
	letter->seq = item->seq;
	list_add(&box->letters, &letter->all);
	map_set(box->post->letters, letter->id, letter);
	return letter;
}

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
	ear_timer_set(&box->timer, 0);
}

/* It is looked after then, unless that is sooner anyway. */
static void
box_after(struct box *box, int64_t usec)
{
	if (!ear_timer_is_set(&box->timer) || box->timer.at > ear_now(box->post->ear->clock) + usec)
		ear_timer_set(&box->timer, usec);
}

/* Longer each time, until somebody confirms something or appears. */
static void
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

/* --- what becomes of a letter ------------------------------------------------------------- */

static void
mark(struct post *post, int64_t seq, enum spool_state state, const char *condition, const char *why)
{
	int rc;

	post_commit(post->ear);
	rc = spool_mark(post->spool, &seq, 1, state, condition, why);
	if (rc != 0)
		post_trouble(post, rc);
}

/* For good: its sender finds it in the list. */
static void
letter_fail(struct letter *letter, const char *condition, const char *why)
{
	ear_warn("%s: stored message %s failed (%s): %s", letter->box->to, letter->id, condition,
		 why);
	mark(letter->box->post, letter->seq, SPOOL_FAILED, condition, why);
	letter_free(letter);
}

/* It did not arrive, or whoever has it knows it again. */
static void
letter_return(struct letter *letter, const char *condition, const char *why)
{
	mark(letter->box->post, letter->seq, SPOOL_WAITING, condition, why);
	letter->left = letter->handed = false;
}

static void
letter_done(struct letter *letter)
{
	post_gone(letter->box->post, letter->seq);
	letter_free(letter);
}

static void
letter_unconfirmed(struct letter *letter)
{
	if (letter->handed) {
		letter_done(letter);
		return;
	}
	if (++letter->mute >= MUTE_MAX) {
		letter_fail(letter, ear_condition_name(EAR_REMOTE_SERVER_TIMEOUT),
			    "no receipt came: it may have arrived");
		return;
	}
	letter->left = false;
	letter->box->open = false;
}

/* --- leaving ------------------------------------------------------------------------------ */

struct reading {
	struct box *box;
	struct letter *letter;
	xmpp_stanza_t *stanza;
	bool waits;
	int64_t due;
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

/* --- what comes back ---------------------------------------------------------------------- */

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

static struct letter *
find(struct ear *ear, const char *id)
{
	return ear->post == NULL || id == NULL ? NULL : map_get(ear->post->letters, id);
}

/* As of a message that a program sent: the same device, or one of its resources (RFC 6121 §8.5). */
static struct letter *
find_of(struct ear *ear, const char *from, const char *id)
{
	struct letter *letter = find(ear, id);
	const char *to = letter == NULL ? NULL : letter->box->to;

	if (letter == NULL || (!dest_is_same(ear, from, to) &&
			       (ear_jid_resource(to) != NULL || !ear_jid_bare_equal(from, to))))
		return NULL;
	return letter;
}

bool
post_receipt(struct ear *ear, const char *from, const char *id)
{
	struct letter *letter = find_of(ear, from, id);
	struct box *box;

	if (letter == NULL)
		return false;
	box = letter->box;
	letter_done(letter);
	box->open = true;
	box->backoff = box->rest_until = 0;
	box_soon(box);
	return true;
}

/* Whether it may be taken another time: nobody is there, nobody listens, there is no room. */
static bool
is_of_now(xmpp_stanza_t *stanza)
{
	switch ((int)ear_condition_of(stanza)) {
	case EAR_RECIPIENT_UNAVAILABLE:
	case EAR_REMOTE_SERVER_NOT_FOUND:
	case EAR_REMOTE_SERVER_TIMEOUT:
	case EAR_SERVICE_UNAVAILABLE:
	case EAR_RESOURCE_CONSTRAINT:
	case EAR_INTERNAL_SERVER_ERROR:
		return true;
	default:
		return false;
	}
}

bool
post_error(struct ear *ear, const struct ear_in *in)
{
	struct letter *letter = find_of(ear, in->from, in->id);
	const char *condition, *text;
	struct box *box;

	if (letter == NULL)
		return false;
	box = letter->box;
	condition = ear_condition_name(ear_condition_of(in->stanza));
	text = ear_error_text_of(in->stanza);
	if (is_of_now(in->stanza)) {
		letter_return(letter, condition, text == NULL ? "" : text);
		box_rest(box);
	} else {
		letter_fail(letter, condition, text == NULL ? "" : text);
		box_soon(box);
	}
	return true;
}

bool
post_bounce(struct ear *ear, xmpp_stanza_t *stanza, int error)
{
	struct letter *letter = find(ear, xmpp_stanza_get_id(stanza));
	const char *why, *condition;
	struct box *box;

	if (letter == NULL)
		return false;
	box = letter->box;
	condition = ear_condition_name(route_condition(error, &why));
	if (error == -EMSGSIZE || error == -EINVAL || error == -ETIME ||
	    (error == -ECONNRESET && letter->handed))
		letter_fail(letter, condition, why);
	else if (letter->handed)
		letter_return(letter, condition, why);
	else
		letter->left = false;
	if (!ear->stopping)
		box_rest(box);
	return true;
}
