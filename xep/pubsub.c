/* SPDX-License-Identifier: ISC */
/* pubsub.c: requests to the publish-subscribe service (XEP-0060): which kind each is, its life, and
 * its one answer. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "pubsub_impl.h"
#include "pubsub_question.h"

static const struct pubsub_kind *const tables[] = {
	pubsub_kinds_item,
	pubsub_kinds_node,
	pubsub_kinds_subscribe,
	pubsub_kinds_people,
};

/* --- which kind --------------------------------------------------------------------------- */

static const struct pubsub_kind *
kind_in(const struct pubsub_kind *kinds, bool set, const char *ns, const char *name)
{
	for (; kinds->name != NULL; kinds++)
		if (kinds->set == set && strcmp(kinds->ns, ns) == 0 &&
		    strcmp(kinds->name, name) == 0)
			return kinds;
	return NULL;
}

static const struct pubsub_kind *
kind_of(bool set, xmpp_stanza_t *element)
{
	const char *ns = xmpp_stanza_get_ns(element), *name = xmpp_stanza_get_name(element);
	const struct pubsub_kind *kind = NULL;

	for (size_t i = 0; ns != NULL && i < sizeof(tables) / sizeof(tables[0]); i++)
		if (kind == NULL)
			kind = kind_in(tables[i], set, ns, name);
	return kind;
}

static bool
is_by_items(const struct pubsub_kind *kind)
{
	return kind_in(pubsub_kinds_item, kind->set, kind->ns, kind->name) == kind;
}

/* One request is one element; what goes with it is none that is a request (§7.1.5), or the options
 * of a subscription (§6.3.7). All that XEP-0060 has are taken: any other is none. */
static enum ear_verdict
find_kind(const struct ear_in *in, const struct pubsub_kind **kind, xmpp_stanza_t **element)
{
	bool set = strcmp(xmpp_stanza_get_type(in->stanza), "set") == 0;

	*kind = NULL;
	for (xmpp_stanza_t *e = ear_first(in->payload); e != NULL; e = ear_next(e)) {
		const struct pubsub_kind *found = kind_of(set, e);

		if (found == NULL)
			continue;
		if (*kind != NULL && strcmp(found->name, "options") != 0)
			return EAR_BAD_REQUEST;
		if (*kind != NULL)
			continue;
		*kind = found;
		*element = e;
	}
	return *kind == NULL ? EAR_BAD_REQUEST : EAR_DONE;
}

/* --- a request ---------------------------------------------------------------------------- */

static struct pubsub_request *
request_new(struct pubsub *pubsub, const struct ear_in *in, const struct pubsub_kind *kind,
	    xmpp_stanza_t *element, const char *node)
{
	struct pubsub_request *request = xep_alloc(sizeof(*request));
	struct pubsub_op *op = &request->op;
	char who[EAR_JID_SIZE];

	op->pubsub = pubsub;
	op->ear = in->ear;
	op->kind = kind;
	op->pubsub_element = xmpp_stanza_clone(in->payload);
	op->request = element;
	op->from = xep_strdup(in->from);
	op->who = xep_strdup(ear_jid_bare(in->from, who, sizeof(who)) == 0 ? who : in->from);
	op->to = in->to == NULL ? NULL : xep_strdup(in->to);
	op->node = node == NULL || *node == '\0' ? NULL : xep_strdup(node);
	op->level = in->level;
	op->link = in->link;
	op->may_publish = ear_may(in, EAR_VERB_PUBLISH);
	op->may_subscribe = ear_may(in, EAR_VERB_SUBSCRIBE);
	op->may_own = ear_may(in, EAR_VERB_ADMIN);
	op->mark = ++pubsub->mark & EAR_MARK_MAX;
	request->by_items = is_by_items(kind);
	request->alone = !request->by_items;
	/* A message has no answer (§8.6). */
	request->hold = ear_is_request(in->stanza) ? ear_hold(in) : NULL;
	pubsub->waiting++;
	return request;
}

static void
free_arg(struct pubsub_op *op)
{
	if (op->free_arg != NULL)
		op->free_arg(op->arg);
	op->arg = NULL;
	op->free_arg = NULL;
}

void
pubsub_request_free(struct pubsub_request *request)
{
	struct pubsub_op *op = &request->op;

	ear_store_forget(op->pubsub->store, request);
	op->pubsub->waiting--;
	free_arg(op);
	xmpp_stanza_release(op->pubsub_element);
	free(op->from);
	free(op->who);
	free(op->to);
	free(op->node);
	free(request);
}

