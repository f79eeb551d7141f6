/* SPDX-License-Identifier: ISC */
/* test_conf_compare.c: what is another in a configuration that was read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/conf_table.h"

static char said[4096];

static void
on_change(void *arg, const char *text)
{
	strncat(said, text, sizeof(said) - strlen(said) - 1);
	strncat(said, "\n", sizeof(said) - strlen(said) - 1);
}

static unsigned
compare(const char *old, const char *fresh)
{
	struct conf *a = conf_new(), *b = conf_new();
	char error[CONF_ERROR_SIZE];
	unsigned parts;

	said[0] = '\0';
	assert_int_equal(conf_parse(a, old, "a", error, sizeof(error)), 0);
	assert_int_equal(conf_parse(b, fresh, "b", error, sizeof(error)), 0);
	parts = conf_compare(a, b, on_change, NULL);
	assert_int_equal(conf_compare(a, b, NULL, NULL), parts);
	conf_free(a);
	conf_free(b);
	return parts;
}

static void
test_same(void **state)
{
	assert_int_equal(compare("", ""), 0);
	assert_int_equal(compare("[lan]\nport = 5298\n", "[policy]\nchat = anyone\n"), 0);
	assert_int_equal(compare("[peer \"a\"]\njid = a@example.org\n[peer \"b\"]\n"
				 "jid = b@example.org\n",
				 "[peer \"b\"]\njid = b@example.org\n[peer \"a\"]\n"
				 "jid = a@example.org\n"),
			 0);
	assert_string_equal(said, "");
}

static void
test_parts(void **state)
{
	assert_int_equal(compare("", "[policy]\nchat = trusted\n"), CONF_PART_NONE);
	assert_string_equal(said, "policy.chat: trusted\n");
	assert_int_equal(compare("[lan]\nnick = Sofa\n", ""), CONF_PART_PUBLISHED);
	assert_string_equal(said, "lan.nick: nothing\n");
	assert_int_equal(compare("", "[lan]\nport = 1\n"), CONF_PART_WHOLE);
	assert_int_equal(compare("", "[engine]\nmetrics = 127.0.0.1:1\n"), CONF_PART_METRICS);
	assert_int_equal(compare("", "[player]\nkind = demo\n[server]\nport = 1\n"),
			 CONF_PART_PLAYER | CONF_PART_SERVER);
}

static void
test_peers(void **state)
{
	const char *two = "[peer \"a\"]\njid = a@example.org\n[peer \"b\"]\njid = b@example.org\n";

	assert_int_equal(compare("", two), CONF_PART_PEERS);
	assert_string_equal(said, "peer \"a\": added\npeer \"b\": added\n");
	assert_int_equal(compare(two, "[peer \"b\"]\njid = b@example.org\ntrusted = yes\n"),
			 CONF_PART_PEERS);
	assert_string_equal(said, "peer \"b\": changed\npeer \"a\": removed\n");
}

/* A section without a part would not be noticed, one with too little would not be applied. */
static void
test_every_option_has_its_part(void **state)
{
	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		if (strcmp(o->section, "policy") == 0)
			assert_int_equal(o->part, CONF_PART_NONE);
		if (strcmp(o->section, "server") == 0)
			assert_int_equal(o->part, CONF_PART_SERVER);
		if (strcmp(o->section, "player") == 0)
			assert_int_equal(o->part, CONF_PART_PLAYER);
		if (strcmp(o->section, "local") == 0)
			assert_true(o->part <= CONF_PART_WHOLE);
		/* What is not about opening it. */
		if (strcmp(o->section, "store") == 0)
			assert_int_equal(o->part, strcmp(o->key, "nodes-per-owner") == 0
							  ? CONF_PART_NONE
							  : CONF_PART_WHOLE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_every_option_has_its_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
