/* SPDX-License-Identifier: ISC */
/* test_mpris.c: presses on a real mpv by its MPRIS plugin; playerctl says whether they were done.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mpris_rig.h"

static struct mpris_rig rig;
static char one[128], two[128];

static int
set_up(void **state)
{
	mpris_rig_init(&rig);
	rig_wav(&rig.rig, "one.wav", one, sizeof(one));
	rig_wav(&rig.rig, "two.wav", two, sizeof(two));
	return 0;
}

static int
tear_down(void **state)
{
	mpris_rig_release(&rig);
	return 0;
}

static void
start_two(void)
{
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, two, NULL });
	mpris_rig_open(&rig, NULL, false);
}

static int
press(enum ear_button button)
{
	return rig_press(&rig.rig, button);
}

static int
press_value(enum ear_button button, int64_t value)
{
	return rig_press_value(&rig.rig, button, false, value);
}

static int
press_by(enum ear_button button, int64_t by)
{
	return rig_press_value(&rig.rig, button, true, by);
}

#define NOW rig.rig.state

/* This plugin says the length some time after the title. */
static bool
is_read(struct rig *r)
{
	return rig_look(r) != 0 || (NOW.duration_us > 0 && NOW.title[0] != '\0');
}

static void
test_playback(void **state)
{
	start_two();
	assert_true(rig_wait(&rig.rig, is_read));
	assert_int_equal(rig.rig.error, 0);
	assert_int_equal(NOW.playback, EAR_PLAYING);
	assert_string_equal(NOW.title, "one.wav");
	assert_string_equal(NOW.name, "mpv");
	assert_int_equal(NOW.duration_us, 20 * EAR_SEC);
	assert_true(NOW.seekable);
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(NOW.playback, EAR_PAUSED);
	assert_string_equal(referee("mpv", "status"), "Paused");
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(NOW.playback, EAR_PAUSED);
	assert_int_equal(press(EAR_PLAY), 0);
	assert_int_equal(NOW.playback, EAR_PLAYING);
	assert_string_equal(referee("mpv", "status"), "Playing");
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	assert_int_equal(NOW.playback, EAR_PAUSED);
	assert_int_equal(press(EAR_PLAYPAUSE), 0);
	assert_int_equal(NOW.playback, EAR_PLAYING);
	assert_string_equal(ear_player_kind(rig.rig.player), "mpris");
}

static void
test_skip(void **state)
{
	start_two();
	assert_int_equal(press(EAR_NEXT), 0);
	assert_string_equal(NOW.title, "two.wav");
	assert_string_equal(referee("mpv", "metadata xesam:title"), "two.wav");
	assert_int_equal(press(EAR_PREVIOUS), 0);
	assert_string_equal(NOW.title, "one.wav");
	assert_string_equal(referee("mpv", "metadata xesam:title"), "one.wav");
	assert_int_equal(press(EAR_STOP), 0);
	assert_int_equal(NOW.playback, EAR_STOPPED);
	assert_string_equal(NOW.title, "");
	assert_string_equal(referee("mpv", "status"), "Stopped");
}

/* An mpv that quits when it is stopped has done what it was told. */
static void
test_stop_quits(void **state)
{
	mpris_rig_mpv(&rig, 0, (const char *[]){ "--idle=no", one, NULL });
	mpris_rig_open(&rig, NULL, false);
	assert_int_equal(press(EAR_STOP), 0);
	assert_int_equal(NOW.playback, EAR_STOPPED);
	assert_int_equal(press(EAR_PLAY), -ENODEV);
}

static void
assert_position(double least, double most)
{
	double at = atof(referee("mpv", "position"));

	if (!(at >= least && at < most))
		print_error("playerctl: %f, told: %f\n", at, NOW.position_us / 1e6);
	assert_true(at >= least && at < most);
	assert_true(NOW.position_us >= least * EAR_SEC && NOW.position_us < most * EAR_SEC);
}

