/* SPDX-License-Identifier: ISC */
/* test_press_words.c: what people type, and the codes of the first Buttons. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "press_words.h"

static struct press_words words;

static void
test_presses(void **state)
{
	static const struct {
		const char *typed, *button;
		bool has_value, relative;
		int64_t value;
	} cases[] = {
		{ "pause", "pause", false, false, 0 },
		{ "  PAUSE \n", "pause", false, false, 0 },
		{ "play", "play", false, false, 0 },
		{ "toggle", "playpause", false, false, 0 },
		{ "Stop", "stop", false, false, 0 },
		{ "next", "next", false, false, 0 },
		{ "prev", "previous", false, false, 0 },
		{ "vol 40", "volume", true, false, 40 },
		{ "volume   40 %", "volume", true, false, 40 },
		{ "vol 40%", "volume", true, false, 40 },
		{ "vol +5", "volume", true, true, 5 },
		{ "louder", "volume", true, true, 5 },
		{ "louder 20", "volume", true, true, 20 },
		{ "quieter", "volume", true, true, -5 },
		{ "mute", "mute", false, false, 0 },
		{ "mute ON", "mute", true, false, 1 },
		{ "unmute", "mute", true, false, 0 },
		{ "seek 90", "seek", true, false, 90 * EAR_SEC },
		{ "seek 1:30", "seek", true, false, 90 * EAR_SEC },
		{ "seek 1:02:03.5", "seek", true, false, 3723 * EAR_SEC + EAR_SEC / 2 },
		{ "seek -0:30", "seek", true, true, -30 * EAR_SEC },
		{ "+30", "seek", true, true, 30 * EAR_SEC },
		{ "-1:00", "seek", true, true, -60 * EAR_SEC },
		{ "back 10", "seek", true, true, -10 * EAR_SEC },
		{ "back", "seek", true, true, -10 * EAR_SEC },
		{ "forward 1:00", "seek", true, true, 60 * EAR_SEC },
		{ "speed 1.5", "rate", true, false, 1500 },
		{ "shuffle on", "shuffle", true, false, 1 },
		{ "repeat all", "repeat", true, false, EAR_REPEAT_ALL },
		{ "repeat", "repeat", false, false, 0 },
		{ "sub off", "subtitle", true, false, 0 },
		{ "audio 2", "audio", true, false, 2 },
		{ "audio", "audio", false, false, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(press_words_parse(cases[i].typed, &words), 0);
		assert_int_equal(words.kind, WORDS_PRESS);
		assert_string_equal(ear_button_name(words.press.button), cases[i].button);
		assert_int_equal(words.press.has_value, cases[i].has_value);
		assert_int_equal(words.press.relative, cases[i].relative);
		assert_int_equal(words.press.value, cases[i].value);
	}
}

/* The text is the parser's own, and keeps its case. */
static void
test_urls(void **state)
{
	char typed[64] = "Open HTTPS://example.org/A.mp4?b=C ";

	assert_int_equal(press_words_parse(typed, &words), 0);
	memset(typed, 'x', sizeof(typed));
	assert_int_equal(words.press.button, EAR_OPEN);
	assert_string_equal(words.press.text, "HTTPS://example.org/A.mp4?b=C");
	assert_int_equal(press_words_parse("queue file:///a", &words), 0);
	assert_int_equal(words.press.button, EAR_QUEUE);
	assert_string_equal(words.press.text, "file:///a");
}

static void
test_keys(void **state)
{
	assert_int_equal(press_words_parse("key up", &words), 0);
	assert_int_equal(words.press.button, EAR_KEY);
	assert_int_equal(words.press.key, EAR_KEY_UP);
	assert_int_equal(words.press.motion, EAR_PRESSED);
	assert_int_equal(press_words_parse("Key OK  held", &words), 0);
	assert_int_equal(words.press.key, EAR_KEY_OK);
	assert_int_equal(words.press.motion, EAR_HELD);
}

static void
test_questions(void **state)
{
	static const char *const now[] = {
		"now", "np", "?", "what's on", "NP?", "What's on?", "what\xe2\x80\x99s on", "NOWP"
	};

	for (size_t i = 0; i < sizeof(now) / sizeof(now[0]); i++) {
		assert_int_equal(press_words_parse(now[i], &words), 0);
		assert_int_equal(words.kind, WORDS_NOW);
	}
	assert_int_equal(press_words_parse(" Help ", &words), 0);
	assert_int_equal(words.kind, WORDS_HELP);
	assert_non_null(strstr(press_help(), "vol 40"));
}

static void
test_talk(void **state)
{
	static const char *const talk[] = {
		"",          " ",     "hello", "play it again", "stop that",
		"+",         "-",     "+soon", "+1:2:3:4",      "okay",
		"menu",      "left",  "like",  "plpz",          "RIGHT",
		"unmute me", "keyup", "??",    "next week",     "40",
		"help me",   "+30 s", "1:30",  "what's",        "a\nb",
	};

	for (size_t i = 0; i < sizeof(talk) / sizeof(talk[0]); i++)
		assert_int_equal(press_words_parse(talk[i], &words), -ENOENT);
}

