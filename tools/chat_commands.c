/* SPDX-License-Identifier: ISC */
/* chat_commands.c: what a line with a slash does, and what Tab offers. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "chat.h"
#include "player_view.h"
#include "press_words.h"

static void
on_path(void *arg, xmpp_stanza_t *path)
{
	struct chat *chat = arg;
	const char *chosen = xmpp_stanza_get_attribute(path, "chosen");
	const char *link = xmpp_stanza_get_attribute(path, "link");
	const char *state = xmpp_stanza_get_attribute(path, "state");
	const char *rtt = xmpp_stanza_get_attribute(path, "rtt-us");
	const char *failure = xmpp_stanza_get_attribute(path, "failure");
	char text[32];

	out_rtt(text, sizeof(text), rtt == NULL ? -1 : strtoll(rtt, NULL, 10));
	chat_say(chat, "-- %s %s: %s, %s%s%s",
		 chosen != NULL && strcmp(chosen, "true") == 0 ? "*" : " ",
		 link == NULL ? "" : link, state == NULL ? "" : state, text,
		 failure == NULL ? "" : ", ", failure == NULL ? "" : failure);
}

static void
show_paths(struct chat *chat, char *rest)
{
	cli_list(chat->cli, "paths", "path", "to", chat->address, on_path, chat);
}

static void
say_refusal(struct chat *chat, const struct answer *answer)
{
	char *reason = cli_reason(chat->address, answer);

	if (reason != NULL)
		chat_say(chat, "! %s", reason);
	free(reason);
}

/* Consumes the IQ. */
static void
show_state_after(struct chat *chat, xmpp_stanza_t *iq)
{
	struct player_view view;
	struct answer answer;
	xmpp_stanza_t *state;
	char *text;

	cli_ask(chat->cli, iq, chat->cli->args.timeout, &answer);
	state = answer.code == EXIT_DONE ? ear_find(answer.stanza, "state", EAR_NS_BUTTONS) : NULL;
	if (answer.code != EXIT_DONE) {
		say_refusal(chat, &answer);
	} else if (state == NULL || player_view_read(&view, state) != 0) {
		chat_say(chat, "! its answer tells no player's state");
	} else if (chat->cli->args.json) {
		state_print(chat->cli, chat->address, &answer);
	} else {
		text = player_view_text(&view);
		chat_say(chat, "-- %s", text);
		free(text);
	}
	answer_release(&answer);
}

static void
show_status(struct chat *chat, char *rest)
{
	show_state_after(chat, state_request(chat->cli, chat->address));
}

static void
press(struct chat *chat, char *rest)
{
	char *words[PRESS_WORDS_MAX + 2] = { NULL }, *wrong;
	size_t count = 0;

	for (char *word = strsep(&rest, " "); word != NULL && count <= PRESS_WORDS_MAX;
	     word = strsep(&rest, " ")) {
		if (*word != '\0')
			words[count++] = word;
	}
	if (count == 0 || count > PRESS_WORDS_MAX) {
		chat_say(chat, "-- /press BUTTON [VALUE]; Tab shows the buttons");
		return;
	}
	wrong = press_words_check(words);
	if (wrong != NULL)
		chat_say(chat, "! %s", wrong);
	else
		show_state_after(chat, press_words_request(chat->cli, chat->address, words));
	free(wrong);
}

static void
ping(struct chat *chat, char *rest)
{
	xmpp_stanza_t *iq = ear_stanza(chat->cli->ctx, "iq", "get", chat->address, NULL);
	int64_t begin = cli_now();
	struct answer answer;
	char rtt[32];

	ear_child(iq, "ping", EAR_NS_PING);
	cli_ask(chat->cli, iq, chat->cli->args.timeout, &answer);
	out_rtt(rtt, sizeof(rtt), cli_now() - begin);
	if (answer.link == EAR_LINK_NONE)
		say_refusal(chat, &answer);
	else
		chat_say(chat, "-- answered by %s in %s", ear_link_name(answer.link), rtt);
	answer_release(&answer);
}

