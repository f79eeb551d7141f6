/* SPDX-License-Identifier: ISC */
/* test_keys.c: our own list: published with our account, or answered for by ourselves. */
#include "keys_kit.h"

#define FIELD(name, value) "<field var='pubsub#" name "'><value>" value "</value></field>"
#define FORM(fields)                                                                               \
	"<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>"                                 \
	"<configure node='urn:earshot:keys:0'><x xmlns='jabber:x:data' type='form'>"               \
	"<field var='FORM_TYPE' type='hidden'>"                                                    \
	"<value>http://jabber.org/protocol/pubsub#node_config</value></field>" fields              \
	"</x></configure></pubsub>"
/* What a node is like when all is well, and when a server has just made it. */
#define GOOD                                                                                       \
	FORM(FIELD("access_model", "open") FIELD("max_items", "32") FIELD("persist_items", "1"))
#define FRESH                                                                                      \
	FORM(FIELD("access_model", "presence") FIELD("max_items", "1") FIELD("persist_items", "1") \
		     FIELD("notify_retract", "0") FIELD("notify_delete", "false"))

static bool
publishes(void)
{
	return asks(PS, "publish");
}

/* Our account is there; the node is asked about. */
static void
come_up(void)
{
	size_t at;

	ear->self[EAR_LINK_SERVER] = SELF;
	fake_tell(ear, EAR_SERVER_UP, SELF);
	must(OWNER, "configure", "get", &at);
	assert_string_equal(xmpp_stanza_get_to(fake_request(ear, at)), BARE);
}

/* What a submitted form says about a field, NULL when it says nothing. */
static const char *
submitted(xmpp_stanza_t *parent, const char *name)
{
	xmpp_stanza_t *form = ear_find(parent, "x", KEYS_NS_FORM);

	assert_non_null(form);
	assert_string_equal(fake_attribute(form, "type"), "submit");
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (strcmp(fake_attribute(e, "var"), name) == 0)
			return ear_text(ear_find(e, "value", KEYS_NS_FORM));
	return NULL;
}

/* --- publishing --------------------------------------------------------------------------- */

static void
test_first_publish(void **state)
{
	xmpp_stanza_t *child, *item;
	struct ear_device device;
	size_t at;

	come_up();
	refuse(OWNER, "configure", "get", ERROR("cancel", "item-not-found"));
	answer(PS, "create", "set", "");
	answer(OWNER, "configure", "get", FRESH);
	child = must(OWNER, "configure", "set", &at);
	assert_string_equal(submitted(child, "pubsub#access_model"), "open");
	assert_string_equal(submitted(child, "pubsub#max_items"), "32");
	assert_string_equal(submitted(child, "pubsub#notify_retract"), "1");
	assert_null(submitted(child, "pubsub#persist_items"));
	assert_null(submitted(child, "pubsub#deliver_notifications")); /* it has none such */
	fake_answer(ear, at, "");
	answer(PS, "items", "get", LIST(ANOTHERS));
	child = must(PS, "publish", "set", &at);
	item = ear_first(child);
	assert_int_equal(keys_item_read(item, &device), 0);
	assert_true(ear_key_equal(&device.key, &ear->trust.own_key));
	assert_string_equal(device.name, "livingroom");
	assert_string_equal(device.resource, "livingroom-1");
	assert_int_equal(strlen(keys_item_since(item)), 20);
	child = ear_find(ear_find(fake_request(ear, at), "pubsub", PS), "publish-options", PS);
	assert_string_equal(submitted(child, "pubsub#access_model"), "open");
	fake_answer(ear, at, "");
	assert_false(asks(PS, "items") || asks(PS, "retract") || publishes());
}

/* A list that is right already is left alone, and others' items always. */
static void
test_no_needless_publish(void **state)
{
	come_up();
	answer(OWNER, "configure", "get", GOOD);
	answer(PS, "items", "get", LIST(ANOTHERS OURS));
	assert_false(publishes() || asks(PS, "retract") || asks(OWNER, "configure"));
}

