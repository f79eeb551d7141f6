/* SPDX-License-Identifier: ISC */
/*
 * pubsub_approve.c: owners say whether somebody who waits may subscribe (XEP-0060 §8.6). They were
 * asked when he did (pubsub_subscribe.c); the answer is a message, and the first one counts.
 */
#include <string.h>

#include "delay.h"
#include "forms.h"
#include "memory.h"
#include "pubsub_work.h"

enum { NODE, JID, ALLOW, FIELDS };

static const struct form_field fields[FIELDS] = {
	[NODE] = { "pubsub#node", FORM_TEXT, true, NULL },
	[JID] = { "pubsub#subscriber_jid", FORM_TEXT, true, NULL },
	[ALLOW] = { "pubsub#allow", FORM_BOOLEAN, true, NULL },
};

struct approval {
	struct pubsub_work work; /* first */
	enum ear_subscription state;
	char jid[EAR_JID_SIZE];
};

static void
free_approval(void *arg)
{
	struct approval *approval = arg;

	pubsub_work_release(&approval->work);
	free(approval);
}

/* --- doing it ----------------------------------------------------------------------------- */

static void
commit(struct pubsub_op *op)
{
	struct approval *approval = op->arg;

	pubsub_work_subscribe(&approval->work, approval->jid, approval->state, NULL);
	pubsub_work_tell_subscription(op, approval->jid, approval->jid, approval->state);
	if (approval->state == EAR_SUBSCRIBED) {
		pubsub_work_tell_newest(op, approval->jid);
		pubsub_work_tell_owners(op, approval->jid, approval->state);
	}
	pubsub_work_commit(op, pubsub_changed);
}

static bool
does_wait(const struct approval *approval, const struct ear_stored_answer *answer)
{
	for (size_t i = 1; i < answer->count; i++)
		if (answer->rows[i].subscription == EAR_PENDING &&
		    strcmp(answer->rows[i].jid, approval->jid) == 0)
			return true;
	return false;
}

/* Another owner may have answered before, or he who asked has given up. */
static void
on_subscriber(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	const struct approval *approval = op->arg;

	if (answer->error != 0)
		pubsub_fail_store(op, answer->error, answer->text);
	else if (!does_wait(approval, answer))
		pubsub_reply(op, NULL);
	else if (approval->state == EAR_SUBSCRIBED && approval->work.config.notify_sub)
		pubsub_work_owners(op, commit);
	else
		commit(op);
}

static void
decide(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct pubsub_refusal *why = pubsub_may_own(op, view);
	struct ear_query query = { .kind = EAR_QUERY_NODE, .node = op->node };
	const char *values[FIELDS], *fault_in;
	struct approval *approval;
	char bare[EAR_JID_SIZE];

	if (why != NULL) {
		pubsub_refuse(op, why);
		return;
	}
	approval = xep_alloc(sizeof(*approval));
	pubsub_work_begin(op, view, &approval->work, free_approval);
	if (form_read(op->request, PUBSUB_APPROVE, fields, FIELDS, values, &fault_in) !=
		    FORM_FINE ||
	    ear_jid_prep(values[JID], approval->jid, sizeof(approval->jid)) != 0 ||
	    ear_jid_bare(values[JID], bare, sizeof(bare)) != 0) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL, NULL);
		return;
	}
	approval->state = *values[ALLOW] == '1' ? EAR_SUBSCRIBED : EAR_SUBSCRIPTION_NONE;
	query.who = bare;
	pubsub_query(op, &query, on_subscriber);
}

/* --- the door ----------------------------------------------------------------------------- */

/* Forms of another type are somebody else's. */
static bool
is_approval(xmpp_stanza_t *form)
{
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e)) {
		const char *var = xmpp_stanza_get_attribute(e, "var");
		xmpp_stanza_t *value = ear_find(e, "value", EAR_NS_DATA);
		const char *text = value == NULL ? NULL : ear_text(value);

		if (var != NULL && strcmp(var, "FORM_TYPE") == 0)
			return text != NULL && strcmp(text, PUBSUB_APPROVE) == 0;
	}
	return false;
}

/* What was canceled stays as it is; a question is none of ours. */
enum ear_verdict
pubsub_approve(const struct ear_in *in)
{
	static const struct pubsub_kind kind = {
		.set = true,
		.ns = EAR_NS_DATA,
		.name = "approval",
		.decide = decide,
	};
	const char *type = xmpp_stanza_get_type(in->payload), *values[FIELDS], *fault_in;
	enum form_fault fault;

	if (type == NULL || !is_approval(in->payload) || delay_is_hearsay(in))
		return EAR_PASS;
	if (strcmp(type, "cancel") == 0)
		return EAR_DONE;
	if (strcmp(type, "submit") != 0)
		return EAR_PASS;
	if (!ear_may(in, EAR_VERB_SUBSCRIBE))
		return EAR_NOT_AUTHORIZED;
	fault = form_read(in->payload, PUBSUB_APPROVE, fields, FIELDS, values, &fault_in);
	if (fault != FORM_FINE)
		return ear_fail(in, EAR_BAD_REQUEST, "%s: %s", fault_in == NULL ? "form" : fault_in,
				form_fault_text(fault));
	return pubsub_begin(in, &kind, in->payload, values[NODE]);
}
