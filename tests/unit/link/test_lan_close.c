/* SPDX-License-Identifier: ISC */
/* test_lan_close.c: how a conversation ends, and what comes back then. */
#include <poll.h>

#include "tests/unit/link/acks_kit.h"

static int
setup_dial(void **state)
{
	setup(state);
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	return 0;
}

static void
test_two_sided_close(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	side_send(&tv, link, JULIET, "last");
	link_close(link);
	assert_int_equal(link->state, LINK_CLOSING);
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_true(raw_has(&raw, "last"));
	assert_null(lan_find(tv.lan, JULIET));
	raw_say(&raw, "<message><body>on its way</body></message></stream:stream>");
	assert_true(raw_expect_end(&raw));
	assert_false(raw.reset);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.body_count, 1);
	assert_int_equal(tv.error, 0);
	assert_int_equal(tv.back_count, 0);
}

/* One that never answers our </stream:stream> is not waited for for ever. */
static void
test_close_unanswered(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	link_close(link);
	assert_true(raw_expect(&raw, "</stream:stream>"));
	clock_advance(net.clock, STREAM_CLOSE_USEC - EAR_SEC);
	assert_int_equal(tv.down, 0);
	clock_advance(net.clock, EAR_SEC);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_true(raw_expect_end(&raw));
}

/*
 * A peer that did not read: what is given back as certainly not delivered, and goes another way,
 * must not leave by the last flush of the stream after all.
 */
static void
test_given_back_is_not_sent(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);
	char body[4096], waste[65536];
	struct io *io;
	size_t certain = 0;

	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	io = stream_io(((struct lan_link *)link)->out->stream);
	setsockopt(io_fd(io), SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
	for (int i = 0; i < 200; i++) {
		snprintf(body, sizeof(body), "[%d]%4000s", i, "");
		assert_int_equal(side_send(&tv, link, JULIET, body), 0);
	}
	net_for(&net, 20);
	assert_true(io_sent(io) < io_written(io));
	raw_say_all(&raw, "</stream:stream>", 16);
	assert_int_equal(link->state, LINK_CLOSING);
	while (poll(&(struct pollfd){ .fd = raw.fd, .events = POLLIN }, 1, 50) > 0)
		assert_true(recv(raw.fd, waste, sizeof(waste), 0) > 0);
	clock_advance(net.clock, STREAM_CLOSE_USEC + EAR_SEC);
	assert_int_equal(tv.down, 1);
	assert_true(raw_expect_end(&raw));
	for (size_t i = 0; i < tv.back_count; i++) {
		if (tv.back[i].maybe)
			continue;
		certain++;
		*(strchr(tv.back[i].body, ']') + 1) = '\0';
		assert_false(raw_has(&raw, tv.back[i].body));
	}
	assert_true(certain > 0);
}

/* A peer that ends its streams, and lets us wait for their end, as often as it likes: only so many
 * are kept. */
static void
test_many_ended_by_one(void **state)
{
	struct raw many[12];

	for (int i = 0; i < 12; i++) {
		raw_connect(&many[i], &net, lan_port(tv.lan));
		raw_say(&many[i], HEADER "</stream:stream>");
		assert_true(raw_expect(&many[i], "</stream:stream>"));
	}
	assert_true(tv.lan->stream_count <= LAN_PEER_CLOSING_MAX);
	assert_true(raw_expect_end(&many[0]));
	assert_false(many[0].reset);
	assert_int_equal(tv.up, 12);
	assert_true(tv.down >= 12 - LAN_PEER_CLOSING_MAX);
	assert_int_equal(tv.error, 0);
	for (int i = 0; i < 12; i++)
		raw_release(&many[i]);
}

/* --- given up ------------------------------------------------------------------------------- */

static void
abandon(void)
{
	struct link *link = tv.link;

	link->ops->abandon(link, -ETIMEDOUT, "it is silent");
	assert_int_equal(tv.back_count + (size_t)tv.down, 0);
	assert_int_equal(side_send(&tv, link, JULIET, "no"), -ENOTCONN);
	assert_null(lan_find(tv.lan, JULIET));
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, -ETIMEDOUT);
	assert_string_equal(tv.text, "it is silent");
}

static void
test_abandon(void **state)
{
	opens(&raw);
	send_one("one");
	send_one("two");
	send_one("three");
	assert_true(raw_expect(&raw, "three"));
	say_acked(&raw, 1);
	settle();
	send_one("certain");
	abandon();
	assert_int_equal(tv.back_count, 3);
	assert_string_equal(tv.back[0].body, "two");
	assert_true(tv.back[0].maybe && tv.back[1].maybe);
	/* It had not left. */
	assert_string_equal(tv.back[2].body, "certain");
	assert_false(tv.back[2].maybe);
	assert_true(raw_expect_end(&raw));
	assert_true(raw.reset);
	assert_false(raw_has(&raw, "certain"));
	assert_false(raw_has(&raw, END));
	/* The next one is as good as any. */
	raw_release(&raw);
	tv.down = 0;
	opens(&raw);
	raw_say(&raw, MESSAGE ASK);
	assert_true(raw_expect(&raw, "<a" SM " h='1'/>"));
}

/* What is still in the kernel must not arrive when the peer is there again: it went another way. */
static void
test_abandoned_is_not_sent(void **state)
{
	char body[4096], waste[65536];
	size_t got = 0;
	ssize_t n;

	opens(&raw);
	setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	for (int i = 0; i < 200; i++) {
		snprintf(body, sizeof(body), "%4000d", i);
		send_one(body);
	}
	settle();
	abandon();
	assert_int_equal(tv.back_count, 200);
	while ((n = recv(raw.fd, waste, sizeof(waste), 0)) > 0)
		got += (size_t)n;
	assert_int_equal(n, -1);
	assert_int_equal(errno, ECONNRESET);
	assert_true(got < 400000);
}

static void
test_abandon_while_opening(void **state)
{
	tv.link = lan_open(tv.lan, JULIET);
	send_one("one");
	abandon();
	assert_int_equal(tv.back_count, 1);
	assert_false(tv.back[0].maybe);
	assert_int_equal(tv.up, 0);
}

/* What comes at the same time is not delivered. */
static void
test_abandon_is_deaf(void **state)
{
	opens(&raw);
	assert_int_equal(send(raw.fd, MESSAGE, strlen(MESSAGE), 0), strlen(MESSAGE));
	abandon();
	assert_int_equal(tv.body_count, 0);
}

static void
test_abandon_while_closing(void **state)
{
	struct link *link;

	opens(&raw);
	send_one("one");
	link = tv.link;
	link_close(link);
	assert_true(raw_expect(&raw, END));
	link->ops->abandon(link, -ETIMEDOUT, "it is silent");
	link->ops->abandon(link, -ENOENT, "twice");
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, -ETIMEDOUT);
	assert_int_equal(tv.back_count, 1);
	assert_int_equal(tv.down, 1);
}

#define DIAL(f) cmocka_unit_test_setup_teardown(f, setup_dial, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DIAL(test_two_sided_close),
		DIAL(test_close_unanswered),
		DIAL(test_given_back_is_not_sent),
		T(test_many_ended_by_one),
		T(test_abandon),
		T(test_abandoned_is_not_sent),
		DIAL(test_abandon_while_opening),
		T(test_abandon_is_deaf),
		T(test_abandon_while_closing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
