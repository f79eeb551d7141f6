/* SPDX-License-Identifier: ISC */
/* test_0163.c: who is told without having subscribed: whose capabilities say so, and are true. */
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
#include "caps.h"
#include "fake_ear.h"
#include "nodes_impl.h"

#define ROMEO  "romeo@example.org/x"
#define JULIET "juliet@pronto.local"
#define NODE   "https://client.example/"
#define WANTS  "<feature var='" EAR_NS_BUTTONS "+notify'/><feature var='" EAR_NS_TUNE "+notify'/>"
#define BOT    "<identity category='client' type='pc'/>"

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	ear->link = EAR_LINK_SERVER;
	ear->level = EAR_PROVED;
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	ear->self[EAR_LINK_LAN] = "tv@box.local";
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

/* What an answer that holds that has as its hash. */
static const char *
ver_of(const char *inside)
{
	static char ver[EAR_CAPS_VER_SIZE];
	char *xml = xasprintf("<query xmlns='" EAR_NS_DISCO_INFO "'>%s</query>", inside);
	xmpp_stanza_t *query = xmpp_stanza_new_from_string(ear->ctx, xml);

	ear_caps_ver_of(query, ver);
	xmpp_stanza_release(query);
	free(xml);
	return ver;
}

static void
available(const char *from, const char *hash, const char *ver)
{
	char *xml =
		xasprintf("<presence xmlns='jabber:client' from='%s' to='tv@tv.example.org'><c "
			  "xmlns='" EAR_NS_CAPS "' hash='%s' node='" NODE "' ver='%s'/></presence>",
			  from, hash, ver);

	assert_int_equal(fake_message(ear, from, xml), EAR_PASS);
	free(xml);
}

static void
says(const char *type, const char *from)
{
	char *xml = xasprintf("<presence xmlns='jabber:client' from='%s' to='tv@tv.example.org' "
			      "type='%s'/>",
			      from, type);

	fake_message(ear, from, xml);
	free(xml);
}

/* The newest question, answered. */
static void
answer(const char *inside)
{
	char *xml = xasprintf("<query xmlns='" EAR_NS_DISCO_INFO "'>%s</query>", inside);

	fake_answer(ear, ear->request_count - 1, xml);
	free(xml);
}

static void
test_asked_once(void **state)
{
	size_t before = ear->request_count;
	xmpp_stanza_t *iq;
	char *node;

	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	assert_int_equal(ear->request_count, before + 1);
	available(ROMEO, "sha-1", ver_of(BOT WANTS)); /* says so again */
	assert_int_equal(ear->request_count, before + 1);
	iq = fake_request(ear, before);
	node = xasprintf(NODE "#%s", ver_of(BOT WANTS));
	assert_string_equal(fake_attribute(iq, "to"), ROMEO);
	assert_string_equal(fake_attribute(ear_first(iq), "node"), node);
	free(node);
	answer(BOT WANTS);
	assert_int_equal(ear->sends, 2); /* what is now, of both nodes */
	assert_string_equal(fake_attribute(ear->sent, "to"), ROMEO);
	assert_string_equal(fake_attribute(ear->sent, "from"), "tv@tv.example.org");
	available("mercutio@example.org/y", "sha-1", ver_of(BOT WANTS)); /* known by now */
	assert_int_equal(ear->request_count, before);
	assert_int_equal(ear->sends, 4);
	assert_int_equal(nodes_of(ear)->count, 4);
	says("unavailable", ROMEO);
	assert_int_equal(nodes_of(ear)->count, 2);
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org"); /* who is there says so again */
	assert_int_equal(nodes_of(ear)->count, 0);
}

/* Who might be told once, and may no more, is told nothing, and forgotten. */
static void
test_may_no_more(void **state)
{
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	answer(BOT WANTS);
	assert_int_equal(ear->sends, 2);
	ear->by_server = EAR_PLAIN; /* as with policy.state = nobody */
	nodes_changed(ear, &node_state);
	clock_advance(ear->clock, EAR_SEC);
	assert_int_equal(ear->sends, 2);
	assert_int_equal(nodes_of(ear)->count, 1); /* the other node has not changed */
}

