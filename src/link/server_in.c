/* SPDX-License-Identifier: ISC */
/* server_in.c: cuts the server's stream into its children and reads each. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/ns.h>

#include "base/alloc.h"
#include "link/server_in.h"
#include "wire/reader.h"

/* Where the cutter is between two bytes. */
enum in_state {
	IN_TEXT,
	IN_OPENED, /* behind '<' */
	IN_TAG,
	IN_QUOTE,      /* in an attribute's value */
	IN_XML,        /* in the XML declaration */
	IN_CDATA_OPEN, /* behind "<!" */
	IN_CDATA,
};

struct server_in {
	server_in_fn *fn;
	void *arg;
	char *subject;
	struct reader *reader;
	enum in_state state;
	size_t depth; /* open elements, the stream itself is 1 */
	char quote, last;
	bool closing;
	size_t matched; /* characters of "[CDATA[" or "]]>" seen */
	char *text;     /* the child being cut out */
	size_t length, room;
};

static const struct reader_caps caps = { .stanza_bytes = SERVER_STANZA_MAX,
					 .depth = SERVER_DEPTH_MAX,
					 .attributes = 256,
					 .children = 32768 };

/* What each child is read behind. A component's stream is in another namespace (XEP-0114), which is
 * nobody's business but this file's. */
static const char header[] =
	"<stream:stream xmlns='" EAR_NS_CLIENT "' xmlns:stream='" EAR_NS_STREAM "' version='1.0'>";

static int
on_header(void *arg, const struct reader_header *unused)
{
	return 0;
}

static int
on_end(void *arg)
{
	return 0;
}

static void
to_client(xmpp_stanza_t *element)
{
	const char *ns = xmpp_stanza_get_ns(element);

	if (ns != NULL && strcmp(ns, EAR_NS_COMPONENT) == 0)
		xmpp_stanza_set_ns(element, EAR_NS_CLIENT);
}

/* Walks the tree without recursion; the reader has capped the depth. */
static void
normalise(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *at[SERVER_DEPTH_MAX + 2];
	size_t depth = 1;

	to_client(stanza);
	at[0] = stanza;
	at[1] = xmpp_stanza_get_children(stanza);
	while (depth > 0) {
		xmpp_stanza_t *element = at[depth];

		if (element == NULL) {
			depth--;
			continue;
		}
		at[depth] = xmpp_stanza_get_next(element);
		if (!xmpp_stanza_is_tag(element))
			continue;
		to_client(element);
		if (depth < SERVER_DEPTH_MAX + 1)
			at[++depth] = xmpp_stanza_get_children(element);
	}
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct server_in *in = arg;

	normalise(stanza);
	in->fn(in->arg, stanza);
	return 0;
}

static void
begin(struct server_in *in)
{
	reader_reset(in->reader);
	reader_feed(in->reader, header, sizeof(header) - 1);
}

/* One child is whole. */
static void
read_child(struct server_in *in)
{
	int error = reader_feed(in->reader, in->text, in->length);

	if (error == 0)
		return;
	ear_warn("%s: dropped a stanza of %zu bytes: %s", in->subject, in->length,
		 reader_error(in->reader) != NULL ? reader_error(in->reader) : strerror(-error));
	begin(in);
}

static int
keep(struct server_in *in, char c)
{
	if (in->length == SERVER_STANZA_MAX)
		return -EMSGSIZE;
	if (in->length == in->room) {
		in->room = in->room == 0 ? 4096 : in->room * 2;
		in->text = xrealloc(in->text, in->room);
	}
	in->text[in->length++] = c;
	return 0;
}

/* Behind the '>' of a tag. */
static void
end_tag(struct server_in *in)
{
	bool empty = in->last == '/' && !in->closing;

	in->state = IN_TEXT;
	if (in->closing && in->depth > 0)
		in->depth--;
	else if (!in->closing && !empty)
		in->depth++;
	if (in->depth == 1 && (in->closing || empty))
		read_child(in);
}

/* RFC 6120 §11.1: of what begins with "<!" only CDATA sections, and "<?" only before the stream. */
static int
open_tag(struct server_in *in, char c)
{
	in->closing = c == '/';
	in->state = IN_TAG;
	in->matched = 0;
	if (c == '?')
		in->state = IN_XML;
	else if (c == '!')
		in->state = IN_CDATA_OPEN;
	return (c == '?' && in->depth > 0) || (c == '!' && in->depth < 2) ? -EPROTO : 0;
}

static int
open_cdata(struct server_in *in, char c)
{
	static const char start[] = "[CDATA[";

	if (c != start[in->matched])
		return -EPROTO;
	if (++in->matched == sizeof(start) - 1) {
		in->state = IN_CDATA;
		in->matched = 0;
	}
	return 0;
}

static void
in_cdata(struct server_in *in, char c)
{
	if (c == ']')
		in->matched = in->matched < 2 ? in->matched + 1 : 2;
	else if (c == '>' && in->matched == 2)
		in->state = IN_TEXT;
	else
		in->matched = 0;
}

static void
in_tag(struct server_in *in, char c)
{
	if (c == '>') {
		end_tag(in);
	} else if (c == '"' || c == '\'') {
		in->quote = c;
		in->state = IN_QUOTE;
	}
}

/* One byte further. */
static int
step(struct server_in *in, char c)
{
	int error = 0;

	if (in->state == IN_TEXT && c == '<' && in->depth < 2)
		in->length = 0;
	if (in->state != IN_TEXT || in->depth > 1 || c == '<')
		error = keep(in, c);
	if (error != 0)
		return error;
	switch (in->state) {
	case IN_TEXT:
		in->state = c == '<' ? IN_OPENED : IN_TEXT;
		break;
	case IN_OPENED:
		error = open_tag(in, c);
		break;
	case IN_TAG:
		in_tag(in, c);
		break;
	case IN_QUOTE:
		in->state = c == in->quote ? IN_TAG : IN_QUOTE;
		break;
	case IN_XML:
		in->state = c == '>' ? IN_TEXT : IN_XML;
		break;
	case IN_CDATA_OPEN:
		error = open_cdata(in, c);
		break;
	case IN_CDATA:
		in_cdata(in, c);
		break;
	}
	in->last = c;
	return error;
}

struct server_in *
server_in_new(xmpp_ctx_t *ctx, const char *subject, server_in_fn *fn, void *arg)
{
	static const struct reader_events events = { .header = on_header,
						     .stanza = on_stanza,
						     .end = on_end };
	struct server_in *in = xalloc(sizeof(*in));

	in->fn = fn;
	in->arg = arg;
	in->subject = xstrdup(subject);
	in->reader = reader_new(ctx, &caps, &events, in);
	server_in_reset(in);
	return in;
}

void
server_in_free(struct server_in *in)
{
	if (in == NULL)
		return;
	reader_free(in->reader);
	free(in->subject);
	free(in->text);
	free(in);
}

void
server_in_reset(struct server_in *in)
{
	in->state = IN_TEXT;
	in->depth = in->length = 0;
	begin(in);
}

int
server_in_feed(struct server_in *in, const char *bytes, size_t length)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < length; i++)
		error = step(in, bytes[i]);
	return error;
}
