/* SPDX-License-Identifier: ISC */
/* test_mpv.c: every button on a real mpv, and a real mpv that hangs, dies and comes back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "player/ops.h"
#include "player_rig.h"

static struct rig rig;
static char one[128], two[128];

static int
setup(void **state)
{
	rig_init(&rig);
	rig_wav(&rig, "one.wav", one, sizeof(one));
	rig_wav(&rig, "two.wav", two, sizeof(two));
	return 0;
}

static int
teardown(void **state)
{
	rig_release(&rig);
	return 0;
}

static void
start_two(bool watched)
{
	rig_mpv_start(&rig, "yes", (const char *[]){ one, two, NULL });
	rig_open(&rig, watched);
}

static void
start_idle(void)
{
	rig_mpv_start(&rig, "yes", (const char *[]){ NULL });
	rig_open(&rig, false);
}

static void
assert_position(int64_t from, int64_t to)
{
	if (rig.state.position_us < from || rig.state.position_us > to)
		fail_msg("position %lld is not within %lld..%lld", (long long)rig.state.position_us,
			 (long long)from, (long long)to);
}

static void
test_pause(void **state)
{
	start_two(false);
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_string_equal(rig.state.title, "one.wav");
	assert_int_equal(rig.state.duration_us, 20 * EAR_SEC);
	assert_true(rig.state.seekable);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_int_equal(rig_press(&rig, EAR_PLAY), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_int_equal(rig_press(&rig, EAR_PLAYPAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_int_equal(rig_press(&rig, EAR_PLAYPAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_string_equal(ear_player_kind(rig.player), "mpv");
}

static void
test_volume(void **state)
{
	start_idle();
	assert_int_equal(rig_press_value(&rig, EAR_VOLUME, false, 40), 0);
	assert_int_equal(rig.state.volume, 40);
	assert_int_equal(rig_press_value(&rig, EAR_VOLUME, true, 5), 0);
	assert_int_equal(rig.state.volume, 45);
	assert_int_equal(rig_press_value(&rig, EAR_VOLUME, true, 90), 0);
	assert_int_equal(rig.state.volume, 100); /* mpv itself would go to 130 */
	assert_int_equal(rig_press_value(&rig, EAR_VOLUME, true, -100), 0);
	assert_int_equal(rig.state.volume, 0);
	assert_int_equal(rig_press_value(&rig, EAR_VOLUME, false, 101), -ERANGE);
	assert_int_equal(rig_press(&rig, EAR_MUTE), 0);
	assert_true(rig.state.muted);
	assert_int_equal(rig_press_value(&rig, EAR_MUTE, false, 1), 0);
	assert_true(rig.state.muted);
	assert_int_equal(rig_press_value(&rig, EAR_MUTE, false, 0), 0);
	assert_false(rig.state.muted);
}

static void
test_seek(void **state)
{
	start_two(false);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_position(9 * EAR_SEC, 10 * EAR_SEC + EAR_SEC / 2);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, true, 5 * EAR_SEC), 0);
	assert_position(14 * EAR_SEC, 15 * EAR_SEC + EAR_SEC / 2);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, true, -100 * EAR_SEC), 0);
	assert_position(0, EAR_SEC / 2);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, 21 * EAR_SEC), -ERANGE);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, -1), -ERANGE);
}

static bool
is_two(struct rig *r)
{
	return rig_look(r) != 0 || strcmp(r->state.title, "two.wav") == 0;
}

static void
test_seek_past_end(void **state)
{
	start_two(false);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, true, 100 * EAR_SEC), 0);
	assert_true(rig_wait(&rig, is_two));
	assert_int_equal(rig.error, 0);
}

static void
test_skip(void **state)
{
	start_two(false);
	assert_int_equal(rig_press(&rig, EAR_PREVIOUS), -EREMOTEIO);
	assert_int_equal(rig_press(&rig, EAR_NEXT), 0);
	assert_string_equal(rig.state.title, "two.wav");
	assert_position(0, EAR_SEC);
	assert_int_equal(rig_press(&rig, EAR_NEXT), -EREMOTEIO);
	assert_int_equal(rig_press(&rig, EAR_PREVIOUS), 0);
	assert_string_equal(rig.state.title, "one.wav");
	assert_int_equal(rig.state.playback, EAR_PLAYING);
}

