/* SPDX-License-Identifier: ISC */
/* pubsub_work.c: what requests about people gather on their way: owners, changes and events. */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "own_jid.h"
#include "pubsub_question.h"
#include "pubsub_work.h"

/* --- life --------------------------------------------------------------------------------- */

void
pubsub_work_begin(struct pubsub_op *op, const struct pubsub_view *view, struct pubsub_work *work,
		  void (*free)(void *))
{
	work->config = view->config;
	work->epoch = view->epoch;
	op->arg = work;
	op->free_arg = free;
}

struct pubsub_work *
pubsub_work_of(struct pubsub_op *op)
{
	return op->arg;
}

static void
clear(struct pubsub_work *work)
{
	for (size_t i = 0; i < work->text_count; i++)
		free(work->texts[i]);
	work->count = work->event_count = work->text_count = 0;
}

void
pubsub_work_release(struct pubsub_work *work)
{
	clear(work);
	free(work->changes);
	free(work->events);
	free(work->texts);
	for (size_t i = 0; i < work->owner_count; i++)
		free(work->owners[i]);
}

/* --- owners ------------------------------------------------------------------------------- */

static void ask_affiliations(struct pubsub_op *op, const char *after);

static void
on_affiliations(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct pubsub_work *work = op->arg;

	if (answer->error != 0) {
		pubsub_fail_store(op, answer->error, answer->text);
		return;
	}
	for (size_t i = 0; i < answer->count && work->owner_count < PUBSUB_OWNERS_TOLD; i++)
		if (answer->rows[i].affiliation == EAR_OWNER)
			work->owners[work->owner_count++] = xep_strdup(answer->rows[i].jid);
	if (answer->count > 0 && answer->first + answer->count < answer->total)
		ask_affiliations(op, answer->rows[answer->count - 1].jid);
	else
		work->next(op);
}

static void
ask_affiliations(struct pubsub_op *op, const char *after)
{
	struct ear_query query = { .kind = EAR_QUERY_AFFILIATIONS,
				   .node = op->node,
				   .epoch = pubsub_work_of(op)->epoch,
				   .after = after };

	pubsub_query(op, &query, on_affiliations);
}

void
pubsub_work_owners(struct pubsub_op *op, pubsub_next_fn *next)
{
	pubsub_work_of(op)->next = next;
	ask_affiliations(op, NULL);
}

/* --- changes and events ------------------------------------------------------------------- */

const char *
pubsub_work_keep(struct pubsub_work *work, char *text)
{
	work->texts =
		xep_check(realloc(work->texts, (work->text_count + 1) * sizeof(work->texts[0])));
	work->texts[work->text_count++] = text;
	return text;
}

static void
add_change(struct pubsub_work *work, const struct ear_change *change)
{
	work->changes =
		xep_check(realloc(work->changes, (work->count + 1) * sizeof(work->changes[0])));
	work->changes[work->count++] = *change;
}

void
pubsub_work_subscribe(struct pubsub_work *work, const char *jid, enum ear_subscription state,
		      const char *options)
{
	const struct ear_change change = { .kind = EAR_SUBSCRIBE,
					   .jid = pubsub_work_keep(work, xep_strdup(jid)),
					   .subscription = state,
					   .options = options };

	add_change(work, &change);
}

void
pubsub_work_affiliate(struct pubsub_work *work, const char *jid, enum ear_affiliation affiliation)
{
	const struct ear_change change = { .kind = EAR_AFFILIATE,
					   .jid = pubsub_work_keep(work, xep_strdup(jid)),
					   .affiliation = affiliation };

	add_change(work, &change);
}

void
pubsub_work_tell(struct pubsub_work *work, const char *to, const char *item, char *text)
{
	work->events =
		xep_check(realloc(work->events, (work->event_count + 1) * sizeof(work->events[0])));
	work->events[work->event_count++] = (struct ear_event_draft){
		.audience = EAR_TELL_ONE,
		.to = pubsub_work_keep(work, xep_strdup(to)),
		.item = item,
		.text = pubsub_work_keep(work, text),
		.type = work->config.message_type,
		.backlog = work->config.backlog,
	};
}

bool
pubsub_work_ask_owners(struct pubsub_op *op, const char *jid)
{
	struct pubsub_work *work = op->arg;
	size_t out = 0;

	for (size_t i = 0; i < work->owner_count; i++) {
		enum pubsub_question question = pubsub_question(op, work->owners[i], jid);

		out += question == PUBSUB_ASKED_OUT;
		if (question != PUBSUB_ASK)
			continue;
		pubsub_work_tell(work, work->owners[i], NULL,
				 pubsub_event_approve(op->ear, op->node, jid));
		work->events[work->event_count - 1].type = "normal";
	}
	return out == 0 || out < work->owner_count;
}

