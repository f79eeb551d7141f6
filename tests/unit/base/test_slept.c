/* SPDX-License-Identifier: ISC */
/* test_slept.c: a sleep is told from a clock that was set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "base/slept.h"

#define SEC INT64_C(1000000)

static int64_t told;
static int count;

static void
on_slept(void *arg, int64_t usec)
{
	told = usec;
	count++;
}

/* Boot time less monotonic time: the wall clock is in neither. */
static int64_t
asleep(void *clock)
{
	return *(int64_t *)clock;
}

static void
test_sleep(void **state)
{
	int64_t clock = 5 * SEC;
	struct slept *slept = slept_new_fake(asleep, &clock, on_slept, NULL);

	count = 0;
	/* The wall clock was set, whatever to: both clocks go on side by side. */
	slept_look(slept);
	assert_int_equal(count, 0);
	clock += 3600 * SEC;
	slept_look(slept);
	assert_int_equal(count, 1);
	assert_true(told == 3600 * SEC);
	slept_look(slept);
	assert_int_equal(count, 1);
	/* Two clocks are not read in the same instant. */
	clock -= 20;
	slept_look(slept);
	clock += SLEPT_MIN_USEC - 1;
	slept_look(slept);
	assert_int_equal(count, 1);
	clock += SLEPT_MIN_USEC;
	slept_look(slept);
	assert_int_equal(count, 2);
	slept_free(slept);
}

static void
test_real_clock(void **state)
{
	struct event_base *base = event_base_new();
	struct slept *slept = slept_new(base, on_slept, NULL);

	count = 0;
	slept_look(slept);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(count, 0);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	slept_free(slept);
	event_base_free(base);
	slept_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_real_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
