/* SPDX-License-Identifier: ISC */
/* test_reader.c: bytes in whatever pieces, rest and reset, and what never comes to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "tests/unit/wire/reader_fixture.h"

static void
test_several(void **state)
{
	struct fixture *f = *state;
	const char *all = HEADER " \n<a/>\t<b>x</b><c/>\n</stream:stream>\n";

	assert_int_equal(reader_feed(f->reader, all, strlen(all)), 0);
	assert_int_equal(f->seen.stanzas, 3);
	assert_int_equal(f->seen.ends, 1);
	assert_string_equal(f->seen.log, "<a/><b>x</b><c/>");
	assert_int_equal(reader_feed(f->reader, " \r\n", 3), 0);
	assert_int_equal(reader_feed(f->reader, "<", 1), -ESHUTDOWN);
	assert_non_null(reader_error(f->reader));
}

static void
test_bytes_behind_the_end(void **state)
{
	struct fixture *f = *state;

	expect(f, HEADER "</stream:stream><message/>", -ESHUTDOWN, "not-well-formed");
	assert_int_equal(f->seen.ends, 2);
	assert_int_equal(f->seen.stanzas, 0);
}

static void
test_between(void **state)
{
	struct fixture *f = *state;

	assert_true(reader_is_between(f->reader));
	trickle(f, HEADER);
	trickle(f, " \n");
	assert_true(reader_is_between(f->reader));
	trickle(f, "<");
	assert_false(reader_is_between(f->reader));
	trickle(f, "message><body>");
	assert_false(reader_is_between(f->reader));
	trickle(f, "</body></message>");
	assert_true(reader_is_between(f->reader));
}

/* A complete stanza is delivered at once, however it was cut: no waiting for more bytes. */
static void
test_no_deferral(void **state)
{
	struct fixture *f = *state;
	const char *stanza = "<message to='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'/>";
	size_t length = strlen(stanza);

	trickle(f, HEADER);
	for (size_t cut = 1; cut < length; cut++) {
		reader_feed(f->reader, stanza, cut);
		assert_int_equal(f->seen.stanzas, cut - 1);
		reader_feed(f->reader, stanza + cut, length - cut);
		assert_int_equal(f->seen.stanzas, cut);
	}
}

static void
test_callback_stops(void **state)
{
	struct fixture *f = *state;
	const char *all = HEADER "<a/><b/><c/>";

	f->seen.stop = 77;
	assert_int_equal(reader_feed(f->reader, all, strlen(all)), 77);
	assert_int_equal(f->seen.stanzas, 1);
	assert_null(reader_error(f->reader));
	assert_int_equal(reader_feed(f->reader, "<d/>", 4), 77);
	assert_int_equal(f->seen.stanzas, 1);
}

static void
test_reset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(trickle(f, HEADER "<message><body>half"), 0);
	reader_reset(f->reader);
	assert_true(reader_is_between(f->reader));
	assert_int_equal(trickle(f, HEADER "<presence/>"), 0);
	assert_int_equal(f->seen.headers, 2);
	assert_string_equal(f->seen.log, "<presence/>");
}

static void
test_rest(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER "<a/>");
	for (int i = 0; i < 3; i++) {
		reader_rest(f->reader);
		reader_rest(f->reader);
		assert_true(reader_is_between(f->reader));
		assert_int_equal(trickle(f, "<message><stream:x/><y>z</y></message>"), 0);
	}
	trickle(f, "<half");
	reader_rest(f->reader);
	assert_int_equal(trickle(f, "/>"), 0);
	assert_int_equal(f->seen.stanzas, 5);
	assert_int_equal(f->seen.headers, 1);
	reader_rest(f->reader);
	assert_int_equal(trickle(f, "</stream:stream>"), 0);
	assert_int_equal(f->seen.ends, 1);
}

static void
test_rest_caps(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER);
	reader_rest(f->reader);
	assert_int_equal(trickle(f, "<a b='"), 0);
	for (size_t i = 0; i < reader_caps_unknown.stanza_bytes - 6; i++)
		assert_int_equal(reader_feed(f->reader, "x", 1), 0);
	assert_int_equal(reader_feed(f->reader, "x", 1), -EMSGSIZE);
}

