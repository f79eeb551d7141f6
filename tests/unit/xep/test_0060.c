/* SPDX-License-Identifier: ISC */
/* test_0060.c: requests to our nodes, every error that they have, who is told, how often, and who
 * is forgotten; on the player's nodes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "fake_ear.h"
#include "nodes_impl.h"
#include "player/kind.h"

#define ROMEO       "romeo@example.org/x"
#define JULIET      "juliet@pronto.local"
#define PUBSUB(xml) "<pubsub xmlns='" EAR_NS_PUBSUB "'>" xml "</pubsub>"
#define ON(jid)     PUBSUB("<subscribe node='" EAR_NS_BUTTONS "' jid='" jid "'/>")
#define OFF(jid)    PUBSUB("<unsubscribe node='" EAR_NS_BUTTONS "' jid='" jid "'/>")
#define ITEMS(node) PUBSUB("<items node='" node "'/>")

static struct ear *ear;

static void
on_player(void *arg, const struct ear_player_state *state)
{
	fake_tell(arg, EAR_PLAYER_CHANGED, NULL);
}

static void
ask(const char *type, const char *from, const char *xml)
{
	fake_ask_to(ear, type, from, "tv@tv.example.org", xml);
}

static int
setup(void **state)
{
	struct player_config config = { .kind = "demo" };

	ear = fake_new();
	ear->link = EAR_LINK_SERVER;
	ear->level = EAR_PROVED;
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	ear->self[EAR_LINK_LAN] = ear->self[EAR_LINK_LOCAL] = "tv@box.local";
	if (player_new(NULL, ear->clock, &config, on_player, ear, &ear->player) != 0)
		return -1;
	ask("get", ROMEO, ITEMS(EAR_NS_TUNE)); /* who asks for it makes it be looked at */
	clock_advance(ear->clock, EAR_SEC);
	ear->sends = 0;
	return 0;
}

