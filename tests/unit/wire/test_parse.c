/* SPDX-License-Identifier: ISC */
/* test_parse.c: what the writer makes of a stanza comes back as that stanza. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/buffer.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "wire/parse.h"
#include "wire/writer.h"

static xmpp_ctx_t *ctx;

static int
setup(void **state)
{
	ctx = xmpp_ctx_new(NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	xmpp_ctx_free(ctx);
	return 0;
}

/* Writes, parses, writes again. */
static void
check_same(xmpp_stanza_t *stanza)
{
	struct evbuffer *first = evbuffer_new(), *second = evbuffer_new();
	size_t length;
	xmpp_stanza_t *back;

	assert_int_equal(writer_stanza(first, stanza, PARSE_MAX), 0);
	length = evbuffer_get_length(first);
	back = parse_stanza(ctx, (char *)evbuffer_pullup(first, -1), length);
	assert_non_null(back);
	assert_string_equal(xmpp_stanza_get_ns(back), xmpp_stanza_get_ns(stanza));
	assert_int_equal(writer_stanza(second, back, PARSE_MAX), 0);
	assert_int_equal(evbuffer_get_length(second), length);
	xmpp_stanza_release(back);
	xmpp_stanza_release(stanza);
	evbuffer_free(first);
	evbuffer_free(second);
}

static void
test_message(void **state)
{
	xmpp_stanza_t *stanza = ear_stanza(ctx, "message", "chat", "juliet@pronto", "a1");

	xmpp_stanza_set_attribute(stanza, "xml:lang", "de");
	ear_child_text(stanza, "body", NULL, "<&>\"'\r\n\t \xc3\xa4 \xf0\x9f\x8e\xb5");
	check_same(stanza);
}

static void
test_namespaces(void **state)
{
	xmpp_stanza_t *stanza = ear_stanza(ctx, "iq", "get", "juliet@pronto", "a2");
	xmpp_stanza_t *query = ear_child(stanza, "query", EAR_NS_DISCO_INFO);

	ear_set(ear_child(query, "feature", NULL), "var", "%s", EAR_NS_PING);
	ear_child_text(query, "x", EAR_NS_CLIENT, "back in the namespace of the stream");
	check_same(stanza);
}

/* As many nodes, and as deep, as there is room for. */
static void
test_bounds(void **state)
{
	xmpp_stanza_t *wide = ear_stanza(ctx, "message", NULL, NULL, "a3");
	xmpp_stanza_t *deep = ear_stanza(ctx, "message", NULL, NULL, "a4"), *at = deep;

	for (int i = 0; i < 390; i++) {
		xmpp_stanza_t *text = xmpp_stanza_new(ctx);

		ear_child(wide, "a", NULL);
		xmpp_stanza_set_text(text, "b");
		xmpp_stanza_add_child_ex(wide, text, 0);
	}
	check_same(wide);
	for (int i = 0; i < 250; i++)
		at = ear_child(at, "a", NULL);
	check_same(deep);
}

static void
test_long(void **state)
{
	xmpp_stanza_t *stanza = ear_stanza(ctx, "iq", "result", NULL, "a5"), *back;
	xmpp_stanza_t *query = ear_child(stanza, "query", EAR_NS_DISCO_INFO);
	struct evbuffer *out = evbuffer_new();
	const char *bytes;
	size_t length;

	for (int i = 0; i < 500; i++)
		ear_set(ear_child(query, "feature", NULL), "var", "%s#%d", EAR_NS_PING, i);
	assert_int_equal(writer_stanza(out, stanza, 65536), 0);
	length = evbuffer_get_length(out);
	bytes = (char *)evbuffer_pullup(out, -1);
	assert_true(length > 4 * PARSE_MAX);
	assert_null(parse_stanza(ctx, bytes, length));
	back = parse_long(ctx, bytes, length);
	assert_non_null(back);
	assert_string_equal(xmpp_stanza_get_id(back), "a5");
	xmpp_stanza_release(back);
	xmpp_stanza_release(stanza);
	evbuffer_free(out);
}

static void
check_none(const char *text)
{
	assert_null(parse_stanza(ctx, text, strlen(text)));
}

static void
test_none(void **state)
{
	check_none("");
	check_none("<message>");
	check_none("<message/><message/>");
	check_none("<message/><message");
	check_none("<message></iq>");
	check_none("</stream:stream>");
	check_none("<message/></stream:stream>");
}

/* What is rendered means the same wherever it is put, and comes back as it was. */
static void
check_element(const char *xml, const char *text)
{
	xmpp_stanza_t *element, *back;
	char *rendered, *again;
	char *whole =
		xasprintf("<message><item xmlns='urn:example:around'>%s</item></message>", xml);
	xmpp_stanza_t *message = parse_stanza(ctx, whole, strlen(whole));

	assert_non_null(message);
	element = ear_first(ear_first(message));
	rendered = ear_render(element, strlen(text));
	assert_non_null(rendered);
	assert_string_equal(rendered, text);
	assert_null(ear_render(element, strlen(text) - 1));
	back = ear_parse(ctx, rendered);
	assert_non_null(back);
	again = ear_render(back, SIZE_MAX);
	assert_string_equal(again, text);
	xmpp_stanza_release(back);
	xmpp_stanza_release(message);
	free(again);
	free(rendered);
	free(whole);
}

static void
test_element(void **state)
{
	check_element("<a/>", "<a xmlns=\"urn:example:around\"/>");
	check_element("<a xmlns='urn:example:a'><b>1 &lt; 2</b><b xmlns='urn:example:b'/></a>",
		      "<a xmlns=\"urn:example:a\"><b>1 &lt; 2</b><b xmlns=\"urn:example:b\"/></a>");
	check_element("<p:a xmlns:p='urn:example:a' q='1&#10;2' xml:lang='de'><p:b/></p:a>",
		      "<a q=\"1&#10;2\" xml:lang=\"de\" xmlns=\"urn:example:a\"><b/></a>");
	check_element("<a xmlns='jabber:client'/>", "<a xmlns=\"jabber:client\"/>");
	check_element("<a xmlns=''/>", "<a xmlns=\"\"/>");
	assert_null(ear_parse(ctx, ""));
	assert_null(ear_parse(ctx, "text"));
	assert_null(ear_parse(ctx, "<a/><b/>"));
	assert_null(ear_parse(ctx, "<a>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message), cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_bounds),  cmocka_unit_test(test_long),
		cmocka_unit_test(test_none),    cmocka_unit_test(test_element),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
