/* SPDX-License-Identifier: ISC */
/* test_lan_sasl.c: keys that are taken, pending, refused, between two of us. */
#include "tests/unit/link/secure_kit.h"

static void
talk(bool secure)
{
	struct link *link;
	unsigned char a[32], b[32];

	box.secure = secure;
	link = lan_open(box.lan, TV);
	assert_int_equal(lan_export(link, "EXPORTER-x", a, 32), -ENOTCONN);
	assert_int_equal(side_send(&box, link, TV, "one"), 0);
	until_tv_has(1);
	assert_true(net_until(&net, both_are_up, NULL));
	assert_true(link->keyed && tv.link->keyed);
	assert_int_equal(link->level, EAR_KEYED);
	assert_true(link->earshot && tv.link->earshot);
	assert_int_equal(tv.identified, 1);
	assert_int_equal(box.identified, 0);
	assert_int_equal(tv.keys, 1);
	assert_int_equal(box.keys, 1);
	assert_string_equal(tv.link->peer, JULIET);
	assert_non_null(io_tls(stream_io(stream_of(tv.link)->stream)));
	assert_int_equal(side_send(&tv, tv.link, JULIET, "two"), 0);
	until_box_has(1);
	assert_int_equal(lan_export(link, "EXPORTER-x", a, 32), 0);
	assert_int_equal(lan_export(tv.link, "EXPORTER-x", b, 32), 0);
	assert_memory_equal(a, b, 32);
	link_close(link);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(tv.error, 0);
	assert_int_equal(box.error, 0);
	assert_int_equal(tv.back_count + box.back_count, 0);
}

static void
test_pipelined(void **state)
{
	talk(true);
}

static void
test_by_features(void **state)
{
	talk(false);
}

/* A key that a server has to vouch for: both sides wait. */
static void
test_pending(void **state)
{
	struct link *link;
	size_t one = 1;

	tv.keyed_rc = box.keyed_rc = -EAGAIN;
	box.secure = true;
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "one");
	assert_true(net_until(&net, key_was_asked, &box));
	assert_true(net_until(&net, key_was_asked, &tv));
	net_for(&net, 3);
	assert_int_equal(box.up + tv.up + tv.identified, 0);
	box.keyed_rc = 0;
	lan_recheck(box.lan, NULL);
	net_for(&net, 3);
	assert_int_equal(box.up + tv.up + tv.identified, 0);
	assert_null(lan_find(tv.lan, JULIET));
	tv.keyed_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_int_equal(tv.identified, 0);
	until_tv_has(one);
	assert_int_equal(tv.identified, 1);
	assert_true(net_until(&net, both_are_up, NULL));
}

/* The same with stanzas on the way already. */
static void
test_pending_and_met(void **state)
{
	struct link *link;

	tv.keyed_rc = -EAGAIN;
	box.secure = box.met = true;
	link = lan_open(box.lan, TV);
	for (int i = 0; i < 10; i++)
		side_send(&box, link, TV, "x");
	assert_true(net_until(&net, key_was_asked, &tv));
	net_for(&net, 3);
	assert_int_equal(box.up, 1);
	assert_int_equal(tv.body_count, 0);
	tv.keyed_rc = 0;
	lan_recheck(tv.lan, NULL);
	until_tv_has(10);
	assert_int_equal(box.back_count, 0);
}

static void
test_pending_too_long(void **state)
{
	tv.keyed_rc = -EAGAIN;
	box.secure = box.met = true;
	side_send(&box, lan_open(box.lan, TV), TV, "x");
	assert_true(net_until(&net, key_was_asked, &tv));
	net_for(&net, 3);
	clock_advance(net.clock, STREAM_HEADER_USEC + EAR_SEC);
	clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(tv.identified + tv.body_count, 0);
	assert_int_equal(box.back_count, 1);
	assert_int_equal(tv.lan->stream_count, 0);
}

