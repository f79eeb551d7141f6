/* SPDX-License-Identifier: ISC */
/* test_reader_expat.c: what headers and stanzas become, and everything that must be refused. */
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
#include "tests/unit/wire/reader_fixture.h"

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
		TEST(test_root),
		TEST(test_not_well_formed),
		TEST(test_bad_bytes),
		TEST(test_cdata_between),
		TEST(test_restricted),
		TEST(test_huge_header),
		TEST(test_exact_size),
		TEST(test_deep),
		TEST(test_many_attributes),
		TEST(test_attribute_count),
		TEST(test_many_children),
		TEST_KNOWN(test_wide),
		TEST(test_long_namespace),
		TEST(test_caps_from_the_next_stanza),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
