/* SPDX-License-Identifier: ISC */
/*
 * pairing.h: the arithmetic of pairing, without a network: what <earshot/trust.h> says of each
 * step, over the two keys and the exporter of one TLS session.
 */
#ifndef TRUST_PAIRING_H
#define TRUST_PAIRING_H

#include <earshot/trust.h>

#define PAIRING_EXPORTER_LABEL "EXPORTER-earshot-pairing-0" /* RFC 8446 §7.5 */
#define PAIRING_EXPORTER_BYTES 32

struct pairing;

/* initiator, responder: the keys of both ends, whichever of them we are. Copied. */
struct pairing *pairing_new(bool is_initiator, const struct ear_key *initiator,
			    const struct ear_key *responder,
			    const unsigned char exporter[PAIRING_EXPORTER_BYTES]);
void pairing_free(struct pairing *pairing); /* wipes */

/* Steps: as ear_pairing_* without -ENOTCONN. A step out of order, or of the other role, is -EPROTO.
 */
int pairing_commit(struct pairing *pairing, char out[EAR_PAIRING_TEXT]);
int pairing_take_commit(struct pairing *pairing, const char *commit);
int pairing_nonce(struct pairing *pairing, char out[EAR_PAIRING_TEXT]);
int pairing_code(struct pairing *pairing, const char *nonce, char out[EAR_CODE_SIZE]);
int pairing_proof(struct pairing *pairing, const char *code, char out[EAR_PAIRING_TEXT]);
int pairing_take_proof(struct pairing *pairing, const char *proof);
int pairing_take_nonce(struct pairing *pairing, const char *nonce, char out[EAR_PAIRING_TEXT]);
int pairing_take_salt(struct pairing *pairing, const char *salt);
int pairing_token_proof(struct pairing *pairing, const struct ear_key *key, const char *token,
			char out[EAR_PAIRING_TEXT]);
int pairing_take_token(struct pairing *pairing, const char *token, const char *proof);

/* Whether everything of our side was checked and right. */
bool pairing_is_done(const struct pairing *pairing);

#endif
