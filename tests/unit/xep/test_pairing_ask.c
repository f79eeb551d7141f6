/* SPDX-License-Identifier: ISC */
/* test_pairing_ask.c: the device whose user reads the digits or scans a code, and its programs. */
#include "pairing_user.h"

static void
test_by_code(void **state)
{
	xmpp_stanza_t *element;
	char key[EAR_KEY_SIZE];

	do_nonce();
	element = fake_result(ear);
	ear_key_format(&fake_pairing.other, key);
	assert_string_equal(fake_attribute(element, "address"), TV);
	assert_string_equal(fake_attribute(element, "key"), key);
	assert_string_equal(fake_attribute(element, "name"), "livingroom");
	program(CANCEL);
	assert_called_off();
	do_salt();
	assert_int_equal(fake_pairing.dones, 0);
	tell("paired", "");
	element = fake_result(ear);
	assert_true(ear_is(element, "paired", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(element, "address"), TV);
	assert_string_equal(fake_attribute(element, "key"), key);
	assert_string_equal(fake_attribute(element, "name"), "livingroom");
	assert_int_equal(fake_pairing.dones, 1);
	assert_string_equal(fake_pairing.name, "livingroom");
	assert_string_equal(fake_pairing.address, TV);
	assert_int_equal(ear->request_count, 0);
	type(code);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
}

static void
test_wrong_digits(void **state)
{
	char nonce[EAR_PAIRING_TEXT];

	do_nonce();
	code[0] = code[0] == '9' ? '0' : code[0] + 1;
	do_proof(code, nonce);
	tell("nonce", nonce);
	assert_ended(EAR_NOT_AUTHORIZED);
	assert_non_null(strstr(ear_error_text_of(ear->answer), "in between"));
	assert_called_off(); /* the salt never left */
	type(code);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
}

/* What cannot be digits is no attempt. */
static void
test_no_digits(void **state)
{
	static const char *const bad[] = { "",        "12345",
					   "1234567", "12345a",
					   "12 34 5", "-12345",
					   "+12345",  "1234567890123456789012",
					   "12345\n", "\xd9\xa1\xd9\xa2\xd9\xa3" };
	char spaced[16], nonce[EAR_PAIRING_TEXT];

	type("123456");
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	do_nonce();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		type(bad[i]);
		assert_true(fake_refused(ear, EAR_BAD_REQUEST));
		assert_int_equal(ear->request_count, 0);
	}
	snprintf(spaced, sizeof(spaced), "%.3s %.3s", code, code + 3);
	do_proof(spaced, nonce);
	type(code); /* once */
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	tell("nonce", nonce);
	asked("salt");
}

static void
test_nobody_types(void **state)
{
	do_nonce();
	clock_advance(ear->clock, PAIRING_USER_TIME - 1);
	assert_int_equal(ear->request_count, 0);
	clock_advance(ear->clock, 1);
	assert_called_off();
	assert_int_equal(fake_pairing.alive, 0);
	type(code);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
}

static void
test_cancel_here(void **state)
{
	program(CANCEL);
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	program(BEGIN);
	program(CANCEL); /* the program that waits is answered too */
	assert_int_equal(ear->holds, 0);
	assert_null(fake_result(ear));
	assert_called_off();
	do_nonce();
	program(CANCEL);
	assert_null(fake_result(ear));
	assert_called_off();
	assert_int_equal(fake_pairing.alive, 0);
	do_salt();
	program(CANCEL);
	assert_int_equal(ear->holds, 0);
	assert_int_equal(fake_pairing.dones, 0);
	assert_called_off();
}

static void
peer_cancel(const char *from, enum ear_link_kind link)
{
	ear->link = link;
	ear->level = EAR_KEYED;
	fake_ask(ear, "set", from, "<cancel" NS "/>");
}

static void
test_cancel_there(void **state)
{
	do_nonce();
	peer_cancel("tablet@sofa.local", EAR_LINK_LAN);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	peer_cancel(TV, EAR_LINK_SERVER);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	assert_int_equal(fake_pairing.alive, 1);
	peer_cancel(TV, EAR_LINK_LAN);
	assert_null(fake_result(ear));
	assert_int_equal(fake_pairing.alive, 0);
	type(code);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	do_salt(); /* in the middle of a step its answer tells */
	peer_cancel(TV, EAR_LINK_LAN);
	assert_null(fake_result(ear));
	assert_int_equal(ear->holds, 1);
	refuse("unexpected-request", "");
	assert_ended(EAR_NOT_AUTHORIZED);
}

static void
test_again(void **state)
{
	char old[EAR_CODE_SIZE];

	program(BEGIN);
	assert_int_equal(ear->answers, 0);
	program(BEGIN); /* the first one is told; its request is forgotten */
	assert_int_equal(ear->answers, 1);
	assert_int_equal(ear->holds, 1);
	asked("pair");
	program(CANCEL);
	assert_called_off();
	do_nonce();
	memcpy(old, code, sizeof(old));
	program(BEGIN);
	assert_int_equal(ear->request_count, 2); /* cancel, pair */
	fake_answer(ear, 0, "");
	asked("pair");
	type(old);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	assert_int_equal(fake_pairing.alive, 0);
}

static void
test_many(void **state)
{
	char xml[256];

	for (int i = 0; i <= PAIRING_ASKS_MAX; i++) {
		snprintf(xml, sizeof(xml), "<pair" CONTROL " address='tv%d@box.local'/>", i);
		program(xml);
	}
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	assert_int_equal(ear->holds, PAIRING_ASKS_MAX);
	assert_int_equal(ear->request_count, PAIRING_ASKS_MAX); /* and it stops in the middle */
}

static void
test_bad_requests(void **state)
{
	program("<pair" CONTROL "/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	program("<pair" CONTROL " address='@'/>");
	assert_true(fake_refused(ear, EAR_JID_MALFORMED));
	program("<pair" CONTROL " address='tv@example.org'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	program("<pair" CONTROL " uri='xmpp:tv@box.local'/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	assert_int_equal(ear->request_count, 0);
}

static void
test_token(void **state)
{
	scan(&fake_pairing.other);
	fake_answer(ear, 0, "");
	assert_string_equal(fake_attribute(asked("token"), "name"), "phone");
	assert_int_equal(pairing_take_token(tv, token, fake_attribute(asked("token"), "proof")), 0);
	tell("paired", "");
	assert_true(ear_is(fake_result(ear), "paired", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(fake_result(ear), "name"), "livingroom");
	assert_int_equal(fake_pairing.dones, 1);
	assert_int_equal(fake_pairing.alive, 0);
}

/* A box that answers no ping is there all the same. */
static void
test_token_no_ping(void **state)
{
	scan(&fake_pairing.other);
	refuse("service-unavailable", "");
	asked("token");
	tell("paired", "");
	fake_result(ear);
	assert_int_equal(fake_pairing.dones, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_code),      TEST(test_wrong_digits),  TEST(test_no_digits),
		TEST(test_nobody_types), TEST(test_cancel_here),   TEST(test_cancel_there),
		TEST(test_again),        TEST(test_many),          TEST(test_bad_requests),
		TEST(test_token),        TEST(test_token_no_ping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
