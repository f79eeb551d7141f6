/* SPDX-License-Identifier: ISC */
/* test_ids.c: ids are 16 plain characters, and no two are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ids.h"

#define COUNT (5 * IDS_STOCK + 1)

static void
test_different(void **state)
{
	static const char usual[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
	static char seen[COUNT][IDS_BYTES + 1];
	struct ids ids = { 0 };

	for (size_t i = 0; i < COUNT; i++) {
		ids_take(&ids, seen[i]);
		assert_int_equal(strspn(seen[i], usual), IDS_BYTES);
		assert_int_equal(strlen(seen[i]), IDS_BYTES);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
