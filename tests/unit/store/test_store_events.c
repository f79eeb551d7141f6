/* SPDX-License-Identifier: ISC */
/* test_store_events.c: who is told of what, in which order, how far, and by which engine. */
#include "store_kit.h"

#define SUBSCRIBER "juliet@example.org"

static void
subscribe(const char *jid)
{
	assert_int_equal(change("blogs", subscribing(jid, EAR_SUBSCRIBED)), 0);
}

/* Publishes an item, of which that text is told. Returns the event's id. */
static int64_t
publish(const char *node, const char *text)
{
	assert_int_equal(tell(node, putting("1", "<p/>", 10), text), 0);
	assert_true(take(kit.store) > 0);
	return got.events[got.count - 1].id;
}

static const char *
audience_of(int64_t event)
{
	assert_int_equal(audience(kit.store, event, ""), 0);
	return got_names();
}

static void
test_all_of_it(void **state)
{
	struct ear_event_draft drafts[] = {
		headline(),
		{ .audience = EAR_TELL_ONE, .to = KIT_OWNER, .text = "<x/>", .type = "normal" },
	};
	struct ear_change one = putting("7", "<p/>", 10);
	struct ear_transaction transaction = { .node = "blogs",

					       .changes = &one,
					       .count = 1,
					       .events = drafts,
					       .event_count = 2 };

	create("blogs");
	transaction.epoch = got.epoch;
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(take(kit.store), 2);
	assert_headline(&got.events[0], "blogs");
	assert_string_equal(got.events[0].told, "");
	assert_true(got.events[0].id > 0);
	assert_int_equal(got.events[1].audience, EAR_TELL_ONE);
	assert_string_equal(got.events[1].to, KIT_OWNER);
	assert_null(got.events[1].item);
	assert_false(got.events[1].wide);
	assert_true(got.events[1].id > got.events[0].id);
}

/* Until they are told they are there, the oldest first. */
static void
test_order(void **state)
{
	int64_t first;

	create("blogs");
	create("other");
	assert_int_equal(take(kit.store), 0);
	assert_int_equal(tell("blogs", putting("1", "", 9), "1"), 0);
	assert_int_equal(tell("other", putting("1", "", 9), "2"), 0);
	assert_int_equal(tell("blogs", putting("1", "", 9), "3"), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(take(kit.store), 3);
		assert_string_equal(got.events[0].text, "1");
		assert_string_equal(got.events[1].text, "2");
		assert_string_equal(got.events[2].text, "3");
		assert_string_equal(got.events[1].node, "other");
	}
	first = got.events[0].id;
	assert_int_equal(told(kit.store, first, NULL), 0);
	assert_int_equal(told(kit.store, first, NULL), 0); /* where the answer was lost */
	assert_int_equal(told(kit.store, first, "a@x"), -ESTALE);
	assert_int_equal(audience(kit.store, first, ""), -ESTALE);
	assert_int_equal(take(kit.store), 2);
	assert_string_equal(got.events[0].text, "2");
}

