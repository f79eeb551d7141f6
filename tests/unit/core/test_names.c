/* SPDX-License-Identifier: ISC */
/* test_names.c: host names of peers are asked for when they are wanted, not more often, and what
 * was found last stays while nobody answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/names.h"
#include "core/ways.h"

#define MAX 32

static struct ear_clock *clock_;
static struct conf *conf;
static struct ear *ear;
static unsigned asked;
static core_found_fn *waiting;
static void *waiting_arg;

static struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static void
recheck(void *arg, const char *address)
{
}

static void
find_host(void *arg, const char *host, core_found_fn *fn, void *fn_arg)
{
	asked++;
	waiting = fn;
	waiting_arg = fn_arg;
}

static const struct core_reach reach = {
	.lan_open = nowhere,
	.lan_find = nowhere,
	.lan_recheck = recheck,
	.local_find = nowhere,
	.find_host = find_host,
};

static const struct ear_xep *const no_xeps[] = { NULL };

static int
setup(void **state)
{
	static const char text[] = "[peer \"box\"]\naddress = tv@box.local\nport = 7\n"
				   "host = 192.0.2.1, [2001:db8::1]:8, box.example.org:9\n";
	char error[CONF_ERROR_SIZE];

	asked = 0;
	waiting = NULL;
	clock_ = clock_new_fake();
	conf = conf_new();
	assert_int_equal(conf_parse(conf, text, "test", error, sizeof(error)), 0);
	ear = core_new(clock_, conf, no_xeps, &reach, NULL);
	return 0;
}

static int
teardown(void **state)
{
	core_free(ear);
	conf_free(conf);
	clock_free(clock_);
	return 0;
}

static size_t
targets(struct sockaddr_storage *found)
{
	socklen_t lengths[MAX];
	size_t n = names_targets(ear, &conf->peers[0], found, lengths, MAX);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(lengths[i], ways_length(&found[i]));
	return n;
}

static void
answer(const char *ip)
{
	struct sockaddr_storage way;
	core_found_fn *fn = waiting;

	assert_non_null(fn);
	waiting = NULL;
	if (ip != NULL)
		assert_int_equal(ways_parse(ip, &way), 0);
	fn(waiting_arg, &way, ip == NULL ? 0 : 1, "no address");
}

static unsigned
port_of(const struct sockaddr_storage *way)
{
	return ntohs(way->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)way)->sin6_port
						: ((const struct sockaddr_in *)way)->sin_port);
}

static void
test_found(void **state)
{
	struct sockaddr_storage found[MAX];

	assert_int_equal(targets(found), 2);
	assert_int_equal(targets(found), 2); /* twice is once */
	assert_int_equal(asked, 1);
	assert_int_equal(port_of(&found[0]), 7);
	assert_int_equal(port_of(&found[1]), 8);
	answer("192.0.2.9");
	assert_int_equal(targets(found), 3);
	assert_int_equal(port_of(&found[2]), 9);
	clock_advance(clock_, NAME_FRESH - EAR_SEC);
	assert_int_equal(targets(found), 3);
	assert_int_equal(asked, 1);
	/* Asked again; what was found is good until then. */
	clock_advance(clock_, 2 * EAR_SEC);
	assert_int_equal(targets(found), 3);
	assert_int_equal(asked, 2);
	answer(NULL);
	assert_int_equal(targets(found), 3);
	clock_advance(clock_, NAME_KEPT);
	assert_int_equal(targets(found), 2);
}

static void
test_failures(void **state)
{
	struct sockaddr_storage found[MAX];

	for (int i = 0; i < 300; i++) {
		targets(found);
		if (waiting != NULL)
			answer(NULL);
		clock_advance(clock_, EAR_SEC);
	}
	assert_in_range(asked, 6, 12);
	/* Another network: at once. */
	asked = 0;
	core_tell(ear, EAR_NETWORK_CHANGED, "", EAR_LINK_NONE);
	targets(found);
	assert_int_equal(asked, 1);
}

static void
test_room(void **state)
{
	struct sockaddr_storage found[MAX];
	socklen_t lengths[2];

	targets(found);
	answer("192.0.2.9");
	assert_int_equal(names_targets(ear, &conf->peers[0], found, lengths, 0), 0);
	assert_int_equal(names_targets(ear, &conf->peers[0], found, lengths, 1), 1);
	assert_int_equal(names_targets(ear, NULL, found, lengths, 1), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_found), TEST(test_failures),
					    TEST(test_room) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
