/* SPDX-License-Identifier: ISC */
/* test_keys.c: our list, and others'. */
#include <errno.h>
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
#include "keys.h"

#define OWN   "0101010101010101010101010101010101010101010101010101010101010101"
#define OLD   "0202020202020202020202020202020202020202020202020202020202020202"
#define OTHER "0303030303030303030303030303030303030303030303030303030303030303"
#define SELF  "tv@example.org/livingroom-1"
#define BARE  "tv@example.org"

#define DEVICE(key, name, more)                                                                    \
	"<item id='" key "'><device xmlns='urn:earshot:keys:0' name='" name                        \
	"' since='2026-01-02T03:04:05Z' " more "><key hash='sha-256'>" key                         \
	"</key></device></item>"
#define OURS     DEVICE(OWN, "livingroom", "resource='livingroom-1'")
#define ANOTHERS DEVICE(OTHER, "kitchen", "resource='kitchen-1'")
#define LIST(items)                                                                                \
	"<pubsub xmlns='http://jabber.org/protocol/pubsub'><items "                                \
	"node='urn:earshot:keys:0'>" items "</items></pubsub>"
#define ERROR(type, condition)                                                                     \
	"<error type='" type "'><" condition                                                       \
	" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
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

static struct ear *ear;

static struct ear_key
key_of(const char *text)
{
	struct ear_key key;

	assert_int_equal(ear_key_parse(text, &key), 0);
	return key;
}

static int
setup(void **state)
{
	ear = fake_new();
	ear->trust.own_key = key_of(OWN);
	ear->link = EAR_LINK_SERVER;
	ear->level = EAR_PROVED;
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	assert_null(ear->trust.fetch);
	fake_free(ear);
	return 0;
}

/* The first request to `to` that asks or sets that child of a <pubsub/>; its number in *at. */
static xmpp_stanza_t *
pending(const char *ns, const char *name, size_t *at)
{
	for (size_t i = 0; i < ear->request_count; i++) {
		xmpp_stanza_t *pubsub = ear_find(fake_request(ear, i), "pubsub", ns);
		xmpp_stanza_t *child = pubsub == NULL ? NULL : ear_find(pubsub, name, ns);

		if (child == NULL)
			continue;
		assert_int_equal(ear->requests[i].only, EAR_LINK_SERVER);
		assert_string_equal(fake_attribute(child, "node"), EAR_NS_KEYS);
		*at = i;
		return child;
	}
	return NULL;
}

static xmpp_stanza_t *
must(const char *ns, const char *name, const char *type, size_t *at)
{
	xmpp_stanza_t *child = pending(ns, name, at);

	assert_non_null(child);
	assert_string_equal(fake_attribute(fake_request(ear, *at), "type"), type);
	return child;
}

static void
answer(const char *ns, const char *name, const char *type, const char *xml)
{
	size_t at;

	must(ns, name, type, &at);
	fake_answer(ear, at, xml);
}

static void
refuse(const char *ns, const char *name, const char *type, const char *xml)
{
	size_t at;

	must(ns, name, type, &at);
	fake_answer_error(ear, at, xml);
}

static bool
asks(const char *ns, const char *name)
{
	size_t at;

	return pending(ns, name, &at) != NULL;
}

#define PS    EAR_NS_PUBSUB
#define OWNER EAR_NS_PUBSUB_OWNER

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
	assert_true(fake_refused(ear, EAR_SERVICE_UNAVAILABLE));
	fake_ask(ear, "set", "romeo@example.org/x",
		 "<pubsub xmlns='" EAR_NS_PUBSUB "'><publish node='" EAR_NS_KEYS "'/></pubsub>");
	assert_true(fake_refused(ear, EAR_SERVICE_UNAVAILABLE));
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

/* --- fetching ----------------------------------------------------------------------------- */

static void
fetch(const char *bare)
{
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	ear->trust.fetch(ear->trust.fetch_arg, bare);
}

static void
test_fetch(void **state)
{
	size_t at;

	fetch("romeo@example.org");
	fetch("romeo@example.org"); /* twice is once */
	assert_int_equal(ear->request_count, 1);
	must(PS, "items", "get", &at);
	assert_int_equal(ear->requests[at].usec, 5 * EAR_SEC);
	assert_string_equal(xmpp_stanza_get_to(fake_request(ear, at)), "romeo@example.org");
	fake_answer(ear, at, LIST(OURS ANOTHERS));
	assert_int_equal(ear->trust.tells, 1);
	assert_string_equal(ear->trust.told, "romeo@example.org");
	assert_int_equal(ear->trust.told_error, 0);
	assert_int_equal(ear->trust.device_count, 2);
	assert_memory_equal(ear->trust.devices[1].key.sha256, key_of(OTHER).sha256, 32);
	fetch("romeo@example.org");
	fake_answer(ear, 0, LIST(""));
	assert_int_equal(ear->trust.told_error, 0);
	assert_int_equal(ear->trust.device_count, 0);
}

