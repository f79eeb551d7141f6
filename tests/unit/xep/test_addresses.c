/* SPDX-License-Identifier: ISC */
/* test_addresses.c: what an <addresses/> may hold, who gets one and how often, and who is believed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "addresses.h"
#include "base/timer.h"
#include "fake_addresses.h"
#include "fake_ear.h"

#define KEY    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD   "<addresses xmlns='urn:earshot:addresses:0' address='tv@box.local' key='" KEY "' "
#define THEIRS HEAD "port='5298' life='600'><ip>192.0.2.7</ip><ip>2001:db8::7</ip></addresses>"
#define BOX    "box.example.org"

static struct ear *ear;
static bool stopped;

static int
setup(void **state)
{
	memset(&fake_addresses, 0, sizeof(fake_addresses));
	stopped = false;
	ear = fake_new();
	ear->self[EAR_LINK_LAN] = "sofa@remote.local";
	ear->self[EAR_LINK_SERVER] = "remote.example.org";
	ear->level = EAR_TRUSTED;
	ear->link = EAR_LINK_SERVER;
	fake_addresses.port = 5298;
	fake_addresses.ip[0] = "198.51.100.3";
	fake_addresses.ip[1] = "2001:db8::3";
	return 0;
}

static int
teardown(void **state)
{
	if (!stopped)
		fake_stop(ear);
	fake_free(ear);
	return 0;
}

static void
trust(const char *jid, unsigned char first)
{
	struct fake_trusted *trusted = &fake_addresses.trusted[fake_addresses.trusted_count++];

	*trusted = (struct fake_trusted){ .jid = jid };
	trusted->key.sha256[0] = first;
	trusted->key.sha256[1] = (unsigned char)(fake_addresses.trusted_count >> 8);
}

/* Requests of ours that wait, to that address or (NULL) to any; of the others none is looked at. */
static size_t
asked_of(const char *to, size_t *at)
{
	size_t n = 0;

	*at = 0;
	for (size_t i = ear->request_count; i-- > 0;) {
		xmpp_stanza_t *request = fake_request(ear, i);

		if (ear_find(request, "addresses", EAR_NS_ADDRESSES) == NULL ||
		    (to != NULL && strcmp(xmpp_stanza_get_to(request), to) != 0))
			continue;
		*at = i;
		n++;
	}
	return n;
}

static size_t
asked(size_t *at)
{
	return asked_of(NULL, at);
}

static void
pass(int64_t usec)
{
	clock_advance(ear->clock, usec);
}

/* --- reading -------------------------------------------------------------------------------- */

static int
take(const char *xml, struct addresses *out)
{
	xmpp_stanza_t *element = xmpp_stanza_new_from_string(ear->ctx, xml);
	int error;

	assert_non_null(element);
	error = addresses_read(element, out);
	xmpp_stanza_release(element);
	return error;
}

static void
test_read(void **state)
{
	struct addresses got, again;
	xmpp_stanza_t *element;

	assert_int_equal(take(THEIRS, &got), 0);
	assert_string_equal(got.address, "tv@box.local");
	assert_int_equal(got.port, 5298);
	assert_int_equal(got.life, 600);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.ip[0], "192.0.2.7");
	assert_string_equal(got.ip[1], "2001:db8::7");
	element = addresses_new(ear->ctx, &got);
	assert_int_equal(addresses_read(element, &again), 0);
	assert_memory_equal(&again, &got, sizeof(got));
	xmpp_stanza_release(element);
	assert_int_equal(take(HEAD "life='1'/>", &got), 0);
	assert_int_equal(got.count, 0);
	assert_int_equal(take(HEAD "life='1'><other xmlns='x'/></addresses>", &got), 0);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = {
		"<addresses xmlns='urn:other' address='tv@box.local' key='" KEY "' life='1'/>",
		"<addresses xmlns='urn:earshot:addresses:0' key='" KEY "' life='1'/>",
		"<addresses xmlns='urn:earshot:addresses:0' address='tv@box.local' life='1'/>",
		"<addresses xmlns='urn:earshot:addresses:0' address='tv@example.org' key='" KEY
		"' life='1'/>",
		"<addresses xmlns='urn:earshot:addresses:0' address='tv@box.local/a' key='" KEY
		"' life='1'/>",
		"<addresses xmlns='urn:earshot:addresses:0' address='box.local' key='" KEY
		"' life='1'/>",
		"<addresses xmlns='urn:earshot:addresses:0' address='tv@box.local' key='0011' "
		"life='1'/>",
		HEAD "/>",
		HEAD "life='0'/>",
		HEAD "life='-1'/>",
		HEAD "life=''/>",
		HEAD "life='86401'/>",
		HEAD "life='1' port='0'/>",
		HEAD "life='1' port='65536'/>",
		HEAD "life='1' port='99999999999999999999'/>",
		HEAD "life='1' port='x'/>",
		HEAD "life='1'><ip>192.0.2.7</ip></addresses>",
	};
	struct addresses got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (take(bad[i], &got) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
}

