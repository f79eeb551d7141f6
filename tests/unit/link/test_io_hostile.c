/* SPDX-License-Identifier: ISC */
/* test_io_hostile.c: an io with TLS over real sockets, with one that misbehaves. */
#include "tests/unit/link/io_ends.h"

/* Bytes by hand on the other side of ends[1]. */
static int
against_bytes(const void *bytes, size_t length)
{
	int fds[2];

	tcp_pair(fds);
	ends[1].io = io_new_fd(net.base, fds[1], &events, &ends[1]);
	io_start_tls(ends[1].io, tls_peer_new(peers[1], false, NULL));
	for (size_t i = 0; i < length; i++) {
		send(fds[0], (const char *)bytes + i, 1, MSG_NOSIGNAL);
		net_turn(&net);
	}
	return fds[0];
}

static void
test_garbage(void **state)
{
	static const char waste[] = "\x16\x03\x01\xff\xff\x01 more than a record holds";
	unsigned char alert[7];
	int fd = against_bytes(waste, sizeof(waste));

	assert_true(net_until(&net, is_one, &ends[1].failed));
	assert_int_equal(ends[1].error, -EPROTO);
	assert_string_not_equal(ends[1].failure, "");
	assert_int_equal(ends[1].secured + ends[1].eof, 0);
	/* Why, for the other end. */
	assert_int_equal(recv(fd, alert, sizeof(alert), MSG_DONTWAIT), 7);
	assert_int_equal(alert[0], 0x15);
	end_drop(&ends[1], true);
	close(fd);
}

static void
test_vanishes_in_the_handshake(void **state)
{
	struct evbuffer *wire = evbuffer_new();
	struct tls *tls = tls_peer_new(peers[0], true, NULL);
	size_t length;
	int fd;

	tls_read(tls, NULL, 0, wire, NULL, NULL);
	length = evbuffer_get_length(wire);
	for (size_t part = 0; part <= length; part += length / 4) {
		fd = against_bytes(evbuffer_pullup(wire, -1), part);
		close(fd);
		assert_true(net_until(&net, is_one, &ends[1].failed));
		/* A reset when it had not read our answer. */
		assert_true(ends[1].error == -EPROTO || ends[1].error == -ECONNRESET);
		assert_int_equal(ends[1].secured + ends[1].eof, 0);
		end_drop(&ends[1], true);
		ends[1].failed = 0;
	}
	evbuffer_free(wire);
	tls_free(tls);
}

static bool
no_more(void *arg, const void *bytes, size_t length)
{
	return true;
}

/* A peer in memory with its socket, ready. */
static struct tls *
by_hand(int *fd)
{
	struct evbuffer *wire = evbuffer_new();
	struct tls *tls = tls_peer_new(peers[0], true, NULL);
	char bytes[4096];
	ssize_t n;

	*fd = against_bytes("", 0);
	assert_int_equal(tls_read(tls, NULL, 0, wire, no_more, NULL), 0);
	for (int i = 0; i < 2000 && ends[1].secured == 0; i++) {
		evbuffer_write(wire, *fd);
		net_for(&net, 1);
		n = recv(*fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n > 0)
			assert_int_equal(tls_read(tls, bytes, (size_t)n, wire, no_more, NULL), 0);
	}
	assert_int_equal(ends[1].secured, 1);
	evbuffer_free(wire);
	return tls;
}

/* Cut in the middle of a record: its beginning is not heard, and the end is an end. */
static void
test_truncated(void **state)
{
	struct evbuffer *plain = evbuffer_new(), *wire = evbuffer_new();
	int fd;
	struct tls *tls = by_hand(&fd);

	evbuffer_add(plain, "whole", 5);
	tls_write(tls, plain, wire);
	evbuffer_add(plain, "cut in two", 10);
	tls_write(tls, plain, wire);
	evbuffer_write_atmost(wire, fd, (ev_ssize_t)evbuffer_get_length(wire) - 5);
	shutdown(fd, SHUT_WR);
	assert_true(net_until(&net, is_one, &ends[1].eof));
	hears(&ends[1], "whole", 5);
	assert_int_equal(ends[1].failed, 0);
	close(fd);
	tls_free(tls);
	evbuffer_free(plain);
	evbuffer_free(wire);
}

/* Bytes that somebody else puts into the connection. */
static void
test_injected(void **state)
{
	int fd;
	struct tls *tls = by_hand(&fd);

	send(fd, "<iq type='set'/>", 16, 0);
	assert_true(net_until(&net, is_one, &ends[1].failed));
	assert_int_equal(ends[1].error, -EPROTO);
	assert_string_not_equal(ends[1].failure, "");
	assert_int_equal(evbuffer_get_length(ends[1].heard), 0);
	close(fd);
	tls_free(tls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_garbage),
		T(test_vanishes_in_the_handshake),
		T(test_truncated),
		T(test_injected),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
