/* SPDX-License-Identifier: ISC */
/* test_stream.c: headers, both ways of closing, limits in time, silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/io.h"
#include "link/stream.h"
#include "tests/unit/link/side.h"

static struct net net;
static struct raw raw;
static struct stream *stream;
static struct {
	int headers, features, stanzas, closing, ended, error;
	char *text, *from;
} told;

static void
on_header(void *arg, const struct reader_header *header)
{
	told.headers++;
	xreplace(&told.from, header->from);
	stream_header(stream, &(struct writer_header){ .from = "tv@pronto", .version = "1.0" });
	stream_known(stream);
}

static void
on_features(void *arg, xmpp_stanza_t *features)
{
	told.features++;
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	told.stanzas++;
	if (strcmp(xmpp_stanza_get_name(stanza), "auth") == 0)
		stream_restart(stream);
	if (strcmp(xmpp_stanza_get_name(stanza), "starttls") == 0)
		stream_expect_tls(stream);
}

static void
on_closing(void *arg)
{
	told.closing++;
}

static void
on_ended(void *arg, int error, const char *text)
{
	told.ended++;
	told.error = error;
	xreplace(&told.text, text);
	stream_free(stream, NULL);
	stream = NULL;
}

static const struct stream_events events = {
	.header = on_header,
	.features = on_features,
	.stanza = on_stanza,
	.closing = on_closing,
	.ended = on_ended,
};

static int
setup(void **state)
{
	int ends[2];

	net_init(&net, true);
	memset(&told, 0, sizeof(told));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	raw = (struct raw){ .net = &net, .fd = ends[1], .listener = -1, .got = xstrdup("") };
	stream = stream_new(net.clock, net.ctx, io_new_fd(net.base, ends[0], NULL, NULL),
			    STREAM_HEADER_USEC, &events, NULL);
	return 0;
}

static int
teardown(void **state)
{
	stream_free(stream, NULL);
	stream = NULL;
	raw_release(&raw);
	xreplace(&told.text, NULL);
	xreplace(&told.from, NULL);
	net_release(&net);
	return 0;
}

static bool
is_one(void *arg)
{
	return *(int *)arg == 1;
}

static void
open_it(void)
{
	raw_say(&raw, "<?xml version='1.0'?>" RAW_STREAM " from='juliet@forza' version='1.0'>");
	assert_true(raw_expect(&raw, "tv@pronto"));
	assert_string_equal(told.from, "juliet@forza");
	assert_int_equal(stream_state(stream), STREAM_OPEN);
}

static void
test_ours_first(void **state)
{
	open_it();
	stream_close(stream);
	assert_int_equal(stream_state(stream), STREAM_CLOSING);
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_int_equal(told.ended, 0);
	raw_say(&raw, "<message/>");
	raw_say(&raw, "</stream:stream>");
	assert_true(raw_expect_end(&raw));
	assert_int_equal(told.stanzas, 1);
	assert_int_equal(told.ended, 1);
	assert_int_equal(told.error, 0);
	assert_int_equal(told.closing, 0);
}

static void
test_theirs_first(void **state)
{
	open_it();
	raw_say(&raw, "</stream:stream>");
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_int_equal(told.closing, 1);
	/* RFC 6120 §4.4: whoever began closes the connection. */
	net_for(&net, 10);
	assert_int_equal(told.ended, 0);
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_one, &told.ended));
	assert_int_equal(told.error, 0);
}

static void
test_theirs_and_then_nothing(void **state)
{
	open_it();
	raw_say(&raw, "</stream:stream>");
	assert_true(raw_expect(&raw, "</stream:stream>"));
	clock_advance(net.clock, STREAM_CLOSE_USEC);
	assert_int_equal(told.ended, 1);
	assert_true(raw_expect_end(&raw));
}

static void
test_features(void **state)
{
	open_it();
	stream_features(stream, ear_element(net.ctx, "query", EAR_NS_DISCO_INFO));
	assert_true(raw_expect(&raw, "<stream:features><query"));
	assert_true(raw_expect(&raw, "</stream:features>"));
	raw_say(&raw, "<stream:features/><message/>");
	net_for(&net, 10);
	assert_int_equal(told.stanzas, 1);
	assert_int_equal(told.features, 1);
	raw_say(&raw, "<stream:nonsense/>");
	assert_true(raw_expect(&raw, "unsupported-stanza-type"));
	assert_int_equal(told.closing, 1);
}

/* The header that was sent ahead is not sent again. */
static void
test_restart(void **state)
{
	const char *all = "<auth/>" RAW_STREAM " from='juliet@forza' version='1.0'><message/>";

	open_it();
	raw_forget(&raw);
	stream_header_ahead(stream, &(struct writer_header){ .from = "ahead" });
	raw_say_all(&raw, all, strlen(all));
	assert_true(raw_expect(&raw, "ahead"));
	assert_int_equal(told.headers, 2);
	assert_int_equal(told.stanzas, 2);
	raw_say_all(&raw, all, strlen(all));
	assert_true(raw_expect(&raw, "tv@pronto"));
	assert_int_equal(told.headers, 3);
	assert_int_equal(stream_state(stream), STREAM_OPEN);
}

/* What is behind <starttls/> is thrown away; what comes then is not read. */
static void
test_expect_tls(void **state)
{
	const char *all = "<starttls/><message/>" RAW_STREAM "><message/>";

	open_it();
	raw_say_all(&raw, all, strlen(all));
	raw_say(&raw, "<message/></stream:stream>");
	net_for(&net, 5);
	assert_int_equal(told.stanzas, 1);
	assert_int_equal(told.headers, 1);
	stream_fail(stream, "policy-violation", -EPROTO, "no");
	assert_true(raw_expect(&raw, "policy-violation"));
	clock_advance(net.clock, STREAM_ERROR_USEC);
	assert_int_equal(told.ended, 1);
}

/* After a failure nothing more is heard, not even what came in the same bytes. */
static void
test_deaf_after_failure(void **state)
{
	const char *all = "<message/></nonsense><message/>";

	open_it();
	raw_say_all(&raw, all, strlen(all));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	raw_say(&raw, "<message/>");
	assert_int_equal(told.stanzas, 1);
	clock_advance(net.clock, STREAM_ERROR_USEC);
	assert_int_equal(told.ended, 1);
	assert_int_equal(told.error, -EBADMSG);
	assert_string_equal(told.text, "not-well-formed");
}

/* A silent stream's parser rests, and wakes up as it was. */
static void
test_silence(void **state)
{
	open_it();
	for (int i = 1; i <= 5; i++) {
		clock_advance(net.clock, 10 * STREAM_REST_USEC);
		raw_say(&raw, "<message><body>x</body></message>\n");
		net_for(&net, 5);
		assert_int_equal(told.stanzas, i);
	}
	clock_advance(net.clock, 1000 * EAR_SEC);
	assert_int_equal(told.ended, 0);
	stream_probe(stream);
	raw_forget(&raw);
	assert_true(raw_expect(&raw, "\n"));
}

static void
test_freed_with_a_reason(void **state)
{
	stream_free(stream, "resource-constraint");
	stream = NULL;
	assert_true(raw_expect(&raw, "<stream:stream"));
	assert_true(raw_expect(&raw, "resource-constraint"));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	assert_true(raw_expect_end(&raw));
	assert_int_equal(told.ended, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ours_first),         T(test_theirs_first), T(test_theirs_and_then_nothing),
		T(test_features),           T(test_restart),      T(test_expect_tls),
		T(test_deaf_after_failure), T(test_silence),      T(test_freed_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
