/* SPDX-License-Identifier: ISC */
/* test_netwatch.c: when changes of the network are told; then the same by a real kernel, in a
 * network namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <earshot/log.h>

#include "base/timer.h"
#include "link/netwatch.h"
#include "tests/unit/link/kernel.h"

#define UP       (IFF_UP | IFF_RUNNING | KERNEL_LOWER_UP)
#define PATIENCE (60 * EAR_SEC)
#define TIMES    20 /* an address is taken away */

static struct ear_clock *fake;
static struct netwatch *deaf;
static struct kernel k;
static int better, worse;

static void
on_change(void *arg, bool good)
{
	if (good)
		better++;
	else
		worse++;
}

static void
say(void)
{
	netwatch_heard(deaf, k.bytes, k.length);
	kernel_clear(&k);
}

/* eth0 with 127.0.0.1, so that a socket can have it here. */
static int
setup(void **state)
{
	ear_log_set_level(EAR_LOG_ERROR);
	kernel_clear(&k);
	better = worse = 0;
	fake = clock_new_fake();
	deaf = netwatch_new_deaf(fake, on_change, NULL);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_done(&k, 0);
	say();
	assert_false(netwatch_is_known(deaf));
	kernel_address(&k, RTM_NEWADDR, 2, "127.0.0.1", 0);
	kernel_done(&k, 0);
	say();
	assert_true(netwatch_is_known(deaf));
	clock_advance(fake, 10 * EAR_SEC);
	assert_int_equal(better + worse, 0); /* what is there at first is no news */
	return 0;
}

static int
teardown(void **state)
{
	netwatch_free(deaf);
	clock_free(fake);
	return 0;
}

static void
test_bad_news_at_once_good_news_gathered(void **state)
{
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	say();
	kernel_route(&k, RTM_NEWROUTE, RTN_UNICAST, RTPROT_DHCP);
	say();
	assert_int_equal(better, 0);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", IFF_UP);
	say();
	assert_int_equal(worse, 1);
	clock_advance(fake, NETWATCH_GATHER_USEC);
	assert_int_equal(better, 1);
	assert_int_equal(worse, 1);
	clock_advance(fake, 60 * EAR_SEC);
	assert_int_equal(better, 1);
	assert_int_equal(worse, 2);
}

/* What goes while another is looked at again is looked at again as well. */
static void
test_bad_news_twice(void **state)
{
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.8", 0);
	say();
	kernel_address(&k, RTM_DELADDR, 2, "192.0.2.7", 0);
	say();
	clock_advance(fake, NETWATCH_SETTLE_USEC / 2);
	kernel_address(&k, RTM_DELADDR, 2, "192.0.2.8", 0);
	say();
	assert_int_equal(worse, 2);
	clock_advance(fake, NETWATCH_SETTLE_USEC - 1);
	assert_int_equal(worse, 2);
	clock_advance(fake, 1);
	assert_int_equal(worse, 3);
	clock_advance(fake, 60 * EAR_SEC);
	assert_int_equal(worse, 3);
}

/* An interface that flaps, or a router that learns routes, does not keep us busy. */
static void
test_good_news_is_bounded(void **state)
{
	for (int i = 0; i < 1000; i++) {
		kernel_route(&k, RTM_NEWROUTE, RTN_UNICAST, RTPROT_DHCP);
		say();
		clock_advance(fake, 10 * EAR_MSEC);
	}
	assert_in_range(better, 9, 11);
	clock_advance(fake, 2 * EAR_SEC);
	assert_in_range(better, 9, 12);
}

static void
test_missed_messages_are_made_up_for(void **state)
{
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	say();
	clock_advance(fake, 2 * EAR_SEC);
	better = 0;
	netwatch_missed(deaf);
	netwatch_missed(deaf);
	clock_advance(fake, NETWATCH_ASK_USEC);
	/* Messages of the moment come between the answers. */
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.9", 0);
	kernel_done(&k, 0);
	say();
	assert_int_equal(worse, 0);
	kernel_address(&k, RTM_NEWADDR, 2, "127.0.0.1", 0);
	kernel_done(&k, 0);
	say();
	assert_int_equal(worse, 1); /* 192.0.2.7 has gone meanwhile */
	clock_advance(fake, 2 * EAR_SEC);
	assert_int_equal(better, 1); /* 192.0.2.9 has come */
}

