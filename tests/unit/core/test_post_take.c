/* SPDX-License-Identifier: ISC */
/* test_post_take.c: what is stored, and what is refused, before a program is told so. */
#include "post_rig.h"

static void
test_stored_before_the_flush_is_answered(void **state)
{
	assert_int_equal(list().all, 0);
	says("a", TV, NULL);
	flush();
	assert_int_equal(told_count, 1);
	assert_string_equal(xmpp_stanza_get_id(told[0]), "flush");
	assert_string_equal(xmpp_stanza_get_type(told[0]), "result");
	stop(true);
	start();
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	assert_int_equal(sent_count, 0);
}

static void
test_refused_before_the_flush_is_answered(void **state)
{
	char *text = xalloc(300 * 1024);

	memset(text, 'x', 300 * 1024 - 1);
	says(text, TV, NULL);
	assert_int_equal(told_count, 1);
	assert_int_equal(ear_condition_of(told[0]), EAR_POLICY_VIOLATION);
	assert_non_null(strstr(ear_error_text_of(told[0]), "too long"));
	says("b", "a@@b", NULL);
	assert_int_equal(told_count, 2);
	assert_int_equal(ear_condition_of(told[1]), EAR_JID_MALFORMED);
	flush();
	assert_int_equal(told_count, 3);
	assert_int_equal(list().all, 0);
	free(text);
}

static void
test_bound_refuses_only_what_is_over(void **state)
{
	say_many(0, 1002);
	assert_int_equal(told_count, 2);
	assert_int_equal(ear_condition_of(told[0]), EAR_RESOURCE_CONSTRAINT);
	assert_string_equal(xmpp_stanza_get_id(told[0]), "n1000");
	assert_string_equal(xmpp_stanza_get_id(told[1]), "n1001");
	assert_int_equal(list().all, 1000);
}

static void
test_only_messages(void **state)
{
	xmpp_stanza_t *presence = ear_stanza(ear->ctx, "presence", NULL, TV, "p");

	ear_set(ear_child(presence, "route", EAR_NS_CONTROL), "queue", "true");
	core_link_events.stanza(ear, &program, presence);
	xmpp_stanza_release(presence);
	assert_int_equal(told_count, 1);
	assert_int_equal(ear_condition_of(told[0]), EAR_BAD_REQUEST);
}

static void
test_kind_none(void **state)
{
	xreplace(&conf->store_kind, "none");
	stop(false);
	start();
	says("a", TV, NULL);
	assert_int_equal(told_count, 1);
	assert_int_equal(ear_condition_of(told[0]), EAR_FEATURE_NOT_IMPLEMENTED);
	assert_int_equal(list().all, 0);
}

static void
test_nothing_stored_costs_no_file(void **state)
{
	char path[96];

	appears(true);
	clock_advance(clock_, 60 * EAR_SEC);
	assert_int_equal(list().all, 0);
	snprintf(path, sizeof(path), "%s/spool.db", dir);
	assert_null(fopen(path, "r"));
}

static void
test_no_directory(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rmdir %s", dir);
	assert_int_equal(system(command), 0);
	says("a", TV, NULL);
	flush();
	assert_int_equal(told_count, 2);
	assert_int_equal(ear_condition_of(told[0]), EAR_INTERNAL_SERVER_ERROR);
	assert_non_null(strstr(ear_error_text_of(told[0]), dir));
	snprintf(command, sizeof(command), "mkdir %s", dir);
	assert_int_equal(system(command), 0);
	say_many(0, 1);
	assert_int_equal(list().all, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stored_before_the_flush_is_answered),
		TEST(test_refused_before_the_flush_is_answered),
		TEST(test_bound_refuses_only_what_is_over),
		TEST(test_only_messages),
		TEST(test_kind_none),
		TEST(test_nothing_stored_costs_no_file),
		TEST(test_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
