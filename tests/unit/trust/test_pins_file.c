/* SPDX-License-Identifier: ISC */
/* test_pins_file.c: the file of pins: killed while writing, two writers, no room, others' hands. */
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
#include <time.h>
#include <unistd.h>

#include "trust/pins_impl.h"

#define KILLS 100
#define RING  20 /* keys that are put over and over */
#define EACH  60 /* pins of each writer */

static char dir[64], path[96], error[512];

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_pins_file.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/pins", dir);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "pins", "pins.lock", "pins.new", "other" };
	char file[96];

	chmod(dir, 0700);
	for (size_t i = 0; i < 4; i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
		unlink(file);
	}
	return rmdir(dir);
}

static struct pins *
open_pins(void)
{
	struct pins *pins = pins_open(dir, error, sizeof(error));

	if (pins == NULL)
		fail_msg("%s", error);
	return pins;
}

/* The file can be opened by nobody: why must hold all of that. */
static void
check_refused(const char *what, const char *advice)
{
	assert_null(pins_open(dir, error, sizeof(error)));
	if (strstr(error, what) == NULL || strstr(error, advice) == NULL ||
	    strncmp(error, dir, strlen(dir)) != 0)
		fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error, what, advice);
}

static struct ear_key
key_of(uint32_t n)
{
	struct ear_key key = { { 0 } };

	memcpy(key.sha256, &n, sizeof(n));
	return key;
}

static int
put(struct pins *pins, uint32_t n, const char *jid)
{
	struct ear_key key = key_of(n);
	struct pin *pin = pin_new(&key);
	int rc;

	pin->voucher = EAR_BY_SERVER;
	pin_add_jid(pin, jid);
	rc = pins_put(pins, pin);
	pin_free(pin);
	return rc;
}

static bool
has(const struct pins *pins, uint32_t n)
{
	struct ear_key key = key_of(n);

	return pins_find(pins, &key) != NULL;
}

/* --- killed ---------------------------------------------------------------------------------- */

/* Puts number after number, and says so when each is stored. */
static void
put_for_ever(uint32_t from, int out)
{
	struct pins *pins = pins_open(dir, error, sizeof(error));
	char jid[64];

	for (uint32_t i = from; pins != NULL; i++) {
		snprintf(jid, sizeof(jid), "d%u@example.org", (unsigned)i);
		if (put(pins, i % RING, jid) != 0 || write(out, &i, sizeof(i)) != sizeof(i))
			break;
	}
	_exit(1);
}

/* Lets some changes through, then any part of one, then kills. The last that was acknowledged. */
static uint32_t
run_and_kill(uint32_t from)
{
	struct timespec moment = { .tv_nsec = random() % 1500000 };
	uint32_t last = from - 1, wanted = (uint32_t)random() % 3;
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0)
		put_for_ever(from, fds[1]);
	close(fds[1]);
	while (last + 1 < from + wanted && read(fds[0], &last, sizeof(last)) == sizeof(last))
		;
	nanosleep(&moment, NULL);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(fds[0], &last, sizeof(last)) == sizeof(last))
		;
	close(fds[0]);
	return last;
}

/* The file holds what it held after change number last, and of no later one any part. */
static bool
is_after(const struct pins *pins, uint32_t last)
{
	char jid[64];

	for (uint32_t i = last >= RING ? last - RING + 1 : 1; i <= last; i++) {
		struct ear_key key = key_of(i % RING);
		const struct pin *pin = pins_find(pins, &key);

		snprintf(jid, sizeof(jid), "d%u@example.org", (unsigned)i);
		if (pin == NULL || pin->jid_count != 1 || strcmp(pin->jids[0], jid) != 0)
			return false;
	}
	return pins_count(pins) == (last < RING ? last : RING);
}

