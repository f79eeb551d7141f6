/* SPDX-License-Identifier: ISC */
/* test_qr.c: a QR code drawn with half blocks, read back module by module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <qrencode.h>

#include "qr.h"

#define URI   "xmpp:tv@box.local?pair;key=00112233;token=abcdefghijklmnopqrstuv"
#define QUIET 4
#define UPPER "\xe2\x96\x80"
#define LOWER "\xe2\x96\x84"
#define BOTH  "\xe2\x96\x88"

static char *
drawn(const char *text, bool colour)
{
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	assert_int_equal(qr_write(text, colour, file), 0);
	fclose(file);
	return out;
}

static const char *
after(const char *at, const char *text)
{
	assert_int_equal(strncmp(at, text, strlen(text)), 0);
	return at + strlen(text);
}

/* One character: which of its halves are in the foreground colour. */
static const char *
take(const char *at, bool *upper, bool *lower)
{
	*upper = *lower = false;
	if (*at == ' ')
		return at + 1;
	*upper = strncmp(at, LOWER, 3) != 0;
	*lower = strncmp(at, UPPER, 3) != 0;
	assert_true(!*upper || !*lower || strncmp(at, BOTH, 3) == 0);
	return at + 3;
}

static bool
wanted(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1);
}

static void
check(bool colour)
{
	QRcode *code = QRcode_encodeString8bit(URI, 0, QR_ECLEVEL_L);
	char *out = drawn(URI, colour);
	const char *at = out;
	bool upper, lower;

	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		at = after(at, colour ? "\033[30;107m" : "");
		for (int x = -QUIET; x < code->width + QUIET; x++) {
			at = take(at, &upper, &lower);
			assert_int_equal(upper == colour, wanted(code, x, y));
			assert_int_equal(lower == colour, wanted(code, x, y + 1));
		}
		at = after(at, colour ? "\033[0m\n" : "\n");
	}
	assert_string_equal(at, "");
	QRcode_free(code);
	free(out);
}

static void
test_modules(void **state)
{
	check(true);
	check(false);
}

static void
test_too_long(void **state)
{
	char *text = malloc(4001);

	memset(text, 'x', 4000);
	text[4000] = '\0';
	assert_int_equal(qr_write(text, false, stdout), -EMSGSIZE);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
