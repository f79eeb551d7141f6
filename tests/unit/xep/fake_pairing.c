/* SPDX-License-Identifier: ISC */
/* fake_pairing.c: what <earshot/trust.h> says of pairing, over src/trust/pairing.c without a
 * stream. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "fake_ear.h"
#include "fake_pairing.h"
#include "trust/pairing.h"

struct fake_pairing fake_pairing;

struct ear_pairing {
	struct pairing *pairing;
};

struct ear_pairing *
ear_pairing_new(struct ear *ear, const char *address, bool initiator, int *error)
{
	struct fake_pairing *fake = &fake_pairing;
	struct ear_pairing *made;

	fake->news++;
	snprintf(fake->address, sizeof(fake->address), "%s", address);
	*error = fake->error;
	if (fake->error != 0)
		return NULL;
	made = xalloc(sizeof(*made));
	made->pairing = pairing_new(initiator, initiator ? ear_own_key(ear) : &fake->other,
				    initiator ? &fake->other : ear_own_key(ear), fake->exporter);
	fake->alive++;
	return made;
}

void
ear_pairing_free(struct ear_pairing *pairing)
{
	if (pairing == NULL)
		return;
	pairing_free(pairing->pairing);
	free(pairing);
	fake_pairing.alive--;
}

const struct ear_key *
ear_pairing_key(const struct ear_pairing *pairing)
{
	return &fake_pairing.other;
}

bool
ear_pairing_is_alive(const struct ear_pairing *pairing)
{
	return !fake_pairing.cut;
}

int
ear_pairing_commit(struct ear_pairing *pairing, char out[EAR_PAIRING_TEXT])
{
	return fake_pairing.cut ? -ENOTCONN : pairing_commit(pairing->pairing, out);
}

int
ear_pairing_take_commit(struct ear_pairing *pairing, const char *commit)
{
	return fake_pairing.cut ? -ENOTCONN : pairing_take_commit(pairing->pairing, commit);
}

int
ear_pairing_nonce(struct ear_pairing *pairing, char out[EAR_PAIRING_TEXT])
{
	return fake_pairing.cut ? -ENOTCONN : pairing_nonce(pairing->pairing, out);
}

int
ear_pairing_code(struct ear_pairing *pairing, const char *nonce, char out[EAR_CODE_SIZE])
{
	return fake_pairing.cut ? -ENOTCONN : pairing_code(pairing->pairing, nonce, out);
}

int
ear_pairing_proof(struct ear_pairing *pairing, const char *code, char out[EAR_PAIRING_TEXT])
{
	return fake_pairing.cut ? -ENOTCONN : pairing_proof(pairing->pairing, code, out);
}

int
ear_pairing_take_proof(struct ear_pairing *pairing, const char *proof)
{
	return fake_pairing.cut ? -ENOTCONN : pairing_take_proof(pairing->pairing, proof);
}

int
ear_pairing_take_nonce(struct ear_pairing *pairing, const char *nonce, char out[EAR_PAIRING_TEXT])
{
	return fake_pairing.cut ? -ENOTCONN : pairing_take_nonce(pairing->pairing, nonce, out);
}

int
ear_pairing_take_salt(struct ear_pairing *pairing, const char *salt)
{
	return fake_pairing.cut ? -ENOTCONN : pairing_take_salt(pairing->pairing, salt);
}

int
ear_pairing_token_proof(struct ear_pairing *pairing, const struct ear_key *key, const char *token,
			char out[EAR_PAIRING_TEXT])
{
	return fake_pairing.cut ? -ENOTCONN
				: pairing_token_proof(pairing->pairing, key, token, out);
}

int
ear_pairing_take_token(struct ear_pairing *pairing, const char *token, const char *proof)
{
	return fake_pairing.cut ? -ENOTCONN : pairing_take_token(pairing->pairing, token, proof);
}

int
ear_pairing_done(struct ear_pairing *pairing, const char *name)
{
	if (fake_pairing.cut)
		return -ENOTCONN;
	if (!pairing_is_done(pairing->pairing))
		return -EACCES;
	if (fake_pairing.done_error != 0)
		return fake_pairing.done_error;
	fake_pairing.dones++;
	snprintf(fake_pairing.name, sizeof(fake_pairing.name), "%s", name);
	return 0;
}
