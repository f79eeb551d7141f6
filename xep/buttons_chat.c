/* SPDX-License-Identifier: ISC */
/*
 * buttons_chat.c: the remote control as a chat: words typed to this engine press its buttons, and
 * are answered in words (buttons.md §8, rule 7). A message meets it twice: first here, where words
 * of those who may press never get to a program; then, when no program takes messages, as one that
 * is left, whose sender is told what this is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "delay.h"
#include "memory.h"
#include "player_state.h"
#include "press.h"
#include "press_words.h"

#define ANSWER       "answer" /* in every message of ours: nothing that holds it is answered */
#define WORDS_MAX    1024
#define TALKERS_MAX  256
#define ANSWERS_MAX  30 /* to one, in: */
#define ANSWERS_TIME (60 * EAR_SEC)

extern const struct ear_xep ear_xep_buttons_chat;

/* One who was answered. */
struct talker {
	char *bare;
	int64_t since; /* when the time began, in which he had so many: */
	unsigned count;
};

struct chat {
	struct talker talkers[TALKERS_MAX];
	size_t count;
};

/* --- how many answers --------------------------------------------------------------------- */

static struct talker *
oldest(struct chat *chat)
{
	struct talker *found = &chat->talkers[0];

	for (size_t i = 1; i < chat->count; i++)
		if (chat->talkers[i].since < found->since)
			found = &chat->talkers[i];
	return found;
}

/* A place for one more. */
static struct talker *
talker_new(struct chat *chat, const char *bare)
{
	struct talker *talker =
		chat->count < TALKERS_MAX ? &chat->talkers[chat->count++] : oldest(chat);

	free(talker->bare);
	*talker = (struct talker){ .bare = xep_strdup(bare) };
	return talker;
}

static struct talker *
talker_of(struct chat *chat, const char *bare)
{
	for (size_t i = 0; i < chat->count; i++)
		if (strcmp(chat->talkers[i].bare, bare) == 0)
			return &chat->talkers[i];
	return talker_new(chat, bare);
}

/* Whether the sender gets one more answer; two who answer each other come to an end. */
static bool
may_answer(const struct ear_in *in)
{
	struct chat *chat = ear_state(in->ear, &ear_xep_buttons_chat);
	int64_t now = ear_now(ear_clock(in->ear));
	char bare[EAR_JID_SIZE];
	struct talker *talker;

	if (ear_jid_bare(in->from, bare, sizeof(bare)) != 0)
		return false;
	talker = talker_of(chat, bare);
	if (talker->count == 0 || now - talker->since >= ANSWERS_TIME)
		*talker = (struct talker){ talker->bare, now, 0 };
	return talker->count++ < ANSWERS_MAX;
}

/* --- answers ------------------------------------------------------------------------------ */

/* An answer on its way: all that is known of the message is in it already. */
struct said {
	struct ear *ear;
	xmpp_stanza_t *answer;
};

/* A component is asked under any address of its domain, and answers under the same. */
static void
set_from(const struct ear_in *in, xmpp_stanza_t *answer)
{
	const char *self = ear_self(in->ear, EAR_LINK_SERVER);

	if (in->link == EAR_LINK_SERVER && in->to != NULL && self != NULL &&
	    strchr(self, '@') == NULL)
		xmpp_stanza_set_from(answer, in->to);
}

static xmpp_stanza_t *
answer_new(const struct ear_in *in)
{
	xmpp_stanza_t *thread = ear_find(in->stanza, "thread", NULL);
	xmpp_stanza_t *answer = ear_stanza(ear_ctx(in->ear), "message",
					   xmpp_stanza_get_type(in->stanza), in->from, NULL);

	set_from(in, answer);
	if (thread != NULL && ear_text(thread) != NULL)
		ear_child_text(answer, "thread", NULL, ear_text(thread));
	ear_child(answer, ANSWER, EAR_NS_BUTTONS);
	return answer;
}

/* Consumes the answer. */
static void
say(struct ear *ear, xmpp_stanza_t *answer, const char *text)
{
	ear_child_text(answer, "body", NULL, text);
	ear_send(ear, answer);
}

static enum ear_verdict
tell(const struct ear_in *in, const char *text)
{
	say(in->ear, answer_new(in), text);
	return EAR_DONE;
}

static struct said *
said_new(const struct ear_in *in)
{
	struct said *said = xep_alloc(sizeof(*said));

	said->ear = in->ear;
	said->answer = answer_new(in);
	return said;
}

static void
on_player(void *arg, enum ear_verdict condition, const char *text,
	  const struct ear_player_state *state, bool acted)
{
	struct said *said = arg;
	char words[WORDS_MAX];

	if (condition == EAR_DONE)
		player_state_words(state, ear_now(ear_clock(said->ear)), words, sizeof(words));
	else
		snprintf(words, sizeof(words), "not done: %s", text);
	if (condition == EAR_PASS) /* the engine stops */
		xmpp_stanza_release(said->answer);
	else
		say(said->ear, said->answer, words);
	free(said);
}

static enum ear_verdict
tell_help(const struct ear_in *in)
{
	char words[WORDS_MAX];

	snprintf(words, sizeof(words), "I understand:\n%s", press_help());
	return tell(in, words);
}

