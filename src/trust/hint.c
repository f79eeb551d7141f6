/* SPDX-License-Identifier: ISC */
/* hint.c: salt and truncated HMAC of a fingerprint, for those who know it already. */
#include <openssl/crypto.h>
#include <string.h>

#include "trust/hint.h"
#include "trust/octets.h"

/*
 * hint = base64url(salt) || "." || base64url(the first 12 octets of
 *	HMAC-SHA-256(key: salt, "earshot-hint-0" || 00 || fingerprint))
 *
 * salt: 12 random octets, fresh at each start; fingerprint: the 32 octets of SHA-256 of the DER
 * SubjectPublicKeyInfo; 00: one zero octet; base64url without padding (RFC 4648 §5): 33 characters.
 * Who does not know the key cannot tell two starts of one device from two devices. A hint proves
 * nothing: anybody may repeat it; it says whom it is worth dialling, and TLS says who answers.
 */
#define SALT_BYTES 12
#define MAC_BYTES  12
#define TEXT_BYTES 16 /* of each of them */

static const unsigned char label[] = "earshot-hint-0"; /* its NUL is the zero octet */

static void
make_mac(const unsigned char salt[SALT_BYTES], const struct ear_key *key,
	 unsigned char out[OCTETS_HASH])
{
	unsigned char input[sizeof(label) + EAR_KEY_BYTES];

	memcpy(input, label, sizeof(label));
	memcpy(input + sizeof(label), key->sha256, EAR_KEY_BYTES);
	octets_hmac(salt, SALT_BYTES, input, sizeof(input), out);
}

void
hint_make(const struct ear_key *key, char out[HINT_SIZE])
{
	unsigned char salt[SALT_BYTES], mac[OCTETS_HASH];

	octets_random(salt, sizeof(salt));
	make_mac(salt, key, mac);
	octets_base64url(salt, SALT_BYTES, out);
	out[TEXT_BYTES] = '.';
	octets_base64url(mac, MAC_BYTES, out + TEXT_BYTES + 1);
}

bool
hint_fits(const char *hint, const struct ear_key *key)
{
	unsigned char salt[SALT_BYTES], theirs[MAC_BYTES], mac[OCTETS_HASH];
	char first[TEXT_BYTES + 1];

	if (strnlen(hint, HINT_SIZE) != 2 * TEXT_BYTES + 1 || hint[TEXT_BYTES] != '.')
		return false;
	memcpy(first, hint, TEXT_BYTES);
	first[TEXT_BYTES] = '\0';
	if (octets_from_base64url(first, salt, sizeof(salt)) != 0 ||
	    octets_from_base64url(hint + TEXT_BYTES + 1, theirs, sizeof(theirs)) != 0)
		return false;
	make_mac(salt, key, mac);
	return CRYPTO_memcmp(mac, theirs, sizeof(theirs)) == 0;
}
