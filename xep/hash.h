/* SPDX-License-Identifier: ISC */
/* hash.h: FNV-1a of 64 bits: to find things by, of which there is a cap, and to make ids of. */
#ifndef XEP_HASH_H
#define XEP_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_BEGIN UINT64_C(14695981039346656037)

/* Goes on with a hash that was begun. */
static inline uint64_t
hash_bytes(uint64_t sum, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ at[i]) * UINT64_C(1099511628211);
	return sum;
}

/* With its end, so that what follows begins anew; NULL is none. */
static inline uint64_t
hash_text(uint64_t sum, const char *text)
{
	return text == NULL ? hash_bytes(sum, "\1", 1) : hash_bytes(sum, text, strlen(text) + 1);
}

#endif
