/* SPDX-License-Identifier: ISC */
/* test_reader.c: streams whole and byte by byte, the caps, and everything that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "wire/reader.h"

#define HEADER                                                                                     \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                               \
	"xmlns:stream='http://etherx.jabber.org/streams' to='juliet@pronto' from='romeo@forza' "   \
	"version='1.0'>"

/* What a stream said; stanzas as text, one behind the other. */
struct seen {
	int headers, stanzas, ends;
	int stop; /* what on_stanza returns */
	char to[64], from[64], version[16], lang[16];
	char log[4096];
	xmpp_stanza_t *last;
};

struct fixture {
	xmpp_ctx_t *ctx;
	struct reader *reader;
	struct seen seen;
};

static void
copy(char *out, size_t size, const char *text)
{
	copy_text(out, size, text == NULL ? "-" : text);
}

static int
on_header(void *arg, const struct reader_header *header)
{
	struct seen *seen = arg;

	seen->headers++;
	copy(seen->to, sizeof(seen->to), header->to);
	copy(seen->from, sizeof(seen->from), header->from);
	copy(seen->version, sizeof(seen->version), header->version);
	copy(seen->lang, sizeof(seen->lang), header->lang);
	assert_string_equal(header->ns, EAR_NS_CLIENT);
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct seen *seen = arg;
	size_t used = strlen(seen->log), n;
	char *text;

	seen->stanzas++;
	assert_int_equal(xmpp_stanza_to_text(stanza, &text, &n), XMPP_EOK);
	copy_text(seen->log + used, sizeof(seen->log) - used, text);
	xmpp_free(xmpp_stanza_get_context(stanza), text);
	if (seen->last != NULL)
		xmpp_stanza_release(seen->last);
	seen->last = xmpp_stanza_clone(stanza);
	return seen->stop;
}

static int
on_end(void *arg)
{
	((struct seen *)arg)->ends++;
	return 0;
}

static const struct reader_events events = { .header = on_header,
					     .stanza = on_stanza,
					     .end = on_end };

static int
set_up_caps(void **state, const struct reader_caps *caps)
{
	struct fixture *f = xalloc(sizeof(*f));

	f->ctx = xmpp_ctx_new(NULL, NULL);
	f->reader = reader_new(f->ctx, caps, &events, &f->seen);
	*state = f;
	return 0;
}

static int
set_up(void **state)
{
	return set_up_caps(state, &reader_caps_unknown);
}

static int
set_up_known(void **state)
{
	return set_up_caps(state, &reader_caps_known);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->seen.last != NULL)
		xmpp_stanza_release(f->seen.last);
	reader_free(f->reader);
	xmpp_ctx_free(f->ctx);
	free(f);
	return 0;
}

/* One byte at a time: what sockets of tests deliver by default. */
static int
trickle_bytes(struct fixture *f, const char *bytes, size_t length)
{
	int result = 0;

	for (size_t i = 0; i < length && result == 0; i++)
		result = reader_feed(f->reader, bytes + i, 1);
	return result;
}

static int
trickle(struct fixture *f, const char *text)
{
	return trickle_bytes(f, text, strlen(text));
}

/* The same from the start in one piece and byte by byte; both must end alike. */
static void
expect_bytes(struct fixture *f, const char *bytes, size_t length, int result, const char *condition)
{
	for (int whole = 0; whole < 2; whole++) {
		int stanzas;

		reader_reset(f->reader);
		assert_int_equal(whole ? reader_feed(f->reader, bytes, length)
				       : trickle_bytes(f, bytes, length),
				 result);
		if (condition == NULL)
			assert_null(reader_error(f->reader));
		else
			assert_string_equal(reader_error(f->reader), condition);
		/* A reader that has refused goes on refusing, and holds nothing. */
		stanzas = f->seen.stanzas;
		if (result != 0) {
			assert_int_equal(reader_feed(f->reader, "<a/>", 4), result);
			assert_int_equal(f->seen.stanzas, stanzas);
		}
	}
}

static void
expect(struct fixture *f, const char *text, int result, const char *condition)
{
	expect_bytes(f, text, strlen(text), result, condition);
}

