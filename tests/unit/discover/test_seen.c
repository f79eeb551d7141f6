/* SPDX-License-Identifier: ISC */
/* test_seen.c: resolvers are opened for whom, how many, and which addresses are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <avahi-common/address.h>

#include <earshot/log.h>

#include "discover/seen.h"
#include "stack.h"

#define V4 AVAHI_PROTO_INET
#define V6 AVAHI_PROTO_INET6

static struct fake_stack fake;
static struct peers *peers;
static struct seen *seen;
static size_t lost;

static void
on_peer(void *arg, const struct peer *peer)
{
}

static void
on_lost(void *arg, const struct peer *peer)
{
	lost++;
}

static int
setup(void **state)
{
	static const struct peers_events events = { on_peer, on_peer, on_lost };

	ear_log_set_level(EAR_LOG_ERROR);
	lost = 0;
	fake_stack_init(&fake);
	peers = peers_new(&events, NULL);
	seen = seen_new(peers);
	seen_attach(seen, &fake.stack);
	return 0;
}

static int
teardown(void **state)
{
	seen_free(seen);
	assert_int_equal(fake.resolvers, 0);
	peers_free(peers);
	return 0;
}

static void
resolve(const char *name, int interface, AvahiProtocol protocol, const char *text)
{
	struct seen_way *way = seen_find(seen, interface, protocol, name);
	AvahiAddress address;

	assert_non_null(way);
	assert_non_null(avahi_address_parse(text, AVAHI_PROTO_UNSPEC, &address));
	seen_resolved(way, "m.local", &address, 5298, NULL);
}

static void
test_resolved_and_removed(void **state)
{
	const struct peer *peer;

	seen_add(seen, 2, V4, "u@m");
	seen_add(seen, 2, V4, "u@m");
	seen_add(seen, 2, V6, "u@m");
	assert_int_equal(fake.resolvers, 2);
	assert_int_equal(peers_count(peers), 0);
	resolve("u@m", 2, V4, "192.0.2.1");
	resolve("u@m", 2, V6, "fe80::1");
	peer = peers_find(peers, "u@m.local");
	assert_int_equal(peer->way_count, 2);
	assert_int_equal(((const struct sockaddr_in6 *)&peer->ways[1].address)->sin6_scope_id, 2);
	seen_remove(seen, 2, V4, "u@m");
	seen_remove(seen, 2, V4, "u@m");
	assert_int_equal(peer->way_count, 1);
	seen_remove(seen, 2, V6, "u@m");
	assert_int_equal(fake.resolvers, 0);
	assert_int_equal(lost, 1);
}

static void
test_bad_names_get_no_resolver(void **state)
{
	seen_add(seen, 2, V4, "no name");
	seen_add(seen, 2, V4, "");
	seen_add(seen, 2, V4, "\xff@m");
	assert_int_equal(fake.resolvers, 0);
	seen_remove(seen, 2, V4, "no name");
}

/* Somebody on the LAN must not have us dial our own machine, or everybody. */
static void
test_addresses_that_are_not_believed(void **state)
{
	int lo = (int)if_nametoindex("lo");

	seen_add(seen, 99, V4, "u@m");
	seen_add(seen, 99, V6, "u@m");
	resolve("u@m", 99, V4, "127.0.0.1");
	resolve("u@m", 99, V4, "127.8.8.8");
	resolve("u@m", 99, V4, "0.0.0.0");
	resolve("u@m", 99, V4, "224.0.0.251");
	resolve("u@m", 99, V4, "255.255.255.255");
	resolve("u@m", 99, V4, "fe80::1");
	resolve("u@m", 99, V6, "::1");
	resolve("u@m", 99, V6, "::");
	resolve("u@m", 99, V6, "ff02::fb");
	resolve("u@m", 99, V6, "::ffff:127.0.0.1");
	assert_int_equal(peers_count(peers), 0);
	seen_add(seen, lo, V4, "u@m");
	resolve("u@m", lo, V4, "127.0.0.1");
	assert_int_equal(peers_count(peers), 1);
}