static int
teardown(void **state)
{
	player_free(ear->player);
	ear->player = NULL;
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

static void
ignore(void *arg, int error, const struct ear_player_state *state)
{
	assert_int_equal(error, 0);
}

static void
press(enum ear_button button, int64_t value)
{
	struct ear_press press = { .button = button, .has_value = value >= 0, .value = value };

	ear_player_press(ear->player, &press, ignore, NULL);
	clock_advance(ear->clock, EAR_MSEC);
}

/* The one item of a notification of that node. */
static xmpp_stanza_t *
item_of(const char *node)
{
	xmpp_stanza_t *event = ear_find(ear->sent, "event", EAR_NS_PUBSUB_EVENT), *items;

	assert_non_null(event);
	items = ear_find(event, "items", EAR_NS_PUBSUB_EVENT);
	assert_string_equal(fake_attribute(items, "node"), node);
	assert_int_equal(fake_children(items), 1);
	assert_string_equal(fake_attribute(ear_first(items), "id"), "current");
	return ear_first(items);
}

static const char *
told(const char *attribute)
{
	return fake_attribute(ear_find(item_of(EAR_NS_BUTTONS), "state", EAR_NS_BUTTONS),
			      attribute);
}

/* --- requests ----------------------------------------------------------------------------- */

static bool
is_refused(enum ear_verdict condition, const char *specific, const char *feature)
{
	xmpp_stanza_t *error = ear->answer == NULL ? NULL : ear_find(ear->answer, "error", NULL);
	xmpp_stanza_t *e =
		error == NULL || specific == NULL ? NULL : ear_find(error, specific, NODES_ERRORS);

	return fake_refused(ear, condition) && (specific == NULL || e != NULL) &&
	       (feature == NULL || strcmp(fake_attribute(e, "feature"), feature) == 0);
}

static void
test_every_error(void **state)
{
	static const struct {
		const char *type, *xml;
		enum ear_verdict condition;
		const char *specific, *feature;
	} cases[] = {
		{ "get", ITEMS("urn:example:none"), EAR_ITEM_NOT_FOUND, NULL, NULL },
		{ "get", PUBSUB("<items/>"), EAR_BAD_REQUEST, "nodeid-required", NULL },
		{ "get", PUBSUB(""), EAR_BAD_REQUEST, NULL, NULL },
		{ "set", PUBSUB("<fly/>"), EAR_BAD_REQUEST, NULL, NULL },
		{ "set", PUBSUB("<subscribe jid='" ROMEO "'/>"), EAR_BAD_REQUEST, "nodeid-required",
		  NULL },
		{ "set", PUBSUB("<subscribe node='x' jid='" ROMEO "'/>"), EAR_ITEM_NOT_FOUND, NULL,
		  NULL },
		{ "set", ON("juliet@example.org"), EAR_BAD_REQUEST, "invalid-jid", NULL },
		{ "set", ON("@"), EAR_BAD_REQUEST, "invalid-jid", NULL },
		{ "set", PUBSUB("<subscribe node='" EAR_NS_BUTTONS "'/>"), EAR_BAD_REQUEST,
		  "jid-required", NULL },
		{ "set", PUBSUB("<subscribe node='" EAR_NS_BUTTONS "' jid='" ROMEO "'/><options/>"),
		  EAR_FEATURE_NOT_IMPLEMENTED, "unsupported", "subscription-options" },
		{ "set", OFF("juliet@example.org"), EAR_FORBIDDEN, NULL, NULL },
		{ "set", OFF(ROMEO), EAR_UNEXPECTED_REQUEST, "not-subscribed", NULL },
		{ "set",
		  PUBSUB("<subscribe node='" EAR_NS_BUTTONS "' jid='" ROMEO
			 "'/><unsubscribe node='" EAR_NS_BUTTONS "' jid='" ROMEO "'/>"),
		  EAR_BAD_REQUEST, NULL, NULL },
		{ "set", PUBSUB("<publish node='" EAR_NS_BUTTONS "'/>"),
		  EAR_FEATURE_NOT_IMPLEMENTED, "unsupported", "publish" },
		{ "set", PUBSUB("<create node='x'/>"), EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
		  "create-nodes" },
		{ "set", PUBSUB("<retract node='" EAR_NS_BUTTONS "'/>"),
		  EAR_FEATURE_NOT_IMPLEMENTED, "unsupported", "delete-items" },
		{ "get", PUBSUB("<affiliations/>"), EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
		  "retrieve-affiliations" },
		{ "get", PUBSUB("<options node='" EAR_NS_BUTTONS "' jid='" ROMEO "'/>"),
		  EAR_FEATURE_NOT_IMPLEMENTED, "unsupported", "subscription-options" },
		{ "get", PUBSUB("<subscriptions node='x'/>"), EAR_ITEM_NOT_FOUND, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i].type, ROMEO, cases[i].xml);
		if (!is_refused(cases[i].condition, cases[i].specific, cases[i].feature))
			fail_msg("%s", cases[i].xml);
	}
	assert_int_equal(ear->sends, 0);
}

static void
test_items(void **state)
{
	xmpp_stanza_t *items;

	ask("get", ROMEO, ITEMS(EAR_NS_BUTTONS));
	items = ear_first(fake_result(ear));
	assert_int_equal(fake_children(items), 1);
	assert_string_equal(fake_attribute(ear_first(items), "id"), "current");
	assert_string_equal(fake_attribute(ear_first(items), "publisher"), "tv@tv.example.org");
	assert_string_equal(
		fake_attribute(ear_find(ear_first(items), "state", EAR_NS_BUTTONS), "title"),
		"Big Buck Bunny");
	ask("get", ROMEO, PUBSUB("<items node='" EAR_NS_BUTTONS "'><item id='current'/></items>"));
	assert_int_equal(fake_children(ear_first(fake_result(ear))), 1);
	ask("get", ROMEO, PUBSUB("<items node='" EAR_NS_BUTTONS "'><item id='x'/></items>"));
	assert_int_equal(fake_children(ear_first(fake_result(ear))), 0);
}

static void
test_policy(void **state)
{
	ear->level = EAR_PLAIN;
	ask("get", ROMEO, ITEMS(EAR_NS_BUTTONS));
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	ask("set", ROMEO, ON(ROMEO));
	assert_true(fake_refused(ear, EAR_NOT_AUTHORIZED));
	ask("get", ROMEO, "<query xmlns='" EAR_NS_DISCO_ITEMS "' node='" EAR_NS_TUNE "'/>");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	ask("get", ROMEO, "<query xmlns='" EAR_NS_DISCO_INFO "' node='" EAR_NS_TUNE "'/>");
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	assert_int_equal(ear->sends, 0);
}

