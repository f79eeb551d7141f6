/* SPDX-License-Identifier: ISC */
/* test_auto.c: which of several players is driven, with kinds of ours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/timer.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "player/auto.h"

/* A player that the test turns on and off. */
struct fake {
	struct ear_player *player;
	bool is_there, is_hung;
	enum ear_playback playback;
	uint32_t can;
	int looks, presses;
	enum ear_button last;
	bool open; /* a job that is not answered */
	bool has_screen;
	char shown[32];
	char left_out[32]; /* what others drive */
};

enum { FIRST, SECOND, THIRD, COUNT };
static struct fake fakes[COUNT];
static const struct player_kind *kinds[COUNT];

static struct ear_clock *the_clock;
static struct ear_player *player;
static int told;
static struct ear_player_state told_state;

static int
fake_open(struct fake *fake, struct ear_player *p, void **self)
{
	fake->player = p;
	*self = fake;
	return 0;
}

static int
first_open(struct ear_player *p, const struct player_config *config, void **self)
{
	return fake_open(&fakes[FIRST], p, self);
}

static int
second_open(struct ear_player *p, const struct player_config *config, void **self)
{
	return fake_open(&fakes[SECOND], p, self);
}

static int
third_open(struct ear_player *p, const struct player_config *config, void **self)
{
	return fake_open(&fakes[THIRD], p, self);
}

static void
fake_close(void *self)
{
	assert_false(((struct fake *)self)->open);
}

static void
fake_answer(struct fake *fake)
{
	struct ear_player_state state;

	fake->open = false;
	player_state_init(&state);
	snprintf(state.title, sizeof(state.title), "of player %d", (int)(fake - fakes));
	state.playback = fake->playback;
	state.can = fake->can;
	player_done(fake->player, fake->is_there ? 0 : -ENODEV, fake->is_there ? &state : NULL);
}

static void
fake_begin(void *self, const struct ear_press *press)
{
	struct fake *fake = self;

	assert_false(fake->open);
	fake->open = true;
	if (press == NULL)
		fake->looks++;
	if (fake->is_hung)
		return;
	if (press != NULL && fake->is_there) {
		fake->presses++;
		fake->last = press->button;
		fake->playback = press->button == EAR_PAUSE ? EAR_PAUSED : EAR_PLAYING;
	}
	fake_answer(fake);
}

static void
fake_abandon(void *self)
{
	struct fake *fake = self;

	assert_true(fake->open);
	fake->open = false;
}

static int
fake_show(void *self, const char *text, int64_t usec)
{
	struct fake *fake = self;

	if (!fake->has_screen)
		return -EOPNOTSUPP;
	return copy_text(fake->shown, sizeof(fake->shown), text);
}

static void
fake_leave_out(void *self, const char *name, bool out)
{
	struct fake *fake = self;

	(void)copy_text(fake->left_out, sizeof(fake->left_out), out ? name : "");
}

#define KIND(title, opener)                                                                        \
	{                                                                                          \
		.name = (title), .open = (opener), .close = fake_close, .begin = fake_begin,       \
		.abandon = fake_abandon, .show = fake_show, .leave_out = fake_leave_out            \
	}

static const struct player_kind first = KIND("first", first_open),
				second = KIND("second", second_open),
				third = KIND("third", third_open);

static int
open_all(struct ear_player *p, const struct player_config *config, void **self)
{
	return auto_open_of(p, config, kinds, COUNT, self);
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	told++;
	player_state_init(&told_state);
	told_state.title[0] = '-';
	if (state != NULL)
		told_state = *state;
}

static void
turns(void)
{
	for (int i = 0; i < 10; i++)
		clock_advance(the_clock, 10);
}

static int
setup(void **state)
{
	static struct player_kind of_ours;
	struct player_config config = { .kind = "auto" };

	memset(fakes, 0, sizeof(fakes));
	kinds[FIRST] = &first;
	kinds[SECOND] = &second;
	kinds[THIRD] = &third;
	the_clock = clock_new_fake();
	told = 0;
	of_ours = player_auto;
	of_ours.open = open_all;
	return player_new_of(NULL, the_clock, &of_ours, &config, on_changed, NULL, &player);
}

static int
teardown(void **state)
{
	player_free(player);
	clock_free(the_clock);
	return 0;
}

/* That player is seen to do this, by itself. */
static void
becomes(int i, enum ear_playback playback)
{
	fakes[i].is_there = true;
	fakes[i].playback = playback;
	player_poke(fakes[i].player);
	turns();
}

static void
goes(int i)
{
	fakes[i].is_there = false;
	player_poke(fakes[i].player);
	turns();
}

struct answer {
	int calls, error;
	struct ear_player_state state;
};

static void
on_answer(void *arg, int error, const struct ear_player_state *state)
{
	struct answer *answer = arg;

	answer->calls++;
	answer->error = error;
	if (state != NULL)
		answer->state = *state;
}

