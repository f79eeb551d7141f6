/* SPDX-License-Identifier: ISC */
/* subscription.c: a subscription to a node, kept standing. */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "client.h"
#include "parties.h"
#include "subscription.h"

#define SOON      (200 * EAR_MSEC) /* a change of the path is rarely alone */
#define RETRY_MIN EAR_SEC
#define RETRY_MAX (60 * EAR_SEC)

enum phase {
	PHASE_OURS,      /* asks the engine what we are called */
	PHASE_NAMES,     /* and what the other side is called on its paths */
	PHASE_HOLD,      /* tells the engine that we are one of those who want it */
	PHASE_LIST,      /* asks the other side whether there is one already */
	PHASE_SUBSCRIBE, /* asks for it */
	PHASE_MADE,      /* tells the engine that it is ours to undo */
	PHASE_ON,
	PHASE_WAIT, /* to begin again */
};

struct subscription {
	struct cli *cli;
	char *address, *node;
	enum subscription_kind kind;
	const struct subscription_events *events;
	void *arg;
	enum phase phase;
	bool broken; /* the last try came to nothing */
	char id[17]; /* of the request under way, "" none */
	struct parties parties;
	size_t tried; /* of our names, which were not right */
	char *made;   /* for which address we made it; NULL: we did not */
	char state[16];
	int64_t retry;
	struct event *timer;
};

static void
wait_for(struct subscription *sub, int64_t usec)
{
	struct timeval tv = { .tv_sec = usec / EAR_SEC, .tv_usec = usec % EAR_SEC };

	event_add(sub->timer, &tv);
}

static void
enter(struct subscription *sub, enum phase phase, int64_t usec)
{
	sub->phase = phase;
	wait_for(sub, usec);
}

/* --- asking ------------------------------------------------------------------------------- */

/* Consumes the IQ. */
static void
ask(struct subscription *sub, enum phase phase, xmpp_stanza_t *iq)
{
	copy_text(sub->id, sizeof(sub->id), xmpp_stanza_get_id(iq));
	enter(sub, phase, (int64_t)(sub->cli->args.timeout * 1e6));
	cli_send(sub->cli, iq);
}

static void
begin(struct subscription *sub)
{
	ask(sub, PHASE_OURS, cli_control(sub->cli, "get", "self"));
}

static void
ask_names(struct subscription *sub)
{
	xmpp_stanza_t *iq = cli_control(sub->cli, "get", "paths");

	ear_set(ear_first(iq), "to", "%s", sub->address);
	ask(sub, PHASE_NAMES, iq);
}

/* The address that it is, or will be, for. */
static const char *
our_name(const struct subscription *sub)
{
	return parties_ours(&sub->parties, sub->tried);
}

static xmpp_stanza_t *
hold_request(struct subscription *sub, const char *name)
{
	xmpp_stanza_t *iq = cli_control(sub->cli, "set", name);

	ear_set(ear_first(iq), "to", "%s", sub->address);
	ear_set(ear_first(iq), "node", "%s", sub->node);
	return iq;
}

static xmpp_stanza_t *
request(struct subscription *sub, const char *type, const char *name)
{
	xmpp_stanza_t *iq = ear_stanza(sub->cli->ctx, "iq", type, sub->address, NULL);
	xmpp_stanza_t *element =
		ear_child(ear_child(iq, "pubsub", EAR_NS_PUBSUB), name, EAR_NS_PUBSUB);

	ear_set(element, "node", "%s", sub->node);
	return iq;
}

/* XEP-0060 §6.1: by the name that we have on the path that is taken, which may be another one by
 * the time it arrives; then it is refused, and the next name is tried. */
static void
subscribe(struct subscription *sub)
{
	xmpp_stanza_t *iq = request(sub, "set", "subscribe");

	ear_set(ear_first(ear_first(iq)), "jid", "%s", our_name(sub));
	ask(sub, PHASE_SUBSCRIBE, iq);
}

/* Programs on the way to our own engine are addresses of their own. */
static bool
is_shared(const struct subscription *sub)
{
	return sub->kind == SUBSCRIPTION_TIDY && sub->parties.link != EAR_LINK_LOCAL;
}

static void
find_or_subscribe(struct subscription *sub)
{
	xmpp_stanza_t *iq;

	if (!is_shared(sub)) {
		subscribe(sub);
		return;
	}
	iq = hold_request(sub, "hold");
	if (sub->made != NULL)
		ear_set(ear_first(iq), "jid", "%s", sub->made);
	ask(sub, PHASE_HOLD, iq);
}

/* --- telling ------------------------------------------------------------------------------ */

static void
stands(struct subscription *sub)
{
	sub->broken = false;
	sub->retry = RETRY_MIN;
	enter(sub, PHASE_ON, SUBSCRIPTION_RENEW);
	sub->events->stands(sub->arg, sub->state);
}

