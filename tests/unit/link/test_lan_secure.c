/* SPDX-License-Identifier: ISC */
/* test_lan_secure.c: who dials us: STARTTLS, EXTERNAL, and those who would rather not. */
#include <unistd.h>

#include "tests/unit/link/secure_kit.h"

static void
test_foreign(void **state)
{
	tv.features = true;
	raw_opens();
	assert_true(raw_has(&raw, "disco#info"));
	raw_say(&raw, MESSAGE);
	until_tv_has(1);
	assert_int_equal(tv.keys, 1);
	assert_int_equal(tv.link->level, EAR_KEYED);
}

/* Everything in as few pieces as there may be. */
static void
test_foreign_in_one_flight(void **state)
{
	const char *flight = HEADER AUTH HEADER MESSAGE "</stream:stream>";

	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say_all(&raw, HEADER STARTTLS, strlen(HEADER STARTTLS));
	assert_true(raw_expect(&raw, "<proceed"));
	assert_true(raw_secure(&raw, peers, true));
	raw_say_all(&raw, flight, strlen(flight));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	until_tv_has(1);
	assert_int_equal(tv.identified, 1);
}

/* OpenSSL's own client, which says no name: it is known by its address. */
static void
test_s_client(void **state)
{
	char command[256];
	FILE *client;

	tv.by_source = JULIET;
	snprintf(command, sizeof(command),
		 "openssl s_client -starttls xmpp -xmpphost tv@pronto -connect 127.0.0.1:%u "
		 "-cert %s -quiet >/dev/null 2>&1",
		 lan_port(tv.lan), tls_id_file(&id));
	client = popen(command, "w");
	assert_non_null(client);
	fputs(HEADER AUTH HEADER MESSAGE "\n", client);
	fflush(client);
	until_tv_has(1);
	assert_true(tv.link->keyed);
	assert_string_equal(tv.link->peer, JULIET);
	link_close(tv.link);
	net_for(&net, 3);
	clock_advance(net.clock, STREAM_CLOSE_USEC + EAR_SEC);
	assert_true(net_until(&net, tv_is_down, NULL));
	pclose(client);
}

/* The name has to be looked for first. */
static void
test_starttls_of_a_stranger(void **state)
{
	const char *all = HEADER STARTTLS MESSAGE;

	tv.identify_rc = -EAGAIN;
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say_all(&raw, all, strlen(all));
	net_for(&net, 3);
	assert_int_equal(raw.length, 0);
	tv.identify_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_true(raw_expect(&raw, "<proceed"));
	assert_true(raw_secure(&raw, peers, true));
	raw_say(&raw, HEADER AUTH HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	assert_int_equal(tv.body_count, 0);
}

static void
test_injected_behind_starttls(void **state)
{
	const char *all = STARTTLS "<message><body>evil</body></message>" AUTH;

	raw_starts();
	raw_say_all(&raw, all, strlen(all));
	assert_true(raw_expect(&raw, "<proceed"));
	assert_true(raw_secure(&raw, peers, true));
	raw_say(&raw, HEADER AUTH HEADER MESSAGE);
	until_tv_has(1);
	assert_string_equal(tv.bodies[0], "x");
}

static void
test_required(void **state)
{
	tv.plain_rc = -EACCES;
	raw_starts();
	assert_true(raw_has(&raw, "<required"));
	expect_refusal(MESSAGE, "policy-violation");
	assert_int_equal(tv.identified, 0);
}

static void
test_plain_stanza(void **state)
{
	raw_starts();
	assert_false(raw_has(&raw, "<required"));
	assert_int_equal(tv.identified, 0);
	raw_say(&raw, MESSAGE);
	until_tv_has(1);
	assert_int_equal(tv.link->level, EAR_PLAIN);
	assert_false(tv.link->keyed);
}

static bool
plain_after_patience(void *arg)
{
	return tv.up == 1;
}

static void
test_plain_and_silent(void **state)
{
	raw_starts();
	net_for(&net, 3);
	assert_int_equal(tv.up, 0);
	clock_advance(net.clock, LAN_FEATURES_USEC);
	assert_true(net_until(&net, plain_after_patience, NULL));
	side_send(&tv, tv.link, JULIET, "hello");
	assert_true(raw_expect(&raw, "hello"));
}

static void
test_required_and_silent(void **state)
{
	tv.plain_rc = -EKEYREJECTED;
	raw_starts();
	clock_advance(net.clock, LAN_FEATURES_USEC + EAR_SEC);
	net_for(&net, 5);
	assert_int_equal(tv.up, 0);
	clock_advance(net.clock, STREAM_HEADER_USEC);
	assert_true(raw_expect(&raw, "not-authorized"));
	assert_int_equal(tv.identified, 0);
}

/* libpurple. */
static void
test_without_version(void **state)
{
	tv.plain_rc = -EACCES;
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, RAW_STREAM " from='juliet@forza' to='tv@pronto'>");
	assert_true(raw_expect(&raw, "policy-violation"));
	assert_false(raw_has(&raw, "starttls"));
	assert_int_equal(tv.identified, 0);
	raw_release(&raw);
	tv.plain_rc = 0;
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, RAW_STREAM " from='juliet@forza' to='tv@pronto'>");
	assert_true(net_until(&net, tv_is_up, NULL));
}

