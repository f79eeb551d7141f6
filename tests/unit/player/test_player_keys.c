/* SPDX-License-Identifier: ISC */
/* test_player_keys.c: the queue lets go of keys that nobody holds, with a kind of ours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "base/timer.h"
#include "player/ops.h"

/* A kind that answers when the test says so. */
static struct {
	struct ear_player *player;
	int begun;
	bool open;
	struct ear_press press;
} kind;

static struct ear_clock *the_clock;
static struct ear_player *player;
static int answers;

static void
on_answer(void *arg, int error, const struct ear_player_state *state)
{
	answers++;
}

static int
kind_open(struct ear_player *p, const struct player_config *config, void **self)
{
	memset(&kind, 0, sizeof(kind));
	kind.player = p;
	return 0;
}

static void
kind_close(void *self)
{
	assert_false(kind.open);
}

static void
kind_begin(void *self, const struct ear_press *press)
{
	kind.open = true;
	kind.begun++;
	kind.press = *press;
}

static void
kind_abandon(void *self)
{
	kind.open = false;
}

static const struct player_kind ours = {
	.name = "ours",
	.open = kind_open,
	.close = kind_close,
	.begin = kind_begin,
	.abandon = kind_abandon,
};

/* Ends the job that is open. */
static void
finish(int error)
{
	struct ear_player_state state = { .volume = 1 };

	kind.open = false;
	player_done(kind.player, error, error == 0 ? &state : NULL);
}

static void
turn(void)
{
	clock_advance(the_clock, 10);
}

static int
setup(void **state)
{
	struct player_config config = { .kind = "ours" };

	the_clock = clock_new_fake();
	answers = 0;
	return player_new_of(NULL, the_clock, &ours, &config, NULL, NULL, &player);
}

static int
teardown(void **state)
{
	player_free(player);
	clock_free(the_clock);
	return 0;
}

static void
press_key(enum ear_motion motion, int error)
{
	struct ear_press p = { .button = EAR_KEY, .key = EAR_KEY_LEFT, .motion = motion };

	ear_player_press(player, &p, on_answer, NULL);
	turn();
	assert_int_equal(kind.press.motion, motion);
	if (error == -ETIMEDOUT)
		clock_advance(the_clock, PLAYER_TIMEOUT);
	else
		finish(error);
	turn();
}

static void
assert_let_go(void)
{
	assert_true(kind.open);
	assert_int_equal(kind.press.button, EAR_KEY);
	assert_int_equal(kind.press.motion, EAR_UP);
}

static void
await_let_go(void)
{
	for (int i = 0; i < 30 && !kind.open; i++)
		clock_advance(the_clock, EAR_SEC / 10);
	assert_let_go();
}

/* A key whose sender vanishes is let go; not while he holds it, nor when he has let go. */
static void
test_key_is_let_go(void **state)
{
	press_key(EAR_DOWN, 0);
	for (int i = 0; i < 5; i++) {
		clock_advance(the_clock, 900 * EAR_MSEC);
		assert_false(kind.open);
		press_key(EAR_HELD, 0);
	}
	clock_advance(the_clock, EAR_SEC);
	turn();
	assert_let_go();
	finish(0);
	clock_advance(the_clock, 5 * EAR_SEC);
	assert_false(kind.open);
	press_key(EAR_DOWN, 0);
	press_key(EAR_UP, 0);
	press_key(EAR_PRESSED, 0);
	clock_advance(the_clock, 5 * EAR_SEC);
	assert_int_equal(kind.begun, 10); /* 9 presses, once let go by us */
	assert_int_equal(answers, 9);
}

/* A player that did not hear of it is told until it has heard, or has gone. */
static void
test_key_is_let_go_late(void **state)
{
	press_key(EAR_DOWN, 0);
	press_key(EAR_UP, -ETIMEDOUT);
	for (int i = 0; i < 3; i++) {
		await_let_go();
		while (kind.open)
			clock_advance(the_clock, EAR_SEC / 10);
	}
	await_let_go();
	finish(-ENODEV);
	clock_advance(the_clock, 5 * EAR_SEC);
	assert_false(kind.open);
}

/* Held again before it could be let go: it stays down. */
static void
test_key_held_meanwhile(void **state)
{
	struct ear_press slow = { .button = EAR_MUTE };
	struct ear_press held = { .button = EAR_KEY, .key = EAR_KEY_LEFT, .motion = EAR_HELD };

	press_key(EAR_DOWN, 0);
	clock_advance(the_clock, EAR_SEC / 2);
	ear_player_press(player, &slow, on_answer, NULL); /* takes its time */
	turn();
	ear_player_press(player, &held, on_answer, NULL);
	clock_advance(the_clock, EAR_SEC); /* our letting go waits behind both */
	finish(0);
	turn();
	assert_int_equal(kind.press.motion, EAR_HELD);
	finish(0);
	turn();
	turn();
	assert_false(kind.open);
	clock_advance(the_clock, EAR_SEC);
	turn();
	assert_let_go();
	finish(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_key_is_let_go),
		TEST(test_key_is_let_go_late),
		TEST(test_key_held_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
