/* SPDX-License-Identifier: ISC */
/* test_lan_acks.c: what is asked for when, what an answer means, and when there is none. */
#include "tests/unit/link/acks_kit.h"

#define QUESTION "<r" SM "/>"

static void
test_asked_after_a_while(void **state)
{
	opens(&raw);
	send_one("one");
	after(45);
	assert_true(raw_has(&raw, "one"));
	assert_false(raw_has(&raw, QUESTION));
	send_one("two");
	after(6);
	/* Once for both, behind both. */
	assert_int_equal(count_of(&raw, QUESTION), 1);
	assert_non_null(strstr(strstr(raw.got, "two"), QUESTION));
	after(30);
	assert_int_equal(raw.length, 0);
	say_acked(&raw, 2);
	until_acked(1);
	assert_in_range(tv.rtt, 30 * EAR_MSEC, 60 * EAR_MSEC);
	assert_int_equal(out()->sent.count, 0);
	/* Nothing is asked for when nothing is under way. */
	after(5000);
	assert_int_equal(raw.length, 0);
	assert_int_equal(tv.silent, 0);
}

/* What comes behind the question is asked for when it is as old. */
static void
test_asked_again(void **state)
{
	opens(&raw);
	send_one("one");
	after(51);
	assert_true(raw_has(&raw, QUESTION));
	send_one("two");
	say_acked(&raw, 1);
	until_acked(1);
	after(40);
	assert_false(raw_has(&raw, QUESTION));
	after(11);
	assert_true(raw_has(&raw, QUESTION));
	say_acked(&raw, 2);
	until_acked(2);
	assert_int_equal(out()->sent.count, 0);
}

static xmpp_stanza_t *
iq(const char *type, const char *id)
{
	xmpp_stanza_t *stanza = ear_stanza(net.ctx, "iq", type, JULIET, id);

	ear_child(stanza, "ping", EAR_NS_PING);
	return stanza;
}

static void
test_answer_proves(void **state)
{
	opens(&raw);
	send_one("one");
	assert_int_equal(link_send(tv.link, iq("get", "a1")), 0);
	send_one("two");
	settle();
	raw_say(&raw, "<iq type='result' id='a2'/>");
	assert_int_equal(out()->sent.count, 3);
	raw_say(&raw, "<iq type='get' id='a1'/>");
	assert_int_equal(out()->sent.count, 3);
	raw_say(&raw, "<iq type='result' id='a1'/>");
	assert_int_equal(out()->sent.count, 1);
	/* It may say less itself, later. */
	say_acked(&raw, 1);
	say_acked(&raw, 3);
	settle();
	assert_int_equal(out()->sent.count, 0);
	assert_int_equal(tv.down, 0);
}

static void
test_request_is_not_asked_for(void **state)
{
	opens(&raw);
	assert_int_equal(link_send(tv.link, iq("get", "a1")), 0);
	settle();
	raw_say(&raw, "<iq type='error' id='a1'/>");
	after(2000);
	assert_false(raw_has(&raw, QUESTION));
	assert_int_equal(out()->sent.count, 0);
}

/* Whoever asked will ask again: there is no hurry. */
static void
test_answers_wait(void **state)
{
	opens(&raw);
	assert_int_equal(link_send(tv.link, iq("result", "b1")), 0);
	after(900);
	assert_false(raw_has(&raw, QUESTION));
	after(101);
	assert_true(raw_has(&raw, QUESTION));
	say_acked(&raw, 1);
	until_acked(1);
	assert_int_equal(link_send(tv.link, iq("result", "b2")), 0);
	after(100);
	send_one("this does not wait");
	after(51);
	assert_true(raw_has(&raw, QUESTION));
}

static void
test_much_is_asked_for_at_once(void **state)
{
	char *large = malloc(40001);

	memset(large, 'x', 40000);
	large[40000] = '\0';
	opens(&raw);
	for (int i = 0; i < LAN_ASK_STANZAS - 1; i++)
		send_one("x");
	after(0);
	assert_false(raw_has(&raw, QUESTION));
	send_one("x");
	after(0);
	assert_int_equal(count_of(&raw, QUESTION), 1);
	say_acked(&raw, LAN_ASK_STANZAS);
	until_acked(1);
	for (size_t i = 0; i < LAN_ASK_BYTES / 40000 + 1; i++)
		send_one(large);
	assert_true(raw_expect(&raw, QUESTION));
	free(large);
}

