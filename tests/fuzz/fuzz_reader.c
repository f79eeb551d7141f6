/* SPDX-License-Identifier: ISC */
/*
 * fuzz_reader.c: any bytes behind a header, or from the start (first byte odd). Whole, byte by
 * byte, and resting wherever that is possible, a stream must give the same stanzas and end alike;
 * what was read and written again must read the same. Behind <auth/> another stream begins.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <event2/buffer.h>
#include <strophe.h>

#include "tests/fuzz/must.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define HEADER                                                                                     \
	"<stream:stream xmlns='jabber:client' "                                                    \
	"xmlns:stream='http://etherx.jabber.org/streams'>"
#define OUT_MAX (64 * 1024 * 1024)

static const struct reader_caps caps = {
	.stanza_bytes = 2048, .depth = 12, .attributes = 8, .children = 64
};

/* What a stream said, written again. */
struct run {
	struct evbuffer *out;
	struct reader *reader;
	unsigned headers, stanzas, ends, restarts;
	int result;
};

static int
on_header(void *arg, const struct reader_header *header)
{
	((struct run *)arg)->headers++;
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct run *run = arg;

	run->stanzas++;
	if (strcmp(xmpp_stanza_get_name(stanza), "auth") == 0) {
		run->restarts++;
		reader_restart(run->reader);
		return 0;
	}
	MUST(writer_stanza(run->out, stanza, OUT_MAX) == 0);
	return 0;
}

static int
on_end(void *arg)
{
	((struct run *)arg)->ends++;
	return 0;
}

static const struct reader_events events = { .header = on_header,
					     .stanza = on_stanza,
					     .end = on_end };

enum way { WHOLE, BYTES, RESTING };

static void
feed(struct reader *reader, struct run *run, enum way way, const void *data, size_t size)
{
	const char *bytes = data;

	if (way == WHOLE) {
		run->result = reader_feed(reader, bytes, size);
		return;
	}
	for (size_t i = 0; i < size && run->result == 0; i++) {
		if (way == RESTING)
			reader_rest(reader);
		run->result = reader_feed(reader, bytes + i, 1);
	}
}

static void
run_stream(xmpp_ctx_t *ctx, const struct reader_caps *with, struct run *run, enum way way,
	   const void *data, size_t size, int with_header)
{
	struct reader *reader = reader_new(ctx, with, &events, run);
	char space[4096];

	memset(run, 0, sizeof(*run));
	run->out = evbuffer_new();
	run->reader = reader;
	if (with_header)
		feed(reader, run, way, HEADER, strlen(HEADER));
	if (run->result == 0)
		feed(reader, run, way, data, size);
	/* More space than fits into anything half read: a mistake in a tag put aside comes out. */
	memset(space, ' ', sizeof(space));
	if (run->result == 0)
		run->result = reader_feed(reader, space, sizeof(space));
	MUST(run->result != 0 || reader_is_between(reader));
	MUST(run->result == 0 || reader_error(reader) != NULL);
	MUST(run->headers <= 1 + run->restarts && run->ends <= run->headers);
	reader_free(reader);
}

static void
must_be_alike(struct run *a, struct run *b)
{
	size_t n = evbuffer_get_length(a->out);

	MUST(a->headers == b->headers && a->stanzas == b->stanzas && a->ends == b->ends);
	MUST(a->restarts == b->restarts);
	MUST((a->result == 0) == (b->result == 0));
	/* In one slice a mistake behind the cap may be seen before the cap is. */
	MUST(a->result == b->result || a->result == -EMSGSIZE || b->result == -EMSGSIZE);
	MUST(n == evbuffer_get_length(b->out));
	MUST(n == 0 || memcmp(evbuffer_pullup(a->out, -1), evbuffer_pullup(b->out, -1), n) == 0);
}

/* What we write is a stream that we read, and it says the same. */
static void
must_round_trip(xmpp_ctx_t *ctx, struct run *first)
{
	static const struct reader_caps wide = {
		.stanza_bytes = OUT_MAX, .depth = 256, .attributes = 64, .children = 4096
	};
	struct run again;

	run_stream(ctx, &wide, &again, WHOLE, evbuffer_pullup(first->out, -1),
		   evbuffer_get_length(first->out), 1);
	MUST(again.result == 0 && again.stanzas == first->stanzas - first->restarts);
	MUST(evbuffer_get_length(again.out) == evbuffer_get_length(first->out));
	evbuffer_free(again.out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	xmpp_ctx_t *ctx;
	struct run runs[3];

	if (size == 0)
		return 0;
	ctx = xmpp_ctx_new(NULL, NULL);
	for (enum way way = WHOLE; way <= RESTING; way++)
		run_stream(ctx, &caps, &runs[way], way, data + 1, size - 1, (data[0] & 1) == 0);
	must_be_alike(&runs[WHOLE], &runs[BYTES]);
	must_be_alike(&runs[BYTES], &runs[RESTING]);
	must_round_trip(ctx, &runs[WHOLE]);
	for (int i = 0; i < 3; i++)
		evbuffer_free(runs[i].out);
	xmpp_ctx_free(ctx);
	return 0;
}