static void
test_fetch_malformed(void **state)
{
	static const char *const bad[] = {
		"<item/>",
		"<item id='" OWN "'/>",
		"<item id='" OWN "'><device xmlns='other'><key hash='sha-256'>" OWN
		"</key></device></item>",
		"<item id='" OWN "'><device xmlns='urn:earshot:keys:0'/></item>",
		"<item id='" OWN
		"'><device xmlns='urn:earshot:keys:0'><key hash='sha-256'/></device>"
		"</item>",
		"<item id='" OWN "'><device xmlns='urn:earshot:keys:0'><key>" OWN
		"</key></device></item>",
		"<item id='" OWN "'><device xmlns='urn:earshot:keys:0'><key hash='md5'>" OWN
		"</key></device></item>",
		"<item id='" OWN "'><device xmlns='urn:earshot:keys:0'><key hash='sha-256'>0102"
		"</key></device></item>",
		"<item id='" OWN "'><device xmlns='urn:earshot:keys:0'><key hash='sha-256'>" OTHER
		"</key></device></item>",
		"<item><device xmlns='urn:earshot:keys:0'><key hash='sha-256'>" OWN
		"</key></device></item>",
		"<item id='" OWN "'><device xmlns='urn:earshot:keys:0' resource=''>"
		"<key hash='sha-256'>" OWN "</key></device></item>",
		"<retract id='" OWN "'/>",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *xml = xasprintf(LIST("%s" ANOTHERS), bad[i]);

		fetch("romeo@example.org");
		fake_answer(ear, 0, xml);
		free(xml);
		assert_int_equal(ear->trust.told_error, 0);
		assert_int_equal(ear->trust.device_count, 1);
	}
}

static void
test_fetch_bounds(void **state)
{
	char *items = xstrdup(""), *xml;

	for (int i = 0; i < EAR_DEVICES_MAX + 5; i++) {
		char key[EAR_KEY_SIZE];

		snprintf(key, sizeof(key), "%064x", i);
		xml = xasprintf("%s<item id='%s'><device xmlns='urn:earshot:keys:0' name='%0300d'>"
				"<key hash='sha-256'>%s</key></device></item>",
				items, key, i, key);
		free(items);
		items = xml;
	}
	xml = xasprintf(LIST("%s"), items);
	fetch("romeo@example.org");
	fake_answer(ear, 0, xml);
	assert_int_equal(ear->trust.device_count, EAR_DEVICES_MAX);
	free(items);
	free(xml);
}

/* What may pass must not revoke: only a list, or that there is none, is a word about keys. */
static void
test_fetch_errors(void **state)
{
	static const struct {
		const char *xml;
		int error;
	} cases[] = {
		{ ERROR("cancel", "item-not-found"), -ENOENT },
		{ ERROR("cancel", "service-unavailable"), -EOPNOTSUPP },
		{ ERROR("wait", "service-unavailable"), -EOPNOTSUPP },
		{ ERROR("cancel", "feature-not-implemented"), -EOPNOTSUPP },
		{ ERROR("auth", "forbidden"), -EACCES },
		{ ERROR("auth", "not-authorized"), -EACCES },
		{ ERROR("cancel", "remote-server-not-found"), -EHOSTUNREACH },
		{ ERROR("wait", "remote-server-timeout"), -EHOSTUNREACH },
		{ ERROR("wait", "resource-constraint"), -EHOSTUNREACH },
		{ "<error type='cancel'/>", -EHOSTUNREACH },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fetch("romeo@example.org");
		fake_answer_error(ear, 0, cases[i].xml);
		assert_int_equal(ear->trust.told_error, cases[i].error);
		assert_int_equal(ear->trust.device_count, 0);
	}
	fetch("romeo@example.org");
	fake_answer_none(ear, 0, -ETIMEDOUT);
	assert_int_equal(ear->trust.told_error, -ETIMEDOUT);
	fetch("romeo@example.org");
	fake_answer(ear, 0, "<pubsub xmlns='" EAR_NS_PUBSUB "'/>");
	assert_int_equal(ear->trust.told_error, -EBADMSG);
	fetch("romeo@example.org");
	fake_answer(ear, 0, "<pubsub xmlns='" EAR_NS_PUBSUB "'><items node='other'/></pubsub>");
	assert_int_equal(ear->trust.told_error, -EBADMSG);
	fetch("romeo@example.org");
	fake_answer(ear, 0,
		    "<pubsub xmlns='" EAR_NS_PUBSUB "'><items node='" EAR_NS_KEYS "'>" ANOTHERS
		    "</items><set xmlns='http://jabber.org/protocol/rsm'><count>2</count></set>"
		    "</pubsub>");
	assert_int_equal(ear->trust.told_error, -EMSGSIZE);
}

