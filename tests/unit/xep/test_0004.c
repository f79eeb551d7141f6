/* SPDX-License-Identifier: ISC */
/* test_0004.c: forms that are asked, and submissions that are read. */
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
#include "forms.h"

#define TYPE              "urn:example:form"
#define HIDDEN            "<field var='FORM_TYPE' type='hidden'><value>" TYPE "</value></field>"
#define X(type, fields)   "<x xmlns='jabber:x:data' type='" type "'>" fields "</x>"
#define SUBMIT(fields)    X("submit", fields)
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"

static const struct form_field fields[] = {
	{ "name", FORM_TEXT, true, "Name" },
	{ "list", FORM_LIST, false, "List" },
	{ "flag", FORM_BOOLEAN, false, "Flag" },
	{ "secret", FORM_HIDDEN, false, NULL },
};

#define COUNT (sizeof(fields) / sizeof(fields[0]))

static struct ear *ear;
static xmpp_stanza_t *form;
static const char *values[COUNT], *fault_in;

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

static enum form_fault
read_xml(const char *xml)
{
	if (form != NULL)
		xmpp_stanza_release(form);
	form = xmpp_stanza_new_from_string(ear->ctx, xml);
	assert_non_null(form);
	return form_read(form, TYPE, fields, COUNT, values, &fault_in);
}

static xmpp_stanza_t *
field_of(const char *var)
{
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (ear_is(e, "field", EAR_NS_DATA) && strcmp(fake_attribute(e, "var"), var) == 0)
			return e;
	fail_msg("no field %s", var);
	return NULL;
}

static void
test_new(void **state)
{
	xmpp_stanza_t *field;

	form = form_new(ear, TYPE, "Title", "Do this");
	form_add_text(form, "a line");
	form_add(form, &fields[0], NULL);
	field = form_add(form, &fields[1], "b");
	form_add_option(field, "First", "a");
	form_add_option(field, "Second", "b");
	form_set_range(form_add(form, &fields[2], "1"), 0, 100);
	assert_string_equal(fake_attribute(form, "type"), "form");
	assert_string_equal(ear_text(ear_find(form, "title", NULL)), "Title");
	assert_string_equal(ear_text(ear_find(form, "instructions", NULL)), "Do this");
	assert_string_equal(fake_attribute(field_of("FORM_TYPE"), "type"), "hidden");
	assert_string_equal(ear_text(ear_first(field_of("FORM_TYPE"))), TYPE);
	assert_string_equal(fake_attribute(field_of(""), "type"), "fixed");
	assert_string_equal(ear_text(ear_first(field_of(""))), "a line");
	assert_string_equal(fake_attribute(field_of("name"), "type"), "text-single");
	assert_string_equal(fake_attribute(field_of("name"), "label"), "Name");
	assert_non_null(ear_find(field_of("name"), "required", NULL));
	assert_null(ear_find(field_of("name"), "value", NULL));
	assert_string_equal(fake_attribute(field_of("list"), "type"), "list-single");
	assert_null(ear_find(field_of("list"), "required", NULL));
	assert_string_equal(ear_text(ear_find(field_of("list"), "value", NULL)), "b");
	assert_int_equal(fake_children(field_of("list")), 3);
	field = ear_find(field_of("list"), "option", NULL);
	assert_string_equal(fake_attribute(field, "label"), "First");
	assert_string_equal(ear_text(ear_first(field)), "a");
	field = ear_find(field_of("flag"), "validate", "http://jabber.org/protocol/xdata-validate");
	assert_string_equal(fake_attribute(field, "datatype"), "xs:integer");
	assert_string_equal(fake_attribute(ear_first(field), "max"), "100");
}

