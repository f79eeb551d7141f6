/* SPDX-License-Identifier: ISC */
/*
 * writer.c: stream headers, stanzas and stream errors as bytes.
 *
 * A stanza is rendered aside and appended in one piece, so that one that is too large leaves no
 * trace. Elements of the stream's own namespace get the prefix that writer_header declares, those
 * of XML's the one that needs no declaration; all others are in the default namespace, declared
 * where it changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <unistr.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "wire/writer.h"

#define DEPTH_MAX     256 /* of our own stanzas; the readers' caps are smaller */
#define PIECE_BRIEF   2048
#define PAIRS_BRIEF   16
#define USUAL         4
#define USUAL_ENDS    2 /* from there on: whom it is from and to */
#define STREAM_PREFIX "stream:"
#define XML_PREFIX    "xml:"

/* Text on its way out: in itself while it is short, then on the heap. */
struct piece {
	char *at;
	size_t length, room;
	size_t max; /* bytes; above it the piece has failed and stays as it is */
	bool failed;
	struct writer_ends ends; /* of the stanza */
	char brief[PIECE_BRIEF];
};

static void
piece_init(struct piece *piece, size_t max)
{
	piece->at = piece->brief;
	piece->length = 0;
	piece->room = sizeof(piece->brief);
	piece->max = max;
	piece->failed = false;
	piece->ends = (struct writer_ends){ NULL, NULL, 0 };
}

static void
piece_grow(struct piece *piece, size_t need)
{
	char *old = piece->at == piece->brief ? NULL : piece->at;

	while (piece->room < need)
		piece->room *= 2;
	piece->at = xrealloc(old, piece->room);
	if (old == NULL)
		memcpy(piece->at, piece->brief, piece->length);
}

static void
put(struct piece *piece, const char *text, size_t length)
{
	if (length > piece->max - piece->length)
		piece->failed = true;
	if (piece->failed)
		return;
	if (length > piece->room - piece->length)
		piece_grow(piece, piece->length + length);
	memcpy(piece->at + piece->length, text, length);
	piece->length += length;
}

static void
put_text(struct piece *piece, const char *text)
{
	put(piece, text, strlen(text));
}

static int
piece_end(struct piece *piece, struct evbuffer *out)
{
	bool failed = piece->failed;

	xcheck(failed || evbuffer_add(out, piece->at, piece->length) == 0);
	if (piece->at != piece->brief)
		free(piece->at);
	return failed ? -EMSGSIZE : 0;
}

/*
 * What stands for a character that may not stand for itself; NULL: it may, or it is not ASCII.
 * White space of attributes is written as references because a parser would turn it into blanks,
 * XML 1.0 §3.3.3; a carriage return everywhere, §2.11.
 */
static const char *
escape_of(unsigned char c, bool attribute)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return attribute ? "&quot;" : NULL;
	case '\t':
		return attribute ? "&#9;" : NULL;
	case '\n':
		return attribute ? "&#10;" : NULL;
	case '\r':
		return "&#13;";
	default:
		return c < 0x20 ? "\xef\xbf\xbd" : NULL;
	}
}

/* Whether it is none of the few characters that need a look, nor the end. */
static bool
is_plain(unsigned char c)
{
	/* One bit each, from 0 to 0x7f: all but controls and "&<> */
	static const uint64_t plain[4] = { UINT64_C(0xafffffbb00000000), UINT64_MAX };

	return plain[c >> 6] >> (c & 63) & 1;
}

/* The byte eight times, and whether one of eight is 0. */
#define EACH(c)     (UINT64_C(0x0101010101010101) * (c))
#define HAS_ZERO(w) (((w)-EACH(1)) & ~(w)&EACH(0x80))

/* Eight of them at once. Those that need a look come in pairs that differ in one bit: " and &, <
 * and >. */
