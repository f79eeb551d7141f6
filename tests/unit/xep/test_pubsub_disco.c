/* SPDX-License-Identifier: ISC */
/* test_pubsub_disco.c: what the service says that it can, that it can it, and what happens to those
 * who ask when they are too many, or the engine stops. What it answers is a matter of scenarios. */
#include "disco.h"
#include "pubsub_kit.h"
#include "registry.h"
#include "rsm.h"
#include "store/store.h"

#define HAMLET  "hamlet@example.org/elsinore"
#define HORATIO "horatio@example.org/castle"
#define OPHELIA "ophelia@example.org/castle"
#define ROMEO   "romeo@example.org/orchard"
#define INFO    "<query xmlns='" EAR_NS_DISCO_INFO "'/>"
#define ITEMS   "<query xmlns='" EAR_NS_DISCO_ITEMS "'/>"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

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

	for (size_t i = 0; i < COUNT(tables); i++)
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
	for (size_t i = 0; i < COUNT(requests); i++)
		if (says_feature(query, requests[i].feature) !=
		    is_taken(requests[i].set, requests[i].ns, requests[i].request))
			fail_msg("%s", requests[i].feature);
}

#define FORM(type, var, value)                                                                     \
	"<x xmlns='" EAR_NS_DATA                                                                   \
	"' type='submit'><field var='FORM_TYPE' type='hidden'><value>" type                        \
	"</value></field><field var='pubsub#" var "'><value>" value "</value></field></x>"
#define CREATE(node, var, value)                                                                   \
	PUBSUB("<create node='" node                                                               \
	       "'/><configure>" FORM(PUBSUB_CONFIG, var, value) "</configure>")
#define SUBSCRIBE(node, jid) PUBSUB("<subscribe node='" node "' jid='" jid "'/>")
#define ITEM(id)             "<item id='" id "'><a xmlns='urn:example:a'/></item>"
#define PUBLISH(node, id)    PUBSUB("<publish node='" node "'>" ITEM(id) "</publish>")
#define AFFILIATE(affiliation)                                                                     \
	OWN("<affiliations node='new'><affiliation jid='" affiliation                              \
	    "@example.org' affiliation='" affiliation "'/></affiliations>")

/* Deeds, one after the other, and what then is answered or told to somebody: what the service can
 * that is not a request of its own. */
static const struct {
	const char *feature; /* NULL: only for what comes behind it */
	const char *type, *from, *xml, *shows;
} deeds[] = {
	{ "create-and-configure", "set", HAMLET, CREATE("asks", "access_model", "authorize"),
	  "type=\"result\"" },
	{ "access-authorize", "set", HORATIO, SUBSCRIBE("asks", HORATIO), "\"pending\"" },
	{ "get-pending", "set", HAMLET,
	  "<command xmlns='" EAR_NS_COMMANDS "' node='" EAR_NS_PUBSUB "#get-pending'/>",
	  "<value>asks</value>" },
	{ "subscription-notifications", "set", HAMLET,
	  OWN("<subscriptions node='asks'><subscription jid='" HORATIO
	      "' subscription='subscribed'/></subscriptions>"),
	  "subscription=\"subscribed\"" },
	{ NULL, "set", HAMLET, CREATE("near", "access_model", "presence"), "type=\"result\"" },
	{ "access-presence", "set", HORATIO, SUBSCRIBE("near", HORATIO),
	  "<presence-subscription-required" },
	{ NULL, "set", HAMLET, CREATE("known", "access_model", "roster"), "type=\"result\"" },
	{ "access-roster", "set", HORATIO, SUBSCRIBE("known", HORATIO), "<not-in-roster-group" },
	{ NULL, "set", HAMLET, CREATE("closed", "access_model", "whitelist"), "type=\"result\"" },
	{ "access-whitelist", "set", HORATIO, SUBSCRIBE("closed", HORATIO), "<closed-node" },
	{ "instant-nodes", "set", HAMLET, PUBSUB("<create/>"), "<create node=" },
	{ "auto-create", "set", HAMLET, PUBLISH("new", "first"), "type=\"result\"" },
	{ "access-open", "set", HORATIO, SUBSCRIBE("new", HORATIO), "\"subscribed\"" },
	{ "last-published", "set", OPHELIA, SUBSCRIBE("new", OPHELIA), "<items" },
	{ "item-ids", "set", HAMLET, PUBLISH("new", "second"), "id=\"second\"" },
	{ "persistent-items", "get", HORATIO, PUBSUB("<items node='new'/>"), "id=\"first\"" },
	{ "multi-items", "get", HORATIO, PUBSUB("<items node='new'/>"), "id=\"second\"" },
	{ "rsm", "get", HORATIO,
	  PUBSUB("<items node='new'/><set xmlns='" EAR_NS_RSM "'><max>1</max></set>"),
	  "<count>2</count>" },
	{ "meta-data", "get", HORATIO, "<query xmlns='" EAR_NS_DISCO_INFO "' node='new'/>",
	  "pubsub#meta-data" },
	{ "publish-options", "set", HAMLET,
	  PUBSUB("<publish node='new'>" ITEM("third") "</publish><publish-options>" FORM(
		  PUBSUB_PUBLISH, "access_model", "whitelist") "</publish-options>"),
	  "<precondition-not-met" },
	{ NULL, "set", HAMLET,
	  OWN("<configure node='new'>" FORM(PUBSUB_CONFIG, "max_items", "max") "</configure>"),
	  "<value>max</value>" },
	{ "config-node-max", "get", HAMLET, OWN("<configure node='new'/>"), "<value>max</value>" },
	{ "retract-items", "set", HAMLET,
	  PUBSUB("<retract node='new' notify='true'><item id='second'/></retract>"), "<retract" },
	{ "member-affiliation", "set", HAMLET, AFFILIATE("member"), "affiliation=\"member\"" },
	{ "outcast-affiliation", "set", HAMLET, AFFILIATE("outcast"), "affiliation=\"outcast\"" },
	{ "publisher-affiliation", "set", HAMLET, AFFILIATE("publisher"),
	  "affiliation=\"publisher\"" },
	{ "publish-only-affiliation", "set", HAMLET, AFFILIATE("publish-only"),
	  "affiliation=\"publish-only\"" },
};

