/* SPDX-License-Identifier: ISC */
/* chat_keys.c: keys and pasted text in what a terminal sends. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "chat_keys.h"

#define ESCAPE '\033'

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

/* ECMA-48 §5.4: ESC [ parameters, then a final byte; ESC O and one more; ESC and one more. */
static bool
is_complete(const char *sequence, size_t length)
{
	unsigned char last = (unsigned char)sequence[length - 1];

	if (length < 2)
		return false;
	if (sequence[1] == '[')
		return length > 2 && last >= 0x40 && last <= 0x7e;
	if (sequence[1] == 'O')
		return length > 2;
	return true;
}

static bool
is_sequence(const struct chat_keys *keys, const char *text)
{
	return keys->length == strlen(text) && memcmp(keys->sequence, text, keys->length) == 0;
}

/* --- pasted ------------------------------------------------------------------------------- */

static void
paste_put(struct chat_keys *keys, char c)
{
	if (keys->pasted < CHAT_PASTE_MAX)
		keys->paste[keys->pasted++] = c;
}

/* Terminals send CR for a line end; "\r\n" is one. */
static void
paste_add(struct chat_keys *keys, char c)
{
	bool after_return = keys->after_return;

	keys->after_return = c == '\r';
	if (c == '\n' && after_return)
		return;
	if (c == '\r' || c == '\n')
		paste_put(keys, '\n');
	else if (c == '\t')
		paste_put(keys, ' ');
	else if ((unsigned char)c >= ' ' && c != 0x7f)
		paste_put(keys, c);
}

static void
paste_over(struct chat_keys *keys)
{
	char *text = keys->paste;
	size_t length = keys->pasted;

	/* A character that the limit has cut, and the line ends behind. */
	if (length == CHAT_PASTE_MAX) {
		while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
			length--;
		if (length > 0 && (unsigned char)text[length - 1] >= 0xc0)
			length--;
	}
	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	keys->paste = NULL;
	keys->pasting = false;
	if (length > 0)
		keys->events->pasted(keys->arg, text);
	free(text);
}

static void
paste_start(struct chat_keys *keys)
{
	keys->pasting = true;
	keys->after_return = false;
	keys->pasted = 0;
	keys->paste = xalloc(CHAT_PASTE_MAX + 1);
}

/* --- all ---------------------------------------------------------------------------------- */

/* What looked like a sequence and is none, or one of a key. */
static void
give_up(struct chat_keys *keys)
{
	size_t length = keys->length;

	keys->length = 0;
	if (!keys->pasting) {
		keys->events->keys(keys->arg, keys->sequence, length);
		return;
	}
	for (size_t i = 0; i < length; i++)
		paste_add(keys, keys->sequence[i]);
}

static void
end_sequence(struct chat_keys *keys)
{
	if (!keys->pasting && is_sequence(keys, paste_begin)) {
		keys->length = 0;
		paste_start(keys);
	} else if (keys->pasting && is_sequence(keys, paste_end)) {
		keys->length = 0;
		paste_over(keys);
	} else {
		give_up(keys);
	}
}

static void
feed(struct chat_keys *keys, char c)
{
	if (c == ESCAPE && keys->length > 0)
		give_up(keys);
	if (keys->length == 0 && c != ESCAPE) {
		if (keys->pasting)
			paste_add(keys, c);
		else
			keys->events->keys(keys->arg, &c, 1);
		return;
	}
	keys->sequence[keys->length++] = c;
	if (is_complete(keys->sequence, keys->length) || keys->length == sizeof(keys->sequence))
		end_sequence(keys);
}

void
chat_keys_feed(struct chat_keys *keys, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		feed(keys, bytes[i]);
}

bool
chat_keys_wait(const struct chat_keys *keys)
{
	return keys->length > 0 && !keys->pasting;
}

void
chat_keys_idle(struct chat_keys *keys)
{
	if (!keys->pasting)
		keys->length = 0;
}

void
chat_keys_init(struct chat_keys *keys, const struct chat_keys_events *events, void *arg)
{
	*keys = (struct chat_keys){ .events = events, .arg = arg };
}

void
chat_keys_release(struct chat_keys *keys)
{
	free(keys->paste);
	*keys = (struct chat_keys){ 0 };
}
