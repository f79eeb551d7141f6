/* SPDX-License-Identifier: ISC */
/*
 * hold_control.c: subscriptions that several programs of this machine share (EAR_NS_CONTROL; what
 * holds for every request of it stands in control.c). To others all of them are this engine, with
 * one subscription to a node (XEP-0060 §6.1): the one that leaves last ends it, if it was made for
 * them.
 *
 * set <hold to='A' node='N' [jid='J']/>
 *     -> empty result. The program wants what that node tells, until it releases it or leaves.
 *     jid: it has made the subscription for that address, and it is to be ended; else it was there
 *     before. Both may be repeated. resource-constraint: HOLDS_MAX nodes, or HOLDERS_MAX programs
 *     at one.
 *
 * set <release to='A' node='N'/>
 *     -> <release last='true|false'/> when that is done: the last one ends what was made (with
 *     what became of it, where that was an error).
 *
 * set <keep to='A' node='N'/>
 *     -> empty result. The subscription is to stay, whoever made it.
 *
 * A program that may have left is sent <event kind='held'/>, which means nothing else; one that has
 * left without a word has released what it held, half a minute later at most.
 */
#include <errno.h>

#include <earshot/ear.h>

#include "memory.h"

#define HOLDS_MAX   256
#define HOLDERS_MAX 16
#define PATIENCE    (10 * EAR_SEC)
#define LOOK_EVERY  (30 * EAR_SEC) /* for programs that have left */

extern const struct ear_xep ear_xep_hold_control;

struct held {
	char *to, *node;
	char *jid; /* for which it was made; NULL: it was there before */
	char *programs[HOLDERS_MAX];
	size_t count;
};

struct holds {
	struct ear *ear;
	struct ear_timer timer; /* runs while anything is held */
	struct held all[HOLDS_MAX];
	size_t count;
};

static struct holds *
holds_of(struct ear *ear)
{
	return ear_state(ear, &ear_xep_hold_control);
}

static void
drop_program(struct held *held, size_t i)
{
	free(held->programs[i]);
	held->programs[i] = held->programs[--held->count];
}

static void
drop(struct holds *holds, struct held *held)
{
	while (held->count > 0)
		drop_program(held, 0);
	free(held->to);
	free(held->node);
	free(held->jid);
	*held = holds->all[--holds->count];
}

/* A program that cannot be sent to has left. */
static bool
is_gone(struct ear *ear, const char *program)
{
	xmpp_stanza_t *message = ear_stanza(ear_ctx(ear), "message", "headline", program, NULL);

	ear_set(ear_child(message, "event", EAR_NS_CONTROL), "kind", "held");
	return ear_send(ear, message) != 0;
}

/* Those that left without a word. */
static void
prune(struct ear *ear, struct held *held)
{
	for (size_t i = held->count; i-- > 0;)
		if (is_gone(ear, held->programs[i]))
			drop_program(held, i);
}

static struct held *
find(struct holds *holds, const char *to, const char *node)
{
	for (size_t i = 0; i < holds->count; i++)
		if (strcmp(holds->all[i].to, to) == 0 && strcmp(holds->all[i].node, node) == 0)
			return &holds->all[i];
	return NULL;
}

static size_t
find_program(const struct held *held, const char *program)
{
	size_t i = 0;

	while (i < held->count && strcmp(held->programs[i], program) != 0)
		i++;
	return i;
}

/* What a request is about. to is canonical, of EAR_JID_SIZE; *node borrowed. */
static int
read_request(const struct ear_in *in, char *to, const char **node)
{
	const char *text = xmpp_stanza_get_attribute(in->payload, "to");

	*node = xmpp_stanza_get_attribute(in->payload, "node");
	if (text == NULL || *node == NULL)
		return -EINVAL;
	return ear_jid_prep(text, to, EAR_JID_SIZE);
}

static xmpp_stanza_t *
unsubscribe(struct ear *ear, const struct held *held)
{
	xmpp_stanza_t *iq = ear_stanza(ear_ctx(ear), "iq", "set", held->to, NULL);
	xmpp_stanza_t *element =
		ear_child(ear_child(iq, "pubsub", EAR_NS_PUBSUB), "unsubscribe", EAR_NS_PUBSUB);

	ear_set(element, "node", "%s", held->node);
	ear_set(element, "jid", "%s", held->jid);
	return iq;
}

static void
on_left(void *arg, const struct ear_answer *answer)
{
}

/* Ends what nobody wants any more. */
static void
sweep(struct holds *holds)
{
	for (size_t i = holds->count; i-- > 0;) {
		struct held *held = &holds->all[i];

		prune(holds->ear, held);
		if (held->count > 0)
			continue;
		if (held->jid != NULL)
			ear_request(holds->ear, unsubscribe(holds->ear, held), PATIENCE, on_left,
				    holds);
		drop(holds, held);
	}
}

