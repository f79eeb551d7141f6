/* SPDX-License-Identifier: ISC */
/* pairing_uri.c: what a QR code carries from one device to the other (RFC 5122). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pairing_impl.h"

/* What comes before the next delimiter, as a view. */
struct piece {
	const char *text;
	size_t length;
};

static struct piece
piece_until(const char **at, const char *delimiters)
{
	struct piece piece = { *at, strcspn(*at, delimiters) };

	*at += piece.length;
	return piece;
}

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits) % 16;
}

/* One character of a URI (RFC 3986 §2.1) and how many bytes of it that was; 0: it is none. */
static size_t
decode_one(const char *in, size_t left, char *out)
{
	*out = *in;
	if (*in != '%')
		return (unsigned char)*in > ' ' && *in != 0x7f ? 1 : 0;
	if (left < 3 || hex(in[1]) < 0 || hex(in[2]) < 0)
		return 0;
	*out = (char)(hex(in[1]) << 4 | hex(in[2]));
	return *out == '\0' ? 0 : 3;
}

/* -EINVAL also when it does not fit: nothing that is wanted here is that long. */
static int
decode(struct piece piece, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0, n; i < piece.length; i += n) {
		if (used + 1 >= size)
			return -EINVAL;
		n = decode_one(piece.text + i, piece.length - i, &out[used++]);
		if (n == 0)
			return -EINVAL;
	}
	out[used] = '\0';
	return 0;
}

static bool
piece_is(struct piece piece, const char *text)
{
	return piece.length == strlen(text) && strncmp(piece.text, text, piece.length) == 0;
}

static int
take_address(struct piece piece, struct pair_uri *uri)
{
	char address[PAIRING_URI_MAX + 1];

	if (decode(piece, address, sizeof(address)) != 0 || ear_jid_resource(address) != NULL ||
	    ear_jid_bare(address, uri->address, sizeof(uri->address)) != 0 ||
	    !ear_jid_is_lan(uri->address) || strchr(uri->address, '@') == NULL)
		return -EINVAL;
	return 0;
}

static bool
is_token(const char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";

	return *text != '\0' && text[strspn(text, alphabet)] == '\0';
}

/* One of ";name=value"; others than ours may come. A second one of ours is no mistake of ours. */
static int
take_pair(struct piece pair, struct pair_uri *uri, bool *has_key)
{
	const char *at = pair.text, *end = pair.text + pair.length;
	struct piece name = { at, 0 };
	char key[2 * EAR_KEY_SIZE];

	while (at < end && *at != '=')
		at++;
	name.length = at - pair.text;
	pair.text = at < end ? at + 1 : end;
	pair.length = end - pair.text;
	if (piece_is(name, "key")) {
		if (*has_key || decode(pair, key, sizeof(key)) != 0 ||
		    ear_key_parse(key, &uri->key) != 0)
			return -EINVAL;
		*has_key = true;
	} else if (piece_is(name, "token")) {
		if (uri->token[0] != '\0' || decode(pair, uri->token, sizeof(uri->token)) != 0 ||
		    !is_token(uri->token))
			return -EINVAL;
	}
	return 0;
}

int
pair_uri_parse(const char *text, struct pair_uri *uri)
{
	bool has_key = false;
	const char *at = text;
	int error;

	memset(uri, 0, sizeof(*uri));
	if (strnlen(text, PAIRING_URI_MAX + 1) > PAIRING_URI_MAX)
		return -EMSGSIZE;
	if (strncasecmp(at, "xmpp:", 5) != 0)
		return -EINVAL;
	at += 5;
	error = take_address(piece_until(&at, "?#"), uri);
	if (error != 0 || *at++ != '?' || !piece_is(piece_until(&at, ";#"), "pair"))
		return -EINVAL;
	while (*at == ';' && error == 0) {
		at++;
		error = take_pair(piece_until(&at, ";#"), uri, &has_key);
	}
	return error != 0 || !has_key || uri->token[0] == '\0' ? -EINVAL : 0;
}

/* RFC 5122 §2.2: what may stand in a node or host as it is. */
static bool
stands_for_itself(char c)
{
	static const char those[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~!$'()*+,=@";

	return strchr(those, c) != NULL;
}

int
pair_uri_format(const char *address, const struct ear_key *key, const char *token, char *out,
		size_t size)
{
	char path[3 * PAIRING_URI_MAX + 1], text[EAR_KEY_SIZE];
	size_t used = 0;
	int length;

	for (; *address != '\0'; address++) {
		if (used + 4 > sizeof(path))
			return -ENOSPC;
		used += snprintf(path + used, sizeof(path) - used,
				 stands_for_itself(*address) ? "%c" : "%%%02X",
				 (unsigned char)*address);
	}
	path[used] = '\0';
	ear_key_format(key, text);
	length = snprintf(out, size, "xmpp:%s?pair;key=%s;token=%s", path, text, token);
	return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}
