/* SPDX-License-Identifier: ISC */
/* mpris_view.c: the properties of an MPRIS player as one state (MPRIS 2.2). */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <earshot/timer.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "player/mpris_view.h"
#include "player/ops.h"

#define TIME_MAX    (INT64_C(1000000000) * EAR_SEC) /* thirty years: beyond is no time */
#define VOLUME_MAX  10.0                            /* 1000 per cent */
#define RATE_MAX    1000.0
#define LOUD_ENOUGH 50 /* per cent, for a player that somebody else has silenced */
#define NO_TRACK    "/org/mpris/MediaPlayer2/TrackList/NoTrack"

static int64_t
time_of(const struct mpris_value *value)
{
	if (value->type != MPRIS_INT || value->number > TIME_MAX || value->number < -TIME_MAX)
		return -1;
	return value->number < 0 ? 0 : value->number;
}

/* Whole numbers come from those who write in languages without types. */
static double
real_of(const struct mpris_value *value, double max, double unknown)
{
	double real = value->type == MPRIS_DOUBLE ? value->real : (double)value->number;

	if ((value->type != MPRIS_DOUBLE && value->type != MPRIS_INT) || !isfinite(real) ||
	    real < 0 || real > max)
		return unknown;
	return real;
}

static bool
may(const struct mpris_value *value)
{
	return value->type != MPRIS_BOOL || value->is;
}

static const char *
text_of(const struct mpris_value *value)
{
	return value->type == MPRIS_TEXT ? value->text : "";
}

static int
find(const struct mpris_value *value, const char *const names[], size_t count, int unknown)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text_of(value), names[i]) == 0)
			return (int)i;
	return unknown;
}

static const char *const playbacks[] = {
	[EAR_STOPPED] = "Stopped", [EAR_PLAYING] = "Playing", [EAR_PAUSED] = "Paused"
};
static const char *const loops[] = {
	[EAR_REPEAT_OFF] = "None", [EAR_REPEAT_ALL] = "Playlist", [EAR_REPEAT_ONE] = "Track"
};

/* The file's name out of a URL, for a title that has no other. */
static void
name_of_url(const char *url, char *out, size_t size)
{
	const char *slash = strrchr(url, '/');
	char name[EAR_TITLE_MAX];
	size_t used = 0;

	for (url = slash == NULL ? url : slash + 1; *url != '\0' && used + 1 < sizeof(name);
	     url++) {
		if (url[0] == '%' && hex_digit(url[1]) >= 0 && hex_digit(url[2]) >= 0) {
			name[used++] = (char)(hex_digit(url[1]) << 4 | hex_digit(url[2]));
			url += 2;
		} else {
			name[used++] = *url;
		}
	}
	name[used] = '\0';
	player_state_text(out, size, name);
}

static void
take_track(struct mpris_view *view, const struct mpris_value *value)
{
	const char *track = text_of(value);

	if (!sd_bus_object_path_is_valid(track) || strcmp(track, NO_TRACK) == 0 ||
	    copy_text(view->track, sizeof(view->track), track) != 0)
		view->track[0] = '\0';
}

struct metadata {
	struct mpris_view *view;
	char file[EAR_TITLE_MAX];
};

static int
take_metadata(void *arg, const char *key, const char *signature, struct mpris_reader *reader)
{
	struct metadata *metadata = arg;
	struct mpris_view *view = metadata->view;
	struct mpris_value value;
	int n = mpris_read_value(reader, &value);

	if (n < 0)
		return n;
	if (strcmp(key, "mpris:trackid") == 0)
		take_track(view, &value);
	else if (strcmp(key, "mpris:length") == 0)
		view->length = time_of(&value);
	else if (strcmp(key, "xesam:title") == 0)
		player_state_text(view->title, sizeof(view->title), text_of(&value));
	else if (strcmp(key, "xesam:artist") == 0)
		player_state_text(view->artist, sizeof(view->artist), text_of(&value));
	else if (strcmp(key, "xesam:album") == 0)
		player_state_text(view->album, sizeof(view->album), text_of(&value));
	else if (strcmp(key, "xesam:url") == 0)
		name_of_url(text_of(&value), metadata->file, sizeof(metadata->file));
	return 0;
}

/* It always comes as a whole. */
static int
read_metadata(struct mpris_view *view, struct mpris_reader *reader)
{
	struct metadata metadata = { .view = view };
	int error;

	view->track[0] = view->title[0] = view->artist[0] = view->album[0] = '\0';
	view->length = -1;
	error = mpris_read_dict(reader, take_metadata, &metadata);
	if (view->title[0] == '\0')
		(void)copy_text(view->title, sizeof(view->title), metadata.file);
	return error;
}

