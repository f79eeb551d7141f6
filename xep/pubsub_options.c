/* SPDX-License-Identifier: ISC */
/* pubsub_options.c: requests about the options of a subscription, and what they are by default
 * (XEP-0060 §6.3, §6.4). */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "pubsub_people.h"
#include "pubsub_work.h"

static const struct pubsub_refusal others = { EAR_FORBIDDEN, NULL, NULL, NULL }; /* §6.3.4.1 */

/* §6.3.6.2: whatever is wrong with them, they are invalid. */
bool
pubsub_options_take(struct pubsub_op *op, xmpp_stanza_t *element, struct pubsub_options *options)
{
	xmpp_stanza_t *form = ear_find(element, "x", EAR_NS_DATA);
	const char *why = "a form with options is wanted";
	int error = form == NULL ? -EINVAL : pubsub_options_submit(options, form, &why);

	if (error == 0)
		return true;
	pubsub_fail(op, EAR_BAD_REQUEST, "invalid-options", why);
	return false;
}

/* His own subscription that a request is about; NULL: it was refused. */
static const struct ear_stored *
find(struct pubsub_op *op, const struct pubsub_view *view)
{
	char jid[EAR_JID_SIZE];
	const struct pubsub_refusal *why = pubsub_own_jid(op, jid, &others);
	const struct ear_stored *had = why == NULL ? pubsub_subscription_at(view, jid) : NULL;

	if (why != NULL)
		pubsub_refuse(op, why);
	else if (had == NULL)
		pubsub_fail(op, EAR_UNEXPECTED_REQUEST, "not-subscribed", NULL);
	return had;
}

void
pubsub_options_get(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct ear_stored *had = find(op, view);
	xmpp_stanza_t *pubsub, *element;
	struct pubsub_options options;

	if (had == NULL)
		return;
	pubsub_options_read(&options, had->options);
	pubsub = pubsub_answer(op, EAR_NS_PUBSUB);
	element = ear_child(pubsub, "options", EAR_NS_PUBSUB);
	ear_set(element, "node", "%s", op->node);
	ear_set(element, "jid", "%s", had->jid);
	xmpp_stanza_add_child_ex(element, pubsub_options_form(op->ear, &options), 0);
	pubsub_reply(op, pubsub);
}

/* XEP-0004 §3.1: a form that is canceled changes nothing. */
static bool
is_canceled(xmpp_stanza_t *element)
{
	xmpp_stanza_t *form = ear_find(element, "x", EAR_NS_DATA);
	const char *type = form == NULL ? NULL : xmpp_stanza_get_type(form);

	return type != NULL && strcmp(type, "cancel") == 0;
}

void
pubsub_options_set(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct ear_stored *had = find(op, view);
	struct ear_change change = { .kind = EAR_SUBSCRIBE };
	struct ear_transaction transaction = { .changes = &change, .count = 1 };
	struct pubsub_options options;
	char *text;

	if (had == NULL)
		return;
	pubsub_options_read(&options, had->options);
	if (is_canceled(op->request)) {
		pubsub_reply(op, NULL);
		return;
	}
	if (!pubsub_options_take(op, op->request, &options))
		return;
	change.jid = had->jid;
	change.subscription = had->subscription;
	change.options = text = pubsub_options_text(&options);
	pubsub_change(op, &transaction, pubsub_changed);
	free(text);
}

/* §6.4: the same at every node. */
void
pubsub_options_default(struct pubsub_op *op, const struct pubsub_view *view)
{
	xmpp_stanza_t *pubsub, *element, *form;
	struct pubsub_options options;

	if (view != NULL && !view->exists) {
		pubsub_fail(op, EAR_ITEM_NOT_FOUND, NULL, NULL);
		return;
	}
	pubsub_options_read(&options, "");
	pubsub = pubsub_answer(op, EAR_NS_PUBSUB);
	element = ear_child(pubsub, "default", EAR_NS_PUBSUB);
	if (op->node != NULL)
		ear_set(element, "node", "%s", op->node);
	form = pubsub_options_form(op->ear, &options);
	ear_set(form, "type", "result");
	xmpp_stanza_add_child_ex(element, form, 0);
	pubsub_reply(op, pubsub);
}