static void
test_other_name_or_resource(void **state)
{
	static const char *const lists[] = { LIST(DEVICE(OWN, "old", "resource='livingroom-1'")),
					     LIST(DEVICE(OWN, "livingroom", "resource='x'")),
					     LIST(DEVICE(OWN, "livingroom", "")) };

	for (size_t i = 0; i < 3; i++) {
		xmpp_stanza_t *child;
		size_t at;

		come_up();
		answer(OWNER, "configure", "get", GOOD);
		answer(PS, "items", "get", lists[i]);
		child = must(PS, "publish", "set", &at);
		/* It was there before. */
		assert_string_equal(keys_item_since(ear_first(child)), "2026-01-02T03:04:05Z");
	}
}

static void
test_new_key_retracts_old(void **state)
{
	xmpp_stanza_t *child;
	size_t at;

	come_up();
	answer(OWNER, "configure", "get", GOOD);
	answer(PS, "items", "get", LIST(OURS));
	ear->trust.own_key = key_of(OLD); /* another one than published */
	fake_tell(ear, EAR_OWN_KEY_CHANGED, NULL);
	answer(OWNER, "configure", "get", GOOD);
	answer(PS, "items", "get", LIST(ANOTHERS DEVICE(OWN, "livingroom", "")));
	child = must(PS, "retract", "set", &at);
	assert_string_equal(fake_attribute(child, "notify"), "true");
	assert_string_equal(xmpp_stanza_get_id(ear_first(child)), OWN);
	fake_answer(ear, at, "");
	answer(PS, "items", "get", LIST(ANOTHERS));
	assert_true(publishes());
}

/* The key changed while this program did not run: its resource tells. */
static void
test_stale_by_resource(void **state)
{
	xmpp_stanza_t *child;
	size_t at;

	come_up();
	answer(OWNER, "configure", "get", GOOD);
	answer(PS, "items", "get", LIST(DEVICE(OLD, "x", "resource='livingroom-1'") ANOTHERS));
	child = must(PS, "retract", "set", &at);
	assert_string_equal(xmpp_stanza_get_id(ear_first(child)), OLD);
	/* Gone meanwhile: as good. */
	fake_answer_error(ear, at, ERROR("cancel", "item-not-found"));
	answer(PS, "items", "get", LIST(ANOTHERS));
	assert_true(publishes());
}

/* Another device revoked it: it does not come back by itself. A server that lost all is another
 * matter, and another key. */
static void
test_revoked_stays_away(void **state)
{
	come_up();
	answer(OWNER, "configure", "get", GOOD);
	answer(PS, "items", "get", LIST(OURS));
	come_up();
	answer(OWNER, "configure", "get", GOOD);
	answer(PS, "items", "get", LIST(ANOTHERS));
	clock_advance(ear->clock, 7200 * EAR_SEC);
	assert_false(publishes() || asks(PS, "retract") || asks(OWNER, "configure"));
	come_up();
	answer(OWNER, "configure", "get", GOOD);
	refuse(PS, "items", "get", ERROR("cancel", "item-not-found"));
	assert_true(publishes());
	ear->trust.own_key = key_of(OLD);
	fake_tell(ear, EAR_OWN_KEY_CHANGED, NULL);
	answer(OWNER, "configure", "get", GOOD);
	answer(PS, "items", "get", LIST(ANOTHERS));
	assert_true(publishes());
}

