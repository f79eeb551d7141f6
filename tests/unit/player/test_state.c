/* SPDX-License-Identifier: ISC */
/* test_state.c: what is a change of a state, and what gets into its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "player/ops.h"

static struct ear_player_state a, b;

static int
setup(void **state)
{
	player_state_init(&a);
	a.playback = EAR_PLAYING;
	a.position_us = 10 * EAR_SEC;
	a.duration_us = 60 * EAR_SEC;
	a.at = 1000;
	b = a;
	return 0;
}

/* Each field is looked at. */
static void
test_changes(void **state)
{
	assert_true(player_state_same(&a, &b));
#define DIFFERS(change)                                                                            \
	do {                                                                                       \
		setup(NULL);                                                                       \
		change;                                                                            \
		assert_false(player_state_same(&a, &b));                                           \
		assert_false(player_state_same(&b, &a));                                           \
	} while (0)
	DIFFERS(b.playback = EAR_STOPPED);
	DIFFERS(b.name[0] = 'a');
	DIFFERS(b.title[0] = 'a');
	DIFFERS(b.artist[0] = 'a');
	DIFFERS(b.album[0] = 'a');
	DIFFERS(b.position_us = 20 * EAR_SEC);
	DIFFERS(b.position_us = -1);
	DIFFERS(b.duration_us = -1);
	DIFFERS(b.volume = 1);
	DIFFERS(b.rate = 1001);
	DIFFERS(b.shuffle = 0);
	DIFFERS(b.repeat = 0);
	DIFFERS(b.audio = 0);
	DIFFERS(b.audio_count = 0);
	DIFFERS(b.subtitle = 0);
	DIFFERS(b.subtitle_count = 0);
	DIFFERS(b.muted = true);
	DIFFERS(b.seekable = true);
	DIFFERS(b.can = 1);
}

/* Time goes by at the rate of the playback, and not at all in a pause. */
static void
test_time(void **state)
{
	b.at += 20 * EAR_SEC;
	b.position_us += 20 * EAR_SEC;
	assert_true(player_state_same(&a, &b));
	a.rate = b.rate = 2000;
	assert_false(player_state_same(&a, &b));
	b.position_us += 20 * EAR_SEC;
	assert_true(player_state_same(&a, &b));
	a.playback = b.playback = EAR_PAUSED;
	assert_false(player_state_same(&a, &b));
	assert_int_equal(ear_player_position(&a, a.at + 5 * EAR_SEC), 10 * EAR_SEC);
	a.playback = EAR_PLAYING;
	assert_int_equal(ear_player_position(&a, a.at + 5), 10 * EAR_SEC + 10);
	assert_int_equal(ear_player_position(&a, a.at + 3600 * EAR_SEC), a.duration_us);
	a.duration_us = -1; /* a radio */
	assert_int_equal(ear_player_position(&a, a.at + 3600 * EAR_SEC), 7210 * EAR_SEC);
	a.position_us = -1;
	assert_int_equal(ear_player_position(&a, a.at + 5), -1);
}

static void
test_text(void **state)
{
	char out[8], *longest = malloc(100001);

	player_state_text(out, sizeof(out), "a\n\tb\x7f");
	assert_string_equal(out, "a  b ");
	player_state_text(out, sizeof(out),
			  "\xc2\x9b"
			  "2\xe2\x80\xa8"
			  "3");
	assert_string_equal(out, " 2 3");
	player_state_text(out, sizeof(out), "\xff\xc3");
	assert_string_equal(out, "\xef\xbf\xbd\xef\xbf\xbd");
	player_state_text(out, sizeof(out), "12345\xe2\x82\xac");
	assert_string_equal(out, "12345"); /* no half of a character */
	memset(longest, 'x', 100000);
	longest[100000] = '\0';
	player_state_text(out, sizeof(out), longest);
	assert_string_equal(out, "xxxxxxx");
	free(longest);
	player_state_text(out, 1, "a");
	assert_string_equal(out, "");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes),
		TEST(test_time),
		TEST(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
