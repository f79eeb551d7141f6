/* SPDX-License-Identifier: ISC */
/* pairing_name.c: names and texts that strangers choose, before people read them. */
#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "pairing_impl.h"

#define LOOKED_AT 4096 /* bytes of a text, whatever of it is left out */

/* Format characters (Cf) turn lines around, hide or join; others of these are nothing to read. */
#define UNWANTED                                                                                   \
	(UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Co | UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Cn)
#define BLANK (UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Z)

static bool
is_of(ucs4_t c, uint32_t mask)
{
	return uc_is_general_category_withtable(c, mask);
}

void
pair_clean(const char *text, size_t max, char *out, size_t size)
{
	const uint8_t *in = (const uint8_t *)(text == NULL ? "" : text);
	size_t left = strnlen((const char *)in, LOOKED_AT), used = 0, count = 0;
	bool gap = false;

	while (left > 0 && count < max) {
		ucs4_t c;
		int n = u8_mbtouc(&c, in, left), wrote;

		in += n;
		left -= n;
		if (is_of(c, BLANK))
			gap = used > 0;
		if (is_of(c, BLANK | UNWANTED) || c == 0xfffd)
			continue;
		if (gap && used + 1 < size) {
			out[used++] = ' ';
			count++;
		}
		gap = false;
		if (count == max)
			break;
		wrote = u8_uctomb((uint8_t *)out + used, c, size - 1 - used);
		if (wrote < 0)
			break;
		used += wrote;
		count++;
	}
	while (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
}

/* ".local" tells nobody anything. */
static size_t
shown_length(const char *address)
{
	size_t length = strlen(address);

	if (length > 6 && strcmp(address + length - 6, ".local") == 0)
		length -= 6;
	return length;
}

/*
 * The name that the visitor gives itself is left out: it could read like other digits. The address
 * is what its owner knows the device by.
 */
void
pair_screen_line(const char *peer, const char *code, char *out, size_t size)
{
	char address[EAR_JID_SIZE], shown[4 * PAIRING_SHOWN_MAX + 1];

	snprintf(address, sizeof(address), "%.*s", (int)shown_length(peer), peer);
	pair_clean(address, PAIRING_SHOWN_MAX, shown, sizeof(shown));
	snprintf(out, size, "Earshot: %s wants to pair: %.3s %.3s", shown, code, code + 3);
}