/* A server with a low limit: as many as it takes, and never somebody else's item for ours. */
static void
test_low_limit(void **state)
{
	xmpp_stanza_t *child;
	size_t at;

	come_up();
	answer(OWNER, "configure", "get", FRESH);
	for (const char *const *want = (const char *const[]){ "32", "16", "8", "4", "2", NULL };
	     *want != NULL; want++) {
		child = must(OWNER, "configure", "set", &at);
		assert_string_equal(submitted(child, "pubsub#max_items"), *want);
		fake_answer_error(ear, at, ERROR("wait", "resource-constraint"));
	}
	child = must(OWNER, "configure", "set", &at);
	assert_null(submitted(child, "pubsub#max_items"));
	assert_string_equal(submitted(child, "pubsub#access_model"), "open");
	fake_answer(ear, at, "");
	answer(PS, "items", "get", LIST(ANOTHERS));
	assert_false(publishes());
	come_up();
	answer(OWNER, "configure", "get", FORM(FIELD("max_items", "max")));
	answer(PS, "items", "get", LIST(ANOTHERS));
	assert_true(publishes());
}

static void
test_server_without_pep(void **state)
{
	come_up();
	refuse(OWNER, "configure", "get", ERROR("cancel", "service-unavailable"));
	clock_advance(ear->clock, 7200 * EAR_SEC);
	assert_false(publishes() || asks(OWNER, "configure") || asks(PS, "items"));
}

/* A server without node configuration: publish-options, and without those at last. */
static void
test_server_without_configuration(void **state)
{
	xmpp_stanza_t *pubsub;
	size_t at;

	come_up();
	refuse(OWNER, "configure", "get", ERROR("cancel", "feature-not-implemented"));
	refuse(PS, "items", "get", ERROR("cancel", "item-not-found"));
	refuse(PS, "publish", "set", ERROR("cancel", "feature-not-implemented"));
	must(PS, "publish", "set", &at);
	pubsub = ear_find(fake_request(ear, at), "pubsub", PS);
	assert_null(ear_find(pubsub, "publish-options", PS));
	fake_answer(ear, at, "");
	assert_false(publishes());
}

static void
test_backs_off(void **state)
{
	come_up();
	answer(OWNER, "configure", "get", GOOD);
	refuse(PS, "items", "get", ERROR("wait", "internal-server-error"));
	assert_false(asks(OWNER, "configure"));
	clock_advance(ear->clock, 29 * EAR_SEC);
	assert_false(asks(OWNER, "configure"));
	clock_advance(ear->clock, 2 * EAR_SEC);
	answer(OWNER, "configure", "get", GOOD);
	refuse(PS, "items", "get", ERROR("wait", "internal-server-error"));
	clock_advance(ear->clock, 31 * EAR_SEC);
	assert_false(asks(OWNER, "configure"));
	clock_advance(ear->clock, 30 * EAR_SEC);
	assert_true(asks(OWNER, "configure"));
}

/* --- answering for ourselves -------------------------------------------------------------- */

#define ASK LIST("")

static xmpp_stanza_t *
asked_items(const char *xml)
{
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	fake_ask_to(ear, "get", "romeo@example.org/x", "tv@tv.example.org", xml);
	return ear_first(fake_result(ear));
}

static void
test_component_answers(void **state)
{
	xmpp_stanza_t *items = asked_items(ASK);
	struct ear_device device;

	assert_string_equal(fake_attribute(items, "node"), EAR_NS_KEYS);
	assert_int_equal(fake_children(items), 1);
	assert_int_equal(keys_item_read(ear_first(items), &device), 0);
	assert_true(ear_key_equal(&device.key, &ear->trust.own_key));
	assert_null(device.resource);
	assert_int_equal(fake_children(asked_items(LIST("<item id='" OTHER "'/>"))), 0);
	assert_int_equal(fake_children(asked_items(LIST("<item id='" OWN "'/>"))), 1);
}

static void
test_other_node_is_not_ours(void **state)
{
	fake_ask(ear, "get", "romeo@example.org/x",
		 "<pubsub xmlns='" EAR_NS_PUBSUB "'><items node='other'/></pubsub>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	fake_ask(ear, "set", "romeo@example.org/x",
		 "<pubsub xmlns='" EAR_NS_PUBSUB "'><publish node='" EAR_NS_KEYS "'/></pubsub>");
	assert_true(fake_refused(ear, EAR_FEATURE_NOT_IMPLEMENTED));
}

