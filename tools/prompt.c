/* SPDX-License-Identifier: ISC */
/* prompt.c: a line of standard input, while the engine goes on: one inside the command line has
 * streams to keep alive. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "cli.h"
#include "prompt.h"

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	*(bool *)arg = true;
}

/* Files are always readable, and epoll does not take them. */
static bool
can_be_awaited(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) != 0)
		return false;
	return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(STDIN_FILENO);
}

static bool
await_input(struct cli *cli)
{
	struct event *event;
	bool ready = false;

	if (!can_be_awaited())
		return true;
	event = event_new(cli->base, STDIN_FILENO, EV_READ, on_readable, &ready);
	event_add(event, NULL);
	while (!ready && !cli->interrupted && !cli->down)
		cli_turn(cli, cli_now() + 3600 * EAR_SEC);
	event_free(event);
	return ready;
}

char *
prompt_line(struct cli *cli, const char *text)
{
	char *line = xalloc(PROMPT_LINE_MAX + 1), c;
	size_t length = 0;
	ssize_t n = 0;
	bool ended = false;

	fflush(stdout);
	fputs(text, stderr);
	while (!ended && await_input(cli)) {
		n = read(STDIN_FILENO, &c, 1);
		if (n == -1 && errno == EINTR)
			continue;
		ended = n != 1 || c == '\n';
		if (!ended && length < PROMPT_LINE_MAX)
			line[length++] = c;
	}
	if (length > 0 && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	/* Where nobody has typed the end of the line, what comes next would stand behind it. */
	if (*text != '\0' && (n != 1 || !isatty(STDIN_FILENO)))
		fputc('\n', stderr);
	if (ended && (n == 1 || length > 0))
		return line;
	free(line);
	return NULL;
}
