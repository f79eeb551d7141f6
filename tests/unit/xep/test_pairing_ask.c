/* SPDX-License-Identifier: ISC */
/* test_pairing_ask.c: the device whose user reads the digits, and boxes good and bad. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/timer.h"
#include "fake_ear.h"
#include "fake_pairing.h"
#include "pairing_impl.h"
#include "trust/pairing.h"

#define TV      "tv@box.local"
#define PROGRAM "phone@sofa.local/program"
#define NS      " xmlns='" EAR_NS_PAIRING "'"
#define CONTROL " xmlns='" EAR_NS_CONTROL "'"
#define BEGIN   "<pair" CONTROL " address='" TV "'/>"
#define CANCEL  "<pair" CONTROL " address='" TV "' cancel='true'/>"
#define ZEROS   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct ear *ear;
static struct pairing *tv; /* the other end, whose arithmetic is real too */
static char code[EAR_CODE_SIZE];

static void
meet_tv(void)
{
	pairing_free(tv);
	tv = pairing_new(false, &ear->trust.own_key, &fake_pairing.other, fake_pairing.exporter);
}

static int
setup(void **state)
{
	memset(&fake_pairing, 0, sizeof(fake_pairing));
	memset(fake_pairing.other.sha256, 0x11, EAR_KEY_BYTES);
	ear = fake_new();
	memset(ear->trust.own_key.sha256, 0x22, EAR_KEY_BYTES);
	ear->trust.device_name = "phone";
	meet_tv();
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	assert_int_equal(fake_pairing.alive, 0);
	fake_free(ear);
	pairing_free(tv);
	tv = NULL;
	return 0;
}

static void
program(const char *xml)
{
	ear->link = EAR_LINK_LOCAL;
	ear->level = EAR_TRUSTED;
	fake_ask(ear, "set", PROGRAM, xml);
	assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
}

static void
type(const char *digits)
{
	char xml[256];

	snprintf(xml, sizeof(xml), "<pair" CONTROL " address='" TV "' code='%s'/>", digits);
	program(xml);
}

/* What waits for the other end's answer: that step, by the LAN, and nothing else does. */
static xmpp_stanza_t *
asked(const char *name)
{
	xmpp_stanza_t *iq = fake_request(ear, 0), *payload;

	assert_int_equal(ear->request_count, 1);
	assert_int_equal(ear->requests[0].only, EAR_LINK_LAN);
	assert_string_equal(xmpp_stanza_get_to(iq), TV);
	payload = ear_first(iq);
	if (!ear_is(payload, name, EAR_NS_PAIRING))
		fail_msg("not %s: %s", name, xmpp_stanza_get_name(payload));
	return payload;
}

static void
tell(const char *name, const char *text)
{
	char xml[512];

	snprintf(xml, sizeof(xml), "<%s" NS " name='living&#x202e;room'>%s</%s>", name, text, name);
	fake_answer(ear, 0, xml);
}

static void
refuse(const char *condition, const char *text)
{
	char xml[512];

	snprintf(xml, sizeof(xml),
		 "<error type='cancel'><%s xmlns='" EAR_NS_STANZA_ERR
		 "'/><text xmlns='" EAR_NS_STANZA_ERR "'>%s</text></error>",
		 condition, text);
	fake_answer_error(ear, 0, xml);
}

static void
do_commit(void)
{
	char commit[EAR_PAIRING_TEXT];

	meet_tv();
	program(BEGIN);
	assert_null(ear->answer);
	assert_string_equal(fake_attribute(asked("pair"), "name"), "phone");
	assert_int_equal(pairing_commit(tv, commit), 0);
	tell("commit", commit);
}

static void
do_nonce(void)
{
	do_commit();
	assert_int_equal(pairing_code(tv, ear_text(asked("nonce")), code), 0);
	assert_null(ear->answer);
	fake_answer(ear, 0, "");
	assert_true(ear_is(fake_result(ear), "pair", EAR_NS_CONTROL));
}

static void
do_proof(const char *digits, char nonce[EAR_PAIRING_TEXT])
{
	type(digits);
	assert_null(ear->answer);
	assert_int_equal(pairing_take_proof(tv, ear_text(asked("proof"))), 0);
	assert_int_equal(pairing_nonce(tv, nonce), 0);
}

static void
do_salt(void)
{
	char nonce[EAR_PAIRING_TEXT];

	do_nonce();
	do_proof(code, nonce);
	tell("nonce", nonce);
	assert_int_equal(pairing_take_salt(tv, ear_text(asked("salt"))), 0);
}

/* It has ended: the program was told so, and nothing is left behind. */
static void
assert_ended(enum ear_verdict condition)
{
	assert_true(fake_refused(ear, condition));
	assert_non_null(ear_error_text_of(ear->answer));
	assert_int_equal(ear->holds, 0);
	assert_int_equal(fake_pairing.alive, 0);
	assert_int_equal(fake_pairing.dones, 0);
}

