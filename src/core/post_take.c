/* SPDX-License-Identifier: ISC */
/* post_take.c: a program's message on its way into the spool, or back to the program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "core/post_impl.h"
#include "core/program.h"
#include "wire/writer.h"

#define PENDING_MAX 256 /* in one transaction */

static enum ear_verdict
condition_of(int error)
{
	switch (error) {
	case -EINVAL:
		return EAR_BAD_REQUEST;
	case -EDESTADDRREQ:
		return EAR_JID_MALFORMED;
	case -EMSGSIZE:
		return EAR_POLICY_VIOLATION;
	case -EDQUOT:
	case -ENOSPC:
		return EAR_RESOURCE_CONSTRAINT;
	case -ENOTSUP:
		return EAR_FEATURE_NOT_IMPLEMENTED;
	default:
		return EAR_INTERNAL_SERVER_ERROR;
	}
}

/* Its program gets its one error. */
static void
refuse(struct ear *ear, const char *program, xmpp_stanza_t *stanza, int error, const char *why)
{
	char text[600];
	struct ear_in in = { .ear = ear, .link = EAR_LINK_NONE, .level = EAR_TRUSTED };

	snprintf(text, sizeof(text), "not stored: %s", why);
	in.stanza = ear_error_to(stanza, condition_of(error), text);
	in.from = xmpp_stanza_get_to(stanza);
	if (in.stanza == NULL || !program_deliver_to(ear, program, &in, -1))
		ear_warn("%s: a message was %s", in.from, text);
	if (in.stanza != NULL)
		xmpp_stanza_release(in.stanza);
}

static void
pending_free(struct pending *pending)
{
	list_del(&pending->all);
	xmpp_stanza_release(pending->stanza);
	free(pending->program);
	free(pending->to);
	free(pending);
}

static void
end_pending(struct post *post, int error, const char *why)
{
	while (!list_is_empty(&post->pending)) {
		struct pending *pending = container_of(post->pending.next, struct pending, all);

		if (error == 0)
			box_soon(box_get(post, pending->to));
		else
			refuse(post->ear, pending->program, pending->stanza, error, why);
		pending_free(pending);
	}
	post->pending_count = 0;
	ear_timer_stop(&post->commit);
}

void
post_commit(struct ear *ear)
{
	struct post *post = ear->post;
	int error;

	if (post == NULL || post->pending_count == 0)
		return;
	error = spool_commit(post->spool);
	if (error != 0)
		post_trouble(post, error);
	end_pending(post, error, post->error);
}

void
post_on_commit(void *arg)
{
	post_commit(((struct post *)arg)->ear);
}

/* RFC 6121 §5.2.2: what is said to one; presence and questions are about now. */
static bool
is_letter(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return strcmp(xmpp_stanza_get_name(stanza), "message") == 0 &&
	       (type == NULL || strcmp(type, "chat") == 0 || strcmp(type, "normal") == 0 ||
		strcmp(type, "headline") == 0);
}

/* On the LAN there are no resources. */
static int
address_of(struct ear *ear, xmpp_stanza_t *stanza, char out[EAR_JID_SIZE], const char **why)
{
	const char *to = xmpp_stanza_get_to(stanza);
	int error = to == NULL ? -EINVAL : ear_jid_prep(to, out, EAR_JID_SIZE);

	if (error == 0 && ear_jid_is_lan(out))
		error = ear_jid_bare(to, out, EAR_JID_SIZE);
	*why = "no such address";
	if (error != 0)
		return -EDESTADDRREQ;
	*why = "that is this engine itself";
	return core_is_self(ear, out) ? -EINVAL : 0;
}

/* As it will leave: known again by its origin-id (XEP-0359 §3), confirmed by its id (XEP-0184
 * §5.1). */
