/* SPDX-License-Identifier: ISC */
/* test_hint.c: a hint is known to who knows the key, and to nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "trust/hint.h"

static struct ear_key
key_of(unsigned char first)
{
	struct ear_key key;

	for (size_t i = 0; i < EAR_KEY_BYTES; i++)
		key.sha256[i] = (unsigned char)(first + i);
	return key;
}

static void
test_fits(void **state)
{
	struct ear_key ours = key_of(0), other = key_of(1);
	char hint[HINT_SIZE];

	for (int i = 0; i < 200; i++) {
		hint_make(&ours, hint);
		assert_int_equal(strlen(hint), 33);
		assert_int_equal(strspn(hint, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					      "0123456789-_."),
				 33);
		assert_true(hint_fits(hint, &ours));
		assert_false(hint_fits(hint, &other));
	}
}

/* Onlookers must not see that it is the same device again. */
static void
test_fresh(void **state)
{
	struct ear_key key = key_of(7);
	char first[HINT_SIZE], second[HINT_SIZE];

	hint_make(&key, first);
	hint_make(&key, second);
	assert_memory_not_equal(first, second, 16);
	assert_string_not_equal(first + 17, second + 17);
}

/* Made by another implementation (Python's hmac) from the comment in hint.c. */
static void
test_vector(void **state)
{
	struct ear_key key = key_of(0);

	assert_true(hint_fits("AAECAwQFBgcICQoL.CCxBuRpBl_kOkYiY", &key));
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = { "",
					   ".",
					   "AAECAwQFBgcICQoL",
					   "AAECAwQFBgcICQoL.",
					   ".AAECAwQFBgcICQoL",
					   "AAECAwQFBgcICQoL.AAECAwQFBgcICQo",
					   "AAECAwQFBgcICQoL.AAECAwQFBgcICQoLL",
					   "AAECAwQFBgcICQoLL.AAECAwQFBgcICQo",
					   "AAECAwQFBgcICQoL AAECAwQFBgcICQoL",
					   "AAECAwQFBgcICQ==.AAECAwQFBgcICQ==" };
	struct ear_key key = key_of(0);
	char hint[HINT_SIZE], spoilt[HINT_SIZE], longer[4096];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hint_fits(bad[i], &key));
	hint_make(&key, hint);
	for (size_t i = 0; hint[i] != '\0'; i++)
		for (int c = 1; c < 256; c++) {
			memcpy(spoilt, hint, sizeof(spoilt));
			spoilt[i] = (char)c;
			assert_int_equal(hint_fits(spoilt, &key), c == (unsigned char)hint[i]);
		}
	memset(longer, 'A', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_false(hint_fits(longer, &key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