static bool
are_plain(const char *text)
{
	uint64_t w, control, quotes, angles;

	memcpy(&w, text, sizeof(w));
	control = (w - EACH(0x20)) & ~w & EACH(0x80);
	quotes = (w | EACH(0x04)) ^ EACH('&');
	angles = (w | EACH(0x02)) ^ EACH('>');
	return ((w & EACH(0x80)) | control | HAS_ZERO(quotes) | HAS_ZERO(angles)) == 0;
}

/* How many bytes from there need no look. */
static size_t
plain_run(const char *text, size_t length)
{
	size_t n = 0;

	while (length - n >= sizeof(uint64_t) && are_plain(text + n))
		n += sizeof(uint64_t);
	while (is_plain((unsigned char)text[n]))
		n++;
	return n;
}

/* One character beyond ASCII, or one byte of what is none; returns the bytes it took. */
static size_t
put_wide(struct piece *piece, const char *text, size_t length)
{
	ucs4_t c;
	int n = u8_mbtoucr(&c, (const uint8_t *)text, length);

	if (n > 0 && c != 0xfffe && c != 0xffff) {
		put(piece, text, n);
		return n;
	}
	put_text(piece, "\xef\xbf\xbd");
	return n > 0 ? n : 1;
}

/* From a byte that needs a look. */
static void
put_escapes(struct piece *piece, const char *text, const char *end, bool attribute)
{
	while (text < end && !piece->failed) {
		const char *escape = escape_of((unsigned char)*text, attribute);
		size_t run;

		if (escape != NULL)
			put_text(piece, escape);
		else if ((*text & 0x80) == 0)
			put(piece, text, 1);
		text += (*text & 0x80) != 0 ? put_wide(piece, text, end - text) : 1;
		run = plain_run(text, (size_t)(end - text));
		put(piece, text, run);
		text += run;
	}
}

static void
put_escaped(struct piece *piece, const char *text, bool attribute)
{
	size_t length = strlen(text), run = plain_run(text, length);

	put(piece, text, run);
	if (run < length)
		put_escapes(piece, text + run, text + length, attribute);
}

/* In one go where there is room for the whole, which is nearly always. */
static void
put_attribute(struct piece *piece, const char *name, const char *value)
{
	size_t n, length, all;
	char *at;

	if (value == NULL)
		return;
	n = strlen(name);
	length = strlen(value);
	all = n + length + 4;
	if (!piece->failed && all <= piece->room - piece->length &&
	    all <= piece->max - piece->length && plain_run(value, length) == length) {
		at = piece->at + piece->length;
		*at++ = ' ';
		at = mempcpy(at, name, n);
		*at++ = '=';
		*at++ = '"';
		at = mempcpy(at, value, length);
		*at = '"';
		piece->length += all;
		return;
	}
	put(piece, " ", 1);
	put(piece, name, n);
	put(piece, "=\"", 2);
	put_escaped(piece, value, true);
	put(piece, "\"", 1);
}

/* What stanzas usually have, and what is in nearly all that leave here (origin-id, order). */
static const char *const usual[USUAL] = { "type", "id", "to", "from" };
static const char *const inside[] = { "id", "n" };

static bool
is_usual(const char *name)
{
	for (int i = 0; i < USUAL; i++)
		if (strcmp(name, usual[i]) == 0)
			return true;
	return false;
}

static bool
is_inside(const char *name)
{
	return strcmp(name, inside[0]) == 0 || strcmp(name, inside[1]) == 0;
}

/* All but xmlns, which depends on what is around, and what has been put already. */
static void
put_others(struct piece *piece, xmpp_stanza_t *element, int count, bool is_stanza)
{
	const char *brief[2 * PAIRS_BRIEF], **pairs = brief;
	int room = 2 * count, n;

	if (room > 2 * PAIRS_BRIEF)
		pairs = xalloc(room * sizeof(pairs[0]));
	n = xmpp_stanza_get_attributes(element, pairs, room);
	for (int i = 0; i + 1 < n; i += 2)
		if (strcmp(pairs[i], "xmlns") != 0 &&
		    !(is_stanza ? is_usual(pairs[i]) : is_inside(pairs[i])))
			put_attribute(piece, pairs[i], pairs[i + 1]);
	if (pairs != brief)
		free(pairs);
}

