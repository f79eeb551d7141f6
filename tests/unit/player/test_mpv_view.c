/* SPDX-License-Identifier: ISC */
/* test_mpv_view.c: mpv's properties as one state. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "player/mpv_view.h"

static struct mpv_view view;

static int
setup(void **state)
{
	mpv_view_init(&view);
	return 0;
}

/* Sets a property by name from JSON text. */
static int
set(const char *property, const char *json)
{
	json_t *data = json_loads(json, JSON_DECODE_ANY, NULL);
	int error = -1;

	assert_non_null(data);
	for (size_t i = 0; i < MPV_PROPERTIES; i++)
		if (strcmp(mpv_properties[i], property) == 0)
			error = mpv_view_set(&view, i, data);
	json_decref(data);
	return error;
}

static void
test_unknown(void **state)
{
	for (size_t i = 2; i < MPV_PROPERTIES; i++)
		assert_int_equal(mpv_view_set(&view, i, NULL), 0);
	assert_int_equal(set("pause", "false"), 0);
	assert_int_equal(set("idle-active", "false"), 0);
	mpv_view_finish(&view, -1);
	assert_int_equal(view.state.playback, EAR_PLAYING);
	assert_int_equal(view.state.position_us, -1);
	assert_int_equal(view.state.duration_us, -1);
	assert_int_equal(view.state.volume, -1);
	assert_string_equal(view.state.title, "");
	assert_false(view.state.seekable);
}

static void
test_values(void **state)
{
	assert_int_equal(set("pause", "true"), 0);
	assert_int_equal(set("idle-active", "false"), 0);
	assert_int_equal(set("media-title", "\"Sintel\""), 0);
	assert_int_equal(set("time-pos", "12.3456785"), 0);
	assert_int_equal(set("duration", "888"), 0);
	assert_int_equal(set("volume", "69.6"), 0);
	assert_int_equal(set("mute", "true"), 0);
	assert_int_equal(set("seekable", "true"), 0);
	assert_int_equal(set("playlist-count", "3"), 0);
	assert_int_equal(set("playlist-pos", "1"), 0);
	mpv_view_finish(&view, -1);
	assert_int_equal(view.state.playback, EAR_PAUSED);
	assert_string_equal(view.state.title, "Sintel");
	assert_true(view.state.position_us >= 12345678 && view.state.position_us <= 12345679);
	assert_int_equal(view.state.duration_us, 888 * EAR_SEC);
	assert_int_equal(view.state.volume, 70);
	assert_true(view.state.muted && view.state.seekable);
	assert_int_equal(view.playlist_count, 3);
	assert_int_equal(view.playlist_index, 1);
}

/* In an mpv that is idle, what belongs to a title is unknown, whatever it still says. */
static void
test_idle(void **state)
{
	set("idle-active", "true");
	set("pause", "true");
	set("media-title", "\"old\"");
	set("time-pos", "3");
	set("duration", "4");
	set("seekable", "true");
	mpv_view_finish(&view, -1);
	assert_int_equal(view.state.playback, EAR_STOPPED);
	assert_string_equal(view.state.title, "");
	assert_int_equal(view.state.position_us, -1);
	assert_int_equal(view.state.duration_us, -1);
	assert_false(view.state.seekable);
}

static void
test_before_the_start(void **state)
{
	assert_int_equal(set("time-pos", "-0.146194"), 0);
	assert_int_equal(view.state.position_us, 0);
}

