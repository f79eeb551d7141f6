/* SPDX-License-Identifier: ISC */
/* test_control.c: what programs of this machine ask the engine. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ear.h"
#include "player/kind.h"

#define PROGRAM   "tv@pronto.local/program"
#define PAGE      50
#define XML(rest) "<" rest " xmlns='" EAR_NS_CONTROL "'/>"

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		assert_null(ear->watches[i].fn);
	player_free(ear->player);
	fake_free(ear);
	return 0;
}

static xmpp_stanza_t *
ask(const char *type, const char *xml)
{
	fake_ask(ear, type, PROGRAM, xml);
	if (ear->rule != NULL)
		assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
	return ear->answer;
}

static const struct ear_peer_info two_peers[] = {
	{ "juliet@pronto.local", "juliet@example.org", "Juliet <3", "avail", "in", true, EAR_PLAIN,
	  EAR_LINK_LAN, 1234, NULL, "mdns", "", "", "" },
	{ "tv@example.org", NULL, "", "", "", false, EAR_TRUSTED, EAR_LINK_NONE, -1,
	  "its key is not the one it had", "", "", "", "" },
};

static void
test_peers(void **state)
{
	xmpp_stanza_t *peers, *peer;

	ear->peers = two_peers;
	ear->peer_count = 2;
	ask("get", XML("peers"));
	peers = fake_result(ear);
	assert_true(ear_is(peers, "peers", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(peers, "first"), "0");
	assert_string_equal(fake_attribute(peers, "total"), "2");
	peer = ear_first(peers);
	assert_true(ear_is(peer, "peer", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(peer, "address"), "juliet@pronto.local");
	assert_string_equal(fake_attribute(peer, "jid"), "juliet@example.org");
	assert_string_equal(fake_attribute(peer, "name"), "Juliet <3");
	assert_string_equal(fake_attribute(peer, "status"), "avail");
	assert_string_equal(fake_attribute(peer, "message"), "in");
	assert_string_equal(fake_attribute(peer, "in-earshot"), "true");
	assert_string_equal(fake_attribute(peer, "level"), "plain");
	assert_string_equal(fake_attribute(peer, "link"), "lan");
	assert_string_equal(fake_attribute(peer, "rtt-us"), "1234");
	assert_null(xmpp_stanza_get_attribute(peer, "refused"));
	assert_string_equal(fake_attribute(peer, "found"), "mdns");
	peer = ear_next(peer);
	assert_string_equal(fake_attribute(peer, "refused"), "its key is not the one it had");
	assert_string_equal(fake_attribute(peer, "in-earshot"), "false");
	assert_string_equal(fake_attribute(peer, "link"), "none");
	assert_null(xmpp_stanza_get_attribute(peer, "jid"));
	assert_null(xmpp_stanza_get_attribute(peer, "name"));
	assert_null(xmpp_stanza_get_attribute(peer, "rtt-us"));
	assert_null(xmpp_stanza_get_attribute(peer, "found"));
}

static void
test_one_peer(void **state)
{
	ear->peers = two_peers;
	ear->peer_count = 2;
	ask("get", "<peers xmlns='" EAR_NS_CONTROL "' address='TV@Example.org/x'/>");
	assert_string_equal(fake_attribute(fake_result(ear), "total"), "1");
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "address"),
			    "tv@example.org");
	ask("get", "<peers xmlns='" EAR_NS_CONTROL "' address='nobody@example.org'/>");
	assert_true(fake_refused(ear, EAR_ITEM_NOT_FOUND));
	ask("get", "<peers xmlns='" EAR_NS_CONTROL "' address='@'/>");
	assert_true(fake_refused(ear, EAR_JID_MALFORMED));
}

/* 2,000 peers would not fit into one stanza: every page is asked for, nobody is left out. */
static void
test_pages(void **state)
{
	static struct ear_peer_info many[2 * PAGE + 1];
	static char names[2 * PAGE + 1][32];
	char xml[128];
	size_t seen = 0, pages = 0;

	for (size_t i = 0; i < 2 * PAGE + 1; i++) {
		snprintf(names[i], sizeof(names[i]), "p%03zu@pronto.local", i);
		many[i] = two_peers[0];
		many[i].address = names[i];
	}
	ear->peers = many;
	ear->peer_count = 2 * PAGE + 1;
	for (; seen < ear->peer_count; pages++) {
		xmpp_stanza_t *page;

		snprintf(xml, sizeof(xml), "<peers xmlns='%s' first='%zu'/>", EAR_NS_CONTROL, seen);
		ask("get", xml);
		page = fake_result(ear);
		assert_string_equal(fake_attribute(page, "total"), "101");
		assert_true(fake_children(page) > 0 && fake_children(page) <= PAGE);
		for (xmpp_stanza_t *e = ear_first(page); e != NULL; e = ear_next(e))
			assert_string_equal(fake_attribute(e, "address"), names[seen++]);
	}
	assert_int_equal(pages, 3);
	ask("get", "<peers xmlns='" EAR_NS_CONTROL "' first='101'/>");
	assert_int_equal(fake_children(fake_result(ear)), 0);
	ask("get", "<peers xmlns='" EAR_NS_CONTROL "' first='18446744073709551615'/>");
	assert_int_equal(fake_children(fake_result(ear)), 0);
}