#define INFO(feature) "<query xmlns='" EAR_NS_DISCO_INFO "'><feature var='" feature "'/></query>"

/* Where anybody may make a node, anybody could be the whole domain: it has to say that it publishes
 * keys. */
static void
test_fetch_of_domain(void **state)
{
	static const struct {
		const char *xml;
		int error;
	} cases[] = {
		{ INFO(EAR_NS_PUBSUB), -EOPNOTSUPP },
		{ "", -EOPNOTSUPP },
		{ ERROR("wait", "resource-constraint"), -EOPNOTSUPP },
		{ INFO(EAR_NS_KEYS), 0 },
	};
	int tells = 0;
	size_t at;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fetch("pubsub.example.org");
		must(PS, "items", "get", &at);
		fake_answer(ear, at, LIST(ANOTHERS));
		assert_int_equal(ear->trust.tells, tells);
		assert_int_equal(ear->request_count, 1);
		assert_non_null(ear_find(fake_request(ear, 0), "query", EAR_NS_DISCO_INFO));
		fake_answer(ear, 0, cases[i].xml);
		assert_int_equal(ear->trust.tells, ++tells);
		assert_int_equal(ear->trust.told_error, cases[i].error);
		assert_int_equal(ear->trust.device_count, cases[i].error == 0 ? 1 : 0);
	}
	/* An empty list says of nobody that he is it. */
	fetch("pubsub.example.org");
	fake_answer(ear, 0, LIST(""));
	assert_int_equal(ear->trust.tells, ++tells);
	/* A change overtakes this question too. */
	fetch("pubsub.example.org");
	fake_answer(ear, 0, LIST(ANOTHERS));
	fake_message(ear, "pubsub.example.org",
		     "<message xmlns='jabber:client'><event xmlns='" EAR_NS_PUBSUB_EVENT
		     "'><items node='" EAR_NS_KEYS "'/></event></message>");
	fake_answer(ear, 0, INFO(EAR_NS_KEYS));
	assert_int_equal(ear->trust.tells, tells);
	must(PS, "items", "get", &at);
	fake_answer(ear, at, LIST(""));
	assert_int_equal(ear->trust.tells, ++tells);
	assert_int_equal(ear->trust.device_count, 0);
	/* The engine ends in between. */
	fetch("pubsub.example.org");
	fake_answer(ear, 0, LIST(ANOTHERS));
}

/* The server vouches; nobody on the LAN does. */
static void
test_fetch_answered_by_lan(void **state)
{
	fetch("romeo@example.org");
	ear->requests[0].only = EAR_LINK_LAN; /* the link that the fake engine answers by */
	fake_answer(ear, 0, LIST(OURS));
	assert_int_equal(ear->trust.told_error, -EPROTO);
	assert_int_equal(ear->trust.device_count, 0);
}

static void
test_fetch_nowhere(void **state)
{
	ear->trust.fetch(ear->trust.fetch_arg, "romeo@example.org");
	assert_int_equal(ear->trust.tells, 0); /* not from inside the call */
	clock_advance(ear->clock, 1);
	assert_int_equal(ear->trust.told_error, -EHOSTUNREACH);
	fetch("romeo@pronto.local");
	clock_advance(ear->clock, 1);
	assert_int_equal(ear->trust.tells, 2);
	assert_int_equal(ear->trust.told_error, -EHOSTUNREACH);
}

static void
test_fetch_many(void **state)
{
	int tells;

	for (int i = 0; i < 400; i++) {
		char bare[64];

		snprintf(bare, sizeof(bare), "user%d@example.org", i);
		fetch(bare);
	}
	assert_int_equal(ear->request_count, 16);
	assert_int_equal(ear->trust.tells, 0);
	clock_advance(ear->clock, 1);
	tells = ear->trust.tells;
	assert_int_equal(tells, 400 - 16 - 256);
	assert_int_equal(ear->trust.told_error, -ENOBUFS);
	for (int i = 0; i < 16 + 256; i++) {
		assert_true(ear->request_count <= 16);
		fake_answer(ear, 0, LIST(""));
	}
	assert_int_equal(ear->request_count, 0);
	assert_int_equal(ear->trust.tells, 400);
}

/* --- changes ------------------------------------------------------------------------------ */

#define EVENT(child)                                                                               \
	"<message xmlns='jabber:client'><event xmlns='" EAR_NS_PUBSUB_EVENT "'>" child "</event>"  \
	"</message>"
#define NODE "node='" EAR_NS_KEYS "'"

