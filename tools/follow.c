/* SPDX-License-Identifier: ISC */
/* follow.c: the state of a box's player, as the box pushes it. */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "client.h"
#include "follow.h"
#include "switches.h"

#define RENEW     (300 * EAR_SEC)  /* a subscription is made again, in case the box forgot it */
#define SOON      (200 * EAR_MSEC) /* a change of the path is rarely alone */
#define RETRY_MIN EAR_SEC
#define RETRY_MAX (60 * EAR_SEC)
#define NAMES_MAX 8 /* that one box is known by */
#define OURS_MAX  3 /* one for each kind of link */

enum phase {
	FOLLOW_OURS,      /* asks the engine what we are called */
	FOLLOW_NAMES,     /* and what the box is called on its paths */
	FOLLOW_SUBSCRIBE, /* asks the box */
	FOLLOW_ON,
	FOLLOW_LOOK, /* asks a box that does not push */
	FOLLOW_WAIT, /* until it looks again, or to begin again */
};

struct follow {
	struct cli *cli;
	char *address;
	follow_fn *fn;
	void *arg;
	enum phase phase;
	bool looks;  /* the box does not push */
	bool broken; /* the last try came to nothing */
	char id[17]; /* of the request under way, "" none */
	char *names[NAMES_MAX];
	size_t name_count;
	char *ours[OURS_MAX];
	size_t our_count, our_best, our_tried;
	enum ear_link_kind kinds[OURS_MAX], link; /* of ours; of the path that is taken */
	int64_t interval, retry, subscribed_at;
	enum ear_verdict told; /* the trouble that is known */
	struct event *timer;
};

static void begin(struct follow *follow);

static void
wait_for(struct follow *follow, int64_t usec)
{
	struct timeval tv = { .tv_sec = usec / EAR_SEC, .tv_usec = usec % EAR_SEC };

	event_add(follow->timer, &tv);
}

static void
enter(struct follow *follow, enum phase phase, int64_t usec)
{
	follow->phase = phase;
	wait_for(follow, usec);
}

/* --- asking ------------------------------------------------------------------------------- */

/* Consumes the IQ. */
static void
ask(struct follow *follow, enum phase phase, xmpp_stanza_t *iq)
{
	copy_text(follow->id, sizeof(follow->id), xmpp_stanza_get_id(iq));
	enter(follow, phase, (int64_t)(follow->cli->args.timeout * 1e6));
	cli_send(follow->cli, iq);
}

static void
ask_names(struct follow *follow)
{
	xmpp_stanza_t *iq = cli_control(follow->cli, "get", "paths");

	ear_set(ear_first(iq), "to", "%s", follow->address);
	ask(follow, FOLLOW_NAMES, iq);
}

/* XEP-0060 §6.1: by the name that we have on the path that is taken, which may be another one by
 * the time it arrives; then the box refuses it, and the next name is tried. */
static void
subscribe(struct follow *follow)
{
	xmpp_stanza_t *iq = ear_stanza(follow->cli->ctx, "iq", "set", follow->address, NULL);
	xmpp_stanza_t *request =
		ear_child(ear_child(iq, "pubsub", EAR_NS_PUBSUB), "subscribe", EAR_NS_PUBSUB);

	ear_set(request, "node", "%s", EAR_NS_BUTTONS);
	ear_set(request, "jid", "%s",
		follow->ours[(follow->our_best + follow->our_tried) % follow->our_count]);
	ask(follow, FOLLOW_SUBSCRIBE, iq);
}

static void
look(struct follow *follow)
{
	ask(follow, FOLLOW_LOOK, state_request(follow->cli, follow->address));
}

/* --- telling ------------------------------------------------------------------------------ */

/* As an answer that was asked for: the state right in it. */
static void
tell_state(struct follow *follow, xmpp_stanza_t *stanza, xmpp_stanza_t *state)
{
	struct answer answer = { .code = EXIT_DONE, .rtt_us = -1 };

	answer.stanza = ear_stanza(follow->cli->ctx, "iq", "result", NULL, NULL);
	xmpp_stanza_add_child_ex(answer.stanza, xmpp_stanza_copy(state), 0);
	cli_via(stanza, &answer.link, &answer.rtt_us, NULL);
	follow->broken = false;
	follow->told = EAR_PASS;
	follow->retry = RETRY_MIN;
	follow->fn(follow->arg, ear_find(answer.stanza, "state", EAR_NS_BUTTONS), &answer);
	answer_release(&answer);
}

/* stanza NULL: no answer came. The same trouble is told once. */
static void
tell_trouble(struct follow *follow, xmpp_stanza_t *stanza)
{
	struct answer answer = { .code = EXIT_TIMEOUT, .stanza = stanza, .rtt_us = -1 };
	enum ear_verdict what =
		stanza == NULL ? EAR_REMOTE_SERVER_TIMEOUT : EAR_UNDEFINED_CONDITION;

	if (stanza != NULL) {
		cli_via(stanza, &answer.link, &answer.rtt_us, NULL);
		answer.code = cli_code_of(stanza);
		what = ear_condition_of(stanza);
	}
	follow->broken = true;
	enter(follow, FOLLOW_WAIT, follow->retry);
	follow->retry = follow->retry * 2 > RETRY_MAX ? RETRY_MAX : follow->retry * 2;
	if (what == follow->told)
		return;
	follow->told = what;
	follow->fn(follow->arg, NULL, &answer);
}

