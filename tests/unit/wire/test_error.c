/* SPDX-License-Identifier: ISC */
/* test_error.c: stanza errors made and read. */
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

/* Every condition can be sent, has one of the types of RFC 6120 §8.3.2, and is read back. */
static void
test_every_condition(void **state)
{
	xmpp_stanza_t *iq = ear_stanza(*state, "iq", "set", "a@b", "1");

	assert_null(ear_condition_name(EAR_PASS));
	assert_null(ear_condition_name(EAR_DONE));
	for (int i = EAR_DONE + 1; i < EAR_VERDICT_COUNT; i++) {
		xmpp_stanza_t *answer = ear_error_to(iq, i, "why");
		const char *type;

		assert_non_null(ear_condition_name(i));
		assert_non_null(answer);
		assert_string_equal(xmpp_stanza_get_type(answer), "error");
		type = xmpp_stanza_get_type(ear_find(answer, "error", NULL));
		assert_true(strcmp(type, "auth") == 0 || strcmp(type, "cancel") == 0 ||
			    strcmp(type, "modify") == 0 || strcmp(type, "wait") == 0);
		assert_int_equal(ear_condition_of(answer), i);
		assert_int_equal(ear_condition_of(ear_find(answer, "error", NULL)), i);
		assert_string_equal(ear_error_text_of(answer), "why");
		xmpp_stanza_release(answer);
	}
	xmpp_stanza_release(iq);
}

static void
test_types(void **state)
{
	static const struct {
		enum ear_verdict condition;
		const char *type;
	} known[] = {
		{ EAR_BAD_REQUEST, "modify" },         { EAR_NOT_AUTHORIZED, "auth" },
		{ EAR_ITEM_NOT_FOUND, "cancel" },      { EAR_RESOURCE_CONSTRAINT, "wait" },
		{ EAR_SERVICE_UNAVAILABLE, "cancel" }, { EAR_REMOTE_SERVER_TIMEOUT, "wait" },
	};
	xmpp_stanza_t *iq = ear_stanza(*state, "iq", "get", NULL, "1");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		xmpp_stanza_t *answer = ear_error_to(iq, known[i].condition, NULL);

		assert_string_equal(xmpp_stanza_get_type(ear_first(answer)), known[i].type);
		assert_null(ear_error_text_of(answer));
		xmpp_stanza_release(answer);
	}
	xmpp_stanza_release(iq);
}

/* RFC 6120 §8.3.1: errors are not answered, or two engines would do so for ever. */
static void
test_no_error_to(void **state)
{
	static const char *const types[] = { "error", "result" };

	for (size_t i = 0; i < 2; i++) {
		xmpp_stanza_t *iq = ear_stanza(*state, "iq", types[i], NULL, "1");

		assert_null(ear_error_to(iq, EAR_BAD_REQUEST, NULL));
		xmpp_stanza_release(iq);
	}
}

static void
test_strange(void **state)
{
	static const char *const strange[] = {
		"<iq xmlns='jabber:client'/>",
		"<iq xmlns='jabber:client'><error/></iq>",
		"<iq xmlns='jabber:client'><error><gone/></error></iq>",
		"<iq xmlns='jabber:client'><error>"
		"<unheard-of xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		"<iq xmlns='jabber:client'><error><text "
		"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
	};

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		xmpp_stanza_t *iq = xmpp_stanza_new_from_string(*state, strange[i]);

		assert_int_equal(ear_condition_of(iq), EAR_UNDEFINED_CONDITION);
		assert_null(ear_error_text_of(iq));
		xmpp_stanza_release(iq);
	}
}

/* RFC 6120 §8.3.4: one of the application's own stands behind the defined one. */
static void
test_specific(void **state)
{
	xmpp_stanza_t *iq = ear_stanza(*state, "iq", "set", NULL, "1"), *answer;

	answer = ear_error_add(ear_error_to(iq, EAR_BAD_REQUEST, "why"), NULL,
			       ear_element(*state, "too-many", "urn:example:own"));
	assert_int_equal(ear_condition_of(answer), EAR_BAD_REQUEST);
	assert_string_equal(ear_error_text_of(answer), "why");
	assert_string_equal(xmpp_stanza_get_type(ear_first(answer)), "modify");
	assert_non_null(ear_find(ear_first(answer), "too-many", "urn:example:own"));
	xmpp_stanza_release(answer);
	/* Its own type, where it has one. */
	answer = ear_error_add(ear_error_to(iq, EAR_POLICY_VIOLATION, NULL), "wait",
			       ear_element(*state, "too-many", "urn:example:own"));
	assert_string_equal(xmpp_stanza_get_type(ear_first(answer)), "wait");
	xmpp_stanza_release(answer);
	assert_null(
		ear_error_add(NULL, "wait", ear_element(*state, "too-many", "urn:example:own")));
	xmpp_stanza_release(iq);
}

/* What could not be done stands in front of the error. */
static void
test_showing(void **state)
{
	xmpp_stanza_t *iq = ear_stanza(*state, "iq", "set", NULL, "1"), *answer;

	answer = ear_error_showing(iq, EAR_NOT_ACCEPTABLE,
				   ear_element(*state, "list", "urn:example:own"), NULL);
	assert_int_equal(ear_condition_of(answer), EAR_NOT_ACCEPTABLE);
	assert_true(ear_is(ear_first(answer), "list", "urn:example:own"));
	assert_string_equal(xmpp_stanza_get_name(ear_next(ear_first(answer))), "error");
	assert_null(ear_error_showing(answer, EAR_NOT_ACCEPTABLE,
				      ear_element(*state, "list", "urn:example:own"), NULL));
	xmpp_stanza_release(answer);
	xmpp_stanza_release(iq);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_condition), TEST(test_types),    TEST(test_no_error_to),
		TEST(test_strange),         TEST(test_specific), TEST(test_showing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