/* Who was subscribed before, and is. */
static void
test_since(void **state)
{
	int64_t event;

	create("blogs");
	subscribe("a@x");
	subscribe("b@x");
	assert_int_equal(change("blogs", subscribing("p@x", EAR_PENDING)), 0);
	event = publish("blogs", "1");
	assert_string_equal(audience_of(event), "a@x b@x ");
	subscribe("c@x"); /* which got the last item when he subscribed */
	assert_int_equal(change("blogs", subscribing("p@x", EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("blogs", subscribing("a@x", EAR_SUBSCRIPTION_NONE)), 0);
	assert_string_equal(audience_of(event), "b@x ");
	subscribe("b@x"); /* again, as of options: he has not been told */
	assert_string_equal(audience_of(event), "b@x ");
	assert_int_equal(change("blogs", subscribing("b@x", EAR_SUBSCRIPTION_NONE)), 0);
	subscribe("b@x");
	assert_string_equal(audience_of(event), "");
	event = publish("blogs", "2");
	assert_string_equal(audience_of(event), "b@x c@x p@x ");
}

/* Who subscribes in the transaction that tells is told what is for him alone. */
static void
test_since_at_once(void **state)
{
	struct ear_event_draft drafts[] = {
		{ .text = "<all/>", .type = "headline" },
		{ .audience = EAR_TELL_ONE, .to = "b@x", .text = "<one/>", .type = "headline" },
	};
	struct ear_change one = subscribing("b@x", EAR_SUBSCRIBED);
	struct ear_transaction transaction = { .node = "blogs",

					       .changes = &one,
					       .count = 1,
					       .events = drafts,
					       .event_count = 2 };
	int64_t ids[2];

	create("blogs");
	subscribe("a@x");
	assert_int_equal(ask_node("blogs", NULL), 0);
	transaction.epoch = got.rows[0].epoch;
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(take(kit.store), 2);
	ids[0] = got.events[0].id;
	ids[1] = got.events[1].id;
	assert_string_equal(audience_of(ids[0]), "a@x ");
	assert_string_equal(audience_of(ids[1]), "b@x ");
	assert_int_equal(audience(kit.store, ids[1], "b@x"), 0);
	assert_int_equal(got.count, 0);
}

#define NEWEST                                                                                     \
	"<i id='" EAR_NEWEST_ITEM "' p='" EAR_NEWEST_PUBLISHER "'>" EAR_NEWEST_PAYLOAD             \
	"</i><at='" EAR_NEWEST_AT "'/>"

/* The newest item of the node as it is when that is told: none, one, another one. */
static void
test_newest(void **state)
{
	static const char id[] = "<'\">&\t\n\r", escaped[] = "&lt;&apos;\"&gt;&amp;&#9;&#10;&#13;";
	struct ear_event_draft draft = { .audience = EAR_TELL_ONE,
					 .to = "b@x",
					 .text = NEWEST,
					 .type = "chat",
					 .backlog = 3,
					 .newest = true };
	struct ear_change one = subscribing("b@x", EAR_SUBSCRIBED);
	struct ear_transaction transaction = { .node = "blogs",

					       .changes = &one,
					       .count = 1,
					       .events = &draft,
					       .event_count = 1 };
	int64_t before = time(NULL);
	char *begin, stamp[32];
	struct tm tm = { 0 };

	create("blogs");
	assert_int_equal(ask_node("blogs", NULL), 0);
	transaction.epoch = got.rows[0].epoch;
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(take(kit.store), 0);
	assert_int_equal(change("blogs", putting("1", "<old/>", 10)), 0);
	one = putting(id, "<p>&lt;\\1$1</p>", 10);
	one.jid = "a&b'@x/<";
	assert_int_equal(change("blogs", one), 0);
	one = subscribing("b@x", EAR_SUBSCRIBED);
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(take(kit.store), 1);
	assert_string_equal(got.events[0].item, id);
	assert_string_equal(got.events[0].to, "b@x");
	assert_string_equal(got.events[0].type, "chat");
	assert_int_equal(got.events[0].backlog, 3);
	assert_int_equal(got.events[0].audience, EAR_TELL_ONE);
	begin = xasprintf("<i id='%s' p='a&amp;b&apos;@x/&lt;'><p>&lt;\\1$1</p></i><at='", escaped);
	assert_memory_equal(got.events[0].text, begin, strlen(begin));
	copy_text(stamp, sizeof(stamp), got.events[0].text + strlen(begin));
	free(begin);
	assert_string_equal(strptime(stamp, "%Y-%m-%dT%H:%M:%SZ", &tm), "'/>");
	assert_in_range(timegm(&tm), before, time(NULL));
}

static void
test_options(void **state)
{
	struct ear_change one = subscribing("a@x", EAR_SUBSCRIBED);
	int64_t event;

	create("blogs");
	one.options = "deliver: no";
	assert_int_equal(change("blogs", one), 0);
	event = publish("blogs", "1");
	assert_string_equal(audience_of(event), "a@x ");
	assert_string_equal(got.rows[0].options, "deliver: no");
}

/* Whoever has something waiting: of nodes that let it wait. */
static void
test_somebody_waits(void **state)
{
	const struct ear_stored_event waits = {
		.id = 99, .node = "other", .text = "w", .type = "headline", .backlog = 5
	};
	struct ear_event_draft drafts[] = {
		{ .text = "1", .type = "headline", .backlog = 5 },
		{ .text = "2", .type = "headline" },
		{ .audience = EAR_TELL_ONE, .to = "b@x", .text = "3", .type = "x", .backlog = 5 },
	};
	struct ear_transaction transaction = { .node = "blogs",
					       .events = drafts,
					       .event_count = 3 };
	int64_t ids[3];

	create("blogs");
	transaction.epoch = got.epoch;
	subscribe("a@x");
	subscribe("b@x");
	ear_store_keep_for(kit.store, "b@x", &waits, NULL, NULL);
	assert_int_equal(commit(&transaction), 0);
	assert_int_equal(take(kit.store), 3);
	for (int i = 0; i < 3; i++)
		ids[i] = got.events[i].id;
	assert_string_equal(audience_of(ids[0]), "a@x b@x ");
	assert_int_equal(got.rows[0].items, 0);
	assert_int_equal(got.rows[1].items, 1);
	assert_string_equal(audience_of(ids[1]), "a@x b@x ");
	assert_int_equal(got.rows[1].items, 0);
	assert_string_equal(audience_of(ids[2]), "b@x ");
	assert_int_equal(got.rows[0].items, 1);
}

/* Where it can be looked at from outside: rows of nodes, their leases and subscriptions. */
static void
check_rows(int each)
{
	struct cluster cluster;

	if (!kit.kind->shared)
		return;
	cluster_find(&cluster, getenv("EARSHOT_TEST_STORE"));
	assert_int_equal(cluster_sql(&cluster, "SELECT count(*) FROM node"), each);
	assert_int_equal(cluster_sql(&cluster, "SELECT count(*) FROM lease"), each);
	assert_int_equal(cluster_sql(&cluster, "SELECT count(*) FROM subscription"), each);
}

/* Those of a node that was deleted are still told, also when there is another of that name; then
 * nothing is left of it. */
static void
test_deleted(void **state)
{
	int64_t ids[2];

	create("blogs");
	subscribe("a@x");
	assert_int_equal(tell("blogs", putting("1", "", 9), "item"), 0);
	assert_int_equal(tell("blogs", doing(EAR_DELETE_NODE), "delete"), 0);
	assert_int_equal(ask_node("blogs", NULL), -ENOENT);
	create("blogs");
	subscribe("b@x");
	assert_int_equal(take(kit.store), 2);
	ids[0] = got.events[0].id;
	ids[1] = got.events[1].id;
	assert_string_equal(got.events[1].text, "delete");
	assert_string_equal(got.events[1].node, "blogs");
	assert_string_equal(audience_of(ids[1]), "a@x ");
	assert_int_equal(told(kit.store, ids[0], NULL), 0);
	assert_string_equal(audience_of(ids[1]), "a@x ");
	check_rows(2);
	assert_int_equal(told(kit.store, ids[1], NULL), 0);
	check_rows(1);
	assert_int_equal(take(kit.store), 0);
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.rows[0].subscribers, 1);
}

/* Page by page; where it stops another goes on. */
static void
test_pages(void **state)
{
	char jid[32], last[32] = "";
	size_t n = 0;
	int64_t event;

	create("blogs");
	for (int i = 0; i < EAR_STORE_PAGE_MAX + 20; i += 2) {
		struct ear_change two[2];
		char other[32];

		snprintf(jid, sizeof(jid), "%04d@x", i);
		snprintf(other, sizeof(other), "%04d@x", i + 1);
		two[0] = subscribing(jid, EAR_SUBSCRIBED);
		two[1] = subscribing(other, EAR_SUBSCRIBED);
		assert_int_equal(change_all("blogs", two, 2, NULL), 0);
	}
	event = publish("blogs", "1");
	for (;;) {
		assert_int_equal(audience(kit.store, event, last), 0);
		if (got.count == 0)
			break;
		assert_int_equal(got.count, n == 0 ? EAR_STORE_PAGE_MAX : 20);
		n += got.count;
		copy_text(last, sizeof(last), got.rows[got.count - 1].jid);
		assert_int_equal(told(kit.store, event, last), 0);
		assert_int_equal(take(kit.store), 1);
		assert_string_equal(got.events[0].told, last);
	}
	assert_int_equal(n, EAR_STORE_PAGE_MAX + 20);
	got_clear();
	ear_store_audience(kit.store, event, "0002@x", 2, kit_on_stored, &kit);
	kit_wait(&got.done);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.rows[1].jid, "0004@x");
	assert_int_equal(told(kit.store, event, NULL), 0);
	assert_int_equal(take(kit.store), 0);
}