/* --- answers ------------------------------------------------------------------------------ */

/* Another device of the same account is another box. */
static bool
is_same(const char *a, const char *b)
{
	return ear_jid_resource(a) != NULL && ear_jid_resource(b) != NULL
		       ? ear_jid_equal(a, b)
		       : ear_jid_bare_equal(a, b);
}

static void
add_name(struct follow *follow, const char *name)
{
	if (name != NULL && follow->name_count < NAMES_MAX)
		follow->names[follow->name_count++] = xstrdup(name);
}

static void
forget_names(struct follow *follow)
{
	while (follow->name_count > 0)
		free(follow->names[--follow->name_count]);
	add_name(follow, follow->address);
}

static void
take_names(struct follow *follow, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *paths = ear_find(answer, "paths", EAR_NS_CONTROL);

	forget_names(follow);
	for (xmpp_stanza_t *e = paths == NULL ? NULL : ear_first(paths); e != NULL;
	     e = ear_next(e)) {
		const char *chosen = xmpp_stanza_get_attribute(e, "chosen");

		add_name(follow, xmpp_stanza_get_attribute(e, "to"));
		add_name(follow, xmpp_stanza_get_attribute(e, "address"));
		if (chosen != NULL && strcmp(chosen, "true") == 0)
			follow->link = cli_link_of(e);
	}
}

static void
take_ours(struct follow *follow, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *self = ear_find(answer, "self", EAR_NS_CONTROL);

	follow->link = EAR_LINK_NONE;
	while (follow->our_count > 0)
		free(follow->ours[--follow->our_count]);
	for (xmpp_stanza_t *e = self == NULL ? NULL : ear_first(self);
	     e != NULL && follow->our_count < OURS_MAX; e = ear_next(e)) {
		const char *address = xmpp_stanza_get_attribute(e, "address");
		enum ear_link_kind kind = cli_link_of(e);

		if (address == NULL || kind == EAR_LINK_NONE)
			continue;
		/* The box is our own engine, to which we are one of its programs. */
		if (is_same(address, follow->address))
			follow->link = EAR_LINK_LOCAL;
		if (kind == EAR_LINK_LOCAL)
			address = client_address(follow->cli->client);
		follow->kinds[follow->our_count] = kind;
		follow->ours[follow->our_count++] = xstrdup(address);
	}
}

/* The name for the path that is taken, or one as good as any. */
static void
choose_ours(struct follow *follow)
{
	follow->our_best = follow->our_tried = 0;
	for (size_t i = 0; i < follow->our_count; i++)
		if (follow->kinds[i] ==
		    (follow->link == EAR_LINK_NONE ? EAR_LINK_LAN : follow->link))
			follow->our_best = i;
}

static void
is_subscribed(struct follow *follow)
{
	follow->looks = false;
	follow->subscribed_at = cli_now();
	enter(follow, FOLLOW_ON, RENEW);
}

static void
refused(struct follow *follow, xmpp_stanza_t *error)
{
	enum ear_link_kind link;

	cli_via(error, &link, NULL, NULL);
	switch ((int)ear_condition_of(error)) {
	case EAR_BAD_REQUEST: /* §6.1.3.1: not by that name */
		if (++follow->our_tried >= follow->our_count)
			break;
		subscribe(follow);
		return;
	case EAR_FEATURE_NOT_IMPLEMENTED:
	case EAR_SERVICE_UNAVAILABLE:
	case EAR_ITEM_NOT_FOUND:
		if (link == EAR_LINK_NONE)
			break;
		follow->looks = true;
		follow->subscribed_at = cli_now();
		look(follow);
		return;
	}
	tell_trouble(follow, error);
}

static void
on_looked(struct follow *follow, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *state = ear_find(stanza, "state", EAR_NS_BUTTONS);

	if (state == NULL) {
		tell_trouble(follow, stanza);
		return;
	}
	enter(follow, FOLLOW_WAIT, follow->interval);
	tell_state(follow, stanza, state);
}

static void
on_answer(struct follow *follow, xmpp_stanza_t *stanza, bool error)
{
	follow->id[0] = '\0';
	switch (follow->phase) {
	case FOLLOW_OURS:
		take_ours(follow, stanza);
		ask_names(follow);
		break;
	case FOLLOW_NAMES:
		take_names(follow, stanza);
		choose_ours(follow);
		if (follow->our_count > 0)
			subscribe(follow);
		else
			tell_trouble(follow, stanza);
		break;
	case FOLLOW_SUBSCRIBE:
		if (!error)
			is_subscribed(follow);
		else
			refused(follow, stanza);
		break;
	case FOLLOW_LOOK:
		on_looked(follow, stanza);
		break;
	case FOLLOW_ON:
	case FOLLOW_WAIT:
		break;
	}
}

