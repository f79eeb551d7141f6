/* SPDX-License-Identifier: ISC */
/* payload.c: what is published, and what it says in one line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "base/alloc.h"
#include "payload.h"
#include "trust/octets.h"
#include "wire/reader.h"

#define XML_MAX ((size_t)1024 * 1024) /* of what a reader has let in: more than it can be */

static const char opening[] =
	"<stream:stream xmlns='" EAR_NS_CLIENT "' xmlns:stream='" EAR_NS_STREAM "' version='1.0'>";
static const char ending[] = "</stream:stream>";

/* --- XML ---------------------------------------------------------------------------------- */

struct parsing {
	xmpp_stanza_t *first;
	unsigned count;
};

static int
on_header(void *arg, const struct reader_header *header)
{
	return 0;
}

static int
on_element(void *arg, xmpp_stanza_t *element)
{
	struct parsing *parsing = arg;

	if (parsing->count++ == 0)
		parsing->first = xmpp_stanza_clone(element);
	return 0;
}

static int
on_end(void *arg)
{
	return 0;
}

static const struct reader_events events = { on_header, on_element, on_end };

/* Files have what a stream has not (RFC 6120 §11.1): a byte order mark, a declaration. */
static size_t
prolog_length(const char *text, size_t length)
{
	size_t n = 0;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		n = 3;
	while (n < length && strchr(" \t\r\n", text[n]) != NULL && text[n] != '\0')
		n++;
	if (length - n < 6 || memcmp(text + n, "<?xml", 5) != 0 ||
	    strchr(" \t\r\n", text[n + 5]) == NULL)
		return n;
	for (size_t i = n; i + 1 < length; i++)
		if (text[i] == '?' && text[i + 1] == '>')
			return i + 2;
	return n;
}

static const char *
why_not(int error)
{
	switch (error) {
	case -EMSGSIZE:
		return "it is too large, or too deeply nested";
	case -EPROTO:
		return "comments, processing instructions and entities of its own are not for XMPP";
	default:
		return "it is not well-formed XML";
	}
}

static const char *
judge(const struct parsing *parsing, int error)
{
	const char *ns;

	if (error != 0)
		return why_not(error);
	if (parsing->count == 0)
		return "there is no XML element in it";
	if (parsing->count > 1)
		return "there is more than one XML element in it";
	ns = xmpp_stanza_get_ns(parsing->first);
	if (ns == NULL || *ns == '\0' || strcmp(ns, EAR_NS_CLIENT) == 0)
		return "its element needs a namespace of its own: xmlns='...'";
	return NULL;
}

const char *
payload_parse(xmpp_ctx_t *ctx, const char *text, size_t length, xmpp_stanza_t **out)
{
	size_t prolog = prolog_length(text, length);
	struct parsing parsing = { 0 };
	struct reader *reader;
	const char *why;
	int rc;

	*out = NULL;
	if (length > PAYLOAD_MAX)
		return "it is larger than 192 KiB";
	if (u8_check((const uint8_t *)text, length) != NULL)
		return "it is not UTF-8";
	reader = reader_new(ctx, &reader_caps_known, &events, &parsing);
	rc = reader_feed(reader, opening, sizeof(opening) - 1);
	if (rc == 0)
		rc = reader_feed(reader, text + prolog, length - prolog);
	if (rc == 0 && !reader_is_between(reader))
		rc = -EBADMSG;
	if (rc == 0)
		rc = reader_feed(reader, ending, sizeof(ending) - 1);
	reader_free(reader);
	why = judge(&parsing, rc);
	if (why == NULL)
		*out = xmpp_stanza_copy(parsing.first);
	if (parsing.first != NULL)
		xmpp_stanza_release(parsing.first);
	return why;
}

/* --- text, entries ------------------------------------------------------------------------ */

xmpp_stanza_t *
payload_text(xmpp_ctx_t *ctx, const char *line)
{
	xmpp_stanza_t *parent = ear_element(ctx, "x", EAR_NS_TEXT), *text;

	text = xmpp_stanza_copy(ear_child_text(parent, "text", EAR_NS_TEXT, line));
	xmpp_stanza_release(parent);
	return text;
}

