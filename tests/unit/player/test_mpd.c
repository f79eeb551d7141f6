/* SPDX-License-Identifier: ISC */
/* test_mpd.c: every button on a real MPD, with mpc as the referee; and a real MPD that hangs, dies,
 * comes back and wants a password. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mpd_rig.h"
#include "player/ops.h"

static struct mpd_rig mpd;
static struct rig *const rig = &mpd.rig;

static int
setup(void **state)
{
	mpd_rig_init(&mpd);
	return 0;
}

static int
teardown(void **state)
{
	mpd_rig_release(&mpd);
	return 0;
}

static void
start(bool watched)
{
	mpd_rig_start_full(&mpd);
	mpd_rig_open(&mpd, NULL, NULL, watched);
}

#define assert_mpc(words, out) assert_string_equal(mpd_rig_mpc(&mpd, words), out)

static bool
can(enum ear_button button)
{
	return (rig->state.can & UINT32_C(1) << button) != 0;
}

static void
test_play_and_pause(void **state)
{
	start(false);
	assert_int_equal(rig_look(rig), 0);
	assert_int_equal(rig->state.playback, EAR_STOPPED);
	assert_string_equal(rig->state.name, "MPD");
	assert_string_equal(rig->state.title, "");
	assert_true(can(EAR_PLAY) && can(EAR_OPEN) && can(EAR_QUEUE) && can(EAR_VOLUME));
	assert_false(can(EAR_STOP) || can(EAR_PAUSE) || can(EAR_SEEK) || can(EAR_RATE));
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	assert_int_equal(rig->state.playback, EAR_PLAYING);
	assert_string_equal(rig->state.title, "Song 1");
	assert_string_equal(rig->state.artist, "Artist 1");
	assert_string_equal(rig->state.album, "Album");
	assert_int_equal(rig->state.duration_us, MPD_SECONDS * EAR_SEC);
	assert_true(rig->state.seekable && can(EAR_SEEK) && can(EAR_NEXT));
	assert_mpc("status %state%", "playing");
	assert_int_equal(rig_press(rig, EAR_PAUSE), 0);
	assert_int_equal(rig->state.playback, EAR_PAUSED);
	assert_mpc("status %state%", "paused");
	assert_int_equal(rig_press(rig, EAR_PAUSE), 0);
	assert_mpc("status %state%", "paused");
	assert_int_equal(rig_press(rig, EAR_PLAYPAUSE), 0);
	assert_mpc("status %state%", "playing");
	assert_int_equal(rig_press(rig, EAR_PLAYPAUSE), 0);
	assert_mpc("status %state%", "paused");
	assert_int_equal(rig_press(rig, EAR_STOP), 0);
	assert_int_equal(rig->state.playback, EAR_STOPPED);
	assert_int_equal(rig->state.position_us, -1);
	assert_mpc("status %state%", "paused"); /* so mpc calls it */
	assert_string_equal(ear_player_kind(rig->player), "mpd");
}

static void
test_skip(void **state)
{
	start(false);
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	assert_int_equal(rig_press(rig, EAR_NEXT), 0);
	assert_string_equal(rig->state.title, "Song 2");
	assert_mpc("current -f %title%", "Song 2");
	assert_int_equal(rig_press(rig, EAR_PREVIOUS), 0);
	assert_mpc("current -f %title%", "Song 1");
	assert_int_equal(rig_press(rig, EAR_PREVIOUS), 0);
	assert_mpc("current -f %title%", "Song 1");
	assert_int_equal(rig_press(rig, EAR_STOP), 0);
	assert_int_equal(rig_press(rig, EAR_NEXT), 0); /* MPD itself refuses that when stopped */
	assert_mpc("current -f %title%", "Song 2");
	assert_int_equal(rig_press(rig, EAR_NEXT), 0);
	assert_false(can(EAR_NEXT));
	assert_int_equal(rig_press(rig, EAR_NEXT), -EREMOTEIO);
	assert_mpc("current -f %title%", "Song 3");
	assert_int_equal(rig_press(rig, EAR_STOP), 0);
	assert_int_equal(rig_press(rig, EAR_PREVIOUS), 0);
	assert_mpc("current -f %title%", "Song 2");
}

