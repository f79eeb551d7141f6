/* SPDX-License-Identifier: ISC */
/* test_pubsub_tell.c: telling thousands, from a real store: page by page, when there is no room,
 * and again by whoever takes over. Who is told of what is a matter of scenarios. */
#include <errno.h>

#include "pubsub_kit.h"
#include "pubsub_tell_impl.h"
#include "store/store.h"

#define NODE   "news"
#define EVENT  "<event xmlns='" EAR_NS_PUBSUB_EVENT "'><items node='" NODE "'/></event>"
#define BATCH  100 /* subscriptions of one transaction */
#define HAMLET "hamlet@example.org"

static int64_t epoch;

/* Of the first, who is told first. */
static const struct ear_path_info by_server = { .link = EAR_LINK_SERVER,
						.chosen = true,
						.to = "u00000@example.org",
						.address = "u00000@example.org" };

static int
set_up(void **state)
{
	setup(state);
	ear->paths = &by_server;
	ear->path_count = 1;
	epoch = 0;
	return 0;
}

/* All is told. */
static void
rest(void)
{
	int quiet = 0;

	for (int i = 0; i < 10000 && quiet < 50; i++) {
		clock_advance(ear->clock, EAR_MSEC);
		quiet = store_is_busy(ear->store) ? 0 : quiet + 1;
	}
}

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	if (changed->error != 0)
		fprintf(stderr, "ERR %d %s\n", changed->error, changed->text);
	assert_int_equal(changed->error, 0);
	epoch = changed->epoch;
}

static void
change(const struct ear_change *changes, size_t count, const struct ear_event_draft *events,
       size_t event_count)
{
	const struct ear_transaction transaction = { .node = NODE,
						     .epoch = epoch,
						     .changes = changes,
						     .count = count,
						     .events = events,
						     .event_count = event_count };

	ear_store_change(ear->store, &transaction, on_changed, ear);
	rest();
}

/* A node with subscribers u00000@example.org and so on. */
static void
node_of(size_t subscribers)
{
	const struct ear_change create = { .kind = EAR_CREATE_NODE, .config = "", .jid = HAMLET };
	struct ear_change changes[BATCH];

	change(&create, 1, NULL, 0);
	for (size_t first = 0; first < subscribers; first += BATCH) {
		size_t n = subscribers - first < BATCH ? subscribers - first : BATCH;

		for (size_t i = 0; i < n; i++)
			changes[i] = (struct ear_change){
				.kind = EAR_SUBSCRIBE,
				.jid = xasprintf("u%05zu@example.org", first + i),
				.subscription = EAR_SUBSCRIBED,
				.options = "",
			};
		change(changes, n, NULL, 0);
		for (size_t i = 0; i < n; i++)
			free((char *)changes[i].jid);
	}
	fake_clear(ear);
}

static void
event(const char *text)
{
	const struct ear_event_draft draft = { .text = text, .type = "headline" };

	change(NULL, 0, &draft, 1);
}

/* How many are still to be told. */
static void
on_events(void *arg, int error, const struct ear_stored_event *events, size_t count)
{
	assert_int_equal(error, 0);
	*(size_t *)arg = count;
}

static size_t
left_to_tell(void)
{
	size_t count = 99;

	ear_store_take(ear->store, on_events, &count);
	rest();
	return count;
}

static void
test_pages(void **state)
{
	node_of(EAR_STORE_PAGE_MAX + 100);
	event(EVENT);
	assert_int_equal(ear->sends, EAR_STORE_PAGE_MAX + 100);
	assert_string_equal(fake_attribute(ear->sent, "to"), "u00599@example.org");
	assert_string_equal(fake_attribute(ear->sent, "type"), "headline");
	assert_non_null(ear_find(ear->sent, "event", EAR_NS_PUBSUB_EVENT));
	assert_int_equal(left_to_tell(), 0);
	fake_clear(ear);
	event(EVENT);
	event(EVENT);
	assert_int_equal(ear->sends, 2 * (EAR_STORE_PAGE_MAX + 100));
}

/* The links write before the next of them are told; nobody is forgotten between. */
static void
test_slices(void **state)
{
	const struct ear_event_draft draft = { .text = EVENT, .type = "headline" };
	struct ear_transaction transaction = { .node = NODE, .events = &draft, .event_count = 1 };

	node_of(2 * TELL_SLICE + 1);
	transaction.epoch = epoch;
	ear_store_change(ear->store, &transaction, on_changed, ear);
	while (ear->sends == 0) {
		clock_advance(ear->clock, 1);
		(void)store_is_busy(ear->store);
	}
	assert_int_equal(ear->sends, TELL_SLICE);
	rest();
	assert_int_equal(ear->sends, 2 * TELL_SLICE + 1);
	for (size_t i = 0; i < FAKE_SENT; i++)
		assert_int_equal(atoi(fake_attribute(ear->box[i], "to") + 1),
				 ear->sends - FAKE_SENT + i);
	assert_int_equal(left_to_tell(), 0);
}

