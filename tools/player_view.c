/* SPDX-License-Identifier: ISC */
/* player_view.c: what a <state/> tells: everything in it is somebody else's word. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "base/alloc.h"
#include "cli.h"
#include "player_view.h"

#define SECONDS_MAX 1e8
#define VOLUME_MAX  1000
#define TRACK_MAX   999
#define TEXT_MAX    (2 * 4096)

/* --- reading ------------------------------------------------------------------------------ */

/* Cuts at the last whole character that fits; a byte that is none stays, to be escaped. */
static void
read_text(char *out, size_t size, xmpp_stanza_t *state, const char *name)
{
	const char *text = xmpp_stanza_get_attribute(state, name);
	size_t left = text == NULL ? 0 : strlen(text), used = 0;
	ucs4_t c;

	while (used < left) {
		int length = u8_mbtoucr(&c, (const uint8_t *)text + used, left - used);

		length = length <= 0 ? 1 : length;
		if (used + length >= size)
			break;
		used += length;
	}
	if (used > 0)
		memcpy(out, text, used);
	out[used] = '\0';
}

/* A number from 0 to max times scale, or -1. */
static int64_t
read_number(xmpp_stanza_t *state, const char *name, double max, double scale)
{
	const char *text = xmpp_stanza_get_attribute(state, name);
	char *end;
	double number = text == NULL ? -1 : strtod(text, &end);

	if (text == NULL || end == text || *end != '\0' || !(number >= 0 && number <= max))
		return -1;
	return (int64_t)llround(number * scale);
}

/* 1, 0, or -1 when it is not told. */
static int
read_flag(xmpp_stanza_t *state, const char *name)
{
	const char *text = xmpp_stanza_get_attribute(state, name);

	return text == NULL ? -1 : strcmp(text, "true") == 0;
}

static void
read_can(struct player_view *view, xmpp_stanza_t *state)
{
	const char *can = xmpp_stanza_get_attribute(state, "can");
	char word[16];

	view->has_can = can != NULL;
	while (can != NULL && *can != '\0') {
		size_t length = strcspn(can, " ");

		if (length > 0 && length < sizeof(word)) {
			int button;

			memcpy(word, can, length);
			word[length] = '\0';
			button = ear_button_find(word);
			if (button >= 0)
				view->state.can |= 1u << button;
		}
		can += length + (can[length] == ' ');
	}
}

static void
read_fields(struct player_view *view, xmpp_stanza_t *state)
{
	struct ear_player_state *s = &view->state;
	const char *repeat = xmpp_stanza_get_attribute(state, "repeat");
	int64_t rate = read_number(state, "rate", (double)EAR_RATE_MAX / 1000, 1000);

	read_text(s->name, sizeof(s->name), state, "name");
	read_text(s->title, sizeof(s->title), state, "title");
	read_text(s->artist, sizeof(s->artist), state, "artist");
	read_text(s->album, sizeof(s->album), state, "album");
	s->position_us = read_number(state, "position", SECONDS_MAX, 1e6);
	s->duration_us = read_number(state, "duration", SECONDS_MAX, 1e6);
	s->volume = (int)read_number(state, "volume", VOLUME_MAX, 1);
	s->rate = rate <= 0 ? 1000 : (int)rate;
	s->shuffle = read_flag(state, "shuffle");
	s->repeat = repeat == NULL ? -1 : ear_repeat_find(repeat);
	s->audio = (int)read_number(state, "audio", TRACK_MAX, 1);
	s->audio_count = (int)read_number(state, "audios", TRACK_MAX, 1);
	s->subtitle = (int)read_number(state, "subtitle", TRACK_MAX, 1);
	s->subtitle_count = (int)read_number(state, "subtitles", TRACK_MAX, 1);
	s->muted = read_flag(state, "muted") == 1;
	s->seekable = read_flag(state, "seekable") == 1;
	read_can(view, state);
}

int
player_view_read(struct player_view *view, xmpp_stanza_t *state)
{
	const char *playback = xmpp_stanza_get_attribute(state, "playback");
	int found = playback == NULL ? -1 : ear_playback_find(playback);

	*view = (struct player_view){ 0 };
	read_text(view->kind, sizeof(view->kind), state, "player");
	if (found < 0)
		return strcmp(view->kind, "none") == 0 ? 0 : -EPROTO;
	view->is_player = true;
	view->state.playback = found;
	view->state.at = cli_now();
	read_fields(view, state);
	return 0;
}

/* --- as a line ---------------------------------------------------------------------------- */

static double
seconds(int64_t usec)
{
	return usec < 0 ? -1 : (double)usec / 1e6;
}

