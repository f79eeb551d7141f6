/* SPDX-License-Identifier: ISC */
/* test_keys_control.c: our account's list for programs of this machine, and revoking in it. */
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
#include "fake_ear.h"

#define PROGRAM "tv@pronto.local/program"
#define OWN     "0101010101010101010101010101010101010101010101010101010101010101"
#define OTHER   "0303030303030303030303030303030303030303030303030303030303030303"
#define BARE    "tv@example.org"
#define CONTROL " xmlns='" EAR_NS_CONTROL "'"
#define DEVICES "<devices" CONTROL "/>"
#define REVOKE  "<revoke" CONTROL " key='" OTHER "'/>"
#define ITEM(key, more)                                                                            \
	"<item id='" key "'><device xmlns='urn:earshot:keys:0' " more "><key hash='sha-256'>" key  \
	"</key></device></item>"
#define OURS        ITEM(OWN, "name='livingroom' resource='livingroom-1' since='2026-01-02T03:04:05Z'")
#define LOST        ITEM(OTHER, "")
#define LIST(items) LIST_AND(items, "")
#define LIST_AND(items, more)                                                                      \
	"<pubsub xmlns='" EAR_NS_PUBSUB "'><items node='" EAR_NS_KEYS "'>" items "</items>" more   \
	"</pubsub>"
#define ERROR(type, condition)                                                                     \
	"<error type='" type "'><" condition                                                       \
	" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
#define GONE ERROR("cancel", "item-not-found")

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	ear->self[EAR_LINK_SERVER] = BARE "/livingroom-1";
	assert_int_equal(ear_key_parse(OWN, &ear->trust.own_key), 0);
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	assert_int_equal(ear->holds, 0);
	fake_free(ear);
	return 0;
}

/* A program asks; whether its question waits for the server. */
static bool
ask(const char *type, const char *xml)
{
	fake_ask(ear, type, PROGRAM, xml);
	assert_non_null(ear->rule);
	assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
	return ear->answer == NULL;
}

/* The one request under way: to our account, by the server. */
static xmpp_stanza_t *
asked(const char *type, const char *name)
{
	xmpp_stanza_t *iq = fake_request(ear, 0), *child;

	assert_int_equal(ear->request_count, 1);
	assert_int_equal(ear->requests[0].only, EAR_LINK_SERVER);
	assert_string_equal(fake_attribute(iq, "type"), type);
	assert_string_equal(fake_attribute(iq, "to"), BARE);
	child = ear_find(ear_find(iq, "pubsub", EAR_NS_PUBSUB), name, EAR_NS_PUBSUB);
	assert_string_equal(fake_attribute(child, "node"), EAR_NS_KEYS);
	return child;
}

static void
answer(const char *xml)
{
	asked("get", "items");
	fake_answer(ear, 0, xml);
}

