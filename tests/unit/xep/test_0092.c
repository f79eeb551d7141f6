/* SPDX-License-Identifier: ISC */
/* test_0092.c: our name and version, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ear.h"

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

static void
test_version(void **state)
{
	xmpp_stanza_t *query;

	fake_ask(ear, "get", FAKE_FROM, "<query xmlns='" EAR_NS_VERSION "'/>");
	query = fake_result(ear);
	assert_true(ear_is(query, "query", EAR_NS_VERSION));
	assert_string_equal(ear_text(ear_find(query, "name", NULL)), "Earshot");
	assert_string_equal(ear_text(ear_find(query, "version", NULL)), EAR_VERSION);
	assert_int_equal(fake_children(query), 2); /* the operating system is nobody's business */
	assert_int_equal(ear->rule->verb, EAR_VERB_QUERY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