/* Other prefixes than usual cannot be made again, so nothing may be forgotten. */
static void
test_rest_unusual(void **state)
{
	struct fixture *f = *state;

	trickle(f, "<s:stream xmlns='jabber:client' xmlns:s='" EAR_NS_STREAM "' "
		   "xmlns:mine='urn:mine'>");
	reader_rest(f->reader);
	assert_int_equal(trickle(f, "<message><mine:x/></message></s:stream>"), 0);
	assert_non_null(ear_find(f->seen.last, "x", "urn:mine"));
	assert_int_equal(f->seen.ends, 1);
}

static void
test_encoding(void **state)
{
	static const char le[] = "<\0s\0", be[] = "\0<\0s", bom[] = "\xfe\xff\0<",
			  blank[] = " \0<\0";
	struct fixture *f = *state;

	expect(f, "<?xml version='1.0' encoding='ISO-8859-1'?>", -EILSEQ, "unsupported-encoding");
	expect(f, "<?xml version='1.0' encoding='UTF-16'?>", -EILSEQ, "unsupported-encoding");
	expect_bytes(f, le, 4, -EILSEQ, "unsupported-encoding");
	expect_bytes(f, be, 4, -EILSEQ, "unsupported-encoding");
	expect_bytes(f, bom, 4, -EILSEQ, "unsupported-encoding");
	expect_bytes(f, blank, 4, -EILSEQ, "unsupported-encoding");
	expect(f, "<?xml version='1.0' encoding='utf-8'?>", 0, NULL);
}

static void
test_huge_text(void **state)
{
	struct fixture *f = *state;
	char block[1024];
	size_t sent = 0;
	int result;

	memset(block, 'x', sizeof(block));
	result = trickle(f, HEADER "<message><body>");
	for (; result == 0 && sent < 10 * 1024 * 1024; sent += sizeof(block))
		result = reader_feed(f->reader, block, sizeof(block));
	expect_too_much(f, result);
	assert_in_range(sent, 15 * 1024, 17 * 1024);
}

static void
test_huge_attribute(void **state)
{
	struct fixture *f = *state;
	size_t sent = 0;
	int result = trickle(f, HEADER "<message id='");

	for (; result == 0 && sent < 10 * 1024 * 1024; sent++)
		result = reader_feed(f->reader, "x", 1);
	expect_too_much(f, result);
	assert_in_range(sent, 16 * 1024 - 16, 16 * 1024 + 1);
}

static void
test_huge_name(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER "<");
	expect_too_much(f, repeat(f, "abcdefgh", 1024 * 1024));
}

static void
test_space_is_free(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER);
	assert_int_equal(repeat(f, " \n", 200 * 1024), 0);
	assert_true(reader_is_between(f->reader));
	assert_int_equal(trickle(f, "<a/>"), 0);
	assert_int_equal(f->seen.stanzas, 1);
}

/* Guards against the square of a tag's length: minutes if expat scanned it anew for each byte. */
static void
test_trickled_tag(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER "<message id='");
	assert_int_equal(repeat(f, ">", 200 * 1024), 0);
	assert_int_equal(trickle(f, "'/>"), 0);
	assert_int_equal(strlen(xmpp_stanza_get_id(f->seen.last)), 200 * 1024);
	assert_int_equal(trickle(f, "<message>&"), 0);
	assert_int_equal(repeat(f, "a", 200 * 1024), 0);
	assert_int_equal(trickle(f, ";"), -EPROTO);
}

/* --- a new stream behind <auth/> --- */

struct again {
	struct reader *reader;
	char log[512];
};

static void
note(struct again *again, const char *text)
{
	size_t used = strlen(again->log);

	copy_text(again->log + used, sizeof(again->log) - used, text);
}

static int
on_again_header(void *arg, const struct reader_header *header)
{
	note(arg, "{");
	return 0;
}

static int
on_again_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct again *again = arg;

	note(again, xmpp_stanza_get_name(stanza));
	note(again, ",");
	if (strcmp(xmpp_stanza_get_name(stanza), "auth") == 0)
		reader_restart(again->reader);
	return 0;
}

