/* SPDX-License-Identifier: ISC */
/* names.c: what the contract's enumerations are called, on the wire and in front of people. */
#include <string.h>

#include <earshot/ear.h>

/* The name at that place; a value that no enumerator has is a bug of ours, told as "?". */
static const char *
name_at(const char *const *names, size_t count, size_t i)
{
	return i < count && names[i] != NULL ? names[i] : "?";
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *
ear_level_name(enum ear_level level)
{
	static const char *const names[] = {
		[EAR_PLAIN] = "plain",     [EAR_KEYED] = "keyed",   [EAR_PROVED] = "proved",
		[EAR_TRUSTED] = "trusted", [EAR_NOBODY] = "nobody",
	};

	return name_at(names, COUNT(names), level);
}

const char *
ear_verb_name(enum ear_verb verb)
{
	static const char *const names[EAR_VERB_COUNT] = {
		[EAR_VERB_OTHER] = "other",     [EAR_VERB_QUERY] = "query",
		[EAR_VERB_CHAT] = "chat",       [EAR_VERB_STATE] = "state",
		[EAR_VERB_BUTTONS] = "buttons", [EAR_VERB_SUBSCRIBE] = "subscribe",
		[EAR_VERB_PUBLISH] = "publish", [EAR_VERB_PAIR] = "pair",
		[EAR_VERB_ADMIN] = "admin",
	};

	return name_at(names, COUNT(names), verb);
}

const char *
ear_link_name(enum ear_link_kind kind)
{
	static const char *const names[] = {
		[EAR_LINK_NONE] = "none",
		[EAR_LINK_LOCAL] = "local",
		[EAR_LINK_LAN] = "lan",
		[EAR_LINK_SERVER] = "server",
	};

	return name_at(names, COUNT(names), kind);
}

const char *
ear_path_state_name(enum ear_path_state state)
{
	static const char *const names[] = {
		[EAR_PATH_IDLE] = "idle",
		[EAR_PATH_OPENING] = "opening",
		[EAR_PATH_UP] = "up",
		[EAR_PATH_FAILED] = "failed",
	};

	return name_at(names, COUNT(names), state);
}

const char *
ear_check_state_name(enum ear_check_state state)
{
	static const char *const names[] = {
		[EAR_CHECK_OK] = "ok",
		[EAR_CHECK_WARN] = "warn",
		[EAR_CHECK_FAIL] = "fail",
	};

	return name_at(names, COUNT(names), state);
}

/* The other way: the place of a name, or -1. */
static int
find_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

static const char *const button_names[EAR_BUTTON_COUNT] = {
	[EAR_PLAY] = "play",         [EAR_PAUSE] = "pause",     [EAR_PLAYPAUSE] = "playpause",
	[EAR_STOP] = "stop",         [EAR_NEXT] = "next",       [EAR_PREVIOUS] = "previous",
	[EAR_SEEK] = "seek",         [EAR_VOLUME] = "volume",   [EAR_MUTE] = "mute",
	[EAR_RATE] = "rate",         [EAR_SHUFFLE] = "shuffle", [EAR_REPEAT] = "repeat",
	[EAR_OPEN] = "open",         [EAR_QUEUE] = "queue",     [EAR_AUDIO] = "audio",
	[EAR_SUBTITLE] = "subtitle", [EAR_KEY] = "key",
};

const char *
ear_button_name(enum ear_button button)
{
	return name_at(button_names, EAR_BUTTON_COUNT, button);
}

int
ear_button_find(const char *name)
{
	return find_name(button_names, EAR_BUTTON_COUNT, name);
}

enum ear_value
ear_button_takes(enum ear_button button)
{
	static const enum ear_value values[EAR_BUTTON_COUNT] = {
		[EAR_SEEK] = EAR_VALUE_TIME,      [EAR_VOLUME] = EAR_VALUE_PERCENT,
		[EAR_MUTE] = EAR_VALUE_SWITCH,    [EAR_RATE] = EAR_VALUE_RATE,
		[EAR_SHUFFLE] = EAR_VALUE_SWITCH, [EAR_REPEAT] = EAR_VALUE_REPEAT,
		[EAR_OPEN] = EAR_VALUE_URL,       [EAR_QUEUE] = EAR_VALUE_URL,
		[EAR_AUDIO] = EAR_VALUE_TRACK,    [EAR_SUBTITLE] = EAR_VALUE_TRACK,
		[EAR_KEY] = EAR_VALUE_KEY,
	};

	return (size_t)button < COUNT(values) ? values[button] : EAR_VALUE_NONE;
}

static const char *const repeat_names[] = {
	[EAR_REPEAT_OFF] = "off",
	[EAR_REPEAT_ALL] = "all",
	[EAR_REPEAT_ONE] = "one",
};

const char *
ear_repeat_name(enum ear_repeat repeat)
{
	return name_at(repeat_names, COUNT(repeat_names), repeat);
}

int
ear_repeat_find(const char *name)
{
	return find_name(repeat_names, COUNT(repeat_names), name);
}

static const char *const key_names[EAR_KEY_COUNT] = {
	[EAR_KEY_UP] = "up",
	[EAR_KEY_DOWN] = "down",
	[EAR_KEY_LEFT] = "left",
	[EAR_KEY_RIGHT] = "right",
	[EAR_KEY_OK] = "ok",
	[EAR_KEY_BACK] = "back",
	[EAR_KEY_HOME] = "home",
	[EAR_KEY_MENU] = "menu",
	[EAR_KEY_CONTEXT_MENU] = "context_menu",
	[EAR_KEY_INFO] = "info",
	[EAR_KEY_EPG] = "epg",
	[EAR_KEY_PLAY] = "play",
	[EAR_KEY_PAUSE] = "pause",
	[EAR_KEY_PLAYPAUSE] = "playpause",
	[EAR_KEY_STOP] = "stop",
	[EAR_KEY_NEXTSONG] = "nextsong",
	[EAR_KEY_PREVIOUSSONG] = "previoussong",
	[EAR_KEY_FASTFORWARD] = "fastforward",
	[EAR_KEY_REWIND] = "rewind",
	[EAR_KEY_VOLUMEUP] = "volumeup",
	[EAR_KEY_VOLUMEDOWN] = "volumedown",
	[EAR_KEY_MUTE] = "mute",
	[EAR_KEY_CHANNELUP] = "channelup",
	[EAR_KEY_CHANNELDOWN] = "channeldown",
	[EAR_KEY_PAGEUP] = "pageup",
	[EAR_KEY_PAGEDOWN] = "pagedown",
	[EAR_KEY_SUBTITLE] = "subtitle",
	[EAR_KEY_AUDIO] = "audio",
	[EAR_KEY_FULL_SCREEN] = "full_screen",
	[EAR_KEY_RED] = "red",
	[EAR_KEY_GREEN] = "green",
	[EAR_KEY_YELLOW] = "yellow",
	[EAR_KEY_BLUE] = "blue",
	[EAR_KEY_NUMERIC_0] = "numeric_0",
	[EAR_KEY_NUMERIC_0 + 1] = "numeric_1",
	[EAR_KEY_NUMERIC_0 + 2] = "numeric_2",
	[EAR_KEY_NUMERIC_0 + 3] = "numeric_3",
	[EAR_KEY_NUMERIC_0 + 4] = "numeric_4",
	[EAR_KEY_NUMERIC_0 + 5] = "numeric_5",
	[EAR_KEY_NUMERIC_0 + 6] = "numeric_6",
	[EAR_KEY_NUMERIC_0 + 7] = "numeric_7",
	[EAR_KEY_NUMERIC_0 + 8] = "numeric_8",
	[EAR_KEY_NUMERIC_9] = "numeric_9",
};

const char *
ear_remote_key_name(enum ear_remote_key key)
{
	return name_at(key_names, EAR_KEY_COUNT, key);
}

int
ear_remote_key_find(const char *name)
{
	return find_name(key_names, EAR_KEY_COUNT, name);
}

static const char *const motion_names[] = {
	[EAR_PRESSED] = "press",
	[EAR_DOWN] = "down",
	[EAR_HELD] = "held",
	[EAR_UP] = "up",
};

const char *
ear_motion_name(enum ear_motion motion)
{
	return name_at(motion_names, COUNT(motion_names), motion);
}

int
ear_motion_find(const char *name)
{
	return find_name(motion_names, COUNT(motion_names), name);
}

static const char *const playback_names[] = {
	[EAR_STOPPED] = "stopped",
	[EAR_PLAYING] = "playing",
	[EAR_PAUSED] = "paused",
};

const char *
ear_playback_name(enum ear_playback playback)
{
	return name_at(playback_names, COUNT(playback_names), playback);
}

int
ear_playback_find(const char *name)
{
	return find_name(playback_names, COUNT(playback_names), name);
}
