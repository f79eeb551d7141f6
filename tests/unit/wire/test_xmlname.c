/* SPDX-License-Identifier: ISC */
/* test_xmlname.c: names with their namespace in front, and which attributes have a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/ns.h>

#include "wire/xmlname.h"

static void
test_local(void **state)
{
	const char *name = "urn:x\nlocal";
	size_t length;

	assert_ptr_equal(xmlname_local(name, &length), name + 6);
	assert_int_equal(length, 5);
	assert_string_equal(xmlname_local("bare", &length), "bare");
	assert_int_equal(length, 0);
}

static void
test_is_in(void **state)
{
	assert_true(xmlname_is_in("urn:x\na", "urn:x"));
	assert_false(xmlname_is_in("urn:xy\na", "urn:x"));
	assert_false(xmlname_is_in("urn:\na", "urn:x"));
	assert_false(xmlname_is_in("urn:x", "urn:x"));
}

static void
test_header(void **state)
{
	const char *given[] = { "to",      "a",           EAR_NS_XML "\nlang",
				"de",      "urn:x\nfrom", "king",
				"version", "1.0",         NULL };
	struct reader_header header = { .ns = EAR_NS_CLIENT };

	xmlname_read_header(&header, given);
	assert_int_equal(xmlname_count(given), 4);
	assert_string_equal(header.to, "a");
	assert_string_equal(header.lang, "de");
	assert_string_equal(header.version, "1.0");
	assert_null(header.from);
	assert_null(header.id);
}

/* `x:from` may not pass for `from`. */
static void
test_attributes(void **state)
{
	char name[256];
	const char *attributes[] = { "id", "1",  "urn:x\nfrom", "king", EAR_NS_XML "\nlang",
				     "de", name, "2",           NULL };
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *element = xmpp_stanza_new(ctx);

	/* Longer than any that exists in that namespace: dropped. */
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(name, EAR_NS_XML "\n", strlen(EAR_NS_XML "\n"));
	xmpp_stanza_set_name(element, "a");
	xmlname_set_attributes(element, attributes);
	assert_int_equal(xmpp_stanza_get_attribute_count(element), 2);
	assert_string_equal(xmpp_stanza_get_id(element), "1");
	assert_string_equal(xmpp_stanza_get_attribute(element, "xml:lang"), "de");
	xmpp_stanza_release(element);
	xmpp_ctx_free(ctx);
}

static void
test_space(void **state)
{
	assert_true(xmlname_is_space(" \t\r\n", 4));
	assert_true(xmlname_is_space("x", 0));
	assert_false(xmlname_is_space(" \0", 2));
	assert_false(xmlname_is_space("\xc2\xa0", 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),  cmocka_unit_test(test_is_in),
		cmocka_unit_test(test_header), cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