static void
test_untellable(void **state)
{
	static const char *const bad[] = { "",
					   "box.example.org",
					   "127.0.0.1",
					   "0.0.0.0",
					   "169.254.1.1",
					   "224.0.0.251",
					   "255.255.255.255",
					   "::",
					   "::1",
					   "fe80::1",
					   "fe80::1%eth0",
					   "ff02::fb",
					   "::ffff:192.0.2.7",
					   "192.0.2.7 ",
					   "192.0.2.7:1",
					   "[2001:db8::7]" };
	struct addresses got, own = { .count = 0 };
	char xml[512];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(xml, sizeof(xml), HEAD "life='1' port='1'><ip>%s</ip></addresses>",
			 bad[i]);
		if (take(xml, &got) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		addresses_add(&own, bad[i]);
		assert_int_equal(own.count, 0);
	}
}

static int
take_many(unsigned count)
{
	char xml[4096];
	struct addresses got;
	int n = snprintf(xml, sizeof(xml), HEAD "life='1' port='1'>");

	for (unsigned i = 0; i < count; i++)
		n += snprintf(xml + n, sizeof(xml) - (size_t)n, "<ip>192.0.2.%u</ip>", i + 1);
	snprintf(xml + n, sizeof(xml) - (size_t)n, "</addresses>");
	return take(xml, &got);
}

static void
test_many(void **state)
{
	struct addresses own = { .count = 0 };

	assert_int_equal(take_many(EAR_TOLD_MAX), 0);
	assert_int_equal(take_many(EAR_TOLD_MAX + 1), -EBADMSG);
	for (int i = 0; i < EAR_TOLD_MAX + 5; i++)
		addresses_add(&own, "192.0.2.7");
	assert_int_equal(own.count, EAR_TOLD_MAX);
}

/* --- asked ---------------------------------------------------------------------------------- */

static void
test_asked(void **state)
{
	struct addresses ours;

	fake_ask(ear, "set", BOX, THEIRS);
	assert_int_equal(fake_addresses.tells, 1);
	assert_string_equal(fake_addresses.jid, BOX);
	assert_string_equal(fake_addresses.address, "tv@box.local");
	assert_int_equal(fake_addresses.count, 2);
	assert_string_equal(fake_addresses.ways[1], "2001:db8::7");
	assert_int_equal(fake_addresses.port_told, 5298);
	assert_int_equal(fake_addresses.usec, 600 * EAR_SEC);
	assert_int_equal(fake_addresses.remembered, 1);
	assert_int_equal(addresses_read(fake_result(ear), &ours), 0);
	assert_string_equal(ours.address, "sofa@remote.local");
	assert_int_equal(ours.count, 2);
	assert_string_equal(ours.ip[0], "198.51.100.3");
}

