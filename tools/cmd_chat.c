/* SPDX-License-Identifier: ISC */
/* cmd_chat.c: a conversation: lines out, messages in, the path as it changes. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "chat.h"
#include "chat_history.h"
#include "chat_line.h"
#include "switches.h"

#define LINES_MAX 5000 /* typed ahead; more than come with one read */

/* The lines of text but the first begin where no line of ours does: nobody can write one that looks
 * like another's. */
static char *
indented(const char *text)
{
	static const char indent[] = "\n      ";
	size_t lines = 0, n = 0;
	char *out;

	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	out = xalloc(strlen(text) + lines * sizeof(indent) + 1);
	for (; *text != '\0'; text++) {
		size_t length = *text == '\n' ? sizeof(indent) - 1 : 1;

		memcpy(out + n, *text == '\n' ? indent : text, length);
		n += length;
	}
	return out;
}

void
chat_say(struct chat *chat, const char *format, ...)
{
	char stamp[16], *raw = NULL, *clean, *lines, *line;
	time_t now = time(NULL);
	struct tm local;
	va_list args;

	if (chat->cli->args.quiet)
		return;
	va_start(args, format);
	if (vasprintf(&raw, format, args) == -1)
		abort();
	va_end(args);
	clean = out_escape(raw, true);
	strftime(stamp, sizeof(stamp), "%H:%M", localtime_r(&now, &local));
	lines = indented(clean);
	line = xasprintf("%s %s", stamp, lines);
	chat_line_print(line);
	free(line);
	free(lines);
	free(clean);
	free(raw);
}

static void
say_json(const char *kind, const char *address, const char *text, const char *link)
{
	json_t *object = json_object();

	json_put_text(object, "event", kind);
	json_put_text(object, "address", address);
	json_put_text(object, "text", text);
	json_put_text(object, "link", link);
	out_json(stdout, object);
}

/* --- in ----------------------------------------------------------------------------------- */

static void
on_message(struct chat *chat, xmpp_stanza_t *stanza)
{
	const char *from = xmpp_stanza_get_from(stanza);
	xmpp_stanza_t *body = ear_find(stanza, "body", NULL);
	char *text = body == NULL ? NULL : xmpp_stanza_get_text(body);
	enum ear_link_kind link;

	if (text == NULL || from == NULL)
		return;
	cli_via(stanza, &link, NULL, NULL);
	if (chat->cli->args.json)
		say_json("message", from, text, ear_link_name(link));
	else
		chat_say(chat, "<%s> %s",
			 ear_jid_bare_equal(from, chat->address) ? chat->address : from, text);
	xmpp_free(chat->cli->ctx, text);
}

static void
on_error(struct chat *chat, xmpp_stanza_t *stanza)
{
	const char *text = ear_error_text_of(stanza);
	const char *name = ear_condition_name(ear_condition_of(stanza));

	chat->code = cli_code_of(stanza);
	if (chat->cli->args.json)
		say_json("error", chat->address, text == NULL ? name : text, NULL);
	else
		chat_say(chat, "! not delivered (%s)%s%s", name, text == NULL ? "" : ": ",
			 text == NULL ? "" : text);
}

static void
on_switch(struct chat *chat, xmpp_stanza_t *event)
{
	char *text = switch_text(event);
	json_t *object;

	if (chat->cli->args.json) {
		object = switch_json(event);
		json_put_text(object, "address", chat->address);
		json_put_text(object, "text", text);
		out_json(stdout, object);
	} else {
		chat_say(chat, "-- %s", text);
	}
	free(text);
}

/* Escaped: it is shown when there are several that fit. */
static void
add_word(struct chat *chat, const char *word)
{
	char *clean = word == NULL ? NULL : out_escape(word, false);
	bool is_new = clean != NULL && chat->word_count < CHAT_WORDS_MAX;

	for (size_t i = 0; is_new && i < chat->word_count; i++)
		is_new = strcmp(chat->words[i], clean) != 0;
	if (is_new)
		chat->words[chat->word_count++] = clean;
	else
		free(clean);
}

static void
on_peer(void *arg, xmpp_stanza_t *peer)
{
	add_word(arg, xmpp_stanza_get_attribute(peer, "address"));
}

