/* SPDX-License-Identifier: ISC */
/* test_mpv_plan.c: what each button means, state by state. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "player/mpv_view.h"

static struct mpv_view view;
static struct mpv_plan plan;

/* Playing the second of three, at full volume. */
static int
setup(void **state)
{
	mpv_view_init(&view);
	memset(&plan, 0, sizeof(plan));
	view.playlist_count = 3;
	view.playlist_index = 1;
	view.state.volume = 100;
	view.state.seekable = true;
	view.state.duration_us = 60 * EAR_SEC;
	view.audio = (struct mpv_tracks){ .count = 2, .selected = 1, .ids = { 1, 4 } };
	view.subtitle = (struct mpv_tracks){ .count = 2, .selected = 0, .ids = { 7, 9 } };
	view.state.shuffle = 0;
	mpv_view_finish(&view, -1);
	return 0;
}

static void
forget(void)
{
	while (plan.count > 0)
		json_decref(plan.commands[--plan.count]);
}

static int
teardown(void **state)
{
	forget();
	return 0;
}

static int
press_value(enum ear_button button, bool relative, int64_t value)
{
	struct ear_press press = {
		.button = button, .has_value = true, .relative = relative, .value = value
	};

	forget();
	return mpv_plan_press(&plan, &view, &press);
}

static int
press(enum ear_button button)
{
	struct ear_press p = { .button = button };

	forget();
	return mpv_plan_press(&plan, &view, &p);
}

static void
assert_command(size_t i, const char *expected)
{
	char *text;

	assert_true(i < plan.count);
	text = json_dumps(plan.commands[i], JSON_COMPACT);
	assert_string_equal(text, expected);
	free(text);
}

static void
test_playing(void **state)
{
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_command(0, "[\"set_property\",\"pause\",true]");
	assert_int_equal(plan.settle, MPV_AT_ONCE);
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	assert_command(0, "[\"set_property\",\"pause\",true]");
	view.paused = true;
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	assert_command(0, "[\"set_property\",\"pause\",false]");
	view.ended = true;
	assert_int_equal(press(EAR_PLAY), 0);
	assert_command(0, "[\"seek\",0,\"absolute+exact\"]");
	assert_command(1, "[\"set_property\",\"pause\",false]");
	assert_int_equal(plan.settle, MPV_SOUGHT);
	assert_int_equal(press(EAR_STOP), 0);
	assert_command(0, "[\"set_property\",\"idle\",true]");
	assert_command(1, "[\"stop\",\"keep-playlist\"]");
	assert_int_equal(press(EAR_NEXT), 0);
	assert_command(0, "[\"playlist-next\"]");
	assert_int_equal(plan.settle, MPV_LOADED);
	assert_int_equal(press(EAR_PREVIOUS), 0);
	assert_command(0, "[\"playlist-prev\"]");
}

static void
test_idle(void **state)
{
	view.idle = true;
	view.resume = 1;
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(plan.count, 0);
	assert_int_equal(press(EAR_STOP), 0);
	assert_int_equal(plan.count, 0);
	assert_int_equal(press(EAR_PLAY), 0);
	assert_command(1, "[\"playlist-play-index\",1]");
	assert_int_equal(press(EAR_NEXT), 0);
	assert_command(1, "[\"playlist-play-index\",2]");
	assert_int_equal(press(EAR_PREVIOUS), 0);
	assert_command(1, "[\"playlist-play-index\",0]");
	view.playlist_count = 1; /* what was playing is no more */
	assert_int_equal(press(EAR_PLAY), 0);
	assert_command(1, "[\"playlist-play-index\",0]");
	assert_int_equal(press(EAR_NEXT), -EREMOTEIO);
	view.playlist_count = 0;
	assert_int_equal(press(EAR_PLAY), -EREMOTEIO);
	assert_int_equal(press(EAR_PLAYPAUSE), -EREMOTEIO);
	assert_int_equal(plan.count, 0);
	assert_int_equal(press_value(EAR_SEEK, true, 1), -EREMOTEIO);
}