static void
test_read(void **state)
{
	assert_int_equal(read_xml(SUBMIT(HIDDEN FIELD("name", "a &amp; b") FIELD("flag", "true")
						 FIELD("other", "x") FIELD("list", "1"))),
			 FORM_FINE);
	assert_string_equal(values[0], "a & b");
	assert_string_equal(values[1], "1");
	assert_string_equal(values[2], "1");
	assert_null(values[3]);
	assert_null(fault_in);
	assert_int_equal(read_xml(SUBMIT(FIELD("name", "x") FIELD("flag", "0"))), FORM_FINE);
	assert_string_equal(values[2], "0");
	/* XEP-0050 §3.5 */
	assert_int_equal(read_xml(X("cancel", FIELD("name", "x"))), FORM_FINE);
	/* Some send back what was not asked. */
	assert_int_equal(read_xml(SUBMIT("<field type='fixed'><value>a line</value></field>" FIELD(
				 "name", "x"))),
			 FORM_FINE);
	assert_string_equal(values[0], "x");
	/* So does slixmpp, without the type. */
	assert_int_equal(
		read_xml(SUBMIT("<field><value>a line</value></field>" FIELD("name", "y"))),
		FORM_FINE);
	assert_string_equal(values[0], "y");
}

static void
test_faults(void **state)
{
	static const struct {
		const char *xml;
		enum form_fault fault;
		const char *in;
	} cases[] = {
		{ X("form", FIELD("name", "x")), FORM_NO_SUBMISSION, NULL },
		{ X("result", FIELD("name", "x")), FORM_NO_SUBMISSION, NULL },
		{ "<x xmlns='jabber:x:data'/>", FORM_NO_SUBMISSION, NULL },
		{ "<x xmlns='urn:example:x' type='submit'/>", FORM_NO_SUBMISSION, NULL },
		{ SUBMIT(FIELD("FORM_TYPE", "urn:example:other") FIELD("name", "x")),
		  FORM_OF_OTHER_TYPE, "FORM_TYPE" },
		{ SUBMIT("<field var='FORM_TYPE'/>" FIELD("name", "x")), FORM_OF_OTHER_TYPE,
		  "FORM_TYPE" },
		{ SUBMIT(HIDDEN HIDDEN FIELD("name", "x")), FORM_TWICE, "FORM_TYPE" },
		{ SUBMIT(""), FORM_MISSING, "name" },
		{ SUBMIT(FIELD("list", "x")), FORM_MISSING, "name" },
		{ SUBMIT(FIELD("name", "")), FORM_MISSING, "name" },
		{ SUBMIT("<field var='name'/>"), FORM_MISSING, "name" },
		{ SUBMIT("<field><value>x</value></field>"), FORM_MISSING, "name" },
		{ SUBMIT(FIELD("name", "x") FIELD("name", "y")), FORM_TWICE, "name" },
		{ SUBMIT("<field var='name'><value>x</value><value>y</value></field>"), FORM_TWICE,
		  "name" },
		{ SUBMIT(FIELD("name", "x") FIELD("flag", "yes")), FORM_NOT_BOOLEAN, "flag" },
		{ SUBMIT(FIELD("name", "x\ny")), FORM_NOT_A_LINE, "name" },
		{ SUBMIT(FIELD("name", "x&#9;y")), FORM_NOT_A_LINE, "name" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_xml(cases[i].xml), cases[i].fault);
		assert_string_equal(fault_in == NULL ? "" : fault_in,
				    cases[i].in == NULL ? "" : cases[i].in);
		assert_non_null(form_fault_text(cases[i].fault));
	}
}

/* A submission of that many other fields, and a name that long. */
static enum form_fault
read_large(size_t others, size_t length)
{
	char *text = xalloc(length + 1), *xml = xstrdup("<x xmlns='jabber:x:data' type='submit'>");
	enum form_fault fault;
	char *more;

	memset(text, 'x', length);
	text[length] = '\0';
	for (size_t i = 0; i < others; i++) {
		more = xasprintf("%s<field var='f%zu'/>", xml, i);
		free(xml);
		xml = more;
	}
	more = xasprintf("%s<field var='name'><value>%s</value></field></x>", xml, text);
	fault = read_xml(more);
	free(more);
	free(xml);
	free(text);
	return fault;
}

