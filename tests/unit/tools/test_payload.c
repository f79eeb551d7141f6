/* SPDX-License-Identifier: ISC */
/* test_payload.c: what is published, out of files and words, and what it says in one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "payload.h"

static xmpp_ctx_t *ctx;

static xmpp_stanza_t *
parse(const char *text)
{
	xmpp_stanza_t *out;
	const char *why = payload_parse(ctx, text, strlen(text), &out);

	assert_null(why);
	assert_non_null(out);
	return out;
}

static void
refuses(const char *text, size_t length, const char *want)
{
	xmpp_stanza_t *out = (xmpp_stanza_t *)text;
	const char *why = payload_parse(ctx, text, length, &out);

	assert_non_null(why);
	assert_null(out);
	if (strstr(why, want) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, want);
}

static void
refuses_text(const char *text, const char *want)
{
	refuses(text, strlen(text), want);
}

static void
test_xml(void **state)
{
	static const char *const good[] = {
		"<a xmlns='urn:x'/>",
		"\xef\xbb\xbf  \n<?xml version='1.0' encoding='UTF-8'?>\n<a xmlns='urn:x'/>\n",
		"<?xml version='1.0'?><z:a xmlns:z='urn:x'><z:b c='&lt;'/></z:a>",
		"<a xmlns='urn:x'><![CDATA[<b>]]></a>",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		xmpp_stanza_t *element = parse(good[i]);

		assert_true(ear_is(element, "a", "urn:x"));
		xmpp_stanza_release(element);
	}
}

static void
test_what_is_no_xml(void **state)
{
	char *large = xalloc(PAYLOAD_MAX + 64);

	refuses_text("", "no XML element");
	refuses_text("\xef\xbb\xbf", "no XML element");
	refuses_text("<?xml version='1.0'?>", "no XML element");
	refuses_text("<?xml", "well-formed");
	refuses_text("text", "well-formed");
	refuses_text("<a xmlns='urn:x'>", "well-formed");
	refuses_text("<a xmlns='urn:x'/>text", "well-formed");
	refuses_text("<a xmlns='urn:x'/></stream:stream>", "well-formed");
	refuses_text("<a/>", "namespace");
	refuses_text("<a xmlns=''/>", "namespace");
	refuses_text("<a xmlns='urn:x'/><b xmlns='urn:x'/>", "more than one");
	refuses_text("<a xmlns='urn:x'><!-- --></a>", "not for XMPP");
	refuses_text("<?php ?><a xmlns='urn:x'/>", "not for XMPP");
	refuses_text("<a xmlns='urn:x'>\xff</a>", "UTF-8");
	refuses("<a xmlns='urn:x'>\0</a>", 22, "well-formed");
	memset(large, ' ', PAYLOAD_MAX + 1);
	refuses(large, PAYLOAD_MAX + 1, "larger");
	free(large);
}

/* What it says, for the element as well as for what was parsed of its XML. */
static void
says(xmpp_stanza_t *payload, const char *want)
{
	char *xml = payload_xml(payload), *text = payload_summary(payload);
	xmpp_stanza_t *again = parse(xml);

	assert_string_equal(text, want);
	free(text);
	text = payload_summary(again);
	assert_string_equal(text, want);
	free(text);
	free(xml);
	xmpp_stanza_release(again);
	xmpp_stanza_release(payload);
}

static void
test_summaries(void **state)
{
	char *nothing = payload_summary(NULL);

	assert_string_equal(nothing, "");
	free(nothing);
	says(payload_text(ctx, "a <line> & more"), "a <line> & more");
	says(parse("<json xmlns='urn:xmpp:json:0'>{\"a\":1}</json>"), "{\"a\":1}");
	says(parse("<a xmlns='urn:x'><b>c</b></a>"), "<a xmlns=\"urn:x\"><b>c</b></a>");
	says(parse("<entry xmlns='" EAR_NS_ATOM "'/>"), "(no title)");
	says(parse("<entry xmlns='" EAR_NS_ATOM "'><title/><link/></entry>"), "");
	says(parse("<entry xmlns='" EAR_NS_ATOM "'><title>T</title><link href='u:v'/></entry>"),
	     "T <u:v>");
	says(parse("<entry xmlns='urn:other'><title>T</title></entry>"),
	     "<entry xmlns=\"urn:other\"><title>T</title></entry>");
}

static const char *
child_text(xmpp_stanza_t *element, const char *name)
{
	xmpp_stanza_t *child = ear_find(element, name, EAR_NS_ATOM);

	return child == NULL ? NULL : ear_text(child);
}

static void
test_entry(void **state)
{
	struct entry entry = {
		.title = "Title & more",
		.content = "Content",
		.summary = "Summary",
		.link = "http://example.org/?a=1&b=2",
		.author = "tv@example.org",
		.address = "pubsub.example.org",
		.node = "news",
		.item = "one",
		.updated = 1784642702,
		.is_new = true,
	};
	xmpp_stanza_t *element = payload_entry(ctx, &entry), *author;
	char *id = xstrdup(child_text(element, "id"));

	assert_string_equal(child_text(element, "title"), "Title & more");
	assert_string_equal(child_text(element, "content"), "Content");
	assert_string_equal(child_text(element, "summary"), "Summary");
	assert_string_equal(child_text(element, "updated"), "2026-07-21T14:05:02Z");
	assert_string_equal(child_text(element, "published"), "2026-07-21T14:05:02Z");
	author = ear_find(element, "author", EAR_NS_ATOM);
	assert_string_equal(child_text(author, "name"), "tv@example.org");
	assert_string_equal(child_text(author, "uri"), "xmpp:tv@example.org");
	says(element, "Title & more <http://example.org/?a=1&b=2>");

	/* RFC 9562 §4: version 8, variant 10. */
	assert_int_equal(strlen(id), 9 + 36);
	assert_int_equal(id[9 + 14], '8');
	assert_non_null(strchr("89ab", id[9 + 19]));

	/* The same item has the same id, whatever is in it now; another one another. */
	entry = (struct entry){
		.title = "Other", .address = "pubsub.example.org", .node = "news", .item = "one"
	};
	element = payload_entry(ctx, &entry);
	assert_string_equal(child_text(element, "id"), id);
	assert_null(child_text(element, "published"));
	assert_null(ear_find(element, "author", EAR_NS_ATOM));
	xmpp_stanza_release(element);
	entry.item = "two";
	element = payload_entry(ctx, &entry);
	assert_string_not_equal(child_text(element, "id"), id);
	xmpp_stanza_release(element);
	free(id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_what_is_no_xml),
		cmocka_unit_test(test_summaries),
		cmocka_unit_test(test_entry),
	};
	int rc;

	xmpp_initialize();
	ctx = xmpp_ctx_new(NULL, NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	xmpp_shutdown();
	return rc;
}