static void
assert_position(int64_t from, int64_t to)
{
	if (rig->state.position_us < from || rig->state.position_us > to)
		fail_msg("position %lld is not within %lld..%lld",
			 (long long)rig->state.position_us, (long long)from, (long long)to);
}

static void
test_seek(void **state)
{
	start(false);
	assert_int_equal(rig_press_value(rig, EAR_SEEK, true, EAR_SEC), -EREMOTEIO); /* stopped */
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	assert_int_equal(rig_press(rig, EAR_PAUSE), 0);
	assert_int_equal(rig_press_value(rig, EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_position(10 * EAR_SEC, 10 * EAR_SEC);
	assert_mpc("status %currenttime%", "0:10");
	assert_int_equal(rig_press_value(rig, EAR_SEEK, true, 5 * EAR_SEC + 500 * EAR_MSEC), 0);
	assert_position(15 * EAR_SEC + 400 * EAR_MSEC, 15 * EAR_SEC + 600 * EAR_MSEC);
	assert_int_equal(rig_press_value(rig, EAR_SEEK, true, -3 * EAR_SEC), 0);
	assert_position(12 * EAR_SEC + 400 * EAR_MSEC, 12 * EAR_SEC + 600 * EAR_MSEC);
	assert_int_equal(rig_press_value(rig, EAR_SEEK, true, INT64_MIN), 0);
	assert_position(0, 0);
	assert_int_equal(rig->state.playback, EAR_PAUSED);
	assert_mpc("status %currenttime%", "0:00");
	assert_int_equal(rig_press_value(rig, EAR_SEEK, false, 31 * EAR_SEC), -ERANGE);
	assert_int_equal(rig_press_value(rig, EAR_SEEK, false, -1), -ERANGE);
	assert_int_equal(rig_press_value(rig, EAR_SEEK, true, INT64_MAX), 0);
}

static void
test_volume(void **state)
{
	start(false);
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, false, 40), 0);
	assert_int_equal(rig->state.volume, 40);
	assert_mpc("status %volume%", "40%");
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, true, 5), 0);
	assert_mpc("status %volume%", "45%");
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, true, INT64_MAX), 0);
	assert_mpc("status %volume%", "100%");
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, true, INT64_MIN), 0);
	assert_mpc("status %volume%", "0%");
	assert_false(rig->state.muted);
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, false, 101), -ERANGE);
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, false, -1), -ERANGE);
}

static void
test_mute(void **state)
{
	start(false);
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, false, 40), 0);
	assert_int_equal(rig_press(rig, EAR_MUTE), 0);
	assert_true(rig->state.muted);
	assert_int_equal(rig->state.volume, 40); /* to which it will return */
	assert_mpc("status %volume%", "0%");
	assert_int_equal(rig_press_value(rig, EAR_MUTE, false, 1), 0);
	assert_mpc("status %volume%", "0%");
	assert_int_equal(rig_press_value(rig, EAR_MUTE, false, 0), 0);
	assert_false(rig->state.muted);
	assert_mpc("status %volume%", "40%");
	assert_int_equal(rig_press(rig, EAR_MUTE), 0);
	mpd_rig_mpc(&mpd, "-q volume 30"); /* somebody else wants to hear it */
	assert_int_equal(rig_look(rig), 0);
	assert_false(rig->state.muted);
	assert_int_equal(rig->state.volume, 30);
	assert_int_equal(rig_press(rig, EAR_MUTE), 0);
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, true, 5), 0);
	assert_false(rig->state.muted);
	assert_mpc("status %volume%", "35%");
}