/* An answer that does not have the hash is not believed, of nobody. */
static void
test_lies(void **state)
{
	static const char *const lies[] = {
		BOT WANTS "<feature var='more'/>",
		BOT WANTS "<feature var='" EAR_NS_TUNE "+notify'/>",
		BOT BOT WANTS,
		"",
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		size_t before = ear->request_count;

		/* Also where its hash is right, but the same is in it twice (XEP-0115 §5.4). */
		available(ROMEO, "sha-1", ver_of(i == 1 || i == 2 ? lies[i] : BOT WANTS));
		assert_int_equal(ear->request_count, before + 1);
		answer(lies[i]);
		assert_int_equal(nodes_of(ear)->count, 0);
		says("unavailable", ROMEO);
	}
}

/* One that we cannot check is believed of the one who was asked. */
static void
test_another_hash(void **state)
{
	size_t before = ear->request_count;

	available(ROMEO, "sha-256", "abc");
	answer(BOT WANTS);
	assert_int_equal(nodes_of(ear)->count, 2);
	available("mercutio@example.org/y", "sha-256", "abc");
	assert_int_equal(ear->request_count, before + 1);
}

static void
test_changes_of_mind(void **state)
{
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	answer(BOT WANTS);
	assert_int_equal(nodes_of(ear)->count, 2);
	available(ROMEO, "sha-1", ver_of(BOT));
	answer(BOT);
	assert_int_equal(nodes_of(ear)->count, 0);
	available(ROMEO, "sha-1", ver_of(BOT WANTS "<feature var='x'/>"));
	says("unavailable", ROMEO); /* before the answer */
	assert_int_equal(nodes_of(ear)->count, 0);
}

/* Not every server says that one who is no contact any more is not there, either. */
static void
test_no_contact(void **state)
{
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	answer(BOT WANTS);
	says("unsubscribe", "mercutio@example.org");
	assert_int_equal(nodes_of(ear)->count, 2);
	says("unsubscribe", "romeo@example.org");
	assert_int_equal(nodes_of(ear)->count, 0);
	available(ROMEO, "sha-1", ver_of(BOT));
	says("unsubscribed", "romeo@example.org"); /* before the answer */
	assert_int_equal(nodes_of(ear)->count, 0);
}

static void
test_nobody_special(void **state)
{
	size_t before = ear->request_count;

	ear->level = EAR_PLAIN;
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	assert_int_equal(ear->request_count, before); /* he may not see it anyway */
	ear->level = EAR_PROVED;
	available(ROMEO, "sha-1", ear_caps_ver(ear)); /* as we are */
	available(ROMEO, "", "");
	assert_int_equal(ear->request_count, before);
	ear->self[EAR_LINK_SERVER] = "tv@example.org/box"; /* its server does that */
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	assert_int_equal(ear->request_count, before);
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	assert_int_equal(nodes_of(ear)->count, 0);
}

static void
test_no_answer(void **state)
{
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	fake_answer_none(ear, ear->request_count - 1, -ETIMEDOUT);
	assert_int_equal(nodes_of(ear)->count, 0);
	available(ROMEO, "sha-1", ver_of(BOT WANTS));
	fake_answer_error(ear, ear->request_count - 1, "<error type='cancel'/>");
	assert_int_equal(nodes_of(ear)->count, 0);
}

static void
test_bounds(void **state)
{
	size_t before = ear->request_count;

	for (int i = 0; i < CAPS_ASKED_MAX - (int)before; i++) {
		char *from = xasprintf("r%d@example.org/x", i);

		available(from, "sha-1", ver_of(BOT WANTS));
		free(from);
	}
	assert_in_range(ear->request_count, before + 1, CAPS_ASKED_MAX);
	while (ear->request_count > before)
		fake_answer_none(ear, ear->request_count - 1, -ETIMEDOUT);
	for (int i = 0; i < CAPS_KNOWN_MAX + 10; i++) {
		char *inside = xasprintf(BOT WANTS "<feature var='%d'/>", i);

		available(ROMEO, "sha-1", ver_of(inside));
		answer(inside);
		free(inside);
	}
	available("a@example.org/x", "sha-1", ver_of(BOT WANTS "<feature var='0'/>"));
	assert_int_equal(ear->request_count, before + 1); /* forgotten long ago */
	available("b@example.org/x", "sha-1", ver_of(BOT WANTS "<feature var='20'/>"));
	assert_int_equal(ear->request_count, before + 1);
}

/* --- on the LAN --------------------------------------------------------------------------- */

