/* SPDX-License-Identifier: ISC */
/* test_pairing_token.c: what the programs of the box see and do: its visitors, and its token. */
#include "pairing_box.h"

/* --- programs ------------------------------------------------------------------------------- */

static const char *
serial_of(void)
{
	static char serial[32];

	snprintf(serial, sizeof(serial), "%s", fake_attribute(fake_result(ear), "serial"));
	return serial;
}

static void
test_pairings(void **state)
{
	char code[EAR_CODE_SIZE];
	xmpp_stanza_t *one;
	const char *serial;

	program("get", "<pairings" CONTROL "/>");
	assert_int_equal(fake_children(fake_result(ear)), 0);
	serial = serial_of();
	wait_after(serial);
	assert_null(ear->answer);
	assert_int_equal(ear->holds, 1);
	begin();
	clock_advance(ear->clock, EAR_SEC);
	assert_int_equal(ear->holds, 1); /* nothing to show yet */
	begin_shown();
	clock_advance(ear->clock, EAR_MSEC);
	assert_int_equal(ear->holds, 0);
	one = ear_first(fake_result(ear));
	assert_true(ear_is(one, "pairing", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(one, "address"), PHONE);
	assert_string_equal(fake_attribute(one, "name"), "Phone");
	read_screen(code);
	assert_string_equal(fake_attribute(one, "code"), code);
	assert_string_equal(fake_attribute(one, "expires-us"), "119999999");
	assert_string_not_equal(serial_of(), "0");
	serial = serial_of();
	wait_after(serial);
	assert_int_equal(ear->holds, 1);
	peer(PHONE, "<cancel" NS "/>");
	clock_advance(ear->clock, EAR_MSEC);
	assert_int_equal(ear->holds, 0);
	assert_int_equal(fake_children(fake_result(ear)), 0);
}

static void
test_polls(void **state)
{
	program("get", "<pairings" CONTROL " after='x'/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	program("get", "<pairings" CONTROL " after='-1'/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	program("get", "<pairings" CONTROL " after='99999999999999999999999'/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	wait_after("4711");
	assert_string_equal(serial_of(), "0");
	for (int i = 0; i < PAIRING_POLLS_MAX; i++)
		wait_after("0");
	assert_int_equal(ear->holds, PAIRING_POLLS_MAX);
	wait_after("0");
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	clock_advance(ear->clock, PAIRING_POLL_TIME - 1);
	assert_int_equal(ear->holds, PAIRING_POLLS_MAX);
	clock_advance(ear->clock, 1);
	assert_int_equal(ear->holds, 0);
	assert_string_equal(serial_of(), "0");
	wait_after("0"); /* and stops with it */
}

static void
test_send_away(void **state)
{
	program("set", "<pair" CONTROL " address='" PHONE "' cancel='true'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	begin_shown();
	program("set", "<pair" CONTROL " address='" TABLET "' cancel='true'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	program("set", "<pair" CONTROL " address='Phone@Sofa.local' cancel='true'/>");
	assert_null(fake_result(ear));
	assert_string_equal(screen, "");
	/* It is told. */
	assert_int_equal(ear->request_count, 1);
	assert_int_equal(ear->requests[0].only, EAR_LINK_LAN);
	assert_string_equal(xmpp_stanza_get_to(fake_request(ear, 0)), PHONE);
	assert_true(ear_find(fake_request(ear, 0), "cancel", EAR_NS_PAIRING) != NULL);
	fake_answer_none(ear, 0, -EHOSTUNREACH);
	step("proof", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
}

/* --- by token ------------------------------------------------------------------------------- */

static void
make_token(struct pair_uri *uri)
{
	program("set", "<token" CONTROL "/>");
	assert_string_equal(fake_attribute(fake_result(ear), "expires-us"), "600000000");
	assert_int_equal(pair_uri_parse(fake_attribute(fake_result(ear), "uri"), uri), 0);
	assert_string_equal(uri->address, "tv@box.local");
	assert_true(ear_key_equal(&uri->key, &ear->trust.own_key));
}

static void
prove_token(const struct pair_uri *uri)
{
	char proof[EAR_PAIRING_TEXT], xml[512];

	meet_phone();
	assert_int_equal(pairing_token_proof(phone, &uri->key, uri->token, proof), 0);
	snprintf(xml, sizeof(xml), "<token" NS " proof='%s' name='Phone'/>", proof);
	peer(PHONE, xml);
}

static void
test_token(void **state)
{
	struct pair_uri uri, second;

	make_token(&uri);
	prove_token(&uri);
	assert_null(result_text("paired"));
	assert_string_equal(fake_attribute(fake_result(ear), "name"), "livingroom");
	assert_int_equal(fake_pairing.dones, 1);
	assert_string_equal(fake_pairing.name, "Phone");
	prove_token(&uri); /* it serves once */
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	make_token(&uri);
	make_token(&second); /* which makes the first one void */
	assert_string_not_equal(uri.token, second.token);
	prove_token(&uri);
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	prove_token(&second);
	result_text("paired");
	assert_int_equal(fake_pairing.dones, 2);
}

static void
test_token_wrong(void **state)
{
	struct pair_uri uri;

	peer(PHONE, "<token" NS " proof='AAAA'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	make_token(&uri);
	peer(PHONE, "<token" NS "/>");
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	peer(PHONE, "<token" NS " proof='AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='/>");
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	for (int i = 2; i < PAIRING_TOKEN_WRONG; i++) {
		peer(TABLET, "<token" NS " proof='AAAA'/>");
		assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	}
	for (int i = 0; i < 1000; i++) {
		peer(TABLET, "<token" NS " proof='AAAA'/>");
		assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	}
	clock_advance(ear->clock, PAIRING_TOKEN_WRONG_TIME);
	peer(TABLET, "<token" NS " proof='AAAA'/>");
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	assert_int_equal(fake_pairing.dones, 0);
}

/* Strangers cannot take the token away from who holds it, whatever they send and how often. */
static void
test_token_outlives_strangers(void **state)
{
	struct pair_uri uri;

	make_token(&uri);
	for (int i = 0; i < 1000; i++)
		peer(TABLET, "<token" NS " proof='AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='/>");
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	prove_token(&uri);
	result_text("paired");
	assert_int_equal(fake_pairing.dones, 1);
}

static void
test_token_expires(void **state)
{
	struct pair_uri uri;

	make_token(&uri);
	clock_advance(ear->clock, PAIRING_TOKEN_TIME - 1);
	prove_token(&uri);
	result_text("paired");
	make_token(&uri);
	clock_advance(ear->clock, PAIRING_TOKEN_TIME);
	prove_token(&uri);
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
}

/* Of another session, or where it cannot be taken at all. */
static void
test_token_elsewhere(void **state)
{
	struct pair_uri uri;

	make_token(&uri);
	fake_pairing.exporter[0] = 1;
	meet_phone();
	fake_pairing.exporter[0] = 0;
	{
		char proof[EAR_PAIRING_TEXT], xml[512];

		assert_int_equal(pairing_token_proof(phone, &uri.key, uri.token, proof), 0);
		snprintf(xml, sizeof(xml), "<token" NS " proof='%s'/>", proof);
		peer(PHONE, xml);
		assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
		ear->link = EAR_LINK_SERVER;
		fake_ask(ear, "set", PHONE, xml);
		assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
	}
	fake_pairing.error = -EACCES;
	prove_token(&uri);
	assert_true(fake_refused(ear, EAR_POLICY_VIOLATION));
	fake_pairing.error = 0;
	fake_pairing.done_error = -EIO;
	prove_token(&uri);
	assert_true(fake_refused(ear, EAR_INTERNAL_SERVER_ERROR));
	fake_pairing.done_error = 0;
	prove_token(&uri); /* nobody was paired: it serves still */
	result_text("paired");
	prove_token(&uri);
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
}

static void
test_no_address(void **state)
{
	ear->self[EAR_LINK_LAN] = NULL;
	program("set", "<token" CONTROL "/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
}

/* It stops in the middle. */
static void
test_stop(void **state)
{
	begin_shown();
	wait_after("1");
	assert_int_equal(ear->holds, 1);
	assert_true(screen[0] != '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pairings),      TEST(test_polls),
		TEST(test_send_away),     TEST(test_token),
		TEST(test_token_wrong),   TEST(test_token_outlives_strangers),
		TEST(test_token_expires), TEST(test_token_elsewhere),
		TEST(test_no_address),    TEST(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
