/* SPDX-License-Identifier: ISC */
/* test_policy.c: verbs by levels, and what may leave where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/conf.h"
#include "core/policy.h"

static void
test_defaults(void **state)
{
	struct conf *conf = conf_new();

	assert_true(policy_allows(conf, EAR_VERB_QUERY, EAR_PLAIN, EAR_LINK_LAN));
	assert_true(policy_allows(conf, EAR_VERB_CHAT, EAR_PLAIN, EAR_LINK_LAN));
	assert_false(policy_allows(conf, EAR_VERB_BUTTONS, EAR_PROVED, EAR_LINK_SERVER));
	assert_true(policy_allows(conf, EAR_VERB_BUTTONS, EAR_TRUSTED, EAR_LINK_SERVER));
	assert_false(policy_allows(conf, EAR_VERB_OTHER, EAR_KEYED, EAR_LINK_LAN));
	assert_false(policy_allows(conf, EAR_VERB_COUNT, EAR_TRUSTED, EAR_LINK_LOCAL));
	conf_free(conf);
}

static void
test_nobody(void **state)
{
	struct conf *conf = conf_new();

	conf->policy_chat = CONF_NOBODY;
	assert_false(policy_allows(conf, EAR_VERB_CHAT, EAR_TRUSTED, EAR_LINK_LOCAL));
	assert_false(policy_allows(conf, EAR_VERB_CHAT, EAR_NOBODY, EAR_LINK_LOCAL));
	conf_free(conf);
}

/* No configuration opens it: trusted, and on the local link. */
static void
test_admin(void **state)
{
	struct conf *conf = conf_new();

	assert_true(policy_allows(conf, EAR_VERB_ADMIN, EAR_TRUSTED, EAR_LINK_LOCAL));
	assert_false(policy_allows(conf, EAR_VERB_ADMIN, EAR_TRUSTED, EAR_LINK_SERVER));
	assert_false(policy_allows(conf, EAR_VERB_ADMIN, EAR_TRUSTED, EAR_LINK_LAN));
	conf_free(conf);
}

/* XEP-0174 §13.2. */
static void
test_relay(void **state)
{
	assert_false(policy_allows_relay(EAR_LINK_LAN, EAR_LINK_SERVER));
	assert_true(policy_allows_relay(EAR_LINK_LAN, EAR_LINK_LAN));
	assert_true(policy_allows_relay(EAR_LINK_LOCAL, EAR_LINK_SERVER));
	assert_true(policy_allows_relay(EAR_LINK_SERVER, EAR_LINK_SERVER));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_admin),
		cmocka_unit_test(test_relay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