/* What was lost during the dump makes that dump worthless; a kernel that refuses is not asked all
 * the time. */
static void
test_dump_is_asked_again(void **state)
{
	netwatch_missed(deaf);
	clock_advance(fake, NETWATCH_ASK_USEC);
	netwatch_missed(deaf);
	kernel_done(&k, 0);
	say();
	clock_advance(fake, 2 * NETWATCH_ASK_USEC);
	assert_int_equal(worse, 0);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_done(&k, 0);
	say();
	kernel_address(&k, RTM_NEWADDR, 2, "127.0.0.1", 0);
	kernel_done(&k, 0);
	say();
	assert_int_equal(worse, 0);
	for (int i = 0; i < 20; i++) {
		netwatch_missed(deaf);
		clock_advance(fake, 2 * NETWATCH_ASK_MAX);
		kernel_error(&k, -EPERM);
		say();
	}
	assert_int_equal(worse, 0);
}

static int
bound_to(const char *ip)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool six = inet_pton(AF_INET, ip, &v4.sin_addr) != 1;
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (six)
		inet_pton(AF_INET6, ip, &v6.sin6_addr);
	assert_int_equal(bind(fd, six ? (void *)&v6 : (void *)&v4, six ? sizeof(v6) : sizeof(v4)),
			 0);
	return fd;
}

static void
test_lost(void **state)
{
	int fd = bound_to("127.0.0.1"), other = bound_to("127.9.9.9"), pair[2];

	assert_false(netwatch_is_lost(deaf, fd));
	/* No interface has it, and yet it is ours. */
	assert_false(netwatch_is_lost(deaf, other));
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", IFF_UP);
	say();
	assert_true(netwatch_is_lost(deaf, fd));
	assert_false(netwatch_is_lost(deaf, other));
	assert_int_equal(pipe(pair), 0);
	assert_false(netwatch_is_lost(deaf, pair[0]));
	assert_false(netwatch_is_lost(deaf, -1));
	close(fd);
	close(other);
	close(pair[0]);
	close(pair[1]);
}

/* Before the kernel has told everything, nothing is held to be lost. */
static void
test_nothing_known_nothing_lost(void **state)
{
	struct netwatch *new = netwatch_new_deaf(fake, on_change, NULL);
	int fd = bound_to("127.0.0.1");

	kernel_link(&k, RTM_NEWLINK, 2, "eth0", 0);
	kernel_address(&k, RTM_NEWADDR, 2, "127.0.0.1", 0);
	netwatch_heard(new, k.bytes, k.length);
	assert_false(netwatch_is_lost(new, fd));
	netwatch_free(new);
	close(fd);
}

static void
count(void *arg, const struct net_address *address, const struct net_link *link)
{
	int *n = arg;

	assert_string_equal(link->name, "eth0");
	(*n)++;
}

static void
test_each(void **state)
{
	int n = 0;

	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::7", IFA_F_TENTATIVE);
	kernel_address(&k, RTM_NEWADDR, 7, "192.0.2.7", 0);
	say();
	netwatch_each(deaf, count, &n);
	assert_int_equal(n, 1);
}

/* --- a real kernel ------------------------------------------------------------------------ */

static struct event_base *base;
static struct ear_clock *clock_real;
static struct netwatch *watch;