static void
test_order(void **state)
{
	start(false);
	assert_int_equal(rig_press(rig, EAR_SHUFFLE), 0);
	assert_int_equal(rig->state.shuffle, 1);
	assert_mpc("status %random%", "on");
	assert_int_equal(rig_press_value(rig, EAR_SHUFFLE, false, 1), 0);
	assert_mpc("status %random%", "on");
	assert_int_equal(rig_press_value(rig, EAR_SHUFFLE, false, 0), 0);
	assert_mpc("status %random%", "off");
	assert_int_equal(rig->state.repeat, EAR_REPEAT_OFF);
	assert_int_equal(rig_press(rig, EAR_REPEAT), 0);
	assert_int_equal(rig->state.repeat, EAR_REPEAT_ALL);
	assert_mpc("status '%repeat% %single%'", "on off");
	assert_int_equal(rig_press(rig, EAR_REPEAT), 0);
	assert_int_equal(rig->state.repeat, EAR_REPEAT_ONE);
	assert_mpc("status '%repeat% %single%'", "on on");
	assert_int_equal(rig_press(rig, EAR_REPEAT), 0);
	assert_mpc("status '%repeat% %single%'", "off off");
	assert_int_equal(rig_press_value(rig, EAR_REPEAT, false, EAR_REPEAT_ONE), 0);
	assert_mpc("status '%repeat% %single%'", "on on");
}

static const char *
song_url(const char *name)
{
	static char url[128];

	snprintf(url, sizeof(url), "file://%s/%s", mpd.music, name);
	return url;
}

static void
test_open(void **state)
{
	start(false);
	assert_int_equal(mpd_rig_press_text(&mpd, EAR_OPEN, song_url("song3.ogg")), 0);
	assert_int_equal(rig->state.playback, EAR_PLAYING);
	assert_string_equal(rig->state.title, "Song 3");
	assert_int_equal(rig->state.duration_us, MPD_SECONDS * EAR_SEC);
	assert_mpc("status '%state% %songpos% %length%'", "playing 4 4");
	assert_int_equal(mpd_rig_press_text(&mpd, EAR_QUEUE, song_url("song2.ogg")), 0);
	assert_mpc("status '%state% %songpos% %length%'", "playing 4 5");
	assert_int_equal(rig_press(rig, EAR_NEXT), 0);
	assert_mpc("current -f %title%", "Song 2");
}

/* What is not there is refused, and does not stay in the queue. */
static void
test_open_nothing(void **state)
{
	char url[64];

	start(false);
	assert_int_equal(mpd_rig_press_text(&mpd, EAR_OPEN, song_url("none.ogg")), -EREMOTEIO);
	assert_mpc("status %length%", "3");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/none.ogg", mpd_rig_free_port());
	assert_int_equal(mpd_rig_press_text(&mpd, EAR_OPEN, url), -EREMOTEIO);
	assert_mpc("status '%state% %length%'", "paused 3");
	assert_int_equal(mpd_rig_press_text(&mpd, EAR_QUEUE, song_url("none.ogg")), -EREMOTEIO);
	assert_int_equal(mpd_rig_press_text(&mpd, EAR_OPEN, "http://h/\nkill"), -ERANGE);
	assert_int_equal(mpd_rig_press_text(&mpd, EAR_QUEUE, "av://lavfi:anything"), -ERANGE);
	assert_int_equal(rig_look(rig), 0);
}

static void
test_keys(void **state)
{
	start(false);
	assert_int_equal(mpd_rig_press_key(&mpd, EAR_KEY_PLAY, EAR_PRESSED), 0);
	assert_mpc("status %state%", "playing");
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, false, 40), 0);
	assert_int_equal(mpd_rig_press_key(&mpd, EAR_KEY_VOLUMEUP, EAR_DOWN), 0);
	assert_int_equal(mpd_rig_press_key(&mpd, EAR_KEY_VOLUMEUP, EAR_HELD), 0);
	assert_int_equal(mpd_rig_press_key(&mpd, EAR_KEY_VOLUMEUP, EAR_UP), 0);
	assert_mpc("status %volume%", "50%");
	assert_int_equal(mpd_rig_press_key(&mpd, EAR_KEY_MENU, EAR_PRESSED), -EOPNOTSUPP);
	assert_int_equal(mpd_rig_press_key(&mpd, EAR_KEY_SUBTITLE, EAR_PRESSED), -EOPNOTSUPP);
	assert_int_equal(rig_press_value(rig, EAR_RATE, false, 2000), -EOPNOTSUPP);
	assert_int_equal(rig_press(rig, EAR_AUDIO), -EOPNOTSUPP);
	assert_int_equal(rig_press(rig, EAR_SUBTITLE), -EOPNOTSUPP);
	assert_int_equal(ear_player_show(rig->player, "123456", EAR_SEC), -EOPNOTSUPP);
}

