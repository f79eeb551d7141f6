/* SPDX-License-Identifier: ISC */
/* test_lan_acks_hostile.c: peers that ask for acknowledgements and do not give any. */
#include "tests/unit/link/acks_kit.h"

/* Until the question is overdue. */
static void
fall_silent(void)
{
	send_one("one");
	after(51);
	for (int i = 0; i < 20 && tv.silent == 0; i++)
		after(100);
	assert_int_equal(tv.silent, 1);
}

/* What says nothing new is no answer, however often it is said. */
static void
test_stale_answers(void **state)
{
	opens(&raw);
	send_one("one");
	after(51);
	for (int i = 0; i < 20; i++) {
		say_acked(&raw, 0);
		after(100);
	}
	assert_int_equal(tv.silent, 1);
	assert_int_equal(tv.heard, 0);
	assert_int_equal(tv.acked, 0);
	say_acked(&raw, 1);
	until_acked(1);
	assert_int_equal(tv.heard, 1);
}

/* Nothing looks again and again whether it is still silent. */
static void
test_silence_is_at_rest(void **state)
{
	opens(&raw);
	fall_silent();
	assert_false(ear_timer_is_set(&out()->acks->timer));
}

/* Its kernel acknowledges for ever: it has had the time that every link has which is not used. */
static void
test_silence_ends(void **state)
{
	opens(&raw);
	fall_silent();
	clock_advance(net.clock, LAN_IDLE_USEC + EAR_SEC);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, -ETIMEDOUT);
	assert_int_equal(tv.back_count, 1);
	assert_true(tv.back[0].maybe);
}

static bool
is_heard(void *arg)
{
	return tv.heard > 0;
}

/* It dials again, and so the link is silent no more. */
static void
test_heard_on_another(void **state)
{
	is_dialled();
	raw_say(&raw, ENABLED);
	settle();
	fall_silent();
	clock_advance(net.clock, LAN_YOUNG_USEC + EAR_SEC);
	settle();
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, HEADER ENABLE);
	assert_true(net_until(&net, is_heard, NULL));
	assert_true(raw_expect_end(&raw));
	send_one("two");
	assert_true(raw_expect(&other, "two"));
	assert_int_equal(tv.silent, 1);
	assert_int_equal(tv.heard, 1);
}

/*
 * It dials again, whereupon ours is asked whether it lives, and hangs up. There is nothing left to
 * wait with stanzas for, even if ours has not answered.
 */
static void
test_no_other_is_left(void **state)
{
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_non_null(lan_open(tv.lan, "zed@forza.local"));
	assert_true(raw_accept(&raw));
	raw_say(&raw, RAW_STREAM " from='zed@forza' to='tv@pronto' version='1.0'>" OFFER_SM);
	assert_true(raw_expect(&raw, ENABLE));
	raw_say(&raw, ENABLED);
	settle();
	clock_advance(net.clock, LAN_YOUNG_USEC + EAR_SEC);
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, RAW_STREAM " from='zed@forza' to='tv@pronto' version='1.0'>");
	assert_true(raw_expect(&raw, ASK));
	raw_hang_up(&other, true);
	settle();
	assert_int_equal(side_send(&tv, tv.link, "zed@forza.local", "two"), 0);
	clock_advance(net.clock, 2 * LAN_PROBE_USEC);
	settle();
	assert_true(raw_expect(&raw, "two"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stale_answers),    T(test_silence_is_at_rest), T(test_silence_ends),
		T(test_heard_on_another), T(test_no_other_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
