/* SPDX-License-Identifier: ISC */
/* test_lan_link.c: one conversation, whoever opened it. */
#include "tests/unit/link/lan_kit.h"

#define ROUNDS 120
#define EACH   40 /* messages each way in a round */

static bool with_tls;
static struct side box;
static struct raw raw, other;

static int
setup(void **state)
{
	net_init(&net, *state != NULL);
	side_init(&tv, &net, "tv@pronto", 0);
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	other = (struct raw){ .fd = -1, .listener = -1 };
	return 0;
}

static int
teardown(void **state)
{
	raw_release(&raw);
	raw_release(&other);
	side_release(&tv);
	net_release(&net);
	return 0;
}

static void
test_dialled(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	assert_non_null(link);
	assert_ptr_equal(lan_open(tv.lan, JULIET), link);
	assert_ptr_equal(lan_find(tv.lan, JULIET), link);
	assert_int_equal(link->state, LINK_OPENING);
	assert_int_equal(side_send(&tv, link, JULIET, "early"), 0);
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
	assert_true(raw_has(&raw, "tv@pronto"));
	net_for(&net, 20);
	assert_false(raw_has(&raw, "early"));
	raw_say(&raw, "<?xml version='1.0'?>" HEADER);
	/* Features may never come. */
	assert_true(raw_expect(&raw, "early"));
	assert_int_equal(tv.up, 1);
	assert_int_equal(tv.identified, 0);
	raw_say(&raw, "<stream:features/><message><body>x</body></message>");
	assert_true(net_until(&net, has_stanza, NULL));
	assert_int_equal(tv.body_count, 1);
}

static void
test_idle(void **state)
{
	lan_open(tv.lan, JULIET);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	clock_advance(net.clock, LAN_IDLE_USEC - 10 * EAR_SEC);
	raw_say(&raw, "<message><body>x</body></message>");
	assert_true(net_until(&net, has_stanza, NULL));
	clock_advance(net.clock, LAN_IDLE_USEC - 10 * EAR_SEC);
	net_for(&net, 5);
	assert_false(raw_has(&raw, "</stream:stream>"));
	clock_advance(net.clock, 20 * EAR_SEC);
	assert_true(raw_expect(&raw, "</stream:stream>"));
	raw_say(&raw, "</stream:stream>");
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, 0);
}

/* mDNS says goodbye: idle streams of that peer end, busy ones are looked at. */
static void
test_goodbye(void **state)
{
	lan_open(tv.lan, JULIET);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	tv.target_count = 0;
	raw_expect(&raw, ">");
	raw_forget(&raw);
	lan_recheck(tv.lan, JULIET);
	assert_true(raw_expect(&raw, "\n"));
	assert_int_equal(tv.link->state, LINK_UP);
	clock_advance(net.clock, LAN_QUIET_USEC + EAR_SEC);
	lan_recheck(tv.lan, JULIET);
	assert_true(raw_expect(&raw, "</stream:stream>"));
}

static void
test_other_name(void **state)
{
	lan_open(tv.lan, JULIET);
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	lan_set_self(tv.lan, "tv-1@pronto");
	assert_true(raw_expect(&raw, "</stream:stream>"));
	lan_open(tv.lan, JULIET);
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "tv-1@pronto"));
}

/* --- two streams --- */

struct pair {
	struct side *a, *b;
	size_t wanted;
};

static bool
all_there(void *arg)
{
	struct pair *pair = arg;

	return pair->a->body_count >= pair->wanted && pair->b->body_count >= pair->wanted &&
	       pair->a->lan->stream_count == 1 && pair->b->lan->stream_count == 1;
}

static void
say_numbers(struct side *from, const char *to, int first, int count)
{
	char body[16];

	for (int i = first; i < first + count; i++) {
		struct link *link = lan_open(from->lan, to);

		snprintf(body, sizeof(body), "%d", i);
		assert_non_null(link);
		assert_int_equal(side_send(from, link, to, body), 0);
	}
}

static void
check_numbers(struct side *side)
{
	assert_int_equal(side->body_count, EACH);
	for (int i = 0; i < EACH; i++)
		assert_int_equal(atoi(side->bodies[i]), i);
	assert_int_equal(side->back_count, 0);
}

static void
begin_one(struct side *side, const char *self, unsigned dice)
{
	if (with_tls)
		side_init_tls(side, &net, self);
	else
		side_init(side, &net, self, 0);
	side->secure = dice & 1;
	side->met = dice & 2;
}