static int
on_again_end(void *arg)
{
	note(arg, "}");
	return 0;
}

static const struct reader_events again_events = { .header = on_again_header,
						   .stanza = on_again_stanza,
						   .end = on_again_end };

static int
feed_in_pieces(struct again *again, xmpp_ctx_t *ctx, const char *text, size_t a, size_t b)
{
	size_t length = strlen(text);
	int result;

	again->log[0] = '\0';
	again->reader = reader_new(ctx, &reader_caps_unknown, &again_events, again);
	result = reader_feed(again->reader, text, a);
	if (result == 0)
		result = reader_feed(again->reader, text + a, b - a);
	if (result == 0)
		result = reader_feed(again->reader, text + b, length - b);
	reader_free(again->reader);
	return result;
}

/* Wherever the network cuts it: what is behind <auth/> is the new stream. */
static void
test_restart(void **state)
{
	static const char *const all[] = {
		HEADER "<auth>=</auth>" HEADER "<a/><auth/>\n " HEADER "<b/></stream:stream>",
		HEADER "<auth/>" HEADER "<auth x='1'/>" HEADER "<c/></stream:stream> \n",
	};
	static const char *const wanted[] = { "{auth,{a,auth,{b,}", "{auth,{auth,{c,}" };
	struct fixture *f = *state;
	struct again again;

	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(all[i]);

		for (size_t a = 0; a <= length; a += 3) {
			for (size_t b = a; b <= length; b++) {
				assert_int_equal(feed_in_pieces(&again, f->ctx, all[i], a, b), 0);
				assert_string_equal(again.log, wanted[i]);
			}
		}
	}
}

/* The new stream is as strict as the first. */
static void
test_restart_and_nonsense(void **state)
{
	static const struct {
		const char *text;
		int result;
	} bad[] = {
		{ HEADER "<auth/><message/>", -ENOMSG },
		{ HEADER "<auth/></stream:stream>", -EBADMSG },
		{ HEADER "<auth/>x", -EBADMSG },
		{ HEADER "<auth/><!DOCTYPE x>", -EPROTO },
		{ HEADER "<auth/><?xml version='1.0' encoding='UTF-16'?>", -EILSEQ },
	};
	struct fixture *f = *state;
	struct again again;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t length = strlen(bad[i].text);

		for (size_t a = 0; a <= length; a++) {
			assert_int_equal(feed_in_pieces(&again, f->ctx, bad[i].text, a, a),
					 bad[i].result);
			assert_string_equal(again.log, "{auth,");
		}
	}
}

/* A long one that was put aside in pieces ends the old stream too. */
static void
test_restart_behind_a_long_one(void **state)
{
	struct fixture *f = *state;
	struct again again = { 0 };
	char tag[4096] = "<auth a='";
	size_t start = strlen(tag);

	memset(tag + start, 'x', 4000 - start);
	memcpy(tag + 4000, "'/>", 4);
	again.reader = reader_new(f->ctx, &reader_caps_unknown, &again_events, &again);
	assert_int_equal(reader_feed(again.reader, HEADER, strlen(HEADER)), 0);
	for (size_t i = 0; i < 4001; i++)
		assert_int_equal(reader_feed(again.reader, tag + i, 1), 0);
	assert_int_equal(reader_feed(again.reader, "/>" HEADER "<b/>", 2 + strlen(HEADER) + 4), 0);
	assert_string_equal(again.log, "{auth,{b,");
	reader_free(again.reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_several),
		TEST(test_bytes_behind_the_end),
		TEST(test_between),
		TEST(test_no_deferral),
		TEST(test_callback_stops),
		TEST(test_reset),
		TEST(test_rest),
		TEST(test_rest_caps),
		TEST(test_rest_unusual),
		TEST(test_encoding),
		TEST(test_huge_text),
		TEST(test_huge_attribute),
		TEST(test_huge_name),
		TEST(test_space_is_free),
		TEST_KNOWN(test_trickled_tag),
		TEST(test_restart),
		TEST(test_restart_and_nonsense),
		TEST(test_restart_behind_a_long_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
