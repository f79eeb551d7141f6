/* SPDX-License-Identifier: ISC */
/* test_lan_dial.c: several addresses of one peer, most of them no good. */
#include <unistd.h>

#include "tests/unit/link/lan_kit.h"

static struct raw raw, bad;
static unsigned dead_port;

static int
setup(void **state)
{
	net_init(&net, *state != NULL);
	side_init(&tv, &net, "tv@pronto", 0);
	raw_listen(&raw, &net);
	raw_listen(&bad, &net);
	dead_port = bad.port;
	return 0;
}

static int
teardown(void **state)
{
	raw_release(&raw);
	raw_release(&bad);
	side_release(&tv);
	net_release(&net);
	return 0;
}

static void
kill_bad(void)
{
	close(bad.listener);
	bad.listener = -1;
}

static void
test_nowhere(void **state)
{
	assert_null(lan_open(tv.lan, JULIET));
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_null(lan_open(tv.lan, "no name"));
}

static void
test_dead_listener(void **state)
{
	kill_bad();
	side_add_target(&tv, "127.0.0.1", dead_port);
	side_add_target(&tv, "::1", dead_port);
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "x"), 0);
	assert_int_equal(tv.down, 0);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, -ECONNREFUSED);
	assert_int_equal(tv.back_count, 1);
	assert_false(tv.back[0].maybe);
	assert_null(lan_find(tv.lan, JULIET));
}

static void
test_all_are_tried(void **state)
{
	kill_bad();
	side_add_target(&tv, "127.0.0.1", dead_port);
	side_add_target(&tv, "::1", dead_port);
	side_add_target(&tv, "127.0.0.2", dead_port);
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "x"), 0);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "<body>x</body>"));
	assert_int_equal(tv.up, 1);
}

/* An address where packets vanish does not hold up the next. */
static void
test_a_black_hole(void **state)
{
	int64_t begin = ear_now(net.clock);

	/* TEST-NET-1; where there is no route at all it fails at once, which will do too. */
	side_add_target(&tv, "192.0.2.1", 5298);
	side_add_target(&tv, "127.0.0.1", raw.port);
	lan_open(tv.lan, JULIET);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	assert_true(ear_now(net.clock) - begin < LAN_CONNECT_USEC);
}

/* Somebody else has that address now. */
static void
test_somebody_else(void **state)
{
	side_add_target(&tv, "127.0.0.1", bad.port);
	side_add_target(&tv, "127.0.0.1", raw.port);
	side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "x");
	assert_true(raw_accept(&bad));
	raw_say(&bad, RAW_STREAM " from='romeo@forza' version='1.0'>");
	assert_true(raw_expect(&bad, "invalid-from"));
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "<body>x</body>"));
	assert_false(raw_has(&bad, "<body>"));
}

/* It accepts and says nothing. */
static void
test_frozen(void **state)
{
	side_add_target(&tv, "127.0.0.1", bad.port);
	side_add_target(&tv, "127.0.0.1", raw.port);
	side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "x");
	assert_true(raw_accept(&bad));
	assert_true(raw_expect(&bad, "<stream:stream"));
	clock_advance(net.clock, LAN_ANSWER_USEC);
	assert_true(raw_expect(&bad, "connection-timeout"));
	clock_advance(net.clock, STREAM_ERROR_USEC);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "<body>x</body>"));
	assert_int_equal(tv.down, 0);
}

static void
test_closed_while_dialling(void **state)
{
	struct link *link;

	side_add_target(&tv, "127.0.0.1", raw.port);
	link = lan_open(tv.lan, JULIET);
	side_send(&tv, link, JULIET, "x");
	link_close(link);
	assert_int_equal(tv.down, 0);
	assert_int_equal(side_send(&tv, link, JULIET, "y"), -ENOTCONN);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, 0);
	assert_int_equal(tv.back_count, 1);
	assert_false(tv.back[0].maybe);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FAKE(f)                                                                                    \
	{                                                                                          \
#f, f, setup, teardown, "fake"                                                     \
	}

/* libpurple loses what waits in its own stream when our header comes while it dials us. */
static void
test_patient_uses_theirs(void **state)
{
	struct raw theirs;

	side_add_target(&tv, "127.0.0.1", raw.port);
	tv.targets[0].patient = true;
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "x"), 0);
	assert_true(raw_accept(&raw));
	raw_connect(&theirs, &net, lan_port(tv.lan));
	raw_say(&theirs, RAW_STREAM " from='juliet@forza' to='tv@pronto'>");
	assert_true(raw_expect(&theirs, "<body>x</body>"));
	assert_true(raw_expect_end(&raw));
	assert_int_equal(raw.length, 0);
	assert_int_equal(tv.up, 1);
	raw_release(&theirs);
}

static void
test_patient_goes_on_alone(void **state)
{
	side_add_target(&tv, "127.0.0.1", raw.port);
	tv.targets[0].patient = true;
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "x"), 0);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "<body>x</body>"));
	assert_int_equal(tv.up, 1);
}

/* Both addresses of one that is waited for are there in the same moment, and one speaks first. */
static void
test_patient_with_both(void **state)
{
	side_add_target(&tv, "127.0.0.1", raw.port);
	side_add_target(&tv, "127.0.0.1", bad.port);
	tv.targets[0].patient = tv.targets[1].patient = true;
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "x"), 0);
	clock_advance(net.clock, DIAL_STAGGER_USEC);
	assert_true(raw_accept(&raw));
	assert_true(raw_accept(&bad));
	raw_say(&bad, "x");
	raw_say(&raw, HEADER);
	raw_hang_up(&bad, false);
	net_for(&net, 3);
	clock_advance(net.clock, DIAL_PATIENCE_USEC);
	assert_true(raw_expect(&raw, "<body>x</body>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nowhere),
		T(test_dead_listener),
		T(test_all_are_tried),
		T(test_a_black_hole),
		T(test_somebody_else),
		FAKE(test_frozen),
		T(test_closed_while_dialling),
		T(test_patient_uses_theirs),
		T(test_patient_goes_on_alone),
		FAKE(test_patient_with_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
