/* SPDX-License-Identifier: ISC */
/* test_pubsub_items.c: items of the publish-subscribe service over a real store: answers that would
 * be too large, requests that are under way at the same time, elements that nobody could read. */
#include "link/stream.h"
#include "pubsub_kit.h"
#include "rsm.h"

#define OWNER     "hamlet@example.org/elsinore"
#define PUBLISHER "horatio@example.org/x"
#define READER    "francisco@example.org/barracks"
#define OPTIONS                                                                                    \
	"<publish-options><x xmlns='jabber:x:data' type='submit'><field "                          \
	"var='FORM_TYPE'><value>" PUBSUB_PUBLISH "</value></field>"                                \
	"<field var='pubsub#max_items'><value>max</value></field>"                                 \
	"<field var='pubsub#max_payload_size'><value>131072</value></field></x></publish-options>"

/* What is answered to that. */
static xmpp_stanza_t *
get(const char *from, const char *xml)
{
	ask("get", from, xml);
	settle();
	return fake_result(ear);
}

static void
publish(const char *from, const char *id, const char *payload)
{
	char *xml = xasprintf(PUBSUB("<publish node='n'><item id='%s'>%s</item></publish>" OPTIONS),
			      id, payload);

	ask("set", from, xml);
	free(xml);
}

static void
fill(int count, const char *payload)
{
	char id[16];

	for (int i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "%d", i);
		publish(OWNER, id, payload);
		if (i % 64 == 0)
			settle();
	}
	settle();
	fake_result(ear);
}

/* The answer holds the items of these numbers, in this order, and every link carries it. */
static void
check_items(xmpp_stanza_t *pubsub, int first, int count)
{
	xmpp_stanza_t *items = ear_find(pubsub, "items", EAR_NS_PUBSUB);
	char *text = ear_render(ear->answer, STREAM_STANZA_MAX);
	int n = 0;

	assert_non_null(text);
	free(text);
	for (xmpp_stanza_t *e = ear_first(items); e != NULL; e = ear_next(e))
		assert_int_equal(atoi(fake_attribute(e, "id")), first + n++);
	assert_int_equal(n, count);
}

/* Its <set/> tells of that many, and where it is among them; index -1: there is none. */
static void
check_set(xmpp_stanza_t *pubsub, int index, const char *count)
{
	xmpp_stanza_t *set = ear_find(pubsub, "set", EAR_NS_RSM);

	if (index < 0) {
		assert_null(set);
		return;
	}
	assert_non_null(set);
	assert_string_equal(ear_text(ear_find(set, "count", EAR_NS_RSM)), count);
	assert_int_equal(atoi(fake_attribute(ear_find(set, "first", EAR_NS_RSM), "index")), index);
}

/* §6.5.4: many small ones. */
static void
test_many(void **state)
{
	xmpp_stanza_t *pubsub;
	char xml[512];

	fill(620, "<a xmlns='urn:example:a'/>");
	pubsub = get(READER, PUBSUB("<items node='n'/>"));
	check_items(pubsub, 120, 500);
	check_set(pubsub, 120, "620");
	pubsub = get(READER, PUBSUB("<items node='n' max_items='250'/>"));
	check_items(pubsub, 370, 250);
	check_set(pubsub, -1, NULL);
	pubsub = get(READER, PUBSUB("<items node='n' max_items='501'/>"));
	check_items(pubsub, 120, 500);
	check_set(pubsub, 120, "620");
	for (int at = 0; at < 620; at += RSM_MAX) {
		snprintf(xml, sizeof(xml),
			 PUBSUB("<items node='n'/><set xmlns='" EAR_NS_RSM "'><max>1000</max>"
				"<after>%.0d</after></set>"),
			 at - (at > 0));
		pubsub = get(READER, xml);
		check_items(pubsub, at, at + RSM_MAX <= 620 ? RSM_MAX : 620 - at);
		check_set(pubsub, at, "620");
	}
}

