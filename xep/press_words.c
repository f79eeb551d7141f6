/* SPDX-License-Identifier: ISC */
/* press_words.c: presses as people type them; pure, and fuzzed. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "press_value.h"
#include "press_words.h"

#define BLANKS    " \t\r\n"
#define TYPED_MAX (EAR_URL_MAX + 64) /* bytes of a command: a URL and the word before it */
#define HOURS_MAX 100000

/* A word, and the button that it is. */
static const struct word {
	const char *word;
	enum ear_button button;
	bool takes;        /* something may stand behind it */
	char sign;         /* before that; 0: none */
	const char *value; /* where nothing stands behind it; NULL: none */
} all_words[] = {
	{ "play", EAR_PLAY, false, 0, NULL },        { "resume", EAR_PLAY, false, 0, NULL },
	{ "pause", EAR_PAUSE, false, 0, NULL },      { "playpause", EAR_PLAYPAUSE, false, 0, NULL },
	{ "toggle", EAR_PLAYPAUSE, false, 0, NULL }, { "stop", EAR_STOP, false, 0, NULL },
	{ "next", EAR_NEXT, false, 0, NULL },        { "skip", EAR_NEXT, false, 0, NULL },
	{ "prev", EAR_PREVIOUS, false, 0, NULL },    { "previous", EAR_PREVIOUS, false, 0, NULL },
	{ "seek", EAR_SEEK, true, 0, NULL },         { "goto", EAR_SEEK, true, 0, NULL },
	{ "forward", EAR_SEEK, true, '+', "+30" },   { "back", EAR_SEEK, true, '-', "-10" },
	{ "vol", EAR_VOLUME, true, 0, NULL },        { "volume", EAR_VOLUME, true, 0, NULL },
	{ "louder", EAR_VOLUME, true, '+', "+5" },   { "quieter", EAR_VOLUME, true, '-', "-5" },
	{ "softer", EAR_VOLUME, true, '-', "-5" },   { "mute", EAR_MUTE, true, 0, NULL },
	{ "unmute", EAR_MUTE, false, 0, "off" },     { "speed", EAR_RATE, true, 0, NULL },
	{ "rate", EAR_RATE, true, 0, NULL },         { "shuffle", EAR_SHUFFLE, true, 0, NULL },
	{ "repeat", EAR_REPEAT, true, 0, NULL },     { "open", EAR_OPEN, true, 0, NULL },
	{ "queue", EAR_QUEUE, true, 0, NULL },       { "audio", EAR_AUDIO, true, 0, NULL },
	{ "sub", EAR_SUBTITLE, true, 0, NULL },      { "subs", EAR_SUBTITLE, true, 0, NULL },
	{ "subtitle", EAR_SUBTITLE, true, 0, NULL }, { "subtitles", EAR_SUBTITLE, true, 0, NULL },
};

/* Whole sentences that ask. */
static const struct phrase {
	const char *text;
	enum words_kind kind;
} phrases[] = {
	{ "now", WORDS_NOW },
	{ "np", WORDS_NOW },
	{ "status", WORDS_NOW },
	{ "what's on", WORDS_NOW },
	{ "whats on", WORDS_NOW },
	{ "what is on", WORDS_NOW },
	{ "now playing", WORDS_NOW },
	{ "what\xe2\x80\x99s on", WORDS_NOW }, /* as phones write it */
	{ "help", WORDS_HELP },
};

/* The codes of NoTube's Buttons (2009) are keys, as buttons.md §5.2 has it. */
static const struct code {
	const char *code, *key;
	enum words_kind kind;
} codes[] = {
	{ "PLPZ", "playpause", WORDS_PRESS },
	{ "MENU", "menu", WORDS_PRESS },
	{ "OKAY", "ok", WORDS_PRESS },
	{ "INFO", "info", WORDS_PRESS },
	{ "LEFT", "left", WORDS_PRESS },
	{ "RIGH", "right", WORDS_PRESS },
	{ "FFWD", "fastforward", WORDS_PRESS },
	{ "REWD", "rewind", WORDS_PRESS },
	{ "LOUD", "volumeup", WORDS_PRESS },
	{ "HUSH", "volumedown", WORDS_PRESS },
	{ "PLUS", "channelup", WORDS_PRESS },
	{ "MINU", "channeldown", WORDS_PRESS },
	{ "NOWP", NULL, WORDS_NOW },
	{ "HELP", NULL, WORDS_HELP },
};

