/* SPDX-License-Identifier: ISC */
/*
 * pubsub_people.c: what owners change about others (XEP-0060 §8.8.2, §8.9.2): their subscriptions
 * and affiliations, with what follows from these: an outcast is not subscribed, a publisher does
 * not wait for approval (§8.7.4).
 *
 *	each entry is looked at -> what is possible is done together -> what is not is answered
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "pubsub_delta.h"
#include "pubsub_people.h"

static bool
may_own(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct pubsub_refusal *why = pubsub_may_own(op, view);

	if (why != NULL)
		pubsub_refuse(op, why);
	return why == NULL;
}

static struct pubsub_entry *
entry_of(struct pubsub_op *op)
{
	struct pubsub_delta *delta = op->arg;

	return &delta->entries[delta->at];
}

static bool
has_failed(struct pubsub_op *op, int error, const char *text)
{
	if (error != 0)
		pubsub_fail_store(op, error, text);
	return error != 0;
}

/* --- subscriptions (§8.8.2) --------------------------------------------------------------- */

static const char *
subscription_name(int subscription)
{
	return pubsub_subscription_name((enum ear_subscription)subscription);
}

static void
answer_subscriptions(struct pubsub_op *op, const struct ear_changed *changed)
{
	if (changed != NULL && has_failed(op, changed->error, changed->text))
		return;
	pubsub_delta_answer(op, "subscription", subscription_name);
}

/* Owners say yes and no; that somebody waits, or has not configured, is not theirs to say. */
static bool
may_be_subscription(struct pubsub_op *op, const struct pubsub_entry *entry,
		    const struct ear_stored_answer *answer)
{
	const struct pubsub_config *config = &pubsub_work_of(op)->config;

	switch ((enum ear_subscription)entry->wanted) {
	case EAR_SUBSCRIPTION_NONE:
		return true;
	case EAR_SUBSCRIBED:
		return config->subscribe &&
		       !pubsub_is_shut_out(config, answer->rows[0].affiliation) &&
		       (entry->was != EAR_SUBSCRIPTION_NONE || answer->count <= PUBSUB_OF_ONE);
	case EAR_PENDING:
	case EAR_UNCONFIGURED:
	case EAR_SUBSCRIPTION_COUNT:
		break;
	}
	return false;
}

static void look_subscription(struct pubsub_op *op);

static void
on_subscriber(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct pubsub_delta *delta = op->arg;
	struct pubsub_entry *entry = entry_of(op);

	if (has_failed(op, answer->error, answer->text))
		return;
	for (size_t i = 1; i < answer->count; i++)
		if (strcmp(answer->rows[i].jid, entry->jid) == 0)
			entry->was = answer->rows[i].subscription;
	if (entry->was != entry->wanted) {
		entry->refused = !may_be_subscription(op, entry, answer);
		if (!entry->refused) {
			pubsub_work_subscribe(&delta->work, entry->jid, entry->wanted, NULL);
			pubsub_work_tell_subscription(op, entry->jid, entry->jid, entry->wanted);
		}
		if (!entry->refused && entry->wanted == EAR_SUBSCRIBED)
			pubsub_work_tell_newest(op, entry->jid);
	}
	delta->at++;
	look_subscription(op);
}

/* Each entry in its turn, then all of them together. */
static void
look_subscription(struct pubsub_op *op)
{
	struct pubsub_delta *delta = op->arg;
	struct ear_query query = { .kind = EAR_QUERY_NODE, .node = op->node };

	while (delta->at < delta->count && entry_of(op)->refused)
		delta->at++;
	if (delta->at < delta->count) {
		query.who = entry_of(op)->jid;
		query.epoch = delta->work.epoch;
		pubsub_query(op, &query, on_subscriber);
	} else if (delta->work.count > 0) {
		pubsub_work_commit(op, answer_subscriptions);
	} else {
		answer_subscriptions(op, NULL);
	}
}

void
pubsub_set_subscriptions(struct pubsub_op *op, const struct pubsub_view *view)
{
	struct pubsub_delta *delta;

	if (!may_own(op, view))
		return;
	delta = pubsub_delta_begin(op, view, "subscription", false, pubsub_subscription_of);
	if (delta != NULL)
		look_subscription(op);
}