static void
test_header(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(trickle(f, HEADER), 0);
	assert_int_equal(f->seen.headers, 1);
	assert_string_equal(f->seen.to, "juliet@pronto");
	assert_string_equal(f->seen.from, "romeo@forza");
	assert_string_equal(f->seen.version, "1.0");
	assert_string_equal(f->seen.lang, "-");
	assert_true(reader_is_between(f->reader));
}

/* libpurple's header: no version, no id, a declaration with encoding and a line end. */
static void
test_header_of_libpurple(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(trickle(f, "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<stream:stream "
				    "xmlns=\"jabber:client\" xmlns:stream="
				    "\"http://etherx.jabber.org/streams\" xml:lang='de'>"),
			 0);
	assert_int_equal(f->seen.headers, 1);
	assert_string_equal(f->seen.from, "-");
	assert_string_equal(f->seen.lang, "de");
}

static void
test_stanza(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(trickle(f, HEADER "<message to='a@b' xml:lang='en'><body>one &lt; "
					   "<![CDATA[two]]> &#x26;\nthree</body>"
					   "<x xmlns='urn:x'><y/><z xmlns='urn:z'/></x></message>"),
			 0);
	assert_int_equal(f->seen.stanzas, 1);
	assert_true(ear_is(f->seen.last, "message", EAR_NS_CLIENT));
	assert_string_equal(xmpp_stanza_get_attribute(f->seen.last, "xml:lang"), "en");
	assert_string_equal(ear_text(ear_find(f->seen.last, "body", NULL)), "one < two &\nthree");
	/* Adjacent character data is one node. */
	assert_null(xmpp_stanza_get_next(
		xmpp_stanza_get_children(ear_find(f->seen.last, "body", NULL))));
	assert_non_null(ear_find(ear_find(f->seen.last, "x", "urn:x"), "y", NULL));
	assert_non_null(ear_find(ear_find(f->seen.last, "x", "urn:x"), "z", "urn:z"));
}

static void
test_stream_namespace(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(trickle(f, HEADER "<stream:features><s xmlns='urn:s'/>"
					   "</stream:features>"),
			 0);
	assert_true(ear_is(f->seen.last, "features", EAR_NS_STREAM));
	assert_non_null(ear_find(f->seen.last, "s", "urn:s"));
}

static void
test_no_namespace(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(trickle(f, HEADER "<message><a xmlns=''/></message>"), 0);
	assert_string_equal(xmpp_stanza_get_ns(ear_first(f->seen.last)), "");
}

/* An attribute of another namespace may not pass for one of ours. */
static void
test_foreign_attribute(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(trickle(f, HEADER "<message xmlns:x='urn:x' x:from='king@court' "
					   "x:id='1' id='2'/>"),
			 0);
	assert_null(xmpp_stanza_get_from(f->seen.last));
	assert_string_equal(xmpp_stanza_get_id(f->seen.last), "2");
	assert_int_equal(xmpp_stanza_get_attribute_count(f->seen.last), 2);
}

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
test_root(void **state)
{
	struct fixture *f = *state;

	expect(f, "<message/>", -ENOMSG, "invalid-xml");
	expect(f, "<stream:stream xmlns='jabber:client' xmlns:stream='urn:x'>", -ENOMSG,
	       "invalid-namespace");
	expect(f, "<stream:stream xmlns='jabber:server' xmlns:stream='" EAR_NS_STREAM "'>", -ENOMSG,
	       "invalid-namespace");
	expect(f, "<stream:stream xmlns:stream='" EAR_NS_STREAM "'>", -ENOMSG, "invalid-namespace");
	expect(f, "<stream:stream xmlns='jabber:client'>", -ENOMSG, "bad-namespace-prefix");
	expect(f, "GET / HTTP/1.1\r\n\r\n", -EBADMSG, "not-well-formed");
	assert_int_equal(f->seen.headers, 0);
}

