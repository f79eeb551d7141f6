/* SPDX-License-Identifier: ISC */
/* parse.h: one stanza back from the bytes that writer.h made of it. */
#ifndef WIRE_PARSE_H
#define WIRE_PARSE_H

#include <stddef.h>
#include <strophe.h>

#define PARSE_MAX 2048 /* bytes; so many never reach another cap of the reader */

/* The stanza, which the caller owns. NULL: that is not one whole stanza, or too long. */
xmpp_stanza_t *parse_stanza(xmpp_ctx_t *ctx, const char *bytes, size_t length);

/* The same for one as long as a stream takes. */
xmpp_stanza_t *parse_long(xmpp_ctx_t *ctx, const char *bytes, size_t length);

#endif
