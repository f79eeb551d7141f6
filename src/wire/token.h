/* SPDX-License-Identifier: ISC */
/*
 * token.h: the tag that a stream is in the middle of. expat scans a half read tag again from its
 * start with every piece that it is given, so that a long one sent byte by byte costs the square of
 * its length. Its own remedy (reparse deferral) can hold back a stanza that is complete, until the
 * peer happens to send more. This holds back only what cannot complete the tag.
 */
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum token_state {
	TOKEN_NONE, /* nothing is half read, or something short that needs no care */
	TOKEN_LESS, /* '<' so far */
	TOKEN_BANG, /* "<!" */
	TOKEN_BANG_DASH,
	TOKEN_TAG,    /* in a tag, outside quotes */
	TOKEN_SINGLE, /* in a tag, in '...' */
	TOKEN_DOUBLE, /* in a tag, in "..." */
	TOKEN_ENTITY, /* '&' and a name */
	TOKEN_INSTRUCTION,
	TOKEN_INSTRUCTION_MARK, /* '?' in it */
	TOKEN_COMMENT,
	TOKEN_COMMENT_DASH, /* '-' in it */
};

struct token {
	enum token_state state;
	size_t length; /* bytes of it seen */
};

/* Begins with the first byte of what is half read. */
void token_start(struct token *token);

/* Goes over more bytes of it. Whether they may complete it, so that expat must see them. */
bool token_scan(struct token *token, const char *bytes, size_t length);

#endif