static void
test_own_name_is_no_peer(void **state)
{
	seen_set_own(seen, "tv@m");
	seen_add(seen, 2, V4, "TV@m");
	assert_int_equal(fake.resolvers, 0);
	/* The name was taken: its holder is a peer. */
	seen_set_own(seen, "tv-1@m");
	assert_int_equal(fake.resolvers, 1);
	resolve("TV@m", 2, V4, "192.0.2.1");
	/* And the other way round: what was a stale record of ourselves is none. */
	seen_set_own(seen, "tv@m");
	assert_int_equal(fake.resolvers, 0);
	assert_int_equal(lost, 1);
}

/* Everybody gets a first way before anybody keeps a second. */
static void
test_few_resolvers_are_shared(void **state)
{
	char name[16];

	fake.resolvers_max = 6;
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "u%d@m", i);
		seen_add(seen, 2, V4, name);
		seen_add(seen, 2, V6, name);
		if (i < 3) {
			resolve(name, 2, V4, "192.0.2.1");
			resolve(name, 2, V6, "2001:db8::1");
		}
	}
	assert_int_equal(fake.resolvers, 6);
	assert_int_equal(peers_count(peers), 3);
	assert_int_equal(lost, 0);
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "u%d@m", i);
		resolve(name, 2, V4, "192.0.2.1");
	}
	assert_int_equal(peers_count(peers), 6);
	/* A seventh has to wait until somebody goes. */
	seen_add(seen, 2, V4, "late@m");
	assert_null(seen_find(seen, 2, V4, "late@m")->resolver);
	seen_remove(seen, 2, V4, "u0@m");
	seen_remove(seen, 2, V6, "u0@m");
	assert_non_null(seen_find(seen, 2, V4, "late@m")->resolver);
	assert_int_equal(fake.resolvers, 6);
}

static void
test_our_own_bound(void **state)
{
	char name[16];

	for (int i = 0; i < PEERS_MAX; i++) {
		snprintf(name, sizeof(name), "u%d@m", i);
		for (int j = 0; j < 3; j++)
			seen_add(seen, 2 + j, V4, name);
	}
	assert_int_equal(fake.resolvers, SEEN_RESOLVERS_MAX);
	for (int i = 0; i < 40; i++)
		seen_add(seen, 2 + i, V6, "u0@m");
	assert_int_equal(fake.resolvers, SEEN_RESOLVERS_MAX);
}

/* Whoever came while others filled the table is found when they have gone. */
static void
test_room_again_after_a_flood(void **state)
{
	char name[32];

	for (int i = 0; i < PEERS_MAX + 2; i++) {
		snprintf(name, sizeof(name), "u%d@m", i);
		seen_add(seen, 2, V4, name);
	}
	seen_add(seen, 2, V4, "resolving@m");
	for (int i = 0; i < PEERS_MAX; i++) {
		snprintf(name, sizeof(name), "u%d@m", i);
		resolve(name, 2, V4, "192.0.2.1");
	}
	assert_int_equal(peers_count(peers), PEERS_MAX);
	resolve("resolving@m", 2, V4, "192.0.2.9");
	seen_add(seen, 2, V4, "late@m");
	assert_null(((struct seen_way *)seen_find(seen, 2, V4, "late@m"))->resolver);
	for (int i = 0; i < PEERS_MAX + 2; i++) {
		snprintf(name, sizeof(name), "u%d@m", i);
		seen_remove(seen, 2, V4, name);
	}
	assert_int_equal(peers_count(peers), 0);
	assert_int_equal(fake.resolvers, 2);
	assert_int_equal(fake.opened, PEERS_MAX + 3 + 2);
	resolve("resolving@m", 2, V4, "192.0.2.9");
	resolve("late@m", 2, V4, "192.0.2.8");
	assert_int_equal(peers_count(peers), 2);
}

static void
test_detach_loses_everybody(void **state)
{
	seen_add(seen, 2, V4, "a@m");
	seen_add(seen, 2, V4, "b@m");
	resolve("a@m", 2, V4, "192.0.2.1");
	seen_detach(seen);
	assert_int_equal(fake.resolvers, 0);
	assert_int_equal(lost, 1);
	seen_add(seen, 2, V4, "c@m");
	assert_int_equal(fake.resolvers, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_resolved_and_removed),
		CASE(test_bad_names_get_no_resolver),
		CASE(test_addresses_that_are_not_believed),
		CASE(test_own_name_is_no_peer),
		CASE(test_few_resolvers_are_shared),
		CASE(test_our_own_bound),
		CASE(test_room_again_after_a_flood),
		CASE(test_detach_loses_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
