/* SPDX-License-Identifier: ISC */
/* test_nettable.c: what rtnetlink messages mean, whole ones and broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "link/nettable.h"
#include "tests/unit/link/kernel.h"

#define UP (IFF_UP | IFF_RUNNING | KERNEL_LOWER_UP)

static struct nettable table;
static struct kernel k;

static int
setup(void **state)
{
	nettable_init(&table);
	kernel_clear(&k);
	return 0;
}

static int
teardown(void **state)
{
	nettable_release(&table);
	return 0;
}

/* Hands over what was said since the last time. */
static unsigned
take(void)
{
	unsigned changes = nettable_take(&table, k.bytes, k.length);

	kernel_clear(&k);
	return changes;
}

static enum net_place
place(const char *ip, unsigned scope)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_scope_id = scope };
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1)
		return nettable_find(&table, (struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, ip, &v6.sin6_addr), 1);
	return nettable_find(&table, (struct sockaddr *)&v6);
}

static void
test_address_comes_and_goes(void **state)
{
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	assert_int_equal(take(), 0);
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	assert_int_equal(take(), NET_BETTER);
	assert_int_equal(place("192.0.2.7", 0), NET_ALIVE);
	assert_int_equal(place("::ffff:192.0.2.7", 0), NET_ALIVE);
	assert_int_equal(place("192.0.2.8", 0), NET_UNKNOWN);
	/* Told again (its lifetime was renewed), it is nothing new. */
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	assert_int_equal(take(), 0);
	kernel_address(&k, RTM_DELADDR, 2, "192.0.2.7", 0);
	assert_int_equal(take(), NET_WORSE);
	assert_int_equal(place("192.0.2.7", 0), NET_UNKNOWN);
	kernel_address(&k, RTM_DELADDR, 2, "192.0.2.7", 0);
	assert_int_equal(take(), 0);
}

static void
test_carrier(void **state)
{
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	take();
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", IFF_UP);
	assert_int_equal(take(), NET_WORSE);
	assert_int_equal(place("192.0.2.7", 0), NET_DEAD);
	assert_string_equal(nettable_link(&table, 2)->name, "eth0");
	/* Somebody else has the same address, and works. */
	kernel_link(&k, RTM_NEWLINK, 3, "wlan0", UP);
	kernel_address(&k, RTM_NEWADDR, 3, "192.0.2.7", 0);
	assert_int_equal(take(), NET_BETTER);
	assert_int_equal(place("192.0.2.7", 0), NET_ALIVE);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	assert_int_equal(take(), NET_BETTER);
	/* Down for good: with all that was on it. */
	kernel_link(&k, RTM_DELLINK, 2, "eth0", 0);
	assert_int_equal(take(), NET_WORSE);
	assert_null(nettable_link(&table, 2));
	assert_int_equal(table.address_count, 1);
}

/* An interface that has no address changes nothing for us. */
static void
test_link_without_address(void **state)
{
	kernel_link(&k, RTM_NEWLINK, 9, "veth9", UP);
	kernel_link(&k, RTM_NEWLINK, 9, "veth9", IFF_UP);
	kernel_link(&k, RTM_DELLINK, 9, "veth9", 0);
	assert_int_equal(take(), 0);
}

/* RFC 4862 §5.4: it is ours when nobody has objected. */
static void
test_tentative(void **state)
{
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::7", IFA_F_TENTATIVE);
	assert_int_equal(take(), 0);
	assert_false(nettable_is_usable(&table, &table.addresses[0]));
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::7", 0);
	assert_int_equal(take(), NET_BETTER);
	assert_true(nettable_is_usable(&table, &table.addresses[0]));
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::8", IFA_F_TENTATIVE | IFA_F_DADFAILED);
	assert_int_equal(take(), 0);
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::9", IFA_F_TENTATIVE | IFA_F_OPTIMISTIC);
	assert_int_equal(take(), NET_BETTER);
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::a", IFA_F_TEMPORARY);
	take();
	assert_true(table.addresses[3].passing);
	assert_false(table.addresses[2].passing);
}

static void
test_link_local_belongs_to_its_link(void **state)
{
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_link(&k, RTM_NEWLINK, 3, "eth1", IFF_UP);
	kernel_address(&k, RTM_NEWADDR, 2, "fe80::1", 0);
	kernel_address(&k, RTM_NEWADDR, 3, "fe80::1", 0);
	take();
	assert_int_equal(place("fe80::1", 2), NET_ALIVE);
	assert_int_equal(place("fe80::1", 3), NET_DEAD);
	assert_int_equal(place("fe80::1", 4), NET_UNKNOWN);
}

/* A port that leaves its bridge is told as RTM_DELLINK of the family AF_BRIDGE. */
static void
test_bridge_port_is_no_link(void **state)
{
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	take();
	kernel_link(&k, RTM_DELLINK, 2, "eth0", 0);
	((struct ifinfomsg *)NLMSG_DATA((struct nlmsghdr *)k.bytes))->ifi_family = AF_BRIDGE;
	assert_int_equal(take(), 0);
	assert_int_equal(place("192.0.2.7", 0), NET_ALIVE);
}

