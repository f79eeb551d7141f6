/* SPDX-License-Identifier: ISC */
/* ids.c: ids in stock. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "wire/ids.h"

#define RANDOM_BYTES (IDS_STOCK * IDS_BYTES / 4 * 3) /* base64 makes four of three */

static void
refill(struct ids *ids)
{
	unsigned char random[RANDOM_BYTES];

	if (RAND_bytes(random, sizeof(random)) != 1) {
		ear_error("no randomness from OpenSSL");
		abort();
	}
	EVP_EncodeBlock((unsigned char *)ids->text, random, sizeof(random));
	ids->left = IDS_STOCK;
}

void
ids_take(struct ids *ids, char *out)
{
	char *id;

	if (ids->left == 0)
		refill(ids);
	id = ids->text + (size_t)--ids->left * IDS_BYTES;
	memcpy(out, id, IDS_BYTES);
	out[IDS_BYTES] = '\0';
}
