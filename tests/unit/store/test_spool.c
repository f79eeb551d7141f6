/* SPDX-License-Identifier: ISC */
/* test_spool.c: what is committed is there, whatever happens to the process, its file or its disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "store/spool.h"

#define TO "juliet@pronto.local"

static char dir[64], file[96], error[512];
static struct spool *spool;
static int rc;

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_spool.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/" SPOOL_FILE, dir);
	ear_log_set_level(EAR_LOG_ERROR);
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	spool_close(spool);
	spool = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void
again(void)
{
	spool_close(spool);
	spool = spool_open(dir, &rc, error, sizeof(error));
	if (spool == NULL)
		fail_msg("%s", error);
}

static int
add(const char *to, const char *id, const char *text, size_t length)
{
	struct spool_item item = { .to = to,
				   .id = id,
				   .text = text,
				   .length = length,
				   .boot = "",
				   .taken_at = 1795000000 };
	int64_t seq;

	return spool_add(spool, &item, &seq);
}

static int
add_short(const char *to, const char *id)
{
	return add(to, id, id, strlen(id));
}

struct found {
	size_t count;
	int64_t seqs[16];
	char ids[16][32], text[32], to[64], condition[64], why[64];
	unsigned tries;
	enum spool_state state;
};

static void
on_item(void *arg, const struct spool_item *item)
{
	struct found *found = arg;

	if (found->count < 16) {
		found->seqs[found->count] = item->seq;
		copy_text(found->ids[found->count], sizeof(found->ids[0]), item->id);
	}
	found->count++;
	copy_text(found->to, sizeof(found->to), item->to);
	copy_text(found->condition, sizeof(found->condition), item->condition);
	copy_text(found->why, sizeof(found->why), item->why);
	snprintf(found->text, sizeof(found->text), "%.*s",
		 item->text == NULL ? 0 : (int)item->length, item->text == NULL ? "" : item->text);
	found->tries = item->tries;
	found->state = item->state;
}

static struct found
find(const char *to)
{
	struct found found = { 0 };

	assert_int_equal(spool_each(spool, to, 0, on_item, &found), 0);
	return found;
}

static void
test_committed_is_there(void **state)
{
	struct found found = { 0 };
	struct stat st;

	assert_false(spool_exists(dir));
	again();
	assert_true(spool_exists(dir));
	assert_int_equal(add_short(TO, "a"), 0);
	assert_int_equal(add(TO, "b", "<x>\0y", 5), 0);
	assert_true(spool_is_open(spool));
	assert_int_equal(spool_commit(spool), 0);
	assert_int_equal(add_short("romeo@example.org", "c"), 0);
	assert_int_equal(spool_commit(spool), 0);
	again();
	assert_int_equal(spool_count(spool), 3);
	assert_int_equal(spool_bytes(spool), 7);
	found = find(TO);
	assert_int_equal(found.count, 2);
	assert_string_equal(found.ids[0], "a");
	assert_string_equal(found.ids[1], "b");
	assert_true(found.seqs[0] < found.seqs[1]);
	assert_string_equal(found.text, "");
	assert_int_equal(find(NULL).count, 3);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_uncommitted_is_not(void **state)
{
	again();
	assert_int_equal(add_short(TO, "a"), 0);
	assert_int_equal(spool_commit(spool), 0);
	assert_int_equal(add_short(TO, "b"), 0);
	again();
	assert_int_equal(find(NULL).count, 1);
	assert_int_equal(spool_count(spool), 1);
}

static void
test_next_and_get(void **state)
{
	struct found found = { 0 };
	int64_t first;

	again();
	assert_int_equal(spool_next(spool, TO, 0, on_item, &found), -ENOENT);
	assert_int_equal(add_short(TO, "a"), 0);
	assert_int_equal(add_short("romeo@example.org", "x"), 0);
	assert_int_equal(add_short(TO, "b"), 0);
	assert_int_equal(spool_commit(spool), 0);
	assert_int_equal(spool_next(spool, TO, 0, on_item, &found), 0);
	assert_string_equal(found.text, "a");
	first = found.seqs[0];
	found = (struct found){ 0 };
	assert_int_equal(spool_next(spool, TO, first, on_item, &found), 0);
	assert_string_equal(found.text, "b");
	assert_int_equal(spool_next(spool, TO, found.seqs[0], on_item, &found), -ENOENT);
	found = (struct found){ 0 };
	assert_int_equal(spool_get(spool, first, on_item, &found), 0);
	assert_string_equal(found.text, "a");
	assert_int_equal(spool_get(spool, 99, on_item, &found), -ENOENT);
	/* What failed does not wait. */
	assert_int_equal(spool_mark(spool, &first, 1, SPOOL_FAILED, "forbidden", "no"), 0);
	found = (struct found){ 0 };
	assert_int_equal(spool_next(spool, TO, 0, on_item, &found), 0);
	assert_string_equal(found.text, "b");
}