static const char *
item_named(xmpp_stanza_t *query, const char *node)
{
	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		if (strcmp(fake_attribute(e, "node"), node) == 0)
			return fake_attribute(e, "jid");
	return "none";
}

static void
test_disco(void **state)
{
	xmpp_stanza_t *query;

	ask("get", ROMEO, "<query xmlns='" EAR_NS_DISCO_ITEMS "'/>");
	assert_string_equal(item_named(fake_result(ear), EAR_NS_TUNE), "tv@tv.example.org");
	assert_string_equal(item_named(fake_result(ear), EAR_NS_BUTTONS), "tv@tv.example.org");
	ask("get", ROMEO, "<query xmlns='" EAR_NS_DISCO_ITEMS "' node='" EAR_NS_TUNE "'/>");
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "name"), "current");
	ask("get", ROMEO, "<query xmlns='" EAR_NS_DISCO_INFO "' node='" EAR_NS_TUNE "'/>");
	query = fake_result(ear);
	assert_string_equal(fake_attribute(ear_first(query), "category"), "pubsub");
	assert_string_equal(fake_attribute(ear_first(query), "type"), "leaf");
	ear->level = EAR_PLAIN; /* who may not see them is not shown them */
	ask("get", ROMEO, "<query xmlns='" EAR_NS_DISCO_ITEMS "'/>");
	assert_string_equal(item_named(fake_result(ear), EAR_NS_TUNE), "none");
}

/* --- subscriptions ------------------------------------------------------------------------ */

static void
test_subscribing(void **state)
{
	xmpp_stanza_t *subscription;

	ask("set", ROMEO, ON("Romeo@example.org/x"));
	subscription = ear_first(fake_result(ear));
	assert_string_equal(fake_attribute(subscription, "subscription"), "subscribed");
	assert_string_equal(fake_attribute(subscription, "jid"), ROMEO);
	assert_int_equal(ear->sends, 1); /* the item as it is, at once */
	assert_string_equal(told("playback"), "playing");
	assert_string_equal(fake_attribute(ear->sent, "type"), "headline");
	assert_string_equal(fake_attribute(ear->sent, "to"), ROMEO);
	assert_string_equal(fake_attribute(ear->sent, "from"), "tv@tv.example.org");
	assert_string_equal(fake_attribute(item_of(EAR_NS_BUTTONS), "publisher"),
			    "tv@tv.example.org");
	assert_string_equal(fake_attribute(ear_find(ear->sent, "expires", EAR_NS_DELIVERY), "ms"),
			    "5000");
	press(EAR_PAUSE, -1);
	assert_int_equal(ear->sends, 2);
	assert_string_equal(told("playback"), "paused");
	ask("get", ROMEO, PUBSUB("<subscriptions/>"));
	assert_int_equal(fake_children(ear_first(fake_result(ear))), 1);
	ask("get", JULIET, PUBSUB("<subscriptions node='" EAR_NS_BUTTONS "'/>"));
	assert_int_equal(fake_children(ear_first(fake_result(ear))), 0);
	ask("set", ROMEO, OFF(ROMEO));
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "subscription"), "none");
	clock_advance(ear->clock, EAR_SEC);
	press(EAR_PLAY, -1);
	assert_int_equal(ear->sends, 2);
}

/* Again is once; the bare and the full address are two, as they say. */
static void
test_again_is_once(void **state)
{
	ask("set", ROMEO, ON(ROMEO));
	ask("set", ROMEO, ON(ROMEO));
	assert_int_equal(ear->sends, 2); /* each is answered with what is now */
	press(EAR_PAUSE, -1);
	assert_int_equal(ear->sends, 3);
	ask("set", ROMEO, ON("romeo@example.org"));
	clock_advance(ear->clock, EAR_SEC);
	ear->sends = 0;
	press(EAR_PLAY, -1);
	assert_int_equal(ear->sends, 2);
}