static void
test_seek(void **state)
{
	mpris_rig_mpv(&rig, 0, (const char *[]){ "--hr-seek=yes", one, NULL });
	mpris_rig_open(&rig, NULL, false);
	assert_true(rig_wait(&rig.rig, is_read));
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_int_equal(press_value(EAR_SEEK, 10 * EAR_SEC), 0);
	assert_position(9.5, 10.5);
	assert_int_equal(press_by(EAR_SEEK, EAR_SEC), 0);
	assert_position(10.5, 11.5);
	assert_int_equal(press_by(EAR_SEEK, -4 * EAR_SEC), 0);
	assert_position(6.3, 7.7);
	assert_int_equal(press_by(EAR_SEEK, -100 * EAR_SEC), 0);
	assert_position(-0.5, 0.5);
	assert_int_equal(press_value(EAR_SEEK, 21 * EAR_SEC), -ERANGE);
	assert_int_equal(press_value(EAR_SEEK, -1), -ERANGE);
	assert_int_equal(press(EAR_STOP), 0);
	assert_int_equal(press_value(EAR_SEEK, 0), -EREMOTEIO);
}

static void
test_volume(void **state)
{
	start_two();
	assert_int_equal(press_value(EAR_VOLUME, 40), 0);
	assert_int_equal(NOW.volume, 40);
	assert_string_equal(referee("mpv", "volume"), "0.400000");
	assert_int_equal(press_by(EAR_VOLUME, 5), 0);
	assert_int_equal(NOW.volume, 45);
	assert_string_equal(referee("mpv", "volume"), "0.450000");
	assert_int_equal(press_by(EAR_VOLUME, 90), 0);
	assert_int_equal(NOW.volume, 100);
	assert_int_equal(press_value(EAR_VOLUME, 101), -ERANGE);
	assert_int_equal(press_value(EAR_VOLUME, 30), 0);
	assert_int_equal(press(EAR_MUTE), 0);
	assert_true(NOW.muted);
	assert_string_equal(referee("mpv", "volume"), "0.000000");
	assert_int_equal(press_value(EAR_MUTE, 1), 0);
	assert_true(NOW.muted);
	assert_int_equal(press(EAR_MUTE), 0);
	assert_false(NOW.muted);
	assert_int_equal(NOW.volume, 30);
	assert_string_equal(referee("mpv", "volume"), "0.300000");
}

static void
test_modes(void **state)
{
	start_two();
	assert_int_equal(press_value(EAR_REPEAT, EAR_REPEAT_ALL), 0);
	assert_int_equal(NOW.repeat, EAR_REPEAT_ALL);
	assert_string_equal(referee("mpv", "loop"), "Playlist");
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_string_equal(referee("mpv", "loop"), "Track");
	assert_int_equal(press(EAR_REPEAT), 0);
	assert_int_equal(NOW.repeat, EAR_REPEAT_OFF);
	assert_string_equal(referee("mpv", "loop"), "None");
	/* This plugin plays on as it did, and says that it shuffles: it is told as it is. */
	assert_int_equal(press_value(EAR_SHUFFLE, 0), 0);
	assert_string_equal(referee("mpv", "shuffle"), NOW.shuffle ? "On" : "Off");
	assert_int_equal(press_value(EAR_RATE, 1500), 0);
	assert_int_equal(NOW.rate, 1500);
	assert_int_equal(press_value(EAR_RATE, EAR_RATE_MAX + 1), -ERANGE);
	assert_int_equal(press_value(EAR_AUDIO, 1), -EOPNOTSUPP);
	assert_int_equal(press_value(EAR_SUBTITLE, 1), -EOPNOTSUPP);
}

static int answers, last_error;

static void
on_answer(void *arg, int error, const struct ear_player_state *state)
{
	answers++;
	last_error = error;
	if (state != NULL)
		NOW = *state;
}

static bool
is_answered(struct rig *r)
{
	return answers > 0;
}

static int
press_whole(const struct ear_press *what)
{
	answers = 0;
	ear_player_press(rig.rig.player, what, on_answer, NULL);
	assert_true(rig_wait(&rig.rig, is_answered));
	return last_error;
}

static void
test_open(void **state)
{
	char url[160];
	struct ear_press open = { .button = EAR_OPEN, .has_value = true, .text = url };

	start_two();
	snprintf(url, sizeof(url), "file://%s", two);
	assert_int_equal(press_whole(&open), 0);
	assert_string_equal(NOW.title, "two.wav");
	assert_int_equal(NOW.playback, EAR_PLAYING);
	assert_string_equal(referee("mpv", "metadata xesam:title"), "two.wav");
	open.button = EAR_QUEUE;
	assert_int_equal(press_whole(&open), -EOPNOTSUPP);
}

