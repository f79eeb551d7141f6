/* SPDX-License-Identifier: ISC */
/* test_chat_keys.c: what a terminal sends, in one piece and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_keys.h"

static char log_text[4096];
static size_t longest;

static void
on_keys(void *arg, const char *bytes, size_t length)
{
	size_t n = strlen(log_text);

	snprintf(log_text + n, sizeof(log_text) - n, "%.*s", (int)length, bytes);
}

static void
on_pasted(void *arg, char *text)
{
	size_t n = strlen(log_text);

	longest = strlen(text);
	snprintf(log_text + n, sizeof(log_text) - n, "{%.100s}", text);
}

static const struct chat_keys_events events = { on_keys, on_pasted };

static void
gives(const char *input, const char *want)
{
	struct chat_keys keys;

	for (int by_byte = 0; by_byte < 2; by_byte++) {
		chat_keys_init(&keys, &events, NULL);
		log_text[0] = '\0';
		if (!by_byte)
			chat_keys_feed(&keys, input, strlen(input));
		for (const char *p = input; by_byte && *p != '\0'; p++)
			chat_keys_feed(&keys, p, 1);
		assert_string_equal(log_text, want);
		chat_keys_release(&keys);
	}
}

static void
test_keys(void **state)
{
	gives("abc\r", "abc\r");
	gives("\033[A\033OBx\033[1;5C\033f", "\033[A\033OBx\033[1;5C\033f");
	/* One that has not ended, and then another. */
	gives("a\033", "a");
	gives("\033[1\033[A", "\033[1\033[A");
	gives("\033[0123456789012345678A", "\033[0123456789012345678A");
}

static void
test_pasted(void **state)
{
	gives("a\033[200~one\rtwo\r\nthree\n\r\033[201~b\r", "a{one\ntwo\nthree}b\r");
	gives("\033[200~\r\n\033[201~\r", "\r");
	gives("\033[200~x\003\004\177\033[Ay\tz\033[201~", "{x[Ay z}");
	gives("\033[200~a\033[200~b\033[201~c", "{a[200~b}c");
	gives("\033[200~never ended\r", "");
	gives("\033[201~", "\033[201~");
}

static void
test_escape_alone(void **state)
{
	struct chat_keys keys;

	chat_keys_init(&keys, &events, NULL);
	log_text[0] = '\0';
	chat_keys_feed(&keys, "a\033", 2);
	assert_true(chat_keys_wait(&keys));
	chat_keys_idle(&keys);
	assert_false(chat_keys_wait(&keys));
	chat_keys_feed(&keys, "[A", 2);
	assert_string_equal(log_text, "a[A");
	chat_keys_release(&keys);
}

/* A paste without end is bounded, and cut at a whole character. */
static void
test_long(void **state)
{
	struct chat_keys keys;

	chat_keys_init(&keys, &events, NULL);
	chat_keys_feed(&keys, "\033[200~x", 7);
	for (size_t i = 0; i < CHAT_PASTE_MAX; i++)
		chat_keys_feed(&keys, "\u20ac", 3);
	chat_keys_feed(&keys, "\033[201~", 6);
	assert_int_equal((longest - 1) % 3, 0);
	assert_in_range(longest, CHAT_PASTE_MAX - 6, CHAT_PASTE_MAX);
	chat_keys_feed(&keys, "\033[200~x", 7);
	chat_keys_release(&keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_pasted),
		cmocka_unit_test(test_escape_alone),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