static void
test_seek(void **state)
{
	assert_int_equal(press_value(EAR_SEEK, false, 1500 * EAR_MSEC), 0);
	assert_command(0, "[\"seek\",1.5,\"absolute+exact\"]");
	assert_int_equal(press_value(EAR_SEEK, true, -EAR_SEC / 4), 0);
	assert_command(0, "[\"seek\",-0.25,\"relative+exact\"]");
	assert_int_equal(press_value(EAR_SEEK, false, 61 * EAR_SEC), -ERANGE);
	assert_int_equal(press_value(EAR_SEEK, false, -1), -ERANGE);
	view.state.duration_us = -1; /* unknown: mpv decides */
	assert_int_equal(press_value(EAR_SEEK, false, 61 * EAR_SEC), 0);
	view.state.seekable = false;
	assert_int_equal(press_value(EAR_SEEK, false, 0), -EREMOTEIO);
}

static void
test_volume(void **state)
{
	assert_int_equal(press_value(EAR_VOLUME, true, 5), 0);
	assert_command(0, "[\"set_property\",\"volume\",100]");
	view.state.volume = 3;
	assert_int_equal(press_value(EAR_VOLUME, true, -5), 0);
	assert_command(0, "[\"set_property\",\"volume\",0]");
	assert_int_equal(press_value(EAR_VOLUME, false, 130), -ERANGE);
	view.state.volume = -1;
	assert_int_equal(press_value(EAR_VOLUME, false, 50), -EOPNOTSUPP);
}

static void
test_holds(void **state)
{
	press(EAR_PAUSE);
	assert_false(mpv_plan_holds(&plan, &view));
	view.paused = true;
	assert_true(mpv_plan_holds(&plan, &view));
	view.paused = false;
	view.idle = true; /* it ended in that moment */
	assert_true(mpv_plan_holds(&plan, &view));
	press_value(EAR_VOLUME, false, 40);
	assert_false(mpv_plan_holds(&plan, &view));
	view.state.volume = 40;
	assert_true(mpv_plan_holds(&plan, &view));
	press(EAR_MUTE);
	assert_false(mpv_plan_holds(&plan, &view));
	view.state.muted = true;
	assert_true(mpv_plan_holds(&plan, &view));
}

static void
test_rate(void **state)
{
	assert_int_equal(press_value(EAR_RATE, false, 1500), 0);
	assert_command(0, "[\"set_property\",\"speed\",1.5]");
	assert_false(mpv_plan_holds(&plan, &view));
	view.state.rate = 1500;
	assert_true(mpv_plan_holds(&plan, &view));
	assert_int_equal(press_value(EAR_RATE, false, EAR_RATE_MIN - 1), -ERANGE);
	assert_int_equal(press_value(EAR_RATE, false, EAR_RATE_MAX + 1), -ERANGE);
	assert_int_equal(press_value(EAR_RATE, false, -1000), -ERANGE);
	assert_int_equal(press_value(EAR_RATE, true, 500), 0);
	assert_command(0, "[\"set_property\",\"speed\",2.0]");
	assert_int_equal(press_value(EAR_RATE, true, INT32_MAX), 0);
	assert_command(0, "[\"set_property\",\"speed\",4.0]");
}

static void
test_shuffle(void **state)
{
	assert_int_equal(press_value(EAR_SHUFFLE, false, 0), 0);
	assert_int_equal(plan.count, 0); /* it is so */
	assert_int_equal(press(EAR_SHUFFLE), 0);
	assert_command(0, "[\"set_property\",\"shuffle\",true]");
	assert_command(1, "[\"playlist-shuffle\"]");
	view.state.shuffle = 1;
	assert_int_equal(press_value(EAR_SHUFFLE, false, 1), 0);
	assert_int_equal(plan.count, 0);
	assert_int_equal(press(EAR_SHUFFLE), 0);
	assert_command(0, "[\"set_property\",\"shuffle\",false]");
	assert_command(1, "[\"playlist-unshuffle\"]");
	assert_false(mpv_plan_holds(&plan, &view));
}

static void
test_repeat(void **state)
{
	assert_int_equal(view.state.repeat, EAR_REPEAT_OFF);
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_command(0, "[\"set_property\",\"loop-file\",\"no\"]");
	assert_command(1, "[\"set_property\",\"loop-playlist\",\"inf\"]");
	view.state.repeat = EAR_REPEAT_ALL;
	assert_true(mpv_plan_holds(&plan, &view));
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_command(0, "[\"set_property\",\"loop-file\",\"inf\"]");
	assert_int_equal(plan.count, 1);
	view.state.repeat = EAR_REPEAT_ONE;
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_command(0, "[\"set_property\",\"loop-file\",\"no\"]");
	assert_command(1, "[\"set_property\",\"loop-playlist\",\"no\"]");
	assert_int_equal(press_value(EAR_REPEAT, false, 3), -ERANGE);
	assert_int_equal(press_value(EAR_REPEAT, false, -1), -ERANGE);
}