static void
test_keys(void **state)
{
	struct ear_press key = { .button = EAR_KEY, .key = EAR_KEY_PAUSE };

	start_two();
	assert_int_equal(press_whole(&key), 0);
	assert_string_equal(referee("mpv", "status"), "Paused");
	key.key = EAR_KEY_VOLUMEDOWN;
	assert_int_equal(press_whole(&key), 0);
	assert_string_equal(referee("mpv", "volume"), "0.950000");
	key.motion = EAR_UP;
	assert_int_equal(press_whole(&key), 0);
	assert_int_equal(NOW.volume, 95);
	key.key = EAR_KEY_EPG;
	assert_int_equal(press_whole(&key), -EOPNOTSUPP);
}

static bool
is_told_gone(struct rig *r)
{
	return rig.changes > 0 && !rig.there;
}

static bool
is_told_paused(struct rig *r)
{
	return rig.there && rig.told.playback == EAR_PAUSED;
}

static bool
is_told_playing(struct rig *r)
{
	return rig.there && rig.told.playback == EAR_PLAYING;
}

/* Nobody there, then one that comes, is told of, is driven by others, quits, comes back. */
static void
test_come_and_go(void **state)
{
	mpris_rig_open(&rig, NULL, true);
	assert_int_equal(press(EAR_PAUSE), -ENODEV);
	assert_string_equal(ear_player_kind(rig.rig.player), "none");
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_true(rig_wait(&rig.rig, is_told_playing));
	referee("mpv", "pause");
	assert_true(rig_wait(&rig.rig, is_told_paused));
	assert_non_null(ear_player_last(rig.rig.player));
	mpris_rig_kill(&rig, 0);
	assert_true(rig_wait(&rig.rig, is_told_gone));
	assert_null(ear_player_last(rig.rig.player));
	assert_int_equal(press(EAR_PLAY), -ENODEV);
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_true(rig_wait(&rig.rig, is_told_playing));
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_string_equal(referee("mpv", "status"), "Paused");
}

/* The position that somebody else seeks to is told. */
static bool
is_told_late(struct rig *r)
{
	return rig.there && rig.told.position_us >= 14 * EAR_SEC;
}

static void
test_seeked(void **state)
{
	mpris_rig_open(&rig, NULL, true);
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_true(rig_wait(&rig.rig, is_told_playing));
	referee("mpv", "position 15");
	assert_true(rig_wait(&rig.rig, is_told_late));
}

static bool
is_two(struct rig *r)
{
	return rig.there && strcmp(rig.told.title, "two.wav") == 0;
}

static bool
is_one(struct rig *r)
{
	return rig.there && strcmp(rig.told.title, "one.wav") == 0;
}

/* Two players: the one that began to play last is driven. */
static void
test_active(void **state)
{
	char second[64];

	mpris_rig_open(&rig, NULL, true);
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_true(rig_wait(&rig.rig, is_one));
	mpris_rig_mpv(&rig, 1, (const char *[]){ two, NULL });
	snprintf(second, sizeof(second), "mpv.instance%d", (int)rig.players[1]);
	assert_true(rig_wait(&rig.rig, is_two));
	assert_int_equal(press(EAR_PAUSE), 0); /* the other one plays on, and is driven now */
	assert_string_equal(NOW.title, "two.wav");
	assert_string_equal(referee(second, "status"), "Paused");
	assert_string_equal(referee("mpv", "status"), "Playing");
	assert_true(rig_wait(&rig.rig, is_one));
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_string_equal(NOW.title, "one.wav");
	referee(second, "play");
	assert_true(rig_wait(&rig.rig, is_two));
	mpris_rig_kill(&rig, 1);
	assert_true(rig_wait(&rig.rig, is_one));
}

/* One that hangs lets one press down, and is not chosen again before it moves. */
static void
test_hung(void **state)
{
	int error;

	mpris_rig_open(&rig, NULL, true);
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_true(rig_wait(&rig.rig, is_one)); /* so that it is the older one */
	mpris_rig_mpv(&rig, 1, (const char *[]){ two, NULL });
	assert_true(rig_wait(&rig.rig, is_two));
	kill(rig.players[1], SIGSTOP);
	error = press(EAR_PAUSE); /* unless a question was let down just before */
	assert_true(error == -ETIMEDOUT || error == 0);
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_string_equal(NOW.title, "one.wav");
	kill(rig.players[1], SIGCONT);
	assert_true(rig_wait(&rig.rig, is_two));
	assert_int_equal(rig_look(&rig.rig), 0);
	assert_string_equal(NOW.title, "two.wav");
	assert_int_equal(NOW.playback, EAR_PLAYING); /* what was pressed too late is not done */
}