/* An mpv that would quit when nothing is left to play stays when the remote control stops it. */
static void
test_stop(void **state)
{
	rig_mpv_start(&rig, "no", (const char *[]){ one, two, NULL });
	rig_open(&rig, false);
	assert_int_equal(rig_press(&rig, EAR_NEXT), 0);
	assert_int_equal(rig_press(&rig, EAR_STOP), 0);
	assert_int_equal(rig.state.playback, EAR_STOPPED);
	assert_int_equal(rig.state.position_us, -1);
	assert_string_equal(rig.state.title, "");
	assert_int_equal(rig_press(&rig, EAR_STOP), 0);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_STOPPED);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, 0), -EREMOTEIO);
	assert_int_equal(rig_press(&rig, EAR_PLAY), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_string_equal(rig.state.title, "two.wav"); /* where it was */
	assert_int_equal(rig_press(&rig, EAR_STOP), 0);
	assert_int_equal(rig_press(&rig, EAR_NEXT), -EREMOTEIO);
	assert_int_equal(rig_press(&rig, EAR_PREVIOUS), 0);
	assert_string_equal(rig.state.title, "one.wav");
	assert_int_equal(rig_press(&rig, EAR_STOP), 0);
	assert_int_equal(rig_press(&rig, EAR_PLAYPAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
}

static void
test_nothing_to_play(void **state)
{
	start_idle();
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(rig.state.playback, EAR_STOPPED);
	assert_int_equal(rig.state.duration_us, -1);
	assert_false(rig.state.seekable);
	assert_int_equal(rig_press(&rig, EAR_PLAY), -EREMOTEIO);
	assert_int_equal(rig_press(&rig, EAR_NEXT), -EREMOTEIO);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, true, EAR_SEC), -EREMOTEIO);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_STOPPED);
}

static bool
is_at_end(struct rig *r)
{
	return rig_look(r) != 0 || r->state.playback == EAR_PAUSED;
}

/* With keep-open mpv stands paused at the end: play begins again. */
static void
test_play_at_end(void **state)
{
	rig_mpv_start(&rig, "yes", (const char *[]){ "--keep-open", one, NULL });
	rig_open(&rig, false);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, 20 * EAR_SEC - EAR_SEC / 5), 0);
	assert_true(rig_wait(&rig, is_at_end));
	assert_int_equal(rig_press(&rig, EAR_PLAY), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_position(0, 2 * EAR_SEC);
}

static bool
is_told_paused(struct rig *r)
{
	return r->changes > 0 && r->told.playback == EAR_PAUSED;
}

static void
test_changed(void **state)
{
	start_two(true);
	assert_int_equal(rig_look(&rig), 0);
	rig_run(&rig, EAR_SEC / 5);
	rig.changes = 0;
	rig_mpv_say(&rig, "{\"command\":[\"set_property\",\"pause\",true]}\n");
	assert_true(rig_wait(&rig, is_told_paused));
	assert_string_equal(rig.told.title, "one.wav");
}

/* While it plays and nobody asks, we sleep. */
static void
test_no_wakeups(void **state)
{
	start_two(true);
	assert_int_equal(rig_look(&rig), 0);
	rig_run(&rig, EAR_SEC / 2);
	assert_true(rig_run(&rig, 2 * EAR_SEC) <= 3);
}

static void
test_hung(void **state)
{
	int64_t before;

	start_two(false);
	assert_int_equal(rig_look(&rig), 0);
	rig_mpv_pause(&rig, true);
	before = ear_now(rig.clock);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ETIMEDOUT);
	assert_true(ear_now(rig.clock) - before < 3 * PLAYER_TIMEOUT);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ETIMEDOUT);
	rig_mpv_pause(&rig, false);
	/* What had timed out is not done late. */
	assert_int_equal(rig_look(&rig), 0);
	rig_run(&rig, EAR_SEC / 5);
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
}

/* Found hung by a player that was not connected yet: the kernel accepts for it. */
static void
test_hung_from_start(void **state)
{
	start_two(false);
	rig_mpv_pause(&rig, true);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ETIMEDOUT);
	rig_mpv_pause(&rig, false);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
}

static bool
is_gone(struct rig *r)
{
	return strcmp(ear_player_kind(r->player), "none") == 0;
}

