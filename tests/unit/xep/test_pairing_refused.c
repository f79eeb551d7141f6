/* SPDX-License-Identifier: ISC */
/* test_pairing_refused.c: boxes that lie, refuse or vanish, and the device that asks them. */
#include "pairing_user.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nonsense),  TEST(test_lies),      TEST(test_errors),
		TEST(test_refused),   TEST(test_no_stream), TEST(test_stream_of_the_past),
		TEST(test_token_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