static void
on_peer_event(struct chat *chat, xmpp_stanza_t *event)
{
	const char *address = xmpp_stanza_get_attribute(event, "address");
	const char *kind = xmpp_stanza_get_attribute(event, "kind");

	if (kind != NULL && strcmp(kind, "peer-changed") == 0)
		add_word(chat, address);
	if (address == NULL || kind == NULL || strcmp(kind, "peer-gone") != 0 ||
	    !ear_jid_bare_equal(address, chat->address))
		return;
	if (chat->cli->args.json)
		say_json("gone", chat->address, NULL, NULL);
	else
		chat_say(chat, "-- %s left the LAN", chat->address);
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct chat *chat = arg;
	const char *type = xmpp_stanza_get_type(stanza);
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_CONTROL);

	if (!ear_is(stanza, "message", EAR_NS_CLIENT))
		return;
	if (switch_of(stanza, chat->address) != NULL)
		on_switch(chat, event);
	else if (event != NULL)
		on_peer_event(chat, event);
	else if (type != NULL && strcmp(type, "error") == 0)
		on_error(chat, stanza);
	else
		on_message(chat, stanza);
}

/* --- out ---------------------------------------------------------------------------------- */

static void
on_line(void *arg, const char *text)
{
	struct chat *chat = arg;
	struct chat_line *line;

	if (text == NULL || chat->count >= LINES_MAX) {
		if (text != NULL && !chat->ended) {
			complain("chat: more than %d lines wait: the rest is not read", LINES_MAX);
			chat->code = EXIT_USAGE;
		}
		chat->ended = true;
		return;
	}
	line = xalloc(sizeof(*line));
	line->text = xstrdup(text);
	*chat->last = line;
	chat->last = &line->next;
	chat->count++;
}

static void
send_line(struct chat *chat, const char *text)
{
	xmpp_stanza_t *message = ear_stanza(chat->cli->ctx, "message", "chat", chat->address, NULL);

	ear_child_text(message, "body", EAR_NS_CLIENT, text);
	if (cli_send(chat->cli, message) != EXIT_DONE)
		chat->quit = true;
	else if (!chat->cli->args.json && isatty(STDIN_FILENO))
		chat_say(chat, "<me> %s", text);
}

static void
run_line(struct chat *chat, const char *text)
{
	if (text[0] == '\0')
		return;
	if (text[0] != '/' || text[1] == '/') {
		send_line(chat, text[0] == '/' ? text + 1 : text);
		return;
	}
	chat_command(chat, text);
}

static void
run_lines(struct chat *chat)
{
	while (chat->first != NULL) {
		struct chat_line *line = chat->first;

		chat->first = line->next;
		if (chat->first == NULL)
			chat->last = &chat->first;
		chat->count--;
		if (!chat->quit)
			run_line(chat, line->text);
		free(line->text);
		free(line);
	}
}

/* --- the whole ---------------------------------------------------------------------------- */

static int
begin(struct chat *chat)
{
	struct cli *cli = chat->cli;
	int code;

	cli_list(cli, "peers", "peer", NULL, NULL, on_peer, chat);
	code = cli_send(cli, ear_stanza(cli->ctx, "presence", NULL, NULL, NULL));
	return code == EXIT_DONE ? switch_watch(cli) : code;
}

/* Input is over: what was sent may still come back. */
static void
finish(struct chat *chat)
{
	struct answer answer;

	cli_ask(chat->cli, cli_control(chat->cli, "set", "flush"), chat->cli->args.timeout,
		&answer);
	answer_release(&answer);
}

static void
talk(struct chat *chat)
{
	struct cli *cli = chat->cli;

	while (!chat->quit && !cli->down && !cli->interrupted &&
	       !(chat->ended && chat->first == NULL)) {
		if (chat->first != NULL)
			run_lines(chat);
		else
			cli_turn(cli, cli_now() + 3600 * EAR_SEC);
	}
	if (!cli->down && !cli->interrupted)
		finish(chat);
}

int
cmd_chat(struct cli *cli)
{
	static const struct chat_line_events events = { on_line, chat_candidate };
	struct chat chat = { .cli = cli, .last = &chat.first };
	char *prompt, *history;

	chat.address = cli_resolve(cli, cli->args.words[0], &chat.code);
	if (chat.address == NULL)
		return chat.code;
	chat.shown = out_escape(chat.address, false);
	prompt = xasprintf("%s> ", chat.shown);
	cli_listen(cli, on_stanza, &chat);
	chat.code = begin(&chat);
	if (chat.code == EXIT_DONE) {
		history = chat_history_path();
		chat_line_open(cli->base, prompt, history, &events, &chat);
		talk(&chat);
		chat_line_close();
		free(history);
	}
	if (cli_is_down(cli) != EXIT_DONE)
		chat.code = EXIT_CONFIG;
	chat.quit = true;
	run_lines(&chat);
	cli_listen(cli, NULL, NULL);
	for (size_t i = 0; i < chat.word_count; i++)
		free(chat.words[i]);
	free(prompt);
	free(chat.shown);
	free(chat.address);
	return chat.code;
}
