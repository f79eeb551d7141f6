/* SPDX-License-Identifier: ISC */
/* test_out.c: what reaches a terminal: escapes, tables, times, statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "stats.h"

static void
escapes(const char *in, bool keep_lines, const char *want)
{
	char *out = out_escape(in, keep_lines);

	assert_string_equal(out, want);
	free(out);
}

/* A peer's nick or message must not colour, move, retitle or turn around. */
static void
test_escape(void **state)
{
	escapes("plain \xc3\xbc \xe2\x9c\x93", false, "plain \xc3\xbc \xe2\x9c\x93");
	escapes("\033[31mred\033]0;t\a", false, "\\x1b[31mred\\x1b]0;t\\x07");
	escapes("a\nb\tc", false, "a\\x0ab\\x09c");
	escapes("a\nb\tc\r", true, "a\nb\tc\\x0d");
	escapes("\x7f", false, "\\x7f");
	escapes("\xc2\x9b"
		"31m",
		false, "\\u{9b}31m");
	escapes("\xe2\x80\xae"
		"x",
		false, "\\u{202e}x");
	escapes("\xe2\x81\xa6"
		"x\xe2\x80\xa8",
		false, "\\u{2066}x\\u{2028}");
	escapes("\xff\xc3", false, "\\xff\\xc3");
	escapes("\xc0\x9b", false, "\\xc0\\x9b");
	escapes("", false, "");
}

static void
test_numbers(void **state)
{
	char text[32];

	out_rtt(text, sizeof(text), 812);
	assert_string_equal(text, "0.812 ms");
	out_rtt(text, sizeof(text), 1234567);
	assert_string_equal(text, "1234.567 ms");
	out_rtt(text, sizeof(text), -1);
	assert_string_equal(text, "-");
	out_time(text, sizeof(text), 65.9);
	assert_string_equal(text, "1:05");
	out_time(text, sizeof(text), 3723);
	assert_string_equal(text, "1:02:03");
	out_time(text, sizeof(text), -1);
	assert_string_equal(text, "-");
	out_time(text, sizeof(text), 1e300);
	assert_string_equal(text, "-");
}

static void
test_table(void **state)
{
	static const char *const head[] = { "NAME", "X" };
	struct table table;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_init(&table, head, 2);
	table_row(&table, (const char *[]){ "J\xc3\xbcrg", "1" });
	table_row(&table, (const char *[]){ "\xe7\x94\xb5\xe8\xa7\x86", NULL });
	table_row(&table, (const char *[]){ "a\x1b", "long" });
	table_print(&table, out, true);
	fclose(out);
	assert_string_equal(text, "NAME   X\n"
				  "J\xc3\xbcrg   1\n"
				  "\xe7\x94\xb5\xe8\xa7\x86   -\n"
				  "a\\x1b  long\n");
	free(text);
	table_release(&table);
}

static void
test_json(void **state)
{
	json_t *object = json_object();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	json_put_text(object, "a", "x\033\n");
	json_put_text(object, "b", NULL);
	json_put_text(object, "c", "\xff");
	out_json(out, object);
	fclose(out);
	assert_string_equal(text, "{\"a\":\"x\\u001B\\n\",\"b\":null,\"c\":null}\n");
	free(text);
}

static void
test_colour_is_for_terminals(void **state)
{
	FILE *file = tmpfile();

	assert_false(out_has_colour(file));
	fclose(file);
}

static void
test_stats(void **state)
{
	struct stats stats = { 0 };

	assert_true(stats_deviation(&stats) == 0);
	for (int i = 0; i < 4; i++)
		stats_add(&stats, (double[]){ 2, 4, 4, 6 }[i]);
	assert_int_equal(stats.count, 4);
	assert_true(stats.min == 2 && stats.max == 6 && stats_mean(&stats) == 4);
	assert_true(stats_deviation(&stats) > 1.41 && stats_deviation(&stats) < 1.42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_table),  cmocka_unit_test(test_json),
		cmocka_unit_test(test_stats),  cmocka_unit_test(test_colour_is_for_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
