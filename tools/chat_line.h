/* SPDX-License-Identifier: ISC */
/* chat_line.h: where chat's lines come from: an editor with history and completion on a terminal,
 * or plain standard input. */
#ifndef TOOLS_CHAT_LINE_H
#define TOOLS_CHAT_LINE_H

#include <stdbool.h>

struct event_base;

/* line is borrowed, NULL at the end of input. Runs from the event loop. */
typedef void chat_line_fn(void *arg, const char *line);

/* words: NULL-ended, borrowed; what Tab completes a line's beginning to. One at a time. */
void chat_line_open(struct event_base *base, const char *prompt, const char *const *words,
		    chat_line_fn *fn, void *arg);

/* Prints a line above the prompt; text is escaped already. */
void chat_line_print(const char *text);

/* Restores the terminal. */
void chat_line_close(void);

#endif
