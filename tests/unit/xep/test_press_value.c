/* SPDX-License-Identifier: ISC */
/* test_press_value.c: presses as text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "press_value.h"

static struct ear_press press;

static int64_t
value_of(const char *button, const char *value, bool relative)
{
	assert_int_equal(press_parse(button, value, &press), 0);
	assert_string_equal(ear_button_name(press.button), button);
	assert_true(press.has_value);
	assert_int_equal(press.relative, relative);
	return press.value;
}

static void
test_seek(void **state)
{
	assert_int_equal(value_of("seek", "0", false), 0);
	assert_int_equal(value_of("seek", "90", false), 90000000);
	assert_int_equal(value_of("seek", "90.5", false), 90500000);
	assert_int_equal(value_of("seek", "0.000001", false), 1);
	assert_int_equal(value_of("seek", "+10", true), 10000000);
	assert_int_equal(value_of("seek", "-10.25", true), -10250000);
	assert_int_equal(value_of("seek", "-0.5", true), -500000);
	assert_int_equal(value_of("seek", "100000000", false), 100000000000000);
	assert_int_equal(press_parse("seek", "100000001", &press), -ERANGE);
	assert_int_equal(press_parse("seek", "99999999999999999999999999", &press), -ERANGE);
}

static void
test_volume(void **state)
{
	assert_int_equal(value_of("volume", "0", false), 0);
	assert_int_equal(value_of("volume", "100", false), 100);
	assert_int_equal(value_of("volume", "+5", true), 5);
	assert_int_equal(value_of("volume", "-100", true), -100);
	assert_int_equal(press_parse("volume", "101", &press), -ERANGE);
	assert_int_equal(press_parse("volume", "-101", &press), -ERANGE);
	assert_int_equal(press_parse("volume", "18446744073709551617", &press), -ERANGE);
}

static void
test_mute(void **state)
{
	assert_int_equal(value_of("mute", "on", false), 1);
	assert_int_equal(value_of("mute", "off", false), 0);
	assert_int_equal(press_parse("mute", "toggle", &press), 0);
	assert_false(press.has_value);
	assert_int_equal(press_parse("mute", NULL, &press), 0);
	assert_false(press.has_value);
}

static void
test_plain(void **state)
{
	static const char *const plain[] = { "play", "pause", "playpause",
					     "stop", "next",  "previous" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		assert_int_equal(press_parse(plain[i], NULL, &press), 0);
		assert_string_equal(ear_button_name(press.button), plain[i]);
		assert_false(press.has_value);
		assert_int_equal(press_parse(plain[i], "", &press), -EINVAL);
		assert_int_equal(press_parse(plain[i], "1", &press), -EINVAL);
	}
}

static void
test_bad(void **state)
{
	static const char *const bad[] = { "",    "+",     "-",   "--1", "+-1",  "1.",
					   ".5",  "1.x",   "1 ",  " 1",  "1e3",  "0x1",
					   "1,5", "1.2.3", "inf", "nan", "1:30", "0.0000001" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(press_parse("seek", bad[i], &press), -EINVAL);
		assert_int_equal(press_parse("volume", bad[i], &press), -EINVAL);
		assert_int_equal(press_parse("mute", bad[i], &press), -EINVAL);
	}
	assert_int_equal(press_parse("volume", "1.5", &press), -EINVAL);
	assert_int_equal(press_parse("mute", "1", &press), -EINVAL);
	assert_int_equal(press_parse("seek", NULL, &press), -EINVAL);
	assert_int_equal(press_parse("volume", NULL, &press), -EINVAL);
	assert_int_equal(press_parse("", NULL, &press), -ENOENT);
	assert_int_equal(press_parse("PAUSE", NULL, &press), -ENOENT);
	assert_int_equal(press_parse("eject", "1", &press), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seek), cmocka_unit_test(test_volume),
		cmocka_unit_test(test_mute), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
