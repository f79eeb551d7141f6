/* SPDX-License-Identifier: ISC */
/* test_0050.c: the examples of XEP-0050, its errors, and the bounds of sessions. */
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
#include "commands.h"
#include "fake_ear.h"
#include "forms.h"

#define LIST  "<query xmlns='" EAR_NS_DISCO_ITEMS "' node='" EAR_NS_COMMANDS "'/>"
#define OTHER "juliet@example.org/other"
#define ROMEO "romeo@example.org/phone"

static struct ear *ear;
static char waiting[32]; /* the session whose step the command `slow` has not answered */
static char last_id[COMMAND_ID];
static int steps;

static const struct form_field service = { "service", FORM_LIST, true, "Service" };
static const struct form_field runlevel = { "runlevel", FORM_TEXT, true, "Run level" };

/* XEP-0050 §2.4.1: results only. */
static enum command_fault
on_list(const struct command_step *step, const char **why)
{
	const struct command_answer answer = { .status = COMMAND_COMPLETED,
					       .note = "httpd is off" };

	steps++;
	command_answer(step->in->ear, step->session, &answer);
	return COMMAND_FINE;
}

static void
ask_service(const struct command_step *step)
{
	const struct command_answer answer = {
		.status = COMMAND_EXECUTING,
		.can = COMMAND_CAN(COMMAND_NEXT),
		.execute = COMMAND_NEXT,
		.form = form_new(step->in->ear, NULL, "Configure Service",
				 "Please select the service to configure."),
	};

	form_add_option(form_add(answer.form, &service, NULL), "Web server", "httpd");
	command_answer(step->in->ear, step->session, &answer);
}

static enum command_fault
ask_runlevel(const struct command_step *step, const char **why)
{
	const struct command_answer answer = {
		.status = COMMAND_EXECUTING,
		.can = COMMAND_CAN(COMMAND_PREV) | COMMAND_CAN(COMMAND_COMPLETE),
		.execute = COMMAND_COMPLETE,
		.memory = 1,
		.form = form_new(step->in->ear, NULL, "Configure Service", NULL),
	};
	const char *value, *in;

	form_add(answer.form, &runlevel, NULL);
	if (step->form == NULL || form_read(step->form, NULL, &service, 1, &value, &in) != 0) {
		xmpp_stanza_release(answer.form);
		*why = "no service";
		return COMMAND_BAD_PAYLOAD;
	}
	command_answer(step->in->ear, step->session, &answer);
	return COMMAND_FINE;
}

/* §2.4.2: two stages. */
static enum command_fault
on_config(const struct command_step *step, const char **why)
{
	const struct command_answer done = { .status = COMMAND_COMPLETED,
					     .note = "Service 'httpd' has been configured." };

	steps++;
	snprintf(last_id, sizeof(last_id), "%s", step->id);
	switch (step->action) {
	case COMMAND_BEGIN:
	case COMMAND_PREV:
		ask_service(step);
		return COMMAND_FINE;
	case COMMAND_NEXT:
		assert_int_equal(step->memory, 0);
		return ask_runlevel(step, why);
	case COMMAND_COMPLETE:
		assert_int_equal(step->memory, 1);
		command_answer(step->in->ear, step->session, &done);
	}
	return COMMAND_FINE;
}

static enum command_fault
on_slow(const struct command_step *step, const char **why)
{
	steps++;
	snprintf(waiting, sizeof(waiting), "%s", step->session);
	return COMMAND_FINE;
}

static enum command_fault
on_refused(const struct command_step *step, const char **why)
{
	return COMMAND_BAD_PAYLOAD;
}

static const struct command commands[] = {
	{ "list", "List Service Configurations", EAR_VERB_QUERY, on_list },
	{ "config", "Configure Service", EAR_VERB_BUTTONS, on_config },
	{ "slow", "Start Service", EAR_VERB_QUERY, on_slow },
	{ "refused", "Stop Service", EAR_VERB_QUERY, on_refused },
};