/* How many of them it has itself. */
static int
put_usual(struct piece *piece, xmpp_stanza_t *stanza)
{
	const struct writer_ends *ends = &piece->ends;
	const char *instead[USUAL] = { NULL, NULL, ends->to, ends->from };
	int looked = ends->own > 0 ? USUAL_ENDS : USUAL, found = ends->own;

	for (int i = 0; i < looked; i++) {
		const char *own = xmpp_stanza_get_attribute(stanza, usual[i]);

		found += own != NULL;
		put_attribute(piece, usual[i], instead[i] != NULL ? instead[i] : own);
	}
	for (int i = looked; i < USUAL; i++)
		put_attribute(piece, usual[i], instead[i]);
	return found;
}

static int
put_inside(struct piece *piece, xmpp_stanza_t *element, int count)
{
	int found = 0;

	for (size_t i = 0; found < count && i < sizeof(inside) / sizeof(inside[0]); i++) {
		const char *own = xmpp_stanza_get_attribute(element, inside[i]);

		found += own != NULL;
		put_attribute(piece, inside[i], own);
	}
	return found;
}

/*
 * Walking all that libstrophe has costs more than asking for those that are usually there, which
 * are often all; and what is inside stanzas often has none.
 */
static void
put_attributes(struct piece *piece, xmpp_stanza_t *element, bool has_ns, bool is_stanza)
{
	int count = xmpp_stanza_get_attribute_count(element), done = has_ns;

	done += is_stanza ? put_usual(piece, element) : put_inside(piece, element, count - done);
	if (done < count)
		put_others(piece, element, count, is_stanza);
}

static void
put_name(struct piece *piece, const char *name, const char *prefix)
{
	if (prefix != NULL && strchr(name, ':') == NULL)
		put_text(piece, prefix);
	put_text(piece, name);
}

/* Of namespaces that are not declared where they are used; XML's own may not be the default one
 * (Namespaces in XML 1.0 §3), and whoever reads it would end the stream. */
static const char *
prefix_of(const char *ns)
{
	if (strcmp(ns, EAR_NS_STREAM) == 0)
		return STREAM_PREFIX;
	return strcmp(ns, EAR_NS_XML) == 0 ? XML_PREFIX : NULL;
}

/* In front of the text that is such an element's name: no name that was read begins so. */
#define RENDERED '\001'

xmpp_stanza_t *
ear_rendered(xmpp_ctx_t *ctx, const char *text)
{
	xmpp_stanza_t *element = xmpp_stanza_new(ctx);
	char *name = xasprintf("%c%s", RENDERED, text);

	xmpp_stanza_set_name(element, name);
	free(name);
	return element;
}

bool
ear_is_rendered(xmpp_stanza_t *element)
{
	return xmpp_stanza_is_tag(element) && xmpp_stanza_get_name(element)[0] == RENDERED;
}

static void put_node(struct piece *piece, xmpp_stanza_t *node, const char *scope, unsigned depth);

/* scope is the default namespace around the element. */
static void
put_element(struct piece *piece, xmpp_stanza_t *element, const char *scope, unsigned depth)
{
	const char *name = xmpp_stanza_get_name(element), *ns = xmpp_stanza_get_ns(element);
	bool other = ns != NULL && strcmp(ns, scope) != 0;
	const char *prefix = other ? prefix_of(ns) : NULL;
	xmpp_stanza_t *child = xmpp_stanza_get_children(element);

	put(piece, "<", 1);
	put_name(piece, name, prefix);
	put_attributes(piece, element, ns != NULL, depth == 0);
	if (other && prefix == NULL) {
		put_attribute(piece, "xmlns", ns);
		scope = ns;
	}
	if (child == NULL) {
		put(piece, "/>", 2);
		return;
	}
	put(piece, ">", 1);
	for (; child != NULL && !piece->failed; child = xmpp_stanza_get_next(child))
		put_node(piece, child, scope, depth + 1);
	put(piece, "</", 2);
	put_name(piece, name, prefix);
	put(piece, ">", 1);
}

