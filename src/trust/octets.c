/* SPDX-License-Identifier: ISC */
/* octets.c: randomness, SHA-256 and base64 of OpenSSL, in the only form that trust needs. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "trust/octets.h"

#define TEXT_SIZE (OCTETS_MAX / 3 * 4 + 1)

void
octets_must(bool done, const char *what)
{
	if (done)
		return;
	ear_error("no %s from OpenSSL", what);
	abort();
}

void
octets_random(unsigned char *out, size_t count)
{
	octets_must(RAND_bytes(out, (int)count) == 1, "randomness");
}

void
octets_sha256(const unsigned char *data, size_t count, unsigned char out[OCTETS_HASH])
{
	octets_must(EVP_Digest(data, count, out, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
}

void
octets_hmac(const unsigned char *key, size_t key_count, const unsigned char *data, size_t count,
	    unsigned char out[OCTETS_HASH])
{
	size_t length = 0;

	octets_must(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_count, data, count, out,
			      OCTETS_HASH, &length) != NULL &&
			    length == OCTETS_HASH,
		    "HMAC");
}

void
octets_base64(const unsigned char *octets, size_t count, char *out)
{
	EVP_EncodeBlock((unsigned char *)out, octets, (int)count);
}

/* What EVP_DecodeBlock lets pass (blanks, stray bits, padding anywhere) does not come out again
 * when it is written anew. */
int
octets_from_base64(const char *text, unsigned char *out, size_t count)
{
	unsigned char octets[OCTETS_MAX + 3];
	char again[TEXT_SIZE];
	size_t length = (count + 2) / 3 * 4;
	int error = -EBADMSG;

	if (count > OCTETS_MAX || strnlen(text, length + 1) != length)
		return -EBADMSG;
	if (EVP_DecodeBlock(octets, (const unsigned char *)text, (int)length) >= 0) {
		octets_base64(octets, count, again);
		if (memcmp(text, again, length) == 0) {
			memcpy(out, octets, count);
			error = 0;
		}
	}
	OPENSSL_cleanse(octets, sizeof(octets));
	OPENSSL_cleanse(again, sizeof(again));
	return error;
}

static void
translate(char *text, const char *from, const char *to)
{
	for (; *text != '\0'; text++)
		for (int i = 0; i < 2; i++)
			if (*text == from[i]) {
				*text = to[i];
				break;
			}
}

void
octets_base64url(const unsigned char *octets, size_t count, char *out)
{
	octets_base64(octets, count, out);
	translate(out, "+/", "-_");
	out[strcspn(out, "=")] = '\0';
}

int
octets_from_base64url(const char *text, unsigned char *out, size_t count)
{
	char padded[TEXT_SIZE];
	size_t length = (count * 4 + 2) / 3, whole = (count + 2) / 3 * 4;
	int error;

	if (count > OCTETS_MAX || strnlen(text, length + 1) != length || strpbrk(text, "+/="))
		return -EBADMSG;
	memcpy(padded, text, length);
	memset(padded + length, '=', whole - length);
	padded[whole] = '\0';
	translate(padded, "-_", "+/");
	error = octets_from_base64(padded, out, count);
	OPENSSL_cleanse(padded, sizeof(padded));
	return error;
}