const char *
press_help(void)
{
	return "play, pause, stop, next, prev\n"
	       "seek 1:30, +30, back 10, speed 1.5\n"
	       "vol 40, vol +5, louder, quieter, mute\n"
	       "open URL, queue URL, shuffle on, repeat all\n"
	       "audio 2, sub off, key up\n"
	       "what's on, help";
}

const char *
press_hint(enum ear_button button)
{
	switch (ear_button_takes(button)) {
	case EAR_VALUE_TIME:
		return "a time is wanted: 1:30, or +30 and -10 from where it is";
	case EAR_VALUE_PERCENT:
		return "a volume from 0 to 100 is wanted, or +5 and -5";
	case EAR_VALUE_SWITCH:
		return "on or off is wanted, or nothing for the other one";
	case EAR_VALUE_RATE:
		return "a speed from 0.1 to 4 is wanted; 1 is normal";
	case EAR_VALUE_REPEAT:
		return "off, all or one is wanted, or nothing for the next of these";
	case EAR_VALUE_URL:
		return "a URL is wanted, such as https://example.org/film.mp4";
	case EAR_VALUE_TRACK:
		return "the number of a track is wanted, or off, or nothing for the next one";
	case EAR_VALUE_KEY:
		return "a key is wanted: up, down, left, right, ok, back, home, menu, info and "
		       "others";
	case EAR_VALUE_NONE:
		break;
	}
	return "no value is wanted";
}

/* --- time --------------------------------------------------------------------------------- */

/* The digits before a colon, times 60 with what was before. */
static const char *
take_part(const char *text, int64_t *minutes)
{
	int64_t part = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 6)
		return NULL;
	for (size_t i = 0; i < digits; i++)
		part = part * 10 + (text[i] - '0');
	*minutes = *minutes * 60 + part;
	return text + digits;
}

int
press_time(const char *text, char *out, size_t size)
{
	const char *sign = *text == '+' ? "+" : *text == '-' ? "-" : "", *colon;
	int64_t minutes = 0;
	int64_t seconds;
	const char *end;
	int parts = 0;

	for (text += strlen(sign); (colon = strchr(text, ':')) != NULL; text = colon + 1)
		if (++parts > 2 || take_part(text, &minutes) != colon)
			return -EINVAL;
	if (minutes > INT64_C(60) * HOURS_MAX)
		return -ERANGE;
	/* What is behind the point stays text. */
	seconds = minutes;
	end = take_part(text, &seconds);
	if (end == NULL || (*end != '\0' && *end != '.'))
		return -EINVAL;
	return (size_t)snprintf(out, size, "%s%" PRId64 "%s", sign, seconds, end) < size ? 0
											 : -EINVAL;
}

/* --- words -------------------------------------------------------------------------------- */

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text += 'a' - 'A';
}

/* Without the blanks around it, in out; false: it is too long, or empty. */
static bool
trim(const char *text, char *out, size_t size)
{
	size_t length;

	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
		length--;
	if (length == 0 || length >= size)
		return false;
	memcpy(out, text, length);
	out[length] = '\0';
	return true;
}

static int
find_phrase(const char *typed, struct press_words *words)
{
	char text[32];
	size_t length = strlen(typed);

	if (strcmp(typed, "?") == 0) {
		words->kind = WORDS_NOW;
		return 0;
	}
	if (length >= sizeof(text))
		return -ENOENT;
	memcpy(text, typed, length + 1);
	lower(text);
	while (length > 0 && strchr("? ", text[length - 1]) != NULL)
		text[--length] = '\0';
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (strcmp(phrases[i].text, text) == 0) {
			words->kind = phrases[i].kind;
			return 0;
		}
	return -ENOENT;
}