static void
put_node(struct piece *piece, xmpp_stanza_t *node, const char *scope, unsigned depth)
{
	const char *text;

	if (depth >= DEPTH_MAX) {
		piece->failed = true;
	} else if (ear_is_rendered(node)) {
		put_text(piece, xmpp_stanza_get_name(node) + 1);
	} else if (xmpp_stanza_is_tag(node)) {
		put_element(piece, node, scope, depth);
	} else if (xmpp_stanza_is_text(node)) {
		text = xmpp_stanza_get_text_ptr(node);
		if (text != NULL)
			put_escaped(piece, text, false);
	}
}

void
writer_header(struct evbuffer *out, const struct writer_header *header)
{
	struct piece piece;

	piece_init(&piece, SIZE_MAX);
	put_text(&piece, "<?xml version=\"1.0\"?><stream:stream xmlns=\"" EAR_NS_CLIENT
			 "\" xmlns:stream=\"" EAR_NS_STREAM "\"");
	put_attribute(&piece, "from", header->from);
	put_attribute(&piece, "to", header->to);
	put_attribute(&piece, "id", header->id);
	put_attribute(&piece, "version", header->version);
	put_attribute(&piece, "xml:lang", header->lang);
	put(&piece, ">", 1);
	piece_end(&piece, out);
}

int
writer_stanza(struct evbuffer *out, xmpp_stanza_t *stanza, size_t max)
{
	static const struct writer_ends own;

	return writer_stanza_as(out, stanza, &own, max);
}

int
writer_stanza_as(struct evbuffer *out, xmpp_stanza_t *stanza, const struct writer_ends *ends,
		 size_t max)
{
	struct piece piece;

	piece_init(&piece, max);
	piece.ends = *ends;
	put_node(&piece, stanza, EAR_NS_CLIENT, 0);
	return piece_end(&piece, out);
}

size_t
writer_size(xmpp_stanza_t *stanza)
{
	struct piece piece;

	piece_init(&piece, SIZE_MAX);
	put_node(&piece, stanza, EAR_NS_CLIENT, 0);
	if (piece.at != piece.brief)
		free(piece.at);
	return piece.length;
}

/* No namespace: whatever that of the element is, it is declared. */
#define NO_SCOPE " "

char *
ear_render(xmpp_stanza_t *element, size_t max)
{
	struct piece piece;
	char *text = NULL;

	piece_init(&piece, max);
	put_node(&piece, element, NO_SCOPE, 1);
	if (!piece.failed)
		text = xstrndup(piece.at, piece.length);
	if (piece.at != piece.brief)
		free(piece.at);
	return text;
}

void
writer_error(struct evbuffer *out, const char *condition, const char *text)
{
	struct piece piece;

	piece_init(&piece, SIZE_MAX);
	put_text(&piece, "<stream:error><");
	put_text(&piece, condition);
	put_attribute(&piece, "xmlns", EAR_NS_STREAM_ERR);
	put(&piece, "/>", 2);
	if (text != NULL) {
		put_text(&piece, "<text");
		put_attribute(&piece, "xmlns", EAR_NS_STREAM_ERR);
		put(&piece, ">", 1);
		put_escaped(&piece, text, false);
		put_text(&piece, "</text>");
	}
	put_text(&piece, "</stream:error>");
	piece_end(&piece, out);
}

void
writer_end(struct evbuffer *out)
{
	static const char end[] = "</stream:stream>";

	evbuffer_add(out, end, sizeof(end) - 1);
}
