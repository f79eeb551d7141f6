/* SPDX-License-Identifier: ISC */
/* test_store_people.c: affiliations and subscriptions, their counts and caps. */
#include "store_kit.h"

static size_t
subscribers_of(const char *node)
{
	assert_int_equal(ask_node(node, NULL), 0);
	return got.rows[0].subscribers;
}

static enum ear_affiliation
affiliation_of(const char *jid)
{
	assert_int_equal(ask_node("blogs", jid), 0);
	return got.rows[0].affiliation;
}

static void
test_affiliate(void **state)
{
	create("blogs");
	for (int a = EAR_OUTCAST; a < EAR_AFFILIATION_COUNT; a++) {
		assert_int_equal(change("blogs", affiliating(KIT_ROMEO, (enum ear_affiliation)a)),
				 0);
		assert_int_equal(affiliation_of(KIT_ROMEO), a);
	}
	assert_int_equal(change("blogs", affiliating(KIT_ROMEO, EAR_AFFILIATION_NONE)), 0);
	assert_int_equal(affiliation_of(KIT_ROMEO), EAR_AFFILIATION_NONE);
	assert_int_equal(change("blogs", affiliating(KIT_ROMEO, EAR_AFFILIATION_NONE)), 0);
	assert_int_equal(affiliation_of(KIT_OWNER), EAR_OWNER);
}

static size_t
affiliated(void)
{
	struct ear_query query = { .kind = EAR_QUERY_AFFILIATIONS, .node = "blogs" };

	assert_int_equal(ask(&query), 0);
	return got.total;
}

static void
test_affiliated_max(void **state)
{
	struct ear_change many[EAR_CHANGES_MAX];
	char jids[EAR_CHANGES_MAX][32];
	size_t n = 1;

	create("blogs");
	while (n < EAR_AFFILIATED_MAX) {
		size_t i;

		for (i = 0; i < EAR_CHANGES_MAX && n < EAR_AFFILIATED_MAX; i++, n++) {
			snprintf(jids[i], sizeof(jids[i]), "%zu@example.org", n);
			many[i] = affiliating(jids[i], EAR_MEMBER);
		}
		assert_int_equal(change_all("blogs", many, i, NULL), 0);
	}
	assert_int_equal(affiliated(), EAR_AFFILIATED_MAX);
	assert_int_equal(change("blogs", affiliating(KIT_ROMEO, EAR_MEMBER)), -EDQUOT);
	assert_int_equal(change("blogs", affiliating(KIT_OWNER, EAR_MEMBER)), 0);
	assert_int_equal(change("blogs", affiliating(KIT_OWNER, EAR_AFFILIATION_NONE)), 0);
	assert_int_equal(change("blogs", affiliating(KIT_ROMEO, EAR_MEMBER)), 0);
	assert_int_equal(affiliated(), EAR_AFFILIATED_MAX);
}

/* Through every state and back: subscribers are those in state EAR_SUBSCRIBED, who is in another
 * one is pending. */
static void
test_states(void **state)
{
	create("blogs");
	for (int from = 0; from < EAR_SUBSCRIPTION_COUNT; from++)
		for (int to = 0; to < EAR_SUBSCRIPTION_COUNT; to++) {
			assert_int_equal(change("blogs", subscribing(KIT_ROMEO "/a",
								     (enum ear_subscription)from)),
					 0);
			assert_int_equal(subscribers_of("blogs"), from == EAR_SUBSCRIBED);
			assert_int_equal(change("blogs", subscribing(KIT_ROMEO "/a",
								     (enum ear_subscription)to)),
					 0);
			assert_int_equal(subscribers_of("blogs"), to == EAR_SUBSCRIBED);
			assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
			assert_int_equal(got.count, to == 0 ? 1 : 2);
			assert_int_equal(got.rows[0].pending, to != 0 && to != EAR_SUBSCRIBED);
			if (to != 0)
				assert_int_equal(got.rows[1].subscription, to);
		}
}

static const char *
options_of(const char *jid)
{
	struct ear_query query = { .kind = EAR_QUERY_SUBSCRIPTIONS, .node = "blogs", .who = jid };

	assert_int_equal(ask(&query), 0);
	assert_int_equal(got.count, 1);
	return got.rows[0].options;
}

