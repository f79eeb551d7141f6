/* SPDX-License-Identifier: ISC */
/* mpv_view.c: mpv's properties as one state. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/mpv_view.h"
#include "player/ops.h"

enum property {
	PAUSE,
	IDLE_ACTIVE,
	EOF_REACHED,
	MEDIA_TITLE,
	TIME_POS,
	DURATION,
	VOLUME,
	MUTE,
	SEEKABLE,
	PLAYLIST_COUNT,
	PLAYLIST_POS,
};

const char *const mpv_properties[MPV_PROPERTIES] = {
	[PAUSE] = "pause",
	[IDLE_ACTIVE] = "idle-active",
	[EOF_REACHED] = "eof-reached",
	[MEDIA_TITLE] = "media-title",
	[TIME_POS] = "time-pos",
	[DURATION] = "duration",
	[VOLUME] = "volume",
	[MUTE] = "mute",
	[SEEKABLE] = "seekable",
	[PLAYLIST_COUNT] = "playlist-count",
	[PLAYLIST_POS] = "playlist-pos",
};

#define SECONDS_MAX 1e9 /* thirty years: beyond is no position, and would not fit */
#define PERCENT_MAX 1000

static int
take_bool(bool *out, json_t *data)
{
	if (!json_is_boolean(data))
		return -EPROTO;
	*out = json_is_true(data);
	return 0;
}

static int
take_number(double *out, json_t *data, double max)
{
	if (!json_is_number(data))
		return -EPROTO;
	*out = json_number_value(data);
	return isfinite(*out) && fabs(*out) <= max ? 0 : -EPROTO;
}

static int
take_int(int *out, json_t *data)
{
	json_int_t value = json_integer_value(data);

	if (!json_is_integer(data) || value < -1 || value > INT_MAX)
		return -EPROTO;
	*out = (int)value;
	return 0;
}

/* A time before the start is what mpv says while the sound of the first samples is on its way. */
static int
take_time(int64_t *out, json_t *data)
{
	double seconds = 0;
	int error = take_number(&seconds, data, SECONDS_MAX);

	if (error == 0)
		*out = seconds < 0 ? 0 : (int64_t)(seconds * EAR_SEC + 0.5);
	return error;
}

static int
take_volume(int *out, json_t *data)
{
	double percent = 0;
	int error = take_number(&percent, data, PERCENT_MAX);

	if (error == 0 && percent >= 0)
		*out = (int)(percent + 0.5);
	return error;
}

/* Cut between characters; controls, which a terminal or XML could not carry, become spaces. */
static int
take_title(char *out, json_t *data)
{
	size_t length;

	if (!json_is_string(data))
		return -EPROTO;
	length = json_string_length(data);
	if (length >= EAR_TITLE_MAX)
		for (length = EAR_TITLE_MAX - 1;
		     length > 0 && (json_string_value(data)[length] & 0xc0) == 0x80; length--)
			;
	memcpy(out, json_string_value(data), length);
	out[length] = '\0';
	for (; *out != '\0'; out++)
		if ((unsigned char)*out < ' ' || *out == 0x7f)
			*out = ' ';
	return 0;
}

static bool
is_always_there(size_t i)
{
	return i == PAUSE || i == IDLE_ACTIVE;
}

void
mpv_view_init(struct mpv_view *view)
{
	*view = (struct mpv_view){ .playlist_index = -1 };
	player_state_init(&view->state);
}

int
mpv_view_set(struct mpv_view *view, size_t i, json_t *data)
{
	struct ear_player_state *state = &view->state;

	if (data == NULL)
		return is_always_there(i) ? -EPROTO : 0;
	switch ((enum property)i) {
	case PAUSE:
		return take_bool(&view->paused, data);
	case IDLE_ACTIVE:
		return take_bool(&view->idle, data);
	case EOF_REACHED:
		return take_bool(&view->ended, data);
	case MEDIA_TITLE:
		return take_title(state->title, data);
	case TIME_POS:
		return take_time(&state->position_us, data);
	case DURATION:
		return take_time(&state->duration_us, data);
	case VOLUME:
		return take_volume(&state->volume, data);
	case MUTE:
		return take_bool(&state->muted, data);
	case SEEKABLE:
		return take_bool(&state->seekable, data);
	case PLAYLIST_COUNT:
		return take_int(&view->playlist_count, data);
	case PLAYLIST_POS:
		return take_int(&view->playlist_index, data);
	}
	return -EPROTO;
}

void
mpv_view_finish(struct mpv_view *view)
{
	struct ear_player_state *state = &view->state;

	if (view->idle)
		state->playback = EAR_STOPPED;
	else
		state->playback = view->paused ? EAR_PAUSED : EAR_PLAYING;
	if (!view->idle)
		return;
	state->title[0] = '\0';
	state->position_us = state->duration_us = -1;
	state->seekable = false;
}
