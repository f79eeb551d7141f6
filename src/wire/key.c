/* SPDX-License-Identifier: ISC */
/* key.c: fingerprints as text, and what those who vouch for them are called. */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include <earshot/trust.h>

#include "base/hex.h"

void
ear_key_format(const struct ear_key *key, char out[EAR_KEY_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < EAR_KEY_BYTES; i++) {
		*out++ = digits[key->sha256[i] >> 4];
		*out++ = digits[key->sha256[i] & 15];
	}
	*out = '\0';
}

int
ear_key_parse(const char *text, struct ear_key *key)
{
	struct ear_key read = { { 0 } };
	int digit;

	for (size_t i = 0; i < 2 * EAR_KEY_BYTES; i++) {
		if (i > 0)
			text += strspn(text, " \t:");
		digit = hex_digit(*text++);
		if (digit < 0)
			return -EINVAL;
		read.sha256[i / 2] =
			(unsigned char)(i % 2 == 0 ? digit << 4 : read.sha256[i / 2] | digit);
	}
	if (*text != '\0')
		return -EINVAL;
	*key = read;
	return 0;
}

bool
ear_key_equal(const struct ear_key *a, const struct ear_key *b)
{
	return CRYPTO_memcmp(a->sha256, b->sha256, EAR_KEY_BYTES) == 0;
}

const char *
ear_voucher_name(enum ear_voucher voucher)
{
	switch (voucher) {
	case EAR_BY_NOBODY:
		return "nobody";
	case EAR_BY_SERVER:
		return "server";
	case EAR_BY_PAIRING:
		return "pairing";
	case EAR_BY_USER:
		return "user";
	}
	return "?";
}
