/* SPDX-License-Identifier: ISC */
/* test_lan_secure.c: STARTTLS and EXTERNAL, as either side, and those who would rather not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timer.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/tls.h"
#include "tests/unit/link/side.h"

#define JULIET   "juliet@forza.local"
#define TV       "tv@pronto.local"
#define HEADER   RAW_STREAM " from='juliet@forza' to='tv@pronto' version='1.0'>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED  "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define AUTH     "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
#define SUCCESS  "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define FAILURE                                                                                    \
	"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"            \
	"</stream:stream>"
#define MESSAGE "<message><body>x</body></message>"
#define OFFER   "<stream:features>" STARTTLS "</stream:features>"
#define EXTERNAL                                                                                   \
	"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"                   \
	"<mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"

static struct net net;
static struct side tv, box;
static struct raw raw;
static struct tls_id id;
static struct tls_peers *peers;

static int
setup(void **state)
{
	net_init(&net, true);
	side_init_tls(&tv, &net, "tv@pronto");
	side_init_tls(&box, &net, "juliet@forza");
	side_add_target(&box, "127.0.0.1", lan_port(tv.lan));
	tls_id_init(&id, "raw", 0);
	peers = tls_peers_new(id.key, id.certificate);
	raw = (struct raw){ .fd = -1, .listener = -1 };
	return 0;
}

static int
teardown(void **state)
{
	raw_release(&raw);
	side_release(&tv);
	side_release(&box);
	tls_peers_free(peers);
	tls_id_release(&id);
	net_release(&net);
	return 0;
}

static bool
tv_is_up(void *arg)
{
	return tv.up > 0;
}

static bool
tv_is_down(void *arg)
{
	return tv.down > 0;
}

static bool
both_are_up(void *arg)
{
	return tv.up > 0 && box.up > 0;
}

static bool
box_is_down(void *arg)
{
	return box.down > 0;
}

static bool
tv_has(void *arg)
{
	return tv.body_count >= *(size_t *)arg;
}

static bool
box_has(void *arg)
{
	return box.body_count >= *(size_t *)arg;
}

static bool
key_was_asked(void *arg)
{
	return ((struct side *)arg)->keys > 0;
}

static bool
is_counted(void *arg)
{
	return tv.lan->stream_count == *(size_t *)arg;
}

static void
until_tv_has(size_t count)
{
	assert_true(net_until(&net, tv_has, &count));
}

static void
until_box_has(size_t count)
{
	assert_true(net_until(&net, box_has, &count));
}

static struct lan_stream *
stream_of(struct link *link)
{
	return ((struct lan_link *)link)->out;
}

/* --- two of us --- */

static void
talk(bool secure)
{
	struct link *link;
	unsigned char a[32], b[32];

	box.secure = secure;
	link = lan_open(box.lan, TV);
	assert_int_equal(lan_export(link, "EXPORTER-x", a, 32), -ENOTCONN);
	assert_int_equal(side_send(&box, link, TV, "one"), 0);
	until_tv_has(1);
	assert_true(net_until(&net, both_are_up, NULL));
	assert_true(link->keyed && tv.link->keyed);
	assert_int_equal(link->level, EAR_KEYED);
	assert_true(link->earshot && tv.link->earshot);
	assert_int_equal(tv.identified, 1);
	assert_int_equal(box.identified, 0);
	assert_int_equal(tv.keys, 1);
	assert_int_equal(box.keys, 1);
	assert_string_equal(tv.link->peer, JULIET);
	assert_non_null(io_tls(stream_io(stream_of(tv.link)->stream)));
	assert_int_equal(side_send(&tv, tv.link, JULIET, "two"), 0);
	until_box_has(1);
	assert_int_equal(lan_export(link, "EXPORTER-x", a, 32), 0);
	assert_int_equal(lan_export(tv.link, "EXPORTER-x", b, 32), 0);
	assert_memory_equal(a, b, 32);
	link_close(link);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(tv.error, 0);
	assert_int_equal(box.error, 0);
	assert_int_equal(tv.back_count + box.back_count, 0);
}

static void
test_pipelined(void **state)
{
	talk(true);
}

static void
test_by_features(void **state)
{
	talk(false);
}

