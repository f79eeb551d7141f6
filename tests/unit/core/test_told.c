/* SPDX-License-Identifier: ISC */
/* test_told.c: whose word about where he can be dialled is believed, for how long, and what it
 * does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/meet.h"
#include "core/route.h"
#include "core/told.h"

#define BOX   "box.example.org"
#define LAN   "tv@box.local"
#define OTHER "other.example.org"
#define MAX   32

static struct ear_clock *clock_;
static struct conf *conf;
static struct ear *ear;
static struct link server;
static unsigned fetches, rechecks, told_gone;

static struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static void
recheck(void *arg, const char *address)
{
	rechecks += address != NULL;
}

static const char *
no_failure(void *arg)
{
	return "";
}

static const struct core_reach reach = {
	.lan_open = nowhere,
	.lan_find = nowhere,
	.lan_recheck = recheck,
	.local_find = nowhere,
	.server_failure = no_failure,
};

static int
refuse(struct link *link, xmpp_stanza_t *stanza)
{
	return -ENOTCONN;
}

static const struct link_ops ops = { .send = refuse };
static const struct ear_xep *const no_xeps[] = { NULL };

static void
fetch(void *arg, const char *bare)
{
	fetches++;
}

static void
on_event(void *arg, const struct ear_event *event)
{
	told_gone += event->kind == EAR_PEER_GONE;
}

static void
nobody(void *arg, const char *jid, const struct ear_key *key)
{
}

static struct ear_key
key_of(unsigned char n)
{
	struct ear_key key = { .sha256 = { n } };

	return key;
}

static void
publish(const char *bare, const char *resource, unsigned char n)
{
	struct ear_device device = { .key = key_of(n), .name = "", .resource = resource };

	ear_each_trusted(ear, nobody, NULL); /* wants the lists */
	clock_advance(clock_, EAR_SEC);
	ear_devices_told(ear, bare, 0, &device, 1);
	clock_advance(clock_, EAR_SEC);
}

static int
setup(void **state)
{
	static const char text[] = "[server]\nkind = component\njid = us.example.org\n"
				   "[peer \"box\"]\njid = " BOX "\ntrusted = yes\n"
				   "[peer \"other\"]\njid = " OTHER "\ntrusted = yes\n"
				   "[peer \"user\"]\njid = user@example.org\ntrusted = yes\n"
				   "[peer \"known\"]\njid = known.example.org\n";
	char error[CONF_ERROR_SIZE];

	fetches = rechecks = told_gone = 0;
	clock_ = clock_new_fake();
	conf = conf_new();
	assert_int_equal(conf_parse(conf, text, "test", error, sizeof(error)), 0);
	ear = core_new(clock_, conf, no_xeps, &reach, NULL);
	core_set_self_lan(ear, "sofa@remote.local");
	link_init(&server, &ops, EAR_LINK_SERVER, &core_link_events, ear);
	server.peer = xstrdup("us.example.org");
	server.self = xstrdup("us.example.org");
	server.state = LINK_UP;
	ear->server = &server;
	ear->self_server = xstrdup("us.example.org");
	ear_set_fetcher(ear, fetch, NULL);
	ear_watch(ear, on_event, NULL);
	return 0;
}

static int
teardown(void **state)
{
	ear->server = NULL;
	core_free(ear);
	link_release(&server);
	conf_free(conf);
	clock_free(clock_);
	return 0;
}

static int
tell(const char *jid, const char *address, unsigned char n, const char *ip, unsigned port)
{
	struct ear_told told = { .jid = jid,
				 .address = address,
				 .key = key_of(n),
				 .ip = &ip,
				 .count = ip == NULL ? 0 : 1,
				 .port = port,
				 .usec = 600 * EAR_SEC };
	int error = ear_tell_ways(ear, &told);

	clock_advance(clock_, 100 * EAR_MSEC);
	return error;
}

static size_t
targets(const char *address)
{
	struct sockaddr_storage found[MAX];
	socklen_t lengths[MAX];

	return route_targets(ear, address, found, lengths, MAX);
}

