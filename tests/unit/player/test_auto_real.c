/* SPDX-License-Identifier: ISC */
/* test_auto_real.c: real players side by side, in a network of their own: mpv by its socket and by
 * D-Bus, and MPD on its usual port. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mpd_rig.h"
#include "mpris_rig.h"
#include "player/ops.h"

static struct mpris_rig rig;
static struct mpd_rig mpd;
static char clip[128];

/* 127.0.0.1 of our own: neither this machine's players nor other tests are in it. */
static int
setup_all(void **state)
{
	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0 ||
	    system("ip link set lo up") != 0)
		return -1;
	return mpd_rig_compose(state);
}

static int
setup(void **state)
{
	mpris_rig_init(&rig);
	rig_wav(&rig.rig, "clip.wav", clip, sizeof(clip));
	mpd_rig_init(&mpd);
	mpd.port = 6600;
	return 0;
}

static int
teardown(void **state)
{
	mpris_rig_release(&rig);
	mpd_rig_release(&mpd);
	return 0;
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	rig.changes++;
	rig.there = state != NULL;
	if (state != NULL)
		rig.told = *state;
}

static void
open_auto(void)
{
	struct player_config config = { .kind = "auto", .socket = rig.rig.socket };

	assert_int_equal(
		player_new(rig.rig.base, rig.rig.clock, &config, on_changed, NULL, &rig.rig.player),
		0);
}

/* On D-Bus too, by its plug-in. */
static void
start_mpv(bool with_socket)
{
	char server[128];

	snprintf(server, sizeof(server), "--input-ipc-server=%s", rig.rig.socket);
	mpris_rig_mpv(&rig, 0,
		      with_socket ? (const char *[]){ "--loop", server, clip, NULL }
				  : (const char *[]){ "--loop", clip, NULL });
}

static const char *awaited;

static bool
is_driven(struct rig *r)
{
	return strcmp(ear_player_kind(r->player), awaited) == 0;
}

static void
await_driven(const char *kind)
{
	awaited = kind;
	if (!rig_wait(&rig.rig, is_driven))
		fail_msg("%s is driven, not %s", ear_player_kind(rig.rig.player), kind);
}

static bool
is_not_driven(struct rig *r)
{
	return !is_driven(r);
}

/* As long as that takes, it stays so. */
static void
assert_stays(const char *kind, int64_t usec)
{
	awaited = kind;
	for (int i = 0; i < 20; i++) {
		rig_run(&rig.rig, usec / 20);
		assert_false(is_not_driven(&rig.rig));
	}
}

static void
assert_mpd(const char *status)
{
	assert_string_equal(mpd_rig_mpc(&mpd, "status %state%"), status);
}

static void
test_native_wins(void **state)
{
	start_mpv(true);
	open_auto();
	await_driven("mpv");
	assert_stays("mpv", EAR_SEC);
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	assert_stays("mpv", EAR_SEC / 2);
	assert_string_equal(referee("mpv", "status"), "Paused");
	mpris_rig_kill(&rig, 0);
	await_driven("none");
	assert_int_equal(rig_press(&rig.rig, EAR_PLAY), -ENODEV);
	start_mpv(false);
	await_driven("mpris");
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	assert_string_equal(referee("mpv", "status"), "Paused");
	assert_int_equal(rig.rig.state.playback, EAR_PAUSED);
}

/* While the mpv with the socket waits for something to play, another one is driven by D-Bus. */
static void
test_other_mpv(void **state)
{
	char name[64];

	start_mpv(true);
	open_auto();
	await_driven("mpv");
	assert_int_equal(rig_press(&rig.rig, EAR_STOP), 0);
	assert_stays("mpv", EAR_SEC / 2);
	mpris_rig_mpv(&rig, 1, (const char *[]){ "--loop", clip, NULL });
	await_driven("mpris");
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	snprintf(name, sizeof(name), "mpv.instance%d", (int)rig.players[1]);
	assert_string_equal(referee(name, "status"), "Paused");
	mpris_rig_kill(&rig, 1);
	await_driven("mpv");
}

/* A press finds what has just been started. */
static void
test_press_looks(void **state)
{
	open_auto();
	rig_run(&rig.rig, 4 * EAR_SEC); /* nobody: looked for less often now */
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), -ENODEV);
	mpd_rig_start_full(&mpd);
	(void)mpd_rig_mpc(&mpd, "play");
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	assert_mpd("paused");
	assert_string_equal(ear_player_kind(rig.rig.player), "mpd");
	assert_string_equal(rig.rig.state.title, "Song 1");
}

static void
test_last_wins(void **state)
{
	start_mpv(true);
	open_auto();
	await_driven("mpv");
	mpd_rig_start_full(&mpd);
	(void)mpd_rig_mpc(&mpd, "play");
	await_driven("mpd");
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	assert_mpd("paused");
	await_driven("mpv"); /* which plays on */
	assert_string_equal(referee("mpv", "status"), "Playing");
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	assert_string_equal(referee("mpv", "status"), "Paused");
	assert_int_equal(rig_press(&rig.rig, EAR_PLAY), 0); /* what was paused last goes on */
	assert_string_equal(ear_player_kind(rig.rig.player), "mpv");
	assert_string_equal(referee("mpv", "status"), "Playing");
	assert_mpd("paused");
	(void)mpd_rig_mpc(&mpd, "play");
	await_driven("mpd");
	mpd_rig_kill(&mpd);
	await_driven("mpv");
	assert_string_equal(referee("mpv", "status"), "Playing");
}

/* Neither the one that is driven nor another one holds things up when it hangs. */
static void
test_hung(void **state)
{
	int64_t before;

	start_mpv(true);
	mpd_rig_start_full(&mpd);
	open_auto();
	await_driven("mpv");
	(void)mpd_rig_mpc(&mpd, "play");
	await_driven("mpd");
	rig.rig.mpv = rig.players[0];
	rig_mpv_pause(&rig.rig, true);
	before = ear_now(rig.rig.clock);
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	assert_true(ear_now(rig.rig.clock) - before < PLAYER_TIMEOUT);
	assert_mpd("paused");
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), -ETIMEDOUT); /* mpv's turn: found out */
	await_driven("mpd");
	before = ear_now(rig.rig.clock);
	assert_int_equal(rig_press(&rig.rig, EAR_PLAY), 0);
	assert_true(ear_now(rig.rig.clock) - before < PLAYER_TIMEOUT);
	assert_mpd("playing");
	rig_mpv_pause(&rig.rig, false);
	rig.rig.mpv = 0;
	mpd_rig_kill(&mpd);
	await_driven("mpv");
	assert_int_equal(rig_press(&rig.rig, EAR_PAUSE), 0);
	assert_string_equal(referee("mpv", "status"), "Paused");
}

/* While one plays and nothing happens, we sleep, but for looking for the others. */
static void
test_quiet(void **state)
{
	start_mpv(true);
	open_auto();
	await_driven("mpv");
	rig_run(&rig.rig, 8 * EAR_SEC);
	rig.changes = 0;
	assert_true(rig_run(&rig.rig, 5 * EAR_SEC) <= 30);
	assert_int_equal(rig.changes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_native_wins), TEST(test_other_mpv), TEST(test_press_looks),
		TEST(test_last_wins),   TEST(test_hung),      TEST(test_quiet),
	};

	return cmocka_run_group_tests(tests, setup_all, mpd_rig_discard);
}