static void
test_empty_queue(void **state)
{
	mpd_rig_start(&mpd);
	mpd_rig_open(&mpd, NULL, NULL, false);
	assert_int_equal(rig_look(rig), 0);
	assert_false(can(EAR_PLAY) || can(EAR_NEXT) || can(EAR_PREVIOUS));
	assert_int_equal(rig_press(rig, EAR_PLAY), -EREMOTEIO);
	assert_int_equal(rig_press(rig, EAR_PLAYPAUSE), -EREMOTEIO);
	assert_int_equal(rig_press(rig, EAR_NEXT), -EREMOTEIO);
	assert_int_equal(rig_press(rig, EAR_PREVIOUS), -EREMOTEIO);
	assert_int_equal(rig_press(rig, EAR_PAUSE), 0);
	assert_int_equal(rig_press(rig, EAR_STOP), 0);
}

static bool
is_told_stopped(struct rig *r)
{
	return r->changes > 0 && r->told.playback == EAR_STOPPED;
}

static bool
is_told_playing(struct rig *r)
{
	return r->changes > 0 && r->told.playback == EAR_PLAYING;
}

static bool
is_told_volume(struct rig *r)
{
	return r->told.volume == 15;
}

static bool
is_told_random(struct rig *r)
{
	return r->told.shuffle == 1;
}

static bool
is_told_title(struct rig *r)
{
	return strcmp(r->told.title, "Song 2") == 0;
}

static bool
is_gone(struct rig *r)
{
	return mpd.gone > 0;
}

static void
test_told(void **state)
{
	start(true);
	assert_true(rig_wait(rig, is_told_stopped));
	mpd_rig_mpc(&mpd, "-q play");
	assert_true(rig_wait(rig, is_told_playing));
	mpd_rig_mpc(&mpd, "-q volume 15");
	assert_true(rig_wait(rig, is_told_volume));
	mpd_rig_mpc(&mpd, "-q random on");
	assert_true(rig_wait(rig, is_told_random));
	mpd_rig_mpc(&mpd, "-q play 2");
	assert_true(rig_wait(rig, is_told_title));
}

/* Nothing is asked for while nothing happens. */
static void
test_rest(void **state)
{
	start(true);
	assert_true(rig_wait(rig, is_told_stopped));
	rig_run(rig, EAR_SEC / 2);
	assert_in_range(rig_run(rig, 2 * EAR_SEC), 1, 3);
}

static void
test_killed_and_restarted(void **state)
{
	start(true);
	assert_true(rig_wait(rig, is_told_stopped));
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	mpd_rig_kill(&mpd);
	assert_true(rig_wait(rig, is_gone));
	assert_string_equal(ear_player_kind(rig->player), "none");
	assert_null(ear_player_last(rig->player));
	assert_int_equal(rig_press(rig, EAR_PLAY), -ENODEV);
	rig->changes = 0;
	mpd_rig_start_full(&mpd);
	assert_true(rig_wait(rig, is_told_stopped)); /* without being asked */
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	assert_mpc("status %state%", "playing");
}

/* A press does not wait for the next try. */
static void
test_press_connects(void **state)
{
	mpd_rig_open(&mpd, NULL, NULL, true);
	assert_int_equal(rig_look(rig), -ENODEV);
	rig_run(rig, 3 * EAR_SEC + EAR_SEC / 2); /* tried at 0, 1 and 3 s; then at 7 */
	mpd_rig_start_full(&mpd);
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
}

