/* SPDX-License-Identifier: ISC */
/* test_pubsub_people.c: subscribers over a real store, while something else is under way: whatever
 * comes between, each hears of each item once, and who is shut out of nothing. */
#include "pubsub_kit.h"
#include "pubsub_question.h"

#define OWNER       "hamlet@example.org/elsinore"
#define READER      "francisco@example.org/barracks"
#define PUBLISH(id) PUBSUB("<publish node='n'><item id='" id "'><a xmlns='x'/></item></publish>")
#define SUBSCRIBE   PUBSUB("<subscribe node='n' jid='" READER "'/>")
#define TURNS       12 /* of the loop, between two requests that are under way at once */

static void
done(const char *type, const char *from, const char *xml)
{
	ask(type, from, xml);
	settle();
}

static void
begin_anew(void **state)
{
	teardown(state);
	setup(state);
}

/* The ids of the items that he was told of: "a b". */
static const char *
heard(const char *who)
{
	static char ids[512];

	ids[0] = '\0';
	for (size_t i = 0; i < ear->box_count; i++) {
		xmpp_stanza_t *event = ear_find(ear->box[i], "event", EAR_NS_PUBSUB_EVENT);
		xmpp_stanza_t *items = event == NULL ? NULL : ear_find(event, "items", NULL);
		size_t length = strlen(ids);

		if (items != NULL && strcmp(xmpp_stanza_get_to(ear->box[i]), who) == 0)
			snprintf(ids + length, sizeof(ids) - length, "%s%s", length > 0 ? " " : "",
				 fake_attribute(ear_first(items), "id"));
	}
	return ids;
}

/* §6.1.7: something is published while he subscribes. He was there before it, and got what was the
 * last then; or after it, and got that. */
static void
test_last_item(void **state)
{
	int before = 0, after = 0;

	for (int i = 0; i < 2 * TURNS; i++) {
		begin_anew(state);
		done("set", OWNER, PUBLISH("a"));
		ask("set", i < TURNS ? READER : OWNER, i < TURNS ? SUBSCRIBE : PUBLISH("b"));
		turn(i % TURNS);
		done("set", i < TURNS ? OWNER : READER, i < TURNS ? PUBLISH("b") : SUBSCRIBE);
		if (strcmp(heard(READER), "a b") == 0)
			before++;
		else if (strcmp(heard(READER), "b") == 0)
			after++;
		else
			fail_msg("with %d turns between he heard \"%s\"", i, heard(READER));
	}
	assert_true(before > 0 && after > 0);
}

/* Who publishes as often as the store is asked. */
struct restless {
	struct ear_timer timer;
	int count, until;
};

static void
on_restless(void *arg)
{
	struct restless *restless = arg;
	char *xml = xasprintf(PUBSUB("<publish node='n'><item id='%d'><a xmlns='x'/></item>"
				     "</publish>"),
			      ++restless->count);

	ask("set", OWNER, xml);
	free(xml);
	if (restless->count < restless->until)
		ear_timer_set(&restless->timer, 0);
}

/* §6.1.7: at a node that changes without a pause, too, he is subscribed: he gets the last item, and
 * each that follows it. */
static void
test_last_of_restless(void **state)
{
	struct restless restless = { .until = 30 };
	const char *at;

	done("set", OWNER, PUBLISH("0"));
	ear_timer_init(&restless.timer, ear->clock, on_restless, &restless);
	on_restless(&restless);
	ask("set", READER, SUBSCRIBE);
	settle();
	assert_int_equal(restless.count, restless.until);
	at = heard(READER);
	assert_string_not_equal(at, "");
	restless.count = atoi(at);
	assert_in_range(restless.count, 0, restless.until / 2);
	for (; at != NULL; at = strchr(at + 1, ' '))
		assert_int_equal(atoi(at), restless.count++);
	assert_int_equal(restless.count, restless.until + 1);
}

