/* SPDX-License-Identifier: ISC */
/* test_spool_db.c: what is committed is there, whatever happens to the process, its file or its
 * disk. */
#include "spool_rig.h"

/* --- what happens to files ---------------------------------------------------------------- */

static void
write_file(const char *path, const void *bytes, size_t length)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, length, out), length);
	fclose(out);
}

static void
execute(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static bool
is_set_aside(const char *end)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.bad%s", file, end);
	return access(path, F_OK) == 0;
}

static void
test_damaged_is_set_aside(void **state)
{
	write_file(file, "this is no database, whatever its name says", 43);
	again();
	assert_true(is_set_aside(""));
	assert_int_equal(spool_count(spool), 0);
	assert_int_equal(add_short(TO, "a"), 0);
	assert_int_equal(spool_commit(spool), 0);
	spool_close(spool);
	spool = NULL;
	/* Another database, not ours. */
	assert_int_equal(unlink(file), 0);
	execute("CREATE TABLE stranger (x)");
	again();
	assert_true(is_set_aside(".2"));
	assert_int_equal(spool_count(spool), 0);
}

static void
test_flipped_bytes_never_crash(void **state)
{
	static unsigned char bytes[256 * 1024];
	unsigned seed = (unsigned)time(NULL);
	size_t length;
	FILE *in;
	char id[32];

	again();
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		assert_int_equal(add(TO, id, (char *)bytes, 100), 0);
	}
	assert_int_equal(spool_commit(spool), 0);
	spool_close(spool);
	spool = NULL;
	in = fopen(file, "r");
	length = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	print_message("seed %u, %zu bytes\n", seed, length);
	for (int round = 0; round < 40; round++) {
		size_t at[8];
		struct found found = { 0 };

		for (int i = 0; i < 8; i++) {
			at[i] = (size_t)rand_r(&seed) % length;
			bytes[at[i]] ^= 0x55;
		}
		write_file(file, bytes, round % 4 == 3 ? at[0] : length);
		for (int i = 8; i-- > 0;)
			bytes[at[i]] ^= 0x55;
		spool = spool_open(dir, &rc, error, sizeof(error));
		if (spool != NULL) {
			spool_each(spool, NULL, 0, on_item, &found);
			if (add_short(TO, "fresh") == 0)
				spool_commit(spool);
		} else {
			assert_int_not_equal(rc, 0);
			assert_non_null(strstr(error, file));
		}
		spool_close(spool);
		spool = NULL;
	}
}