static void
test_killed_at_any_moment(void **state)
{
	uint32_t next = 1;

	srandom((unsigned)getpid());
	for (unsigned i = 0; i < KILLS; i++) {
		uint32_t last = run_and_kill(next);
		struct pins *pins = open_pins();

		if (is_after(pins, last + 1))
			last++; /* stored, and killed before it could say so */
		else if (!is_after(pins, last))
			fail_msg("not the state after change %u, nor after the next", last);
		pins_free(pins);
		next = last + 1;
	}
	assert_true(next > RING);
}

/* --- two processes --------------------------------------------------------------------------- */

static pid_t
writer(uint32_t from)
{
	pid_t child = fork();
	struct pins *pins;

	if (child != 0)
		return child;
	pins = pins_open(dir, error, sizeof(error));
	for (uint32_t i = from; pins != NULL && i < from + EACH; i++)
		if (put(pins, i, "tv.example.org") != 0)
			_exit(1);
	_exit(pins == NULL);
}

static void
test_two_writers_lose_nothing(void **state)
{
	pid_t a = writer(0), b = writer(1000);
	struct pins *pins;
	int status;

	assert_int_equal(waitpid(a, &status, 0), a);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(b, &status, 0), b);
	assert_int_equal(status, 0);
	pins = open_pins();
	assert_int_equal(pins_count(pins), 2 * EACH);
	for (uint32_t i = 0; i < EACH; i++)
		assert_true(has(pins, i) && has(pins, 1000 + i));
	pins_free(pins);
}

static void
test_others_changes_come_with_ours(void **state)
{
	struct pins *a = open_pins(), *b = open_pins();
	struct ear_key key = key_of(1);
	struct pin *lazy = pin_new(&key);

	/* Two a second and of the same size: nothing but the inode tells them apart. */
	for (uint32_t i = 1; i <= 20; i++)
		assert_int_equal(put(i % 2 == 0 ? a : b, i, "tv.example.org"), 0);
	assert_int_equal(pins_count(a), 20);
	/* What one removes, the other does not bring back. */
	assert_int_equal(pins_remove(a, &key), 0);
	assert_int_equal(put(b, 21, "tv.example.org"), 0);
	assert_false(has(b, 1));
	/* A key that was only seen does not undo what another process knows about it. */
	assert_int_equal(pins_put(b, lazy), 0);
	assert_int_equal(put(a, 1, "tv.example.org"), 0);
	assert_int_equal(pins_flush(b), 0);
	assert_int_equal(pins_find(b, &key)->voucher, EAR_BY_SERVER);
	pin_free(lazy);
	pins_free(a);
	pins_free(b);
}