static const char *
origin_of(xmpp_stanza_t *message)
{
	return fake_attribute(ear_find(message, "origin-id", EAR_NS_SID), "id");
}

/* Each message has an id of its own, and an origin-id (XEP-0359) of its event. */
static void
test_ids(void **state)
{
	node_of(2);
	event(EVENT);
	event(EVENT); /* the same words in the same second are another event */
	assert_int_equal(ear->box_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const char *id = fake_attribute(ear->box[i], "id");

		assert_int_equal(strlen(id), 16);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(fake_attribute(ear->box[j], "id"), id);
			assert_int_equal(strcmp(origin_of(ear->box[j]), origin_of(ear->box[i])) ==
						 0,
					 j / 2 == i / 2);
		}
	}
}

/* Those that one device may be known by at a time are told apart: what it has had it drops. */
static void
test_origins(void **state)
{
	static const char *const own[] = {
		"juliet@pronto.local",  "juliet@pronto.local/a", "juliet@example.org/a",
		"juliet@example.org/b", "tv.example.org",        "tv.example.org/a@b",
	};
	static const char *const common[] = { "juliet@example.org", "romeo@example.com",
					      "romeo@example.com/a", "romeo@example.com/b" };
	static const struct ear_path_info lan[] = {
		{ .link = EAR_LINK_SERVER, .to = "romeo@example.com/a" },
		{ .link = EAR_LINK_LAN, .to = "juliet@example.org" },
		{ .link = EAR_LINK_LAN, .to = "juliet@example.org/a" },
		{ .link = EAR_LINK_SERVER, .to = "juliet@example.org/a" },
		{ .link = EAR_LINK_SERVER, .to = "juliet@example.org/b" },
		{ .link = EAR_LINK_LAN, .to = "juliet@example.org/b" },
	};
	const struct ear_stored_event stored = {
		.id = 1, .at = 1, .node = NODE, .text = EVENT, .type = "headline"
	};
	struct tale *tale;

	ear->paths = lan;
	ear->path_count = sizeof(lan) / sizeof(lan[0]);
	tale = tale_new(pubsub_teller_of(ear), &stored);
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		assert_string_equal(tale_origin(tale, common[i], "its own"), tale->origin);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_string_equal(tale_origin(tale, own[i], "its own"), "its own");
	tale_drop(tale);
}

/* Nothing is dropped, and nobody is told twice, when the queue to the server is full. */
static void
test_no_room(void **state)
{
	char last[64];

	node_of(10);
	ear->send_error = -ENOBUFS;
	event(EVENT);
	snprintf(last, sizeof(last), "%s", fake_attribute(ear->sent, "to"));
	assert_string_equal(last, "u00000@example.org"); /* he is waited for, and no other tried */
	clock_advance(ear->clock, EAR_SEC);
	assert_string_equal(fake_attribute(ear->sent, "to"), last);
	fake_clear(ear);
	ear->send_error = 0;
	clock_advance(ear->clock, EAR_SEC);
	rest();
	assert_int_equal(ear->sends, 10);
	assert_string_equal(fake_attribute(ear->box[0], "to"), "u00000@example.org");
	assert_string_equal(fake_attribute(ear->box[9], "to"), "u00009@example.org");
	assert_int_equal(left_to_tell(), 0);
}

/* It tells what is left when it can, and goes. */
static void
end_heir(struct pubsub_teller *heir)
{
	ear->stuck = false;
	clock_advance(ear->clock, EAR_SEC);
	rest();
	assert_int_equal(left_to_tell(), 0);
	pubsub_teller_free(heir);
}

/* Killed before what was sent had left: whoever takes over sends it again, with the same ids. */
static void
test_taken_over(void **state)
{
	struct pubsub_teller *heir;
	char id[2][32];

	node_of(2);
	ear->stuck = true;
	event(EVENT);
	rest();
	assert_int_equal(ear->sends, 2);
	assert_int_equal(left_to_tell(), 1); /* it is not forgotten */
	for (size_t i = 0; i < 2; i++)
		snprintf(id[i], sizeof(id[i]), "%s", fake_attribute(ear->box[i], "id"));
	fake_clear(ear);
	heir = pubsub_teller_new(ear);
	event(EVENT);
	assert_int_equal(ear->sends, 4);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(fake_attribute(ear->box[i], "id"), id[i]);
	end_heir(heir);
}

/* What never leaves is not waited for for ever. */
static void
test_stuck(void **state)
{
	node_of(1);
	ear->stuck = true;
	event(EVENT);
	clock_advance(ear->clock, 60 * EAR_SEC);
	rest();
	assert_int_equal(left_to_tell(), 0);
	assert_int_equal(ear->sends, 1);
}