static void
test_later_version_is_refused(void **state)
{
	struct stat before, after;

	again();
	spool_close(spool);
	execute("PRAGMA user_version = 2");
	assert_int_equal(stat(file, &before), 0);
	spool = spool_open(dir, &rc, error, sizeof(error));
	assert_null(spool);
	assert_int_equal(rc, -EPROTONOSUPPORT);
	assert_non_null(strstr(error, "a later earshotd"));
	assert_int_equal(stat(file, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_false(is_set_aside(""));
}

/* Locks do not hold within one process: another one has it. */
static void
test_locked(void **state)
{
	int ready[2], done[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready) | pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		spool = spool_open(dir, &rc, error, sizeof(error));
		if (write(ready[1], "r", 1) != 1 || read(done[0], &byte, 1) != 1)
			_exit(2);
		spool_close(spool);
		_exit(spool == NULL);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	spool = spool_open(dir, &rc, error, sizeof(error));
	assert_int_equal(write(done[1], "d", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_null(spool);
	assert_int_equal(rc, -EBUSY);
	assert_non_null(strstr(error, "another process"));
	again();
	close(ready[0]);
	close(ready[1]);
	close(done[0]);
	close(done[1]);
}

static void
test_no_directory(void **state)
{
	assert_null(spool_open("/nonexistent/earshot", &rc, error, sizeof(error)));
	assert_non_null(strstr(error, "/nonexistent/earshot/spool.db: "));
	assert_int_not_equal(rc, 0);
}

/* No byte more may be written: what was there stays, and it goes on when there is room again. */
static void
test_disk_that_takes_nothing(void **state)
{
	struct rlimit old, none = { 0 };
	char *text = xalloc(100 * 1024), id[32];
	int n = 0, failed = 0;

	memset(text, 'x', 100 * 1024);
	again();
	assert_int_equal(add_short(TO, "first"), 0);
	assert_int_equal(spool_commit(spool), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	for (; n < 20 && failed == 0; n++) {
		snprintf(id, sizeof(id), "id%d", n);
		failed = add(TO, id, text, 100 * 1024);
		if (failed == 0)
			failed = spool_commit(spool);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_not_equal(failed, 0);
	assert_non_null(strstr(spool_error(spool), file));
	assert_false(spool_is_open(spool));
	assert_int_equal(find(TO).count, n);
	assert_int_equal(add_short(TO, "second"), 0);
	assert_int_equal(spool_commit(spool), 0);
	again();
	assert_int_equal(find(TO).count, n + 1);
	free(text);
}

/* --- kill -9 ------------------------------------------------------------------------------ */

#define KILLS 60
#define IDS   100000

/* Told through the pipe: what is accepted, what is about to be removed. */
struct word {
	int number;
	bool removes;
};

static bool
tell(int fd, int number, bool removes)
{
	struct word word = { number, removes };

	return write(fd, &word, sizeof(word)) == sizeof(word);
}

static void
remove_id(int fd, int number)
{
	struct found found = { 0 };
	char id[32];

	snprintf(id, sizeof(id), "%d", number);
	if (tell(fd, number, true))
		spool_drop(spool, id, id, on_item, &found);
}

/* Adds one to three at a time and removes every fifth, until it is killed. */
static void
writer(int fd, int number, unsigned seed)
{
	char id[32];

	spool = spool_open(dir, &rc, error, sizeof(error));
	while (spool != NULL && number < IDS - 4) {
		int first = number, n = 1 + rand_r(&seed) % 3;

		for (; number < first + n; number++) {
			snprintf(id, sizeof(id), "%d", number);
			if (add_short(TO, id) != 0)
				_exit(3);
		}
		if (spool_commit(spool) != 0)
			_exit(4);
		for (int i = first; i < number; i++)
			if (!tell(fd, i, false))
				_exit(5);
		if (first % 5 == 0)
			remove_id(fd, first);
		/* It would be full soon. */
		if (spool_count(spool) > SPOOL_TO_COUNT_MAX / 2)
			_exit(0);
	}
	_exit(spool == NULL);
}

struct seen {
	unsigned char *times;
	int last;
	bool ordered;
};

static void
on_seen(void *arg, const struct spool_item *item)
{
	struct seen *seen = arg;
	int number = atoi(item->id);

	seen->times[number]++;
	seen->ordered = seen->ordered && number > seen->last;
	seen->last = number;
}

static int
read_words(int fd, unsigned char *accepted, unsigned char *removed)
{
	struct word word;
	int last = -1;

	while (read(fd, &word, sizeof(word)) == sizeof(word)) {
		if (word.removes)
			removed[word.number] = 1;
		else
			accepted[word.number] = 1;
		last = word.number > last ? word.number : last;
	}
	return last;
}

static void
test_killed_at_random(void **state)
{
	unsigned char *accepted = xalloc(IDS), *removed = xalloc(IDS), *times = xalloc(IDS);
	unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid();
	int number = 0, kills = 0, found = 0;

	print_message("seed %u\n", seed);
	for (int round = 0; round < KILLS; round++) {
		struct seen seen = { times, -1, true };
		int ends[2], status, last, delay;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		delay = rand_r(&seed) % 12000;
		pid = fork();
		if (pid == 0) {
			close(ends[0]);
			writer(ends[1], number, seed);
		}
		close(ends[1]);
		usleep(delay); /* this is the fault, not a wait */
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		kills += WIFSIGNALED(status);
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
		last = read_words(ends[0], accepted, removed);
		close(ends[0]);
		memset(times, 0, IDS);
		again();
		assert_int_equal(spool_each(spool, NULL, 0, on_seen, &seen), 0);
		assert_true(seen.ordered);
		for (int i = 0; i < IDS; i++) {
			assert_true(times[i] <= 1);
			if (accepted[i] && !removed[i] && times[i] != 1)
				fail_msg("round %d: %d was accepted and is lost", round, i);
			found += times[i];
		}
		if (spool_count(spool) > SPOOL_TO_COUNT_MAX / 3) {
			assert_int_equal(spool_drop(spool, TO, TO, NULL, NULL), 0);
			memset(accepted, 0, IDS);
		}
		spool_close(spool);
		spool = NULL;
		number = (seen.last > last ? seen.last : last) + 4;
		if (number < 0)
			number = 0;
	}
	print_message("%d killed, %d found\n", kills, found);
	assert_true(kills > KILLS / 2);
	free(accepted);
	free(removed);
	free(times);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_damaged_is_set_aside),
		TEST(test_flipped_bytes_never_crash),
		TEST(test_later_version_is_refused),
		TEST(test_locked),
		TEST(test_no_directory),
		TEST(test_disk_that_takes_nothing),
		TEST(test_killed_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
