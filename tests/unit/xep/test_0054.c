/* SPDX-License-Identifier: ISC */
/* test_0054.c: our card, and the mirror of our key in the account's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ear.h"

#define OWN   "0101010101010101010101010101010101010101010101010101010101010101"
#define OTHER "0303030303030303030303030303030303030303030303030303030303030303"
#define SELF  "tv@example.org/livingroom-1"

#define CARD(inside) "<vCard xmlns='vcard-temp' version='3.0'>" inside "</vCard>"
#define KEY(key)     "<KEY><TYPE>urn:earshot:keys:0</TYPE><CRED>" key "</CRED></KEY>"
#define NAME         "<FN>Television</FN>"
#define INFO(more)   "<query xmlns='http://jabber.org/protocol/disco#info'>" more "</query>"

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	assert_int_equal(ear_key_parse(OWN, &ear->trust.own_key), 0);
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

/* The request that holds that child, with its number in *at; NULL when there is none. */
static xmpp_stanza_t *
pending(const char *name, const char *ns, size_t *at)
{
	for (*at = 0; *at < ear->request_count; (*at)++) {
		xmpp_stanza_t *child = ear_find(fake_request(ear, *at), name, ns);

		if (child != NULL)
			return child;
	}
	return NULL;
}

static bool
asks_for_card(void)
{
	size_t at;

	return pending("vCard", EAR_NS_VCARD, &at) != NULL;
}

/* The account is there, and its server has said what it can do. */
static void
come_up(const char *info)
{
	size_t at;

	ear->self[EAR_LINK_SERVER] = SELF;
	fake_tell(ear, EAR_SERVER_UP, SELF);
	assert_non_null(pending("query", EAR_NS_DISCO_INFO, &at));
	assert_string_equal(xmpp_stanza_get_to(fake_request(ear, at)), "tv@example.org");
	fake_answer(ear, at, info);
}

static void
answer_card(const char *xml)
{
	size_t at;

	assert_non_null(pending("vCard", EAR_NS_VCARD, &at));
	assert_string_equal(fake_attribute(fake_request(ear, at), "type"), "get");
	fake_answer(ear, at, xml);
}

/* The card that is being set; NULL: none is. */
static xmpp_stanza_t *
set_card(size_t *at)
{
	xmpp_stanza_t *card = pending("vCard", EAR_NS_VCARD, at);

	if (card != NULL)
		assert_string_equal(fake_attribute(fake_request(ear, *at), "type"), "set");
	return card;
}

static const char *
key_in(xmpp_stanza_t *card)
{
	xmpp_stanza_t *key = ear_find(card, "KEY", EAR_NS_VCARD);

	assert_non_null(key);
	assert_string_equal(ear_text(ear_find(key, "TYPE", NULL)), EAR_NS_KEYS);
	return ear_text(ear_find(key, "CRED", NULL));
}

static void
test_own_card(void **state)
{
	xmpp_stanza_t *card;

	fake_ask(ear, "get", "romeo@example.org/x", "<vCard xmlns='vcard-temp'/>");
	card = fake_result(ear);
	assert_true(ear_is(card, "vCard", EAR_NS_VCARD));
	assert_string_equal(ear_text(ear_find(card, "FN", NULL)), "livingroom");
	assert_string_equal(key_in(card), OWN);
}

static void
test_component_has_no_mirror(void **state)
{
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org");
	assert_int_equal(ear->request_count, 0);
}

/* Everything else in the card stays as it is. */
static void
test_mirror(void **state)
{
	xmpp_stanza_t *card;
	size_t at;

	come_up(INFO(""));
	answer_card(CARD(NAME "<N><FAMILY>X</FAMILY></N>"));
	card = set_card(&at);
	assert_string_equal(key_in(card), OWN);
	assert_string_equal(fake_attribute(card, "version"), "3.0");
	assert_string_equal(ear_text(ear_find(card, "FN", NULL)), "Television");
	assert_string_equal(ear_text(ear_find(ear_find(card, "N", NULL), "FAMILY", NULL)), "X");
	assert_int_equal(fake_children(card), 3);
	fake_answer(ear, at, "");
	/* It is there now. */
	come_up(INFO(""));
	answer_card(CARD(NAME KEY(OWN)));
	assert_null(set_card(&at));
	/* Another key of ours: the old one goes. */
	assert_int_equal(ear_key_parse(OTHER, &ear->trust.own_key), 0);
	come_up(INFO(""));
	answer_card(CARD(NAME KEY(OWN)));
	card = set_card(&at);
	assert_string_equal(key_in(card), OTHER);
	assert_int_equal(fake_children(card), 2);
}

static void
test_no_card_yet(void **state)
{
	size_t at;

	come_up(INFO(""));
	assert_non_null(pending("vCard", EAR_NS_VCARD, &at));
	fake_answer_error(ear, at,
			  "<error type='cancel'><item-not-found xmlns='" EAR_NS_STANZA_ERR
			  "'/></error>");
	assert_string_equal(key_in(set_card(&at)), OWN);
}

/* Somebody else's KEY, or another device's, is left alone. */
static void
test_other_keys(void **state)
{
	static const char *const cards[] = {
		CARD("<KEY><TYPE>PGP</TYPE><CRED>" OWN "</CRED></KEY>"), CARD("<KEY/>"),
		CARD(NAME KEY(OTHER)), CARD("<KEY><TYPE>urn:earshot:keys:0</TYPE></KEY>")
	};
	size_t at;

	for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
		come_up(INFO(""));
		answer_card(cards[i]);
		assert_null(set_card(&at));
	}
}

/* Nothing is written over a card that has not come. */
static void
test_failures(void **state)
{
	size_t at;

	come_up(INFO("<feature var='urn:xmpp:pep-vcard-conversion:0'/>"));
	assert_false(asks_for_card());
	come_up(INFO(""));
	assert_non_null(pending("vCard", EAR_NS_VCARD, &at));
	fake_answer_error(ear, at,
			  "<error type='wait'><internal-server-error xmlns='" EAR_NS_STANZA_ERR
			  "'/></error>");
	assert_false(asks_for_card());
	come_up(INFO(""));
	assert_non_null(pending("vCard", EAR_NS_VCARD, &at));
	fake_answer_none(ear, at, -ETIMEDOUT);
	assert_false(asks_for_card());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own_card),   TEST(test_component_has_no_mirror),
		TEST(test_mirror),     TEST(test_no_card_yet),
		TEST(test_other_keys), TEST(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