void
pubsub_work_tell_subscription(struct pubsub_op *op, const char *to, const char *jid,
			      enum ear_subscription state)
{
	if (strcmp(to, jid) == 0) /* and not an owner */
		pubsub_question_over(op, jid);
	pubsub_work_tell(op->arg, to, NULL,
			 pubsub_event_subscription(op->ear, op->node, jid, state));
}

void
pubsub_work_tell_newest(struct pubsub_op *op, const char *jid)
{
	struct pubsub_work *work = op->arg;

	if (work->config.send_last == PUBSUB_LAST_NEVER || !work->config.deliver_notifications)
		return;
	pubsub_work_tell(work, jid, NULL,
			 pubsub_event_newest(op->ear, op->node, work->config.deliver_payloads));
	work->events[work->event_count - 1].newest = true;
}

void
pubsub_work_tell_owners(struct pubsub_op *op, const char *jid, enum ear_subscription state)
{
	struct pubsub_work *work = op->arg;

	for (size_t i = 0; i < work->owner_count; i++)
		if (!ear_jid_bare_equal(work->owners[i], jid))
			pubsub_work_tell_subscription(op, work->owners[i], jid, state);
}

bool
pubsub_work_is_full(const struct pubsub_work *work, size_t changes, size_t events)
{
	return work->count + changes > EAR_CHANGES_MAX ||
	       work->event_count + events > EAR_DRAFTS_MAX;
}

static void
on_committed(struct pubsub_op *op, const struct ear_changed *changed)
{
	struct pubsub_work *work = op->arg;

	if (changed->error == 0) {
		clear(work);
		work->epoch = changed->epoch;
	}
	work->done(op, changed);
}

struct ear_transaction
pubsub_work_transaction(const struct pubsub_work *work, const char *node)
{
	return (struct ear_transaction){
		.node = node,
		.epoch = work->epoch,
		.changes = work->changes,
		.count = work->count,
		.events = work->events,
		.event_count = work->event_count,
	};
}

void
pubsub_work_commit(struct pubsub_op *op, pubsub_changed_fn *done)
{
	struct pubsub_work *work = op->arg;
	struct ear_transaction transaction = pubsub_work_transaction(work, op->node);

	work->done = done;
	pubsub_change(op, &transaction, on_committed);
}

/* --- of subscriptions --------------------------------------------------------------------- */

const struct pubsub_refusal *
pubsub_may_ask(const struct pubsub_op *op)
{
	static const struct pubsub_refusal unknown = {
		EAR_NOT_AUTHORIZED, NULL, NULL,
		"policy.subscribe wants a sender who is better known"
	};

	return op->may_subscribe || op->may_own ? NULL : &unknown;
}

const struct pubsub_refusal *
pubsub_own_jid(const struct pubsub_op *op, char *jid, const struct pubsub_refusal *others)
{
	static const struct pubsub_refusal missing = { EAR_BAD_REQUEST, "jid-required", NULL,
						       NULL };
	static const struct pubsub_refusal none = { EAR_BAD_REQUEST, "invalid-jid", NULL,
						    "this is no address" };
	const char *text = xmpp_stanza_get_attribute(op->request, "jid");

	if (pubsub_may_ask(op) != NULL)
		return pubsub_may_ask(op);
	if (text == NULL || *text == '\0')
		return &missing;
	switch (own_jid_take(text, op->from, jid)) {
	case OWN_JID_YES:
		return NULL;
	case OWN_JID_OTHER:
		return others;
	case OWN_JID_NONE:
		break;
	}
	return &none;
}

const struct ear_stored *
pubsub_subscription_at(const struct pubsub_view *view, const char *jid)
{
	for (size_t i = 0; i < view->subscription_count; i++)
		if (strcmp(view->subscriptions[i].jid, jid) == 0)
			return &view->subscriptions[i];
	return NULL;
}

bool
pubsub_needs_approval(const struct pubsub_config *config, enum ear_affiliation affiliation)
{
	return config->access_model == PUBSUB_AUTHORIZE && affiliation == EAR_AFFILIATION_NONE;
}

bool
pubsub_is_shut_out(const struct pubsub_config *config, enum ear_affiliation affiliation)
{
	return affiliation == EAR_OUTCAST || affiliation == EAR_PUBLISH_ONLY ||
	       (affiliation == EAR_AFFILIATION_NONE && config->access_model == PUBSUB_WHITELIST);
}

void
pubsub_add_subscription(xmpp_stanza_t *parent, const char *ns, const char *node, const char *jid,
			enum ear_subscription state)
{
	xmpp_stanza_t *subscription = ear_child(parent, "subscription", ns);

	if (node != NULL)
		ear_set(subscription, "node", "%s", node);
	ear_set(subscription, "jid", "%s", jid);
	ear_set(subscription, "subscription", "%s", pubsub_subscription_name(state));
}
