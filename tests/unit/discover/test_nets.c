/* SPDX-License-Identifier: ISC */
/* test_nets.c: the interfaces of this machine, and what is said of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "discover/nets.h"

static void
test_loopback(void **state)
{
	struct net nets[NETS_MAX];
	size_t n = nets_look("lo", nets, NETS_MAX);

	assert_int_equal(n, 1);
	assert_string_equal(nets[0].name, "lo");
	assert_true(nets[0].flags & IFF_LOOPBACK);
	n = nets_look("all", nets, NETS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_string_not_equal(nets[i].name, "lo");
	assert_int_equal(nets_look("no-such-net", nets, NETS_MAX), 0);
}

static void
test_listed(void **state)
{
	assert_true(nets_is_listed("all", "eth0"));
	assert_true(nets_is_listed("eth0, wlan0", "wlan0"));
	assert_false(nets_is_listed("eth0, wlan0", "wlan"));
	assert_false(nets_is_listed("", "eth0"));
}

static void
test_states(void **state)
{
	struct net net = { .flags = 0 };

	assert_int_equal(net_state(&net), NET_DOWN);
	net.flags |= IFF_UP;
	assert_int_equal(net_state(&net), NET_NO_CARRIER);
	net.flags |= IFF_RUNNING;
	assert_int_equal(net_state(&net), NET_NO_ADDRESS);
	net.count = 1;
	assert_int_equal(net_state(&net), NET_NO_MULTICAST);
	net.flags |= IFF_MULTICAST;
	assert_int_equal(net_state(&net), NET_WORKS);
}

static void
test_addresses(void **state)
{
	struct sockaddr_storage address = { .ss_family = AF_INET };
	char text[64];

	inet_pton(AF_INET, "192.0.2.7", &((struct sockaddr_in *)&address)->sin_addr);
	net_format(&address, text, sizeof(text));
	assert_string_equal(text, "192.0.2.7");
	assert_false(net_is_link_local(&address));
	inet_pton(AF_INET, "169.254.1.2", &((struct sockaddr_in *)&address)->sin_addr);
	assert_true(net_is_link_local(&address));
	memset(&address, 0, sizeof(address));
	address.ss_family = AF_INET6;
	inet_pton(AF_INET6, "fe80::1", &((struct sockaddr_in6 *)&address)->sin6_addr);
	assert_true(net_is_link_local(&address));
	inet_pton(AF_INET6, "2001:db8::1", &((struct sockaddr_in6 *)&address)->sin6_addr);
	assert_false(net_is_link_local(&address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