static void
test_killed(void **state)
{
	start_two(false);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	rig_mpv_kill(&rig);
	assert_true(rig_wait(&rig, is_gone));
	assert_int_equal(rig_press(&rig, EAR_PLAY), -ENODEV);
	assert_int_equal(rig_look(&rig), -ENODEV);
	rig_mpv_start(&rig, "yes", (const char *[]){ two, NULL });
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_string_equal(rig.state.title, "two.wav");
}

static void
on_pause(void *arg, int error, const struct ear_player_state *state)
{
	struct rig *r = arg;

	r->answers++;
	r->error = error;
}

static bool
is_answered(struct rig *r)
{
	return r->answers > 0;
}

static void
test_killed_meanwhile(void **state)
{
	struct ear_press press = { .button = EAR_PAUSE };

	start_two(false);
	assert_int_equal(rig_look(&rig), 0);
	rig_mpv_pause(&rig, true);
	rig.answers = 0;
	ear_player_press(rig.player, &press, on_pause, &rig);
	rig_run(&rig, EAR_SEC / 10);
	rig_mpv_kill(&rig);
	assert_true(rig_wait(&rig, is_answered));
	assert_int_equal(rig.error, -ENODEV);
}

static bool
is_told_two(struct rig *r)
{
	return r->changes > 0 && strcmp(r->told.title, "two.wav") == 0;
}

/* Whoever wants to be told of changes is told when mpv comes back too, without asking. */
static void
test_reconnects(void **state)
{
	start_two(true);
	assert_int_equal(rig_look(&rig), 0);
	rig_mpv_kill(&rig);
	assert_true(rig_wait(&rig, is_gone));
	rig_mpv_start(&rig, "yes", (const char *[]){ two, NULL });
	assert_true(rig_wait(&rig, is_told_two));
}

static void
test_file_names(void **state)
{
	char odd[256], name[256];

	snprintf(name, sizeof(name), "Bj\xf6rk \x01 %0200d.wav", 0);
	rig_wav(&rig, name, odd, sizeof(odd));
	rig_mpv_start(&rig, "yes", (const char *[]){ odd, NULL });
	rig_open(&rig, false);
	assert_int_equal(rig_look(&rig), 0);
	assert_memory_equal(rig.state.title, "Bj", 2);
	assert_null(strchr(rig.state.title, '\x01'));
	assert_null(strchr(rig.state.title, '\xf6'));
	assert_non_null(strstr(rig.state.title, "0000"));
}

static int
open_anywhere(void)
{
	struct player_config config = { .kind = "mpv" };

	return player_new(rig.base, rig.clock, &config, NULL, NULL, &rig.player);
}

static void
test_usual_places(void **state)
{
	const char *old = getenv("XDG_RUNTIME_DIR");
	char *kept = old == NULL ? NULL : strdup(old);

	setenv("XDG_RUNTIME_DIR", rig.dir, 1);
	assert_int_equal(open_anywhere(), 0);
	snprintf(rig.socket, sizeof(rig.socket), "%s/mpv.sock", rig.dir);
	assert_string_equal(ear_player_kind(rig.player), "none");
	rig_mpv_start(&rig, "yes", (const char *[]){ one, NULL });
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_string_equal(rig.state.title, "one.wav");
	assert_string_equal(ear_player_kind(rig.player), "mpv");
	if (kept == NULL)
		unsetenv("XDG_RUNTIME_DIR");
	else
		setenv("XDG_RUNTIME_DIR", kept, 1);
	free(kept);
}

static const char *awaited;

/* mpv draws its on-screen text on the terminal when it is told to; that is in rig->dir/terminal. */
static bool
is_on_screen(struct rig *r)
{
	char path[128], text[16384];
	FILE *file;
	size_t n;

	rig_run(r, EAR_SEC / 50);
	snprintf(path, sizeof(path), "%s/terminal", r->dir);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return strstr(text, awaited) != NULL;
}

static void
assert_screen(const char *text)
{
	awaited = text;
	assert_true(rig_wait(&rig, is_on_screen));
}

/*
 * What strangers choose is shown as it is: mpv would replace ${...} by what it knows, run escapes
 * of its own, and a line of ours is one line.
 */