/* --- what comes in ------------------------------------------------------------------------ */

static bool
is_box(const struct follow *follow, const char *address)
{
	for (size_t i = 0; address != NULL && i < follow->name_count; i++)
		if (is_same(address, follow->names[i]))
			return true;
	return false;
}

/* The state in a notification (XEP-0060 §7.1.2.1), NULL: it is none of that. */
static xmpp_stanza_t *
pushed_state(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *items = event == NULL ? NULL : ear_find(event, "items", EAR_NS_PUBSUB_EVENT);
	const char *node = items == NULL ? NULL : xmpp_stanza_get_attribute(items, "node");
	xmpp_stanza_t *item;

	if (node == NULL || strcmp(node, EAR_NS_BUTTONS) != 0)
		return NULL;
	item = ear_find(items, "item", EAR_NS_PUBSUB_EVENT);
	return item == NULL ? NULL : ear_find(item, "state", EAR_NS_BUTTONS);
}

static bool
take_push(struct follow *follow, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *state = pushed_state(stanza);

	if (state == NULL || !is_box(follow, xmpp_stanza_get_from(stanza)))
		return false;
	tell_state(follow, stanza, state);
	return true;
}

static bool
concerns(const struct follow *follow, xmpp_stanza_t *event)
{
	return is_box(follow, xmpp_stanza_get_attribute(event, "address"));
}

/* What may mean that the box does not know us any more, or that it can be reached again. */
static void
take_event(struct follow *follow, xmpp_stanza_t *event)
{
	const char *kind = xmpp_stanza_get_attribute(event, "kind");
	const char *link = xmpp_stanza_get_attribute(event, "link");

	if (kind == NULL)
		return;
	if (strcmp(kind, "peer-gone") == 0 && concerns(follow, event))
		follow->broken = true;
	else if ((strcmp(kind, "path-changed") == 0 && concerns(follow, event) &&
		  (link == NULL || strcmp(link, "none") != 0)) ||
		 (strcmp(kind, "stream-ended") == 0 && concerns(follow, event)) ||
		 (strcmp(kind, "peer-changed") == 0 && concerns(follow, event) && follow->broken) ||
		 (strcmp(kind, "server-up") == 0 && follow->link != EAR_LINK_LAN))
		enter(follow, FOLLOW_WAIT, SOON);
	else
		return;
	follow->id[0] = '\0';
	follow->subscribed_at = 0;
	follow->retry = RETRY_MIN;
}

bool
follow_take(struct follow *follow, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_CONTROL);

	if (event != NULL)
		take_event(follow, event);
	if (ear_is(stanza, "message", EAR_NS_CLIENT))
		return take_push(follow, stanza);
	if (id == NULL || follow->id[0] == '\0' || strcmp(id, follow->id) != 0 ||
	    !ear_is_answer(stanza))
		return false;
	on_answer(follow, stanza, strcmp(xmpp_stanza_get_type(stanza), "error") == 0);
	return true;
}

/* --- time, and life ----------------------------------------------------------------------- */

static void
begin(struct follow *follow)
{
	ask(follow, FOLLOW_OURS, cli_control(follow->cli, "get", "self"));
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct follow *follow = arg;

	switch (follow->phase) {
	case FOLLOW_OURS:
	case FOLLOW_NAMES:
	case FOLLOW_SUBSCRIBE:
	case FOLLOW_LOOK:
		follow->id[0] = '\0';
		tell_trouble(follow, NULL);
		break;
	case FOLLOW_WAIT:
		if (follow->looks && !follow->broken && cli_now() - follow->subscribed_at < RENEW)
			look(follow);
		else
			begin(follow);
		break;
	case FOLLOW_ON:
		begin(follow);
		break;
	}
}

/* What is published reaches us, but no message that is for people. */
static void
say_that_we_follow(struct cli *cli)
{
	xmpp_stanza_t *presence = ear_stanza(cli->ctx, "presence", NULL, NULL, NULL);

	ear_child(presence, "events", EAR_NS_CONTROL);
	cli_send(cli, presence);
}

struct follow *
follow_new(struct cli *cli, const char *address, follow_fn *fn, void *arg)
{
	struct follow *follow = xalloc(sizeof(*follow));

	follow->cli = cli;
	follow->address = xstrdup(address);
	follow->fn = fn;
	follow->arg = arg;
	follow->interval = EAR_SEC;
	follow->retry = RETRY_MIN;
	follow->timer = evtimer_new(cli->base, on_time, follow);
	if (follow->timer == NULL)
		abort();
	forget_names(follow);
	say_that_we_follow(cli);
	begin(follow);
	return follow;
}

void
follow_set_interval(struct follow *follow, int64_t usec)
{
	follow->interval = usec;
}

void
follow_free(struct follow *follow)
{
	if (follow == NULL)
		return;
	event_free(follow->timer);
	for (size_t i = 0; i < follow->name_count; i++)
		free(follow->names[i]);
	for (size_t i = 0; i < follow->our_count; i++)
		free(follow->ours[i]);
	free(follow->address);
	free(follow);
}