/* On the LAN devices are paired; whom a server vouches for is put on the list. */
static enum ear_verdict
tell_refused(const struct ear_in *in)
{
	char words[WORDS_MAX], bare[EAR_JID_SIZE] = "";
	const char *self = ear_self(in->ear, in->link);

	ear_jid_bare(in->from, bare, sizeof(bare));
	ear_warn("%s: refused (not-authorized): words that press buttons", in->from);
	if (in->link == EAR_LINK_LAN && self != NULL)
		snprintf(words, sizeof(words),
			 "You may not do that yet. Pair first: earshot pair %s", self);
	else
		snprintf(words, sizeof(words),
			 "You may not do that. Who owns this box can allow it: earshot trust %s",
			 bare);
	return tell(in, words);
}

/* --- messages ----------------------------------------------------------------------------- */

static bool
is_for_people(xmpp_stanza_t *message)
{
	const char *type = xmpp_stanza_get_type(message);

	return type == NULL || strcmp(type, "chat") == 0 || strcmp(type, "normal") == 0;
}

/* Not to one program of ours: that is a resource which is not our own. */
static bool
is_to_engine(const struct ear_in *in)
{
	const char *self = ear_self(in->ear, EAR_LINK_SERVER);

	return in->to == NULL || ear_jid_resource(in->to) == NULL ||
	       (self != NULL && ear_jid_equal(in->to, self));
}

/* Whether it was said here and now, by somebody to us. */
static bool
is_said_to_us(const struct ear_in *in)
{
	return ear_player_takes_words(in->ear) && is_for_people(in->stanza) && is_to_engine(in) &&
	       !delay_is_hearsay(in) && ear_find(in->stanza, ANSWER, EAR_NS_BUTTONS) == NULL;
}

static int
parse(const struct ear_in *in, struct press_words *words)
{
	const char *text = ear_text(in->payload);

	return text == NULL ? -ENOENT : press_words_parse(text, words);
}

static bool
may(const struct ear_in *in, const struct press_words *words)
{
	return ear_may(in, words->kind == WORDS_NOW ? EAR_VERB_STATE : EAR_VERB_BUTTONS);
}

/* The one that its sender chose for good (XEP-0359), if he did: clients begin to count their
 * stanzas anew when they start. */
static const char *
id_of(const struct ear_in *in)
{
	xmpp_stanza_t *origin = ear_find(in->stanza, "origin-id", EAR_NS_SID);

	return origin == NULL ? NULL : xmpp_stanza_get_id(origin);
}

static enum ear_verdict
act(const struct ear_in *in, const struct press_words *words)
{
	switch (words->kind) {
	case WORDS_PRESS:
		press_do(in, id_of(in), &words->press, on_player, said_new(in));
		break;
	case WORDS_NOW:
		press_look(in, on_player, said_new(in));
		break;
	case WORDS_HELP:
		return tell_help(in);
	}
	return EAR_DONE;
}

/* Whatever a program may want, too, is passed. */
static enum ear_verdict
on_words(const struct ear_in *in)
{
	struct press_words words;
	int error;

	if (!is_said_to_us(in))
		return EAR_PASS;
	error = parse(in, &words);
	if ((error != 0 && error != -ERANGE) || !may(in, &words))
		return EAR_PASS;
	if (!may_answer(in))
		return ear_fail(in, EAR_POLICY_VIOLATION,
				"not done: no more than %d messages a minute press buttons",
				ANSWERS_MAX);
	return error == 0 ? act(in, &words) : tell(in, words.why);
}

/* What another engine promised to bring to somebody is not with us. */
static bool
is_promised(xmpp_stanza_t *message)
{
	return ear_find(message, "order", EAR_NS_DELIVERY) != NULL;
}

/* Nobody else is here. */
static enum ear_verdict
on_left(const struct ear_in *in)
{
	struct press_words words;
	int error;

	if (!is_said_to_us(in))
		return EAR_PASS;
	error = parse(in, &words);
	if ((error == -ENOENT && is_promised(in->stanza)) || !may_answer(in))
		return EAR_PASS;
	if (error == -ENOENT)
		return tell(in, "Nobody is here to read this, only a player. It understands: help");
	if (error == 0 && words.kind == WORDS_HELP)
		return tell_help(in);
	return error == 0 || !may(in, &words) ? tell_refused(in) : tell(in, words.why);
}

static int
start(struct ear *ear)
{
	ear_set_state(ear, &ear_xep_buttons_chat, xep_alloc(sizeof(struct chat)));
	return 0;
}

static void
stop(struct ear *ear)
{
	struct chat *chat = ear_state(ear, &ear_xep_buttons_chat);

	for (size_t i = 0; i < chat->count; i++)
		free(chat->talkers[i].bare);
	free(chat);
	ear_set_state(ear, &ear_xep_buttons_chat, NULL);
}

static const struct ear_rule rules[] = {
	{ EAR_MESSAGE, EAR_NS_CLIENT, "body", on_words, EAR_VERB_CHAT },
	{ EAR_MESSAGE_LEFT, EAR_NS_CLIENT, "body", on_left, EAR_VERB_CHAT },
	{ 0 },
};

const struct ear_xep ear_xep_buttons_chat = {
	.number = "-",
	.name = "buttons in a chat",
	.rules = rules,
	.start = start,
	.stop = stop,
};