static void
test_removed_file_is_written_again(void **state)
{
	struct pins *pins = open_pins();

	assert_int_equal(put(pins, 1, "tv.example.org"), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(put(pins, 2, "tv.example.org"), 0);
	pins_free(pins);
	pins = open_pins();
	assert_true(has(pins, 1) && has(pins, 2));
	pins_free(pins);
}

static void
test_lock_is_held(void **state)
{
	struct pins *pins = open_pins();
	struct pins_file file = { 0 };

	assert_int_equal(pins_file_open(&file, dir, error, sizeof(error)), 0);
	assert_int_equal(pins_file_lock(&file), 0);
	assert_int_equal(put(pins, 1, "tv.example.org"), -EBUSY);
	assert_true(has(pins, 1));
	pins_file_close(&file);
	assert_int_equal(pins_flush(pins), 0);
	assert_int_equal(access(path, R_OK), 0);
	pins_free(pins);
}

/* --- no room, no right ----------------------------------------------------------------------- */

/* A disk that takes only a part: the old file stays whole, and the next change stores both. */
static void
test_no_room(void **state)
{
	struct pins *pins = open_pins(), *other;
	struct rlimit before, small;

	assert_int_equal(put(pins, 1, "tv.example.org"), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	small = before;
	small.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(put(pins, 2, "tv.example.org"), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_true(has(pins, 2));
	other = open_pins();
	assert_true(has(other, 1) && !has(other, 2));
	pins_free(other);
	assert_int_equal(put(pins, 3, "tv.example.org"), 0);
	other = open_pins();
	assert_int_equal(pins_count(other), 3);
	pins_free(other);
	pins_free(pins);
}

/* On a disk of a few pages that is nobody else's. 77: only root can have one. */
static int
fill_disk(void)
{
	struct pins *pins;
	uint32_t n = 0;
	int rc;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=16k,mode=700") != 0)
		return 77;
	pins = pins_open(dir, error, sizeof(error));
	if (pins == NULL)
		return 1;
	while ((rc = put(pins, n, "tv.example.org")) == 0 && n < 1000)
		n++;
	if (rc != -ENOSPC || !has(pins, n))
		return 2;
	pins_free(pins);
	pins = pins_open(dir, error, sizeof(error));
	if (pins == NULL || pins_count(pins) != n || n < 10)
		return 3;
	pins_free(pins);
	return 0;
}

static void
test_full_disk(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(fill_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* As somebody whom file modes bind. */
static int
put_in_read_only_dir(void)
{
	struct pins *pins;

	if (geteuid() == 0 &&
	    (chown(dir, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
		return 1;
	pins = pins_open(dir, error, sizeof(error));
	if (pins == NULL || put(pins, 1, "tv.example.org") != 0 || chmod(dir, 0500) != 0)
		return 2;
	if (put(pins, 2, "tv.example.org") != -EACCES || !has(pins, 2))
		return 3;
	if (chmod(dir, 0700) != 0 || pins_flush(pins) != 0)
		return 4;
	pins_free(pins);
	pins = pins_open(dir, error, sizeof(error));
	if (pins == NULL || pins_count(pins) != 2)
		return 5;
	pins_free(pins);
	return 0;
}

static void
test_read_only_dir(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(put_in_read_only_dir());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
test_others_hands(void **state)
{
	struct pins *pins = open_pins();

	assert_int_equal(put(pins, 1, "tv.example.org"), 0);
	pins_free(pins);
	chmod(path, 0620);
	check_refused("pins: others may write", "chmod 600");
	chmod(path, 0602);
	check_refused("pins: others may write", "chmod 600");
	chmod(path, 0644);
	pins_free(open_pins());
	chmod(dir, 0770);
	check_refused("others may write", "chmod 700");
	chmod(dir, 0700);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(path, 65534, -1), 0);
	check_refused("pins: belongs to user 65534", "chown 0");
}

static void
test_no_file(void **state)
{
	char other[96];

	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(symlink(other, path), 0);
	check_refused("pins", "symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_refused("pins", "not a file");
	unlink(path);
	assert_null(pins_open("/dev/null", error, sizeof(error)));
	assert_non_null(strstr(error, "not a directory"));
}

static void
test_missing_dirs_are_made(void **state)
{
	char deep[96], middle[96];
	struct stat st;

	snprintf(middle, sizeof(middle), "%s/a", dir);
	snprintf(deep, sizeof(deep), "%s/a/b", dir);
	pins_free(pins_open(deep, error, sizeof(error)));
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	rmdir(deep);
	rmdir(middle);
}

/* --- lines that cannot be read ---------------------------------------------------------------- */

#define KEY  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GOOD "<pin xmlns=\"" PIN_NS "\" key=\"" KEY "\" voucher=\"user\"/>\n"
#define PIN(rest)                                                                                  \
	"<pin xmlns=\"" PIN_NS "\" key=\"f0112233445566778899aabbccddeeff00112233445566778899aa"   \
	"bbccddeeff\" " rest "\n"

static void
write_file(const char *bytes, size_t length)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, length, out), length);
	fclose(out);
}

static const struct {
	const char *line, *why;
} bad_lines[] = {
	{ "\n", "not one element" },
	{ "hello\n", "not one element" },
	{ "# comment\n", "not one element" },
	{ "<pin>\n", "whole" },
	{ "<pin/><pin/>\n", "element" },
	{ "</stream:stream>\n", "element" },
	{ "<pin/>\n", "neither" },
	{ "<end/>\n", "neither" },
	{ "<!DOCTYPE pin [<!ENTITY a 'b'>]>\n", "" },
	{ "<pin xmlns=\"" PIN_NS "\" voucher=\"user\"/>\n", "missing" },
	{ PIN("/>"), "missing" },
	{ PIN("voucher=\"me\"/>"), "voucher" },
	{ PIN("voucher=\"user\" trusted=\"yes\"/>"), "true or false" },
	{ PIN("voucher=\"user\" blocked=\"true\"/>"), "unknown" },
	{ PIN("voucher=\"user\" seen-at=\"-1\"/>"), "seconds" },
	{ PIN("voucher=\"user\" seen-at=\"9999999999999999999\"/>"), "seconds" },
	{ PIN("voucher=\"user\">text</pin>"), "text" },
	{ PIN("voucher=\"user\"><jid/></pin>"), "canonical" },
	{ PIN("voucher=\"user\"><jid>A@Example.org</jid></pin>"), "canonical" },
	{ PIN("voucher=\"user\"><jid>a.example</jid><jid>a.example</jid></pin>"), "twice" },
	{ PIN("voucher=\"user\"><jid x=\"1\">a.example</jid></pin>"), "unknown" },
	{ PIN("voucher=\"user\"><nick>a</nick></pin>"), "neither" },
	{ "<pin xmlns=\"" PIN_NS "\" key=\"00\" voucher=\"user\"/>\n", "fingerprint" },
	{ GOOD, "twice" },
	{ PIN_FILE_END PIN_FILE_END, "behind" },
};

static void
test_bad_lines(void **state)
{
	char text[2048];

	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		snprintf(text, sizeof(text), GOOD "%s" PIN_FILE_END, bad_lines[i].line);
		write_file(text, strlen(text));
		check_refused(bad_lines[i].why, i + 1 < sizeof(bad_lines) / sizeof(bad_lines[0])
							? "pins:2: "
							: "pins:3: ");
		assert_non_null(strstr(error, "mend that line"));
	}
}

/* At any byte: an end that is missing is not an end. */
static void
test_cut_file(void **state)
{
	static const char whole[] = GOOD PIN_FILE_END;

	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		write_file(whole, i);
		check_refused("pins:", "cut");
	}
	write_file("<pin\0/>\n", 8);
	check_refused("pins:1", "NUL");
	write_file(whole, sizeof(whole) - 1);
	pins_free(open_pins());
}

/* Somebody's editor left a file that cannot be read: nothing is written over it. */
static void
test_unreadable_while_running(void **state)
{
	struct pins *pins = open_pins();
	char text[64] = "";
	FILE *in;

	assert_int_equal(put(pins, 1, "tv.example.org"), 0);
	write_file("broken\n", 7);
	assert_int_equal(put(pins, 2, "tv.example.org"), -EBADMSG);
	in = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), in));
	fclose(in);
	assert_string_equal(text, "broken\n");
	write_file(GOOD PIN_FILE_END, sizeof(GOOD PIN_FILE_END) - 1);
	assert_int_equal(pins_flush(pins), 0);
	assert_true(has(pins, 2) && !has(pins, 1));
	pins_free(pins);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_killed_at_any_moment),
		TEST(test_two_writers_lose_nothing),
		TEST(test_others_changes_come_with_ours),
		TEST(test_removed_file_is_written_again),
		TEST(test_lock_is_held),
		TEST(test_no_room),
		TEST(test_full_disk),
		TEST(test_read_only_dir),
		TEST(test_others_hands),
		TEST(test_no_file),
		TEST(test_missing_dirs_are_made),
		TEST(test_bad_lines),
		TEST(test_cut_file),
		TEST(test_unreadable_while_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