static void
test_wrong(void **state)
{
	static const char *const cases[][2] = {
		{ "pause", "1" },
		{ "pause", "\"no\"" },
		{ "idle-active", "null" },
		{ "media-title", "5" },
		{ "time-pos", "\"1\"" },
		{ "time-pos", "1e12" },
		{ "duration", "[]" },
		{ "duration", "-1e300" },
		{ "volume", "true" },
		{ "volume", "1e10" },
		{ "mute", "0" },
		{ "seekable", "{}" },
		{ "playlist-count", "1.5" },
		{ "playlist-count", "-2" },
		{ "playlist-pos", "4294967296" },
		{ "speed", "\"1\"" },
		{ "speed", "1000" },
		{ "shuffle", "1" },
		{ "loop-file", "[]" },
		{ "loop-playlist", "1.5" },
		{ "metadata/by-key/artist", "{}" },
		{ "metadata/by-key/album", "1" },
		{ "track-list", "{}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(set(cases[i][0], cases[i][1]), -EPROTO);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(mpv_view_set(&view, i, NULL), -EPROTO);
}

/* A title too long is cut between characters: 510 bytes of 2-byte characters and one of 3. */
static void
test_long_title(void **state)
{
	char json[2048] = "\"";

	for (int i = 0; i < 255; i++)
		strncat(json, "\xc3\xb6", 3);
	strncat(json, "\xe2\x82\xac\"", 5);
	assert_int_equal(set("media-title", json), 0);
	assert_int_equal(strlen(view.state.title), 510);
	assert_memory_equal(view.state.title + 508, "\xc3\xb6", 3);
	assert_int_equal(set("media-title", "\"a\\n\\u001b[31mb\\u007f\""), 0);
	assert_string_equal(view.state.title, "a  [31mb ");
}

static void
finish(void)
{
	assert_int_equal(set("pause", "false"), 0);
	assert_int_equal(set("idle-active", "false"), 0);
	mpv_view_finish(&view, -1);
}

static void
test_more_values(void **state)
{
	assert_int_equal(set("speed", "1.2499999"), 0);
	assert_int_equal(set("shuffle", "true"), 0);
	assert_int_equal(set("metadata/by-key/artist", "\"Bj\u00f6rk\\n\""), 0);
	assert_int_equal(set("metadata/by-key/album", "\"Post\""), 0);
	finish();
	assert_int_equal(view.state.rate, 1250);
	assert_int_equal(view.state.shuffle, 1);
	assert_string_equal(view.state.artist, "Bj\xc3\xb6rk ");
	assert_string_equal(view.state.album, "Post");
	assert_string_equal(view.state.name, "mpv");
}

static void
test_repeat(void **state)
{
	static const struct {
		const char *file, *playlist;
		int repeat;
	} cases[] = {
		{ "false", "false", EAR_REPEAT_OFF },   { "\"no\"", "\"no\"", EAR_REPEAT_OFF },
		{ "\"inf\"", "false", EAR_REPEAT_ONE }, { "3", "\"inf\"", EAR_REPEAT_ONE },
		{ "false", "\"inf\"", EAR_REPEAT_ALL }, { "false", "\"force\"", EAR_REPEAT_ALL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(set("loop-file", cases[i].file), 0);
		assert_int_equal(set("loop-playlist", cases[i].playlist), 0);
		finish();
		assert_int_equal(view.state.repeat, cases[i].repeat);
	}
}

static bool
can(enum ear_button button)
{
	return (view.state.can & 1u << button) != 0;
}

/* What a remote control would show as alive. */
static void
test_can(void **state)
{
	assert_int_equal(set("playlist-count", "2"), 0);
	assert_int_equal(set("playlist-pos", "0"), 0);
	assert_int_equal(set("volume", "50"), 0);
	finish();
	assert_true(can(EAR_NEXT) && can(EAR_PAUSE) && can(EAR_STOP) && can(EAR_VOLUME));
	assert_false(can(EAR_PREVIOUS) || can(EAR_SEEK) || can(EAR_AUDIO) || can(EAR_SUBTITLE));
	assert_int_equal(set("playlist-pos", "1"), 0);
	finish();
	assert_false(can(EAR_NEXT));
	assert_true(can(EAR_PREVIOUS));
	assert_int_equal(set("loop-playlist", "\"inf\""), 0);
	finish();
	assert_true(can(EAR_NEXT)); /* the first again */
	assert_int_equal(set("idle-active", "true"), 0);
	mpv_view_finish(&view, 1);
	assert_true(can(EAR_PLAY) && can(EAR_PREVIOUS) && can(EAR_OPEN));
	assert_false(can(EAR_PAUSE) || can(EAR_STOP) || can(EAR_NEXT));
	assert_int_equal(set("playlist-count", "0"), 0);
	mpv_view_finish(&view, 1);
	assert_false(can(EAR_PLAY) || can(EAR_PLAYPAUSE) || can(EAR_PREVIOUS));
	assert_true(can(EAR_OPEN) && can(EAR_QUEUE) && can(EAR_KEY));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown),          TEST(test_values), TEST(test_idle),
		TEST(test_before_the_start), TEST(test_wrong),  TEST(test_long_title),
		TEST(test_more_values),      TEST(test_repeat), TEST(test_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