/* Past the bound nothing counts as delivered. */
static void
test_full(void **state)
{
	int acked = 0;

	opens(&raw);
	for (int i = 0; i < OUTBOX_STANZAS_MAX; i++) {
		send_one("x");
		net_turn(&net);
	}
	assert_int_equal(side_send(&tv, tv.link, JULIET, "x"), -ENOBUFS);
	for (; acked < 3; acked++) {
		say_acked(&raw, (unsigned)(acked + 1) * LAN_ASK_STANZAS);
		until_acked(acked + 1);
		assert_int_equal(out()->sent.count, OUTBOX_STANZAS_MAX - LAN_ASK_STANZAS);
		for (int i = 0; i < LAN_ASK_STANZAS; i++)
			send_one("x");
		assert_int_equal(side_send(&tv, tv.link, JULIET, "x"), -ENOBUFS);
	}
	raw_hang_up(&raw, true);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.back_count, OUTBOX_STANZAS_MAX);
}

/* Its TCP has all three; it has said that it has handled two. */
static void
test_only_the_acknowledged_is_forgotten(void **state)
{
	opens(&raw);
	send_one("one");
	send_one("two");
	send_one("three");
	assert_true(raw_expect(&raw, "three"));
	say_acked(&raw, 2);
	settle();
	after(3000);
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.back_count, 1);
	assert_string_equal(tv.back[0].body, "three");
	assert_true(tv.back[0].maybe);
}

static void
test_told_unasked(void **state)
{
	opens(&raw);
	for (int i = 0; i < LAN_TELL_STANZAS; i++)
		raw_say_all(&raw, MESSAGE, strlen(MESSAGE));
	assert_true(raw_expect(&raw, "<a" SM " h='512'/>"));
}

static void
test_silent(void **state)
{
	opens(&raw);
	send_one("one");
	after(51);
	assert_true(raw_has(&raw, QUESTION));
	after(450);
	assert_int_equal(tv.silent, 0);
	/* Its kernel has taken the question meanwhile: that much later. */
	for (int i = 0; i < 7; i++)
		after(100);
	assert_int_equal(tv.silent, 1);
	send_one("two");
	after(5000);
	assert_int_equal(tv.silent, 1);
	assert_int_equal(tv.heard, 0);
	assert_int_equal(tv.down, 0);
	/* Something that is no answer. */
	raw_say(&raw, MESSAGE);
	assert_int_equal(tv.heard, 0);
	say_acked(&raw, 1);
	until_acked(1);
	assert_int_equal(tv.heard, 1);
	after(51);
	assert_true(raw_has(&raw, QUESTION));
	say_acked(&raw, 2);
	until_acked(2);
	assert_int_equal(tv.silent, 1);
	assert_int_equal(tv.heard, 1);
}

/* A slow one is given the time that it usually takes, up to a bound. */
static void
test_patience(void **state)
{
	opens(&raw);
	send_one("one");
	after(51);
	after(400);
	say_acked(&raw, 1);
	until_acked(1);
	send_one("two");
	after(51);
	for (int i = 0; i < 17; i++)
		after(100);
	assert_int_equal(tv.silent, 0);
	for (int i = 0; i < 4; i++)
		after(100);
	assert_int_equal(tv.silent, 1);
}

