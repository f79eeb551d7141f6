/* SPDX-License-Identifier: ISC */
/* test_kodi_cut.c: a stream is cut into the same objects however it arrives; and no further. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "player/kodi_cut.h"

/* Feeds text so many bytes at a time; returns the objects, each in angle brackets, and the error.
 */
static const char *
cut_all(const char *text, size_t length, size_t step)
{
	static char out[4096];
	struct kodi_cut cut = { 0 };
	size_t start = 0, have = 0;
	int error = 0;

	out[0] = '\0';
	while (error == 0 && have < length) {
		have = length - have < step ? length : have + step;
		while (kodi_cut_object(&cut, text + start, have - start, &error)) {
			size_t used = strlen(out);

			snprintf(out + used, sizeof(out) - used, "<%.*s>", (int)cut.seen,
				 text + start);
			start += cut.seen;
			cut = (struct kodi_cut){ 0 };
		}
	}
	if (error != 0)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "!%d", -error);
	return out;
}

static void
test_cuts(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "{}", "<{}>" },
		{ "{}{}", "<{}><{}>" },
		{ "{\"a\":{\"b\":[1,{}]}}{\"c\":2}", "<{\"a\":{\"b\":[1,{}]}}><{\"c\":2}>" },
		{ " \r\n\t{} {}", "< \r\n\t{}>< {}>" },
		{ "{\"}\":\"{\"}{}", "<{\"}\":\"{\"}><{}>" },
		{ "{\"a\":\"\\\"}\"}{}", "<{\"a\":\"\\\"}\"}><{}>" },
		{ "{\"a\":\"\\\\\"}{}", "<{\"a\":\"\\\\\"}><{}>" },
		{ "{\"a\":1", "" },
		{ "{\"a\":\"}", "" },
		{ "{}]", "<{}>!71" },
		{ "[]", "!71" },
		{ "HTTP/1.1 400 Bad Request", "!71" },
		{ "\"a\"", "!71" },
		{ "12", "!71" },
		{ "}", "!71" },
		{ "{]{}", "<{]><{}>" }, /* the parser's business */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step < 40; step++)
			assert_string_equal(cut_all(cases[i][0], strlen(cases[i][0]), step),
					    cases[i][1]);
}

static void
test_nul(void **state)
{
	assert_string_equal(cut_all("\0{}", 3, 1), "!71");
	assert_string_equal(cut_all("{\"a\":\"\0\"}", 9, 1), "<{\"a\":\">");
}

static void
test_depth(void **state)
{
	char text[2 * KODI_DEPTH_MAX + 3] = "";
	struct kodi_cut cut = { 0 };
	int error;

	memset(text, '{', KODI_DEPTH_MAX);
	memset(text + KODI_DEPTH_MAX, '}', KODI_DEPTH_MAX);
	assert_true(kodi_cut_object(&cut, text, strlen(text), &error));
	assert_int_equal(cut.seen, 2 * KODI_DEPTH_MAX);
	memset(text, '{', KODI_DEPTH_MAX + 1);
	cut = (struct kodi_cut){ 0 };
	assert_false(kodi_cut_object(&cut, text, KODI_DEPTH_MAX, &error));
	assert_int_equal(error, 0);
	assert_false(kodi_cut_object(&cut, text, KODI_DEPTH_MAX + 1, &error));
	assert_int_equal(error, -EPROTO);
}

/* The cap is for the whole object, blanks before it included: nothing grows without end. */
static void
check_size(char fill, size_t length, bool whole, int expected)
{
	char *text = malloc(length);
	struct kodi_cut cut = { 0 };
	int error;

	memset(text, fill, length);
	if (fill != ' ')
		memcpy(text, "{\"", 2);
	if (whole)
		memcpy(text + length - 2, fill == ' ' ? "{}" : "\"}", 2);
	assert_int_equal(kodi_cut_object(&cut, text, length, &error), whole && expected == 0);
	assert_int_equal(error, expected);
	free(text);
}

static void
test_size(void **state)
{
	static const char fills[] = { ' ', 'x' };

	for (size_t i = 0; i < sizeof(fills); i++) {
		check_size(fills[i], KODI_OBJECT_MAX, true, 0);
		check_size(fills[i], KODI_OBJECT_MAX + 1, true, -EPROTO);
		check_size(fills[i], KODI_OBJECT_MAX - 1, false, 0);
		check_size(fills[i], KODI_OBJECT_MAX, false, -EPROTO);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
