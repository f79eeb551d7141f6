/* SPDX-License-Identifier: ISC */
/* test_io_tls.c: an io with TLS over real sockets: with another one, with one that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "link/io.h"
#include "link/tls.h"
#include "tests/unit/link/side.h"
#include "tests/unit/link/tls_kit.h"

#define MUCH (10 << 20)

/* One io and what it told. */
struct end {
	struct io *io;
	int connected, secured, drained, eof, failed, error;
	char failure[128];
	struct evbuffer *heard;
	bool close_when_secured, close_when_heard, start_when_heard;
	struct tls_peers *peers;
};

static struct net net;
static struct tls_id ids[2];
static struct tls_peers *peers[2];
static struct end ends[2];

static void
end_drop(struct end *end, bool flush)
{
	io_close(end->io, flush);
	end->io = NULL;
}

static void
on_secured(void *arg)
{
	struct end *end = arg;

	assert_int_equal(evbuffer_get_length(end->heard), 0);
	assert_int_equal(end->secured++, 0);
	if (end->close_when_secured)
		end_drop(end, true);
}

static void
on_data(void *arg, const void *bytes, size_t length)
{
	struct end *end = arg;

	if (end->start_when_heard) {
		end->start_when_heard = false;
		if (end == &ends[1])
			evbuffer_add(io_out(end->io), "<proceed/>", 10);
		io_start_tls(end->io, tls_peer_new(end->peers, end == &ends[0], NULL));
		if (end == &ends[1])
			evbuffer_add(io_out(end->io), "welcome", 7);
		return;
	}
	evbuffer_add(end->heard, bytes, length);
	if (end->close_when_heard)
		end_drop(end, true);
}

static void
on_drained(void *arg)
{
	struct end *end = arg;

	end->drained++;
	assert_int_equal(io_sent(end->io), io_written(end->io));
}

static void
on_connected(void *arg)
{
	((struct end *)arg)->connected++;
}

static void
on_eof(void *arg)
{
	((struct end *)arg)->eof++;
}

static void
on_failed(void *arg, int error)
{
	struct end *end = arg;

	end->failed++;
	end->error = error;
	if (io_tls(end->io) != NULL)
		snprintf(end->failure, sizeof(end->failure), "%s", tls_failure(io_tls(end->io)));
}

static const struct io_events events = {
	.connected = on_connected,
	.secured = on_secured,
	.data = on_data,
	.drained = on_drained,
	.eof = on_eof,
	.failed = on_failed,
};

static int
setup(void **state)
{
	net_init(&net, false);
	memset(ends, 0, sizeof(ends));
	for (int i = 0; i < 2; i++) {
		peers[i] = tls_peers_new(ids[i].key, ids[i].certificate);
		ends[i].heard = evbuffer_new();
		ends[i].peers = peers[i];
	}
	return 0;
}

static int
teardown(void **state)
{
	for (int i = 0; i < 2; i++) {
		if (ends[i].io != NULL)
			io_close(ends[i].io, false);
		evbuffer_free(ends[i].heard);
		tls_peers_free(peers[i]);
	}
	net_release(&net);
	return 0;
}

/* Two connected TCP sockets. */
static void
tcp_pair(int fds[2])
{
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);
	struct raw raw;

	raw_listen(&raw, &net);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(getsockname(raw.listener, (struct sockaddr *)&at, &length), 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&at, length), 0);
	fds[1] = accept(raw.listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	raw.fd = -1;
	raw_release(&raw);
}

static void
pair_open(int sndbuf)
{
	int fds[2];

	tcp_pair(fds);
	for (int i = 0; i < 2; i++) {
		if (sndbuf > 0) {
			setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
			setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &sndbuf, sizeof(sndbuf));
		}
		ends[i].io = io_new_fd(net.base, fds[i], &events, &ends[i]);
	}
}

static void
start_both(struct tls_session *session)
{
	io_start_tls(ends[0].io, tls_peer_new(peers[0], true, session));
	io_start_tls(ends[1].io, tls_peer_new(peers[1], false, NULL));
}

static bool
both_secured(void *arg)
{
	return ends[0].secured == 1 && ends[1].secured == 1;
}

static void
pair_secured(int sndbuf)
{
	pair_open(sndbuf);
	start_both(NULL);
	assert_true(net_until(&net, both_secured, NULL));
}

static bool
is_one(void *arg)
{
	return *(int *)arg == 1;
}

static size_t awaited;

static bool
has_heard(void *arg)
{
	return evbuffer_get_length(((struct end *)arg)->heard) >= awaited;
}

static void
hears(struct end *end, const void *bytes, size_t length)
{
	awaited = length;
	assert_true(net_until(&net, has_heard, end));
	assert_int_equal(evbuffer_get_length(end->heard), length);
	assert_memory_equal(evbuffer_pullup(end->heard, -1), bytes, length);
	evbuffer_drain(end->heard, length);
}

