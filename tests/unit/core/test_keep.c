/* SPDX-License-Identifier: ISC */
/* test_keep.c: when what extensions remember is written: at once, but not again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timer.h"
#include "core/core.h"
#include "core/keep.h"
#include "store/kept.h"

static struct ear ear;
static char dir[64], error[512];

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_keep.XXXXXX");
	ear = (struct ear){ .clock = clock_new_fake(), .conf = conf_new() };
	keep_init(&ear);
	return mkdtemp(dir) == NULL ? -1 : keep_open(&ear, dir, error, sizeof(error));
}

static int
teardown(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/" KEPT_FILE, dir);
	unlink(path);
	conf_free((struct conf *)ear.conf);
	clock_free(ear.clock);
	return rmdir(dir);
}

/* What one who starts now would find. */
static char *
on_disk(const char *key)
{
	static char text[64];
	int rc;
	struct kept *kept = kept_open(dir, &rc, error, sizeof(error));

	assert_non_null(kept);
	snprintf(text, sizeof(text), "%s",
		 kept_get(kept, key) == NULL ? "none" : kept_get(kept, key));
	kept_close(kept);
	return text;
}

static void
test_at_once(void **state)
{
	assert_int_equal(ear_keep(&ear, "a b", "1"), 0);
	assert_string_equal(on_disk("a b"), "1");
	assert_string_equal(ear_kept(&ear, "a b"), "1");
	keep_release(&ear);
}

static void
test_not_again_and_again(void **state)
{
	assert_int_equal(ear_keep(&ear, "a", "1"), 0);
	for (int i = 2; i < 1000; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(ear_keep(&ear, "a", text), 0);
	}
	assert_string_equal(on_disk("a"), "1");
	assert_string_equal(ear_kept(&ear, "a"), "999");
	clock_advance(ear.clock, 101 * EAR_MSEC);
	assert_string_equal(on_disk("a"), "999");
	clock_advance(ear.clock, 101 * EAR_MSEC);
	ear_keep(&ear, "a", NULL);
	assert_string_equal(on_disk("a"), "none");
	keep_release(&ear);
}

static void
test_end(void **state)
{
	ear_keep(&ear, "a", "1");
	ear_keep(&ear, "a", "2");
	keep_release(&ear);
	assert_string_equal(on_disk("a"), "2");
}

/* A disk that takes nothing: remembered all the same, and written when it takes it. */
static void
test_no_disk(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/" KEPT_FILE ".new", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(ear_keep(&ear, "a", "1"), 0);
	assert_string_equal(ear_kept(&ear, "a"), "1");
	assert_string_equal(on_disk("a"), "none");
	rmdir(path);
	assert_int_equal(ear_keep(&ear, "b", "1"), 0);
	assert_string_equal(on_disk("a"), "1");
	keep_release(&ear);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_at_once),
		TEST(test_not_again_and_again),
		TEST(test_end),
		TEST(test_no_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
