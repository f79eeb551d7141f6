/* SPDX-License-Identifier: ISC */
/* test_pubsub_access.c: who may what: every access model and publish model, by every affiliation
 * and every level (XEP-0060 §4.1, §4.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ear.h"
#include "nodes.h"
#include "pubsub.h"

#define ROMEO "romeo@example.org"

static struct ear *ear;
static struct pubsub_op op;
static struct pubsub_view view;
static struct ear_stored subscription;

static int
setup(void **state)
{
	ear = fake_new();
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	op = (struct pubsub_op){ .ear = ear, .who = (char *)ROMEO, .link = EAR_LINK_SERVER };
	view = (struct pubsub_view){ .exists = true, .config = pubsub_config_default };
	subscription = (struct ear_stored){ .jid = ROMEO };
	view.subscriptions = &subscription;
	return 0;
}

static int
teardown(void **state)
{
	fake_forget_kept(ear);
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

/* As policy is by default. */
static void
set_level(enum ear_level level)
{
	op.level = level;
	op.may_publish = op.may_subscribe = level >= EAR_PROVED;
}

static void
set_subscribed(enum ear_subscription state)
{
	subscription.subscription = state;
	view.subscription_count = state != EAR_SUBSCRIPTION_NONE;
}

/* A letter for each answer: '.' yes. */
static char
letter_of(const struct pubsub_refusal *refusal)
{
	static const struct {
		char letter;
		enum ear_verdict condition;
		const char *specific;
	} letters[] = {
		{ 'f', EAR_FORBIDDEN, "" },
		{ 'u', EAR_NOT_AUTHORIZED, "" },
		{ 'p', EAR_NOT_AUTHORIZED, "presence-subscription-required" },
		{ 'r', EAR_NOT_AUTHORIZED, "not-in-roster-group" },
		{ 'c', EAR_NOT_ALLOWED, "closed-node" },
		{ 's', EAR_NOT_AUTHORIZED, "not-subscribed" },
		{ 'w', EAR_NOT_AUTHORIZED, "pending-subscription" },
		{ 'n', EAR_FEATURE_NOT_IMPLEMENTED, "unsupported" },
	};

	if (refusal == NULL)
		return '.';
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (refusal->condition == letters[i].condition &&
		    strcmp(refusal->specific == NULL ? "" : refusal->specific,
			   letters[i].specific) == 0)
			return letters[i].letter;
	return '?';
}

typedef const struct pubsub_refusal *question_fn(const struct pubsub_op *,
						 const struct pubsub_view *);

/* The answers for plain, keyed, proved and trusted. */
static void
assert_levels(question_fn *question, const char *want, const char *what, const char *who)
{
	char got[5] = "";

	for (int level = EAR_PLAIN; level <= EAR_TRUSTED; level++) {
		set_level((enum ear_level)level);
		got[level] = letter_of(question(&op, &view));
	}
	if (strcmp(got, want) != 0)
		fail_msg("%s, %s: %s, not %s", what, who, got, want);
}

/* --- reading ------------------------------------------------------------------------------ */

static const char *const none_of[PUBSUB_ACCESS_COUNT] = {
	[PUBSUB_OPEN] = "uu..",      [PUBSUB_PRESENCE] = "uup.",  [PUBSUB_ROSTER] = "uur.",
	[PUBSUB_AUTHORIZE] = "uu..", [PUBSUB_WHITELIST] = "uucc",
};

/* §4.1: nobody is lent an affiliation who only says that the address is his, but a ban holds. */
static const char *
want_of(int affiliation, int model)
{
	static char want[5];

	if (affiliation == EAR_OUTCAST)
		return "ffff";
	if (affiliation == EAR_AFFILIATION_NONE)
		return none_of[model];
	snprintf(want, sizeof(want), "uu%s", affiliation == EAR_PUBLISH_ONLY ? "ff" : "..");
	return want;
}