/* Somebody whose way is his own stops nobody. */
static void
test_one_is_slow(void **state)
{
	ear->path_count = 0;
	node_of(3);
	ear->send_error = -ENOBUFS;
	event(EVENT);
	assert_int_equal(ear->sends, 3);
	assert_int_equal(left_to_tell(), 1);
	fake_clear(ear);
	ear->send_error = 0;
	clock_advance(ear->clock, EAR_SEC);
	rest();
	assert_int_equal(ear->sends, 3);
	assert_int_equal(left_to_tell(), 0);
}

/* One for somebody alone that cannot be read is passed over. */
static void
test_no_xml(void **state)
{
	const struct ear_event_draft draft = { .audience = EAR_TELL_ONE,
					       .to = "u00000@example.org",
					       .text = "<event",
					       .type = "headline" };

	node_of(1);
	change(NULL, 0, &draft, 1);
	event(EVENT);
	assert_int_equal(ear->sends, 1);
	assert_int_equal(left_to_tell(), 0);
}

/* Who says that he takes none (§6.3, pubsub#deliver). */
static void
test_options(void **state)
{
	const struct pubsub_options options = { .deliver = false };
	char *text = pubsub_options_text(&options);
	const struct ear_change none = { .kind = EAR_SUBSCRIBE,
					 .jid = "u00000@example.org",
					 .subscription = EAR_SUBSCRIBED,
					 .options = text };

	node_of(2);
	change(&none, 1, NULL, 0);
	free(text);
	event(EVENT);
	assert_int_equal(ear->sends, 1);
	assert_string_equal(fake_attribute(ear->sent, "to"), "u00001@example.org");
}

/* Large events: what may come back is remembered as far as there is room. */
static void
test_large(void **state)
{
	size_t size = EAR_PAYLOAD_MAX;
	char *text = xalloc(size), *at;

	node_of(1);
	at = text + snprintf(text, size, "<event xmlns='" EAR_NS_PUBSUB_EVENT "'>");
	memset(at, 'x', size - (size_t)(at - text) - 16);
	strncat(text, "</event>", 16);
	for (int i = 0; i < 300; i++)
		event(text);
	free(text);
	assert_int_equal(ear->sends, 300);
	assert_int_equal(left_to_tell(), 0);
}

/* --- one message for many (XEP-0033) ------------------------------------------------------- */

#define INFO "<query xmlns='" EAR_NS_DISCO_INFO "'><feature var='" EAR_NS_ADDRESS "'/></query>"

static size_t
addresses_in(xmpp_stanza_t *message)
{
	xmpp_stanza_t *addresses = ear_find(message, "addresses", EAR_NS_ADDRESS);
	size_t count = 0;

	for (xmpp_stanza_t *e = addresses == NULL ? NULL : ear_first(addresses); e != NULL;
	     e = ear_next(e))
		count++;
	return count;
}

/* Their server passes messages on, as one event to all of them has shown. */
static void
served(size_t subscribers)
{
	ear->only_by_server = true;
	node_of(subscribers);
	event(EVENT);
	fake_answer(ear, 0, INFO);
	fake_answer(ear, 0, INFO);
	fake_clear(ear);
}

/* A page at a time, as many as it takes. */
static void
test_many(void **state)
{
	size_t told = 0;

	served(EAR_STORE_PAGE_MAX + 30);
	event(EVENT);
	assert_int_equal(ear->sends, EAR_STORE_PAGE_MAX / 20 + 2);
	for (size_t i = 0; i < ear->box_count; i++) {
		assert_string_equal(fake_attribute(ear->box[i], "to"), "example.org");
		told += addresses_in(ear->box[i]);
	}
	assert_int_equal(told, EAR_STORE_PAGE_MAX + 30);
	assert_int_equal(left_to_tell(), 0);
}

/* Killed before their message had left: each is told by one of his own, while whoever takes over
 * does not know yet that they can share one, and knows it as the one that he may have had. */
static void
test_many_taken_over(void **state)
{
	struct pubsub_teller *heir;
	char origin[32];

	served(10);
	ear->stuck = true;
	event(EVENT);
	rest();
	assert_int_equal(ear->sends, 1);
	assert_int_equal(addresses_in(ear->sent), 10);
	snprintf(origin, sizeof(origin), "%s", origin_of(ear->sent));
	fake_clear(ear);
	heir = pubsub_teller_new(ear);
	event(EVENT);
	assert_int_equal(ear->sends, 20);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(strcmp(origin_of(ear->box[i]), origin) == 0, i < 10);
	end_heir(heir);
}

/* More of them turn out to be on the LAN than places are kept for, some of them in the same places:
 * each waits until the service has answered behind what he was told with others, and is told then,
 * once. */
