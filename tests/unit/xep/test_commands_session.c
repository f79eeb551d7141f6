/* SPDX-License-Identifier: ISC */
/* test_commands_session.c: whose a session is, how long it lives, and how many there are. */
#include "commands_kit.h"

#define OTHER "juliet@example.org/other"

/* A session is of whoever began it, and of its command. */
static void
test_owner(void **state)
{
	char *attributes, *other;

	command("node='config'");
	attributes = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	other = xasprintf("node='list' sessionid='%s'", is_now("sessionid"));
	command_of(OTHER, attributes, SERVICE);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	command_of("romeo@example.org/laptop", attributes, SERVICE);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	command(other);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	/* The same one, met directly from now on. */
	command_of("romeo@example.org", attributes, SERVICE);
	assert_string_equal(is_now("status"), "executing");
	free(attributes);
	free(other);
}

static void
test_expires(void **state)
{
	char *attributes;

	command("node='config'");
	attributes = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	clock_advance(ear->clock, COMMAND_LIFE - EAR_SEC);
	command_of(ROMEO, attributes, SERVICE); /* lives on */
	assert_string_equal(is_now("status"), "executing");
	clock_advance(ear->clock, COMMAND_LIFE);
	command_of(ROMEO, attributes, SERVICE);
	assert_true(refused(EAR_NOT_ALLOWED, "session-expired"));
	clock_advance(ear->clock, COMMAND_LIFE);
	command_of(ROMEO, attributes, SERVICE);
	assert_true(refused(EAR_BAD_REQUEST, "bad-sessionid"));
	free(attributes);
}

/* --- steps that take their time ----------------------------------------------------------- */

static void
answer_slow(void)
{
	const struct command_answer answer = { .status = COMMAND_COMPLETED,
					       .note = "no such service",
					       .is_error = true };

	command_answer(ear, waiting, &answer);
}

static void
test_later(void **state)
{
	command("node='slow'");
	assert_null(ear->answer);
	assert_int_equal(ear->holds, 1);
	answer_slow();
	assert_string_equal(is_now("status"), "completed");
	assert_string_equal(is_now("sessionid"), waiting);
	assert_string_equal(fake_attribute(inside("note", NULL), "type"), "error");
	ear->answers = 0;
	answer_slow(); /* nobody waits any more */
	assert_int_equal(ear->answers, 0);
}

/* It turns out to be impossible: the one answer is an error, and the session is over. */
static void
test_refused_later(void **state)
{
	char attributes[128];

	command("node='slow'");
	command_refuse(ear, waiting, EAR_ITEM_NOT_FOUND, "no such service");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	assert_string_equal(ear_error_text_of(ear->answer), "no such service");
	assert_int_equal(ear->holds, 0);
	ear->answers = 0;
	answer_slow();
	command_refuse(ear, waiting, EAR_ITEM_NOT_FOUND, NULL);
	assert_int_equal(ear->answers, 0);
	snprintf(attributes, sizeof(attributes), "node='slow' sessionid='%s'", waiting);
	command(attributes);
	assert_true(refused(EAR_NOT_ALLOWED, "session-expired"));
}

/* While a step is done there is no other one, but it can be canceled. */
static void
test_busy(void **state)
{
	char attributes[128];

	command("node='slow'");
	snprintf(attributes, sizeof(attributes), "node='slow' sessionid='%s'", waiting);
	command(attributes);
	assert_true(refused(EAR_BAD_REQUEST, "bad-action"));
	snprintf(attributes, sizeof(attributes), "node='slow' sessionid='%s' action='cancel'",
		 waiting);
	command(attributes);
	assert_string_equal(is_now("status"), "canceled");
	answer_slow();
	assert_int_equal(ear->holds, 0);
	assert_string_equal(is_now("status"), "completed");
	assert_int_equal(steps, 1);
}

/* Asked for ever, but not thrown away under its step. */
static void
test_busy_for_long(void **state)
{
	command("node='slow'");
	clock_advance(ear->clock, 3 * COMMAND_LIFE);
	command("node='list'");
	answer_slow();
	assert_string_equal(is_now("sessionid"), waiting);
}

/* The engine stops with a step under way: see teardown. What comes after is nobody's. */
static void
test_stop(void **state)
{
	command("node='slow'");
	assert_int_equal(ear->holds, 1);
	fake_stop(ear);
	assert_int_equal(ear->holds, 0);
	answer_slow();
	fake_free(ear);
	setup(NULL);
}

/* --- bounds ------------------------------------------------------------------------------- */

/* One more than a sender may have ends his oldest; those of others go on. */
static void
test_bound_of_one(void **state)
{
	char *first, *theirs;

	command_of(OTHER, "node='config'", "");
	theirs = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	command("node='config'");
	first = xasprintf("node='config' sessionid='%s'", is_now("sessionid"));
	for (int i = 1; i < COMMAND_OF_ONE; i++)
		command("node='config'");
	command_of("romeo@example.org/laptop", "node='config'", "");
	assert_string_equal(is_now("status"), "executing");
	command_of(ROMEO, first, SERVICE);
	assert_true(refused(EAR_NOT_ALLOWED, "session-expired"));
	command_of(OTHER, theirs, SERVICE);
	assert_string_equal(is_now("status"), "executing");
	free(first);
	free(theirs);
}

/* None of those that are being done is thrown away. */
static void
test_bound_of_busy(void **state)
{
	for (int i = 0; i < COMMAND_OF_ONE; i++)
		command("node='slow'");
	command("node='slow'");
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	command_of(OTHER, "node='list'", "");
	assert_string_equal(is_now("status"), "completed");
	assert_int_equal(steps, COMMAND_OF_ONE + 1);
}

static void
test_bound_of_all(void **state)
{
	char from[64];

	for (int i = 0; i < COMMAND_SESSIONS; i++) {
		snprintf(from, sizeof(from), "u%d@example.org/x", i / COMMAND_OF_ONE);
		command_of(from, "node='config'", "");
		assert_string_equal(is_now("status"), "executing");
	}
	command("node='config'");
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	clock_advance(ear->clock, COMMAND_LIFE);
	command("node='config'");
	assert_string_equal(is_now("status"), "executing");
}

/* Sessions that are over make room for ever. */
static void
test_many(void **state)
{
	for (int i = 0; i < 3 * COMMAND_SESSIONS; i++) {
		command("node='list'");
		assert_string_equal(is_now("status"), "completed");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_owner),         TEST(test_expires),      TEST(test_later),
		TEST(test_refused_later), TEST(test_busy),         TEST(test_busy_for_long),
		TEST(test_stop),          TEST(test_bound_of_one), TEST(test_bound_of_busy),
		TEST(test_bound_of_all),  TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
