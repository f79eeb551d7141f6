/* SPDX-License-Identifier: ISC */
/* test_lan.c: the listener and the tables: floods, names, what is there when it ends. */
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/link/lan_kit.h"

#define FLOOD 5000

static int
setup(void **state)
{
	net_init(&net, false);
	side_init(&tv, &net, "tv@pronto", 0);
	return 0;
}

static int
teardown(void **state)
{
	side_release(&tv);
	net_release(&net);
	return 0;
}

/* Connections that say nothing: the oldest go, and nobody who is known notices. */
static void
test_silent_flood(void **state)
{
	struct rlimit limit = { 0 };
	struct raw *many = calloc(FLOOD, sizeof(*many)), known;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 20000 ? limit.rlim_max : 20000;
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_true(limit.rlim_cur > FLOOD + 1000);
	raw_connect(&known, &net, lan_port(tv.lan));
	raw_say(&known, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	for (int i = 0; i < FLOOD; i++) {
		raw_connect(&many[i], &net, lan_port(tv.lan));
		net_turn(&net);
		assert_true(tv.lan->stream_count <= LAN_UNKNOWN_MAX + 1);
		if (i % 500 == 0) {
			assert_int_equal(side_send(&tv, tv.link, "juliet@forza.local", "x"), 0);
			assert_true(raw_expect(&known, "<body>x</body>"));
			raw_forget(&known);
		}
	}
	assert_true(raw_expect(&many[0], "resource-constraint"));
	raw_say(&many[FLOOD - 1], RAW_STREAM " from='romeo@forza' version='1.0'>");
	assert_true(raw_expect(&many[FLOOD - 1], "features"));
	assert_int_equal(tv.down, 0);
	for (int i = 0; i < FLOOD; i++)
		raw_release(&many[i]);
	raw_release(&known);
	free(many);
}

/* Descriptors run out: it accepts again when there are some. */
static void
test_no_descriptors(void **state)
{
	struct rlimit old, now;
	struct raw raw;
	int top = dup(0);

	raw_connect(&raw, &net, lan_port(tv.lan));
	getrlimit(RLIMIT_NOFILE, &old);
	now = old;
	now.rlim_cur = (rlim_t)top;
	close(top);
	setrlimit(RLIMIT_NOFILE, &now);
	while (dup(0) >= 0)
		;
	assert_int_equal(errno, EMFILE);
	net_for(&net, 50);
	assert_int_equal(tv.lan->stream_count, 0);
	setrlimit(RLIMIT_NOFILE, &old);
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_release(&raw);
}

/* Before mDNS has established our name nobody can be told who we are. */
static void
test_without_a_name(void **state)
{
	struct lan_config config = { .interfaces = "all" };
	struct lan_hooks hooks = tv.lan->hooks;
	struct raw raw;
	int error;
	struct lan *lan =
		lan_new(net.base, net.clock, net.ctx, &config, &hooks, tv.lan->events, &tv, &error);

	assert_non_null(lan);
	assert_null(lan_open(lan, "juliet@forza.local"));
	raw_connect(&raw, &net, lan_port(lan));
	raw_say(&raw, HEADER);
	net_for(&net, 30);
	assert_false(raw_has(&raw, "stream"));
	lan_set_self(lan, "tv@pronto");
	assert_true(raw_expect(&raw, "features"));
	lan_free(lan);
	tv.link = NULL;
	raw_release(&raw);
}

static void
test_port_is_taken(void **state)
{
	struct lan_config config = { .interfaces = "all", .port = lan_port(tv.lan) };
	int error = 0;

	assert_null(lan_new(net.base, net.clock, net.ctx, &config, &tv.lan->hooks, tv.lan->events,
			    &tv, &error));
	assert_int_equal(error, -EADDRINUSE);
}

static void
test_other_interfaces(void **state)
{
	struct lan_config config = { .interfaces = "eth77, eth78" };
	struct raw raw;
	int error;
	struct lan *lan = lan_new(net.base, net.clock, net.ctx, &config, &tv.lan->hooks,
				  tv.lan->events, &tv, &error);

	lan_set_self(lan, "tv@pronto");
	raw_connect(&raw, &net, lan_port(lan));
	assert_true(raw_expect_end(&raw));
	raw_release(&raw);
	lan_free(lan);

	config.interfaces = "eth77,lo";
	lan = lan_new(net.base, net.clock, net.ctx, &config, &tv.lan->hooks, tv.lan->events, &tv,
		      &error);
	lan_set_self(lan, "tv@pronto");
	raw_connect(&raw, &net, lan_port(lan));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "features"));
	raw_release(&raw);
	lan_free(lan);
	tv.link = NULL;
}

/* Ends what it has in good order; nobody is waited for, nobody is told. */
static void
test_free_says_goodbye(void **state)
{
	struct lan_config config = { .interfaces = "all" };
	struct raw raw;
	int error;
	struct lan *lan = lan_new(net.base, net.clock, net.ctx, &config, &tv.lan->hooks,
				  tv.lan->events, &tv, &error);

	lan_set_self(lan, "tv@pronto");
	raw_connect(&raw, &net, lan_port(lan));
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	side_send(&tv, tv.link, "juliet@forza.local", "last words");
	lan_free(lan);
	assert_true(raw_expect(&raw, "last words"));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_true(raw_expect_end(&raw));
	assert_false(raw.reset);
	assert_int_equal(tv.down, 0);
	tv.link = NULL;
	raw_release(&raw);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_silent_flood),  T(test_no_descriptors),   T(test_without_a_name),
		T(test_port_is_taken), T(test_other_interfaces), T(test_free_says_goodbye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
