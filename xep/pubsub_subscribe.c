/* SPDX-License-Identifier: ISC */
/*
 * pubsub_subscribe.c: subscribe and unsubscribe (XEP-0060 §6.1, §6.2, §6.3.7). There is one
 * subscription for an address at a node: subscribing again changes at most its options.
 *
 *	subscribe -> the owners, if they are told or asked (§6.1.4, pubsub#notify_sub)
 *		  -> one transaction, in which he also gets the newest item (§6.1.7)
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "pubsub_people.h"
#include "pubsub_question.h"
#include "pubsub_work.h"

struct subscribing {
	struct pubsub_work work; /* first */
	char *jid, *options;     /* options NULL: as they were */
	enum ear_subscription state;
	struct pubsub_options wanted;
	bool known; /* he had one already */
	/* What owners are asked for it, which does not count unless it is done. */
	struct pubsub *pubsub;
	uint64_t asked_from, asked_to;
};

static const struct pubsub_refusal too_many = { EAR_POLICY_VIOLATION, "too-many-subscriptions",
						NULL, NULL };
static const struct pubsub_refusal too_many_wait = {
	EAR_RESOURCE_CONSTRAINT, NULL, NULL,
	"as many wait for an owner's word as may: try again later"
};
static const struct pubsub_refusal too_often = {
	EAR_RESOURCE_CONSTRAINT, NULL, NULL,
	"its owners have been asked too much lately: try again later"
};

static void
free_subscribing(void *arg)
{
	struct subscribing *subscribing = arg;

	pubsub_work_release(&subscribing->work);
	if (subscribing->asked_from < subscribing->asked_to)
		pubsub_question_undo(subscribing->pubsub, subscribing->asked_from,
				     subscribing->asked_to);
	free(subscribing->jid);
	free(subscribing->options);
	free(subscribing);
}

/* --- subscribe (§6.1) --------------------------------------------------------------------- */

/* §6.3.7: what goes with it says which options he wants. False: it was refused. */
static bool
take_options(struct pubsub_op *op, const struct ear_stored *had, struct pubsub_options *wanted,
	     bool *with)
{
	xmpp_stanza_t *options = ear_find(op->pubsub_element, "options", EAR_NS_PUBSUB);

	pubsub_options_read(wanted, had == NULL || had->options == NULL ? "" : had->options);
	*with = options != NULL;
	if (options == NULL)
		return true;
	if (xmpp_stanza_get_attribute(options, "node") != NULL ||
	    xmpp_stanza_get_attribute(options, "jid") != NULL) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL,
			    "node and jid are those of the <subscribe/>");
		return false;
	}
	return pubsub_options_take(op, options, wanted);
}

/* §6.3.7: with the options that are now, where he asked for some. */
static void
reply_subscription(struct pubsub_op *op, const char *jid, enum ear_subscription state,
		   const struct pubsub_options *options)
{
	xmpp_stanza_t *pubsub = pubsub_answer(op, EAR_NS_PUBSUB), *form;

	pubsub_add_subscription(pubsub, EAR_NS_PUBSUB, op->node, jid, state);
	if (options != NULL) {
		form = pubsub_options_form(op->ear, options);
		ear_set(form, "type", "result");
		xmpp_stanza_add_child_ex(ear_child(pubsub, "options", EAR_NS_PUBSUB), form, 0);
	}
	pubsub_reply(op, pubsub);
}

static void
on_subscribed(struct pubsub_op *op, const struct ear_changed *changed)
{
	struct subscribing *subscribing = op->arg;

	if (changed->error == 0)
		subscribing->asked_to = subscribing->asked_from;
	if (changed->error == -EDQUOT)
		pubsub_refuse(op, &too_many);
	else if (changed->error == -EUSERS)
		pubsub_refuse(op, &too_many_wait);
	else if (changed->error != 0)
		pubsub_fail_store(op, changed->error, changed->text);
	else
		reply_subscription(op, subscribing->jid, subscribing->state,
				   subscribing->options == NULL ? NULL : &subscribing->wanted);
}

/* False: nobody is, and he was told. */
static bool
ask_owners(struct pubsub_op *op, struct subscribing *subscribing)
{
	bool can;

	subscribing->pubsub = op->pubsub;
	subscribing->asked_from = pubsub_question_next(op->pubsub);
	can = pubsub_work_ask_owners(op, subscribing->jid);
	subscribing->asked_to = pubsub_question_next(op->pubsub);
	if (!can)
		pubsub_refuse(op, &too_often);
	return can;
}

static void
commit(struct pubsub_op *op)
{
	struct subscribing *subscribing = op->arg;
	struct pubsub_work *work = op->arg;

	pubsub_work_subscribe(work, subscribing->jid, subscribing->state, subscribing->options);
	if (!subscribing->known && subscribing->state == EAR_PENDING) {
		if (!ask_owners(op, subscribing))
			return;
	} else if (!subscribing->known) {
		if (subscribing->wanted.deliver)
			pubsub_work_tell_newest(op, subscribing->jid);
		if (work->config.notify_sub)
			pubsub_work_tell_owners(op, subscribing->jid, subscribing->state);
	}
	pubsub_work_commit(op, on_subscribed);
}