static int
press_url(enum ear_button button)
{
	struct ear_press p = { .button = button, .text = "http://example.org/a;quit" };

	forget();
	return mpv_plan_press(&plan, &view, &p);
}

static void
test_urls(void **state)
{
	assert_int_equal(press_url(EAR_OPEN), 0);
	assert_command(0, "[\"set_property\",\"idle\",true]");
	assert_command(1, "[\"set_property\",\"pause\",false]");
	assert_command(2, "[\"loadfile\",\"http://example.org/a;quit\",\"replace\"]");
	assert_int_equal(plan.settle, MPV_LOADED);
	assert_true(mpv_plan_holds(&plan, &view));
	view.idle = true; /* it could not be opened */
	assert_false(mpv_plan_holds(&plan, &view));
	assert_int_equal(press_url(EAR_QUEUE), 0);
	assert_command(2, "[\"loadfile\",\"http://example.org/a;quit\",\"append-play\"]");
	view.idle = false;
	assert_int_equal(press_url(EAR_QUEUE), 0);
	assert_command(0, "[\"loadfile\",\"http://example.org/a;quit\",\"append\"]");
	assert_int_equal(plan.count, 1);
	view.playlist_count = 10000;
	assert_int_equal(press_url(EAR_QUEUE), -EREMOTEIO);
}

static void
test_tracks(void **state)
{
	assert_int_equal(press(EAR_AUDIO), 0);
	assert_command(0, "[\"set_property\",\"aid\",4]");
	assert_false(mpv_plan_holds(&plan, &view));
	view.audio.selected = view.state.audio = 2;
	assert_true(mpv_plan_holds(&plan, &view));
	assert_int_equal(press(EAR_AUDIO), 0); /* sound is not turned off by going round */
	assert_command(0, "[\"set_property\",\"aid\",1]");
	assert_int_equal(press_value(EAR_AUDIO, false, 0), 0);
	assert_command(0, "[\"set_property\",\"aid\",\"no\"]");
	assert_int_equal(press_value(EAR_AUDIO, false, 3), -ERANGE);
	assert_int_equal(press_value(EAR_AUDIO, false, -1), -ERANGE);
	assert_int_equal(press(EAR_SUBTITLE), 0);
	assert_command(0, "[\"set_property\",\"sid\",7]");
	view.subtitle.selected = 2;
	assert_int_equal(press(EAR_SUBTITLE), 0); /* after the last none */
	assert_command(0, "[\"set_property\",\"sid\",\"no\"]");
	assert_int_equal(press_value(EAR_SUBTITLE, false, 2), 0);
	assert_command(0, "[\"set_property\",\"sid\",9]");
	assert_int_equal(press_value(EAR_SUBTITLE, false, INT64_MAX), -ERANGE);
	view.subtitle.count = view.subtitle.selected = 0;
	assert_int_equal(press(EAR_SUBTITLE), -EREMOTEIO);
	assert_int_equal(press_value(EAR_SUBTITLE, false, 1), -ERANGE);
}

static int
press_key(enum ear_remote_key key, enum ear_motion motion)
{
	struct ear_press p = { .button = EAR_KEY, .key = key, .motion = motion };

	forget();
	return mpv_plan_press(&plan, &view, &p);
}

static void
test_keys(void **state)
{
	assert_int_equal(press_key(EAR_KEY_UP, EAR_PRESSED), 0);
	assert_command(0, "[\"keypress\",\"UP\"]");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_DOWN), 0);
	assert_command(0, "[\"keydown\",\"UP\"]");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_HELD), 0);
	assert_command(0, "[\"keydown\",\"UP\"]");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_UP), 0);
	assert_command(0, "[\"keyup\",\"UP\"]");
	assert_int_equal(press_key(EAR_KEY_NUMERIC_9, EAR_PRESSED), 0);
	assert_command(0, "[\"keypress\",\"KP9\"]");
	assert_int_equal(press_key(EAR_KEY_RED, EAR_PRESSED), -EOPNOTSUPP);
	/* Media keys are verbs. */
	assert_int_equal(press_key(EAR_KEY_STOP, EAR_DOWN), 0);
	assert_command(1, "[\"stop\",\"keep-playlist\"]");
	assert_int_equal(press_key(EAR_KEY_STOP, EAR_HELD), 0);
	assert_int_equal(plan.count, 0);
	assert_int_equal(press_key(EAR_KEY_FASTFORWARD, EAR_HELD), 0);
	assert_command(0, "[\"seek\",10.0,\"relative+exact\"]");
	assert_int_equal(press_key(EAR_KEY_FASTFORWARD, EAR_UP), 0);
	assert_int_equal(plan.count, 0);
	for (int key = 0; key < EAR_KEY_COUNT; key++)
		for (int motion = EAR_PRESSED; motion <= EAR_UP; motion++)
			(void)press_key(key, motion);
}

