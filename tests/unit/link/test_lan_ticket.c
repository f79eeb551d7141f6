/* SPDX-License-Identifier: ISC */
/* test_lan_ticket.c: streams that are resumed. */
#include "tests/unit/link/secure_kit.h"

/* The second stream is resumed, and its key is judged all the same. */
static void
test_resumed(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct link *link;
		int was = box.keys;

		box.secure = true;
		box.met = i > 0;
		tv.down = box.down = tv.up = box.up = 0;
		link = lan_open(box.lan, TV);
		side_send(&box, link, TV, "x");
		until_tv_has((size_t)i + 1);
		assert_true(net_until(&net, both_are_up, NULL));
		assert_int_equal(tls_is_resumed(io_tls(stream_io(stream_of(link)->stream))), i > 0);
		assert_int_equal(box.keys, was + 1);
		assert_int_equal(tv.keys, was + 1);
		link_close(link);
		assert_true(net_until(&net, box_is_down, NULL));
		assert_true(net_until(&net, tv_is_down, NULL));
		assert_int_equal(map_count(box.lan->tickets), 1);
	}
	assert_int_equal(tv.body_count, 3);
	assert_int_equal(tv.back_count + box.back_count, 0);
}

static void
test_many_tickets(void **state)
{
	char self[32];
	struct side *one = malloc(sizeof(*one));

	for (int i = 0; i < LAN_TICKETS_MAX + 3; i++) {
		snprintf(self, sizeof(self), "n%d@many", i);
		side_init_tls(one, &net, self);
		tv.target_count = 0;
		tv.secure = true;
		tv.up = tv.down = 0;
		side_add_target(&tv, "127.0.0.1", lan_port(one->lan));
		snprintf(self, sizeof(self), "n%d@many.local", i);
		lan_open(tv.lan, self);
		assert_true(net_until(&net, tv_is_up, NULL));
		net_for(&net, 1);
		side_release(one);
		assert_true(net_until(&net, tv_is_down, NULL));
	}
	free(one);
	assert_int_equal(map_count(tv.lan->tickets), LAN_TICKETS_MAX);
	assert_null(map_get(tv.lan->tickets, "n0@many.local"));
	assert_non_null(map_get(tv.lan->tickets, self));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_resumed),
		T(test_many_tickets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
