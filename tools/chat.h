/* SPDX-License-Identifier: ISC */
/* chat.h: a conversation: what cmd_chat.c and its commands share. */
#ifndef TOOLS_CHAT_H
#define TOOLS_CHAT_H

#include "cli.h"

#define CHAT_WORDS_MAX 256 /* addresses to complete to */

/* A line that waits: sending and asking wait, which callbacks may not. */
struct chat_line {
	struct chat_line *next;
	char *text;
};

struct chat {
	struct cli *cli;
	char *address, *shown;
	struct chat_line *first, **last;
	unsigned count;
	bool ended, quit;
	char *words[CHAT_WORDS_MAX];
	size_t word_count;
	int code;
};

/* An escaped text with the time before it, above what is typed. */
void chat_say(struct chat *chat, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs a line that begins with a slash. */
void chat_command(struct chat *chat, const char *line);

/* What Tab offers for the word that begins at `start`, see chat_line.h. */
const char *chat_candidate(void *arg, const char *line, size_t start, size_t i);

#endif
