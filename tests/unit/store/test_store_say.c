/* SPDX-License-Identifier: ISC */
/* test_store_say.c: what engines that share a store tell each other through it. */
#include "store_kit.h"

#include "store/store_impl.h"

/* Texts that one has heard. */
struct ear_of {
	char last[STORE_SAY_MAX + 1];
	size_t count;
	bool missed; /* something, maybe */
};

static void
on_heard(void *arg, const char *text)
{
	struct ear_of *ear = arg;

	if (text == NULL) {
		ear->missed = true;
		return;
	}
	copy_text(ear->last, sizeof(ear->last), text);
	ear->count++;
}

static void
wait_said(void)
{
	time_t until = time(NULL) + KIT_WAIT;

	while (store_is_busy(kit.store) && time(NULL) < until)
		kit_loop();
	assert_false(store_is_busy(kit.store));
}

/* Others hear it, in its order; who says it does not; nobody does who has the store to himself. */
static void
test_heard(void **state)
{
	static struct ear_of ours, theirs;
	struct ear_store *other;
	size_t wanted = kit.kind->shared ? 2 : 0;
	time_t until = time(NULL) + KIT_WAIT;

	memset(&ours, 0, sizeof(ours));
	memset(&theirs, 0, sizeof(theirs));
	create("blogs"); /* it is there */
	other = kit_open_another();
	store_hear(kit.store, on_heard, &ours);
	store_hear(other, on_heard, &theirs);
	got_clear();
	ear_store_contacts(other, "", "", kit_on_stored, &kit);
	kit_wait(&got.done);
	assert_int_equal(store_say(kit.store, "<a>\xc3\xa4'\\</a>"), 0);
	assert_int_equal(store_say(kit.store, "<b/>"), 0);
	wait_said();
	while (theirs.count < wanted && time(NULL) < until)
		kit_loop();
	assert_int_equal(theirs.count, wanted);
	assert_string_equal(theirs.last, wanted > 0 ? "<b/>" : "");
	assert_int_equal(store_say(other, "<c/>"), 0);
	while (ours.count < wanted / 2 && time(NULL) < until)
		kit_loop();
	assert_int_equal(ours.count, wanted / 2);
	assert_int_equal(theirs.count, wanted);
	assert_false(theirs.missed || ours.missed);
	store_free(other);
}

/* What was said while there was no connection is not heard, but that there may be something is. */
static void
test_missed(void **state)
{
	static struct ear_of ours;
	struct cluster cluster;

	if (!kit.kind->shared)
		return;
	create("blogs");
	store_hear(kit.store, on_heard, &ours);
	cluster_find(&cluster, getenv("EARSHOT_TEST_STORE"));
	cluster_sql(&cluster, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
			      " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
	kit_wait(&ours.missed);
	assert_int_equal(ours.count, 0);
}

/* --- long ones ---------------------------------------------------------------------------- */

/* XML of so many bytes, another one for each letter. */
static const char *
long_text(size_t size, char letter)
{
	static char text[STORE_SAY_MAX + 2];

	memset(text, letter, size);
	text[0] = '<';
	text[size] = '\0';
	return text;
}

static int
said_rows(void)
{
	struct cluster cluster;

	cluster_find(&cluster, getenv("EARSHOT_TEST_STORE"));
	return cluster_sql(&cluster, "SELECT count(*) FROM said");
}

static void
said_sql(const char *sql)
{
	struct cluster cluster;

	cluster_find(&cluster, getenv("EARSHOT_TEST_STORE"));
	cluster_sql(&cluster, sql);
}

static void
wait_heard(const struct ear_of *ear, size_t count)
{
	time_t until = time(NULL) + KIT_WAIT;

	while (ear->count < count && time(NULL) < until)
		kit_loop();
	assert_int_equal(ear->count, count);
}

/* They are heard as they were said, up to the longest. */
static void
test_long(void **state)
{
	const size_t sizes[] = { STORE_SAY_SHORT, STORE_SAY_SHORT + 1, 65536, STORE_SAY_MAX };
	static struct ear_of theirs;
	struct ear_store *other;

	if (!kit.kind->shared)
		return;
	memset(&theirs, 0, sizeof(theirs));
	create("blogs");
	other = kit_open_another();
	store_hear(other, on_heard, &theirs);
	got_clear();
	ear_store_contacts(other, "", "", kit_on_stored, &kit);
	kit_wait(&got.done);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(store_say(kit.store, long_text(sizes[i], (char)('a' + i))), 0);
		wait_heard(&theirs, i + 1);
		assert_string_equal(theirs.last, long_text(sizes[i], (char)('a' + i)));
	}
	/* What is in none of its rows, or was there. */
	said_sql("SELECT count(pg_notify('earshot', t)) FROM (VALUES ('#'), ('#x'), ('#-1'),"
		 " ('#99'), ('#99999999999999999999')) AS v (t)");
	assert_int_equal(store_say(kit.store, "<b/>"), 0);
	wait_heard(&theirs, 5);
	assert_string_equal(theirs.last, "<b/>");
	store_free(other);
}

