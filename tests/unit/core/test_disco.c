/* SPDX-License-Identifier: ISC */
/* test_disco.c: the examples of XEP-0115 §5.2 and §5.3, and what we say of ourselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/ns.h>

#include "core/disco.h"

#define FEATURES                                                                                   \
	"<feature var='http://jabber.org/protocol/muc'/>"                                          \
	"<feature var='http://jabber.org/protocol/disco#items'/>"                                  \
	"<feature var='http://jabber.org/protocol/caps'/>"                                         \
	"<feature var='http://jabber.org/protocol/disco#info'/>"

static xmpp_ctx_t *ctx;
static char ver[DISCO_VER_SIZE];

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

static const char *
ver_of(const char *inside)
{
	char xml[4096];
	xmpp_stanza_t *query;

	snprintf(xml, sizeof(xml), "<query xmlns='%s'>%s</query>", EAR_NS_DISCO_INFO, inside);
	query = xmpp_stanza_new_from_string(ctx, xml);
	assert_non_null(query);
	disco_ver(query, ver, sizeof(ver));
	xmpp_stanza_release(query);
	return ver;
}

static void
test_simple(void **state)
{
	assert_string_equal(
		ver_of("<identity category='client' type='pc' name='Exodus 0.9.1'/>" FEATURES),
		"QgayPKawpkPSDYmwT/WM94uAlu0=");
}

#define PSI                                                                                        \
	"<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"                    \
	"<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>"
#define FIELDS                                                                                     \
	"<field var='os_version'><value>10.5.1</value></field>"                                    \
	"<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>" \
	"<field var='software'><value>Psi</value></field>"                                         \
	"<field var='os'><value>Mac</value></field>"                                               \
	"<field var='software_version'><value>0.11</value></field>"
#define FORM_TYPE(type)                                                                            \
	"<field var='FORM_TYPE' type='" type "'><value>urn:xmpp:dataforms:softwareinfo</value>"    \
	"</field>"

static void
test_complex(void **state)
{
	assert_string_equal(ver_of(PSI FEATURES "<x xmlns='jabber:x:data' type='result'>" FORM_TYPE(
				    "hidden") FIELDS "</x>"),
			    "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

/* The language counts whichever parser read it. */
static void
test_language(void **state)
{
	xmpp_stanza_t *query = ear_element(ctx, "query", EAR_NS_DISCO_INFO), *identity;
	char ours[DISCO_VER_SIZE];

	identity = ear_child(query, "identity", EAR_NS_DISCO_INFO);
	ear_set(identity, "category", "client");
	ear_set(identity, "type", "pc");
	ear_set(identity, "xml:lang", "el");
	disco_ver(query, ours, sizeof(ours));
	xmpp_stanza_release(query);
	assert_string_equal(ver_of("<identity category='client' type='pc' xml:lang='el'/>"), ours);
	assert_string_not_equal(ver_of("<identity category='client' type='pc'/>"), ours);
}

/* §5.4: a form without a hidden FORM_TYPE is passed over. */
static void
test_other_forms(void **state)
{
	assert_string_equal(
		ver_of("<identity category='client' type='pc' name='Exodus 0.9.1'/>"
		       "<x xmlns='jabber:x:data'>" FIELDS "</x>"
		       "<x xmlns='jabber:x:data'>" FORM_TYPE("text-single") "</x>" FEATURES),
		"QgayPKawpkPSDYmwT/WM94uAlu0=");
}

/* Sorting is by category before type: "a-b" comes after "a", although '-' comes before '/'. */
static void
test_identity_order(void **state)
{
	char first[DISCO_VER_SIZE];

	memcpy(first,
	       ver_of("<identity category='a' type='z'/><identity category='a-b' type='a'/>"),
	       sizeof(first));
	assert_string_equal(ver_of("<identity category='a-b' type='a'/>"
				   "<identity category='a' type='z'/>"),
			    first);
	/* printf 'a/z//<a-b/a//<' | openssl dgst -sha1 -binary | openssl base64 */
	assert_string_equal(first, "k9QiXr5yKjRWNVFJ5aTQitZF2cc=");
}

static void
test_empty(void **state)
{
	assert_string_equal(ver_of(""), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}

static const char *const some[] = { "urn:b", "urn:a", NULL };
static const char *const more[] = { "urn:c", "urn:a", NULL };
static const struct ear_xep xep_some = { .name = "some", .features = some };
static const struct ear_xep xep_none = { .name = "none" };
static const struct ear_xep xep_more = { .name = "more", .features = more };
static const struct ear_xep *const xeps[] = { &xep_some, &xep_none, &xep_more, NULL };

static void
test_info(void **state)
{
	static const char *const expected[] = { "urn:a", "urn:b", "urn:c" };
	xmpp_stanza_t *query = disco_info(ctx, xeps, false, "livingroom", "node#ver");
	xmpp_stanza_t *child = ear_first(query);

	assert_true(ear_is(query, "query", EAR_NS_DISCO_INFO));
	assert_string_equal(xmpp_stanza_get_attribute(query, "node"), "node#ver");
	assert_true(ear_is(child, "identity", EAR_NS_DISCO_INFO));
	assert_string_equal(xmpp_stanza_get_attribute(child, "category"), "client");
	assert_string_equal(xmpp_stanza_get_attribute(child, "type"), "bot");
	assert_string_equal(xmpp_stanza_get_attribute(child, "name"), "livingroom");
	for (size_t i = 0; i < 3; i++) {
		child = ear_next(child);
		assert_true(ear_is(child, "feature", EAR_NS_DISCO_INFO));
		assert_string_equal(xmpp_stanza_get_attribute(child, "var"), expected[i]);
	}
	assert_null(ear_next(child));
	xmpp_stanza_release(query);
}

static void
test_info_without(void **state)
{
	static const struct ear_xep *const none[] = { NULL };
	xmpp_stanza_t *query = disco_info(ctx, none, false, NULL, NULL);

	assert_null(xmpp_stanza_get_attribute(query, "node"));
	assert_null(xmpp_stanza_get_attribute(ear_first(query), "name"));
	assert_null(ear_next(ear_first(query)));
	xmpp_stanza_release(query);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),      cmocka_unit_test(test_complex),
		cmocka_unit_test(test_other_forms), cmocka_unit_test(test_identity_order),
		cmocka_unit_test(test_empty),       cmocka_unit_test(test_language),
		cmocka_unit_test(test_info),        cmocka_unit_test(test_info_without),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
