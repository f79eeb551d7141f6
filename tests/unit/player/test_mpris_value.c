/* SPDX-License-Identifier: ISC */
/* test_mpris_value.c: values of every type, and messages that are too big. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mpris_message.h"
#include "player/mpris_value.h"

static sd_bus *bus;
static sd_bus_message *message;

static int
set_up(void **state)
{
	bus = messages_open();
	message = message_new(bus);
	return 0;
}

static int
tear_down(void **state)
{
	sd_bus_message_unref(message);
	messages_close(bus);
	return 0;
}

static void
test_types(void **state)
{
	struct mpris_reader reader = mpris_reader(message);
	struct mpris_value value;

	assert_true(sd_bus_message_append(message, "ynqiuxtdbso", 7, -7, 7, -7, 7, (int64_t)-7,
					  (uint64_t)7, 0.5, 1, "text", "/path") >= 0);
	assert_true(sd_bus_message_append(message, "t", UINT64_MAX) >= 0);
	assert_true(sd_bus_message_append(message, "g", "ai") >= 0);
	message_seal(message);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(mpris_read_value(&reader, &value), 1);
		assert_int_equal(value.type, MPRIS_INT);
		assert_int_equal(value.number, i == 1 || i == 3 || i == 5 ? -7 : 7);
	}
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_int_equal(value.type, MPRIS_DOUBLE);
	assert_true(value.real == 0.5);
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_int_equal(value.type, MPRIS_BOOL);
	assert_true(value.is);
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_int_equal(value.type, MPRIS_TEXT);
	assert_string_equal(value.text, "text");
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_string_equal(value.text, "/path");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mpris_read_value(&reader, &value), 1);
		assert_int_equal(value.type, MPRIS_ODD);
	}
	assert_int_equal(mpris_read_value(&reader, &value), 0);
}

/* Whatever is in between, the value after it is found. */
static void
test_containers(void **state)
{
	struct mpris_reader reader = mpris_reader(message);
	struct mpris_value value;

	assert_true(sd_bus_message_append(message, "as", 2, "a", "b") >= 0);
	assert_true(sd_bus_message_append(message, "as", 0) >= 0);
	assert_true(sd_bus_message_append(message, "(sa{sv}i)", "x", 2, "k", "s", "v", "l", "ai", 2,
					  1, 2, 5) >= 0);
	assert_true(sd_bus_message_append(message, "a(ii)", 1, 1, 2) >= 0);
	assert_true(sd_bus_message_append(message, "ab", 2, 1, 0) >= 0);
	assert_true(sd_bus_message_append(message, "v", "v", "as", 1, "c") >= 0);
	assert_true(sd_bus_message_append(message, "aay", 2, 0, 2, 1, 2) >= 0);
	assert_true(sd_bus_message_append(message, "i", 42) >= 0);
	message_seal(message);
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_int_equal(value.type, MPRIS_TEXT);
	assert_string_equal(value.text, "a, b");
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_string_equal(value.text, "");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(mpris_read_value(&reader, &value), 1);
		assert_int_equal(value.type, MPRIS_ODD);
	}
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_int_equal(value.number, 42);
	assert_int_equal(mpris_read_value(&reader, &value), 0);
}

/* A list is cut where it is as long as any text of a state. */
static void
test_long_list(void **state)
{
	struct mpris_reader reader = mpris_reader(message);
	struct mpris_value value;

	sd_bus_message_open_container(message, 'a', "s");
	for (int i = 0; i < 1000; i++)
		sd_bus_message_append(message, "s", "artist");
	sd_bus_message_close_container(message);
	message_seal(message);
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_int_equal(strlen(value.text), MPRIS_TEXT_SIZE - 1);
}

/* Ten million bytes are one step, a hundred thousand texts are too many. */
static void
test_bound(void **state)
{
	struct mpris_reader reader = mpris_reader(message);
	struct mpris_value value;
	char *bytes = calloc(1, 10000000);

	sd_bus_message_append_array(message, 'y', bytes, 10000000);
	free(bytes);
	sd_bus_message_open_container(message, 'a', "as");
	for (int i = 0; i < 100000; i++)
		sd_bus_message_append(message, "as", 0);
	sd_bus_message_close_container(message);
	message_seal(message);
	assert_int_equal(mpris_read_value(&reader, &value), 1);
	assert_true(reader.left > MPRIS_VALUES_MAX - 3);
	assert_int_equal(mpris_read_value(&reader, &value), -E2BIG);
}

static void
count(void *arg, const char *text)
{
	++*(int *)arg;
}

static void
test_too_many_texts(void **state)
{
	struct mpris_reader reader = mpris_reader(message);
	int n = 0;

	sd_bus_message_open_container(message, 'a', "s");
	for (int i = 0; i < MPRIS_VALUES_MAX + 10; i++)
		sd_bus_message_append(message, "s", "");
	sd_bus_message_close_container(message);
	message_seal(message);
	assert_int_equal(mpris_read_texts(&reader, count, &n), -E2BIG);
	assert_int_equal(n, MPRIS_VALUES_MAX);
}

static int
take(void *arg, const char *key, const char *signature, struct mpris_reader *reader)
{
	struct mpris_value value;
	char *seen = arg;
	size_t used = strlen(seen);

	snprintf(seen + used, 128 - used, "%s:%s ", key, signature);
	return mpris_read_value(reader, &value);
}

static void
test_dict(void **state)
{
	struct mpris_reader reader = mpris_reader(message);
	char seen[128] = "";

	assert_true(sd_bus_message_append(message, "a{sv}", 3, "one", "i", 1, "two", "a{sv}", 0,
					  "three", "as", 1, "x") >= 0);
	assert_true(sd_bus_message_append(message, "a{ss}", 1, "a", "b") >= 0);
	message_seal(message);
	assert_true(mpris_read_dict(&reader, take, seen) >= 0);
	assert_string_equal(seen, "one:i two:a{sv} three:as ");
	assert_true(mpris_read_dict(&reader, take, seen) < 0);
}

int
main(void)
{
#define MESSAGE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		MESSAGE_TEST(test_types),          MESSAGE_TEST(test_containers),
		MESSAGE_TEST(test_long_list),      MESSAGE_TEST(test_bound),
		MESSAGE_TEST(test_too_many_texts), MESSAGE_TEST(test_dict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
