/* SPDX-License-Identifier: ISC */
/* test_mpris_players.c: which names are looked at, who is one player, and who is driven. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "player/mpris_players.h"

static struct mpris_players players;
static int64_t now = 1000 * EAR_SEC;
static bool gap;

static void
clear(void)
{
	while (!list_is_empty(&players.list))
		mpris_players_remove(&players,
				     container_of(players.list.next, struct mpris_player, item));
}

static struct mpris_player *
add(const char *end, const char *owner, enum ear_playback playback)
{
	struct mpris_player *player = mpris_players_add(&players, end, owner);

	assert_non_null(player);
	player->view.playback = playback;
	(void)mpris_players_note(&players, player, EAR_STOPPED, now);
	return player;
}

static void
become(struct mpris_player *player, enum ear_playback playback)
{
	enum ear_playback before = player->view.playback;

	player->view.playback = playback;
	gap = mpris_players_note(&players, player, before, now);
}

static void
test_names(void **state)
{
	const char *end;

	mpris_players_init(&players, NULL);
	assert_true(mpris_players_want(&players, "org.mpris.MediaPlayer2.vlc", &end));
	assert_string_equal(end, "vlc");
	assert_false(mpris_players_want(&players, "org.mpris.MediaPlayer3.vlc", &end));
	assert_false(mpris_players_want(&players, ":1.4", &end));
	assert_false(mpris_players_want(&players, "org.mpris.MediaPlayer2.playerctld", &end));
	mpris_players_init(&players, "vlc");
	assert_true(mpris_players_want(&players, "org.mpris.MediaPlayer2.vlc", &end));
	assert_true(mpris_players_want(&players, "org.mpris.MediaPlayer2.VLC.instance7", &end));
	assert_false(mpris_players_want(&players, "org.mpris.MediaPlayer2.vlcx", &end));
	assert_false(mpris_players_want(&players, "org.mpris.MediaPlayer2.mpv", &end));
	mpris_players_init(&players, "playerctld");
	assert_true(mpris_players_want(&players, "org.mpris.MediaPlayer2.playerctld", &end));
}

/* As many names as it likes: it is one player until the last of them is gone. */
static void
test_owner(void **state)
{
	struct mpris_player *one;

	mpris_players_init(&players, NULL);
	assert_null(mpris_players_best(&players, now));
	one = add("vlc", ":1.1", EAR_STOPPED);
	assert_null(mpris_players_add(&players, "vlc.instance1", ":1.1"));
	assert_null(mpris_players_add(&players, "vlc", ":1.1"));
	for (int i = 0; i < 10; i++) {
		char name[32];

		snprintf(name, sizeof(name), "more%d", i);
		assert_null(mpris_players_add(&players, name, ":1.1"));
	}
	assert_int_equal(players.count, 1);
	assert_string_equal(mpris_player_name(one), "vlc");
	assert_null(mpris_players_drop(&players, "vlc", ":1.1"));
	assert_null(mpris_players_drop(&players, "more0", ":1.1"));
	assert_null(mpris_players_drop(&players, "more0", ":1.2"));
	assert_null(mpris_players_drop(&players, "more1", ":1.1"));
	assert_ptr_equal(mpris_players_drop(&players, "vlc.instance1", ":1.1"), one);
	clear();
}

static void
test_full(void **state)
{
	char owner[MPRIS_OWNER_SIZE + 8];

	mpris_players_init(&players, NULL);
	for (int i = 0; i < MPRIS_PLAYERS_MAX; i++) {
		snprintf(owner, sizeof(owner), ":1.%d", i);
		add("x", owner, EAR_STOPPED);
	}
	assert_false(players.missed);
	assert_null(mpris_players_add(&players, "x", ":1.99"));
	assert_true(players.missed);
	clear();
	memset(owner, '1', sizeof(owner) - 1);
	owner[sizeof(owner) - 1] = '\0';
	assert_null(mpris_players_add(&players, "x", owner));
}

static void
test_best(void **state)
{
	struct mpris_player *a, *b, *c;

	mpris_players_init(&players, NULL);
	a = add("a", ":1.1", EAR_PAUSED);
	b = add("b", ":1.2", EAR_STOPPED);
	assert_ptr_equal(mpris_players_best(&players, now), a);
	c = add("c", ":1.3", EAR_PLAYING);
	assert_ptr_equal(mpris_players_best(&players, now), c);
	become(b, EAR_PLAYING); /* later */
	assert_ptr_equal(mpris_players_best(&players, now), b);
	become(c, EAR_PLAYING); /* does so already */
	assert_ptr_equal(mpris_players_best(&players, now), b);
	become(b, EAR_PAUSED);
	assert_ptr_equal(mpris_players_best(&players, now), c);
	become(c, EAR_PAUSED); /* who pauses it goes on with it */
	assert_ptr_equal(mpris_players_best(&players, now), c);
	become(c, EAR_STOPPED);
	now += MPRIS_GAP;
	assert_ptr_equal(mpris_players_best(&players, now), b);
	become(c, EAR_PAUSED); /* not after it had played */
	assert_ptr_equal(mpris_players_best(&players, now), c);
	become(b, EAR_STOPPED);
	c->silent = true;
	assert_ptr_equal(mpris_players_best(&players, now), a);
	a->silent = b->silent = true;
	assert_non_null(mpris_players_best(&players, now));
	clear();
}

/* Between two titles; and one that has stopped for good. */
static void
test_gap(void **state)
{
	struct mpris_player *a, *b;

	mpris_players_init(&players, NULL);
	a = add("a", ":1.1", EAR_PLAYING);
	b = add("b", ":1.2", EAR_PLAYING);
	become(b, EAR_STOPPED);
	assert_true(gap);
	assert_ptr_equal(mpris_players_best(&players, now), b);
	now += MPRIS_GAP / 2;
	become(a, EAR_PAUSED);
	become(a, EAR_PLAYING);
	assert_ptr_equal(mpris_players_best(&players, now), a);
	become(b, EAR_PLAYING); /* goes on: that is not beginning */
	assert_false(gap);
	assert_ptr_equal(mpris_players_best(&players, now), a);
	become(a, EAR_STOPPED);
	assert_ptr_equal(mpris_players_best(&players, now), a);
	now += MPRIS_GAP;
	assert_ptr_equal(mpris_players_best(&players, now), b);
	become(b, EAR_PAUSED);
	become(a, EAR_PLAYING);
	become(a, EAR_PAUSED);
	assert_ptr_equal(mpris_players_best(&players, now), a);
	clear();
}

static void
test_left_out(void **state)
{
	struct mpris_player *mpv;

	mpris_players_init(&players, NULL);
	mpv = add("mpv.instance7", ":1.1", EAR_PLAYING);
	mpris_players_leave_out(&players, "MPV", true);
	mpris_players_leave_out(&players, "mpv", true);
	assert_null(mpris_players_best(&players, now));
	add("vlc", ":1.2", EAR_STOPPED);
	assert_string_equal(mpris_player_name(mpris_players_best(&players, now)), "vlc");
	mpris_players_leave_out(&players, "mpd", false);
	mpris_players_leave_out(&players, "mpv", false);
	assert_ptr_equal(mpris_players_best(&players, now), mpv);
	clear();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_owner),
		cmocka_unit_test(test_full),  cmocka_unit_test(test_best),
		cmocka_unit_test(test_gap),   cmocka_unit_test(test_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