static void
assert_called_off(void)
{
	asked("cancel");
	fake_answer(ear, 0, "");
}

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

/* A box that answers each step with something else. */
static void
test_nonsense(void **state)
{
	static const char *const bad[] = {
		"",
		"<commit" NS "/>",
		"<commit" NS ">AAAA</commit>",
		"<commit" NS "><commit" NS "/></commit>",
		"<commit xmlns='jabber:client'>" ZEROS "</commit>",
		"<nonce" NS "/>",
		"<nonce" NS ">\xc3\xa9</nonce>",
		"<nonce" NS ">" ZEROS ZEROS "</nonce>",
		"<error/>",
		"text",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char nonce[EAR_PAIRING_TEXT];

		program(BEGIN);
		fake_answer(ear, 0, bad[i]);
		assert_ended(EAR_NOT_AUTHORIZED);
		assert_int_equal(ear->request_count, 0);
		do_nonce();
		do_proof(code, nonce);
		fake_answer(ear, 0, bad[i]);
		assert_ended(EAR_NOT_AUTHORIZED);
		assert_called_off();
		do_salt();
		fake_answer(ear, 0, bad[i]);
		assert_ended(EAR_NOT_AUTHORIZED);
		assert_called_off();
	}
}

/* A commit or nonce that is well made, and a lie. */
static void
test_lies(void **state)
{
	char nonce[EAR_PAIRING_TEXT];

	program(BEGIN);
	tell("commit", ZEROS);
	meet_tv();
	assert_int_equal(pairing_commit(tv, nonce), 0);
	assert_int_equal(pairing_code(tv, ear_text(asked("nonce")), code), 0);
	fake_answer(ear, 0, "");
	do_proof(code, nonce);
	tell("nonce", nonce); /* the digits are right, the commit is another one */
	assert_ended(EAR_NOT_AUTHORIZED);
	assert_called_off();
	do_nonce();
	do_proof(code, nonce);
	tell("nonce", ZEROS);
	assert_ended(EAR_NOT_AUTHORIZED);
	assert_called_off();
}

static void
test_errors(void **state)
{
	static const struct {
		int error;
		enum ear_verdict condition;
	} cases[] = {
		{ -EHOSTUNREACH, EAR_ITEM_NOT_FOUND }, { -ETIMEDOUT, EAR_REMOTE_SERVER_TIMEOUT },
		{ -EACCES, EAR_NOT_AUTHORIZED },       { -ECONNRESET, EAR_REMOTE_SERVER_TIMEOUT },
		{ -ENOBUFS, EAR_RESOURCE_CONSTRAINT }, { -ECANCELED, EAR_RECIPIENT_UNAVAILABLE },
		{ -EKEYREJECTED, EAR_NOT_AUTHORIZED }, { -EKEYREVOKED, EAR_NOT_AUTHORIZED },
		{ -EPERM, EAR_NOT_AUTHORIZED },        { -EIO, EAR_INTERNAL_SERVER_ERROR },
	};
	char nonce[EAR_PAIRING_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		program(BEGIN);
		fake_answer_none(ear, 0, cases[i].error);
		if (cases[i].error == -ECONNRESET) /* by a stream of the past: once more */
			fake_answer_none(ear, 0, cases[i].error);
		assert_ended(cases[i].condition);
		do_commit();
		fake_answer_none(ear, 0, cases[i].error);
		assert_ended(cases[i].condition);
		do_nonce();
		do_proof(code, nonce);
		fake_answer_none(ear, 0, cases[i].error);
		assert_ended(cases[i].condition);
		do_salt();
		fake_answer_none(ear, 0, cases[i].error);
		assert_ended(cases[i].condition);
		assert_int_equal(ear->request_count, 0);
	}
}

static void
test_refused(void **state)
{
	program(BEGIN);
	refuse("resource-constraint", "too many attempts failed: wait 480 s\xe2\x80\xae\n!");
	assert_ended(EAR_RESOURCE_CONSTRAINT);
	assert_string_equal(ear_error_text_of(ear->answer),
			    "the other side refuses: too many attempts failed: wait 480 s !");
	program(BEGIN);
	refuse("service-unavailable", "");
	assert_ended(EAR_FEATURE_NOT_IMPLEMENTED);
	program(BEGIN);
	fake_answer_error(ear, 0, "");
	assert_ended(EAR_NOT_AUTHORIZED);
	program(BEGIN);
	refuse("not-authorized", "");
	assert_ended(EAR_NOT_AUTHORIZED);
	assert_string_equal(ear_error_text_of(ear->answer),
			    "the other side refuses: not-authorized");
	do_commit();
	refuse("bad-request", "no");
	assert_ended(EAR_NOT_AUTHORIZED);
	do_salt();
	refuse("not-authorized", "the digits are wrong");
	assert_ended(EAR_NOT_AUTHORIZED);
	assert_int_equal(ear->request_count, 0);
}