static struct answer
press(enum ear_button button)
{
	static struct answer answer;
	struct ear_press p = { .button = button, .text = "http://example.org/" };

	answer = (struct answer){ 0 };
	ear_player_press(player, &p, on_answer, &answer);
	turns();
	for (int i = 0; i < 30 && answer.calls == 0; i++)
		clock_advance(the_clock, EAR_SEC / 10);
	assert_int_equal(answer.calls, 1);
	return answer;
}

static void
assert_driven(const char *name)
{
	assert_string_equal(ear_player_kind(player), name);
}

static void
test_nobody(void **state)
{
	assert_driven("none");
	assert_int_equal(press(EAR_PLAY).error, -ENODEV);
	assert_driven("none");
	assert_int_equal(ear_player_show(player, "hello", EAR_SEC), -ENODEV);
	assert_int_equal(told, 0);
}

/* Playing before paused before stopped, and of two that play the later one. */
static void
test_order(void **state)
{
	becomes(FIRST, EAR_STOPPED);
	assert_driven("first");
	becomes(SECOND, EAR_STOPPED);
	assert_driven("first");
	becomes(SECOND, EAR_PAUSED);
	assert_driven("second");
	becomes(FIRST, EAR_PLAYING);
	assert_driven("first");
	becomes(SECOND, EAR_PLAYING);
	assert_driven("second");
	becomes(FIRST, EAR_PLAYING); /* goes on, as before */
	assert_driven("second");
	becomes(SECOND, EAR_PAUSED);
	assert_driven("first");
	becomes(FIRST, EAR_PAUSED);
	assert_driven("first"); /* was paused later */
	becomes(FIRST, EAR_STOPPED);
	assert_driven("second");
}

static void
test_press(void **state)
{
	struct answer answer;

	becomes(FIRST, EAR_PAUSED);
	becomes(THIRD, EAR_PLAYING);
	answer = press(EAR_PAUSE);
	assert_int_equal(answer.error, 0);
	assert_string_equal(answer.state.title, "of player 2");
	assert_int_equal(fakes[FIRST].presses, 0);
	assert_int_equal(fakes[THIRD].presses, 1);
	assert_driven("third"); /* the pause makes no other the first */
	assert_int_equal(press(EAR_PLAY).error, 0);
	assert_int_equal(fakes[THIRD].presses, 2);
}

/* When one goes, the next is driven, and all of it is told. */
static void
test_goes(void **state)
{
	becomes(FIRST, EAR_PAUSED);
	assert_int_equal(told, 1);
	becomes(SECOND, EAR_PLAYING);
	assert_int_equal(told, 2);
	assert_string_equal(told_state.title, "of player 1");
	becomes(FIRST, EAR_STOPPED); /* is not driven: nobody's business */
	assert_int_equal(told, 2);
	goes(SECOND);
	assert_driven("first");
	assert_int_equal(told, 3);
	assert_string_equal(told_state.title, "of player 0");
	assert_int_equal(told_state.playback, EAR_STOPPED);
	goes(FIRST);
	assert_driven("none");
	assert_int_equal(told, 4);
	assert_string_equal(told_state.title, "-");
	assert_null(ear_player_last(player));
}

/* What was not there when it was looked for last is found by a press, unless another one plays. */
static void
test_press_looks(void **state)
{
	fakes[SECOND].is_there = true;
	assert_int_equal(press(EAR_PLAY).error, 0);
	assert_int_equal(fakes[SECOND].presses, 1);
	assert_driven("second");
	becomes(SECOND, EAR_PAUSED);
	fakes[THIRD].is_there = true;
	fakes[THIRD].playback = EAR_PLAYING;
	assert_int_equal(press(EAR_PAUSE).error, 0);
	assert_int_equal(fakes[THIRD].presses, 1);
	becomes(THIRD, EAR_PLAYING);
	fakes[FIRST].looks = 0;
	assert_int_equal(press(EAR_PAUSE).error, 0);
	assert_int_equal(fakes[FIRST].looks, 0);
}

/* One that does not even say whether it is there holds nothing up for long. */
static void
test_hung_look(void **state)
{
	int64_t before;

	becomes(FIRST, EAR_PAUSED);
	fakes[SECOND].is_hung = true;
	before = ear_now(the_clock);
	assert_int_equal(press(EAR_PLAY).error, 0);
	assert_true(ear_now(the_clock) - before < EAR_SEC / 2);
	assert_int_equal(fakes[FIRST].presses, 1);
	becomes(FIRST, EAR_PAUSED);
	before = ear_now(the_clock);
	assert_int_equal(press(EAR_PLAY).error, 0); /* not waited for a second time */
	assert_true(ear_now(the_clock) - before < EAR_SEC / 10);
	clock_advance(the_clock, 5 * EAR_SEC);
	fakes[SECOND].is_hung = false;
	fakes[SECOND].is_there = true;
	fakes[SECOND].playback = EAR_PAUSED;
	becomes(FIRST, EAR_PAUSED);
	assert_int_equal(press(EAR_PLAY).error, 0); /* but asked */
	becomes(FIRST, EAR_STOPPED);
	assert_driven("second");
}

