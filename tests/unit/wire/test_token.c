/* SPDX-License-Identifier: ISC */
/* test_token.c: which bytes may complete a half read tag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/token.h"

/* Whether the last byte, and none before it, may complete the token. */
static void
expect_end(const char *text)
{
	struct token token;
	size_t length = strlen(text);

	token_start(&token);
	for (size_t i = 0; i + 1 < length; i++)
		assert_false(token_scan(&token, text + i, 1));
	assert_true(token_scan(&token, text + length - 1, 1));
	assert_int_equal(token.state, TOKEN_NONE);
	assert_int_equal(token.length, length);
	token_start(&token);
	assert_true(token_scan(&token, text, length));
}

static void
test_tag(void **state)
{
	expect_end("<a>");
	expect_end("<a b='1' c=\"2\"/>");
	expect_end("</a\n>");
}

static void
test_quotes(void **state)
{
	expect_end("<a b='>\">'>");
	expect_end("<a b=\">'>\">");
}

static void
test_entity(void **state)
{
	expect_end("&amp;");
	expect_end("&#x26;");
	expect_end("&lt ");
}

/* What is not let through in a stream must be seen by the parser, so that it refuses it. */
static void
test_markup(void **state)
{
	expect_end("<![");
	expect_end("<!D");
	expect_end("<!-x");
	expect_end("<!-- a - b --");
	expect_end("<?a > ? b ?"
		   "?>");
}

/* Text is never held. */
static void
test_text(void **state)
{
	expect_end("x");
	expect_end("\r");
	expect_end("]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tag),    cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_entity), cmocka_unit_test(test_markup),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