static void
test_states(void **state)
{
	struct found found;
	int64_t seq;

	again();
	assert_int_equal(add_short(TO, "a"), 0);
	assert_int_equal(spool_commit(spool), 0);
	seq = find(TO).seqs[0];
	assert_int_equal(spool_mark(spool, &seq, 1, SPOOL_HANDED, "", ""), 0);
	assert_int_equal(find(TO).tries, 0);
	assert_int_equal(find(TO).state, SPOOL_HANDED);
	assert_int_equal(spool_mark(spool, &seq, 1, SPOOL_WAITING, "", "nobody"), 0);
	assert_int_equal(spool_mark(spool, &seq, 1, SPOOL_FAILED, "gone", "moved away"), 0);
	/* That is for good. */
	assert_int_equal(spool_mark(spool, &seq, 1, SPOOL_HANDED, "", ""), 0);
	assert_int_equal(spool_mark(spool, &seq, 1, SPOOL_WAITING, "", "nobody"), 0);
	again();
	found = find(TO);
	assert_int_equal(found.tries, 2);
	assert_int_equal(found.state, SPOOL_FAILED);
	assert_string_equal(found.condition, "gone");
	assert_string_equal(found.why, "moved away");
	assert_int_equal(spool_remove(spool, &seq, 1), 0);
	assert_int_equal(spool_remove(spool, &seq, 1), 0);
	assert_int_equal(spool_count(spool), 0);
	assert_int_equal(spool_bytes(spool), 0);
	/* A number is never given twice: what is behind it is newer. */
	assert_int_equal(add_short(TO, "b"), 0);
	assert_int_equal(spool_commit(spool), 0);
	assert_true(find(TO).seqs[0] > seq);
}

static void
test_expire(void **state)
{
	static const struct {
		const char *id, *boot;
		int64_t due;
		enum spool_state want;
	} items[] = { { "a", "", 0, SPOOL_WAITING },
		      { "b", "this", 1000, SPOOL_FAILED },
		      { "c", "this", 1001, SPOOL_WAITING },
		      { "d", "other", 2000, SPOOL_FAILED } };
	struct spool_item item = { .to = TO, .text = "x", .length = 1 };
	struct found found = { 0 };
	int64_t seqs[4];

	again();
	for (size_t i = 0; i < 4; i++) {
		item.id = items[i].id;
		item.boot = items[i].boot;
		item.due = items[i].due;
		assert_int_equal(spool_add(spool, &item, &seqs[i]), 0);
	}
	assert_int_equal(spool_commit(spool), 0);
	assert_int_equal(spool_expire(spool, "this", 1000, "gone", "late"), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(spool_get(spool, seqs[i], on_item, &found), 0);
		assert_int_equal(found.state, items[i].want);
	}
}

static void
on_drop(void *arg, const struct spool_item *item)
{
	++*(int *)arg;
}

