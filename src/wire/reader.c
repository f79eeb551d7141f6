/* SPDX-License-Identifier: ISC */
/*
 * reader.c: bytes of an XML stream in, stream headers and whole stanzas out. The only file that
 * sees expat.
 *
 * Bytes go to expat in slices, so that no buffer of it grows with what the network delivers at
 * once; its events build one stanza at a time. The caps are looked at where a thing begins, before
 * it is kept, and after each slice for what has begun and gives no event yet (one huge tag).
 */
#include <assert.h>
#include <errno.h>
#include <expat.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <earshot/log.h>
#include <earshot/ns.h>

#include "base/alloc.h"
#include "wire/build.h"
#include "wire/reader.h"
#include "wire/token.h"
#include "wire/xmlname.h"

#define SLICE        2048
#define HEADER_BYTES 16384 /* of a stream header, however much a stanza may have */
#define HOLD_FROM    512   /* bytes of a half read tag from which on it is not scanned again */

const struct reader_caps reader_caps_unknown = {
	.stanza_bytes = 16 * 1024, .depth = 16, .attributes = 32, .children = 128
};
const struct reader_caps reader_caps_known = {
	.stanza_bytes = 256 * 1024, .depth = 64, .attributes = 64, .children = 4096
};

/* What a parser that comes in the middle of a stream must have read. */
static const char wake_header[] =
	"<stream:stream xmlns='" EAR_NS_CLIENT "' xmlns:stream='" EAR_NS_STREAM "'>";

enum reader_state {
	READER_PROLOG, /* before the stream header */
	READER_OPEN,   /* in the stream */
	READER_ENDED,  /* behind </stream:stream> */
};

struct reader {
	XML_Parser expat;
	struct build build;
	struct reader_events events;
	void *arg;
	struct reader_caps caps, next_caps; /* of the stanza being read, and from the next one on */
	enum reader_state state;
	bool feeding;
	bool waking;           /* reading wake_header */
	bool usual;            /* the header declares what wake_header does and nothing else */
	bool client;           /* the default namespace of the header is jabber:client */
	unsigned declarations; /* of namespaces, on the tag being read */
	unsigned children;     /* elements inside the stanza being read */
	int64_t base;          /* of the stream's bytes, the number that expat was not given */
	uint64_t fed;          /* bytes taken from our caller */
	uint64_t boundary;     /* of them, those of whole stanzas and of space between them */
	struct token token;    /* what expat has begun and not ended */
	char *held;            /* bytes of it that expat has not seen */
	size_t held_length;
	int result; /* what reader_feed says from now on; 0: all is well */
	const char *condition;
};

static void
stop(struct reader *reader, int result, const char *condition)
{
	if (reader->result != 0)
		return;
	reader->result = result;
	reader->condition = condition;
	XML_StopParser(reader->expat, XML_FALSE);
}

static void
too_much(struct reader *reader)
{
	stop(reader, -EMSGSIZE, "policy-violation");
}

/* Of the stream, where the event that is being handled begins and ends. */
static uint64_t
event_start(const struct reader *reader)
{
	return (uint64_t)(XML_GetCurrentByteIndex(reader->expat) + reader->base);
}

static uint64_t
event_end(const struct reader *reader)
{
	return event_start(reader) + (uint64_t)XML_GetCurrentByteCount(reader->expat);
}

/* Those that hold for what is being read now. */
static const struct reader_caps *
caps_now(const struct reader *reader)
{
	return reader->build.depth > 0 ? &reader->caps : &reader->next_caps;
}

/* How many bytes may belong to what is being read. */
static size_t
byte_cap(const struct reader *reader)
{
	size_t cap = caps_now(reader)->stanza_bytes;

	return reader->state == READER_PROLOG && cap > HEADER_BYTES ? HEADER_BYTES : cap;
}

/* RFC 6120 §4.8: what of the root is not as a stream header's; NULL when all is. */
static const char *
root_error(const struct reader *reader, const char *name)
{
	size_t ns_length;

	if (strcmp(xmlname_local(name, &ns_length), "stream") != 0)
		return "invalid-xml";
	if (!xmlname_is_in(name, EAR_NS_STREAM) || !reader->client)
		return "invalid-namespace";
	return NULL;
}

static void
start_stream(struct reader *reader, const char *name, const char **attributes)
{
	struct reader_header header = { .ns = EAR_NS_CLIENT };
	const char *error = root_error(reader, name);
	int result;

	if (error != NULL) {
		stop(reader, -ENOMSG, error);
		return;
	}
	if (event_end(reader) > byte_cap(reader)) {
		too_much(reader);
		return;
	}
	xmlname_read_header(&header, attributes);
	reader->state = READER_OPEN;
	reader->boundary = event_end(reader);
	result = reader->events.header(reader->arg, &header);
	if (result != 0)
		stop(reader, result, NULL);
}

