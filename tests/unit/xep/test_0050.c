/* SPDX-License-Identifier: ISC */
/* test_0050.c: the examples of XEP-0050, and its errors. */
#include "commands_kit.h"

#define LIST "<query xmlns='" EAR_NS_DISCO_ITEMS "' node='" EAR_NS_COMMANDS "'/>"

/* The next request of the session of the last answer. */
static void
go_on(const char *node, const char *action, const char *form)
{
	char *attributes = xasprintf("node='%s' sessionid='%s' %s", node,
				     fake_attribute(fake_result(ear), "sessionid"), action);

	command_of(ROMEO, attributes, form);
	free(attributes);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_discover),     TEST(test_list),       TEST(test_list_without_to),
		TEST(test_info),         TEST(test_policy),     TEST(test_policy_of_each_step),
		TEST(test_one_stage),    TEST(test_two_stages), TEST(test_prev),
		TEST(test_cancel),       TEST(test_languages),  TEST(test_errors),
		TEST(test_refused_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
