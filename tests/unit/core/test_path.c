/* SPDX-License-Identifier: ISC */
/* test_path.c: smoothing, back-off, and when a path is worth a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/path.h"

/* RFC 6298 §2.2 and §2.3. */
static void
test_smoothing(void **state)
{
	struct path path;

	path_init(&path, EAR_LINK_LAN);
	assert_int_equal(path_cost(&path), 2 * EAR_MSEC);
	path_sample(&path, 1, 8000);
	assert_int_equal(path.srtt, 8000);
	assert_int_equal(path.rttvar, 4000);
	path_sample(&path, 2, 16000);
	assert_int_equal(path.rttvar, 5000);
	assert_int_equal(path.srtt, 9000);
	assert_int_equal(path_cost(&path), 9000);
	assert_int_equal(path.alive_at, 2);
}

static void
test_backoff(void **state)
{
	static const int64_t waits[] = { 1, 2, 4, 5, 5 };
	struct path path;

	path_init(&path, EAR_LINK_LAN);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		path_fail(&path, 0, "x");
		assert_false(path_is_open(&path, waits[i] * EAR_SEC - 1));
		assert_true(path_is_open(&path, waits[i] * EAR_SEC));
	}
	assert_int_equal(path.samples, 0);
	path_retry(&path);
	assert_true(path_is_open(&path, 0));
	path_alive(&path, 1);
	path_fail(&path, 0, "x");
	assert_true(path_is_open(&path, EAR_SEC));
}

static void
measure(struct path *path, enum ear_link_kind kind, unsigned n, int64_t rtt)
{
	path_init(path, kind);
	while (n-- > 0)
		path_sample(path, 1, rtt);
}

/* Better by a fifth and by 2 ms, on three samples. */
static void
test_worth(void **state)
{
	static const struct {
		int64_t current, other;
		unsigned samples;
		bool worth;
	} cases[] = {
		{ 100000, 80000, 3, true },  { 100000, 80000, 2, false },
		{ 100000, 80001, 3, false }, { 4000, 2000, 3, true },
		{ 3999, 2000, 3, false },    { 1000, 100, 9, false },
		{ 50000, 60000, 9, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct path current, other;

		measure(&current, EAR_LINK_SERVER, 3, cases[i].current);
		measure(&other, EAR_LINK_LAN, cases[i].samples, cases[i].other);
		assert_int_equal(path_is_worth(&other, &current), cases[i].worth);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smoothing),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_worth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