static void
test_no_stream(void **state)
{
	fake_pairing.error = -EACCES; /* it is a plain one */
	do_commit();
	assert_ended(EAR_NOT_AUTHORIZED);
	fake_pairing.error = -ENOTCONN;
	do_commit();
	fake_answer_none(ear, 0, -ENOTCONN);
	assert_ended(EAR_REMOTE_SERVER_TIMEOUT);
	fake_pairing.error = 0;
	do_nonce();
	fake_pairing.cut = true;
	type(code);
	assert_ended(EAR_REMOTE_SERVER_TIMEOUT);
	fake_pairing.cut = false;
	do_salt();
	fake_pairing.done_error = -ENOSPC;
	tell("paired", "");
	assert_ended(EAR_INTERNAL_SERVER_ERROR);
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

/* --- by token ------------------------------------------------------------------------------- */

static char token[EAR_PAIRING_TEXT];

/* Scans a code of the device with that key. */
static void
scan(const struct ear_key *key)
{
	char uri[PAIRING_URI_MAX], xml[2 * PAIRING_URI_MAX];

	meet_tv();
	ear_new_token(token);
	assert_int_equal(pair_uri_format(TV, key, token, uri, sizeof(uri)), 0);
	snprintf(xml, sizeof(xml), "<pair" CONTROL " uri='%s'/>", uri);
	program(xml);
	assert_int_equal(ear->request_count, 1);
	assert_int_equal(ear->requests[0].only, EAR_LINK_LAN);
	assert_true(ear_find(fake_request(ear, 0), "ping", EAR_NS_PING) != NULL);
	assert_string_equal(xmpp_stanza_get_type(fake_request(ear, 0)), "get");
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

/* The stream that there was ends under the first request, as after `earshot untrust`. */
static void
test_stream_of_the_past(void **state)
{
	program(BEGIN);
	fake_answer_none(ear, 0, -ECONNRESET);
	assert_int_equal(ear->request_count, 1);
	assert_true(ear_is(ear_first(fake_request(ear, 0)), "pair", EAR_NS_PAIRING));
	fake_answer_none(ear, 0, -ENOTCONN);
	assert_ended(EAR_REMOTE_SERVER_TIMEOUT);
	scan(&fake_pairing.other);
	fake_pairing.error = -ENOTCONN;
	fake_answer(ear, 0, "");
	assert_true(ear_is(ear_first(fake_request(ear, 0)), "ping", EAR_NS_PING));
	fake_pairing.error = 0;
	fake_answer(ear, 0, "");
	assert_true(ear_is(ear_first(fake_request(ear, 0)), "token", EAR_NS_PAIRING));
	tell("paired", "");
	assert_int_equal(ear->request_count, 0);
}

static void
test_token_bad(void **state)
{
	struct ear_key another = fake_pairing.other;

	another.sha256[31] ^= 1;
	scan(&another);
	fake_answer(ear, 0, "");
	assert_ended(EAR_NOT_AUTHORIZED);
	assert_non_null(strstr(ear_error_text_of(ear->answer), "another key"));
	assert_int_equal(ear->request_count, 0); /* no proof has left */
	scan(&fake_pairing.other);
	fake_answer_none(ear, 0, -EHOSTUNREACH);
	assert_ended(EAR_ITEM_NOT_FOUND);
	scan(&fake_pairing.other);
	fake_answer(ear, 0, "");
	refuse("item-not-found", "no token is valid here");
	assert_ended(EAR_NOT_AUTHORIZED);
	scan(&fake_pairing.other);
	fake_answer(ear, 0, "");
	fake_answer(ear, 0, "<pair" NS "/>");
	assert_ended(EAR_NOT_AUTHORIZED);
	assert_called_off();
	fake_pairing.error = -EACCES;
	scan(&fake_pairing.other);
	fake_answer(ear, 0, "");
	assert_ended(EAR_NOT_AUTHORIZED);
	fake_pairing.error = 0;
	program("<pair" CONTROL " uri='xmpp:tv@box.local?pair;key=00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff;token=short'/>");
	fake_answer(ear, 0, "");
	assert_ended(EAR_BAD_REQUEST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_code),       TEST(test_wrong_digits),
		TEST(test_no_digits),     TEST(test_nobody_types),
		TEST(test_nonsense),      TEST(test_lies),
		TEST(test_errors),        TEST(test_refused),
		TEST(test_no_stream),     TEST(test_stream_of_the_past),
		TEST(test_cancel_here),   TEST(test_cancel_there),
		TEST(test_again),         TEST(test_many),
		TEST(test_bad_requests),  TEST(test_token),
		TEST(test_token_no_ping), TEST(test_token_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
