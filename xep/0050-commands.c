/* SPDX-License-Identifier: ISC */
/* 0050-commands.c: ad-hoc commands (XEP-0050): the list, the requests, and what they are told. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "commands_session.h"
#include "disco.h"
#include "memory.h"

#define LANGUAGE     "en"
#define LANGUAGE_MAX 35 /* RFC 5646 §4.4.1 */

extern const struct ear_xep ear_xep_0050;

struct commands {
	struct ear *ear;
	const struct command *all[COMMANDS_MAX];
	size_t count;
	struct lacking {
		const char *node;
		ear_handler *answer;
	} lacking[COMMANDS_LACKING];
	size_t lacking_count;
	struct sessions *sessions;
};

static const struct fault {
	enum ear_verdict condition;
	const char *specific; /* XEP-0050 §4.4 */
	const char *text;
} faults[COMMAND_FAULT_COUNT] = {
	[COMMAND_BAD_ACTION] = { EAR_BAD_REQUEST, "bad-action", "not possible at this stage" },
	[COMMAND_MALFORMED_ACTION] = { EAR_BAD_REQUEST, "malformed-action", "no such action" },
	[COMMAND_BAD_LOCALE] = { EAR_BAD_REQUEST, "bad-locale", "no such language" },
	[COMMAND_BAD_PAYLOAD] = { EAR_BAD_REQUEST, "bad-payload", "not what was asked for" },
	[COMMAND_BAD_SESSIONID] = { EAR_BAD_REQUEST, "bad-sessionid", "no such session" },
	[COMMAND_SESSION_EXPIRED] = { EAR_NOT_ALLOWED, "session-expired", "the session is over" },
};

static enum ear_verdict
fail(const struct ear_in *in, enum command_fault fault, const char *why)
{
	return ear_fail_with(in, faults[fault].condition, NULL,
			     ear_element(ear_ctx(in->ear), faults[fault].specific, EAR_NS_COMMANDS),
			     why != NULL ? why : faults[fault].text);
}

void
command_add(struct ear *ear, const struct command *command)
{
	struct commands *commands = ear_state(ear, &ear_xep_0050);

	assert(commands->count < COMMANDS_MAX);
	commands->all[commands->count++] = command;
}

void
command_lack(struct ear *ear, const char *node, ear_handler *answer)
{
	struct commands *commands = ear_state(ear, &ear_xep_0050);

	assert(commands->lacking_count < COMMANDS_LACKING);
	commands->lacking[commands->lacking_count++] = (struct lacking){ node, answer };
}

static const struct command *
command_find(const struct commands *commands, const char *node)
{
	for (size_t i = 0; i < commands->count; i++)
		if (strcmp(commands->all[i]->node, node) == 0)
			return commands->all[i];
	return NULL;
}

/* --- the list (XEP-0050 §2.2) ------------------------------------------------------------- */

static void
set_identity(xmpp_stanza_t *query, const char *type, const char *name)
{
	xmpp_stanza_t *identity = ear_child(query, "identity", EAR_NS_DISCO_INFO);

	ear_set(identity, "category", "automation");
	ear_set(identity, "type", "%s", type);
	ear_set(identity, "name", "%s", name);
	ear_set(ear_child(query, "feature", EAR_NS_DISCO_INFO), "var", "%s", EAR_NS_COMMANDS);
}

static enum ear_verdict
info_of(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	const struct commands *commands = ear_state(in->ear, &ear_xep_0050);
	const struct command *command;

	if (strcmp(node, EAR_NS_COMMANDS) == 0) {
		set_identity(query, "command-list", "Commands");
		return EAR_DONE;
	}
	command = command_find(commands, node);
	if (command == NULL)
		return EAR_PASS;
	if (!ear_may(in, command->verb))
		return EAR_FORBIDDEN;
	set_identity(query, "command-node", command->name);
	ear_set(ear_child(query, "feature", EAR_NS_DISCO_INFO), "var", "%s", EAR_NS_DATA);
	return EAR_DONE;
}

/* As which the sender knows us. */
static const char *
self_of(const struct ear_in *in)
{
	const char *self = ear_self(in->ear, in->link);

	return in->to != NULL ? in->to : self != NULL ? self : "";
}

static enum ear_verdict
items_of(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	const struct commands *commands = ear_state(in->ear, &ear_xep_0050);

	if (node != NULL && command_find(commands, node) != NULL)
		return EAR_DONE; /* nothing is below a command */
	if (node == NULL || strcmp(node, EAR_NS_COMMANDS) != 0)
		return EAR_PASS;
	for (size_t i = 0; i < commands->count; i++) {
		xmpp_stanza_t *item;

		if (!ear_may(in, commands->all[i]->verb))
			continue;
		item = ear_child(query, "item", EAR_NS_DISCO_ITEMS);
		ear_set(item, "jid", "%s", self_of(in));
		ear_set(item, "node", "%s", commands->all[i]->node);
		ear_set(item, "name", "%s", commands->all[i]->name);
	}
	return EAR_DONE;
}

