/* SPDX-License-Identifier: ISC */
/* test_stanza.c: the shorthands over libstrophe's stanzas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

static int
set_up(void **state)
{
	*state = xmpp_ctx_new(NULL, NULL);
	return *state == NULL;
}

static int
tear_down(void **state)
{
	xmpp_ctx_free(*state);
	return 0;
}

static void
test_build(void **state)
{
	xmpp_stanza_t *iq = ear_stanza(*state, "iq", "get", "a@b", "id1");
	xmpp_stanza_t *query = ear_child(iq, "query", "urn:q"), *item;

	item = ear_child_text(query, "item", NULL, "text");
	ear_set(item, "n", "%d/%s", 7, "x");
	ear_child_text(query, "empty", "urn:e", "");
	assert_true(ear_is(iq, "iq", EAR_NS_CLIENT));
	assert_string_equal(xmpp_stanza_get_id(iq), "id1");
	assert_string_equal(xmpp_stanza_get_type(iq), "get");
	assert_string_equal(xmpp_stanza_get_to(iq), "a@b");
	assert_ptr_equal(ear_find(iq, "query", "urn:q"), query);
	assert_null(ear_find(iq, "query", NULL));
	assert_null(ear_find(iq, "query", "urn:x"));
	assert_ptr_equal(ear_find(query, "item", NULL), item);
	assert_string_equal(xmpp_stanza_get_attribute(item, "n"), "7/x");
	assert_string_equal(ear_text(item), "text");
	assert_ptr_equal(ear_first(query), item);
	assert_true(ear_is(ear_next(item), "empty", "urn:e"));
	assert_null(ear_text(ear_next(item)));
	assert_null(ear_next(ear_next(item)));
	xmpp_stanza_release(iq);
}

/* Deep, with text and attributes, and nothing of the original is touched. */
static void
test_copy_without(void **state)
{
	xmpp_stanza_t *message = ear_stanza(*state, "message", "chat", "a@b", "id1"), *copy;
	xmpp_stanza_t *body = ear_child_text(message, "body", NULL, "x");

	ear_child(message, "via", "urn:mark");
	ear_child(body, "via", "urn:mark");
	ear_child(message, "other", "urn:o");
	copy = ear_copy_without(message, "urn:mark");
	assert_string_equal(xmpp_stanza_get_to(copy), "a@b");
	assert_string_equal(xmpp_stanza_get_id(copy), "id1");
	assert_true(ear_is(copy, "message", EAR_NS_CLIENT));
	assert_null(ear_find(copy, "via", "urn:mark"));
	assert_non_null(ear_find(message, "via", "urn:mark"));
	assert_ptr_not_equal(ear_first(copy), body);
	assert_string_equal(ear_text(ear_first(copy)), "x");
	assert_non_null(ear_find(ear_first(copy), "via", "urn:mark"));
	assert_non_null(ear_find(copy, "other", "urn:o"));
	xmpp_stanza_release(message);
	assert_string_equal(ear_text(ear_first(copy)), "x");
	xmpp_stanza_release(copy);
}

static void
test_long_value(void **state)
{
	xmpp_stanza_t *element = ear_element(*state, "a", NULL);
	char value[2000];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	ear_set(element, "b", "<%s>", value);
	assert_int_equal(strlen(xmpp_stanza_get_attribute(element, "b")), sizeof(value) + 1);
	ear_set(element, "b", "short");
	assert_string_equal(xmpp_stanza_get_attribute(element, "b"), "short");
	xmpp_stanza_release(element);
}

/* Those that go without a format, and those beside them. */
static void
test_plain_values(void **state)
{
	static const struct {
		long long number;
		const char *text;
	} numbers[] = {
		{ 0, "0" },   { 7, "7" },
		{ 10, "10" }, { INT64_MAX, "9223372036854775807" },
		{ -1, "-1" }, { INT64_MIN, "-9223372036854775808" },
	};
	xmpp_stanza_t *element = ear_element(*state, "a", "urn:a");

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ear_set(element, "n", "%lld", numbers[i].number);
		assert_string_equal(xmpp_stanza_get_attribute(element, "n"), numbers[i].text);
	}
	ear_set(element, "t", "%s", "");
	assert_string_equal(xmpp_stanza_get_attribute(element, "t"), "");
	ear_set(element, "t", "%s", "%s");
	assert_string_equal(xmpp_stanza_get_attribute(element, "t"), "%s");
	xmpp_stanza_release(element);
}

static void
test_text_between(void **state)
{
	xmpp_stanza_t *a = xmpp_stanza_new_from_string(*state, "<a xmlns='u'> <b/> x <c/> </a>");

	assert_true(ear_is(ear_first(a), "b", "u"));
	assert_true(ear_is(ear_next(ear_first(a)), "c", "u"));
	assert_false(ear_is(xmpp_stanza_get_children(a), "b", "u"));
	assert_null(ear_next(ear_next(ear_first(a))));
	xmpp_stanza_release(a);
}

static void
test_ids(void **state)
{
	char one[17], two[17];

	ear_new_id(one);
	ear_new_id(two);
	assert_int_equal(strlen(one), 16);
	assert_string_not_equal(one, two);
	assert_int_equal(strspn(one, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_"),
			 16);
}

static void
test_fresh_id(void **state)
{
	xmpp_stanza_t *message = ear_stanza(*state, "message", NULL, NULL, NULL);

	assert_int_equal(strlen(xmpp_stanza_get_id(message)), 16);
	assert_null(xmpp_stanza_get_type(message));
	assert_null(xmpp_stanza_get_to(message));
	xmpp_stanza_release(message);
}

/* XEP-0082 §3.2. */
static void
test_stamp(void **state)
{
	char out[EAR_STAMP_SIZE];

	assert_true(ear_stamp(0, out));
	assert_string_equal(out, "1970-01-01T00:00:00Z");
	assert_true(ear_stamp(1234567890, out));
	assert_string_equal(out, "2009-02-13T23:31:30Z");
	assert_true(ear_stamp(INT64_C(253402300799), out));
	assert_string_equal(out, "9999-12-31T23:59:59Z");
	assert_false(ear_stamp(INT64_C(253402300800), out));
	assert_false(ear_stamp(INT64_MAX, out));
	assert_false(ear_stamp(INT64_MIN, out));
	assert_true(ear_stamp(INT64_C(-30610224000), out));
	assert_string_equal(out, "1000-01-01T00:00:00Z");
	assert_false(ear_stamp(INT64_C(-30610224001), out));
}

static void
test_answer(void **state)
{
	xmpp_stanza_t *iq = ear_stanza(*state, "iq", "get", "me@here", "42"), *answer;

	ear_set(iq, "from", "you@there/x");
	ear_child(iq, "query", "urn:q");
	answer = ear_answer_to(iq, "result");
	assert_true(ear_is(answer, "iq", EAR_NS_CLIENT));
	assert_string_equal(xmpp_stanza_get_id(answer), "42");
	assert_string_equal(xmpp_stanza_get_to(answer), "you@there/x");
	assert_string_equal(xmpp_stanza_get_from(answer), "me@here");
	assert_string_equal(xmpp_stanza_get_type(answer), "result");
	assert_null(ear_first(answer));
	xmpp_stanza_release(answer);
	xmpp_stanza_release(iq);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_values), TEST(test_build),        TEST(test_copy_without),
		TEST(test_long_value),   TEST(test_text_between), TEST(test_ids),
		TEST(test_fresh_id),     TEST(test_stamp),        TEST(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
