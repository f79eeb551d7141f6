/* SPDX-License-Identifier: ISC */
/* stanzas.h: an input as what comes on a stream behind its header. */
#ifndef FUZZ_STANZAS_H
#define FUZZ_STANZAS_H

#include "tests/fuzz/must.h"
#include "wire/reader.h"

#define HEADER                                                                                     \
	"<stream:stream xmlns='jabber:client' "                                                    \
	"xmlns:stream='http://etherx.jabber.org/streams'>"

typedef void stanza_fn(xmpp_ctx_t *ctx, xmpp_stanza_t *stanza);

struct stanzas {
	xmpp_ctx_t *ctx;
	stanza_fn *fn;
};

static int
on_header(void *arg, const struct reader_header *header)
{
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct stanzas *stanzas = arg;

	stanzas->fn(stanzas->ctx, stanza);
	return 0;
}

static int
on_end(void *arg)
{
	return 0;
}

/* fn is told of each, with the caps of a stream of somebody who is known. */
static void
each_stanza(const uint8_t *data, size_t size, stanza_fn *fn)
{
	static const struct reader_events events = { .header = on_header,
						     .stanza = on_stanza,
						     .end = on_end };
	struct stanzas stanzas = { .ctx = xmpp_ctx_new(NULL, NULL), .fn = fn };
	struct reader *reader = reader_new(stanzas.ctx, &reader_caps_known, &events, &stanzas);

	if (reader_feed(reader, HEADER, sizeof(HEADER) - 1) == 0)
		reader_feed(reader, (const char *)data, size);
	reader_free(reader);
	xmpp_ctx_free(stanzas.ctx);
}

#endif