/* Many come at once, and each gets the last item. */
static void
test_many_come(void **state)
{
	done("set", OWNER, PUBLISH("a"));
	for (int i = 0; i < 30; i++) {
		char *from = xasprintf("u%d@example.org", i);
		char *xml = xasprintf(PUBSUB("<subscribe node='n' jid='%s'/>"), from);

		ask("set", from, xml);
		free(from);
		free(xml);
	}
	settle();
	for (int i = 0; i < 30; i++) {
		char *from = xasprintf("u%d@example.org", i);

		assert_string_equal(heard(from), "a");
		free(from);
	}
}

/* §6.2: what is published when he has been told that he is not subscribed is not for him. */
static void
test_no_event_after(void **state)
{
	for (int i = 0; i < TURNS; i++) {
		begin_anew(state);
		done("set", OWNER, PUBLISH("a"));
		done("set", READER, SUBSCRIBE);
		ask("set", READER, PUBSUB("<unsubscribe node='n' jid='" READER "'/>"));
		for (int j = 0; j < 1000 && ear->holds > 0; j++)
			turn(1);
		assert_int_equal(ear->holds, 0);
		ask("set", OWNER, PUBLISH("b"));
		turn(i);
		settle();
		assert_string_equal(heard(READER), "a");
	}
}

/* §8.9: he subscribes while he is shut out, by as many addresses as he may. */
static void
test_outcast(void **state)
{
	static const char shut_out[] =
		OWN("<affiliations node='n'><affiliation jid='francisco@example.org' "
		    "affiliation='outcast'/></affiliations>");
	xmpp_stanza_t *list;

	for (int i = 0; i < 2 * TURNS; i++) {
		begin_anew(state);
		done("set", OWNER, PUBSUB("<create node='n'/>"));
		for (int j = 0; j < 8; j++) {
			char *xml = xasprintf(
				PUBSUB("<subscribe node='n' jid='francisco@example.org/%d'/>"), j);

			ask("set", READER, xml);
			free(xml);
			turn(j == 4 ? i : 0);
			if (j == 4)
				ask("set", OWNER, shut_out);
		}
		settle();
		done("get", OWNER, OWN("<subscriptions node='n'/>"));
		list = ear_first(fake_result(ear));
		assert_int_equal(fake_children(list), 0);
		fake_clear(ear);
		done("set", OWNER, PUBLISH("a"));
		assert_int_equal(ear->box_count, 0);
	}
}

/* §8.9.2.4: two owners resign at the same time; one stays. */
static void
test_owners(void **state)
{
	static const char *const owners[] = { OWNER, READER };
	static const char none[] =
		OWN("<affiliations node='n'><affiliation jid='%s' affiliation='none'/>"
		    "</affiliations>");

	for (int i = 0; i < TURNS; i++) {
		begin_anew(state);
		done("set", OWNER, PUBSUB("<create node='n'/>"));
		done("set", OWNER,
		     OWN("<affiliations node='n'><affiliation jid='francisco@example.org' "
			 "affiliation='owner'/></affiliations>"));
		for (int j = 0; j < 2; j++) {
			char *xml = xasprintf(none, owners[j]);

			ask("set", owners[j], xml);
			free(xml);
			turn(i);
		}
		settle();
		done("get", READER, OWN("<affiliations node='n'/>"));
		if (fake_refused(ear, EAR_FORBIDDEN))
			done("get", OWNER, OWN("<affiliations node='n'/>"));
		assert_int_equal(fake_children(ear_first(fake_result(ear))), 1);
	}
}

/* §8.6: however slowly they come, so that the owner is asked each time. */
static void
test_many_wait(void **state)
{
	begin_anew(state);
	done("set", OWNER, PUBSUB("<create node='n'/>"));
	done("set", OWNER,
	     OWN("<configure node='n'><x xmlns='jabber:x:data' type='submit'><field "
		 "var='FORM_TYPE'>"
		 "<value>" PUBSUB_CONFIG "</value></field><field var='pubsub#access_model'>"
		 "<value>authorize</value></field></x></configure>"));
	for (int i = 0; i <= EAR_PENDING_MAX; i++) {
		char *from = xasprintf("u%d@example.org", i);
		char *xml = xasprintf(PUBSUB("<subscribe node='n' jid='%s'/>"), from);

		clock_advance(ear->clock, PUBSUB_QUESTION_AGE / 10);
		done("set", from, xml);
		assert_true(i == EAR_PENDING_MAX ? fake_refused(ear, EAR_RESOURCE_CONSTRAINT)
						 : fake_result(ear) != NULL);
		free(from);
		free(xml);
	}
}

