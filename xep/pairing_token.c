/* SPDX-License-Identifier: ISC */
/*
 * pairing_token.c: the token that a QR code carries: whoever proves to know it on its own stream is
 * paired in one step. It serves once, for ten minutes, and survives two wrong proofs.
 */
#include <errno.h>

#include "delay.h"
#include "memory.h"
#include "pairing_impl.h"

void
token_make(struct pair_state *state)
{
	ear_new_token(state->token.text);
	state->token.ends_at = ear_now(ear_clock(state->ear)) + PAIRING_TOKEN_TIME;
	state->token.wrong = 0;
}

void
token_wipe(struct pair_state *state)
{
	struct token *token = &state->token;

	explicit_bzero(token->text, sizeof(token->text));
	token->wrong = 0;
}

static bool
token_is_valid(struct pair_state *state)
{
	if (state->token.text[0] != '\0' && state->token.ends_at <= ear_now(ear_clock(state->ear)))
		token_wipe(state);
	return state->token.text[0] != '\0';
}

/* What its holder could not prove counts as wrong, whatever was sent. */
static enum ear_verdict
token_refuse(const struct ear_in *in, int error)
{
	struct pair_state *state = pair_state(in->ear);

	if (error == -ENOTCONN)
		return ear_fail(in, EAR_NOT_ALLOWED, "pairing needs a direct stream");
	ear_warn("%s: pairing failed: a wrong proof for the token", in->from);
	if (++state->token.wrong >= PAIRING_TOKEN_WRONG) {
		ear_warn("the token is void after %d wrong proofs: `earshot pair` makes another",
			 PAIRING_TOKEN_WRONG);
		token_wipe(state);
	}
	return ear_fail(in, EAR_NOT_AUTHORIZED, "that proof does not fit the token");
}

/* Pairs with whoever holds the token. */
static int
token_take(const struct ear_in *in, struct ear_pairing *pairing)
{
	struct pair_state *state = pair_state(in->ear);
	const char *proof = xmpp_stanza_get_attribute(in->payload, "proof");
	char name[PAIRING_NAME_SIZE];
	int error = ear_pairing_take_token(pairing, state->token.text, proof == NULL ? "" : proof);

	if (error != 0)
		return error;
	token_wipe(state);
	pair_clean(xmpp_stanza_get_attribute(in->payload, "name"), PAIRING_NAME_MAX, name,
		   sizeof(name));
	return ear_pairing_done(pairing, name);
}

enum ear_verdict
token_on_proof(const struct ear_in *in)
{
	struct pair_state *state = pair_state(in->ear);
	struct ear_pairing *pairing;
	int error = 0;

	if (in->link != EAR_LINK_LAN || delay_is_hearsay(in))
		return ear_fail(in, EAR_NOT_ALLOWED, "pairing needs a direct stream");
	if (!token_is_valid(state))
		return ear_fail(in, EAR_ITEM_NOT_FOUND,
				"no token is valid here: it was used, is too old, or there was "
				"none");
	pairing = ear_pairing_new(in->ear, in->from, false, &error);
	if (pairing == NULL)
		return ear_fail(in, error == -EACCES ? EAR_POLICY_VIOLATION : EAR_NOT_ALLOWED,
				"pairing needs %s stream",
				error == -EACCES ? "an encrypted" : "a direct");
	error = token_take(in, pairing);
	ear_pairing_free(pairing);
	if (error != 0 && state->token.text[0] != '\0')
		return token_refuse(in, error);
	if (error != 0) {
		ear_warn("%s: pairing failed: %s", in->from, strerror(-error));
		return ear_fail(in, EAR_INTERNAL_SERVER_ERROR, "pairing failed here");
	}
	ear_info("%s: paired with, by a token", in->from);
	return ear_reply(in, pair_element(in->ear, "paired", ear_device_name(in->ear), NULL));
}
