/* SPDX-License-Identifier: ISC */
/* kodi_view.c: Kodi's answers as one state. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/timer.h>

#include "player/kodi_view.h"
#include "player/ops.h"

#define HOURS_MAX  100000 /* ten years: beyond is no position */
#define COUNT_MAX  1000000
#define SPEED_MAX  1000
#define TRACKS_MAX 999 /* what a press can name */

static const char *const properties[] = {
	"speed",           "time",         "totaltime", "playlistid",         "position",
	"shuffled",        "repeat",       "canseek",   "canchangespeed",     "canshuffle",
	"canrepeat",       "audiostreams", "subtitles", "currentaudiostream", "currentsubtitle",
	"subtitleenabled",
};

static json_t *
pack(json_t *params)
{
	if (params == NULL)
		abort();
	return params;
}

static json_t *
names(const char *const list[], size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(list[i]));
	return array;
}

static int
take_int(int *out, json_t *value, int min, int max)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < min || number > max)
		return -EPROTO;
	*out = (int)number;
	return 0;
}

/* What is absent or of another type is false: a slide show has few of the properties. */
static bool
is_true(json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int
take_text(char *out, size_t size, json_t *value)
{
	if (!json_is_string(value))
		return -EPROTO;
	player_state_text(out, size, json_string_value(value));
	return 0;
}

/* Global.Time of Kodi's schema. While a film starts it is a little below zero. */
static int
take_time(int64_t *out, json_t *time)
{
	static const char *const keys[] = { "hours", "minutes", "seconds", "milliseconds" };
	static const int64_t usec[] = { 3600 * EAR_SEC, 60 * EAR_SEC, EAR_SEC, EAR_MSEC };
	int64_t sum = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int n;

		if (take_int(&n, json_object_get(time, keys[i]), -HOURS_MAX, HOURS_MAX) != 0)
			return -EPROTO;
		sum += n * usec[i];
	}
	*out = sum < 0 ? 0 : sum;
	return 0;
}