/* stanza NULL: no answer came. */
static void
trouble(struct subscription *sub, xmpp_stanza_t *stanza)
{
	struct answer answer = { .code = EXIT_TIMEOUT, .stanza = stanza, .rtt_us = -1 };

	if (stanza != NULL) {
		cli_via(stanza, &answer.link, &answer.rtt_us, NULL);
		answer.code = cli_code_of(stanza);
	}
	subscription_retry(sub);
	sub->events->trouble(sub->arg, &answer);
}

/* --- answers ------------------------------------------------------------------------------ */

static void
set_state(struct subscription *sub, const char *state)
{
	copy_text(sub->state, sizeof(sub->state), state == NULL ? "subscribed" : state);
}

/* §5.6: one that there is already, whoever made it. */
static bool
is_there(struct subscription *sub, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *pubsub = ear_find(answer, "pubsub", EAR_NS_PUBSUB);
	xmpp_stanza_t *list =
		pubsub == NULL ? NULL : ear_find(pubsub, "subscriptions", EAR_NS_PUBSUB);

	for (xmpp_stanza_t *e = list == NULL ? NULL : ear_first(list); e != NULL; e = ear_next(e)) {
		const char *state = xmpp_stanza_get_attribute(e, "subscription");
		const char *node = xmpp_stanza_get_attribute(e, "node");

		if (state == NULL || strcmp(state, "none") == 0 ||
		    (node != NULL && strcmp(node, sub->node) != 0) ||
		    !parties_is_us(&sub->parties, xmpp_stanza_get_attribute(e, "jid")))
			continue;
		set_state(sub, state);
		return true;
	}
	return false;
}

/* Where the other side knows us by another name now, two would bring everything twice. */
static void
undo_old(struct subscription *sub)
{
	xmpp_stanza_t *iq;

	if (sub->made == NULL || strcmp(sub->made, our_name(sub)) == 0)
		return;
	iq = request(sub, "set", "unsubscribe");
	ear_set(ear_first(ear_first(iq)), "jid", "%s", sub->made);
	cli_send(sub->cli, iq);
}

static void
on_subscribed(struct subscription *sub, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *pubsub = ear_find(answer, "pubsub", EAR_NS_PUBSUB);
	xmpp_stanza_t *element =
		pubsub == NULL ? NULL : ear_find(pubsub, "subscription", EAR_NS_PUBSUB);
	xmpp_stanza_t *iq;

	set_state(sub, element == NULL ? NULL : xmpp_stanza_get_attribute(element, "subscription"));
	undo_old(sub);
	if (sub->kind == SUBSCRIPTION_TIDY)
		xreplace(&sub->made, our_name(sub));
	if (!is_shared(sub)) {
		stands(sub);
		return;
	}
	iq = hold_request(sub, "hold");
	ear_set(ear_first(iq), "jid", "%s", sub->made);
	ask(sub, PHASE_MADE, iq);
}

static void
on_refused(struct subscription *sub, xmpp_stanza_t *error)
{
	/* §6.1.3.1: not by that name. */
	if (ear_condition_of(error) == EAR_BAD_REQUEST && ++sub->tried < sub->parties.our_count)
		subscribe(sub);
	else
		trouble(sub, error);
}

static void
on_answer(struct subscription *sub, xmpp_stanza_t *stanza, bool error)
{
	sub->id[0] = '\0';
	switch (sub->phase) {
	case PHASE_OURS:
		parties_take_self(&sub->parties, stanza, client_address(sub->cli->client));
		ask_names(sub);
		break;
	case PHASE_NAMES:
		parties_take_paths(&sub->parties, stanza);
		sub->tried = 0;
		if (sub->parties.our_count > 0)
			find_or_subscribe(sub);
		else
			trouble(sub, stanza);
		break;
	case PHASE_HOLD:
		ask(sub, PHASE_LIST, request(sub, "get", "subscriptions"));
		break;
	case PHASE_LIST:
		if (!error && is_there(sub, stanza))
			stands(sub);
		else
			subscribe(sub);
		break;
	case PHASE_SUBSCRIBE:
		if (error)
			on_refused(sub, stanza);
		else
			on_subscribed(sub, stanza);
		break;
	case PHASE_MADE:
		stands(sub);
		break;
	case PHASE_ON:
	case PHASE_WAIT:
		break;
	}
}

/* --- what comes in ------------------------------------------------------------------------ */

/* §7.1.2.1, §7.2.2.1, §8: whatever is told, the element in <event/> says of which node. */
static bool
take_push(struct subscription *sub, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *first = event == NULL ? NULL : ear_first(event);
	const char *node = first == NULL ? NULL : xmpp_stanza_get_attribute(first, "node");

	if (node == NULL || strcmp(node, sub->node) != 0 ||
	    !parties_is_other(&sub->parties, xmpp_stanza_get_from(stanza)))
		return false;
	sub->events->notified(sub->arg, stanza, event);
	return true;
}

static bool
concerns(const struct subscription *sub, xmpp_stanza_t *event)
{
	return parties_is_other(&sub->parties, xmpp_stanza_get_attribute(event, "address"));
}

