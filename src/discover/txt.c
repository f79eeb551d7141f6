/* SPDX-License-Identifier: ISC */
/* txt.c: the TXT record of XEP-0174 §4: which keys there are, what their values may be, their
 * order.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <unistr.h>

#include "base/alloc.h"
#include "discover/txt.h"

enum txt_kind { TXT_TEXT, TXT_STATUS, TXT_PORT };

struct txt_field {
	const char *key;
	enum txt_kind kind;
	bool personal; /* XEP-0174 §13.3: published only where publish names it */
	size_t offset, size;
};

#define FIELD(key, kind, personal, member)                                                         \
	{                                                                                          \
		key, kind, personal, offsetof(struct txt, member),                                 \
			sizeof(((struct txt *)0)->member)                                          \
	}

/* In the order of the record, which is that of XEP-0174 §3; txtvers goes before them all. */
static const struct txt_field fields[] = {
	FIELD("1st", TXT_TEXT, true, first),       FIELD("email", TXT_TEXT, true, email),
	FIELD("hash", TXT_TEXT, false, hash),      FIELD("hint", TXT_TEXT, false, hint),
	FIELD("jid", TXT_TEXT, true, jid),         FIELD("last", TXT_TEXT, true, last),
	FIELD("msg", TXT_TEXT, true, msg),         FIELD("nick", TXT_TEXT, true, nick),
	FIELD("node", TXT_TEXT, false, node),      FIELD("phsh", TXT_TEXT, true, phsh),
	FIELD("port.p2pj", TXT_PORT, false, port), FIELD("status", TXT_STATUS, false, status),
	FIELD("vc", TXT_TEXT, false, vc),          FIELD("ver", TXT_TEXT, false, ver),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static const char *const statuses[] = { "avail", "away", "dnd" };

static const struct txt_field *
field_find(const uint8_t *key, size_t length)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (strlen(fields[i].key) == length &&
		    strncasecmp(fields[i].key, (const char *)key, length) == 0)
			return &fields[i];
	return NULL;
}

/* Valid UTF-8 without C0, C1, DEL, and without the line separators that a terminal may obey. */
static bool
is_text(const uint8_t *value, size_t length)
{
	ucs4_t c;
	int step;

	if (u8_check(value, length) != NULL)
		return false;
	for (size_t i = 0; i < length; i += step) {
		step = u8_mbtouc(&c, value + i, length - i);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
			return false;
	}
	return true;
}

static void
read_text(const struct txt_field *field, const uint8_t *value, size_t length, struct txt *out)
{
	char *slot = (char *)out + field->offset;

	if (length >= field->size || !is_text(value, length))
		return;
	memcpy(slot, value, length);
	slot[length] = '\0';
}

/* Peers write it in any case; what is none of the three says nothing. */
static void
read_status(const uint8_t *value, size_t length, struct txt *out)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strlen(statuses[i]) == length &&
		    strncasecmp(statuses[i], (const char *)value, length) == 0)
			copy_text(out->status, sizeof(out->status), statuses[i]);
}

static void
read_port(const uint8_t *value, size_t length, struct txt *out)
{
	unsigned port = 0;

	if (length == 0 || length > 5)
		return;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return;
		port = port * 10 + (value[i] - '0');
	}
	if (port <= 65535)
		out->port = port;
}

/* One string of the record; seen has a bit for each field that already had its turn. */
static void
read_string(const uint8_t *string, size_t length, unsigned *seen, struct txt *out)
{
	const uint8_t *equals = memchr(string, '=', length);
	const struct txt_field *field;
	size_t key = equals == NULL ? length : (size_t)(equals - string);
	unsigned bit;

	field = field_find(string, key);
	if (field == NULL)
		return;
	bit = 1U << (field - fields);
	/* RFC 6763 §6.4: the first counts, also when it is worthless. */
	if ((*seen & bit) != 0)
		return;
	*seen |= bit;
	if (equals == NULL)
		return;
	switch (field->kind) {
	case TXT_TEXT:
		read_text(field, equals + 1, length - key - 1, out);
		break;
	case TXT_STATUS:
		read_status(equals + 1, length - key - 1, out);
		break;
	case TXT_PORT:
		read_port(equals + 1, length - key - 1, out);
		break;
	}
}

int
txt_decode(const uint8_t *wire, size_t length, struct txt *out)
{
	size_t end = length > TXT_MAX ? TXT_MAX : length;
	unsigned seen = 0;
	size_t keys = 0;

	memset(out, 0, sizeof(*out));
	for (size_t at = 0, size; at < end; at += size) {
		size = wire[at++];
		if (size > length - at)
			return -EBADMSG;
		if (size > end - at || (size > 0 && ++keys > TXT_KEYS_MAX))
			return -EMSGSIZE;
		read_string(wire + at, size, &seen, out);
	}
	return length > TXT_MAX ? -EMSGSIZE : 0;
}

/* Whether the comma-separated list has the word. */
static bool
list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; *at != '\0';) {
		size_t skip = strspn(at, ", \t");
		size_t size = strcspn(at + skip, ", \t");

		if (size == length && strncasecmp(at + skip, word, length) == 0)
			return true;
		at += skip + size;
	}
	return false;
}

/* The value as text; "" where there is none. */
static const char *
field_value(const struct txt_field *field, const struct txt *txt, char *number, size_t size)
{
	unsigned port;

	if (field->kind != TXT_PORT)
		return (const char *)txt + field->offset;
	memcpy(&port, (const char *)txt + field->offset, sizeof(port));
	if (port == 0)
		return "";
	snprintf(number, size, "%u", port);
	return number;
}

/* Appends "key=value"; the length of the record afterwards, or -EMSGSIZE. */
static int
write_string(const char *key, const char *value, uint8_t *wire, size_t at, size_t size)
{
	size_t key_length = strlen(key), value_length = strlen(value);
	size_t length = key_length + 1 + value_length;

	if (length > TXT_STRING_MAX || at + 1 + length > size || at + 1 + length > TXT_MAX)
		return -EMSGSIZE;
	wire[at++] = (uint8_t)length;
	memcpy(wire + at, key, key_length);
	wire[at + key_length] = '=';
	memcpy(wire + at + key_length + 1, value, value_length);
	return (int)(at + length);
}

int
txt_encode(const struct txt *txt, const char *publish, uint8_t *wire, size_t size)
{
	char number[16];
	int at = write_string("txtvers", "1", wire, 0, size);

	for (size_t i = 0; i < FIELD_COUNT && at >= 0; i++) {
		const char *value = field_value(&fields[i], txt, number, sizeof(number));

		if (*value == '\0' || (fields[i].personal && !list_has(publish, fields[i].key)))
			continue;
		at = write_string(fields[i].key, value, wire, at, size);
	}
	return at;
}