static void
begin_two(struct side *one, struct side *two, unsigned round)
{
	begin_one(one, "a@one", round / 2);
	begin_one(two, "b@two", round / 3);
}

/* Both dial: at once, and with every small distance; more is said at every moment. */
static void
simultaneous_round(int round)
{
	struct side one, two;
	struct side *first = round % 2 == 0 ? &one : &two, *second = round % 2 == 0 ? &two : &one;
	struct pair pair = { &one, &two, EACH };

	begin_two(&one, &two, (unsigned)round);
	side_add_target(&one, round % 4 < 2 ? "127.0.0.1" : "::1", lan_port(two.lan));
	side_add_target(&two, "127.0.0.1", lan_port(one.lan));
	one.resend = two.resend = true;
	say_numbers(first, first == &one ? "b@two.local" : "a@one.local", 0, EACH / 4);
	for (int i = 0; i < round / 4 % 10; i++)
		net_turn(&net);
	say_numbers(second, second == &one ? "b@two.local" : "a@one.local", 0, EACH / 4);
	for (int i = EACH / 4; i < EACH; i++) {
		say_numbers(first, first == &one ? "b@two.local" : "a@one.local", i, 1);
		if (i % 3 == 0)
			net_turn(&net);
		say_numbers(second, second == &one ? "b@two.local" : "a@one.local", i, 1);
		if (i % 2 == 0)
			net_turn(&net);
	}
	if (!net_until(&net, all_there, &pair))
		print_error("round %d: %zu %zu messages, %zu %zu streams\n", round, one.body_count,
			    two.body_count, one.lan->stream_count, two.lan->stream_count);
	net_for(&net, 2);
	check_numbers(&one);
	check_numbers(&two);
	assert_int_equal(one.down + two.down, 0);
	side_release(&one);
	side_release(&two);
}

static void
test_simultaneous_open(void **state)
{
	for (int round = 0; round < ROUNDS; round++)
		simultaneous_round(round);
}

static void
test_simultaneous_tls(void **state)
{
	with_tls = true;
	test_simultaneous_open(state);
	with_tls = false;
}

/* Ours lost before it was answered: the other addresses of the peer are not tried for that. */
static void
test_loser_dials_no_more(void **state)
{
	side_add_target(&tv, "127.0.0.1", raw.port);
	lan_open(tv.lan, JULIET);
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	raw_hang_up(&raw, false);
	net_for(&net, 20);
	assert_int_equal(accept(raw.listener, NULL, NULL), -1);
	assert_int_equal(tv.down, 0);
}

static struct relay there, back;

static bool
all_there_slowly(void *arg)
{
	relay_turn(&there);
	relay_turn(&back);
	return all_there(arg);
}

/* The same over ways that are slow and uneven: both have streams that carry stanzas. */
static void
slow_round(unsigned seed)
{
	struct side one, two;
	struct pair pair = { &one, &two, EACH };

	begin_two(&one, &two, seed);
	relay_init(&there, &net, lan_port(two.lan), seed);
	relay_init(&back, &net, lan_port(one.lan), ~seed);
	side_add_target(&one, "127.0.0.1", there.port);
	side_add_target(&two, "127.0.0.1", back.port);
	for (int i = 0; i < EACH; i++) {
		say_numbers(&one, "b@two.local", i, 1);
		say_numbers(&two, "a@one.local", i, 1);
		for (unsigned turns = seed % 9 + 1; turns > 0; turns--) {
			net_turn(&net);
			all_there_slowly(&pair);
		}
	}
	if (!net_until(&net, all_there_slowly, &pair))
		print_error("seed %u: %zu %zu messages, %zu %zu streams\n", seed, one.body_count,
			    two.body_count, one.lan->stream_count, two.lan->stream_count);
	check_numbers(&one);
	check_numbers(&two);
	assert_int_equal(one.down + two.down, 0);
	side_release(&one);
	side_release(&two);
	relay_release(&there);
	relay_release(&back);
}

static void
test_simultaneous_and_slow(void **state)
{
	for (unsigned seed = 1; seed <= ROUNDS; seed++)
		slow_round(seed * 7919);
}

static void
test_simultaneous_tls_and_slow(void **state)
{
	with_tls = true;
	test_simultaneous_and_slow(state);
	with_tls = false;
}