/* No more than so many at once; the rest when those are told. */
static void
test_many(void **state)
{
	char text[16];

	create("blogs");
	for (int i = 0; i < EAR_EVENTS_MAX + 3; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(tell("blogs", putting("1", "", 9), text), 0);
	}
	for (int i = 0; i < EAR_EVENTS_MAX + 3; i++) {
		int64_t id;

		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(take(kit.store), i < 3 ? EAR_EVENTS_MAX : EAR_EVENTS_MAX + 3 - i);
		assert_string_equal(got.events[0].text, text);
		id = got.events[0].id;
		assert_int_equal(told(kit.store, id, NULL), 0);
	}
	assert_int_equal(take(kit.store), 0);
}

/* Ids are never given twice: what was told of one may still be on its way. */
static void
test_ids_are_new(void **state)
{
	int64_t first, second;

	create("blogs");
	first = publish("blogs", "1");
	assert_int_equal(told(kit.store, first, NULL), 0);
	if (kit.kind->shared == false)
		kit_again();
	second = publish("blogs", "2");
	assert_true(second > first);
}

/* An engine that has ended has noted how far it was: another goes on there. */
static void
test_restart(void **state)
{
	int64_t event;

	create("blogs");
	subscribe("a@x");
	subscribe("b@x");
	event = publish("blogs", "1");
	assert_int_equal(told(kit.store, event, "a@x"), 0);
	kit_again();
	if (kit.kind->shared)
		return; /* the lease is not over */
	assert_int_equal(take(kit.store), 1);
	assert_int_equal(got.events[0].id, event);
	assert_string_equal(got.events[0].told, "a@x");
	assert_int_equal(audience(kit.store, event, "a@x"), 0);
	assert_string_equal(got_names(), "b@x ");
}

