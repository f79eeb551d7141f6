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

static const char *const button_names[EAR_BUTTON_COUNT] = {
	[EAR_PLAY] = "play", [EAR_PAUSE] = "pause",   [EAR_PLAYPAUSE] = "playpause",
	[EAR_STOP] = "stop", [EAR_NEXT] = "next",     [EAR_PREVIOUS] = "previous",
	[EAR_SEEK] = "seek", [EAR_VOLUME] = "volume", [EAR_MUTE] = "mute",
};

const char *
ear_button_name(enum ear_button button)
{
	return name_at(button_names, EAR_BUTTON_COUNT, button);
}

int
ear_button_find(const char *name)
{
	for (int i = 0; i < EAR_BUTTON_COUNT; i++)
		if (strcmp(button_names[i], name) == 0)
			return i;
	return -1;
}

const char *
ear_playback_name(enum ear_playback playback)
{
	static const char *const names[] = {
		[EAR_STOPPED] = "stopped",
		[EAR_PLAYING] = "playing",
		[EAR_PAUSED] = "paused",
	};

	return name_at(names, COUNT(names), playback);
}