/* On the LAN a peer may ask; nobody there is told of changes. */
static void
test_lan_asks(void **state)
{
	ear->link = EAR_LINK_LAN;
	ear->level = EAR_PLAIN;
	assert_int_equal(fake_children(asked_items(ASK)), 1);
	fake_tell(ear, EAR_OWN_KEY_CHANGED, NULL);
	assert_int_equal(ear->sends, 0);
}

static void
test_component_tells_readers(void **state)
{
	xmpp_stanza_t *items;

	asked_items(ASK);
	asked_items(ASK); /* twice is once */
	ear->trust.own_key = key_of(OTHER);
	fake_tell(ear, EAR_OWN_KEY_CHANGED, NULL);
	assert_int_equal(ear->sends, 1);
	assert_string_equal(xmpp_stanza_get_to(ear->sent), "romeo@example.org/x");
	assert_string_equal(xmpp_stanza_get_from(ear->sent), "tv@tv.example.org");
	assert_string_equal(fake_attribute(ear->sent, "type"), "headline");
	items = ear_first(ear_find(ear->sent, "event", EAR_NS_PUBSUB_EVENT));
	assert_string_equal(fake_attribute(items, "node"), EAR_NS_KEYS);
	assert_string_equal(xmpp_stanza_get_id(ear_first(items)), OTHER);
}

#define WISH(name, jid)                                                                            \
	"<pubsub xmlns='" EAR_NS_PUBSUB "'><" name " node='" EAR_NS_KEYS "' jid='" jid             \
	"'/></pubsub>"

static void
test_component_takes_subscriptions(void **state)
{
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	fake_ask_to(ear, "set", "romeo@example.org/x", "tv.example.org",
		    WISH("subscribe", "juliet@example.org"));
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	fake_ask_to(ear, "set", "romeo@example.org/x", "tv.example.org",
		    WISH("subscribe", "romeo@example.org"));
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "subscription"),
			    "subscribed");
	fake_tell(ear, EAR_OWN_KEY_CHANGED, NULL);
	assert_int_equal(ear->sends, 1);
	assert_string_equal(xmpp_stanza_get_to(ear->sent), "romeo@example.org");
	fake_ask_to(ear, "set", "romeo@example.org/x", "tv.example.org",
		    WISH("unsubscribe", "romeo@example.org"));
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "subscription"), "none");
	fake_tell(ear, EAR_OWN_KEY_CHANGED, NULL);
	assert_int_equal(ear->sends, 1);
}

/* Whoever asked longest ago is forgotten. */
static void
test_readers_bounded(void **state)
{
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	for (int i = 0; i < 300; i++) {
		char from[64];

		snprintf(from, sizeof(from), "user%d@example.org/x", i);
		fake_ask_to(ear, "get", from, "tv.example.org", ASK);
	}
	fake_tell(ear, EAR_OWN_KEY_CHANGED, NULL);
	assert_int_equal(ear->sends, 256);
	assert_string_equal(xmpp_stanza_get_to(ear->sent), "user299@example.org/x");
}
int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_publish),
		TEST(test_no_needless_publish),
		TEST(test_other_name_or_resource),
		TEST(test_new_key_retracts_old),
		TEST(test_stale_by_resource),
		TEST(test_revoked_stays_away),
		TEST(test_low_limit),
		TEST(test_server_without_pep),
		TEST(test_server_without_configuration),
		TEST(test_backs_off),
		TEST(test_component_answers),
		TEST(test_other_node_is_not_ours),
		TEST(test_lan_asks),
		TEST(test_component_tells_readers),
		TEST(test_component_takes_subscriptions),
		TEST(test_readers_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
