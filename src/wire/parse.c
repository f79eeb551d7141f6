/* SPDX-License-Identifier: ISC */
/* parse.c: a reader for a single stanza. */
#include <errno.h>
#include <string.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "wire/parse.h"
#include "wire/reader.h"

static const char stream[] =
	"<stream:stream xmlns='" EAR_NS_CLIENT "' xmlns:stream='" EAR_NS_STREAM "'>";

static const struct reader_caps caps = {
	.stanza_bytes = PARSE_MAX,
	.depth = PARSE_MAX,
	.attributes = PARSE_MAX,
	.children = PARSE_MAX,
};

static int
on_header(void *arg, const struct reader_header *header)
{
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t **found = arg;

	if (*found != NULL)
		return -EINVAL;
	*found = xmpp_stanza_clone(stanza);
	return 0;
}

static int
on_end(void *arg)
{
	return -EINVAL;
}

static const struct reader_events events = { on_header, on_stanza, on_end };

static xmpp_stanza_t *
parse(xmpp_ctx_t *ctx, const struct reader_caps *limits, const char *bytes, size_t length)
{
	xmpp_stanza_t *found = NULL;
	struct reader *reader = reader_new(ctx, limits, &events, &found);
	int rc = reader_feed(reader, stream, strlen(stream));

	if (rc == 0)
		rc = reader_feed(reader, bytes, length);
	if (found != NULL && (rc != 0 || !reader_is_between(reader))) {
		xmpp_stanza_release(found);
		found = NULL;
	}
	reader_free(reader);
	return found;
}

xmpp_stanza_t *
parse_stanza(xmpp_ctx_t *ctx, const char *bytes, size_t length)
{
	return parse(ctx, &caps, bytes, length);
}

xmpp_stanza_t *
parse_long(xmpp_ctx_t *ctx, const char *bytes, size_t length)
{
	return parse(ctx, &reader_caps_known, bytes, length);
}

xmpp_stanza_t *
ear_parse(xmpp_ctx_t *ctx, const char *text)
{
	return parse_long(ctx, text, strlen(text));
}