/* "40 %" */
static void
drop_percent(char *value)
{
	size_t length = strlen(value);

	if (length == 0 || value[length - 1] != '%')
		return;
	do
		value[--length] = '\0';
	while (length > 0 && strchr(BLANKS, value[length - 1]) != NULL);
}

/* value is what was typed behind the word, of TYPED_MAX bytes; it becomes what press_parse() takes.
 */
static int
read_value(enum ear_value kind, char sign, char *value)
{
	char given[64];

	if (kind == EAR_VALUE_URL)
		return 0;
	lower(value);
	if (kind == EAR_VALUE_PERCENT)
		drop_percent(value);
	if (strlen(value) + 2 > sizeof(given) || (sign != 0 && (*value == '+' || *value == '-')))
		return -EINVAL;
	snprintf(given, sizeof(given), "%.1s%s", sign == 0 ? "" : &sign, value);
	if (kind == EAR_VALUE_TIME)
		return press_time(given, value, TYPED_MAX);
	memcpy(value, given, strlen(given) + 1);
	return 0;
}

/* The URL has to outlive what was typed. */
static void
keep_text(struct press_words *words)
{
	if (words->press.text == NULL)
		return;
	snprintf(words->text, sizeof(words->text), "%s", words->press.text);
	words->press.text = words->text;
}

static int
press_of(enum ear_button button, const char *value, struct press_words *words)
{
	int error = press_parse(ear_button_name(button), value, &words->press);

	words->kind = WORDS_PRESS;
	words->why = press_hint(button);
	if (error == 0)
		keep_text(words);
	return error;
}

static int
read_word(const struct word *word, char *value, struct press_words *words)
{
	int error;

	if (*value == '\0')
		return press_of(word->button, word->value, words);
	if (!word->takes)
		return -ENOENT; /* "play it again" is talk */
	error = read_value(ear_button_takes(word->button), word->sign, value);
	words->why = press_hint(word->button);
	return error != 0 ? error : press_of(word->button, value, words);
}

/* "key up", "key ok held" */
static int
read_key(char *value, struct press_words *words)
{
	char *motion;
	int error;

	words->why = press_hint(EAR_KEY);
	lower(value);
	motion = strpbrk(value, BLANKS);
	if (motion != NULL) {
		*motion++ = '\0';
		motion += strspn(motion, BLANKS);
	}
	error = press_parse_key(value, motion, &words->press);
	words->kind = WORDS_PRESS;
	return error == 0 ? 0 : -EINVAL;
}

int
press_words_parse(const char *text, struct press_words *words)
{
	char typed[TYPED_MAX], value[TYPED_MAX] = "";
	size_t length;

	*words = (struct press_words){ .why = "" };
	if (!trim(text, typed, sizeof(typed)))
		return -ENOENT;
	if (press_code_parse(typed, words) == 0 || find_phrase(typed, words) == 0)
		return 0;
	length = strcspn(typed, BLANKS);
	trim(typed + length, value, sizeof(value));
	if ((*typed == '+' || *typed == '-') && *value == '\0')
		return press_time(typed, value, sizeof(value)) != 0
			       ? -ENOENT
			       : press_of(EAR_SEEK, value, words);
	typed[length] = '\0';
	lower(typed);
	if (strcmp(typed, "key") == 0)
		return read_key(value, words);
	for (size_t i = 0; i < sizeof(all_words) / sizeof(all_words[0]); i++)
		if (strcmp(all_words[i].word, typed) == 0)
			return read_word(&all_words[i], value, words);
	return -ENOENT;
}

int
press_code_parse(const char *code, struct press_words *words)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(codes[i].code, code) != 0)
			continue;
		words->kind = codes[i].kind;
		return codes[i].key == NULL ? 0
					    : press_parse_key(codes[i].key, NULL, &words->press);
	}
	return -ENOENT;
}
