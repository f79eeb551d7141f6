/* SPDX-License-Identifier: ISC */
/* test_pubsub_form.c: configuration and options as forms, and what may be submitted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake_ear.h"
#include "pubsub.h"

#define TYPE(type)        "<field var='FORM_TYPE' type='hidden'><value>" type "</value></field>"
#define X(type, fields)   "<x xmlns='jabber:x:data' type='" type "'>" fields "</x>"
#define SUBMIT(fields)    X("submit", TYPE(PUBSUB_CONFIG) fields)
#define PUBLISH(fields)   X("submit", TYPE(PUBSUB_PUBLISH) fields)
#define OPTIONS(fields)   X("submit", TYPE(PUBSUB_OPTIONS) fields)
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"
#define LONG(x)           x x x x x x x x
#define LINE_512          LONG(LONG("12345678"))

static struct ear *ear;
static xmpp_stanza_t *form;

static int
setup(void **state)
{
	ear = fake_new();
	form = NULL;
	return 0;
}

static int
teardown(void **state)
{
	if (form != NULL)
		xmpp_stanza_release(form);
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

static xmpp_stanza_t *
parse(const char *xml)
{
	if (form != NULL)
		xmpp_stanza_release(form);
	form = xmpp_stanza_new_from_string(ear->ctx, xml);
	assert_non_null(form);
	return form;
}

static xmpp_stanza_t *
field_of(const char *var)
{
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (ear_is(e, "field", EAR_NS_DATA) && strcmp(fake_attribute(e, "var"), var) == 0)
			return e;
	return NULL;
}

static const char *
value_of(const char *var)
{
	xmpp_stanza_t *field = field_of(var), *value;

	assert_non_null(field);
	value = ear_find(field, "value", NULL);
	return value == NULL ? "" : ear_text(value);
}

static size_t
options_of(const char *var)
{
	size_t count = 0;

	for (xmpp_stanza_t *e = ear_first(field_of(var)); e != NULL; e = ear_next(e))
		count += ear_is(e, "option", EAR_NS_DATA);
	return count;
}

/* --- asked and shown ---------------------------------------------------------------------- */

static void
test_config_form(void **state)
{
	struct pubsub_config config = pubsub_config_default;

	snprintf(config.title, sizeof(config.title), "Princely Musings");
	config.access_model = PUBSUB_ROSTER;
	config.max_items = EAR_NODE_ITEMS_MAX;
	config.message_type = "normal";
	form = pubsub_config_form(ear, &config, "princely_musings");
	assert_string_equal(fake_attribute(form, "type"), "form");
	assert_non_null(strstr(ear_text(ear_find(form, "title", NULL)), "princely_musings"));
	assert_string_equal(value_of("FORM_TYPE"), PUBSUB_CONFIG);
	assert_string_equal(value_of("pubsub#title"), "Princely Musings");
	assert_string_equal(value_of("pubsub#description"), "");
	assert_string_equal(value_of("pubsub#access_model"), "roster");
	assert_int_equal(options_of("pubsub#access_model"), PUBSUB_ACCESS_COUNT);
	assert_string_equal(fake_attribute(field_of("pubsub#access_model"), "type"), "list-single");
	assert_string_equal(value_of("pubsub#max_items"), "max");
	assert_string_equal(value_of("pubsub#notification_type"), "normal");
	assert_string_equal(value_of("pubsub#notify_sub"), "0");
	assert_string_equal(fake_attribute(field_of("pubsub#notify_sub"), "type"), "boolean");
	assert_string_equal(value_of(PUBSUB_BACKLOG), "0");
	assert_string_not_equal(fake_attribute(field_of(PUBSUB_BACKLOG), "label"), "");
}

static void
test_config_result(void **state)
{
	form = pubsub_config_result(ear, &pubsub_config_default);
	assert_string_equal(fake_attribute(form, "type"), "result");
	assert_string_equal(value_of("FORM_TYPE"), PUBSUB_CONFIG);
	assert_string_equal(value_of("pubsub#access_model"), "open");
	assert_int_equal(options_of("pubsub#access_model"), 0);
	assert_string_equal(value_of("pubsub#send_last_published_item"), "on_sub_and_presence");
	assert_string_equal(value_of("pubsub#max_items"), "10");
}

/* What we ask, submitted as it is, changes nothing. */
static void
test_there_and_back(void **state)
{
	struct pubsub_config config = pubsub_config_default;
	const char *why;
	char *text;

	snprintf(config.title, sizeof(config.title), "a");
	config.backlog = 7;
	config.subscribe = false;
	form = pubsub_config_form(ear, &config, NULL);
	ear_set(form, "type", "submit");
	assert_int_equal(pubsub_config_submit(&config, form, PUBSUB_CONFIG, &why), 0);
	text = pubsub_config_text(&config);
	assert_string_equal(text, "title=a\nsubscribe=0\nbacklog=7\n");
	free(text);
}

