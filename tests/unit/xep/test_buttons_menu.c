/* SPDX-License-Identifier: ISC */
/* test_buttons_menu.c: the remote control as commands, on the demo player. */
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

#define NODE(name) EAR_NS_BUTTONS "#" name
#define MENU       NODE("menu")

static struct ear *ear;
static char session[32];

static int
setup_bare(void **state)
{
	ear = fake_new();
	session[0] = '\0';
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
	assert_int_equal(ear->holds, 0);
	player_free(ear->player);
	fake_free(ear);
	return 0;
}

static xmpp_stanza_t *
inside(const char *name, const char *ns)
{
	return ear_find(fake_result(ear), name, ns);
}

static const char *
status(void)
{
	assert_true(ear_is(fake_result(ear), "command", EAR_NS_COMMANDS));
	return fake_attribute(fake_result(ear), "status");
}

static const char *
note(void)
{
	xmpp_stanza_t *found = inside("note", NULL);

	return found == NULL ? "" : ear_text(found);
}

static bool
is_error(void)
{
	return strcmp(fake_attribute(inside("note", NULL), "type"), "error") == 0;
}

/* A request, and time for the player. */
static void
ask(const char *node, const char *action, const char *form)
{
	char *xml = xasprintf("<command xmlns='%s' node='%s' %s%s%s action='%s'>%s</command>",
			      EAR_NS_COMMANDS, node, session[0] == '\0' ? "" : "sessionid='",
			      session, session[0] == '\0' ? "" : "'", action, form);

	fake_ask(ear, "set", FAKE_FROM, xml);
	clock_advance(ear->clock, 100 * EAR_MSEC); /* no thumb is quicker */
	free(xml);
}

static void
begin(void)
{
	session[0] = '\0';
	ask(MENU, "execute", "");
	assert_string_equal(status(), "executing");
	snprintf(session, sizeof(session), "%s", fake_attribute(fake_result(ear), "sessionid"));
}

static void
submit(const char *action, const char *var, const char *value)
{
	char *form = xasprintf("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
			       "<value>%s</value></field><field var='%s'><value>%s</value></field>"
			       "</x>",
			       MENU, var, value);

	ask(MENU, action, form);
	free(form);
}

static xmpp_stanza_t *
field_of(const char *var)
{
	xmpp_stanza_t *form = inside("x", EAR_NS_DATA);

	assert_non_null(form);
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (ear_is(e, "field", EAR_NS_DATA) && strcmp(fake_attribute(e, "var"), var) == 0)
			return e;
	return NULL;
}

/* The state in words, above the list. */
static const char *
words(void)
{
	return ear_text(ear_find(field_of(""), "value", NULL));
}

/* Which button the menu is at. */
static const char *
at(void)
{
	return ear_text(ear_find(field_of("button"), "value", NULL));
}

static bool
offers(const char *var, const char *value)
{
	for (xmpp_stanza_t *e = ear_first(field_of(var)); e != NULL; e = ear_next(e))
		if (ear_is(e, "option", EAR_NS_DATA) &&
		    strcmp(ear_text(ear_find(e, "value", NULL)), value) == 0)
			return true;
	return false;
}

static bool
allows(const char *action)
{
	return ear_find(inside("actions", NULL), action, NULL) != NULL;
}

static void
test_menu(void **state)
{
	begin();
	assert_non_null(strstr(words(), "playing"));
	assert_non_null(strstr(words(), "Big Buck Bunny"));
	assert_true(offers("button", "pause"));
	assert_true(offers("button", "seek"));
	assert_true(offers("button", "open"));
	assert_false(offers("button", "previous")); /* nothing is before the first */
	assert_string_equal(fake_attribute(inside("actions", NULL), "execute"), "next");
	assert_true(allows("next") && allows("complete") && !allows("prev"));
}

/* Press after press, without beginning anew. */
static void
test_presses(void **state)
{
	begin();
	submit("next", "button", "pause");
	assert_string_equal(status(), "executing");
	assert_non_null(strstr(words(), "paused"));
	submit("execute", "button", "next");
	assert_non_null(strstr(words(), "Sintel"));
	submit("next", "button", "quieter");
	assert_non_null(strstr(words(), "65 %"));
	assert_string_equal(at(), "quieter");
	submit("next", "button", "quieter");
	assert_non_null(strstr(words(), "60 %"));
	submit("complete", "button", "play");
	assert_string_equal(status(), "completed");
	assert_non_null(strstr(note(), "playing"));
	assert_null(inside("x", EAR_NS_DATA));
	submit("next", "button", "pause");
	assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
}

