/* SPDX-License-Identifier: ISC */
/* test_writer.c: what goes on the wire, and that our own reader and libstrophe's understand it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/buffer.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "wire/reader.h"
#include "wire/writer.h"

struct fixture {
	xmpp_ctx_t *ctx;
	struct evbuffer *out;
	int headers, ends;
	xmpp_stanza_t *read;
};

static int
set_up(void **state)
{
	struct fixture *f = xalloc(sizeof(*f));

	f->ctx = xmpp_ctx_new(NULL, NULL);
	f->out = evbuffer_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->read != NULL)
		xmpp_stanza_release(f->read);
	evbuffer_free(f->out);
	xmpp_ctx_free(f->ctx);
	free(f);
	return 0;
}

static void
expect_out(struct fixture *f, const char *text)
{
	evbuffer_add(f->out, "", 1);
	assert_string_equal((char *)evbuffer_pullup(f->out, -1), text);
	evbuffer_drain(f->out, evbuffer_get_length(f->out));
}

static int
on_header(void *arg, const struct reader_header *header)
{
	((struct fixture *)arg)->headers++;
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct fixture *f = arg;

	assert_null(f->read);
	f->read = xmpp_stanza_clone(stanza);
	return 0;
}

static int
on_end(void *arg)
{
	((struct fixture *)arg)->ends++;
	return 0;
}

/* The stanza as our reader sees it behind a header of ours. */
static void
read_back(struct fixture *f, xmpp_stanza_t *stanza)
{
	static const struct reader_events events = { .header = on_header,
						     .stanza = on_stanza,
						     .end = on_end };
	static const struct writer_header header = { .to = "a@b", .version = "1.0" };
	struct reader *reader = reader_new(f->ctx, &reader_caps_known, &events, f);

	writer_header(f->out, &header);
	assert_int_equal(writer_stanza(f->out, stanza, 100000), 0);
	writer_end(f->out);
	assert_int_equal(
		reader_feed(reader, evbuffer_pullup(f->out, -1), evbuffer_get_length(f->out)), 0);
	assert_int_equal(f->headers, 1);
	assert_int_equal(f->ends, 1);
	assert_non_null(f->read);
	evbuffer_drain(f->out, evbuffer_get_length(f->out));
	reader_free(reader);
}

static void
test_header(void **state)
{
	const struct writer_header full = { "a@b", "c&d@e", "1", "1.0", "en" }, none = { 0 };
	struct fixture *f = *state;

	writer_header(f->out, &full);
	expect_out(f, "<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:client\" "
		      "xmlns:stream=\"http://etherx.jabber.org/streams\" from=\"c&amp;d@e\" "
		      "to=\"a@b\" id=\"1\" version=\"1.0\" xml:lang=\"en\">");
	writer_header(f->out, &none);
	expect_out(f, "<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:client\" "
		      "xmlns:stream=\"http://etherx.jabber.org/streams\">");
	writer_end(f->out);
	expect_out(f, "</stream:stream>");
}

static void
test_error(void **state)
{
	struct fixture *f = *state;

	writer_error(f->out, "restricted-xml", NULL);
	expect_out(f, "<stream:error><restricted-xml "
		      "xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\"/></stream:error>");
	writer_error(f->out, "policy-violation", "<too long>");
	expect_out(f, "<stream:error><policy-violation "
		      "xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\"/><text "
		      "xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\">&lt;too long&gt;</text>"
		      "</stream:error>");
}

static void
test_namespaces(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT), *x;

	ear_child_text(message, "body", NULL, "hi");
	x = ear_child(message, "x", "urn:x");
	ear_child(x, "y", NULL);
	ear_child(x, "back", EAR_NS_CLIENT);
	ear_child(x, "none", "");
	assert_int_equal(writer_stanza(f->out, message, 1000), 0);
	expect_out(f, "<message><body>hi</body><x xmlns=\"urn:x\"><y/>"
		      "<back xmlns=\"jabber:client\"/><none xmlns=\"\"/></x></message>");
	xmpp_stanza_release(message);
}

/* Elements of the stream's namespace carry its prefix: libpurple and others look for the text. */
static void
test_stream_prefix(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *features = ear_element(f->ctx, "features", EAR_NS_STREAM);

	ear_child(features, "query", EAR_NS_DISCO_INFO);
	assert_int_equal(writer_stanza(f->out, features, 1000), 0);
	expect_out(f, "<stream:features><query xmlns=\"http://jabber.org/protocol/disco#info\"/>"
		      "</stream:features>");
	read_back(f, features);
	assert_true(ear_is(f->read, "features", EAR_NS_STREAM));
	xmpp_stanza_release(features);
	features = ear_element(f->ctx, "stream:features", EAR_NS_STREAM);
	assert_int_equal(writer_stanza(f->out, features, 1000), 0);
	expect_out(f, "<stream:features/>");
	xmpp_stanza_release(features);
}

