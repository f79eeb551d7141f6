/* SPDX-License-Identifier: ISC */
/* post_letter.c: one stored message that has left, or is about to: what becomes of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/post_impl.h"
#include "core/route.h"

#define MUTE_MAX 3 /* times without a receipt */

void
letter_free(struct letter *letter)
{
	map_del(letter->box->post->letters, letter->id);
	list_del(&letter->all);
	free(letter->id);
	free(letter);
}

struct letter *
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
void
letter_fail(struct letter *letter, const char *condition, const char *why)
{
	ear_warn("%s: stored message %s failed (%s): %s", letter->box->to, letter->id, condition,
		 why);
	mark(letter->box->post, letter->seq, SPOOL_FAILED, condition, why);
	letter_free(letter);
}

/* It did not arrive, or whoever has it knows it again. */
void
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

void
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

/* --- what comes back ---------------------------------------------------------------------- */

static struct letter *
find(const struct ear *ear, const char *id)
{
	return ear->post == NULL || id == NULL ? NULL : map_get(ear->post->letters, id);
}

bool
post_has(const struct ear *ear, xmpp_stanza_t *stanza)
{
	return find(ear, xmpp_stanza_get_id(stanza)) != NULL;
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
