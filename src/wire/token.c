/* SPDX-License-Identifier: ISC */
/* token.c: where a half read tag ends, one byte at a time. */
#include <ctype.h>
#include <string.h>

#include "wire/token.h"

static enum token_state
first(char c)
{
	switch (c) {
	case '<':
		return TOKEN_LESS;
	case '&':
		return TOKEN_ENTITY;
	default:
		return TOKEN_NONE;
	}
}

static enum token_state
in_tag(char c)
{
	switch (c) {
	case '>':
		return TOKEN_NONE;
	case '\'':
		return TOKEN_SINGLE;
	case '"':
		return TOKEN_DOUBLE;
	default:
		return TOKEN_TAG;
	}
}

static enum token_state
behind_less(char c)
{
	switch (c) {
	case '!':
		return TOKEN_BANG;
	case '?':
		return TOKEN_INSTRUCTION;
	default:
		return in_tag(c);
	}
}

/* What may be in a name, roughly: anything else ends it, rightly or not. */
static bool
is_name(char c)
{
	return (c & 0x80) != 0 || isalnum((unsigned char)c) || (c != '\0' && strchr("#_-.:", c));
}

static enum token_state
step(enum token_state state, char c)
{
	switch (state) {
	case TOKEN_LESS:
		return behind_less(c);
	case TOKEN_BANG:
		return c == '-' ? TOKEN_BANG_DASH : TOKEN_NONE;
	case TOKEN_BANG_DASH:
		return c == '-' ? TOKEN_COMMENT : TOKEN_NONE;
	case TOKEN_TAG:
		return in_tag(c);
	case TOKEN_SINGLE:
		return c == '\'' ? TOKEN_TAG : TOKEN_SINGLE;
	case TOKEN_DOUBLE:
		return c == '"' ? TOKEN_TAG : TOKEN_DOUBLE;
	case TOKEN_ENTITY:
		return is_name(c) ? TOKEN_ENTITY : TOKEN_NONE;
	case TOKEN_INSTRUCTION:
		return c == '?' ? TOKEN_INSTRUCTION_MARK : TOKEN_INSTRUCTION;
	case TOKEN_INSTRUCTION_MARK:
		return c == '>'   ? TOKEN_NONE
		       : c == '?' ? TOKEN_INSTRUCTION_MARK
				  : TOKEN_INSTRUCTION;
	case TOKEN_COMMENT:
		return c == '-' ? TOKEN_COMMENT_DASH : TOKEN_COMMENT;
	case TOKEN_COMMENT_DASH:
		/* Two dashes end a comment, or are an error. */
		return c == '-' ? TOKEN_NONE : TOKEN_COMMENT;
	case TOKEN_NONE:
		break;
	}
	return TOKEN_NONE;
}

void
token_start(struct token *token)
{
	*token = (struct token){ .state = TOKEN_NONE };
}

bool
token_scan(struct token *token, const char *bytes, size_t length)
{
	enum token_state state = token->state;

	for (size_t i = 0; i < length; i++) {
		state = token->length + i == 0 ? first(bytes[i]) : step(state, bytes[i]);
		if (state == TOKEN_NONE)
			break;
	}
	token->state = state;
	token->length += length;
	return state == TOKEN_NONE;
}
