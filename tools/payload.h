/* SPDX-License-Identifier: ISC */
/* payload.h: what is published: XML that somebody wrote, a line of text, an Atom entry. */
#ifndef TOOLS_PAYLOAD_H
#define TOOLS_PAYLOAD_H

#include <stddef.h>
#include <time.h>

#include <earshot/ear.h>

#define PAYLOAD_MAX ((size_t)192 * 1024) /* what is around it fits into a stanza as well */

/*
 * The one element in a text, which may begin with an XML declaration: *out is the caller's. NULL,
 * or why it is none, static.
 */
const char *payload_parse(xmpp_ctx_t *ctx, const char *text, size_t length, xmpp_stanza_t **out);

/* <text xmlns='urn:earshot:text:0'>line</text>. The caller's. */
xmpp_stanza_t *payload_text(xmpp_ctx_t *ctx, const char *line);

/* An entry of a feed (RFC 4287, as XEP-0472 has it). NULL: without that. */
struct entry {
	const char *title, *content, *summary, *link;
	const char *author;                /* a bare address */
	const char *address, *node, *item; /* where it is published, which its id is made of */
	time_t updated;
	bool is_new; /* and so published in this moment */
};

xmpp_stanza_t *payload_entry(xmpp_ctx_t *ctx, const struct entry *entry);

/*
 * What an item says in one line, for people: the text of a line, title and link of an entry, else
 * the XML itself. payload NULL: "". Not escaped. The caller frees.
 */
char *payload_summary(xmpp_stanza_t *payload);

/* The XML of an element. The caller frees. */
char *payload_xml(xmpp_stanza_t *payload);

#endif
