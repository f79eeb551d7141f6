/* SPDX-License-Identifier: ISC */
/*
 * chat_keys.h: what a terminal sends, taken apart before an editor sees it: keys, and text that was
 * pasted (between ESC [ 200 ~ and ESC [ 201 ~), of which no line end may act. Pure.
 */
#ifndef TOOLS_CHAT_KEYS_H
#define TOOLS_CHAT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#define CHAT_PASTE_MAX ((size_t)64 * 1024) /* bytes; the rest of a longer one is dropped */

struct chat_keys_events {
	/* Whole sequences: one never begins here and ends in the next call. */
	void (*keys)(void *arg, const char *bytes, size_t length);
	/* NUL-ended, without control characters but '\n' between lines; none at the end. */
	void (*pasted)(void *arg, char *text);
};

struct chat_keys {
	const struct chat_keys_events *events;
	void *arg;
	char sequence[16]; /* one that has begun */
	size_t length;
	bool pasting, after_return;
	char *paste;
	size_t pasted;
};

void chat_keys_init(struct chat_keys *keys, const struct chat_keys_events *events, void *arg);
void chat_keys_release(struct chat_keys *keys);

void chat_keys_feed(struct chat_keys *keys, const char *bytes, size_t length);

/* Whether a sequence has begun that is not complete; when nothing follows for a moment, it was the
 * key Escape: chat_keys_idle() forgets it. */
bool chat_keys_wait(const struct chat_keys *keys);
void chat_keys_idle(struct chat_keys *keys);

#endif
