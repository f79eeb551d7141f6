/* SPDX-License-Identifier: ISC */
/* test_peers.c: the table of peers: one entry for each instance, bounds, names that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/log.h>

#include "discover/peers.h"

/* What the table told, "found ADDRESS WAYS|" and so on, since the last look. */
static char told[1024];

static void
note(const char *what, const struct peer *peer)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof(told) - n, "%s %s %zu|", what, peer->address, peer->way_count);
}

static void
on_found(void *arg, const struct peer *peer)
{
	note("found", peer);
}

static void
on_changed(void *arg, const struct peer *peer)
{
	note("changed", peer);
}

/* Whoever is told of a loss must not find the peer any more. */
static void
on_lost(void *arg, const struct peer *peer)
{
	struct peers **peers = arg;

	assert_null(peers_find(*peers, peer->address));
	note("lost", peer);
}

#define assert_told(text)                                                                          \
	do {                                                                                       \
		assert_string_equal(told, text);                                                   \
		told[0] = '\0';                                                                    \
	} while (0)

static int
setup(void **state)
{
	static const struct peers_events events = { on_found, on_changed, on_lost };
	static struct peers *peers;

	told[0] = '\0';
	ear_log_set_level(EAR_LOG_WARN);
	peers = peers_new(&events, &peers);
	*state = peers;
	return 0;
}

static int
teardown(void **state)
{
	peers_free(*state);
	return 0;
}

static struct peer_way
way4(int interface, const char *address)
{
	struct peer_way way = { .interface = interface, .family = AF_INET };
	struct sockaddr_in *v4 = (void *)&way.address;

	v4->sin_family = AF_INET;
	v4->sin_port = htons(5298);
	assert_int_equal(inet_pton(AF_INET, address, &v4->sin_addr), 1);
	way.length = sizeof(*v4);
	return way;
}

static struct peer_way
way6(int interface, const char *address, unsigned scope)
{
	struct peer_way way = { .interface = interface, .family = AF_INET6 };
	struct sockaddr_in6 *v6 = (void *)&way.address;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(5298);
	v6->sin6_scope_id = scope;
	assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
	way.length = sizeof(*v6);
	return way;
}

static int
see(struct peers *peers, const char *instance, struct peer_way way, const char *txt)
{
	uint8_t wire[256];

	wire[0] = (uint8_t)strlen(txt);
	memcpy(wire + 1, txt, wire[0]);
	return peers_see(peers, instance, &way, "pronto.local", wire, 1 + (size_t)wire[0]);
}

static void
test_one_peer_on_several_ways(void **state)
{
	struct peers *peers = *state;
	const struct peer *peer;

	assert_int_equal(see(peers, "juliet@pronto", way4(2, "192.0.2.1"), "nick=J"), 0);
	assert_told("found juliet@pronto.local 1|");
	assert_int_equal(see(peers, "juliet@pronto", way6(2, "fe80::1", 2), "nick=J"), 0);
	assert_int_equal(see(peers, "juliet@pronto", way4(3, "198.51.100.1"), "nick=J"), 0);
	assert_told("changed juliet@pronto.local 2|changed juliet@pronto.local 3|");
	assert_int_equal(peers_count(peers), 1);
	peer = peers_find(peers, "juliet@pronto.local");
	assert_ptr_equal(peer, peers_at(peers, 0));
	assert_string_equal(peer->host, "pronto.local");
	assert_string_equal(peer->txt.nick, "J");
	peers_forget(peers, "juliet@pronto", 2, AF_INET);
	peers_forget(peers, "juliet@pronto", 2, AF_INET);
	assert_told("changed juliet@pronto.local 2|");
	peers_forget(peers, "juliet@pronto", 3, AF_INET);
	peers_forget(peers, "juliet@pronto", 2, AF_INET6);
	assert_told("changed juliet@pronto.local 1|lost juliet@pronto.local 0|");
	assert_int_equal(peers_count(peers), 0);
}