/* Much is under way, and it arrives slowly: the question has not got there. */
static void
test_slow_is_not_dead(void **state)
{
	char *large = malloc(20001), waste[16384];
	int64_t before, start = ear_now(net.clock);
	struct io *io;

	memset(large, 'x', 20000);
	large[20000] = '\0';
	opens(&raw);
	io = stream_io(out()->stream);
	setsockopt(io_fd(io), SOL_SOCKET, SO_SNDBUF, &(int){ 32768 }, sizeof(int));
	setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 32768 }, sizeof(int));
	for (int i = 0; i < 40; i++)
		send_one(large);
	while (ear_now(net.clock) - start < 3 * EAR_SEC) {
		before = (int64_t)io_acked(io);
		assert_true(recv(raw.fd, waste, sizeof(waste), MSG_DONTWAIT) != 0);
		net_turn(&net);
		if ((int64_t)io_acked(io) > before)
			clock_advance(net.clock, 200 * EAR_MSEC);
		assert_int_equal(tv.silent, 0);
	}
	assert_int_equal(tv.silent, 0);
	for (int i = 0; i < 30; i++) {
		clock_advance(net.clock, 100 * EAR_MSEC);
		settle();
	}
	assert_int_equal(tv.silent, 1);
	free(large);
}

/* mDNS says goodbye: asked, though nothing is under way. */
static void
test_probe(void **state)
{
	opens(&raw);
	side_add_target(&tv, "127.0.0.1", 1);
	lan_recheck(tv.lan, JULIET);
	lan_recheck(tv.lan, JULIET);
	after(1);
	assert_string_equal(raw.got, QUESTION);
	say_acked(&raw, 0);
	until_acked(1);
	lan_recheck(tv.lan, JULIET);
	for (int i = 0; i < 12; i++)
		after(100);
	assert_int_equal(tv.silent, 1);
}

/* --- the end -------------------------------------------------------------------------------- */

/* Whoever ends the stream asks and tells before, and the other end tells in its answer. */
static void
test_last_words(void **state)
{
	opens(&raw);
	raw_say(&raw, MESSAGE MESSAGE MESSAGE);
	send_one("one");
	link_close(tv.link);
	assert_true(raw_expect(&raw, QUESTION "<a" SM " h='3'/>" END));
	say_acked(&raw, 1);
	raw_say(&raw, END);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.back_count, 0);
	raw_release(&raw);
	opens(&raw);
	raw_say(&raw, MESSAGE END);
	assert_true(raw_expect(&raw, "<a" SM " h='1'/>" END));
}

/* Nothing is written any more, and what was is still not known to have arrived. */
static void
test_unacked_at_the_end(void **state)
{
	opens(&raw);
	send_one("one");
	assert_int_equal(lan_queue_unacked(tv.link), 1);
	link_close(tv.link);
	assert_int_equal(lan_queue_unacked(tv.link), 1);
	assert_true(raw_expect(&raw, END));
	say_acked(&raw, 1);
	settle();
	assert_int_equal(lan_queue_unacked(tv.link), 0);
	raw_say(&raw, END);
	assert_true(net_until(&net, tv_is_down, NULL));
}

/* It ends the stream, reads until we do, and hangs up: it has had what it could not tell. */
static void
test_read_to_the_end(void **state)
{
	opens(&raw);
	send_one("one");
	raw_say(&raw, END);
	assert_true(raw_expect(&raw, END));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, 0);
	assert_int_equal(tv.back_count, 0);
}

/* It does not wait for our end, or gives up waiting. */
static void
test_not_read_to_the_end(void **state)
{
	for (int i = 0; i < 2; i++) {
		opens(&raw);
		send_one("one");
		settle();
		assert_int_equal(send(raw.fd, END, strlen(END), 0), strlen(END));
		if (i == 1) {
			settle();
			clock_advance(net.clock, STREAM_CLOSE_USEC * 3 / 4);
		}
		shutdown(raw.fd, SHUT_WR);
		assert_true(net_until(&net, tv_is_down, NULL));
		assert_int_equal(tv.back_count, (size_t)i + 1);
		assert_true(tv.back[i].maybe);
		tv.down = 0;
		raw_release(&raw);
	}
	raw = (struct raw){ .fd = -1, .listener = -1 };
}

/* A program that ends reads no more: the other end is told how far it came. */
static void
test_shut_down(void **state)
{
	opens(&raw);
	raw_say(&raw, MESSAGE MESSAGE);
	settle();
	assert_int_equal(send(raw.fd, MESSAGE, strlen(MESSAGE), 0), strlen(MESSAGE));
	lan_free(tv.lan);
	tv.lan = NULL;
	assert_true(raw_expect(&raw, "<a" SM " h='2'/><stream:error><system-shutdown"));
	assert_true(raw_expect_end(&raw));
}