static struct pubsub_request *
request_of(struct pubsub_op *op)
{
	return (struct pubsub_request *)op;
}

/* --- going on ----------------------------------------------------------------------------- */

void
pubsub_sweep(struct pubsub_request **place)
{
	while (*place != NULL) {
		struct pubsub_request *request = *place;

		if (request->ended) {
			*place = request->next;
			pubsub_request_free(request);
		} else {
			place = &request->next;
		}
	}
}

/* After its kind has returned. */
static void
go_on(struct pubsub_request *request)
{
	struct pubsub *pubsub = request->op.pubsub;

	if (request->queue != NULL)
		pubsub_queue_run(request->queue);
	else
		pubsub_sweep(&pubsub->loose);
}

/* What it was decided on does not hold any more. */
static void
decide_again(struct pubsub_request *request)
{
	if (++request->tries > PUBSUB_TRIES) {
		pubsub_fail(&request->op, EAR_RESOURCE_CONSTRAINT, NULL,
			    "the node changes faster than it can be asked: try again");
		return;
	}
	free_arg(&request->op);
	request->decided = request->fresh = false;
	request->alone = !request->by_items;
	if (request->queue != NULL)
		request->queue->known = false;
}

/* §5-§8: without a NodeID, and without such a node. */
static bool
lacks_node(struct pubsub_op *op, const struct pubsub_view *view)
{
	if (op->kind->needs == PUBSUB_NEEDS_NOTHING)
		return false;
	if (view == NULL)
		pubsub_fail(op, EAR_BAD_REQUEST, "nodeid-required", NULL);
	else if (!view->exists && op->kind->needs == PUBSUB_NEEDS_NODE)
		pubsub_fail(op, EAR_ITEM_NOT_FOUND, NULL, NULL);
	else
		return false;
	return true;
}

void
pubsub_decide(struct pubsub_request *request, const struct pubsub_view *view)
{
	request->decided = true;
	if (!lacks_node(&request->op, view))
		request->op.kind->decide(&request->op, view);
}

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	struct pubsub_request *request = arg;

	if (changed->error == 0 && request->changes_node && request->queue != NULL)
		pubsub_queue_forget(request->op.pubsub, request->queue->node);
	/* A publication that wanted to create its node found it made by another. */
	if (request->queue != NULL &&
	    (changed->error == -ESTALE || (changed->error == -EEXIST && request->by_items)))
		decide_again(request);
	else
		request->on_changed(&request->op, changed);
	go_on(request);
}

static void
on_stored(void *arg, const struct ear_stored_answer *answer)
{
	struct pubsub_request *request = arg;

	if (request->queue != NULL && answer->error == -ESTALE)
		decide_again(request);
	else
		request->on_stored(&request->op, answer);
	go_on(request);
}

static bool
is_about_items(const struct ear_transaction *transaction)
{
	for (size_t i = 0; i < transaction->count; i++)
		switch (transaction->changes[i].kind) {
		case EAR_PUT_ITEM:
		case EAR_REMOVE_ITEM:
		case EAR_PURGE_NODE:
			continue;
		case EAR_CREATE_NODE:
		case EAR_CONFIGURE_NODE:
		case EAR_DELETE_NODE:
		case EAR_AFFILIATE:
		case EAR_SUBSCRIBE:
			return false;
		}
	return true;
}

void
pubsub_change(struct pubsub_op *op, struct ear_transaction *transaction, pubsub_changed_fn *fn)
{
	struct pubsub_request *request = request_of(op);

	assert(!request->ended);
	if (transaction->node == NULL)
		transaction->node = op->node;
	if (transaction->epoch == 0 && request->queue != NULL && request->queue->view.exists)
		transaction->epoch = request->queue->view.epoch;
	request->on_changed = fn;
	request->changes_node = !is_about_items(transaction);
	request->alone = request->alone || request->changes_node;
	ear_store_change(op->pubsub->store, transaction, on_changed, request);
}

void
pubsub_query(struct pubsub_op *op, struct ear_query *query, pubsub_stored_fn *fn)
{
	struct pubsub_request *request = request_of(op);

	assert(!request->ended);
	if (query->epoch == 0 && query->node != NULL && request->queue != NULL &&
	    request->queue->view.exists && strcmp(query->node, request->queue->node) == 0)
		query->epoch = request->queue->view.epoch;
	request->on_stored = fn;
	/* What asks first and changes then must not be overtaken in between. */
	request->alone = request->alone || op->kind->set;
	ear_store_query(op->pubsub->store, query, on_stored, request);
}