static void
test_bad_first(void **state)
{
	static const char *const bad[] = {
		"", "x", "-1", "+1", " 1", "1x", "18446744073709551616"
	};
	char xml[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(xml, sizeof(xml), "<paths xmlns='%s' first='%s'/>", EAR_NS_CONTROL,
			 bad[i]);
		ask("get", xml);
		assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	}
}

static const struct ear_path_info two_paths[] = {
	{ "juliet@pronto.local", "juliet@pronto.local", EAR_LINK_LAN, EAR_PATH_UP, EAR_PLAIN, 1234,
	  55, 7, 250000, "", true, "shortest", "told" },
	{ "tv@example.org", "tv@example.org", EAR_LINK_SERVER, EAR_PATH_FAILED, EAR_PROVED, -1, -1,
	  0, -1, "connection refused", false, "", "" },
};

static void
test_paths(void **state)
{
	xmpp_stanza_t *path;

	ear->paths = two_paths;
	ear->path_count = 2;
	ask("get", XML("paths"));
	assert_true(ear_is(fake_result(ear), "paths", EAR_NS_CONTROL));
	path = ear_first(fake_result(ear));
	assert_string_equal(fake_attribute(path, "to"), "juliet@pronto.local");
	assert_string_equal(fake_attribute(path, "link"), "lan");
	assert_string_equal(fake_attribute(path, "state"), ear_path_state_name(EAR_PATH_UP));
	assert_string_equal(fake_attribute(path, "level"), "plain");
	assert_string_equal(fake_attribute(path, "rtt-us"), "1234");
	assert_string_equal(fake_attribute(path, "rttvar-us"), "55");
	assert_string_equal(fake_attribute(path, "samples"), "7");
	assert_string_equal(fake_attribute(path, "alive-us"), "250000");
	assert_string_equal(fake_attribute(path, "chosen"), "true");
	assert_string_equal(fake_attribute(path, "why"), "shortest");
	assert_string_equal(fake_attribute(path, "found"), "told");
	assert_null(xmpp_stanza_get_attribute(path, "failure"));
	path = ear_next(path);
	assert_string_equal(fake_attribute(path, "failure"), "connection refused");
	assert_string_equal(fake_attribute(path, "chosen"), "false");
	assert_null(xmpp_stanza_get_attribute(path, "alive-us"));
	assert_null(xmpp_stanza_get_attribute(path, "found"));
	ask("get", "<paths xmlns='" EAR_NS_CONTROL "' to='tv@example.org'/>");
	assert_int_equal(fake_children(fake_result(ear)), 1);
	ask("get", "<paths xmlns='" EAR_NS_CONTROL "' to='x@example.org'/>");
	assert_string_equal(fake_attribute(fake_result(ear), "total"), "0");
	ask("get", "<paths xmlns='" EAR_NS_CONTROL "' to=''/>");
	assert_true(fake_refused(ear, EAR_JID_MALFORMED));
}

static void
test_metrics(void **state)
{
	xmpp_stanza_t *metrics;

	ask("get", XML("metrics"));
	metrics = fake_result(ear);
	assert_true(ear_is(metrics, "metrics", EAR_NS_CONTROL));
	assert_string_equal(ear_text(ear_find(metrics, "text", EAR_NS_CONTROL)), FAKE_METRICS);
}

static void
test_xeps(void **state)
{
	bool seen = false;

	ask("get", XML("xeps"));
	for (xmpp_stanza_t *e = ear_first(fake_result(ear)); e != NULL; e = ear_next(e)) {
		if (strcmp(fake_attribute(e, "number"), "0199") != 0)
			continue;
		seen = true;
		assert_string_equal(fake_attribute(e, "name"), "ping");
		assert_string_equal(fake_attribute(ear_first(e), "var"), EAR_NS_PING);
	}
	assert_true(seen);
}

static void
test_self(void **state)
{
	struct player_config config = { .kind = "demo" };
	xmpp_stanza_t *self;

	ask("get", XML("self"));
	assert_int_equal(fake_children(fake_result(ear)), 0);
	assert_null(xmpp_stanza_get_attribute(fake_result(ear), "player"));
	ear->self[EAR_LINK_LAN] = "tv@pronto.local";
	ear->self[EAR_LINK_SERVER] = "tv.example.org";
	player_new(NULL, ear->clock, &config, NULL, NULL, &ear->player);
	ask("get", XML("self"));
	self = fake_result(ear);
	assert_string_equal(fake_attribute(self, "version"), EAR_VERSION);
	assert_string_equal(fake_attribute(self, "caps"), ear_caps_ver(ear));
	assert_string_equal(fake_attribute(self, "player"), "demo");
	assert_int_equal(fake_children(self), 2);
	assert_string_equal(fake_attribute(ear_first(self), "link"), "lan");
	assert_string_equal(fake_attribute(ear_first(self), "address"), "tv@pronto.local");
	assert_string_equal(fake_attribute(ear_next(ear_first(self)), "link"), "server");
}

