/* SPDX-License-Identifier: ISC */
/* test_pubsub_node.c: nodes over a real store: what several ask at the same time, and how many
 * there may be. Examples and errors of XEP-0060 §8 are scenarios. */
#include "pubsub_kit.h"

#define HAMLET  "hamlet@example.org/elsinore"
#define OPHELIA "ophelia@example.org/castle"
#define CREATE  PUBSUB("<create node='n'/>")
#define DELETE  OWN("<delete node='n'/>")
#define PURGE   OWN("<purge node='n'/>")
#define SHOW    OWN("<configure node='n'/>")
#define CONFIGURE(var, value)                                                                      \
	OWN("<configure node='n'><x xmlns='jabber:x:data' type='submit'><field var='pubsub#" var   \
	    "'><value>" value "</value></field></x></configure>")
#define SHARE                                                                                      \
	OWN("<affiliations node='n'><affiliation jid='ophelia@example.org' affiliation='owner'/>"  \
	    "</affiliations>")

static void
must(const char *from, const char *xml)
{
	ask("set", from, xml);
	settle();
	assert_string_equal(fake_attribute(ear->answer, "type"), "result");
}

static void
must_not(const char *type, const char *from, const char *xml, enum ear_verdict condition)
{
	ask(type, from, xml);
	settle();
	assert_true(fake_refused(ear, condition));
}

/* A field of the configuration as it is now. */
static void
assert_field(const char *var, const char *want)
{
	xmpp_stanza_t *form;

	ask("get", HAMLET, SHOW);
	settle();
	form = ear_find(ear_find(fake_result(ear), "configure", EAR_NS_PUBSUB_OWNER), "x",
			EAR_NS_DATA);
	assert_non_null(form);
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (strcmp(fake_attribute(e, "var"), var) == 0) {
			assert_string_equal(ear_text(ear_find(e, "value", EAR_NS_DATA)), want);
			return;
		}
	fail_msg("no field %s", var);
}

/* --- at the same time --------------------------------------------------------------------- */

/* Of two who create it one does, and owns it alone. */
static void
test_create_twice(void **state)
{
	ask("set", HAMLET, CREATE);
	ask("set", OPHELIA, CREATE);
	settle();
	assert_true(fake_refused(ear, EAR_CONFLICT));
	must(HAMLET, CONFIGURE("title", "mine"));
	must_not("get", OPHELIA, SHOW, EAR_FORBIDDEN);
}

/* One who publishes makes the node that another would create. */
static void
test_create_and_publish(void **state)
{
	ask("set", OPHELIA,
	    PUBSUB("<publish node='n'><item id='1'><a xmlns='urn:a'/></item>"
		   "</publish>"));
	ask("set", HAMLET, CREATE);
	settle();
	assert_true(fake_refused(ear, EAR_CONFLICT));
	must(OPHELIA, CONFIGURE("title", "mine"));
}

/* Neither of two owners undoes what the other has done meanwhile. */
static void
test_configure_twice(void **state)
{
	must(HAMLET, CREATE);
	must(HAMLET, SHARE);
	must(OPHELIA, CONFIGURE("title", "hers"));
	ask("set", HAMLET, CONFIGURE("max_items", "7"));
	ask("set", OPHELIA, CONFIGURE("notify_sub", "1"));
	ask("set", HAMLET, CONFIGURE("description", "his"));
	ask("set", OPHELIA, CONFIGURE("access_model", "roster"));
	settle();
	assert_field("pubsub#title", "hers");
	assert_field("pubsub#max_items", "7");
	assert_field("pubsub#notify_sub", "1");
	assert_field("pubsub#description", "his");
	assert_field("pubsub#access_model", "roster");
}

/* What is known of a node from a moment ago is no reason for anything. */
static void
test_gone_meanwhile(void **state)
{
	static const char *const sets[] = { CONFIGURE("title", "other"), PURGE, DELETE };

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		must(HAMLET, CREATE);
		must(HAMLET, SHARE);
		must(OPHELIA, CONFIGURE("title", "hers"));
		ask("set", HAMLET, DELETE);
		ask("set", OPHELIA, sets[i]);
		settle();
		assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	}
}

/* Another node of that name is not the one that he owned. */
static void
test_another_meanwhile(void **state)
{
	must(HAMLET, CREATE);
	must(HAMLET, SHARE);
	must(OPHELIA, CONFIGURE("title", "hers"));
	ask("set", HAMLET, DELETE);
	ask("set", HAMLET, CREATE);
	ask("set", OPHELIA, CONFIGURE("title", "again"));
	settle();
	must_not("set", OPHELIA, CONFIGURE("title", "again"), EAR_FORBIDDEN);
	assert_field("pubsub#max_items", "10");
}

/* One sender's requests are done in their order, without waiting for their answers. */
static void
test_in_order(void **state)
{
	for (int i = 0; i < 10; i++) {
		int answers = ear->answers;

		ask("set", HAMLET, CREATE);
		ask("set", HAMLET, CONFIGURE("max_items", "3"));
		ask("set", HAMLET, PURGE);
		ask("set", HAMLET, DELETE);
		settle();
		assert_int_equal(ear->answers, answers + 4);
		assert_string_equal(fake_attribute(ear->answer, "type"), "result");
	}
}

/* Who has lost it does nothing with it any more, whatever was known of him. */
static void
test_resigned(void **state)
{
	must(HAMLET, CREATE);
	must(HAMLET, SHARE);
	must(OPHELIA, CONFIGURE("title", "hers"));
	must(HAMLET, OWN("<affiliations node='n'><affiliation jid='ophelia@example.org' "
			 "affiliation='none'/></affiliations>"));
	must_not("set", OPHELIA, DELETE, EAR_FORBIDDEN);
	must_not("set", OPHELIA, CONFIGURE("title", "again"), EAR_FORBIDDEN);
	must_not("get", OPHELIA, SHOW, EAR_FORBIDDEN);
	assert_field("pubsub#title", "hers");
}