/* A new one; what nobody wants any more makes room for it. NULL: there is none. */
static struct held *
add(struct holds *holds, const char *to, const char *node)
{
	struct held *held;

	if (holds->count == HOLDS_MAX)
		sweep(holds);
	if (holds->count == HOLDS_MAX)
		return NULL;
	held = &holds->all[holds->count++];
	*held = (struct held){ .to = xep_strdup(to), .node = xep_strdup(node) };
	return held;
}

static enum ear_verdict
on_hold(const struct ear_in *in)
{
	struct holds *holds = holds_of(in->ear);
	const char *node, *jid = xmpp_stanza_get_attribute(in->payload, "jid");
	char to[EAR_JID_SIZE];
	struct held *held;

	if (read_request(in, to, &node) != 0)
		return EAR_BAD_REQUEST;
	held = find(holds, to, node);
	if (held == NULL)
		held = add(holds, to, node);
	if (held != NULL && find_program(held, in->from) == held->count) {
		prune(in->ear, held);
		if (held->count < HOLDERS_MAX)
			held->programs[held->count++] = xep_strdup(in->from);
		else
			held = NULL;
	}
	if (held == NULL)
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT, "too many programs watch already");
	if (jid != NULL) {
		free(held->jid);
		held->jid = xep_strdup(jid);
	}
	if (!ear_timer_is_set(&holds->timer))
		ear_timer_set(&holds->timer, LOOK_EVERY);
	return ear_reply(in, NULL);
}

static enum ear_verdict
on_keep(const struct ear_in *in)
{
	char to[EAR_JID_SIZE];
	struct held *held;
	const char *node;

	if (read_request(in, to, &node) != 0)
		return EAR_BAD_REQUEST;
	held = find(holds_of(in->ear), to, node);
	if (held != NULL) {
		free(held->jid);
		held->jid = NULL;
	}
	return ear_reply(in, NULL);
}

/* --- the last one ------------------------------------------------------------------------- */

static xmpp_stanza_t *
released(struct ear *ear, bool last)
{
	xmpp_stanza_t *element = ear_element(ear_ctx(ear), "release", EAR_NS_CONTROL);

	ear_set_flag(element, "last", last);
	return element;
}

/* That it was not there any more is as good. */
static void
on_ended(void *arg, const struct ear_answer *answer)
{
	struct ear_hold *hold = arg;
	enum ear_verdict condition = EAR_REMOTE_SERVER_TIMEOUT;

	if (answer->error == -ECANCELED)
		return;
	if (answer->stanza != NULL)
		condition = ear_condition_of(answer->stanza);
	if (answer->error == 0 || condition == EAR_UNEXPECTED_REQUEST ||
	    condition == EAR_ITEM_NOT_FOUND)
		ear_hold_reply(hold, NULL);
	else
		ear_hold_fail(hold, condition, "the subscription could not be ended");
}

static enum ear_verdict
on_release(const struct ear_in *in)
{
	struct holds *holds = holds_of(in->ear);
	char to[EAR_JID_SIZE];
	struct held *held;
	const char *node;
	size_t i;

	if (read_request(in, to, &node) != 0)
		return EAR_BAD_REQUEST;
	held = find(holds, to, node);
	i = held == NULL ? 0 : find_program(held, in->from);
	if (held == NULL || i == held->count)
		return EAR_ITEM_NOT_FOUND;
	drop_program(held, i);
	prune(in->ear, held);
	if (held->count > 0)
		return ear_reply(in, released(in->ear, false));
	if (held->jid == NULL)
		ear_reply(in, released(in->ear, true));
	else
		ear_request(in->ear, unsubscribe(in->ear, held), PATIENCE, on_ended, ear_hold(in));
	drop(holds, held);
	return EAR_DONE;
}

static void
on_timer(void *arg)
{
	struct holds *holds = arg;

	sweep(holds);
	if (holds->count > 0)
		ear_timer_set(&holds->timer, LOOK_EVERY);
}

/* --- life --------------------------------------------------------------------------------- */

static int
start(struct ear *ear)
{
	struct holds *holds = xep_alloc(sizeof(*holds));

	holds->ear = ear;
	ear_timer_init(&holds->timer, ear_clock(ear), on_timer, holds);
	ear_set_state(ear, &ear_xep_hold_control, holds);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct holds *holds = holds_of(ear);

	ear_timer_stop(&holds->timer);
	ear_request_forget(ear, holds);
	while (holds->count > 0)
		drop(holds, &holds->all[0]);
	free(holds);
	ear_set_state(ear, &ear_xep_hold_control, NULL);
}

static const struct ear_rule rules[] = {
	{ EAR_IQ_SET, EAR_NS_CONTROL, "hold", on_hold, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "release", on_release, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "keep", on_keep, EAR_VERB_ADMIN },
	{ 0 },
};

const struct ear_xep ear_xep_hold_control = {
	.number = "-",
	.name = "subscriptions that programs share, local",
	.rules = rules,
	.start = start,
	.stop = stop,
};
