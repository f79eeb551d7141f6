/* SPDX-License-Identifier: ISC */
/* chat_line.c: where chat's lines come from: the editor, or standard input as it is. There is one
 * editor, whose state is static, hence the one static struct here, too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/alloc.h"
#include "chat_edit.h"
#include "chat_line.h"
#include "out.h"

#define LINE_BYTES_MAX ((size_t)64 * 1024)

static struct {
	struct event *event;
	struct evbuffer *in; /* without a terminal */
	const struct chat_line_events *events;
	void *arg;
	bool edits, ended;
	bool unwatched; /* a regular file: epoll cannot, and need not, wait for it */
} input;

static void
give_lines(bool at_end)
{
	char *line;

	while (!input.ended &&
	       (line = evbuffer_readln(input.in, NULL, EVBUFFER_EOL_CRLF)) != NULL) {
		input.events->line(input.arg, line);
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
		input.events->line(input.arg, NULL);
	} else if (input.unwatched) {
		event_active(input.event, EV_READ, 0);
	}
}

static void
open_plain(struct event_base *base)
{
	struct stat status;

	input.in = evbuffer_new();
	input.event = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_readable, NULL);
	if (input.in == NULL || input.event == NULL)
		abort();
	input.unwatched = fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
	if (input.unwatched)
		event_active(input.event, EV_READ, 0);
	else
		event_add(input.event, NULL);
}

void
chat_line_open(struct event_base *base, const char *prompt, const char *history,
	       const struct chat_line_events *events, void *arg)
{
	memset(&input, 0, sizeof(input));
	input.events = events;
	input.arg = arg;
	input.edits = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (input.edits)
		chat_edit_open(base, prompt, history, events, arg);
	else
		open_plain(base);
}

void
chat_line_print(const char *text)
{
	if (input.edits) {
		chat_edit_print(text);
		return;
	}
	printf("%s\n", text);
	fflush(stdout);
}

void
chat_line_close(void)
{
	if (input.edits)
		chat_edit_close();
	if (input.event != NULL)
		event_free(input.event);
	if (input.in != NULL)
		evbuffer_free(input.in);
	memset(&input, 0, sizeof(input));
}
