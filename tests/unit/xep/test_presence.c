/* SPDX-License-Identifier: ISC */
/* test_presence.c: who is subscribed to a component's presence, and what he gets of it. */
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
#include "player/kind.h"
#include "presence.h"

#define ROMEO "romeo@example.org"
#define TV    "tv@tv.example.org"

static struct ear *ear;

static void
on_player(void *arg, const struct ear_player_state *state)
{
	fake_tell(arg, EAR_PLAYER_CHANGED, NULL);
}

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
	player_free(ear->player);
	ear->player = NULL;
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

static enum ear_verdict
presence(const char *type, const char *from, const char *to)
{
	char *xml = xasprintf("<presence xmlns='jabber:client' from='%s' to='%s' type='%s'/>", from,
			      to, type);
	enum ear_verdict verdict = fake_message(ear, from, xml);

	free(xml);
	return verdict;
}

/* Number i of what was sent: "subscribed romeo@example.org". */
static void
assert_sent(size_t i, const char *want)
{
	char *got;
	const char *type;

	assert_true(i < ear->box_count);
	type = xmpp_stanza_get_type(ear->box[i]);
	got = xasprintf("%s %s", type == NULL ? "available" : type,
			xmpp_stanza_get_to(ear->box[i]));
	assert_string_equal(xmpp_stanza_get_name(ear->box[i]), "presence");
	assert_string_equal(got, want);
	free(got);
}

static void
test_subscribing(void **state)
{
	assert_int_equal(presence("subscribe", ROMEO, TV), EAR_DONE);
	assert_int_equal(ear->sends, 3);
	assert_sent(0, "subscribed " ROMEO);
	assert_sent(1, "available " ROMEO);
	assert_sent(2, "subscribe " ROMEO); /* ours is his, and his is ours */
	for (int i = 0; i < 3; i++)
		assert_string_equal(fake_attribute(ear->box[i], "from"), TV);
	assert_string_equal(ear_kept(ear, "roster " TV " " ROMEO), "from");
	presence("subscribed", ROMEO, TV);
	assert_string_equal(ear_kept(ear, "roster " TV " " ROMEO), "both");
	fake_clear(ear);
	presence("subscribe", ROMEO "/x", TV); /* again: nothing new */
	assert_int_equal(ear->sends, 2);
	assert_sent(0, "subscribed " ROMEO);
	assert_string_equal(ear_kept(ear, "roster " TV " " ROMEO), "both");
	presence("unsubscribed", ROMEO, TV);
	assert_string_equal(ear_kept(ear, "roster " TV " " ROMEO), "from");
}

static void
test_who_may_not(void **state)
{
	ear->level = EAR_KEYED;
	presence("subscribe", ROMEO, TV);
	assert_int_equal(ear->sends, 1);
	assert_sent(0, "unsubscribed " ROMEO);
	assert_null(ear_kept(ear, "roster " TV " " ROMEO));
	presence("subscribed", ROMEO, TV); /* nobody asked him */
	assert_null(ear_kept(ear, "roster " TV " " ROMEO));
}

static void
test_unsubscribing(void **state)
{
	presence("subscribe", ROMEO, TV);
	fake_clear(ear);
	presence("unsubscribe", ROMEO, TV);
	assert_sent(0, "unsubscribe " ROMEO);
	assert_sent(1, "unsubscribed " ROMEO);
	assert_sent(2, "unavailable " ROMEO);
	assert_null(ear_kept(ear, "roster " TV " " ROMEO));
	fake_clear(ear);
	presence("unsubscribe", ROMEO, TV);
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org");
	for (size_t i = 0; i < ear->box_count; i++)
		assert_string_not_equal(xmpp_stanza_get_name(ear->box[i]), "presence");
}

static void
test_probe(void **state)
{
	presence("probe", ROMEO "/x", TV);
	assert_sent(0, "unsubscribed " ROMEO);
	presence("subscribe", ROMEO, TV);
	fake_clear(ear);
	presence("probe", ROMEO "/x", TV);
	assert_int_equal(ear->sends, 1);
	assert_sent(0, "available " ROMEO "/x");
}

