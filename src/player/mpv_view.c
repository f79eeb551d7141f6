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

const char *const mpv_properties[MPV_PROPERTIES] = {
	[MPV_PAUSE] = "pause",
	[MPV_IDLE_ACTIVE] = "idle-active",
	[MPV_EOF_REACHED] = "eof-reached",
	[MPV_MEDIA_TITLE] = "media-title",
	[MPV_TIME_POS] = "time-pos",
	[MPV_DURATION] = "duration",
	[MPV_VOLUME] = "volume",
	[MPV_MUTE] = "mute",
	[MPV_SEEKABLE] = "seekable",
	[MPV_PLAYLIST_COUNT] = "playlist-count",
	[MPV_PLAYLIST_POS] = "playlist-pos",
	[MPV_SPEED] = "speed",
	[MPV_SHUFFLE] = "shuffle",
	[MPV_LOOP_FILE] = "loop-file",
	[MPV_LOOP_PLAYLIST] = "loop-playlist",
	[MPV_ARTIST] = "metadata/by-key/artist",
	[MPV_ALBUM] = "metadata/by-key/album",
	[MPV_TRACK_LIST] = "track-list",
};

#define SECONDS_MAX 1e9 /* thirty years: beyond is no position, and would not fit */
#define PERCENT_MAX 1000
#define SPEED_MAX   100

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

static int
take_rate(int *out, json_t *data)
{
	double speed = 0;
	int error = take_number(&speed, data, SPEED_MAX);

	if (error == 0 && speed > 0)
		*out = (int)(speed * 1000 + 0.5);
	return error;
}

/* mpv's own memory of it: a started mpv keeps the order of its playlist for itself. */
static int
take_shuffle(int *out, json_t *data)
{
	bool shuffle = false;
	int error = take_bool(&shuffle, data);

	*out = shuffle;
	return error;
}

/* false, or how often: a number, "inf", "force". */
static int
take_loop(bool *out, json_t *data)
{
	const char *text = json_string_value(data);

	if (!json_is_boolean(data) && !json_is_integer(data) && text == NULL)
		return -EPROTO;
	*out = !json_is_false(data) && (text == NULL || strcmp(text, "no") != 0);
	return 0;
}

static int
take_text(char *out, size_t size, json_t *data)
{
	if (!json_is_string(data))
		return -EPROTO;
	player_state_text(out, size, json_string_value(data));
	return 0;
}

static bool
is_always_there(size_t i)
{
	return i == MPV_PAUSE || i == MPV_IDLE_ACTIVE;
}

void
mpv_view_init(struct mpv_view *view)
{
	*view = (struct mpv_view){ .playlist_index = -1, .resume = -1 };
	player_state_init(&view->state);
}

int
mpv_view_set(struct mpv_view *view, size_t i, json_t *data)
{
	struct ear_player_state *state = &view->state;

	if (data == NULL)
		return is_always_there(i) ? -EPROTO : 0;
	switch ((enum mpv_property)i) {
	case MPV_PAUSE:
		return take_bool(&view->paused, data);
	case MPV_IDLE_ACTIVE:
		return take_bool(&view->idle, data);
	case MPV_EOF_REACHED:
		return take_bool(&view->ended, data);
	case MPV_MEDIA_TITLE:
		return take_text(state->title, sizeof(state->title), data);
	case MPV_TIME_POS:
		return take_time(&state->position_us, data);
	case MPV_DURATION:
		return take_time(&state->duration_us, data);
	case MPV_VOLUME:
		return take_volume(&state->volume, data);
	case MPV_MUTE:
		return take_bool(&state->muted, data);
	case MPV_SEEKABLE:
		return take_bool(&state->seekable, data);
	case MPV_PLAYLIST_COUNT:
		return take_int(&view->playlist_count, data);
	case MPV_PLAYLIST_POS:
		return take_int(&view->playlist_index, data);
	case MPV_SPEED:
		return take_rate(&state->rate, data);
	case MPV_SHUFFLE:
		return take_shuffle(&state->shuffle, data);
	case MPV_LOOP_FILE:
		return take_loop(&view->loops_file, data);
	case MPV_LOOP_PLAYLIST:
		return take_loop(&view->loops_playlist, data);
	case MPV_ARTIST:
		return take_text(state->artist, sizeof(state->artist), data);
	case MPV_ALBUM:
		return take_text(state->album, sizeof(state->album), data);
	case MPV_TRACK_LIST:
		return mpv_tracks_read(&view->audio, &view->subtitle, data);
	case MPV_PROPERTIES:
		break;
	}
	return -EPROTO;
}

static void
forget_item(struct ear_player_state *state)
{
	state->title[0] = state->artist[0] = state->album[0] = '\0';
	state->position_us = state->duration_us = -1;
	state->seekable = false;
}

static bool
has_item(const struct mpv_view *view, int by)
{
	int index = view->idle ? (view->resume < 0 ? 0 : view->resume) : view->playlist_index;

	if (!view->idle && view->loops_playlist)
		return view->playlist_count > 0;
	return index >= 0 && index + by >= 0 && index + by < view->playlist_count;
}

/* What makes sense while something is there to be played. */
static uint32_t
can_now(const struct mpv_view *view)
{
	const struct ear_player_state *state = &view->state;
	uint32_t can = 1u << EAR_RATE | 1u << EAR_REPEAT | 1u << EAR_OPEN | 1u << EAR_QUEUE |
		       1u << EAR_MUTE | 1u << EAR_KEY;

	if (!view->idle || view->playlist_count > 0)
		can |= 1u << EAR_PLAY | 1u << EAR_PLAYPAUSE;
	if (!view->idle)
		can |= 1u << EAR_PAUSE | 1u << EAR_STOP;
	if (has_item(view, 1))
		can |= 1u << EAR_NEXT;
	if (has_item(view, -1))
		can |= 1u << EAR_PREVIOUS;
	if (view->playlist_count > 1)
		can |= 1u << EAR_SHUFFLE;
	if (state->seekable)
		can |= 1u << EAR_SEEK;
	if (state->volume >= 0)
		can |= 1u << EAR_VOLUME;
	if (view->audio.count > 0)
		can |= 1u << EAR_AUDIO;
	if (view->subtitle.count > 0)
		can |= 1u << EAR_SUBTITLE;
	return can;
}

void
mpv_view_finish(struct mpv_view *view, int resume)
{
	struct ear_player_state *state = &view->state;

	if (view->idle)
		state->playback = EAR_STOPPED;
	else
		state->playback = view->paused ? EAR_PAUSED : EAR_PLAYING;
	if (view->idle)
		forget_item(state);
	view->resume = view->idle ? resume : view->playlist_index;
	(void)copy_text(state->name, sizeof(state->name), "mpv");
	state->repeat = view->loops_file       ? EAR_REPEAT_ONE
			: view->loops_playlist ? EAR_REPEAT_ALL
					       : EAR_REPEAT_OFF;
	state->audio = view->audio.selected;
	state->audio_count = view->audio.count;
	state->subtitle = view->subtitle.selected;
	state->subtitle_count = view->subtitle.count;
	state->can = can_now(view);
}