/* --- affiliations (§8.9.2) ---------------------------------------------------------------- */

static const char *
affiliation_name(int affiliation)
{
	return pubsub_affiliation_name((enum ear_affiliation)affiliation);
}

/* §8.9.3: a <pubsub/>, not an <event/>. */
static void
tell_affiliation(struct pubsub_op *op, const struct pubsub_entry *entry)
{
	xmpp_stanza_t *pubsub = pubsub_answer(op, EAR_NS_PUBSUB), *list, *element;
	char *text;

	list = ear_child(pubsub, "affiliations", EAR_NS_PUBSUB);
	ear_set(list, "node", "%s", op->node);
	element = ear_child(list, "affiliation", EAR_NS_PUBSUB);
	ear_set(element, "jid", "%s", entry->jid);
	ear_set(element, "affiliation", "%s", affiliation_name(entry->wanted));
	text = ear_render(pubsub, EAR_PAYLOAD_MAX);
	pubsub_work_tell(op->arg, entry->jid, NULL, xep_check(text));
	xmpp_stanza_release(pubsub);
}

/* §4.1: the state chart. What it does not have cannot be done in one step. */
static bool
is_possible(int was, int wanted)
{
	if (was == EAR_OWNER)
		return wanted == EAR_OWNER || wanted == EAR_AFFILIATION_NONE;
	return was != EAR_PUBLISHER || wanted != EAR_MEMBER;
}

/* There is an owner at every moment, should all of it not fit into one transaction. */
static void
put_owners_first(struct pubsub_delta *delta)
{
	size_t first = 0;

	for (size_t i = 0; i < delta->count; i++) {
		struct pubsub_entry entry = delta->entries[i];

		if (entry.wanted != EAR_OWNER)
			continue;
		delta->entries[i] = delta->entries[first];
		delta->entries[first++] = entry;
	}
}

/* §8.9.2.4: one owner stays, whatever order they are in. */
static void
check_entries(struct pubsub_delta *delta)
{
	size_t owners = delta->owners;

	for (size_t i = 0; i < delta->count; i++) {
		struct pubsub_entry *entry = &delta->entries[i];

		if (!entry->refused)
			entry->refused = !is_possible(entry->was, entry->wanted);
		if (!entry->refused && entry->wanted == EAR_OWNER && entry->was != EAR_OWNER)
			owners++;
	}
	for (size_t i = 0; i < delta->count; i++) {
		struct pubsub_entry *entry = &delta->entries[i];

		if (entry->refused || entry->was != EAR_OWNER || entry->wanted == EAR_OWNER)
			continue;
		if (owners > 1)
			owners--;
		else
			entry->refused = true;
	}
}

static void look_affiliation(struct pubsub_op *op);

/* Once more, for who subscribed while he still might. */
static void
on_affiliated(struct pubsub_op *op, const struct ear_changed *changed)
{
	struct pubsub_delta *delta = op->arg;

	if (has_failed(op, changed->error, changed->text))
		return;
	if (delta->at == delta->count) {
		delta->again = true;
		delta->at = 0;
	}
	look_affiliation(op);
}

/* §8.7.4: who waits is let in or turned away; who may not be subscribed any more is not. */
static void
follow(struct pubsub_op *op, const struct pubsub_entry *entry, const struct ear_stored *row)
{
	struct pubsub_work *work = op->arg;
	enum ear_subscription state;

	if (pubsub_is_shut_out(&work->config, entry->wanted))
		state = EAR_SUBSCRIPTION_NONE;
	else if (row->subscription == EAR_PENDING &&
		 !pubsub_needs_approval(&work->config, entry->wanted))
		state = EAR_SUBSCRIBED;
	else
		return;
	pubsub_work_subscribe(work, row->jid, state, NULL);
	pubsub_work_tell_subscription(op, row->jid, row->jid, state);
	if (state == EAR_SUBSCRIBED)
		pubsub_work_tell_newest(op, row->jid);
}

