/* SPDX-License-Identifier: ISC */
/* test_player.c: the queue: order, time-outs, bounds, callbacks exactly once; with a kind of ours.
 */
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
	int begun, abandoned;
	bool open;
	enum ear_button last;
} kind;

static struct ear_clock *the_clock;
static struct ear_player *player;
static int told;
static struct ear_player_state told_state;

struct answer {
	int calls, error, volume;
};

static void
on_answer(void *arg, int error, const struct ear_player_state *state)
{
	struct answer *answer = arg;

	assert_true((error == 0) == (state != NULL));
	answer->calls++;
	answer->error = error;
	answer->volume = state == NULL ? -1 : state->volume;
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	told++;
	if (state != NULL)
		told_state = *state;
	else
		told_state.volume = -2;
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
	assert_false(kind.open);
	kind.open = true;
	kind.begun++;
	kind.last = press == NULL ? EAR_BUTTON_COUNT : press->button;
}

static void
kind_abandon(void *self)
{
	assert_true(kind.open);
	kind.open = false;
	kind.abandoned++;
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
finish(int error, int volume)
{
	struct ear_player_state state = { .volume = volume };

	kind.open = false;
	player_done(kind.player, error, error == 0 ? &state : NULL);
}

static void
press(enum ear_button button, struct answer *answer)
{
	struct ear_press p = { .button = button };

	ear_player_press(player, &p, on_answer, answer);
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
	told = 0;
	return player_new_of(NULL, the_clock, &ours, &config, on_changed, NULL, &player);
}

static int
teardown(void **state)
{
	player_free(player);
	clock_free(the_clock);
	return 0;
}

static void
test_order(void **state)
{
	struct answer a = { 0 }, b = { 0 };

	press(EAR_PLAY, &a);
	press(EAR_STOP, &b);
	assert_int_equal(kind.begun, 0); /* never from inside the call */
	turn();
	assert_int_equal(kind.begun, 1); /* one at a time */
	assert_int_equal(kind.last, EAR_PLAY);
	finish(0, 10);
	assert_int_equal(a.calls, 0);
	turn();
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.volume, 10);
	assert_int_equal(kind.last, EAR_STOP);
	finish(-EREMOTEIO, 0);
	turn();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.error, -EREMOTEIO);
}

static void
test_timeout(void **state)
{
	struct answer a = { 0 }, b = { 0 }, c = { 0 };

	press(EAR_PLAY, &a);
	turn();
	clock_advance(the_clock, EAR_SEC);
	press(EAR_STOP, &b);
	clock_advance(the_clock, EAR_SEC - 100);
	assert_int_equal(a.calls, 0);
	clock_advance(the_clock, 200);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.error, -ETIMEDOUT);
	assert_int_equal(kind.abandoned, 1);
	/* The next has what is left of its own time. */
	assert_int_equal(kind.last, EAR_STOP);
	clock_advance(the_clock, EAR_SEC);
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.error, -ETIMEDOUT);
	press(EAR_PAUSE, &c);
	turn();
	finish(0, 5);
	turn();
	assert_int_equal(c.error, 0);
	clock_advance(the_clock, 10 * EAR_SEC);
	assert_int_equal(a.calls + b.calls + c.calls, 3);
}

/* Those that wait behind a hung one end in their own time too, without ever being begun. */
static void
test_timeout_waiting(void **state)
{
	struct answer a = { 0 }, b = { 0 };

	press(EAR_PLAY, &a);
	press(EAR_STOP, &b);
	turn();
	clock_advance(the_clock, 2 * EAR_SEC);
	turn();
	assert_int_equal(a.error, -ETIMEDOUT);
	assert_int_equal(b.error, -ETIMEDOUT);
	assert_int_equal(kind.begun, 1);
}

static void
test_bound(void **state)
{
	struct answer answers[PLAYER_PENDING_MAX + 1];

	memset(answers, 0, sizeof(answers));
	for (int i = 0; i <= PLAYER_PENDING_MAX; i++)
		press(EAR_PLAY, &answers[i]);
	assert_int_equal(answers[PLAYER_PENDING_MAX].calls, 0);
	turn();
	assert_int_equal(answers[PLAYER_PENDING_MAX].error, -ENOBUFS);
	for (int i = 0; i < PLAYER_PENDING_MAX; i++) {
		assert_int_equal(answers[i].calls, 0);
		finish(0, i);
		turn();
		assert_int_equal(answers[i].calls, 1);
		assert_int_equal(answers[i].volume, i);
	}
	press(EAR_PLAY, &answers[0]); /* there is room again */
	turn();
	assert_true(kind.open);
	finish(0, 0);
	turn();
	assert_int_equal(answers[0].calls, 2);
}

