/* SPDX-License-Identifier: ISC */
/* test_buttons.c: presses and their answers, on the demo player and on one that fails to order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "fake_ear.h"
#include "player/ops.h"
#include "press.h"
#include "press_past.h"

#define PRESS(attributes) "<press xmlns='" EAR_NS_BUTTONS "' " attributes "/>"
#define KEY(attributes)   "<key xmlns='" EAR_NS_BUTTONS "' " attributes "/>"
#define STATE             "<state xmlns='" EAR_NS_BUTTONS "'/>"

static struct ear *ear;
static int open_jobs, error_to_give;

/* A kind that ends every job with one error, or leaves it open. */
static int
broken_open(struct ear_player *player, const struct player_config *config, void **self)
{
	*self = player;
	return 0;
}

static void
broken_close(void *self)
{
}

static void
broken_begin(void *self, const struct ear_press *press)
{
	if (error_to_give == 0)
		open_jobs++;
	else
		player_done(self, error_to_give, NULL);
}

static void
broken_abandon(void *self)
{
	open_jobs--;
}

static const struct player_kind broken = {
	.name = "broken",
	.open = broken_open,
	.close = broken_close,
	.begin = broken_begin,
	.abandon = broken_abandon,
};

static int
setup_bare(void **state)
{
	ear = fake_new();
	return 0;
}

static int
setup(void **state)
{
	struct player_config config = { .kind = "demo" };

	setup_bare(state);
	return player_new(NULL, ear->clock, &config, NULL, NULL, &ear->player);
}

static int
setup_broken(void **state)
{
	struct player_config config = { .kind = "broken" };

	setup_bare(state);
	open_jobs = 0;
	error_to_give = -ENODEV;
	return player_new_of(NULL, ear->clock, &broken, &config, NULL, NULL, &ear->player);
}

static int
teardown(void **state)
{
	fake_stop(ear);
	assert_int_equal(ear->holds, 0);
	player_free(ear->player);
	fake_free(ear);
	return 0;
}

/* Asks, and lets the player answer. */
static void
ask(const char *type, const char *xml)
{
	int before = ear->answers;

	fake_ask(ear, type, FAKE_FROM, xml);
	clock_advance(ear->clock, EAR_MSEC);
	assert_int_equal(ear->answers, before + 1); /* exactly one */
}

static const char *
state_of(const char *attribute)
{
	xmpp_stanza_t *element = fake_result(ear);

	assert_true(ear_is(element, "state", EAR_NS_BUTTONS));
	return fake_attribute(element, attribute);
}

static void
test_state(void **state)
{
	clock_advance(ear->clock, 12345 * EAR_MSEC);
	ask("get", STATE);
	assert_string_equal(state_of("player"), "demo");
	assert_string_equal(state_of("playback"), "playing");
	assert_string_equal(state_of("title"), "Big Buck Bunny");
	assert_string_equal(state_of("position"), "12.345");
	assert_string_equal(state_of("duration"), "596.000");
	assert_string_equal(state_of("volume"), "70");
	assert_string_equal(state_of("muted"), "false");
	assert_string_equal(state_of("seekable"), "true");
	assert_int_equal(ear->rule->verb, EAR_VERB_STATE);
}

static void
test_press(void **state)
{
	fake_ask(ear, "set", FAKE_FROM, PRESS("button='pause'"));
	assert_null(ear->answer); /* not before the player has confirmed it */
	assert_int_equal(ear->rule->verb, EAR_VERB_BUTTONS);
	clock_advance(ear->clock, EAR_MSEC);
	assert_string_equal(state_of("playback"), "paused");
	ask("set", PRESS("button='play'"));
	assert_string_equal(state_of("playback"), "playing");
	ask("set", PRESS("button='playpause'"));
	assert_string_equal(state_of("playback"), "paused");
	ask("set", PRESS("button='next'"));
	assert_string_equal(state_of("title"), "Sintel");
	ask("set", PRESS("button='previous'"));
	assert_string_equal(state_of("title"), "Big Buck Bunny");
	ask("set", PRESS("button='seek' value='90.5'"));
	assert_string_equal(state_of("position"), "90.500");
	ask("set", PRESS("button='seek' value='+0.5'"));
	assert_string_equal(state_of("position"), "91.000");
	ask("set", PRESS("button='volume' value='-20'"));
	assert_string_equal(state_of("volume"), "50");
	ask("set", PRESS("button='mute' value='on'"));
	assert_string_equal(state_of("muted"), "true");
	ask("set", PRESS("button='mute'"));
	assert_string_equal(state_of("muted"), "false");
	ask("set", PRESS("button='stop'"));
	assert_string_equal(state_of("playback"), "stopped");
	assert_string_equal(state_of("title"), ""); /* absent */
	assert_string_equal(state_of("position"), "");
	assert_string_equal(state_of("seekable"), "false");
}

