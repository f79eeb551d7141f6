/* SPDX-License-Identifier: ISC */
/* test_announce.c: our name, what becomes of it on collision, and how often we try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <avahi-common/error.h>
#include <event2/event.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "discover/announce.h"
#include "discover/ifaces.h"
#include "stack.h"

static const uint8_t record[] = "\x09txtvers=1";

static struct fake_stack fake;
static struct ear_clock *test_clock;
static struct event_base *base;
static struct ifaces *ifaces;
static struct announce *announce;
static int64_t woken; /* the latest wish, -1: none */
static char named[64], published[64];
static int published_count;

static void
on_wake(void *arg, int64_t usec)
{
	woken = usec;
}

static void
on_name(void *arg, const char *instance)
{
	copy_text(named, sizeof(named), instance);
}

static void
on_published(void *arg, const char *instance)
{
	copy_text(published, sizeof(published), instance);
	published_count++;
}

static int
setup(void **state)
{
	static const struct announce_events events = { on_wake, on_name, on_published };

	ear_log_set_level(EAR_LOG_ERROR);
	fake_stack_init(&fake);
	base = event_base_new();
	ifaces = ifaces_new(base, "all", NULL, NULL);
	fake.stack.ifaces = ifaces;
	test_clock = clock_new_fake();
	announce = announce_new(test_clock, "tv", "box", 5298, &events, NULL);
	woken = -1;
	named[0] = published[0] = '\0';
	published_count = 0;
	return 0;
}

static int
teardown(void **state)
{
	announce_free(announce);
	assert_int_equal(fake.groups, 0);
	clock_free(test_clock);
	ifaces_free(ifaces);
	event_base_free(base);
	return 0;
}

static void
step(void)
{
	woken = -1;
	announce_step(announce, &fake.stack);
}

static void
test_nothing_before_a_record(void **state)
{
	step();
	assert_int_equal(fake.groups, 0);
	announce_set_txt(announce, record, sizeof(record) - 1);
	assert_int_equal(woken, 0);
	step();
	assert_int_equal(fake.groups, 1);
	assert_string_equal(named, "tv@box");
	assert_null(announce_instance(announce));
	group_enter(fake.group, GROUP_ESTABLISHED);
	step();
	step();
	assert_string_equal(announce_instance(announce), "tv@box");
	assert_int_equal(published_count, 1);
	assert_int_equal(fake.updates, 0);
	announce_set_txt(announce, record, sizeof(record) - 1);
	step();
	assert_int_equal(fake.updates, 1);
}

static void
test_collisions(void **state)
{
	announce_set_txt(announce, record, sizeof(record) - 1);
	step();
	group_enter(fake.group, GROUP_COLLISION);
	step();
	assert_string_equal(fake.instance, "tv-1@box");
	group_enter(fake.group, GROUP_COLLISION);
	step();
	group_enter(fake.group, GROUP_ESTABLISHED);
	step();
	assert_string_equal(published, "tv-2@box");
	assert_string_equal(named, "tv-2@box");
	assert_int_equal(fake.groups, 1);
	/* The stack goes and comes: the same name again, and told again. */
	announce_step(announce, NULL);
	assert_int_equal(fake.groups, 0);
	assert_null(announce_instance(announce));
	step();
	group_enter(fake.group, GROUP_ESTABLISHED);
	step();
	assert_string_equal(published, "tv-2@box");
	assert_int_equal(published_count, 2);
}

/* Somebody who claims every name gets no more than one probe in five seconds out of us. */
static void
test_endless_collisions_are_slowed(void **state)
{
	int probes = 0;

	announce_set_txt(announce, record, sizeof(record) - 1);
	for (int i = 0; i < 100; i++) {
		step();
		if (woken > 0)
			break;
		group_enter(fake.group, GROUP_COLLISION);
		probes++;
	}
	assert_in_range(probes, 10, 20);
	assert_int_equal(fake.groups, 0);
	assert_in_range(woken, 4 * EAR_SEC, 5 * EAR_SEC);
	clock_advance(test_clock, 5 * EAR_SEC);
	step();
	assert_int_equal(fake.groups, 1);
}

static void
test_refusal_is_tried_again(void **state)
{
	int64_t before = 0;

	announce_set_txt(announce, record, sizeof(record) - 1);
	fake.open_error = AVAHI_ERR_NOT_PERMITTED;
	for (int i = 0; i < 10; i++) {
		step();
		assert_int_equal(announce_error(announce), AVAHI_ERR_NOT_PERMITTED);
		assert_true(woken >= before && woken <= 60 * EAR_SEC);
		before = woken;
		clock_advance(test_clock, woken);
	}
	assert_int_equal(before, 60 * EAR_SEC);
	fake.open_error = 0;
	step();
	group_enter(fake.group, GROUP_ESTABLISHED);
	step();
	assert_int_equal(announce_error(announce), 0);
	assert_string_equal(announce_instance(announce), "tv@box");
}

/* A name that another program on this machine has at the same daemon shows at once. */
static void
test_local_collision_ends(void **state)
{
	announce_set_txt(announce, record, sizeof(record) - 1);
	fake.open_error = AVAHI_ERR_COLLISION;
	step();
	assert_true(woken > 0);
	fake.open_error = 0;
}

static void
assert_name(const char *user, const char *machine, unsigned n, const char *want)
{
	char name[64];

	assert_int_equal(announce_name(user, machine, n, name, sizeof(name)), 0);
	assert_string_equal(name, want);
}

static void
test_names(void **state)
{
	static const char umlauts[] = "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
				      "\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
				      "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
				      "\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
				      "\xc3\xa4\xc3\xa4";
	char name[64], machine[64];

	assert_name("tv", "box", 0, "tv@box");
	assert_name("tv", "box", 12, "tv-12@box");
	assert_name("a@b", "box", 0, "a@b@box");
	assert_name("tv", "living room", 0, "tv@living-room");
	assert_int_equal(announce_name("", "box", 0, name, sizeof(name)), -EINVAL);
	assert_int_equal(announce_name("tv", "", 0, name, sizeof(name)), -EINVAL);
	assert_int_equal(announce_name("t\nv", "box", 0, name, sizeof(name)), -EINVAL);
	assert_int_equal(announce_name("t\xffv", "box", 0, name, sizeof(name)), -EINVAL);
	memset(machine, 'm', 63);
	machine[63] = '\0';
	assert_int_equal(announce_name(umlauts, machine, 4294967295U, name, sizeof(name)), 0);
	assert_in_range(strlen(name), 61, 63);
	assert_int_equal(announce_name(umlauts, "m", 0, name, sizeof(name)), 0);
	assert_in_range(strlen(name), 62, 63);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_nothing_before_a_record),       CASE(test_collisions),
		CASE(test_endless_collisions_are_slowed), CASE(test_refusal_is_tried_again),
		CASE(test_local_collision_ends),          CASE(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