static int
take_property(void *arg, const char *key, const char *signature, struct mpris_reader *reader)
{
	struct mpris_view *view = arg;
	struct mpris_value value;
	int n;

	if (strcmp(key, "Metadata") == 0 && strcmp(signature, "a{sv}") == 0)
		return read_metadata(view, reader);
	n = mpris_read_value(reader, &value);
	if (n < 0)
		return n;
	if (strcmp(key, "PlaybackStatus") == 0)
		view->playback = find(&value, playbacks, 3, EAR_STOPPED);
	else if (strcmp(key, "LoopStatus") == 0)
		view->repeat = find(&value, loops, 3, -1);
	else if (strcmp(key, "Shuffle") == 0)
		view->shuffle = value.type == MPRIS_BOOL ? value.is : -1;
	else if (strcmp(key, "Rate") == 0)
		view->rate = real_of(&value, RATE_MAX, 0);
	else if (strcmp(key, "MinimumRate") == 0)
		view->min_rate = real_of(&value, RATE_MAX, 0);
	else if (strcmp(key, "MaximumRate") == 0)
		view->max_rate = real_of(&value, RATE_MAX, 0);
	else if (strcmp(key, "Volume") == 0)
		view->volume = real_of(&value, VOLUME_MAX, -1);
	else if (strcmp(key, "Position") == 0)
		view->position = time_of(&value);
	else if (strcmp(key, "CanControl") == 0)
		view->can_control = may(&value);
	else if (strcmp(key, "CanPlay") == 0)
		view->can_play = may(&value);
	else if (strcmp(key, "CanPause") == 0)
		view->can_pause = may(&value);
	else if (strcmp(key, "CanGoNext") == 0)
		view->can_next = may(&value);
	else if (strcmp(key, "CanGoPrevious") == 0)
		view->can_previous = may(&value);
	else if (strcmp(key, "CanSeek") == 0)
		view->can_seek = may(&value);
	return 0;
}

void
mpris_view_init(struct mpris_view *view)
{
	*view = (struct mpris_view){
		.can_control = true,
		.can_play = true,
		.can_pause = true,
		.can_next = true,
		.can_previous = true,
		.can_seek = true,
		.volume = -1,
		.shuffle = -1,
		.repeat = -1,
		.position = -1,
		.length = -1,
		.loudness = LOUD_ENOUGH,
	};
}

int
mpris_view_read(struct mpris_view *view, struct mpris_reader *reader)
{
	const char *contents;
	char type;

	if (sd_bus_message_peek_type(reader->message, &type, &contents) <= 0 ||
	    type != SD_BUS_TYPE_ARRAY || strcmp(contents, "{sv}") != 0)
		return -EPROTO;
	(void)mpris_read_dict(reader, take_property, view);
	return 0;
}

int
mpris_view_volume(const struct mpris_view *view)
{
	return view->volume < 0 ? -1 : (int)lround(view->volume * 100);
}

int
mpris_view_rate(const struct mpris_view *view)
{
	return view->rate <= 0 ? 1000 : (int)lround(view->rate * 1000);
}

static uint32_t
bit(bool can, enum ear_button button)
{
	return can ? 1u << button : 0;
}

/* What makes sense now. A stopped player may have something to play, but no place to seek to. */
static uint32_t
view_can(const struct mpris_view *view)
{
	bool playing = view->playback == EAR_PLAYING, active = view->playback != EAR_STOPPED;

	if (!view->can_control)
		return 0;
	return bit(view->can_play, EAR_PLAY) | bit(view->can_pause && active, EAR_PAUSE) |
	       bit(playing ? view->can_pause : view->can_play, EAR_PLAYPAUSE) |
	       bit(active, EAR_STOP) | bit(view->can_next, EAR_NEXT) |
	       bit(view->can_previous, EAR_PREVIOUS) | bit(view->can_seek && active, EAR_SEEK) |
	       bit(view->volume >= 0, EAR_VOLUME) | bit(view->volume >= 0, EAR_MUTE) |
	       bit(view->rate > 0, EAR_RATE) | bit(view->shuffle >= 0, EAR_SHUFFLE) |
	       bit(view->repeat >= 0, EAR_REPEAT) | bit(true, EAR_OPEN) | bit(true, EAR_KEY);
}

void
mpris_view_state(const struct mpris_view *view, const char *name, struct ear_player_state *state)
{
	player_state_init(state);
	state->playback = view->playback;
	player_state_text(state->name, sizeof(state->name), name);
	state->volume = mpris_view_volume(view);
	state->muted = state->volume == 0;
	state->rate = mpris_view_rate(view);
	state->shuffle = view->shuffle;
	state->repeat = view->repeat;
	state->can = view_can(view);
	if (view->playback == EAR_STOPPED)
		return;
	(void)copy_text(state->title, sizeof(state->title), view->title);
	(void)copy_text(state->artist, sizeof(state->artist), view->artist);
	(void)copy_text(state->album, sizeof(state->album), view->album);
	state->position_us = view->position;
	state->duration_us = view->length;
	state->seekable = view->can_control && view->can_seek;
}
