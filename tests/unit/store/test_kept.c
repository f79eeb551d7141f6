/* SPDX-License-Identifier: ISC */
/* test_kept.c: what is remembered, what is not, and that a process killed at any moment leaves a
 * whole file with everything that it had written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/kept.h"

#define KILLS 60

static char dir[64], error[512];

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_kept.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "kept", "kept.bad", "kept.new" };

	for (size_t i = 0; i < 3; i++)
		unlink(path_of(names[i]));
	return rmdir(dir);
}

static struct kept *
open_kept(const char *where)
{
	int rc = 1;
	struct kept *kept = kept_open(where, &rc, error, sizeof(error));

	if (kept == NULL)
		fail_msg("%s", error);
	assert_int_equal(rc, 0);
	return kept;
}

static void
write_file(const char *text)
{
	FILE *out = fopen(path_of("kept"), "w");

	fputs(text, out);
	fclose(out);
}

static void
is_there_again(void **state)
{
	struct kept *kept = open_kept(dir);

	assert_null(kept_get(kept, "a romeo@example.org"));
	assert_int_equal(kept_set(kept, "a romeo@example.org", "both"), 0);
	assert_int_equal(kept_set(kept, "a größe", ""), 0);
	assert_int_equal(kept_set(kept, "gone", "x"), 0);
	assert_int_equal(kept_set(kept, "gone", NULL), 0);
	assert_true(kept_is_changed(kept));
	assert_int_equal(kept_write(kept), 0);
	assert_false(kept_is_changed(kept));
	assert_int_equal(kept_set(kept, "late", "not written"), 0);
	kept_close(kept);
	kept = open_kept(dir);
	assert_string_equal(kept_get(kept, "a romeo@example.org"), "both");
	assert_string_equal(kept_get(kept, "a größe"), "");
	assert_null(kept_get(kept, "gone"));
	assert_null(kept_get(kept, "late"));
	assert_int_equal(kept_set(kept, "a romeo@example.org", "both"), 0);
	assert_false(kept_is_changed(kept));
	kept_close(kept);
}

static void
is_nobody_elses_to_read(void **state)
{
	struct kept *kept = open_kept(dir);
	struct stat st;

	kept_set(kept, "a", "b");
	assert_int_equal(kept_write(kept), 0);
	assert_int_equal(stat(path_of("kept"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	kept_close(kept);
}

static void
count(void *arg, const char *key, const char *text)
{
	++*(int *)arg;
}

static void
looks_by_prefix(void **state)
{
	struct kept *kept = open_kept(NULL);
	int n = 0;

	kept_set(kept, "roster a", "1");
	kept_set(kept, "roster b", "2");
	kept_set(kept, "other", "3");
	kept_each(kept, "roster ", count, &n);
	assert_int_equal(n, 2);
	assert_int_equal(kept_write(kept), 0);
	kept_close(kept);
}

static void
has_bounds(void **state)
{
	struct kept *kept = open_kept(NULL);
	char long_text[KEPT_ONE_MAX + 1], key[32];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(kept_set(kept, "key", long_text), -EMSGSIZE);
	assert_int_equal(kept_set(kept, "", "x"), -EINVAL);
	assert_int_equal(kept_set(kept, "a\tb", "x"), -EINVAL);
	assert_int_equal(kept_set(kept, "a", "x\ny"), -EINVAL);
	assert_int_equal(kept_set(kept, "a", "\xff"), -EINVAL);
	for (int i = 0; i < KEPT_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(kept_set(kept, key, "x"), 0);
	}
	assert_int_equal(kept_set(kept, "one more", "x"), -ENOBUFS);
	assert_int_equal(kept_set(kept, "7", "another"), 0);
	kept_close(kept);
}

static void
has_a_bound_of_bytes(void **state)
{
	struct kept *kept = open_kept(dir);
	char text[4000], key[32];
	int i = 0, rc;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	do {
		snprintf(key, sizeof(key), "%d", i++);
		rc = kept_set(kept, key, text);
	} while (rc == 0);
	assert_int_equal(rc, -ENOBUFS);
	assert_int_equal(kept_write(kept), 0);
	kept_close(kept);
	kept = open_kept(dir); /* the fullest can be read */
	assert_string_equal(kept_get(kept, "0"), text);
	kept_close(kept);
}

