/* SPDX-License-Identifier: ISC */
/* hold.c: answers, at once or kept for later. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/hold.h"
#include "core/policy.h"
#include "core/receive.h"
#include "core/route.h"

struct ear_hold {
	struct list all;
	struct ear *ear;
	xmpp_stanza_t *stanza;
	char *peer;
	enum ear_link_kind link;
	unsigned long long serial;
};

/* A program sees on its answer that it was this engine that gave it. */
static void
mark_local(struct ear *ear, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *via = ear_child(answer, "via", EAR_NS_CONTROL);

	ear_set(via, "link", "%s", ear_link_name(EAR_LINK_LOCAL));
	ear_set(via, "level", "%s", ear_level_name(EAR_TRUSTED));
}

/* An answer that no link can carry is still an answer: this error, of the same id. */
static xmpp_stanza_t *
too_large(struct ear *ear, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *asked = ear_stanza(ear->ctx, xmpp_stanza_get_name(answer), NULL,
					  xmpp_stanza_get_from(answer), xmpp_stanza_get_id(answer));
	xmpp_stanza_t *error;

	if (xmpp_stanza_get_id(answer) == NULL)
		xmpp_stanza_del_attribute(asked, "id");
	xmpp_stanza_set_from(asked, xmpp_stanza_get_to(answer));
	error = ear_error_to(asked, EAR_RESOURCE_CONSTRAINT, "the answer is too large");
	xmpp_stanza_release(asked);
	xmpp_stanza_release(answer);
	return error;
}

/* By the link that the question came on, while that lives. What the LAN asked is answered there or
 * not at all (XEP-0174 §13.2). */
static int
send_back(struct ear *ear, xmpp_stanza_t *answer, enum ear_link_kind kind, struct link *link)
{
	int error = link == NULL ? -ENOTCONN : core_send(ear, link, answer);

	if (error != -ENOTCONN || kind == EAR_LINK_LOCAL)
		return error;
	return route_out(ear, answer,
			 policy_allows_relay(kind, EAR_LINK_SERVER) ? EAR_LINK_NONE : kind);
}

void
hold_send(struct ear *ear, xmpp_stanza_t *answer, const char *peer, enum ear_link_kind kind,
	  unsigned long long serial)
{
	struct link *link = core_link(ear, kind, peer, serial);
	int error;

	xmpp_stanza_set_to(answer, peer);
	if (kind != EAR_LINK_LOCAL)
		receive_answered(ear, peer, answer);
	if (kind == EAR_LINK_LOCAL)
		mark_local(ear, answer);
	error = send_back(ear, answer, kind, link);
	if (error == -EMSGSIZE) {
		answer = too_large(ear, answer);
		error = send_back(ear, answer, kind, link);
	}
	if (error == 0)
		return;
	ear_info("%s: answer dropped: %s", peer,
		 link_is_full(error) ? "its queue is full" : "its link is gone");
	xmpp_stanza_release(answer);
}

void
hold_reply(const struct ear_in *in, xmpp_stanza_t *answer)
{
	if (answer != NULL)
		hold_send(in->ear, answer, in->from, in->link, in->link_serial);
}

struct ear_hold *
ear_hold(const struct ear_in *in)
{
	struct ear_hold *hold = xalloc(sizeof(*hold));

	hold->ear = in->ear;
	hold->stanza = xmpp_stanza_clone(in->stanza);
	hold->peer = xstrdup(in->from);
	hold->link = in->link;
	hold->serial = in->link_serial;
	list_add(&in->ear->holds, &hold->all);
	return hold;
}

void
hold_move(const struct ear_in *in)
{
	struct list *item, *spare;

	list_each (item, spare, &in->ear->holds) {
		struct ear_hold *hold = container_of(item, struct ear_hold, all);
		const char *id = xmpp_stanza_get_id(hold->stanza);

		if (id == NULL || strcmp(id, in->id) != 0 ||
		    !dest_is_same(in->ear, hold->peer, in->from))
			continue;
		xreplace(&hold->peer, in->from);
		hold->link = in->link;
		hold->serial = in->link_serial;
	}
}

static void
hold_answer(struct ear_hold *hold, xmpp_stanza_t *answer)
{
	if (answer != NULL)
		hold_send(hold->ear, answer, hold->peer, hold->link, hold->serial);
	list_del(&hold->all);
	xmpp_stanza_release(hold->stanza);
	free(hold->peer);
	free(hold);
}

void
ear_hold_reply(struct ear_hold *hold, xmpp_stanza_t *payload)
{
	xmpp_stanza_t *answer = ear_answer_to(hold->stanza, "result");

	if (payload != NULL) {
		xmpp_stanza_add_child(answer, payload);
		xmpp_stanza_release(payload);
	}
	hold_answer(hold, answer);
}

void
ear_hold_fail(struct ear_hold *hold, enum ear_verdict condition, const char *text)
{
	hold_answer(hold, ear_error_to(hold->stanza, condition, text));
}

void
ear_hold_fail_with(struct ear_hold *hold, enum ear_verdict condition, const char *type,
		   xmpp_stanza_t *specific, const char *text)
{
	hold_answer(hold,
		    ear_error_add(ear_error_to(hold->stanza, condition, text), type, specific));
}

void
ear_hold_fail_showing(struct ear_hold *hold, enum ear_verdict condition, xmpp_stanza_t *payload,
		      const char *text)
{
	hold_answer(hold, ear_error_showing(hold->stanza, condition, payload, text));
}

void
hold_cancel_all(struct ear *ear)
{
	while (!list_is_empty(&ear->holds))
		ear_hold_fail(container_of(ear->holds.next, struct ear_hold, all),
			      EAR_RECIPIENT_UNAVAILABLE, "the engine stops");
}