static void
test_tune(void **state)
{
	xmpp_stanza_t *tune;

	ask("set", ROMEO, PUBSUB("<subscribe node='" EAR_NS_TUNE "' jid='" ROMEO "'/>"));
	tune = ear_find(item_of(EAR_NS_TUNE), "tune", EAR_NS_TUNE);
	assert_string_equal(ear_text(ear_find(tune, "title", EAR_NS_TUNE)), "Big Buck Bunny");
	assert_string_equal(ear_text(ear_find(tune, "length", EAR_NS_TUNE)), "596");
	assert_string_equal(ear_text(ear_find(tune, "artist", EAR_NS_TUNE)), "Blender Foundation");
	assert_null(ear_find(tune, "source", EAR_NS_TUNE));
	ear->sends = 0;
	press(EAR_VOLUME, 10); /* none of a tune's business */
	press(EAR_PAUSE, -1);
	clock_advance(ear->clock, EAR_SEC);
	assert_int_equal(ear->sends, 0);
	press(EAR_NEXT, -1);
	assert_int_equal(ear->sends, 1);
	tune = ear_find(item_of(EAR_NS_TUNE), "tune", EAR_NS_TUNE);
	assert_string_equal(ear_text(ear_find(tune, "title", EAR_NS_TUNE)), "Sintel");
	clock_advance(ear->clock, EAR_SEC);
	press(EAR_STOP, -1);
	assert_int_equal(ear->sends, 2);
	assert_int_equal(fake_children(ear_find(item_of(EAR_NS_TUNE), "tune", EAR_NS_TUNE)), 0);
}

/* A flood of changes is five a second, and the last of them is told. */
static void
test_flood(void **state)
{
	ask("set", ROMEO, ON(ROMEO));
	ear->sends = 0;
	for (int i = 0; i < 100; i++) {
		press(EAR_VOLUME, i);
		clock_advance(ear->clock, 9 * EAR_MSEC);
	}
	assert_in_range(ear->sends, 5, 6);
	clock_advance(ear->clock, EAR_SEC);
	assert_in_range(ear->sends, 5, 6);
	assert_string_equal(told("volume"), "99");
}

static size_t
notifications(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ear->box_count; i++)
		n += ear_find(ear->box[i], "event", EAR_NS_PUBSUB_EVENT) != NULL;
	return n;
}

/* --- who is forgotten --------------------------------------------------------------------- */

static enum ear_verdict
bounce(const char *from, const char *type, const char *condition)
{
	char *xml = xasprintf("<message xmlns='jabber:client' type='error' id='%s'><error "
			      "type='%s'><%s xmlns='" EAR_NS_STANZA_ERR "'/></error></message>",
			      fake_attribute(ear->sent, "id"), type, condition);
	enum ear_verdict verdict = fake_message(ear, from, xml);

	free(xml);
	return verdict;
}

static void
test_bounces(void **state)
{
	ask("set", ROMEO, ON(ROMEO));
	assert_int_equal(bounce("mercutio@example.org", "cancel", "gone"), EAR_PASS);
	assert_int_equal(bounce(ROMEO, "wait", "recipient-unavailable"), EAR_DONE);
	ear->sends = 0;
	clock_advance(ear->clock, NODES_AGAIN + EAR_MSEC); /* gets what is now */
	assert_int_equal(ear->sends, 1);
	assert_int_equal(bounce("romeo@example.org", "cancel", "service-unavailable"), EAR_DONE);
	clock_advance(ear->clock, EAR_SEC);
	press(EAR_PAUSE, -1);
	assert_int_equal(ear->sends, 1);
	assert_int_equal(nodes_of(ear)->count, 0);
	assert_int_equal(bounce(ROMEO, "cancel", "gone"), EAR_PASS);
}

/* A server swallows what is for a client that is gone: it is asked, now and then. */
static void
test_client_leaves(void **state)
{
	size_t before = ear->request_count;

	ask("set", ROMEO, ON(ROMEO));
	ask("set", ROMEO, ON("romeo@example.org")); /* of whom the server knows where he is */
	press(EAR_PAUSE, -1);
	assert_int_equal(ear->request_count, before);
	clock_advance(ear->clock, NODES_UNHEARD);
	press(EAR_PLAY, -1);
	clock_advance(ear->clock, EAR_SEC);
	press(EAR_PAUSE, -1);
	assert_int_equal(ear->request_count, before + 1);
	assert_string_equal(fake_attribute(fake_request(ear, before), "to"), ROMEO);
	fake_answer(ear, before, "<query xmlns='" EAR_NS_DISCO_INFO "'/>");
	clock_advance(ear->clock, NODES_UNHEARD);
	press(EAR_PLAY, -1);
	fake_answer_none(ear, before, -ETIMEDOUT);
	clock_advance(ear->clock, NODES_UNHEARD);
	assert_int_equal(nodes_of(ear)->count, 2);
	press(EAR_PAUSE, -1);
	fake_answer_error(ear, before,
			  "<error type='cancel'><service-unavailable xmlns='" EAR_NS_STANZA_ERR
			  "'/></error>");
	clock_advance(ear->clock, EAR_SEC);
	assert_int_equal(nodes_of(ear)->count, 1);
}