static void
sh(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int
setup_kernel(void **state)
{
	ear_log_set_level(EAR_LOG_ERROR);
	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
		fail_msg("no network namespace: %s", strerror(errno));
	sh("ip link set lo up && ip link add v0 type veth peer name v1 &&"
	   " ip addr add 192.0.2.1/24 dev v0 && ip link set v0 up && ip link set v1 up");
	base = event_base_new();
	clock_real = clock_new(base);
	better = worse = 0;
	watch = netwatch_new(base, clock_real, on_change, NULL);
	return 0;
}

static int
teardown_kernel(void **state)
{
	netwatch_free(watch);
	clock_free(clock_real);
	event_base_free(base);
	return 0;
}

static bool
is_known(void *unused)
{
	return netwatch_is_known(watch);
}

static bool
is_at_least(void *number)
{
	return *(int *)number > 0;
}

static bool
is_told_again(void *number)
{
	return *(int *)number > 1;
}

static bool
is_lost(void *fd)
{
	return netwatch_is_lost(watch, *(int *)fd);
}

static void
until(bool (*condition)(void *arg), void *arg)
{
	int64_t end = ear_now(clock_real) + PATIENCE;

	while (!condition(arg)) {
		assert_true(ear_now(clock_real) < end);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

static void
test_kernel_link_down(void **state)
{
	int fd = bound_to("192.0.2.1");

	until(is_known, NULL);
	assert_false(is_lost(&fd));
	sh("ip link set v0 down");
	until(is_lost, &fd);
	assert_int_equal(worse, 1);
	sh("ip link set v0 up");
	until(is_at_least, &better);
	assert_false(is_lost(&fd));
	until(is_told_again, &worse);
	/* No carrier, while it stays up itself. */
	worse = 0;
	sh("ip link set v1 down");
	until(is_at_least, &worse);
	assert_true(is_lost(&fd));
	close(fd);
}

static void
test_kernel_address(void **state)
{
	int fd = bound_to("192.0.2.1");

	until(is_known, NULL);
	sh("ip addr add 192.0.2.2/24 dev v0");
	until(is_at_least, &better);
	sh("ip addr del 192.0.2.1/24 dev v0"); /* takes the second one with it */
	until(is_lost, &fd);
	assert_int_equal(worse, 1);
	close(fd);
}

/* Whoever looks the second time finds it gone, however quick he was the first time. */
static void
test_kernel_address_is_told_early(void **state)
{
	until(is_known, NULL);
	for (int i = 0; i < TIMES; i++) {
		int fd;

		sh("ip addr add 192.0.2.2/32 dev v0");
		fd = bound_to("192.0.2.2");
		event_base_loop(base, EVLOOP_NONBLOCK);
		assert_false(is_lost(&fd));
		worse = 0;
		sh("ip addr del 192.0.2.2/32 dev v0 &");
		until(is_told_again, &worse);
		assert_true(is_lost(&fd));
		close(fd);
	}
}

/* More messages than the socket has room for. */
static void
test_kernel_overrun(void **state)
{
	int fd = bound_to("192.0.2.1");

	until(is_known, NULL);
	sh("for i in $(seq 4000); do echo link set v0 mtu $((1300 + i % 2));"
	   " echo link set v1 mtu $((1300 + i % 2)); done | ip -batch -;"
	   " ip addr del 192.0.2.1/24 dev v0");
	until(is_lost, &fd);
	until(is_at_least, &worse); /* at the end of what the kernel is asked again */
	close(fd);
}

static void
test_kernel_at_rest(void **state)
{
	until(is_known, NULL);
	event_base_loop(base, EVLOOP_NONBLOCK);
	/* Nothing is armed but the socket. */
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	assert_int_equal(better + worse, 0);
}

#define CASE(name)   cmocka_unit_test_setup_teardown(name, setup, teardown)
#define KERNEL(name) cmocka_unit_test_setup_teardown(name, setup_kernel, teardown_kernel)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_bad_news_at_once_good_news_gathered),
		CASE(test_bad_news_twice),
		CASE(test_good_news_is_bounded),
		CASE(test_missed_messages_are_made_up_for),
		CASE(test_dump_is_asked_again),
		CASE(test_lost),
		CASE(test_nothing_known_nothing_lost),
		CASE(test_each),
		KERNEL(test_kernel_link_down),
		KERNEL(test_kernel_address),
		KERNEL(test_kernel_address_is_told_early),
		KERNEL(test_kernel_overrun),
		KERNEL(test_kernel_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