static void
test_only_changes_are_told(void **state)
{
	struct peers *peers = *state;

	see(peers, "juliet@pronto", way4(2, "192.0.2.1"), "nick=J");
	told[0] = '\0';
	see(peers, "juliet@pronto", way4(2, "192.0.2.1"), "nick=J");
	assert_told("");
	see(peers, "juliet@pronto", way4(2, "192.0.2.1"), "status=dnd");
	assert_told("changed juliet@pronto.local 1|");
	assert_string_equal(peers_at(peers, 0)->txt.nick, "");
	assert_string_equal(peers_at(peers, 0)->txt.status, "dnd");
	see(peers, "juliet@pronto", way4(2, "192.0.2.9"), "status=dnd");
	assert_told("changed juliet@pronto.local 1|");
}

/* A cable is cut: the resolver fails, the browser says nothing, and one day it is back. */
static void
test_way_unresolved_and_back(void **state)
{
	struct peers *peers = *state;
	struct peer_way gone = { .interface = 2, .family = AF_INET };
	struct sockaddr_storage source = way4(0, "192.0.2.1").address;

	see(peers, "juliet@pronto", gone, "");
	assert_told("");
	see(peers, "juliet@pronto", way4(2, "192.0.2.1"), "nick=J");
	see(peers, "juliet@pronto", gone, "");
	see(peers, "juliet@pronto", gone, "");
	assert_told("found juliet@pronto.local 1|changed juliet@pronto.local 1|");
	assert_int_equal(peers_at(peers, 0)->ways[0].address.ss_family, AF_UNSPEC);
	assert_string_equal(peers_at(peers, 0)->txt.nick, "J");
	assert_null(peers_find_source(peers, (void *)&source));
	see(peers, "juliet@pronto", way4(2, "192.0.2.1"), "nick=J");
	assert_told("changed juliet@pronto.local 1|");
	assert_non_null(peers_find_source(peers, (void *)&source));
}

static void
test_sorted_and_cleared(void **state)
{
	struct peers *peers = *state;

	see(peers, "c@m", way4(2, "192.0.2.3"), "");
	see(peers, "a@m", way4(2, "192.0.2.1"), "");
	see(peers, "b@m", way4(2, "192.0.2.2"), "");
	assert_string_equal(peers_at(peers, 0)->address, "a@m.local");
	assert_string_equal(peers_at(peers, 1)->address, "b@m.local");
	assert_string_equal(peers_at(peers, 2)->address, "c@m.local");
	assert_null(peers_at(peers, 3));
	told[0] = '\0';
	peers_clear(peers);
	assert_told("lost c@m.local 1|lost b@m.local 1|lost a@m.local 1|");
}

/* Standard error of the calls between here and log_taken. */
static int
log_take(char *path)
{
	int saved = dup(STDERR_FILENO), fd = mkstemp(path);

	dup2(fd, STDERR_FILENO);
	close(fd);
	return saved;
}

static size_t
log_taken(char *path, int saved, char *out, size_t size)
{
	size_t lines = 0;
	FILE *file = fopen(path, "r");
	size_t n = fread(out, 1, size - 1, file);

	fclose(file);
	unlink(path);
	dup2(saved, STDERR_FILENO);
	close(saved);
	out[n] = '\0';
	for (size_t i = 0; i < n; i++)
		lines += out[i] == '\n';
	return lines;
}

static void
test_names_that_are_none(void **state)
{
	static const char *const bad[] = { "",
					   "@",
					   "tv",
					   "tv@",
					   "@pronto",
					   "tv@pron to",
					   "tv@pronto\n",
					   "t\x1b[2Jv@pronto",
					   "t\xff@pronto",
					   "tv@pr\xc3\xb6nto",
					   "1234567890123456789012345678901234567890123456789012345"
					   "6789@abcd" };
	char path[] = "/tmp/test_peers.XXXXXX", log[8192];
	struct peers *peers = *state;
	int saved = log_take(path);
	size_t count = sizeof(bad) / sizeof(bad[0]);

	for (size_t i = 0; i < 2 * count; i++) {
		assert_int_equal(see(peers, bad[i % count], way4(2, "192.0.2.1"), ""), -EINVAL);
		assert_int_equal(peers_check(peers, bad[i % count]), -EINVAL);
	}
	assert_int_equal(log_taken(path, saved, log, sizeof(log)), count);
	assert_null(strchr(log, 0x1b));
	assert_int_equal(peers_count(peers), 0);
	assert_told("");
}

