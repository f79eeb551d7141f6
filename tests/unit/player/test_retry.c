/* SPDX-License-Identifier: ISC */
/* test_retry.c: soon, then less and less often, and only with somebody to tell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timer.h"
#include "player/ops.h"
#include "player/retry.h"

static struct ear_clock *the_clock;
static struct ear_player *player;
static struct retry retry;
static int looks;

static void
on_retry(void *arg)
{
	looks++;
	retry_later(&retry);
}

static int
nothing_open(struct ear_player *p, const struct player_config *config, void **self)
{
	retry_init(&retry, p, on_retry, NULL);
	return 0;
}

static void
nothing_close(void *self)
{
	retry_stop(&retry);
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
}

static const struct player_kind nothing = {
	.name = "nothing",
	.open = nothing_open,
	.close = nothing_close,
};

static void
open_player(player_changed_fn *changed)
{
	struct player_config config = { .kind = "nothing" };

	looks = 0;
	the_clock = clock_new_fake();
	assert_int_equal(player_new_of(NULL, the_clock, &nothing, &config, changed, NULL, &player),
			 0);
}

static int
teardown(void **state)
{
	player_free(player);
	clock_free(the_clock);
	return 0;
}

static void
test_less_and_less_often(void **state)
{
	static const int seconds[] = { 1, 2, 4, 8, 16, 30, 30 };

	open_player(on_changed);
	clock_advance(the_clock, 1);
	assert_int_equal(looks, 1); /* at once */
	for (int i = 0; i < 7; i++) {
		clock_advance(the_clock, seconds[i] * EAR_SEC - EAR_MSEC);
		assert_int_equal(looks, 1 + i);
		clock_advance(the_clock, EAR_MSEC);
		assert_int_equal(looks, 2 + i);
	}
	retry_reset(&retry);
	retry_later(&retry);
	clock_advance(the_clock, EAR_SEC);
	assert_int_equal(looks, 9);
	retry_stop(&retry);
	clock_advance(the_clock, 100 * EAR_SEC);
	assert_int_equal(looks, 9);
}

static void
test_nobody_to_tell(void **state)
{
	open_player(NULL);
	retry_later(&retry);
	clock_advance(the_clock, 100 * EAR_SEC);
	assert_int_equal(looks, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_less_and_less_often),
					    TEST(test_nobody_to_tell) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
