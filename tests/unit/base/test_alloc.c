/* SPDX-License-Identifier: ISC */
/* test_alloc.c: memory that is there or the program is not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "base/alloc.h"

static void
test_alloc(void **state)
{
	unsigned char *memory = xalloc(64);

	for (int i = 0; i < 64; i++)
		assert_int_equal(memory[i], 0);
	memory = xrealloc(memory, 128);
	memset(memory, 1, 128);
	memory = xrealloc(memory, 0);
	assert_non_null(memory);
	free(memory);
	memory = xalloc(0);
	assert_non_null(memory);
	free(memory);
}

static void
test_text(void **state)
{
	char *text = xstrdup("abc");

	assert_string_equal(text, "abc");
	xreplace(&text, "def");
	assert_string_equal(text, "def");
	xreplace(&text, text);
	assert_string_equal(text, "def");
	xreplace(&text, NULL);
	assert_null(text);
	assert_null(xstrdup(NULL));
	text = xstrndup("abcdef", 3);
	assert_string_equal(text, "abc");
	free(text);
	text = xasprintf("%d-%s", 1, "x");
	assert_string_equal(text, "1-x");
	free(text);
}

static void
test_copy(void **state)
{
	char out[4];

	assert_int_equal(copy_text(out, sizeof(out), "abc"), 0);
	assert_string_equal(out, "abc");
	assert_int_equal(copy_text(out, sizeof(out), "abcd"), -ENOSPC);
	assert_string_equal(out, "abc");
	assert_int_equal(copy_text(out, 1, ""), 0);
	assert_int_equal(copy_text(out, 1, "a"), -ENOSPC);
	assert_string_equal(out, "");
}

/* The child's standard error: its log line is not the test's. */
static void
child_without_memory(void)
{
	struct rlimit none = { 0, 0 };
	int quiet = open("/dev/null", O_WRONLY);
	volatile size_t too_much = SIZE_MAX / 2;

	dup2(quiet, STDERR_FILENO);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	free(xrealloc(NULL, too_much));
	_exit(0);
}

static void
test_out_of_memory(void **state)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		child_without_memory();
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