/* --- submitted ---------------------------------------------------------------------------- */

static void
assert_submitted(const char *xml, const char *type, int rc, const char *want)
{
	struct pubsub_config config = pubsub_config_default;
	const char *why = NULL;
	char *text;

	config.notify_sub = true; /* is left alone */
	assert_int_equal(pubsub_config_submit(&config, parse(xml), type, &why), rc);
	if (rc == 0) {
		text = pubsub_config_text(&config);
		assert_string_equal(text, want);
		free(text);
		return;
	}
	assert_non_null(why);
	assert_string_equal(why, want);
	text = pubsub_config_text(&config);
	assert_string_equal(text, "notify_sub=1\n");
	free(text);
}

static void
test_submitted(void **state)
{
	static const struct {
		const char *fields, *text;
	} cases[] = {
		{ SUBMIT(""), "notify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#title", "Princely Musings (Atom)")),
		  "title=Princely Musings (Atom)\nnotify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#access_model", "whitelist")),
		  "access_model=whitelist\nnotify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#publish_model", "open")),
		  "publish_model=open\nnotify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#max_items", "max")), "max_items=max\nnotify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#max_items", "0020")), "max_items=20\nnotify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#persist_items", "false")),
		  "persist_items=0\nnotify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#notification_type", "normal")),
		  "notification_type=normal\nnotify_sub=1\n" },
		{ SUBMIT(FIELD(PUBSUB_BACKLOG, "50")), "notify_sub=1\nbacklog=50\n" },
		/* XEP-0004 §3.6: empty, it is as by default again. */
		{ SUBMIT("<field var='pubsub#notify_sub'/>"), "" },
		{ SUBMIT("<field var='pubsub#notify_sub'><value/></field>"), "" },
		/* §3.2: not understood, and passed over. */
		{ SUBMIT(FIELD("urn:example:field", "x")), "notify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#body_xslt", "http://example.org/atom.xslt")),
		  "notify_sub=1\n" },
		{ SUBMIT(FIELD("pubsub#item_expire", "604800")), "notify_sub=1\n" },
		{ SUBMIT("<field var='pubsub#roster_groups_allowed'><value>friends</value>"
			 "<value>servants</value></field>"),
		  "notify_sub=1\n" },
		/* What asks for nothing else than what is the case. */
		{ SUBMIT(FIELD("pubsub#node_type", "leaf") FIELD("pubsub#purge_offline", "0") FIELD(
			  "pubsub#presence_based_delivery", "false") FIELD("pubsub#tempsub", "0")
				 FIELD("pubsub#collection", "")
					 FIELD("pubsub#publish_node_full", "discard-oldest")),
		  "notify_sub=1\n" },
		/* Without FORM_TYPE. */
		{ X("submit", FIELD("pubsub#notify_sub", "0")), "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_submitted(cases[i].fields, PUBSUB_CONFIG, 0, cases[i].text);
}