static void
test_bad_presses(void **state)
{
	static const struct {
		const char *xml;
		enum ear_verdict condition;
	} cases[] = {
		{ PRESS(""), EAR_BAD_REQUEST },
		{ PRESS("button='eject'"), EAR_ITEM_NOT_FOUND },
		{ PRESS("button=''"), EAR_ITEM_NOT_FOUND },
		{ PRESS("button='seek'"), EAR_BAD_REQUEST },
		{ PRESS("button='seek' value='soon'"), EAR_BAD_REQUEST },
		{ PRESS("button='play' value='1'"), EAR_BAD_REQUEST },
		{ PRESS("button='volume' value='101'"), EAR_NOT_ACCEPTABLE },
		{ PRESS("button='seek' value='600'"), EAR_NOT_ACCEPTABLE },
		{ PRESS("button='previous'"), EAR_UNEXPECTED_REQUEST },
		{ PRESS("button='key'"), EAR_ITEM_NOT_FOUND },
		{ PRESS("button='open'"), EAR_BAD_REQUEST },
		{ PRESS("button='open' value='here'"), EAR_BAD_REQUEST },
		{ PRESS("button='rate' value='9'"), EAR_NOT_ACCEPTABLE },
		{ PRESS("button='repeat' value='twice'"), EAR_BAD_REQUEST },
		{ KEY(""), EAR_BAD_REQUEST },
		{ KEY("name='any'"), EAR_ITEM_NOT_FOUND },
		{ KEY("name='up' motion='sideways'"), EAR_BAD_REQUEST },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask("set", cases[i].xml);
		assert_true(fake_refused(ear, cases[i].condition));
		assert_non_null(ear_error_text_of(ear->answer));
	}
	ask("get", STATE);
	assert_string_equal(state_of("playback"), "playing");
}

static void
press_by(const char *from, const char *xml, int64_t after, int64_t held)
{
	clock_advance(ear->clock, after);
	ear->held_up = held;
	fake_ask(ear, "set", from, xml);
	clock_advance(ear->clock, EAR_MSEC);
	ear->held_up = 0;
}

/* The same id from the same sender acts once; from another sender it is another press. */
static void
test_same_id(void **state)
{
	for (int i = 0; i < 3; i++) {
		ask("set", PRESS("button='volume' value='+1' id='a'"));
		assert_string_equal(state_of("volume"), "71");
	}
	press_by("other@pronto.local", PRESS("button='volume' value='+1' id='a'"), 0, 0);
	assert_string_equal(state_of("volume"), "72");
	clock_advance(ear->clock, PRESS_PAST_TIME);
	ask("set", PRESS("button='volume' value='+1' id='a'"));
	assert_string_equal(state_of("volume"), "73");
}

/* A key that is held for the whole time makes no press forgotten that came before. */
static void
test_same_id_after_many(void **state)
{
	char xml[128];

	ask("set", PRESS("button='volume' value='+1' id='a'"));
	assert_string_equal(state_of("volume"), "71");
	for (int i = 0; i < PRESS_PAST_IDS - 1; i++) {
		snprintf(xml, sizeof(xml), PRESS("button='volume' value='50' id='%d'"), i);
		press_by(FAKE_FROM, xml, 100 * EAR_MSEC, 0);
	}
	ask("set", PRESS("button='volume' value='+1' id='a'"));
	assert_string_equal(state_of("volume"), "50");
	ask("set", PRESS("button='volume' value='+1' id='0'"));
	assert_string_equal(state_of("volume"), "50");
	ask("set", PRESS("button='volume' value='+1' id='b'"));
	ask("set", PRESS("button='volume' value='+1' id='c'"));
	assert_string_equal(state_of("volume"), "52");
	/* There is an end: so many in two minutes is no thumb. */
	ask("set", PRESS("button='volume' value='+1' id='a'"));
	assert_string_equal(state_of("volume"), "53");
	ask("set", PRESS("button='volume' value='+1' id='c'"));
	assert_string_equal(state_of("volume"), "53");
}

/* What certainly did nothing may come again under its id. */
static void
test_same_id_refused(void **state)
{
	ask("set", PRESS("button='previous' id='a'"));
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	ask("set", PRESS("button='next'"));
	ask("set", PRESS("button='previous' id='a'"));
	assert_string_equal(state_of("title"), "Big Buck Bunny");
}