static void
test_free_cancels(void **state)
{
	struct answer a = { 0 }, b = { 0 }, c = { 0 };

	press(EAR_PLAY, &a);
	press(EAR_STOP, &b);
	turn();
	finish(0, 3); /* done, not yet told */
	press(EAR_STOP, &c);
	player_free(player);
	player = NULL;
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.error, 0);
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.error, -ECANCELED);
	assert_int_equal(c.calls, 1);
	assert_int_equal(c.error, -ECANCELED);
}

static void
test_free_abandons(void **state)
{
	struct answer a = { 0 };

	ear_player_state(player, on_answer, &a);
	turn();
	player_free(player);
	player = NULL;
	assert_int_equal(kind.abandoned, 1);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.error, -ECANCELED);
}

static int again;

static void
on_answer_again(void *arg, int error, const struct ear_player_state *state)
{
	on_answer(arg, error, state);
	if (again-- > 0)
		ear_player_state(player, on_answer_again, arg);
}

/* Asking again from the callback, refused or cancelled, neither loops nor is lost. */
static void
test_ask_again(void **state)
{
	struct answer a = { 0 };

	again = 3;
	ear_player_state(player, on_answer_again, &a);
	for (int i = 1; i <= 3; i++) {
		turn();
		finish(0, i);
		turn();
		assert_int_equal(a.calls, i);
	}
	player_free(player);
	player = NULL;
	assert_int_equal(a.calls, 4);
	assert_int_equal(a.error, -ECANCELED);
}

static void
poke_and_see(int volume)
{
	player_poke(player);
	turn();
	assert_true(kind.open);
	finish(0, volume);
	turn();
}

static void
poke_and_fail(int error)
{
	player_poke(player);
	turn();
	finish(error, 0);
	turn();
}

static void
test_changed(void **state)
{
	struct answer a = { 0 };

	assert_null(ear_player_last(player));
	poke_and_see(10); /* it has come */
	assert_int_equal(told, 1);
	poke_and_see(10);
	assert_int_equal(told, 1);
	poke_and_see(20);
	assert_int_equal(told, 2);
	assert_int_equal(told_state.volume, 20);
	press(EAR_VOLUME, &a); /* others than who pressed want to know, too */
	turn();
	finish(0, 30);
	turn();
	assert_int_equal(told, 3);
	poke_and_see(30);
	assert_int_equal(told, 3);
	assert_int_equal(ear_player_last(player)->volume, 30);
}

/* A kind that knows already need not be asked. */
static void
test_tell(void **state)
{
	struct ear_player_state s = { .volume = 7 };

	player_tell(player, &s);
	assert_int_equal(told, 0); /* not from inside the call */
	turn();
	assert_int_equal(told, 1);
	assert_int_equal(told_state.volume, 7);
	player_tell(player, &s);
	turn();
	assert_int_equal(told, 1);
	player_tell(player, NULL);
	turn();
	assert_int_equal(told, 2);
	assert_null(ear_player_last(player));
	assert_int_equal(kind.begun, 0);
}

/* One that does not answer may be there; one that is not there has gone, which is told once. */
static void
test_gone(void **state)
{
	poke_and_see(10);
	poke_and_fail(-ETIMEDOUT);
	assert_int_equal(told, 1);
	assert_non_null(ear_player_last(player));
	poke_and_fail(-ENODEV);
	assert_int_equal(told, 2);
	assert_int_equal(told_state.volume, -2);
	assert_null(ear_player_last(player));
	poke_and_fail(-ENODEV);
	assert_int_equal(told, 2);
	poke_and_see(10);
	assert_int_equal(told, 3);
}

static void
play_at(int64_t position, int64_t at)
{
	struct ear_player_state state;

	player_state_init(&state);
	state.playback = EAR_PLAYING;
	state.position_us = position;
	state.duration_us = 600 * EAR_SEC;
	state.at = at;
	player_poke(player);
	turn();
	kind.open = false;
	player_done(kind.player, 0, &state);
	turn();
}

/* Time that goes by is no change, a jump is. */
static void
test_position(void **state)
{
	play_at(10 * EAR_SEC, 1 * EAR_SEC);
	play_at(30 * EAR_SEC + EAR_SEC / 2, 21 * EAR_SEC);
	assert_int_equal(told, 1);
	play_at(20 * EAR_SEC, 22 * EAR_SEC);
	assert_int_equal(told, 2);
	play_at(-1, 23 * EAR_SEC);
	assert_int_equal(told, 3);
}

