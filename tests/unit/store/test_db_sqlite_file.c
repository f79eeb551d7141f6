/* SPDX-License-Identifier: ISC */
/* test_db_sqlite_file.c: what is answered is in the file, whatever happens to the process, the file
 * or its disk. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "db_rig.h"

static bool
exists(const char *end)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", file, end);
	return access(path, F_OK) == 0;
}

/* --- when there is a file ------------------------------------------------------------------ */

/* Neither a question nor a change that changes nothing makes one. */
static void
test_made_when_something_is_written(void **state)
{
	struct stat status;
	struct said said;

	again();
	assert_false(exists(""));
	assert_int_equal(count_things(), 0);
	give(&said, true, &sql_remove, "a", NULL, -ENODATA);
	turn();
	assert_int_equal(said.error, -ENODATA);
	assert_false(exists(""));
	assert_int_equal(add("a"), 0);
	assert_true(exists(""));
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(count_things(), 1);
	/* Of what was there before somebody may want to know. */
	assert_int_equal(news, 0);
	again();
	turn();
	assert_int_equal(news, 1);
	assert_int_equal(count_things(), 1);
	turn();
	assert_int_equal(news, 1);
}

/* Each of a turn's jobs is answered once, though all of them are done again in the file. */
static void
test_made_in_the_middle(void **state)
{
	struct said count, a, twice, after;

	again();
	give(&count, false, &sql_count, NULL, NULL, 0);
	give(&a, true, &sql_add, "a", "", -EEXIST);
	give(&twice, true, &sql_add, "a", "", -EEXIST);
	give(&after, false, &sql_count, NULL, NULL, 0);
	turn();
	assert_true(count.done && a.done && twice.done && after.done);
	assert_int_equal(count.number, 0);
	assert_int_equal(a.rows, 1);
	assert_int_equal(twice.error, -EEXIST);
	assert_int_equal(after.rows, 1);
	assert_int_equal(after.number, 1);
	again();
	assert_int_equal(count_things(), 1);
}

static void
test_no_directory(void **state)
{
	struct said said;

	open_as(&one, "/nonexistent/earshot/things.db");
	assert_int_equal(count_things(), 0);
	give(&said, true, &sql_add, "a", "", -EEXIST);
	turn();
	assert_int_equal(said.error, -EIO);
	assert_non_null(strstr(said.text, "/nonexistent/earshot/things.db: No such"));
	assert_int_equal(count_things(), 0);
}

/* --- damage -------------------------------------------------------------------------------- */

static void
write_file(const char *path, const void *bytes, size_t length)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, length, out), length);
	fclose(out);
}

static size_t
read_file(unsigned char *bytes, size_t room)
{
	FILE *in = fopen(file, "r");
	size_t length;

	assert_non_null(in);
	length = fread(bytes, 1, room, in);
	fclose(in);
	return length;
}

static void
execute(const char *sql)
{
	sqlite3 *sqlite;

	assert_int_equal(sqlite3_open(file, &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sqlite);
}

static void
test_damaged_is_set_aside(void **state)
{
	write_file(file, "this is no database, whatever its name says", 43);
	again();
	assert_true(exists(".bad"));
	assert_int_equal(count_things(), 0);
	assert_int_equal(add("a"), 0);
	again();
	assert_int_equal(count_things(), 1);
}

/* It was no harm to open it: that must be as good. */
static void
test_damage_that_shows_later(void **state)
{
	static char junk[4096], text[2001];
	static struct said many[250];
	struct db_step step = step_of(&sql_all, NULL, NULL, 0);
	struct said said, change, count;
	struct stat status;
	char name[16];
	int fd;

	memset(junk, 0xa5, sizeof(junk));
	memset(text, 'x', sizeof(text) - 1);
	again();
	for (int i = 0; i < 1750; i++) {
		snprintf(name, sizeof(name), "%d", i);
		give(&many[i % 250], true, &sql_add, name, text, -EEXIST);
		if (i % 250 == 249)
			turn();
	}
	again();
	assert_int_equal(add("open"), 0);
	assert_int_equal(stat(file, &status), 0);
	/* Several times what is kept in memory. */
	assert_true(status.st_size > 3 * 1000 * 1000);
	fd = open(file, O_WRONLY);
	for (off_t at = 8 * 4096; at < status.st_size; at += 4096)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
	/* Whatever else is given in that turn has not been done, and is told so. */
	give(&change, true, &sql_add, "late", "", -EEXIST);
	give_steps(&said, false, &step, 1);
	give(&count, false, &sql_count, NULL, NULL, 0);
	turn();
	assert_int_equal(said.error, -EUCLEAN);
	assert_int_equal(said.rows, 0);
	assert_non_null(strstr(said.text, "damaged"));
	assert_int_equal(change.error, -EUCLEAN);
	assert_int_equal(count.error, -EUCLEAN);
	assert_true(exists(".bad"));
	assert_false(exists(""));
	assert_int_equal(count_things(), 0);
	assert_int_equal(add("anew"), 0);
	again();
	assert_int_equal(count_things(), 1);
}

static void
test_flipped_bytes_never_crash(void **state)
{
	static unsigned char bytes[512 * 1024];
	unsigned seed = (unsigned)time(NULL);
	struct said said;
	size_t length;

	again();
	for (int i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "name %d", i);
		give(&said, true, &sql_add, name, "text", -EEXIST);
	}
	shut();
	length = read_file(bytes, sizeof(bytes));
	print_message("seed %u, %zu bytes\n", seed, length);
	for (int round = 0; round < 40; round++) {
		size_t at[8];

		for (int i = 0; i < 8; i++) {
			at[i] = (size_t)rand_r(&seed) % length;
			bytes[at[i]] ^= 0x55;
		}
		write_file(file, bytes, round % 4 == 3 ? at[0] : length);
		for (int i = 8; i-- > 0;)
			bytes[at[i]] ^= 0x55;
		if (try_open_as(&one, file) == 0) {
			count_things();
			add("fresh");
			count_things();
		}
		shut();
	}
}

