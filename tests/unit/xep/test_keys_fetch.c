/* SPDX-License-Identifier: ISC */
/* test_keys_fetch.c: the lists of others, and that they change. */
#include "keys_kit.h"

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
int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fetch),           TEST(test_fetch_malformed),
		TEST(test_fetch_bounds),    TEST(test_fetch_errors),
		TEST(test_fetch_of_domain), TEST(test_fetch_answered_by_lan),
		TEST(test_fetch_nowhere),   TEST(test_fetch_many),
		TEST(test_events),          TEST(test_fetch_overtaken),
		TEST(test_follows),         TEST(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
