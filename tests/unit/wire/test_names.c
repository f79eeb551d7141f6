/* SPDX-License-Identifier: ISC */
/* test_names.c: every enumerator has a name, and no two the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/ear.h>

#define EXPECT_NAMES(function, count)                                                              \
	do {                                                                                       \
		for (int i = 0; i < (count); i++) {                                                \
			assert_string_not_equal(function(i), "?");                                 \
			for (int k = 0; k < i; k++)                                                \
				assert_string_not_equal(function(i), function(k));                 \
		}                                                                                  \
		assert_string_equal(function(count), "?");                                         \
	} while (0)

static void
test_all(void **state)
{
	EXPECT_NAMES(ear_level_name, EAR_NOBODY + 1);
	EXPECT_NAMES(ear_verb_name, EAR_VERB_COUNT);
	EXPECT_NAMES(ear_link_name, EAR_LINK_SERVER + 1);
	EXPECT_NAMES(ear_path_state_name, EAR_PATH_FAILED + 1);
	EXPECT_NAMES(ear_button_name, EAR_BUTTON_COUNT);
	EXPECT_NAMES(ear_playback_name, EAR_PAUSED + 1);
	EXPECT_NAMES(ear_repeat_name, EAR_REPEAT_ONE + 1);
	EXPECT_NAMES(ear_remote_key_name, EAR_KEY_COUNT);
	EXPECT_NAMES(ear_motion_name, EAR_UP + 1);
}

static void
test_buttons(void **state)
{
	for (int i = 0; i < EAR_BUTTON_COUNT; i++)
		assert_int_equal(ear_button_find(ear_button_name(i)), i);
	assert_int_equal(ear_button_find("eject"), -1);
	assert_int_equal(ear_button_find(""), -1);
	assert_int_equal(ear_button_find("PLAY"), -1);
	for (int i = 0; i < EAR_KEY_COUNT; i++)
		assert_int_equal(ear_remote_key_find(ear_remote_key_name(i)), i);
	assert_int_equal(ear_remote_key_find("KEY_UP"), -1);
	for (int i = 0; i <= EAR_UP; i++)
		assert_int_equal(ear_motion_find(ear_motion_name(i)), i);
	for (int i = 0; i <= EAR_REPEAT_ONE; i++)
		assert_int_equal(ear_repeat_find(ear_repeat_name(i)), i);
	for (int i = 0; i <= EAR_PAUSED; i++)
		assert_int_equal(ear_playback_find(ear_playback_name(i)), i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_buttons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