static int
setup(void **state)
{
	ear = fake_new();
	steps = 0;
	waiting[0] = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		command_add(ear, &commands[i]);
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

/* A <command/> of those attributes, with that inside. */
static void
command_of(const char *from, const char *attributes, const char *inside)
{
	char *xml = xasprintf("<command xmlns='%s' %s>%s</command>", EAR_NS_COMMANDS, attributes,
			      inside);

	fake_ask_to(ear, "set", from, "tv.example.org", xml);
	free(xml);
}

static void
command(const char *attributes)
{
	command_of(ROMEO, attributes, "");
}

/* The next request of the session of the last answer. */
static void
go_on(const char *node, const char *action, const char *form)
{
	char *attributes = xasprintf("node='%s' sessionid='%s' %s", node,
				     fake_attribute(fake_result(ear), "sessionid"), action);

	command_of(ROMEO, attributes, form);
	free(attributes);
}

static const char *
is_now(const char *attribute)
{
	assert_true(ear_is(fake_result(ear), "command", EAR_NS_COMMANDS));
	return fake_attribute(fake_result(ear), attribute);
}

static xmpp_stanza_t *
inside(const char *name, const char *ns)
{
	return ear_find(fake_result(ear), name, ns);
}

static bool
refused(enum ear_verdict condition, const char *specific)
{
	xmpp_stanza_t *error = ear_find(ear->answer, "error", NULL);

	return fake_refused(ear, condition) && ear_error_text_of(ear->answer) != NULL &&
	       ear_find(error, specific, EAR_NS_COMMANDS) != NULL;
}

static bool
has_feature(xmpp_stanza_t *query, const char *var)
{
	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		if (ear_is(e, "feature", EAR_NS_DISCO_INFO) &&
		    strcmp(fake_attribute(e, "var"), var) == 0)
			return true;
	return false;
}

static xmpp_stanza_t *
item_of(const char *node)
{
	for (xmpp_stanza_t *e = ear_first(fake_result(ear)); e != NULL; e = ear_next(e))
		if (strcmp(fake_attribute(e, "node"), node) == 0)
			return e;
	return NULL;
}

/* Examples 1 and 2. */
static void
test_discover(void **state)
{
	fake_ask(ear, "get", ROMEO, "<query xmlns='" EAR_NS_DISCO_INFO "'/>");
	assert_true(has_feature(fake_result(ear), EAR_NS_COMMANDS));
	assert_true(has_feature(fake_result(ear), EAR_NS_DATA));
}

/* Examples 3 and 4; the list's own identity is §7.2's. */
static void
test_list(void **state)
{
	fake_ask_to(ear, "get", ROMEO, "tv.example.org", LIST);
	assert_string_equal(fake_attribute(fake_result(ear), "node"), EAR_NS_COMMANDS);
	assert_string_equal(fake_attribute(item_of("config"), "name"), "Configure Service");
	assert_string_equal(fake_attribute(item_of("config"), "jid"), "tv.example.org");
	assert_non_null(item_of("list"));
	fake_ask(ear, "get", ROMEO,
		 "<query xmlns='" EAR_NS_DISCO_INFO "' node='" EAR_NS_COMMANDS "'/>");
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "category"), "automation");
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "type"), "command-list");
	fake_ask(ear, "get", ROMEO, "<query xmlns='" EAR_NS_DISCO_ITEMS "' node='config'/>");
	assert_int_equal(fake_children(fake_result(ear)), 0);
}

/* Without a `to` we are what we call ourselves on that link. */
static void
test_list_without_to(void **state)
{
	ear->link = EAR_LINK_LAN;
	ear->self[EAR_LINK_LAN] = "tv@livingroom.local";
	fake_ask(ear, "get", ROMEO, LIST);
	assert_string_equal(fake_attribute(item_of("list"), "jid"), "tv@livingroom.local");
}

