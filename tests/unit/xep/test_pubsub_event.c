/* SPDX-License-Identifier: ISC */
/* test_pubsub_event.c: what is told of a node, as the examples of XEP-0060 have it; every text is
 * one that others can read. */
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

#define EVENT(xml) "<event xmlns='" EAR_NS_PUBSUB_EVENT "'>" xml "</event>"

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

/* Takes the text. As what a message holds it must be well-formed. */
static void
check(char *text, const char *expected)
{
	char *message = xasprintf("<message xmlns='jabber:client'>%s</message>", text);
	xmpp_stanza_t *back = ear_parse(ear->ctx, message);

	assert_string_equal(text, expected);
	assert_non_null(back);
	xmpp_stanza_release(back);
	free(message);
	free(text);
}

/* Examples of §7.1.2: with payload, without, with publisher, without any item. */
static void
test_items(void **state)
{
	const struct pubsub_item item = { .id = "i1", .payload = "<a xmlns=\"urn:example:a\"/>" };
	const struct pubsub_item his = { .id = "i2",
					 .payload = "",
					 .publisher = "a&b'@example.org" };

	check(pubsub_event_items(ear, "n", &item, 1, true),
	      EVENT("<items node='n'><item id='i1'><a xmlns=\"urn:example:a\"/></item></items>"));
	check(pubsub_event_items(ear, "n", &item, 1, false),
	      EVENT("<items node='n'><item id='i1'/></items>"));
	check(pubsub_event_items(ear, "n", &his, 1, true),
	      EVENT("<items node='n'><item id='i2' "
		    "publisher='a&amp;b&apos;@example.org'/></items>"));
	check(pubsub_event_items(ear, "n", NULL, 0, true), EVENT("<items node='n'/>"));
}

/* §6.1.7: the last item, with its date beside the event. */
static void
test_delayed(void **state)
{
	const struct pubsub_item items[] = {
		{ .id = "2", .payload = "", .at = 1071359917, .delayed = true },
		{ .id = "1", .payload = "", .at = 1, .delayed = true },
	};
	const struct pubsub_item ancient = { .id = "0", .payload = "", .at = -1, .delayed = true };

	check(pubsub_event_items(ear, "n", items, 2, true),
	      EVENT("<items node='n'><item id='2'/><item id='1'/></items>") "<delay "
									    "xmlns='urn:xmpp:delay'"
									    " stamp='2003-12-13T23:"
									    "58:37Z'/>");
	check(pubsub_event_items(ear, "n", &ancient, 1, true),
	      EVENT("<items node='n'><item id='0'/></items>") "<delay xmlns='urn:xmpp:delay' "
							      "stamp='1969-12-31T23:59:59Z'/>");
}

/* Names are what somebody else chose. */
static void
test_escapes(void **state)
{
	const char *const ids[] = { "a\tb\nc\rd", "<'\">&" };

	check(pubsub_event_retract(ear, "<n>", ids, 2),
	      EVENT("<items node='&lt;n&gt;'><retract id='a&#9;b&#10;c&#13;d'/>"
		    "<retract id='&lt;&apos;\"&gt;&amp;'/></items>"));
}

/* §8.4.2, §8.5.2 */
static void
test_nodes(void **state)
{
	check(pubsub_event_delete(ear, "n", NULL), EVENT("<delete node='n'/>"));
	check(pubsub_event_delete(ear, "n", "xmpp:hamlet@example.org?;node=blog"),
	      EVENT("<delete node='n'><redirect "
		    "uri='xmpp:hamlet@example.org?;node=blog'/></delete>"));
	check(pubsub_event_purge(ear, "n"), EVENT("<purge node='n'/>"));
}

/* §8.2.5 */
static void
test_configuration(void **state)
{
	xmpp_stanza_t *form = ear_element(ear->ctx, "x", EAR_NS_DATA);

	ear_set(form, "type", "result");
	check(pubsub_event_configuration(ear, "n", NULL), EVENT("<configuration node='n'/>"));
	check(pubsub_event_configuration(ear, "n", form),
	      EVENT("<configuration node='n'><x type=\"result\" xmlns=\"jabber:x:data\"/>"
		    "</configuration>"));
	xmpp_stanza_release(form);
}

/* §8.6, §8.8.4 */
static void
test_subscription(void **state)
{
	check(pubsub_event_subscription(ear, "n", "horatio@example.org", EAR_SUBSCRIBED),
	      EVENT("<subscription node='n' jid='horatio@example.org' "
		    "subscription='subscribed'/>"));
	check(pubsub_event_subscription(ear, "n", "horatio@example.org", EAR_SUBSCRIPTION_NONE),
	      EVENT("<subscription node='n' jid='horatio@example.org' subscription='none'/>"));
}

static const char *
value_of(xmpp_stanza_t *form, const char *var, const char *type)
{
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (strcmp(fake_attribute(e, "var"), var) == 0) {
			assert_string_equal(fake_attribute(e, "type"), type);
			return ear_text(ear_find(e, "value", EAR_NS_DATA));
		}
	fail_msg("no field %s", var);
	return NULL;
}

/* §8.6: the form that owners are asked to submit. */
static void
test_approve(void **state)
{
	char *text = pubsub_event_approve(ear, "n&m", "horatio@example.org");
	xmpp_stanza_t *form = ear_parse(ear->ctx, text);

	assert_non_null(form);
	assert_true(ear_is(form, "x", EAR_NS_DATA));
	assert_string_equal(fake_attribute(form, "type"), "form");
	assert_string_equal(value_of(form, "FORM_TYPE", "hidden"), PUBSUB_APPROVE);
	assert_string_equal(value_of(form, "pubsub#node", "text-single"), "n&m");
	assert_string_equal(value_of(form, "pubsub#subscriber_jid", "jid-single"),
			    "horatio@example.org");
	assert_string_equal(value_of(form, "pubsub#allow", "boolean"), "false");
	xmpp_stanza_release(form);
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_items),   TEST(test_delayed),       TEST(test_escapes),
		TEST(test_nodes),   TEST(test_configuration), TEST(test_subscription),
		TEST(test_approve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