/* The second stream is resumed, and its key is judged all the same. */
static void
test_resumed(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct link *link;
		int was = box.keys;

		box.secure = true;
		box.met = i > 0;
		tv.down = box.down = tv.up = box.up = 0;
		link = lan_open(box.lan, TV);
		side_send(&box, link, TV, "x");
		until_tv_has((size_t)i + 1);
		assert_true(net_until(&net, both_are_up, NULL));
		assert_int_equal(tls_is_resumed(io_tls(stream_io(stream_of(link)->stream))), i > 0);
		assert_int_equal(box.keys, was + 1);
		assert_int_equal(tv.keys, was + 1);
		link_close(link);
		assert_true(net_until(&net, box_is_down, NULL));
		assert_true(net_until(&net, tv_is_down, NULL));
		assert_int_equal(map_count(box.lan->tickets), 1);
	}
	assert_int_equal(tv.body_count, 3);
	assert_int_equal(tv.back_count + box.back_count, 0);
}

/* A key that a server has to vouch for: both sides wait. */
static void
test_pending(void **state)
{
	struct link *link;
	size_t one = 1;

	tv.keyed_rc = box.keyed_rc = -EAGAIN;
	box.secure = true;
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "one");
	assert_true(net_until(&net, key_was_asked, &box));
	assert_true(net_until(&net, key_was_asked, &tv));
	net_for(&net, 3);
	assert_int_equal(box.up + tv.up + tv.identified, 0);
	box.keyed_rc = 0;
	lan_recheck(box.lan, NULL);
	net_for(&net, 3);
	assert_int_equal(box.up + tv.up + tv.identified, 0);
	assert_null(lan_find(tv.lan, JULIET));
	tv.keyed_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_int_equal(tv.identified, 0);
	until_tv_has(one);
	assert_int_equal(tv.identified, 1);
	assert_true(net_until(&net, both_are_up, NULL));
}

/* The same with stanzas on the way already. */
static void
test_pending_and_met(void **state)
{
	struct link *link;

	tv.keyed_rc = -EAGAIN;
	box.secure = box.met = true;
	link = lan_open(box.lan, TV);
	for (int i = 0; i < 10; i++)
		side_send(&box, link, TV, "x");
	assert_true(net_until(&net, key_was_asked, &tv));
	net_for(&net, 3);
	assert_int_equal(box.up, 1);
	assert_int_equal(tv.body_count, 0);
	tv.keyed_rc = 0;
	lan_recheck(tv.lan, NULL);
	until_tv_has(10);
	assert_int_equal(box.back_count, 0);
}

static void
test_pending_too_long(void **state)
{
	tv.keyed_rc = -EAGAIN;
	box.secure = box.met = true;
	side_send(&box, lan_open(box.lan, TV), TV, "x");
	assert_true(net_until(&net, key_was_asked, &tv));
	net_for(&net, 3);
	clock_advance(net.clock, STREAM_HEADER_USEC + EAR_SEC);
	clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(tv.identified + tv.body_count, 0);
	assert_int_equal(box.back_count, 1);
	assert_int_equal(tv.lan->stream_count, 0);
}

/* What was written before the other side refused us was not looked at. */
static void
test_refused_by_them(void **state)
{
	for (int met = 0; met < 2; met++) {
		box.down = 0;
		tv.keyed_rc = -EKEYREJECTED;
		box.secure = true;
		box.met = met;
		side_send(&box, lan_open(box.lan, TV), TV, "x");
		assert_true(net_until(&net, box_is_down, NULL));
		assert_int_equal(box.error, -EACCES);
		assert_non_null(strstr(box.text, "key"));
		assert_int_equal(tv.identified + tv.up + tv.down, 0);
		assert_int_equal(tv.body_count, 0);
		assert_int_equal(box.back_count, met + 1);
		assert_false(box.back[met].maybe);
	}
}

static void
test_refused_by_us(void **state)
{
	box.keyed_rc = -EKEYREJECTED;
	box.secure = box.met = true;
	side_send(&box, lan_open(box.lan, TV), TV, "x");
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(box.error, -EKEYREJECTED);
	assert_string_equal(box.text, "a bad key");
	assert_int_equal(box.back_count, 1);
	assert_false(box.back[0].maybe);
	assert_int_equal(tv.body_count + tv.identified, 0);
}

