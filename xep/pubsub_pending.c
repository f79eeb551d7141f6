/* SPDX-License-Identifier: ISC */
/*
 * pubsub_pending.c: an owner asks for the subscription requests that wait for his word (XEP-0060
 * §8.7), as an ad-hoc command: which node, and each of them comes again as the message of §8.6.
 */
#include <errno.h>
#include <string.h>

#include "commands.h"
#include "forms.h"
#include "memory.h"
#include "nodes_impl.h"
#include "pubsub.h"

#define COMMAND_NODE EAR_NS_PUBSUB "#get-pending"
#define ASKING_MAX   64              /* commands that wait for the store */
#define AGAIN_MAX    EAR_PENDING_MAX /* requests that are sent again for one command */

extern const struct ear_xep ear_xep_pubsub_pending;

static const struct form_field node_field = { "pubsub#node", FORM_LIST, true, "Node" };

struct pending {
	struct asking *first;
	size_t count;
};

/* A step that waits for the store. */
struct asking {
	struct asking *next;
	struct ear *ear;
	struct pending *pending;
	char *session, *from, *node; /* node NULL: he has not chosen one yet */
	char who[EAR_JID_SIZE];
	size_t sent;
};

static struct pending *
pending_of(struct ear *ear)
{
	return ear_state(ear, &ear_xep_pubsub_pending);
}

static void
asking_free(struct asking *asking)
{
	struct asking **place = &asking->pending->first;

	while (*place != asking)
		place = &(*place)->next;
	*place = asking->next;
	asking->pending->count--;
	ear_store_forget(ear_store(asking->ear), asking);
	free(asking->session);
	free(asking->from);
	free(asking->node);
	free(asking);
}

/* --- answers ------------------------------------------------------------------------------ */

static void
refuse(struct asking *asking, enum ear_verdict condition, const char *text)
{
	command_refuse(asking->ear, asking->session, condition, text);
	asking_free(asking);
}

static void
fail_store(struct asking *asking, const struct ear_stored_answer *answer)
{
	ear_warn("%s: pending subscriptions: %s", asking->from,
		 *answer->text == '\0' ? strerror(-answer->error) : answer->text);
	refuse(asking, EAR_INTERNAL_SERVER_ERROR, "what it needs cannot be read");
}

/* --- which node (§8.7.1, §8.7.2) ---------------------------------------------------------- */

static void
on_nodes(void *arg, const struct ear_stored_answer *answer)
{
	struct asking *asking = arg;
	struct command_answer question = { .status = COMMAND_EXECUTING,
					   .can = COMMAND_CAN(COMMAND_COMPLETE),
					   .execute = COMMAND_COMPLETE };
	xmpp_stanza_t *field;
	size_t owned = 0;

	if (answer->error != 0) {
		fail_store(asking, answer);
		return;
	}
	question.form =
		form_new(asking->ear, PUBSUB_APPROVE, "Pending subscription requests",
			 "Which node? Its pending requests are sent to you as messages again.");
	field = form_add(question.form, &node_field, NULL);
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->rows[i].affiliation != EAR_OWNER)
			continue;
		form_add_option(field, answer->rows[i].node, answer->rows[i].node);
		owned++;
	}
	if (owned == 0) {
		xmpp_stanza_release(question.form);
		refuse(asking, EAR_FORBIDDEN, "you own no node"); /* §8.7.3.3 */
		return;
	}
	command_answer(asking->ear, asking->session, &question);
	asking_free(asking);
}

/* --- what waits there (§8.7.4) ------------------------------------------------------------ */

static void
send_question(struct asking *asking, const char *jid)
{
	xmpp_ctx_t *ctx = ear_ctx(asking->ear);
	char *text = pubsub_event_approve(asking->ear, asking->node, jid);
	xmpp_stanza_t *message = ear_stanza(ctx, "message", NULL, asking->from, NULL);
	xmpp_stanza_t *form = ear_parse(ctx, text);

	free(text);
	if (form == NULL) {
		xmpp_stanza_release(message);
		return;
	}
	xmpp_stanza_add_child_ex(message, form, 0);
	ear_send(asking->ear, message);
	asking->sent++;
}

static void ask_pending(struct asking *asking, const char *after);