static void
raise_event(enum ear_event_kind kind)
{
	ear->sends = 0;
	fake_tell(ear, kind, "juliet@pronto.local");
}

static void
test_watch(void **state)
{
	xmpp_stanza_t *event;

	raise_event(EAR_PEER_CHANGED);
	assert_int_equal(ear->sends, 0);
	ask("set", XML("watch"));
	assert_null(fake_result(ear));
	ask("set", XML("watch")); /* twice is once */
	raise_event(EAR_PATH_CHANGED);
	assert_int_equal(ear->sends, 1);
	assert_string_equal(xmpp_stanza_get_name(ear->sent), "message");
	assert_string_equal(fake_attribute(ear->sent, "to"), PROGRAM);
	assert_string_equal(fake_attribute(ear->sent, "type"), "headline");
	event = ear_find(ear->sent, "event", EAR_NS_CONTROL);
	assert_string_equal(fake_attribute(event, "kind"), "path-changed");
	assert_string_equal(fake_attribute(event, "address"), "juliet@pronto.local");
	assert_string_equal(fake_attribute(event, "link"), "server");
	assert_null(xmpp_stanza_get_attribute(event, "why")); /* it is told of no path */
	raise_event(EAR_PEER_GONE);
	event = ear_find(ear->sent, "event", EAR_NS_CONTROL);
	assert_string_equal(fake_attribute(event, "kind"), "peer-gone");
	assert_null(xmpp_stanza_get_attribute(event, "link"));
	ask("set", XML("unwatch"));
	assert_null(fake_result(ear));
	raise_event(EAR_PEER_CHANGED);
	assert_int_equal(ear->sends, 0);
	ask("set", XML("unwatch"));
	assert_null(fake_result(ear));
}

/* Of another path also why. */
static void
test_watch_paths(void **state)
{
	static const struct ear_path_info paths[] = {
		{ .to = "juliet@pronto.local",
		  .address = "juliet@pronto.local",
		  .link = EAR_LINK_LAN,
		  .state = EAR_PATH_FAILED,
		  .rtt_us = -1,
		  .failure = "no carrier",
		  .why = "does not work" },
		{ .to = "juliet@pronto.local",
		  .address = "juliet@example.org",
		  .link = EAR_LINK_SERVER,
		  .state = EAR_PATH_UP,
		  .rtt_us = 81234,
		  .failure = "",
		  .chosen = true,
		  .why = "the only one that works" },
	};
	xmpp_stanza_t *event;

	ear->paths = paths;
	ear->path_count = 2;
	ask("set", XML("watch"));
	raise_event(EAR_PATH_CHANGED);
	event = ear_find(ear->sent, "event", EAR_NS_CONTROL);
	assert_string_equal(fake_attribute(event, "jid"), "juliet@example.org");
	assert_string_equal(fake_attribute(event, "rtt-us"), "81234");
	assert_string_equal(fake_attribute(event, "why"), "the only one that works");
	assert_string_equal(fake_attribute(event, "failed"), "lan");
	assert_string_equal(fake_attribute(event, "failure"), "no carrier");
	raise_event(EAR_PEER_CHANGED);
	event = ear_find(ear->sent, "event", EAR_NS_CONTROL);
	assert_null(xmpp_stanza_get_attribute(event, "why"));
}

static void
watch_as(int i)
{
	char from[64];

	snprintf(from, sizeof(from), "tv@pronto.local/%d", i);
	fake_ask(ear, "set", from, XML("watch"));
}

/* Programs that left are forgotten at the next event, and their number is bounded before that. */
static void
test_watchers_bounded(void **state)
{
	for (int i = 0; i < 64; i++) {
		watch_as(i);
		assert_null(fake_result(ear));
	}
	watch_as(64);
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	raise_event(EAR_PEER_CHANGED);
	assert_int_equal(ear->sends, 64);
	ear->send_error = -EHOSTUNREACH;
	raise_event(EAR_PEER_CHANGED);
	assert_int_equal(ear->sends, 64);
	raise_event(EAR_PEER_CHANGED);
	assert_int_equal(ear->sends, 0);
	ear->send_error = 0;
	watch_as(64);
	assert_null(fake_result(ear));
}

/* Stopping with watchers frees them (seen by the sanitizer). */
static void
test_stop_watched(void **state)
{
	watch_as(1);
	watch_as(2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_peers),
		TEST(test_one_peer),
		TEST(test_pages),
		TEST(test_bad_first),
		TEST(test_paths),
		TEST(test_xeps),
		TEST(test_metrics),
		TEST(test_self),
		TEST(test_watch),
		TEST(test_watch_paths),
		TEST(test_watchers_bounded),
		TEST(test_stop_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
