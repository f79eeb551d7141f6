/* SPDX-License-Identifier: ISC */
/* mpd_view.c: MPD's status and current song as a player's state. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/mpd_view.h"
#include "player/ops.h"

#define SECONDS_MAX 1000000000 /* thirty years: beyond is no position */

typedef int take_fn(struct mpd_view *view, size_t offset, const char *value);

#define AT(type, view, offset) ((type *)((char *)(view) + (offset)))

/* Digits as far as they go, at most max; NULL when there are none. */
static const char *
take_digits(int64_t *out, const char *text, int64_t max)
{
	const char *at = text;

	for (*out = 0; *at >= '0' && *at <= '9'; at++) {
		*out = *out * 10 + (*at - '0');
		if (*out > max)
			return NULL;
	}
	return at == text ? NULL : at;
}

static int
take_count(int *out, const char *value)
{
	int64_t number;
	const char *end = take_digits(&number, value, INT_MAX);

	if (end == NULL || *end != '\0')
		return -EPROTO;
	*out = (int)number;
	return 0;
}

static int
take_int(struct mpd_view *view, size_t offset, const char *value)
{
	return take_count(AT(int, view, offset), value);
}

/* -1: there is no mixer. */
static int
take_volume(struct mpd_view *view, size_t offset, const char *value)
{
	int *volume = AT(int, view, offset);

	if (strcmp(value, "-1") == 0)
		return 0;
	return take_count(volume, value) != 0 || *volume > 100 ? -EPROTO : 0;
}

/* "oneshot" (of single) is on, until it has come to pass. */
static int
take_switch(struct mpd_view *view, size_t offset, const char *value)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0 && strcmp(value, "oneshot") != 0)
		return -EPROTO;
	*AT(bool, view, offset) = *value != '0';
	return 0;
}

/* Seconds with a fraction; of the song's lines the duration is what its tags say, and comes second.
 */
static int
take_time(struct mpd_view *view, size_t offset, const char *value)
{
	int64_t seconds, usec = 0;
	const char *at = take_digits(&seconds, value, SECONDS_MAX);

	if (view->in_song)
		return 0;
	if (at == NULL)
		return -EPROTO;
	if (*at == '.')
		at++;
	for (int64_t unit = EAR_SEC / 10; *at >= '0' && *at <= '9'; at++, unit /= 10)
		usec += unit * (*at - '0');
	if (*at != '\0')
		return -EPROTO;
	*AT(int64_t, view, offset) = seconds * EAR_SEC + usec;
	return 0;
}

static int
take_state(struct mpd_view *view, size_t offset, const char *value)
{
	enum ear_playback *playback = AT(enum ear_playback, view, offset);

	view->has_state = true;
	if (strcmp(value, "play") == 0)
		*playback = EAR_PLAYING;
	else if (strcmp(value, "pause") == 0)
		*playback = EAR_PAUSED;
	else if (strcmp(value, "stop") == 0)
		*playback = EAR_STOPPED;
	else
		return -EPROTO;
	return 0;
}

static int
take_format(struct mpd_view *view, size_t offset, const char *value)
{
	view->has_format = true;
	return 0;
}

static int
take_file(struct mpd_view *view, size_t offset, const char *value)
{
	const char *slash = strrchr(value, '/');

	view->in_song = true;
	player_state_text(AT(char, view, offset), EAR_TITLE_MAX,
			  slash != NULL && slash[1] != '\0' ? slash + 1 : value);
	return 0;
}

/* The first, where a song has several. */
static int
take_title(struct mpd_view *view, size_t offset, const char *value)
{
	char *out = AT(char, view, offset);

	if (*out == '\0')
		player_state_text(out, EAR_TITLE_MAX, value);
	return 0;
}

static int
take_label(struct mpd_view *view, size_t offset, const char *value)
{
	char *out = AT(char, view, offset);

	if (*out == '\0')
		player_state_text(out, sizeof(view->state.artist), value);
	return 0;
}

_Static_assert(sizeof(((struct mpd_view *)NULL)->state.artist) ==
		       sizeof(((struct mpd_view *)NULL)->state.album),
	       "take_label() fills either");

#define IN(field) offsetof(struct mpd_view, field)

