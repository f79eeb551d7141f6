/* SPDX-License-Identifier: ISC */
/* test_lan_purple.c: peers that keep one stream of two and drop the other, as libpurple does. */
#include "link/io.h"
#include "tests/unit/link/lan_kit.h"

#define PURPLE RAW_STREAM " from='juliet@forza' to='tv@pronto'>"

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

/* libpurple: a stream that comes in replaces the one it has opened, which it closes at once. */
static void
test_purple_keeps_ours(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	side_send(&tv, link, JULIET, "one");
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, PURPLE);
	assert_true(raw_expect(&other, "<stream:stream"));
	side_send(&tv, link, JULIET, "two");
	raw_say(&raw, PURPLE);
	raw_say(&other, "<message><body>lost?</body></message></stream:stream>");
	raw_hang_up(&other, false);
	assert_true(raw_expect(&raw, "two"));
	assert_true(raw_has(&raw, "one"));
	assert_int_equal(tv.body_count, 1);
	assert_int_equal(tv.down, 0);
	assert_int_equal(tv.back_count, 0);
}

static void
test_purple_keeps_its_own(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	side_send(&tv, link, JULIET, "one");
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, PURPLE);
	assert_true(raw_expect(&other, "<stream:stream"));
	raw_hang_up(&raw, false);
	assert_true(raw_expect(&other, "one"));
	assert_int_equal(tv.up, 1);
	assert_int_equal(tv.back_count, 0);
}

/* It had acknowledged what we wrote on ours, and threw it away with the stream. */
static void
test_purple_drops_what_it_had(void **state)
{
	struct link *link = lan_open(tv.lan, JULIET);

	assert_true(raw_accept(&raw));
	raw_say(&raw, PURPLE);
	assert_true(net_until(&net, is_up, NULL));
	side_send(&tv, link, JULIET, "one");
	assert_true(raw_expect(&raw, "one"));
	raw_connect(&other, &net, lan_port(tv.lan));
	raw_say(&other, PURPLE);
	assert_true(raw_expect(&other, "<stream:stream"));
	side_send(&tv, link, JULIET, "two");
	raw_say(&raw, "</stream:stream>");
	raw_hang_up(&raw, false);
	assert_true(raw_expect(&other, "two"));
	assert_non_null(strstr(other.got, "one"));
	assert_true(strstr(other.got, "one") < strstr(other.got, "two"));
	assert_int_equal(tv.down, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_purple_keeps_ours),
		T(test_purple_keeps_its_own),
		T(test_purple_drops_what_it_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
