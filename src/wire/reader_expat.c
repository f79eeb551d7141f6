/* SPDX-License-Identifier: ISC */
/*
 * reader_expat.c: the events of expat, which build one stanza at a time. The only file that sees
 * expat. The caps are looked at where a thing begins, before it is kept.
 */
#include <errno.h>
#include <expat.h>
#include <string.h>
#include <strings.h>

#include <earshot/ns.h>

#include "base/alloc.h"
#include "wire/reader_impl.h"
#include "wire/xmlname.h"

#define HEADER_BYTES 16384 /* of a stream header, however much a stanza may have */

static uint64_t
event_end(const struct reader *reader)
{
	return reader_event_start(reader) + (uint64_t)XML_GetCurrentByteCount(reader->expat);
}

/* Those that hold for what is being read now. */
static const struct reader_caps *
caps_now(const struct reader *reader)
{
	return reader->build.depth > 0 ? &reader->caps : &reader->next_caps;
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
		reader_stop(reader, -ENOMSG, error);
		return;
	}
	if (event_end(reader) > reader_byte_cap(reader)) {
		reader_too_much(reader);
		return;
	}
	xmlname_read_header(&header, attributes);
	reader->state = READER_OPEN;
	reader->boundary = event_end(reader);
	result = reader->events.header(reader->arg, &header);
	if (result != 0)
		reader_stop(reader, result, NULL);
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
		reader_too_much(reader);
		return;
	}
	if (reader->build.depth >= reader->caps.depth || ns_length > BUILD_NS_MAX) {
		reader_too_much(reader);
		return;
	}
	element = build_start(&reader->build, local, name, ns_length);
	xmlname_set_attributes(element, attributes);
	if (reader->build.too_wide)
		reader_too_much(reader);
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
		reader_too_much(reader);
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
		reader_too_much(reader);
	xmpp_stanza_release(stanza);
	build_clear(&reader->build);
	if (result != 0)
		reader_stop(reader, result, NULL);
	else if (reader->restarting) /* what is behind it is for the next parser */
		XML_StopParser(reader->expat, XML_FALSE);
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
		reader_stop(reader, -EBADMSG, "bad-format");
}

/* Between stanzas even one that holds space alone: it is no keepalive, and has an end to come. */
static void
on_cdata(void *arg)
{
	struct reader *reader = arg;

	if (reader->build.depth == 0)
		reader_stop(reader, -EBADMSG, "bad-format");
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
		reader_too_much(reader);
	if (reader->state == READER_PROLOG)
		header_namespace(reader, prefix, uri);
}

/* RFC 6120 §11.1. */
static void
on_comment(void *arg, const char *text)
{
	reader_stop(arg, -EPROTO, "restricted-xml");
}

static void
on_instruction(void *arg, const char *target, const char *data)
{
	reader_stop(arg, -EPROTO, "restricted-xml");
}

static void
on_doctype(void *arg, const char *name, const char *sysid, const char *pubid, int has_subset)
{
	reader_stop(arg, -EPROTO, "restricted-xml");
}

static void
on_declaration(void *arg, const char *version, const char *encoding, int standalone)
{
	if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0)
		reader_stop(arg, -EILSEQ, "unsupported-encoding");
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

/* What expat itself refuses. */
static void
refuse(struct reader *reader, enum XML_Error error)
{
	switch (error) {
	case XML_ERROR_NO_MEMORY:
		alloc_failed();
	case XML_ERROR_UNDEFINED_ENTITY:
		reader_stop(reader, -EPROTO, "restricted-xml");
		break;
	case XML_ERROR_UNBOUND_PREFIX:
		if (reader->state == READER_PROLOG)
			reader_stop(reader, -ENOMSG, "bad-namespace-prefix");
		break;
	default:
		break;
	}
	reader_stop(reader, -EBADMSG, "not-well-formed");
}

void
reader_stop(struct reader *reader, int result, const char *condition)
{
	if (reader->result != 0)
		return;
	reader->result = result;
	reader->condition = condition;
	XML_StopParser(reader->expat, XML_FALSE);
}

void
reader_too_much(struct reader *reader)
{
	reader_stop(reader, -EMSGSIZE, "policy-violation");
}

size_t
reader_byte_cap(const struct reader *reader)
{
	size_t cap = caps_now(reader)->stanza_bytes;

	return reader->state == READER_PROLOG && cap > HEADER_BYTES ? HEADER_BYTES : cap;
}

uint64_t
reader_event_start(const struct reader *reader)
{
	return (uint64_t)(XML_GetCurrentByteIndex(reader->expat) + reader->base);
}

void
reader_make_parser(struct reader *reader)
{
	reader->expat = XML_ParserCreateNS("UTF-8", XMLNAME_SEPARATOR);
	xcheck(reader->expat != NULL);
	set_handlers(reader);
}

void
reader_drop_parser(struct reader *reader)
{
	if (reader->expat != NULL)
		XML_ParserFree(reader->expat);
	reader->expat = NULL;
}

void
reader_parse(struct reader *reader, const char *bytes, size_t length)
{
	enum XML_Status status = XML_Parse(reader->expat, bytes, (int)length, 0);

	if (status == XML_STATUS_ERROR && reader->state != READER_ENDED && !reader->restarting)
		refuse(reader, XML_GetErrorCode(reader->expat));
}
