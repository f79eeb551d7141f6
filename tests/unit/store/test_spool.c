/* SPDX-License-Identifier: ISC */
/* test_spool.c: what is committed is there, in order, as far as there is room. */
#include "spool_rig.h"

static void
test_committed_is_there(void **state)
{
	struct found found;
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_committed_is_there),
		TEST(test_uncommitted_is_not),
		TEST(test_next_and_get),
		TEST(test_states),
		TEST(test_expire),
		TEST(test_drop),
		TEST(test_bounds_of_one),
		TEST(test_bounds_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