/* What was answered and told since, as text. */
static char *
all_of_it(void)
{
	char *all = xstrdup("");

	for (size_t i = 0; i <= ear->box_count; i++) {
		xmpp_stanza_t *stanza = i == 0 ? ear->answer : ear->box[i - 1];
		char *text = stanza == NULL ? NULL : ear_render(stanza, EAR_PAYLOAD_MAX), *more;

		more = xasprintf("%s%s", all, text == NULL ? "" : text);
		free(text);
		free(all);
		all = more;
	}
	return all;
}

static bool
is_shown(const char *what)
{
	char *all = all_of_it();
	bool shown = strstr(all, what) != NULL;

	if (!shown)
		fprintf(stderr, "%s\n", all);
	free(all);
	return shown;
}

static void
test_deeds(void **state)
{
	for (size_t i = 0; i < COUNT(deeds); i++) {
		fake_clear(ear);
		ask(deeds[i].type, deeds[i].from, deeds[i].xml);
		settle();
		if (!is_shown(deeds[i].shows))
			fail_msg("%s: %s", deeds[i].xml, deeds[i].shows);
		ask("get", HAMLET, INFO);
		if (deeds[i].feature != NULL && !says_feature(fake_result(ear), deeds[i].feature))
			fail_msg("%s", deeds[i].feature);
	}
}

/* What the service does for those whose presence says what they want (XEP-0060 §9). */
static const char *const by_presence[] = {
	"auto-subscribe",
	"filtered-notifications",
	"presence-notifications",
	"presence-subscribe",
};

static void
comes(const char *attributes)
{
	char *xml =
		xasprintf("<presence xmlns='jabber:client' from='" ROMEO "' to='" SERVICE
			  "'%s><c xmlns='" EAR_NS_CAPS
			  "' hash='sha-256' node='https://client.example/' ver='v'/></presence>",
			  attributes);

	fake_message(ear, ROMEO, xml);
	free(xml);
}

static void
publish(const char *xml)
{
	fake_clear(ear);
	ask("set", HAMLET, xml);
	settle();
}

static void
test_presence(void **state)
{
	publish(PUBLISH("wanted", "first"));
	publish(PUBLISH("other", "first"));
	fake_clear(ear);
	comes("");
	fake_answer(ear, ear->request_count - 1,
		    "<query xmlns='" EAR_NS_DISCO_INFO "'><feature var='wanted+notify'/></query>");
	settle();
	assert_true(is_shown("node=\"wanted\""));
	publish(PUBLISH("wanted", "second"));
	assert_true(is_shown("id=\"second\""));
	publish(PUBLISH("other", "second"));
	assert_int_equal(ear->sends, 0);
	comes(" type='unavailable'");
	publish(PUBLISH("wanted", "third"));
	assert_int_equal(ear->sends, 0);
	ask("get", HAMLET, INFO);
	for (size_t i = 0; i < COUNT(by_presence); i++)
		assert_true(says_feature(fake_result(ear), by_presence[i]));
}

/* Nothing is said that is not tried here. */
static bool
is_tried(const char *feature)
{
	for (size_t i = 0; i < COUNT(requests); i++)
		if (strcmp(requests[i].feature, feature) == 0)
			return true;
	for (size_t i = 0; i < COUNT(deeds); i++)
		if (deeds[i].feature != NULL && strcmp(deeds[i].feature, feature) == 0)
			return true;
	for (size_t i = 0; i < COUNT(by_presence); i++)
		if (strcmp(by_presence[i], feature) == 0)
			return true;
	return false;
}

static void
test_all_are_tried(void **state)
{
	size_t count = 0;

	ask("get", HAMLET, INFO);
	for (xmpp_stanza_t *e = ear_first(fake_result(ear)); e != NULL; e = ear_next(e)) {
		const char *var = fake_attribute(e, "var");

		if (strncmp(var, EAR_NS_PUBSUB "#", strlen(EAR_NS_PUBSUB "#")) != 0)
			continue;
		if (!is_tried(var + strlen(EAR_NS_PUBSUB "#")))
			fail_msg("%s", var);
		count++;
	}
	assert_true(count > 0);
}

/* Each in one place. */
static void
test_once(void **state)
{
	const char *all[256];
	size_t count = 0;

	for (const struct ear_xep *const *xep = ear_xeps_all; *xep != NULL; xep++)
		for (const char *const *f = (*xep)->features; f != NULL && *f != NULL; f++) {
			for (size_t i = 0; i < count; i++)
				assert_string_not_equal(all[i], *f);
			assert_true(count < COUNT(all));
			all[count++] = *f;
		}
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
	assert_false(says_feature(query, "get-pending"));
	assert_false(says_feature(query, "item-ids"));
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
		TEST(test_features),      TEST(test_deeds), TEST(test_presence),
		TEST(test_all_are_tried), TEST(test_once),  TEST(test_no_store),
		TEST(test_too_many),      TEST(test_stop),  TEST(test_long_name),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
