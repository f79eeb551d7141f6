/* SPDX-License-Identifier: ISC */
/* prompt.h: a line of standard input, while the engine goes on. */
#ifndef TOOLS_PROMPT_H
#define TOOLS_PROMPT_H

struct cli;

#define PROMPT_LINE_MAX 2048

/*
 * Writes text to standard error and waits for a line; the event loop runs meanwhile. The line
 * without its end, which the caller frees; NULL: end of input, interrupted, or the engine left.
 * Nothing behind the line is read; what is longer than PROMPT_LINE_MAX is cut.
 */
char *prompt_line(struct cli *cli, const char *text);

#endif
