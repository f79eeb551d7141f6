/* SPDX-License-Identifier: ISC */
/* test_kodi_plan.c: what a press means, where a real Kodi does not come: what it calls, word by
 * word, for numbers without measure, files, channels and slide shows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <earshot/timer.h>

#include "player/kodi_view.h"
#include "player/ops.h"

static struct kodi_view view;
static struct kodi_plan plan;

/* A film of a minute at ten seconds, the second of three. */
static int
setup(void **state)
{
	kodi_view_init(&view);
	view.player = view.list = view.index = 1;
	view.size[1] = 3;
	view.speed = 1;
	view.can_change_speed = view.can_shuffle = view.can_repeat = true;
	view.state.seekable = true;
	view.state.position_us = 10 * EAR_SEC;
	view.state.duration_us = 60 * EAR_SEC;
	view.state.volume = 50;
	view.state.shuffle = 0;
	view.state.repeat = EAR_REPEAT_OFF;
	view.state.audio = view.state.audio_count = 1;
	view.state.subtitle = 0;
	view.state.subtitle_count = 2;
	kodi_view_finish(&view, -1);
	return 0;
}

static int
press(const struct ear_press *what)
{
	kodi_plan_release(&plan);
	return kodi_plan_press(&plan, &view, -1, -1, what);
}

static int
press_value(enum ear_button button, bool relative, int64_t value)
{
	return press(&(struct ear_press){
		.button = button, .has_value = true, .relative = relative, .value = value });
}

static int
press_text(enum ear_button button, const char *text)
{
	return press(&(struct ear_press){ .button = button, .has_value = true, .text = text });
}

static int
press_button(enum ear_button button)
{
	return press(&(struct ear_press){ .button = button });
}

static void
assert_calls(const char *method, const char *params)
{
	char *text;

	assert_non_null(plan.method);
	assert_string_equal(plan.method, method);
	text = json_dumps(plan.params, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, params);
	free(text);
	kodi_plan_release(&plan);
}

static void
assert_seeks(int minutes, int seconds)
{
	json_t *to = json_object_get(json_object_get(plan.params, "value"), "time");

	assert_int_equal(json_integer_value(json_object_get(to, "minutes")), minutes);
	assert_int_equal(json_integer_value(json_object_get(to, "seconds")), seconds);
	kodi_plan_release(&plan);
}

static void
test_numbers_without_measure(void **state)
{
	assert_int_equal(press_value(EAR_SEEK, true, INT64_MAX), 0);
	assert_seeks(1, 0);
	assert_int_equal(press_value(EAR_SEEK, true, INT64_MIN), 0);
	assert_seeks(0, 0);
	assert_int_equal(press_value(EAR_SEEK, false, INT64_MAX), -ERANGE);
	assert_int_equal(press_value(EAR_SEEK, false, -1), -ERANGE);
	assert_int_equal(press_value(EAR_VOLUME, true, INT64_MAX), 0);
	assert_calls("Application.SetVolume", "{\"volume\":100}");
	assert_int_equal(press_value(EAR_VOLUME, true, INT64_MIN), 0);
	assert_calls("Application.SetVolume", "{\"volume\":0}");
	assert_int_equal(press_value(EAR_VOLUME, false, 101), -ERANGE);
	assert_int_equal(press_value(EAR_AUDIO, false, INT64_MAX), -ERANGE);
	assert_int_equal(press_value(EAR_AUDIO, false, 0), -ERANGE);
	assert_int_equal(press_value(EAR_SUBTITLE, false, 3), -ERANGE);
	assert_int_equal(press_value(EAR_SUBTITLE, false, INT64_MIN), -ERANGE);
	assert_int_equal(press_value(EAR_RATE, false, INT64_MAX), -ERANGE);
	/* A stream without an end has no last position either, but time has. */
	view.state.duration_us = -1;
	assert_int_equal(press_value(EAR_SEEK, false, INT64_MAX), -ERANGE);
	assert_int_equal(press_value(EAR_SEEK, true, INT64_MAX), 0);
}

