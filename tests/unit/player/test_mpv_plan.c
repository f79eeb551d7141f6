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
	mpv_view_finish(&view);
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
	return mpv_plan_press(&plan, &view, 1, &press);
}

static int
press(enum ear_button button)
{
	struct ear_press p = { .button = button };

	forget();
	return mpv_plan_press(&plan, &view, 1, &p);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_playing), TEST(test_idle),  TEST(test_seek),
		TEST(test_volume),  TEST(test_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
