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

static void
test_too_much(void **state)
{
	static char big[STORE_SAY_MAX + 2];

	memset(big, 'x', STORE_SAY_MAX + 1);
	assert_int_equal(store_say(kit.store, big), -EMSGSIZE);
	big[STORE_SAY_MAX] = '\0';
	for (int i = 0; i < STORE_SAYING_MAX; i++)
		assert_int_equal(store_say(kit.store, big), 0);
	assert_int_equal(store_say(kit.store, "x"), -ENOBUFS);
	wait_said();
	assert_int_equal(store_say(kit.store, "x"), 0);
	wait_said();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_heard), TEST(test_missed),
					    TEST(test_too_much) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