static void
test_hangs(void **state)
{
	int64_t start_time;

	start(true);
	assert_true(rig_wait(rig, is_told_stopped));
	mpd_rig_pause(&mpd, true);
	start_time = ear_now(rig->clock);
	assert_int_equal(rig_press(rig, EAR_PLAY), -ETIMEDOUT);
	assert_in_range(ear_now(rig->clock) - start_time, 19 * PLAYER_TIMEOUT / 20,
			3 * PLAYER_TIMEOUT);
	assert_int_equal(rig_press(rig, EAR_PLAY), -ETIMEDOUT); /* it accepts, but does not greet */
	mpd_rig_pause(&mpd, false);
	assert_int_equal(rig_look(rig), 0);
	assert_int_equal(rig->state.playback, EAR_STOPPED); /* nothing was done late */
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	assert_mpc("status %state%", "playing");
}

static void
test_password(void **state)
{
	mpd.password = "open sesame";
	mpd_rig_start(&mpd);
	mpd_rig_open(&mpd, NULL, "open sesame", false);
	assert_int_equal(rig_look(rig), 0);
	assert_int_equal(rig_press_value(rig, EAR_VOLUME, false, 40), 0);
	assert_int_equal(rig->state.volume, 40);
}

static void
test_wrong_password(void **state)
{
	mpd.password = "sesame";
	mpd_rig_start(&mpd);
	mpd_rig_open(&mpd, NULL, "seasam", true);
	assert_int_equal(rig_look(rig), -EREMOTEIO);
	assert_int_equal(rig_press(rig, EAR_PLAY), -EREMOTEIO);
	assert_in_range(rig_run(rig, 2 * EAR_SEC), 1, 6); /* and does not try for ever */
}

static void
test_by_tcp(void **state)
{
	char url[64];

	mpd.port = mpd_rig_free_port();
	mpd_rig_start_full(&mpd);
	snprintf(url, sizeof(url), "tcp://localhost:%d", mpd.port);
	mpd_rig_open(&mpd, url, NULL, true);
	assert_true(rig_wait(rig, is_told_stopped));
	assert_int_equal(rig_press(rig, EAR_PLAY), 0);
	mpd_rig_kill(&mpd);
	assert_true(rig_wait(rig, is_gone));
	assert_int_equal(rig_press(rig, EAR_PLAY), -ENODEV);
}

static void
test_configuration(void **state)
{
	static const char *const bad[] = { "http://127.0.0.1:6600", "tcp://mpd.example.org:6600",
					   "tcp://", "tcp://127.0.0.1:70000" };
	struct player_config config = { .kind = "mpd" };
	struct ear_player *player;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config.url = bad[i];
		assert_int_equal(player_new(rig->base, rig->clock, &config, NULL, NULL, &player),
				 -EINVAL);
	}
	config.url = "tcp://[::1]";
	config.secret = "a\nkill";
	assert_int_equal(player_new(rig->base, rig->clock, &config, NULL, NULL, &player), -EINVAL);
	config.secret = NULL;
	assert_int_equal(player_new(rig->base, rig->clock, &config, NULL, NULL, &player), 0);
	player_free(player);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_play_and_pause),
		TEST(test_skip),
		TEST(test_seek),
		TEST(test_volume),
		TEST(test_mute),
		TEST(test_order),
		TEST(test_open),
		TEST(test_open_nothing),
		TEST(test_keys),
		TEST(test_empty_queue),
		TEST(test_told),
		TEST(test_rest),
		TEST(test_killed_and_restarted),
		TEST(test_press_connects),
		TEST(test_hangs),
		TEST(test_password),
		TEST(test_wrong_password),
		TEST(test_by_tcp),
		TEST(test_configuration),
	};

	return cmocka_run_group_tests(tests, mpd_rig_compose, mpd_rig_discard);
}
