/* SPDX-License-Identifier: ISC */
/* test_network.c: which of our addresses others are told, and what becomes of paths that failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/timer.h"
#include "core/core.h"
#include "core/network.h"
#include "link/netwatch.h"
#include "tests/unit/link/kernel.h"

#define UP (IFF_UP | IFF_RUNNING | KERNEL_LOWER_UP)

static const struct ear_xep *const no_xeps[] = { NULL };
static struct ear_clock *time_source;
static struct conf *conf;
static struct ear *ear;
static struct netwatch *watch;
static unsigned port;
static char told[1024];
static int events;

static struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static void
describe(void *arg, struct core_facts *facts)
{
	facts->port = port;
	facts->network = watch;
}

static const struct core_reach reach = {
	.lan_open = nowhere,
	.lan_find = nowhere,
	.local_find = nowhere,
	.describe = describe,
};

static void
on_change(void *arg, bool better)
{
}

static void
say(struct kernel *k)
{
	netwatch_heard(watch, k->bytes, k->length);
	kernel_clear(k);
}

static int
setup(void **state)
{
	const char *text = *state == NULL ? "" : *state;
	char error[CONF_ERROR_SIZE];
	struct kernel k;

	time_source = clock_new_fake();
	conf = conf_new();
	assert_int_equal(conf_parse(conf, text, "test", error, sizeof(error)), 0);
	ear = core_new(time_source, conf, no_xeps, &reach, NULL);
	watch = netwatch_new_deaf(time_source, on_change, NULL);
	kernel_clear(&k);
	kernel_link(&k, RTM_NEWLINK, 1, "lo", UP | IFF_LOOPBACK);
	kernel_link(&k, RTM_NEWLINK, 2, "eth0", UP);
	kernel_link(&k, RTM_NEWLINK, 3, "eth1", UP);
	kernel_link(&k, RTM_NEWLINK, 4, "wlan0", IFF_UP);
	kernel_done(&k, 0);
	say(&k);
	kernel_address(&k, RTM_NEWADDR, 1, "127.0.0.1", 0);
	kernel_address(&k, RTM_NEWADDR, 2, "192.0.2.7", 0);
	kernel_address(&k, RTM_NEWADDR, 2, "169.254.3.4", 0);
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::7", 0);
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::8", IFA_F_TEMPORARY);
	kernel_address(&k, RTM_NEWADDR, 2, "2001:db8::9", IFA_F_TENTATIVE);
	kernel_address(&k, RTM_NEWADDR, 3, "198.51.100.7", 0);
	kernel_address(&k, RTM_NEWADDR, 4, "203.0.113.7", 0);
	kernel_done(&k, 0);
	say(&k);
	port = 5298;
	told[0] = '\0';
	events = 0;
	return 0;
}

static int
teardown(void **state)
{
	core_free(ear);
	netwatch_free(watch);
	conf_free(conf);
	clock_free(time_source);
	return 0;
}

static void
on_address(void *arg, const char *ip)
{
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "%s ", ip);
}

static void
test_own_addresses(void **state)
{
	assert_int_equal(ear_each_own_address(ear, on_address, NULL), 5298);
	assert_string_equal(told, "192.0.2.7 2001:db8::7 198.51.100.7 ");
}

static void
test_own_addresses_of_our_interfaces(void **state)
{
	assert_int_equal(ear_each_own_address(ear, on_address, NULL), 5298);
	assert_string_equal(told, "198.51.100.7 ");
}

static void
test_nobody_listens(void **state)
{
	port = 0;
	assert_int_equal(ear_each_own_address(ear, on_address, NULL), 0);
	assert_string_equal(told, "");
}

static void
test_at_most_sixteen(void **state)
{
	struct kernel k;
	char ip[32];
	size_t n = 0;

	kernel_clear(&k);
	for (int i = 1; i < 100; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%d", 100 + i);
		kernel_address(&k, RTM_NEWADDR, 2, ip, 0);
		say(&k);
	}
	ear_each_own_address(ear, on_address, NULL);
	for (const char *at = told; (at = strchr(at, ' ')) != NULL; at++)
		n++;
	assert_int_equal(n, EAR_TOLD_MAX);
}

static void
on_event(void *arg, const struct ear_event *event)
{
	if (event->kind == EAR_NETWORK_CHANGED)
		events++;
}

static void
test_failed_paths_are_tried_again(void **state)
{
	struct dest *dest = dest_get(ear, "juliet@forza.local");

	ear_watch(ear, on_event, NULL);
	for (int i = 0; i < 5; i++)
		path_fail(&dest->by_lan, ear_now(time_source), "no answer");
	core_network_changed(ear, false);
	assert_int_equal(events, 1);
	assert_false(path_is_open(&dest->by_lan, ear_now(time_source)));
	core_network_changed(ear, true);
	assert_int_equal(events, 2);
	assert_true(path_is_open(&dest->by_lan, ear_now(time_source)));
	ear_unwatch(ear, on_event, NULL);
}

#define CASE(name, text) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, text)

int
main(void)
{
	static char ours[] = "[lan]\ninterfaces = lo, eth1, wlan0\n";
	const struct CMUnitTest tests[] = {
		CASE(test_own_addresses, NULL),
		CASE(test_own_addresses_of_our_interfaces, ours),
		CASE(test_nobody_listens, NULL),
		CASE(test_at_most_sixteen, NULL),
		CASE(test_failed_paths_are_tried_again, NULL),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
