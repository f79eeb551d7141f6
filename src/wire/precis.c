/* SPDX-License-Identifier: ISC */
/* precis.c: the PRECIS profiles of addresses, over libunistring's Unicode tables. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/alloc.h"
#include "wire/precis.h"
#include "wire/precis_class.h"

#define PART_MAX (PRECIS_SIZE - 1)

/*
 * RFC 8264 §7: rules are applied again until nothing changes; what still moves after three more
 * rounds is refused.
 */
#define ROUNDS 4

/* A string of code points on its way through a profile; length is always <= PART_MAX. */
struct text32 {
	uint32_t at[PRECIS_SIZE];
	size_t length;
};

/* Takes over what a function of libunistring made, which it allocated. */
static int
text_take(struct text32 *text, uint32_t *made, size_t length)
{
	xcheck(made != NULL);
	if (length <= PART_MAX) {
		memcpy(text->at, made, length * sizeof(made[0]));
		text->length = length;
	}
	free(made);
	return length <= PART_MAX ? 0 : -ENAMETOOLONG;
}

/* RFC 8265 §3.3.2 rule 1: fullwidth and halfwidth characters become their plain forms. */
static void
map_width(struct text32 *text)
{
	ucs4_t plain[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;

	for (size_t i = 0; i < text->length; i++)
		if (text->at[i] >= 0xff00 && uc_decomposition(text->at[i], &tag, plain) == 1 &&
		    (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
			text->at[i] = plain[0];
}

/* RFC 8265 §4.2.2 rule 2: every space is the ASCII space. */
static void
map_spaces(struct text32 *text)
{
	for (size_t i = 0; i < text->length; i++)
		if (uc_is_general_category(text->at[i], UC_SPACE_SEPARATOR))
			text->at[i] = ' ';
}

static int
map_case(struct text32 *text)
{
	size_t n = 0;
	uint32_t *lower = u32_tolower(text->at, text->length, NULL, NULL, NULL, &n);

	return text_take(text, lower, n);
}

static int
normalize(struct text32 *text)
{
	size_t n = 0;
	uint32_t *nfc = u32_normalize(UNINORM_NFC, text->at, text->length, NULL, &n);

	return text_take(text, nfc, n);
}

static int
round_identifier(struct text32 *text)
{
	int error;

	map_width(text);
	error = map_case(text);
	return error != 0 ? error : normalize(text);
}

static int
round_opaque(struct text32 *text)
{
	map_spaces(text);
	return normalize(text);
}

static int
settle(struct text32 *text, int (*apply)(struct text32 *text))
{
	struct text32 before;

	for (int i = 0; i < ROUNDS; i++) {
		int error;

		before = *text;
		error = apply(text);
		if (error != 0)
			return error;
		if (u32_cmp2(before.at, before.length, text->at, text->length) == 0)
			return 0;
	}
	return -EINVAL;
}

static int
decode(struct text32 *text, const char *from, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)from;

	text->length = 0;
	if (length > PART_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < length;) {
		int n = u8_mbtoucr(&text->at[text->length], bytes + i, length - i);

		if (n <= 0 || text->at[text->length] == 0)
			return -EINVAL;
		text->length++;
		i += n;
	}
	return text->length > 0 ? 0 : -EINVAL;
}

static int
encode(const struct text32 *text, char *out)
{
	size_t at = 0;

	for (size_t i = 0; i < text->length; i++) {
		int n = u8_uctomb((uint8_t *)out + at, text->at[i], PART_MAX - at);

		if (n <= 0)
			return -ENAMETOOLONG;
		at += n;
	}
	out[at] = '\0';
	return at > 0 ? 0 : -EINVAL;
}

static int
enforce(const char *from, size_t length, char *out, int (*apply)(struct text32 *text),
	bool (*allows)(const uint32_t *text, size_t length))
{
	struct text32 text;
	int error = decode(&text, from, length);

	if (error == 0)
		error = settle(&text, apply);
	if (error != 0)
		return error;
	return allows == NULL || allows(text.at, text.length) ? encode(&text, out) : -EINVAL;
}

int
precis_username(const char *text, size_t length, char *out)
{
	return enforce(text, length, out, round_identifier, class_allows_username);
}

int
precis_map_username(const char *text, size_t length, char *out)
{
	return enforce(text, length, out, round_identifier, NULL);
}

int
precis_opaque(const char *text, size_t length, char *out)
{
	return enforce(text, length, out, round_opaque, class_allows_opaque);
}

int
precis_domain(const char *text, size_t length, char *out)
{
	return enforce(text, length, out, round_identifier, class_allows_domain);
}
