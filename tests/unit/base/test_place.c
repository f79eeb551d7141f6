/* SPDX-License-Identifier: ISC */
/* test_place.c: lists of places are read as meant, and nothing else is taken for one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/place.h"

static void
expect(const char **at, const char *host, bool numeric, unsigned port)
{
	struct place place;

	assert_int_equal(place_next(at, &place), 1);
	assert_string_equal(place.host, host);
	assert_int_equal(place.numeric, numeric);
	assert_int_equal(place.port, port);
}

static void
test_list(void **state)
{
	const char *at = "192.0.2.7, box.example.org:5300 ,[2001:db8::7]:5298,2001:db8::8,\t"
			 "[fe80::1%eth0]:1,fe80::2%wlan0,192.0.2.8:65535,box";
	struct place place;

	expect(&at, "192.0.2.7", true, 0);
	expect(&at, "box.example.org", false, 5300);
	expect(&at, "2001:db8::7", true, 5298);
	expect(&at, "2001:db8::8", true, 0);
	expect(&at, "fe80::1%eth0", true, 1);
	expect(&at, "fe80::2%wlan0", true, 0);
	expect(&at, "192.0.2.8", true, 65535);
	expect(&at, "box", false, 0);
	assert_int_equal(place_next(&at, &place), 0);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		",",
		"a,",
		"a,,b",
		",a",
		"a b",
		"192.0.2.300",
		"192.0.2",
		"1",
		"box:0",
		"box:65536",
		"box:",
		"box:http",
		"box:1x",
		"box:000001",
		"[box]:1",
		"[192.0.2.7]:1",
		"[2001:db8::7",
		"[2001:db8::7]1",
		"[2001:db8::7]:",
		"2001:db8::7::8",
		"fe80::1%",
		"fe80::1%morethan15chars0",
		"http://box",
		"-box",
		"box\x01",
		"a,b,c,d,e,f,g,h,i",
	};
	char longest[400];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (places_are_valid(bad[i]))
			fail_msg("taken: \"%s\"", bad[i]);
	memset(longest, 'a', PLACE_HOST_SIZE);
	longest[PLACE_HOST_SIZE] = '\0';
	assert_false(places_are_valid(longest));
	longest[PLACE_HOST_SIZE - 1] = '\0';
	assert_true(places_are_valid(longest));
	assert_true(places_are_valid("a,b,c,d,e,f,g,h"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
