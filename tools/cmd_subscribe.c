/* SPDX-License-Identifier: ISC */
/* cmd_subscribe.c: subscriptions of this daemon's address that stay (XEP-0060 §6.1, §6.2). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "service.h"

#define OURS_MAX 2 /* on the LAN, at the server */

/* What we may be called over there, the likeliest first. */
struct ours {
	char *all[OURS_MAX];
	size_t count;
};

static bool
is_self(xmpp_stanza_t *self, const char *address)
{
	for (xmpp_stanza_t *e = ear_first(self); e != NULL; e = ear_next(e)) {
		const char *name = xmpp_stanza_get_attribute(e, "address");

		if (name != NULL && cli_link_of(e) == EAR_LINK_SERVER &&
		    ear_jid_resource(name) != NULL && ear_jid_resource(address) == NULL)
			continue; /* what the account has at the server */
		if (name != NULL && ear_jid_bare_equal(name, address))
			return true;
	}
	return false;
}

/* Bare: what comes for that reaches whatever device of it is there then. */
static void
add_name_of(struct ours *ours, xmpp_stanza_t *self, enum ear_link_kind link)
{
	char bare[EAR_JID_SIZE];

	for (xmpp_stanza_t *e = ear_first(self); e != NULL; e = ear_next(e)) {
		const char *name = xmpp_stanza_get_attribute(e, "address");

		if (name != NULL && cli_link_of(e) == link && ours->count < OURS_MAX &&
		    ear_jid_bare(name, bare, sizeof(bare)) == 0)
			ours->all[ours->count++] = xstrdup(bare);
	}
}

static void
ours_release(struct ours *ours)
{
	while (ours->count > 0)
		free(ours->all[--ours->count]);
}

/* The kind of link that is taken to there now. */
static enum ear_link_kind
chosen_link(struct cli *cli, const char *address)
{
	xmpp_stanza_t *iq = cli_control(cli, "get", "paths"), *paths;
	enum ear_link_kind link = EAR_LINK_NONE;
	struct answer answer;

	ear_set(ear_first(iq), "to", "%s", address);
	cli_ask(cli, iq, cli->args.timeout, &answer);
	paths = answer.code == EXIT_DONE ? ear_find(answer.stanza, "paths", EAR_NS_CONTROL) : NULL;
	for (xmpp_stanza_t *e = paths == NULL ? NULL : ear_first(paths); e != NULL;
	     e = ear_next(e)) {
		const char *chosen = xmpp_stanza_get_attribute(e, "chosen");

		if (chosen != NULL && strcmp(chosen, "true") == 0)
			link = cli_link_of(e);
	}
	answer_release(&answer);
	if (link != EAR_LINK_NONE)
		return link;
	return ear_jid_is_lan(address) ? EAR_LINK_LAN : EAR_LINK_SERVER;
}

static int
find_ours(struct cli *cli, const char *address, struct ours *ours)
{
	enum ear_link_kind link = chosen_link(cli, address);
	struct answer answer;
	xmpp_stanza_t *self;
	int code;

	cli_ask(cli, cli_control(cli, "get", "self"), cli->args.timeout, &answer);
	code = answer.code == EXIT_DONE ? EXIT_DONE : cli_refused("daemon", &answer);
	self = code == EXIT_DONE ? ear_find(answer.stanza, "self", EAR_NS_CONTROL) : NULL;
	if (self != NULL && is_self(self, address)) {
		complain("%s: that is this device itself: earshot watch shows what is published "
			 "here",
			 address);
		code = EXIT_USAGE;
		self = NULL;
	}
	/* On the LAN by its name there, or, where keys are proved, as the server knows us. */
	if (self != NULL && link == EAR_LINK_LAN)
		add_name_of(ours, self, EAR_LINK_LAN);
	if (self != NULL)
		add_name_of(ours, self, EAR_LINK_SERVER);
	if (code == EXIT_DONE && ours->count == 0) {
		complain("%s: there is no way to it: earshot paths %s", address, address);
		code = EXIT_NOBODY;
	}
	answer_release(&answer);
	return code;
}

