/* SPDX-License-Identifier: ISC */
/* test_lan_sm.c: how acknowledgements begin, and what is said of them at a wrong time. */
#include <poll.h>

#include "tests/unit/link/acks_kit.h"

static void
test_accepted(void **state)
{
	opens(&raw);
	raw_say(&raw, MESSAGE MESSAGE ASK);
	assert_true(raw_expect(&raw, "<a" SM " h='2'/>"));
	assert_int_equal(tv.body_count, 2);
	/* These are no stanzas. */
	raw_say(&raw, ASK);
	settle();
	assert_true(raw_expect(&raw, "<a" SM " h='2'/><a" SM " h='2'/>"));
}

static void
test_dialled(void **state)
{
	is_dialled();
	assert_true(tv.link->acks);
	/* Nothing waits for <enabled/>. */
	send_one("early");
	assert_true(raw_expect(&raw, "early"));
	raw_say(&raw, ENABLED MESSAGE ASK);
	assert_true(raw_expect(&raw, "<a" SM " h='1'/>"));
	assert_int_equal(out()->sent.count, 1);
	say_acked(&raw, 1);
	settle();
	assert_int_equal(out()->sent.count, 0);
}

/* What was sent before its features came has arrived when it answers. */
static void
test_sent_before(void **state)
{
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_non_null(lan_open(tv.lan, JULIET));
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	assert_false(tv.link->acks);
	send_one("one");
	raw_say(&raw, OFFER_SM);
	assert_true(raw_expect(&raw, ENABLE));
	assert_true(tv.link->acks);
	send_one("two");
	assert_int_equal(out()->sent.count, 2);
	raw_say(&raw, ENABLED);
	settle();
	assert_int_equal(out()->sent.count, 1);
	say_acked(&raw, 1);
	settle();
	assert_int_equal(out()->sent.count, 0);
}

/* The same for who was dialled: its first word after <enabled/> says that it got that. */
static void
test_sent_before_accepted(void **state)
{
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	send_one("one");
	raw_say(&raw, ENABLE);
	assert_true(raw_expect(&raw, ENABLED));
	assert_int_equal(out()->sent.count, 1);
	say_acked(&raw, 0);
	settle();
	assert_int_equal(out()->sent.count, 0);
}

static void
test_not_offered(void **state)
{
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	lan_open(tv.lan, JULIET);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER "<stream:features><sm xmlns='urn:xmpp:sm:2'/></stream:features>");
	assert_true(net_until(&net, tv_is_up, NULL));
	send_one("x");
	assert_true(raw_expect(&raw, "<body>x"));
	after(2000);
	assert_false(raw_has(&raw, EAR_NS_SM));
	assert_false(tv.link->acks);
	assert_null(out()->acks);
}

/* Their TCP has it, which waits with saying so; no real second passes. */
static bool
nothing_is_kept(void *arg)
{
	poll(NULL, 0, 10);
	clock_advance(net.clock, EAR_SEC);
	return out()->sent.count == 0;
}

static void
test_failed(void **state)
{
	is_dialled();
	send_one("one");
	raw_say(&raw, "<failed" SM "><item-not-found xmlns='" EAR_NS_STANZA_ERR "'/></failed>");
	settle();
	assert_false(tv.link->acks);
	assert_null(out()->acks);
	send_one("two");
	assert_true(raw_expect(&raw, "two"));
	after(2000);
	assert_false(raw_has(&raw, "<r"));
	assert_true(net_until(&net, nothing_is_kept, NULL));
}

/* XEP-0198 §4: modulo 2^32. */
static void
test_count_goes_round(void **state)
{
	struct lan_acks *acks;

	opens(&raw);
	acks = out()->acks;
	acks->sent = acks->acked = acks->said = acks->asked = acks->urgent = UINT32_MAX;
	acks->got = acks->told = UINT32_MAX;
	send_one("one");
	say_acked(&raw, 0);
	settle();
	assert_int_equal(out()->sent.count, 0);
	raw_say(&raw, MESSAGE ASK);
	assert_true(raw_expect(&raw, "<a" SM " h='0'/>"));
}

struct wrong {
	const char *said, *condition, *also;
};

static void
is_refused(const struct wrong *wrong)
{
	raw_say_all(&raw, wrong->said, strlen(wrong->said));
	assert_true(raw_expect(&raw, END));
	if (!raw_has(&raw, wrong->condition) || !raw_has(&raw, wrong->also))
		fail_msg("%s: %s", wrong->said, raw.got);
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, -EPROTO);
	raw_release(&raw);
	raw = (struct raw){ .fd = -1, .listener = -1 };
	tv.up = tv.down = 0;
	tv.target_count = 0;
}