/* Whoever is refused is told nothing of us, and nothing that he says is kept. */
static void
test_strangers(void **state)
{
	ear->level = EAR_PROVED;
	fake_ask(ear, "set", "evil@example.org/x", THEIRS);
	assert_true(fake_refused(ear, EAR_FORBIDDEN));
	ear->level = EAR_TRUSTED;
	ear->link = EAR_LINK_LAN;
	fake_ask(ear, "set", BOX, THEIRS);
	assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
	ear->link = EAR_LINK_LOCAL;
	fake_ask(ear, "set", "cli-1", THEIRS);
	assert_true(fake_refused(ear, EAR_NOT_ALLOWED));
	assert_int_equal(fake_addresses.tells, 0);
	assert_int_equal(fake_addresses.remembered, 0);
	/* That it goes may come by any way that proves it; it is told nothing for that. */
	ear->link = EAR_LINK_LAN;
	fake_ask(ear, "set", BOX, HEAD "life='1'/>");
	assert_int_equal(fake_addresses.tells, 1);
	assert_null(ear_find(ear->answer, "addresses", EAR_NS_ADDRESSES));
}

static void
test_refused(void **state)
{
	static const struct {
		int error;
		enum ear_verdict verdict;
	} cases[] = { { -EACCES, EAR_FORBIDDEN },
		      { -EAGAIN, EAR_RESOURCE_CONSTRAINT },
		      { -ENOBUFS, EAR_RESOURCE_CONSTRAINT },
		      { -EEXIST, EAR_CONFLICT },
		      { -EINVAL, EAR_BAD_REQUEST } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_addresses.error = cases[i].error;
		fake_ask(ear, "set", BOX, THEIRS);
		assert_true(fake_refused(ear, cases[i].verdict));
	}
	fake_ask(ear, "set", BOX, HEAD "/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
}

/* A LAN that is switched off has no addresses to tell, nor a port. */
static void
test_nowhere(void **state)
{
	size_t at;

	fake_addresses.port = 0;
	trust(BOX, 1);
	fake_tell(ear, EAR_SERVER_UP, "remote.example.org");
	pass(10 * EAR_SEC);
	assert_int_equal(asked(&at), 0);
	fake_ask(ear, "set", BOX, THEIRS);
	assert_null(ear_find(ear->answer, "addresses", EAR_NS_ADDRESSES));
}

/* --- telling -------------------------------------------------------------------------------- */

static void
test_told(void **state)
{
	size_t at;

	trust(BOX, 1);
	fake_tell(ear, EAR_SERVER_UP, "remote.example.org");
	pass(EAR_SEC);
	assert_int_equal(asked(&at), 1);
	assert_int_equal(ear->requests[at].only, EAR_LINK_SERVER);
	assert_string_equal(xmpp_stanza_get_to(fake_request(ear, at)), BOX);
	fake_answer(ear, at, THEIRS);
	assert_int_equal(fake_addresses.tells, 1);
	assert_string_equal(fake_addresses.jid, BOX);
	assert_int_equal(fake_addresses.remembered, 1);
	/* Again before the life of that is over, and not much sooner. */
	pass(ADDRESSES_LIFE / 3 * EAR_SEC);
	assert_int_equal(asked(&at), 0);
	pass(ADDRESSES_LIFE / 3 * EAR_SEC);
	assert_int_equal(asked(&at), 1);
}

/* However often the network changes, and only when something about us did. */
static void
test_changes(void **state)
{
	static const char *const other[] = { "198.51.100.4", "198.51.100.5" };
	unsigned n = 0;
	size_t at;

	trust(BOX, 1);
	fake_tell(ear, EAR_SERVER_UP, "remote.example.org");
	pass(EAR_SEC);
	assert_int_equal(asked(&at), 1);
	fake_answer(ear, at, THEIRS);
	fake_tell(ear, EAR_NETWORK_CHANGED, "");
	pass(10 * EAR_SEC);
	assert_int_equal(asked(&at), 0);
	for (int i = 0; i < 200; i++) { /* 20 s */
		fake_addresses.ip[0] = other[i % 2];
		fake_tell(ear, EAR_NETWORK_CHANGED, "");
		pass(100 * EAR_MSEC);
		if (asked(&at) > 0) {
			fake_answer(ear, at, THEIRS);
			n++;
		}
	}
	assert_in_range(n, 5, 11);
	ear->trust.own_key.sha256[0]++;
	fake_tell(ear, EAR_OWN_KEY_CHANGED, "sofa@remote.local");
	pass(3 * EAR_SEC);
	assert_int_equal(asked(&at), 1);
}

/* Who does not take it is asked less and less often; who comes to be trusted at once. */
static void
test_failures(void **state)
{
	unsigned n = 0;
	size_t at;

	trust(BOX, 1);
	fake_tell(ear, EAR_SERVER_UP, "remote.example.org");
	for (int i = 0; i < 3600; i++) {
		pass(EAR_SEC);
		if (asked(&at) > 0) {
			fake_answer_error(ear, at,
					  "<error type='cancel'><service-unavailable "
					  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
			n++;
		}
	}
	assert_in_range(n, 8, 16);
	assert_int_equal(fake_addresses.remembered, 0);
	trust("other.example.org", 2);
	fake_tell(ear, EAR_TRUST_CHANGED, "other.example.org");
	pass(EAR_SEC);
	/* The turn of the one that fails may come in the same second. */
	assert_int_equal(asked_of("other.example.org", &at), 1);
}

static void
test_many_devices(void **state)
{
	char jids[300][32];
	size_t at, n = 0;

	for (int i = 0; i < 300; i++) {
		snprintf(jids[i], sizeof(jids[i]), "d%d.example.org", i);
		trust(jids[i], (unsigned char)i);
	}
	fake_tell(ear, EAR_SERVER_UP, "remote.example.org");
	for (int i = 0; i < 100; i++) {
		pass(10 * EAR_MSEC);
		for (; asked(&at) > 0; n++)
			fake_answer_none(ear, at, -ETIMEDOUT);
	}
	assert_in_range(n, 5, 21); /* in a second */
	for (int i = 0; i < 2000; i++) {
		pass(10 * EAR_MSEC);
		for (; asked(&at) > 0; n++)
			fake_answer(ear, at, THEIRS);
	}
	assert_in_range(n, 200, 420);
}

/* An answer by a shorter way than the server's, and one that nobody may say. */
static void
test_bad_answers(void **state)
{
	size_t at;

	trust(BOX, 1);
	fake_tell(ear, EAR_SERVER_UP, "remote.example.org");
	pass(EAR_SEC);
	assert_int_equal(asked(&at), 1);
	ear->requests[at].only = EAR_LINK_LAN; /* the link that the fake says it came by */
	fake_answer(ear, at, THEIRS);
	assert_int_equal(fake_addresses.tells, 0);
	pass(10 * EAR_SEC);
	assert_int_equal(asked(&at), 1);
	fake_answer(ear, at, HEAD "port='1' life='1'><ip>127.0.0.1</ip></addresses>");
	assert_int_equal(fake_addresses.tells, 0);
	assert_int_equal(fake_addresses.remembered, 0);
}

static void
test_goodbye(void **state)
{
	struct addresses ours;
	size_t at;

	trust(BOX, 1);
	trust("other.example.org", 2);
	fake_tell(ear, EAR_SERVER_UP, "remote.example.org");
	pass(EAR_SEC);
	assert_int_equal(asked(&at), 2);
	fake_answer(ear, at, THEIRS);
	fake_addresses.trusted_count = 1; /* and the other is not trusted any more */
	fake_tell(ear, EAR_TRUST_CHANGED, "other.example.org");
	fake_stop(ear);
	stopped = true;
	assert_int_equal(ear->sends, 1);
	assert_string_equal(xmpp_stanza_get_to(ear->sent), BOX);
	assert_int_equal(addresses_read(ear_find(ear->sent, "addresses", EAR_NS_ADDRESSES), &ours),
			 0);
	assert_int_equal(ours.count, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read),        TEST(test_malformed), TEST(test_untellable),
		TEST(test_many),        TEST(test_asked),     TEST(test_strangers),
		TEST(test_refused),     TEST(test_nowhere),   TEST(test_told),
		TEST(test_changes),     TEST(test_failures),  TEST(test_many_devices),
		TEST(test_bad_answers), TEST(test_goodbye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
