/* SPDX-License-Identifier: ISC */
/* test_octets.c: base64 in one form only, and hashes that others compute too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trust/octets.h"

static void
test_base64(void **state)
{
	unsigned char octets[OCTETS_MAX], back[OCTETS_MAX];
	char text[OCTETS_MAX / 3 * 4 + 1];

	for (size_t n = 1; n <= OCTETS_MAX; n++) {
		octets_random(octets, n);
		octets_base64(octets, n, text);
		assert_int_equal(strlen(text), (n + 2) / 3 * 4);
		assert_int_equal(octets_from_base64(text, back, n), 0);
		assert_memory_equal(octets, back, n);
		octets_base64url(octets, n, text);
		assert_int_equal(strlen(text), (n * 4 + 2) / 3);
		assert_null(strpbrk(text, "+/="));
		assert_int_equal(octets_from_base64url(text, back, n), 0);
		assert_memory_equal(octets, back, n);
	}
}

/* RFC 4648 §10, and the two letters in which the alphabets differ. */
static void
test_vectors(void **state)
{
	static const unsigned char high[] = { 0xfb, 0xff, 0xbf };
	char text[16];

	octets_base64((const unsigned char *)"foob", 4, text);
	assert_string_equal(text, "Zm9vYg==");
	octets_base64url((const unsigned char *)"foob", 4, text);
	assert_string_equal(text, "Zm9vYg");
	octets_base64(high, 3, text);
	assert_string_equal(text, "+/+/");
	octets_base64url(high, 3, text);
	assert_string_equal(text, "-_-_");
}

/* Of all texts one character away none is taken for the same octets, and out stays as it was. */
static void
test_one_form(void **state)
{
	unsigned char back[4];
	char text[16];

	for (size_t i = 0; i < 8; i++)
		for (int c = 1; c < 256; c++) {
			snprintf(text, sizeof(text), "Zm9vYg==");
			if (text[i] == (char)c)
				continue;
			text[i] = (char)c;
			memset(back, 0, sizeof(back));
			if (octets_from_base64(text, back, 4) == 0)
				assert_memory_not_equal(back, "foob", 4);
			else
				assert_memory_equal(back, "\0\0\0\0", 4);
		}
	assert_int_equal(octets_from_base64("Zm9vYg", back, 4), -EBADMSG);
	assert_int_equal(octets_from_base64("Zm9vYg==\n", back, 4), -EBADMSG);
	assert_int_equal(octets_from_base64("Zm9vYh==", back, 4), -EBADMSG);
	assert_int_equal(octets_from_base64url("Zm9vYg==", back, 4), -EBADMSG);
	assert_int_equal(octets_from_base64url("Zm9vYh", back, 4), -EBADMSG);
	assert_int_equal(octets_from_base64("", back, OCTETS_MAX + 1), -EBADMSG);
}

/* FIPS 180-4's example, and RFC 4231 §4.3. */
static void
test_hashes(void **state)
{
	static const unsigned char sha[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	static const unsigned char mac[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e };
	static const char what[] = "what do ya want for nothing?";
	unsigned char out[OCTETS_HASH];

	octets_sha256((const unsigned char *)"abc", 3, out);
	assert_memory_equal(out, sha, sizeof(sha));
	octets_hmac((const unsigned char *)"Jefe", 4, (const unsigned char *)what, strlen(what),
		    out);
	assert_memory_equal(out, mac, sizeof(mac));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_one_form),
		cmocka_unit_test(test_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
