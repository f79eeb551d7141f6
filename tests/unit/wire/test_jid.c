/* SPDX-License-Identifier: ISC */
/* test_jid.c: addresses taken apart, made canonical, compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include <earshot/jid.h>

static void
expect_parts(const char *text, const char *local, const char *domain, const char *resource)
{
	struct ear_jid jid;

	assert_int_equal(ear_jid_parse(text, &jid), 0);
	assert_int_equal(jid.domain_len, strlen(domain));
	assert_memory_equal(jid.domain, domain, jid.domain_len);
	assert_int_equal(jid.local_len, local == NULL ? 0 : strlen(local));
	assert_int_equal(jid.resource_len, resource == NULL ? 0 : strlen(resource));
	if (local == NULL)
		assert_null(jid.local);
	else
		assert_memory_equal(jid.local, local, jid.local_len);
	if (resource == NULL)
		assert_null(jid.resource);
	else
		assert_memory_equal(jid.resource, resource, jid.resource_len);
}

static void
test_parse(void **state)
{
	struct ear_jid jid;

	expect_parts("juliet@example.com/balcony", "juliet", "example.com", "balcony");
	expect_parts("Example.com", NULL, "Example.com", NULL);
	expect_parts("example.com/a@b/c", NULL, "example.com", "a@b/c");
	expect_parts("a@b/c@d", "a", "b", "c@d");
	assert_int_equal(ear_jid_parse("", &jid), -EINVAL);
	assert_int_equal(ear_jid_parse("@example.com", &jid), -EINVAL);
	assert_int_equal(ear_jid_parse("juliet@", &jid), -EINVAL);
	assert_int_equal(ear_jid_parse("juliet@example.com/", &jid), -EINVAL);
	assert_int_equal(ear_jid_parse("/x", &jid), -EINVAL);
	assert_int_equal(ear_jid_parse("a\xff@b", &jid), -EINVAL);
}

static void
expect(const char *text, const char *canonical)
{
	char out[EAR_JID_SIZE];

	assert_int_equal(ear_jid_prep(text, out, sizeof(out)), 0);
	assert_string_equal(out, canonical);
	assert_true(ear_jid_equal(text, canonical));
}

static void
refuse(const char *text)
{
	char out[EAR_JID_SIZE];

	assert_int_equal(ear_jid_prep(text, out, sizeof(out)), -EINVAL);
	assert_false(ear_jid_equal(text, text));
	assert_false(ear_jid_is_lan(text));
}

/* The examples of RFC 7622 §3.5. */
static void
test_examples(void **state)
{
	expect("juliet@example.com", "juliet@example.com");
	expect("juliet@example.com/foo", "juliet@example.com/foo");
	expect("juliet@example.com/foo bar", "juliet@example.com/foo bar");
	expect("juliet@example.com/foo@bar", "juliet@example.com/foo@bar");
	expect("foo\\20bar@example.com", "foo\\20bar@example.com");
	expect("fussball@example.com", "fussball@example.com");
	expect("fu\xc3\x9f"
	       "ball@example.com",
	       "fu\xc3\x9f"
	       "ball@example.com");
	expect("\xcf\x80@example.com", "\xcf\x80@example.com");
	expect("\xce\xa3@example.com/foo", "\xcf\x83@example.com/foo");
	expect("\xcf\x82@example.com/foo", "\xcf\x82@example.com/foo");
	expect("king@example.com/\xe2\x99\x9a", "king@example.com/\xe2\x99\x9a");
	refuse("\"juliet\"@example.com");
	refuse("foo bar@example.com");
	refuse("@example.com/");
	refuse("henry\xe2\x85\xa3@example.com");
	refuse("\xe2\x99\x9a@example.com");
}

static void
test_case(void **state)
{
	expect("JULIET@Example.COM/Balcony", "juliet@example.com/Balcony");
	expect("\xc3\x89VA@\xc3\x96.example", "\xc3\xa9va@\xc3\xb6.example");
	assert_true(ear_jid_equal("A@B/c", "a@b/c"));
	assert_false(ear_jid_equal("a@b/C", "a@b/c"));
	assert_true(ear_jid_bare_equal("A@B/c", "a@b/d"));
	assert_false(ear_jid_bare_equal("a@b", "b"));
	assert_false(ear_jid_equal("a@b", "a@b/c"));
}

static void
test_bare(void **state)
{
	char out[EAR_JID_SIZE];

	assert_int_equal(ear_jid_bare("A@B./x", out, sizeof(out)), 0);
	assert_string_equal(out, "a@b");
	assert_int_equal(ear_jid_bare("B", out, sizeof(out)), 0);
	assert_string_equal(out, "b");
	assert_int_equal(ear_jid_bare("a b@c", out, sizeof(out)), -EINVAL);
	assert_string_equal(ear_jid_resource("a@b/c/d"), "c/d");
	assert_null(ear_jid_resource("a@b"));
	assert_null(ear_jid_resource("a@b/"));
}

static void
test_controls(void **state)
{
	refuse("a\x01@b");
	refuse("a@b\x7f");
	refuse("a@b/c\nd");
	refuse("a@b/\xc2\x85");
	refuse("a@b c");
	refuse("a@b@c");
}

static void
test_limits(void **state)
{
	char text[EAR_JID_SIZE + 16], out[EAR_JID_SIZE];

	memset(text, 'a', sizeof(text));
	text[EAR_JID_PART_MAX] = '@';
	memcpy(text + EAR_JID_PART_MAX + 1, "b", 2);
	assert_int_equal(ear_jid_prep(text, out, sizeof(out)), 0);
	memset(text, 'a', EAR_JID_PART_MAX + 1);
	memcpy(text + EAR_JID_PART_MAX + 1, "@b", 3);
	assert_int_equal(ear_jid_prep(text, out, sizeof(out)), -ENAMETOOLONG);
	memset(text, 'a', EAR_JID_PART_MAX + 3);
	text[1] = '/';
	text[2 + EAR_JID_PART_MAX] = '\0';
	assert_int_equal(ear_jid_prep(text, out, sizeof(out)), 0);
	text[2 + EAR_JID_PART_MAX] = 'a';
	text[3 + EAR_JID_PART_MAX] = '\0';
	assert_int_equal(ear_jid_prep(text, out, sizeof(out)), -ENAMETOOLONG);
	assert_int_equal(ear_jid_prep("a@b/c", out, 6), 0);
	assert_int_equal(ear_jid_prep("a@b/c", out, 5), -ENOSPC);
	assert_int_equal(ear_jid_bare("a@b/c", out, 4), 0);
}

static void
test_lan(void **state)
{
	assert_true(ear_jid_is_lan("juliet@pronto.local"));
	assert_true(ear_jid_is_lan("juliet@Pronto.LOCAL./x"));
	assert_false(ear_jid_is_lan("juliet@pronto.local.example"));
	assert_false(ear_jid_is_lan("juliet@local"));
	assert_false(ear_jid_is_lan("juliet@xlocal"));
	assert_false(ear_jid_is_lan("example.org/x.local"));
	assert_true(ear_jid_bare_is_lan("juliet@pronto.local"));
	assert_true(ear_jid_bare_is_lan("pronto.local"));
	assert_false(ear_jid_bare_is_lan("juliet@local"));
	assert_false(ear_jid_bare_is_lan("juliet@pronto.local.example"));
	assert_false(ear_jid_bare_is_lan(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),    cmocka_unit_test(test_examples),
		cmocka_unit_test(test_case),     cmocka_unit_test(test_bare),
		cmocka_unit_test(test_controls), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_lan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