static void
test_pokes_are_one(void **state)
{
	for (int i = 0; i < 1000; i++)
		player_poke(player);
	turn();
	assert_int_equal(kind.begun, 1);
	player_poke(player); /* what was begun may have missed it */
	finish(0, 1);
	turn();
	assert_int_equal(kind.begun, 2);
	clock_advance(the_clock, 3 * EAR_SEC);
	player_poke(player); /* a time-out does not end the looking */
	turn();
	assert_int_equal(kind.begun, 3);
	finish(0, 1);
}

/* Full to the brim, a change is not read, but the next one is. */
static void
test_poke_of_full(void **state)
{
	struct answer a = { 0 };

	for (int i = 0; i < PLAYER_PENDING_MAX; i++)
		press(EAR_PLAY, &a);
	player_poke(player);
	clock_advance(the_clock, 3 * EAR_SEC);
	assert_int_equal(a.calls, PLAYER_PENDING_MAX);
	poke_and_see(10);
	assert_int_equal(told, 1);
}

/* What is not to be opened reaches no kind. */
static void
test_url(void **state)
{
	struct answer a = { 0 }, b = { 0 };
	struct ear_press p = { .button = EAR_OPEN, .text = "plugin://script.module" };

	ear_player_press(player, &p, on_answer, &a);
	p.text = NULL;
	ear_player_press(player, &p, on_answer, &a);
	p.text = "http://example.org/";
	ear_player_press(player, &p, on_answer, &b);
	turn();
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.error, -ERANGE);
	assert_int_equal(kind.begun, 1);
	finish(0, 1);
	turn();
	assert_int_equal(b.error, 0);
}

static void
test_kinds(void **state)
{
	struct ear_player *p;
	struct player_config config = { .kind = "none" };

	assert_int_equal(player_new(NULL, the_clock, &config, NULL, NULL, &p), 0);
	assert_null(p);
	config.kind = "gramophone";
	assert_int_equal(player_new(NULL, the_clock, &config, NULL, NULL, &p), -EINVAL);
	assert_null(p);
	config.kind = "demo";
	assert_int_equal(player_new(NULL, the_clock, &config, NULL, NULL, &p), 0);
	assert_string_equal(ear_player_kind(p), "demo");
	player_free(p);
	assert_string_equal(ear_player_kind(player), "ours");
}

static char shown[PLAYER_TEXT_SIZE];

static int
show(void *self, const char *text, int64_t usec)
{
	memcpy(shown, text, strlen(text) + 1);
	return 0;
}

/* Whatever is given, a kind gets one line of whole characters that fits. */
static void
test_show(void **state)
{
	struct player_kind with_screen = ours;
	struct player_config config = { .kind = "ours" };
	struct ear_player *p;
	char text[3 * PLAYER_TEXT_SIZE + 4];

	assert_int_equal(ear_player_show(player, "hello", EAR_SEC), -EOPNOTSUPP);
	with_screen.show = show;
	assert_int_equal(player_new_of(NULL, the_clock, &with_screen, &config, NULL, NULL, &p), 0);
	assert_int_equal(ear_player_show(p, "hello ${path}", EAR_SEC), 0);
	assert_string_equal(shown, "hello ${path}");
	assert_int_equal(ear_player_show(p, "a\nb\xff", EAR_SEC), 0);
	assert_string_equal(shown, "a b\xef\xbf\xbd");
	for (size_t i = 0; i < 3 * PLAYER_TEXT_SIZE; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	assert_int_equal(ear_player_show(p, text, EAR_SEC), 0);
	assert_int_equal(strlen(shown), (PLAYER_TEXT_SIZE - 1) / 3 * 3);
	assert_int_equal(ear_player_show(p, NULL, 0), 0);
	assert_string_equal(shown, "");
	player_free(p);
}

static void
test_names(void **state)
{
	for (int i = 0; i < EAR_BUTTON_COUNT; i++)
		assert_int_equal(ear_button_find(ear_button_name(i)), i);
	assert_int_equal(ear_button_find("eject"), -1);
	assert_int_equal(ear_button_find(""), -1);
	assert_string_equal(ear_playback_name(EAR_STOPPED), "stopped");
	assert_string_equal(ear_playback_name(EAR_PLAYING), "playing");
	assert_string_equal(ear_playback_name(EAR_PAUSED), "paused");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),     TEST(test_timeout),       TEST(test_timeout_waiting),
		TEST(test_bound),     TEST(test_free_cancels),  TEST(test_free_abandons),
		TEST(test_ask_again), TEST(test_changed),       TEST(test_gone),
		TEST(test_position),  TEST(test_pokes_are_one), TEST(test_poke_of_full),
		TEST(test_url),       TEST(test_tell),          TEST(test_kinds),
		TEST(test_names),     TEST(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