static void
test_caps(void **state)
{
	assert_int_equal(read_large(FORM_FIELDS_MAX - 1, 1), FORM_FINE);
	assert_int_equal(read_large(FORM_FIELDS_MAX, 1), FORM_TOO_MANY);
	assert_null(fault_in);
	assert_int_equal(read_large(0, FORM_VALUE_MAX), FORM_FINE);
	assert_int_equal(read_large(0, FORM_VALUE_MAX + 1), FORM_TOO_LONG);
	assert_string_equal(fault_in, "name");
}

/* --- field by field ----------------------------------------------------------------------- */

static char *taken; /* "name=x/1 list=-/0 " */

static enum form_fault
take_one(void *arg, const char *var, const char *value, size_t count)
{
	char *more = xasprintf("%s%s=%s/%zu ", taken, var, value == NULL ? "-" : value, count);

	free(taken);
	taken = more;
	return strcmp(var, arg) == 0 ? FORM_REFUSED : FORM_FINE;
}

static enum form_fault
each_xml(const char *xml, const char *refused)
{
	if (form != NULL)
		xmpp_stanza_release(form);
	form = xmpp_stanza_new_from_string(ear->ctx, xml);
	assert_non_null(form);
	free(taken);
	taken = xstrdup("");
	return form_each(form, TYPE, take_one, (void *)refused, &fault_in);
}

static void
test_each(void **state)
{
	assert_int_equal(
		each_xml(
			SUBMIT(HIDDEN FIELD("a", "x") "<field var='b'/>" FIELD(
				"c",
				"") "<field var='d'><value/><value>y</value><value>z"
				    "</value></field>" FIELD(
					    "a",
					    "x") "<field type='fixed'><value>line</value></field>"),
			""),
		FORM_FINE);
	assert_string_equal(taken, "a=x/1 b=-/0 c=-/1 d=y/3 a=x/1 ");
	assert_null(fault_in);
	assert_int_equal(each_xml(SUBMIT(FIELD("a", "x") FIELD("b", "y") FIELD("c", "z")), "b"),
			 FORM_REFUSED);
	assert_string_equal(taken, "a=x/1 b=y/1 ");
	assert_string_equal(fault_in, "b");
	assert_int_equal(each_xml(X("form", FIELD("a", "x")), ""), FORM_NO_SUBMISSION);
	assert_null(fault_in);
	assert_int_equal(each_xml(SUBMIT(FIELD("FORM_TYPE", "urn:example:other")), ""),
			 FORM_OF_OTHER_TYPE);
	assert_int_equal(each_xml(SUBMIT(HIDDEN HIDDEN), ""), FORM_TWICE);
	assert_string_equal(taken, "");
	free(taken);
	taken = NULL;
}

static void
test_result(void **state)
{
	static const struct form_field owners = { "owners", FORM_JIDS, false, NULL };
	xmpp_stanza_t *field;

	form = form_result_new(ear, TYPE);
	field = form_add(form, &owners, "a@example.org");
	form_add_value(field, "b@example.org");
	assert_string_equal(fake_attribute(form, "type"), "result");
	assert_string_equal(ear_text(ear_first(field_of("FORM_TYPE"))), TYPE);
	assert_string_equal(fake_attribute(field_of("owners"), "type"), "jid-multi");
	assert_int_equal(fake_children(field_of("owners")), 2);
	assert_string_equal(ear_text(ear_next(ear_first(field_of("owners")))), "b@example.org");
}

static void
test_every_fault_has_a_text(void **state)
{
	for (int i = 0; i < FORM_FAULT_COUNT; i++)
		assert_non_null(form_fault_text(i));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new),
		TEST(test_read),
		TEST(test_faults),
		TEST(test_caps),
		TEST(test_each),
		TEST(test_result),
		TEST(test_every_fault_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