/* A player that hung while it was the first makes way, and comes back when it answers. */
static void
test_hung(void **state)
{
	becomes(FIRST, EAR_PAUSED);
	becomes(SECOND, EAR_PLAYING);
	fakes[SECOND].is_hung = true;
	assert_int_equal(press(EAR_PAUSE).error, -ETIMEDOUT);
	assert_driven("first");
	assert_int_equal(press(EAR_PAUSE).error, 0);
	assert_int_equal(fakes[FIRST].presses, 1);
	fakes[SECOND].is_hung = false;
	if (fakes[SECOND].open)
		fake_answer(&fakes[SECOND]);
	assert_int_equal(press(EAR_PAUSE).error, 0);
	turns();
	assert_driven("second");
}

/* A question that was on its way to it is answered by the one that begins to play. */
static void
test_hung_question(void **state)
{
	struct answer answer = { 0 };

	becomes(FIRST, EAR_PLAYING);
	fakes[FIRST].is_hung = true;
	ear_player_state(player, on_answer, &answer);
	turns();
	assert_int_equal(answer.calls, 0);
	becomes(SECOND, EAR_PLAYING);
	assert_int_equal(answer.calls, 1);
	assert_int_equal(answer.error, 0);
	assert_string_equal(answer.state.title, "of player 1");
}

/* Alone it is still the one to ask. */
static void
test_hung_alone(void **state)
{
	becomes(FIRST, EAR_PLAYING);
	fakes[FIRST].is_hung = true;
	assert_int_equal(press(EAR_PAUSE).error, -ETIMEDOUT);
	assert_driven("first");
	fakes[FIRST].is_hung = false;
	if (fakes[FIRST].open)
		fake_answer(&fakes[FIRST]);
	assert_int_equal(press(EAR_PAUSE).error, 0);
}

static void
test_open(void **state)
{
	becomes(FIRST, EAR_PLAYING);
	becomes(SECOND, EAR_STOPPED);
	fakes[SECOND].can = 1u << EAR_OPEN;
	becomes(SECOND, EAR_STOPPED);
	assert_driven("first");
	assert_int_equal(press(EAR_OPEN).error, 0);
	assert_int_equal(fakes[SECOND].presses, 1);
	assert_driven("second"); /* it began to play */
}

static void
test_show(void **state)
{
	becomes(FIRST, EAR_PLAYING);
	becomes(SECOND, EAR_STOPPED);
	assert_int_equal(ear_player_show(player, "hello", EAR_SEC), -EOPNOTSUPP);
	fakes[SECOND].has_screen = true;
	assert_int_equal(ear_player_show(player, "hello", EAR_SEC), 0);
	assert_string_equal(fakes[SECOND].shown, "hello");
	assert_int_equal(ear_player_show(player, NULL, 0), 0);
	assert_string_equal(fakes[SECOND].shown, "");
	fakes[FIRST].has_screen = true;
	assert_int_equal(ear_player_show(player, "hello", EAR_SEC), 0);
	assert_string_equal(fakes[FIRST].shown, "hello");
	becomes(SECOND, EAR_PLAYING); /* it is taken away where it was shown */
	assert_int_equal(ear_player_show(player, NULL, 0), 0);
	assert_string_equal(fakes[FIRST].shown, "");
}

static void
test_leave_out(void **state)
{
	becomes(FIRST, EAR_STOPPED); /* what plays by that name is another one */
	assert_string_equal(fakes[SECOND].left_out, "");
	becomes(FIRST, EAR_PAUSED);
	assert_string_equal(fakes[SECOND].left_out, "first");
	assert_string_equal(fakes[FIRST].left_out, "");
	becomes(FIRST, EAR_STOPPED);
	assert_string_equal(fakes[SECOND].left_out, "");
	becomes(FIRST, EAR_PLAYING);
	goes(FIRST);
	assert_string_equal(fakes[SECOND].left_out, "");
}

/* While nothing happens, nobody is asked. */
static void
test_quiet(void **state)
{
	turns();
	for (int i = 0; i < COUNT; i++)
		fakes[i].looks = 0;
	clock_advance(the_clock, 600 * EAR_SEC);
	becomes(FIRST, EAR_PLAYING);
	fakes[FIRST].looks = 0;
	clock_advance(the_clock, 600 * EAR_SEC);
	assert_int_equal(fakes[FIRST].looks, 0);
	assert_true(fakes[SECOND].looks <= 1); /* when the first came */
}

static void
test_free_meanwhile(void **state)
{
	struct answer a = { 0 }, b = { 0 };
	struct ear_press p = { .button = EAR_PAUSE };

	becomes(FIRST, EAR_PLAYING);
	fakes[FIRST].is_hung = true;
	ear_player_press(player, &p, on_answer, &a);
	ear_player_press(player, &p, on_answer, &b);
	turns();
	player_free(player);
	player = NULL;
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.error, -ECANCELED);
	assert_int_equal(b.calls, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody), TEST(test_order),          TEST(test_press),
		TEST(test_goes),   TEST(test_press_looks),    TEST(test_hung_look),
		TEST(test_hung),   TEST(test_hung_question),  TEST(test_hung_alone),
		TEST(test_open),   TEST(test_show),           TEST(test_leave_out),
		TEST(test_quiet),  TEST(test_free_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