void
pubsub_query_now(struct pubsub_op *op, const struct ear_query *query, pubsub_stored_fn *fn)
{
	struct pubsub_request *request = request_of(op);

	assert(!request->ended && query->epoch == 0);
	request->on_stored = fn;
	ear_store_query(op->pubsub->store, query, on_stored, request);
}

/* --- answers ------------------------------------------------------------------------------ */

static void
end(struct pubsub_request *request)
{
	request->ended = true;
	request->hold = NULL;
}

void
pubsub_reply(struct pubsub_op *op, xmpp_stanza_t *payload)
{
	struct pubsub_request *request = request_of(op);

	assert(!request->ended);
	if (request->hold != NULL)
		ear_hold_reply(request->hold, payload);
	else if (payload != NULL)
		xmpp_stanza_release(payload);
	end(request);
}

xmpp_stanza_t *
pubsub_answer(struct pubsub_op *op, const char *ns)
{
	return ear_element(ear_ctx(op->ear), "pubsub", ns);
}

/* What was read before the request came is no reason to refuse it: it may be another one by now. */
static bool
may_be_old(const struct pubsub_request *request)
{
	return request->queue != NULL && !request->fresh && request->tries == 0;
}

/* The type of an error, where XEP-0060's examples have another one than RFC 6120 recommends first:
 * what will not be otherwise later is not to be tried later, what may be is. */
static const char *
type_of(const struct pubsub_op *op, const struct pubsub_refusal *why)
{
	static const struct {
		const char *request, *specific, *type;
	} types[] = {
		{ "options", "not-subscribed", "modify" },         /* example 58 */
		{ "subscribe", "too-many-subscriptions", "wait" }, /* example 38 */
		{ "unsubscribe", "not-subscribed", "cancel" },     /* example 50 */
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].request, op->kind->name) == 0 &&
		    strcmp(types[i].specific, why->specific) == 0)
			return types[i].type;
	return NULL;
}

void
pubsub_refuse(struct pubsub_op *op, const struct pubsub_refusal *why)
{
	struct pubsub_request *request = request_of(op);
	xmpp_stanza_t *specific = NULL;

	assert(!request->ended);
	if (may_be_old(request)) {
		decide_again(request);
		return;
	}
	if (request->hold == NULL) {
		ear_info("%s: %s of %s: %s", op->from, op->kind->name,
			 op->node == NULL ? "-" : op->node, ear_condition_name(why->condition));
		end(request);
		return;
	}
	if (why->specific != NULL)
		specific = ear_element(ear_ctx(op->ear), why->specific, PUBSUB_ERRORS);
	if (specific != NULL && why->feature != NULL)
		ear_set(specific, "feature", "%s", why->feature);
	if (specific != NULL)
		ear_hold_fail_with(request->hold, why->condition, type_of(op, why), specific,
				   why->text);
	else
		ear_hold_fail(request->hold, why->condition, why->text);
	end(request);
}

void
pubsub_refuse_showing(struct pubsub_op *op, const struct pubsub_refusal *why,
		      xmpp_stanza_t *payload)
{
	struct pubsub_request *request = request_of(op);

	assert(!request->ended && request->hold != NULL);
	ear_hold_fail_showing(request->hold, why->condition, payload, why->text);
	end(request);
}

void
pubsub_fail(struct pubsub_op *op, enum ear_verdict condition, const char *specific,
	    const char *text)
{
	const struct pubsub_refusal why = { condition, specific, NULL, text };

	pubsub_refuse(op, &why);
}

/* RFC 6120 §8.3.3: what may work another time, and what will not. */
void
pubsub_fail_store(struct pubsub_op *op, int error, const char *text)
{
	ear_warn("%s: %s of %s: %s", op->from, op->kind->name, op->node == NULL ? "-" : op->node,
		 text == NULL || *text == '\0' ? strerror(-error) : text);
	switch (error) {
	case -EDQUOT:
	case -ENOSPC:
	case -ENOBUFS:
	case -EMSGSIZE:
		pubsub_fail(op, EAR_RESOURCE_CONSTRAINT, NULL, "there is no room for it");
		break;
	case -ECONNRESET:
		/* Never a second time, however old what it was decided on. */
		request_of(op)->fresh = true;
		pubsub_fail(op, EAR_REMOTE_SERVER_TIMEOUT, NULL,
			    "the database was lost meanwhile: it may have been done");
		break;
	default:
		pubsub_fail(op, EAR_INTERNAL_SERVER_ERROR, NULL, "what it needs cannot be stored");
	}
}

