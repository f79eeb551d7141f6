/* SPDX-License-Identifier: ISC */
/* test_dest_conf.c: destinations when the configuration is another one. */
#include <stdio.h>
#include <string.h>

#include "core/dest_conf.h"

#include "core_rig.h"

static const char first[] = "[peer \"tv\"]\naddress = play@tv.local\njid = tv@example.org\n"
			    "[peer \"box\"]\naddress = play@box.local\njid = box@example.org/x\n";

static const struct core_reach reach = {
	REACH_NOBODY,
};

static int
set_up(void **state)
{
	static struct world world;

	world_begin(&world, first, &reach);
	*state = &world;
	return 0;
}

static struct ear *
reload(void **state, const char *text)
{
	struct world *world = *state;
	struct conf *old = world->conf;

	world->conf = parse(text);
	world->ear->conf = world->conf;
	dests_reload(world->ear);
	conf_free(old);
	return world->ear;
}

/* The pointers into the old one are the first thing that must go. */
static void
test_same(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	struct dest *tv = dest_find(ear, "play@tv.local"), *box = dest_find(ear, "play@box.local");
	size_t count = ear->dests.count;

	reload(state, first);
	assert_int_equal(ear->dests.count, count);
	assert_ptr_equal(dest_find(ear, "tv@example.org"), tv);
	assert_ptr_equal(dest_find(ear, "box@example.org/x"), box);
	assert_ptr_equal(tv->conf, &ear->conf->peers[0]);
	assert_ptr_equal(box->conf, &ear->conf->peers[1]);
	assert_string_equal(tv->conf->name, "tv");
}

/* What is measured, and who waits for what, stays with a device of which only a detail changed. */
static void
test_changed(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	struct dest *tv = dest_find(ear, "play@tv.local");

	path_sample(&tv->by_lan, ear_now(ear->clock), 1234);
	path_fail(&tv->by_server, ear_now(ear->clock), "test");
	reload(state, "[peer \"other\"]\njid = o@example.org\n[peer \"living\"]\ntrusted = yes\n"
		      "address = play@tv.local\njid = tv@example.org\nhost = 192.0.2.7\n");
	assert_ptr_equal(dest_find(ear, "tv@example.org"), tv);
	assert_string_equal(tv->conf->name, "living");
	assert_true(tv->conf->trusted);
	assert_int_equal(tv->by_lan.srtt, 1234);
	assert_int_equal(tv->by_lan.retry_at, 0);
	assert_non_null(dest_find(ear, "o@example.org")->conf);
}

/* Then nobody says any more that these are one device. */
static void
test_removed(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	struct dest *tv = dest_find(ear, "play@tv.local"), *account;

	reload(state, "");
	assert_ptr_equal(dest_find(ear, "play@tv.local"), tv);
	assert_null(tv->conf);
	assert_null(tv->jid);
	account = dest_find(ear, "tv@example.org");
	assert_non_null(account);
	assert_ptr_not_equal(account, tv);
	assert_null(account->lan);
	assert_false(dest_is_same(ear, "play@tv.local", "tv@example.org"));
	assert_false(dest_is_same(ear, "play@box.local", "box@example.org/x"));
}

/* Both addresses were in use before somebody said that they are one device. */
static void
test_added(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	struct dest *lan = dest_get(ear, "sofa@remote.local"), *dest;

	path_sample(&lan->by_lan, ear_now(ear->clock), 777);
	assert_ptr_not_equal(dest_get(ear, "romeo@example.org"), lan);
	reload(state, "[peer \"romeo\"]\naddress = sofa@remote.local\njid = romeo@example.org\n");
	dest = dest_find(ear, "romeo@example.org");
	assert_non_null(dest);
	assert_ptr_equal(dest, dest_find(ear, "sofa@remote.local"));
	assert_ptr_equal(dest->conf, &ear->conf->peers[0]);
	assert_string_equal(dest->lan, "sofa@remote.local");
	assert_int_equal(dest->by_lan.srtt, 777);
	assert_ptr_equal(dest_find(ear, "romeo@example.org/phone"), dest);
}

/* Another account for the same box: what was the old one's is not the new one's. */
static void
test_other_jid(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	struct dest *dest;

	reload(state, "[peer \"tv\"]\naddress = play@tv.local\njid = new@example.org\n");
	dest = dest_find(ear, "play@tv.local");
	assert_ptr_equal(dest, dest_find(ear, "new@example.org"));
	assert_string_equal(dest->jid, "new@example.org");
	assert_ptr_not_equal(dest, dest_find(ear, "tv@example.org"));
}

/* Exchanged, which no order of removing and adding may confuse. */
static void
test_exchanged(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;

	reload(state, "[peer \"tv\"]\naddress = play@tv.local\njid = box@example.org/x\n"
		      "[peer \"box\"]\naddress = play@box.local\njid = tv@example.org\n");
	assert_ptr_equal(dest_find(ear, "play@tv.local"), dest_find(ear, "box@example.org/x"));
	assert_ptr_equal(dest_find(ear, "play@box.local"), dest_find(ear, "tv@example.org"));
	assert_ptr_not_equal(dest_find(ear, "play@tv.local"), dest_find(ear, "play@box.local"));
	reload(state, first);
	assert_ptr_equal(dest_find(ear, "play@tv.local"), dest_find(ear, "tv@example.org"));
	assert_ptr_equal(dest_find(ear, "play@box.local"), dest_find(ear, "box@example.org/x"));
}

/* One that its key has bound is that device, as long as the section does not say otherwise. */
static void
test_bound(void **state)
{
	struct ear *ear = ((struct world *)*state)->ear;
	const char *jids[] = { "nurse@example.org" };
	struct ear_key key = { { 7 } };
	struct dest *dest = dest_bind(ear, "nurse@forza.local", &key, jids, 1);

	reload(state, "[peer \"n\"]\naddress = nurse@forza.local\njid = nurse@example.org\n");
	assert_ptr_equal(dest_find(ear, "nurse@example.org"), dest);
	assert_true(dest->bound);
	assert_ptr_equal(dest->conf, &ear->conf->peers[0]);
	reload(state, "");
	assert_true(dest->bound);
	assert_null(dest->conf);
	assert_ptr_equal(dest_find(ear, "nurse@forza.local"), dest);
	reload(state, "[peer \"n\"]\naddress = nurse@forza.local\njid = other@example.org\n");
	assert_ptr_equal(dest_find(ear, "nurse@forza.local"), dest_find(ear, "other@example.org"));
	assert_ptr_not_equal(dest_find(ear, "nurse@forza.local"),
			     dest_find(ear, "nurse@example.org"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_added, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_jid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exchanged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bound, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
