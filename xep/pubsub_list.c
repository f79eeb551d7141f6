/* SPDX-License-Identifier: ISC */
/*
 * pubsub_list.c: lists of subscriptions and affiliations (XEP-0060 §5.6, §5.7, §8.8.1, §8.9.1): of
 * the asker, or of a node for its owners. What is too long for one answer is asked for page by page
 * (XEP-0059), where a row's name is the address, or of the asker's own the node.
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "nodes.h"
#include "pubsub_people.h"
#include "pubsub_work.h"
#include "rsm.h"

struct listing {
	enum ear_query_kind kind;
	const char *ns, *node; /* node NULL: the asker's own, at all nodes */
	xmpp_stanza_t *answer, *list;
	struct rsm rsm;
	size_t rows, bytes;
};

static void
free_listing(void *arg)
{
	struct listing *listing = arg;

	xmpp_stanza_release(listing->answer);
	free(listing);
}

/* --- answers ------------------------------------------------------------------------------ */

static void
add_affiliation(xmpp_stanza_t *list, const char *ns, const char *node, const char *jid,
		enum ear_affiliation affiliation)
{
	xmpp_stanza_t *element = ear_child(list, "affiliation", ns);

	if (node != NULL)
		ear_set(element, "node", "%s", node);
	if (jid != NULL)
		ear_set(element, "jid", "%s", jid);
	ear_set(element, "affiliation", "%s", pubsub_affiliation_name(affiliation));
}

/* §8.8.1.2: owners are not shown who waits, §8.9.1.2: nor who is nothing. */
static bool
is_shown(const struct listing *listing, const struct ear_stored *row)
{
	if (listing->kind == EAR_QUERY_AFFILIATIONS)
		return row->affiliation != EAR_AFFILIATION_NONE;
	return listing->node == NULL || row->subscription != EAR_PENDING;
}

static void
add_row(struct listing *listing, const struct ear_stored *row)
{
	if (!is_shown(listing, row))
		return;
	if (listing->kind == EAR_QUERY_SUBSCRIPTIONS)
		pubsub_add_subscription(listing->list, listing->ns,
					listing->node == NULL ? row->node : NULL, row->jid,
					row->subscription);
	else
		add_affiliation(listing->list, listing->ns,
				listing->node == NULL ? row->node : NULL,
				listing->node == NULL ? NULL : row->jid, row->affiliation);
	listing->rows++;
	listing->bytes += 96 + (row->node == NULL ? 0 : strlen(row->node)) +
			  (row->jid == NULL ? 0 : strlen(row->jid));
}

/* The <subscriptions/> or <affiliations/> of an answer. */
static xmpp_stanza_t *
add_list(struct pubsub_op *op, xmpp_stanza_t *pubsub, const char *ns)
{
	xmpp_stanza_t *list = ear_child(pubsub, op->kind->name, ns);

	if (op->node != NULL)
		ear_set(list, "node", "%s", op->node);
	return list;
}

static void
reply(struct pubsub_op *op, bool is_last)
{
	const struct listing *listing = op->arg;

	/* §5.6: those of the nodes that are the engine's own, which it keeps by itself. */
	if (is_last && listing->kind == EAR_QUERY_SUBSCRIPTIONS && listing->node == NULL)
		nodes_add_subscriptions(op->ear, op->from, listing->list);
	pubsub_reply(op, xmpp_stanza_clone(listing->answer));
}

/* --- asking the store --------------------------------------------------------------------- */

static void ask(struct pubsub_op *op, const char *after);

static const char *
name_of(const struct listing *listing, const struct ear_stored *row)
{
	return listing->node == NULL ? row->node : row->jid;
}

/* One page was wanted, and that is it. max 0: only how many there are (XEP-0059 §2.7). */
static void
on_page(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct listing *listing = op->arg;
	size_t count = listing->rsm.max == 0 ? 0 : answer->count;

	for (size_t i = 0; i < count; i++)
		add_row(listing, &answer->rows[i]);
	rsm_add(listing->answer, count == 0 ? NULL : name_of(listing, &answer->rows[0]),
		count == 0 ? NULL : name_of(listing, &answer->rows[count - 1]), answer->first,
		answer->total);
	reply(op, answer->first + answer->count >= answer->total);
}

static void
on_rows(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct listing *listing = op->arg;

	for (size_t i = 0; i < answer->count; i++)
		add_row(listing, &answer->rows[i]);
	if (listing->rows > PUBSUB_LIST_MAX || listing->bytes > PUBSUB_LIST_SIZE ||
	    answer->total > 2 * PUBSUB_LIST_MAX)
		pubsub_fail(op, EAR_RESOURCE_CONSTRAINT, NULL,
			    "there are too many for one answer: ask page by page (XEP-0059)");
	else if (answer->count > 0 && answer->first + answer->count < answer->total)
		ask(op, name_of(listing, &answer->rows[answer->count - 1]));
	else
		reply(op, true);
}

