/* SPDX-License-Identifier: ISC */
/*
 * bench_throughput_direct.c: messages of 200 bytes one way on a direct stream, from lan link to lan
 * link, each end on a core of its own; beside it expat alone, which parses the same bytes with
 * handlers for elements and text set, on the core of the receiving end.
 */
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include <earshot/stanza.h>

#include "base/alloc.h"
#include "bench.h"
#include "pair.h"
#include "wire/writer.h"

#define MESSAGES      300000 /* of one run */
#define MESSAGE_BYTES 200    /* on the wire */
#define BATCH         64     /* messages that a program sends in one turn of the loop */
#define PIECE         65536  /* of what expat is fed at once: as much as one read brings */
#define TARGET        "bench@beta.local"

/*
 * Before each run, ours or expat's: of those who run before all others, and do not rest, the kernel
 * takes 50 ms of every second (sched_rt_runtime_us), from whichever run is on.
 */
#define REST_USEC 60000

/* --- the receiving end -------------------------------------------------------------------- */

struct receiver {
	unsigned port;
	int fd;
	int64_t start;
};

/* Tells when the last of a run has arrived, and how long that took since the first. */
static void
on_message(struct pair *pair, struct link *link, xmpp_stanza_t *stanza)
{
	struct receiver *receiver = pair->arg;
	int64_t took;

	if (pair->stanzas % MESSAGES == 1)
		receiver->start = bench_now();
	if (pair->stanzas % MESSAGES != 0)
		return;
	took = bench_now() - receiver->start;
	bench_write(receiver->fd, &took, sizeof(took));
}

static void
receiver_main(void *arg, int fd)
{
	struct receiver *receiver = arg;
	struct pair pair = { .on_stanza = on_message, .arg = receiver };
	unsigned port;

	receiver->fd = fd;
	bench_pin(0);
	pair_open(&pair, "bench@beta", PAIR_PORT_ANY);
	port = lan_port(pair.lan);
	bench_write(fd, &port, sizeof(port));
	event_base_dispatch(pair.base);
}

/* --- the sending end ---------------------------------------------------------------------- */

static xmpp_stanza_t *
message(xmpp_ctx_t *ctx, size_t number, const char *body)
{
	char id[24];
	xmpp_stanza_t *stanza;

	snprintf(id, sizeof(id), "%016zx", number);
	stanza = ear_stanza(ctx, "message", "chat", TARGET, id);
	ear_child_text(stanza, "body", NULL, body);
	return stanza;
}

/* A text that makes such a message as long as it has to be, in the form of the wire. */
static char *
body_of(xmpp_ctx_t *ctx, struct evbuffer *out)
{
	char *body = xalloc(MESSAGE_BYTES + 1);
	xmpp_stanza_t *stanza = message(ctx, 0, "x");

	xmpp_stanza_set_from(stanza, "bench@alpha");
	xmpp_stanza_set_to(stanza, "bench@beta");
	writer_stanza(out, stanza, PIECE);
	memset(body, 'x', MESSAGE_BYTES + 1 - evbuffer_get_length(out));
	xmpp_stanza_release(stanza);
	evbuffer_drain(out, evbuffer_get_length(out));
	stanza = message(ctx, 0, body);
	xmpp_stanza_set_from(stanza, "bench@alpha");
	xmpp_stanza_set_to(stanza, "bench@beta");
	writer_stanza(out, stanza, PIECE);
	xmpp_stanza_release(stanza);
	if (evbuffer_get_length(out) != MESSAGE_BYTES)
		bench_die("a message of %zu bytes", evbuffer_get_length(out));
	return body;
}

static void
turn(struct pair *pair)
{
	if (event_base_loop(pair->base, EVLOOP_ONCE) != 0 || pair->down > 0)
		bench_die("the stream died");
}

static void
send_all(struct pair *pair, struct link *link, const char *body)
{
	for (size_t i = 0; i < MESSAGES; i++) {
		xmpp_stanza_t *stanza = message(pair->ctx, i, body);
		int rc;

		while (link_is_full(rc = link_send(link, stanza)))
			turn(pair);
		if (rc != 0)
			bench_die("send: %s", strerror(-rc));
		if (i % BATCH == BATCH - 1)
			event_base_loop(pair->base, EVLOOP_NONBLOCK);
	}
	event_base_loop(pair->base, EVLOOP_NONBLOCK);
}