static void
start_element(struct reader *reader, const char *name, const char **attributes)
{
	size_t ns_length;
	const char *local = xmlname_local(name, &ns_length);
	xmpp_stanza_t *element;

	if (reader->build.depth == 0) {
		reader->caps = reader->next_caps;
		reader->children = 0;
	} else if (++reader->children > reader->caps.children) {
		too_much(reader);
		return;
	}
	if (reader->build.depth >= reader->caps.depth || ns_length > BUILD_NS_MAX) {
		too_much(reader);
		return;
	}
	element = build_start(&reader->build, local, name, ns_length);
	xmlname_set_attributes(element, attributes);
	if (reader->build.too_wide)
		too_much(reader);
}

static void
on_start(void *arg, const char *name, const char **attributes)
{
	struct reader *reader = arg;
	unsigned count = reader->declarations + xmlname_count(attributes);

	reader->declarations = 0;
	if (reader->result != 0 || reader->waking)
		return;
	if (count > caps_now(reader)->attributes)
		too_much(reader);
	else if (reader->state == READER_PROLOG)
		start_stream(reader, name, attributes);
	else
		start_element(reader, name, attributes);
}

static void
end_stream(struct reader *reader)
{
	int result;

	reader->state = READER_ENDED;
	reader->boundary = event_end(reader);
	/* What is behind it is not for expat. */
	XML_StopParser(reader->expat, XML_FALSE);
	result = reader->events.end(reader->arg);
	if (result != 0)
		reader->result = result;
}

static void
end_stanza(struct reader *reader, xmpp_stanza_t *stanza)
{
	uint64_t end = event_end(reader);
	bool fits = end - reader->boundary <= reader->caps.stanza_bytes;
	int result = 0;

	reader->boundary = end;
	if (fits)
		result = reader->events.stanza(reader->arg, stanza);
	else
		too_much(reader);
	xmpp_stanza_release(stanza);
	build_clear(&reader->build);
	if (result != 0)
		stop(reader, result, NULL);
}

static void
on_end(void *arg, const char *name)
{
	struct reader *reader = arg;
	xmpp_stanza_t *stanza;

	if (reader->result != 0)
		return;
	if (reader->build.depth == 0) {
		end_stream(reader);
		return;
	}
	stanza = build_end(&reader->build);
	if (stanza != NULL)
		end_stanza(reader, stanza);
}

static void
on_text(void *arg, const char *text, int length)
{
	struct reader *reader = arg;

	if (reader->result != 0)
		return;
	if (reader->build.depth > 0)
		build_text(&reader->build, text, length);
	else if (xmlname_is_space(text, length)) /* keepalive, RFC 6120 §4.6.1 */
		reader->boundary = event_end(reader);
	else
		stop(reader, -EBADMSG, "bad-format");
}

/* Between stanzas even one that holds space alone: it is no keepalive, and has an end to come. */
static void
on_cdata(void *arg)
{
	struct reader *reader = arg;

	if (reader->build.depth == 0)
		stop(reader, -EBADMSG, "bad-format");
}

/* Of the header: is the content what we speak, and could another parser go on in its place? */
static void
header_namespace(struct reader *reader, const char *prefix, const char *uri)
{
	bool client = prefix == NULL && uri != NULL && strcmp(uri, EAR_NS_CLIENT) == 0;
	bool stream = prefix != NULL && uri != NULL && strcmp(prefix, "stream") == 0 &&
		      strcmp(uri, EAR_NS_STREAM) == 0;

	reader->client |= client;
	reader->usual &= client || stream;
}

/* Runs before the tag's own event. */
static void
on_namespace(void *arg, const char *prefix, const char *uri)
{
	struct reader *reader = arg;

	if (reader->waking)
		return;
	if (++reader->declarations > caps_now(reader)->attributes)
		too_much(reader);
	if (reader->state == READER_PROLOG)
		header_namespace(reader, prefix, uri);
}

/* RFC 6120 §11.1. */
static void
on_comment(void *arg, const char *text)
{
	stop(arg, -EPROTO, "restricted-xml");
}

static void
on_instruction(void *arg, const char *target, const char *data)
{
	stop(arg, -EPROTO, "restricted-xml");
}

static void
on_doctype(void *arg, const char *name, const char *sysid, const char *pubid, int has_subset)
{
	stop(arg, -EPROTO, "restricted-xml");
}

static void
on_declaration(void *arg, const char *version, const char *encoding, int standalone)
{
	if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0)
		stop(arg, -EILSEQ, "unsupported-encoding");
}

