/* SPDX-License-Identifier: ISC */
/* test_seen_room.c: the file "seen" where there is no room for it, and what it takes of memory. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "seen_rig.h"

/* --- no room on the disk ------------------------------------------------------------------ */

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			dprintf(stderr_fd, "line %d: %s\n%s", __LINE__, #what, take_said());       \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* Room for some bytes on a disk that is nobody else's. */
static void
mount_disk(const char *options)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, options) != 0)
		_exit(77);
}

static struct seen *
open_on_disk(void)
{
	int rc;
	struct seen *seen = seen_open(dir, &rc, error, sizeof(error));

	CHECK(seen != NULL && rc == 0);
	return seen;
}

static const char *
sender_of(unsigned n)
{
	static char sender[32];

	snprintf(sender, sizeof(sender), "s%u@example.org", n);
	return sender;
}

/* Every id of every sender is known while the process lives. */
static void
note_and_check(struct seen *seen, unsigned senders)
{
	char id[32];

	for (unsigned i = 0; i < SEEN_IDS; i++)
		for (unsigned j = 0; j < senders; j++) {
			snprintf(id, sizeof(id), "%u", i);
			CHECK(!seen_has(seen, sender_of(j), id));
			seen_note(seen, sender_of(j), id);
			CHECK(seen_has(seen, sender_of(j), id));
		}
}

static void
disk_takes_some(void)
{
	struct seen *seen;

	mount_disk("size=300k,mode=700");
	seen = open_on_disk();
	CHECK(strcmp(take_said(), "") == 0);
	note_and_check(seen, 6);
	take_said();
	CHECK(strstr(said, "No space left") != NULL && strstr(said, "in memory only") != NULL);
	CHECK(strchr(said, '\n') == said + strlen(said) - 1); /* once */
	seen_close(seen);
	seen = open_on_disk();
	CHECK(seen_has(seen, sender_of(0), "4095") && seen_has(seen, sender_of(1), "4095"));
	CHECK(!seen_has(seen, sender_of(4), "4095"));
	seen_note(seen, sender_of(4), "more");
	CHECK(seen_has(seen, sender_of(4), "more"));
	seen_close(seen);
	_exit(0);
}

static void
disk_takes_nothing(void)
{
	struct seen *seen;
	int fd;

	mount_disk("size=4k,mode=700");
	fd = open(said_path, O_WRONLY | O_CREAT, 0600);
	CHECK(write(fd, "x", 1) == 1);
	seen = open_on_disk();
	CHECK(strstr(take_said(), "in memory only") != NULL);
	note_and_check(seen, 3);
	seen_close(seen);
	CHECK(unlink(said_path) == 0);
	_exit(0);
}

/* A copy that kept only what is not zero, on a disk that has become full. */
static void
disk_lost_blocks(void)
{
	struct seen *seen;
	int fd, filler;
	char page[4096] = "x";

	mount_disk("size=600k,mode=700");
	seen = open_on_disk();
	seen_note(seen, sender_of(0), "a");
	seen_note(seen, sender_of(1), "a");
	seen_close(seen);
	fd = open(path, O_RDWR);
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			offsetof(struct seen_map, tables) + sizeof(page),
			sizeof(struct seen_tables)) == 0);
	close(fd);
	filler = open(said_path, O_WRONLY | O_CREAT, 0600);
	while (write(filler, page, sizeof(page)) > 0)
		;
	seen = open_on_disk();
	CHECK(seen_has(seen, sender_of(0), "a"));
	seen_forget(seen, sender_of(0), "a");
	CHECK(!seen_has(seen, sender_of(0), "a"));
	note_and_check(seen, 4);
	CHECK(strstr(take_said(), "in memory only") != NULL);
	seen_close(seen);
	_exit(0);
}

static void
check_on_disk(void (*fn)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		fn();
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	if (WIFSIGNALED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_disk_takes_some(void **state)
{
	check_on_disk(disk_takes_some);
}

static void
test_disk_takes_nothing(void **state)
{
	check_on_disk(disk_takes_nothing);
}

static void
test_disk_lost_blocks(void **state)
{
	check_on_disk(disk_lost_blocks);
}

/* Files may not be as large as it is: a limit of the process. */
static void
test_file_too_large(void **state)
{
	struct rlimit before, small;
	struct seen *seen;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	small = before;
	small.rlim_cur = 100000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	seen = open_seen();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_non_null(strstr(take_said(), "in memory only"));
	check_works(seen);
	seen_close(seen);
}

/* --- memory ---------------------------------------------------------------------------------- */

/* Bytes of the file's map that this process has touched. */
static long
resident(void)
{
	FILE *in = fopen("/proc/self/smaps", "r");
	char line[512];
	bool ours = false;
	unsigned long from, to;
	long sum = 0, rss;

	while (fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			ours = strstr(line, path) != NULL;
		else if (ours && sscanf(line, "Rss: %ld kB", &rss) == 1)
			sum += rss * 1024;
	}
	fclose(in);
	return sum;
}

/* A sender of few ids costs a page; what nobody sent costs nothing. */
static void
test_memory_at_rest(void **state)
{
	char id[32];
	struct seen *seen = open_seen();
	long page = sysconf(_SC_PAGESIZE), at_rest;

	assert_in_range(resident(), page, 2 * page);
	for (unsigned i = 0; i < 100; i++)
		for (unsigned j = 0; j < 50; j++) {
			snprintf(id, sizeof(id), "%u", j);
			seen_note(seen, sender_of(i), id);
		}
	at_rest = resident();
	seen_close(seen);
	assert_in_range(at_rest, 100 * page, 110 * page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_disk_takes_some, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_takes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_lost_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_at_rest, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