/* What is old goes with the next one, or when the time has come, whoever has said it: also who has
 * just been started. */
static void
test_forgotten(void **state)
{
	time_t until = time(NULL) + KIT_WAIT;

	if (!kit.kind->shared)
		return;
	create("blogs");
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_say(kit.store, long_text(10000, 'x')), 0);
	wait_said();
	assert_int_equal(said_rows(), 3);
	said_sql("UPDATE said SET at = at - 31000000");
	assert_int_equal(store_say(kit.store, long_text(10000, 'x')), 0);
	wait_said();
	assert_int_equal(said_rows(), 1);
	kit_again();
	create("news");
	assert_true(ear_timer_is_set(&kit.store->said));
	/* One that is not old yet is looked for again. */
	ear_timer_set(&kit.store->said, 0);
	while (!store_is_busy(kit.store) && time(NULL) < until)
		kit_loop();
	wait_said();
	assert_int_equal(said_rows(), 1);
	assert_true(ear_timer_is_set(&kit.store->said));
	said_sql("UPDATE said SET at = at - 31000000");
	ear_timer_set(&kit.store->said, 0);
	while (!store_is_busy(kit.store) && time(NULL) < until)
		kit_loop();
	wait_said();
	assert_int_equal(said_rows(), 0);
	assert_false(ear_timer_is_set(&kit.store->said));
}

/* So many, and so much, is there at once; what is not said is not missed by what comes later. */
static void
test_bounds(void **state)
{
	if (!kit.kind->shared)
		return;
	ear_log_set_level(EAR_LOG_ERROR);
	create("blogs");
	for (int i = 0; i < 300; i++) {
		while (store_say(kit.store, long_text(STORE_SAY_SHORT + 1, 'x')) != 0)
			kit_loop();
	}
	wait_said();
	assert_int_equal(said_rows(), 256);
	said_sql("DELETE FROM said");
	for (int i = 0; i < 40; i++) {
		while (store_say(kit.store, long_text(STORE_SAY_MAX, 'x')) != 0)
			kit_loop();
	}
	wait_said();
	assert_int_equal(said_rows(), 32);
	said_sql("UPDATE said SET at = at - 31000000");
	assert_int_equal(store_say(kit.store, long_text(STORE_SAY_MAX, 'x')), 0);
	wait_said();
	assert_int_equal(said_rows(), 1);
}

/* Who hears of too many at once leaves some out. */
static void
test_hears_too_much(void **state)
{
	static struct ear_of ours;
	char sql[160];

	if (!kit.kind->shared)
		return;
	memset(&ours, 0, sizeof(ours));
	create("blogs");
	store_hear(kit.store, on_heard, &ours);
	snprintf(sql, sizeof(sql),
		 "SELECT count(pg_notify('earshot', '#' || i)) FROM generate_series(1, %d) AS i",
		 STORE_HEARING_MAX + 10);
	said_sql(sql);
	said_sql("SELECT count(pg_notify('earshot', '<b/>'))");
	wait_heard(&ours, 1);
	assert_true(kit.store->hearing <= STORE_HEARING_MAX);
	wait_said();
	assert_int_equal(kit.store->hearing, 0);
}

static void
test_too_much(void **state)
{
	assert_int_equal(store_say(kit.store, long_text(STORE_SAY_MAX + 1, 'x')), -EMSGSIZE);
	for (int i = 0; i < STORE_SAYING_MAX; i++)
		assert_int_equal(store_say(kit.store, long_text(STORE_SAY_SHORT, 'x')), 0);
	assert_int_equal(store_say(kit.store, "x"), -ENOBUFS);
	wait_said();
	for (size_t size = STORE_SAY_MAX; size <= STORE_SAYING_SIZE; size += STORE_SAY_MAX)
		assert_int_equal(store_say(kit.store, long_text(STORE_SAY_MAX, 'x')), 0);
	assert_int_equal(store_say(kit.store, "x"), -ENOBUFS);
	wait_said();
	assert_int_equal(store_say(kit.store, "x"), 0);
	wait_said();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_heard),   TEST(test_missed),
					    TEST(test_long),    TEST(test_forgotten),
					    TEST(test_bounds),  TEST(test_hears_too_much),
					    TEST(test_too_much) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
