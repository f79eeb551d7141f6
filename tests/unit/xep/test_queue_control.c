/* SPDX-License-Identifier: ISC */
/* test_queue_control.c: what programs of this machine ask about stored messages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake_ear.h"

#define PROGRAM "tv@pronto.local/program"
#define PAGE    50

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

static void
ask(const char *type, const char *xml)
{
	fake_ask(ear, type, PROGRAM, xml);
	assert_non_null(ear->rule);
	assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
}

static const struct ear_queued two[] = {
	{ "Zk3w", "juliet@pronto.local", EAR_QUEUED_WAITING, 312, 1795000000, 0, "", "" },
	{ "Qq1x", "romeo@example.org/phone", EAR_QUEUED_FAILED, 99, 1795000001, 3, "forbidden",
	  "go away <3" },
};

static void
test_list(void **state)
{
	xmpp_stanza_t *item;

	ear->queue.items = two;
	ear->queue.count = 2;
	ask("get", "<queue xmlns='" EAR_NS_CONTROL "'/>");
	assert_string_equal(fake_attribute(fake_result(ear), "total"), "2");
	item = ear_first(fake_result(ear));
	assert_true(ear_is(item, "item", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(item, "id"), "Zk3w");
	assert_string_equal(fake_attribute(item, "to"), "juliet@pronto.local");
	assert_string_equal(fake_attribute(item, "state"), "waiting");
	assert_string_equal(fake_attribute(item, "bytes"), "312");
	assert_string_equal(fake_attribute(item, "taken-at"), "1795000000");
	assert_string_equal(fake_attribute(item, "tries"), "0");
	assert_null(xmpp_stanza_get_attribute(item, "condition"));
	assert_null(xmpp_stanza_get_attribute(item, "why"));
	item = ear_next(item);
	assert_string_equal(fake_attribute(item, "state"), "failed");
	assert_string_equal(fake_attribute(item, "condition"), "forbidden");
	assert_string_equal(fake_attribute(item, "why"), "go away <3");
}

static void
test_list_of_one(void **state)
{
	ear->queue.items = two;
	ear->queue.count = 2;
	ask("get", "<queue xmlns='" EAR_NS_CONTROL "' to='Juliet@pronto.local/there'/>");
	assert_string_equal(fake_attribute(fake_result(ear), "total"), "1");
	ask("get", "<queue xmlns='" EAR_NS_CONTROL "' to='romeo@example.org'/>");
	assert_string_equal(fake_attribute(fake_result(ear), "total"), "0");
	ask("get", "<queue xmlns='" EAR_NS_CONTROL "' to='@'/>");
	assert_true(fake_refused(ear, EAR_JID_MALFORMED));
	ask("get", "<queue xmlns='" EAR_NS_CONTROL "' first='-1'/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
}

static void
test_pages(void **state)
{
	static struct ear_queued many[2 * PAGE + 1];
	char xml[128];
	size_t seen = 0;

	for (size_t i = 0; i < 2 * PAGE + 1; i++)
		many[i] = two[i % 2];
	ear->queue.items = many;
	ear->queue.count = 2 * PAGE + 1;
	while (seen < ear->queue.count) {
		size_t entries;

		snprintf(xml, sizeof(xml), "<queue xmlns='" EAR_NS_CONTROL "' first='%zu'/>", seen);
		ask("get", xml);
		entries = fake_children(fake_result(ear));
		assert_in_range(entries, 1, PAGE);
		seen += entries;
	}
	assert_int_equal(seen, 2 * PAGE + 1);
}

static void
test_drop(void **state)
{
	ear->queue.items = two;
	ear->queue.count = 2;
	ask("set", "<queue-drop xmlns='" EAR_NS_CONTROL "' who='Qq1x'/>");
	assert_string_equal(fake_attribute(fake_result(ear), "count"), "1");
	ask("set", "<queue-drop xmlns='" EAR_NS_CONTROL "' who='JULIET@pronto.local'/>");
	assert_string_equal(fake_attribute(fake_result(ear), "count"), "1");
	ask("set", "<queue-drop xmlns='" EAR_NS_CONTROL "' who='nothing'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	ask("set", "<queue-drop xmlns='" EAR_NS_CONTROL "'/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
}

static void
test_trouble_is_told(void **state)
{
	ear->queue.rc = -EBUSY;
	ear->queue.error = "/state/spool.db: Device or resource busy: end that";
	ask("get", "<queue xmlns='" EAR_NS_CONTROL "'/>");
	assert_true(fake_refused(ear, EAR_INTERNAL_SERVER_ERROR));
	assert_string_equal(ear_error_text_of(ear->answer), ear->queue.error);
	ask("set", "<queue-drop xmlns='" EAR_NS_CONTROL "' who='x'/>");
	assert_true(fake_refused(ear, EAR_INTERNAL_SERVER_ERROR));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list), TEST(test_list_of_one),     TEST(test_pages),
		TEST(test_drop), TEST(test_trouble_is_told),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
