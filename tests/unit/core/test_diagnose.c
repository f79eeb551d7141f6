/* SPDX-License-Identifier: ISC */
/* test_diagnose.c: examining ends in time and once, waits for what is starting, and tells what it
 * found; without sockets. The whole is tested in namespaces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/diagnose.h"

#include "core_rig.h"

static const char text[] = "[lan]\ninterfaces = lo\n[server]\nkind = component\n"
			   "jid = tv.example.org\nsecret-file = /none\n";

static struct world world;

static struct {
	struct link server;
	enum mdns_trouble mdns;
	bool owes;
	int asked; /* the server, for a sign of life */
	int done;
	char seen[8192]; /* "state name: text; remedy\n" */
} fake;

static const char *
trouble(void *arg, char *out, size_t size)
{
	snprintf(out, size, "192.0.2.1:5275 has not answered yet");
	return "start it";
}

static void
ask(void *arg)
{
	fake.asked++;
	fake.owes = true;
}

static bool
owes(void *arg)
{
	return fake.owes;
}

static void
describe(void *arg, struct core_facts *facts)
{
	facts->port = 5298;
	facts->mdns = "embedded";
	facts->mdns_trouble = fake.mdns;
	facts->instance = fake.mdns == MDNS_FINE ? "tv@pronto" : NULL;
}

static const struct core_reach reach = {
	REACH_NOBODY,        .server_trouble = trouble, .server_ask = ask,
	.server_owes = owes, .describe = describe,
};

static int
set_up(void **state)
{
	memset(&fake, 0, sizeof(fake));
	world_begin(&world, text, &reach);
	fake.server.kind = EAR_LINK_SERVER;
	fake.server.state = LINK_UP;
	fake.server.self = (char *)"tv.example.org";
	world.ear->server = &fake.server;
	core_set_self_lan(world.ear, "tv@pronto.local");
	*state = &world;
	return 0;
}

static int
end(void **state)
{
	world.ear->server = NULL;
	return tear_down(state);
}

static void
on_check(void *arg, const struct ear_check *check)
{
	size_t used = strlen(fake.seen);

	snprintf(fake.seen + used, sizeof(fake.seen) - used, "%s %s: %s; %s\n",
		 ear_check_state_name(check->state), check->name, check->text, check->remedy);
}

static void
on_done(void *arg)
{
	fake.done++;
}

static struct ear_examination *
examine(const char *address)
{
	fake.done = 0;
	fake.seen[0] = '\0';
	return ear_examine(world.ear, address, 4 * EAR_SEC, on_check, on_done, NULL);
}

static void
saw(const char *line)
{
	if (strstr(fake.seen, line) == NULL)
		fail_msg("no \"%s\" in\n%s", line, fake.seen);
}

/* Nothing is told before, nor from inside the call; once all has answered, it is not waited. */
static void
test_answered(void **state)
{
	examine(NULL);
	assert_int_equal(fake.asked, 1);
	clock_advance(world.clock, 300 * EAR_MSEC);
	assert_int_equal(fake.done, 0);
	fake.owes = false;
	clock_advance(world.clock, 100 * EAR_MSEC);
	assert_int_equal(fake.done, 1);
	saw("ok server: connected as tv.example.org, answers; \n");
	saw("ok interface: lo is up; \n");
	saw("ok name: tv@pronto.local; \n");
	saw("ok port: 5298 listens; \n");
	clock_advance(world.clock, 10 * EAR_SEC);
	assert_int_equal(fake.done, 1);
}

/* A server that is frozen; the time is over, and nothing else is asked for. */
static void
test_silent(void **state)
{
	examine(NULL);
	clock_advance(world.clock, 3900 * EAR_MSEC);
	assert_int_equal(fake.done, 0);
	clock_advance(world.clock, 200 * EAR_MSEC);
	assert_int_equal(fake.done, 1);
	saw("fail server: connected as tv.example.org, but it does not answer: frozen or cut off;");
	assert_int_equal(fake.asked, 1);
}

/* What is starting is waited for: a name being probed, a server being connected. */
static void
test_starting(void **state)
{
	fake.mdns = MDNS_STARTING;
	fake.server.state = LINK_OPENING;
	examine(NULL);
	clock_advance(world.clock, 1 * EAR_SEC);
	assert_int_equal(fake.done, 0);
	assert_int_equal(fake.asked, 0);
	fake.mdns = MDNS_FINE;
	fake.server.state = LINK_UP;
	clock_advance(world.clock, 100 * EAR_MSEC);
	assert_int_equal(fake.asked, 1);
	fake.owes = false;
	clock_advance(world.clock, 100 * EAR_MSEC);
	assert_int_equal(fake.done, 1);
	saw("ok name: tv@pronto.local; \n");

	fake.mdns = MDNS_STARTING;
	fake.server.state = LINK_OPENING;
	examine(NULL);
	clock_advance(world.clock, 5 * EAR_SEC);
	assert_int_equal(fake.done, 1);
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
		fake.mdns = rows[i].trouble;
		examine(NULL);
		fake.owes = false;
		clock_advance(world.clock, 5 * EAR_SEC);
		saw(rows[i].line);
		assert_null(strstr(fake.seen, " name: ")); /* that follows from it */
	}
}

/* Of an address: whoever cannot be asked has answered, and no press leaves. */
static void
test_address(void **state)
{
	examine("juliet@pronto.local");
	fake.owes = false;
	clock_advance(world.clock, 200 * EAR_MSEC);
	assert_int_equal(fake.done, 1);
	saw("fail announced: juliet@pronto.local is not on this LAN now");
	assert_null(strstr(fake.seen, "connection"));
	assert_null(strstr(fake.seen, "may there"));
	examine("@");
	fake.owes = false;
	clock_advance(world.clock, 5 * EAR_SEC);
	assert_int_equal(fake.done, 1);
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
	assert_int_equal(fake.done, 0);
	assert_string_equal(fake.seen, "");
}

/* Looking alone sends nothing and says so much. */
static void
test_look(void **state)
{
	fake.seen[0] = '\0';
	ear_diagnose(world.ear, NULL, on_check, NULL);
	assert_int_equal(fake.asked, 0);
	saw("ok server: connected as tv.example.org; \n");
	assert_null(strstr(fake.seen, "firewall"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answered), TEST(test_silent), TEST(test_starting), TEST(test_mdns),
		TEST(test_address),  TEST(test_drop),   TEST(test_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
