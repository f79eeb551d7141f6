/* SPDX-License-Identifier: ISC */
/* test_pubsub_names.c: every value has its name, and only these are names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pubsub.h"

static void
test_affiliations(void **state)
{
	for (int i = 0; i < EAR_AFFILIATION_COUNT; i++) {
		const char *name = pubsub_affiliation_name((enum ear_affiliation)i);

		assert_non_null(name);
		assert_int_equal(pubsub_affiliation_of(name), i);
	}
	assert_null(pubsub_affiliation_name(EAR_AFFILIATION_COUNT));
	assert_string_equal(pubsub_affiliation_name(EAR_PUBLISH_ONLY), "publish-only");
	assert_int_equal(pubsub_affiliation_of("Owner"), -1);
	assert_int_equal(pubsub_affiliation_of(""), -1);
	assert_int_equal(pubsub_affiliation_of(NULL), -1);
}

static void
test_subscriptions(void **state)
{
	for (int i = 0; i < EAR_SUBSCRIPTION_COUNT; i++) {
		const char *name = pubsub_subscription_name((enum ear_subscription)i);

		assert_non_null(name);
		assert_int_equal(pubsub_subscription_of(name), i);
	}
	assert_null(pubsub_subscription_name(EAR_SUBSCRIPTION_COUNT));
	assert_string_equal(pubsub_subscription_name(EAR_SUBSCRIPTION_NONE), "none");
	assert_int_equal(pubsub_subscription_of("owner"), -1);
	assert_int_equal(pubsub_subscription_of(NULL), -1);
}

static void
test_accesses(void **state)
{
	for (int i = 0; i < PUBSUB_ACCESS_COUNT; i++)
		assert_non_null(pubsub_access_name((enum pubsub_access)i));
	assert_null(pubsub_access_name(PUBSUB_ACCESS_COUNT));
	assert_string_equal(pubsub_access_name(PUBSUB_WHITELIST), "whitelist");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_affiliations),
		cmocka_unit_test(test_subscriptions),
		cmocka_unit_test(test_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