/* She is in earshot. */
static struct ear_peer_info *
meet(enum ear_level level)
{
	static struct ear_peer_info peer;

	peer = (struct ear_peer_info){ .address = JULIET,
				       .level = level,
				       .in_earshot = true,
				       .caps_node = NODE,
				       .caps_hash = "sha-1",
				       .caps_ver = ver_of(BOT WANTS) };
	ear->peers = &peer;
	ear->peer_count = 1;
	return &peer;
}

static void
test_peer(void **state)
{
	struct ear_peer_info *peer = meet(EAR_PLAIN);

	fake_tell(ear, EAR_PEER_CHANGED, JULIET);
	assert_int_equal(ear->request_count, 0);
	peer->level = EAR_KEYED;
	fake_tell(ear, EAR_TRUST_CHANGED, JULIET);
	assert_int_equal(ear->request_count, 1);
	assert_int_equal(ear->requests[0].only, EAR_LINK_LAN);
	answer(BOT WANTS);
	assert_int_equal(nodes_of(ear)->count, 2);
	assert_string_equal(fake_attribute(ear->sent, "to"), JULIET);
	fake_tell(ear, EAR_PEER_CHANGED, JULIET);
	assert_int_equal(ear->sends, 2); /* had it already */
	fake_tell(ear, EAR_PEER_GONE, JULIET);
	assert_int_equal(nodes_of(ear)->count, 0);
}

/* Whose key is accepted no more is told nothing that its key let him have. */
static void
test_peer_is_trusted_no_more(void **state)
{
	struct ear_peer_info *peer = meet(EAR_KEYED);

	fake_tell(ear, EAR_PEER_CHANGED, JULIET);
	answer(BOT WANTS);
	assert_int_equal(nodes_of(ear)->count, 2);
	peer->level = EAR_PLAIN;
	fake_tell(ear, EAR_TRUST_ENDED, "juliet@example.org");
	assert_int_equal(nodes_of(ear)->count, 2);
	fake_tell(ear, EAR_TRUST_ENDED, JULIET);
	assert_int_equal(nodes_of(ear)->count, 0);
	/* Paired again. */
	peer->level = EAR_KEYED;
	fake_tell(ear, EAR_TRUST_CHANGED, JULIET);
	assert_int_equal(nodes_of(ear)->count, 2);
}

struct wanted {
	size_t count, longest;
};

static void
on_caps(void *arg, const struct ear_in *in, const char *const *nodes, size_t count)
{
	struct wanted *wanted = arg;

	wanted->count = count;
	for (size_t i = 0; i < count; i++)
		if (strlen(nodes[i]) > wanted->longest)
			wanted->longest = strlen(nodes[i]);
}

/* What an answer names, of names of that length. */
static struct wanted
wants(size_t count, int length)
{
	struct wanted wanted = { 0 };
	struct caps *caps = caps_new(ear, on_caps, &wanted);
	struct ear_in in = {
		.ear = ear, .from = ROMEO, .level = EAR_PROVED, .link = EAR_LINK_SERVER
	};
	char *inside = xstrdup(BOT);

	for (size_t i = 0; i < count; i++) {
		char *more = xasprintf("%s<feature var='%0*zu+notify'/>", inside, length, i);

		free(inside);
		inside = more;
	}
	caps_find(caps, &in, NODE, "sha-256", "any");
	answer(inside);
	free(inside);
	caps_free(caps);
	return wanted;
}

/* Names of any node, as many and as long as there is room for. */
static void
test_wants_are_bounded(void **state)
{
	assert_int_equal(wants(3, 4).count, 3);
	assert_int_equal(wants(CAPS_WANTS_MAX + 10, 4).count, CAPS_WANTS_MAX);
	assert_int_equal(wants(1, EAR_NODE_MAX).longest, EAR_NODE_MAX);
	assert_int_equal(wants(1, EAR_NODE_MAX + 1).count, 0);
	assert_int_equal(wants(20, 1000).count, CAPS_WANTS_BYTES / 1001);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_asked_once),
		TEST(test_may_no_more),
		TEST(test_lies),
		TEST(test_another_hash),
		TEST(test_changes_of_mind),
		TEST(test_no_contact),
		TEST(test_nobody_special),
		TEST(test_no_answer),
		TEST(test_bounds),
		TEST(test_peer),
		TEST(test_peer_is_trusted_no_more),
		TEST(test_wants_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