/* What was written before the other side refused us was not looked at. */
static void
test_refused_by_them(void **state)
{
	for (int met = 0; met < 2; met++) {
		box.down = 0;
		tv.keyed_rc = -EKEYREJECTED;
		box.secure = true;
		box.met = met;
		side_send(&box, lan_open(box.lan, TV), TV, "x");
		assert_true(net_until(&net, box_is_down, NULL));
		assert_int_equal(box.error, -EACCES);
		assert_non_null(strstr(box.text, "key"));
		assert_int_equal(tv.identified + tv.up + tv.down, 0);
		assert_int_equal(tv.body_count, 0);
		assert_int_equal(box.back_count, met + 1);
		assert_false(box.back[met].maybe);
	}
}

static void
test_refused_by_us(void **state)
{
	box.keyed_rc = -EKEYREJECTED;
	box.secure = box.met = true;
	side_send(&box, lan_open(box.lan, TV), TV, "x");
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(box.error, -EKEYREJECTED);
	assert_string_equal(box.text, "a bad key");
	assert_int_equal(box.back_count, 1);
	assert_false(box.back[0].maybe);
	assert_int_equal(tv.body_count + tv.identified, 0);
}

/* Its key is revoked while its stream is open. */
static void
test_refuse(void **state)
{
	struct link *link;

	box.secure = true;
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "x");
	until_tv_has(1);
	assert_int_equal(side_send(&box, link, TV, "late"), 0);
	lan_refuse(link, -EKEYREVOKED, "its key was revoked");
	assert_int_equal(box.down, 0);
	assert_int_equal(side_send(&box, link, TV, "no"), -ENOTCONN);
	side_send(&tv, tv.link, JULIET, "unheard");
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(box.error, -EKEYREVOKED);
	assert_string_equal(box.text, "its key was revoked");
	assert_int_equal(box.body_count, 0);
	assert_int_equal(map_count(box.lan->tickets), 0);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_non_null(strstr(tv.text, "not-authorized"));
	/* What was heard may be not acknowledged. */
	assert_in_range(box.back_count, 1, 2);
	assert_string_equal(box.back[box.back_count - 1].body, "late");
	assert_in_range(tv.body_count, 1, 2);
}

/* What is in the same bytes as the stanza that opens the stream, and that stanza, is not looked at.
 */
static void
test_refuse_when_up(void **state)
{
	tv.refuse_up = -EKEYREVOKED;
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER);
	raw_say_all(&raw, MESSAGE MESSAGE, strlen(MESSAGE MESSAGE));
	assert_true(raw_expect(&raw, "not-authorized"));
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.up, 1);
	assert_int_equal(tv.body_count, 0);
	raw_release(&raw);
	tv.down = 0;
	raw_shakes();
	raw_say_all(&raw, AUTH HEADER MESSAGE, strlen(AUTH HEADER MESSAGE));
	assert_true(raw_expect(&raw, "not-authorized"));
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.up, 2);
	assert_int_equal(tv.body_count, 0);
}

/* It proves its key while that is good, and keeps the stream unopened until it is not. */
static void
test_revoked_before_open(void **state)
{
	raw_shakes();
	raw_say(&raw, AUTH);
	assert_true(raw_expect(&raw, "<success"));
	assert_int_equal(tv.keys, 1);
	tv.keyed_rc = -EKEYREVOKED;
	lan_recheck(tv.lan, NULL);
	net_for(&net, 3);
	raw_say(&raw, "<?xml version='1.0'?>" HEADER MESSAGE);
	assert_true(raw_expect(&raw, "not-authorized"));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_true(raw_has(&raw, "<?xml"));
	assert_false(raw_has(&raw, "<failure"));
	assert_int_equal(tv.identified + tv.up + tv.body_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pipelined),           T(test_by_features),      T(test_pending),
		T(test_pending_and_met),     T(test_pending_too_long), T(test_refused_by_them),
		T(test_refused_by_us),       T(test_refuse),           T(test_refuse_when_up),
		T(test_revoked_before_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
