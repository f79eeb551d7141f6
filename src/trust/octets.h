/* SPDX-License-Identifier: ISC */
/* octets.h: random octets, hashes of them, and how they are written as text. */
#ifndef TRUST_OCTETS_H
#define TRUST_OCTETS_H

#include <stdbool.h>
#include <stddef.h>

#define OCTETS_HASH 32 /* of SHA-256 and of HMAC-SHA-256 */
#define OCTETS_MAX  48 /* what is written as text here is never longer */

/* Aborts when OpenSSL has not done what only a lack of memory, or a bug of ours, can prevent. */
void octets_must(bool done, const char *what);

/* None to be had aborts: there is no going on without. */
void octets_random(unsigned char *out, size_t count);

void octets_sha256(const unsigned char *data, size_t count, unsigned char out[OCTETS_HASH]);
void octets_hmac(const unsigned char *key, size_t key_count, const unsigned char *data,
		 size_t count, unsigned char out[OCTETS_HASH]);

/* Base64 (RFC 4648 §4): out has room for 4 characters for each 3 octets begun, and a NUL. */
void octets_base64(const unsigned char *octets, size_t count, char *out);

/* Exactly that many octets, written in the one way the function above writes them. -EBADMSG. */
int octets_from_base64(const char *text, unsigned char *out, size_t count);

/* The same in base64url without padding (RFC 4648 §5). */
void octets_base64url(const unsigned char *octets, size_t count, char *out);
int octets_from_base64url(const char *text, unsigned char *out, size_t count);

#endif