static void
test_refusals_do_not_fill_the_log(void **state)
{
	char path[] = "/tmp/test_peers.XXXXXX", log[16384], name[32];
	struct peers *peers = *state;
	int saved = log_take(path);

	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "no name %d", i);
		peers_check(peers, name);
	}
	assert_in_range(log_taken(path, saved, log, sizeof(log)), 1, 32);
	assert_non_null(strstr(log, "not logged"));
}

/* Nor does one that changes between good and bad as fast as it can. */
static void
test_changes_do_not_fill_the_log(void **state)
{
	char path[] = "/tmp/test_peers.XXXXXX", log[16384];
	struct peers *peers = *state;
	struct peer_way way = way4(2, "192.0.2.1");
	uint8_t bad[] = { 200, 'x' };
	int saved = log_take(path);

	for (int i = 0; i < 500; i++) {
		told[0] = '\0';
		assert_int_equal(see(peers, "u@m", way, "nick=J"), 0);
		assert_int_equal(peers_see(peers, "u@m", &way, "m.local", bad, sizeof(bad)), 0);
		if (i % 2 == 0)
			peers_forget(peers, "u@m", 2, AF_INET);
	}
	assert_int_equal(log_taken(path, saved, log, sizeof(log)), 1);
}

/* .local can never be a server's domain: he gets no nearer to tv@example.org than this. */
static void
test_name_like_a_jid(void **state)
{
	struct peers *peers = *state;

	assert_int_equal(see(peers, "tv@example.org", way4(2, "192.0.2.1"), ""), 0);
	assert_told("found tv@example.org.local 1|");
	assert_int_equal(see(peers, "tv@box.local@m", way4(2, "192.0.2.1"), ""), 0);
	assert_told("found tv\\40box.local@m.local 1|");
}

static void
test_longest_name(void **state)
{
	struct peers *peers = *state;

	/* 60 bytes of two-byte letters, "@mm": 63. */
	assert_int_equal(see(peers,
			     "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			     "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			     "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			     "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4@mm",
			     way4(2, "192.0.2.1"), ""),
			 0);
	assert_int_equal(peers_count(peers), 1);
	/* Everything escaped: three bytes for each of 61, and it still fits the table. */
	assert_int_equal(see(peers,
			     "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
			     "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"@m",
			     way4(2, "192.0.2.1"), ""),
			 0);
	assert_int_equal(peers_count(peers), 2);
}

/* Full-width letters are mapped to the plain ones in addresses, but not in DNS. */
static void
test_impostor(void **state)
{
	struct peers *peers = *state;
	struct sockaddr_storage source = way4(0, "192.0.2.66").address;

	see(peers, "tv@pronto", way4(2, "192.0.2.1"), "");
	assert_int_equal(see(peers, "TV@Pronto", way4(3, "192.0.2.1"), ""), 0);
	told[0] = '\0';
	assert_int_equal(see(peers, "\xef\xbd\x94\xef\xbd\x96@pronto", way4(2, "192.0.2.66"), ""),
			 -EINVAL);
	peers_forget(peers, "\xef\xbd\x94\xef\xbd\x96@pronto", 2, AF_INET);
	assert_told("");
	assert_int_equal(peers_count(peers), 1);
	assert_null(peers_find_source(peers, (void *)&source));
}

static void
test_full(void **state)
{
	struct peers *peers = *state;
	char path[] = "/tmp/test_peers.XXXXXX", again[] = "/tmp/test_peers.XXXXXX";
	char name[32], log[1024];
	int saved;

	for (int i = 0; i < PEERS_MAX; i++) {
		snprintf(name, sizeof(name), "u%d@m", i);
		told[0] = '\0';
		assert_int_equal(see(peers, name, way4(2, "192.0.2.1"), ""), 0);
	}
	told[0] = '\0';
	saved = log_take(path);
	assert_int_equal(see(peers, "x@m", way4(2, "192.0.2.1"), ""), -ENOBUFS);
	assert_int_equal(see(peers, "y@m", way4(2, "192.0.2.1"), ""), -ENOBUFS);
	assert_int_equal(peers_check(peers, "y@m"), -ENOBUFS);
	assert_int_equal(log_taken(path, saved, log, sizeof(log)), 1);
	assert_int_equal(peers_check(peers, "u7@m"), 0);
	assert_told("");
	peers_forget(peers, "u7@m", 2, AF_INET);
	assert_int_equal(see(peers, "x@m", way4(2, "192.0.2.1"), ""), 0);
	assert_told("lost u7@m.local 0|found x@m.local 1|");
	saved = log_take(again);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(peers_check(peers, "y@m"), -ENOBUFS);
		told[0] = '\0';
		peers_forget(peers, "x@m", 2, AF_INET);
		assert_int_equal(see(peers, "x@m", way4(2, "192.0.2.1"), ""), 0);
	}
	assert_int_equal(log_taken(again, saved, log, sizeof(log)), 0);
}