/* What mpv says, property by property: once playing, once idle. */
static const char *const said[][MPV_PROPERTIES] = {
	{
		[MPV_PAUSE] = "true",
		[MPV_IDLE_ACTIVE] = "false",
		[MPV_EOF_REACHED] = "true",
		[MPV_MEDIA_TITLE] = "\"one\"",
		[MPV_TIME_POS] = "3.5",
		[MPV_DURATION] = "10.0",
		[MPV_VOLUME] = "50.0",
		[MPV_MUTE] = "true",
		[MPV_SEEKABLE] = "true",
		[MPV_PLAYLIST_COUNT] = "3",
		[MPV_PLAYLIST_POS] = "1",
		[MPV_SPEED] = "1.5",
		[MPV_SHUFFLE] = "true",
		[MPV_LOOP_FILE] = "\"inf\"",
		[MPV_LOOP_PLAYLIST] = "false",
		[MPV_ARTIST] = "\"she\"",
		[MPV_ALBUM] = "\"it\"",
		[MPV_TRACK_LIST] = "[{\"id\":4,\"type\":\"audio\",\"selected\":true},"
				   "{\"id\":7,\"type\":\"sub\",\"selected\":true}]",
	},
	{
		[MPV_PAUSE] = "false",
		[MPV_IDLE_ACTIVE] = "true",
		[MPV_VOLUME] = "50.0",
		[MPV_PLAYLIST_COUNT] = "3",
	},
};

static void
view_of(const char *const texts[MPV_PROPERTIES], unsigned wanted)
{
	mpv_view_init(&view);
	for (size_t i = 0; i < MPV_PROPERTIES; i++) {
		json_t *data = texts[i] == NULL || (wanted & 1u << i) == 0
				       ? NULL
				       : json_loads(texts[i], JSON_DECODE_ANY, NULL);

		if (data != NULL)
			assert_int_equal(mpv_view_set(&view, i, data), 0);
		json_decref(data);
	}
	mpv_view_finish(&view, 2);
}

static void
assert_enough(const char *const texts[MPV_PROPERTIES], const struct ear_press *p)
{
	struct mpv_plan part;
	int error;

	view_of(texts, mpv_plan_needs(p));
	error = mpv_plan_press(&part, &view, p);
	view_of(texts, MPV_ALL);
	assert_int_equal(mpv_plan_press(&plan, &view, p), error);
	assert_int_equal(part.count, plan.count);
	assert_int_equal(part.settle, plan.settle);
	for (size_t i = 0; i < plan.count; i++) {
		assert_true(json_equal(part.commands[i], plan.commands[i]));
		json_decref(part.commands[i]);
	}
	forget();
}

/* What a press has to know of mpv is enough to plan it as if all were known. */
static void
test_needs(void **state)
{
	struct ear_press p = { .text = "file:///tmp/one.wav" };

	forget();
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		for (p.button = 0; p.button < EAR_BUTTON_COUNT; p.button++) {
			assert_int_not_equal(mpv_plan_needs(&p), 0);
			p.has_value = p.relative = false;
			p.value = 0;
			assert_enough(said[i], &p);
			p.has_value = p.relative = true;
			p.value = 1;
			assert_enough(said[i], &p);
			p.relative = false;
			assert_enough(said[i], &p);
		}
		p = (struct ear_press){ .button = EAR_KEY };
		for (p.key = 0; p.key < EAR_KEY_COUNT; p.key++)
			assert_enough(said[i], &p);
		p = (struct ear_press){ .text = "file:///tmp/one.wav" };
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_playing), TEST(test_idle),   TEST(test_seek),    TEST(test_volume),
		TEST(test_holds),   TEST(test_rate),   TEST(test_shuffle), TEST(test_repeat),
		TEST(test_urls),    TEST(test_tracks), TEST(test_keys),    TEST(test_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
