/* SPDX-License-Identifier: ISC */
/* test_demo.c: the demonstration player on a clock of ours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "base/timer.h"
#include "player/kind.h"

static struct ear_clock *the_clock;
static struct ear_player *player;
static struct ear_player_state now, told;
static int answers, last_error, changes;

static void
on_answer(void *arg, int error, const struct ear_player_state *state)
{
	answers++;
	last_error = error;
	if (state != NULL)
		now = *state;
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	changes++;
	told = *state;
}

static int
press_value(enum ear_button button, bool relative, int64_t value)
{
	struct ear_press press = {
		.button = button, .has_value = true, .relative = relative, .value = value
	};
	int before = answers;

	ear_player_press(player, &press, on_answer, NULL);
	assert_int_equal(answers, before);
	clock_advance(the_clock, 10);
	assert_int_equal(answers, before + 1);
	return last_error;
}

static int
press(enum ear_button button)
{
	struct ear_press p = { .button = button };

	ear_player_press(player, &p, on_answer, NULL);
	clock_advance(the_clock, 10);
	return last_error;
}

static void
look(void)
{
	ear_player_state(player, on_answer, NULL);
	clock_advance(the_clock, 10);
	assert_int_equal(last_error, 0);
}

/* Turns of the loop take some microseconds of the clock. */
static void
assert_position(int64_t usec)
{
	assert_true(now.position_us >= usec && now.position_us <= usec + 10 * EAR_MSEC);
}

static int
setup(void **state)
{
	struct player_config config = { .kind = "demo" };

	the_clock = clock_new_fake();
	changes = answers = 0;
	return player_new(NULL, the_clock, &config, on_changed, NULL, &player);
}

static int
teardown(void **state)
{
	player_free(player);
	clock_free(the_clock);
	return 0;
}

static void
test_time_runs(void **state)
{
	look();
	assert_int_equal(now.playback, EAR_PLAYING);
	assert_string_equal(now.title, "Big Buck Bunny");
	assert_position(0);
	assert_true(now.seekable);
	clock_advance(the_clock, 5 * EAR_SEC);
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(now.playback, EAR_PAUSED);
	assert_position(5 * EAR_SEC);
	clock_advance(the_clock, 5 * EAR_SEC);
	look();
	assert_position(5 * EAR_SEC);
	assert_int_equal(press(EAR_PAUSE), 0); /* idempotent */
	assert_int_equal(now.playback, EAR_PAUSED);
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	clock_advance(the_clock, EAR_SEC);
	assert_int_equal(press(EAR_PLAY), 0);
	assert_int_equal(now.playback, EAR_PLAYING);
	assert_position(6 * EAR_SEC);
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	assert_int_equal(now.playback, EAR_PAUSED);
}

static void
test_titles(void **state)
{
	assert_int_equal(press(EAR_PREVIOUS), -EREMOTEIO);
	assert_int_equal(press(EAR_NEXT), 0);
	assert_string_equal(now.title, "Sintel");
	assert_position(0);
	assert_int_equal(press(EAR_NEXT), 0);
	assert_string_equal(now.title, "Tears of Steel");
	assert_int_equal(press(EAR_NEXT), -EREMOTEIO);
	assert_int_equal(press(EAR_PREVIOUS), 0);
	assert_string_equal(now.title, "Sintel");
}

static void
test_end_of_title(void **state)
{
	look();
	clock_advance(the_clock, now.duration_us + EAR_SEC);
	look();
	assert_string_equal(now.title, "Sintel");
	assert_position(EAR_SEC);
	assert_int_equal(changes, 2); /* it was seen for the first time, and the next began */
	assert_string_equal(told.title, "Sintel");
	clock_advance(the_clock, 2000 * EAR_SEC);
	look();
	assert_int_equal(now.playback, EAR_STOPPED);
	assert_int_equal(told.playback, EAR_STOPPED);
	assert_int_equal(now.position_us, -1);
	assert_string_equal(now.title, "");
	assert_false(now.seekable);
}

static void
test_stop(void **state)
{
	clock_advance(the_clock, 5 * EAR_SEC);
	assert_int_equal(press(EAR_STOP), 0);
	assert_int_equal(now.playback, EAR_STOPPED);
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(now.playback, EAR_STOPPED);
	assert_int_equal(press_value(EAR_SEEK, false, 0), -EREMOTEIO);
	assert_int_equal(press(EAR_PLAY), 0);
	assert_int_equal(now.playback, EAR_PLAYING);
	assert_position(0);
}

static void
test_seek(void **state)
{
	assert_int_equal(press_value(EAR_SEEK, false, 90 * EAR_SEC), 0);
	assert_position(90 * EAR_SEC);
	assert_int_equal(press_value(EAR_SEEK, true, 10 * EAR_SEC), 0);
	assert_position(100 * EAR_SEC);
	assert_int_equal(press_value(EAR_SEEK, true, -1000 * EAR_SEC), 0);
	assert_position(0);
	assert_int_equal(press_value(EAR_SEEK, false, -1), -ERANGE);
	assert_int_equal(press_value(EAR_SEEK, false, 597 * EAR_SEC), -ERANGE);
	assert_int_equal(press_value(EAR_SEEK, true, 597 * EAR_SEC), 0);
	assert_string_equal(now.title, "Sintel");
	assert_position(0);
}

static void
test_volume(void **state)
{
	assert_int_equal(press_value(EAR_VOLUME, false, 40), 0);
	assert_int_equal(now.volume, 40);
	assert_int_equal(press_value(EAR_VOLUME, true, 5), 0);
	assert_int_equal(now.volume, 45);
	assert_int_equal(press_value(EAR_VOLUME, true, 100), 0);
	assert_int_equal(now.volume, 100);
	assert_int_equal(press_value(EAR_VOLUME, true, -100), 0);
	assert_int_equal(now.volume, 0);
	assert_int_equal(press_value(EAR_VOLUME, false, 101), -ERANGE);
	assert_int_equal(press_value(EAR_VOLUME, false, -1), -ERANGE);
	look();
	assert_int_equal(now.volume, 0);
}

static void
test_mute(void **state)
{
	assert_int_equal(press(EAR_MUTE), 0);
	assert_true(now.muted);
	assert_int_equal(press_value(EAR_MUTE, false, 1), 0);
	assert_true(now.muted);
	assert_int_equal(press(EAR_MUTE), 0);
	assert_false(now.muted);
	assert_int_equal(press_value(EAR_MUTE, false, 0), 0);
	assert_false(now.muted);
}

/* Its screen is the log. */
static void
test_show(void **state)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	char text[1024];
	size_t n;

	dup2(fileno(file), STDERR_FILENO);
	assert_int_equal(ear_player_show(player, "phone@sofa wants to pair", EAR_SEC), 0);
	assert_int_equal(ear_player_show(player, NULL, 0), 0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	assert_non_null(strstr(text, "screen shows: phone@sofa wants to pair"));
	assert_non_null(strstr(text, "screen is empty"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_time_runs), TEST(test_titles), TEST(test_end_of_title), TEST(test_stop),
		TEST(test_seek),      TEST(test_volume), TEST(test_mute),         TEST(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