static void
test_list(void **state)
{
	xmpp_stanza_t *list, *device;

	assert_true(ask("get", DEVICES));
	answer(LIST(OURS "<item id='x'/>" LOST));
	list = fake_result(ear);
	assert_true(ear_is(list, "devices", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(list, "address"), BARE);
	assert_string_equal(fake_attribute(list, "total"), "2");
	device = ear_first(list);
	assert_string_equal(fake_attribute(device, "key"), OWN);
	assert_string_equal(fake_attribute(device, "name"), "livingroom");
	assert_string_equal(fake_attribute(device, "resource"), "livingroom-1");
	assert_string_equal(fake_attribute(device, "since"), "2026-01-02T03:04:05Z");
	assert_string_equal(fake_attribute(device, "own"), "true");
	device = ear_next(device);
	assert_string_equal(fake_attribute(device, "key"), OTHER);
	assert_string_equal(fake_attribute(device, "own"), "false");
	assert_null(xmpp_stanza_get_attribute(device, "name"));
	assert_null(xmpp_stanza_get_attribute(device, "resource"));
	assert_null(xmpp_stanza_get_attribute(device, "since"));
	assert_null(ear_next(device));
}

static void
test_nothing_published(void **state)
{
	assert_true(ask("get", DEVICES));
	asked("get", "items");
	fake_answer_error(ear, 0, GONE);
	assert_string_equal(fake_attribute(fake_result(ear), "total"), "0");
	assert_string_equal(fake_attribute(fake_result(ear), "address"), BARE);
}

static void
test_pages(void **state)
{
	char *items = xstrdup(""), *xml;

	for (int i = 0; i < 60; i++) {
		char key[EAR_KEY_SIZE];

		snprintf(key, sizeof(key), "%064x", i);
		xml = xasprintf("%s<item id='%s'><device xmlns='urn:earshot:keys:0'>"
				"<key hash='sha-256'>%s</key></device></item>",
				items, key, key);
		free(items);
		items = xml;
	}
	xml = xasprintf(LIST("%s"), items);
	for (int first = 0; first < 60; first += 50) {
		char request[96];

		snprintf(request, sizeof(request), "<devices" CONTROL " first='%d'/>", first);
		assert_true(ask("get", request));
		answer(xml);
		assert_string_equal(fake_attribute(fake_result(ear), "total"), "60");
		assert_int_equal(fake_children(fake_result(ear)), first == 0 ? 50 : 10);
	}
	free(items);
	free(xml);
	assert_false(ask("get", "<devices" CONTROL " first='x'/>"));
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
}

static void
test_revoke(void **state)
{
	xmpp_stanza_t *child;

	assert_true(ask("set", REVOKE));
	answer(LIST(OURS LOST));
	assert_null(ear->answer); /* not before the server says so */
	child = asked("set", "retract");
	assert_string_equal(fake_attribute(child, "notify"), "true");
	assert_string_equal(xmpp_stanza_get_id(ear_first(child)), OTHER);
	assert_int_equal(ear->trust.changes, 0);
	fake_answer(ear, 0, "");
	assert_null(fake_result(ear));
	assert_int_equal(ear->trust.changes, 1); /* we are the first to accept it no more */
	assert_string_equal(ear->trust.changed, BARE);
	assert_int_equal(ear->request_count, 0);
}

/* Whatever is in an item of that id: people want it gone. */
static void
test_revoke_what_cannot_be_read(void **state)
{
	assert_true(ask("set", REVOKE));
	answer(LIST("<item id='" OTHER "'/>"));
	asked("set", "retract");
	/* Somebody was faster. */
	fake_answer_error(ear, 0, GONE);
	assert_null(fake_result(ear));
	/* Of a page nobody knows what is missing. */
	assert_true(ask("set", REVOKE));
	answer(LIST_AND(OURS,
			"<set xmlns='http://jabber.org/protocol/rsm'><count>2</count></set>"));
	asked("set", "retract");
	fake_answer(ear, 0, "");
	assert_null(fake_result(ear));
}

static void
test_revoke_unknown(void **state)
{
	assert_true(ask("set", REVOKE));
	answer(LIST(OURS));
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	assert_true(ask("set", REVOKE));
	asked("get", "items");
	fake_answer_error(ear, 0, GONE);
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	assert_int_equal(ear->trust.changes, 0);
	assert_int_equal(ear->request_count, 0);
}

static void
test_revoke_own(void **state)
{
	assert_false(ask("set", "<revoke" CONTROL " key='" OWN "'/>"));
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	assert_non_null(strstr(ear_error_text_of(ear->answer), "--new-key"));
	assert_int_equal(ear->request_count, 0);
}

static void
test_revoke_malformed(void **state)
{
	static const char *const bad[] = { "<revoke" CONTROL "/>", "<revoke" CONTROL " key=''/>",
					   "<revoke" CONTROL " key='0102'/>",
					   "<revoke" CONTROL " key='" OTHER "0'/>" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(ask("set", bad[i]));
		assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	}
	assert_int_equal(ear->request_count, 0);
}

static void
test_without_account(void **state)
{
	static const char *const selves[] = { NULL, "tv.example.org" };

	for (size_t i = 0; i < 2; i++) {
		ear->self[EAR_LINK_SERVER] = selves[i];
		assert_false(ask("get", DEVICES));
		assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
		assert_false(ask("set", REVOKE));
		assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
		assert_non_null(ear_error_text_of(ear->answer));
	}
	assert_non_null(strstr(ear_error_text_of(ear->answer), "--new-key")); /* a component */
	assert_int_equal(ear->request_count, 0);
}

/* In either step. */
static void
test_server_fails(void **state)
{
	static const struct {
		int error;
		enum ear_verdict condition;
	} cases[] = { { -EHOSTUNREACH, EAR_RECIPIENT_UNAVAILABLE },
		      { -ECONNRESET, EAR_RECIPIENT_UNAVAILABLE },
		      { -ETIMEDOUT, EAR_REMOTE_SERVER_TIMEOUT } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(ask("get", DEVICES));
		fake_answer_none(ear, 0, cases[i].error);
		assert_true(fake_refused(ear, cases[i].condition));
		assert_true(ask("set", REVOKE));
		answer(LIST(LOST));
		fake_answer_none(ear, 0, cases[i].error);
		assert_true(fake_refused(ear, cases[i].condition));
	}
	assert_true(ask("set", REVOKE));
	answer(LIST(LOST));
	fake_answer_error(ear, 0, ERROR("auth", "forbidden"));
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	assert_true(ask("get", DEVICES));
	answer("<pubsub xmlns='" EAR_NS_PUBSUB "'/>");
	assert_true(fake_refused(ear, EAR_INTERNAL_SERVER_ERROR));
	assert_int_equal(ear->trust.changes, 0);
	assert_int_equal(ear->request_count, 0);
}

/* A program that asks without end; and an engine that stops meanwhile, which teardown does. */
static void
test_many(void **state)
{
	for (int i = 0; i < 16; i++)
		assert_true(ask(i % 2 == 0 ? "get" : "set", i % 2 == 0 ? DEVICES : REVOKE));
	assert_false(ask("get", DEVICES));
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	fake_answer(ear, 0, LIST(""));
	assert_true(ask("get", DEVICES));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_nothing_published),
		TEST(test_pages),
		TEST(test_revoke),
		TEST(test_revoke_what_cannot_be_read),
		TEST(test_revoke_unknown),
		TEST(test_revoke_own),
		TEST(test_revoke_malformed),
		TEST(test_without_account),
		TEST(test_server_fails),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