/* RFC 4287 §4.2.6: the same for the same item for ever, and nobody else's. A UUID of version 8 (RFC
 * 9562 §5.8), made of where the item is. */
static void
add_id(xmpp_stanza_t *element, const struct entry *entry)
{
	char *where =
		xasprintf("xmpp:%s?;node=%s;item=%s", entry->address, entry->node, entry->item);
	unsigned char h[OCTETS_HASH];
	char id[64];

	octets_sha256((const unsigned char *)where, strlen(where), h);
	snprintf(id, sizeof(id),
		 "urn:uuid:%02x%02x%02x%02x-%02x%02x-8%x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 h[0], h[1], h[2], h[3], h[4], h[5], h[6] & 0xf, h[7], 0x80 | (h[8] & 0x3f), h[9],
		 h[10], h[11], h[12], h[13], h[14], h[15]);
	ear_child_text(element, "id", EAR_NS_ATOM, id);
	free(where);
}

static void
add_time(xmpp_stanza_t *element, const char *name, time_t at)
{
	char text[EAR_STAMP_SIZE];

	if (ear_stamp(at, text))
		ear_child_text(element, name, EAR_NS_ATOM, text);
}

static void
add_text(xmpp_stanza_t *element, const char *name, const char *text)
{
	if (text != NULL)
		xmpp_stanza_set_type(ear_child_text(element, name, EAR_NS_ATOM, text), "text");
}

static void
add_author(xmpp_stanza_t *element, const char *address)
{
	xmpp_stanza_t *author = ear_child(element, "author", EAR_NS_ATOM);
	char *uri = xasprintf("xmpp:%s", address);

	ear_child_text(author, "name", EAR_NS_ATOM, address);
	ear_child_text(author, "uri", EAR_NS_ATOM, uri);
	free(uri);
}

xmpp_stanza_t *
payload_entry(xmpp_ctx_t *ctx, const struct entry *entry)
{
	xmpp_stanza_t *element = ear_element(ctx, "entry", EAR_NS_ATOM);

	add_text(element, "title", entry->title);
	add_id(element, entry);
	if (entry->is_new)
		add_time(element, "published", entry->updated);
	add_time(element, "updated", entry->updated);
	if (entry->author != NULL)
		add_author(element, entry->author);
	if (entry->link != NULL) {
		xmpp_stanza_t *link = ear_child(element, "link", EAR_NS_ATOM);

		ear_set(link, "rel", "alternate");
		ear_set(link, "href", "%s", entry->link);
	}
	add_text(element, "summary", entry->summary);
	add_text(element, "content", entry->content);
	return element;
}

/* --- in one line -------------------------------------------------------------------------- */

char *
payload_xml(xmpp_stanza_t *payload)
{
	char *text = ear_render(payload, XML_MAX);

	return text == NULL ? xstrdup("") : text;
}

static char *
text_of(xmpp_stanza_t *element)
{
	xmpp_ctx_t *ctx = xmpp_stanza_get_context(element);
	char *text = xmpp_stanza_get_text(element), *copy = xstrdup(text == NULL ? "" : text);

	xmpp_free(ctx, text);
	return copy;
}

static char *
entry_summary(xmpp_stanza_t *entry)
{
	xmpp_stanza_t *title = ear_find(entry, "title", EAR_NS_ATOM);
	xmpp_stanza_t *link = ear_find(entry, "link", EAR_NS_ATOM);
	const char *href = link == NULL ? NULL : xmpp_stanza_get_attribute(link, "href");
	char *text = title == NULL ? xstrdup("(no title)") : text_of(title), *all;

	if (href == NULL)
		return text;
	all = xasprintf("%s <%s>", text, href);
	free(text);
	return all;
}

char *
payload_summary(xmpp_stanza_t *payload)
{
	if (payload == NULL)
		return xstrdup("");
	if (ear_is(payload, "entry", EAR_NS_ATOM))
		return entry_summary(payload);
	if (ear_is(payload, "text", EAR_NS_TEXT) || ear_is(payload, "json", EAR_NS_JSON))
		return text_of(payload);
	return payload_xml(payload);
}
