/* SPDX-License-Identifier: ISC */
/*
 * hint.h: what a TXT record tells about a device's key to those who know that key, and to nobody
 * else: a salt, and a truncated HMAC-SHA-256 of the fingerprint under it.
 */
#ifndef TRUST_HINT_H
#define TRUST_HINT_H

#include <earshot/trust.h>

#define HINT_SIZE 48 /* "SALT.MAC": 12 and 12 random-looking bytes, base64url without padding */

/* A fresh salt each time. */
void hint_make(const struct ear_key *key, char out[HINT_SIZE]);

/* Whether that hint was made by the device of this key; anything malformed was not. */
bool hint_fits(const char *hint, const struct ear_key *key);

#endif
