/* SPDX-License-Identifier: ISC */
/* test_store_backlog.c: what waits for whom, how much of it, and when it waits no more. */
#include "store_kit.h"

static struct ear_stored_event
event_of(int64_t id, const char *node, const char *text, size_t backlog)
{
	return (struct ear_stored_event){ .id = id,
					  .node = node,
					  .item = "i",
					  .text = text,
					  .type = "headline",
					  .backlog = backlog,
					  .at = 1795000000 + id };
}

static int
keep_for(const char *jid, struct ear_stored_event event)
{
	got_clear();
	ear_store_keep_for(kit.store, jid, &event, kit_on_changed, &kit);
	assert_false(got.done);
	kit_wait(&got.done);
	return got.error;
}

static const char *
waiting(const char *jid)
{
	static char texts[4096];
	size_t used = 0;

	got_clear();
	ear_store_waiting(kit.store, jid, kit_on_events, &kit);
	kit_wait(&got.done);
	assert_int_equal(got.error, 0);
	texts[0] = '\0';
	for (size_t i = 0; i < got.count; i++)
		used += (size_t)snprintf(texts + used, sizeof(texts) - used, "%s ",
					 got.events[i].text);
	return texts;
}

static int
waited(const int64_t *ids, size_t count)
{
	got_clear();
	ear_store_waited(kit.store, ids, count, kit_on_changed, &kit);
	assert_false(got.done);
	kit_wait(&got.done);
	return got.error;
}

static void
test_keep(void **state)
{
	int64_t ids[2];

	assert_string_equal(waiting(KIT_ROMEO), "");
	assert_int_equal(keep_for(KIT_ROMEO, event_of(1, "blogs", "a", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO, event_of(2, "blogs", "b", 10)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "a b ");
	assert_string_equal(got.events[0].node, "blogs");
	assert_string_equal(got.events[0].to, KIT_ROMEO);
	assert_string_equal(got.events[0].item, "i");
	assert_string_equal(got.events[0].type, "headline");
	assert_int_equal(got.events[0].at, 1795000001);
	assert_int_equal(got.events[0].audience, EAR_TELL_ONE);
	ids[0] = got.events[0].id;
	ids[1] = got.events[1].id;
	assert_true(ids[0] != ids[1]);
	assert_int_equal(waited(ids, 1), 0);
	assert_string_equal(waiting(KIT_ROMEO), "b ");
	assert_int_equal(waited(ids, 2), 0); /* one of which is no more */
	assert_string_equal(waiting(KIT_ROMEO), "");
	assert_int_equal(waited(ids, 0), 0);
	assert_int_equal(waited(ids, EAR_STORE_PAGE_MAX + 1), -EMSGSIZE);
}

/* Once: a crash may have it told again, and then he is not there again. */
static void
test_once(void **state)
{
	struct ear_stored_event again;
	int64_t id;

	assert_int_equal(keep_for(KIT_ROMEO, event_of(1, "blogs", "a", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO, event_of(1, "blogs", "a", 10)), 0);
	assert_int_equal(keep_for("juliet@x", event_of(1, "blogs", "a", 10)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "a ");
	id = got.events[0].id;
	/* What waited was sent, and came back: it waits as before. */
	again = event_of(id, "blogs", "a", 10);
	assert_int_equal(keep_for(KIT_ROMEO, again), 0);
	assert_string_equal(waiting(KIT_ROMEO), "a ");
	assert_int_equal(got.events[0].id, id);
	/* Who does not know which it was has it kept. */
	assert_int_equal(keep_for(KIT_ROMEO, event_of(0, "blogs", "b", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO, event_of(0, "blogs", "c", 10)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "a b c ");
}

/* The newest of each node. */
static void
test_bounds(void **state)
{
	char text[8];

	for (int i = 1; i <= 9; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(keep_for(KIT_ROMEO, event_of(i, "blogs", text, 3)), 0);
	}
	assert_int_equal(keep_for(KIT_ROMEO, event_of(10, "other", "x", 3)), 0);
	assert_int_equal(keep_for("juliet@x", event_of(9, "blogs", "y", 3)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "7 8 9 x ");
	assert_int_equal(keep_for(KIT_ROMEO, event_of(11, "blogs", "z", 1)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "x z ");
	assert_int_equal(keep_for(KIT_ROMEO, event_of(12, "blogs", "none", 0)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "x z ");
}

static void
test_resources(void **state)
{
	assert_int_equal(keep_for(KIT_ROMEO, event_of(1, "blogs", "bare", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO "/a", event_of(1, "blogs", "a", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO "/b/c", event_of(1, "blogs", "b", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO "s", event_of(1, "blogs", "other", 10)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "bare ");
	assert_string_equal(waiting(KIT_ROMEO "/b/c"), "b ");
	assert_string_equal(got.events[0].to, KIT_ROMEO "/b/c");
	assert_string_equal(waiting(KIT_ROMEO "/none"), "");
}

/* Who unsubscribes no longer wants it; who is told that a node is gone does. */
static void
test_unsubscribed(void **state)
{
	create("blogs");
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIBED)), 0);
	assert_int_equal(keep_for(KIT_ROMEO, event_of(1, "blogs", "a", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO, event_of(2, "other", "b", 10)), 0);
	assert_int_equal(keep_for("juliet@x", event_of(1, "blogs", "c", 10)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIPTION_NONE)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "b ");
	assert_int_equal(change("blogs", doing(EAR_DELETE_NODE)), 0);
	assert_string_equal(waiting("juliet@x"), "c ");
}

/* In the order of the events, whenever they were kept. */
static void
test_late(void **state)
{
	assert_int_equal(keep_for(KIT_ROMEO, event_of(7, "blogs", "7", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO, event_of(5, "other", "5", 10)), 0);
	assert_int_equal(keep_for(KIT_ROMEO, event_of(6, "blogs", "6", 10)), 0);
	assert_string_equal(waiting(KIT_ROMEO), "5 6 7 ");
	assert_int_equal(got.events[0].origin, 5);
	assert_int_equal(got.events[2].origin, 7);
	assert_int_equal(keep_for("juliet@x", event_of(0, "blogs", "x", 10)), 0);
	assert_string_equal(waiting("juliet@x"), "x ");
	assert_int_equal(got.events[0].origin, got.events[0].id);
}

static void
test_page(void **state)
{
	for (int i = 1; i <= EAR_EVENTS_MAX + 2; i++)
		assert_int_equal(keep_for(KIT_ROMEO, event_of(i, "blogs", "x", 1000)), 0);
	waiting(KIT_ROMEO);
	assert_int_equal(got.count, EAR_EVENTS_MAX);
	for (size_t i = 0; i < got.count; i++)
		assert_int_equal(got.events[i].at, 1795000001 + (int64_t)i);
}

static void
test_restart(void **state)
{
	assert_int_equal(keep_for(KIT_ROMEO, event_of(1, "blogs", "a", 10)), 0);
	kit_again();
	assert_string_equal(waiting(KIT_ROMEO), "a ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keep),      TEST(test_once),         TEST(test_bounds),
		TEST(test_resources), TEST(test_unsubscribed), TEST(test_late),
		TEST(test_page),      TEST_FILE(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