static void
test_files(void **state)
{
	static const char *const cases[][2] = {
		{ "http://tv.example/a%20b?c=%2e", "http://tv.example/a%20b?c=%2e" },
		{ "file:///srv/film.mkv", "/srv/film.mkv" },
		{ "FILE:///srv/a%20b%2Emkv", "/srv/a b.mkv" },
		{ "file:///srv/50%25", "/srv/50%" },
		{ "file:///srv/%4", "/srv/%4" },
		{ "file:///srv/%", "/srv/%" },
		{ "file:///srv/%c3%bc", "/srv/\xc3\xbc" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *item;

		assert_int_equal(press_text(EAR_OPEN, cases[i][0]), 0);
		assert_string_equal(plan.method, "Player.Open");
		item = json_object_get(plan.params, "item");
		assert_int_equal(json_object_size(item), 1);
		assert_string_equal(json_string_value(json_object_get(item, "file")), cases[i][1]);
	}
	assert_int_equal(press_text(EAR_OPEN, "file:///srv/%ff"), -ERANGE); /* not in JSON */
	assert_int_equal(press_text(EAR_QUEUE, "file:///srv/%ff"), -ERANGE);
	assert_null(plan.method);
}

static void
test_queue(void **state)
{
	assert_int_equal(press_text(EAR_QUEUE, "http://tv.example/a"), 0);
	assert_int_equal(plan.value, 4);
	assert_calls("Playlist.Add",
		     "{\"item\":{\"file\":\"http://tv.example/a\"},\"playlistid\":1}");
	view.list = 0;
	assert_int_equal(press_text(EAR_QUEUE, "http://tv.example/a"), 0);
	assert_calls("Playlist.Add",
		     "{\"item\":{\"file\":\"http://tv.example/a\"},\"playlistid\":0}");
}

static void
test_resume(void **state)
{
	struct ear_press play = { .button = EAR_PLAY };

	kodi_view_nothing(&view);
	assert_int_equal(press_button(EAR_PLAY), 0);
	assert_calls("Player.Open", "{\"item\":{\"playlistid\":1,\"position\":0}}");
	assert_int_equal(kodi_plan_press(&plan, &view, 1, 2, &play), 0);
	assert_calls("Player.Open", "{\"item\":{\"playlistid\":1,\"position\":2}}");
	/* What was played last is not there any more. */
	assert_int_equal(kodi_plan_press(&plan, &view, 1, 3, &play), 0);
	assert_calls("Player.Open", "{\"item\":{\"playlistid\":1,\"position\":0}}");
	assert_int_equal(kodi_plan_press(&plan, &view, 0, 2, &play), 0);
	assert_calls("Player.Open", "{\"item\":{\"playlistid\":1,\"position\":0}}");
	view.size[1] = 0;
	assert_int_equal(press_button(EAR_PLAY), -EREMOTEIO);
	assert_int_equal(press_button(EAR_STOP), 0);
	assert_null(plan.method);
}

static bool
can(enum ear_button button)
{
	kodi_view_finish(&view, -1);
	return (view.state.can & UINT32_C(1) << button) != 0;
}

/* Channels of a television and pictures are in no playlist that one could ask. */
static void
test_without_a_list(void **state)
{
	view.player = view.list = 2;
	assert_true(can(EAR_NEXT) && can(EAR_PREVIOUS));
	assert_int_equal(press_button(EAR_NEXT), 0);
	assert_calls("Player.GoTo", "{\"playerid\":2,\"to\":\"next\"}");
	view.list = view.index = -1;
	assert_int_equal(press_button(EAR_PREVIOUS), 0);
	assert_calls("Player.GoTo", "{\"playerid\":2,\"to\":\"previous\"}");
	assert_int_equal(press_text(EAR_QUEUE, "http://tv.example/a"), 0);
	kodi_plan_release(&plan);
}

static void
test_around(void **state)
{
	view.index = 2;
	assert_false(can(EAR_NEXT));
	assert_int_equal(press_button(EAR_NEXT), -EREMOTEIO);
	view.state.repeat = EAR_REPEAT_ALL;
	assert_true(can(EAR_NEXT));
	assert_int_equal(press_button(EAR_NEXT), 0);
	assert_calls("Player.GoTo", "{\"playerid\":1,\"to\":0}");
	view.index = 0;
	assert_int_equal(press_button(EAR_PREVIOUS), 0);
	assert_calls("Player.GoTo", "{\"playerid\":1,\"to\":2}");
}

static void
test_what_cannot_be(void **state)
{
	view.state.seekable = view.can_change_speed = view.can_shuffle = view.can_repeat = false;
	view.state.audio_count = view.state.subtitle_count = 0;
	for (enum ear_button button = 0; button < EAR_BUTTON_COUNT; button++) {
		bool cannot = button == EAR_SEEK || button == EAR_RATE || button == EAR_SHUFFLE ||
			      button == EAR_REPEAT || button == EAR_AUDIO || button == EAR_SUBTITLE;

		if (cannot) {
			assert_false(can(button));
			assert_int_equal(press_value(button, false, 1000), -EREMOTEIO);
		}
	}
}

static void
test_keys(void **state)
{
	struct ear_press key = { .button = EAR_KEY, .key = EAR_KEY_LEFT };

	assert_int_equal(kodi_plan_key(&plan, &key), 0);
	assert_calls("Input.ButtonEvent", "{\"button\":\"left\",\"keymap\":\"R1\"}");
	key.motion = EAR_UP;
	assert_int_equal(kodi_plan_key(&plan, &key), 0);
	assert_null(plan.method);
	key.motion = EAR_PRESSED;
	for (key.key = 0; key.key < EAR_KEY_COUNT; key.key++) {
		struct ear_press verb;
		bool nothing, is_verb = player_key_verb(&key, &verb, &nothing) == 0;

		/* Kodi's own, or a verb: one of both, whatever the key. */
		assert_int_equal(kodi_plan_key(&plan, &key), is_verb ? -EOPNOTSUPP : 0);
		assert_int_equal(plan.method == NULL, is_verb);
		kodi_plan_release(&plan);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_numbers_without_measure),
		TEST(test_files),
		TEST(test_queue),
		TEST(test_resume),
		TEST(test_without_a_list),
		TEST(test_around),
		TEST(test_what_cannot_be),
		TEST(test_keys),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	kodi_plan_release(&plan);
	return failed;
}
