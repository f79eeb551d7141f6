/* SPDX-License-Identifier: ISC */
/* seen_digest.h: senders and ids as digests: under the secret of the file, each sender apart. */
#ifndef STORE_SEEN_DIGEST_H
#define STORE_SEEN_DIGEST_H

#include "store/seen_impl.h"

/* A sender: what it is called in the file, and the key of its ids. */
struct seen_who {
	unsigned char name[SEEN_NAME];
	uint64_t key[2];
};

void seen_digest_who(const unsigned char secret[SEEN_KEY], const char *sender,
		     struct seen_who *who);

/* SipHash-2-4; never SEEN_EMPTY nor SEEN_GONE. */
uint64_t seen_digest_id(const struct seen_who *who, const char *id, size_t length);

#endif
