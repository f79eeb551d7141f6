/* SPDX-License-Identifier: ISC */
/* test_io_tls.c: an io with TLS over real sockets, with another one. */
#include "tests/unit/link/io_ends.h"

#define MUCH   (10 << 20)
#define SHORT  1500
#define SHORTS 200

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

/* Short records go to the kernel as they are made: it takes the last only in part, or not at all,
 * and all of them arrive once and in order. */
static void
test_short_records_and_a_full_kernel(void **state)
{
	char *all = malloc(SHORT * SHORTS);

	for (size_t i = 0; i < SHORT * SHORTS; i++)
		all[i] = (char)(i * 2654435761U >> 24);
	pair_secured(16384);
	io_read(ends[1].io, false);
	for (size_t i = 0; i < SHORTS; i++) {
		evbuffer_add(io_out(ends[0].io), all + i * SHORT, SHORT);
		net_turn(&net);
		assert_int_equal(io_written(ends[0].io), (i + 1) * SHORT);
		assert_true(io_acked(ends[0].io) <= io_sent(ends[0].io));
	}
	assert_in_range(io_sent(ends[0].io), SHORT, SHORT * (SHORTS - 1));
	io_read(ends[1].io, true);
	hears(&ends[1], all, SHORT * SHORTS);
	assert_true(net_until(&net, all_acked, &ends[0]));
	free(all);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_starttls),
		T(test_answer_then_tls),
		T(test_much_both_ways),
		T(test_many_small_records),
		T(test_short_records_and_a_full_kernel),
		T(test_other_end_does_not_read),
		T(test_forget),
		T(test_acked_after_reset),
		T(test_close),
		T(test_closed_by_its_own_events),
		T(test_resumed),
		T(test_before_connected),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