static void
sets_a_damaged_one_aside(void **state)
{
	static const char *const damaged[] = {
		"",
		"nonsense",
		"earshot kept 1\nno tab\n",
		"earshot kept 1\na\tb",
		"earshot kept 1\na\tb\na\tc\n",
		"earshot kept 1\n\tb\n",
		"earshot kept 1\na\t\xff\n",
	};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct kept *kept;

		write_file(damaged[i]);
		kept = open_kept(dir);
		assert_null(kept_get(kept, "a"));
		assert_int_equal(access(path_of("kept.bad"), F_OK), 0);
		assert_int_equal(access(path_of("kept"), F_OK), -1);
		kept_close(kept);
		unlink(path_of("kept.bad"));
	}
}

static void
leaves_a_later_one_alone(void **state)
{
	int rc = 0;

	write_file("earshot kept 2\nwhatever\n");
	assert_null(kept_open(dir, &rc, error, sizeof(error)));
	assert_int_equal(rc, -EPROTONOSUPPORT);
	assert_non_null(strstr(error, "a later earshotd"));
	unlink(path_of("kept"));
	assert_int_equal(mkdir(path_of("kept"), 0700), 0);
	assert_null(kept_open(dir, &rc, error, sizeof(error)));
	assert_int_equal(rc, -EINVAL);
	rmdir(path_of("kept"));
}

static void
keeps_the_old_file_when_it_cannot_write(void **state)
{
	struct kept *kept = open_kept(dir);

	kept_set(kept, "a", "old");
	assert_int_equal(kept_write(kept), 0);
	assert_int_equal(mkdir(path_of("kept.new"), 0700), 0);
	kept_set(kept, "a", "new");
	assert_int_not_equal(kept_write(kept), 0);
	assert_true(kept_is_changed(kept));
	kept_close(kept);
	kept = open_kept(dir);
	assert_string_equal(kept_get(kept, "a"), "old");
	kept_close(kept);
	rmdir(path_of("kept.new"));
}

static void
write_for_ever(_Atomic unsigned *done, unsigned from)
{
	struct kept *kept = open_kept(dir);
	char text[32];

	for (unsigned i = from;; i++) {
		snprintf(text, sizeof(text), "%u", i);
		kept_set(kept, "first", text);
		kept_set(kept, "second", text);
		if (kept_write(kept) != 0)
			_exit(1);
		*done = i;
	}
}

static unsigned
number(const struct kept *kept, const char *key)
{
	return (unsigned)atoi(kept_get(kept, key));
}

static void
survives_being_killed(void **state)
{
	_Atomic unsigned *done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(done, MAP_FAILED);
	for (unsigned i = 0; i < KILLS; i++) {
		struct timespec moment = { .tv_nsec = random() % 3000000 };
		unsigned before = *done;
		pid_t child = fork();
		struct kept *kept;
		int status;

		if (child == 0)
			write_for_ever(done, before + 1);
		while (*done == before && waitpid(child, &status, WNOHANG) == 0)
			;
		nanosleep(&moment, NULL);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		kept = open_kept(dir);
		assert_in_range(number(kept, "first"), *done, *done + 1);
		assert_int_equal(number(kept, "first"), number(kept, "second"));
		kept_close(kept);
	}
	munmap((void *)done, sizeof(*done));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_there_again, setup, teardown),
		cmocka_unit_test_setup_teardown(is_nobody_elses_to_read, setup, teardown),
		cmocka_unit_test_setup_teardown(looks_by_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(has_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(has_a_bound_of_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(sets_a_damaged_one_aside, setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_a_later_one_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_the_old_file_when_it_cannot_write, setup,
						teardown),
		cmocka_unit_test_setup_teardown(survives_being_killed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