/* An element of XML's own namespace, which nobody may declare to be the default one. */
static void
test_xml_prefix(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT);

	ear_child(ear_child(message, "foo", EAR_NS_XML), "bar", NULL);
	assert_int_equal(writer_stanza(f->out, message, 1000), 0);
	expect_out(f, "<message><xml:foo><xml:bar/></xml:foo></message>");
	read_back(f, message);
	assert_non_null(ear_find(f->read, "foo", EAR_NS_XML));
	xmpp_stanza_release(message);
}

static void
test_escapes(void **state)
{
	static const char hard[] = "<&>'\"\t\r\n]]> \xc3\xa9\xf0\x9f\x8e\xb5";
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT);

	ear_child_text(message, "body", NULL, hard);
	ear_set(message, "id", "%s", hard);
	read_back(f, message);
	assert_string_equal(xmpp_stanza_get_id(f->read), hard);
	assert_string_equal(ear_text(ear_find(f->read, "body", NULL)), hard);
	xmpp_stanza_release(message);
}

/* Text is looked at eight bytes at a time: all ASCII that XML can carry, at each place of these, in
 * a value with more attributes and in what is inside. */
static void
test_escapes_anywhere(void **state)
{
	struct fixture *f = *state;
	char text[24];

	for (int c = '\t'; c <= 0x7f; c++) {
		if (c < ' ' && strchr("\t\r\n", c) == NULL)
			continue;
		for (size_t i = 0; i + 1 < sizeof(text); i++) {
			xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT);
			xmpp_stanza_t *order = ear_child(message, "order", EAR_NS_DELIVERY);

			memset(text, '~', sizeof(text) - 1);
			text[sizeof(text) - 1] = '\0';
			text[i] = (char)c;
			ear_set(order, "n", "%lld", (long long)i);
			ear_set(order, "id", "%s", text);
			ear_set(order, "other", "%s", text + i);
			ear_child_text(message, "body", NULL, text);
			read_back(f, message);
			order = ear_find(f->read, "order", EAR_NS_DELIVERY);
			assert_string_equal(xmpp_stanza_get_id(order), text);
			assert_string_equal(xmpp_stanza_get_attribute(order, "other"), text + i);
			assert_int_equal(xmpp_stanza_get_attribute_count(order), 4);
			assert_string_equal(ear_text(ear_find(f->read, "body", NULL)), text);
			xmpp_stanza_release(message);
			xmpp_stanza_release(f->read);
			f->read = NULL;
			f->headers = f->ends = 0;
		}
	}
}

/* Nothing that we relay may break the stream to the next. */
static void
test_bad_characters(void **state)
{
#define BAD "\xef\xbf\xbd"
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT);

	ear_child_text(message, "body", NULL,
		       "a\x01\x1f|\xff|\xc0\xaf|\xed\xa0\x80|\xef\xbf\xbe|\xe2\x82|\xe2\x82");
	ear_set(message, "id", "\x02\xfe");
	read_back(f, message);
	assert_string_equal(xmpp_stanza_get_id(f->read), BAD BAD);
	assert_string_equal(ear_text(ear_find(f->read, "body", NULL)),
			    "a" BAD BAD "|" BAD "|" BAD BAD "|" BAD BAD BAD "|" BAD "|" BAD BAD
			    "|" BAD BAD);
	xmpp_stanza_release(message);
}

static void
test_many_attributes(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT);
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		ear_set(message, name, "%d", i);
	}
	ear_set(message, "xml:lang", "de");
	read_back(f, message);
	assert_int_equal(xmpp_stanza_get_attribute_count(f->read), 52);
	assert_string_equal(xmpp_stanza_get_attribute(f->read, "a49"), "49");
	assert_string_equal(xmpp_stanza_get_attribute(f->read, "xml:lang"), "de");
	xmpp_stanza_release(message);
}

static void
test_size(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT);
	char text[9000];
	size_t size;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ear_child_text(message, "body", NULL, text);
	size = strlen("<message><body></body></message>") + strlen(text);
	assert_int_equal(writer_stanza(f->out, message, size - 1), -EMSGSIZE);
	assert_int_equal(evbuffer_get_length(f->out), 0);
	assert_int_equal(writer_stanza(f->out, message, size), 0);
	assert_int_equal(evbuffer_get_length(f->out), size);
	assert_int_equal(writer_stanza(f->out, message, 3), -EMSGSIZE);
	assert_int_equal(evbuffer_get_length(f->out), size);
	xmpp_stanza_release(message);
}

/* Attributes across every bound: of what is written at once, and of what may be written. */
static void
test_attribute_at_any_place(void **state)
{
	struct fixture *f = *state;
	char id[2200], expected[2300];

	for (size_t n = 0; n < sizeof(id) - 1; n += n < 1900 ? 97 : 1) {
		xmpp_stanza_t *iq = ear_element(f->ctx, "iq", EAR_NS_CLIENT);
		size_t size;

		memset(id, 'x', n);
		id[n] = '\0';
		ear_set(iq, "type", "get");
		ear_set(iq, "id", "%s", id);
		ear_set(iq, "to", "a");
		snprintf(expected, sizeof(expected), "<iq type=\"get\" id=\"%s\" to=\"a\"/>", id);
		size = strlen(expected);
		assert_int_equal(writer_stanza(f->out, iq, size), 0);
		expect_out(f, expected);
		for (size_t less = 1; less < 30 && less <= size; less++)
			assert_int_equal(writer_stanza(f->out, iq, size - less), -EMSGSIZE);
		xmpp_stanza_release(iq);
	}
}

