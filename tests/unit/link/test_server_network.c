/* SPDX-License-Identifier: ISC */
/* test_server_network.c: when the connection to the server is given up, and when it is tried again,
 * because our own network changed. 127.0.0.1 stands for the address of an interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "base/timer.h"
#include "link/netwatch.h"
#include "link/server_impl.h"
#include "tests/unit/link/kernel.h"
#include "tests/unit/link/side.h"

#define UP (IFF_UP | IFF_RUNNING | KERNEL_LOWER_UP)

static struct net net;
static struct raw raw;
static struct netwatch *watch;
static struct link *there;
static int downs, error;

static void
on_down(void *owner, struct link *unused, int why, const char *text)
{
	downs++;
	error = why;
}

static void
on_link(void *owner, struct link *unused)
{
}

static const struct link_events events = { .up = on_link, .down = on_down };

static void
on_change(void *arg, bool better)
{
	server_network_changed(there, better);
}

static void
say_link(unsigned flags)
{
	struct kernel k;

	kernel_clear(&k);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", flags);
	netwatch_heard(watch, k.bytes, k.length);
}

static void
know(void)
{
	struct kernel k;

	watch = netwatch_new_deaf(net.clock, on_change, NULL);
	kernel_clear(&k);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_done(&k, 0);
	netwatch_heard(watch, k.bytes, k.length);
	kernel_clear(&k);
	kernel_address(&k, RTM_NEWADDR, 2, "127.0.0.1", 0);
	kernel_done(&k, 0);
	netwatch_heard(watch, k.bytes, k.length);
}

static int
setup(void **state)
{
	struct server_config config = {
		.component = true, .jid = "tv.example.org", .host = "127.0.0.1", .secret = "secret"
	};

	net_init(&net, true);
	know();
	raw_listen(&raw, &net);
	config.port = raw.port;
	downs = error = 0;
	there = server_new(net.base, net.clock, net.ctx, &config, &events, NULL);
	server_watch_network(there, watch);
	return 0;
}

static int
teardown(void **state)
{
	server_free(there);
	raw_release(&raw);
	netwatch_free(watch);
	net_release(&net);
	return 0;
}

static bool
is_down(void *arg)
{
	return downs >= *(int *)arg;
}

static bool
is_connected(void *arg)
{
	return container_of(there, struct server, link)->phase == SERVER_LOGIN;
}

static void
assert_down(int times)
{
	assert_true(net_until(&net, is_down, &times));
}

static void
test_lost_and_tried_at_once(void **state)
{
	int64_t began;

	assert_true(raw_accept(&raw));
	clock_advance(net.clock, 2 * EAR_SEC);
	began = ear_now(net.clock);
	say_link(IFF_UP);
	assert_int_equal(downs, 1);
	assert_int_equal(error, -ENETDOWN);
	assert_non_null(strstr(server_failure(there), "Network is down"));
	/* At once, which comes to nothing; then by the back-off, as far as nothing changes. */
	assert_down(2);
	assert_true(ear_now(net.clock) - began < 100 * EAR_MSEC);
	assert_int_equal(there->state, LINK_DOWN);
	clock_advance(net.clock, 700 * EAR_MSEC);
	assert_int_equal(downs, 2);
}

static void
test_better_cuts_the_back_off_short(void **state)
{
	struct server *server = container_of(there, struct server, link);

	assert_true(raw_accept(&raw));
	say_link(IFF_UP);
	for (int i = 2; i < 12; i++) {
		assert_down(i);
		clock_advance(net.clock, server->retry_at - ear_now(net.clock));
	}
	assert_down(12);
	assert_true(server->retry_at - ear_now(net.clock) > 30 * EAR_SEC);
	say_link(UP);
	clock_advance(net.clock, NETWATCH_GATHER_USEC);
	assert_true(net_until(&net, is_connected, NULL));
	assert_int_equal(server->failures, 0);
}

/* An interface that flaps does not make us hammer at the server. */
static void
test_not_more_than_once_a_second(void **state)
{
	int64_t began;

	assert_true(raw_accept(&raw));
	say_link(IFF_UP);
	assert_down(2);
	began = ear_now(net.clock);
	while (ear_now(net.clock) - began < 20 * EAR_SEC) {
		server_network_changed(there, true);
		net_turn(&net);
		clock_advance(net.clock, 5 * EAR_MSEC);
	}
	assert_in_range(downs, 15, 28);
}

/* A server that was asked to stay down stays down. */
static void
test_closed_stays_closed(void **state)
{
	assert_true(raw_accept(&raw));
	link_close(there);
	assert_down(1);
	for (int i = 0; i < 5; i++) {
		server_network_changed(there, true);
		server_ask_life(there);
		clock_advance(net.clock, 2 * EAR_SEC);
		net_for(&net, 5);
	}
	assert_int_equal(container_of(there, struct server, link)->phase, SERVER_CLOSED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_lost_and_tried_at_once),
		CASE(test_better_cuts_the_back_off_short),
		CASE(test_not_more_than_once_a_second),
		CASE(test_closed_stays_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