/* Ours is the one to go: it is ended in good order, and what follows waits for that. */
static void
test_loser_keeps_order(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER);
	side_send(&tv, link, JULIET, "one");
	assert_true(raw_expect(&raw, "one"));
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, HEADER);
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_int_equal(side_send(&tv, link, JULIET, "two"), 0);
	net_for(&net, 50);
	assert_true(raw_expect(&other, "<stream:stream"));
	assert_false(raw_has(&other, "two"));
	raw_say(&raw, "<message><body>still</body></message></stream:stream>");
	assert_true(raw_expect(&other, "two"));
	assert_false(raw_has(&other, "one"));
	assert_int_equal(tv.body_count, 1);
	assert_true(raw_expect_end(&raw));
	assert_int_equal(tv.back_count, 0);
}

/* Ours is the one to stay: the other is read until its opener closes it. */
static void
test_winner_stays(void **state)
{
	struct link *link = lan_open(tv.lan, "zoe@forza.local");

	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, RAW_STREAM " from='zoe@forza' version='1.0'>");
	raw_say(&other, "<message><body>a</body></message>");
	assert_true(net_until(&net, has_stanza, NULL));
	side_send(&tv, link, "zoe@forza.local", "one");
	raw_say(&raw, RAW_STREAM " from='zoe@forza' version='1.0'>");
	assert_true(raw_expect(&raw, "one"));
	raw_say(&other, "<message><body>b</body></message></stream:stream>");
	assert_true(raw_expect(&other, "</stream:stream>"));
	assert_false(raw_has(&other, "one"));
	assert_int_equal(tv.body_count, 2);
	assert_int_equal(tv.down, 0);
}

/* The peer lost its first stream without a word and dials again. */
static void
test_reconnect(void **state)
{
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	side_send(&tv, tv.link, JULIET, "one");
	assert_true(raw_expect(&other, "one"));
	raw_release(&raw);
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&other, "</stream:stream>"));
	assert_int_equal(side_send(&tv, tv.link, JULIET, "two"), 0);
	assert_true(raw_expect(&raw, "two"));
	assert_int_equal(tv.identified, 1);
	assert_int_equal(tv.up, 1);
	assert_int_equal(tv.down, 0);
	raw_say(&other, "<message><body>old</body></message></stream:stream>");
	assert_true(net_until(&net, has_stanza, NULL));
	assert_true(raw_expect_end(&other));
}

/* It may do so as often as it likes: only so many streams are kept. */
static void
test_many_from_one(void **state)
{
	struct raw many[8];

	for (int i = 0; i < 8; i++) {
		raw_connect(&many[i], &net, lan_port(tv.lan));
		raw_say(&many[i], HEADER);
		assert_true(raw_expect(&many[i], "<stream:stream"));
	}
	assert_true(tv.lan->stream_count <= LAN_PEER_STREAMS_MAX);
	assert_true(raw_expect_end(&many[0]));
	raw_say(&many[7], "<message><body>x</body></message>");
	assert_true(net_until(&net, has_stanza, NULL));
	for (int i = 0; i < 8; i++)
		raw_release(&many[i]);
	assert_int_equal(tv.identified, 1);
}

static bool
answered(void *arg)
{
	return box.body_count == *(size_t *)arg;
}

/* Many in one go; both directions at once. */
static void
test_two_of_us(void **state)
{
	size_t wanted = 2000;
	struct link *link;

	side_init(&box, &net, "box@two", 0);
	side_add_target(&box, "::1", lan_port(tv.lan));
	tv.answers = "answer";
	link = lan_open(box.lan, "tv@pronto.local");
	for (size_t sent = 0; sent < wanted; net_turn(&net))
		for (int i = 0; i < 100 && sent < wanted; i++)
			sent += side_send(&box, link, "tv@pronto.local", "question") == 0;
	assert_true(net_until(&net, answered, &wanted));
	assert_true(tv.link->earshot);
	assert_true(box.link->earshot);
	assert_int_equal(tv.body_count, wanted);
	assert_int_equal(tv.back_count + box.back_count, 0);
	side_release(&box);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FAKE(f)                                                                                    \
	{                                                                                          \
#f, f, setup, teardown, "fake"                                                     \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dialled),
		FAKE(test_idle),
		FAKE(test_goodbye),
		T(test_other_name),
		T(test_simultaneous_open),
		T(test_loser_dials_no_more),
		T(test_simultaneous_and_slow),
		T(test_simultaneous_tls),
		T(test_simultaneous_tls_and_slow),
		T(test_loser_keeps_order),
		T(test_winner_stays),
		T(test_reconnect),
		T(test_many_from_one),
		T(test_two_of_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