/* Two engines: a node is one's at a time, and its events with it. */
static void
test_leases(void **state)
{
	struct ear_store *other;
	int64_t blogs, more;

	if (!kit.kind->shared)
		return;
	other = kit_open_another();
	create("blogs");
	create("other");
	subscribe("a@x");
	blogs = publish("blogs", "1");
	assert_int_equal(take(other), 0);
	assert_int_equal(audience(other, blogs, ""), -ESTALE);
	assert_int_equal(told(other, blogs, NULL), -ESTALE);
	assert_int_equal(tell("other", putting("1", "", 9), "2"), 0);
	assert_int_equal(take(other), 1);
	assert_string_equal(got.events[0].text, "2");
	assert_int_equal(tell("blogs", putting("1", "", 9), "3"), 0);
	assert_int_equal(take(other), 1);
	assert_int_equal(take(kit.store), 2);
	more = got.events[1].id;
	assert_int_equal(told(kit.store, blogs, NULL), 0);
	assert_int_equal(take(other), 1); /* its own: the node has another event */
	assert_int_equal(told(kit.store, more, NULL), 0);
	/* Nothing is left to tell of it: whoever comes first may have the next. */
	assert_int_equal(tell("blogs", putting("1", "", 9), "4"), 0);
	assert_int_equal(take(other), 2);
	assert_int_equal(take(kit.store), 0);
	store_free(other);
}

static void
on_news(void *arg)
{
	++*(int *)arg;
	event_base_loopbreak(kit.base);
}

static void
wait_for(const int *news, int count)
{
	time_t until = time(NULL) + KIT_WAIT;

	while (*news < count && time(NULL) < until)
		event_base_loop(kit.base, EVLOOP_ONCE);
	assert_true(*news >= count);
}

/* Who dies with a node in his hands is replaced when his time is over, which is waited for. */
static void
test_takeover(void **state)
{
	struct ear_store *other;
	int64_t event, began;
	int news = 0;

	if (!kit.kind->shared)
		return;
	other = kit_open_another();
	create("blogs");
	subscribe("a@x");
	event = publish("blogs", "1");
	began = ear_now(kit.clock);
	ear_store_watch(other, on_news, &news);
	wait_for(&news, 1);
	while (take(other) == 0)
		wait_for(&news, news + 1);
	assert_true(ear_now(kit.clock) - began > EAR_LEASE_USEC / 2);
	assert_true(news < 10);
	assert_int_equal(got.events[0].id, event);
	assert_int_equal(told(kit.store, event, NULL), -ESTALE);
	assert_int_equal(told(other, event, NULL), 0);
	store_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_of_it),
		TEST(test_order),
		TEST(test_since),
		TEST(test_since_at_once),
		TEST(test_newest),
		TEST(test_options),
		TEST(test_somebody_waits),
		TEST(test_deleted),
		TEST(test_pages),
		TEST(test_many),
		TEST_FILE(test_ids_are_new),
		TEST_FILE(test_restart),
		TEST(test_leases),
		TEST(test_takeover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
