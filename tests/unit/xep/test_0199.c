/* SPDX-License-Identifier: ISC */
/* test_0199.c: a ping is answered, by an empty result. */
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
test_ping(void **state)
{
	fake_ask(ear, "get", FAKE_FROM, "<ping xmlns='" EAR_NS_PING "'/>");
	assert_null(fake_result(ear));
	assert_string_equal(fake_attribute(ear->answer, "to"), FAKE_FROM);
	assert_int_equal(ear->rule->verb, EAR_VERB_QUERY);
}

/* XEP-0199 knows only a get. */
static void
test_set(void **state)
{
	fake_ask(ear, "set", FAKE_FROM, "<ping xmlns='" EAR_NS_PING "'/>");
	assert_true(fake_refused(ear, EAR_SERVICE_UNAVAILABLE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ping),
		TEST(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
