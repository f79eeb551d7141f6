/* SPDX-License-Identifier: ISC */
/*
 * chat_line.c: where chat's lines come from. libedit's callbacks carry no argument, hence the one
 * static struct here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <editline/readline.h>
#include <event2/buffer.h>
#include <event2/event.h>

#include "base/alloc.h"
#include "chat_line.h"
#include "out.h"

#define LINE_BYTES_MAX ((size_t)64 * 1024)
#define HISTORY_MAX    500

static struct {
	struct event *event;
	struct evbuffer *in; /* without a terminal */
	const char *prompt;
	const char *const *words;
	chat_line_fn *fn;
	void *arg;
	bool edits, ended;
	bool unwatched; /* a regular file: epoll cannot, and need not, wait for it */
} input;

static void
on_edited(char *line)
{
	if (line == NULL) {
		input.ended = true;
		rl_callback_handler_remove();
		event_del(input.event);
	} else if (line[0] != '\0') {
		add_history(line);
	}
	/* libedit leaves its callback mode with each line, and would wait inside the next one. */
	if (!input.ended)
		rl_callback_handler_install(input.prompt, on_edited);
	input.fn(input.arg, line);
	free(line);
}

static void
on_key(evutil_socket_t fd, short what, void *arg)
{
	if (!input.ended)
		rl_callback_read_char();
}

static void
give_lines(bool at_end)
{
	char *line;

	while (!input.ended &&
	       (line = evbuffer_readln(input.in, NULL, EVBUFFER_EOL_CRLF)) != NULL) {
		input.fn(input.arg, line);
		free(line);
	}
	/* The last one may lack its newline. */
	if (at_end && !input.ended && evbuffer_get_length(input.in) > 0) {
		evbuffer_add(input.in, "\n", 1);
		give_lines(false);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	int n = evbuffer_read(input.in, fd, 4096);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	give_lines(n <= 0);
	if (n <= 0 || evbuffer_get_length(input.in) > LINE_BYTES_MAX) {
		if (n > 0)
			complain("chat: a line is longer than %zu bytes: the rest is not read",
				 LINE_BYTES_MAX);
		input.ended = true;
		event_del(input.event);
		input.fn(input.arg, NULL);
	} else if (input.unwatched) {
		event_active(input.event, EV_READ, 0);
	}
}

/* A match for libedit, which asks again with state > 0 for the next. */
static char *
next_match(const char *text, int state)
{
	static size_t at;
	size_t length = strlen(text);

	if (state == 0)
		at = 0;
	while (input.words[at] != NULL) {
		const char *word = input.words[at++];

		if (strncmp(word, text, length) == 0)
			return xstrdup(word);
	}
	return NULL;
}

static char **
on_tab(const char *text, int start, int end)
{
	rl_attempted_completion_over = 1;
	return rl_completion_matches(text, next_match);
}

static void
open_editor(void)
{
	rl_readline_name = "earshot";
	using_history();
	stifle_history(HISTORY_MAX);
	rl_attempted_completion_function = on_tab;
	/* A slash and the parts of an address belong to the word. */
	rl_basic_word_break_characters = " \t\n";
	rl_callback_handler_install(input.prompt, on_edited);
}

void
chat_line_open(struct event_base *base, const char *prompt, const char *const *words,
	       chat_line_fn *fn, void *arg)
{
	struct stat status;

	memset(&input, 0, sizeof(input));
	input.prompt = prompt;
	input.words = words;
	input.fn = fn;
	input.arg = arg;
	input.edits = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (input.edits) {
		open_editor();
	} else {
		input.in = evbuffer_new();
		if (input.in == NULL)
			abort();
	}
	input.event = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST,
				input.edits ? on_key : on_readable, NULL);
	if (input.event == NULL)
		abort();
	input.unwatched = fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
	if (input.unwatched)
		event_active(input.event, EV_READ, 0);
	else
		event_add(input.event, NULL);
}

void
chat_line_print(const char *text)
{
	if (!input.edits || input.ended) {
		printf("%s\n", text);
		fflush(stdout);
		return;
	}
	/* To the beginning of the line, clear it, our text, then the prompt and what was typed. */
	printf("\r\033[K%s\n", text);
	fflush(stdout);
	rl_forced_update_display();
}

void
chat_line_close(void)
{
	if (input.edits && !input.ended) {
		rl_callback_handler_remove();
		printf("\n");
		fflush(stdout);
	}
	if (input.event != NULL)
		event_free(input.event);
	if (input.in != NULL)
		evbuffer_free(input.in);
	memset(&input, 0, sizeof(input));
}
