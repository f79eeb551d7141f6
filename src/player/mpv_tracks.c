/* SPDX-License-Identifier: ISC */
/* mpv_tracks.c: mpv's tracks by our numbers. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "player/mpv_view.h"

/* A second subtitle beside the main one is not the one that is chosen here. */
static bool
is_played(json_t *track)
{
	return json_is_true(json_object_get(track, "selected")) &&
	       json_integer_value(json_object_get(track, "main-selection")) == 0;
}

static void
add_track(struct mpv_tracks *tracks, json_t *track)
{
	json_int_t id = json_integer_value(json_object_get(track, "id"));

	if (tracks->count == MPV_TRACKS_MAX || id < 1 || id > INT_MAX)
		return;
	tracks->ids[tracks->count++] = (int)id;
	if (tracks->selected == 0 && is_played(track))
		tracks->selected = tracks->count;
}

int
mpv_tracks_read(struct mpv_tracks *audio, struct mpv_tracks *subtitle, json_t *list)
{
	json_t *track;
	size_t i;

	audio->count = audio->selected = subtitle->count = subtitle->selected = 0;
	if (!json_is_array(list))
		return -EPROTO;
	json_array_foreach(list, i, track)
	{
		const char *type = json_string_value(json_object_get(track, "type"));

		if (type != NULL && strcmp(type, "audio") == 0)
			add_track(audio, track);
		else if (type != NULL && strcmp(type, "sub") == 0)
			add_track(subtitle, track);
	}
	return 0;
}
