/* SPDX-License-Identifier: ISC */
/* test_mpris_plan.c: what a press becomes for a player in a state, and when it is done. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <earshot/timer.h>

#include <cmocka.h>

#include "mpris_message.h"
#include "player/mpris_view.h"

static struct mpris_view view;
static struct mpris_plan plan;

/* A player that can do all of it, in the midst of a title. */
static int
set_up(void **state)
{
	mpris_view_init(&view);
	view.playback = EAR_PLAYING;
	view.volume = 0.7;
	view.rate = 1;
	view.shuffle = 0;
	view.repeat = EAR_REPEAT_OFF;
	view.position = 30 * EAR_SEC;
	view.length = 60 * EAR_SEC;
	snprintf(view.track, sizeof(view.track), "%s", "/1");
	snprintf(view.title, sizeof(view.title), "%s", "one");
	return 0;
}

static int
press(enum ear_button button)
{
	struct ear_press what = { .button = button };

	return mpris_plan_press(&plan, &view, &what);
}

static int
press_value(enum ear_button button, bool relative, int64_t value)
{
	struct ear_press what = {
		.button = button, .has_value = true, .relative = relative, .value = value
	};

	return mpris_plan_press(&plan, &view, &what);
}

static bool
holds(void)
{
	return mpris_plan_holds(&plan, &view, 0);
}

static void
assert_call(const char *member)
{
	assert_int_equal(plan.act, MPRIS_CALL);
	assert_string_equal(plan.member, member);
	assert_false(holds());
}

static void
test_playback(void **state)
{
	assert_int_equal(press(EAR_PLAY), 0);
	assert_int_equal(plan.act, MPRIS_NOTHING);
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_call("Pause");
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	assert_call("PlayPause");
	view.playback = EAR_PAUSED;
	assert_true(holds());
	assert_int_equal(press(EAR_STOP), 0);
	assert_call("Stop");
	view.playback = EAR_STOPPED;
	assert_true(holds());
	assert_int_equal(press(EAR_STOP), 0);
	assert_int_equal(plan.act, MPRIS_NOTHING);
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(plan.act, MPRIS_NOTHING);
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	view.playback = EAR_PLAYING;
	assert_true(holds());
}

static void
test_cannot(void **state)
{
	view.can_pause = view.can_next = view.can_previous = view.can_seek = false;
	assert_int_equal(press(EAR_PAUSE), -EREMOTEIO);
	assert_int_equal(press(EAR_PLAYPAUSE), -EREMOTEIO);
	assert_int_equal(press(EAR_NEXT), -EREMOTEIO);
	assert_int_equal(press(EAR_PREVIOUS), -EREMOTEIO);
	assert_int_equal(press_value(EAR_SEEK, true, EAR_SEC), -EREMOTEIO);
	assert_int_equal(press(EAR_STOP), 0);
	view.can_control = false;
	assert_int_equal(press(EAR_STOP), -EREMOTEIO);
	assert_int_equal(press_value(EAR_VOLUME, false, 10), -EREMOTEIO);
	view.playback = EAR_PAUSED;
	view.can_play = false;
	assert_int_equal(press(EAR_PLAY), -EREMOTEIO);
	assert_int_equal(press(EAR_PLAYPAUSE), -EREMOTEIO);
}

static void
test_skip(void **state)
{
	assert_int_equal(press(EAR_NEXT), 0);
	assert_call("Next");
	view.playback = EAR_STOPPED; /* on the way, for VLC */
	snprintf(view.track, sizeof(view.track), "%s", "/2");
	assert_false(holds());
	view.playback = EAR_PLAYING;
	assert_true(holds());
	assert_int_equal(press(EAR_PREVIOUS), 0);
	assert_call("Previous");
	view.position = 0; /* of which title is not known yet */
	assert_false(holds());
	assert_true(mpris_plan_holds(&plan, &view, EAR_SEC / 2));
	view.length = -1;
	view.position = 0;
	assert_int_equal(press(EAR_NEXT), 0);
	view.length = 60 * EAR_SEC; /* of the same one: known only now */
	assert_false(holds());
}