/* A list that is not known is asked for; then the word is believed. */
static void
test_believed(void **state)
{
	const struct dest *dest;

	ear_each_trusted(ear, nobody, NULL); /* wants the lists; none is known */
	assert_int_equal(fetches, 3);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 5298), -EAGAIN);
	publish(BOX, NULL, 1);
	assert_int_equal(targets(LAN), 0);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 5298), 0);
	assert_int_equal(targets(LAN), 1);
	assert_true(told_is_known(ear, LAN));
	dest = dest_find(ear, BOX);
	assert_non_null(dest);
	assert_ptr_equal(dest, dest_find(ear, LAN));
	assert_true(dest->bound && dest->trusted);
	assert_true(ear_key_equal(told_key(ear, LAN), &dest->key));
	assert_int_equal(meet_may_plain(ear, LAN), -EKEYREJECTED);
}

static void
test_refused(void **state)
{
	publish(BOX, NULL, 1);
	publish(OTHER, NULL, 2);
	assert_int_equal(tell("known.example.org", LAN, 1, "192.0.2.7", 5298), -EACCES);
	assert_int_equal(tell("evil.example.org", LAN, 1, "192.0.2.7", 5298), -EACCES);
	/* Another's key, or one of nobody. */
	assert_int_equal(tell(BOX, LAN, 2, "192.0.2.7", 5298), -EAGAIN);
	assert_int_equal(tell(BOX, LAN, 3, "192.0.2.7", 5298), -EAGAIN);
	assert_int_equal(tell(BOX, "sofa@remote.local", 1, "192.0.2.7", 5298), -EEXIST);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 0), -EINVAL);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 65536), -EINVAL);
	assert_int_equal(tell(BOX, "tv@example.org", 1, "192.0.2.7", 1), -EINVAL);
	assert_int_equal(tell(BOX, "box.local", 1, "192.0.2.7", 1), -EINVAL);
	assert_int_equal(tell(BOX, "tv@box.local/a", 1, "192.0.2.7", 1), -EINVAL);
	assert_int_equal(tell(LAN, LAN, 1, "192.0.2.7", 1), -EINVAL);
	assert_int_equal(tell(BOX, LAN, 1, "127.0.0.1", 1), -EINVAL);
	assert_int_equal(tell(BOX, LAN, 1, "fe80::1%lo", 1), -EINVAL);
	assert_int_equal(tell(BOX, LAN, 1, "box", 1), -EINVAL);
	assert_int_equal(map_count(ear->told), 0);
}

/* Of an account each device speaks for itself. */
static void
test_accounts(void **state)
{
	publish("user@example.org", "phone", 1);
	assert_int_equal(tell("user@example.org/tv", LAN, 1, "192.0.2.7", 1), -EACCES);
	assert_int_equal(tell("user@example.org/phone", LAN, 1, "192.0.2.7", 1), 0);
	assert_ptr_equal(dest_find(ear, "user@example.org/phone"), dest_find(ear, LAN));
}

/* Of two that call themselves the same, the first; what a device told before is replaced. */
static void
test_names(void **state)
{
	publish(BOX, NULL, 1);
	publish(OTHER, NULL, 2);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 1), 0);
	assert_int_equal(tell(OTHER, LAN, 2, "192.0.2.8", 1), -EEXIST);
	assert_int_equal(tell(BOX, "tv@den.local", 1, "192.0.2.7", 1), 0);
	clock_advance(clock_, EAR_SEC);
	assert_false(told_is_known(ear, LAN));
	assert_true(told_is_known(ear, "tv@den.local"));
	assert_int_equal(tell(OTHER, LAN, 2, "192.0.2.8", 1), 0);
	assert_true(told_is_known(ear, LAN));
}

