/* SPDX-License-Identifier: ISC */
/* io_ends.h: two ends of TLS over real sockets and what they told, for the tests of both. */
#ifndef TEST_IO_ENDS_H
#define TEST_IO_ENDS_H

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

static inline void
end_drop(struct end *end, bool flush)
{
	io_close(end->io, flush);
	end->io = NULL;
}

static inline void
on_secured(void *arg)
{
	struct end *end = arg;

	assert_int_equal(evbuffer_get_length(end->heard), 0);
	assert_int_equal(end->secured++, 0);
	if (end->close_when_secured)
		end_drop(end, true);
}

static inline void
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

static inline void
on_drained(void *arg)
{
	struct end *end = arg;

	end->drained++;
	assert_int_equal(io_sent(end->io), io_written(end->io));
}

static inline void
on_connected(void *arg)
{
	((struct end *)arg)->connected++;
}

static inline void
on_eof(void *arg)
{
	((struct end *)arg)->eof++;
}

static inline void
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

static inline int
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

static inline int
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
static inline void
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

static inline void
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

static inline void
start_both(struct tls_session *session)
{
	io_start_tls(ends[0].io, tls_peer_new(peers[0], true, session));
	io_start_tls(ends[1].io, tls_peer_new(peers[1], false, NULL));
}

static inline bool
both_secured(void *arg)
{
	return ends[0].secured == 1 && ends[1].secured == 1;
}

static inline void
pair_secured(int sndbuf)
{
	pair_open(sndbuf);
	start_both(NULL);
	assert_true(net_until(&net, both_secured, NULL));
}

static inline bool
is_one(void *arg)
{
	return *(int *)arg == 1;
}

static size_t awaited;

static inline bool
has_heard(void *arg)
{
	return evbuffer_get_length(((struct end *)arg)->heard) >= awaited;
}

static inline void
hears(struct end *end, const void *bytes, size_t length)
{
	awaited = length;
	assert_true(net_until(&net, has_heard, end));
	assert_int_equal(evbuffer_get_length(end->heard), length);
	assert_memory_equal(evbuffer_pullup(end->heard, -1), bytes, length);
	evbuffer_drain(end->heard, length);
}

static inline bool
all_acked(void *arg)
{
	struct io *io = ((struct end *)arg)->io;

	return io_acked(io) == io_written(io);
}

static inline void
say(struct end *end, const char *text)
{
	evbuffer_add(io_out(end->io), text, strlen(text));
}

static inline int
setup_all(void **state)
{
	tls_id_init(&ids[0], "client", 0);
	tls_id_init(&ids[1], "server", 0);
	return 0;
}

static inline int
teardown_all(void **state)
{
	tls_id_release(&ids[0]);
	tls_id_release(&ids[1]);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