/* Every field's bad values. All of the form or nothing: what stands before it is not taken. */
static void
test_bad_values(void **state)
{
	static const struct {
		const char *var, *value;
		int rc;
	} cases[] = {
		{ "pubsub#title", LINE_512, -EINVAL },
		{ "pubsub#title", "two&#10;lines", -EINVAL },
		{ "pubsub#description", LINE_512, -EINVAL },
		{ "pubsub#description", "a&#9;tab", -EINVAL },
		{ "pubsub#type", LINE_512, -EINVAL },
		{ "pubsub#language", "123456789 123456789 123456789 123456", -EINVAL },
		{ "pubsub#access_model", "closed", -ENOTSUP },
		{ "pubsub#access_model", "Open", -ENOTSUP },
		{ "pubsub#publish_model", "nobody", -ENOTSUP },
		{ "pubsub#subscribe", "yes", -EINVAL },
		{ "pubsub#persist_items", "2", -EINVAL },
		{ "pubsub#max_items", "0", -EINVAL },
		{ "pubsub#max_items", "10001", -EINVAL },
		{ "pubsub#max_items", "-1", -EINVAL },
		{ "pubsub#max_items", " 5", -EINVAL },
		{ "pubsub#max_items", "5 ", -EINVAL },
		{ "pubsub#max_items", "1e3", -EINVAL },
		{ "pubsub#max_items", "all", -EINVAL },
		{ "pubsub#max_items", "4294967297", -EINVAL },
		{ "pubsub#max_payload_size", "0", -EINVAL },
		{ "pubsub#max_payload_size", "131073", -EINVAL },
		{ "pubsub#max_payload_size", "max", -EINVAL },
		{ "pubsub#deliver_notifications", "TRUE", -EINVAL },
		{ "pubsub#deliver_payloads", "x", -EINVAL },
		{ "pubsub#send_last_published_item", "always", -ENOTSUP },
		{ "pubsub#notification_type", "groupchat", -ENOTSUP },
		{ "pubsub#notify_config", "x", -EINVAL },
		{ "pubsub#notify_delete", "x", -EINVAL },
		{ "pubsub#notify_retract", "x", -EINVAL },
		{ "pubsub#notify_sub", "x", -EINVAL },
		{ PUBSUB_BACKLOG, "1001", -EINVAL },
		{ PUBSUB_BACKLOG, "max", -EINVAL },
		{ "pubsub#node_type", "collection", -ENOTSUP },
		{ "pubsub#collection", "blogs", -ENOTSUP },
		{ "pubsub#children", "a", -ENOTSUP },
		{ "pubsub#purge_offline", "1", -ENOTSUP },
		{ "pubsub#presence_based_delivery", "true", -ENOTSUP },
		{ "pubsub#tempsub", "1", -ENOTSUP },
		{ "pubsub#publish_node_full", "reject", -ENOTSUP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *xml = xasprintf(SUBMIT(FIELD("pubsub#backlog", "1") FIELD(
					      "pubsub#notify_retract2", "0") FIELD("%s", "%s")),
				      cases[i].var, cases[i].value);

		assert_submitted(xml, PUBSUB_CONFIG, cases[i].rc, cases[i].var);
		free(xml);
	}
}

static void
test_bad_forms(void **state)
{
	assert_submitted(SUBMIT(FIELD("pubsub#title", "a") FIELD("pubsub#title", "b")),
			 PUBSUB_CONFIG, -EINVAL, "pubsub#title");
	assert_submitted(SUBMIT("<field var='pubsub#max_items'><value>1</value><value>2</value>"
				"</field>"),
			 PUBSUB_CONFIG, -EINVAL, "pubsub#max_items");
	assert_submitted(SUBMIT(FIELD("pubsub#max_items", "20") FIELD("pubsub#subscribe", "x")),
			 PUBSUB_CONFIG, -EINVAL, "pubsub#subscribe");
	assert_submitted(X("submit", TYPE("urn:example:other")), PUBSUB_CONFIG, -EINVAL,
			 "FORM_TYPE");
	assert_submitted(PUBLISH(""), PUBSUB_CONFIG, -EINVAL, "FORM_TYPE");
	assert_submitted(X("form", FIELD("pubsub#title", "a")), PUBSUB_CONFIG, -EINVAL,
			 "the form is not a submission");
	/* Passed over they would let in whoever is in another group. */
	assert_submitted(SUBMIT(FIELD("pubsub#roster_groups_allowed", "friends")
					FIELD("pubsub#access_model", "roster")),
			 PUBSUB_CONFIG, -ENOTSUP, "pubsub#roster_groups_allowed");
	assert_submitted(SUBMIT("<field var='pubsub#roster_groups_allowed'/>" FIELD(
				 "pubsub#access_model", "roster")),
			 PUBSUB_CONFIG, 0, "access_model=roster\nnotify_sub=1\n");
}

static void
test_atom_follows(void **state)
{
	struct pubsub_config config = pubsub_config_default;
	const char *why;

	parse(SUBMIT(FIELD("pubsub#type", "http://www.w3.org/2005/Atom")));
	assert_int_equal(pubsub_config_submit(&config, form, PUBSUB_CONFIG, &why), 0);
	assert_true(config.atom);
	parse(SUBMIT("<field var='pubsub#type'/>"));
	assert_int_equal(pubsub_config_submit(&config, form, PUBSUB_CONFIG, &why), 0);
	assert_false(config.atom);
}

/* --- publish-options (§7.1.5) ------------------------------------------------------------- */

static void
test_publish_options(void **state)
{
	assert_submitted(PUBLISH(FIELD("pubsub#access_model", "presence")), PUBSUB_PUBLISH, 0,
			 "access_model=presence\nnotify_sub=1\n");
	assert_submitted(PUBLISH(FIELD("pubsub#purge_offline", "0")), PUBSUB_PUBLISH, 0,
			 "notify_sub=1\n");
	assert_submitted(PUBLISH(FIELD("pubsub#item_expire", "max")), PUBSUB_PUBLISH, 0,
			 "notify_sub=1\n");
	assert_submitted(PUBLISH(FIELD("pubsub#body_xslt", "x")), PUBSUB_PUBLISH, -ENOTSUP,
			 "pubsub#body_xslt");
	assert_submitted(PUBLISH(FIELD("urn:example:field", "x")), PUBSUB_PUBLISH, -ENOTSUP,
			 "urn:example:field");
	assert_submitted(PUBLISH(FIELD("pubsub#item_expire", "60")), PUBSUB_PUBLISH, -ENOTSUP,
			 "pubsub#item_expire");
	assert_submitted(SUBMIT(""), PUBSUB_PUBLISH, -EINVAL, "FORM_TYPE");
}

static void
test_holds(void **state)
{
	static const struct {
		const char *xml, *why; /* NULL: it holds */
	} cases[] = {
		{ PUBLISH(""), NULL },
		{ PUBLISH(FIELD("pubsub#access_model", "whitelist")), NULL },
		{ PUBLISH(FIELD("pubsub#access_model", "whitelist") FIELD("pubsub#max_items", "max")
				  FIELD("pubsub#persist_items", "true") FIELD("pubsub#title", "a")),
		  NULL },
		{ PUBLISH(FIELD("pubsub#max_items", "10000")), NULL },
		{ PUBLISH(FIELD("pubsub#node_type", "leaf")), NULL },
		{ PUBLISH(FIELD("pubsub#access_model", "open")), "pubsub#access_model" },
		{ PUBLISH(FIELD("pubsub#access_model", "whitelist") FIELD("pubsub#max_items", "1")
				  FIELD("pubsub#title", "b")),
		  "pubsub#max_items" },
		{ PUBLISH(FIELD("pubsub#title", "")), "pubsub#title" },
		{ PUBLISH(FIELD("pubsub#max_items", "x")), "pubsub#max_items" },
		{ PUBLISH(FIELD("pubsub#purge_offline", "1")), "pubsub#purge_offline" },
		{ PUBLISH(FIELD("urn:example:field", "x")), "urn:example:field" },
	};
	struct pubsub_config config = pubsub_config_default;
	const char *why;

	snprintf(config.title, sizeof(config.title), "a");
	config.access_model = PUBSUB_WHITELIST;
	config.max_items = EAR_NODE_ITEMS_MAX;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why = NULL;
		assert_int_equal(pubsub_config_holds(&config, parse(cases[i].xml), &why),
				 cases[i].why == NULL);
		if (cases[i].why != NULL)
			assert_string_equal(why, cases[i].why);
	}
	assert_string_equal(config.title, "a");
}