/* Its key is revoked while its stream is open. */
static void
test_refuse(void **state)
{
	struct link *link;

	box.secure = true;
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "x");
	until_tv_has(1);
	assert_int_equal(side_send(&box, link, TV, "late"), 0);
	lan_refuse(link, -EKEYREVOKED, "its key was revoked");
	assert_int_equal(box.down, 0);
	assert_int_equal(side_send(&box, link, TV, "no"), -ENOTCONN);
	side_send(&tv, tv.link, JULIET, "unheard");
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(box.error, -EKEYREVOKED);
	assert_string_equal(box.text, "its key was revoked");
	assert_int_equal(box.body_count, 0);
	assert_int_equal(map_count(box.lan->tickets), 0);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_non_null(strstr(tv.text, "not-authorized"));
	assert_int_equal(box.back_count + tv.body_count, 2);
}

/* --- addresses --- */

static void
test_jids(void **state)
{
	struct link *link;

	box.secure = true;
	box.jid = "tv@example.org";
	tv.jid = "juliet@example.org/phone";
	tv.ours = "tv@example.org";
	tv.theirs = "juliet@example.org/other";
	link = lan_open(box.lan, TV);
	side_send(&box, link, TV, "to the wire's name");
	until_tv_has(1);
	assert_non_null(strstr(tv.last, "from=\"juliet@example.org/phone\""));
	assert_non_null(strstr(tv.last, "to=\"" TV "\""));
	assert_string_equal(tv.link->jid, tv.jid);
	/* It does not know us by our JID. */
	side_send(&tv, tv.link, JULIET, "x");
	until_box_has(1);
	assert_non_null(strstr(box.last, "from=\"tv@example.org\""));
	assert_non_null(strstr(box.last, "to=\"" JULIET "\""));
	assert_null(stream_of(tv.link)->ours);

	side_send(&box, link, "tv@example.org", "to the JID");
	until_tv_has(2);
	assert_non_null(strstr(tv.last, "to=\"tv@example.org\""));
	assert_string_equal(stream_of(tv.link)->ours, "tv@example.org");
	/* Which the other end takes for its own only if it is proved to be. */
	box.theirs = "tv@example.org";
	side_send(&tv, tv.link, JULIET, "y");
	until_box_has(2);
	assert_non_null(strstr(box.last, "from=\"tv@example.org\""));
	side_send(&box, link, "romeo@example.org", "not ours");
	assert_true(net_until(&net, box_is_down, NULL));
	assert_int_equal(tv.body_count, 2);
}

/* --- a raw peer that dials us --- */

static void
raw_starts(void)
{
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "</stream:features>"));
	assert_true(raw_has(&raw, "<starttls"));
}

static void
raw_shakes(void)
{
	raw_starts();
	raw_say(&raw, STARTTLS);
	assert_true(raw_expect(&raw, "<proceed"));
	assert_true(raw_secure(&raw, peers, true));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "EXTERNAL"));
	raw_forget(&raw);
}

static void
raw_opens(void)
{
	raw_shakes();
	raw_say(&raw, AUTH);
	assert_true(raw_expect(&raw, "<success"));
	raw_say(&raw, "<?xml version='1.0'?>" HEADER);
	assert_true(raw_expect(&raw, "<stream:features"));
	assert_true(net_until(&net, tv_is_up, NULL));
}

static void
expect_refusal(const char *said, const char *condition)
{
	raw_say_all(&raw, said, strlen(said));
	assert_true(raw_expect(&raw, condition));
	assert_int_equal(tv.body_count, 0);
}

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
	assert_true(raw_expect(&raw, "not-authorized"));
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

/* --- a raw peer that we dial --- */

static void
tv_dials(void)
{
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "secret"), 0);
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
}

#define ANSWER RAW_STREAM " from='juliet@forza' to='tv@pronto' version='1.0'>"

static void
expect_down(int error)
{
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, error);
	assert_int_equal(tv.back_count, 1);
	assert_false(tv.back[0].maybe);
	raw_expect_end(&raw);
	assert_false(raw_has(&raw, "secret"));
	assert_int_equal(tv.up, 0);
}

