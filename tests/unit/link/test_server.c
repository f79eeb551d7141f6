/* SPDX-License-Identifier: ISC */
/* test_server.c: what of the server link needs no server: cutting the stream, order, patience. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>
#include <event2/event.h>

#include "link/server_dns.h"
#include "link/server_impl.h"
#include "link/server_in.h"

#define HEAD                                                                                       \
	"<?xml version='1.0'?><stream:stream xmlns:stream='" EAR_NS_STREAM                         \
	"' xmlns='" EAR_NS_COMPONENT "' id='a>b' from='tv.example.org'>"

struct fixture {
	xmpp_ctx_t *ctx;
	struct server_in *in;
	char seen[4096]; /* the stanzas, rendered, one on a line */
	unsigned count;
};

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct fixture *f = arg;
	char *text;
	size_t length;

	f->count++;
	assert_int_equal(xmpp_stanza_to_text(stanza, &text, &length), 0);
	if (strlen(f->seen) + length + 2 < sizeof(f->seen)) {
		strncat(f->seen, text, length);
		strncat(f->seen, "\n", 2);
	}
	xmpp_free(f->ctx, text);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ctx = xmpp_ctx_new(NULL, NULL);
	f->in = server_in_new(f->ctx, "test", on_stanza, f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	server_in_free(f->in);
	xmpp_ctx_free(f->ctx);
	free(f);
	return 0;
}

/* One byte at a time: the worst that a socket can do. */
static int
feed(struct fixture *f, const char *text)
{
	int error = 0;

	for (; error == 0 && *text != '\0'; text++)
		error = server_in_feed(f->in, text, 1);
	return error;
}

static void
test_component_becomes_client(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(feed(f, HEAD "<handshake/> <message id='1' to='a'><body>x</body><f "
				      "xmlns='urn:f'><message xmlns='" EAR_NS_COMPONENT
				      "'/></f></message><iq xmlns='" EAR_NS_COMPONENT "'/>"),
			 0);
	assert_int_equal(f->count, 3);
	assert_null(strstr(f->seen, EAR_NS_COMPONENT));
	assert_non_null(strstr(f->seen, "<message xmlns=\"" EAR_NS_CLIENT "\"/></f>"));
	assert_non_null(strstr(f->seen, "<iq/>"));
}

static void
test_tags_in_values_and_cdata(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(feed(f, HEAD "<message a='</message>' b=\"it's > <\"/>"), 0);
	/* expat refuses '<' in a value: the stanza goes, the stream stays. */
	assert_int_equal(f->count, 0);
	assert_int_equal(feed(f, "<message a='>' b=\"it's/>\"><b><![CDATA[</b>]]x]]]></b>"
				 "</message><presence/>"),
			 0);
	assert_int_equal(f->count, 2);
	assert_non_null(strstr(f->seen, "&lt;/b&gt;]]x]"));
}

static void
test_prefixed_attribute_does_not_replace(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(feed(f, HEAD "<message from='good@a' xmlns:e='e' e:from='evil@b'/>"), 0);
	assert_int_equal(f->count, 1);
	assert_non_null(strstr(f->seen, "from=\"good@a\""));
	assert_null(strstr(f->seen, "evil"));
}

static void
test_refused_stanza_leaves_the_stream(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(feed(f, HEAD), 0);
	for (int i = 0; i < SERVER_DEPTH_MAX + 1; i++)
		assert_int_equal(feed(f, "<a>"), 0);
	for (int i = 0; i < SERVER_DEPTH_MAX + 1; i++)
		assert_int_equal(feed(f, "</a>"), 0);
	assert_int_equal(f->count, 0);
	assert_int_equal(feed(f, "<x:unbound/><message><a></b></message><presence/>"), 0);
	assert_int_equal(f->count, 1);
}

static void
test_too_large(void **state)
{
	struct fixture *f = *state;
	int error = feed(f, HEAD "<message>");

	for (int i = 0; error == 0 && i <= SERVER_STANZA_MAX; i++)
		error = server_in_feed(f->in, "x", 1);
	assert_int_equal(error, -EMSGSIZE);
}

static void
test_restricted(void **state)
{
	static const char *const bad[] = { "<!DOCTYPE a>",           "<!-- x -->",
					   HEAD "<!-- x -->",        HEAD "<?pi?>",
					   HEAD "<m><!-- x --></m>", HEAD "<![CDATA[x]]>" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		server_in_reset(f->in);
		assert_int_equal(feed(f, bad[i]), -EPROTO);
	}
}

static void
test_new_stream(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(feed(f, HEAD "<success/>"), 0);
	server_in_reset(f->in);
	assert_int_equal(feed(f, HEAD "<features/>"), 0);
	assert_int_equal(f->count, 2);
}

static uint32_t
none(uint32_t max)
{
	return 0;
}

static uint32_t
all(uint32_t max)
{
	return max;
}

static void
test_backoff(void **state)
{
	static const int seconds[] = { 1, 1, 2, 4, 8, 16, 32, 60, 60, 60 };

	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(server_backoff(i, none), seconds[i] * EAR_SEC);
		assert_int_equal(server_backoff(i, all), seconds[i] * EAR_SEC * 3 / 4);
	}
	assert_int_equal(server_backoff(UINT32_MAX, none), 60 * EAR_SEC);
}

static void
test_srv_order(void **state)
{
	struct server_srv records[] = {
		{ "d", 20, 0, 4 }, { "a", 10, 1, 1 }, { "b", 10, 90, 2 }, { "c", 10, 0, 3 }
	};
	unsigned first_b = 0;

	for (int i = 0; i < 1000; i++) {
		server_srv_order(records, 4, server_random);
		assert_string_equal(records[3].host, "d");
		first_b += records[0].host[0] == 'b';
	}
	assert_in_range(first_b, 900, 1000);
}

struct lookup {
	struct event_base *base;
	size_t count;
	int error;
	char address[64];
};

static void
on_found(void *arg, const struct server_target *targets, size_t count, int error, const char *text)
{
	struct lookup *lookup = arg;

	lookup->count = count;
	lookup->error = error;
	if (count > 0)
		evutil_inet_ntop(
			targets[0].address.ss_family,
			targets[0].address.ss_family == AF_INET6
				? (const void *)&((const struct sockaddr_in6 *)&targets[0].address)
					  ->sin6_addr
				: (const void *)&((const struct sockaddr_in *)&targets[0].address)
					  ->sin_addr,
			lookup->address, sizeof(lookup->address));
	event_base_loopbreak(lookup->base);
}

static void
test_address_needs_no_name_server(void **state)
{
	static const char *const addresses[] = { "192.0.2.7", "2001:db8::7" };
	struct lookup lookup = { .base = event_base_new() };
	struct ear_clock *clock = clock_new(lookup.base);
	struct server_dns *dns = server_dns_new(lookup.base, clock, "127.0.0.1:1");

	for (int i = 0; i < 2; i++) {
		server_dns_find(dns, addresses[i], true, 5222, on_found, &lookup);
		event_base_dispatch(lookup.base);
		assert_int_equal(lookup.count, 1);
		assert_string_equal(lookup.address, addresses[i]);
	}
	server_dns_find(dns, addresses[0], false, 5222, on_found, &lookup);
	server_dns_free(dns);
	clock_free(clock);
	event_base_free(lookup.base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_component_becomes_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tags_in_values_and_cdata, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefixed_attribute_does_not_replace, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_refused_stanza_leaves_the_stream, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restricted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_stream, setup, teardown),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_srv_order),
		cmocka_unit_test(test_address_needs_no_name_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