static xmpp_stanza_t *
letter_of(struct ear *ear, xmpp_stanza_t *stanza, const char *to, char id[17])
{
	xmpp_stanza_t *letter = ear_copy_without(stanza, EAR_NS_CONTROL);

	ids_take(&ear->ids, id);
	xmpp_stanza_set_id(letter, id);
	xmpp_stanza_set_to(letter, to);
	xmpp_stanza_del_attribute(letter, "from");
	if (ear_find(letter, "origin-id", EAR_NS_SID) == NULL)
		ear_set(ear_child(letter, "origin-id", EAR_NS_SID), "id", "%s", id);
	if (ear_find(letter, "request", EAR_NS_RECEIPTS) == NULL)
		ear_child(letter, "request", EAR_NS_RECEIPTS);
	return letter;
}

static void
set_life(struct post *post, struct spool_item *item, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *expires = ear_find(stanza, "expires", EAR_NS_DELIVERY);
	const char *ms = expires == NULL ? NULL : xmpp_stanza_get_attribute(expires, "ms");
	long long life = ms == NULL ? -1 : strtoll(ms, NULL, 10);

	item->boot = "";
	if (life < 0 || life > INT64_MAX / EAR_SEC)
		return;
	item->boot = post->boot;
	item->due = ear_now(post->ear->clock) + life * EAR_MSEC;
	post->expires = true;
}

/* The bytes of a letter into the spool. */
static int
store(struct post *post, xmpp_stanza_t *letter, const char *to, const char *id)
{
	struct evbuffer *out = evbuffer_new();
	struct spool_item item = { .to = to, .id = id, .taken_at = time(NULL) };
	int64_t seq;
	int error;

	if (out == NULL)
		abort();
	error = writer_stanza(out, letter, SPOOL_ONE_MAX);
	if (error == 0) {
		item.length = evbuffer_get_length(out);
		item.text = (const char *)evbuffer_pullup(out, -1);
		set_life(post, &item, letter);
		error = spool_add(post->spool, &item, &seq);
		if (error == -EDQUOT)
			copy_text(post->error, sizeof(post->error), spool_error(post->spool));
		else if (error != 0)
			post_trouble(post, error);
	} else {
		copy_text(post->error, sizeof(post->error), "too long to be stored");
	}
	evbuffer_free(out);
	return error;
}

static void
add_pending(struct post *post, const char *program, xmpp_stanza_t *stanza, const char *to)
{
	struct pending *pending = xalloc(sizeof(*pending));

	pending->stanza = xmpp_stanza_clone(stanza);
	pending->program = xstrdup(program);
	pending->to = xstrdup(to);
	list_add(&post->pending, &pending->all);
	if (++post->pending_count >= PENDING_MAX)
		post_commit(post->ear);
	else if (!ear_timer_is_set(&post->commit))
		ear_timer_set(&post->commit, 0);
}

static int
take(struct post *post, const char *program, xmpp_stanza_t *stanza, enum ear_link_kind only,
     const char **why)
{
	xmpp_stanza_t *letter;
	char to[EAR_JID_SIZE], id[17];
	int error;

	*why = "only messages from one to another can wait";
	if (!is_letter(stanza))
		return -EINVAL;
	*why = "what waits takes the path that there will be";
	if (only != EAR_LINK_NONE)
		return -EINVAL;
	error = address_of(post->ear, stanza, to, why);
	if (error != 0)
		return error;
	*why = post->error;
	error = post_need(post);
	if (error != 0)
		return error;
	letter = letter_of(post->ear, stanza, to, id);
	error = store(post, letter, to, id);
	xmpp_stanza_release(letter);
	if (error == 0)
		add_pending(post, program, stanza, to);
	return error;
}

void
post_take(struct ear *ear, const char *program, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	struct post *post = ear->post;
	const char *why = "this engine ends with the command that it is in";
	int error = post == NULL ? -ENOTSUP : take(post, program, stanza, only, &why);

	if (error == 0)
		return;
	/* What one refuses for its size or number leaves the others as they are. */
	if (post != NULL && post->pending_count > 0 && !spool_is_open(post->spool))
		end_pending(post, error, why);
	refuse(ear, program, stanza, error, why);
}
