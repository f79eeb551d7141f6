/* SPDX-License-Identifier: ISC */
/* test_pairing_uri.c: what a QR code says, and the many things that it must not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pairing_impl.h"

#define FP    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN "AAECAwQFBgcICQoLDA0ODw"
#define TAIL  "?pair;key=" FP ";token=" TOKEN

static void
test_good(void **state)
{
	static const struct {
		const char *text, *address;
	} cases[] = {
		{ "xmpp:tv@box.local" TAIL, "tv@box.local" },
		{ "XMPP:TV@Box.Local" TAIL, "tv@box.local" },
		{ "xmpp:tv@box.local?pair;token=" TOKEN ";key=" FP, "tv@box.local" },
		{ "xmpp:tv@box.local?pair;name=x;key=" FP ";odd;token=" TOKEN ";=;",
		  "tv@box.local" },
		{ "xmpp:tv@box.local" TAIL "#fragment;key=1", "tv@box.local" },
		{ "xmpp:t%76@box.local" TAIL, "tv@box.local" },
		{ "xmpp:m%C3%A9m%c3%a9@box.local" TAIL, "m\xc3\xa9m\xc3\xa9@box.local" },
	};
	struct pair_uri uri;
	char key[EAR_KEY_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(pair_uri_parse(cases[i].text, &uri), 0);
		assert_string_equal(uri.address, cases[i].address);
		assert_string_equal(uri.token, TOKEN);
		ear_key_format(&uri.key, key);
		assert_string_equal(key, FP);
	}
}

static void
test_bad(void **state)
{
	static const char *const cases[] = {
		"",
		"x",
		"xmpp:",
		"xmpp:?pair",
		"xmpp:tv@box.local",
		"xmpp:tv@box.local?",
		"xmpp:tv@box.local?pair",
		"xmpp:tv@box.local?pair;key=" FP,
		"xmpp:tv@box.local?pair;token=" TOKEN,
		"xmpp:tv@box.local?pair;key=" FP ";token=",
		"xmpp:tv@box.local?pair;key=;token=" TOKEN,
		"xmpp:tv@box.local?pair;key=" FP "0;token=" TOKEN,
		"xmpp:tv@box.local?pair;key=" FP ";key=" FP ";token=" TOKEN,
		"xmpp:tv@box.local" TAIL ";token=" TOKEN,
		"xmpp:tv@box.local?pair;key=" FP ";token=a%00b",
		"xmpp:tv@box.local?pair;key=" FP ";token=a b",
		"xmpp:tv@box.local?pair;key=" FP ";token=a%20b",
		"xmpp:tv@box.local?pair;key=" FP ";token=" TOKEN TOKEN TOKEN,
		"xmpp:tv@box.local?message;key=" FP ";token=" TOKEN,
		"xmpp:tv@box.local?pairs;key=" FP ";token=" TOKEN,
		"xmpp://tv@box.local/tv@box.local" TAIL,
		"xmpp:tv@box.local/resource" TAIL,
		"xmpp:tv@example.org" TAIL, /* no server vouches here */
		"xmpp:box.local" TAIL,
		"xmpp:t%@box.local" TAIL,
		"xmpp:t%7@box.local" TAIL,
		"xmpp:t%7g@box.local" TAIL,
		"xmpp:t%00v@box.local" TAIL,
		"xmpp:t\nv@box.local" TAIL,
		"xmpp:t%0av@box.local" TAIL,
		"xmpp:t%ffv@box.local" TAIL,
		"http:tv@box.local" TAIL,
		" xmpp:tv@box.local" TAIL,
	};
	struct pair_uri uri;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (pair_uri_parse(cases[i], &uri) != -EINVAL)
			fail_msg("taken: %s", cases[i]);
}