static void
test_seek(void **state)
{
	assert_int_equal(press_value(EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_int_equal(plan.act, MPRIS_GOTO);
	assert_string_equal(plan.track, "/1");
	assert_int_equal(plan.time, 10 * EAR_SEC);
	assert_false(holds());
	view.position = 11 * EAR_SEC;
	assert_true(holds());
	assert_int_equal(press_value(EAR_SEEK, true, EAR_SEC), 0);
	assert_int_equal(plan.act, MPRIS_SEEK);
	assert_int_equal(plan.time, EAR_SEC);
	assert_false(holds());
	view.position = 12 * EAR_SEC;
	assert_true(holds());
	assert_int_equal(press_value(EAR_SEEK, true, -100 * EAR_SEC), 0);
	assert_int_equal(plan.position, 0);
	assert_int_equal(press_value(EAR_SEEK, true, 100 * EAR_SEC), 0);
	assert_true(plan.skips);
	assert_int_equal(press_value(EAR_SEEK, true, INT64_MAX), 0);
	assert_int_equal(press_value(EAR_SEEK, false, 60 * EAR_SEC + 1), -ERANGE);
	assert_int_equal(press_value(EAR_SEEK, false, -1), -ERANGE);
	view.playback = EAR_STOPPED;
	assert_int_equal(press_value(EAR_SEEK, false, 0), -EREMOTEIO);
}

/* SetPosition wants the name of the track: without, it is said as a difference. */
static void
test_seek_no_track(void **state)
{
	view.track[0] = '\0';
	assert_int_equal(press_value(EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_int_equal(plan.act, MPRIS_SEEK);
	assert_int_equal(plan.time, -20 * EAR_SEC);
	view.position = -1;
	assert_int_equal(press_value(EAR_SEEK, false, 10 * EAR_SEC), -EOPNOTSUPP);
	assert_int_equal(press_value(EAR_SEEK, true, INT64_MAX), 0);
	view.length = -1;
	assert_int_equal(press_value(EAR_SEEK, true, INT64_MIN), 0);
}

static void
assert_volume(double volume)
{
	assert_int_equal(plan.act, MPRIS_SET_REAL);
	assert_string_equal(plan.member, "Volume");
	assert_true(plan.real > volume - 0.001 && plan.real < volume + 0.001);
}

static void
test_volume(void **state)
{
	assert_int_equal(press_value(EAR_VOLUME, false, 40), 0);
	assert_volume(0.4);
	assert_false(holds());
	view.volume = 0.399;
	assert_true(holds());
	assert_int_equal(press_value(EAR_VOLUME, true, 100), 0);
	assert_volume(1);
	assert_int_equal(press_value(EAR_VOLUME, true, INT64_MAX), 0);
	assert_volume(1);
	assert_int_equal(press_value(EAR_VOLUME, true, -41), 0);
	assert_volume(0);
	assert_int_equal(press_value(EAR_VOLUME, false, 40), 0);
	assert_int_equal(plan.act, MPRIS_NOTHING);
	assert_int_equal(press_value(EAR_VOLUME, false, 101), -ERANGE);
	assert_int_equal(press_value(EAR_VOLUME, false, -1), -ERANGE);
	view.volume = -1;
	assert_int_equal(press_value(EAR_VOLUME, false, 40), -EOPNOTSUPP);
	assert_int_equal(press(EAR_MUTE), -EOPNOTSUPP);
}

static void
test_mute(void **state)
{
	assert_int_equal(press(EAR_MUTE), 0);
	assert_volume(0);
	assert_int_equal(plan.loudness, 70);
	assert_int_equal(press_value(EAR_MUTE, false, 0), 0);
	assert_int_equal(plan.act, MPRIS_NOTHING);
	view.volume = 0;
	view.loudness = 70;
	assert_int_equal(press_value(EAR_MUTE, false, 1), 0);
	assert_int_equal(plan.act, MPRIS_NOTHING);
	assert_int_equal(press(EAR_MUTE), 0);
	assert_volume(0.7);
	assert_int_equal(plan.loudness, -1);
}

static void
test_rate(void **state)
{
	assert_int_equal(press_value(EAR_RATE, false, 1500), 0);
	assert_string_equal(plan.member, "Rate");
	assert_false(holds());
	view.rate = 1.502; /* VLC */
	assert_true(holds());
	view.min_rate = 0.5;
	view.max_rate = 2;
	assert_int_equal(press_value(EAR_RATE, false, 2000), 0);
	assert_int_equal(press_value(EAR_RATE, false, 2001), -ERANGE);
	assert_int_equal(press_value(EAR_RATE, false, 499), -ERANGE);
	view.min_rate = view.max_rate = 0;
	assert_int_equal(press_value(EAR_RATE, false, EAR_RATE_MAX + 1), -ERANGE);
	view.rate = 0;
	assert_int_equal(press_value(EAR_RATE, false, 1000), -EOPNOTSUPP);
}

static void
test_modes(void **state)
{
	assert_int_equal(press(EAR_SHUFFLE), 0);
	assert_int_equal(plan.act, MPRIS_SET_SWITCH);
	assert_true(plan.is);
	assert_false(holds());
	view.shuffle = 1;
	assert_true(holds());
	assert_int_equal(press_value(EAR_SHUFFLE, false, 1), 0);
	assert_int_equal(plan.act, MPRIS_NOTHING);
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_string_equal(plan.text, "Playlist");
	view.repeat = EAR_REPEAT_ALL;
	assert_true(holds());
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_string_equal(plan.text, "Track");
	view.repeat = EAR_REPEAT_ONE;
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_string_equal(plan.text, "None");
	assert_int_equal(press_value(EAR_REPEAT, false, 3), -ERANGE);
	view.shuffle = view.repeat = -1;
	assert_int_equal(press(EAR_SHUFFLE), -EOPNOTSUPP);
	assert_int_equal(press(EAR_REPEAT), -EOPNOTSUPP);
}

static void
test_never(void **state)
{
	assert_int_equal(press(EAR_QUEUE), -EOPNOTSUPP);
	assert_int_equal(press(EAR_AUDIO), -EOPNOTSUPP);
	assert_int_equal(press(EAR_SUBTITLE), -EOPNOTSUPP);
}

/* What is sent: read back from the message. */
static void
test_message(void **state)
{
	struct ear_press open = { .button = EAR_OPEN, .has_value = true, .text = "http://a/b" };
	sd_bus *bus = messages_open();
	sd_bus_message *message;
	const char *text, *name;
	double real;

	assert_int_equal(mpris_plan_press(&plan, &view, &open), 0);
	message = mpris_plan_message(&plan, bus, ":1.1");
	assert_string_equal(sd_bus_message_get_member(message), "OpenUri");
	message_seal(message);
	assert_true(sd_bus_message_read(message, "s", &text) > 0);
	assert_string_equal(text, "http://a/b");
	sd_bus_message_unref(message);
	assert_int_equal(press_value(EAR_RATE, false, 1500), 0);
	message = mpris_plan_message(&plan, bus, ":1.1");
	assert_string_equal(sd_bus_message_get_interface(message), MPRIS_PROPERTIES);
	assert_string_equal(sd_bus_message_get_path(message), MPRIS_PATH);
	message_seal(message);
	assert_true(sd_bus_message_read(message, "ssv", &text, &name, "d", &real) > 0);
	assert_string_equal(text, MPRIS_PLAYER);
	assert_string_equal(name, "Rate");
	assert_true(real == 1.5);
	sd_bus_message_unref(message);
	snprintf(view.track, sizeof(view.track), "%s", "/not a path");
	assert_int_equal(press_value(EAR_SEEK, false, 0), 0);
	assert_null(mpris_plan_message(&plan, bus, ":1.1"));
	messages_close(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_playback, set_up),
		cmocka_unit_test_setup(test_cannot, set_up),
		cmocka_unit_test_setup(test_skip, set_up),
		cmocka_unit_test_setup(test_seek, set_up),
		cmocka_unit_test_setup(test_seek_no_track, set_up),
		cmocka_unit_test_setup(test_volume, set_up),
		cmocka_unit_test_setup(test_mute, set_up),
		cmocka_unit_test_setup(test_rate, set_up),
		cmocka_unit_test_setup(test_modes, set_up),
		cmocka_unit_test_setup(test_never, set_up),
		cmocka_unit_test_setup(test_message, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