static void
test_models(void **state)
{
	for (int model = 0; model < PUBSUB_ACCESS_COUNT; model++)
		for (int a = 0; a < EAR_AFFILIATION_COUNT; a++) {
			const char *name = pubsub_access_name((enum pubsub_access)model);
			const char *who = pubsub_affiliation_name((enum ear_affiliation)a);
			const char *want = want_of(a, model);

			view.config.access_model = (enum pubsub_access)model;
			view.affiliation = (enum ear_affiliation)a;
			assert_levels(pubsub_may_subscribe, want, name, who);
			/* §6.5.9.3: of those who are not subscribed, nobody. */
			if (model == PUBSUB_AUTHORIZE && a == EAR_AFFILIATION_NONE)
				want = "uuss";
			assert_levels(pubsub_may_read, want, name, who);
		}
}

static void
test_reading_as_subscriber(void **state)
{
	view.config.access_model = PUBSUB_AUTHORIZE;
	set_subscribed(EAR_SUBSCRIBED);
	assert_levels(pubsub_may_read, "uu..", "authorize", "subscriber");
	set_subscribed(EAR_PENDING);
	assert_levels(pubsub_may_read, "uuss", "authorize", "pending");
	/* On the whitelist no more: having subscribed does not help. */
	view.config.access_model = PUBSUB_WHITELIST;
	set_subscribed(EAR_SUBSCRIBED);
	assert_levels(pubsub_may_read, "uucc", "whitelist", "subscriber");
}

/* §6.1.3.7 */
static void
test_pending(void **state)
{
	set_subscribed(EAR_PENDING);
	view.config.access_model = PUBSUB_AUTHORIZE;
	assert_levels(pubsub_may_subscribe, "uuww", "authorize", "pending");
	view.affiliation = EAR_MEMBER;
	assert_levels(pubsub_may_subscribe, "uu..", "authorize", "member");
	view.affiliation = EAR_AFFILIATION_NONE;
	view.config.access_model = PUBSUB_OPEN;
	assert_levels(pubsub_may_subscribe, "uu..", "open", "pending");
}

/* §6.1.3.10 */
static void
test_no_subscriptions(void **state)
{
	view.config.subscribe = false;
	assert_levels(pubsub_may_subscribe, "uunn", "open", "none");
	assert_levels(pubsub_may_read, "uu..", "open", "none");
	view.affiliation = EAR_OWNER;
	assert_levels(pubsub_may_subscribe, "uunn", "open", "owner");
	view.affiliation = EAR_OUTCAST;
	assert_levels(pubsub_may_subscribe, "ffff", "open", "outcast");
}

/* §4.5: who is near. */
static void
test_presence(void **state)
{
	const struct ear_peer_info peer = { .address = ROMEO, .in_earshot = true };
	const struct ear_peer_info away = { .address = ROMEO };

	view.config.access_model = PUBSUB_PRESENCE;
	op.link = EAR_LINK_LAN;
	assert_levels(pubsub_may_read, "uu..", "presence", "lan");
	op.link = EAR_LINK_SERVER;
	ear->peer_count = 1;
	ear->peers = &peer;
	assert_levels(pubsub_may_read, "uu..", "presence", "in earshot");
	ear->peers = &away;
	assert_levels(pubsub_may_read, "uup.", "presence", "out of earshot");
	ear_keep(ear, "roster tv.example.org juliet@example.org", "both");
	ear_keep(ear, "roster tv@other.example.org " ROMEO, "both");
	assert_levels(pubsub_may_read, "uup.", "presence", "no contact");
	ear_keep(ear, "roster tv@tv.example.org " ROMEO, "from");
	assert_levels(pubsub_may_read, "uu..", "presence", "contact");
	ear_keep(ear, "roster tv@tv.example.org " ROMEO, NULL);
	/* Of several engines, which share a store: it says so. */
	view.contact = EAR_CONTACT_FROM;
	assert_levels(pubsub_may_read, "uu..", "presence", "shared contact");
	view.contact = EAR_CONTACT_NONE;
	/* An account's contacts are its server's business. */
	ear->self[EAR_LINK_SERVER] = "tv@example.org/tv";
	assert_levels(pubsub_may_read, "uup.", "presence", "account");
}