static void
test_wrong_when_accepted(void **state)
{
	static const struct wrong all[] = {
		{ ENABLE, "policy-violation", "<failed" SM "><unexpected-request" },
		{ ENABLED, "policy-violation", "" },
		{ "<failed" SM "/>", "policy-violation", "" },
		{ "<resumed" SM "/>", "policy-violation", "" },
		{ "<a" SM "/>", "bad-format", "" },
		{ "<a" SM " h=''/>", "bad-format", "" },
		{ "<a" SM " h='-1'/>", "bad-format", "" },
		{ "<a" SM " h='1x'/>", "bad-format", "" },
		{ "<a" SM " h='4294967296'/>", "bad-format", "" },
		{ "<a" SM " h='99999999999999999999'/>", "bad-format", "" },
		{ "<a" SM " h='1'/>", "undefined-condition",
		  "<handled-count-too-high" SM " h='1' send-count='0'/>" },
		{ "<a" SM " h='4294967295'/>", "undefined-condition", "handled-count-too-high" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		opens(&raw);
		is_refused(&all[i]);
	}
}

static void
test_wrong_before(void **state)
{
	static const struct wrong all[] = {
		{ ASK, "policy-violation", "" },
		{ "<a" SM " h='0'/>", "policy-violation", "" },
		{ ENABLED, "policy-violation", "" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		raw_connect(&raw, &net, lan_port(tv.lan));
		raw_say(&raw, HEADER);
		assert_true(net_until(&net, tv_is_up, NULL));
		is_refused(&all[i]);
	}
}

static void
test_wrong_when_dialled(void **state)
{
	static const struct wrong all[] = {
		{ ENABLE, "policy-violation", "unexpected-request" },
		{ ASK, "policy-violation", "" },
		{ "<a" SM " h='0'/>", "policy-violation", "" },
		{ ENABLED ENABLED, "policy-violation", "" },
		{ "<resume" SM "/>", "policy-violation", "" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		is_dialled();
		is_refused(&all[i]);
	}
}

/* A count that goes back, or is told twice. */
static void
test_count_goes_back(void **state)
{
	static const struct wrong back = { "<a" SM " h='1'/>", "undefined-condition",
					   "<handled-count-too-high" SM " h='1' send-count='2'/>" };

	opens(&raw);
	send_one("one");
	send_one("two");
	say_acked(&raw, 2);
	say_acked(&raw, 2);
	settle();
	assert_int_equal(tv.down, 0);
	assert_int_equal(out()->sent.count, 0);
	is_refused(&back);
}

/* There is nothing to resume: that is said, and the stream goes on. */
static void
test_resume(void **state)
{
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER "<resume" SM " h='1' previd='x'/>");
	assert_true(raw_expect(&raw, "<failed" SM "><feature-not-implemented"));
	raw_say(&raw, ENABLE MESSAGE ASK);
	assert_true(raw_expect(&raw, "<a" SM " h='1'/>"));
}

/* More of that than the kernel keeps answers for; and nothing is read. */
static void
floods(const char *text)
{
	struct io *io = stream_io(out()->stream);
	size_t n = strlen(text), length = 65536 / n * n;
	char *many = malloc(length);
	int room = 65536;

	setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(io_fd(io), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	for (size_t i = 0; i < length; i += n)
		memcpy(many + i, text, n);
	for (int i = 0; i < 16 && tv.link->state == LINK_UP; i++) {
		raw_say_all(&raw, many, length);
		for (int k = 0; k < 8; k++)
			net_turn(&net);
		assert_true(io_written(io) - io_sent(io) < 3 * OUTBOX_BYTES_MAX);
	}
	free(many);
}

/* It reads what has piled up, of which only the end is looked at. */
static bool
ends_with(void *arg)
{
	static char bytes[65536];
	size_t length = strlen(arg);
	ssize_t n = recv(raw.fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	return n >= (ssize_t)length && memcmp(bytes + n - length, arg, length) == 0;
}

/* The answer is longer than the question. Those that nobody reads become one. */
static void
test_flood_of_questions(void **state)
{
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, "<stream:stream xmlns='jabber:client' xmlns:s='" EAR_NS_SM
		      "' xmlns:stream='http://etherx.jabber.org/streams' from='juliet@forza' "
		      "to='tv@pronto' version='1.0'><s:enable/>");
	assert_true(net_until(&net, tv_has_acks, NULL));
	floods("<s:r/>");
	assert_int_equal(tv.link->state, LINK_UP);
	raw_say_all(&raw, MESSAGE, strlen(MESSAGE));
	raw_say_all(&raw, ASK, strlen(ASK));
	assert_true(net_until(&net, ends_with, "<a" SM " h='1'/>"));
}

static void
test_flood_of_resumptions(void **state)
{
	opens(&raw);
	floods("<resume" SM "/>");
	assert_int_not_equal(tv.link->state, LINK_UP);
}

/* It is looked for: its words wait with its stanzas, and in their order. */
static void
test_before_it_is_known(void **state)
{
	static const char all[] = HEADER ENABLE MESSAGE MESSAGE ASK;

	tv.identify_rc = -EAGAIN;
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say_all(&raw, all, strlen(all));
	settle();
	assert_int_equal(raw.length, 0);
	tv.identify_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_true(raw_expect(&raw, "<a" SM " h='2'/>"));
	assert_true(raw_has(&raw, ENABLED));
	assert_int_equal(tv.body_count, 2);
}

static void
test_of_nobody(void **state)
{
	tv.identify_rc = -EAGAIN;
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, RAW_STREAM " version='1.0'>" ENABLE);
	assert_true(raw_expect(&raw, "not-authorized"));
	assert_true(raw_has(&raw, "<failed" SM "><unexpected-request"));
	assert_int_equal(tv.identified, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_accepted),           T(test_dialled),
		T(test_sent_before),        T(test_sent_before_accepted),
		T(test_not_offered),        T(test_failed),
		T(test_count_goes_round),   T(test_wrong_when_accepted),
		T(test_wrong_before),       T(test_wrong_when_dialled),
		T(test_count_goes_back),    T(test_resume),
		T(test_before_it_is_known), T(test_of_nobody),
		T(test_flood_of_questions), T(test_flood_of_resumptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
