/* SPDX-License-Identifier: ISC */
/* player_state.c: the player's state for others: as an element, and in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "player_state.h"

static void
set_text(xmpp_stanza_t *element, const char *name, const char *text)
{
	if (text[0] != '\0')
		ear_set(element, name, "%s", text);
}

static void
set_seconds(xmpp_stanza_t *element, const char *name, int64_t usec)
{
	if (usec >= 0)
		ear_set(element, name, "%" PRId64 ".%03" PRId64, usec / EAR_SEC,
			usec % EAR_SEC / EAR_MSEC);
}

static void
set_number(xmpp_stanza_t *element, const char *name, int number)
{
	if (number >= 0)
		ear_set(element, name, "%d", number);
}

static void
set_rate(xmpp_stanza_t *element, int rate)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d.%03d", rate / 1000, rate % 1000);

	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[--length] = '\0';
	ear_set(element, "rate", "%s", text);
}

static void
set_can(xmpp_stanza_t *element, uint32_t can)
{
	char text[32 * EAR_BUTTON_COUNT];
	size_t length = 0;

	text[0] = '\0';
	for (int i = 0; i < EAR_BUTTON_COUNT; i++)
		if (can & 1u << i)
			length += snprintf(text + length, sizeof(text) - length, "%s%s",
					   length == 0 ? "" : " ", ear_button_name(i));
	ear_set(element, "can", "%s", text);
}

static void
set_tracks(xmpp_stanza_t *element, const struct ear_player_state *state)
{
	set_number(element, "audio", state->audio);
	set_number(element, "audios", state->audio_count);
	set_number(element, "subtitle", state->subtitle);
	set_number(element, "subtitles", state->subtitle_count);
}

static void
set_modes(xmpp_stanza_t *element, const struct ear_player_state *state)
{
	set_rate(element, state->rate);
	if (state->shuffle >= 0)
		ear_set_flag(element, "shuffle", state->shuffle != 0);
	if (state->repeat >= 0)
		ear_set(element, "repeat", "%s", ear_repeat_name(state->repeat));
}

xmpp_stanza_t *
player_state_element(struct ear *ear, const struct ear_player_state *state)
{
	xmpp_stanza_t *element = ear_element(ear_ctx(ear), "state", EAR_NS_BUTTONS);

	if (state == NULL) {
		ear_set(element, "player", "none");
		return element;
	}
	ear_set(element, "player", "%s", ear_player_kind(ear_player(ear)));
	set_text(element, "name", state->name);
	ear_set(element, "playback", "%s", ear_playback_name(state->playback));
	set_text(element, "title", state->title);
	set_text(element, "artist", state->artist);
	set_text(element, "album", state->album);
	set_seconds(element, "position", ear_player_position(state, ear_now(ear_clock(ear))));
	set_seconds(element, "duration", state->duration_us);
	set_number(element, "volume", state->volume);
	ear_set_flag(element, "muted", state->muted);
	ear_set_flag(element, "seekable", state->seekable);
	set_modes(element, state);
	set_tracks(element, state);
	set_can(element, state->can);
	return element;
}

/* "1:02:03", "2:03". */
static void
clock_text(int64_t usec, char *out, size_t size)
{
	int64_t seconds = usec / EAR_SEC, hours = seconds / 3600;

	if (hours > 0)
		snprintf(out, size, "%" PRId64 ":%02d:%02d", hours, (int)(seconds / 60 % 60),
			 (int)(seconds % 60));
	else
		snprintf(out, size, "%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
}

/* " 0:12 of 10:34" */
static void
time_words(const struct ear_player_state *state, int64_t now, char *out, size_t size)
{
	int64_t position = ear_player_position(state, now);
	char at[32], of[32];

	out[0] = '\0';
	if (position < 0 || state->playback == EAR_STOPPED)
		return;
	clock_text(position, at, sizeof(at));
	clock_text(state->duration_us, of, sizeof(of));
	snprintf(out, size, " %s%s%s", at, state->duration_us < 0 ? "" : " of ",
		 state->duration_us < 0 ? "" : of);
}

void
player_state_words(const struct ear_player_state *state, int64_t now, char *out, size_t size)
{
	char at[72], volume[32] = "";
	bool titled;

	if (state == NULL) {
		snprintf(out, size, "no player");
		return;
	}
	titled = state->title[0] != '\0';
	time_words(state, now, at, sizeof(at));
	if (state->volume >= 0)
		snprintf(volume, sizeof(volume), ", volume %d %%%s", state->volume,
			 state->muted ? " (muted)" : "");
	snprintf(out, size, "%s%s%s%s%s%s%s", ear_playback_name(state->playback), at, volume,
		 titled ? ": " : "", state->title,
		 titled && state->artist[0] != '\0' ? ", by " : "", titled ? state->artist : "");
}