static void
test_show(void **state)
{
	char cut[PLAYER_TEXT_SIZE];

	rig.with_terminal = true;
	start_idle();
	assert_int_equal(ear_player_show(rig.player, "Earshot: phone@sofa: 123 456", 60 * EAR_SEC),
			 0);
	assert_screen("Earshot: phone@sofa: 123 456");
	assert_int_equal(ear_player_show(rig.player,
					 "a ${mpv-version} ${osd-ass-cc/0}{\\b1} %n \\n $$ \xff b",
					 60 * EAR_SEC),
			 0);
	assert_screen("a ${mpv-version} ${osd-ass-cc/0}{\\b1} %n \\n $$ \xef\xbf\xbd b");
	assert_int_equal(ear_player_show(rig.player,
					 "one\ntwo\x1b[31mthree\xe2\x80\xa8"
					 "four",
					 60 * EAR_SEC),
			 0);
	assert_screen("one two [31mthree four");
	memset(cut, 'x', sizeof(cut) - 1);
	cut[sizeof(cut) - 1] = '\0';
	assert_int_equal(ear_player_show(rig.player, cut, 60 * EAR_SEC), 0);
	assert_screen("xxxxxxxxxxxxxxxx");
	assert_int_equal(ear_player_show(rig.player, NULL, 0), 0);
	assert_int_equal(rig_look(&rig), 0);
}

/*
 * Shows a line that is to stay, and whether it does. mpv ends the line on the terminal when it is
 * no longer shown.
 */
static bool
stays(const char *text, const char *ended)
{
	assert_int_equal(ear_player_show(rig.player, text, 60 * EAR_SEC), 0);
	assert_screen(text);
	rig_run(&rig, EAR_SEC / 5);
	awaited = ended;
	return !is_on_screen(&rig);
}

/* While it lasts, it is there; taken away or over, it is not. */
static void
test_show_ends(void **state)
{
	char text[32], ended[40];
	int i;

	rig.with_terminal = true;
	start_idle();
	/* An mpv that is still starting clears its screen once. */
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		snprintf(ended, sizeof(ended), "line %d\r\n", i);
		if (stays(text, ended))
			break;
	}
	assert_true(i < 5);
	assert_int_equal(ear_player_show(rig.player, NULL, 0), 0);
	assert_screen(ended);
	assert_int_equal(ear_player_show(rig.player, "second 222", EAR_SEC / 5), 0);
	assert_screen("second 222\r\n");
}

static void
test_show_to_nobody(void **state)
{
	rig_open(&rig, false);
	assert_int_equal(ear_player_show(rig.player, "hello", EAR_SEC), -ENODEV);
	assert_int_equal(ear_player_show(rig.player, NULL, 0), -ENODEV);
}

/* An mpv that reads nothing any more takes only so much. */
static void
test_show_to_hung(void **state)
{
	int error = 0;

	start_idle();
	assert_int_equal(rig_look(&rig), 0);
	rig_mpv_pause(&rig, true);
	for (int i = 0; i < 100000 && error == 0; i++) {
		error = ear_player_show(rig.player, "hello hello hello hello hello", EAR_SEC);
		if (i % 100 == 0)
			rig_run(&rig, 1);
	}
	assert_int_equal(error, -ENODEV);
	rig_mpv_pause(&rig, false);
}

static void
test_no_mpv(void **state)
{
	rig_open(&rig, false);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ENODEV);
	assert_int_equal(rig_look(&rig), -ENODEV);
	assert_string_equal(ear_player_kind(rig.player), "none");
}

static void
test_long_path(void **state)
{
	struct ear_player *player;
	char path[200];
	struct player_config config = { .kind = "mpv", .socket = path };

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(player_new(rig.base, rig.clock, &config, NULL, NULL, &player),
			 -ENAMETOOLONG);
	assert_null(player);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pause),
		TEST(test_volume),
		TEST(test_seek),
		TEST(test_seek_past_end),
		TEST(test_skip),
		TEST(test_stop),
		TEST(test_nothing_to_play),
		TEST(test_play_at_end),
		TEST(test_changed),
		TEST(test_no_wakeups),
		TEST(test_hung),
		TEST(test_hung_from_start),
		TEST(test_killed),
		TEST(test_killed_meanwhile),
		TEST(test_reconnects),
		TEST(test_file_names),
		TEST(test_usual_places),
		TEST(test_show),
		TEST(test_show_ends),
		TEST(test_show_to_nobody),
		TEST(test_show_to_hung),
		TEST(test_no_mpv),
		TEST(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
