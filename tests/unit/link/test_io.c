/* SPDX-License-Identifier: ISC */
/* test_io.c: bytes over real sockets, and what the kernel knows of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "link/io.h"
#include "tests/unit/link/side.h"

static struct net net;
static struct raw raw;
static struct io *io;
static struct {
	int connected, drained, eof, failed, error;
	size_t length;
	char bytes[1024];
	bool close_in_data;
} told;

static void
on_connected(void *arg)
{
	told.connected++;
}

static void
on_data(void *arg, const void *bytes, size_t length)
{
	if (told.length + length < sizeof(told.bytes))
		memcpy(told.bytes + told.length, bytes, length);
	told.length += length;
	if (told.close_in_data) {
		io_close(io, true);
		io = NULL;
	}
}

static void
on_drained(void *arg)
{
	told.drained++;
}

static void
on_eof(void *arg)
{
	told.eof++;
}

static void
on_failed(void *arg, int error)
{
	told.failed++;
	told.error = error;
}

static const struct io_events events = {
	.connected = on_connected,
	.data = on_data,
	.drained = on_drained,
	.eof = on_eof,
	.failed = on_failed,
};

static int
setup(void **state)
{
	net_init(&net, false);
	memset(&told, 0, sizeof(told));
	raw_listen(&raw, &net);
	return 0;
}

static int
teardown(void **state)
{
	if (io != NULL)
		io_close(io, false);
	io = NULL;
	raw_release(&raw);
	net_release(&net);
	return 0;
}

static bool
is_one(void *arg)
{
	return *(int *)arg == 1;
}

static void
dial(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int error = 0;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	io = io_new_connect(net.base, (struct sockaddr *)&to, sizeof(to), NULL, 0, &events, NULL,
			    &error);
	assert_non_null(io);
	assert_int_equal(told.connected + told.failed, 0);
}

static void
dial_raw(void)
{
	dial(raw.port);
	assert_true(raw_accept(&raw));
	assert_true(net_until(&net, is_one, &told.connected));
}

static bool
all_acked(void *arg)
{
	return io_acked(io) == io_written(io);
}

static void
test_both_ways(void **state)
{
	dial_raw();
	evbuffer_add(io_out(io), "one ", 4);
	evbuffer_add(io_out(io), "two", 3);
	assert_int_equal(io_written(io), 7);
	assert_int_equal(io_sent(io), 0);
	assert_true(raw_expect(&raw, "one two"));
	assert_int_equal(told.drained, 1);
	assert_int_equal(io_sent(io), 7);
	assert_true(net_until(&net, all_acked, NULL));
	raw_say(&raw, "three");
	net_for(&net, 5);
	assert_memory_equal(told.bytes, "three", 5);
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_one, &told.eof));
	assert_int_equal(told.failed, 0);
}

static void
test_written_before_connected(void **state)
{
	dial(raw.port);
	evbuffer_add(io_out(io), "early", 5);
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "early"));
}

static void
test_refused(void **state)
{
	close(raw.listener);
	raw.listener = -1;
	dial(raw.port);
	assert_true(net_until(&net, is_one, &told.failed));
	assert_int_equal(told.error, -ECONNREFUSED);
	assert_int_equal(told.connected, 0);
}

static void
test_pause(void **state)
{
	dial_raw();
	io_read(io, false);
	raw_say(&raw, "x");
	net_for(&net, 10);
	assert_int_equal(told.length, 0);
	io_read(io, true);
	raw_say(&raw, "y");
	net_for(&net, 10);
	assert_int_equal(told.length, 2);
}

/* What was acknowledged is still known when the connection has been reset. */
static void
test_acked_after_reset(void **state)
{
	char *much = calloc(1, 8 << 20);
	uint64_t acked;

	dial_raw();
	setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	evbuffer_add(io_out(io), much, 8 << 20);
	free(much);
	net_for(&net, 50);
	acked = io_acked(io);
	assert_true(acked < io_sent(io));
	assert_true(io_sent(io) < io_written(io));
	raw_hang_up(&raw, true);
	assert_true(net_until(&net, is_one, &told.failed));
	assert_true(io_acked(io) >= acked);
	assert_true(io_acked(io) < io_sent(io));
}

/* A peer that says its last words and is gone: they are read although our write fails first. */
static void
test_last_words(void **state)
{
	dial_raw();
	io_read(io, true);
	assert_int_equal(send(raw.fd, "last words", 10, 0), 10);
	raw_hang_up(&raw, true);
	evbuffer_add(io_out(io), "x", 1);
	assert_true(net_until(&net, is_one, &told.failed));
	assert_int_equal(told.failed, 1);
	assert_int_equal(told.length, 10);
}

/* The other side sees our end and no reset, whatever it had sent. */
static void
test_close_is_no_reset(void **state)
{
	dial_raw();
	io_read(io, false);
	raw_say(&raw, "never read");
	evbuffer_add(io_out(io), "bye", 3);
	io_close(io, true);
	io = NULL;
	assert_true(raw_expect(&raw, "bye"));
	assert_true(raw_expect_end(&raw));
	assert_false(raw.reset);
}

static void
test_closed_by_its_own_event(void **state)
{
	told.close_in_data = true;
	dial_raw();
	raw_say(&raw, "x");
	assert_true(raw_expect_end(&raw));
	assert_null(io);
}

/* A program that shuts its reading side: no more can be written, and nothing comes that would say
 * so. */
static void
test_deaf_other_side(void **state)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	io = io_new_fd(net.base, pair[0], &events, NULL);
	shutdown(pair[1], SHUT_RD);
	assert_int_equal(send(pair[1], "last", 4, 0), 4);
	evbuffer_add(io_out(io), "x", 1);
	assert_true(net_until(&net, is_one, &told.failed));
	assert_int_equal(told.error, -EPIPE);
	assert_memory_equal(told.bytes, "last", 4);
	close(pair[1]);
}

/* What is forgotten does not leave by the flush of the close either. */
static void
test_forget(void **state)
{
	dial_raw();
	evbuffer_add(io_out(io), "one", 3);
	assert_true(raw_expect(&raw, "one"));
	evbuffer_add(io_out(io), "two", 3);
	io_forget(io);
	assert_true(io_written(io) == 3);
	io_close(io, true);
	io = NULL;
	assert_true(raw_expect_end(&raw));
	assert_string_equal(raw.got, "one");
}

static void
test_options(void **state)
{
	int value = 0;
	socklen_t size = sizeof(value);

	dial_raw();
	io_watch_life(io, 10000, 2000);
	getsockopt(io_fd(io), IPPROTO_TCP, TCP_NODELAY, &value, &size);
	assert_int_equal(value, 1);
	getsockopt(io_fd(io), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size);
	assert_int_equal(value, 2000);
	getsockopt(io_fd(io), IPPROTO_TCP, TCP_KEEPIDLE, &value, &size);
	assert_int_equal(value, 10);
	getsockopt(io_fd(io), SOL_SOCKET, SO_KEEPALIVE, &value, &size);
	assert_int_equal(value, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_both_ways),         T(test_written_before_connected),
		T(test_refused),           T(test_pause),
		T(test_acked_after_reset), T(test_last_words),
		T(test_close_is_no_reset), T(test_closed_by_its_own_event),
		T(test_deaf_other_side),   T(test_forget),
		T(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