/* Fifty that were held up and come together are one; fifty that a thumb pressed are fifty. */
static void
test_burst(void **state)
{
	const char *louder = PRESS("button='volume' value='+1'");

	ear->link = EAR_LINK_LAN;
	for (int i = 0; i < 20; i++)
		press_by(FAKE_FROM, louder, EAR_MSEC, 5 * EAR_SEC - i * 100 * EAR_MSEC);
	assert_string_equal(state_of("volume"), "71");
	press_by(FAKE_FROM, PRESS("button='volume' value='+2'"), EAR_MSEC, 2 * EAR_SEC);
	assert_string_equal(state_of("volume"), "73");
	press_by("other@pronto.local", louder, EAR_MSEC, 2 * EAR_SEC);
	assert_string_equal(state_of("volume"), "74");
	for (int i = 0; i < 5; i++)
		press_by(FAKE_FROM, louder, 10 * EAR_MSEC, 20 * EAR_MSEC);
	assert_string_equal(state_of("volume"), "79");
}

/* Who does not say when he pressed has a thumb all the same; a key that is held repeats. */
static void
test_burst_without_clock(void **state)
{
	const char *held = KEY("name='volumeup' motion='held'");

	ear->link = EAR_LINK_LAN;
	for (int i = 0; i < 20; i++)
		press_by(FAKE_FROM, PRESS("button='mute'"), 5 * EAR_MSEC, -1);
	assert_string_equal(state_of("muted"), "true");
	press_by(FAKE_FROM, PRESS("button='mute'"), PRESS_PAST_THUMB, -1);
	assert_string_equal(state_of("muted"), "false");
	ask("set", KEY("name='volumeup' motion='down'"));
	if (!fake_refused(ear, EAR_FEATURE_NOT_IMPLEMENTED)) {
		press_by(FAKE_FROM, held, EAR_MSEC, -1);
		press_by(FAKE_FROM, held, EAR_MSEC, -1);
		assert_string_equal(state_of("volume"), "85");
	}
}

/* From this very machine nothing is held up: a key that repeats itself is obeyed each time. */
static void
test_no_burst_at_home(void **state)
{
	ear->link = EAR_LINK_LOCAL;
	for (int i = 0; i < 5; i++)
		press_by(FAKE_FROM, PRESS("button='volume' value='+1'"), 5 * EAR_MSEC, -1);
	assert_string_equal(state_of("volume"), "75");
}

/* However many press, what is remembered of them is bounded, and the latest are known. */
static void
test_many_pressers(void **state)
{
	char from[64];

	for (int i = 0; i <= 2 * PRESS_PAST_SENDERS; i++) {
		snprintf(from, sizeof(from), "peer%d@pronto.local", i);
		press_by(from, PRESS("button='volume' value='40' id='x'"), EAR_MSEC, 0);
	}
	press_by("peer0@pronto.local", PRESS("button='volume' value='41' id='x'"), EAR_MSEC, 0);
	assert_string_equal(state_of("volume"), "41"); /* forgotten */
	press_by(from, PRESS("button='volume' value='42' id='x'"), EAR_MSEC, 0);
	assert_string_equal(state_of("volume"), "41");
}

/* An extension's rule lets a stanza in; that a press needs more is press_do's own word. */
static void
test_not_allowed(void **state)
{
	char id[PRESS_ID_MAX + 64];

	ear->level = EAR_PROVED;
	ask("set", PRESS("button='pause'"));
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	ear->level = EAR_TRUSTED;
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	char *xml = xasprintf("<press xmlns='%s' button='pause' id='%s'/>", EAR_NS_BUTTONS, id);
	ask("set", xml);
	free(xml);
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	ask("get", STATE);
	assert_string_equal(state_of("playback"), "playing");
}

/* A command found in a delayed, forwarded or carbon-copied stanza is nobody's command. */
static void
test_hearsay(void **state)
{
	static const char *const marks[] = {
		"<delay xmlns='" EAR_NS_DELAY "' stamp='2002-09-10T23:08:25Z'/>",
		"<forwarded xmlns='" EAR_NS_FORWARD "'/>",
		"<received xmlns='" EAR_NS_CARBONS "'/>",
		"<sent xmlns='" EAR_NS_CARBONS "'/>",
	};
	char xml[512];

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		snprintf(xml, sizeof(xml), "%s%s", PRESS("button='pause'"), marks[i]);
		ask("set", xml);
		assert_true(fake_refused(ear, EAR_NOT_ACCEPTABLE));
		snprintf(xml, sizeof(xml), "<press xmlns='%s' button='pause'>%s</press>",
			 EAR_NS_BUTTONS, marks[i]);
		ask("set", xml);
		assert_true(fake_refused(ear, EAR_NOT_ACCEPTABLE));
	}
	ask("get", STATE);
	assert_string_equal(state_of("playback"), "playing");
}

