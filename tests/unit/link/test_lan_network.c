/* SPDX-License-Identifier: ISC */
/* test_lan_network.c: streams and dials when an interface of ours dies. 127.0.0.1 and ::1 stand for
 * the addresses of two of them. */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#include "link/io.h"
#include "link/netwatch.h"
#include "tests/unit/link/kernel.h"
#include "tests/unit/link/lan_kit.h"

#define ROMEO "romeo@forza.local"
#define UP    (IFF_UP | IFF_RUNNING | KERNEL_LOWER_UP)

static struct side box;
static struct raw raw;
static struct netwatch *watch;

static void
on_change(void *arg, bool better)
{
	if (!better)
		lan_network_changed(tv.lan);
}

static void
say_link(int index, const char *name, unsigned flags)
{
	struct kernel k;

	kernel_clear(&k);
	kernel_link(&k, RTM_NEWLINK, index, name, flags);
	netwatch_heard(watch, k.bytes, k.length);
}

static void
know(void)
{
	struct kernel k;

	watch = netwatch_new_deaf(net.clock, on_change, NULL);
	say_link(2, "eth0", UP);
	say_link(3, "eth1", UP);
	kernel_clear(&k);
	kernel_done(&k, 0);
	netwatch_heard(watch, k.bytes, k.length);
	kernel_clear(&k);
	kernel_address(&k, RTM_NEWADDR, 2, "127.0.0.1", 0);
	kernel_address(&k, RTM_NEWADDR, 3, "::1", 0);
	kernel_done(&k, 0);
	netwatch_heard(watch, k.bytes, k.length);
	assert_true(netwatch_is_known(watch));
}

static int
setup(void **state)
{
	net_init(&net, true);
	know();
	side_init(&tv, &net, "tv@pronto", 0);
	side_init(&box, &net, "romeo@forza", 0);
	lan_watch_network(tv.lan, watch);
	raw_listen(&raw, &net);
	return 0;
}

static int
teardown(void **state)
{
	raw_release(&raw);
	side_release(&tv);
	side_release(&box);
	netwatch_free(watch);
	net_release(&net);
	return 0;
}

static bool
was_up(void *arg)
{
	return tv.up >= *(int *)arg;
}

static bool
box_heard(void *arg)
{
	return box.body_count > 0;
}

static void
assert_up(int times)
{
	assert_true(net_until(&net, was_up, &times));
}

static void
open_raw(void)
{
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_non_null(lan_open(tv.lan, JULIET));
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_up(1);
	tv.target_count = 0;
}

static void
test_stream_of_a_dead_interface(void **state)
{
	open_raw();
	say_link(2, "eth0", IFF_UP);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, -ENETDOWN);
	assert_string_equal(tv.text, "its network is gone");
	assert_true(raw_expect_end(&raw));
	assert_null(lan_find(tv.lan, JULIET));
}

/* What waits for a stream that was being opened certainly did not arrive. */
static void
test_queue_comes_back(void **state)
{
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "one"), 0);
	side_send(&tv, lan_find(tv.lan, JULIET), JULIET, "two");
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
	say_link(2, "eth0", IFF_UP);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.back_count, 2);
	assert_string_equal(tv.back[0].body, "one");
	assert_string_equal(tv.back[1].body, "two");
	assert_false(tv.back[0].maybe);
}

static void
test_others_go_on(void **state)
{
	open_raw();
	side_add_target(&tv, "::1", lan_port(box.lan));
	assert_non_null(lan_open(tv.lan, ROMEO));
	assert_up(2);
	say_link(2, "eth0", IFF_UP);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.down, 1);
	assert_int_equal(side_send(&tv, lan_find(tv.lan, ROMEO), ROMEO, "still there"), 0);
	assert_true(net_until(&net, box_heard, NULL));
	assert_int_equal(box.down, 0);
}

/* One that we know nothing of yet goes too. */
static void
test_strangers(void **state)
{
	struct raw stranger;

	raw_connect(&stranger, &net, lan_port(tv.lan));
	net_for(&net, 20);
	assert_int_equal(tv.lan->stranger_count, 1);
	say_link(2, "eth0", IFF_UP);
	assert_int_equal(tv.lan->stranger_count, 0);
	assert_true(raw_expect_end(&stranger));
	raw_release(&stranger);
}

/* It is asked for life: a blank that its kernel has to acknowledge. */
static void
test_asked_for_life(void **state)
{
	size_t before;

	open_raw();
	net_for(&net, 20);
	before = raw.length;
	lan_ask_life(tv.lan);
	assert_true(raw_expect(&raw, " "));
	assert_true(raw.length > before);
	assert_int_equal(tv.down, 0);
}

/* No time is lost with a way that begins at a dead interface. */
static void
test_dial_passes_over_dead_ways(void **state)
{
	int64_t began = ear_now(net.clock);

	say_link(2, "eth0", IFF_UP);
	side_add_target(&tv, "127.0.0.1", raw.port);
	side_add_target(&tv, "::1", lan_port(box.lan));
	assert_non_null(lan_open(tv.lan, ROMEO));
	assert_up(1);
	assert_true(ear_now(net.clock) - began < DIAL_STAGGER_USEC);
}

static void
test_dial_without_any_way(void **state)
{
	int64_t began = ear_now(net.clock);

	say_link(2, "eth0", IFF_UP);
	side_add_target(&tv, "127.0.0.1", raw.port);
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_non_null(lan_open(tv.lan, JULIET));
	assert_int_equal(tv.down, 0); /* never from inside the call */
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, -ENETDOWN);
	assert_true(ear_now(net.clock) - began < DIAL_STAGGER_USEC);
}

/* A listener without room drops our SYN, as a dead cable would. */
static int
deaf_listener(struct sockaddr_in *at, int full[2])
{
	socklen_t length = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &length), 0);
	for (int i = 0; i < 2; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(full[i], (struct sockaddr *)at, sizeof(*at));
	}
	return fd;
}

static void
test_dial_under_way_goes_on(void **state)
{
	struct sockaddr_in at;
	int full[2], fd = deaf_listener(&at, full);
	int64_t began;

	side_add_target(&tv, "127.0.0.1", ntohs(at.sin_port));
	side_add_target(&tv, "::1", lan_port(box.lan));
	assert_non_null(lan_open(tv.lan, ROMEO));
	for (int i = 0; i < 100; i++)
		net_turn(&net);
	assert_int_equal(tv.up, 0);
	began = ear_now(net.clock);
	say_link(2, "eth0", IFF_UP);
	assert_up(1);
	assert_true(ear_now(net.clock) - began < DIAL_STAGGER_USEC);
	close(full[0]);
	close(full[1]);
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_stream_of_a_dead_interface),
		CASE(test_queue_comes_back),
		CASE(test_others_go_on),
		CASE(test_strangers),
		CASE(test_asked_for_life),
		CASE(test_dial_passes_over_dead_ways),
		CASE(test_dial_without_any_way),
		CASE(test_dial_under_way_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
