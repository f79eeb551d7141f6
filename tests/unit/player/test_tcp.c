/* SPDX-License-Identifier: ISC */
/* test_tcp.c: where the URL of a player leads, and nowhere else. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/util.h>

#include "player/tcp.h"

static void
assert_leads_to(const char *url, const char *to)
{
	struct sockaddr_storage address, expected;
	int expected_length = sizeof(expected);
	socklen_t length;

	assert_int_equal(tcp_address(url, "9090", &address, &length), 0);
	assert_int_equal(
		evutil_parse_sockaddr_port(to, (struct sockaddr *)&expected, &expected_length), 0);
	assert_int_equal(length, expected_length);
	assert_int_equal(
		evutil_sockaddr_cmp((struct sockaddr *)&address, (struct sockaddr *)&expected, 1),
		0);
}

static void
test_addresses(void **state)
{
	assert_leads_to("tcp://127.0.0.1:9090", "127.0.0.1:9090");
	assert_leads_to("tcp://127.0.0.1", "127.0.0.1:9090");
	assert_leads_to("tcp://127.0.0.1:9091", "127.0.0.1:9091");
	assert_leads_to("tcp://localhost", "127.0.0.1:9090");
	assert_leads_to("tcp://localhost:80", "127.0.0.1:80");
	assert_leads_to("tcp://[::1]:9090", "[::1]:9090");
	assert_leads_to("tcp://[::1]", "[::1]:9090");
	assert_leads_to("tcp://192.0.2.7:9090", "192.0.2.7:9090");
}

static void
test_no_addresses(void **state)
{
	static const char *const none[] = {
		"",
		"tcp:",
		"tcp://",
		"127.0.0.1:9090",
		"http://127.0.0.1:9090",
		"tcp://kodi.example:9090",
		"tcp://localhost.example:9090",
		"tcp://127.0.0.1:x",
		"tcp://127.0.0.1:99999",
		"tcp://127.0.0.1:9090/jsonrpc",
		"tcp://user@127.0.0.1:9090",
		"tcp://[::1:9090",
		"TCP://127.0.0.1:9090",
	};
	struct sockaddr_storage address;
	socklen_t length;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (tcp_address(none[i], "9090", &address, &length) != -EINVAL)
			fail_msg("%s is taken", none[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
