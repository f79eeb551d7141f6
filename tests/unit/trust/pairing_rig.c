/* SPDX-License-Identifier: ISC */
/* pairing_rig.c: both ends of a pairing, and what a stranger would compute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/trust/pairing_rig.h"

const struct ear_key key_i = { { 1 } }, key_r = { { 2 } }, key_m = { { 3 } };
const unsigned char exporter[PAIRING_EXPORTER_BYTES] = { 4 };
const unsigned char exporter2[PAIRING_EXPORTER_BYTES] = { 5 };

int
rig_new(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->i = pairing_new(true, &key_i, &key_r, exporter);
	rig->r = pairing_new(false, &key_i, &key_r, exporter);
	*state = rig;
	return 0;
}

int
rig_free(void **state)
{
	struct rig *rig = *state;

	pairing_free(rig->i);
	pairing_free(rig->r);
	free(rig);
	return 0;
}

/* Up to the digits on the responder's screen. */
void
rig_to_code(struct rig *rig)
{
	assert_int_equal(pairing_commit(rig->r, rig->commit), 0);
	assert_int_equal(pairing_take_commit(rig->i, rig->commit), 0);
	assert_int_equal(pairing_nonce(rig->i, rig->nonce_i), 0);
	assert_int_equal(pairing_code(rig->r, rig->nonce_i, rig->code), 0);
}

void
rig_to_nonce(struct rig *rig, const char *typed)
{
	rig_to_code(rig);
	assert_int_equal(pairing_proof(rig->i, typed != NULL ? typed : rig->code, rig->proof), 0);
	assert_int_equal(pairing_take_proof(rig->r, rig->proof), 0);
	assert_int_equal(pairing_nonce(rig->r, rig->nonce_r), 0);
}

void
rig_run(struct rig *rig)
{
	rig_to_nonce(rig, NULL);
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), 0);
	assert_int_equal(pairing_take_salt(rig->r, rig->salt), 0);
}

/* --- a second implementation, from the comment in pairing.c --------------------------------- */

size_t
rig_append(unsigned char *out, size_t n, const void *more, size_t count)
{
	memcpy(out + n, more, count);
	return n + count;
}

/* hash(step, a || b); texts in base64, or digits where they are six. */
void
rig_hash(const char *step, const unsigned char *session, const char *a, const char *b,
	 unsigned char out[32])
{
	unsigned char input[512], octets[48];
	const char *const parts[] = { a, b };
	size_t n = rig_append(input, 0, "earshot-pairing-0 ", 18);

	n = rig_append(input, n, step, strlen(step) + 1);
	n = rig_append(input, n, session, 96);
	for (int i = 0; i < 2; i++) {
		if (parts[i] == NULL)
			continue;
		if (strlen(parts[i]) == 6) {
			n = rig_append(input, n, parts[i], 6);
			continue;
		}
		EVP_DecodeBlock(octets, (const unsigned char *)parts[i], 44);
		n = rig_append(input, n, octets, 32);
	}
	EVP_Digest(input, n, out, NULL, EVP_sha256(), NULL);
}

void
rig_session(const unsigned char *e, const struct ear_key *i, const struct ear_key *r,
	    unsigned char out[96])
{
	memcpy(out, e, 32);
	memcpy(out + 32, i->sha256, 32);
	memcpy(out + 64, r->sha256, 32);
}

/* Long division by hand, as a number of 256 bits is read. */
void
rig_digits(const unsigned char hash[32], char out[7])
{
	unsigned long long rest = 0;

	for (int i = 0; i < 32; i += 4) {
		unsigned long long word = (unsigned long long)hash[i] << 24 | hash[i + 1] << 16 |
					  hash[i + 2] << 8 | hash[i + 3];

		rest = (rest << 32 | word) % 1000000;
	}
	snprintf(out, 7, "%06llu", rest);
}

void
rig_expect(const unsigned char hash[32], const char *text)
{
	char want[64];

	EVP_EncodeBlock((unsigned char *)want, hash, 32);
	assert_string_equal(want, text);
}

void
rig_text(unsigned number, char out[64])
{
	unsigned char octets[32] = { 0 };

	memcpy(octets, &number, sizeof(number));
	EVP_EncodeBlock((unsigned char *)out, octets, 32);
}
