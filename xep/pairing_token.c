/* SPDX-License-Identifier: ISC */
/*
 * pairing_token.c: the token that a QR code carries: whoever proves to know it on its own stream is
 * paired in one step. It serves once, for ten minutes. Nobody guesses 128 bits, so a wrong proof
 * costs it nothing: otherwise any stranger could take it away from who holds it. Limited is what
 * wrong ones make us say.
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
}

void
token_wipe(struct pair_state *state)
{
	explicit_bzero(state->token.text, sizeof(state->token.text));
}

static bool
token_is_valid(struct pair_state *state)
{
	if (state->token.text[0] != '\0' && state->token.ends_at <= ear_now(ear_clock(state->ear)))
		token_wipe(state);
	return state->token.text[0] != '\0';
}

/* Whether that was one wrong proof too many for now. */
static bool
token_is_guessed(struct pair_state *state)
{
	struct token *token = &state->token;
	int64_t now = ear_now(ear_clock(state->ear));

	if (token->wrong == 0 || now - token->wrong_since >= PAIRING_TOKEN_WRONG_TIME) {
		token->wrong = 0;
		token->wrong_since = now;
	}
	if (token->wrong == PAIRING_TOKEN_WRONG)
		return true;
	token->wrong++;
	return false;
}

/* What its holder could not prove counts as wrong, whatever was sent. */
static enum ear_verdict
token_refuse(const struct ear_in *in, int error)
{
	switch (error) {
	case -ENOTCONN:
		return ear_fail(in, EAR_NOT_ALLOWED, "pairing needs a direct stream");
	case -EKEYREJECTED:
	case -EBADMSG:
		break;
	default:
		ear_warn("%s: pairing failed: %s", in->from, strerror(-error));
		return ear_fail(in, EAR_INTERNAL_SERVER_ERROR, "pairing failed here");
	}
	if (token_is_guessed(pair_state(in->ear)))
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT,
				"too many wrong proofs: wait a minute");
	ear_warn("%s: pairing failed: a wrong proof for the token", in->from);
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
	pair_clean(xmpp_stanza_get_attribute(in->payload, "name"), PAIRING_NAME_MAX, name,
		   sizeof(name));
	error = ear_pairing_done(pairing, name);
	if (error == 0)
		token_wipe(state);
	return error;
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
	if (error != 0)
		return token_refuse(in, error);
	ear_info("%s: paired with, by a token", in->from);
	return ear_reply(in, pair_element(in->ear, "paired", ear_device_name(in->ear), NULL));
}
