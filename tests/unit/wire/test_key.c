/* SPDX-License-Identifier: ISC */
/* test_key.c: fingerprints there and back, and everything that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <earshot/trust.h>

#define TEXT "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

static void
expect_same(const char *text)
{
	struct ear_key key;
	char out[EAR_KEY_SIZE];

	assert_int_equal(ear_key_parse(text, &key), 0);
	ear_key_format(&key, out);
	assert_string_equal(out, TEXT);
}

/* A text that is refused leaves the key alone. */
static void
expect_none(const char *text)
{
	struct ear_key key;

	memset(&key, 0x5a, sizeof(key));
	if (ear_key_parse(text, &key) != -EINVAL)
		fail_msg("\"%s\" was taken", text);
	for (size_t i = 0; i < EAR_KEY_BYTES; i++)
		assert_int_equal(key.sha256[i], 0x5a);
}

static void
test_there_and_back(void **state)
{
	expect_same(TEXT);
	expect_same("00112233445566778899AABBCCDDEEFF0123456789ABCDEF0123456789abcdef");
	expect_same("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:01:23:45:67:89:AB:CD:EF:01:23:"
		    "45:67:89:AB:CD:EF");
	expect_same("0011 2233 4455 6677 8899 aabb ccdd eeff  0123 4567 89ab cdef 0123 4567 89ab\t"
		    "cdef");
}

static void
test_bytes(void **state)
{
	struct ear_key key;

	assert_int_equal(ear_key_parse(TEXT, &key), 0);
	assert_int_equal(key.sha256[0], 0x00);
	assert_int_equal(key.sha256[1], 0x11);
	assert_int_equal(key.sha256[15], 0xff);
	assert_int_equal(key.sha256[31], 0xef);
}

static void
test_refused(void **state)
{
	char text[] = TEXT;

	expect_none("");
	expect_none(" ");
	expect_none(TEXT "0");
	expect_none(TEXT " ");
	expect_none(TEXT ":");
	expect_none(" " TEXT);
	expect_none(":" TEXT);
	expect_none("0x" TEXT);
	text[63] = '\0';
	expect_none(text);
	for (int c = 1; c < 256; c++) {
		snprintf(text, sizeof(text), "%s", TEXT);
		text[10] = (char)c;
		if (strchr("0123456789abcdefABCDEF", c) == NULL)
			expect_none(text);
	}
}

static void
test_equal(void **state)
{
	struct ear_key a, b;

	assert_int_equal(ear_key_parse(TEXT, &a), 0);
	b = a;
	assert_true(ear_key_equal(&a, &b));
	for (size_t i = 0; i < EAR_KEY_BYTES; i++) {
		b.sha256[i] ^= 1;
		assert_false(ear_key_equal(&a, &b));
		b.sha256[i] ^= 1;
	}
}

static void
test_vouchers(void **state)
{
	assert_string_equal(ear_voucher_name(EAR_BY_NOBODY), "nobody");
	assert_string_equal(ear_voucher_name(EAR_BY_SERVER), "server");
	assert_string_equal(ear_voucher_name(EAR_BY_PAIRING), "pairing");
	assert_string_equal(ear_voucher_name(EAR_BY_USER), "user");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_equal),
		cmocka_unit_test(test_vouchers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
