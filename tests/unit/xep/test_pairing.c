/* SPDX-License-Identifier: ISC */
/* test_pairing.c: the box that shows the digits, its visitors good and bad, and its token. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timer.h"
#include "fake_ear.h"
#include "fake_pairing.h"
#include "pairing_impl.h"
#include "player/ops.h"
#include "trust/pairing.h"

#define PHONE   "phone@sofa.local"
#define TABLET  "tablet@sofa.local"
#define PROGRAM "tv@box.local/program"
#define NS      " xmlns='" EAR_NS_PAIRING "'"
#define CONTROL " xmlns='" EAR_NS_CONTROL "'"
#define DELAY   "<delay xmlns='" EAR_NS_DELAY "' stamp='2002-09-10T23:08:25Z'/>"

static struct ear *ear;
static struct pairing *phone; /* the other end, whose arithmetic is real too */
static char screen[PLAYER_TEXT_SIZE];
static int shows;

static int
screen_open(struct ear_player *player, const struct player_config *config, void **self)
{
	*self = player;
	return 0;
}

static void
screen_close(void *self)
{
}

static int
screen_show(void *self, const char *text, int64_t usec)
{
	shows++;
	snprintf(screen, sizeof(screen), "%s", text);
	return 0;
}

static const struct player_kind screen_kind = {
	.name = "screen",
	.open = screen_open,
	.close = screen_close,
	.show = screen_show,
};

static void
meet_phone(void)
{
	pairing_free(phone);
	phone = pairing_new(true, &fake_pairing.other, &ear->trust.own_key, fake_pairing.exporter);
}

static int
setup(void **state)
{
	struct player_config config = { "screen", NULL };

	memset(&fake_pairing, 0, sizeof(fake_pairing));
	memset(fake_pairing.other.sha256, 0x11, EAR_KEY_BYTES);
	screen[0] = '\0';
	shows = 0;
	ear = fake_new();
	memset(ear->trust.own_key.sha256, 0x22, EAR_KEY_BYTES);
	ear->self[EAR_LINK_LAN] = "tv@box.local";
	meet_phone();
	return player_new_of(NULL, ear->clock, &screen_kind, &config, NULL, NULL, &ear->player);
}

static int
teardown(void **state)
{
	fake_stop(ear);
	assert_int_equal(fake_pairing.alive, 0);
	assert_string_equal(screen, "");
	player_free(ear->player);
	fake_free(ear);
	pairing_free(phone);
	phone = NULL;
	return 0;
}

static void
peer_on(const char *from, unsigned long long serial, const char *xml)
{
	ear->link = EAR_LINK_LAN;
	ear->level = EAR_KEYED;
	ear->link_serial = serial;
	fake_ask(ear, "set", from, xml);
	if (ear->rule != NULL)
		assert_int_equal(ear->rule->verb, EAR_VERB_PAIR);
}

static void
peer(const char *from, const char *xml)
{
	peer_on(from, 7, xml);
}

static void
program(const char *type, const char *xml)
{
	ear->link = EAR_LINK_LOCAL;
	ear->level = EAR_TRUSTED;
	fake_ask(ear, type, PROGRAM, xml);
	assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
}

/* One step with a text, and what the payload of its result says. */
static void
step(const char *name, const char *text)
{
	char xml[512];

	snprintf(xml, sizeof(xml), "<%s" NS ">%s</%s>", name, text, name);
	peer(PHONE, xml);
}

static const char *
result_text(const char *name)
{
	xmpp_stanza_t *payload = fake_result(ear);

	assert_true(ear_is(payload, name, EAR_NS_PAIRING));
	return ear_text(payload);
}

#define PAIR "<pair" NS " name='Phone'/>"

static void
begin(void)
{
	meet_phone();
	peer(PHONE, PAIR);
	assert_int_equal(pairing_take_commit(phone, result_text("commit")), 0);
}

/* Up to the digits on the screen. */
static void
begin_shown(void)
{
	char nonce[EAR_PAIRING_TEXT];

	begin();
	assert_int_equal(pairing_nonce(phone, nonce), 0);
	step("nonce", nonce);
	assert_null(fake_result(ear));
}

static void
read_screen(char code[EAR_CODE_SIZE])
{
	const char *at = strstr(screen, "pair: ");

	assert_non_null(at);
	snprintf(code, EAR_CODE_SIZE, "%.3s%.3s", at + 6, at + 10);
}

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

/* --- programs ------------------------------------------------------------------------------- */

static const char *
serial_of(void)
{
	static char serial[32];

	snprintf(serial, sizeof(serial), "%s", fake_attribute(fake_result(ear), "serial"));
	return serial;
}

static void
wait_after(const char *serial)
{
	char xml[256];

	snprintf(xml, sizeof(xml), "<pairings" CONTROL " after='%s'/>", serial);
	program("get", xml);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_code),
		TEST(test_wrong_digits),
		TEST(test_order),
		TEST(test_strangers),
		TEST(test_only_lan),
		TEST(test_busy),
		TEST(test_too_many),
		TEST(test_forgive),
		TEST(test_nonsense),
		TEST(test_large),
		TEST(test_stream_ends),
		TEST(test_pin_not_stored),
		TEST(test_names),
		TEST(test_no_screen),
		TEST(test_pairings),
		TEST(test_polls),
		TEST(test_send_away),
		TEST(test_token),
		TEST(test_token_wrong),
		TEST(test_token_expires),
		TEST(test_token_elsewhere),
		TEST(test_no_address),
		TEST(test_visitor_leaves),
		TEST(test_token_outlives_strangers),
		TEST(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