static void
test_bad_values(void **state)
{
	static const struct {
		const char *typed;
		int error;
	} cases[] = {
		{ "vol", -EINVAL },
		{ "vol loud", -EINVAL },
		{ "vol 101", -ERANGE },
		{ "vol %", -EINVAL },
		{ "louder +5", -EINVAL },
		{ "seek", -EINVAL },
		{ "seek soon", -EINVAL },
		{ "seek 1:2:3:4", -EINVAL },
		{ "seek 1:", -EINVAL },
		{ "seek :30", -EINVAL },
		{ "speed 9", -ERANGE },
		{ "open", -EINVAL },
		{ "open it", -EINVAL },
		{ "sub x", -EINVAL },
		{ "audio 1000", -ERANGE },
		{ "mute please", -EINVAL },
		{ "key", -EINVAL },
		{ "key any", -EINVAL },
		{ "key up twice", -EINVAL },
		{ "seek 1:999999999", -EINVAL },
		{ "seek 999999:00:00", -ERANGE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(press_words_parse(cases[i].typed, &words), cases[i].error);
		assert_true(strlen(words.why) > 0);
	}
}

static void
test_long(void **state)
{
	char typed[2 * EAR_URL_MAX];

	memset(typed, 'x', sizeof(typed));
	typed[sizeof(typed) - 1] = '\0';
	assert_int_equal(press_words_parse(typed, &words), -ENOENT);
	memcpy(typed, "open a:", 7);
	assert_int_equal(press_words_parse(typed, &words), -ENOENT);
	typed[5 + EAR_URL_MAX] = '\0'; /* one byte more than a URL has */
	assert_int_equal(press_words_parse(typed, &words), -ERANGE);
	typed[5 + EAR_URL_MAX - 1] = '\0';
	assert_int_equal(press_words_parse(typed, &words), 0);
	assert_int_equal(strlen(words.press.text), EAR_URL_MAX - 1);
	memcpy(typed, "vol  4", 6);
	memset(typed + 6, '4', 100);
	typed[106] = '\0';
	assert_int_equal(press_words_parse(typed, &words), -EINVAL);
}

static void
test_codes(void **state)
{
	static const struct {
		const char *code;
		enum ear_remote_key key;
	} cases[] = {
		{ "PLPZ", EAR_KEY_PLAYPAUSE },   { "MENU", EAR_KEY_MENU },
		{ "OKAY", EAR_KEY_OK },          { "INFO", EAR_KEY_INFO },
		{ "LOUD", EAR_KEY_VOLUMEUP },    { "HUSH", EAR_KEY_VOLUMEDOWN },
		{ "FFWD", EAR_KEY_FASTFORWARD }, { "REWD", EAR_KEY_REWIND },
		{ "PLUS", EAR_KEY_CHANNELUP },   { "MINU", EAR_KEY_CHANNELDOWN },
		{ "LEFT", EAR_KEY_LEFT },        { "RIGH", EAR_KEY_RIGHT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(press_code_parse(cases[i].code, &words), 0);
		assert_int_equal(words.kind, WORDS_PRESS);
		assert_int_equal(words.press.button, EAR_KEY);
		assert_int_equal(words.press.key, cases[i].key);
		assert_int_equal(press_words_parse(cases[i].code, &words), 0);
	}
	assert_int_equal(press_code_parse("NOWP", &words), 0);
	assert_int_equal(words.kind, WORDS_NOW);
	assert_int_equal(press_code_parse("HELP", &words), 0);
	assert_int_equal(words.kind, WORDS_HELP);
	assert_int_equal(press_code_parse("LIKE", &words), -ENOENT);
	assert_int_equal(press_code_parse("plpz", &words), -ENOENT);
}

static void
test_time(void **state)
{
	char out[32], brief[4];

	assert_int_equal(press_time("1:23", out, sizeof(out)), 0);
	assert_string_equal(out, "83");
	assert_int_equal(press_time("-1:02:03.25", out, sizeof(out)), 0);
	assert_string_equal(out, "-3723.25");
	assert_int_equal(press_time("10:00:00", brief, sizeof(brief)), -EINVAL);
	assert_int_equal(press_time("", out, sizeof(out)), -EINVAL);
	assert_int_equal(press_time("+", out, sizeof(out)), -EINVAL);
	assert_int_equal(press_time("1x", out, sizeof(out)), -EINVAL);
}

static void
test_hints(void **state)
{
	for (int i = 0; i < EAR_BUTTON_COUNT; i++)
		assert_true(strlen(press_hint(i)) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presses), cmocka_unit_test(test_urls),
		cmocka_unit_test(test_keys),    cmocka_unit_test(test_questions),
		cmocka_unit_test(test_talk),    cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_long),    cmocka_unit_test(test_codes),
		cmocka_unit_test(test_time),    cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