static void
test_starttls_twice(void **state)
{
	raw_shakes();
	expect_refusal(STARTTLS, "policy-violation");
}

static void
test_starttls_after_auth(void **state)
{
	raw_opens();
	expect_refusal(STARTTLS, "policy-violation");
}

static void
test_starttls_after_stanza(void **state)
{
	raw_starts();
	raw_say(&raw, MESSAGE);
	until_tv_has(1);
	raw_say(&raw, STARTTLS);
	assert_true(raw_expect(&raw, "<failure"));
	assert_true(raw_expect(&raw, "policy-violation"));
}

static void
test_auth_before_tls(void **state)
{
	raw_starts();
	expect_refusal(AUTH, "encryption-required");
	assert_int_equal(tv.identified, 0);
}

static void
test_unknown_mechanism(void **state)
{
	raw_shakes();
	expect_refusal("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg=="
		       "</auth>" HEADER MESSAGE,
		       "invalid-mechanism");
	assert_int_equal(tv.identified, 0);
}

static void
test_other_authzid(void **state)
{
	raw_shakes();
	expect_refusal("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>"
		       "cm9tZW9AZm9yemE=</auth>",
		       "invalid-authzid");
}

static void
test_auth_twice(void **state)
{
	raw_opens();
	expect_refusal(AUTH, "policy-violation");
}

static void
test_stanza_before_auth(void **state)
{
	raw_shakes();
	expect_refusal(MESSAGE, "not-authorized");
	assert_int_equal(tv.identified, 0);
}

static void
test_bad_key(void **state)
{
	tv.keyed_rc = -EKEYREJECTED;
	raw_shakes();
	expect_refusal(AUTH HEADER MESSAGE, "<failure");
	assert_true(raw_expect(&raw, "</stream:stream>"));
	/* RFC 6120 §6.4.5: nothing has begun again. */
	assert_false(raw_has(&raw, "<?xml"));
	assert_int_equal(tv.identified + tv.up + tv.down, 0);
	assert_null(lan_find(tv.lan, JULIET));
}

static void
test_another_after_tls(void **state)
{
	raw_starts();
	raw_say(&raw, STARTTLS);
	assert_true(raw_expect(&raw, "<proceed"));
	assert_true(raw_secure(&raw, peers, true));
	expect_refusal(RAW_STREAM " from='romeo@forza' version='1.0'>", "invalid-from");
}

static void
test_another_after_auth(void **state)
{
	raw_shakes();
	expect_refusal(AUTH RAW_STREAM " from='romeo@forza' version='1.0'>" MESSAGE,
		       "invalid-from");
	assert_int_equal(tv.identified, 0);
}

/* It has heard <success/>, and reads another stream. */
static void
test_silent_after_auth(void **state)
{
	raw_shakes();
	raw_say(&raw, AUTH);
	assert_true(raw_expect(&raw, "<success"));
	assert_false(raw_has(&raw, "<?xml"));
	clock_advance(net.clock, STREAM_HEADER_USEC);
	assert_true(raw_expect(&raw, "connection-timeout"));
	assert_true(raw_has(&raw, "<?xml"));
}

