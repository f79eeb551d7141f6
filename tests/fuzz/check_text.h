/* SPDX-License-Identifier: ISC */
/* check_text.h: what text of a player's state has to be, whatever the player has sent. */
#ifndef FUZZ_CHECK_TEXT_H
#define FUZZ_CHECK_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include <earshot/player.h>

/* UTF-8 without control characters. */
static inline void
check_text(const char *text)
{
	size_t length = strlen(text);

	if (u8_check((const uint8_t *)text, length) != NULL)
		abort();
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ')
			abort();
}

static inline void
check_texts(const struct ear_player_state *state)
{
	check_text(state->title);
	check_text(state->artist);
	check_text(state->album);
}

#endif
