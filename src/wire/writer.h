/* SPDX-License-Identifier: ISC */
/* writer.h: stream headers, stanzas and stream errors as bytes. */
#ifndef WIRE_WRITER_H
#define WIRE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <strophe.h>

struct evbuffer;

/* What goes into a header; NULL leaves the attribute out. */
struct writer_header {
	const char *to, *from, *id, *version, *lang;
};

/* Appends an XML declaration and the opening stream tag for content in jabber:client (RFC 6120
 * §4.7). */
void writer_header(struct evbuffer *out, const struct writer_header *header);

/*
 * Appends one stanza. Characters that XML 1.0 cannot carry and invalid UTF-8 become U+FFFD, so that
 * no text of ours or relayed by us can break the stream. -EMSGSIZE: larger than max bytes, nothing
 * appended.
 */
int writer_stanza(struct evbuffer *out, xmpp_stanza_t *stanza, size_t max);

/* Whom it is from and to instead of what it says; NULL: its own. */
struct writer_ends {
	const char *from, *to;
	int own; /* how many of both it has itself, where both are replaced; 0: is not known */
};

/* The same between those. */
int writer_stanza_as(struct evbuffer *out, xmpp_stanza_t *stanza, const struct writer_ends *ends,
		     size_t max);

/* How many bytes it would be. */
size_t writer_size(xmpp_stanza_t *stanza);

/* Appends <stream:error> with a condition of RFC 6120 §4.9.3; text may be NULL. */
void writer_error(struct evbuffer *out, const char *condition, const char *text);

/* Appends </stream:stream>. */
void writer_end(struct evbuffer *out);

#endif
