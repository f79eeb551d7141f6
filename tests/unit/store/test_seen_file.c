/* SPDX-License-Identifier: ISC */
/* test_seen_file.c: the file "seen": damaged, somebody else's, no room on the disk, two at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/seen_impl.h"

#define ROMEO "romeo@pronto.local"

static char dir[64], path[96], said_path[96], said[4096], error[512];
static int said_fd, stderr_fd;

/* What is logged goes to a file. */
static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_seen_file.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/seen", dir);
	snprintf(said_path, sizeof(said_path), "%s/said", dir);
	said_fd = open(said_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	stderr_fd = dup(STDERR_FILENO);
	dup2(said_fd, STDERR_FILENO);
	return 0;
}

static int
teardown(void **state)
{
	char other[96];

	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	close(said_fd);
	snprintf(other, sizeof(other), "%s/other", dir);
	unlink(other);
	unlink(said_path);
	chmod(dir, 0700);
	if (unlink(path) != 0)
		rmdir(path);
	return rmdir(dir);
}

/* What was logged since the last call. */
static const char *
take_said(void)
{
	ssize_t n = pread(said_fd, said, sizeof(said) - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	if (ftruncate(said_fd, 0) != 0)
		said[0] = '\0';
	return said;
}

static struct seen *
open_seen(void)
{
	int rc = 1;
	struct seen *seen = seen_open(dir, &rc, error, sizeof(error));

	if (seen == NULL)
		fail_msg("%s", error);
	assert_int_equal(rc, 0);
	return seen;
}

/* The file can be had by nobody, for that reason. */
static void
check_refused(int rc_wanted, const char *what)
{
	int rc = 0;

	assert_null(seen_open(dir, &rc, error, sizeof(error)));
	assert_int_equal(rc, rc_wanted);
	if (strncmp(error, path, strlen(path)) != 0 || strstr(error, what) == NULL)
		fail_msg("\"%s\" does not name the file and \"%s\"", error, what);
}

static void
check_works(struct seen *seen)
{
	char id[32];

	for (unsigned i = 0; i < 3 * SEEN_IDS; i++) {
		snprintf(id, sizeof(id), "work-%u", i);
		assert_false(seen_has(seen, "worker@example.org", id));
		seen_note(seen, "worker@example.org", id);
		assert_true(seen_has(seen, "worker@example.org", id));
	}
}

/* One of ours that knows something, and its front. */
static void
make_good(struct seen_front *front)
{
	struct seen *seen = open_seen();
	int fd;

	seen_note(seen, ROMEO, "a1");
	seen_note(seen, "juliet@forza.local", "b1");
	seen_close(seen);
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, front, sizeof(*front), 0), sizeof(*front));
	close(fd);
}

static void
put_front(const struct seen_front *front)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, front, sizeof(*front), 0), sizeof(*front));
	close(fd);
}

/* It is begun anew, with a warning that says why, works, and is good the next time. */
static void
check_begun_anew(const char *why)
{
	struct seen *seen;

	take_said();
	seen = open_seen();
	take_said();
	if (strstr(said, path) == NULL || strstr(said, why) == NULL ||
	    strstr(said, "begun anew") == NULL)
		fail_msg("\"%s\" does not say \"%s\"", said, why);
	assert_false(seen_knows(seen, ROMEO));
	check_works(seen);
	seen_note(seen, ROMEO, "a2");
	seen_close(seen);
	seen = open_seen();
	assert_string_equal(take_said(), "");
	assert_true(seen_has(seen, ROMEO, "a2"));
	seen_close(seen);
}

/* --- damaged --------------------------------------------------------------------------------- */

static void
test_new(void **state)
{
	struct seen *seen = open_seen();
	struct stat st;

	assert_string_equal(take_said(), "");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, sizeof(struct seen_map));
	assert_true(st.st_blocks * 512 <= 16384);
	check_works(seen);
	seen_close(seen);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 <= 16384 + (blkcnt_t)sizeof(struct seen_tables) + 8192);
}

static void
test_wrong_length(void **state)
{
	static const off_t lengths[] = { 1,
					 7,
					 8,
					 100,
					 4096,
					 sizeof(struct seen_front) - 1,
					 sizeof(struct seen_front),
					 65536,
					 sizeof(struct seen_map) - 1,
					 sizeof(struct seen_map) + 1,
					 3 * sizeof(struct seen_map) };
	struct seen_front front;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_good(&front);
		assert_int_equal(truncate(path, lengths[i]), 0);
		check_begun_anew(lengths[i] < (off_t)sizeof(front) ? "is none of ours"
								   : "is not of its length");
		assert_int_equal(unlink(path), 0);
	}
}

static void
check_damage(const struct seen_front *good, const struct seen_front *bad, const char *why)
{
	put_front(bad);
	check_begun_anew(why);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, sizeof(struct seen_map)), 0);
	put_front(good);
}

static void
test_damaged(void **state)
{
	struct seen_front good, bad;

	make_good(&good);
	bad = good;
	bad.head.magic[3] ^= 1;
	check_damage(&good, &bad, "none of ours");
	bad = (struct seen_front){ 0 };
	check_damage(&good, &bad, "none of ours");
	bad = good;
	bad.head.version++;
	check_damage(&good, &bad, "another version");
	bad = good;
	bad.head.order = 0x04030201;
	check_damage(&good, &bad, "another version");
	bad = good;
	bad.head.senders = 1000000;
	check_damage(&good, &bad, "another version");
	bad = good;
	bad.senders[1].count[1] = SEEN_IDS + 1;
	check_damage(&good, &bad, "damaged");
	bad = good;
	bad.senders[0].current = 2;
	check_damage(&good, &bad, "damaged");
	bad = good;
	memcpy(bad.senders[1].name, bad.senders[0].name, SEEN_NAME);
	check_damage(&good, &bad, "damaged");
}