/* Somebody in the middle takes <starttls/> out of the features, or says that there is no 1.0. */
static void
test_stripped(void **state)
{
	static const char *const said[] = {
		ANSWER "<stream:features/>",
		ANSWER MESSAGE,
		RAW_STREAM " from='juliet@forza'>",
	};

	for (size_t i = 0; i < 6; i++) {
		tv.secure = i % 2 == 0;
		tv.plain_rc = i < 3 ? -EKEYREJECTED : -EACCES;
		tv_dials();
		raw_say(&raw, said[i / 2]);
		expect_down(tv.plain_rc);
		assert_true(raw_has(&raw, "policy-violation"));
		assert_non_null(strstr(tv.text, "encrypt"));
		assert_int_equal(tv.body_count, 0);
		raw_release(&raw);
		tv.down = tv.target_count = 0;
		free(tv.back[0].body);
		free(tv.back[0].to);
		free(tv.back[0].from);
		tv.back_count = 0;
	}
	raw = (struct raw){ .fd = -1, .listener = -1 };
}

static void
test_without_tls(void **state)
{
	tv_dials();
	raw_say(&raw, ANSWER "<stream:features/>");
	assert_true(raw_expect(&raw, "secret"));
	assert_false(raw_has(&raw, "starttls"));
}

/* Features may never come. */
static void
test_without_features(void **state)
{
	tv_dials();
	raw_say(&raw, ANSWER);
	net_for(&net, 3);
	assert_int_equal(tv.up, 0);
	clock_advance(net.clock, LAN_FEATURES_USEC);
	assert_true(raw_expect(&raw, "secret"));
}

static void
test_without_features_refused(void **state)
{
	tv.plain_rc = -EACCES;
	tv_dials();
	raw_say(&raw, ANSWER);
	net_for(&net, 3);
	clock_advance(net.clock, LAN_FEATURES_USEC);
	expect_down(-EACCES);
}

/* Ours waits for its key to be judged when an unencrypted one from there is taken. */
static void
test_plain_while_pending(void **state)
{
	struct raw plain;
	struct link *first;

	tv.keyed_rc = -EAGAIN;
	tv_dials();
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say(&raw, PROCEED);
	assert_true(raw_secure(&raw, peers, false));
	raw_say(&raw, ANSWER EXTERNAL);
	raw_connect(&plain, &net, lan_port(tv.lan));
	raw_say(&plain, HEADER MESSAGE);
	until_tv_has(1);
	first = tv.link;
	assert_false(first->keyed);
	tv.keyed_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_true(raw_expect(&raw, "<auth"));
	assert_false(first->keyed);
	assert_int_equal(first->level, EAR_PLAIN);
	raw_say(&raw, SUCCESS ANSWER MESSAGE);
	until_tv_has(2);
	assert_ptr_not_equal(tv.link, first);
	assert_true(tv.link->keyed);
	assert_true(raw_expect(&plain, "</stream:stream>"));
	raw_release(&plain);
}

