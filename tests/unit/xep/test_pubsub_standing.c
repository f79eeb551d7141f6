/* SPDX-License-Identifier: ISC */
/* test_pubsub_standing.c: who has lost what let him in, over a real store: at many nodes, while
 * these change, and when the engine stops. */
#include "pubsub_kit.h"

#define OWNER "hamlet@example.org/elsinore"
#define ROMEO "romeo@example.org"
#define IAGO  "iago@example.org"
#define NODES 70 /* more than two pages */
#define TURNS 12 /* of the loop, between two things that are under way at once */
#define FORM(value)                                                                                \
	"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" EAR_NS_PUBSUB      \
	"#node_config</value></field><field var='pubsub#access_model'><value>" value               \
	"</value></field></x>"

static void
done(const char *type, const char *from, const char *xml)
{
	ask(type, from, xml);
	settle();
}

static void
create(int i)
{
	char *xml = xasprintf(
		PUBSUB("<create node='n%d'/><configure>" FORM("roster") "</configure>"), i);

	done("set", OWNER, xml);
	free(xml);
}

/* As somebody who is trusted. */
static void
subscribe(int i, const char *who, const char *jid)
{
	char *xml = xasprintf(PUBSUB("<subscribe node='n%d' jid='%s'/>"), i, jid);

	ear->level = EAR_TRUSTED;
	done("set", who, xml);
	ear->level = EAR_PROVED;
	free(xml);
}

/* How often somebody was told that he is subscribed no more. */
static int
ended(const char *to)
{
	int count = 0;

	for (size_t i = 0; i < ear->box_count; i++) {
		xmpp_stanza_t *event = ear_find(ear->box[i], "event", EAR_NS_PUBSUB_EVENT);
		xmpp_stanza_t *element =
			event == NULL ? NULL : ear_find(event, "subscription", NULL);

		if (element == NULL || strcmp(xmpp_stanza_get_to(ear->box[i]), to) != 0)
			continue;
		assert_string_equal(fake_attribute(element, "subscription"), "none");
		assert_string_equal(fake_attribute(element, "jid"), to);
		count++;
	}
	return count;
}

/* Where he is subscribed, as the store has it. */
static void
on_subscriptions(void *arg, const struct ear_stored_answer *answer)
{
	*(size_t *)arg = answer->total;
}

static size_t
subscribed(const char *who)
{
	const struct ear_query query = { .kind = EAR_QUERY_SUBSCRIPTIONS, .who = who };
	size_t count = SIZE_MAX;

	ear_store_query(ear_store(ear), &query, on_subscriptions, &count);
	turn(100);
	return count;
}

static void
lose(const char *who)
{
	ear->by_server = EAR_PROVED;
	fake_tell(ear, EAR_TRUST_ENDED, who);
}

/* Two of them, one twice, and what they would be let in by anyway. */
static void
test_many_nodes(void **state)
{
	int before;

	for (int i = 0; i < NODES; i++) {
		create(i);
		subscribe(i, ROMEO "/x", ROMEO);
	}
	subscribe(3, ROMEO "/x", ROMEO "/x");
	subscribe(3, ROMEO "/x", ROMEO "/y");
	subscribe(5, IAGO "/x", IAGO);
	done("set", OWNER,
	     OWN("<affiliations node='n7'><affiliation jid='" ROMEO "' affiliation='member'/>"
		 "</affiliations>"));
	assert_int_equal(subscribed(ROMEO), NODES + 2);
	ear->by_server = EAR_TRUSTED;
	fake_tell(ear, EAR_TRUST_ENDED, ROMEO);
	turn(1000);
	assert_int_equal(subscribed(ROMEO), NODES + 2);
	before = ear->sends;
	lose(ROMEO "/x");
	lose(IAGO);
	lose(IAGO);
	turn(3);
	lose(ROMEO);
	turn(4000);
	assert_int_equal(subscribed(ROMEO), 1);
	assert_int_equal(subscribed(IAGO), 0);
	assert_int_equal(ear->sends - before, NODES - 1 + 2 + 1);
	assert_int_equal(ended(IAGO), 1);
}

/* The owner lets in everybody meanwhile: he has lost it, and was told, or has not. */
static void
test_node_changes(void **state)
{
	int lost = 0;

	for (int i = 0; i < TURNS; i++) {
		teardown(state);
		setup(state);
		create(0);
		subscribe(0, ROMEO "/x", ROMEO);
		lose(ROMEO);
		turn(i);
		done("set", OWNER, OWN("<configure node='n0'>" FORM("open") "</configure>"));
		assert_int_equal(subscribed(ROMEO), 1 - ended(ROMEO));
		lost += ended(ROMEO);
	}
	assert_in_range(lost, 1, TURNS - 1);
}

/* Not done yet, or asked for where there is nothing: nothing is left of it. */
static void
test_stop(void **state)
{
	for (int i = 0; i < TURNS; i++) {
		create(0);
		create(1);
		subscribe(0, ROMEO "/x", ROMEO);
		subscribe(1, ROMEO "/x", ROMEO);
		lose(ROMEO);
		lose(IAGO);
		lose("");
		turn(i);
		teardown(state);
		setup(state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_node_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