/* Large ones: forwards and backwards nothing is left out, wherever a page is cut. */
static void
test_large(void **state)
{
	char *payload = xalloc(70000);
	xmpp_stanza_t *pubsub;

	snprintf(payload, 70000, "<a xmlns='urn:example:a'>%060000d</a>", 0);
	fill(5, payload);
	pubsub = get(READER, PUBSUB("<items node='n'/>"));
	check_items(pubsub, 2, 3);
	check_set(pubsub, 2, "5");
	pubsub = get(READER, PUBSUB("<items node='n'/><set xmlns='" EAR_NS_RSM "'/>"));
	check_items(pubsub, 0, 3);
	check_set(pubsub, 0, "5");
	pubsub = get(READER,
		     PUBSUB("<items node='n'/><set xmlns='" EAR_NS_RSM "'><after>2</after></set>"));
	check_items(pubsub, 3, 2);
	check_set(pubsub, 3, "5");
	pubsub =
		get(READER, PUBSUB("<items node='n'/><set xmlns='" EAR_NS_RSM "'><before/></set>"));
	check_items(pubsub, 2, 3);
	check_set(pubsub, 2, "5");
	pubsub = get(READER, PUBSUB("<items node='n'/><set xmlns='" EAR_NS_RSM
				    "'><before>2</before></set>"));
	check_items(pubsub, 0, 2);
	check_set(pubsub, 0, "5");
	pubsub = get(READER, PUBSUB("<items node='n'><item id='0'/><item id='1'/><item id='2'/>"
				    "<item id='4'/></items>"));
	check_items(pubsub, 0, 3);
	check_set(pubsub, 0, "4");
	free(payload);
}

/* As large as one can be, it is told; a second one is not. */
static void
test_largest(void **state)
{
	static const char wrap[] = "<a xmlns=\"urn:example:a\"></a>";
	int room = (int)(EAR_PAYLOAD_MAX - strlen(wrap));
	char *payload = xasprintf("<a xmlns='urn:example:a'>%0*d</a>", room, 0);
	xmpp_stanza_t *pubsub;

	fill(2, payload);
	pubsub = get(READER, PUBSUB("<items node='n'/>"));
	check_items(pubsub, 1, 1);
	check_set(pubsub, 1, "2");
	free(payload);
	payload = xasprintf("<a xmlns='urn:example:a'>%0*d</a>", room + 1, 0);
	publish(OWNER, "2", payload);
	settle();
	assert_true(fake_refused(ear, EAR_NOT_ACCEPTABLE));
	free(payload);
}

/* Readers count elements, too. */
static void
test_elements(void **state)
{
	char payload[8192] = "<a xmlns='urn:example:a'>";
	size_t length = strlen(payload);
	xmpp_stanza_t *pubsub;

	for (int i = 0; i < 1000; i++, length += 4)
		memcpy(payload + length, "<b/>", 5);
	memcpy(payload + length, "</a>", 5);
	fill(5, payload);
	pubsub = get(READER, PUBSUB("<items node='n'/>"));
	check_items(pubsub, 2, 3);
	check_set(pubsub, 2, "5");
}

/* What no reader would take is not published: too many attributes, too deep. */
static void
test_unreadable(void **state)
{
	char payload[8192] = "<a xmlns='urn:example:a'";
	size_t length = strlen(payload);

	for (int i = 0; i < 70; i++)
		length +=
			(size_t)snprintf(payload + length, sizeof(payload) - length, " a%d='x'", i);
	memcpy(payload + length, "/>", 3);
	publish(OWNER, "0", payload);
	settle();
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
	length = 0;
	for (int i = 0; i < 80; i++, length += 3)
		memcpy(payload + length, "<a>", 4);
	for (int i = 0; i < 80; i++, length += 4)
		memcpy(payload + length, "</a>", 5);
	publish(OWNER, "0", payload);
	settle();
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
}

/* The item behind which an answer goes on is retracted while it is put together, and the one before
 * it: nothing else is missing. When it cannot go on, it says that it is not all. */
