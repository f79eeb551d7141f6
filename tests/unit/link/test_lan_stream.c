/* SPDX-License-Identifier: ISC */
/* test_lan_stream.c: who is at the other end, what it may say, and what bad input gets. */
#include "tests/unit/link/lan_kit.h"

static struct raw raw;

static int
setup(void **state)
{
	net_init(&net, true);
	side_init(&tv, &net, "tv@pronto", 0);
	raw_connect(&raw, &net, lan_port(tv.lan));
	return 0;
}

static int
teardown(void **state)
{
	raw_release(&raw);
	side_release(&tv);
	net_release(&net);
	return 0;
}

static bool
has_all(void *arg)
{
	return tv.body_count == LAN_HELD_ALL_MAX;
}

static bool
nothing_is_held(void *arg)
{
	return tv.lan->held_count == 0 && tv.lan->held_bytes == 0;
}

static void
expect_error(const char *said, const char *condition)
{
	raw_say(&raw, said);
	assert_true(raw_expect(&raw, condition));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_int_equal(tv.body_count, 0);
	/* We say goodbye first, and close when the other side has or time is over. */
	clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
	assert_true(raw_expect_end(&raw));
}

static void
test_whole_conversation(void **state)
{
	tv.features = true;
	raw_say(&raw, "<?xml version='1.0'?>" HEADER);
	assert_true(raw_expect(&raw, "</stream:features>"));
	assert_true(raw_has(&raw, "from=\"tv@pronto\"") || raw_has(&raw, "from='tv@pronto'"));
	assert_true(raw_has(&raw, "juliet@forza"));
	assert_true(raw_has(&raw, "http://jabber.org/protocol/disco#info"));
	assert_true(raw_has(&raw, "1.0"));
	assert_int_equal(tv.identified, 1);
	assert_int_equal(tv.up, 1);
	assert_true(tv.link->earshot);
	assert_string_equal(tv.link->peer, "juliet@forza.local");
	assert_string_equal(tv.link->self, "tv@pronto.local");
	assert_int_equal(tv.link->level, EAR_PLAIN);

	raw_say(&raw, "<message from='juliet@forza' to='tv@pronto'><body>hi</body>"
		      "<x xmlns='urn:earshot:control:0'/></message>");
	assert_true(net_until(&net, has_stanza, NULL));
	assert_string_equal(tv.bodies[0], "hi");
	assert_non_null(strstr(tv.last, "from=\"juliet@forza.local\""));
	assert_non_null(strstr(tv.last, "to=\"tv@pronto.local\""));
	assert_null(strstr(tv.last, "earshot:control"));

	assert_int_equal(side_send(&tv, tv.link, "juliet@forza.local", "hello"), 0);
	assert_true(raw_expect(&raw, "<body>hello</body>"));
	assert_null(strstr(raw.got, ".local"));

	raw_say(&raw, "</stream:stream>");
	assert_true(raw_expect(&raw, "</stream:stream>"));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, 0);
	assert_int_equal(tv.back_count, 0);
}

/* libpurple: no version, so neither features nor waiting for them. */
static void
test_without_version(void **state)
{
	raw_say(&raw, "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n" RAW_STREAM
		      " from=\"juliet@forza\" to=\"tv@pronto\">");
	assert_true(raw_expect(&raw, "<stream:stream"));
	assert_true(net_until(&net, is_up, NULL));
	assert_false(tv.link->earshot);
	side_send(&tv, tv.link, "juliet@forza.local", "one");
	assert_true(raw_expect(&raw, "one"));
	assert_false(raw_has(&raw, "features"));
	raw_say(&raw, "<message to='tv@pronto' from='juliet@forza' type='chat'><body>Hello</body>"
		      "</message></stream:stream>");
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.body_count, 1);
	assert_int_equal(tv.error, 0);
}

/* iChat: from='' and no ids; known by its address. */
static void
test_known_by_source(void **state)
{
	tv.by_source = "juliet@forza.local";
	raw_say(&raw, RAW_STREAM " from='' to='tv@pronto'>");
	assert_true(raw_expect(&raw, "juliet@forza"));
	raw_say(&raw, "<message><body>hi</body></message>");
	assert_true(net_until(&net, has_stanza, NULL));
	assert_non_null(strstr(tv.last, "from=\"juliet@forza.local\""));
}

static void
test_known_by_first_stanza(void **state)
{
	raw_say(&raw, RAW_STREAM ">");
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_say(&raw, "<message from='juliet@forza'><body>hi</body></message>");
	assert_true(net_until(&net, has_stanza, NULL));
	assert_string_equal(tv.link->peer, "juliet@forza.local");
}

static void
test_says_nothing_of_itself(void **state)
{
	raw_say(&raw, RAW_STREAM ">");
	expect_error("<message><body>hi</body></message>", "not-authorized");
}

