/* SPDX-License-Identifier: ISC */
/* test_log.c: what stands on standard error, and what can not be made to stand there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include <earshot/log.h>

/* Standard error turned into a file, and what was there before. */
struct capture {
	FILE *file;
	int saved;
	char text[16384];
};

static struct capture capture;

static int
set_up(void **state)
{
	ear_log_set_level(EAR_LOG_INFO);
	capture.file = tmpfile();
	capture.saved = dup(STDERR_FILENO);
	return capture.file == NULL || dup2(fileno(capture.file), STDERR_FILENO) < 0;
}

static int
tear_down(void **state)
{
	dup2(capture.saved, STDERR_FILENO);
	close(capture.saved);
	fclose(capture.file);
	return 0;
}

static const char *
logged(void)
{
	size_t n;

	rewind(capture.file);
	n = fread(capture.text, 1, sizeof(capture.text) - 1, capture.file);
	capture.text[n] = '\0';
	return capture.text;
}

static void
test_levels(void **state)
{
	ear_error("a");
	ear_warn("b %d", 2);
	ear_info("c");
	ear_debug("d");
	assert_string_equal(logged(), "error: a\nwarning: b 2\nc\n");
	assert_int_equal(ear_log_get_level(), EAR_LOG_INFO);
}

static void
test_quiet_and_loud(void **state)
{
	ear_log_set_level(EAR_LOG_ERROR);
	ear_warn("no");
	ear_log_set_level(EAR_LOG_DEBUG);
	ear_debug("yes");
	assert_string_equal(logged(), "debug: yes\n");
}

static void
test_errno(void **state)
{
	errno = ENOENT;
	ear_info("x: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(logged(), "x: No such file or directory\n");
}

/* A peer's name can neither begin a line nor colour a terminal. */
static void
test_forgery(void **state)
{
	ear_info("peer %s", "a\nerror: b\r\x1b[31m\x7f\xc2\x9b\xff\xc3\xa9");
	assert_string_equal(logged(), "peer a\\x0aerror: b\\x0d\\x1b[31m\\x7f\\xc2\\x9b\\xff"
				      "\xc3\xa9\n");
}

static void
test_long(void **state)
{
	char text[5000];
	size_t n;

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ear_info("%s", text);
	n = strlen(logged());
	assert_in_range(n, 2000, 4096);
	assert_int_equal(capture.text[n - 1], '\n');
	assert_ptr_equal(strchr(capture.text, '\n'), capture.text + n - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_levels),  TEST(test_quiet_and_loud), TEST(test_errno),
		TEST(test_forgery), TEST(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