static void
test_life(void **state)
{
	publish(BOX, NULL, 1);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 1), 0);
	clock_advance(clock_, 500 * EAR_SEC);
	assert_int_equal(targets(LAN), 1);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 1), 0);
	clock_advance(clock_, 500 * EAR_SEC);
	assert_int_equal(targets(LAN), 1);
	assert_int_equal(told_gone, 0);
	clock_advance(clock_, 101 * EAR_SEC);
	assert_int_equal(targets(LAN), 0);
	assert_int_equal(map_count(ear->told), 0);
	assert_int_equal(told_gone, 1);
	/* Taken back, and nothing to take back. */
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 1), 0);
	assert_int_equal(tell(BOX, LAN, 1, NULL, 0), 0);
	assert_int_equal(targets(LAN), 0);
	assert_int_equal(map_count(ear->told), 0);
	assert_int_equal(tell(BOX, LAN, 1, NULL, 0), 0);
	assert_int_equal(map_count(ear->told), 0);
}

/* Ways that lead nowhere rest, longer each time; others, or another network, are a reason to try.
 */
static void
test_rest(void **state)
{
	struct link link;
	unsigned tries = 0;

	link_init(&link, &ops, EAR_LINK_LAN, &core_link_events, ear);
	link.peer = xstrdup(LAN);
	publish(BOX, NULL, 1);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.7", 1), 0);
	for (int i = 0; i < 500; i++) {
		clock_advance(clock_, EAR_SEC);
		if (targets(LAN) > 0) {
			told_down(ear, &link);
			tries++;
		}
	}
	assert_in_range(tries, 4, 10);
	assert_true(told_is_known(ear, LAN));
	assert_int_equal(targets(LAN), 0);
	core_tell(ear, EAR_NETWORK_CHANGED, "", EAR_LINK_NONE);
	assert_int_equal(targets(LAN), 1);
	told_down(ear, &link);
	assert_int_equal(targets(LAN), 0);
	assert_int_equal(tell(BOX, LAN, 1, "192.0.2.8", 1), 0);
	assert_int_equal(targets(LAN), 1);
	/* One that was up has failed at something else. */
	told_up(ear, &link);
	told_down(ear, &link);
	assert_int_equal(targets(LAN), 1);
	link_release(&link);
}

static void
test_bounded(void **state)
{
	struct ear_device devices[EAR_DEVICES_MAX];
	char resources[EAR_DEVICES_MAX][16], jid[64], address[64];
	int error = 0;
	unsigned n = 0;

	for (unsigned list = 0; list < 12; list++) {
		for (unsigned i = 0; i < EAR_DEVICES_MAX; i++) {
			snprintf(resources[i], sizeof(resources[i]), "d%u", list * 100 + i);
			devices[i] = (struct ear_device){ .name = "", .resource = resources[i] };
			devices[i].key.sha256[0] = (unsigned char)list;
			devices[i].key.sha256[1] = (unsigned char)(i + 1);
		}
		ear_devices_changed(ear, "user@example.org");
		clock_advance(clock_, 700 * EAR_SEC / 12);
		ear_each_trusted(ear, nobody, NULL);
		clock_advance(clock_, EAR_SEC);
		ear_devices_told(ear, "user@example.org", 0, devices, EAR_DEVICES_MAX);
		for (unsigned i = 0; i < EAR_DEVICES_MAX; i++) {
			const char *ip = "192.0.2.7";
			struct ear_told told = { .jid = jid,
						 .address = address,
						 .ip = &ip,
						 .count = 1,
						 .port = 1,
						 .usec = 86400 * EAR_SEC,
						 .key = devices[i].key };

			snprintf(jid, sizeof(jid), "user@example.org/%.15s", resources[i]);
			snprintf(address, sizeof(address), "%.15s@box.local", resources[i]);
			error = ear_tell_ways(ear, &told);
			n += error == 0;
		}
		assert_true(map_count(ear->told) <= TOLD_PEERS_MAX);
	}
	assert_int_equal(n, TOLD_PEERS_MAX);
	assert_int_equal(error, -ENOBUFS);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_believed), TEST(test_refused), TEST(test_accounts), TEST(test_names),
		TEST(test_life),     TEST(test_rest),    TEST(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