static const struct disco_nodes nodes = { .info = info_of, .items = items_of };

/* --- answers ------------------------------------------------------------------------------ */

static xmpp_stanza_t *
payload_new(struct ear *ear, const struct session *session, const char *status)
{
	xmpp_stanza_t *payload = ear_element(ear_ctx(ear), "command", EAR_NS_COMMANDS);

	ear_set(payload, "sessionid", "%s", session->id);
	ear_set(payload, "node", "%s", session->command->node);
	ear_set(payload, "status", "%s", status);
	ear_set(payload, "xml:lang", "%s", LANGUAGE);
	return payload;
}

static const char *const action_names[] = {
	[COMMAND_BEGIN] = "execute",
	[COMMAND_PREV] = "prev",
	[COMMAND_NEXT] = "next",
	[COMMAND_COMPLETE] = "complete",
};

static void
add_actions(xmpp_stanza_t *payload, const struct session *session)
{
	xmpp_stanza_t *actions = ear_child(payload, "actions", EAR_NS_COMMANDS);

	ear_set(actions, "execute", "%s", action_names[session->execute]);
	for (int i = COMMAND_PREV; i <= COMMAND_COMPLETE; i++)
		if (session->can & COMMAND_CAN(i))
			ear_child(actions, action_names[i], EAR_NS_COMMANDS);
}

static void
add_note(xmpp_stanza_t *payload, const struct command_answer *answer)
{
	ear_set(ear_child_text(payload, "note", EAR_NS_COMMANDS, answer->note), "type",
		answer->is_error ? "error" : "info");
}

void
command_answer(struct ear *ear, const char *id, const struct command_answer *answer)
{
	struct commands *commands = ear_state(ear, &ear_xep_0050);
	struct session *session = commands == NULL ? NULL : session_find(commands->sessions, id);
	xmpp_stanza_t *payload;
	bool goes_on;

	if (session == NULL || !session->busy) {
		if (answer->form != NULL)
			xmpp_stanza_release(answer->form);
		return;
	}
	/* It may have been canceled while this step was done. */
	goes_on = answer->status == COMMAND_EXECUTING && !session->ended;
	payload = payload_new(ear, session, goes_on ? "executing" : "completed");
	session_answered(session, answer);
	if (goes_on)
		add_actions(payload, session);
	if (answer->note != NULL)
		add_note(payload, answer);
	if (answer->form != NULL && goes_on == (answer->status == COMMAND_EXECUTING))
		xmpp_stanza_add_child(payload, answer->form);
	if (answer->form != NULL)
		xmpp_stanza_release(answer->form);
	session_reply(session, payload);
}

void
command_refuse(struct ear *ear, const char *id, enum ear_verdict condition, const char *text)
{
	struct commands *commands = ear_state(ear, &ear_xep_0050);
	struct session *session = commands == NULL ? NULL : session_find(commands->sessions, id);

	if (session == NULL || !session->busy)
		return;
	session_end(session);
	session_fail(session, condition, text);
}

/* --- requests ----------------------------------------------------------------------------- */

static const char *
language_in(xmpp_stanza_t *element)
{
	const char *lang = xmpp_stanza_get_attribute(element, "xml:lang");

	/* libstrophe's parser drops the prefix; ours, which reads every other stream, keeps it. */
	return lang != NULL ? lang : xmpp_stanza_get_attribute(element, "lang");
}

/*
 * Whatever language is asked for is answered in English: XEP-0050 §3.7 would have us refuse, which
 * keeps everybody out whose client names his own. What cannot be a language is refused.
 */
