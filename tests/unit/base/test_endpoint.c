/* SPDX-License-Identifier: ISC */
/* test_endpoint.c: addresses with ports, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/endpoint.h"

static void
test_good(void **state)
{
	struct sockaddr_storage at;
	socklen_t length;

	assert_int_equal(endpoint_parse("127.0.0.1:9298", &at, &length), 0);
	assert_int_equal(at.ss_family, AF_INET);
	assert_int_equal(length, sizeof(struct sockaddr_in));
	assert_int_equal(ntohs(((struct sockaddr_in *)&at)->sin_port), 9298);
	assert_true(endpoint_is_loopback(&at));
	assert_int_equal(endpoint_parse("[::1]:0", &at, &length), 0);
	assert_int_equal(at.ss_family, AF_INET6);
	assert_int_equal(length, sizeof(struct sockaddr_in6));
	assert_true(endpoint_is_loopback(&at));
	assert_int_equal(endpoint_parse("127.255.0.3:65535", &at, &length), 0);
	assert_true(endpoint_is_loopback(&at));
}

static void
test_elsewhere(void **state)
{
	static const char *const elsewhere[] = { "0.0.0.0:1",       "192.0.2.1:1",
						 "128.0.0.1:1",     "[::]:1",
						 "[2001:db8::1]:1", "[::ffff:127.0.0.1]:1" };
	struct sockaddr_storage at;
	socklen_t length;

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		assert_int_equal(endpoint_parse(elsewhere[i], &at, &length), 0);
		assert_false(endpoint_is_loopback(&at));
	}
}

static void
test_bad(void **state)
{
	static const char *const bad[] = { "",
					   ":",
					   ":1",
					   "127.0.0.1",
					   "127.0.0.1:",
					   "127.0.0.1:65536",
					   "127.0.0.1:-1",
					   "127.0.0.1:+1",
					   "127.0.0.1: 1",
					   "127.0.0.1:1x",
					   "127.0.0.1:000001",
					   "localhost:1",
					   "::1:1",
					   "[::1]",
					   "[::1]1",
					   "[::1:1",
					   "[]:1",
					   "[:1",
					   "]:1",
					   "[127.0.0.1]:1",
					   "[::1%lo]:1",
					   "[1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2:3:4:5:6:7]:1" };
	struct sockaddr_storage at;
	socklen_t length;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (endpoint_parse(bad[i], &at, &length) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
