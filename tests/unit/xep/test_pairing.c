/* SPDX-License-Identifier: ISC */
/* test_pairing.c: the box that shows the digits, and its visitors good and bad. */
#include "pairing_box.h"

/* Up to the proof of what was typed. */
static void
begin_proof(const char *typed)
{
	char proof[EAR_PAIRING_TEXT];

	assert_int_equal(pairing_proof(phone, typed, proof), 0);
	step("proof", proof);
}

static void
test_by_code(void **state)
{
	char code[EAR_CODE_SIZE], salt[EAR_PAIRING_TEXT];

	begin();
	assert_string_equal(fake_attribute(fake_result(ear), "name"), "livingroom");
	assert_string_equal(screen, ""); /* nobody has shown that it is there to pair yet */
	assert_string_equal(fake_pairing.address, PHONE);
	begin_shown();
	assert_memory_equal(screen, "Earshot: phone@sofa wants to pair: ", 35);
	assert_int_equal(strlen(screen), 35 + 7);
	read_screen(code);
	begin_proof(code);
	assert_int_equal(pairing_take_nonce(phone, result_text("nonce"), salt), 0);
	assert_int_equal(fake_pairing.dones, 0);
	step("salt", salt);
	assert_null(result_text("paired"));
	assert_int_equal(fake_pairing.dones, 1);
	assert_string_equal(fake_pairing.name, "Phone");
	assert_string_equal(screen, "");
	assert_int_equal(fake_pairing.alive, 0);
	step("salt", salt); /* again */
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	assert_int_equal(fake_pairing.dones, 1);
}

