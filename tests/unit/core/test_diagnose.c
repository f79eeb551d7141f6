/* SPDX-License-Identifier: ISC */
/* test_diagnose.c: examining ends in time and once, waits for what is starting, and tells what it
 * found; without sockets. The whole is tested in namespaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/timer.h"
#include "core/core.h"
#include "core/diagnose.h"

static const char text[] = "[lan]\ninterfaces = lo\n[server]\nkind = component\n"
			   "jid = tv.example.org\nsecret-file = /none\n";

static const struct ear_xep *const no_xeps[] = { NULL };

static struct world {
	struct ear_clock *clock;
	struct conf *conf;
	struct ear *ear;
	struct link server;
	enum mdns_trouble mdns;
	bool owes;
	int asked; /* the server, for a sign of life */
	int done;
	char seen[8192]; /* "state name: text; remedy\n" */
} world;

static struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static void
recheck(void *arg, const char *address)
{
}

static const char *
failure(void *arg)
{
	return "";
}

static void
nothing(void *arg)
{
}

static const char *
trouble(void *arg, char *out, size_t size)
{
	snprintf(out, size, "192.0.2.1:5275 has not answered yet");
	return "start it";
}

static void
ask(void *arg)
{
	world.asked++;
	world.owes = true;
}

static bool
owes(void *arg)
{
	return world.owes;
}

static void
describe(void *arg, struct core_facts *facts)
{
	facts->port = 5298;
	facts->mdns = "embedded";
	facts->mdns_trouble = world.mdns;
	facts->instance = world.mdns == MDNS_FINE ? "tv@pronto" : NULL;
}

static const struct core_reach reach = {
	.lan_open = nowhere,
	.lan_find = nowhere,
	.lan_recheck = recheck,
	.local_find = nowhere,
	.server_failure = failure,
	.server_trouble = trouble,
	.server_ask = ask,
	.server_owes = owes,
	.describe = describe,
	.identity_changed = nothing,
};

static int
set_up(void **state)
{
	char error[CONF_ERROR_SIZE];

	memset(&world, 0, sizeof(world));
	world.clock = clock_new_fake();
	world.conf = conf_new();
	assert_int_equal(conf_parse(world.conf, text, "test", error, sizeof(error)), 0);
	world.ear = core_new(world.clock, world.conf, no_xeps, &reach, NULL);
	world.server.kind = EAR_LINK_SERVER;
	world.server.state = LINK_UP;
	world.server.self = (char *)"tv.example.org";
	world.ear->server = &world.server;
	core_set_self_lan(world.ear, "tv@pronto.local");
	return 0;
}

static int
tear_down(void **state)
{
	world.ear->server = NULL;
	core_free(world.ear);
	conf_free(world.conf);
	clock_free(world.clock);
	return 0;
}

static void
on_check(void *arg, const struct ear_check *check)
{
	size_t used = strlen(world.seen);

	snprintf(world.seen + used, sizeof(world.seen) - used, "%s %s: %s; %s\n",
		 ear_check_state_name(check->state), check->name, check->text, check->remedy);
}

static void
on_done(void *arg)
{
	world.done++;
}

static struct ear_examination *
examine(const char *address)
{
	world.done = 0;
	world.seen[0] = '\0';
	return ear_examine(world.ear, address, 4 * EAR_SEC, on_check, on_done, NULL);
}

static void
saw(const char *line)
{
	if (strstr(world.seen, line) == NULL)
		fail_msg("no \"%s\" in\n%s", line, world.seen);
}

/* Nothing is told before, nor from inside the call; once all has answered, it is not waited. */
static void
test_answered(void **state)
{
	examine(NULL);
	assert_int_equal(world.asked, 1);
	clock_advance(world.clock, 300 * EAR_MSEC);
	assert_int_equal(world.done, 0);
	world.owes = false;
	clock_advance(world.clock, 100 * EAR_MSEC);
	assert_int_equal(world.done, 1);
	saw("ok server: connected as tv.example.org, answers; \n");
	saw("ok interface: lo is up; \n");
	saw("ok name: tv@pronto.local; \n");
	saw("ok port: 5298 listens; \n");
	clock_advance(world.clock, 10 * EAR_SEC);
	assert_int_equal(world.done, 1);
}

