/* SPDX-License-Identifier: ISC */
/* test_domain.c: host names and address literals as domain parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "wire/domain.h"
#include "wire/precis.h"

static void
expect(const char *text, const char *canonical)
{
	char out[PRECIS_SIZE];

	assert_int_equal(domain_prep(text, strlen(text), out), 0);
	assert_string_equal(out, canonical);
}

static void
refuse(const char *text)
{
	char out[PRECIS_SIZE];

	assert_int_equal(domain_prep(text, strlen(text), out), -EINVAL);
}

static void
test_names(void **state)
{
	expect("Example.ORG", "example.org");
	expect("example.org.", "example.org");
	expect("pronto", "pronto");
	expect("living_room-2.local", "living_room-2.local");
	expect("b\xc3\x9c"
	       "cher.example",
	       "b\xc3\xbc"
	       "cher.example");
	expect("\xef\xbd\x81\xef\xbc\x8e\xef\xbd\x82", "a.b");
	expect("3com.example", "3com.example");
}

static void
test_no_names(void **state)
{
	refuse("");
	refuse(".");
	refuse("..");
	refuse(".example");
	refuse("example..org");
	refuse("-example.org");
	refuse("example-.org");
	refuse("exam ple.org");
	refuse("example.org:5222");
	refuse("a@b");
	refuse("\xe2\x98\x83.example");
	refuse("a\xc3\xa9\x01.example");
	refuse("a\xff.example");
}

static void
test_label_length(void **state)
{
	char label[80], out[PRECIS_SIZE], name[PRECIS_SIZE + 1];

	memset(label, 'a', sizeof(label));
	assert_int_equal(domain_prep(label, 63, out), 0);
	assert_int_equal(domain_prep(label, 64, out), -EINVAL);
	memset(name, 'a', sizeof(name));
	assert_int_equal(domain_prep(name, sizeof(name), out), -ENAMETOOLONG);
}

static void
test_literals(void **state)
{
	expect("192.0.2.7", "192.0.2.7");
	refuse("192.0.2.256");
	refuse("192.0.2");
	refuse("1");
	expect("[2001:DB8:0:0::1]", "[2001:db8::1]");
	refuse("[2001:db8::1");
	refuse("[2001:db8::g]");
	refuse("[fe80::1%eth0]");
	refuse("[]");
	refuse("[192.0.2.7]");
	refuse("2001:db8::1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_label_length),
		cmocka_unit_test(test_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
