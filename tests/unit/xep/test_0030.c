/* SPDX-License-Identifier: ISC */
/* test_0030.c: what we say we are, and which nodes there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "disco.h"
#include "fake_ear.h"

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

static bool
has_feature(xmpp_stanza_t *query, const char *var)
{
	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		if (ear_is(e, "feature", EAR_NS_DISCO_INFO) &&
		    strcmp(fake_attribute(e, "var"), var) == 0)
			return true;
	return false;
}

static void
test_info(void **state)
{
	xmpp_stanza_t *query;

	fake_ask(ear, "get", FAKE_FROM, "<query xmlns='" EAR_NS_DISCO_INFO "'/>");
	query = fake_result(ear);
	assert_true(ear_is(query, "query", EAR_NS_DISCO_INFO));
	assert_string_equal(fake_attribute(query, "node"), "");
	assert_non_null(ear_find(query, "identity", EAR_NS_DISCO_INFO));
	assert_true(has_feature(query, EAR_NS_DISCO_INFO));
	assert_true(has_feature(query, EAR_NS_DISCO_ITEMS));
	assert_true(has_feature(query, EAR_NS_PING));
	assert_true(has_feature(query, EAR_NS_BUTTONS));
	assert_true(has_feature(query, EAR_NS_CAPS));
	assert_false(has_feature(query, EAR_NS_CONTROL)); /* not for peers */
	assert_int_equal(ear->rule->verb, EAR_VERB_QUERY);
}

static void
test_caps_node(void **state)
{
	xmpp_stanza_t *query;

	fake_ask(ear, "get", FAKE_FROM,
		 "<query xmlns='" EAR_NS_DISCO_INFO "' node='" EAR_CAPS_NODE
		 "#QgayPKawpkPSDYmwT/WM94uAlu0='/>");
	query = fake_result(ear);
	assert_string_equal(fake_attribute(query, "node"),
			    EAR_CAPS_NODE "#QgayPKawpkPSDYmwT/WM94uAlu0=");
	assert_true(has_feature(query, EAR_NS_PING));
}

static void
test_unknown_nodes(void **state)
{
	static const char *const nodes[] = { EAR_CAPS_NODE, EAR_CAPS_NODE "#", EAR_CAPS_NODE "#x",
					     "http://example.org/none" };
	char xml[256];

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		snprintf(xml, sizeof(xml), "<query xmlns='%s' node='%s'/>", EAR_NS_DISCO_INFO,
			 nodes[i]);
		fake_ask(ear, "get", FAKE_FROM, xml);
		assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	}
}

/* An empty node is none. */
static void
test_empty_node(void **state)
{
	fake_ask(ear, "get", FAKE_FROM, "<query xmlns='" EAR_NS_DISCO_INFO "' node=''/>");
	assert_true(has_feature(fake_result(ear), EAR_NS_PING));
}

static void
test_items(void **state)
{
	fake_ask(ear, "get", FAKE_FROM, "<query xmlns='" EAR_NS_DISCO_ITEMS "'/>");
	assert_true(ear_is(fake_result(ear), "query", EAR_NS_DISCO_ITEMS));
	assert_int_equal(ear->rule->verb, EAR_VERB_QUERY);
	fake_ask(ear, "get", FAKE_FROM, "<query xmlns='" EAR_NS_DISCO_ITEMS "' node='x'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
}

static enum ear_verdict
info_of_x(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	if (strcmp(node, "secret") == 0)
		return EAR_FORBIDDEN;
	if (strcmp(node, "x") != 0)
		return EAR_PASS;
	ear_child(query, "identity", NULL);
	return EAR_DONE;
}

static enum ear_verdict
items_of_x(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	if (node != NULL && strcmp(node, "x") != 0)
		return EAR_PASS;
	ear_child(query, "item", NULL);
	return EAR_DONE;
}

static enum ear_verdict
items_of_y(const struct ear_in *in, const char *node, xmpp_stanza_t *query)
{
	if (node != NULL && strcmp(node, "y") != 0)
		return EAR_PASS;
	ear_child(query, "item", NULL);
	ear_child(query, "item", NULL);
	return EAR_DONE;
}

/* The nodes of other extensions: the first who knows one answers; below us all are listed. */
static void
test_nodes(void **state)
{
	static const struct disco_nodes x = { info_of_x, items_of_x }, y = { NULL, items_of_y };
	static const struct {
		const char *ns, *node;
		enum ear_verdict condition;
		size_t children;
	} cases[] = {
		{ EAR_NS_DISCO_INFO, "x", EAR_DONE, 1 },
		{ EAR_NS_DISCO_INFO, "y", EAR_ITEM_NOT_FOUND, 0 },
		{ EAR_NS_DISCO_INFO, "secret", EAR_FORBIDDEN, 0 },
		{ EAR_NS_DISCO_ITEMS, "x", EAR_DONE, 1 },
		{ EAR_NS_DISCO_ITEMS, "y", EAR_DONE, 2 },
		{ EAR_NS_DISCO_ITEMS, "z", EAR_ITEM_NOT_FOUND, 0 },
	};
	size_t before;
	char xml[256];

	fake_ask(ear, "get", FAKE_FROM, "<query xmlns='" EAR_NS_DISCO_ITEMS "'/>");
	before = fake_children(fake_result(ear));
	disco_add(ear, &x);
	disco_add(ear, &y);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(xml, sizeof(xml), "<query xmlns='%s' node='%s'/>", cases[i].ns,
			 cases[i].node);
		fake_ask(ear, "get", FAKE_FROM, xml);
		if (cases[i].condition != EAR_DONE) {
			assert_true(fake_refused(ear, cases[i].condition));
			continue;
		}
		assert_true(ear_is(fake_result(ear), "query", cases[i].ns));
		assert_string_equal(fake_attribute(fake_result(ear), "node"), cases[i].node);
		assert_int_equal(fake_children(fake_result(ear)), cases[i].children);
	}
	fake_ask(ear, "get", FAKE_FROM, "<query xmlns='" EAR_NS_DISCO_ITEMS "'/>");
	assert_int_equal(fake_children(fake_result(ear)), before + 3);
}

static void
test_set(void **state)
{
	fake_ask(ear, "set", FAKE_FROM, "<query xmlns='" EAR_NS_DISCO_INFO "'/>");
	assert_true(fake_refused(ear, EAR_SERVICE_UNAVAILABLE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_info),       TEST(test_caps_node), TEST(test_unknown_nodes),
		TEST(test_empty_node), TEST(test_items),     TEST(test_set),
		TEST(test_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
