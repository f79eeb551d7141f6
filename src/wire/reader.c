/* SPDX-License-Identifier: ISC */
/*
 * reader.c: bytes of an XML stream in, stream headers and whole stanzas out.
 *
 * Bytes go to expat in slices, so that no buffer of it grows with what the network delivers at
 * once, and the end of a long tag is waited for here (token.h). After each slice the caps are
 * looked at for what has begun and gives no event yet (one huge tag).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/ns.h>

#include "base/alloc.h"
#include "wire/reader_impl.h"
#include "wire/xmlname.h"

#define SLICE     2048
#define HOLD_FROM 512 /* bytes of a half read tag from which on it is not scanned again */

const struct reader_caps reader_caps_unknown = {
	.stanza_bytes = 16 * 1024, .depth = 16, .attributes = 32, .children = 128
};
const struct reader_caps reader_caps_known = {
	.stanza_bytes = 256 * 1024, .depth = 64, .attributes = 64, .children = 4096
};

/* What a parser that comes in the middle of a stream must have read. */
static const char wake_header[] =
	"<stream:stream xmlns='" EAR_NS_CLIENT "' xmlns:stream='" EAR_NS_STREAM "'>";

/* Looks at what expat has begun and not ended: its bytes from `from` on are new. */
static void
watch_token(struct reader *reader, const char *bytes, size_t length)
{
	uint64_t start = reader_event_start(reader);
	uint64_t first = reader->fed - length;

	if (reader->state != READER_OPEN || start >= reader->fed) {
		token_start(&reader->token);
		return;
	}
	if (start >= first) {
		token_start(&reader->token);
		token_scan(&reader->token, bytes + (start - first), reader->fed - start);
	}
}

/* Whether the bytes were put aside because they cannot end the long tag that they belong to. */
static bool
hold(struct reader *reader, const char *bytes, size_t length)
{
	size_t seen = reader->token.length - reader->held_length;

	if (reader->token.state == TOKEN_NONE)
		return false;
	if (token_scan(&reader->token, bytes, length) || seen < HOLD_FROM)
		return false;
	/* Twice what expat has seen is worth another scan: its errors show before the end. */
	if (reader->held_length + length >= seen)
		return false;
	reader->held = xrealloc(reader->held, reader->held_length + length);
	memcpy(reader->held + reader->held_length, bytes, length);
	reader->held_length += length;
	return true;
}

static void
release_held(struct reader *reader)
{
	char *held = reader->held;
	size_t length = reader->held_length;

	reader->held = NULL;
	reader->held_length = 0;
	if (length > 0)
		reader_parse(reader, held, length);
	free(held);
}

/* Nothing but space may follow the end of the stream. */
static void
feed_ended(struct reader *reader, const char *bytes, size_t length)
{
	reader->fed += length;
	reader->boundary = reader->fed;
	if (!xmlname_is_space(bytes, length))
		reader_stop(reader, -ESHUTDOWN, "not-well-formed");
}

/*
 * RFC 6120 §11.6: expat would follow the first two bytes of UTF-16 although it is told which
 * encoding to expect. One of them is not ASCII, and a byte order mark is all else there may be.
 */
static void
check_encoding(struct reader *reader, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && reader->fed + i < 2; i++) {
		unsigned char c = (unsigned char)bytes[i];
		bool first = reader->fed + i == 0;

		if (c == 0 || (first && c >= 0xfe))
			reader_stop(reader, -EILSEQ, "unsupported-encoding");
		else if (first && c != '<' && c != 0xef && !xmlname_is_space(bytes, 1))
			reader_stop(reader, -EBADMSG, "not-well-formed");
	}
}

static void
feed_slice(struct reader *reader, const char *bytes, size_t length)
{
	check_encoding(reader, bytes, length);
	reader->fed += length;
	if (reader->result != 0)
		return;
	if (!hold(reader, bytes, length)) {
		release_held(reader);
		if (reader->result == 0)
			reader_parse(reader, bytes, length);
		if (reader->result == 0 && !reader->restarting)
			watch_token(reader, bytes, length);
	}
	if (reader->result == 0 && !reader->restarting && reader->state != READER_ENDED &&
	    reader->fed - reader->boundary > reader_byte_cap(reader))
		reader_too_much(reader);
}