/* Music plays on behind a slide show, and is then what a remote control means. */
static int
rank(json_t *player)
{
	static const char *const types[] = { "picture", "audio", "video" };
	const char *type = json_string_value(json_object_get(player, "type"));

	for (size_t i = 0; type != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return (int)i;
	return -1;
}

static int
set_players(struct kodi_view *view, json_t *players)
{
	json_t *player;
	int best = -1;
	size_t i;

	if (!json_is_array(players))
		return -EPROTO;
	json_array_foreach(players, i, player)
	{
		if (rank(player) <= best)
			continue;
		best = rank(player);
		if (take_int(&view->player, json_object_get(player, "playerid"), 0, COUNT_MAX) != 0)
			return -EPROTO;
	}
	return 0;
}

static int
set_application(struct kodi_view *view, json_t *result)
{
	json_t *muted = json_object_get(result, "muted");

	if (!json_is_boolean(muted))
		return -EPROTO;
	view->state.muted = json_is_true(muted);
	return take_int(&view->state.volume, json_object_get(result, "volume"), 0, 100);
}

/*
 * The number of a stream, from 1; 0 when there is none, as Kodi says by null or an empty object.
 * The list and the stream may be of two moments.
 */
static int
track_of(json_t *stream, int count)
{
	json_t *index = json_object_get(stream, "index");
	int number;

	if (index == NULL)
		return 0;
	return take_int(&number, index, 0, count - 1) == 0 ? number + 1 : -1;
}

static int
set_tracks(struct ear_player_state *state, json_t *result)
{
	size_t audios = json_array_size(json_object_get(result, "audiostreams"));
	size_t subtitles = json_array_size(json_object_get(result, "subtitles"));
	bool shown = is_true(result, "subtitleenabled");

	if (audios > TRACKS_MAX || subtitles > TRACKS_MAX)
		return -EPROTO;
	state->audio_count = (int)audios;
	state->subtitle_count = (int)subtitles;
	state->audio = track_of(json_object_get(result, "currentaudiostream"), state->audio_count);
	state->subtitle =
		shown ? track_of(json_object_get(result, "currentsubtitle"), state->subtitle_count)
		      : 0;
	return 0;
}

static int
set_properties(struct kodi_view *view, json_t *result)
{
	struct ear_player_state *state = &view->state;
	const char *repeat = json_string_value(json_object_get(result, "repeat"));

	if (take_int(&view->speed, json_object_get(result, "speed"), -SPEED_MAX, SPEED_MAX) != 0 ||
	    take_int(&view->list, json_object_get(result, "playlistid"), -1, COUNT_MAX) != 0 ||
	    take_int(&view->index, json_object_get(result, "position"), -1, COUNT_MAX) != 0 ||
	    take_time(&state->position_us, json_object_get(result, "time")) != 0 ||
	    take_time(&state->duration_us, json_object_get(result, "totaltime")) != 0)
		return -EPROTO;
	if (state->duration_us == 0)
		state->duration_us = -1;
	state->seekable = is_true(result, "canseek");
	state->shuffle = is_true(result, "shuffled");
	state->repeat = repeat == NULL ? -1 : ear_repeat_find(repeat);
	view->can_change_speed = is_true(result, "canchangespeed");
	view->can_shuffle = is_true(result, "canshuffle");
	view->can_repeat = is_true(result, "canrepeat");
	return set_tracks(state, result);
}

/* "Ann, Bob", as much of it as fits */
static int
take_artists(char *out, size_t size, json_t *artists)
{
	size_t i, used = 0;
	json_t *artist;

	json_array_foreach(artists, i, artist)
	{
		if (used + 2 < size && i > 0) {
			memcpy(out + used, ", ", 3);
			used += 2;
		}
		if (take_text(out + used, size - used, artist) != 0)
			return -EPROTO;
		used += strlen(out + used);
	}
	return 0;
}

/* What has no title has a label at least: the name of its file. */
static int
set_item(struct kodi_view *view, json_t *result)
{
	struct ear_player_state *state = &view->state;
	json_t *item = json_object_get(result, "item");
	json_t *album = json_object_get(item, "album");

	if (take_text(state->title, sizeof(state->title), json_object_get(item, "label")) != 0)
		return -EPROTO;
	if (json_string_length(json_object_get(item, "title")) > 0)
		(void)take_text(state->title, sizeof(state->title), json_object_get(item, "title"));
	if (album != NULL && take_text(state->album, sizeof(state->album), album) != 0)
		return -EPROTO;
	return take_artists(state->artist, sizeof(state->artist), json_object_get(item, "artist"));
}

void
kodi_view_init(struct kodi_view *view)
{
	*view = (struct kodi_view){ 0 };
	player_state_init(&view->state);
	player_state_text(view->state.name, sizeof(view->state.name), "Kodi");
	view->player = view->list = view->index = -1;
}

const char *
kodi_view_question(const struct kodi_view *view, enum kodi_ask ask, json_t **params)
{
	switch (ask) {
	case KODI_PLAYERS:
		*params = json_object();
		return "Player.GetActivePlayers";
	case KODI_APPLICATION:
		*params = pack(json_pack("{s:[s,s]}", "properties", "volume", "muted"));
		return "Application.GetProperties";
	case KODI_MUSIC_SIZE:
	case KODI_VIDEO_SIZE:
		*params = pack(json_pack("{s:i, s:[s]}", "playlistid", ask - KODI_MUSIC_SIZE,
					 "properties", "size"));
		return "Playlist.GetProperties";
	case KODI_PROPERTIES:
		*params = pack(
			json_pack("{s:i, s:o}", "playerid", view->player, "properties",
				  names(properties, sizeof(properties) / sizeof(properties[0]))));
		return "Player.GetProperties";
	case KODI_ITEM:
		*params = pack(json_pack("{s:i, s:[s,s,s]}", "playerid", view->player, "properties",
					 "title", "artist", "album"));
		return "Player.GetItem";
	case KODI_ASKS:
		break;
	}
	abort();
}

int
kodi_view_set(struct kodi_view *view, enum kodi_ask ask, json_t *result)
{
	switch (ask) {
	case KODI_PLAYERS:
		return set_players(view, result);
	case KODI_APPLICATION:
		return set_application(view, result);
	case KODI_MUSIC_SIZE:
	case KODI_VIDEO_SIZE:
		return take_int(&view->size[ask - KODI_MUSIC_SIZE], json_object_get(result, "size"),
				0, COUNT_MAX);
	case KODI_PROPERTIES:
		return set_properties(view, result);
	case KODI_ITEM:
		return set_item(view, result);
	case KODI_ASKS:
		break;
	}
	return -EPROTO;
}

void
kodi_view_nothing(struct kodi_view *view)
{
	struct kodi_view before = *view;

	kodi_view_init(view);
	memcpy(view->size, before.size, sizeof(view->size));
	view->state.volume = before.state.volume;
	view->state.muted = before.state.muted;
}

int
kodi_view_size(const struct kodi_view *view, int list)
{
	return list >= 0 && list < KODI_LISTS ? view->size[list] : 0;
}

int
kodi_view_list(const struct kodi_view *view, int resume_list)
{
	if (view->player >= 0)
		return view->list;
	if (kodi_view_size(view, resume_list) > 0)
		return resume_list;
	for (int list = KODI_LISTS - 1; list >= 0; list--)
		if (view->size[list] > 0)
			return list;
	return -1;
}

static uint32_t
can_of_playing(const struct kodi_view *view)
{
	const struct ear_player_state *state = &view->state;
	/* Where there is no list, as for the channels of a television, Kodi knows what is next. */
	bool listed = kodi_view_size(view, view->list) > 0 && view->index >= 0;
	bool around = state->repeat == EAR_REPEAT_ALL;

	return 1u << EAR_PLAY | 1u << EAR_PAUSE | 1u << EAR_PLAYPAUSE | 1u << EAR_STOP |
	       (uint32_t)(!listed || around || view->index + 1 < kodi_view_size(view, view->list))
		       << EAR_NEXT |
	       (uint32_t)(!listed || around || view->index > 0) << EAR_PREVIOUS |
	       (uint32_t)state->seekable << EAR_SEEK |
	       (uint32_t)(view->can_change_speed && view->speed != 0) << EAR_RATE |
	       (uint32_t)view->can_shuffle << EAR_SHUFFLE |
	       (uint32_t)(view->can_repeat && state->repeat >= 0) << EAR_REPEAT |
	       (uint32_t)(state->audio_count > 0) << EAR_AUDIO |
	       (uint32_t)(state->subtitle_count > 0) << EAR_SUBTITLE;
}

void
kodi_view_finish(struct kodi_view *view, int resume_list)
{
	struct ear_player_state *state = &view->state;

	state->can = 1u << EAR_VOLUME | 1u << EAR_MUTE | 1u << EAR_OPEN | 1u << EAR_QUEUE |
		     1u << EAR_KEY;
	if (view->player >= 0) {
		state->playback = view->speed == 0 ? EAR_PAUSED : EAR_PLAYING;
		state->can |= can_of_playing(view);
	} else if (kodi_view_list(view, resume_list) >= 0) {
		state->can |= 1u << EAR_PLAY | 1u << EAR_PLAYPAUSE;
	}
	/* A rate has no way back: while Kodi winds back it is the lowest. */
	if (view->speed > 0)
		state->rate = view->speed * 1000;
	else if (view->speed < 0)
		state->rate = EAR_RATE_MIN;
}
