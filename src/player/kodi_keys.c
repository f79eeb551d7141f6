/* SPDX-License-Identifier: ISC */
/*
 * kodi_keys.c: our keys as those of the remote control that Kodi knows. What its keymap has for a
 * button depends on the window (left is ten seconds back in a film, remote.xml), as with a remote
 * control in the hand. What that remote control lacks are actions and methods of their own.
 */
#include <errno.h>
#include <stdlib.h>

#include "player/kodi_view.h"

enum way {
	NOWHERE,
	BUTTON, /* of the remote control "R1" */
	ACTION,
	METHOD,
};

static const struct {
	enum way way;
	const char *name;
} keys[EAR_KEY_COUNT] = {
	[EAR_KEY_UP] = { BUTTON, "up" },
	[EAR_KEY_DOWN] = { BUTTON, "down" },
	[EAR_KEY_LEFT] = { BUTTON, "left" },
	[EAR_KEY_RIGHT] = { BUTTON, "right" },
	[EAR_KEY_OK] = { BUTTON, "select" },
	[EAR_KEY_BACK] = { BUTTON, "back" },
	[EAR_KEY_HOME] = { METHOD, "Input.Home" },
	[EAR_KEY_MENU] = { BUTTON, "menu" },
	[EAR_KEY_CONTEXT_MENU] = { METHOD, "Input.ContextMenu" },
	[EAR_KEY_INFO] = { BUTTON, "info" },
	[EAR_KEY_EPG] = { BUTTON, "guide" },
	[EAR_KEY_CHANNELUP] = { ACTION, "channelup" },
	[EAR_KEY_CHANNELDOWN] = { ACTION, "channeldown" },
	[EAR_KEY_PAGEUP] = { BUTTON, "pageplus" },
	[EAR_KEY_PAGEDOWN] = { BUTTON, "pageminus" },
	[EAR_KEY_FULL_SCREEN] = { ACTION, "fullscreen" },
	[EAR_KEY_RED] = { BUTTON, "red" },
	[EAR_KEY_GREEN] = { BUTTON, "green" },
	[EAR_KEY_YELLOW] = { BUTTON, "yellow" },
	[EAR_KEY_BLUE] = { BUTTON, "blue" },
	[EAR_KEY_NUMERIC_0 + 0] = { BUTTON, "zero" },
	[EAR_KEY_NUMERIC_0 + 1] = { BUTTON, "one" },
	[EAR_KEY_NUMERIC_0 + 2] = { BUTTON, "two" },
	[EAR_KEY_NUMERIC_0 + 3] = { BUTTON, "three" },
	[EAR_KEY_NUMERIC_0 + 4] = { BUTTON, "four" },
	[EAR_KEY_NUMERIC_0 + 5] = { BUTTON, "five" },
	[EAR_KEY_NUMERIC_0 + 6] = { BUTTON, "six" },
	[EAR_KEY_NUMERIC_0 + 7] = { BUTTON, "seven" },
	[EAR_KEY_NUMERIC_0 + 8] = { BUTTON, "eight" },
	[EAR_KEY_NUMERIC_0 + 9] = { BUTTON, "nine" },
};

int
kodi_plan_key(struct kodi_plan *plan, const struct ear_press *press)
{
	const char *name = keys[press->key].name;

	*plan = (struct kodi_plan){ 0 };
	if (keys[press->key].way == NOWHERE)
		return -EOPNOTSUPP;
	if (press->motion == EAR_UP)
		return 0;
	switch (keys[press->key].way) {
	case BUTTON:
		plan->method = "Input.ButtonEvent";
		plan->params = json_pack("{s:s, s:s}", "button", name, "keymap", "R1");
		break;
	case ACTION:
		plan->method = "Input.ExecuteAction";
		plan->params = json_pack("{s:s}", "action", name);
		break;
	case METHOD:
		plan->method = name;
		plan->params = json_object();
		break;
	case NOWHERE:
		break;
	}
	if (plan->params == NULL)
		abort();
	return 0;
}
