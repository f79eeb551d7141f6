/* SPDX-License-Identifier: ISC */
/* test_buttons_chat.c: words typed to the box, on the demo player. */
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

#define ROMEO "romeo@example.org/phone"
#define SELF  "tv.example.org"

static struct ear *ear;

static int
setup_bare(void **state)
{
	ear = fake_new();
	ear->link = EAR_LINK_SERVER;
	ear->self[EAR_LINK_SERVER] = SELF;
	ear->self[EAR_LINK_LAN] = "tv@livingroom.local";
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
teardown(void **state)
{
	fake_stop(ear);
	player_free(ear->player);
	fake_free(ear);
	return 0;
}

/* A whole message; time for the player, and for a thumb. */
static enum ear_verdict
give(const char *attributes, const char *inside, bool left)
{
	char *xml = xasprintf("<message xmlns='jabber:client' %s>%s</message>", attributes, inside);
	enum ear_verdict verdict =
		left ? fake_message_left(ear, ROMEO, xml) : fake_message(ear, ROMEO, xml);

	free(xml);
	clock_advance(ear->clock, 100 * EAR_MSEC);
	return verdict;
}

static enum ear_verdict
type(const char *words)
{
	char *body = xasprintf("<body>%s</body>", words);
	enum ear_verdict verdict = give("type='chat' to='" SELF "'", body, false);

	free(body);
	return verdict;
}

static enum ear_verdict
type_left(const char *words)
{
	char *body = xasprintf("<body>%s</body>", words);
	enum ear_verdict verdict = give("type='chat' to='" SELF "'", body, true);

	free(body);
	return verdict;
}

/* What was answered. */
static const char *
said(void)
{
	xmpp_stanza_t *body;

	assert_non_null(ear->sent);
	assert_true(ear_is(ear->sent, "message", EAR_NS_CLIENT));
	assert_non_null(ear_find(ear->sent, "answer", EAR_NS_BUTTONS));
	body = ear_find(ear->sent, "body", NULL);
	assert_non_null(body);
	return ear_text(body);
}

#define assert_said(part) assert_non_null(strstr(said(), part))

/* Whether the player does what it did at first. */
static bool
is_untouched(void)
{
	return ear_player_last(ear->player) == NULL ||
	       ear_player_last(ear->player)->playback == EAR_PLAYING;
}

static void
test_presses(void **state)
{
	static const struct {
		const char *typed, *words;
	} cases[] = {
		{ "pause", "paused" },         { " Play ", "playing" },
		{ "vol 40", "40 %" },          { "vol +5", "45 %" },
		{ "quieter", "40 %" },         { "mute", "muted" },
		{ "next", "Sintel" },          { "prev", "Big Buck" },
		{ "seek 1:30", "1:30" },       { "+30", "2:0" },
		{ "NOWP", "Big Buck" },        { "what's on", "Big Buck" },
		{ "stop", "stopped" },         { "HELP", "vol 40" },
		{ "PLPZ", "playing" },         { "prev", "not done:" },
		{ "seek 99:00", "not done:" }, { "speed 2", "playing" },
		{ "vol 101", "0 to 100" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(type(cases[i].typed), EAR_DONE);
		if (strstr(said(), cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].typed, said());
		assert_int_equal(ear->sends, i + 1);
	}
}

/* Who is answered, as what, in which conversation. */
static void
test_answer(void **state)
{
	give("type='chat' id='m1' to='" SELF "/x'", "<body>now</body>", false);
	assert_int_equal(ear->sends, 0); /* a resource that is not ours */
	give("type='chat' id='m1' to='tv@" SELF "'", "<thread>t1</thread><body>now</body>", false);
	assert_string_equal(fake_attribute(ear->sent, "to"), ROMEO);
	assert_string_equal(fake_attribute(ear->sent, "from"), "tv@" SELF);
	assert_string_equal(fake_attribute(ear->sent, "type"), "chat");
	assert_string_equal(ear_text(ear_find(ear->sent, "thread", NULL)), "t1");
	give("", "<body>now</body>", false);
	assert_string_equal(fake_attribute(ear->sent, "type"), "");
	assert_null(ear_find(ear->sent, "thread", NULL));
	assert_int_equal(ear->sends, 2);
}

/* An account has a resource, which is its own. */
static void
test_account(void **state)
{
	ear->self[EAR_LINK_SERVER] = "remote@example.org/sofa";
	give("to='remote@example.org/sofa'", "<body>now</body>", false);
	assert_int_equal(ear->sends, 1);
	assert_string_equal(fake_attribute(ear->sent, "from"), ""); /* the link stamps it */
	give("to='remote@example.org/program'", "<body>now</body>", false);
	assert_int_equal(ear->sends, 1);
}

/* Only what is said here and now, by somebody, to us. */
static void
test_not_for_us(void **state)
{
	static const struct {
		const char *attributes, *inside;
	} cases[] = {
		{ "type='groupchat'", "<body>pause</body>" },
		{ "type='headline'", "<body>pause</body>" },
		{ "type='error'", "<body>pause</body>" },
		{ "type='strange'", "<body>pause</body>" },
		{ "type='chat' to='tv@livingroom.local/program'", "<body>pause</body>" },
		{ "", "<body>pause</body><delay xmlns='urn:xmpp:delay' stamp='x'/>" },
		{ "", "<body>pause</body><forwarded xmlns='urn:xmpp:forward:0'/>" },
		{ "", "<body>pause</body><received xmlns='urn:xmpp:carbons:2'/>" },
		{ "", "<body>pause</body><sent xmlns='urn:xmpp:carbons:2'/>" },
		{ "", "<body>pause</body><answer xmlns='" EAR_NS_BUTTONS "'/>" },
		{ "", "<subject>pause</subject>" },
		{ "", "<body/>" },
		{ "", "<body>hello</body>" },
		{ "", "<body>play it again</body>" },
		{ "", "<body>vol</body>" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(give(cases[i].attributes, cases[i].inside, false), EAR_PASS);
	/* The first twelve are not answered by anybody. */
	for (size_t i = 0; i < 11; i++)
		assert_int_equal(give(cases[i].attributes, cases[i].inside, true), EAR_PASS);
	assert_int_equal(ear->sends, 0);
	assert_true(is_untouched());
}

/* Who may not press is passed on to whoever listens, and told when nobody does. */
static void
test_policy(void **state)
{
	ear->level = EAR_PROVED;
	assert_int_equal(type("stop"), EAR_PASS);
	assert_int_equal(type("help"), EAR_PASS);
	assert_int_equal(type("vol 101"), EAR_PASS);
	assert_int_equal(ear->sends, 0);
	assert_int_equal(type("now"), EAR_DONE);
	assert_said("playing");
	assert_int_equal(type_left("stop"), EAR_DONE);
	assert_said("earshot trust romeo@example.org");
	assert_int_equal(type_left("vol 101"), EAR_DONE);
	assert_said("earshot trust");
	assert_int_equal(type_left("help"), EAR_DONE);
	assert_said("vol 40");
	ear->link = EAR_LINK_LAN;
	ear->level = EAR_PLAIN;
	assert_int_equal(type("now"), EAR_PASS);
	assert_int_equal(give("type='chat'", "<body>now</body>", true), EAR_DONE);
	assert_said("earshot pair tv@livingroom.local");
	assert_true(is_untouched());
}

static void
test_left(void **state)
{
	assert_int_equal(type_left("hello"), EAR_DONE);
	assert_said("help");
	assert_int_equal(type_left("vol"), EAR_DONE);
	assert_said("0 to 100");
	assert_int_equal(type_left("seek soon"), EAR_DONE);
	assert_said("1:30");
	/* What another engine brings for somebody is refused as long as nobody is there. */
	assert_int_equal(
		give("", "<body>hello</body><order xmlns='" EAR_NS_DELIVERY "' n='1'/>", true),
		EAR_PASS);
}

static void
test_no_words(void **state)
{
	ear->no_words = true;
	assert_int_equal(type("pause"), EAR_PASS);
	assert_int_equal(type_left("pause"), EAR_PASS);
	assert_int_equal(type_left("hello"), EAR_PASS);
	assert_int_equal(ear->sends, 0);
}

static void
test_no_player(void **state)
{
	assert_int_equal(type("pause"), EAR_PASS); /* nothing here is driven by words */
	assert_int_equal(ear->sends, 0);
}

/* One who talks without end is cut off; others are not, and he may again later. */
static void
test_flood(void **state)
{
	for (int i = 0; i < 30; i++)
		assert_int_equal(type("now"), EAR_DONE);
	assert_int_equal(type("now"), EAR_DONE);
	assert_true(fake_refused(ear, EAR_POLICY_VIOLATION));
	assert_int_equal(type("pause"), EAR_DONE);
	assert_true(fake_refused(ear, EAR_POLICY_VIOLATION));
	assert_int_equal(type_left("hello"), EAR_PASS);
	assert_int_equal(ear->sends, 30);
	assert_true(is_untouched());
	assert_int_equal(fake_message(ear, "juliet@example.org/x",
				      "<message xmlns='jabber:client'><body>help</body></message>"),
			 EAR_DONE);
	clock_advance(ear->clock, 60 * EAR_SEC);
	assert_int_equal(type("now"), EAR_DONE);
}

/* More senders than are remembered. */
static void
test_many(void **state)
{
	char from[64];

	for (int i = 0; i < 600; i++) {
		snprintf(from, sizeof(from), "u%d@example.org/x", i);
		assert_int_equal(
			fake_message(ear, from,
				     "<message xmlns='jabber:client'><body>help</body></message>"),
			EAR_DONE);
	}
	assert_int_equal(ear->sends, 600);
}

/* The same message twice is one press; another one of the same stanza id is another. */
static void
test_repeated(void **state)
{
	for (int i = 0; i < 2; i++)
		give("type='chat' id='1'",
		     "<body>louder</body><origin-id xmlns='" EAR_NS_SID "' id='m1'/>", false);
	assert_said("75 %");
	give("type='chat' id='1'", "<body>louder</body>", false);
	assert_said("80 %");
}

/* The engine stops while the player thinks: see teardown. */
static void
test_stop(void **state)
{
	fake_message(ear, ROMEO, "<message xmlns='jabber:client'><body>pause</body></message>");
	assert_int_equal(ear->sends, 0);
}

static void
test_player_goes(void **state)
{
	test_stop(state);
	player_free(ear->player);
	ear->player = NULL;
	assert_said("not done:");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, setup_bare, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_presses),    TEST(test_answer), TEST(test_account),
		TEST(test_not_for_us), TEST(test_policy), TEST(test_left),
		TEST(test_no_words),   TEST(test_flood),  TEST(test_many),
		TEST(test_repeated),   TEST(test_stop),   TEST(test_player_goes),
		BARE(test_no_player),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