void
pubsub_changed(struct pubsub_op *op, const struct ear_changed *changed)
{
	if (changed->error != 0)
		pubsub_fail_store(op, changed->error, changed->text);
	else
		pubsub_reply(op, NULL);
}

/* --- doors -------------------------------------------------------------------------------- */

/* Of one sender only so many are under way. */
static size_t
count_of(const struct pubsub *pubsub, const char *from)
{
	size_t count = 0;

	for (const struct pubsub_request *r = pubsub->loose; r != NULL; r = r->next)
		count += strcmp(r->op.who, from) == 0;
	for (size_t i = 0; i < pubsub->queue_count; i++) {
		if (strcmp(pubsub->queues[i]->who, from) != 0)
			continue;
		for (const struct pubsub_request *r = pubsub->queues[i]->first; r != NULL;
		     r = r->next)
			count++;
	}
	return count;
}

static bool
is_crowded(const struct pubsub *pubsub, const struct ear_in *in)
{
	char who[EAR_JID_SIZE];

	return pubsub->waiting >= PUBSUB_WAITING_MAX ||
	       ear_jid_bare(in->from, who, sizeof(who)) != 0 ||
	       count_of(pubsub, who) >= PUBSUB_WAITING_ONE;
}

static bool
is_too_long(const char *node)
{
	return node != NULL && strlen(node) > EAR_NODE_MAX;
}

static void
run_loose(struct pubsub *pubsub, struct pubsub_request *request)
{
	request->next = pubsub->loose;
	pubsub->loose = request;
	pubsub_decide(request, NULL);
	pubsub_sweep(&pubsub->loose);
}

enum ear_verdict
pubsub_begin(const struct ear_in *in, const struct pubsub_kind *kind, xmpp_stanza_t *element,
	     const char *node)
{
	struct pubsub *pubsub = pubsub_of(in->ear);
	struct pubsub_request *request;
	struct pubsub_queue *queue;

	if (is_too_long(node) && kind->set && kind->needs == PUBSUB_NEEDS_NOTHING)
		return ear_fail(in, EAR_NOT_ACCEPTABLE, "no node can have such a name");
	if (is_too_long(node))
		return EAR_ITEM_NOT_FOUND;
	if (is_crowded(pubsub, in))
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT, "too many requests are under way");
	request = request_new(pubsub, in, kind, element, node);
	if (request->op.node == NULL) {
		run_loose(pubsub, request);
		return EAR_DONE;
	}
	queue = pubsub_queue_get(pubsub, request->op.node, request->op.who);
	pubsub_queue_add(queue, request);
	pubsub_queue_run(queue);
	return EAR_DONE;
}

enum ear_verdict
pubsub_take(const struct ear_in *in)
{
	const struct pubsub_kind *kind;
	xmpp_stanza_t *element;
	enum ear_verdict verdict = find_kind(in, &kind, &element);

	if (verdict != EAR_DONE)
		return verdict;
	return pubsub_begin(in, kind, element, xmpp_stanza_get_attribute(element, "node"));
}

/* --- life --------------------------------------------------------------------------------- */

/* Where to begin, so that several engines are not at the same one. */
static unsigned
any_mark(void)
{
	char id[17];

	ear_new_id(id);
	return (unsigned)hash_text(HASH_BEGIN, id);
}

struct pubsub *
pubsub_new(struct ear *ear, struct ear_store *store)
{
	struct pubsub *pubsub = xep_alloc(sizeof(*pubsub));

	pubsub->ear = ear;
	pubsub->store = store;
	pubsub->mark = any_mark();
	return pubsub;
}

static void
free_all(struct pubsub_request *request)
{
	while (request != NULL) {
		struct pubsub_request *next = request->next;

		pubsub_request_free(request);
		request = next;
	}
}

void
pubsub_free(struct pubsub *pubsub)
{
	free_all(pubsub->loose);
	for (size_t i = 0; i < pubsub->queue_count; i++) {
		free_all(pubsub->queues[i]->first);
		pubsub_queue_free(pubsub->queues[i]);
	}
	free(pubsub->queues);
	pubsub_questions_free(pubsub->questions);
	pubsub_standings_free(pubsub->standings);
	free(pubsub);
}