static void
on_answer(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	const struct listing *listing = op->arg;

	if (answer->error != 0)
		pubsub_fail_store(op, answer->error, answer->text);
	else if (listing->rsm.asked)
		on_page(op, answer);
	else
		on_rows(op, answer);
}

static void
ask(struct pubsub_op *op, const char *after)
{
	struct listing *listing = op->arg;
	struct ear_query query = { .kind = listing->kind,
				   .node = listing->node,
				   .who = listing->node == NULL ? op->who : NULL,
				   .after = after };

	if (listing->rsm.asked) {
		query.after = listing->rsm.after;
		query.before = listing->rsm.before;
		query.skip = listing->rsm.by_index ? listing->rsm.index : 0;
		query.max = listing->rsm.max == 0 ? 1 : listing->rsm.max;
	}
	pubsub_query(op, &query, on_answer);
}

static void
list(struct pubsub_op *op, enum ear_query_kind kind, const char *ns)
{
	struct listing *listing = xep_alloc(sizeof(*listing));

	listing->kind = kind;
	listing->ns = ns;
	listing->node = op->node;
	listing->answer = pubsub_answer(op, ns);
	listing->list = add_list(op, listing->answer, ns);
	op->arg = listing;
	op->free_arg = free_listing;
	if (rsm_read(&listing->rsm, op->pubsub_element) != 0)
		pubsub_fail(op, EAR_BAD_REQUEST, NULL, "what page is that?");
	else
		ask(op, NULL);
}

/* --- of the asker (§5.6, §5.7) ------------------------------------------------------------ */

/* Whether he is answered here already: he may not know, or there is no such node. */
static bool
is_refused(struct pubsub_op *op, const struct pubsub_view *view)
{
	const struct pubsub_refusal *why = pubsub_may_ask(op);

	if (why != NULL)
		pubsub_refuse(op, why);
	else if (view != NULL && !view->exists)
		pubsub_fail(op, EAR_ITEM_NOT_FOUND, NULL, NULL);
	else
		return false;
	return true;
}

/* Whom policy does not let subscribe may yet follow what is the engine's own. */
static void
reply_own(struct pubsub_op *op)
{
	xmpp_stanza_t *pubsub = pubsub_answer(op, EAR_NS_PUBSUB);

	nodes_add_subscriptions(op->ear, op->from, add_list(op, pubsub, EAR_NS_PUBSUB));
	pubsub_reply(op, pubsub);
}

void
pubsub_list_subscriptions(struct pubsub_op *op, const struct pubsub_view *view)
{
	xmpp_stanza_t *pubsub, *element;

	if (view == NULL && pubsub_may_ask(op) != NULL) {
		reply_own(op);
		return;
	}
	if (is_refused(op, view))
		return;
	if (view == NULL) {
		list(op, EAR_QUERY_SUBSCRIPTIONS, EAR_NS_PUBSUB);
		return;
	}
	pubsub = pubsub_answer(op, EAR_NS_PUBSUB);
	element = add_list(op, pubsub, EAR_NS_PUBSUB);
	for (size_t i = 0; i < view->subscription_count; i++)
		pubsub_add_subscription(element, EAR_NS_PUBSUB, op->node,
					view->subscriptions[i].jid,
					view->subscriptions[i].subscription);
	pubsub_reply(op, pubsub);
}

void
pubsub_list_affiliations(struct pubsub_op *op, const struct pubsub_view *view)
{
	xmpp_stanza_t *pubsub, *element;

	if (is_refused(op, view))
		return;
	if (view == NULL) {
		list(op, EAR_QUERY_AFFILIATIONS, EAR_NS_PUBSUB);
		return;
	}
	pubsub = pubsub_answer(op, EAR_NS_PUBSUB);
	element = add_list(op, pubsub, EAR_NS_PUBSUB);
	if (view->affiliation != EAR_AFFILIATION_NONE)
		add_affiliation(element, EAR_NS_PUBSUB, op->node, NULL, view->affiliation);
	pubsub_reply(op, pubsub);
}

/* --- of a node (§8.8.1, §8.9.1) ----------------------------------------------------------- */

static void
list_for_owner(struct pubsub_op *op, const struct pubsub_view *view, enum ear_query_kind kind)
{
	const struct pubsub_refusal *why = pubsub_may_own(op, view);

	if (why != NULL)
		pubsub_refuse(op, why);
	else
		list(op, kind, EAR_NS_PUBSUB_OWNER);
}

void
pubsub_list_subscribers(struct pubsub_op *op, const struct pubsub_view *view)
{
	list_for_owner(op, view, EAR_QUERY_SUBSCRIPTIONS);
}

void
pubsub_list_affiliated(struct pubsub_op *op, const struct pubsub_view *view)
{
	list_for_owner(op, view, EAR_QUERY_AFFILIATIONS);
}