static bool
all_acked(void *arg)
{
	struct io *io = ((struct end *)arg)->io;

	return io_acked(io) == io_written(io);
}

static void
say(struct end *end, const char *text)
{
	evbuffer_add(io_out(end->io), text, strlen(text));
}

/* --- two of us ------------------------------------------------------------------------------ */

static bool
has_tls(void *arg)
{
	return io_tls(((struct end *)arg)->io) != NULL;
}

/* As STARTTLS does it; what is appended during the handshake leaves after it. */
static void
test_starttls(void **state)
{
	pair_open(0);
	ends[0].start_when_heard = ends[1].start_when_heard = true;
	say(&ends[0], "<starttls/>");
	assert_true(net_until(&net, has_tls, &ends[0]));
	say(&ends[0], "hello");
	assert_true(net_until(&net, both_secured, NULL));
	hears(&ends[1], "hello", 5);
	hears(&ends[0], "welcome", 7);
	for (int i = 0; i < 2; i++)
		assert_true(net_until(&net, all_acked, &ends[i]));
	assert_int_equal(io_written(ends[0].io), 16);
	assert_int_equal(io_written(ends[1].io), 17);
	assert_true(ends[0].drained >= 1);
}

/* What was appended in plain and not sent leaves in plain, before the first byte of TLS. */
static void
test_answer_then_tls(void **state)
{
	int fds[2];
	char bytes[64];
	ssize_t n;

	tcp_pair(fds);
	ends[0].io = io_new_fd(net.base, fds[0], &events, &ends[0]);
	say(&ends[0], "<proceed/>");
	io_start_tls(ends[0].io, tls_peer_new(peers[0], true, NULL));
	say(&ends[0], "secret");
	net_for(&net, 20);
	n = recv(fds[1], bytes, sizeof(bytes), 0);
	assert_true(n > 11);
	assert_memory_equal(bytes, "<proceed/>\x16", 11);
	assert_int_equal(io_written(ends[0].io), 16);
	assert_int_equal(io_sent(ends[0].io), 10);
	assert_int_equal(io_acked(ends[0].io), 10);
	assert_null(memmem(bytes, (size_t)n, "secret", 6));
	close(fds[1]);
}

static void
test_much_both_ways(void **state)
{
	char *much = malloc(MUCH);
	uint64_t acked[2] = { 0 }, now;

	for (size_t i = 0; i < MUCH; i++)
		much[i] = (char)(i * 2654435761U >> 24);
	pair_secured(0);
	for (int i = 0; i < 2; i++)
		evbuffer_add(io_out(ends[i].io), much, MUCH);
	while (evbuffer_get_length(ends[0].heard) < MUCH ||
	       evbuffer_get_length(ends[1].heard) < MUCH) {
		net_turn(&net);
		for (int i = 0; i < 2; i++) {
			now = io_acked(ends[i].io);
			assert_true(now >= acked[i]);
			assert_true(now <= io_sent(ends[i].io));
			assert_int_equal(io_written(ends[i].io), MUCH);
			acked[i] = now;
		}
		assert_int_equal(ends[0].failed + ends[1].failed, 0);
	}
	for (int i = 0; i < 2; i++) {
		hears(&ends[i], much, MUCH);
		assert_true(net_until(&net, all_acked, &ends[i]));
	}
	free(much);
}

/* Many small records in flight: more than there are marks. None counts before it has arrived. */
static void
test_many_small_records(void **state)
{
	uint64_t acked, last = 0;

	pair_secured(0);
	io_read(ends[1].io, false);
	for (int i = 0; i < 500; i++) {
		say(&ends[0], "0123456789");
		net_turn(&net);
		acked = io_acked(ends[0].io);
		assert_true(acked >= last && acked <= io_sent(ends[0].io));
		last = acked;
		assert_int_equal(io_sent(ends[0].io), 10U * (unsigned)(i + 1));
	}
	assert_true(net_until(&net, all_acked, &ends[0]));
	io_read(ends[1].io, true);
	awaited = 5000;
	assert_true(net_until(&net, has_heard, &ends[1]));
}

/* The kernel is full: little is encrypted ahead, and what counts as sent has been. */
static void
test_other_end_does_not_read(void **state)
{
	char *much = calloc(1, MUCH);
	uint64_t sent;

	pair_secured(16384);
	io_read(ends[1].io, false);
	evbuffer_add(io_out(ends[0].io), much, MUCH);
	free(much);
	net_for(&net, 100);
	sent = io_sent(ends[0].io);
	assert_in_range(sent, 1, MUCH / 2);
	assert_int_equal(io_written(ends[0].io), MUCH);
	assert_true(io_acked(ends[0].io) <= sent);
	assert_in_range(evbuffer_get_length(io_out(ends[0].io)), MUCH - sent - 200000, MUCH - sent);
}