/* Counting goes on from wherever it stands. */
static void
test_end_of_numbers(void **state)
{
	struct seen_front front;
	struct seen *seen;

	make_good(&front);
	front.senders[0].noted_at = UINT64_MAX;
	put_front(&front);
	for (unsigned i = 0; i < 3; i++) {
		seen = open_seen();
		assert_string_equal(take_said(), "");
		assert_true(seen_has(seen, ROMEO, "a1"));
		seen_note(seen, ROMEO, "a2");
		seen_note(seen, "juliet@forza.local", "b2");
		seen_close(seen);
	}
}

/* Where numbers cannot tell: tables full of rubbish, counts of free slots. Nothing stops on it. */
static void
test_rubbish_in_tables(void **state)
{
	struct seen_front front;
	struct seen *seen;
	int random = open("/dev/urandom", O_RDONLY), fd;
	static unsigned char rubbish[sizeof(struct seen_tables)];

	make_good(&front);
	fd = open(path, O_WRONLY);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(read(random, rubbish, sizeof(rubbish)), sizeof(rubbish));
		if (i == 1)
			memset(rubbish, 0xff, sizeof(rubbish));
		assert_int_equal(
			pwrite(fd, rubbish, sizeof(rubbish),
			       (off_t)(offsetof(struct seen_map, tables) + i * sizeof(rubbish))),
			sizeof(rubbish));
		front.senders[i].count[0] = i < 2 ? 7 : UINT32_MAX;
		front.senders[i].count[1] = i < 2 ? SEEN_IDS : UINT32_MAX;
	}
	close(fd);
	close(random);
	put_front(&front);
	seen = open_seen();
	assert_string_equal(take_said(), "");
	assert_false(seen_has(seen, ROMEO, "new"));
	seen_note(seen, ROMEO, "new");
	assert_true(seen_has(seen, ROMEO, "new"));
	seen_note(seen, "juliet@forza.local", "new");
	assert_true(seen_has(seen, "juliet@forza.local", "new"));
	check_works(seen);
	for (unsigned i = 0; i < 3 * SEEN_IDS; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%u", i);
		seen_note(seen, ROMEO, id);
		assert_true(seen_has(seen, ROMEO, id));
	}
	seen_close(seen);
}

/* --- somebody else's ------------------------------------------------------------------------- */

static void
test_link(void **state)
{
	char other[96];
	struct stat st;

	snprintf(other, sizeof(other), "%s/other", dir);
	close(open(other, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(symlink("other", path), 0);
	check_refused(-ELOOP, "symbolic link");
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void
test_no_file(void **state)
{
	assert_int_equal(mkfifo(path, 0600), 0);
	check_refused(-EINVAL, "no file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	check_refused(-EISDIR, "directory");
}

static void
test_no_folder(void **state)
{
	char before[64];

	memcpy(before, dir, sizeof(dir));
	snprintf(dir, sizeof(dir), "%.50s/none", before);
	snprintf(path, sizeof(path), "%s/seen", dir);
	check_refused(-ENOENT, "No such file");
	memcpy(dir, before, sizeof(dir));
	snprintf(path, sizeof(path), "%s/seen", dir);
}

static void
test_others_file(void **state)
{
	struct seen_front front;

	if (geteuid() != 0)
		skip();
	make_good(&front);
	assert_int_equal(chown(path, 1, 1), 0);
	check_refused(-EPERM, "belongs to user 1");
}

/* Others may have written it, or know its secret. */
static void
test_others_may_write(void **state)
{
	struct seen_front front;
	struct stat st;

	make_good(&front);
	assert_int_equal(chmod(path, 0640), 0);
	check_begun_anew("by others");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* --- two at once ----------------------------------------------------------------------------- */

static void
test_second_process(void **state)
{
	struct seen *first = open_seen(), *second;

	seen_note(first, ROMEO, "a1");
	take_said();
	second = open_seen();
	take_said();
	assert_non_null(strstr(said, path));
	assert_non_null(strstr(said, "another process has it"));
	assert_non_null(strstr(said, "in memory only"));
	assert_false(seen_has(second, ROMEO, "a1"));
	check_works(second);
	seen_close(second);
	seen_note(first, ROMEO, "a2");
	seen_close(first);
	first = open_seen();
	assert_string_equal(take_said(), "");
	assert_true(seen_has(first, ROMEO, "a1") && seen_has(first, ROMEO, "a2"));
	assert_false(seen_knows(first, "worker@example.org"));
	seen_close(first);
}

/* Who has it open does not mind; the next one begins with what is there then. */
static void
test_replaced(void **state)
{
	struct seen *old = open_seen(), *new;

	seen_note(old, ROMEO, "a1");
	assert_int_equal(unlink(path), 0);
	new = open_seen();
	assert_string_equal(take_said(), "");
	assert_false(seen_has(new, ROMEO, "a1"));
	seen_note(new, ROMEO, "b1");
	check_works(old);
	assert_true(seen_has(old, ROMEO, "a1"));
	assert_false(seen_has(old, ROMEO, "b1"));
	seen_close(old);
	seen_close(new);
	new = open_seen();
	assert_true(seen_has(new, ROMEO, "b1"));
	seen_close(new);
}

/* --- no room --------------------------------------------------------------------------------- */

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
		cmocka_unit_test_setup_teardown(test_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rubbish_in_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others_may_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_takes_some, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_takes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_lost_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_at_rest, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