static void
test_many_become_single(void **state)
{
	const size_t count = 3 * MULTI_SINGLES;
	size_t told = 0, answered = 0;

	served(count);
	event(EVENT);
	fake_clear(ear);
	ear->only_by_server = false;
	ear->path_count = 0;
	event(EVENT);
	assert_int_equal(ear->sends, 0); /* the service was not heard of since */
	for (int i = 0; i < 1000 && told < count; i++) {
		for (size_t j = 0; j < ear->box_count; j++)
			assert_int_equal(addresses_in(ear->box[j]), 0);
		told += (size_t)ear->sends;
		fake_clear(ear);
		for (; ear->request_count > 0; answered++)
			fake_answer(ear, 0, INFO);
		clock_advance(ear->clock, TELL_ROOM_USEC);
	}
	assert_true(answered > 0);
	clock_advance(ear->clock, EAR_SEC);
	rest();
	assert_int_equal(told + (size_t)ear->sends, count);
	assert_int_equal(left_to_tell(), 0);
}

/* What was gathered and finds no room goes later, once. */
static void
test_many_no_room(void **state)
{
	served(30);
	ear->send_error = -ENOBUFS;
	event(EVENT);
	clock_advance(ear->clock, EAR_SEC);
	assert_int_equal(left_to_tell(), 1);
	fake_clear(ear);
	ear->send_error = 0;
	clock_advance(ear->clock, EAR_SEC);
	rest();
	assert_int_equal(ear->sends, 2);
	assert_int_equal(addresses_in(ear->box[0]), 20);
	assert_int_equal(addresses_in(ear->box[1]), 10);
	assert_int_equal(left_to_tell(), 0);
	event(EVENT);
	assert_int_equal(ear->sends, 4);
}

/* They wait to be noted as told until the service's message has left. */
static void
test_many_stuck(void **state)
{
	served(10);
	ear->stuck = true;
	event(EVENT);
	assert_int_equal(ear->sends, 1);
	assert_int_equal(left_to_tell(), 1);
	ear->stuck = false;
	clock_advance(ear->clock, EAR_SEC);
	rest();
	assert_int_equal(left_to_tell(), 0);
}

/* While there is no room the stream to the server ends: who was gathered is told by the new one. */
static void
test_many_new_stream(void **state)
{
	served(10);
	ear->send_error = -ENOBUFS;
	event(EVENT);
	fake_clear(ear);
	ear->send_error = 0;
	fake_tell(ear, EAR_SERVER_UP, "pubsub.example.org");
	clock_advance(ear->clock, EAR_SEC);
	rest();
	assert_int_equal(ear->sends, 10);
	assert_string_equal(fake_attribute(ear->box[0], "to"), "u00000@example.org");
	assert_int_equal(left_to_tell(), 0);
}

/* An address is one attribute, whatever is in it (RFC 7622 §3.4). */
static void
test_many_strange(void **state)
{
	const struct ear_change strange = { .kind = EAR_SUBSCRIBE,
					    .jid = "u@example.org/<&'\"> @",
					    .subscription = EAR_SUBSCRIBED,
					    .options = "" };
	xmpp_stanza_t *address;

	served(10);
	change(&strange, 1, NULL, 0);
	event(EVENT);
	assert_int_equal(ear->sends, 1);
	assert_int_equal(addresses_in(ear->sent), 11);
	address = ear_first(ear_find(ear->sent, "addresses", EAR_NS_ADDRESS));
	for (int i = 0; i < 10; i++)
		address = ear_next(address);
	assert_string_equal(fake_attribute(address, "jid"), strange.jid);
}

/* No larger than a server may take, and not refused for what others are called. */
static void
test_many_bytes(void **state)
{
	size_t size = MULTI_BYTES_MAX - 800;
	char *text = xalloc(size), *at;

	served(20);
	at = text + snprintf(text, size, "<event xmlns='" EAR_NS_PUBSUB_EVENT "'>");
	memset(at, 'x', size - (size_t)(at - text) - 16);
	strncat(text, "</event>", 16);
	event(text);
	free(text);
	assert_true(ear->sends > 1 && ear->sends < 20);
	assert_int_equal(left_to_tell(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pages),
		TEST(test_slices),
		TEST(test_ids),
		TEST(test_no_room),
		TEST(test_taken_over),
		TEST(test_stuck),
		TEST(test_one_is_slow),
		TEST(test_no_xml),
		TEST(test_options),
		TEST(test_large),
		TEST(test_many),
		TEST(test_many_taken_over),
		TEST(test_origins),
		TEST(test_many_become_single),
		TEST(test_many_no_room),
		TEST(test_many_stuck),
		TEST(test_many_new_stream),
		TEST(test_many_strange),
		TEST(test_many_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