static bool
is_bad_language(const struct ear_in *in)
{
	const char *lang = language_in(in->payload);

	if (lang == NULL)
		lang = language_in(in->stanza);
	return lang != NULL &&
	       (strlen(lang) > LANGUAGE_MAX ||
		lang[strspn(lang, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")] != '\0');
}

enum asked { ASKED_EXECUTE, ASKED_PREV, ASKED_NEXT, ASKED_COMPLETE, ASKED_CANCEL, ASKED_COUNT };

/* ASKED_COUNT: there is no such action. */
static enum asked
asked_of(const struct ear_in *in)
{
	static const char *const names[ASKED_COUNT] = { "execute", "prev", "next", "complete",
							"cancel" };
	const char *action = xmpp_stanza_get_attribute(in->payload, "action");
	int i = 0;

	while (action != NULL && i < ASKED_COUNT && strcmp(action, names[i]) != 0)
		i++;
	return i;
}

/* The same numbers, but for cancel; and `execute` stands for what the last answer said. */
static enum command_action
action_of(const struct session *session, enum asked asked)
{
	return asked == ASKED_EXECUTE ? session->execute : (enum command_action)asked;
}

static enum ear_verdict
run(const struct ear_in *in, struct session *session, enum command_action action)
{
	char id[COMMAND_ID];
	struct command_step step = {
		.command = session->command,
		.in = in,
		.session = session->id,
		.id = id,
		.action = action,
		.form = ear_find(in->payload, "x", EAR_NS_DATA),
		.memory = session->memory,
	};
	const char *why = NULL;
	enum command_fault fault;

	snprintf(id, sizeof(id), "%s/%u", session->id, session->steps);
	session_begin(session, in);
	fault = session->command->step(&step, &why);
	if (fault == COMMAND_FINE) {
		session_hold(session);
		return EAR_DONE;
	}
	session_refused(session, action == COMMAND_BEGIN);
	return fail(in, fault, why);
}

static enum ear_verdict
begin(const struct ear_in *in, struct commands *commands, const struct command *command,
      enum asked asked)
{
	struct session *session;

	if (asked != ASKED_EXECUTE)
		return fail(in, COMMAND_BAD_ACTION, "there is no session yet");
	session = session_new(commands->sessions, command, in->from);
	if (session == NULL)
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT,
				"too many commands are being executed");
	return run(in, session, COMMAND_BEGIN);
}

static enum ear_verdict
cancel(const struct ear_in *in, struct session *session)
{
	xmpp_stanza_t *payload = payload_new(in->ear, session, "canceled");

	session_end(session);
	return ear_reply(in, payload);
}

static enum ear_verdict
go_on(const struct ear_in *in, struct session *session, enum asked asked)
{
	enum command_action action = action_of(session, asked);

	if (session->ended)
		return fail(in, COMMAND_SESSION_EXPIRED, NULL);
	if (asked == ASKED_CANCEL)
		return cancel(in, session);
	if (session->busy)
		return fail(in, COMMAND_BAD_ACTION, "the step before this one is not done yet");
	if ((session->can & COMMAND_CAN(action)) == 0)
		return fail(in, COMMAND_BAD_ACTION, NULL);
	return run(in, session, action);
}

static enum ear_verdict
refuse(const struct ear_in *in, const struct command *command)
{
	ear_warn("%s: refused (forbidden): policy.%s keeps it from the command \"%s\"", in->from,
		 ear_verb_name(command->verb), command->name);
	return ear_fail(in, EAR_FORBIDDEN, "policy.%s wants a sender who is better known",
			ear_verb_name(command->verb));
}

static enum ear_verdict
answer_lacking(const struct ear_in *in, const struct commands *commands, const char *node)
{
	for (size_t i = 0; i < commands->lacking_count; i++)
		if (strcmp(commands->lacking[i].node, node) == 0)
			return commands->lacking[i].answer(in);
	return ear_fail(in, EAR_ITEM_NOT_FOUND, "no such command");
}

static enum ear_verdict
on_command(const struct ear_in *in)
{
	struct commands *commands = ear_state(in->ear, &ear_xep_0050);
	const char *node = xmpp_stanza_get_attribute(in->payload, "node");
	const char *id = xmpp_stanza_get_attribute(in->payload, "sessionid");
	const struct command *command = node == NULL ? NULL : command_find(commands, node);
	enum asked asked = asked_of(in);
	struct session *session;

	if (node == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "no node");
	if (command == NULL)
		return answer_lacking(in, commands, node);
	if (!ear_may(in, command->verb))
		return refuse(in, command);
	if (asked == ASKED_COUNT)
		return fail(in, COMMAND_MALFORMED_ACTION, NULL);
	if (is_bad_language(in))
		return fail(in, COMMAND_BAD_LOCALE, NULL);
	if (id == NULL)
		return begin(in, commands, command, asked);
	session = session_find(commands->sessions, id);
	if (session == NULL || session->command != command || !session_is_of(session, in->from))
		return fail(in, COMMAND_BAD_SESSIONID, NULL);
	return go_on(in, session, asked);
}

static int
start(struct ear *ear)
{
	struct commands *commands = xep_alloc(sizeof(*commands));

	commands->ear = ear;
	commands->sessions = sessions_new(ear_clock(ear));
	ear_set_state(ear, &ear_xep_0050, commands);
	disco_add(ear, &nodes);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct commands *commands = ear_state(ear, &ear_xep_0050);

	ear_set_state(ear, &ear_xep_0050, NULL);
	sessions_free(commands->sessions);
	free(commands);
}

static const char *const features[] = { EAR_NS_COMMANDS, NULL };

/* Each command has a verb of its own. */
static const struct ear_rule rules[] = {
	{ EAR_IQ_SET, EAR_NS_COMMANDS, "command", on_command, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_0050 = {
	.number = "0050",
	.name = "ad-hoc commands",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