static void
test_events(void **state)
{
	static const char *const ours[] = { EVENT("<items " NODE "/>"), EVENT("<purge " NODE "/>"),
					    EVENT("<delete " NODE "/>"),
					    EVENT("<items " NODE "><item id='x'/></items>") };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_int_equal(fake_message(ear, "romeo@example.org/x", ours[i]), EAR_DONE);
		assert_int_equal(ear->trust.changes, (int)i + 1);
		assert_string_equal(ear->trust.changed, "romeo@example.org");
	}
	ear->trust.changes = 0;
	/* Who says when it was is hearsay. */
	assert_int_equal(
		fake_message(ear, "romeo@example.org",
			     "<message xmlns='jabber:client'><event xmlns='" EAR_NS_PUBSUB_EVENT
			     "'><items " NODE "/></event><delay xmlns='" EAR_NS_DELAY
			     "' stamp='2026-11-21T06:00:00Z'/></message>"),
		EAR_DONE);
	assert_int_equal(ear->trust.changes, 0);
	assert_int_equal(fake_message(ear, "romeo@example.org", EVENT("<items node='x'/>")),
			 EAR_PASS);
	assert_int_equal(fake_message(ear, "romeo@example.org", EVENT("")), EAR_PASS);
	ear->level = EAR_KEYED;
	assert_int_equal(fake_message(ear, "romeo@example.org", ours[0]), EAR_DONE);
	ear->level = EAR_PROVED;
	assert_int_equal(fake_message(ear, "romeo@pronto.local", ours[0]), EAR_DONE);
	/* Proved, on a direct stream: the list is its server's, who says nothing here. */
	ear->link = EAR_LINK_LAN;
	assert_int_equal(fake_message(ear, "romeo@example.org", ours[0]), EAR_DONE);
	ear->link = EAR_LINK_LOCAL;
	assert_int_equal(fake_message(ear, "romeo@example.org", ours[0]), EAR_DONE);
	assert_int_equal(ear->trust.changes, 0);
}

/* A list that was on its way when it changed does not count; changes without end do not help. */
static void
test_fetch_overtaken(void **state)
{
	fetch("romeo@example.org");
	for (int i = 0; i < 3; i++) {
		fake_message(ear, "romeo@example.org", EVENT("<items " NODE "/>"));
		fake_answer(ear, 0, LIST(ANOTHERS));
		assert_int_equal(ear->trust.tells, 0);
		assert_int_equal(ear->request_count, 1);
	}
	fake_message(ear, "romeo@example.org", EVENT("<items " NODE "/>"));
	fake_answer(ear, 0, LIST(""));
	assert_int_equal(ear->trust.tells, 1);
	assert_int_equal(ear->trust.device_count, 0);
}

static void
test_follows(void **state)
{
	static const char *const jids[] = { "romeo@example.org/a", "romeo@example.org/b",
					    "juliet@example.org", "x@pronto.local" };
	struct ear_pin_info pin = { .jids = jids, .jid_count = 4 };
	size_t at;

	ear->trust.pins = &pin;
	ear->trust.pin_count = 1;
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org");
	assert_int_equal(ear->trust.changes, 2); /* what was missed meanwhile */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ear->request_count, 1); /* one at a time */
		assert_string_equal(fake_attribute(must(PS, "subscribe", "set", &at), "jid"),
				    "tv.example.org");
		fake_answer(ear, at, "");
	}
	assert_int_equal(ear->request_count, 0);
	fake_tell(ear, EAR_TRUST_CHANGED, "romeo@example.org");
	assert_int_equal(ear->request_count, 0);
	pin.jid_count = 2;
	fake_tell(ear, EAR_TRUST_CHANGED, "juliet@example.org");
	must(PS, "unsubscribe", "set", &at);
	assert_string_equal(xmpp_stanza_get_to(fake_request(ear, at)), "juliet@example.org");
	fake_answer_error(ear, at, ERROR("cancel", "item-not-found"));
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org"); /* it may have forgotten */
	assert_string_equal(xmpp_stanza_get_to(fake_request(ear, 0)), "romeo@example.org");
	assert_int_equal(ear->request_count, 1);
}

static void
test_features(void **state)
{
	xmpp_stanza_t *query = ear_disco_info(ear, NULL);
	int found = 0;

	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		found += strcmp(fake_attribute(e, "var"), EAR_NS_KEYS) == 0 ||
			 strcmp(fake_attribute(e, "var"), EAR_NS_KEYS "+notify") == 0;
	assert_int_equal(found, 2);
	xmpp_stanza_release(query);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_fetch),
		TEST(test_fetch_malformed),
		TEST(test_fetch_bounds),
		TEST(test_fetch_errors),
		TEST(test_fetch_of_domain),
		TEST(test_fetch_answered_by_lan),
		TEST(test_fetch_nowhere),
		TEST(test_fetch_many),
		TEST(test_events),
		TEST(test_fetch_overtaken),
		TEST(test_follows),
		TEST(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
