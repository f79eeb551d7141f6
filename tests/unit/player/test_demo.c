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

static bool
can(enum ear_button button)
{
	return (now.can & 1u << button) != 0;
}

/* Twice as fast, the title ends in half the time. */
static void
test_rate(void **state)
{
	clock_advance(the_clock, 10 * EAR_SEC);
	assert_int_equal(press_value(EAR_RATE, false, 2000), 0);
	assert_int_equal(now.rate, 2000);
	assert_position(10 * EAR_SEC);
	clock_advance(the_clock, 10 * EAR_SEC);
	look();
	assert_position(30 * EAR_SEC);
	assert_int_equal(press_value(EAR_SEEK, false, now.duration_us - 10 * EAR_SEC), 0);
	clock_advance(the_clock, 6 * EAR_SEC);
	look();
	assert_string_equal(now.title, "Sintel");
	assert_position(2 * EAR_SEC);
	assert_int_equal(press_value(EAR_RATE, false, EAR_RATE_MAX + 1), -ERANGE);
	assert_int_equal(press_value(EAR_RATE, true, -5000), 0);
	assert_int_equal(now.rate, EAR_RATE_MIN);
}

static void
test_order(void **state)
{
	static const char *const shuffled[] = { "Big Buck Bunny", "Tears of Steel", "Sintel" };

	assert_int_equal(press(EAR_SHUFFLE), 0);
	assert_int_equal(now.shuffle, 1);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(now.title, shuffled[i]);
		assert_true(can(EAR_NEXT) == (i < 2));
		assert_int_equal(press(EAR_NEXT), i < 2 ? 0 : -EREMOTEIO);
	}
	assert_int_equal(press_value(EAR_SHUFFLE, false, 0), 0);
	assert_int_equal(now.shuffle, 0);
	assert_int_equal(press(EAR_NEXT), 0);
	assert_string_equal(now.title, "Tears of Steel");
}

static void
test_repeat(void **state)
{
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_int_equal(now.repeat, EAR_REPEAT_ALL);
	assert_int_equal(press(EAR_PREVIOUS), 0);
	assert_string_equal(now.title, "Tears of Steel");
	clock_advance(the_clock, now.duration_us + EAR_SEC);
	look();
	assert_string_equal(now.title, "Big Buck Bunny");
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_int_equal(now.repeat, EAR_REPEAT_ONE);
	clock_advance(the_clock, now.duration_us);
	look();
	assert_string_equal(now.title, "Big Buck Bunny");
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_int_equal(now.repeat, EAR_REPEAT_OFF);
	assert_int_equal(press_value(EAR_REPEAT, false, 3), -ERANGE);
}

static int
press_url(enum ear_button button, const char *url)
{
	struct ear_press p = { .button = button, .text = url };

	ear_player_press(player, &p, on_answer, NULL);
	clock_advance(the_clock, 10);
	return last_error;
}

static void
test_urls(void **state)
{
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(press_url(EAR_QUEUE, "http://example.org/a/queued.mp4"), 0);
	assert_string_equal(now.title, "Big Buck Bunny");
	for (int i = 0; i < 3; i++)
		assert_int_equal(press(EAR_NEXT), 0);
	assert_string_equal(now.title, "queued.mp4");
	assert_int_equal(press_url(EAR_OPEN, "http://example.org/"), 0);
	assert_string_equal(now.title, "http://example.org/");
	assert_int_equal(now.playback, EAR_PLAYING);
	assert_false(can(EAR_NEXT) || can(EAR_PREVIOUS) || can(EAR_SUBTITLE));
	assert_int_equal(press_url(EAR_OPEN, "demo://a"), -ERANGE);
	assert_int_equal(press(EAR_STOP), 0);
	assert_int_equal(press_url(EAR_QUEUE, "http://example.org/b"), 0);
	assert_int_equal(now.playback, EAR_PLAYING);
	assert_string_equal(now.title, "b");
	for (int i = 0; i < 100; i++)
		(void)press_url(EAR_QUEUE, "http://example.org/c");
	assert_int_equal(last_error, -EREMOTEIO);
}

static void
test_tracks(void **state)
{
	look();
	assert_int_equal(now.audio, 1);
	assert_int_equal(now.audio_count, 2);
	assert_int_equal(now.subtitle, 0);
	assert_int_equal(now.subtitle_count, 3);
	for (int i = 1; i <= 4; i++) {
		assert_int_equal(press(EAR_SUBTITLE), 0);
		assert_int_equal(now.subtitle, i % 4);
	}
	assert_int_equal(press(EAR_AUDIO), 0);
	assert_int_equal(now.audio, 2);
	assert_int_equal(press(EAR_AUDIO), 0);
	assert_int_equal(now.audio, 1);
	assert_int_equal(press_value(EAR_AUDIO, false, 0), 0);
	assert_int_equal(now.audio, 0);
	assert_int_equal(press_value(EAR_AUDIO, false, 3), -ERANGE);
	assert_int_equal(press(EAR_STOP), 0);
	assert_false(can(EAR_AUDIO));
	assert_int_equal(press(EAR_AUDIO), -EREMOTEIO);
}

static int
press_key(enum ear_remote_key key, enum ear_motion motion)
{
	struct ear_press p = { .button = EAR_KEY, .key = key, .motion = motion };

	ear_player_press(player, &p, on_answer, NULL);
	clock_advance(the_clock, 10);
	return last_error;
}

static void
test_keys(void **state)
{
	assert_int_equal(press_key(EAR_KEY_VOLUMEUP, EAR_DOWN), 0);
	assert_int_equal(press_key(EAR_KEY_VOLUMEUP, EAR_HELD), 0);
	assert_int_equal(press_key(EAR_KEY_VOLUMEUP, EAR_UP), 0);
	assert_int_equal(now.volume, 80);
	assert_int_equal(press_key(EAR_KEY_PLAYPAUSE, EAR_DOWN), 0);
	assert_int_equal(press_key(EAR_KEY_PLAYPAUSE, EAR_HELD), 0);
	assert_int_equal(press_key(EAR_KEY_PLAYPAUSE, EAR_UP), 0);
	assert_int_equal(now.playback, EAR_PAUSED);
	assert_int_equal(press_key(EAR_KEY_NEXTSONG, EAR_PRESSED), 0);
	assert_string_equal(now.title, "Sintel");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_PRESSED), -EOPNOTSUPP);
}

/* It is told of without being asked, as a real player is. */
static void
test_appears(void **state)
{
	clock_advance(the_clock, 10);
	assert_int_equal(changes, 1);
	assert_string_equal(told.title, "Big Buck Bunny");
	assert_string_equal(told.artist, "Blender Foundation");
	assert_string_equal(told.name, "demo");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_time_runs), TEST(test_titles), TEST(test_end_of_title), TEST(test_stop),
		TEST(test_seek),      TEST(test_volume), TEST(test_mute),         TEST(test_show),
		TEST(test_rate),      TEST(test_order),  TEST(test_repeat),       TEST(test_urls),
		TEST(test_tracks),    TEST(test_keys),   TEST(test_appears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