static void
print_state(struct cli *cli, const struct place *place, const char *jid, const char *state,
	    const struct answer *answer)
{
	char *clean;

	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "address", place->address);
		json_put_text(object, "node", place->node);
		json_put_text(object, "jid", jid);
		json_put_text(object, "subscription", state);
		json_put_text(object, "link", ear_link_name(answer->link));
		out_json(stdout, object);
		return;
	}
	if (cli->args.quiet)
		return;
	clean = out_escape(state, false);
	printf("%s\n", clean);
	free(clean);
}

static const char *
state_in(const struct answer *answer, const char *otherwise)
{
	xmpp_stanza_t *pubsub = service_of(answer, EAR_NS_PUBSUB);
	xmpp_stanza_t *element =
		pubsub == NULL ? NULL : ear_find(pubsub, "subscription", EAR_NS_PUBSUB);
	const char *state =
		element == NULL ? NULL : xmpp_stanza_get_attribute(element, "subscription");

	return state == NULL ? otherwise : state;
}

/* Whether the other side knows us by another name on this path (§6.1.3.1, §6.2.3.3). */
static bool
is_wrong_name(const struct answer *answer)
{
	if (answer->stanza == NULL || answer->code == EXIT_DONE)
		return false;
	switch ((int)ear_condition_of(answer->stanza)) {
	case EAR_BAD_REQUEST:
	case EAR_FORBIDDEN:
	case EAR_UNEXPECTED_REQUEST: /* by that name we are not subscribed */
		return true;
	}
	return false;
}

static void
ask_as(struct cli *cli, const struct place *place, const char *name, const char *jid,
       struct answer *answer)
{
	xmpp_stanza_t *element;
	xmpp_stanza_t *iq = service_request(cli, place, "set", EAR_NS_PUBSUB, name, &element);

	ear_set(element, "jid", "%s", jid);
	cli_ask(cli, iq, cli->args.timeout, answer);
}

/* By our first name, or the other one; if neither is right, what the first was told is the reason.
 */
static int
change(struct cli *cli, const struct place *place, const char *name, const char *otherwise)
{
	struct answer answers[OURS_MAX] = { 0 }, *right = NULL;
	struct ours ours = { .count = 0 };
	int code = find_ours(cli, place->address, &ours);

	for (size_t i = 0; code == EXIT_DONE && right == NULL && i < ours.count; i++) {
		if (i > 0 && !is_wrong_name(&answers[i - 1]))
			break;
		ask_as(cli, place, name, ours.all[i], &answers[i]);
		if (answers[i].code == EXIT_DONE)
			right = &answers[i];
	}
	if (right != NULL)
		print_state(cli, place, ours.all[right - answers], state_in(right, otherwise),
			    right);
	else if (code == EXIT_DONE)
		code = service_refused(place, &answers[0]);
	for (size_t i = 0; i < OURS_MAX; i++)
		answer_release(&answers[i]);
	ours_release(&ours);
	return code;
}

/* Programs that watch there leave it then, as it is meant to stay. */
static void
keep(struct cli *cli, const struct place *place)
{
	xmpp_stanza_t *iq = cli_control(cli, "set", "keep");
	struct answer answer;

	ear_set(ear_first(iq), "to", "%s", place->address);
	ear_set(ear_first(iq), "node", "%s", place->node);
	cli_ask(cli, iq, cli->args.timeout, &answer);
	answer_release(&answer);
}

static int
run(struct cli *cli, const char *name, const char *otherwise, bool stays)
{
	struct place place;
	int code = place_open(&place, cli, cli->args.words[0], cli->args.words[1]);

	if (code == EXIT_DONE)
		code = change(cli, &place, name, otherwise);
	if (code == EXIT_DONE && stays)
		keep(cli, &place);
	place_release(&place);
	return code;
}

int
cmd_subscribe(struct cli *cli)
{
	return run(cli, "subscribe", "subscribed", true);
}

int
cmd_unsubscribe(struct cli *cli)
{
	return run(cli, "unsubscribe", "none", false);
}
