/* SPDX-License-Identifier: ISC */
/*
 * mpv_keys.c: the keys of a remote control by mpv's names.
 *
 * Media keys are verbs, as with every kind of player: mpv's own STOP would quit, and its VOLUME_UP
 * goes on into distortion. The others are mpv's: what they do is up to its input.conf and scripts.
 */
#include "player/mpv_view.h"

static const char *const names[EAR_KEY_COUNT] = {
	[EAR_KEY_UP] = "UP",
	[EAR_KEY_DOWN] = "DOWN",
	[EAR_KEY_LEFT] = "LEFT",
	[EAR_KEY_RIGHT] = "RIGHT",
	/* Menus take it; without one, ENTER would be the next file. */
	[EAR_KEY_OK] = "KP_ENTER",
	[EAR_KEY_BACK] = "ESC",
	[EAR_KEY_HOME] = "HOMEPAGE",
	[EAR_KEY_MENU] = "MENU",
	[EAR_KEY_CONTEXT_MENU] = "MENU", /* what that key of a keyboard opens */
	[EAR_KEY_INFO] = "i",
	[EAR_KEY_EPG] = "F8", /* shows the playlist: what comes next */
	[EAR_KEY_CHANNELUP] = "CHANNEL_UP",
	[EAR_KEY_CHANNELDOWN] = "CHANNEL_DOWN",
	[EAR_KEY_PAGEUP] = "PGUP",
	[EAR_KEY_PAGEDOWN] = "PGDWN",
	[EAR_KEY_FULL_SCREEN] = "f",
	/* Free to be bound, while the digits of a keyboard change contrast and brightness. */
	[EAR_KEY_NUMERIC_0] = "KP0",
	[EAR_KEY_NUMERIC_0 + 1] = "KP1",
	[EAR_KEY_NUMERIC_0 + 2] = "KP2",
	[EAR_KEY_NUMERIC_0 + 3] = "KP3",
	[EAR_KEY_NUMERIC_0 + 4] = "KP4",
	[EAR_KEY_NUMERIC_0 + 5] = "KP5",
	[EAR_KEY_NUMERIC_0 + 6] = "KP6",
	[EAR_KEY_NUMERIC_0 + 7] = "KP7",
	[EAR_KEY_NUMERIC_0 + 8] = "KP8",
	[EAR_KEY_NUMERIC_9] = "KP9",
};

const char *
mpv_key_name(enum ear_remote_key key)
{
	return names[key];
}