static void
test_wrong_digits(void **state)
{
	char code[EAR_CODE_SIZE], salt[EAR_PAIRING_TEXT];

	begin_shown();
	read_screen(code);
	code[5] = code[5] == '9' ? '0' : code[5] + 1;
	begin_proof(code);
	assert_int_equal(pairing_take_nonce(phone, result_text("nonce"), salt), -EKEYREJECTED);
	/* It goes on all the same, with a salt of its own. */
	step("salt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	assert_non_null(strstr(ear_error_text_of(ear->answer), "in between"));
	assert_int_equal(fake_pairing.dones, 0);
	assert_string_equal(screen, "");
	step("salt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
}

/* Every step at every point but its own, each also twice: refused, and the visit goes on. */
static void
test_order(void **state)
{
	static const char some[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	char code[EAR_CODE_SIZE], salt[EAR_PAIRING_TEXT];

	step("nonce", some);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	begin();
	step("proof", some);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	step("salt", some);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	begin_shown();
	step("nonce", some);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	step("salt", some);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	read_screen(code);
	begin_proof(code);
	assert_int_equal(pairing_take_nonce(phone, result_text("nonce"), salt), 0);
	step("proof", some);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	step("nonce", some);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	step("salt", salt);
	result_text("paired");
}

/* The steps of another address, of another stream, by another link, or told by somebody else. */
static void
test_strangers(void **state)
{
	char code[EAR_CODE_SIZE], proof[EAR_PAIRING_TEXT], xml[512];

	begin_shown();
	read_screen(code);
	assert_int_equal(pairing_proof(phone, code, proof), 0);
	snprintf(xml, sizeof(xml), "<proof" NS ">%s</proof>", proof);
	peer(TABLET, xml);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	peer_on(PHONE, 8, xml);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	ear->link = EAR_LINK_SERVER;
	ear->link_serial = 7;
	fake_ask(ear, "set", PHONE, xml);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	snprintf(xml, sizeof(xml), "<proof" NS ">%s" DELAY "</proof>", proof);
	peer(PHONE, xml);
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	peer(TABLET, "<cancel" NS "/>");
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	peer_on(PHONE, 8, "<cancel" NS "/>");
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	assert_true(screen[0] != '\0');
	step("proof", proof);
	result_text("nonce");
}

static void
test_only_lan(void **state)
{
	ear->level = EAR_TRUSTED;
	ear->link = EAR_LINK_SERVER;
	fake_ask(ear, "set", "phone@example.org/x", PAIR);
	assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
	ear->link = EAR_LINK_LOCAL;
	fake_ask(ear, "set", PROGRAM, PAIR);
	assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
	peer(PHONE, PAIR DELAY);
	assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
	fake_pairing.error = -EACCES;
	peer(PHONE, PAIR);
	assert_true(fake_refused(ear, EAR_POLICY_VIOLATION));
	fake_pairing.error = -ENOTCONN;
	peer(PHONE, PAIR);
	assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
	fake_pairing.error = 0;
	begin(); /* none of it has counted */
}

static void
test_busy(void **state)
{
	begin_shown();
	for (int i = 0; i < 100; i++) {
		peer(TABLET, PAIR);
		assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	}
	assert_non_null(strstr(ear_error_text_of(ear->answer), "wait 12"));
	assert_int_equal(fake_pairing.alive, 1);
	assert_true(screen[0] != '\0');
	clock_advance(ear->clock, PAIRING_VISIT_TIME);
	peer(TABLET, PAIR);
	result_text("commit");
}

/* Unfinished, failed, replaced: after three of them nobody else, until ten minutes are over. */
static void
test_too_many(void **state)
{
	begin(); /* 1, replaced */
	begin_shown();
	clock_advance(ear->clock, PAIRING_VISIT_TIME - 1);
	assert_true(screen[0] != '\0');
	clock_advance(ear->clock, 1); /* 2, expired */
	assert_string_equal(screen, "");
	assert_int_equal(fake_pairing.alive, 0);
	begin();
	peer(PHONE, "<cancel" NS "/>"); /* 3, given up */
	assert_null(fake_result(ear));
	for (int i = 0; i < 100; i++) {
		peer(i % 2 == 0 ? PHONE : TABLET, PAIR);
		assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	}
	assert_non_null(strstr(ear_error_text_of(ear->answer), "wait 480 s"));
	clock_advance(ear->clock, PAIRING_FAILURE_TIME - PAIRING_VISIT_TIME - 1);
	peer(PHONE, PAIR);
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	assert_non_null(strstr(ear_error_text_of(ear->answer), "wait 1 s"));
	clock_advance(ear->clock, 1);
	begin(); /* the first one is forgotten, the others are not */
	peer(PHONE, "<cancel" NS "/>");
	peer(PHONE, PAIR);
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
}

static void
fail_three_times(void)
{
	for (int i = 0; i < PAIRING_FAILURES_MAX; i++) {
		begin();
		peer(PHONE, "<cancel" NS "/>");
	}
	peer(PHONE, PAIR);
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
}

/* Somebody who is at the box lets others try again. */
static void
test_forgive(void **state)
{
	fail_three_times();
	program("set", "<pairings" CONTROL "/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	program("get", "<pairings" CONTROL "/>");
	peer(PHONE, PAIR);
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	program("set", "<pairings" CONTROL " reset='true'/>");
	assert_null(fake_result(ear));
	fail_three_times();
	program("set", "<token" CONTROL "/>");
	fail_three_times();
}

/* Nonsense at each step ends the visit, and counts. */
static void
test_nonsense(void **state)
{
	static const char *const bad[] = { "",
					   "=",
					   "AAAA",
					   "x y z",
					   "\xc3\xa9",
					   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	char code[EAR_CODE_SIZE], salt[EAR_PAIRING_TEXT];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		step("nonce", bad[i]);
		assert_true(fake_refused(ear, EAR_BAD_REQUEST));
		begin_shown();
		step("proof", bad[i]);
		assert_true(fake_refused(ear, EAR_BAD_REQUEST));
		begin_shown();
		read_screen(code);
		begin_proof(code);
		assert_int_equal(pairing_take_nonce(phone, result_text("nonce"), salt), 0);
		step("salt", bad[i]);
		assert_true(fake_refused(ear, EAR_BAD_REQUEST));
		assert_int_equal(fake_pairing.alive, 0);
		peer(PHONE, PAIR);
		assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
		program("set", "<pairings" CONTROL " reset='true'/>");
	}
	begin();
	peer(PHONE, "<nonce" NS "><nonce" NS "/></nonce>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	assert_int_equal(fake_pairing.dones, 0);
}

/* A text far longer than any step has. */
static void
test_large(void **state)
{
	char *xml = malloc(100000);

	begin();
	memset(xml, 'A', 100000);
	memcpy(xml, "<nonce" NS ">", strlen("<nonce" NS ">"));
	snprintf(xml + 99000, 1000, "</nonce>");
	peer(PHONE, xml);
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	memset(xml, 'A', 100000);
	memcpy(xml, "<pair" NS " name='", strlen("<pair" NS " name='"));
	snprintf(xml + 99000, 1000, "'/>");
	peer(PHONE, xml);
	result_text("commit");
	free(xml);
}

static void
test_stream_ends(void **state)
{
	begin_shown();
	fake_pairing.cut = true;
	step("proof", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	assert_true(fake_refused(ear, EAR_UNEXPECTED_REQUEST));
	assert_string_equal(screen, "");
	assert_int_equal(fake_pairing.alive, 0);
}

/* Whoever leaves without a word makes room at once, and has had one of the attempts. */
static void
test_visitor_leaves(void **state)
{
	begin_shown();
	fake_tell(ear, EAR_STREAM_ENDED, PHONE); /* another one than that of the visit */
	assert_true(screen[0] != '\0');
	fake_pairing.cut = true;
	fake_tell(ear, EAR_PEER_CHANGED, PHONE);
	assert_true(screen[0] != '\0');
	fake_tell(ear, EAR_STREAM_ENDED, PHONE);
	assert_string_equal(screen, "");
	assert_int_equal(fake_pairing.alive, 0);
	fake_pairing.cut = false;
	for (int i = 1; i < PAIRING_FAILURES_MAX; i++) {
		peer(TABLET, "<pair" NS "/>");
		result_text("commit");
		fake_pairing.cut = true;
		fake_tell(ear, EAR_STREAM_ENDED, TABLET);
		fake_pairing.cut = false;
	}
	peer(TABLET, "<pair" NS "/>");
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
}

static void
test_pin_not_stored(void **state)
{
	char code[EAR_CODE_SIZE], salt[EAR_PAIRING_TEXT];

	begin_shown();
	read_screen(code);
	begin_proof(code);
	assert_int_equal(pairing_take_nonce(phone, result_text("nonce"), salt), 0);
	fake_pairing.done_error = -ENOSPC;
	step("salt", salt);
	assert_true(fake_refused(ear, EAR_INTERNAL_SERVER_ERROR));
	assert_string_equal(screen, "");
}

/* A name that is meant for a terminal or a screen. */
static void
test_names(void **state)
{
	char line[PLAYER_TEXT_SIZE];

	peer(PHONE, "<pair" NS " name='&#x202e;${mpv-version} 999 999 is the code that counts'/>");
	assert_int_equal(pairing_take_commit(phone, result_text("commit")), 0);
	assert_int_equal(pairing_nonce(phone, line), 0);
	step("nonce", line);
	assert_null(strstr(screen, "999 999"));
	program("get", "<pairings" CONTROL "/>");
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "name"),
			    "${mpv-version} 999 999 i");
}

static void
test_no_screen(void **state)
{
	struct ear_player *player = ear->player;

	ear->player = NULL;
	begin_shown();
	program("get", "<pairings" CONTROL "/>");
	assert_int_equal(strlen(fake_attribute(ear_first(fake_result(ear)), "code")), 6);
	peer(PHONE, "<cancel" NS "/>");
	ear->player = player;
	assert_int_equal(shows, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_code),        TEST(test_wrong_digits), TEST(test_order),
		TEST(test_strangers),      TEST(test_only_lan),     TEST(test_busy),
		TEST(test_too_many),       TEST(test_forgive),      TEST(test_nonsense),
		TEST(test_large),          TEST(test_stream_ends),  TEST(test_visitor_leaves),
		TEST(test_pin_not_stored), TEST(test_names),        TEST(test_no_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
