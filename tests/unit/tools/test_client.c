/* SPDX-License-Identifier: ISC */
/* test_client.c: the client of the local link against a stream that a test writes byte by byte; and
 * which exit code an error means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "cli.h"
#include "client.h"

struct seen {
	struct event_base *base;
	xmpp_ctx_t *ctx;
	struct client *client;
	int fd; /* the daemon's end */
	int ups, stanzas, downs;
	bool nonsense;
	char why[256], name[32];
};

static void
on_up(void *arg)
{
	((struct seen *)arg)->ups++;
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct seen *seen = arg;

	seen->stanzas++;
	snprintf(seen->name, sizeof(seen->name), "%s", xmpp_stanza_get_name(stanza));
}

static void
on_down(void *arg, bool nonsense, const char *why)
{
	struct seen *seen = arg;

	seen->downs++;
	seen->nonsense = nonsense;
	snprintf(seen->why, sizeof(seen->why), "%s", why);
}

static const struct client_events events = { on_up, on_stanza, on_down };

static void
begin(struct seen *seen)
{
	int fds[2];

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	seen->base = event_base_new();
	seen->ctx = xmpp_ctx_new(NULL, NULL);
	seen->client = client_new(seen->base, seen->ctx, fds[0], &events, seen);
	seen->fd = fds[1];
}

static void
end(struct seen *seen)
{
	client_free(seen->client);
	event_base_free(seen->base);
	xmpp_ctx_free(seen->ctx);
	close(seen->fd);
}

static void
say(struct seen *seen, const char *text)
{
	for (; *text != '\0' && seen->downs == 0; text++) {
		assert_int_equal(write(seen->fd, text, 1), 1);
		event_base_loop(seen->base, EVLOOP_ONCE);
	}
}

#define HEADER                                                                                     \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                               \
	"xmlns:stream='http://etherx.jabber.org/streams' to='tv@box.local/1' version='1.0'>"

static void
test_stream(void **state)
{
	struct seen seen;
	char sent[1024];
	ssize_t n;

	begin(&seen);
	assert_null(client_address(seen.client));
	say(&seen, HEADER "<stream:features/><message/>");
	assert_int_equal(seen.ups, 1);
	assert_string_equal(client_address(seen.client), "tv@box.local/1");
	assert_int_equal(seen.stanzas, 1);
	assert_string_equal(seen.name, "message");
	assert_int_equal(
		client_send(seen.client, ear_stanza(seen.ctx, "presence", NULL, NULL, "i")), 0);
	event_base_loop(seen.base, EVLOOP_NONBLOCK);
	n = read(seen.fd, sent, sizeof(sent) - 1);
	assert_true(n > 0);
	sent[n] = '\0';
	assert_non_null(strstr(sent, "<stream:stream"));
	assert_non_null(strstr(sent, "<presence"));
	say(&seen, "</stream:stream>");
	assert_int_equal(seen.downs, 1);
	assert_false(seen.nonsense);
	assert_int_equal(
		client_send(seen.client, ear_stanza(seen.ctx, "presence", NULL, NULL, "i")),
		-ENOTCONN);
	end(&seen);
}

static void
falls(const char *text, bool nonsense, const char *why)
{
	struct seen seen;

	begin(&seen);
	say(&seen, text);
	assert_int_equal(seen.downs, 1);
	assert_int_equal(seen.nonsense, nonsense);
	if (strstr(seen.why, why) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", seen.why, why);
	end(&seen);
}

static void
test_ends(void **state)
{
	falls("<a/>", true, "no XMPP stream");
	falls("HTTP/1.1 400", true, "no XMPP stream");
	falls(HEADER "<message></iq>", true, "no XMPP stream");
	falls("<stream:stream xmlns='jabber:client' "
	      "xmlns:stream='http://etherx.jabber.org/streams'>",
	      true, "who we are");
	falls(HEADER "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		     "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>another user</text>"
		     "</stream:error>",
	      false, "not-authorized");
}

static void
test_closed(void **state)
{
	struct seen seen;

	begin(&seen);
	shutdown(seen.fd, SHUT_RDWR);
	while (seen.downs == 0)
		event_base_loop(seen.base, EVLOOP_ONCE);
	assert_false(seen.nonsense);
	end(&seen);
}

static void
means(const char *condition, const char *via, int code)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *iq = ear_stanza(ctx, "iq", "error", NULL, "i");
	xmpp_stanza_t *error = ear_child(iq, "error", EAR_NS_CLIENT);

	ear_child(error, condition, EAR_NS_STANZA_ERR);
	if (via != NULL)
		ear_set(ear_child(iq, "via", EAR_NS_CONTROL), "link", "%s", via);
	assert_int_equal(cli_code_of(iq), code);
	xmpp_stanza_release(iq);
	xmpp_ctx_free(ctx);
}

static void
test_exit_codes(void **state)
{
	means("recipient-unavailable", "none", EXIT_NOBODY);
	means("remote-server-timeout", "none", EXIT_TIMEOUT);
	means("not-authorized", "none", EXIT_TRUST);
	means("remote-server-not-found", "server", EXIT_NOBODY);
	means("not-authorized", "lan", EXIT_REFUSED);
	means("service-unavailable", "server", EXIT_REFUSED);
	means("remote-server-timeout", "lan", EXIT_REFUSED);
	means("resource-constraint", "none", EXIT_CONFIG);
	means("jid-malformed", NULL, EXIT_USAGE);
	means("nonsense", NULL, EXIT_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_exit_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