static void
test_no_player(void **state)
{
	ask("set", PRESS("button='pause'"));
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	assert_string_equal(ear_error_text_of(ear->answer), "no player");
	ask("get", STATE);
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
}

static void
test_player_errors(void **state)
{
	static const struct {
		int error;
		enum ear_verdict condition;
	} cases[] = {
		{ -ENODEV, EAR_ITEM_NOT_FOUND },
		{ -ETIMEDOUT, EAR_REMOTE_SERVER_TIMEOUT },
		{ -EOPNOTSUPP, EAR_FEATURE_NOT_IMPLEMENTED },
		{ -ERANGE, EAR_NOT_ACCEPTABLE },
		{ -EPROTO, EAR_INTERNAL_SERVER_ERROR },
		{ -EREMOTEIO, EAR_UNEXPECTED_REQUEST },
		{ -ENOBUFS, EAR_RESOURCE_CONSTRAINT },
		{ -ECANCELED, EAR_RECIPIENT_UNAVAILABLE },
		{ -EIO, EAR_INTERNAL_SERVER_ERROR }, /* none of the contract's */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error_to_give = cases[i].error;
		ask("set", PRESS("button='pause'"));
		assert_true(fake_refused(ear, cases[i].condition));
		assert_non_null(ear_error_text_of(ear->answer));
	}
}

static void
test_hung_player(void **state)
{
	error_to_give = 0;
	fake_ask(ear, "get", FAKE_FROM, STATE);
	clock_advance(ear->clock, PLAYER_TIMEOUT / 2);
	assert_null(ear->answer);
	clock_advance(ear->clock, PLAYER_TIMEOUT);
	assert_true(fake_refused(ear, EAR_REMOTE_SERVER_TIMEOUT));
	assert_int_equal(open_jobs, 0);
}

/* What a URL is refused for is told in other words than a number. */
static void
test_url_refused(void **state)
{
	error_to_give = -ERANGE;
	ask("set", PRESS("button='open' value='file:///dev/zero'"));
	assert_true(fake_refused(ear, EAR_NOT_ACCEPTABLE));
	assert_string_equal(ear_error_text_of(ear->answer), "such a URL is not opened here");
}

/* The engine stops while presses wait: each is answered once, and nothing freed is touched. */
static void
test_stop_first(void **state)
{
	error_to_give = 0;
	for (int i = 0; i < 3; i++)
		fake_ask(ear, "set", FAKE_FROM, PRESS("button='pause'"));
	clock_advance(ear->clock, EAR_MSEC);
	assert_int_equal(ear->holds, 3);
}

static void
test_player_first(void **state)
{
	error_to_give = 0;
	fake_ask(ear, "set", FAKE_FROM, PRESS("button='pause'"));
	player_free(ear->player);
	ear->player = NULL;
	assert_int_equal(ear->holds, 0);
	assert_true(fake_refused(ear, EAR_RECIPIENT_UNAVAILABLE));
}

/* More presses than a player's queue takes are refused, those in it are not. */
static void
test_flood(void **state)
{
	for (int i = 0; i < PLAYER_PENDING_MAX; i++)
		fake_ask(ear, "set", FAKE_FROM, PRESS("button='mute'"));
	assert_int_equal(ear->holds, PLAYER_PENDING_MAX);
	fake_ask(ear, "set", FAKE_FROM, PRESS("button='mute'"));
	ear->answers = 0;
	clock_advance(ear->clock, EAR_SEC);
	assert_int_equal(ear->holds, 0);
	assert_int_equal(ear->answers, PLAYER_PENDING_MAX + 1);
	assert_string_equal(state_of("muted"), "false");
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BARE(name)   cmocka_unit_test_setup_teardown(name, setup_bare, teardown)
#define BROKEN(name) cmocka_unit_test_setup_teardown(name, setup_broken, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_state),
		TEST(test_press),
		TEST(test_bad_presses),
		TEST(test_hearsay),
		TEST(test_flood),
		BARE(test_no_player),
		BROKEN(test_player_errors),
		BROKEN(test_hung_player),
		BROKEN(test_stop_first),
		BROKEN(test_player_first),
		TEST(test_same_id),
		TEST(test_same_id_after_many),
		TEST(test_same_id_refused),
		TEST(test_burst),
		TEST(test_many_pressers),
		TEST(test_burst_without_clock),
		TEST(test_not_allowed),
		BROKEN(test_url_refused),
		TEST(test_no_burst_at_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
