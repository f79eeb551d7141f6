/* SPDX-License-Identifier: ISC */
/* state.c: a player's state: what is unknown, what is a change of it, and what is text in it. */
#include <errno.h>
#include <string.h>

#include <earshot/timer.h>
#include <unictype.h>
#include <unistr.h>

#include "player/ops.h"

/* Playback that runs on as expected is no change; a jump of more than this is one. */
#define JUMP (3 * EAR_SEC / 2)

static bool
same_position(const struct ear_player_state *a, const struct ear_player_state *b)
{
	int64_t expected = ear_player_position(a, b->at);

	if (expected < 0 || b->position_us < 0)
		return expected < 0 && b->position_us < 0;
	return b->position_us - expected < JUMP && expected - b->position_us < JUMP;
}

static bool
same_text(const struct ear_player_state *a, const struct ear_player_state *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->title, b->title) == 0 &&
	       strcmp(a->artist, b->artist) == 0 && strcmp(a->album, b->album) == 0;
}

static bool
same_tracks(const struct ear_player_state *a, const struct ear_player_state *b)
{
	return a->audio == b->audio && a->audio_count == b->audio_count &&
	       a->subtitle == b->subtitle && a->subtitle_count == b->subtitle_count;
}

bool
player_state_same(const struct ear_player_state *a, const struct ear_player_state *b)
{
	return a->playback == b->playback && a->duration_us == b->duration_us &&
	       a->volume == b->volume && a->rate == b->rate && a->shuffle == b->shuffle &&
	       a->repeat == b->repeat && a->muted == b->muted && a->seekable == b->seekable &&
	       a->can == b->can && same_text(a, b) && same_tracks(a, b) && same_position(a, b);
}

int64_t
ear_player_position(const struct ear_player_state *state, int64_t now)
{
	int64_t position = state->position_us;

	if (position < 0 || state->playback != EAR_PLAYING)
		return position;
	position += (now - state->at) * state->rate / 1000;
	return state->duration_us >= 0 && position > state->duration_us ? state->duration_us
									: position;
}

void
player_state_init(struct ear_player_state *state)
{
	*state = (struct ear_player_state){
		.position_us = -1,
		.duration_us = -1,
		.volume = -1,
		.rate = 1000,
		.shuffle = -1,
		.repeat = -1,
		.audio = -1,
		.audio_count = -1,
		.subtitle = -1,
		.subtitle_count = -1,
	};
}

/* As much of text as fits, in whole characters; what is no character of a line becomes a blank. */
void
player_state_text(char *out, size_t size, const char *text)
{
	const uint8_t *in = (const uint8_t *)text;
	size_t left = strnlen(text, 4 * size), used = 0;

	while (left > 0) {
		ucs4_t c;
		int n = u8_mbtouc(&c, in, left); /* U+FFFD for what is no UTF-8 */
		bool odd = uc_is_general_category_withtable(
			c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp);
		int bytes = u8_uctomb((uint8_t *)out + used, odd ? ' ' : c, size - 1 - used);

		if (bytes < 0)
			break;
		used += bytes;
		in += n;
		left -= n;
	}
	out[used] = '\0';
}

int
player_repeat_wanted(const struct ear_press *press, int now)
{
	int64_t to = press->has_value ? press->value : (now + 1) % (EAR_REPEAT_ONE + 1);

	return to < EAR_REPEAT_OFF || to > EAR_REPEAT_ONE ? -ERANGE : (int)to;
}