/* One that hung already when it was found. */
static void
test_hung_before(void **state)
{
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	mpris_rig_mpv(&rig, 1, (const char *[]){ two, NULL });
	kill(rig.players[1], SIGSTOP);
	mpris_rig_open(&rig, NULL, false);
	assert_int_equal(press(EAR_PAUSE), 0);
	assert_string_equal(NOW.title, "one.wav");
}

static void
test_name(void **state)
{
	char name[64];

	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	mpris_rig_mpv(&rig, 1, (const char *[]){ "--pause", two, NULL });
	snprintf(name, sizeof(name), "mpv.instance%d", (int)rig.players[1]);
	mpris_rig_open(&rig, name, false);
	assert_int_equal(rig_look(&rig.rig), 0);
	assert_string_equal(NOW.title, "two.wav");
	player_free(rig.rig.player);
	mpris_rig_open(&rig, "MPV", false);
	assert_int_equal(rig_look(&rig.rig), 0);
	assert_string_equal(NOW.title, "one.wav");
	player_free(rig.rig.player);
	mpris_rig_open(&rig, "vlc", false);
	assert_int_equal(rig_look(&rig.rig), -ENODEV);
}

static void
test_bus_restarts(void **state)
{
	mpris_rig_open(&rig, NULL, true);
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_true(rig_wait(&rig.rig, is_told_playing));
	mpris_rig_bus_kill(&rig);
	assert_true(rig_wait(&rig.rig, is_told_gone));
	assert_int_equal(press(EAR_PAUSE), -ENODEV);
	mpris_rig_kill(&rig, 0);
	mpris_rig_bus_start(&rig);
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_int_equal(press(EAR_PAUSE), 0); /* at once, whenever the bus is looked for again */
	assert_true(rig_wait(&rig.rig, is_told_paused));
}

/* A bus that hangs, and the loop that does not. */
static void
test_bus_hangs(void **state)
{
	mpris_rig_open(&rig, NULL, true);
	mpris_rig_mpv(&rig, 0, (const char *[]){ one, NULL });
	assert_true(rig_wait(&rig.rig, is_told_playing));
	kill(rig.bus, SIGSTOP);
	assert_int_equal(press(EAR_PAUSE), -ETIMEDOUT);
	player_free(rig.rig.player); /* never waits either */
	mpris_rig_open(&rig, NULL, false);
	assert_int_equal(press(EAR_PAUSE), -ETIMEDOUT);
	kill(rig.bus, SIGCONT);
	assert_int_equal(press(EAR_PAUSE), 0);
}

static void
test_no_bus(void **state)
{
	mpris_rig_bus_kill(&rig);
	mpris_rig_open(&rig, NULL, true);
	assert_int_equal(press(EAR_PAUSE), -ENODEV);
	setenv("DBUS_SESSION_BUS_ADDRESS", "tcp:host=192.0.2.1,port=1", 1); /* is not looked up */
	assert_int_equal(press(EAR_PAUSE), -ENODEV);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(press(EAR_PAUSE), -ENODEV);
	setenv("XDG_RUNTIME_DIR", rig.rig.dir, 1);
	assert_int_equal(press(EAR_PAUSE), -ENODEV);
	mpris_rig_bus_start(&rig);
	assert_int_equal(press(EAR_PAUSE), -ENODEV); /* there is a bus, but no player */
	assert_string_equal(ear_player_kind(rig.rig.player), "none");
}

int
main(void)
{
#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_playback),    RIG_TEST(test_skip),   RIG_TEST(test_stop_quits),
		RIG_TEST(test_seek),        RIG_TEST(test_volume), RIG_TEST(test_modes),
		RIG_TEST(test_open),        RIG_TEST(test_keys),   RIG_TEST(test_come_and_go),
		RIG_TEST(test_seeked),      RIG_TEST(test_active), RIG_TEST(test_hung),
		RIG_TEST(test_hung_before), RIG_TEST(test_name),   RIG_TEST(test_bus_restarts),
		RIG_TEST(test_bus_hangs),   RIG_TEST(test_no_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