static struct link *
dial(struct pair *pair, unsigned port)
{
	struct link *link;

	pair->peer_port = port;
	link = lan_open(pair->lan, TARGET);
	if (link == NULL)
		bench_die("nowhere to dial");
	while (pair->up == 0)
		turn(pair);
	return link;
}

struct wait {
	struct pair *pair;
	int64_t took;
};

static void
on_result(evutil_socket_t fd, short what, void *arg)
{
	struct wait *wait = arg;

	bench_read(fd, &wait->took, sizeof(wait->took));
	event_base_loopbreak(wait->pair->base);
}

/* Thousands of messages in a second. */
static double
ours(struct pair *pair, struct link *link, const char *body, int fd)
{
	struct wait wait = { pair, 0 };
	struct event *event = event_new(pair->base, fd, EV_READ, on_result, &wait);

	send_all(pair, link, body);
	event_add(event, NULL);
	event_base_dispatch(pair->base);
	event_free(event);
	if (wait.took <= 0)
		bench_die("the stream died");
	return MESSAGES * 1e6 / (double)wait.took;
}

/* --- the floor ---------------------------------------------------------------------------- */

struct parsed {
	size_t elements, text;
};

static void
on_start(void *arg, const char *name, const char **attributes)
{
	((struct parsed *)arg)->elements++;
}

static void
on_end(void *arg, const char *name)
{
}

static void
on_text(void *arg, const char *text, int length)
{
	((struct parsed *)arg)->text += (size_t)length;
}

static double
expat_alone(const char *bytes, size_t length)
{
	static const char header[] = "<s:stream xmlns='jabber:client' "
				     "xmlns:s='http://etherx.jabber.org/streams'>";
	XML_Parser parser = XML_ParserCreateNS(NULL, '\xff');
	struct parsed parsed = { 0, 0 };
	int64_t start;

	XML_SetUserData(parser, &parsed);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	if (XML_Parse(parser, header, sizeof(header) - 1, 0) != XML_STATUS_OK)
		bench_die("expat does not like the header");
	start = bench_now();
	for (size_t at = 0; at < length; at += PIECE) {
		size_t piece = length - at < PIECE ? length - at : PIECE;

		if (XML_Parse(parser, bytes + at, (int)piece, 0) != XML_STATUS_OK)
			bench_die("expat: %s", XML_ErrorString(XML_GetErrorCode(parser)));
	}
	start = bench_now() - start;
	if (parsed.elements != 2 * (size_t)MESSAGES + 1)
		bench_die("expat has seen %zu elements", parsed.elements);
	XML_ParserFree(parser);
	return MESSAGES * 1e6 / (double)start;
}

static double
floor_of(const char *bytes, size_t length)
{
	double result;

	bench_pin(0);
	result = expat_alone(bytes, length);
	bench_pin(1);
	return result;
}

int
main(void)
{
	struct bench bench = {
		.name = "throughput-direct", .unit = "kmsg/s", .kind = BENCH_RATIO_LEAST, .bar = 0.5
	};
	struct receiver receiver = { 0 };
	struct pair pair = { 0 };
	struct evbuffer *out = evbuffer_new();
	char *body, *bytes = xalloc((size_t)MESSAGES * MESSAGE_BYTES);
	unsigned port;
	struct link *link;
	pid_t pid;
	int fd;

	pid = bench_fork(receiver_main, &receiver, &fd);
	bench_read(fd, &port, sizeof(port));
	bench_pin(1);
	pair_open(&pair, "bench@alpha", PAIR_PORT_ANY);
	body = body_of(pair.ctx, out);
	evbuffer_remove(out, bytes, MESSAGE_BYTES);
	for (size_t i = 1; i < MESSAGES; i++)
		memcpy(bytes + i * MESSAGE_BYTES, bytes, MESSAGE_BYTES);
	link = dial(&pair, port);
	for (int i = 0; i < BENCH_RUNS; i++) {
		usleep(REST_USEC);
		bench.ours[i] = ours(&pair, link, body, fd);
		usleep(REST_USEC);
		bench.floor[i] = floor_of(bytes, (size_t)MESSAGES * MESSAGE_BYTES);
	}
	pair_close(&pair);
	bench_end(pid, fd);
	evbuffer_free(out);
	free(body);
	free(bytes);
	bench_report(&bench);
	return 0;
}