struct line {
	char text[TEXT_MAX];
	size_t length;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct line *line, const char *format, ...)
{
	size_t left = sizeof(line->text) - line->length;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->length, left, format, args);
	va_end(args);
	line->length += n < 0 ? 0 : (size_t)n < left ? (size_t)n : left - 1;
}

/* "audio 1 of 2"; nothing where there is no choice. */
static void
add_track(struct line *line, const char *what, int track, int count)
{
	if (count < 1 || track < 0)
		return;
	if (track == 0)
		add(line, "  %s off", what);
	else
		add(line, "  %s %d of %d", what, track, count);
}

/* What is as everybody expects it is not worth a word. */
static void
add_modes(struct line *line, const struct ear_player_state *s)
{
	if (s->rate != 1000)
		add(line, "  rate %g", s->rate / 1e3);
	if (s->shuffle == 1)
		add(line, "  shuffle");
	if (s->repeat > EAR_REPEAT_OFF)
		add(line, "  repeat %s", ear_repeat_name(s->repeat));
	if (s->audio_count > 1)
		add_track(line, "audio", s->audio, s->audio_count);
	add_track(line, "subtitle", s->subtitle, s->subtitle_count);
}

static void
add_title(struct line *line, const struct ear_player_state *s)
{
	if (s->title[0] != '\0')
		add(line, "  %s", s->title);
	if (s->artist[0] != '\0')
		add(line, "%s%s", s->title[0] == '\0' ? "  " : ", by ", s->artist);
	if (s->album[0] != '\0')
		add(line, "  (%s)", s->album);
}

char *
player_view_text(const struct player_view *view)
{
	const struct ear_player_state *s = &view->state;
	char position[32], duration[32];
	struct line *line;
	char *clean;

	if (!view->is_player)
		return xstrdup("no player");
	line = xalloc(sizeof(*line));
	out_time(position, sizeof(position), seconds(s->position_us));
	out_time(duration, sizeof(duration), seconds(s->duration_us));
	add(line, "%s  %s / %s", ear_playback_name(s->playback), position, duration);
	if (s->volume >= 0)
		add(line, "  volume %d %%", s->volume);
	if (s->muted)
		add(line, "  muted");
	add_modes(line, s);
	add_title(line, s);
	clean = out_escape(line->text, false);
	free(line);
	return clean;
}

/* --- as JSON ------------------------------------------------------------------------------ */

static void
put_text(json_t *object, const char *key, const char *text)
{
	json_put_text(object, key, text[0] == '\0' ? NULL : text);
}

static void
put_seconds(json_t *object, const char *key, int64_t usec)
{
	json_object_set_new(object, key, usec < 0 ? json_null() : json_real(seconds(usec)));
}

static void
put_number(json_t *object, const char *key, int number)
{
	json_object_set_new(object, key, number < 0 ? json_null() : json_integer(number));
}

static json_t *
can_json(uint32_t can)
{
	json_t *list = json_array();

	for (int i = 0; i < EAR_BUTTON_COUNT; i++)
		if (can & 1u << i)
			json_array_append_new(list, json_string(ear_button_name(i)));
	return list;
}

void
player_view_json(const struct player_view *view, json_t *object)
{
	struct ear_player_state s = view->state;

	if (!view->is_player) {
		s.position_us = s.duration_us = s.volume = s.shuffle = s.repeat = -1;
		s.audio = s.audio_count = s.subtitle = s.subtitle_count = -1;
	}
	put_text(object, "player", view->kind);
	put_text(object, "name", s.name);
	json_put_text(object, "playback", view->is_player ? ear_playback_name(s.playback) : NULL);
	put_text(object, "title", s.title);
	put_text(object, "artist", s.artist);
	put_text(object, "album", s.album);
	put_seconds(object, "position", s.position_us);
	put_seconds(object, "duration", s.duration_us);
	put_number(object, "volume", s.volume);
	json_object_set_new(object, "muted", view->is_player ? json_boolean(s.muted) : json_null());
	json_object_set_new(object, "seekable",
			    view->is_player ? json_boolean(s.seekable) : json_null());
	json_object_set_new(object, "rate",
			    view->is_player ? json_real(s.rate / 1e3) : json_null());
	json_object_set_new(object, "shuffle",
			    s.shuffle < 0 ? json_null() : json_boolean(s.shuffle));
	json_put_text(object, "repeat", s.repeat < 0 ? NULL : ear_repeat_name(s.repeat));
	put_number(object, "audio", s.audio);
	put_number(object, "audios", s.audio_count);
	put_number(object, "subtitle", s.subtitle);
	put_number(object, "subtitles", s.subtitle_count);
	json_object_set_new(object, "can", can_json(s.can));
}
