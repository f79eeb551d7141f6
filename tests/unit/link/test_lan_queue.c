/* SPDX-License-Identifier: ISC */
/* test_lan_queue.c: what is not taken, and what comes back when a link dies. */
#include "tests/unit/link/lan_kit.h"

static struct raw raw;

static int
setup(void **state)
{
	net_init(&net, false);
	side_init(&tv, &net, "tv@pronto", 0);
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	return 0;
}

static int
teardown(void **state)
{
	raw_release(&raw);
	side_release(&tv);
	net_release(&net);
	return 0;
}

static void
test_queue_is_bounded(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);
	int count = 0, rc;

	while ((rc = side_send(&tv, link, JULIET, "x")) == 0 && count < 5000)
		count++;
	assert_int_equal(rc, -ENOBUFS);
	assert_int_equal(count, OUTBOX_STANZAS_MAX);
	assert_true(raw_accept(&raw));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.back_count, OUTBOX_STANZAS_MAX);
	assert_false(tv.back[0].maybe);
	assert_string_equal(tv.back[0].to, JULIET);
}

static void
test_too_large(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);
	size_t size = STREAM_STANZA_MAX + 1;
	char *body = malloc(size + 1);

	memset(body, 'x', size);
	body[size] = '\0';
	assert_int_equal(side_send(&tv, link, JULIET, body), -EMSGSIZE);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	assert_int_equal(side_send(&tv, link, JULIET, body), -EMSGSIZE);
	body[size / 2] = '\0';
	assert_int_equal(side_send(&tv, link, JULIET, body), 0);
	free(body);
}

/* The resource of the program that sent it does not go over the wire, but comes back. */
static void
test_addresses_come_back(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);
	xmpp_stanza_t *stanza = ear_stanza(net.ctx, "message", NULL, JULIET "/x", "id");

	xmpp_stanza_set_from(stanza, "tv@pronto.local/cli-1");
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	assert_int_equal(link_send(link, stanza), 0);
	raw_hang_up(&raw, true);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.back_count, 1);
	assert_string_equal(tv.back[0].to, JULIET "/x");
	assert_string_equal(tv.back[0].from, "tv@pronto.local/cli-1");
}

/* A peer that reads nothing and then is gone: what its TCP had is delivered as far as we know. */
static void
test_unacknowledged(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);
	char body[16000], digits[16];
	int sent = 0, rc = 0, number, previous;

	assert_true(raw_accept(&raw));
	setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	for (; rc == 0 && sent < 20000 && tv.down == 0; net_turn(&net)) {
		snprintf(digits, sizeof(digits), "%05d ", sent);
		memcpy(body, digits, 6);
		rc = side_send(&tv, link, JULIET, body);
		sent += rc == 0;
	}
	assert_int_equal(rc, -EDQUOT);
	raw_hang_up(&raw, true);
	assert_true(net_until(&net, is_down, NULL));
	assert_true(tv.back_count > 20);
	previous = atoi(tv.back[0].body) - 1;
	for (size_t i = 0; i < tv.back_count; i++) {
		number = atoi(tv.back[i].body);
		assert_int_equal(number, previous + 1);
		previous = number;
		assert_true(i == 0 || tv.back[i - 1].maybe || !tv.back[i].maybe);
	}
	assert_int_equal(previous, sent - 1);
	assert_true(tv.back[0].maybe);
	assert_false(tv.back[tv.back_count - 1].maybe);
}

/* What is of no use any more when the stream is there is not written to it. */
static void
test_stale(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	assert_int_equal(side_send(&tv, link, JULIET, "before"), 0);
	assert_int_equal(side_send(&tv, link, JULIET, "late"), 0);
	assert_int_equal(side_send(&tv, link, JULIET, "after"), 0);
	tv.stale = "late";
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	assert_true(raw_expect(&raw, "after"));
	assert_true(raw_has(&raw, "before"));
	assert_false(raw_has(&raw, "late"));
	assert_int_equal(tv.back_count, 1);
	assert_string_equal(tv.back[0].body, "late");
	assert_false(tv.back[0].maybe);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_queue_is_bounded), T(test_too_large), T(test_addresses_come_back),
		T(test_unacknowledged),   T(test_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