/* What may mean that the other side does not know us any more, or that it can be reached again. */
static void
take_event(struct subscription *sub, xmpp_stanza_t *event)
{
	const char *kind = xmpp_stanza_get_attribute(event, "kind");
	const char *link = xmpp_stanza_get_attribute(event, "link");

	if (kind == NULL)
		return;
	if (strcmp(kind, "peer-gone") == 0 && concerns(sub, event))
		sub->broken = true;
	else if ((strcmp(kind, "path-changed") == 0 && concerns(sub, event) &&
		  (link == NULL || strcmp(link, "none") != 0)) ||
		 (strcmp(kind, "stream-ended") == 0 && concerns(sub, event)) ||
		 (strcmp(kind, "peer-changed") == 0 && concerns(sub, event) && sub->broken) ||
		 (strcmp(kind, "server-up") == 0 && sub->parties.link != EAR_LINK_LAN))
		enter(sub, PHASE_WAIT, SOON);
	else
		return;
	sub->id[0] = '\0';
	sub->retry = RETRY_MIN;
}

bool
subscription_take(struct subscription *sub, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_CONTROL);

	if (event != NULL)
		take_event(sub, event);
	if (ear_is(stanza, "message", EAR_NS_CLIENT))
		return take_push(sub, stanza);
	if (id == NULL || sub->id[0] == '\0' || strcmp(id, sub->id) != 0 || !ear_is_answer(stanza))
		return false;
	on_answer(sub, stanza, strcmp(xmpp_stanza_get_type(stanza), "error") == 0);
	return true;
}

/* --- time, and life ----------------------------------------------------------------------- */

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct subscription *sub = arg;

	switch (sub->phase) {
	case PHASE_OURS:
	case PHASE_NAMES:
	case PHASE_HOLD:
	case PHASE_LIST:
	case PHASE_SUBSCRIBE:
	case PHASE_MADE:
		sub->id[0] = '\0';
		trouble(sub, NULL);
		break;
	case PHASE_WAIT:
	case PHASE_ON:
		begin(sub);
		break;
	}
}

void
subscription_rest(struct subscription *sub)
{
	enter(sub, PHASE_WAIT, SUBSCRIPTION_RENEW);
}

void
subscription_retry(struct subscription *sub)
{
	sub->broken = true;
	enter(sub, PHASE_WAIT, sub->retry);
	sub->retry = sub->retry * 2 > RETRY_MAX ? RETRY_MAX : sub->retry * 2;
}

void
subscription_is_well(struct subscription *sub)
{
	sub->broken = false;
	sub->retry = RETRY_MIN;
}

/* What is published reaches us, but no message that is for people. */
static void
say_that_we_follow(struct cli *cli)
{
	xmpp_stanza_t *presence = ear_stanza(cli->ctx, "presence", NULL, NULL, NULL);

	ear_child(presence, "events", EAR_NS_CONTROL);
	cli_send(cli, presence);
}

void
subscription_pause(struct subscription *sub)
{
	event_del(sub->timer);
	sub->id[0] = '\0';
}

void
subscription_resume(struct subscription *sub)
{
	say_that_we_follow(sub->cli);
	begin(sub);
}

struct subscription *
subscription_new(struct cli *cli, const char *address, const char *node,
		 enum subscription_kind kind, const struct subscription_events *events, void *arg)
{
	struct subscription *sub = xalloc(sizeof(*sub));

	sub->cli = cli;
	sub->address = xstrdup(address);
	sub->node = xstrdup(node);
	sub->kind = kind;
	sub->events = events;
	sub->arg = arg;
	sub->retry = RETRY_MIN;
	sub->timer = evtimer_new(cli->base, on_time, sub);
	if (sub->timer == NULL)
		abort();
	parties_init(&sub->parties, sub->address);
	subscription_resume(sub);
	return sub;
}

/* The user's interruption ended the command; it may be given another one here. */
static int
ask_last(struct subscription *sub, xmpp_stanza_t *iq)
{
	bool interrupted = sub->cli->interrupted;
	struct answer answer;
	int code;

	sub->cli->interrupted = false;
	cli_ask(sub->cli, iq, sub->cli->args.timeout, &answer);
	code = answer.code == EXIT_DONE ? EXIT_DONE : cli_refused(sub->address, &answer);
	answer_release(&answer);
	sub->cli->interrupted = sub->cli->interrupted || interrupted;
	return code;
}

int
subscription_end(struct subscription *sub)
{
	xmpp_stanza_t *iq;

	subscription_pause(sub);
	if (!sub->cli->up || sub->cli->down)
		return EXIT_DONE;
	if (is_shared(sub))
		return ask_last(sub, hold_request(sub, "release"));
	if (sub->made == NULL)
		return EXIT_DONE;
	iq = request(sub, "set", "unsubscribe");
	ear_set(ear_first(ear_first(iq)), "jid", "%s", sub->made);
	return ask_last(sub, iq);
}

void
subscription_free(struct subscription *sub)
{
	if (sub == NULL)
		return;
	event_free(sub->timer);
	parties_release(&sub->parties);
	free(sub->made);
	free(sub->node);
	free(sub->address);
	free(sub);
}