static void
set_handlers(struct reader *reader)
{
	XML_SetUserData(reader->expat, reader);
	XML_SetElementHandler(reader->expat, on_start, on_end);
	XML_SetCharacterDataHandler(reader->expat, on_text);
	XML_SetStartCdataSectionHandler(reader->expat, on_cdata);
	XML_SetStartNamespaceDeclHandler(reader->expat, on_namespace);
	XML_SetCommentHandler(reader->expat, on_comment);
	XML_SetProcessingInstructionHandler(reader->expat, on_instruction);
	XML_SetStartDoctypeDeclHandler(reader->expat, on_doctype);
	XML_SetXmlDeclHandler(reader->expat, on_declaration);
	/* It would keep a whole stanza from us until the peer sends more: see token.h. */
	XML_SetReparseDeferralEnabled(reader->expat, XML_FALSE);
}

static void
make_parser(struct reader *reader)
{
	reader->expat = XML_ParserCreateNS("UTF-8", XMLNAME_SEPARATOR);
	if (reader->expat == NULL) {
		ear_error("out of memory");
		abort();
	}
	set_handlers(reader);
}

/* What expat itself refuses. */
static void
refuse(struct reader *reader, enum XML_Error error)
{
	switch (error) {
	case XML_ERROR_NO_MEMORY:
		ear_error("out of memory");
		abort();
	case XML_ERROR_UNDEFINED_ENTITY:
		stop(reader, -EPROTO, "restricted-xml");
		break;
	case XML_ERROR_UNBOUND_PREFIX:
		if (reader->state == READER_PROLOG)
			stop(reader, -ENOMSG, "bad-namespace-prefix");
		break;
	default:
		break;
	}
	stop(reader, -EBADMSG, "not-well-formed");
}

/* Looks at what expat has begun and not ended: its bytes from `from` on are new. */
static void
watch_token(struct reader *reader, const char *bytes, size_t length)
{
	uint64_t start = event_start(reader);
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

static void
parse(struct reader *reader, const char *bytes, size_t length)
{
	enum XML_Status status = XML_Parse(reader->expat, bytes, (int)length, 0);

	if (status == XML_STATUS_ERROR && reader->state != READER_ENDED)
		refuse(reader, XML_GetErrorCode(reader->expat));
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
		parse(reader, held, length);
	free(held);
}

/* Nothing but space may follow the end of the stream. */
static void
feed_ended(struct reader *reader, const char *bytes, size_t length)
{
	reader->fed += length;
	reader->boundary = reader->fed;
	if (!xmlname_is_space(bytes, length))
		stop(reader, -ESHUTDOWN, "not-well-formed");
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
			stop(reader, -EILSEQ, "unsupported-encoding");
		else if (first && c != '<' && c != 0xef && !xmlname_is_space(bytes, 1))
			stop(reader, -EBADMSG, "not-well-formed");
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
			parse(reader, bytes, length);
		if (reader->result == 0)
			watch_token(reader, bytes, length);
	}
	if (reader->result == 0 && reader->state != READER_ENDED &&
	    reader->fed - reader->boundary > byte_cap(reader))
		too_much(reader);
}

/* The end of the stream may stand inside a slice: what is behind it begins at the boundary. */
static void
feed_some(struct reader *reader, const char *bytes, size_t length)
{
	if (reader->state == READER_ENDED) {
		feed_ended(reader, bytes, length);
		return;
	}
	feed_slice(reader, bytes, length);
	if (reader->state == READER_ENDED && reader->result == 0) {
		size_t behind = reader->fed - reader->boundary;

		reader->fed -= behind;
		feed_ended(reader, bytes + length - behind, behind);
	}
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
	make_parser(reader);
	return reader;
}

void
reader_free(struct reader *reader)
{
	if (reader == NULL)
		return;
	assert(!reader->feeding);
	if (reader->expat != NULL)
		XML_ParserFree(reader->expat);
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
	XML_ParserFree(reader->expat);
	reader->expat = NULL;
	build_release(&reader->build);
}

static void
wake(struct reader *reader)
{
	size_t length = strlen(wake_header);

	make_parser(reader);
	reader->base = (int64_t)reader->fed - (int64_t)length;
	reader->waking = true;
	parse(reader, wake_header, length);
	reader->waking = false;
}

void
reader_reset(struct reader *reader)
{
	assert(!reader->feeding);
	drop_half_read(reader);
	if (reader->expat != NULL)
		XML_ParserFree(reader->expat);
	make_parser(reader);
	reader->state = READER_PROLOG;
	reader->client = false;
	reader->usual = true;
	reader->base = 0;
	reader->declarations = reader->children = 0;
	reader->fed = reader->boundary = 0;
	reader->result = 0;
	reader->condition = NULL;
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

		feed_some(reader, at, n);
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