/* --- options of a subscription (§6.3) ----------------------------------------------------- */

static void
test_options_form(void **state)
{
	struct pubsub_options options = { .deliver = false };

	form = pubsub_options_form(ear, &options);
	assert_string_equal(fake_attribute(form, "type"), "form");
	assert_string_equal(value_of("FORM_TYPE"), PUBSUB_OPTIONS);
	assert_string_equal(value_of("pubsub#deliver"), "0");
	assert_string_equal(fake_attribute(field_of("pubsub#deliver"), "type"), "boolean");
}

static void
test_options_submitted(void **state)
{
	static const struct {
		const char *xml;
		int rc;
		bool deliver;
	} cases[] = {
		{ OPTIONS(FIELD("pubsub#deliver", "0")), 0, false },
		{ OPTIONS(FIELD("pubsub#deliver", "1")), 0, true },
		{ OPTIONS(""), 0, true },
		{ OPTIONS(FIELD("pubsub#deliver", "0") FIELD("pubsub#digest", "0") FIELD(
			  "pubsub#include_body", "false") FIELD("pubsub#subscription_type", "items")
				  FIELD("pubsub#subscription_depth",
					"1") "<field var='pubsub#show-values'><value>chat</value>"
					     "<value>online</value></field>"),
		  0, false },
		{ OPTIONS(FIELD("pubsub#deliver", "0") FIELD("pubsub#digest", "1")), -ENOTSUP,
		  true },
		{ OPTIONS(FIELD("pubsub#expire", "2030-01-01T00:00:00Z")), -ENOTSUP, true },
		{ OPTIONS(FIELD("pubsub#include_body", "1")), -ENOTSUP, true },
		{ OPTIONS(FIELD("pubsub#subscription_type", "nodes")), -ENOTSUP, true },
		{ OPTIONS(FIELD("pubsub#subscription_depth", "all")), -ENOTSUP, true },
		{ OPTIONS(FIELD("pubsub#deliver", "wrong")), -EINVAL, true },
		{ SUBMIT(FIELD("pubsub#deliver", "0")), -EINVAL, true },
	};
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pubsub_options options = { .deliver = true };

		assert_int_equal(pubsub_options_submit(&options, parse(cases[i].xml), &why),
				 cases[i].rc);
		assert_int_equal(options.deliver, cases[i].deliver);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_form),  TEST(test_config_result),     TEST(test_there_and_back),
		TEST(test_submitted),    TEST(test_bad_values),        TEST(test_bad_forms),
		TEST(test_atom_follows), TEST(test_publish_options),   TEST(test_holds),
		TEST(test_options_form), TEST(test_options_submitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