static void
test_drop(void **state)
{
	int dropped = 0;

	again();
	assert_int_equal(add_short(TO, "a"), 0);
	assert_int_equal(add_short(TO, "b"), 0);
	assert_int_equal(add_short("romeo@example.org", "c"), 0);
	assert_int_equal(spool_commit(spool), 0);
	assert_int_equal(spool_drop(spool, "c", "c", on_drop, &dropped), 0);
	assert_int_equal(dropped, 1);
	assert_int_equal(spool_drop(spool, TO, TO, on_drop, &dropped), 0);
	assert_int_equal(dropped, 3);
	assert_int_equal(spool_drop(spool, TO, TO, on_drop, &dropped), 0);
	assert_int_equal(dropped, 3);
	assert_int_equal(spool_count(spool), 0);
}

/* --- bounds ------------------------------------------------------------------------------- */

static void
test_bounds_of_one(void **state)
{
	char *text = xalloc(SPOOL_ONE_MAX + 1), id[32];
	size_t n = 0;

	memset(text, 'x', SPOOL_ONE_MAX + 1);
	again();
	assert_int_equal(add(TO, "long", text, SPOOL_ONE_MAX + 1), -EMSGSIZE);
	for (; (n + 1) * SPOOL_ONE_MAX <= SPOOL_TO_BYTES_MAX; n++) {
		snprintf(id, sizeof(id), "id%zu", n);
		assert_int_equal(add(TO, id, text, SPOOL_ONE_MAX), 0);
	}
	assert_int_equal(add(TO, "over", text, SPOOL_ONE_MAX), -EDQUOT);
	assert_non_null(strstr(spool_error(spool), "for it already"));
	assert_non_null(strstr(spool_error(spool), "--drop"));
	/* That does not undo what was added before. */
	assert_int_equal(spool_commit(spool), 0);
	assert_int_equal(find(TO).count, n);
	free(text);
}

static void
test_bounds_of_all(void **state)
{
	char to[64], id[32];
	int n = 0;

	again();
	for (int i = 0; i < SPOOL_TO_MAX; i++) {
		snprintf(to, sizeof(to), "p%d@example.org", i);
		snprintf(id, sizeof(id), "id%d", n++);
		assert_int_equal(add_short(to, id), 0);
	}
	assert_int_equal(add_short("q@example.org", "q"), -EDQUOT);
	assert_non_null(strstr(spool_error(spool), "too many addresses"));
	for (int i = 0; i < SPOOL_TO_MAX && n < SPOOL_COUNT_MAX; i++) {
		snprintf(to, sizeof(to), "p%d@example.org", i);
		for (int j = 1; j < SPOOL_TO_COUNT_MAX && n < SPOOL_COUNT_MAX; j++) {
			snprintf(id, sizeof(id), "id%d", n++);
			assert_int_equal(add_short(to, id), 0);
		}
		if (n < SPOOL_COUNT_MAX) {
			assert_int_equal(add_short(to, "over"), -EDQUOT);
			assert_non_null(strstr(spool_error(spool), "for it already"));
		}
	}
	assert_int_equal(add_short("p255@example.org", "over"), -EDQUOT);
	assert_non_null(strstr(spool_error(spool), "too much is stored already"));
	assert_int_equal(spool_commit(spool), 0);
	again();
	assert_int_equal(spool_count(spool), SPOOL_COUNT_MAX);
	assert_int_equal(add_short("p255@example.org", "over"), -EDQUOT);
}

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_committed_is_there),
		TEST(test_uncommitted_is_not),
		TEST(test_next_and_get),
		TEST(test_states),
		TEST(test_expire),
		TEST(test_drop),
		TEST(test_bounds_of_one),
		TEST(test_bounds_of_all),
		TEST(test_damaged_is_set_aside),
		TEST(test_flipped_bytes_never_crash),
		TEST(test_later_version_is_refused),
		TEST(test_locked),
		TEST(test_no_directory),
		TEST(test_disk_that_takes_nothing),
		TEST(test_killed_at_random),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