static void
test_too_many_ways(void **state)
{
	struct peers *peers = *state;
	char path[] = "/tmp/test_peers.XXXXXX", log[1024];
	int saved;

	for (int i = 0; i < PEER_WAYS_MAX; i++)
		assert_int_equal(see(peers, "u@m", way4(i + 2, "192.0.2.1"), ""), 0);
	saved = log_take(path);
	assert_int_equal(see(peers, "u@m", way4(99, "192.0.2.1"), ""), -ENOBUFS);
	assert_int_equal(see(peers, "u@m", way4(98, "192.0.2.1"), ""), -ENOBUFS);
	assert_int_equal(log_taken(path, saved, log, sizeof(log)), 1);
	assert_int_equal(see(peers, "u@m", way4(2, "192.0.2.2"), ""), 0);
}

static void
test_hostile_host_and_txt(void **state)
{
	struct peers *peers = *state;
	char path[] = "/tmp/test_peers.XXXXXX", log[1024], host[1000];
	struct peer_way way = way4(2, "192.0.2.1");
	uint8_t txt[] = { 6, 'n', 'i', 'c', 'k', '=', 'a', 255, 'x' };
	int saved = log_take(path);

	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(peers_see(peers, "u@m", &way, host, txt, sizeof(txt)), -ENOBUFS);
	assert_int_equal(peers_see(peers, "u@m", &way, "m.local", txt, sizeof(txt)), 0);
	assert_int_equal(peers_see(peers, "u@m", &way, "m.local", txt, sizeof(txt)), 0);
	assert_int_equal(log_taken(path, saved, log, sizeof(log)), 2);
	assert_string_equal(peers_at(peers, 0)->txt.nick, "a");
	assert_told("found u@m.local 1|");
}

static void
test_source(void **state)
{
	struct peers *peers = *state;
	struct sockaddr_storage a = way4(0, "192.0.2.1").address;
	struct sockaddr_storage mapped = way6(0, "::ffff:192.0.2.1", 0).address;
	struct sockaddr_storage local = way6(0, "fe80::1", 2).address;
	struct sockaddr_storage other = way6(0, "fe80::1", 3).address;
	struct sockaddr unknown = { .sa_family = AF_UNIX };

	((struct sockaddr_in *)&a)->sin_port = htons(49152);
	see(peers, "a@m", way4(2, "192.0.2.1"), "");
	see(peers, "b@m", way6(2, "fe80::1", 2), "");
	assert_ptr_equal(peers_find_source(peers, (void *)&a), peers_find(peers, "a@m.local"));
	assert_ptr_equal(peers_find_source(peers, (void *)&mapped), peers_find(peers, "a@m.local"));
	assert_ptr_equal(peers_find_source(peers, (void *)&local), peers_find(peers, "b@m.local"));
	/* The same link-local address on another link is somebody else. */
	assert_null(peers_find_source(peers, (void *)&other));
	assert_null(peers_find_source(peers, &unknown));
	/* Two of them behind one address: none of them for sure. */
	see(peers, "c@m", way4(2, "192.0.2.1"), "");
	assert_null(peers_find_source(peers, (void *)&a));
	assert_true(peer_has_source(peers_find(peers, "c@m.local"), (void *)&a));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_one_peer_on_several_ways),
		CASE(test_only_changes_are_told),
		CASE(test_way_unresolved_and_back),
		CASE(test_sorted_and_cleared),
		CASE(test_names_that_are_none),
		CASE(test_refusals_do_not_fill_the_log),
		CASE(test_changes_do_not_fill_the_log),
		CASE(test_name_like_a_jid),
		CASE(test_longest_name),
		CASE(test_impostor),
		CASE(test_full),
		CASE(test_too_many_ways),
		CASE(test_hostile_host_and_txt),
		CASE(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
