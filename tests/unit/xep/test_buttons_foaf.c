/* SPDX-License-Identifier: ISC */
/* test_buttons_foaf.c: the codes of NoTube, on the demo player. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/timer.h"
#include "fake_ear.h"
#include "player/ops.h"

#define NS          "http://buttons.foaf.tv/"
#define QUERY(code) "<query xmlns='" NS "'><button>" code "</button></query>"

static struct ear *ear;

static int
setup(void **state)
{
	struct player_config config = { .kind = "demo" };

	ear = fake_new();
	return player_new(NULL, ear->clock, &config, NULL, NULL, &ear->player);
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

static void
ask(const char *xml)
{
	static int n;
	char from[64];

	/* Each from another one: the fake's requests all have the same id. */
	snprintf(from, sizeof(from), "romeo%d@example.org/x", n++);
	fake_ask(ear, "set", from, xml);
	clock_advance(ear->clock, EAR_SEC);
}

static const char *
words(void)
{
	xmpp_stanza_t *result = fake_result(ear);

	assert_true(ear_is(result, "nowp-result", NS));
	return ear_text(result);
}

static void
test_codes(void **state)
{
	ask(QUERY("PLPZ"));
	assert_non_null(strstr(words(), "paused"));
	ask(QUERY("plpz"));
	assert_non_null(strstr(words(), "playing"));
	ask(QUERY("LOUD"));
	assert_non_null(strstr(words(), "75 %"));
	ask(QUERY("NOWP"));
	assert_non_null(strstr(words(), "Big Buck Bunny"));
	ask(QUERY("HELP"));
	assert_non_null(strstr(words(), "pause"));
}

static void
test_errors(void **state)
{
	static const struct {
		const char *xml;
		enum ear_verdict condition;
	} cases[] = {
		{ "<query xmlns='" NS "'/>", EAR_BAD_REQUEST },
		{ QUERY(""), EAR_BAD_REQUEST },
		{ QUERY("PLPZPLPZPLPZ"), EAR_BAD_REQUEST },
		{ QUERY("LIKE"), EAR_ITEM_NOT_FOUND },
		{ QUERY("MENU"), EAR_FEATURE_NOT_IMPLEMENTED }, /* by this player */
		{ "<query xmlns='" NS
		  "'><button>PLPZ</button><delay xmlns='urn:xmpp:delay'/></query>",
		  EAR_NOT_ACCEPTABLE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i].xml);
		assert_true(fake_refused(ear, cases[i].condition));
	}
}

static void
test_policy(void **state)
{
	ear->level = EAR_KEYED;
	ask(QUERY("PLPZ"));
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	ask(QUERY("NOWP"));
	assert_non_null(strstr(words(), "playing"));
	assert_int_equal(ear->rule->verb, EAR_VERB_STATE);
}

/* See teardown. */
static void
test_stop(void **state)
{
	fake_ask(ear, "set", FAKE_FROM, QUERY("PLPZ"));
	assert_int_equal(ear->holds, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_codes),
		TEST(test_errors),
		TEST(test_policy),
		TEST(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