static void
test_long(void **state)
{
	char text[4096];
	struct pair_uri uri;

	memset(text, 'x', sizeof(text));
	memcpy(text, "xmpp:tv@box.local" TAIL ";x=", strlen("xmpp:tv@box.local" TAIL ";x="));
	text[PAIRING_URI_MAX] = '\0';
	assert_int_equal(pair_uri_parse(text, &uri), 0);
	text[PAIRING_URI_MAX] = 'x';
	text[PAIRING_URI_MAX + 1] = '\0';
	assert_int_equal(pair_uri_parse(text, &uri), -EMSGSIZE);
	text[PAIRING_URI_MAX + 1] = 'x';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(pair_uri_parse(text, &uri), -EMSGSIZE);
	memset(text, 'x', sizeof(text)); /* an address that is too long for one */
	memcpy(text, "xmpp:", 5);
	text[PAIRING_URI_MAX] = '\0';
	assert_int_equal(pair_uri_parse(text, &uri), -EINVAL);
}

static void
test_round(void **state)
{
	static const char *const addresses[] = {
		"tv@box.local",
		"m\xc3\xa9m\xc3\xa9@box.local",
		"living\\20room@box.local",
		"a#b;c=d%e[f]@box.local",
	};
	struct ear_key key;
	struct pair_uri uri;
	char text[PAIRING_URI_MAX + 1];

	assert_int_equal(ear_key_parse(FP, &key), 0);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		assert_int_equal(pair_uri_format(addresses[i], &key, TOKEN, text, sizeof(text)), 0);
		assert_int_equal(pair_uri_parse(text, &uri), 0);
		assert_string_equal(uri.address, addresses[i]);
		assert_true(ear_key_equal(&uri.key, &key));
		assert_string_equal(uri.token, TOKEN);
		assert_true(strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._~:/?#[]@!$&'()*+,;=%") == strlen(text));
	}
	assert_int_equal(pair_uri_format("tv@box.local", &key, TOKEN, text, 100), -ENOSPC);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(pair_uri_format(text, &key, TOKEN, text, sizeof(text)), -ENOSPC);
}

/* What strangers call themselves. */
static void
test_names(void **state)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{ NULL, "" },
		{ "", "" },
		{ "phone", "phone" },
		{ "  my \t\n phone ", "my phone" },
		{ "a\x1b[31mb", "a [31mb" },
		{ "a\xe2\x80\xae"
		  "b",
		  "ab" }, /* U+202E, right to left */
		{ "a\xe2\x81\xa6"
		  "b\xe2\x81\xa9",
		  "ab" }, /* isolates */
		{ "a\xe2\x80\xa8"
		  "b",
		  "a b" }, /* line separator */
		{ "a\xe2\x80\x8b\xef\xbb\xbf"
		  "b",
		  "ab" }, /* nothing to see */
		{ "a\xf3\xa0\x81\x81"
		  "b",
		  "ab" }, /* tag characters */
		{ "\xff\xfe", "" },
		{ "\xe2\x80\xae \xe2\x80\xae", "" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "0123456789012345678901234567890", "012345678901234567890123" },
		{ "\xf0\x9f\x93\xba\xf0\x9f\x93\xba", "\xf0\x9f\x93\xba\xf0\x9f\x93\xba" },
	};
	char out[PAIRING_NAME_SIZE], small[4];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pair_clean(cases[i].text, PAIRING_NAME_MAX, out, sizeof(out));
		assert_string_equal(out, cases[i].clean);
	}
	pair_clean("ab\xf0\x9f\x93\xba", 10, small, sizeof(small)); /* whole characters only */
	assert_string_equal(small, "ab");
	pair_clean("a b c", 10, small, sizeof(small));
	assert_string_equal(small, "a b");
	for (size_t size = 1; size < 8; size++) {
		char exact[8];

		pair_clean("a  \xc3\xa9 \xf0\x9f\x93\xba", 10, exact, size);
		assert_true(strlen(exact) < size);
	}
}

static void
test_screen(void **state)
{
	char line[256], address[EAR_JID_SIZE];

	pair_screen_line("phone@sofa.local", "123456", line, sizeof(line));
	assert_string_equal(line, "Earshot: phone@sofa wants to pair: 123 456");
	memset(address, 'x', sizeof(address));
	memcpy(address + 1000, "@sofa.local", 12);
	pair_screen_line(address, "000042", line, sizeof(line));
	assert_string_equal(line, "Earshot: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx wants to "
				  "pair: 000 042");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),  cmocka_unit_test(test_round),
		cmocka_unit_test(test_names), cmocka_unit_test(test_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