/* The same from the other side: what it has read of the end says nothing of what was before. */
static void
test_is_shut_down(void **state)
{
	opens(&raw);
	send_one("one");
	send_one("two");
	settle();
	raw_say(&raw, "<a" SM " h='1'/><stream:error><system-shutdown xmlns='" EAR_NS_STREAM_ERR
		      "'/></stream:error>" END);
	assert_true(raw_expect(&raw, END));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.back_count, 1);
	assert_string_equal(tv.back[0].body, "two");
	assert_true(tv.back[0].maybe);
}

/* --- two streams ---------------------------------------------------------------------------- */

static bool
has_come_back(void *arg)
{
	return tv.back_count >= *(size_t *)arg;
}

/* It dials again, and its old stream says nothing any more: what that has not acknowledged comes
 * back before what waits, and none of it is lost, with acknowledgements or without. */
static void
dials_again(bool again)
{
	size_t two = 2;

	opens(&raw);
	send_one("one");
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, HEADER);
	if (again)
		raw_say(&other, ENABLE);
	assert_true(raw_expect(&raw, END));
	send_one("two");
	settle();
	assert_int_equal(tv.back_count, 0);
	clock_advance(net.clock, LAN_ORDER_USEC);
	assert_true(net_until(&net, has_come_back, &two));
	assert_string_equal(tv.back[0].body, "one");
	assert_true(tv.back[0].maybe);
	assert_string_equal(tv.back[1].body, "two");
	assert_false(tv.back[1].maybe);
	assert_int_equal(tv.link->acks, again);
	send_one("three");
	assert_true(raw_expect(&other, "three"));
	assert_false(raw_has(&other, "two"));
	assert_int_equal(tv.down, 0);
}

static void
test_dials_again(void **state)
{
	dials_again(true);
}

static void
test_dials_again_without(void **state)
{
	dials_again(false);
}

/* The other way round: what the first had not acknowledged by TCP. */
static void
test_dials_again_with(void **state)
{
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	assert_false(tv.link->acks);
	opens(&other);
	raw_say(&raw, END);
	raw_hang_up(&raw, false);
	clock_advance(net.clock, LAN_ORDER_USEC);
	assert_true(net_until(&net, tv_has_acks, NULL));
	send_one("one");
	assert_true(raw_expect(&other, "one"));
	say_acked(&other, 1);
	settle();
	assert_int_equal(out()->sent.count, 0);
}

/* Ours is open, and the peer dials: it has lost ours, which does not answer. */
static void
test_old_one_is_given_up(void **state)
{
	size_t one = 1;

	is_dialled();
	raw_say(&raw, ENABLED);
	settle();
	clock_advance(net.clock, LAN_YOUNG_USEC + EAR_SEC);
	send_one("one");
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, RAW_STREAM " from='juliet@forza' version='1.0'>" ENABLE);
	for (int i = 0; i < 15; i++) {
		clock_advance(net.clock, 100 * EAR_MSEC);
		settle();
	}
	assert_true(net_until(&net, has_come_back, &one));
	assert_int_equal(tv.silent, 0);
	assert_true(raw_expect_end(&raw));
	send_one("two");
	assert_true(raw_expect(&other, "two"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_asked_after_a_while),
		T(test_asked_again),
		T(test_answer_proves),
		T(test_request_is_not_asked_for),
		T(test_answers_wait),
		T(test_much_is_asked_for_at_once),
		T(test_full),
		T(test_only_the_acknowledged_is_forgotten),
		T(test_told_unasked),
		T(test_silent),
		T(test_patience),
		T(test_slow_is_not_dead),
		T(test_probe),
		T(test_last_words),
		T(test_unacked_at_the_end),
		T(test_read_to_the_end),
		T(test_not_read_to_the_end),
		T(test_shut_down),
		T(test_is_shut_down),
		T(test_dials_again),
		T(test_dials_again_without),
		T(test_dials_again_with),
		T(test_old_one_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