/* The usual ones and another, which are written another way. */
static void
test_unusual_attribute(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_stanza(f->ctx, "message", "chat", "juliet@pronto", "a1");
	xmpp_stanza_t *child = ear_child(message, "x", "urn:example:x");

	ear_set(message, "xml:lang", "de");
	ear_set(child, "id", "inner");
	read_back(f, message);
	assert_int_equal(xmpp_stanza_get_attribute_count(f->read), 5);
	assert_string_equal(xmpp_stanza_get_type(f->read), "chat");
	assert_string_equal(xmpp_stanza_get_to(f->read), "juliet@pronto");
	assert_string_equal(xmpp_stanza_get_id(f->read), "a1");
	assert_string_equal(xmpp_stanza_get_attribute(f->read, "xml:lang"), "de");
	assert_string_equal(xmpp_stanza_get_id(ear_first(f->read)), "inner");
	xmpp_stanza_release(message);
}

static int
write_as(struct fixture *f, xmpp_stanza_t *message, const char *from, int own, size_t max)
{
	const struct writer_ends ends = { from, "b", own };

	return writer_stanza_as(f->out, message, &ends, max);
}

/* Other addresses stand in the place of its own, or of none; it stays as it was. */
static void
test_other_addresses(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT);

	assert_int_equal(write_as(f, message, "a", 0, 100), 0);
	expect_out(f, "<message to=\"b\" from=\"a\"/>");
	xmpp_stanza_set_from(message, "own");
	xmpp_stanza_set_to(message, "peer");
	ear_set(message, "xml:lang", "de");
	ear_set(ear_child(message, "x", "urn:test"), "to", "c");
	assert_int_equal(write_as(f, message, NULL, 0, 100), 0);
	expect_out(f, "<message to=\"b\" from=\"own\" xml:lang=\"de\">"
		      "<x to=\"c\" xmlns=\"urn:test\"/></message>");
	assert_string_equal(xmpp_stanza_get_to(message), "peer");
	assert_int_equal(write_as(f, message, "a", 2, 100), 0);
	expect_out(f, "<message to=\"b\" from=\"a\" xml:lang=\"de\">"
		      "<x to=\"c\" xmlns=\"urn:test\"/></message>");
	assert_int_equal(write_as(f, message, "longer", 0, 100), 0);
	assert_int_equal(write_as(f, message, "longer", 0, 20), -EMSGSIZE);
	xmpp_stanza_release(message);
}

static void
test_depth(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT), *at = message;

	for (int i = 1; i < 256; i++)
		at = ear_child(at, "a", NULL);
	assert_int_equal(writer_stanza(f->out, message, 100000), 0);
	evbuffer_drain(f->out, evbuffer_get_length(f->out));
	ear_child(at, "a", NULL);
	assert_int_equal(writer_stanza(f->out, message, 100000), -EMSGSIZE);
	assert_int_equal(evbuffer_get_length(f->out), 0);
	xmpp_stanza_release(message);
}

/* What was rendered is written as it is, found by nobody, and copied; a peer cannot make one. */
static void
test_rendered(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *message = ear_element(f->ctx, "message", EAR_NS_CLIENT), *copy;
	xmpp_stanza_t *rendered =
		ear_rendered(f->ctx, "<a xmlns=\"urn:a\">&amp;</a><b xmlns=\"\"/>");

	assert_true(ear_is_rendered(rendered));
	assert_false(ear_is_rendered(message));
	xmpp_stanza_add_child_ex(message, rendered, 0);
	ear_child_text(message, "body", EAR_NS_CLIENT, "\001<c/>");
	assert_null(ear_find(message, "a", "urn:a"));
	copy = xmpp_stanza_copy(message);
	xmpp_stanza_release(message);
	assert_int_equal(writer_stanza(f->out, copy, 200), 0);
	expect_out(f, "<message><a xmlns=\"urn:a\">&amp;</a><b xmlns=\"\"/>"
		      "<body>\xef\xbf\xbd&lt;c/&gt;</body></message>");
	assert_int_equal(writer_stanza(f->out, copy, 60), -EMSGSIZE);
	xmpp_stanza_release(copy);
	assert_null(ear_parse(f->ctx, "<\001a/>"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_header),
		TEST(test_error),
		TEST(test_namespaces),
		TEST(test_stream_prefix),
		TEST(test_xml_prefix),
		TEST(test_escapes),
		TEST(test_escapes_anywhere),
		TEST(test_bad_characters),
		TEST(test_many_attributes),
		TEST(test_size),
		TEST(test_rendered),
		TEST(test_depth),
		TEST(test_attribute_at_any_place),
		TEST(test_unusual_attribute),
		TEST(test_other_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