static void
test_gone_meanwhile(void **state)
{
	xmpp_stanza_t *pubsub;
	char xml[256];
	int count;

	fill(300, "<a xmlns='urn:example:a'/>");
	get(READER, PUBSUB("<items node='n' max_items='1'/>")); /* from now on he knows the node */
	ask("get", READER, PUBSUB("<items node='n'/>"));
	for (int i = 200; i < 202; i++) {
		snprintf(xml, sizeof(xml), PUBSUB("<retract node='n'><item id='%d'/></retract>"),
			 i);
		ask("set", OWNER, xml);
	}
	settle();
	pubsub = fake_result(ear);
	assert_int_equal(fake_children(ear_find(pubsub, "items", EAR_NS_PUBSUB)), 300);
	check_set(pubsub, -1, NULL);
	ask("get", READER, PUBSUB("<items node='n'/>"));
	ask("set", OWNER, OWN("<purge node='n'/>"));
	settle();
	pubsub = fake_result(ear);
	count = (int)fake_children(ear_find(pubsub, "items", EAR_NS_PUBSUB));
	assert_in_range(count, 100, 200);
	check_set(pubsub, 298 - count, "298");
}

/* --- several at once ---------------------------------------------------------------------- */

/* A publisher deletes an item and publishes it again without waiting: it is there. */
static void
test_order(void **state)
{
	publish(OWNER, "first", "<a xmlns='urn:example:a'/>");
	settle();
	ask("set", OWNER,
	    OWN("<affiliations node='n'><affiliation jid='horatio@example.org' "
		"affiliation='publisher'/></affiliations>"));
	settle();
	publish(PUBLISHER, "7", "<a xmlns='urn:example:a'>1</a>");
	settle();
	for (int i = 0; i < 8; i++) {
		ask("set", PUBLISHER, PUBSUB("<retract node='n'><item id='7'/></retract>"));
		publish(PUBLISHER, "7", "<a xmlns='urn:example:a'>2</a>");
	}
	settle();
	assert_int_equal(ear->answers, 19);
	check_items(get(READER, PUBSUB("<items node='n'><item id='7'/></items>")), 7, 1);
}

/* Who publishes as often as the store is asked. */
struct restless {
	struct ear_timer timer;
	int left;
};

static void
on_restless(void *arg)
{
	struct restless *restless = arg;
	char id[16];

	snprintf(id, sizeof(id), "%d", restless->left);
	publish(OWNER, id, "<a xmlns='urn:example:a'/>");
	if (--restless->left > 0)
		ear_timer_set(&restless->timer, 0);
}

/* A publisher deletes his item while the owner publishes without a pause: he waits for none. */
static void
test_among_many(void **state)
{
	struct restless restless = { .left = 100 };

	publish(OWNER, "first", "<a xmlns='urn:example:a'/>");
	settle();
	ask("set", OWNER,
	    OWN("<affiliations node='n'><affiliation jid='horatio@example.org' "
		"affiliation='publisher'/></affiliations>"));
	settle();
	publish(PUBLISHER, "mine", "<a xmlns='urn:example:a'/>");
	settle();
	ear_timer_init(&restless.timer, ear->clock, on_restless, &restless);
	on_restless(&restless);
	ask("set", PUBLISHER, PUBSUB("<retract node='n'><item id='mine'/></retract>"));
	settle();
	assert_int_equal(restless.left, 0);
	check_items(get(READER, PUBSUB("<items node='n'><item id='mine'/></items>")), 0, 0);
}

/* Two who publish on a node that does not exist: the first one's it is. */
static void
test_created_by_two(void **state)
{
	static const char publication[] =
		PUBSUB("<publish node='n'><item id='1'><a/></item></publish>");
	xmpp_stanza_t *items;

	ask("set", OWNER, publication);
	ask("set", PUBLISHER, publication);
	settle();
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	items = ear_find(get(READER, PUBSUB("<items node='n'/>")), "items", EAR_NS_PUBSUB);
	assert_string_equal(fake_attribute(ear_first(items), "publisher"), "hamlet@example.org");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_many),           TEST(test_large),          TEST(test_largest),
		TEST(test_elements),       TEST(test_unreadable),     TEST(test_order),
		TEST(test_created_by_two), TEST(test_gone_meanwhile), TEST(test_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