extern const struct ear_xep ear_xep_0060;

static void
restart(void)
{
	ear_xep_0060.stop(ear);
	ear_xep_0060.start(ear);
	fake_clear(ear);
}

/* Through the server a subscription is for good; what is now is told when the server is there. */
static void
test_outlives_us(void **state)
{
	ask("set", ROMEO, ON(ROMEO));
	ask("set", "mercutio@example.org/a b", ON("mercutio@example.org"));
	ask("set", "mercutio@example.org/a b", OFF("mercutio@example.org"));
	ask("set", "paris@example.org/a b", ON("paris@example.org/a b"));
	ear->link = EAR_LINK_LAN;
	ask("set", JULIET, ON(JULIET));
	restart();
	assert_int_equal(nodes_of(ear)->count, 2);
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org");
	assert_string_equal(fake_attribute(ear->sent, "from"), "tv@tv.example.org");
	assert_int_equal(notifications(), 2);
	ear->link = EAR_LINK_SERVER;
	ask("set", "paris@example.org/a b", OFF("paris@example.org/a b"));
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "subscription"), "none");
	ask("set", ROMEO, ON(ROMEO));
	assert_int_equal(bounce(ROMEO, "cancel", "gone"), EAR_DONE);
	clock_advance(ear->clock, EAR_SEC);
	restart();
	assert_int_equal(nodes_of(ear)->count, 0);
	/* What nobody may who is no surer is not given back, nor is what makes no sense. */
	ear_keep(ear, "node " EAR_NS_BUTTONS " - " ROMEO, "plain");
	ear_keep(ear, "node " EAR_NS_BUTTONS " -", "proved");
	ear_keep(ear, "node x - " ROMEO, "proved");
	ear_keep(ear, "node ", "proved");
	restart();
	assert_int_equal(nodes_of(ear)->count, 0);
}

static void
test_program_leaves(void **state)
{
	ear->link = EAR_LINK_LOCAL;
	fake_ask_to(ear, "set", "tv@box.local/cli-1", "tv@box.local", ON("tv@box.local/cli-1"));
	assert_int_equal(ear->sends, 1);
	ear->send_error = -EHOSTUNREACH;
	press(EAR_PAUSE, -1);
	clock_advance(ear->clock, EAR_MSEC);
	assert_int_equal(nodes_of(ear)->count, 0);
}

/* Somebody on the LAN is tried again for a while, then forgotten. */
static void
test_vanishes(void **state)
{
	ear->link = EAR_LINK_LAN;
	ask("set", JULIET, ON(JULIET));
	ear->send_error = -EHOSTUNREACH;
	press(EAR_PAUSE, -1);
	clock_advance(ear->clock, NODES_PATIENCE / 2);
	assert_int_equal(nodes_of(ear)->count, 1);
	assert_true(ear->sends > 5);
	clock_advance(ear->clock, NODES_PATIENCE);
	assert_int_equal(nodes_of(ear)->count, 0);
}

/* What nobody could be sent leaves when the way is back, as it is then. */
static void
test_missed(void **state)
{
	ask("set", ROMEO, ON(ROMEO));
	ear->send_error = -EHOSTUNREACH;
	press(EAR_PAUSE, -1);
	clock_advance(ear->clock, 600 * EAR_SEC);
	ear->send_error = 0;
	ear->sends = 0;
	clock_advance(ear->clock, 600 * EAR_SEC);
	assert_int_equal(ear->sends, 0);
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org");
	assert_int_equal(ear->sends, 1);
	assert_string_equal(told("playback"), "paused");
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org");
	assert_int_equal(ear->sends, 1);
}

