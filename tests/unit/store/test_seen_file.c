/* SPDX-License-Identifier: ISC */
/* test_seen_file.c: the file "seen": damaged, somebody else's, two at once. */
#include <errno.h>

#include "seen_rig.h"

#define ROMEO "romeo@pronto.local"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
