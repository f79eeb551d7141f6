/* SPDX-License-Identifier: ISC */
/* test_meet_hint.c: how often a hint is held against a key, when there are very many of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/timer.h"
#include "core/meet_impl.h"
#include "discover/txt.h"
#include "trust/hint.h"

#define PEERS 1000
#define PINS  1000

static unsigned held;
static struct ear_clock *clock_;
static struct conf *conf;
static struct ear *ear;

/* In the place of trust/hint.c: the first two bytes of the key. */
bool
hint_fits(const char *hint, const struct ear_key *key)
{
	char text[8];

	held++;
	snprintf(text, sizeof(text), "%02x%02x", key->sha256[0], key->sha256[1]);
	return strcmp(hint, text) == 0;
}

void
hint_make(const struct ear_key *key, char out[HINT_SIZE])
{
	snprintf(out, HINT_SIZE, "%02x%02x", key->sha256[0], key->sha256[1]);
}

static struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static void
recheck(void *arg, const char *address)
{
}

static const struct core_reach reach = {
	.lan_open = nowhere,
	.lan_find = nowhere,
	.lan_recheck = recheck,
	.local_find = nowhere,
};

static const struct ear_xep *const no_xeps[] = { NULL };

static struct ear_key
key_of(unsigned n)
{
	struct ear_key key = { { (unsigned char)(n >> 8), (unsigned char)n } };

	return key;
}

static void
announce(unsigned peer, const char *hint)
{
	struct peer_way way = { .interface = 1, .family = AF_INET };
	struct sockaddr_in *in = (struct sockaddr_in *)&way.address;
	struct txt txt = { .port = 5298 };
	unsigned char wire[TXT_MAX];
	char instance[32];
	int length;

	in->sin_family = AF_INET;
	in->sin_port = htons(5298);
	in->sin_addr.s_addr = htonl(0xc0000200 + peer % 256);
	way.length = sizeof(*in);
	snprintf(txt.hint, sizeof(txt.hint), "%s", hint);
	snprintf(instance, sizeof(instance), "p%u@x%u", peer, peer);
	length = txt_encode(&txt, "minimal", wire, sizeof(wire));
	assert_true(length > 0);
	assert_int_equal(peers_see(ear->peers, instance, &way, "x.local", wire, (size_t)length), 0);
}

static void
put(unsigned n, enum ear_voucher voucher)
{
	struct ear_key key = key_of(n);
	struct pin *pin = pin_new(&key);
	char jid[32];

	pin->voucher = voucher;
	snprintf(jid, sizeof(jid), "j%u.example.org", n);
	pin_add_jid(pin, jid);
	assert_int_equal(pins_put(ear->pins, pin), 0);
	pin_free(pin);
}

static unsigned
settle(void)
{
	held = 0;
	meet_match_all(ear);
	return held;
}

static int
setup(void **state)
{
	char error[CONF_ERROR_SIZE];

	clock_ = clock_new_fake();
	conf = conf_new();
	assert_int_equal(conf_parse(conf, "", "test", error, sizeof(error)), 0);
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

static void
test_once_each(void **state)
{
	for (unsigned i = 0; i < PINS; i++)
		put(i, EAR_BY_SERVER);
	for (unsigned i = 0; i < PEERS; i++)
		announce(i, "none");
	assert_int_equal(settle(), PEERS * PINS);
	assert_int_equal(settle(), 0);
	announce(PEERS, "none");
	assert_int_equal(settle(), PINS);
	announce(PEERS, "other");
	assert_int_equal(settle(), PINS);
	put(PINS, EAR_BY_SERVER);
	assert_int_equal(settle(), PEERS + 1);
	put(3, EAR_BY_SERVER); /* seen again */
	assert_int_equal(settle(), PEERS + 1);
	put(PINS + 1, EAR_BY_NOBODY);
	assert_int_equal(settle(), 0);
}

/* Names that come and go do not stay. */
static void
test_gone(void **state)
{
	for (unsigned i = 0; i < PEERS; i++)
		announce(i, "none");
	settle();
	assert_int_equal(map_count(ear->hints), PEERS);
	peers_clear(ear->peers);
	announce(PEERS, "none");
	settle();
	assert_int_equal(map_count(ear->hints), 1);
}

/* It is found when its key becomes known, and it stays the one who announced it first. */
static void
test_known(void **state)
{
	struct ear_key key = key_of(0x0107);

	announce(1, "0107");
	settle();
	assert_null(dest_of_key(ear, &key));
	put(0x0107, EAR_BY_SERVER);
	settle();
	assert_string_equal(dest_of_key(ear, &key)->lan, "p1@x1.local");
	assert_ptr_equal(dest_find(ear, "j263.example.org"), dest_of_key(ear, &key));
	announce(0, "0107");
	announce(2, "0107");
	settle();
	assert_string_equal(dest_of_key(ear, &key)->lan, "p1@x1.local");
	peers_forget(ear->peers, "p1@x1", 1, AF_INET);
	settle();
	assert_string_not_equal(dest_of_key(ear, &key)->lan, "p1@x1.local");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_once_each),
		TEST(test_gone),
		TEST(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