/* mDNS is slower than the peer: it waits, and what it said is delivered when it is known. */
static void
test_waits_to_be_known(void **state)
{
	const char *all = HEADER "<message><body>1</body></message>"
				 "<message><body>2</body></message></stream:stream>";

	tv.identify_rc = -EAGAIN;
	raw_say_all(&raw, all, strlen(all));
	net_for(&net, 50);
	assert_int_equal(tv.identified, 0);
	assert_false(raw_has(&raw, "stream"));
	tv.identify_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_int_equal(tv.identified, 0);
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_int_equal(tv.body_count, 2);
	assert_string_equal(tv.bodies[1], "2");
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
}

static void
test_waits_too_long(void **state)
{
	tv.identify_rc = -EAGAIN;
	raw_say(&raw, HEADER);
	net_for(&net, 20);
	clock_advance(net.clock, STREAM_HEADER_USEC);
	assert_true(raw_expect(&raw, "not-authorized"));
	assert_int_equal(tv.identified, 0);
}

static void
test_too_much_while_waiting(void **state)
{
	static const char one[] = "<message><body>x</body></message>";
	char many[8192] = HEADER;
	size_t n = strlen(many);

	tv.identify_rc = -EAGAIN;
	for (int i = 0; i <= LAN_HELD_MAX; i++, n += strlen(one))
		memcpy(many + n, one, sizeof(one));
	raw_say_all(&raw, many, n);
	assert_true(raw_expect(&raw, "policy-violation"));
}

/* Many strangers that say as much as each may: together they hold no more than so much. */
static void
test_too_much_of_all(void **state)
{
	static const char one[] = "<message><body>x</body></message>";
	char many[8192] = HEADER;
	struct raw all[LAN_HELD_ALL_MAX / LAN_HELD_MAX + 1];
	size_t count = sizeof(all) / sizeof(all[0]), n = strlen(many);

	tv.identify_rc = -EAGAIN;
	for (int i = 0; i < LAN_HELD_MAX; i++, n += strlen(one))
		memcpy(many + n, one, sizeof(one));
	for (size_t i = 0; i < count; i++) {
		raw_connect(&all[i], &net, lan_port(tv.lan));
		raw_say_all(&all[i], many, strlen(many));
		net_for(&net, 10);
	}
	assert_int_equal(tv.lan->held_count, LAN_HELD_ALL_MAX);
	assert_true(raw_expect(&all[count - 1], "policy-violation"));
	for (size_t i = 0; i < count; i++)
		assert_true(i == count - 1 || !raw_has(&all[i], "error"));
	tv.identify_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_true(net_until(&net, has_all, NULL));
	assert_int_equal(tv.lan->held_count, 0);
	for (size_t i = 0; i < count; i++)
		raw_release(&all[i]);
}

/* The same with few that are large. */
static void
test_too_many_bytes_of_all(void **state)
{
	struct raw all[48];
	char *many = malloc(65536);
	size_t n = strlen(HEADER), refused = 0;

	memcpy(many, HEADER, n);
	for (int i = 0; i < 3; i++) {
		memcpy(many + n, "<message><body>", 15);
		memset(many + n + 15, 'x', 15000);
		memcpy(many + n + 15015, "</body></message>", 17);
		n += 15032;
	}
	tv.identify_rc = -EAGAIN;
	for (size_t i = 0; i < 48; i++) {
		raw_connect(&all[i], &net, lan_port(tv.lan));
		raw_say_all(&all[i], many, n);
		net_for(&net, 3);
	}
	free(many);
	assert_true(raw_expect(&all[47], "policy-violation"));
	assert_true(tv.lan->held_bytes <= LAN_HELD_BYTES_MAX);
	assert_true(tv.lan->held_bytes > LAN_HELD_BYTES_MAX / 2);
	for (size_t i = 0; i < 48; i++) {
		refused += raw_has(&all[i], "policy-violation");
		raw_release(&all[i]);
	}
	assert_true(refused < 40);
	clock_advance(net.clock, STREAM_HEADER_USEC);
	clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
	assert_true(net_until(&net, nothing_is_held, NULL));
}

static void
test_refused_claim(void **state)
{
	tv.identify_rc = -EACCES;
	expect_error(HEADER, "invalid-from");
}

static void
test_claims_to_be_us(void **state)
{
	expect_error(RAW_STREAM " from='tv@pronto' version='1.0'>", "invalid-from");
}

static void
test_claims_a_jid(void **state)
{
	expect_error(RAW_STREAM " from='tv@example.org@' version='1.0'>", "invalid-from");
}

static void
test_looks_for_another(void **state)
{
	expect_error(RAW_STREAM " from='juliet@forza' to='romeo@pronto'>", "host-unknown");
}

static void
test_forged_from(void **state)
{
	raw_say(&raw, HEADER);
	expect_error("<message from='romeo@forza'><body>x</body></message>", "invalid-from");
	assert_true(net_until(&net, is_down, NULL));
	assert_int_not_equal(tv.error, 0);
}

