/* SPDX-License-Identifier: ISC */
/* test_conf_table.c: the rows themselves; and the manual lists exactly them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/conf_table.h"

#define MANUAL "tools/man/earshotd.conf.5"

/* Every default is a value that its row accepts, and every row says what it wants. */
static void
test_rows(void **state)
{
	struct conf conf = { 0 };
	struct conf_peer peer = { 0 };
	char want[256];

	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		void *object = strcmp(o->section, "peer") == 0 ? (void *)&peer : &conf;

		if (o->fallback != NULL)
			assert_int_equal(conf_option_set(o, object, o->fallback), 0);
		conf_option_want(o, want, sizeof(want));
		assert_true(strlen(want) > 0 && strlen(o->help) > 0);
		assert_true(o->help[strlen(o->help) - 1] == '.');
		assert_ptr_equal(conf_option_find(o->section, o->key), o);
		conf_option_release(o, object);
	}
	assert_null(conf_option_find("lan", "nothing"));
	assert_false(conf_section_is_known("peer"));
	assert_true(conf_section_is_known("lan"));
}

/* What a .It line of the manual should begin with, and the default that it should end with. */
static void
check_line(const char *line, const struct conf_option *o)
{
	char begin[64], end[64] = "";

	snprintf(begin, sizeof(begin), ".It Cm %s No = Ar ", o->key);
	if (o->fallback != NULL)
		snprintf(end, sizeof(end), " Pq default: %s\n", o->fallback);
	if (strncmp(line, begin, strlen(begin)) != 0)
		fail_msg("manual: [%s] %s is missing before: %s", o->section, o->key, line);
	if ((o->fallback != NULL) != (strstr(line, " Pq default: ") != NULL) ||
	    (o->fallback != NULL && strcmp(line + strlen(line) - strlen(end), end) != 0))
		fail_msg("manual: the default of [%s] %s: %s", o->section, o->key, line);
	for (size_t i = 0;
	     o->type == CONF_CHOICE && strstr(line, " level") == NULL && o->choices[i] != NULL; i++)
		assert_non_null(strstr(line, o->choices[i]));
}

/* Section by section, key by key, in the order of the table. */
static void
test_manual(void **state)
{
	const struct conf_option *o = conf_options;
	char line[512], section[32] = "";
	FILE *manual = fopen(MANUAL, "r");

	if (manual == NULL)
		fail_msg("%s: run this test in the root of the repository", MANUAL);
	while (fgets(line, sizeof(line), manual) != NULL) {
		if (sscanf(line, ".Ss [%31[a-z]", section) == 1)
			continue;
		if (strncmp(line, ".It Cm ", 7) != 0)
			continue;
		if (o->key == NULL)
			fail_msg("manual: no such option: %s", line);
		assert_string_equal(section, o->section);
		check_line(line, o);
		o++;
	}
	fclose(manual);
	if (o->key != NULL)
		fail_msg("manual: [%s] %s is missing", o->section, o->key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
