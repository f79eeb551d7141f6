/* SPDX-License-Identifier: ISC */
/* test_precis.c: the PRECIS profiles, by the examples of RFC 8265 and the rules of RFC 5892. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "wire/precis.h"

typedef int profile_fn(const char *text, size_t length, char *out);

static void
expect(profile_fn *profile, const char *text, const char *canonical)
{
	char out[PRECIS_SIZE];

	assert_int_equal(profile(text, strlen(text), out), 0);
	assert_string_equal(out, canonical);
}

static void
refuse(profile_fn *profile, const char *text)
{
	char out[PRECIS_SIZE];

	assert_int_equal(profile(text, strlen(text), out), -EINVAL);
}

static void
test_username(void **state)
{
	expect(precis_username, "JulieT", "juliet");
	expect(precis_username, "fu\xc3\x9f", "fu\xc3\x9f");
	expect(precis_username, "\xce\xa3", "\xcf\x83");
	expect(precis_username, "\xef\xbc\xa1\xef\xbd\x82", "ab");
	expect(precis_username, "e\xcc\x81", "\xc3\xa9");
	expect(precis_username, "\xc4\xb0", "i\xcc\x87");
	refuse(precis_username, "");
	refuse(precis_username, "foo bar");
	refuse(precis_username, "\xe2\x85\xa3"); /* ROMAN NUMERAL FOUR has a compatible form */
	refuse(precis_username, "\xe2\x88\x9e"); /* INFINITY is a symbol */
	refuse(precis_username, "a\xc2\xad");    /* SOFT HYPHEN is ignorable */
	refuse(precis_username, "\xe1\x84\x80"); /* old jamo */
	refuse(precis_username, "\xcd\xb8");     /* unassigned */
	refuse(precis_username, "\xee\x80\x80"); /* private use */
	refuse(precis_username, "\xef\xbf\xbe"); /* no character */
	refuse(precis_username, "\xd9\x80");     /* TATWEEL is an exception */
	refuse(precis_username, "a\xe2\x80\xae"
				"b"); /* turns the text around */
	refuse(precis_username, "\xc3");
}

static void
test_opaque(void **state)
{
	expect(precis_opaque, "Foo Bar", "Foo Bar");
	expect(precis_opaque,
	       "foo\xc2\xa0\xe3\x80\x80"
	       "bar",
	       "foo  bar");
	expect(precis_opaque, "\xe2\x99\x9a\xef\xbc\xa1", "\xe2\x99\x9a\xef\xbc\xa1");
	expect(precis_opaque, "e\xcc\x81", "\xc3\xa9");
	expect(precis_opaque, " ", " ");
	refuse(precis_opaque, "");
	refuse(precis_opaque, "a\tb");
	refuse(precis_opaque, "a\xc2\x85");
	refuse(precis_opaque, "\xe2\x80\x8b");
}

/* RFC 5892 appendix A. */
static void
test_context(void **state)
{
	expect(precis_username, "l\xc2\xb7l", "l\xc2\xb7l");
	refuse(precis_username, "l\xc2\xb7"
				"a");
	refuse(precis_username, "\xc2\xb7l");
	expect(precis_username, "\xcd\xb5\xce\xb1", "\xcd\xb5\xce\xb1");
	refuse(precis_username, "\xcd\xb5"
				"a");
	refuse(precis_username, "\xcd\xb5");
	expect(precis_username, "\xd7\x90\xd7\xb3", "\xd7\x90\xd7\xb3");
	refuse(precis_username, "a\xd7\xb3");
	expect(precis_username, "\xe3\x82\xa2\xe3\x83\xbb", "\xe3\x82\xa2\xe3\x83\xbb");
	refuse(precis_username, "a\xe3\x83\xbb");
	expect(precis_username, "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d",
	       "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d");
	refuse(precis_username, "a\xe2\x80\x8d"
				"b");
	refuse(precis_username, "a\xe2\x80\x8c"
				"b");
	expect(precis_username, "\xd8\xa8\xe2\x80\x8c\xd8\xa8", "\xd8\xa8\xe2\x80\x8c\xd8\xa8");
	expect(precis_username, "\xd8\xa8\xd9\xa1", "\xd8\xa8\xd9\xa1");
	refuse(precis_username, "\xd8\xa8\xd9\xa1\xdb\xb1");
	refuse(precis_username, "\xdb\xb1\xd8\xa8\xd9\xa1");
}

/* RFC 5893 §2. */
static void
test_bidi(void **state)
{
	expect(precis_username, "\xd7\x90\xd7\x91", "\xd7\x90\xd7\x91");
	expect(precis_username,
	       "\xd7\x90"
	       "1",
	       "\xd7\x90"
	       "1");
	refuse(precis_username, "a\xd7\x90");
	refuse(precis_username, "\xd7\x90"
				"a");
	refuse(precis_username, "1\xd7\x90");
	refuse(precis_username, "\xd7\x90"
				"-");
	expect(precis_opaque, "a\xd7\x90", "a\xd7\x90");
	expect(precis_domain, "a.\xd7\x90", "a.\xd7\x90");
	refuse(precis_domain, "a\xd7\x90.b");
}

static void
test_length(void **state)
{
	char text[PRECIS_SIZE + 1], out[PRECIS_SIZE];

	memset(text, 'a', sizeof(text));
	assert_int_equal(precis_username(text, PRECIS_SIZE - 1, out), 0);
	assert_int_equal(precis_username(text, PRECIS_SIZE, out), -ENAMETOOLONG);
	/* Within the limit before, above it after: each of these grows by a byte. */
	for (size_t i = 0; i + 1 < PRECIS_SIZE - 1; i += 2)
		memcpy(text + i, "\xc8\xba", 2);
	assert_int_equal(precis_username(text, PRECIS_SIZE - 2, out), -ENAMETOOLONG);
	assert_int_equal(precis_opaque(text, PRECIS_SIZE - 2, out), 0);
}

static void
test_map(void **state)
{
	expect(precis_map_username, "A /\xef\xbc\xa0\x01", "a /@\x01");
	refuse(precis_map_username, "\xff");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_username), cmocka_unit_test(test_opaque),
		cmocka_unit_test(test_context),  cmocka_unit_test(test_bidi),
		cmocka_unit_test(test_length),   cmocka_unit_test(test_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
