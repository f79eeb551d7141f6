/* SPDX-License-Identifier: ISC */
/* hold.c: answers, at once or kept for later. */
#include <stdlib.h>

#include "base/alloc.h"
#include "core/hold.h"
#include "core/policy.h"
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

void
hold_send(struct ear *ear, xmpp_stanza_t *answer, const char *peer, enum ear_link_kind kind,
	  unsigned long long serial)
{
	struct link *link = core_link(ear, kind, peer, serial);

	xmpp_stanza_set_to(answer, peer);
	if (kind == EAR_LINK_LOCAL)
		mark_local(ear, answer);
	if (link != NULL && link_send(link, answer) == 0)
		return;
	/* What the LAN asked is not answered through a server, nor the other way round, but for who
	 * is proved to be both. */
	if (kind == EAR_LINK_LOCAL || route_out(ear, answer, EAR_LINK_NONE) != 0) {
		ear_info("%s: answer dropped: its link is gone", peer);
		xmpp_stanza_release(answer);
	}
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
hold_cancel_all(struct ear *ear)
{
	while (!list_is_empty(&ear->holds))
		ear_hold_fail(container_of(ear->holds.next, struct ear_hold, all),
			      EAR_RECIPIENT_UNAVAILABLE, "the engine stops");
}
