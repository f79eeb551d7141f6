/* SPDX-License-Identifier: ISC */
/* test_dial.c: which address of several is used, in which order, and what follows when it was no
 * good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/timer.h"
#include "link/dial.h"
#include "link/io.h"
#include "tests/unit/link/side.h"

#define PATIENCE (5 * EAR_SEC)
#define HOLE     8   /* connections of ours that fill a backlog of nothing */
#define FULL_MS  200 /* whoever is not let in until then is not */

static struct net net;
static struct raw raw, other;
static struct dial *dial;
static struct dial_target targets[4];
static size_t count;
static struct io *io;
static unsigned port, missed; /* of the address that was connected to; how many failed before */
static int error;
static int hole[HOLE + 1];

static unsigned
port_of(const struct dial_target *target)
{
	return ntohs(((const struct sockaddr_in *)&target->address)->sin_port);
}

static void
on_connected(void *arg, struct io *made, const struct dial_target *target)
{
	io = made;
	port = port_of(target);
}

static void
on_missed(void *arg, const struct dial_target *target, int why)
{
	missed++;
}

static void
on_failed(void *arg, const struct dial_target *target, int why)
{
	error = why;
}

static void
add(unsigned to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&targets[count].address;

	*v4 = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)to),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	targets[count++].length = sizeof(*v4);
}

/* Packets to it vanish: the kernel drops the SYN of whoever comes when its backlog is full. */
static unsigned
dig_hole(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	bool full = false;

	hole[HOLE] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(hole[HOLE], (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(hole[HOLE], 0), 0);
	getsockname(hole[HOLE], (struct sockaddr *)&at, &length);
	for (int i = 0; i < HOLE && !full; i++) {
		struct pollfd there = { .events = POLLOUT };

		hole[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(hole[i], (struct sockaddr *)&at, sizeof(at));
		there.fd = hole[i];
		full = poll(&there, 1, FULL_MS) == 0;
	}
	assert_true(full);
	return ntohs(at.sin_port);
}

static void
start(void)
{
	static const struct dial_events events = { .connected = on_connected,
						   .missed = on_missed,
						   .failed = on_failed };
	struct dial_setup setup = {
		.base = net.base, .clock = net.clock, .connect_usec = PATIENCE, .events = &events
	};

	dial = dial_new(&setup, targets, count);
}

static void
drop(void)
{
	io_close(io, false);
	io = NULL;
}

static int
setup(void **state)
{
	net_init(&net, true);
	raw_listen(&raw, &net);
	raw_listen(&other, &net);
	memset(targets, 0, sizeof(targets));
	for (int i = 0; i <= HOLE; i++)
		hole[i] = -1;
	count = missed = port = 0;
	error = 0;
	io = NULL;
	return 0;
}

static int
teardown(void **state)
{
	dial_free(dial);
	dial = NULL;
	if (io != NULL)
		drop();
	for (int i = 0; i <= HOLE; i++)
		if (hole[i] >= 0)
			close(hole[i]);
	raw_release(&raw);
	raw_release(&other);
	net_release(&net);
	return 0;
}

static bool
is_there(void *arg)
{
	return io != NULL;
}

static bool
has_failed(void *arg)
{
	return error != 0;
}

static void
test_a_hole_holds_nothing_up(void **state)
{
	unsigned dead = dig_hole();

	add(dead);
	add(dead);
	add(raw.port);
	start();
	net_for(&net, 20);
	assert_null(io);
	clock_advance(net.clock, DIAL_STAGGER_USEC);
	net_for(&net, 20);
	assert_null(io);
	clock_advance(net.clock, DIAL_STAGGER_USEC);
	assert_true(net_until(&net, is_there, NULL));
	assert_int_equal(port, raw.port);
	assert_int_equal(missed, 0);
}

/* One that lost the race may be the one that works. */
static void
test_the_slow_one_after_the_wrong_one(void **state)
{
	unsigned dead = dig_hole();

	add(dead);
	add(raw.port);
	start();
	net_for(&net, 5);
	clock_advance(net.clock, DIAL_STAGGER_USEC);
	assert_true(net_until(&net, is_there, NULL));
	drop();
	assert_true(dial_has_next(dial));
	assert_true(dial_next(dial));
	net_for(&net, 5);
	clock_advance(net.clock, PATIENCE);
	assert_true(net_until(&net, has_failed, NULL));
	assert_int_equal(error, -ETIMEDOUT);
	assert_false(dial_next(dial));
}

static void
test_again(void **state)
{
	add(raw.port);
	add(other.port);
	start();
	assert_true(net_until(&net, is_there, NULL));
	drop();
	dial_again(dial);
	assert_true(net_until(&net, is_there, NULL));
	assert_int_equal(port, raw.port);
	drop();
	assert_true(dial_next(dial));
	assert_true(net_until(&net, is_there, NULL));
	assert_int_equal(port, other.port);
	assert_false(dial_next(dial));
}

/* What refuses is told, and costs nothing. */
static void
test_refused(void **state)
{
	close(other.listener);
	other.listener = -1;
	add(other.port);
	add(other.port);
	add(raw.port);
	start();
	assert_true(net_until(&net, is_there, NULL));
	assert_int_equal(missed, 2);
	drop();
	assert_false(dial_next(dial));
	assert_int_equal(error, 0);
}

static void
test_all_refused(void **state)
{
	close(other.listener);
	other.listener = -1;
	add(other.port);
	add(other.port);
	start();
	assert_int_equal(error, 0);
	assert_true(net_until(&net, has_failed, NULL));
	assert_int_equal(error, -ECONNREFUSED);
	assert_int_equal(missed, 1);
}

/* RFC 8305 §4. */
static void
assert_order(const char *from, const char *to)
{
	struct dial_target list[8] = { 0 };
	size_t length = strlen(from);

	for (size_t i = 0; i < length; i++) {
		list[i].address.ss_family = from[i] < 'a' ? AF_INET6 : AF_INET;
		list[i].length = (socklen_t)from[i];
	}
	dial_order(list, length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(list[i].length, to[i]);
}

static void
test_order(void **state)
{
	assert_order("", "");
	assert_order("A", "A");
	assert_order("ABCab", "AaBbC");
	assert_order("abA", "aAb");
	assert_order("abc", "abc");
	assert_order("ABabcd", "AaBbcd");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_hole_holds_nothing_up),
		CASE(test_the_slow_one_after_the_wrong_one),
		CASE(test_again),
		CASE(test_refused),
		CASE(test_all_refused),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
