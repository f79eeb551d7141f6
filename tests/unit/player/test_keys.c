/* SPDX-License-Identifier: ISC */
/* test_keys.c: media keys as verbs, and how often a key that is held does what it does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "player/ops.h"

static struct ear_press verb;
static bool nothing;

static int
key(enum ear_remote_key which, enum ear_motion motion)
{
	struct ear_press press = { .button = EAR_KEY, .key = which, .motion = motion };

	return player_key_verb(&press, &verb, &nothing);
}

static void
test_meanings(void **state)
{
	static const struct {
		enum ear_remote_key key;
		enum ear_button button;
		int64_t by; /* 0: no value */
	} cases[] = {
		{ EAR_KEY_PLAY, EAR_PLAY, 0 },
		{ EAR_KEY_PAUSE, EAR_PAUSE, 0 },
		{ EAR_KEY_PLAYPAUSE, EAR_PLAYPAUSE, 0 },
		{ EAR_KEY_STOP, EAR_STOP, 0 },
		{ EAR_KEY_NEXTSONG, EAR_NEXT, 0 },
		{ EAR_KEY_PREVIOUSSONG, EAR_PREVIOUS, 0 },
		{ EAR_KEY_FASTFORWARD, EAR_SEEK, 10 * EAR_SEC },
		{ EAR_KEY_REWIND, EAR_SEEK, -10 * EAR_SEC },
		{ EAR_KEY_VOLUMEUP, EAR_VOLUME, 5 },
		{ EAR_KEY_VOLUMEDOWN, EAR_VOLUME, -5 },
		{ EAR_KEY_MUTE, EAR_MUTE, 0 },
		{ EAR_KEY_SUBTITLE, EAR_SUBTITLE, 0 },
		{ EAR_KEY_AUDIO, EAR_AUDIO, 0 },
	};
	int known = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(key(cases[i].key, EAR_PRESSED), 0);
		assert_false(nothing);
		assert_int_equal(verb.button, cases[i].button);
		assert_true(verb.has_value == (cases[i].by != 0));
		assert_true(verb.relative == (cases[i].by != 0));
		assert_int_equal(verb.value, cases[i].by);
	}
	for (int i = 0; i < EAR_KEY_COUNT; i++)
		known += key(i, EAR_PRESSED) == 0;
	assert_int_equal(known, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(key(EAR_KEY_UP, EAR_PRESSED), -EOPNOTSUPP);
}

/* Held, volume goes on and pause does not toggle; letting go does nothing. */
static void
test_motions(void **state)
{
	assert_int_equal(key(EAR_KEY_VOLUMEUP, EAR_DOWN), 0);
	assert_false(nothing);
	assert_int_equal(key(EAR_KEY_VOLUMEUP, EAR_HELD), 0);
	assert_false(nothing);
	assert_int_equal(key(EAR_KEY_VOLUMEUP, EAR_UP), 0);
	assert_true(nothing);
	assert_int_equal(key(EAR_KEY_PLAYPAUSE, EAR_DOWN), 0);
	assert_false(nothing);
	assert_int_equal(key(EAR_KEY_PLAYPAUSE, EAR_HELD), 0);
	assert_true(nothing);
	assert_int_equal(key(EAR_KEY_RED, EAR_UP), -EOPNOTSUPP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meanings),
		cmocka_unit_test(test_motions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