static void
test_failed_starttls(void **state)
{
	tv.plain_rc = -EACCES;
	tv_dials();
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say(&raw, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
	expect_down(-EACCES);
}

static void
raw_accepts(const char *injected)
{
	char text[256];

	tv_dials();
	snprintf(text, sizeof(text), "%s%s", PROCEED, injected);
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say_all(&raw, text, strlen(text));
	assert_true(raw_secure(&raw, peers, false));
	assert_true(raw_expect(&raw, "<stream:stream"));
	assert_false(raw_has(&raw, "<auth"));
	raw_forget(&raw);
	raw_say(&raw, ANSWER EXTERNAL);
	assert_true(raw_expect(&raw, "</auth>"));
	assert_true(raw_has(&raw, "EXTERNAL"));
}

static void
test_foreign_accepts(void **state)
{
	raw_accepts("");
	assert_int_equal(tv.up, 0);
	raw_say(&raw, SUCCESS);
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_say(&raw, ANSWER "<stream:features/>" MESSAGE);
	assert_true(raw_expect(&raw, "secret"));
	until_tv_has(1);
	clock_advance(net.clock, STREAM_HEADER_USEC * 2);
	net_for(&net, 5);
	assert_int_equal(tv.down, 0);
}

static void
test_injected_behind_proceed(void **state)
{
	raw_accepts(SUCCESS ANSWER MESSAGE);
	assert_int_equal(tv.body_count + tv.up, 0);
	raw_say(&raw, SUCCESS ANSWER MESSAGE);
	until_tv_has(1);
}

static void
test_auth_fails(void **state)
{
	raw_accepts("");
	raw_say(&raw, FAILURE);
	expect_down(-EACCES);
}

static void
test_stanza_before_success(void **state)
{
	raw_accepts("");
	raw_say(&raw, MESSAGE);
	expect_down(-EPROTO);
	assert_int_equal(tv.body_count, 0);
}

static void
test_no_external(void **state)
{
	tv_dials();
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say(&raw, PROCEED);
	assert_true(raw_secure(&raw, peers, false));
	raw_say(&raw, ANSWER "<stream:features/>");
	expect_down(-EACCES);
}

static void
test_accepts_and_stalls(void **state)
{
	static const char *const sealed[] = { "", ANSWER, ANSWER EXTERNAL, SUCCESS };

	for (size_t i = 0; i < 6; i++) {
		tv.secure = i % 2 == 0;
		tv_dials();
		raw_say(&raw, ANSWER OFFER);
		assert_true(raw_expect(&raw, "<starttls"));
		if (i > 0) {
			raw_say(&raw, PROCEED);
			if (i > 1) {
				assert_true(raw_secure(&raw, peers, false));
				raw_say(&raw, sealed[i - 2]);
			}
		}
		net_for(&net, 3);
		clock_advance(net.clock, STREAM_HEADER_USEC);
		clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
		assert_true(net_until(&net, tv_is_down, NULL));
		assert_int_not_equal(tv.error, 0);
		assert_int_equal(tv.back_count, i + 1);
		raw_release(&raw);
		tv.down = tv.target_count = 0;
	}
	raw = (struct raw){ .fd = -1, .listener = -1 };
}

static void
test_huge_features(void **state)
{
	char *huge = malloc(100000);

	memset(huge, 'x', 100000);
	memcpy(huge, "<stream:features><a b='", 23);
	tv_dials();
	raw_say(&raw, ANSWER);
	raw_say_all(&raw, huge, 100000);
	free(huge);
	clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, -EMSGSIZE);
	assert_int_equal(tv.back_count, 1);
}

static void
test_many_tickets(void **state)
{
	char self[32];
	struct side *one = malloc(sizeof(*one));

	for (int i = 0; i < LAN_TICKETS_MAX + 3; i++) {
		snprintf(self, sizeof(self), "n%d@many", i);
		side_init_tls(one, &net, self);
		tv.target_count = 0;
		tv.secure = true;
		tv.up = tv.down = 0;
		side_add_target(&tv, "127.0.0.1", lan_port(one->lan));
		snprintf(self, sizeof(self), "n%d@many.local", i);
		lan_open(tv.lan, self);
		assert_true(net_until(&net, tv_is_up, NULL));
		net_for(&net, 1);
		side_release(one);
		assert_true(net_until(&net, tv_is_down, NULL));
	}
	free(one);
	assert_int_equal(map_count(tv.lan->tickets), LAN_TICKETS_MAX);
	assert_null(map_get(tv.lan->tickets, "n0@many.local"));
	assert_non_null(map_get(tv.lan->tickets, self));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pipelined),
		T(test_by_features),
		T(test_resumed),
		T(test_pending),
		T(test_pending_and_met),
		T(test_pending_too_long),
		T(test_refused_by_them),
		T(test_refused_by_us),
		T(test_refuse),
		T(test_jids),
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
		T(test_header_twice),
		T(test_garbage),
		T(test_stalls),
		T(test_claim_takes_nothing),
		T(test_key_is_replaced),
		T(test_plain_then_keyed),
		T(test_many_handshakes),
		T(test_stripped),
		T(test_without_tls),
		T(test_without_features),
		T(test_without_features_refused),
		T(test_plain_while_pending),
		T(test_failed_starttls),
		T(test_foreign_accepts),
		T(test_injected_behind_proceed),
		T(test_auth_fails),
		T(test_stanza_before_success),
		T(test_no_external),
		T(test_accepts_and_stalls),
		T(test_huge_features),
		T(test_many_tickets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