static void
test_not_ours(void **state)
{
	static unsigned char before[65536], after[65536];
	size_t length;

	execute("CREATE TABLE stranger (x)");
	assert_int_equal(try_open_as(&one, file), -EINVAL);
	assert_non_null(strstr(error, "a database of something else"));
	/* Nor when its version is one that we know: the spool's, for example. */
	execute("PRAGMA user_version = 1");
	length = read_file(before, sizeof(before));
	assert_int_equal(try_open_as(&one, file), -EINVAL);
	assert_int_equal(read_file(after, sizeof(after)), length);
	assert_memory_equal(before, after, length);
	assert_false(exists(".bad"));
}

static void
test_later_version_is_left_alone(void **state)
{
	struct stat before, after;

	again();
	assert_int_equal(add("a"), 0);
	shut();
	execute("PRAGMA user_version = 99");
	assert_int_equal(stat(file, &before), 0);
	assert_int_equal(try_open_as(&one, file), -EPROTONOSUPPORT);
	assert_null(db);
	assert_int_equal(stat(file, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_false(exists(".bad"));
}

/* --- what may pass ------------------------------------------------------------------------- */

/* Locks do not hold within one process: another one has it. */
static void
test_locked(void **state)
{
	int ready[2], done[2], status;
	char byte;
	pid_t pid;

	again();
	assert_int_equal(add("a"), 0);
	shut();
	assert_int_equal(pipe(ready) | pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		open_as(&one, file);
		if (write(ready[1], "r", 1) != 1 || read(done[0], &byte, 1) != 1)
			_exit(2);
		shut();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	again();
	assert_int_equal(count_things(), -EBUSY);
	assert_int_equal(add("b"), -EBUSY);
	assert_int_equal(write(done[1], "d", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(add("b"), 0);
	assert_int_equal(count_things(), 2);
	close(ready[0]);
	close(ready[1]);
	close(done[0]);
	close(done[1]);
}

/* No byte more may be written: what was there stays, and it goes on when there is room again. */
static void
test_disk_that_takes_nothing(void **state)
{
	struct rlimit old, none = { 0 };
	struct said said, small;
	char *text = xalloc(100 * 1024);

	memset(text, 'x', 100 * 1024 - 1);
	again();
	assert_int_equal(add("first"), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	give(&small, true, &sql_add, "small", "", -EEXIST);
	give(&said, true, &sql_add, "big", text, -EEXIST);
	turn();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_not_equal(said.error, 0);
	assert_int_equal(small.error, said.error);
	assert_int_equal(said.rows, 0);
	assert_non_null(strstr(said.text, file));
	assert_int_equal(count_things(), 1);
	assert_int_equal(add("second"), 0);
	again();
	assert_int_equal(count_things(), 2);
	free(text);
}

/* A file system of its own, in a mount namespace that only we see; false: that may not be made. */
static bool
own_disk(const char *options)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	return mount("tmpfs", dir, "tmpfs", 0, options) == 0;
}

static int
fill_disk(void)
{
	static char text[50 * 1024];
	struct said said;
	char name[16];
	int n = 0;

	memset(text, 'x', sizeof(text) - 1);
	do {
		snprintf(name, sizeof(name), "%d", n);
		give(&said, true, &sql_add, name, text, -EEXIST);
		turn();
	} while (said.error == 0 && ++n < 100);
	assert_int_equal(said.error, -ENOSPC);
	assert_non_null(strstr(said.text, "make room"));
	return n;
}

/* In a child, whose file systems end with it. */
static void
in_own_disk(const char *options, void (*fn)(void))
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		if (!own_disk(options))
			_exit(77);
		fn();
		shut();
		umount(dir);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
disk_full(void)
{
	struct said said;
	int n;

	again();
	n = fill_disk();
	assert_int_equal(count_things(), n);
	give(&said, true, &sql_remove, "0", NULL, -ENODATA);
	turn();
	/* Whether that finds room for itself or not, nothing is half. */
	assert_true(said.error == 0 || said.error == -ENOSPC);
	again();
	assert_int_equal(count_things(), n - (said.error == 0));
	assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT, "size=8m"), 0);
	assert_int_equal(add("room"), 0);
}

static void
test_disk_full(void **state)
{
	in_own_disk("size=1m", disk_full);
}

static void
read_only(void)
{
	again();
	assert_int_equal(add("a"), 0);
	shut();
	assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	again();
	assert_int_equal(add("b"), -EROFS);
	assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT, NULL), 0);
	assert_int_equal(add("b"), 0);
	assert_int_equal(count_things(), 2);
}

static void
test_read_only(void **state)
{
	in_own_disk("size=1m", read_only);
}

/* --- kill -9 ------------------------------------------------------------------------------- */

#define KILLS 40
#define PAIRS 100000

/* A child tells of each answer. */
struct teller {
	int fd, number;
};

static void
on_pair(void *arg, int failed, size_t step, const char *text)
{
	struct teller *teller = arg;

	if (failed != 0 || write(teller->fd, &teller->number, sizeof(int)) != sizeof(int))
		_exit(3);
	free(teller);
}

/* Things come in pairs, some turns with one, some with many, until it is killed. */
static void
writer(int fd, int number, unsigned seed)
{
	char names[2][32];

	open_as(&one, file);
	for (;;) {
		for (int n = 1 + rand_r(&seed) % 20; n > 0 && number < PAIRS; n--, number++) {
			struct db_step steps[2] = { step_of(&sql_add, names[0], "", -EEXIST),
						    step_of(&sql_add, names[1], "", -EEXIST) };
			struct teller *teller = xalloc(sizeof(*teller));
			struct db_job job = { steps, 2, true, NULL, on_pair, teller, false };

			*teller = (struct teller){ fd, number };
			snprintf(names[0], sizeof(names[0]), "%d a", number);
			snprintf(names[1], sizeof(names[1]), "%d b", number);
			db->kind->run(db, &job);
		}
		turn();
		if (number == PAIRS)
			_exit(0);
	}
}

struct pairs {
	unsigned char *parts; /* 1: a, 2: b */
	int last;
};

static void
on_thing(void *arg, size_t step, const struct db_value *columns, size_t count)
{
	struct pairs *pairs = arg;
	int number = atoi(columns[0].text);

	pairs->parts[number] |= strchr(columns[0].text, 'a') != NULL ? 1 : 2;
	pairs->last = number > pairs->last ? number : pairs->last;
}

static void
on_things(void *arg, int failed, size_t step, const char *text)
{
	assert_int_equal(failed, 0);
}

static void
look(struct pairs *pairs)
{
	struct db_step step = step_of(&sql_all, NULL, NULL, 0);
	struct db_job job = { &step, 1, false, on_thing, on_things, pairs, false };

	memset(pairs->parts, 0, PAIRS);
	pairs->last = -1;
	again();
	db->kind->run(db, &job);
	turn();
	shut();
}

static void
test_killed_at_random(void **state)
{
	unsigned char *told = xalloc(PAIRS);
	struct pairs pairs = { xalloc(PAIRS), -1 };
	unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid();
	int number, kills = 0, count = 0, begun;

	print_message("seed %u\n", seed);
	for (int round = 0; round < KILLS; round++) {
		int ends[2], status, delay = rand_r(&seed) % 12000;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0) {
			close(ends[0]);
			writer(ends[1], pairs.last + 1, seed);
		}
		close(ends[1]);
		/* A busy machine may take long until it begins. */
		begun = round % 4 == 0 ? 0 : (int)read(ends[0], &number, sizeof(number));
		if (begun > 0)
			told[number] = 1;
		count += begun > 0;
		usleep(delay); /* this is the fault, not a wait */
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		kills += WIFSIGNALED(status);
		while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
			told[number] = 1;
			count++;
		}
		close(ends[0]);
		look(&pairs);
		for (int i = 0; i < PAIRS; i++) {
			if (told[i] && pairs.parts[i] != 3)
				fail_msg("round %d: %d was answered and is lost", round, i);
			if (pairs.parts[i] != 0 && pairs.parts[i] != 3)
				fail_msg("round %d: %d is half there", round, i);
		}
	}
	assert_false(exists(".bad"));
	print_message("%d killed, %d answered\n", kills, count);
	assert_true(kills > KILLS / 2 && count > 0);
	free(told);
	free(pairs.parts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_made_when_something_is_written),
		TEST(test_made_in_the_middle),
		TEST(test_no_directory),
		TEST(test_damaged_is_set_aside),
		TEST(test_damage_that_shows_later),
		TEST(test_flipped_bytes_never_crash),
		TEST(test_not_ours),
		TEST(test_later_version_is_left_alone),
		TEST(test_locked),
		TEST(test_disk_that_takes_nothing),
		TEST(test_disk_full),
		TEST(test_read_only),
		TEST(test_killed_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