static void
test_bound(void **state)
{
	ear->kept_full = true; /* the fake has room for fewer */
	for (int i = 0; i <= NODES_TOLD_MAX; i++) {
		char *from = xasprintf("r%d@example.org", i);
		char *xml =
			xasprintf(PUBSUB("<subscribe node='" EAR_NS_BUTTONS "' jid='%s'/>"), from);

		ask("set", from, xml);
		if (i == 1) /* heard of again: not the first to go */
			ask("set", "r0@example.org", ON("r0@example.org"));
		free(xml);
		free(from);
	}
	assert_int_equal(nodes_of(ear)->count, NODES_TOLD_MAX);
	ask("get", "r0@example.org", PUBSUB("<subscriptions/>"));
	assert_int_equal(fake_children(ear_first(fake_result(ear))), 1);
	ask("get", "r1@example.org", PUBSUB("<subscriptions/>"));
	assert_int_equal(fake_children(ear_first(fake_result(ear))), 0);
}

/* --- one device, two addresses ------------------------------------------------------------ */

static void
test_one_device(void **state)
{
	struct ear_path_info paths[] = {
		{ .to = JULIET, .address = JULIET, .link = EAR_LINK_LAN },
		{ .to = JULIET, .address = "juliet@example.org/sofa", .link = EAR_LINK_SERVER },
	};

	ear->paths = paths;
	ear->path_count = 2;
	ear->link = EAR_LINK_LAN;
	ask("set", JULIET, ON(JULIET));
	ear->link = EAR_LINK_SERVER;
	ask("set", "juliet@example.org/sofa", ON("juliet@example.org/sofa"));
	ear->sends = 0;
	press(EAR_PAUSE, -1);
	assert_int_equal(ear->sends, 1);
	assert_string_equal(fake_attribute(ear->sent, "to"), "juliet@example.org/sofa");
}

/* --- interest ----------------------------------------------------------------------------- */

static void
wanted(enum ear_level level, unsigned wants)
{
	struct ear_in in = { .ear = ear,
			     .from = ROMEO,
			     .to = "tv.example.org",
			     .level = level,
			     .link = EAR_LINK_SERVER };

	nodes_wanted(&in, wants);
}

static void
test_interest(void **state)
{
	wanted(EAR_PLAIN, 3);
	assert_int_equal(ear->sends, 0);
	wanted(EAR_PROVED, 3);
	assert_int_equal(ear->sends, 2);
	wanted(EAR_PROVED, 3); /* says so again: has it already */
	assert_int_equal(ear->sends, 2);
	wanted(EAR_PROVED, 1);
	press(EAR_NEXT, -1);
	assert_int_equal(ear->sends, 3);
	assert_string_equal(fake_attribute(ear->sent, "from"), "tv.example.org");
	assert_string_equal(told("title"), "Sintel");
	ask("set", ROMEO, ON(ROMEO)); /* both is one */
	ear->sends = 0;
	clock_advance(ear->clock, EAR_SEC);
	press(EAR_PREVIOUS, -1);
	assert_int_equal(ear->sends, 1);
	wanted(EAR_PROVED, 0);
	clock_advance(ear->clock, EAR_SEC);
	press(EAR_NEXT, -1);
	assert_int_equal(ear->sends, 2);
	ask("set", ROMEO, OFF(ROMEO));
	assert_int_equal(nodes_of(ear)->count, 0);
}

/* Somebody whose key is not what it was sees no more of it. */
static void
test_trust_is_lost(void **state)
{
	struct ear_peer_info peer = { .address = JULIET, .level = EAR_KEYED };

	ear->peers = &peer;
	ear->peer_count = 1;
	ear->link = EAR_LINK_LAN;
	ask("set", JULIET, ON(JULIET));
	fake_tell(ear, EAR_TRUST_CHANGED, JULIET);
	clock_advance(ear->clock, EAR_MSEC);
	assert_int_equal(nodes_of(ear)->count, 1);
	peer.level = EAR_PLAIN;
	fake_tell(ear, EAR_TRUST_CHANGED, JULIET);
	clock_advance(ear->clock, EAR_MSEC);
	assert_int_equal(nodes_of(ear)->count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_error), TEST(test_items),         TEST(test_policy),
		TEST(test_disco),       TEST(test_subscribing),   TEST(test_again_is_once),
		TEST(test_tune),        TEST(test_flood),         TEST(test_bounces),
		TEST(test_outlives_us), TEST(test_client_leaves), TEST(test_program_leaves),
		TEST(test_vanishes),    TEST(test_missed),        TEST(test_bound),
		TEST(test_one_device),  TEST(test_interest),      TEST(test_trust_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
