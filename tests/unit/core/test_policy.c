/* SPDX-License-Identifier: ISC */
/* test_policy.c: verbs by levels, and what may leave where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/conf.h"
#include "core/policy.h"

/* What trust stands for: of each verb, who may, from plain to trusted. Written out, not computed.
 */
static const struct {
	enum ear_verb verb;
	bool may[EAR_NOBODY];
} table[] = {
	{ EAR_VERB_QUERY, { true, true, true, true } },
	{ EAR_VERB_CHAT, { true, true, true, true } },
	{ EAR_VERB_STATE, { false, true, true, true } },
	{ EAR_VERB_PAIR, { false, true, true, true } },
	{ EAR_VERB_OTHER, { false, false, true, true } },
	{ EAR_VERB_SUBSCRIBE, { false, false, true, true } },
	{ EAR_VERB_PUBLISH, { false, false, true, true } },
	{ EAR_VERB_BUTTONS, { false, false, false, true } },
	{ EAR_VERB_ADMIN, { false, false, false, false } },
};

#define ROWS (sizeof(table) / sizeof(table[0]))

static void
test_defaults(void **state)
{
	struct conf *conf = conf_new();

	assert_int_equal(ROWS, EAR_VERB_COUNT);
	for (size_t i = 0; i < ROWS; i++)
		for (int level = EAR_PLAIN; level < EAR_NOBODY; level++) {
			enum ear_verb verb = table[i].verb;

			assert_int_equal(policy_allows(conf, verb, level, EAR_LINK_LAN),
					 table[i].may[level]);
			assert_int_equal(policy_allows(conf, verb, level, EAR_LINK_SERVER),
					 table[i].may[level]);
			assert_int_equal(policy_allows(conf, verb, level, EAR_LINK_LOCAL),
					 verb == EAR_VERB_ADMIN ? level == EAR_TRUSTED
								: table[i].may[level]);
		}
	assert_false(policy_allows(conf, EAR_VERB_COUNT, EAR_TRUSTED, EAR_LINK_LOCAL));
	conf_free(conf);
}

/* Every verb but administration can be set to every level, by its name in the file. */
static void
test_every_setting(void **state)
{
	static const char *const words[] = { "anyone", "known", "proved", "trusted", "nobody" };
	char text[128], error[CONF_ERROR_SIZE];

	for (int verb = 0; verb < EAR_VERB_COUNT; verb++)
		for (int need = 0; verb != EAR_VERB_ADMIN && need <= EAR_NOBODY; need++) {
			struct conf *conf = conf_new();

			snprintf(text, sizeof(text), "[policy]\n%s = %s\n", ear_verb_name(verb),
				 words[need]);
			assert_int_equal(conf_parse(conf, text, "test", error, sizeof(error)), 0);
			for (int level = 0; level < EAR_NOBODY; level++)
				assert_int_equal(policy_allows(conf, verb, level, EAR_LINK_LAN),
						 level >= need);
			conf_free(conf);
		}
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
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_every_setting),
		cmocka_unit_test(test_nobody),   cmocka_unit_test(test_admin),
		cmocka_unit_test(test_relay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
