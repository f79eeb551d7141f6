/* SPDX-License-Identifier: ISC */
/* chat_line.h: where chat's lines come from: an editor with history and completion on a terminal,
 * or plain standard input. */
#ifndef TOOLS_CHAT_LINE_H
#define TOOLS_CHAT_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;

/* Both run from the event loop. */
struct chat_line_events {
	/* line is borrowed, NULL at the end of input. What was pasted may hold '\n'. */
	void (*line)(void *arg, const char *line);
	/* Candidate number i for the word that Tab completes, which begins at `start` of the line;
	 * NULL: no more. Borrowed until the next call. Those that do not begin like the word are
	 * skipped here. */
	const char *(*candidate)(void *arg, const char *line, size_t start, size_t i);
};

/* prompt is borrowed; history: the file that keeps what is typed, NULL: none. One at a time. */
void chat_line_open(struct event_base *base, const char *prompt, const char *history,
		    const struct chat_line_events *events, void *arg);

/* Prints a line above the prompt; text is escaped already. */
void chat_line_print(const char *text);

/* Restores the terminal. */
void chat_line_close(void);

#endif