static void
test_routes(void **state)
{
	kernel_route(&k, RTM_NEWROUTE, RTN_UNICAST, RTPROT_DHCP);
	assert_int_equal(take(), NET_BETTER);
	kernel_route(&k, RTM_NEWROUTE, RTN_UNICAST, RTPROT_KERNEL);
	kernel_route(&k, RTM_NEWROUTE, RTN_LOCAL, RTPROT_BOOT);
	kernel_route(&k, RTM_DELROUTE, RTN_UNICAST, RTPROT_DHCP);
	assert_int_equal(take(), 0);
}

/* After messages were lost everything is asked anew; what does not come again is gone. */
static void
test_dump_sweeps(void **state)
{
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_link(&k, RTM_NEWLINK, 3, "eth1", UP);
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	kernel_address(&k, RTM_NEWADDR, 3, "192.0.2.8", 0);
	kernel_address(&k, RTM_NEWADDR, 3, "192.0.2.9", 0);
	take();
	nettable_begin(&table);
	kernel_link(&k, RTM_NEWLINK, 3, "eth1", UP);
	kernel_address(&k, RTM_NEWADDR, 3, "192.0.2.9", 0);
	kernel_done(&k, 0);
	assert_int_equal(take(), NET_DONE);
	assert_int_equal(place("192.0.2.7", 0), NET_ALIVE);
	assert_int_equal(nettable_end(&table), NET_WORSE);
	assert_int_equal(place("192.0.2.7", 0), NET_UNKNOWN);
	assert_int_equal(place("192.0.2.8", 0), NET_UNKNOWN);
	assert_int_equal(place("192.0.2.9", 0), NET_ALIVE);
	assert_int_equal(table.link_count, 1);
	nettable_begin(&table);
	nettable_end(&table);
	assert_int_equal(table.link_count + table.address_count, 0);
}

static void
test_dump_that_fails(void **state)
{
	kernel_done(&k, -EBUSY);
	assert_int_equal(take(), NET_DONE | NET_AGAIN);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	((struct nlmsghdr *)k.bytes)->nlmsg_flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
	assert_int_equal(take(), NET_AGAIN);
	kernel_error(&k, -EPERM);
	assert_int_equal(take(), NET_REFUSED);
}

/* Each length of each message, and then each length that it may claim to have. */
static void
test_cut_short(void **state)
{
	struct kernel whole;
	char *exact;

	kernel_clear(&whole);
	kernel_link(&whole, RTM_NEWLINK, 2, "eth0", UP);
	kernel_address(&whole, RTM_NEWADDR, 2, "2001:db8::7", 0);
	kernel_route(&whole, RTM_NEWROUTE, RTN_UNICAST, RTPROT_DHCP);
	kernel_done(&whole, 0);
	for (size_t n = 0; n <= whole.length; n++) {
		exact = malloc(n + (n == 0));
		memcpy(exact, whole.bytes, n);
		nettable_take(&table, exact, n);
		free(exact);
	}
	for (size_t at = 0; at < whole.length;
	     at += NLMSG_ALIGN(((struct nlmsghdr *)(whole.bytes + at))->nlmsg_len))
		for (uint32_t claim = 0; claim < 200; claim++) {
			exact = malloc(whole.length);
			memcpy(exact, whole.bytes, whole.length);
			((struct nlmsghdr *)(exact + at))->nlmsg_len = claim;
			nettable_take(&table, exact, whole.length);
			free(exact);
		}
}

/* An attribute that claims more than there is, or nothing at all, is as none. */
static void
test_lying_attributes(void **state)
{
	static const unsigned short lengths[] = { 0, 1, 3, 4, 5, 19, 0xffff };
	struct rtattr *first;

	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	take();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::7", 0);
		first = (struct rtattr *)(k.bytes + NLMSG_LENGTH(sizeof(struct ifaddrmsg)));
		first->rta_len = lengths[i];
		assert_int_equal(take() & NET_BETTER, 0);
	}
	/* A name without end is cut where a name ends. */
	kernel_link(&k, RTM_NEWLINK, 3, "abcdefghijklmnopqrstuvwxyz", UP);
	take();
	assert_string_equal(nettable_link(&table, 3)->name, "abcdefghijklmno");
}

static void
test_caps(void **state)
{
	char ip[INET_ADDRSTRLEN];
	struct in_addr in;

	for (int i = 1; i <= NETTABLE_LINKS_MAX + 10; i++) {
		kernel_link(&k, RTM_NEWLINK, i, "many", UP);
		take();
	}
	assert_int_equal(table.link_count, NETTABLE_LINKS_MAX);
	assert_true(table.full);
	for (uint32_t i = 1; i <= NETTABLE_ADDRESSES_MAX + 10; i++) {
		in.s_addr = htonl(0xc6120000 + i);
		inet_ntop(AF_INET, &in, ip, sizeof(ip));
		kernel_address(&k, RTM_NEWADDR, 1, ip, 0);
		take();
	}
	assert_int_equal(table.address_count, NETTABLE_ADDRESSES_MAX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_address_comes_and_goes),
		CASE(test_carrier),
		CASE(test_link_without_address),
		CASE(test_tentative),
		CASE(test_link_local_belongs_to_its_link),
		CASE(test_bridge_port_is_no_link),
		CASE(test_routes),
		CASE(test_dump_sweeps),
		CASE(test_dump_that_fails),
		CASE(test_cut_short),
		CASE(test_lying_attributes),
		CASE(test_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