/* It was to talk to somebody who is not here any more. */
static void
test_renamed_on_the_way(void **state)
{
	static const char *const said[] = { HEADER, HEADER STARTTLS, HEADER STARTTLS };

	for (size_t i = 0; i < 4; i++) {
		lan_set_self(tv.lan, "tv@pronto");
		raw_connect(&raw, &net, lan_port(tv.lan));
		if (i > 0)
			raw_say(&raw, said[i - 1]);
		if (i == 3) {
			assert_true(raw_expect(&raw, "<proceed"));
			assert_true(raw_secure(&raw, peers, true));
			raw_say(&raw, HEADER);
			assert_true(raw_expect(&raw, "EXTERNAL"));
		}
		net_for(&net, 2);
		lan_set_self(tv.lan, "tv@forte");
		if (i == 0)
			raw_say(&raw,
				RAW_STREAM " from='juliet@forza' to='tv@forte' version='1.0'>");
		else if (i == 3)
			raw_say(&raw,
				AUTH RAW_STREAM " from='juliet@forza' version='1.0'>" MESSAGE);
		assert_true(i == 0 ? raw_expect(&raw, "<starttls") : raw_expect_end(&raw));
		assert_true(i == 0 || i == 2 || raw_has(&raw, "host-gone"));
		raw_release(&raw);
	}
	raw = (struct raw){ .fd = -1, .listener = -1 };
	assert_int_equal(tv.identified, 0);
}

/* It is no header there, but an element that has to end first. */
static void
test_header_twice(void **state)
{
	raw_starts();
	expect_refusal(HEADER MESSAGE "</stream:stream>", "unsupported-stanza-type");
	raw_release(&raw);
	raw_shakes();
	expect_refusal(HEADER AUTH "</stream:stream>", "unsupported-stanza-type");
	assert_int_equal(tv.identified, 0);
}

static void
test_garbage(void **state)
{
	size_t none = 0;
	char bytes[3000];

	raw_starts();
	raw_say(&raw, STARTTLS);
	assert_true(raw_expect(&raw, "<proceed"));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31 + 7);
	raw_say_all(&raw, bytes, sizeof(bytes));
	assert_true(raw_expect_end(&raw));
	assert_true(net_until(&net, is_counted, &none));
	assert_int_equal(tv.identified, 0);
}

/* Whoever falls silent is gone after the limit, wherever that was. */
static void
test_stalls(void **state)
{
	static const char *const plain[] = { "", HEADER, HEADER STARTTLS, HEADER "<starttls" };
	static const char *const sealed[] = { "", HEADER, HEADER "<auth", HEADER AUTH,
					      HEADER AUTH "<?xml" };
	size_t none = 0;

	tv.plain_rc = -EACCES;
	for (size_t i = 0; i < 4 + 5; i++) {
		raw_connect(&raw, &net, lan_port(tv.lan));
		if (i < 4) {
			raw_say(&raw, plain[i]);
		} else {
			raw_say(&raw, HEADER STARTTLS);
			assert_true(raw_expect(&raw, "<proceed"));
			assert_true(raw_secure(&raw, peers, true));
			raw_say(&raw, sealed[i - 4]);
		}
		net_for(&net, 3);
		assert_int_equal(tv.lan->stream_count, 1);
		clock_advance(net.clock, STREAM_HEADER_USEC);
		clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
		assert_true(net_until(&net, is_counted, &none));
		assert_true(raw_expect_end(&raw));
		raw_release(&raw);
	}
	raw = (struct raw){ .fd = -1, .listener = -1 };
	assert_int_equal(tv.identified, 0);
}

/* A claim alone neither ends another's stream nor gets what is meant for it. */
static void
test_claim_takes_nothing(void **state)
{
	struct link *link;

	box.secure = true;
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "one");
	until_tv_has(1);
	/* In plain, which the policy would allow. */
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER MESSAGE);
	assert_true(raw_expect(&raw, "policy-violation"));
	raw_release(&raw);
	tv.keyed_rc = -EKEYREJECTED;
	raw_shakes();
	raw_say(&raw, AUTH HEADER MESSAGE);
	assert_true(raw_expect(&raw, "not-authorized"));
	side_send(&box, link, TV, "two");
	until_tv_has(2);
	assert_string_equal(tv.bodies[1], "two");
	assert_int_equal(tv.identified, 1);
	assert_int_equal(tv.down + box.down, 0);
}

/* A device with a new key, which is vouched for, while its old stream seems to be there. */
static void
test_key_is_replaced(void **state)
{
	struct link *link, *first;

	box.secure = true;
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "one");
	until_tv_has(1);
	first = tv.link;
	raw_shakes();
	raw_say(&raw, AUTH HEADER MESSAGE);
	until_tv_has(2);
	assert_ptr_not_equal(tv.link, first);
	assert_int_equal(tv.identified, 2);
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(box.error, 0);
}