static void
test_for_another(void **state)
{
	raw_say(&raw, HEADER);
	expect_error("<message to='romeo@pronto'><body>x</body></message>", "improper-addressing");
}

static void
test_no_stanza(void **state)
{
	raw_say(&raw, HEADER);
	expect_error("<letter/>", "unsupported-stanza-type");
}

static void
test_malformed(void **state)
{
	raw_say(&raw, HEADER);
	expect_error("<message></body>", "not-well-formed");
}

static void
test_no_xml(void **state)
{
	expect_error("GET / HTTP/1.1\r\n\r\n", "not-well-formed");
}

static void
test_doctype(void **state)
{
	expect_error("<!DOCTYPE x [<!ENTITY a 'b'>]>" HEADER, "restricted-xml");
}

static void
test_entity(void **state)
{
	raw_say(&raw, HEADER);
	expect_error("<message><body>&bomb;</body></message>", "-");
}

static void
test_huge_stanza(void **state)
{
	size_t size = 10 * 1024 * 1024;
	char *huge = malloc(size);

	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "<stream:stream"));
	memset(huge, 'x', size);
	memcpy(huge, "<message><body>", 15);
	raw_say_all(&raw, huge, size);
	free(huge);
	clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
	assert_true(raw_expect(&raw, "policy-violation"));
	assert_int_equal(tv.body_count, 0);
}

static void
test_deep(void **state)
{
	raw_say(&raw, HEADER);
	for (int i = 0; i < 10000; i++)
		raw_say_all(&raw, "<a>", 3);
	assert_true(raw_expect(&raw, "policy-violation"));
}

/* Larger than a stranger may say, and not yet known. */
static void
test_stranger_is_capped(void **state)
{
	char *big = malloc(20000);

	memset(big, 'x', 20000);
	raw_say(&raw, RAW_STREAM " from='");
	raw_say_all(&raw, big, 20000);
	free(big);
	assert_true(raw_expect(&raw, "policy-violation"));
}

static void
test_nul(void **state)
{
	raw_say(&raw, HEADER);
	raw_say_all(&raw, "<message>\0</message>", 20);
	assert_true(raw_expect(&raw, "not-well-formed"));
}

static void
test_silence(void **state)
{
	net_for(&net, 20);
	clock_advance(net.clock, STREAM_HEADER_USEC + EAR_SEC);
	assert_true(raw_expect(&raw, "connection-timeout"));
}

/* One byte a second: a known peer has a minute for a stanza. */
static void
test_trickle(void **state)
{
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_say(&raw, "<message><body>");
	net_for(&net, 5);
	for (int i = 0; i < 58; i++) {
		raw_say(&raw, "x");
		clock_advance(net.clock, EAR_SEC);
	}
	assert_int_equal(tv.down, 0);
	raw_say(&raw, "xxx");
	net_for(&net, 5);
	clock_advance(net.clock, 3 * EAR_SEC);
	assert_true(raw_expect(&raw, "policy-violation"));
	assert_int_equal(tv.body_count, 0);
}

/* Slow, but each stanza in time. */
static void
test_slow_stanzas(void **state)
{
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	for (int i = 0; i < 5; i++) {
		raw_say(&raw, "<message><body>x");
		clock_advance(net.clock, STREAM_STANZA_USEC * 2 / 3);
		raw_say(&raw, "</body></message>");
	}
	net_for(&net, 20);
	assert_int_equal(tv.body_count, 5);
	assert_int_equal(tv.down, 0);
}

static void
test_their_error(void **state)
{
	raw_say(&raw, HEADER);
	raw_say(&raw, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		      "</stream:error></stream:stream>");
	assert_true(raw_expect(&raw, "</stream:stream>"));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, -ECONNABORTED);
	assert_non_null(strstr(tv.text, "conflict"));
}

static void
test_reset(void **state)
{
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	raw_hang_up(&raw, true);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, -ECONNRESET);
}

static void
test_hang_up(void **state)
{
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(tv.error, -ECONNRESET);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_whole_conversation),
		T(test_without_version),
		T(test_known_by_source),
		T(test_known_by_first_stanza),
		T(test_says_nothing_of_itself),
		T(test_waits_to_be_known),
		T(test_waits_too_long),
		T(test_too_much_while_waiting),
		T(test_too_much_of_all),
		T(test_too_many_bytes_of_all),
		T(test_refused_claim),
		T(test_claims_to_be_us),
		T(test_claims_a_jid),
		T(test_looks_for_another),
		T(test_forged_from),
		T(test_for_another),
		T(test_no_stanza),
		T(test_malformed),
		T(test_no_xml),
		T(test_doctype),
		T(test_entity),
		T(test_huge_stanza),
		T(test_deep),
		T(test_stranger_is_capped),
		T(test_nul),
		T(test_silence),
		T(test_trickle),
		T(test_slow_stanzas),
		T(test_their_error),
		T(test_reset),
		T(test_hang_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
