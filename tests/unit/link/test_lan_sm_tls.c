/* SPDX-License-Identifier: ISC */
/* test_lan_sm_tls.c: acknowledgements on encrypted streams: when they may begin, and how early. */
#include <earshot/ns.h>

#include "tests/unit/link/secure_kit.h"

#define SM     " xmlns='" EAR_NS_SM "'"
#define ENABLE "<enable" SM "/>"
#define ASK    "<r" SM "/>"

static bool
tv_has_acks(void *arg)
{
	return tv.link != NULL && tv.link->acks;
}

/* Everything that may be said at once, is. */
static void
test_one_flight(void **state)
{
	const char *flight = AUTH HEADER ENABLE MESSAGE ASK;

	raw_shakes();
	assert_false(raw_has(&raw, EAR_NS_SM));
	raw_say_all(&raw, flight, strlen(flight));
	assert_true(raw_expect(&raw, "<a" SM " h='1'/>"));
	assert_true(raw_has(&raw, "<sm xmlns=\"" EAR_NS_SM "\"/>"));
	assert_true(tv.acks);
	assert_int_equal(tv.up, 1);
	until_tv_has(1);
}

/* Offered only where stanzas may follow. */
static void
test_not_before_tls(void **state)
{
	tv.plain_rc = -EACCES;
	raw_starts();
	assert_false(raw_has(&raw, EAR_NS_SM));
	expect_refusal(ENABLE, "policy-violation");
	assert_int_equal(tv.identified, 0);
}

static void
test_plain(void **state)
{
	raw_starts();
	assert_true(raw_has(&raw, EAR_NS_SM));
	raw_say(&raw, ENABLE MESSAGE ASK);
	assert_true(raw_expect(&raw, "<a" SM " h='1'/>"));
	assert_false(tv.link->keyed);
	assert_true(tv.link->acks);
}

/* XEP-0198 §3. */
static void
test_before_auth(void **state)
{
	raw_shakes();
	expect_refusal(ENABLE, "not-authorized");
	assert_true(raw_has(&raw, "<failed" SM "><unexpected-request"));
	assert_int_equal(tv.identified, 0);
}

/* Whose key is judged later. */
static void
test_pending(void **state)
{
	tv.keyed_rc = -EAGAIN;
	raw_starts();
	raw_say(&raw, STARTTLS);
	assert_true(raw_expect(&raw, "<proceed"));
	assert_true(raw_secure(&raw, peers, true));
	raw_say(&raw, HEADER AUTH HEADER ENABLE MESSAGE ASK);
	assert_true(net_until(&net, key_was_asked, &tv));
	assert_int_equal(tv.identified, 0);
	tv.keyed_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_true(raw_expect(&raw, "<a" SM " h='1'/>"));
	assert_int_equal(tv.body_count, 1);
}

static struct link *
box_says(const char *body, size_t count)
{
	struct link *link = lan_open(box.lan, TV);

	assert_int_equal(side_send(&box, link, TV, body), 0);
	until_tv_has(count);
	assert_true(net_until(&net, tv_has_acks, NULL));
	return link;
}

static bool
all_is_acked(void *arg)
{
	clock_advance(net.clock, LAN_ASK_USEC);
	return box.acked > *(int *)arg && stream_of(box.link)->sent.count == 0;
}

/* The first time it has to be asked for, which costs no time; then it is known. */
static void
test_two_of_us(void **state)
{
	int acked = 0;

	box.secure = true;
	box_says("one", 1);
	assert_true(net_until(&net, tv_has_acks, NULL));
	assert_int_equal(side_send(&box, box.link, TV, "two"), 0);
	assert_true(net_until(&net, all_is_acked, &acked));
	assert_true(box.link->acks);
	assert_true(lan_ticket_has_acks(box.lan, TV));
	link_close(box.link);
	assert_true(net_until(&net, box_is_down, NULL));
	box.met = true;
	tv.acks = box.acks = false;
	acked = box.acked;
	box_says("three", 3);
	assert_true(tv.acks && box.acks);
	assert_int_equal(side_send(&box, box.link, TV, "four"), 0);
	assert_true(net_until(&net, all_is_acked, &acked));
	assert_int_equal(box.back_count + tv.back_count, 0);
	assert_int_equal(box.silent + tv.silent, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_one_flight),  T(test_not_before_tls), T(test_plain),
		T(test_before_auth), T(test_pending),        T(test_two_of_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