static void
drop_half_read(struct reader *reader)
{
	build_clear(&reader->build);
	free(reader->held);
	reader->held = NULL;
	reader->held_length = 0;
	token_start(&reader->token);
}

static void
begin_again(struct reader *reader)
{
	drop_half_read(reader);
	reader_drop_parser(reader);
	reader_make_parser(reader);
	reader->state = READER_PROLOG;
	reader->restarting = false;
	reader->again = true;
	reader->client = false;
	reader->usual = true;
	reader->base = 0;
	reader->declarations = reader->children = 0;
	reader->fed = reader->boundary = 0;
	reader->blank = 0;
}

/* Keep-alives of the old stream may stand before the header of the new one; expat wants none. */
static size_t
count_space(const char *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && xmlname_is_space(bytes + n, 1))
		n++;
	return n;
}

/*
 * How many bytes of the slice were read. The end of the stream may stand inside it, or of a stanza
 * behind which another stream begins: what is behind that starts at the boundary.
 */
static size_t
feed_some(struct reader *reader, const char *bytes, size_t length)
{
	size_t behind;

	if (reader->again && reader->fed == 0) {
		size_t blank = count_space(bytes, length);

		reader->blank += blank;
		if (reader->blank > reader_byte_cap(reader))
			reader_too_much(reader);
		if (blank > 0)
			return blank;
	}
	if (reader->state == READER_ENDED) {
		feed_ended(reader, bytes, length);
		return length;
	}
	feed_slice(reader, bytes, length);
	if (reader->result != 0 || (reader->state != READER_ENDED && !reader->restarting))
		return length;
	behind = reader->fed - reader->boundary;
	if (behind > length)
		behind = length;
	reader->fed -= behind;
	if (reader->restarting)
		begin_again(reader);
	return length - behind;
}

struct reader *
reader_new(xmpp_ctx_t *ctx, const struct reader_caps *caps, const struct reader_events *events,
	   void *arg)
{
	struct reader *reader = xalloc(sizeof(*reader));

	reader->events = *events;
	reader->arg = arg;
	reader->caps = reader->next_caps = *caps;
	build_init(&reader->build, ctx);
	reader->usual = true;
	reader_make_parser(reader);
	return reader;
}

void
reader_free(struct reader *reader)
{
	if (reader == NULL)
		return;
	assert(!reader->feeding);
	reader_drop_parser(reader);
	build_release(&reader->build);
	free(reader->held);
	free(reader);
}

void
reader_set_caps(struct reader *reader, const struct reader_caps *caps)
{
	reader->next_caps = *caps;
}

void
reader_rest(struct reader *reader)
{
	assert(!reader->feeding);
	if (reader->expat == NULL || reader->state != READER_OPEN || !reader->usual ||
	    reader->result != 0 || !reader_is_between(reader))
		return;
	reader_drop_parser(reader);
	build_release(&reader->build);
}

static void
wake(struct reader *reader)
{
	size_t length = strlen(wake_header);

	reader_make_parser(reader);
	reader->base = (int64_t)reader->fed - (int64_t)length;
	reader->waking = true;
	reader_parse(reader, wake_header, length);
	reader->waking = false;
}

void
reader_reset(struct reader *reader)
{
	assert(!reader->feeding);
	begin_again(reader);
	reader->result = 0;
	reader->condition = NULL;
}

void
reader_restart(struct reader *reader)
{
	assert(reader->feeding && reader->state == READER_OPEN);
	reader->restarting = true;
}

int
reader_feed(struct reader *reader, const void *bytes, size_t length)
{
	const char *at = bytes;

	assert(!reader->feeding);
	reader->feeding = true;
	if (reader->expat == NULL && length > 0)
		wake(reader);
	while (length > 0 && reader->result == 0) {
		size_t n = length < SLICE ? length : SLICE;

		n = feed_some(reader, at, n);
		at += n;
		length -= n;
	}
	reader->feeding = false;
	if (reader->result != 0)
		drop_half_read(reader);
	return reader->result;
}

const char *
reader_error(const struct reader *reader)
{
	return reader->condition;
}

int
reader_is_between(const struct reader *reader)
{
	return reader->build.depth == 0 && reader->fed == reader->boundary;
}