/* A node of 61 owners, whom whoever subscribes has asked. */
static void
asking_node(int node)
{
	char *xml =
		xasprintf(PUBSUB("<create node='n%d'/><configure><x xmlns='jabber:x:data' "
				 "type='submit'><field "
				 "var='FORM_TYPE'><value>" PUBSUB_CONFIG "</value></field><field "
				 "var='pubsub#access_model'><value>authorize</value></field></x></"
				 "configure>"),
			  node);
	char *all;

	done("set", OWNER, xml);
	free(xml);
	xml = xasprintf("<affiliations node='n%d'>", node);
	for (int i = 1; i < 61; i++) {
		char *more = xasprintf("%s<affiliation jid='o%d-%d@example.org' "
				       "affiliation='owner'/>",
				       xml, node, i);

		free(xml);
		xml = more;
	}
	all = xasprintf(OWN("%s</affiliations>"), xml);
	done("set", OWNER, all);
	free(all);
	free(xml);
	assert_string_equal(xmpp_stanza_get_type(ear->answer), "result");
	fake_clear(ear);
}

/* How many are asked. */
static int
asked_for(int node, int who, const char *what)
{
	char *from = xasprintf("u%d@example.org", who);
	char *xml = xasprintf(PUBSUB("<%s node='n%d' jid='%s'/>"), what, node, from);
	int sends;

	done("set", from, xml);
	assert_string_equal(xmpp_stanza_get_type(ear->answer), "result");
	sends = (int)ear->sends;
	fake_clear(ear);
	free(from);
	free(xml);
	return sends;
}

/* §8.6: so many questions are remembered of all, and room is made for new ones, so that nobody is
 * refused for what others are asked; what is remembered is not asked again. */
static void
test_many_questions(void **state)
{
	int all = 0;

	for (int node = 0; node < 4; node++) {
		asking_node(node);
		for (int i = 0; i < 18; i++)
			all += asked_for(node, i, "subscribe");
	}
	assert_in_range(all, PUBSUB_QUESTIONS_ALL + 3 * 61, PUBSUB_QUESTIONS_ALL + 6 * 61);
	asked_for(3, 17, "unsubscribe");
	assert_in_range(asked_for(3, 17, "subscribe"), 0,
			1); /* him who owns all of them, at most */
	asked_for(0, 0, "unsubscribe");
	assert_in_range(asked_for(0, 0, "subscribe"), 60, 61);
}

/* More rows than one page of the store, or than one answer carries. */
static void
test_long_lists(void **state)
{
	begin_anew(state);
	done("set", OWNER, PUBSUB("<create node='n'/>"));
	for (int i = 0; i < 1001; i++) {
		char *from = xasprintf("u%04d@example.org/x", i);
		char *xml = xasprintf(PUBSUB("<subscribe node='n' jid='u%04d@example.org'/>"), i);

		ask("set", from, xml);
		free(from);
		free(xml);
		if (i % 100 == 99)
			settle();
		if (i == 999) {
			done("get", OWNER, OWN("<subscriptions node='n'/>"));
			assert_int_equal(fake_children(ear_first(fake_result(ear))), 1000);
		}
	}
	settle();
	done("get", OWNER, OWN("<subscriptions node='n'/>"));
	assert_true(fake_refused(ear, EAR_RESOURCE_CONSTRAINT));
	done("get", OWNER,
	     OWN("<subscriptions node='n'/><set xmlns='http://jabber.org/protocol/rsm'>"
		 "<max>50</max><before/></set>"));
	assert_int_equal(fake_children(ear_first(fake_result(ear))), 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_last_item),      TEST(test_last_of_restless), TEST(test_many_come),
		TEST(test_no_event_after), TEST(test_outcast),          TEST(test_owners),
		TEST(test_many_wait),      TEST(test_many_questions),   TEST(test_long_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