static void
on_his(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct pubsub_delta *delta = op->arg;
	const struct pubsub_entry *entry = entry_of(op);
	size_t count = answer->count < PUBSUB_OF_ONE ? answer->count : PUBSUB_OF_ONE;

	if (has_failed(op, answer->error, answer->text))
		return;
	/* What does not go with what is there is done next. */
	if (pubsub_work_is_full(&delta->work, count + 1, 2 * count + 1)) {
		pubsub_work_commit(op, on_affiliated);
		return;
	}
	if (!delta->again && entry->was != entry->wanted) {
		pubsub_work_affiliate(&delta->work, entry->jid, entry->wanted);
		tell_affiliation(op, entry);
	}
	for (size_t i = 0; i < count; i++)
		follow(op, entry, &answer->rows[i]);
	delta->at++;
	look_affiliation(op);
}

/* Each, and once more each that may not be subscribed: one who did so just before it was done. */
static bool
is_looked_at(const struct pubsub_delta *delta, const struct pubsub_entry *entry)
{
	return !entry->refused &&
	       (!delta->again || pubsub_is_shut_out(&delta->work.config, entry->wanted));
}

static void
look_affiliation(struct pubsub_op *op)
{
	struct pubsub_delta *delta = op->arg;
	struct ear_query query = { .kind = EAR_QUERY_SUBSCRIPTIONS, .node = op->node };

	while (delta->at < delta->count && !is_looked_at(delta, entry_of(op)))
		delta->at++;
	if (delta->at < delta->count) {
		query.who = entry_of(op)->jid;
		query.epoch = delta->work.epoch;
		pubsub_query(op, &query, on_his);
	} else if (delta->work.count > 0) {
		pubsub_work_commit(op, on_affiliated);
	} else {
		pubsub_delta_answer(op, "affiliation", affiliation_name);
	}
}

static void ask_page(struct pubsub_op *op, const char *after);

/* What everybody is now. */
static void
on_page(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct pubsub_delta *delta = op->arg;

	if (has_failed(op, answer->error, answer->text))
		return;
	for (size_t i = 0; i < answer->count; i++) {
		const struct ear_stored *row = &answer->rows[i];

		delta->owners += row->affiliation == EAR_OWNER;
		for (size_t j = 0; j < delta->count; j++)
			if (delta->entries[j].jid != NULL &&
			    strcmp(delta->entries[j].jid, row->jid) == 0)
				delta->entries[j].was = row->affiliation;
	}
	if (answer->count > 0 && answer->first + answer->count < answer->total) {
		ask_page(op, answer->rows[answer->count - 1].jid);
		return;
	}
	check_entries(delta);
	put_owners_first(delta);
	look_affiliation(op);
}

static void
ask_page(struct pubsub_op *op, const char *after)
{
	struct ear_query query = { .kind = EAR_QUERY_AFFILIATIONS,
				   .node = op->node,
				   .epoch = pubsub_work_of(op)->epoch,
				   .after = after };

	pubsub_query(op, &query, on_page);
}

void
pubsub_set_affiliations(struct pubsub_op *op, const struct pubsub_view *view)
{
	struct pubsub_delta *delta;

	if (!may_own(op, view))
		return;
	delta = pubsub_delta_begin(op, view, "affiliation", true, pubsub_affiliation_of);
	if (delta != NULL)
		ask_page(op, NULL);
}

const struct pubsub_kind pubsub_kinds_people[] = {
	{ false, EAR_NS_PUBSUB, "affiliations", PUBSUB_NEEDS_NOTHING, pubsub_list_affiliations },
	{ false, EAR_NS_PUBSUB_OWNER, "subscriptions", PUBSUB_NEEDS_NODE, pubsub_list_subscribers },
	{ true, EAR_NS_PUBSUB_OWNER, "subscriptions", PUBSUB_NEEDS_NODE, pubsub_set_subscriptions },
	{ false, EAR_NS_PUBSUB_OWNER, "affiliations", PUBSUB_NEEDS_NODE, pubsub_list_affiliated },
	{ true, EAR_NS_PUBSUB_OWNER, "affiliations", PUBSUB_NEEDS_NODE, pubsub_set_affiliations },
	{ 0 },
};