static void
test_options(void **state)
{
	struct ear_change one = subscribing(KIT_ROMEO, EAR_SUBSCRIBED);

	create("blogs");
	assert_int_equal(change("blogs", one), 0);
	assert_string_equal(options_of(KIT_ROMEO), "");
	one.options = "deliver: no";
	assert_int_equal(change("blogs", one), 0);
	assert_string_equal(options_of(KIT_ROMEO), "deliver: no");
	one.options = NULL; /* as they were */
	one.subscription = EAR_PENDING;
	assert_int_equal(change("blogs", one), 0);
	assert_string_equal(options_of(KIT_ROMEO), "deliver: no");
	one.options = "";
	assert_int_equal(change("blogs", one), 0);
	assert_string_equal(options_of(KIT_ROMEO), "");
}

/* With and without a resource these are different subscriptions of the same person. */
static void
test_resources(void **state)
{
	create("blogs");
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO "/b/c", EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO "/a", EAR_PENDING)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO "s/x", EAR_SUBSCRIBED)), 0);
	assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
	assert_string_equal(got_names(), "blogs " KIT_ROMEO " " KIT_ROMEO "/a " KIT_ROMEO "/b/c ");
	assert_int_equal(got.rows[0].subscribers, 3);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIPTION_NONE)), 0);
	assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
	assert_string_equal(got_names(), "blogs " KIT_ROMEO "/a " KIT_ROMEO "/b/c ");
}

static void
fill(size_t count)
{
	struct ear_change many[EAR_CHANGES_MAX];
	char jids[EAR_CHANGES_MAX][32];

	for (size_t n = 0; n < count;) {
		size_t i;

		for (i = 0; i < EAR_CHANGES_MAX && n < count; i++, n++) {
			snprintf(jids[i], sizeof(jids[i]), "%zu@example.org", n);
			many[i] = subscribing(jids[i], EAR_SUBSCRIBED);
		}
		assert_int_equal(change_all("blogs", many, i, NULL), 0);
	}
}

static void
test_subscribed_max(void **state)
{
	create("blogs");
	fill(EAR_SUBSCRIBED_MAX);
	assert_int_equal(subscribers_of("blogs"), EAR_SUBSCRIBED_MAX);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_PENDING)), -EDQUOT);
	assert_int_equal(change("blogs", subscribing("7@example.org", EAR_PENDING)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIBED)), -EDQUOT);
	assert_int_equal(change("blogs", subscribing("7@example.org", EAR_SUBSCRIPTION_NONE)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIBED)), 0);
	assert_int_equal(subscribers_of("blogs"), EAR_SUBSCRIBED_MAX);
	assert_int_equal(change("blogs", doing(EAR_DELETE_NODE)), 0);
}

/* So many wait; who waits already, or did not have to, is none of the rest. */
static void
test_pending_max(void **state)
{
	char jid[32];

	create("blogs");
	assert_int_equal(change("blogs", subscribing(KIT_OWNER, EAR_SUBSCRIBED)), 0);
	for (size_t n = 0; n < EAR_PENDING_MAX; n++) {
		snprintf(jid, sizeof(jid), "%zu@example.org", n);
		assert_int_equal(change("blogs", subscribing(jid, EAR_PENDING)), 0);
	}
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_PENDING)), -EUSERS);
	assert_int_equal(change("blogs", subscribing(KIT_OWNER, EAR_PENDING)), -EUSERS);
	assert_int_equal(change("blogs", subscribing("7@example.org", EAR_PENDING)), 0);
	assert_int_equal(change("blogs", subscribing(KIT_ROMEO, EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("blogs", subscribing("7@example.org", EAR_SUBSCRIBED)), 0);
	assert_int_equal(change("blogs", subscribing("new@example.org", EAR_PENDING)), 0);
	assert_int_equal(change("blogs", subscribing("newer@example.org", EAR_PENDING)), -EUSERS);
	assert_int_equal(change("blogs", subscribing("8@example.org", EAR_SUBSCRIPTION_NONE)), 0);
	assert_int_equal(change("blogs", subscribing("newer@example.org", EAR_PENDING)), 0);
	assert_int_equal(subscribers_of("blogs"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_affiliate),   TEST(test_affiliated_max), TEST(test_states),
		TEST(test_options),     TEST(test_resources),      TEST(test_subscribed_max),
		TEST(test_pending_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