/* --- another engine at the same store ----------------------------------------------------- */

static void
on_epoch(void *arg, const struct ear_stored_answer *answer)
{
	assert_int_equal(answer->error, 0);
	*(int64_t *)arg = answer->rows[0].epoch;
}

static int64_t
epoch_of(const char *node)
{
	const struct ear_query query = { .kind = EAR_QUERY_NODE, .node = node, .who = "a@b" };
	int64_t epoch = 0;

	ear_store_query(ear->store, &query, on_epoch, &epoch);
	for (int i = 0; i < 1000 && epoch == 0; i++)
		clock_advance(ear->clock, EAR_MSEC);
	return epoch;
}

static void
on_done(void *arg, const struct ear_changed *changed)
{
	assert_int_equal(changed->error, 0);
	*(bool *)arg = true;
}

/* What another engine does to the node, of which this one is not told. */
static void
elsewhere(const struct ear_change *change)
{
	struct ear_transaction transaction = { .node = "n", .changes = change, .count = 1 };
	bool done = false;

	transaction.epoch = epoch_of("n");
	ear_store_change(ear->store, &transaction, on_done, &done);
	for (int i = 0; i < 1000 && !done; i++)
		clock_advance(ear->clock, EAR_MSEC);
	assert_true(done);
}

/* What came of a subscription is over with it, also where that was ended by another engine. */
static void
test_unsubscribed_elsewhere(void **state)
{
	static const struct ear_change ends = { .kind = EAR_SUBSCRIBE,
						.jid = "ophelia@example.org",
						.subscription = EAR_SUBSCRIPTION_NONE };

	must(HAMLET, CREATE);
	must(HAMLET, CONFIGURE("publish_model", "subscribers"));
	must(OPHELIA, PUBSUB("<subscribe node='n' jid='ophelia@example.org'/>"));
	must(HAMLET, CONFIGURE("access_model", "authorize"));
	for (int i = 0; i < 3; i++) {
		must(OPHELIA,
		     PUBSUB("<publish node='n'><item><a xmlns='urn:a'/></item></publish>"));
		ask("get", OPHELIA, PUBSUB("<items node='n'/>"));
		settle();
		assert_string_equal(fake_attribute(ear->answer, "type"), "result");
	}
	elsewhere(&ends);
	must_not("get", OPHELIA, PUBSUB("<items node='n'/>"), EAR_NOT_AUTHORIZED);
	must_not("set", OPHELIA,
		 PUBSUB("<publish node='n'><item><a xmlns='urn:a'/></item></publish>"),
		 EAR_FORBIDDEN);
}

/* Nor is what an affiliation gave, or a configuration. */
static void
test_configured_elsewhere(void **state)
{
	static const struct ear_change cast_out = { .kind = EAR_AFFILIATE,
						    .jid = "ophelia@example.org",
						    .affiliation = EAR_OUTCAST };
	static const struct ear_change closed = { .kind = EAR_CONFIGURE_NODE,
						  .config = "access_model=whitelist\n",
						  .keep = 10 };

	must(HAMLET, CREATE);
	must(HAMLET, CONFIGURE("publish_model", "open"));
	must(OPHELIA, PUBSUB("<publish node='n'><item id='1'><a xmlns='urn:a'/></item></publish>"));
	ask("get", OPHELIA, PUBSUB("<items node='n'/>"));
	settle();
	elsewhere(&closed);
	must_not("get", OPHELIA, PUBSUB("<items node='n'/>"), EAR_NOT_ALLOWED);
	assert_field("pubsub#access_model", "whitelist");
	elsewhere(&cast_out);
	must_not("get", OPHELIA, PUBSUB("<items node='n'/>"), EAR_FORBIDDEN);
	must_not("set", OPHELIA, PUBSUB("<retract node='n'><item id='1'/></retract>"),
		 EAR_FORBIDDEN);
}

/* --- how many ----------------------------------------------------------------------------- */

static void
test_too_many(void **state)
{
	for (int i = 0; i < EAR_NODES_MAX; i++) {
		ask("set", HAMLET, PUBSUB("<create/>"));
		if (i % 256 == 0)
			settle();
	}
	settle();
	assert_string_equal(fake_attribute(ear->answer, "type"), "result");
	must_not("set", HAMLET, CREATE, EAR_RESOURCE_CONSTRAINT);
	assert_non_null(ear_find(ear_find(ear->answer, "error", EAR_NS_CLIENT),
				 "max-nodes-exceeded", PUBSUB_ERRORS));
	/* §7.1.4: nor by publishing. */
	must_not("set", HAMLET, PUBSUB("<publish node='n'><item><a/></item></publish>"),
		 EAR_RESOURCE_CONSTRAINT);
	assert_non_null(ear_find(ear_find(ear->answer, "error", EAR_NS_CLIENT),
				 "max-nodes-exceeded", PUBSUB_ERRORS));
	must_not("get", HAMLET, SHOW, EAR_ITEM_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_twice),
		TEST(test_create_and_publish),
		TEST(test_configure_twice),
		TEST(test_gone_meanwhile),
		TEST(test_another_meanwhile),
		TEST(test_in_order),
		TEST(test_resigned),
		TEST(test_unsubscribed_elsewhere),
		TEST(test_configured_elsewhere),
		TEST(test_too_many),
	};

	ear_log_set_level(EAR_LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