static const struct {
	const char *name;
	take_fn *take;
	size_t offset;
} lines[] = {
	{ "volume", take_volume, IN(state.volume) },
	{ "repeat", take_switch, IN(repeat) },
	{ "single", take_switch, IN(single) },
	{ "random", take_switch, IN(random) },
	{ "state", take_state, IN(state.playback) },
	{ "playlistlength", take_int, IN(length) },
	{ "song", take_int, IN(song) },
	{ "songid", take_int, IN(song_id) },
	{ "nextsong", take_int, IN(next) },
	{ "elapsed", take_time, IN(state.position_us) },
	{ "duration", take_time, IN(state.duration_us) },
	{ "audio", take_format, 0 },
	{ "file", take_file, IN(file) },
	{ "Title", take_title, IN(state.title) },
	{ "Name", take_title, IN(station) },
	{ "Artist", take_label, IN(state.artist) },
	{ "Album", take_label, IN(state.album) },
};

void
mpd_view_init(struct mpd_view *view)
{
	*view = (struct mpd_view){ .song = -1, .song_id = -1, .next = -1 };
	player_state_init(&view->state);
	(void)copy_text(view->state.name, sizeof(view->state.name), "MPD");
}

int
mpd_view_set(struct mpd_view *view, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strcmp(name, lines[i].name) == 0)
			return lines[i].take(view, lines[i].offset, value);
	return 0;
}

int
mpd_view_take_id(int *id, const char *value)
{
	return take_count(id, value);
}

static void
finish_volume(struct ear_player_state *state, int *hushed)
{
	if (state->volume != 0)
		*hushed = -1;
	state->muted = *hushed >= 0;
	if (state->muted)
		state->volume = *hushed;
}

/* While it seeks beyond the end, MPD says that it is there. */
static void
finish_position(struct ear_player_state *state)
{
	if (state->playback == EAR_STOPPED)
		state->position_us = state->duration_us = -1;
	if (state->duration_us == 0) /* not known yet, or a stream */
		state->duration_us = -1;
	if (state->duration_us >= 0 && state->position_us > state->duration_us)
		state->position_us = state->duration_us;
	state->seekable = state->duration_us > 0;
}

/* Of a radio station the title is what it plays; then its name; then the file. */
static void
finish_title(struct mpd_view *view)
{
	struct ear_player_state *state = &view->state;

	if (state->playback == EAR_STOPPED) {
		state->title[0] = state->artist[0] = state->album[0] = '\0';
		return;
	}
	if (state->title[0] == '\0')
		(void)copy_text(state->title, sizeof(state->title),
				view->station[0] != '\0' ? view->station : view->file);
}

static uint32_t
when(bool condition, enum ear_button button)
{
	return condition ? UINT32_C(1) << button : 0;
}

static uint32_t
what_it_can(const struct mpd_view *view)
{
	const struct ear_player_state *state = &view->state;
	bool something = view->length > 0, active = state->playback != EAR_STOPPED;

	return when(something, EAR_PLAY) | when(active, EAR_PAUSE) |
	       when(something, EAR_PLAYPAUSE) | when(active, EAR_STOP) |
	       when(view->next >= 0, EAR_NEXT) |
	       when(active ? view->song >= 0 : view->song > 0, EAR_PREVIOUS) |
	       when(state->seekable, EAR_SEEK) | when(state->volume >= 0, EAR_VOLUME) |
	       when(state->volume >= 0, EAR_MUTE) | when(true, EAR_SHUFFLE) |
	       when(true, EAR_REPEAT) | when(true, EAR_OPEN) | when(true, EAR_QUEUE) |
	       when(true, EAR_KEY);
}

int
mpd_view_finish(struct mpd_view *view, int *hushed)
{
	struct ear_player_state *state = &view->state;

	if (!view->has_state)
		return -EPROTO;
	state->repeat = !view->repeat  ? EAR_REPEAT_OFF
			: view->single ? EAR_REPEAT_ONE
				       : EAR_REPEAT_ALL;
	state->shuffle = view->random;
	finish_volume(state, hushed);
	finish_position(state);
	finish_title(view);
	state->can = what_it_can(view);
	return 0;
}

bool
mpd_view_is_loading(const struct mpd_view *view)
{
	return view->state.playback == EAR_PLAYING && !view->has_format;
}