static void
on_pending(void *arg, const struct ear_stored_answer *answer)
{
	static const struct command_answer done = { .status = COMMAND_COMPLETED };
	struct asking *asking = arg;

	if (answer->error != 0) {
		fail_store(asking, answer);
		return;
	}
	for (size_t i = 0; i < answer->count && asking->sent < AGAIN_MAX; i++)
		if (answer->rows[i].subscription == EAR_PENDING)
			send_question(asking, answer->rows[i].jid);
	if (answer->count > 0 && answer->first + answer->count < answer->total &&
	    asking->sent < AGAIN_MAX) {
		ask_pending(asking, answer->rows[answer->count - 1].jid);
		return;
	}
	command_answer(asking->ear, asking->session, &done);
	asking_free(asking);
}

static void
ask_pending(struct asking *asking, const char *after)
{
	const struct ear_query query = { .kind = EAR_QUERY_SUBSCRIPTIONS,
					 .node = asking->node,
					 .after = after };

	ear_store_query(ear_store(asking->ear), &query, on_pending, asking);
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct asking *asking = arg;

	if (answer->error == -ENOENT)
		refuse(asking, EAR_ITEM_NOT_FOUND, NULL); /* §8.7.3.4 */
	else if (answer->error != 0)
		fail_store(asking, answer);
	else if (answer->rows[0].affiliation != EAR_OWNER)
		refuse(asking, EAR_FORBIDDEN, NULL);
	else
		ask_pending(asking, NULL);
}

/* --- the command -------------------------------------------------------------------------- */

static struct asking *
asking_new(const struct command_step *step, const char *node)
{
	struct pending *pending = pending_of(step->in->ear);
	struct asking *asking = xep_alloc(sizeof(*asking));

	asking->ear = step->in->ear;
	asking->pending = pending;
	asking->session = xep_strdup(step->session);
	asking->from = xep_strdup(step->in->from);
	asking->node = node == NULL ? NULL : xep_strdup(node);
	asking->next = pending->first;
	pending->first = asking;
	pending->count++;
	return asking;
}

/* EAR_VERB_PUBLISH: whose address policy believes may own a node. */
static enum command_fault
step(const struct command_step *step, const char **why)
{
	struct ear_query query = { .kind = EAR_QUERY_AFFILIATIONS };
	const char *value = NULL, *fault_in;
	enum form_fault fault = FORM_FINE;
	struct asking *asking;

	if (step->action != COMMAND_BEGIN)
		fault = step->form == NULL ? FORM_NO_SUBMISSION
					   : form_read(step->form, PUBSUB_APPROVE, &node_field, 1,
						       &value, &fault_in);
	if (fault == FORM_FINE && value != NULL && strlen(value) > EAR_NODE_MAX)
		fault = FORM_TOO_LONG;
	if (fault != FORM_FINE || pending_of(step->in->ear)->count >= ASKING_MAX) {
		*why = fault != FORM_FINE ? form_fault_text(fault) : "too many ask at once";
		return COMMAND_BAD_PAYLOAD;
	}
	asking = asking_new(step, value);
	if (ear_jid_bare(asking->from, asking->who, sizeof(asking->who)) != 0) {
		asking_free(asking);
		return COMMAND_BAD_PAYLOAD;
	}
	query.who = asking->who;
	query.node = asking->node;
	if (asking->node != NULL)
		query.kind = EAR_QUERY_NODE;
	ear_store_query(ear_store(asking->ear), &query, asking->node == NULL ? on_nodes : on_node,
			asking);
	return COMMAND_FINE;
}

/* §8.7.3.2 */
static enum ear_verdict
on_lacking(const struct ear_in *in)
{
	return nodes_lack(in, "get-pending");
}

static int
start(struct ear *ear)
{
	static const struct command command = {
		.node = COMMAND_NODE,
		.name = "Pending subscription requests",
		.verb = EAR_VERB_PUBLISH,
		.step = step,
	};

	if (ear_store(ear) == NULL) {
		command_lack(ear, COMMAND_NODE, on_lacking);
		return 0;
	}
	ear_set_state(ear, &ear_xep_pubsub_pending, xep_alloc(sizeof(struct pending)));
	command_add(ear, &command);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct pending *pending = pending_of(ear);

	while (pending != NULL && pending->first != NULL)
		asking_free(pending->first);
	free(pending);
	ear_set_state(ear, &ear_xep_pubsub_pending, NULL);
}

static const char *const features[] = { COMMAND_NODE, NULL };

const struct ear_xep ear_xep_pubsub_pending = {
	.number = "-",
	.name = "pending subscriptions",
	.features = features,
	.needs_store = true,
	.start = start,
	.stop = stop,
};
