/* SPDX-License-Identifier: ISC */
/* follow.c: the state of a box's player, as the box pushes it. */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "follow.h"
#include "subscription.h"

struct follow {
	struct cli *cli;
	char *address;
	follow_fn *fn;
	void *arg;
	struct subscription *subscription;
	bool looks;  /* the box does not push: it is asked */
	char id[17]; /* of the question under way, "" none */
	int64_t interval;
	enum ear_verdict told; /* the trouble that is known */
	struct event *timer;
};

/* --- telling ------------------------------------------------------------------------------ */

/* As an answer that was asked for: the state right in it. */
static void
tell_state(struct follow *follow, xmpp_stanza_t *stanza, xmpp_stanza_t *state)
{
	struct answer answer = { .code = EXIT_DONE, .rtt_us = -1 };

	answer.stanza = ear_stanza(follow->cli->ctx, "iq", "result", NULL, NULL);
	xmpp_stanza_add_child_ex(answer.stanza, xmpp_stanza_copy(state), 0);
	cli_via(stanza, &answer.link, &answer.rtt_us, NULL);
	follow->told = EAR_PASS;
	subscription_is_well(follow->subscription);
	follow->fn(follow->arg, ear_find(answer.stanza, "state", EAR_NS_BUTTONS), &answer);
	answer_release(&answer);
}

/* The same trouble is told once. */
static void
tell_trouble(struct follow *follow, const struct answer *answer)
{
	enum ear_verdict what = EAR_REMOTE_SERVER_TIMEOUT;

	if (answer->stanza != NULL)
		what = ear_condition_of(answer->stanza);
	if (what == follow->told)
		return;
	follow->told = what;
	follow->fn(follow->arg, NULL, answer);
}

/* --- a box that does not push ------------------------------------------------------------- */

static void
wait_for(struct follow *follow, int64_t usec)
{
	struct timeval tv = { .tv_sec = usec / EAR_SEC, .tv_usec = usec % EAR_SEC };

	event_add(follow->timer, &tv);
}

static void
look(struct follow *follow)
{
	xmpp_stanza_t *iq = state_request(follow->cli, follow->address);

	copy_text(follow->id, sizeof(follow->id), xmpp_stanza_get_id(iq));
	wait_for(follow, (int64_t)(follow->cli->args.timeout * 1e6));
	cli_send(follow->cli, iq);
}

static void
look_no_more(struct follow *follow)
{
	follow->looks = false;
	follow->id[0] = '\0';
	event_del(follow->timer);
}

/* stanza NULL: no answer came. */
static void
looked_in_vain(struct follow *follow, xmpp_stanza_t *stanza)
{
	struct answer answer = { .code = EXIT_TIMEOUT, .rtt_us = -1 };

	if (stanza != NULL) {
		answer.stanza = stanza;
		cli_via(stanza, &answer.link, &answer.rtt_us, NULL);
		answer.code = cli_code_of(stanza);
	}
	look_no_more(follow);
	subscription_retry(follow->subscription);
	tell_trouble(follow, &answer);
}

static void
on_looked(struct follow *follow, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *state = ear_find(stanza, "state", EAR_NS_BUTTONS);

	follow->id[0] = '\0';
	if (state == NULL) {
		looked_in_vain(follow, stanza);
		return;
	}
	wait_for(follow, follow->interval);
	tell_state(follow, stanza, state);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct follow *follow = arg;

	if (follow->id[0] == '\0')
		look(follow);
	else
		looked_in_vain(follow, NULL);
}

/* --- the subscription --------------------------------------------------------------------- */

static void
on_stands(void *arg, const char *state)
{
	look_no_more(arg);
}

/* The state in a notification (XEP-0060 §7.1.2.1). */
static void
on_notified(void *arg, xmpp_stanza_t *message, xmpp_stanza_t *event)
{
	xmpp_stanza_t *items = ear_find(event, "items", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *item = items == NULL ? NULL : ear_find(items, "item", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *state = item == NULL ? NULL : ear_find(item, "state", EAR_NS_BUTTONS);

	if (state != NULL)
		tell_state(arg, message, state);
}

/* Whether the box itself said that it has no such node. */
static bool
has_no_node(const struct answer *answer)
{
	if (answer->stanza == NULL || answer->link == EAR_LINK_NONE)
		return false;
	switch ((int)ear_condition_of(answer->stanza)) {
	case EAR_FEATURE_NOT_IMPLEMENTED:
	case EAR_SERVICE_UNAVAILABLE:
	case EAR_ITEM_NOT_FOUND:
		return true;
	}
	return false;
}

static void
on_trouble(void *arg, const struct answer *answer)
{
	struct follow *follow = arg;

	look_no_more(follow);
	if (!has_no_node(answer)) {
		tell_trouble(follow, answer);
		return;
	}
	subscription_rest(follow->subscription);
	follow->looks = true;
	look(follow);
}

static const struct subscription_events subscription_events = { on_stands, on_notified,
								on_trouble };

bool
follow_take(struct follow *follow, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);

	if (id == NULL || follow->id[0] == '\0' || strcmp(id, follow->id) != 0 ||
	    !ear_is_answer(stanza))
		return subscription_take(follow->subscription, stanza);
	on_looked(follow, stanza);
	return true;
}

/* --- life --------------------------------------------------------------------------------- */

struct follow *
follow_new(struct cli *cli, const char *address, follow_fn *fn, void *arg)
{
	struct follow *follow = xalloc(sizeof(*follow));

	follow->cli = cli;
	follow->address = xstrdup(address);
	follow->fn = fn;
	follow->arg = arg;
	follow->interval = EAR_SEC;
	follow->timer = evtimer_new(cli->base, on_time, follow);
	if (follow->timer == NULL)
		abort();
	follow->subscription = subscription_new(cli, address, EAR_NS_BUTTONS, SUBSCRIPTION_LEFT,
						&subscription_events, follow);
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
	subscription_free(follow->subscription);
	event_free(follow->timer);
	free(follow->address);
	free(follow);
}