/* What came in plain does not become proved by a stream that comes later. */
static void
test_plain_then_keyed(void **state)
{
	struct link *first;

	raw_starts();
	raw_say(&raw, MESSAGE);
	until_tv_has(1);
	first = tv.link;
	box.secure = true;
	side_send(&box, lan_open(box.lan, TV), TV, "keyed");
	until_tv_has(2);
	assert_ptr_not_equal(tv.link, first);
	assert_true(tv.link->keyed);
	assert_int_equal(first->level, EAR_PLAIN);
	assert_int_equal(first->state, LINK_CLOSING);
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_int_equal(tv.identified, 2);
}

/* Handshakes that are not gone on with: the oldest goes. */
static void
test_many_handshakes(void **state)
{
	struct raw many[LAN_HANDSHAKES_MAX + 1];

	for (int i = 0; i <= LAN_HANDSHAKES_MAX; i++) {
		raw_connect(&many[i], &net, lan_port(tv.lan));
		raw_say_all(&many[i], HEADER STARTTLS, strlen(HEADER STARTTLS));
		assert_true(raw_expect(&many[i], "<proceed"));
	}
	assert_true(raw_expect_end(&many[0]));
	assert_int_equal(tv.lan->stream_count, LAN_HANDSHAKES_MAX);
	assert_true(raw_secure(&many[1], peers, true));
	raw_say(&many[1], HEADER AUTH HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	for (int i = 0; i <= LAN_HANDSHAKES_MAX; i++)
		raw_release(&many[i]);
}

/* One host that begins as many as it can ends its own, not another's. */
static void
test_crowd_of_one_host(void **state)
{
	struct raw shaking, many[LAN_HANDSHAKES_MAX];
	int *idle = malloc(sizeof(*idle) * LAN_UNKNOWN_MAX);

	raw_connect_from(&raw, &net, "127.0.0.2", lan_port(tv.lan));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "</stream:features>"));
	raw_connect_from(&shaking, &net, "127.0.0.2", lan_port(tv.lan));
	raw_say(&shaking, HEADER STARTTLS);
	assert_true(raw_expect(&shaking, "<proceed"));
	for (int i = 0; i < LAN_HANDSHAKES_MAX; i++) {
		raw_connect(&many[i], &net, lan_port(tv.lan));
		raw_say_all(&many[i], HEADER STARTTLS, strlen(HEADER STARTTLS));
		assert_true(raw_expect(&many[i], "<proceed"));
	}
	assert_true(raw_expect_end(&many[0]));
	for (int i = 0; i < LAN_UNKNOWN_MAX; i++) {
		struct raw one;

		raw_connect(&one, &net, lan_port(tv.lan));
		net_turn(&net);
		idle[i] = one.fd;
		one.fd = -1;
		raw_release(&one);
	}
	net_for(&net, 3);
	assert_int_equal(tv.lan->stranger_count, LAN_UNKNOWN_MAX);
	assert_true(raw_secure(&shaking, peers, true));
	raw_say(&shaking, HEADER AUTH HEADER);
	assert_true(net_until(&net, tv_is_up, NULL));
	raw_say(&raw, STARTTLS);
	assert_true(raw_expect(&raw, "<proceed"));
	for (int i = 0; i < LAN_HANDSHAKES_MAX; i++)
		raw_release(&many[i]);
	for (int i = 0; i < LAN_UNKNOWN_MAX; i++)
		close(idle[i]);
	free(idle);
	raw_release(&shaking);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_foreign),
		T(test_foreign_in_one_flight),
		T(test_s_client),
		T(test_starttls_of_a_stranger),
		T(test_injected_behind_starttls),
		T(test_required),
		T(test_plain_stanza),
		T(test_plain_and_silent),
		T(test_required_and_silent),
		T(test_without_version),
		T(test_starttls_twice),
		T(test_starttls_after_auth),
		T(test_starttls_after_stanza),
		T(test_auth_before_tls),
		T(test_unknown_mechanism),
		T(test_other_authzid),
		T(test_auth_twice),
		T(test_stanza_before_auth),
		T(test_bad_key),
		T(test_another_after_tls),
		T(test_another_after_auth),
		T(test_silent_after_auth),
		T(test_renamed_on_the_way),
		T(test_header_twice),
		T(test_garbage),
		T(test_stalls),
		T(test_claim_takes_nothing),
		T(test_key_is_replaced),
		T(test_plain_then_keyed),
		T(test_many_handshakes),
		T(test_crowd_of_one_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