/* Examples 5 and 6. */
static void
test_info(void **state)
{
	xmpp_stanza_t *identity;

	fake_ask(ear, "get", ROMEO, "<query xmlns='" EAR_NS_DISCO_INFO "' node='config'/>");
	identity = ear_first(fake_result(ear));
	assert_string_equal(fake_attribute(fake_result(ear), "node"), "config");
	assert_string_equal(fake_attribute(identity, "category"), "automation");
	assert_string_equal(fake_attribute(identity, "type"), "command-node");
	assert_string_equal(fake_attribute(identity, "name"), "Configure Service");
	assert_true(has_feature(fake_result(ear), EAR_NS_COMMANDS));
	assert_true(has_feature(fake_result(ear), EAR_NS_DATA));
	fake_ask(ear, "get", ROMEO, "<query xmlns='" EAR_NS_DISCO_INFO "' node='none'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
}

/* Who may not, neither sees nor executes it. */
static void
test_policy(void **state)
{
	ear->level = EAR_PROVED;
	fake_ask(ear, "get", ROMEO, LIST);
	assert_null(item_of("config"));
	assert_non_null(item_of("list"));
	fake_ask(ear, "get", ROMEO, "<query xmlns='" EAR_NS_DISCO_INFO "' node='config'/>");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	command("node='config'");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	assert_int_equal(steps, 0);
}

/* Trust that is lost ends what was begun with it. */
static void
test_policy_of_each_step(void **state)
{
	command("node='config'");
	ear->level = EAR_PROVED;
	go_on("config", "action='cancel'", "");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	assert_int_equal(steps, 1);
}

/* Examples 8 and 9. */
static void
test_one_stage(void **state)
{
	command("node='list' action='execute'");
	assert_string_equal(is_now("status"), "completed");
	assert_string_equal(is_now("node"), "list");
	assert_string_equal(is_now("xml:lang"), "en");
	assert_true(strlen(is_now("sessionid")) >= 16);
	assert_null(inside("actions", NULL));
	assert_string_equal(ear_text(inside("note", NULL)), "httpd is off");
	assert_string_equal(fake_attribute(inside("note", NULL), "type"), "info");
	command("node='list'");
	assert_string_equal(is_now("status"), "completed");
	go_on("list", "", "");
	assert_true(refused(EAR_NOT_ALLOWED, "session-expired"));
	assert_int_equal(steps, 2);
}

#define SERVICE                                                                                    \
	"<x xmlns='jabber:x:data' type='submit'><field var='service'><value>httpd</value>"         \
	"</field></x>"

/* Examples 10 to 15. */
static void
test_two_stages(void **state)
{
	char id[COMMAND_ID];

	command("node='config' action='execute'");
	assert_string_equal(is_now("status"), "executing");
	assert_string_equal(fake_attribute(inside("actions", NULL), "execute"), "next");
	assert_int_equal(fake_children(inside("actions", NULL)), 1);
	assert_non_null(ear_find(inside("actions", NULL), "next", NULL));
	assert_string_equal(fake_attribute(inside("x", EAR_NS_DATA), "type"), "form");
	memcpy(id, last_id, sizeof(id));
	go_on("config", "", SERVICE);
	assert_string_equal(is_now("status"), "executing");
	assert_string_equal(fake_attribute(inside("actions", NULL), "execute"), "complete");
	assert_int_equal(fake_children(inside("actions", NULL)), 2);
	assert_non_null(ear_find(inside("actions", NULL), "prev", NULL));
	assert_non_null(ear_find(inside("actions", NULL), "complete", NULL));
	assert_string_not_equal(id, last_id); /* each step has its own */
	go_on("config", "", "<x xmlns='jabber:x:data' type='submit'/>");
	assert_string_equal(is_now("status"), "completed");
	assert_string_equal(ear_text(inside("note", NULL)), "Service 'httpd' has been configured.");
	assert_int_equal(steps, 3);
}

/* Examples 16 and 17. */
static void
test_prev(void **state)
{
	command("node='config'");
	go_on("config", "action='next'", SERVICE);
	go_on("config", "action='prev'", "");
	assert_string_equal(is_now("status"), "executing");
	assert_non_null(ear_find(inside("actions", NULL), "next", NULL));
	assert_null(ear_find(inside("actions", NULL), "prev", NULL));
}

/* Examples 18 and 19. */
static void
test_cancel(void **state)
{
	char *id;

	command("node='config'");
	go_on("config", "action='next'", SERVICE);
	id = xstrdup(is_now("sessionid"));
	go_on("config", "action='cancel'", "");
	assert_string_equal(is_now("status"), "canceled");
	assert_string_equal(is_now("sessionid"), id);
	assert_int_equal(fake_children(fake_result(ear)), 0);
	go_on("config", "action='cancel'", "");
	assert_true(refused(EAR_NOT_ALLOWED, "session-expired"));
	assert_int_equal(steps, 2);
	free(id);
}

/* Examples 20 to 23: English is what there is, for everybody. */
static void
test_languages(void **state)
{
	command("node='list' xml:lang='en-us'");
	assert_string_equal(is_now("status"), "completed");
	command("node='list' xml:lang='fr-ca'");
	assert_string_equal(is_now("xml:lang"), "en");
	command("node='list' xml:lang='fr ca'");
	assert_true(refused(EAR_BAD_REQUEST, "bad-locale"));
	command("node='list' xml:lang='a-very-long-language-that-nobody-speaks'");
	assert_true(refused(EAR_BAD_REQUEST, "bad-locale"));
}

/* §4.4. */
static void
test_errors(void **state)
{
	static const struct {
		const char *attributes;
		enum ear_verdict condition;
		const char *specific;
	} cases[] = {
		{ "node='config' action='dance'", EAR_BAD_REQUEST, "malformed-action" },
		{ "node='config' action=''", EAR_BAD_REQUEST, "malformed-action" },
		{ "node='config' action='next'", EAR_BAD_REQUEST, "bad-action" },
		{ "node='config' action='cancel'", EAR_BAD_REQUEST, "bad-action" },
		{ "node='config' sessionid='never'", EAR_BAD_REQUEST, "bad-sessionid" },
		{ "node='config' sessionid=''", EAR_BAD_REQUEST, "bad-sessionid" },
		{ "node='refused'", EAR_BAD_REQUEST, "bad-payload" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		command(cases[i].attributes);
		assert_true(refused(cases[i].condition, cases[i].specific));
	}
	command("node='none'");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	command("action='execute'");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	assert_int_equal(steps, 0);
	fake_ask(ear, "get", ROMEO, "<command xmlns='" EAR_NS_COMMANDS "' node='list'/>");
	assert_true(fake_refused(ear, EAR_SERVICE_UNAVAILABLE));
}

/* What is refused leaves the session where it was. */
static void
test_refused_step(void **state)
{
	char *next, *done;

	command("node='config'");
	next = xasprintf("node='config' sessionid='%s' action='next'", is_now("sessionid"));
	done = xasprintf("node='config' sessionid='%s' action='complete'", is_now("sessionid"));
	command(done);
	assert_true(refused(EAR_BAD_REQUEST, "bad-action"));
	command(next); /* no form */
	assert_true(refused(EAR_BAD_REQUEST, "bad-payload"));
	assert_string_equal(ear_error_text_of(ear->answer), "no service");
	command_of(ROMEO, next, SERVICE);
	assert_string_equal(is_now("status"), "executing");
	free(next);
	free(done);
}

/* A session is of whoever began it, and of its command. */
static void
test_owner(void **state)
{
	char *attributes, *other;

	command("node='config'");
	attributes = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	other = xasprintf("node='list' sessionid='%s'", is_now("sessionid"));
	command_of(OTHER, attributes, SERVICE);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	command_of("romeo@example.org/laptop", attributes, SERVICE);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	command(other);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	/* The same one, met directly from now on. */
	command_of("romeo@example.org", attributes, SERVICE);
	assert_string_equal(is_now("status"), "executing");
	free(attributes);
	free(other);
}

static void
test_expires(void **state)
{
	char *attributes;

	command("node='config'");
	attributes = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	clock_advance(ear->clock, COMMAND_LIFE - EAR_SEC);
	command_of(ROMEO, attributes, SERVICE); /* lives on */
	assert_string_equal(is_now("status"), "executing");
	clock_advance(ear->clock, COMMAND_LIFE);
	command_of(ROMEO, attributes, SERVICE);
	assert_true(refused(EAR_NOT_ALLOWED, "session-expired"));
	clock_advance(ear->clock, COMMAND_LIFE);
	command_of(ROMEO, attributes, SERVICE);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	free(attributes);
}

/* --- steps that take their time ----------------------------------------------------------- */

static void
answer_slow(void)
{
	const struct command_answer answer = { .status = COMMAND_COMPLETED,
					       .note = "no such service",
					       .is_error = true };

	command_answer(ear, waiting, &answer);
}

static void
test_later(void **state)
{
	command("node='slow'");
	assert_null(ear->answer);
	assert_int_equal(ear->holds, 1);
	answer_slow();
	assert_string_equal(is_now("status"), "completed");
	assert_string_equal(is_now("sessionid"), waiting);
	assert_string_equal(fake_attribute(inside("note", NULL), "type"), "error");
	ear->answers = 0;
	answer_slow(); /* nobody waits any more */
	assert_int_equal(ear->answers, 0);
}

/* While a step is done there is no other one, but it can be canceled. */
static void
test_busy(void **state)
{
	char attributes[128];

	command("node='slow'");
	snprintf(attributes, sizeof(attributes), "node='slow' sessionid='%s'", waiting);
	command(attributes);
	assert_true(refused(EAR_BAD_REQUEST, "bad-action"));
	snprintf(attributes, sizeof(attributes), "node='slow' sessionid='%s' action='cancel'",
		 waiting);
	command(attributes);
	assert_string_equal(is_now("status"), "canceled");
	answer_slow();
	assert_int_equal(ear->holds, 0);
	assert_string_equal(is_now("status"), "completed");
	assert_int_equal(steps, 1);
}

/* Asked for ever, but not thrown away under its step. */
static void
test_busy_for_long(void **state)
{
	command("node='slow'");
	clock_advance(ear->clock, 3 * COMMAND_LIFE);
	command("node='list'");
	answer_slow();
	assert_string_equal(is_now("sessionid"), waiting);
}

/* The engine stops with a step under way: see teardown. What comes after is nobody's. */
static void
test_stop(void **state)
{
	command("node='slow'");
	assert_int_equal(ear->holds, 1);
	fake_stop(ear);
	assert_int_equal(ear->holds, 0);
	answer_slow();
	fake_free(ear);
	setup(NULL);
}

/* --- bounds ------------------------------------------------------------------------------- */

/* One more than a sender may have ends his oldest; those of others go on. */
static void
test_bound_of_one(void **state)
{
	char *first, *theirs;

	command_of(OTHER, "node='config'", "");
	theirs = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	command("node='config'");
	first = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	for (int i = 1; i < COMMAND_OF_ONE; i++)
		command("node='config'");
	command_of("romeo@example.org/laptop", "node='config'", "");
	assert_string_equal(is_now("status"), "executing");
	command_of(ROMEO, first, SERVICE);
	assert_true(refused(EAR_NOT_ALLOWED, "session-expired"));
	command_of(OTHER, theirs, SERVICE);
	assert_string_equal(is_now("status"), "executing");
	free(first);
	free(theirs);
}

/* None of those that are being done is thrown away. */
static void
test_bound_of_busy(void **state)
{
	for (int i = 0; i < COMMAND_OF_ONE; i++)
		command("node='slow'");
	command("node='slow'");
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	command_of(OTHER, "node='list'", "");
	assert_string_equal(is_now("status"), "completed");
	assert_int_equal(steps, COMMAND_OF_ONE + 1);
}

static void
test_bound_of_all(void **state)
{
	char from[64];

	for (int i = 0; i < COMMAND_SESSIONS; i++) {
		snprintf(from, sizeof(from), "u%d@example.org/x", i / COMMAND_OF_ONE);
		command_of(from, "node='config'", "");
		assert_string_equal(is_now("status"), "executing");
	}
	command("node='config'");
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	clock_advance(ear->clock, COMMAND_LIFE);
	command("node='config'");
	assert_string_equal(is_now("status"), "executing");
}

/* Sessions that are over make room for ever. */
static void
test_many(void **state)
{
	for (int i = 0; i < 3 * COMMAND_SESSIONS; i++) {
		command("node='list'");
		assert_string_equal(is_now("status"), "completed");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_discover),     TEST(test_list),         TEST(test_list_without_to),
		TEST(test_info),         TEST(test_policy),       TEST(test_policy_of_each_step),
		TEST(test_one_stage),    TEST(test_two_stages),   TEST(test_prev),
		TEST(test_cancel),       TEST(test_languages),    TEST(test_errors),
		TEST(test_refused_step), TEST(test_owner),        TEST(test_expires),
		TEST(test_later),        TEST(test_busy),         TEST(test_busy_for_long),
		TEST(test_stop),         TEST(test_bound_of_one), TEST(test_bound_of_busy),
		TEST(test_bound_of_all), TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
