/* SPDX-License-Identifier: ISC */
/*
 * pairing_rig.h: both ends of a pairing for the tests, and a second implementation of its hashes,
 * made from the comment in pairing.c.
 */
#ifndef TESTS_PAIRING_RIG_H
#define TESTS_PAIRING_RIG_H

#include <stddef.h>

#include "trust/pairing.h"

/* Initiator, responder, and somebody else; two TLS sessions. */
extern const struct ear_key key_i, key_r, key_m;
extern const unsigned char exporter[PAIRING_EXPORTER_BYTES], exporter2[PAIRING_EXPORTER_BYTES];

struct rig {
	struct pairing *i, *r;
	char commit[EAR_PAIRING_TEXT], nonce_i[EAR_PAIRING_TEXT], proof[EAR_PAIRING_TEXT];
	char nonce_r[EAR_PAIRING_TEXT], salt[EAR_PAIRING_TEXT], code[EAR_CODE_SIZE];
};

/* For cmocka: *state is a struct rig with both ends. */
int rig_new(void **state);
int rig_free(void **state);

/* Runs up to the digits on the responder's screen; up to its nonce, digits NULL: the right ones; to
 * the end. */
void rig_to_code(struct rig *rig);
void rig_to_nonce(struct rig *rig, const char *typed);
void rig_run(struct rig *rig);

/* Puts more at out + n; returns the new length. */
size_t rig_append(unsigned char *out, size_t n, const void *more, size_t count);
/* E, KI and KR. */
void rig_session(const unsigned char *e, const struct ear_key *i, const struct ear_key *r,
		 unsigned char out[96]);
/* hash(step, a || b); each is base64 of 32 octets, or six digits, or NULL. */
void rig_hash(const char *step, const unsigned char *session, const char *a, const char *b,
	      unsigned char out[32]);
void rig_digits(const unsigned char hash[32], char out[7]);
/* That the text is the base64 of these octets. */
void rig_expect(const unsigned char hash[32], const char *text);
/* The base64 of 32 octets that begin with the number. */
void rig_text(unsigned number, char out[64]);

#endif
