/* SPDX-License-Identifier: ISC */
/* names.c: buttons and playback by name. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include <earshot/player.h>

static const char *const buttons[EAR_BUTTON_COUNT] = {
	[EAR_PLAY] = "play", [EAR_PAUSE] = "pause",   [EAR_PLAYPAUSE] = "playpause",
	[EAR_STOP] = "stop", [EAR_NEXT] = "next",     [EAR_PREVIOUS] = "previous",
	[EAR_SEEK] = "seek", [EAR_VOLUME] = "volume", [EAR_MUTE] = "mute",
};

const char *
ear_button_name(enum ear_button button)
{
	assert(button < EAR_BUTTON_COUNT);
	return buttons[button];
}

int
ear_button_find(const char *name)
{
	for (int i = 0; i < EAR_BUTTON_COUNT; i++)
		if (strcmp(buttons[i], name) == 0)
			return i;
	return -1;
}

const char *
ear_playback_name(enum ear_playback playback)
{
	switch (playback) {
	case EAR_STOPPED:
		return "stopped";
	case EAR_PLAYING:
		return "playing";
	case EAR_PAUSED:
		return "paused";
	}
	return "stopped";
}