/* What he has now is not what he has then. */
static void
begin(struct pubsub_op *op, const struct pubsub_view *view, const char *jid,
      enum ear_subscription state, const struct pubsub_options *options)
{
	struct subscribing *subscribing = xep_alloc(sizeof(*subscribing));
	const struct ear_stored *had = pubsub_subscription_at(view, jid);

	pubsub_work_begin(op, view, &subscribing->work, free_subscribing);
	subscribing->jid = xep_strdup(jid);
	subscribing->state = state;
	subscribing->known = had != NULL && had->subscription == state;
	subscribing->wanted.deliver = true;
	if (options != NULL) {
		subscribing->wanted = *options;
		subscribing->options = pubsub_options_text(options);
	} else if (had != NULL) {
		pubsub_options_read(&subscribing->wanted, had->options);
	}
	if (subscribing->known)
		commit(op);
	else if (state == EAR_PENDING || view->config.notify_sub)
		pubsub_work_owners(op, commit);
	else
		commit(op);
}

/* Somebody who is subscribed already may be told so, whatever the node wants of others by now. */
static const struct pubsub_refusal *
may_not(const struct pubsub_op *op, const struct pubsub_view *view, const struct ear_stored *had)
{
	const struct pubsub_refusal *why;

	if (had != NULL && had->subscription == EAR_SUBSCRIBED)
		return NULL;
	why = pubsub_may_subscribe(op, view);
	if (why != NULL)
		return why;
	return had == NULL && view->subscription_count >= PUBSUB_OF_ONE ? &too_many : NULL;
}

static void
subscribe(struct pubsub_op *op, const struct pubsub_view *view)
{
	static const struct pubsub_refusal others = {
		EAR_BAD_REQUEST, "invalid-jid", NULL,
		"only the address that asks can be subscribed" /* §6.1.3.1 */
	};
	char jid[EAR_JID_SIZE];
	const struct pubsub_refusal *why = pubsub_own_jid(op, jid, &others);
	const struct ear_stored *had = why == NULL ? pubsub_subscription_at(view, jid) : NULL;
	enum ear_subscription state = EAR_SUBSCRIBED;
	struct pubsub_options wanted;
	bool with;

	if (why == NULL)
		why = may_not(op, view, had);
	if (why != NULL) {
		pubsub_refuse(op, why);
		return;
	}
	if (!take_options(op, had, &wanted, &with))
		return;
	if (had != NULL && had->subscription == EAR_SUBSCRIBED && !with) {
		reply_subscription(op, jid, EAR_SUBSCRIBED, NULL); /* §6.1.6 */
		return;
	}
	if ((had == NULL || had->subscription != EAR_SUBSCRIBED) &&
	    pubsub_needs_approval(&view->config, pubsub_affiliation(op, view)))
		state = EAR_PENDING;
	begin(op, view, jid, state, with ? &wanted : NULL);
}

/* --- unsubscribe (§6.2) ------------------------------------------------------------------- */

static void
commit_none(struct pubsub_op *op)
{
	struct subscribing *subscribing = op->arg;

	pubsub_work_subscribe(&subscribing->work, subscribing->jid, EAR_SUBSCRIPTION_NONE, NULL);
	pubsub_work_tell_owners(op, subscribing->jid, EAR_SUBSCRIPTION_NONE);
	pubsub_work_commit(op, on_subscribed);
}

/* §6.2.3.5: a subid is passed over, since there are none. */
static void
unsubscribe(struct pubsub_op *op, const struct pubsub_view *view)
{
	static const struct pubsub_refusal others = { EAR_FORBIDDEN, NULL, NULL, NULL };
	struct subscribing *subscribing;
	char jid[EAR_JID_SIZE];
	const struct pubsub_refusal *why = pubsub_own_jid(op, jid, &others);
	const struct ear_stored *had;

	if (why != NULL) {
		pubsub_refuse(op, why);
		return;
	}
	had = pubsub_subscription_at(view, jid);
	if (had == NULL) {
		pubsub_fail(op, EAR_UNEXPECTED_REQUEST, "not-subscribed", NULL);
		return;
	}
	subscribing = xep_alloc(sizeof(*subscribing));
	pubsub_work_begin(op, view, &subscribing->work, free_subscribing);
	subscribing->jid = xep_strdup(jid);
	subscribing->state = EAR_SUBSCRIPTION_NONE;
	if (view->config.notify_sub && had->subscription == EAR_SUBSCRIBED)
		pubsub_work_owners(op, commit_none);
	else
		commit_none(op);
}

const struct pubsub_kind pubsub_kinds_subscribe[] = {
	{ true, EAR_NS_PUBSUB, "subscribe", PUBSUB_NEEDS_NODE, subscribe },
	{ true, EAR_NS_PUBSUB, "unsubscribe", PUBSUB_NEEDS_NODE, unsubscribe },
	{ false, EAR_NS_PUBSUB, "options", PUBSUB_NEEDS_NODE, pubsub_options_get },
	{ true, EAR_NS_PUBSUB, "options", PUBSUB_NEEDS_NODE, pubsub_options_set },
	{ false, EAR_NS_PUBSUB, "default", PUBSUB_NEEDS_NOTHING, pubsub_options_default },
	{ false, EAR_NS_PUBSUB, "subscriptions", PUBSUB_NEEDS_NOTHING, pubsub_list_subscriptions },
	{ 0 },
};