static void
on_peer(void *arg, xmpp_stanza_t *peer)
{
	const char *address = xmpp_stanza_get_attribute(peer, "address");
	const char *name = xmpp_stanza_get_attribute(peer, "name");
	const char *link = xmpp_stanza_get_attribute(peer, "link");
	const char *level = xmpp_stanza_get_attribute(peer, "level");
	const char *rtt = xmpp_stanza_get_attribute(peer, "rtt-us");
	char text[32];

	out_rtt(text, sizeof(text), rtt == NULL ? -1 : strtoll(rtt, NULL, 10));
	chat_say(arg, "-- %s%s%s%s: %s %s, %s", address == NULL ? "" : address,
		 name == NULL ? "" : " (", name == NULL ? "" : name, name == NULL ? "" : ")",
		 link == NULL ? "" : link, text, level == NULL ? "" : level);
}

static void
show_peers(struct chat *chat, char *rest)
{
	cli_list(chat->cli, "peers", "peer", NULL, NULL, on_peer, chat);
}

static void
quit(struct chat *chat, char *rest)
{
	chat->quit = true;
}

static void show_help(struct chat *chat, char *rest);

static const struct chat_command {
	const char *name, *args, *what;
	void (*run)(struct chat *chat, char *rest);
} chat_commands[] = {
	{ "/help", "", "this", show_help },
	{ "/paths", "", "the ways to there, and which is taken", show_paths },
	{ "/ping", "", "how long there and back takes", ping },
	{ "/press", " BUTTON [VALUE]", "press a button of its player", press },
	{ "/quit", "", "the end; Ctrl-D as well", quit },
	{ "/status", "", "what its player does", show_status },
	{ "/who", "", "who is in earshot", show_peers },
	{ NULL, NULL, NULL, NULL },
};

static void
show_help(struct chat *chat, char *rest)
{
	for (const struct chat_command *c = chat_commands; c->name != NULL; c++)
		chat_say(chat, "-- %s%s: %s", c->name, c->args, c->what);
	chat_say(chat, "-- //text sends /text");
}

void
chat_command(struct chat *chat, const char *line)
{
	char *copy = xstrdup(line), *rest = copy, *name = strsep(&rest, " ");
	char nothing[] = "";
	const struct chat_command *c = chat_commands;

	while (c->name != NULL && strcmp(c->name, name) != 0)
		c++;
	rest = rest == NULL ? nothing : rest + strspn(rest, " ");
	if (c->name == NULL)
		chat_say(chat, "-- unknown command; /help lists them");
	else if (c->args[0] == '\0' && *rest != '\0')
		chat_say(chat, "-- %s takes nothing behind it", c->name);
	else
		c->run(chat, rest);
	free(copy);
}

/* --- what Tab offers ---------------------------------------------------------------------- */

static const char *
command_or_address(const struct chat *chat, size_t i)
{
	const size_t commands_count = sizeof(chat_commands) / sizeof(chat_commands[0]) - 1;

	if (i < commands_count)
		return chat_commands[i].name;
	return i - commands_count < chat->word_count ? chat->words[i - commands_count] : NULL;
}

const char *
chat_candidate(void *arg, const char *line, size_t start, size_t i)
{
	const struct chat *chat = arg;
	char button[16] = "";
	size_t place = 0;

	if (start == 0)
		return command_or_address(chat, i);
	if (strncmp(line, "/press ", 7) != 0)
		return i < chat->word_count ? chat->words[i] : NULL;
	for (const char *word = line + 7; word < line + start; place++) {
		size_t length = strcspn(word, " ");

		if (place == 0 && length < sizeof(button))
			memcpy(button, word, length);
		word += length + 1;
	}
	return press_words_candidate(place, button, i);
}
