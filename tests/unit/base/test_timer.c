/* SPDX-License-Identifier: ISC */
/* test_timer.c: timers on a fake clock, and on the real one under libevent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/timer.h"

#define MANY 200

/* Which timer ran when. */
struct run {
	struct ear_timer timer;
	int64_t at;
	int count;
};

static void
on_timer(void *arg)
{
	struct run *run = arg;

	run->count++;
	run->at = ear_now(run->timer.clock);
}

static void
test_one(void **state)
{
	struct ear_clock *clock = clock_new_fake();
	struct run run = { 0 };

	assert_int_equal(ear_now(clock), 1000 * EAR_SEC);
	ear_timer_init(&run.timer, clock, on_timer, &run);
	assert_false(ear_timer_is_set(&run.timer));
	ear_timer_stop(&run.timer);
	ear_timer_set(&run.timer, 5 * EAR_SEC);
	assert_true(ear_timer_is_set(&run.timer));
	clock_advance(clock, 5 * EAR_SEC - 1);
	assert_int_equal(run.count, 0);
	clock_advance(clock, 1);
	assert_int_equal(run.count, 1);
	assert_int_equal(run.at, 1005 * EAR_SEC);
	assert_false(ear_timer_is_set(&run.timer));
	clock_advance(clock, 100 * EAR_SEC);
	assert_int_equal(run.count, 1);
	clock_free(clock);
}

static void
test_set_again_and_stop(void **state)
{
	struct ear_clock *clock = clock_new_fake();
	struct run run = { 0 };

	ear_timer_init(&run.timer, clock, on_timer, &run);
	ear_timer_set(&run.timer, EAR_SEC);
	ear_timer_set(&run.timer, 3 * EAR_SEC);
	clock_advance(clock, 2 * EAR_SEC);
	assert_int_equal(run.count, 0);
	ear_timer_stop(&run.timer);
	clock_advance(clock, 2 * EAR_SEC);
	assert_int_equal(run.count, 0);
	clock_free(clock);
}

/* Each runs once, at its own time, whatever was set and stopped around it. */
static void
test_many(void **state)
{
	static struct run runs[MANY];
	struct ear_clock *clock = clock_new_fake();
	int64_t start = ear_now(clock);

	memset(runs, 0, sizeof(runs));
	for (int i = 0; i < MANY; i++) {
		ear_timer_init(&runs[i].timer, clock, on_timer, &runs[i]);
		ear_timer_set(&runs[i].timer, 1 + (i * 37) % MANY);
	}
	for (int i = 0; i < MANY; i += 3)
		ear_timer_stop(&runs[i].timer);
	clock_advance(clock, MANY / 2);
	clock_advance(clock, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(runs[i].count, i % 3 == 0 ? 0 : 1);
		if (i % 3 != 0)
			assert_int_equal(runs[i].at, start + 1 + (i * 37) % MANY);
	}
	clock_free(clock);
}

struct chain {
	struct ear_timer timer, other;
	int count;
	bool other_ran;
};

static void
on_other(void *arg)
{
	((struct chain *)arg)->other_ran = true;
}

/* Sets itself for now and stops another that is due. */
static void
on_chain(void *arg)
{
	struct chain *chain = arg;

	ear_timer_stop(&chain->other);
	if (++chain->count < 10)
		ear_timer_set(&chain->timer, 0);
}

static void
test_from_inside(void **state)
{
	struct ear_clock *clock = clock_new_fake();
	struct chain chain = { 0 };

	ear_timer_init(&chain.timer, clock, on_chain, &chain);
	ear_timer_init(&chain.other, clock, on_other, &chain);
	ear_timer_set(&chain.timer, 1);
	ear_timer_set(&chain.other, 2);
	clock_advance(clock, 5);
	assert_int_equal(chain.count, 5);
	clock_advance(clock, 100);
	assert_int_equal(chain.count, 10);
	assert_false(chain.other_ran);
	clock_free(clock);
}

static void
test_forgotten(void **state)
{
	struct ear_clock *clock = clock_new_fake();
	struct run run = { 0 };

	ear_timer_init(&run.timer, clock, on_timer, &run);
	ear_timer_set(&run.timer, 1);
	clock_free(clock);
	assert_int_equal(run.count, 0);
	assert_false(ear_timer_is_set(&run.timer));
}

static void
on_last(void *arg)
{
	event_base_loopbreak(arg);
}

static void
test_real(void **state)
{
	struct event_base *base = event_base_new();
	struct ear_clock *clock = clock_new(base);
	struct run early = { 0 }, never = { 0 };
	struct ear_timer last;
	int64_t start = ear_now(clock);

	ear_timer_init(&early.timer, clock, on_timer, &early);
	ear_timer_init(&never.timer, clock, on_timer, &never);
	ear_timer_init(&last, clock, on_last, base);
	ear_timer_set(&last, 20 * EAR_MSEC);
	ear_timer_set(&never.timer, 10 * EAR_MSEC);
	ear_timer_set(&early.timer, 5 * EAR_MSEC);
	ear_timer_stop(&never.timer);
	assert_int_equal(early.count, 0);
	event_base_dispatch(base);
	assert_int_equal(early.count, 1);
	assert_int_equal(never.count, 0);
	assert_true(early.at >= start + 5 * EAR_MSEC);
	assert_true(ear_now(clock) >= start + 20 * EAR_MSEC);
	clock_free(clock);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),       cmocka_unit_test(test_set_again_and_stop),
		cmocka_unit_test(test_many),      cmocka_unit_test(test_from_inside),
		cmocka_unit_test(test_forgotten), cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