/* What policy allows comes before what owners do; where it believes everybody, so do nodes. */
static void
test_policy(void **state)
{
	view.affiliation = EAR_MEMBER;
	view.config.access_model = PUBSUB_WHITELIST;
	set_level(EAR_PROVED);
	op.may_subscribe = false;
	assert_int_equal(letter_of(pubsub_may_read(&op, &view)), 'u');
	assert_non_null(strstr(pubsub_may_read(&op, &view)->text, "policy.subscribe"));
	/* Anyone may read: who only says that he is a member is none. */
	set_level(EAR_PLAIN);
	op.may_subscribe = true;
	assert_int_equal(letter_of(pubsub_may_read(&op, &view)), 'c');
	view.config.access_model = PUBSUB_AUTHORIZE;
	set_subscribed(EAR_SUBSCRIBED);
	view.affiliation = EAR_AFFILIATION_NONE;
	assert_int_equal(letter_of(pubsub_may_read(&op, &view)), 's');
	/* Anyone may publish: then the address is enough. */
	op.may_publish = true;
	assert_int_equal(letter_of(pubsub_may_read(&op, &view)), '.');
	view.affiliation = EAR_OWNER;
	assert_int_equal(letter_of(pubsub_may_own(&op, &view)), '.');
}

/* --- publishing and owning ---------------------------------------------------------------- */

static void
test_publishing(void **state)
{
	static const char *const publishers[EAR_AFFILIATION_COUNT] = {
		[EAR_AFFILIATION_NONE] = "ffff", [EAR_OUTCAST] = "ffff",   [EAR_MEMBER] = "ffff",
		[EAR_PUBLISH_ONLY] = "ff..",     [EAR_PUBLISHER] = "ff..", [EAR_OWNER] = "ff..",
	};

	for (int a = 0; a < EAR_AFFILIATION_COUNT; a++) {
		const char *who = pubsub_affiliation_name((enum ear_affiliation)a);
		const char *other = a == EAR_OUTCAST ? "ffff" : "ff..";

		view.affiliation = (enum ear_affiliation)a;
		set_subscribed(EAR_SUBSCRIPTION_NONE);
		view.config.publish_model = PUBSUB_BY_PUBLISHERS;
		assert_levels(pubsub_may_publish, publishers[a], "publishers", who);
		view.config.publish_model = PUBSUB_BY_SUBSCRIBERS;
		assert_levels(pubsub_may_publish, publishers[a], "subscribers", who);
		set_subscribed(EAR_PENDING);
		assert_levels(pubsub_may_publish, publishers[a], "pending", who);
		set_subscribed(EAR_SUBSCRIBED);
		assert_levels(pubsub_may_publish, other, "subscribed", who);
		set_subscribed(EAR_SUBSCRIPTION_NONE);
		view.config.publish_model = PUBSUB_BY_ANYONE;
		assert_levels(pubsub_may_publish, other, "open", who);
	}
}

static void
test_owning(void **state)
{
	for (int a = 0; a < EAR_AFFILIATION_COUNT; a++) {
		view.affiliation = (enum ear_affiliation)a;
		assert_levels(pubsub_may_own, a == EAR_OWNER ? "ff.." : "ffff", "own",
			      pubsub_affiliation_name((enum ear_affiliation)a));
	}
}

/* Whoever owns the machine owns what is on it. */
static void
test_local_administrator(void **state)
{
	set_level(EAR_TRUSTED);
	op.link = EAR_LINK_LOCAL;
	op.may_own = true;
	view.config.access_model = PUBSUB_WHITELIST;
	for (int a = 0; a < EAR_AFFILIATION_COUNT; a++) {
		view.affiliation = (enum ear_affiliation)a;
		assert_null(pubsub_may_own(&op, &view));
		assert_null(pubsub_may_read(&op, &view));
		assert_null(pubsub_may_subscribe(&op, &view));
		assert_null(pubsub_may_publish(&op, &view));
	}
	view.config.subscribe = false;
	assert_int_equal(letter_of(pubsub_may_subscribe(&op, &view)), 'n');
}