/* What is forgotten never arrives, the record that has begun to leave included. */
static void
test_forget(void **state)
{
	char *much = calloc(1, MUCH);
	uint64_t sent;

	test_other_end_does_not_read(state);
	io_forget(ends[0].io);
	sent = io_sent(ends[0].io);
	assert_int_equal(io_written(ends[0].io), sent);
	say(&ends[0], "</stream:stream>");
	end_drop(&ends[0], true);
	io_read(ends[1].io, true);
	assert_true(net_until(&net, is_one, &ends[1].eof));
	assert_int_equal(evbuffer_get_length(ends[1].heard), sent);
	assert_memory_equal(evbuffer_pullup(ends[1].heard, -1), much, sent);
	free(much);
}

/* After a reset it is still known what had arrived. */
static void
test_acked_after_reset(void **state)
{
	uint64_t acked;

	test_other_end_does_not_read(state);
	acked = io_acked(ends[0].io);
	setsockopt(io_fd(ends[1].io), SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
		   sizeof(struct linger));
	end_drop(&ends[1], false);
	assert_true(net_until(&net, is_one, &ends[0].failed));
	assert_true(io_acked(ends[0].io) >= acked);
	assert_true(io_acked(ends[0].io) <= io_sent(ends[0].io));
	assert_true(io_sent(ends[0].io) < io_written(ends[0].io));
}

/* Last words and a goodbye; the end of the connection is not needed for it. */
static void
test_close(void **state)
{
	pair_secured(0);
	say(&ends[0], "</stream:stream>");
	end_drop(&ends[0], true);
	assert_true(net_until(&net, is_one, &ends[1].eof));
	hears(&ends[1], "</stream:stream>", 16);
	assert_int_equal(ends[1].failed, 0);
	assert_string_equal(tls_failure(io_tls(ends[1].io)), "");
	say(&ends[1], "too late");
	end_drop(&ends[1], true);
}

static void
test_closed_by_its_own_events(void **state)
{
	pair_open(0);
	ends[0].close_when_secured = true;
	ends[1].close_when_heard = true;
	start_both(NULL);
	say(&ends[0], "all that I say");
	assert_true(net_until(&net, is_one, &ends[1].secured));
	awaited = 14;
	assert_true(net_until(&net, has_heard, &ends[1]));
	assert_null(ends[0].io);
	assert_null(ends[1].io);
}

static void
test_resumed(void **state)
{
	struct tls_session *session;

	pair_secured(0);
	say(&ends[1], "x");
	hears(&ends[0], "x", 1);
	session = tls_take_session(io_tls(ends[0].io));
	assert_non_null(session);
	for (int i = 0; i < 2; i++) {
		end_drop(&ends[i], false);
		ends[i].secured = 0;
	}
	pair_open(0);
	start_both(session);
	tls_session_free(session);
	assert_true(net_until(&net, both_secured, NULL));
	assert_true(tls_is_resumed(io_tls(ends[0].io)));
	assert_true(tls_is_resumed(io_tls(ends[1].io)));
}

static void
test_before_connected(void **state)
{
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);
	struct raw raw;
	int error = 0, fd;

	raw_listen(&raw, &net);
	getsockname(raw.listener, (struct sockaddr *)&at, &length);
	ends[0].io = io_new_connect(net.base, (struct sockaddr *)&at, length, NULL, 0, &events,
				    &ends[0], &error);
	io_start_tls(ends[0].io, tls_peer_new(peers[0], true, NULL));
	fd = accept(raw.listener, NULL, NULL);
	raw.fd = -1;
	raw_release(&raw);
	ends[1].io = io_new_fd(net.base, fd, &events, &ends[1]);
	io_start_tls(ends[1].io, tls_peer_new(peers[1], false, NULL));
	assert_true(net_until(&net, both_secured, NULL));
	assert_int_equal(ends[0].connected, 1);
}

/* --- one that misbehaves --------------------------------------------------------------------- */

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

static int
setup_all(void **state)
{
	tls_id_init(&ids[0], "client", 0);
	tls_id_init(&ids[1], "server", 0);
	return 0;
}

static int
teardown_all(void **state)
{
	tls_id_release(&ids[0]);
	tls_id_release(&ids[1]);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_starttls),
		T(test_answer_then_tls),
		T(test_much_both_ways),
		T(test_many_small_records),
		T(test_other_end_does_not_read),
		T(test_forget),
		T(test_acked_after_reset),
		T(test_close),
		T(test_closed_by_its_own_events),
		T(test_resumed),
		T(test_before_connected),
		T(test_garbage),
		T(test_vanishes_in_the_handshake),
		T(test_truncated),
		T(test_injected),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
