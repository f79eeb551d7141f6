/* SPDX-License-Identifier: ISC */
/* test_ways.c: the order of addresses, and which of them anybody may be told of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>

#include "core/ways.h"

#define MAX 16

static size_t
fill(struct sockaddr_storage *ways, socklen_t *lengths, const char *const *texts)
{
	size_t n = 0;

	for (; texts[n] != NULL; n++) {
		assert_int_equal(ways_parse(texts[n], &ways[n]), 0);
		ways_set_port(&ways[n], 5298);
		lengths[n] = ways_length(&ways[n]);
	}
	return n;
}

static void
expect(const struct sockaddr_storage *way, const char *text)
{
	char is[INET6_ADDRSTRLEN];
	const void *address = way->ss_family == AF_INET6
				      ? (const void *)&((const struct sockaddr_in6 *)way)->sin6_addr
				      : (const void *)&((const struct sockaddr_in *)way)->sin_addr;

	assert_non_null(inet_ntop(way->ss_family, address, is, sizeof(is)));
	assert_string_equal(is, text);
}

static void
test_order(void **state)
{
	static const char *const in[] = { "192.0.2.1",   "192.0.2.2", "192.0.2.3",   "2001:db8::1",
					  "2001:db8::2", "192.0.2.1", "2001:db8::2", NULL };
	static const char *const out[] = { "2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2",
					   "192.0.2.3" };
	struct sockaddr_storage ways[MAX];
	socklen_t lengths[MAX];
	size_t n = ways_order(ways, lengths, fill(ways, lengths, in));

	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++) {
		expect(&ways[i], out[i]);
		assert_int_equal(lengths[i], ways_length(&ways[i]));
	}
}

static void
test_one_family(void **state)
{
	static const char *const four[] = { "192.0.2.1", "192.0.2.2", NULL };
	static const char *const six[] = { "2001:db8::1", "2001:db8::2", "2001:db8::3", NULL };
	struct sockaddr_storage ways[MAX];
	socklen_t lengths[MAX];

	assert_int_equal(ways_order(ways, lengths, 0), 0);
	assert_int_equal(ways_order(ways, lengths, fill(ways, lengths, four)), 2);
	expect(&ways[0], four[0]);
	expect(&ways[1], four[1]);
	assert_int_equal(ways_order(ways, lengths, fill(ways, lengths, six)), 3);
	expect(&ways[0], six[0]);
	expect(&ways[2], six[2]);
}

/* The same address on another link, or at another port, is another one. */
static void
test_twins(void **state)
{
	struct sockaddr_storage ways[MAX];
	socklen_t lengths[MAX];
	static const char *const in[] = { "fe80::1", "fe80::1", "192.0.2.1", "192.0.2.1", NULL };

	fill(ways, lengths, in);
	((struct sockaddr_in6 *)&ways[1])->sin6_scope_id = 7;
	ways_set_port(&ways[3], 1);
	assert_int_equal(ways_order(ways, lengths, 4), 4);
}

static void
test_parse(void **state)
{
	static const char *const bad[] = { "",
					   "box",
					   "192.0.2",
					   "192.0.2.1 ",
					   "192.0.2.1%lo",
					   "[::1]",
					   "fe80::1%nowhere0",
					   "::1::2",
					   "2001:db8::1:5298:1:1:1:1:1" };
	struct sockaddr_storage way;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ways_parse(bad[i], &way), -EINVAL);
	assert_int_equal(ways_parse("fe80::1%lo", &way), 0);
	assert_int_equal(((struct sockaddr_in6 *)&way)->sin6_scope_id, if_nametoindex("lo"));
}

static void
test_far(void **state)
{
	static const char *const far[] = { "192.0.2.7", "10.0.0.1",    "192.168.1.1",
					   "223.1.2.3", "2001:db8::1", "fd00::1" };
	static const char *const near[] = { "0.0.0.0",
					    "0.1.2.3",
					    "127.0.0.1",
					    "127.9.9.9",
					    "169.254.1.1",
					    "224.0.0.251",
					    "239.1.1.1",
					    "240.0.0.1",
					    "255.255.255.255",
					    "::",
					    "::1",
					    "fe80::1",
					    "febf::1",
					    "ff02::fb",
					    "::ffff:192.0.2.1",
					    "::192.0.2.1",
					    "::ffff:127.0.0.1" };
	struct sockaddr_storage way = { .ss_family = AF_UNIX };

	assert_false(ways_is_far(&way));
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		assert_int_equal(ways_parse(far[i], &way), 0);
		assert_true(ways_is_far(&way));
	}
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		assert_int_equal(ways_parse(near[i], &way), 0);
		if (ways_is_far(&way))
			fail_msg("%s", near[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_one_family),
		cmocka_unit_test(test_twins), cmocka_unit_test(test_parse),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
