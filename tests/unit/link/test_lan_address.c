/* SPDX-License-Identifier: ISC */
/* test_lan_address.c: JIDs on a stream whose key is proved. */
#include "tests/unit/link/secure_kit.h"

static void
test_jids(void **state)
{
	struct link *link;

	box.secure = true;
	box.jid = "tv@example.org";
	tv.jid = "juliet@example.org/phone";
	tv.ours = "tv@example.org";
	tv.theirs = "juliet@example.org/other";
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "to the wire's name");
	until_tv_has(1);
	assert_non_null(strstr(tv.last, "from=\"juliet@example.org/phone\""));
	assert_non_null(strstr(tv.last, "to=\"" TV "\""));
	assert_string_equal(tv.link->jid, tv.jid);
	/* It does not know us by our JID. */
	side_send(&tv, tv.link, JULIET, "x");
	until_box_has(1);
	assert_non_null(strstr(box.last, "from=\"tv@example.org\""));
	assert_non_null(strstr(box.last, "to=\"" JULIET "\""));
	assert_null(stream_of(tv.link)->ours);

	side_send(&box, link, "tv@example.org", "to the JID");
	until_tv_has(2);
	assert_non_null(strstr(tv.last, "to=\"tv@example.org\""));
	assert_string_equal(stream_of(tv.link)->ours, "tv@example.org");
	/* Which the other end takes for its own only if it is proved to be. */
	box.theirs = "tv@example.org";
	side_send(&tv, tv.link, JULIET, "y");
	until_box_has(2);
	assert_non_null(strstr(box.last, "from=\"tv@example.org\""));
	side_send(&box, link, "romeo@example.org", "not ours");
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(tv.body_count, 2);
}

/* What waits for the stream was addressed before its key was known: it is for no other key, nor for
 * none; what is sent to the name itself is. */
static void
test_waits_for_another(void **state)
{
	static const char *const jids[] = { NULL, "evil@example.org", "juliet@example.org" };

	for (size_t i = 0; i < 3; i++) {
		bool theirs = i == 2;
		struct link *link;

		box.secure = true;
		box.jid = jids[i];
		box.theirs = theirs ? "juliet@example.org" : NULL;
		link = lan_open(box.lan, TV);
		assert_int_equal(link->state, LINK_OPENING);
		assert_int_equal(side_send(&box, link, "juliet@example.org", "secret"), 0);
		assert_int_equal(side_send(&box, link, TV, "to the name"), 0);
		tv.ours = "juliet@example.org";
		tv.jid = "tv@example.org";
		until_tv_has(theirs ? 2 : 1);
		assert_non_null(strstr(tv.last, "to the name"));
		assert_int_equal(tv.body_count, theirs ? 2 : 1);
		assert_int_equal(box.back_count, theirs ? 0 : 1);
		if (!theirs) {
			assert_string_equal(box.back[0].body, "secret");
			assert_string_equal(box.back[0].to, "juliet@example.org");
			assert_false(box.back[0].maybe);
		}
		teardown(state);
		setup(state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_jids),
		T(test_waits_for_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
