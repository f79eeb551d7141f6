/* SPDX-License-Identifier: ISC */
/* pair.c: pairing over the stream that is open to a LAN address: its keys, its exporter, and the
 * pin at the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "trust/identity.h"
#include "trust/pairing.h"

struct ear_pairing {
	struct ear *ear;
	char *address;
	unsigned long long serial;
	struct ear_key key;
	struct pairing *pairing;
};

static struct link *
link_at(struct ear *ear, const char *address)
{
	const struct dest *dest = dest_find(ear, address);

	if (dest == NULL || dest->lan == NULL)
		return NULL;
	return ear->reach->lan_find(ear->reach_arg, dest->lan);
}

struct ear_pairing *
ear_pairing_new(struct ear *ear, const char *address, bool initiator, int *error)
{
	unsigned char exporter[PAIRING_EXPORTER_BYTES];
	struct link *link = link_at(ear, address);
	const struct ear_key *own = ear_own_key(ear);
	struct ear_pairing *pairing;

	*error = -ENOTCONN;
	if (link == NULL || link->state != LINK_UP)
		return NULL;
	*error = link->keyed ? ear->reach->lan_export(ear->reach_arg, link, PAIRING_EXPORTER_LABEL,
						      exporter, sizeof(exporter))
			     : -EACCES;
	if (*error != 0)
		return NULL;
	pairing = xalloc(sizeof(*pairing));
	pairing->ear = ear;
	pairing->address = xstrdup(link->peer);
	pairing->serial = link->serial;
	pairing->key = link->key;
	pairing->pairing = pairing_new(initiator, initiator ? own : &link->key,
				       initiator ? &link->key : own, exporter);
	explicit_bzero(exporter, sizeof(exporter));
	return pairing;
}

void
ear_pairing_free(struct ear_pairing *pairing)
{
	if (pairing == NULL)
		return;
	pairing_free(pairing->pairing);
	free(pairing->address);
	free(pairing);
}

bool
ear_pairing_is_alive(const struct ear_pairing *pairing)
{
	struct ear *ear = pairing->ear;
	const struct link *link = ear->reach->lan_find(ear->reach_arg, pairing->address);

	return link != NULL && link->state == LINK_UP && link->serial == pairing->serial &&
	       link->keyed && ear_key_equal(&link->key, &pairing->key);
}

const struct ear_key *
ear_pairing_key(const struct ear_pairing *pairing)
{
	return &pairing->key;
}

int
ear_pairing_commit(struct ear_pairing *pairing, char out[EAR_PAIRING_TEXT])
{
	return ear_pairing_is_alive(pairing) ? pairing_commit(pairing->pairing, out) : -ENOTCONN;
}

int
ear_pairing_take_commit(struct ear_pairing *pairing, const char *commit)
{
	return ear_pairing_is_alive(pairing) ? pairing_take_commit(pairing->pairing, commit)
					     : -ENOTCONN;
}

int
ear_pairing_nonce(struct ear_pairing *pairing, char out[EAR_PAIRING_TEXT])
{
	return ear_pairing_is_alive(pairing) ? pairing_nonce(pairing->pairing, out) : -ENOTCONN;
}

int
ear_pairing_code(struct ear_pairing *pairing, const char *nonce, char out[EAR_CODE_SIZE])
{
	return ear_pairing_is_alive(pairing) ? pairing_code(pairing->pairing, nonce, out)
					     : -ENOTCONN;
}

int
ear_pairing_proof(struct ear_pairing *pairing, const char *code, char out[EAR_PAIRING_TEXT])
{
	return ear_pairing_is_alive(pairing) ? pairing_proof(pairing->pairing, code, out)
					     : -ENOTCONN;
}

int
ear_pairing_take_proof(struct ear_pairing *pairing, const char *proof)
{
	return ear_pairing_is_alive(pairing) ? pairing_take_proof(pairing->pairing, proof)
					     : -ENOTCONN;
}

int
ear_pairing_take_nonce(struct ear_pairing *pairing, const char *nonce, char out[EAR_PAIRING_TEXT])
{
	return ear_pairing_is_alive(pairing) ? pairing_take_nonce(pairing->pairing, nonce, out)
					     : -ENOTCONN;
}

int
ear_pairing_take_salt(struct ear_pairing *pairing, const char *salt)
{
	return ear_pairing_is_alive(pairing) ? pairing_take_salt(pairing->pairing, salt)
					     : -ENOTCONN;
}

int
ear_pairing_token_proof(struct ear_pairing *pairing, const struct ear_key *key, const char *token,
			char out[EAR_PAIRING_TEXT])
{
	return ear_pairing_is_alive(pairing)
		       ? pairing_token_proof(pairing->pairing, key, token, out)
		       : -ENOTCONN;
}

int
ear_pairing_take_token(struct ear_pairing *pairing, const char *token, const char *proof)
{
	return ear_pairing_is_alive(pairing) ? pairing_take_token(pairing->pairing, token, proof)
					     : -ENOTCONN;
}

/* As it was: nobody may be on our list who was told that he is not. */
static void
put_back(struct ear *ear, const struct ear_key *key, const struct pin *known)
{
	if (known != NULL)
		pins_put(ear->pins, known);
	else
		pins_remove(ear->pins, key);
}

/* Its key is on our list, and on the disk. */
static int
store(struct ear_pairing *pairing, const char *name)
{
	struct ear *ear = pairing->ear;
	const struct pin *found = pins_find(ear->pins, &pairing->key);
	struct pin *known = found != NULL ? pin_copy(found) : NULL;
	struct pin *pin = known != NULL ? pin_copy(known) : pin_new(&pairing->key);
	int error;

	pin->voucher = EAR_BY_PAIRING;
	pin->trusted = pin->met = true;
	pin_restore(pin);
	pin->seen_at = time(NULL);
	if (*name != '\0')
		xreplace(&pin->name, name);
	pin_add_address(pin, pairing->address);
	error = pins_put(ear->pins, pin);
	if (error != 0)
		put_back(ear, &pairing->key, known);
	pin_free(pin);
	pin_free(known);
	return error;
}

int
ear_pairing_done(struct ear_pairing *pairing, const char *name)
{
	struct ear *ear = pairing->ear;
	struct link *link;
	int error;

	if (!ear_pairing_is_alive(pairing))
		return -ENOTCONN;
	if (!pairing_is_done(pairing->pairing))
		return -EACCES;
	error = store(pairing, name);
	if (error != 0) {
		ear_error("%s: not paired: its key could not be stored: %s", pairing->address,
			  strerror(-error));
		return error;
	}
	ear_info("%s: paired", pairing->address);
	/* At once: the next stanza may be a press. */
	link = ear->reach->lan_find(ear->reach_arg, pairing->address);
	meet_apply(ear, link, &pairing->key);
	core_tell(ear, EAR_TRUST_CHANGED, pairing->address, EAR_LINK_LAN);
	return 0;
}
