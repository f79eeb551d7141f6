/* SPDX-License-Identifier: ISC */
/* test_pubsub_disco.c: what the service says that it can, and what happens to those who ask when
 * they are too many, or the engine stops. What it answers is a matter of scenarios. */
#include "disco.h"
#include "pubsub_kit.h"
#include "store/store.h"

#define HAMLET "hamlet@example.org/elsinore"
#define INFO   "<query xmlns='" EAR_NS_DISCO_INFO "'/>"
#define ITEMS  "<query xmlns='" EAR_NS_DISCO_ITEMS "'/>"

static bool
says_feature(xmpp_stanza_t *query, const char *name)
{
	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e)) {
		const char *var = fake_attribute(e, "var");

		if (strncmp(var, EAR_NS_PUBSUB "#", strlen(EAR_NS_PUBSUB) + 1) == 0 &&
		    strcmp(var + strlen(EAR_NS_PUBSUB) + 1, name) == 0)
			return true;
	}
	return false;
}

static bool
says_identity(xmpp_stanza_t *query)
{
	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		if (strcmp(fake_attribute(e, "category"), "pubsub") == 0 &&
		    strcmp(fake_attribute(e, "type"), "service") == 0)
			return true;
	return false;
}

/* The request that a feature is about (XEP-0060 §10); it is said where that is taken, and only
 * there. */
static const struct {
	const char *feature;
	bool set;
	const char *ns, *request;
} requests[] = {
	{ "config-node", true, EAR_NS_PUBSUB_OWNER, "configure" },
	{ "create-nodes", true, EAR_NS_PUBSUB, "create" },
	{ "delete-items", true, EAR_NS_PUBSUB, "retract" },
	{ "delete-nodes", true, EAR_NS_PUBSUB_OWNER, "delete" },
	{ "manage-subscriptions", true, EAR_NS_PUBSUB_OWNER, "subscriptions" },
	{ "modify-affiliations", true, EAR_NS_PUBSUB_OWNER, "affiliations" },
	{ "publish", true, EAR_NS_PUBSUB, "publish" },
	{ "purge-nodes", true, EAR_NS_PUBSUB_OWNER, "purge" },
	{ "retrieve-affiliations", false, EAR_NS_PUBSUB, "affiliations" },
	{ "retrieve-default", false, EAR_NS_PUBSUB_OWNER, "default" },
	{ "retrieve-default-sub", false, EAR_NS_PUBSUB, "default" },
	{ "retrieve-items", false, EAR_NS_PUBSUB, "items" },
	{ "retrieve-subscriptions", false, EAR_NS_PUBSUB, "subscriptions" },
	{ "subscribe", true, EAR_NS_PUBSUB, "subscribe" },
	{ "subscription-options", true, EAR_NS_PUBSUB, "options" },
};

static bool
is_taken(bool set, const char *ns, const char *request)
{
	static const struct pubsub_kind *const tables[] = { pubsub_kinds_node, pubsub_kinds_item,
							    pubsub_kinds_subscribe,
							    pubsub_kinds_people };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct pubsub_kind *kind = tables[i]; kind->name != NULL; kind++)
			if (kind->set == set && strcmp(kind->ns, ns) == 0 &&
			    strcmp(kind->name, request) == 0)
				return true;
	return false;
}

static void
test_features(void **state)
{
	xmpp_stanza_t *query;

	ask("get", HAMLET, INFO);
	query = fake_result(ear);
	assert_true(says_identity(query));
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (says_feature(query, requests[i].feature) !=
		    is_taken(requests[i].set, requests[i].ns, requests[i].request))
			fail_msg("%s", requests[i].feature);
}

static void
test_no_store(void **state)
{
	struct ear *without = fake_new();
	xmpp_stanza_t *query;

	fake_ask(without, "get", HAMLET, INFO);
	query = fake_result(without);
	assert_false(says_identity(query));
	assert_false(says_feature(query, "create-nodes"));
	assert_true(says_feature(query, "subscribe")); /* to nodes of its own */
	fake_stop(without);
	fake_free(without);
}

/* So many wait at a time, and no more. */
static void
test_too_many(void **state)
{
	for (int i = 0; i < DISCO_LATER_MAX; i++) {
		ask("get", HAMLET, ITEMS);
		assert_int_equal(ear->holds, i + 1);
	}
	ask("get", HAMLET, ITEMS);
	assert_int_equal(ear->holds, DISCO_LATER_MAX);
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	settle();
	assert_int_equal(ear->answers, DISCO_LATER_MAX + 1);
	ask("get", HAMLET, ITEMS);
	settle();
	assert_true(ear_is(fake_result(ear), "query", EAR_NS_DISCO_ITEMS));
}

/* The engine stops while the store is being asked. */
static void
test_stop(void **state)
{
	ask("get", HAMLET, ITEMS);
	ask("get", HAMLET, "<query xmlns='" EAR_NS_DISCO_INFO "' node='n'/>");
	assert_int_equal(ear->holds, 2);
}

/* A NodeID that no node can have. */
static void
test_long_name(void **state)
{
	char *node = xalloc(EAR_NODE_MAX + 2), *xml;

	memset(node, 'n', EAR_NODE_MAX + 1);
	xml = xasprintf("<query xmlns='" EAR_NS_DISCO_INFO "' node='%s'/>", node);
	ask("get", HAMLET, xml);
	settle();
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	free(xml);
	free(node);
}

/* More nodes than an answer holds: as many as it does, and how to go on (XEP-0059). */
static void
test_many(void **state)
{
	const char *const names[] = { "first", "last", "count" };
	xmpp_stanza_t *query, *set;
	char xml[160];

	ear_log_set_level(EAR_LOG_WARN);

	for (size_t i = 0; i < EAR_STORE_PAGE_MAX + 20; i++) {
		snprintf(xml, sizeof(xml),
			 "<pubsub xmlns='" EAR_NS_PUBSUB "'><create node='n%05zu'/></pubsub>", i);
		ask("set", HAMLET, xml);
		settle();
	}
	ask("get", HAMLET, ITEMS);
	settle();
	query = fake_result(ear);
	assert_int_equal(fake_children(query), EAR_STORE_PAGE_MAX + 1);
	set = ear_find(query, "set", "http://jabber.org/protocol/rsm");
	for (size_t i = 0; i < 3; i++)
		assert_non_null(ear_find(set, names[i], "http://jabber.org/protocol/rsm"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_features), TEST(test_no_store),  TEST(test_too_many),
		TEST(test_stop),     TEST(test_long_name), TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