static void
test_not_well_formed(void **state)
{
	struct fixture *f = *state;

	expect(f, HEADER "<a></b>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a b=c/>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a b='1' b='2'/>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a b='<'/>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>]]></a>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>&#1;</a>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>&#0;</a>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<p:a/>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a p:b='1'/>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "</message>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a/>text<b/>", -EBADMSG, "bad-format");
}

static void
test_bad_bytes(void **state)
{
	static const char nul[] = HEADER "<a>x\0y</a>", late[] = HEADER "<a b='\0'/>";
	struct fixture *f = *state;

	expect_bytes(f, nul, sizeof(nul) - 1, -EBADMSG, "not-well-formed");
	expect_bytes(f, late, sizeof(late) - 1, -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>\xff</a>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>\xc0\xaf</a>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>\xed\xa0\x80</a>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>\xe2\x82</a>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a b='\xf5\x80\x80\x80'/>", -EBADMSG, "not-well-formed");
	expect(f, HEADER "<a>\x01</a>", -EBADMSG, "not-well-formed");
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

/* Space in one is no keepalive: a reader that rested there would forget that it has not ended. */
static void
test_cdata_between(void **state)
{
	struct fixture *f = *state;

	expect(f, HEADER "<![CDATA[ <iq/>]]>", -EBADMSG, "bad-format");
	expect(f, HEADER "<a/><![CDATA[\n]]>", -EBADMSG, "bad-format");
	assert_int_equal(f->seen.stanzas, 2);
	reader_reset(f->reader);
	trickle(f, HEADER "<![CDATA[ ");
	reader_rest(f->reader);
	assert_int_equal(trickle(f, "<b/>"), -EBADMSG);
	assert_int_equal(f->seen.stanzas, 2);
}

/* RFC 6120 §11.1. */
static void
test_restricted(void **state)
{
	struct fixture *f = *state;

	expect(f, "<!DOCTYPE a>", -EPROTO, "restricted-xml");
	expect(f, "<!DOCTYPE a SYSTEM 'file:///etc/passwd'>", -EPROTO, "restricted-xml");
	expect(f, "<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY l '&lol;&lol;&lol;'>]>", -EPROTO,
	       "restricted-xml");
	expect(f, "<!-- hello --><stream:stream>", -EPROTO, "restricted-xml");
	expect(f, HEADER "<a>&lol;</a>", -EPROTO, "restricted-xml");
	expect(f, HEADER "<a b='&lol;'/>", -EPROTO, "restricted-xml");
	expect(f, HEADER "<!-- hello -->", -EPROTO, "restricted-xml");
	expect(f, HEADER "<a><?php 1 ?></a>", -EPROTO, "restricted-xml");
	expect(f, HEADER "<a>&amp;&lt;&gt;&quot;&apos;</a>", 0, NULL);
}

/* Feeds count copies of text; what came of it. */
static int
repeat(struct fixture *f, const char *text, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = reader_feed(f->reader, text, strlen(text));
	return result;
}

static void
expect_too_much(struct fixture *f, int result)
{
	assert_int_equal(result, -EMSGSIZE);
	assert_string_equal(reader_error(f->reader), "policy-violation");
	assert_int_equal(f->seen.stanzas, 0);
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
test_huge_header(void **state)
{
	struct fixture *f = *state;

	trickle(f, "<stream:stream to='");
	expect_too_much(f, repeat(f, "abcdefgh", 1024 * 1024));
	reader_reset(f->reader);
	expect_too_much(f, repeat(f, "   \n", 1024 * 1024));
}

static void
test_exact_size(void **state)
{
	struct fixture *f = *state;
	size_t cap = reader_caps_unknown.stanza_bytes;
	char *stanza = xalloc(cap + 2);

	memset(stanza, 'x', cap + 1);
	memcpy(stanza, "<a>", 3);
	memcpy(stanza + cap - 4, "</a>", 4);
	trickle(f, HEADER "  ");
	assert_int_equal(reader_feed(f->reader, stanza, cap), 0);
	assert_int_equal(trickle_bytes(f, stanza, cap), 0);
	assert_int_equal(f->seen.stanzas, 2);
	memset(stanza + cap - 4, 'x', 4);
	memcpy(stanza + cap - 3, "</a>", 4);
	assert_int_equal(reader_feed(f->reader, stanza, cap + 1), -EMSGSIZE);
	assert_int_equal(f->seen.stanzas, 2);
	free(stanza);
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

static void
test_deep(void **state)
{
	struct fixture *f = *state;

	reader_feed(f->reader, HEADER, strlen(HEADER));
	expect_too_much(f, repeat(f, "<a>", 10000));
	reader_reset(f->reader);
	trickle(f, HEADER);
	assert_int_equal(repeat(f, "<a>", 16), 0);
	assert_int_equal(repeat(f, "</a>", 16), 0);
	assert_int_equal(f->seen.stanzas, 1);
}

static void
test_many_attributes(void **state)
{
	struct fixture *f = *state;
	size_t room = 100000 * 12;
	char *tag = xalloc(room + 64);
	size_t n = (size_t)snprintf(tag, room, "<a");

	for (int i = 0; i < 100000; i++)
		n += (size_t)snprintf(tag + n, room - n, " a%d=''", i);
	tag[n++] = '>';
	reader_feed(f->reader, HEADER, strlen(HEADER));
	expect_too_much(f, reader_feed(f->reader, tag, n));
	free(tag);
}

/* Within the bytes, over the count; namespace declarations count too. */
static void
test_attribute_count(void **state)
{
	struct fixture *f = *state;
	char tag[1024];
	size_t n = 2;

	memcpy(tag, "<a", 2);
	for (int i = 0; i < 32; i++)
		n += (size_t)snprintf(tag + n, sizeof(tag) - n,
				      i % 2 ? " a%d=''" : " xmlns:a%d='u'", i);
	reader_feed(f->reader, HEADER, strlen(HEADER));
	memcpy(tag + n, "/>", 2);
	assert_int_equal(reader_feed(f->reader, tag, n + 2), 0);
	assert_int_equal(f->seen.stanzas, 1);
	memcpy(tag + n, " b=''/>", 7);
	assert_int_equal(reader_feed(f->reader, tag, n + 7), -EMSGSIZE);
}

static void
test_many_children(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER "<message>");
	assert_int_equal(repeat(f, "<a/>", 128), 0);
	expect_too_much(f, reader_feed(f->reader, "<a/>", 4));
}

/* libstrophe appends in linear time: thousands of nodes in one element would take seconds. */
static void
test_wide(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER "<message>");
	assert_int_equal(repeat(f, "<a/>x", 512), 0);
	expect_too_much(f, repeat(f, "<a/>x", 2));
}

/* Each element gets a copy of its namespace: a long one would multiply. */
static void
test_long_namespace(void **state)
{
	struct fixture *f = *state;
	char ns[600];

	memset(ns, 'n', sizeof(ns) - 1);
	ns[sizeof(ns) - 1] = '\0';
	trickle(f, HEADER "<message xmlns:n='");
	trickle(f, ns);
	assert_int_equal(trickle(f, "'>"), 0);
	expect_too_much(f, trickle(f, "<n:a/>"));
}

static void
test_caps_from_the_next_stanza(void **state)
{
	struct fixture *f = *state;

	trickle(f, HEADER "<a>");
	reader_set_caps(f->reader, &reader_caps_known);
	assert_int_equal(trickle(f, "</a><a>"), 0);
	assert_int_equal(repeat(f, "<b/>", 1000), 0);
	reader_set_caps(f->reader, &reader_caps_unknown);
	assert_int_equal(trickle(f, "</a>"), 0);
	assert_int_equal(f->seen.stanzas, 2);
	f->seen.stanzas = 0;
	trickle(f, "<a>");
	expect_too_much(f, repeat(f, "<b/>", 1000));
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

#define TEST(name)       cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_KNOWN(name) cmocka_unit_test_setup_teardown(name, set_up_known, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_header),
		TEST(test_header_of_libpurple),
		TEST(test_stanza),
		TEST(test_stream_namespace),
		TEST(test_no_namespace),
		TEST(test_foreign_attribute),
		TEST(test_several),
		TEST(test_bytes_behind_the_end),
		TEST(test_between),
		TEST(test_no_deferral),
		TEST(test_callback_stops),
		TEST(test_reset),
		TEST(test_rest),
		TEST(test_rest_caps),
		TEST(test_rest_unusual),
		TEST(test_root),
		TEST(test_not_well_formed),
		TEST(test_bad_bytes),
		TEST(test_encoding),
		TEST(test_cdata_between),
		TEST(test_restricted),
		TEST(test_huge_text),
		TEST(test_huge_attribute),
		TEST(test_huge_name),
		TEST(test_huge_header),
		TEST(test_exact_size),
		TEST(test_space_is_free),
		TEST(test_deep),
		TEST(test_many_attributes),
		TEST(test_attribute_count),
		TEST(test_many_children),
		TEST_KNOWN(test_wide),
		TEST(test_long_namespace),
		TEST(test_caps_from_the_next_stanza),
		TEST_KNOWN(test_trickled_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