/* After a restart, or when the server was away: ours is told, theirs asked for. */
static void
test_server_is_there_again(void **state)
{
	ear_keep(ear, "roster " TV " " ROMEO, "both");
	ear_keep(ear, "roster tv.example.org juliet@example.org", "from");
	ear_keep(ear, "roster nonsense", "from");
	ear_keep(ear, "roster tv.example.net " ROMEO, "both"); /* as we were called once */
	fake_tell(ear, EAR_SERVER_UP, "tv.example.org");
	assert_int_equal(ear->box_count, 4);
	assert_sent(0, "available " ROMEO);
	assert_sent(1, "probe " ROMEO);
	assert_sent(2, "available juliet@example.org");
	assert_sent(3, "probe juliet@example.org");
	assert_string_equal(fake_attribute(ear->box[2], "from"), "tv.example.org");
}

/* An account's presence is its server's business, and on the LAN there is none. */
static void
test_only_a_component(void **state)
{
	ear->link = EAR_LINK_LAN;
	assert_int_equal(presence("subscribe", "romeo@pronto.local", "tv@box.local"), EAR_PASS);
	ear->link = EAR_LINK_SERVER;
	ear->self[EAR_LINK_SERVER] = "tv@example.org/box";
	assert_int_equal(presence("subscribe", ROMEO, "tv@example.org"), EAR_PASS);
	assert_int_equal(ear->sends, 0);
}

static void
ignore(void *arg, int error, const struct ear_player_state *state)
{
}

static void
press(enum ear_button button)
{
	struct ear_press press = { .button = button };

	ear_player_press(ear->player, &press, ignore, NULL);
	clock_advance(ear->clock, EAR_MSEC);
}

static const char *
status(void)
{
	xmpp_stanza_t *element = ear_find(ear->sent, "status", EAR_NS_CLIENT);

	return element == NULL ? "" : ear_text(element);
}

static void
test_says_what_is_played(void **state)
{
	struct player_config config = { .kind = "demo" };

	presence("subscribe", ROMEO, TV);
	assert_null(ear_find(ear->box[1], "status", EAR_NS_CLIENT));
	assert_int_equal(player_new(NULL, ear->clock, &config, on_player, ear, &ear->player), 0);
	fake_clear(ear);
	press(EAR_PLAY);
	assert_int_equal(ear->sends, 1);
	assert_string_equal(status(), "playing: Big Buck Bunny, by Blender Foundation");
	press(EAR_MUTE); /* none of its business */
	for (int i = 0; i < 7; i++)
		press(EAR_NEXT);
	assert_int_equal(ear->sends, 1); /* not each of them */
	clock_advance(ear->clock, 2 * EAR_SEC);
	assert_int_equal(ear->sends, 2);
	assert_string_equal(status(), "playing: Tears of Steel, by Blender Foundation");
	clock_advance(ear->clock, 2 * EAR_SEC);
	press(EAR_STOP);
	assert_string_equal(status(), "stopped");
}

/* A contact who may not see the state does not see it in the presence either. */
static void
test_says_it_to_whom_may_see(void **state)
{
	struct player_config config = { .kind = "demo" };

	presence("subscribe", ROMEO, TV);
	assert_int_equal(player_new(NULL, ear->clock, &config, on_player, ear, &ear->player), 0);
	ear->by_server = EAR_PLAIN; /* as with policy.state = nobody */
	fake_clear(ear);
	press(EAR_PLAY);
	assert_sent(0, "available " ROMEO);
	assert_string_equal(status(), "");
	presence("probe", ROMEO "/phone", TV);
	assert_string_equal(status(), "");
	ear->by_server = EAR_PROVED;
	presence("probe", ROMEO "/phone", TV);
	assert_string_equal(status(), "playing: Big Buck Bunny, by Blender Foundation");
}

static void
test_no_room(void **state)
{
	ear->kept_full = true;
	presence("subscribe", ROMEO, TV);
	assert_int_equal(ear->sends, 1);
	assert_sent(0, "unsubscribed " ROMEO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_subscribing),
		TEST(test_who_may_not),
		TEST(test_unsubscribing),
		TEST(test_probe),
		TEST(test_server_is_there_again),
		TEST(test_only_a_component),
		TEST(test_says_what_is_played),
		TEST(test_no_room),
		TEST(test_says_it_to_whom_may_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
