/* SPDX-License-Identifier: ISC */
/* pubsub_delete.c: nodes go, and whom it concerns is told: who has subscribed, and who waits for
 * that (XEP-0060 §8.4). */
#include <string.h>

#include "memory.h"
#include "pubsub_node.h"

#define REDIRECT_MAX 2047                 /* bytes of a URI that a deleted node leaves behind */
#define PENDING_MAX  (EAR_DRAFTS_MAX - 1) /* who is told of those who wait */

/* What is told. */
struct ending {
	char *event;
	const char *type;
	size_t backlog;
	char *pending[PENDING_MAX];
	size_t count, wanted; /* of these */
	char *after;          /* whom the list was read up to */
};

static void
ending_free(void *arg)
{
	struct ending *ending = arg;

	for (size_t i = 0; i < ending->count; i++)
		free(ending->pending[i]);
	free(ending->event);
	free(ending->after);
	free(ending);
}

/* --- all of it at once -------------------------------------------------------------------- */

/* Not wide: once it is gone nobody can say whom else than its subscribers it would have let in. */
static struct ear_event_draft
draft_for(const struct ending *ending, const char *to)
{
	return (struct ear_event_draft){
		.audience = to == NULL ? EAR_TELL_SUBSCRIBERS : EAR_TELL_ONE,
		.to = to,
		.text = ending->event,
		.type = ending->type,
		.backlog = ending->backlog,
	};
}

static void
end_node(struct pubsub_op *op)
{
	static const struct ear_change change = { .kind = EAR_DELETE_NODE };
	const struct ending *ending = op->arg;
	struct ear_event_draft drafts[EAR_DRAFTS_MAX];
	struct ear_transaction transaction = { .changes = &change, .count = 1, .events = drafts };

	if (ending->event != NULL)
		drafts[transaction.event_count++] = draft_for(ending, NULL);
	for (size_t i = 0; i < ending->count; i++)
		drafts[transaction.event_count++] = draft_for(ending, ending->pending[i]);
	pubsub_change(op, &transaction, pubsub_node_changed);
}

/* --- who waits (§8.4.2) ------------------------------------------------------------------- */

static void ask_pending(struct pubsub_op *op);

static void
on_page(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct ending *ending = op->arg;

	if (answer->error != 0) {
		pubsub_fail_store(op, answer->error, answer->text);
		return;
	}
	for (size_t i = 0; i < answer->count && ending->count < ending->wanted; i++)
		if (answer->rows[i].subscription == EAR_PENDING ||
		    answer->rows[i].subscription == EAR_UNCONFIGURED)
			ending->pending[ending->count++] = xep_strdup(answer->rows[i].jid);
	if (answer->count < EAR_STORE_PAGE_MAX || ending->count == ending->wanted) {
		end_node(op);
		return;
	}
	free(ending->after);
	ending->after = xep_strdup(answer->rows[answer->count - 1].jid);
	ask_pending(op);
}

static void
ask_pending(struct pubsub_op *op)
{
	const struct ending *ending = op->arg;
	struct ear_query query = { .kind = EAR_QUERY_SUBSCRIPTIONS,
				   .node = op->node,
				   .after = ending->after };

	pubsub_query(op, &query, on_page);
}

/* --- a request ---------------------------------------------------------------------------- */

/* RFC 3986 §3: a scheme, and something behind it. What is told to others holds nothing else. */
static bool
is_uri(const char *text)
{
	size_t scheme = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+.-");

	if (scheme == 0 || text[scheme] != ':' || text[scheme + 1] == '\0')
		return false;
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if (*c <= ' ' || *c == 0x7f)
			return false;
	return strlen(text) <= REDIRECT_MAX;
}

static struct ending *
ending_new(struct pubsub_op *op, const struct pubsub_config *config, const char *redirect)
{
	struct ending *ending = xep_alloc(sizeof(*ending));

	if (config->deliver_notifications && config->notify_delete)
		ending->event = pubsub_event_delete(op->ear, op->node, redirect);
	ending->type = config->message_type;
	ending->backlog = config->backlog;
	return ending;
}

void
pubsub_delete(struct pubsub_op *op, const struct pubsub_view *view)
{
	xmpp_stanza_t *redirect = ear_find(op->request, "redirect", EAR_NS_PUBSUB_OWNER);
	const char *uri = redirect == NULL ? NULL : xmpp_stanza_get_attribute(redirect, "uri");
	struct ending *ending;

	if (pubsub_refuse_stranger(op, view))
		return;
	if (redirect != NULL && (uri == NULL || !is_uri(uri))) {
		pubsub_fail(op, EAR_BAD_REQUEST, NULL, "it redirects to no URI");
		return;
	}
	ending = ending_new(op, &view->config, uri);
	op->arg = ending;
	op->free_arg = ending_free;
	/* Also of a node that lets in everybody by now. */
	ending->wanted = view->pending < PENDING_MAX ? view->pending : PENDING_MAX;
	if (ending->event != NULL && ending->wanted > 0)
		ask_pending(op);
	else
		end_node(op);
}