static void
test_creating(void **state)
{
	static char longest[EAR_NODE_MAX + 1], too_long[EAR_NODE_MAX + 2];
	static const struct {
		const char *node;
		enum ear_verdict condition;
	} cases[] = {
		{ NULL, EAR_DONE },
		{ "princely_musings", EAR_DONE },
		{ "urn:xmpp:microblog:0", EAR_DONE },
		{ "a name with blanks, ümläuts and <signs>", EAR_DONE },
		{ longest, EAR_DONE },
		{ too_long, EAR_NOT_ACCEPTABLE },
		{ "two\nlines", EAR_NOT_ACCEPTABLE },
		{ "a\x7f", EAR_NOT_ACCEPTABLE },
		{ EAR_NS_TUNE, EAR_CONFLICT },
		{ "urn:earshot:state:0", EAR_CONFLICT },
		{ "urn:earshot:", EAR_CONFLICT },
		{ EAR_NS_COMMANDS, EAR_CONFLICT },
		{ EAR_CAPS_NODE "#abc", EAR_CONFLICT },
	};

	memset(longest, 'n', EAR_NODE_MAX);
	memset(too_long, 'n', EAR_NODE_MAX + 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pubsub_refusal *refusal;

		op.node = (char *)cases[i].node;
		set_level(EAR_KEYED);
		assert_int_equal(pubsub_may_create(&op)->condition, EAR_FORBIDDEN);
		assert_non_null(strstr(pubsub_may_create(&op)->text, "policy.publish"));
		set_level(EAR_PROVED);
		refusal = pubsub_may_create(&op);
		assert_int_equal(refusal == NULL ? EAR_DONE : refusal->condition,
				 cases[i].condition);
	}
	for (size_t i = 0; i < NODES_COUNT; i++) {
		op.node = (char *)nodes_all[i]->name;
		assert_int_equal(pubsub_may_create(&op)->condition, EAR_CONFLICT);
	}
	op.node = NULL;
	op.may_publish = false;
	op.may_own = true;
	assert_null(pubsub_may_create(&op));
}

/* --- told without having subscribed (XEP-0163 §4.3) --------------------------------------- */

static void
test_told(void **state)
{
	const struct ear_stored nobody = { 0 }, contact = { .contact = EAR_CONTACT_FROM };

	for (int model = 0; model < PUBSUB_ACCESS_COUNT; model++)
		for (int a = 0; a < EAR_AFFILIATION_COUNT; a++) {
			const char *want = want_of(a, model);

			if (model == PUBSUB_AUTHORIZE && a == EAR_AFFILIATION_NONE)
				want = "uuss";
			view.config.access_model = (enum pubsub_access)model;
			for (int level = EAR_PLAIN; level <= EAR_TRUSTED; level++)
				assert_int_equal(
					pubsub_may_be_told(
						ear, ROMEO "/orchard", EAR_LINK_SERVER,
						(enum ear_level)level, &view.config,
						&(struct ear_stored){
							.affiliation = (enum ear_affiliation)a }),
					want[level] == '.');
		}
	view.config.access_model = PUBSUB_PRESENCE;
	assert_true(pubsub_may_be_told(ear, "romeo@pronto.local", EAR_LINK_LAN, EAR_PROVED,
				       &view.config, &nobody));
	ear_keep(ear, "roster tv.example.org " ROMEO, "both");
	assert_true(pubsub_may_be_told(ear, ROMEO "/orchard", EAR_LINK_SERVER, EAR_PROVED,
				       &view.config, &nobody));
	/* Several engines: the store says so. */
	assert_false(pubsub_may_be_told(ear, "juliet@example.org/x", EAR_LINK_SERVER, EAR_PROVED,
					&view.config, &nobody));
	assert_true(pubsub_may_be_told(ear, "juliet@example.org/x", EAR_LINK_SERVER, EAR_PROVED,
				       &view.config, &contact));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_models),
		TEST(test_reading_as_subscriber),
		TEST(test_pending),
		TEST(test_no_subscriptions),
		TEST(test_presence),
		TEST(test_policy),
		TEST(test_publishing),
		TEST(test_owning),
		TEST(test_local_administrator),
		TEST(test_creating),
		TEST(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
