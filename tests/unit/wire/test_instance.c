/* SPDX-License-Identifier: ISC */
/* test_instance.c: XEP-0106 escaping, and XEP-0174 instances as addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include <earshot/jid.h>

static void
expect_escaped(const char *text, const char *escaped)
{
	char out[EAR_JID_SIZE];

	assert_int_equal(ear_jid_escape(text, out, sizeof(out)), 0);
	assert_string_equal(out, escaped);
	assert_int_equal(ear_jid_unescape(escaped, out, sizeof(out)), 0);
	assert_string_equal(out, text);
}

/* XEP-0106 §5 and §6. */
static void
test_escape(void **state)
{
	expect_escaped("d'artagnan", "d\\27artagnan");
	expect_escaped("space cadet", "space\\20cadet");
	expect_escaped("call me \"ishmael\"", "call\\20me\\20\\22ishmael\\22");
	expect_escaped("at&t guy", "at\\26t\\20guy");
	expect_escaped("/.fanboy", "\\2f.fanboy");
	expect_escaped("::foo::", "\\3a\\3afoo\\3a\\3a");
	expect_escaped("<foo>", "\\3cfoo\\3e");
	expect_escaped("user@host", "user\\40host");
	expect_escaped("c:\\net", "c\\3a\\net");
	expect_escaped("c:\\\\net", "c\\3a\\\\net");
	expect_escaped("c:\\cool stuff", "c\\3a\\cool\\20stuff");
	expect_escaped("c:\\5commas", "c\\3a\\5c5commas");
	expect_escaped("\\3and\\2is\\5cool", "\\5c3and\\2is\\5c5cool");
	expect_escaped("\\2F", "\\5c2F");
	expect_escaped("caf\xc3\xa9", "caf\xc3\xa9");
}

static void
test_no_escape(void **state)
{
	char out[EAR_JID_SIZE], text[600];

	assert_int_equal(ear_jid_escape("", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_escape(" a", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_escape("a ", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_escape("a\tb", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_escape("/\xcc\x87", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_escape("a\xff", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_escape("a b", out, 5), -ENOSPC);
	assert_int_equal(ear_jid_escape("a b", out, 6), 0);
	memset(text, '@', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(ear_jid_escape(text, out, sizeof(out)), -ENAMETOOLONG);
	assert_int_equal(ear_jid_unescape("", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_unescape("a\\20b", out, 3), -ENOSPC);
	assert_int_equal(ear_jid_unescape("\xff", out, sizeof(out)), -EINVAL);
}

static void
expect(const char *instance, const char *address, const char *back)
{
	char out[EAR_JID_SIZE];

	assert_int_equal(ear_jid_from_instance(instance, out, sizeof(out)), 0);
	assert_string_equal(out, address);
	assert_true(ear_jid_is_lan(out));
	assert_int_equal(ear_jid_to_instance(address, out, sizeof(out)), 0);
	assert_string_equal(out, back);
}

static void
test_instance(void **state)
{
	expect("juliet@pronto", "juliet@pronto.local", "juliet@pronto");
	expect("Juliet@Pronto", "juliet@pronto.local", "juliet@pronto");
	expect("Juliet Capulet@pronto-2", "juliet\\20capulet@pronto-2.local",
	       "juliet capulet@pronto-2");
	expect("a@b@c", "a\\40b@c.local", "a@b@c");
	expect("\xc3\x89va@h_1", "\xc3\xa9va@h_1.local", "\xc3\xa9va@h_1");
	expect("a/b@c", "a\\2fb@c.local", "a/b@c");
	/* What becomes a sequence, or stops being one, by the mappings of a local part. */
	expect("\\5\xef\xbc\xa3@c", "\\5c5c@c.local", "\\5c@c");
	expect("\\5c\xcc\x81@c", "\\5\xc4\x87@c.local", "\\5\xc4\x87@c");
	expect("a\\20b@c", "a\\5c20b@c.local", "a\\20b@c");
}

/* Nobody on the LAN can be somebody of a server. */
static void
test_hostile(void **state)
{
	expect("tv@example.org", "tv@example.org.local", "tv@example.org");
	expect("tv@example.org/x@h", "tv\\40example.org\\2fx@h.local", "tv@example.org/x@h");
}

static void
refuse(const char *instance, int error)
{
	char out[EAR_JID_SIZE];

	assert_int_equal(ear_jid_from_instance(instance, out, sizeof(out)), error);
}

static void
test_refused(void **state)
{
	char text[80];

	refuse("", -EINVAL);
	refuse("juliet", -EINVAL);
	refuse("@pronto", -EINVAL);
	refuse("juliet@", -EINVAL);
	refuse("juliet@pro nto", -EINVAL);
	refuse("juliet@pronto/x", -EINVAL);
	refuse("juliet@.", -EINVAL);
	refuse("juliet@pronto.", -EINVAL);
	refuse("juliet@a..b", -EINVAL);
	refuse("juliet@b\xc3\xbc"
	       "cher",
	       -EINVAL);
	refuse("jul\x1b[31miet@pronto", -EINVAL);
	refuse("jul\xffiet@pronto", -EINVAL);
	refuse(" juliet@pronto", -EINVAL);
	refuse("\xe2\x80\xae@pronto", -EINVAL);
	memset(text, 'a', sizeof(text));
	memcpy(text + 61, "@h", 3);
	refuse(text, 0);
	memset(text, 'a', sizeof(text));
	memcpy(text + 62, "@h", 3);
	refuse(text, -ENAMETOOLONG);
	/* 63 bytes of UTF-8: the last character is not whole. */
	memset(text, 'a', sizeof(text));
	memcpy(text + 60, "\xc3@h", 4);
	refuse(text, -EINVAL);
}

static void
test_longest(void **state)
{
	char text[EAR_INSTANCE_MAX + 1], out[192];

	memset(text, '/', sizeof(text));
	memcpy(text + EAR_INSTANCE_MAX - 2, "@h", 3);
	assert_int_equal(ear_jid_from_instance(text, out, sizeof(out)), 0);
	assert_int_equal(strlen(out), 191);
	assert_int_equal(ear_jid_from_instance(text, out, sizeof(out) - 1), -ENOSPC);
}

static void
test_to_instance(void **state)
{
	char out[EAR_INSTANCE_MAX + 1];

	assert_int_equal(ear_jid_to_instance("a@b.local/x", out, sizeof(out)), 0);
	assert_string_equal(out, "a@b");
	assert_int_equal(ear_jid_to_instance("a@example.org", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_to_instance("b.local", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_to_instance("nonsense@", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_to_instance("\\20a@b.local", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_to_instance("\\5ca@b.local", out, sizeof(out)), -EINVAL);
	assert_int_equal(ear_jid_to_instance("a@b.local", out, 3), -ENOSPC);
	assert_int_equal(
		ear_jid_to_instance("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				    "@h.local",
				    out, sizeof(out)),
		-ENAMETOOLONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),      cmocka_unit_test(test_no_escape),
		cmocka_unit_test(test_instance),    cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_longest),
		cmocka_unit_test(test_to_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