static void
test_values(void **state)
{
	begin();
	submit("next", "button", "seek");
	assert_string_equal(status(), "executing");
	assert_true(allows("prev") && allows("next") && allows("complete"));
	assert_non_null(field_of("value"));
	submit("next", "value", "1:23");
	assert_non_null(strstr(words(), "1:23"));
	submit("complete", "button", "volume"); /* not without its value */
	assert_string_equal(status(), "executing");
	assert_string_equal(fake_attribute(ear_find(field_of("value"), "validate",
						    "http://jabber.org/protocol/xdata-validate"),
					   "datatype"),
			    "xs:integer");
	ask(MENU, "prev", "");
	assert_true(offers("button", "volume"));
	submit("next", "button", "volume");
	submit("complete", "value", "40");
	assert_string_equal(status(), "completed");
	assert_non_null(strstr(note(), "40 %"));
}

/* What is no value is asked for again; what the player refuses is told, and the menu stays. */
static void
test_bad_values(void **state)
{
	static const struct {
		const char *button, *value;
	} cases[] = {
		{ "volume", "101" }, { "volume", "loud" }, { "seek", "soon" }, { "seek", "" },
		{ "rate", "9" },     { "open", "it" },     { "key", "any" },   { "volume", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		submit("next", "button", cases[i].button);
		submit("next", "value", cases[i].value);
		assert_true(fake_refused(ear, EAR_BAD_REQUEST));
		assert_non_null(ear_find(ear_find(ear->answer, "error", NULL), "bad-payload",
					 EAR_NS_COMMANDS));
	}
	begin();
	submit("next", "button", "eject");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	ask(MENU, "next", "");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	submit("next", "button", "previous"); /* there is no title before this one */
	assert_string_equal(status(), "executing");
	assert_true(is_error());
	assert_string_equal(note(), "the player refused");
	assert_true(offers("button", "pause"));
	submit("complete", "button", "previous");
	assert_string_equal(status(), "completed");
	assert_true(is_error());
}

static void
test_keys(void **state)
{
	begin();
	submit("next", "button", "key");
	assert_true(offers("value", "up"));
	assert_true(offers("value", "numeric_9"));
	submit("next", "value", "volumeup");
	assert_non_null(strstr(words(), "75 %"));
}

static void
test_at_once(void **state)
{
	static const struct {
		const char *node, *words;
	} cases[] = {
		{ NODE("playpause"), "paused" }, { NODE("playpause"), "playing" },
		{ NODE("next"), "Sintel" },      { NODE("previous"), "Big Buck Bunny" },
		{ NODE("louder"), "75 %" },      { NODE("quieter"), "70 %" },
		{ NODE("mute"), "muted" },       { NODE("now"), "Big Buck Bunny" },
		{ NODE("stop"), "stopped" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i].node, "execute", "");
		assert_string_equal(status(), "completed");
		assert_non_null(strstr(note(), cases[i].words));
		assert_false(is_error());
	}
}

/* The same press twice in a session is two presses; the same stanza twice is one. */
static void
test_ids(void **state)
{
	begin();
	for (int i = 0; i < 3; i++)
		submit("next", "button", "louder");
	assert_non_null(strstr(words(), "85 %"));
}

static void
test_policy(void **state)
{
	ear->level = EAR_KEYED;
	ask(MENU, "execute", "");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	ask(NODE("stop"), "execute", "");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	ask(NODE("now"), "execute", "");
	assert_non_null(strstr(note(), "playing"));
	ear->level = EAR_PLAIN;
	ask(NODE("now"), "execute", "");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
}

static void
test_hearsay(void **state)
{
	ask(NODE("stop"), "execute",
	    "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>");
	assert_string_equal(status(), "completed");
	assert_true(is_error());
	ask(NODE("now"), "execute", "");
	assert_non_null(strstr(note(), "playing"));
}

static void
test_no_player(void **state)
{
	ask(MENU, "execute", "");
	assert_string_equal(status(), "completed");
	assert_true(is_error());
	assert_string_equal(note(), "no player");
	ask(NODE("now"), "execute", "");
	assert_true(is_error());
}

/* The engine stops, or the player goes, while a press is under way: see teardown. */
static void
test_stop(void **state)
{
	fake_ask(ear, "set", FAKE_FROM, "<command xmlns='" EAR_NS_COMMANDS "' node='" MENU "'/>");
	fake_ask(ear, "set", FAKE_FROM,
		 "<command xmlns='" EAR_NS_COMMANDS "' node='" NODE("next") "'/>");
	assert_int_equal(ear->holds, 2);
}

static void
test_player_goes(void **state)
{
	test_stop(state);
	player_free(ear->player);
	ear->player = NULL;
	assert_int_equal(ear->holds, 0);
	assert_true(is_error());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, setup_bare, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_menu),       TEST(test_presses),     TEST(test_values),
		TEST(test_bad_values), TEST(test_keys),        TEST(test_at_once),
		TEST(test_ids),        TEST(test_policy),      TEST(test_hearsay),
		TEST(test_stop),       TEST(test_player_goes), BARE(test_no_player),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