/* A server that is frozen; the time is over, and nothing else is asked for. */
static void
test_silent(void **state)
{
	examine(NULL);
	clock_advance(world.clock, 3900 * EAR_MSEC);
	assert_int_equal(world.done, 0);
	clock_advance(world.clock, 200 * EAR_MSEC);
	assert_int_equal(world.done, 1);
	saw("fail server: connected as tv.example.org, but it does not answer: frozen or cut off;");
	assert_int_equal(world.asked, 1);
}

/* What is starting is waited for: a name being probed, a server being connected. */
static void
test_starting(void **state)
{
	world.mdns = MDNS_STARTING;
	world.server.state = LINK_OPENING;
	examine(NULL);
	clock_advance(world.clock, 1 * EAR_SEC);
	assert_int_equal(world.done, 0);
	assert_int_equal(world.asked, 0);
	world.mdns = MDNS_FINE;
	world.server.state = LINK_UP;
	clock_advance(world.clock, 100 * EAR_MSEC);
	assert_int_equal(world.asked, 1);
	world.owes = false;
	clock_advance(world.clock, 100 * EAR_MSEC);
	assert_int_equal(world.done, 1);
	saw("ok name: tv@pronto.local; \n");

	world.mdns = MDNS_STARTING;
	world.server.state = LINK_OPENING;
	examine(NULL);
	clock_advance(world.clock, 5 * EAR_SEC);
	assert_int_equal(world.done, 1);
	saw("warn name: not established yet");
	saw("fail server: tv.example.org: 192.0.2.1:5275 has not answered yet; start it\n");
}

static void
test_mdns(void **state)
{
	static const struct {
		enum mdns_trouble trouble;
		const char *line;
	} rows[] = {
		{ MDNS_NO_DAEMON, "fail avahi: avahi-daemon does not run" },
		{ MDNS_REFUSED, "fail avahi: avahi-daemon refuses" },
		{ MDNS_PORT_TAKEN, "fail avahi: another program keeps UDP port 5353" },
		{ MDNS_FAILS, "fail avahi: the stack inside: " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world.mdns = rows[i].trouble;
		examine(NULL);
		world.owes = false;
		clock_advance(world.clock, 5 * EAR_SEC);
		saw(rows[i].line);
		assert_null(strstr(world.seen, " name: ")); /* that follows from it */
	}
}

/* Of an address: whoever cannot be asked has answered, and no press leaves. */
static void
test_address(void **state)
{
	examine("juliet@pronto.local");
	world.owes = false;
	clock_advance(world.clock, 200 * EAR_MSEC);
	assert_int_equal(world.done, 1);
	saw("fail announced: juliet@pronto.local is not on this LAN now");
	assert_null(strstr(world.seen, "connection"));
	assert_null(strstr(world.seen, "may there"));
	examine("@");
	world.owes = false;
	clock_advance(world.clock, 5 * EAR_SEC);
	assert_int_equal(world.done, 1);
}

/* Dropped, before and after something has answered. */
static void
test_drop(void **state)
{
	struct ear_examination *examination = examine("juliet@pronto.local");

	ear_examination_drop(examination);
	examination = examine("juliet@pronto.local");
	clock_advance(world.clock, 100 * EAR_MSEC);
	ear_examination_drop(examination);
	clock_advance(world.clock, 10 * EAR_SEC);
	assert_int_equal(world.done, 0);
	assert_string_equal(world.seen, "");
}

/* Looking alone sends nothing and says so much. */
static void
test_look(void **state)
{
	world.seen[0] = '\0';
	ear_diagnose(world.ear, NULL, on_check, NULL);
	assert_int_equal(world.asked, 0);
	saw("ok server: connected as tv.example.org; \n");
	assert_null(strstr(world.seen, "firewall"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answered), TEST(test_silent), TEST(test_starting), TEST(test_mdns),
		TEST(test_address),  TEST(test_drop),   TEST(test_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
