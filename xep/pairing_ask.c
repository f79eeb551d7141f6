/* SPDX-License-Identifier: ISC */
/*
 * pairing_ask.c: the initiator of a pairing: the device whose user reads the digits of the other.
 *
 * The life of an ask. A program's request begins it and is kept; our own requests go to the other
 * end by the direct stream only, each after the answer to the one before; when the other end shows
 * its digits, the program is answered, and the ask waits for the program's next request, with the
 * digits. Whatever goes wrong ends the ask, answers the request that is kept, and tells the other
 * end if that does not know yet. The digits are nowhere but in the call that makes the proof.
 */
#include <errno.h>
#include <stdio.h>

#include "memory.h"
#include "pairing_impl.h"

enum ask_step {
	ASK_PAIR,  /* we want to be paired; next: their commit */
	ASK_NONCE, /* our nonce is out; next: they show the digits */
	ASK_USER,  /* next: the digits, from a program here */
	ASK_PROOF, /* our proof is out; next: their nonce */
	ASK_SALT,  /* our salt is out; next: paired */
	ASK_OPEN,  /* by token: opening the stream; next: it is there */
	ASK_TOKEN, /* our token proof is out; next: paired */
};

struct ask {
	struct ring item; /* first: a ring's item is its ask */
	struct pair_state *state;
	enum ask_step step;
	char *address;
	struct ear_hold *hold;       /* of the program; NULL in ASK_USER */
	struct ear_pairing *pairing; /* NULL until their stream is open */
	bool again;                  /* the first request has gone out a second time */
	char name[PAIRING_NAME_SIZE];
	struct ear_key key; /* by token: what the URI says */
	char token[EAR_PAIRING_TEXT];
	struct ear_timer user;
};

static const char *
ask_step_name(enum ask_step step)
{
	switch (step) {
	case ASK_PAIR:
		return "pair";
	case ASK_NONCE:
		return "nonce";
	case ASK_USER:
		return "user";
	case ASK_PROOF:
		return "proof";
	case ASK_SALT:
		return "salt";
	case ASK_OPEN:
		return "open";
	case ASK_TOKEN:
		return "token";
	}
	return "?";
}

static void
ask_enter(struct ask *ask, enum ask_step step)
{
	ear_debug("%s: pairing, ask %s -> %s", ask->address, ask_step_name(ask->step),
		  ask_step_name(step));
	ask->step = step;
	if (step == ASK_USER)
		ear_timer_set(&ask->user, PAIRING_USER_TIME);
	else
		ear_timer_stop(&ask->user);
}

static void
ask_free(struct ask *ask)
{
	ear_request_forget(ask->state->ear, ask);
	ear_timer_stop(&ask->user);
	ear_pairing_free(ask->pairing);
	explicit_bzero(ask->token, sizeof(ask->token));
	ring_del(&ask->item);
	ask->state->ask_count--;
	free(ask->address);
	free(ask);
}

/* Ends it, and says why to the program that waits. Nobody may look at ask afterwards. */
static void
ask_fail(struct ask *ask, enum ear_verdict condition, const char *text)
{
	struct ear_hold *hold = ask->hold;

	ear_info("%s: not paired: %s", ask->address, text);
	ask_free(ask);
	if (hold != NULL)
		ear_hold_fail(hold, condition, text);
}

/* The other end still believes in it. */
static void
ask_call_off(struct ask *ask, enum ear_verdict condition, const char *text)
{
	pair_cancel(ask->state->ear, ask->address);
	ask_fail(ask, condition, text);
}

static struct ask *
ask_find(struct pair_state *state, const char *address)
{
	for (struct ring *r = state->asks.next; r != &state->asks; r = r->next)
		if (strcmp(((struct ask *)r)->address, address) == 0)
			return (struct ask *)r;
	return NULL;
}

static void
on_user_late(void *arg)
{
	ask_call_off(arg, EAR_REMOTE_SERVER_TIMEOUT, "nobody typed the digits");
}

/* What a failed request becomes for the program. */
static const struct fault {
	int error;
	enum ear_verdict condition;
	const char *text;
} faults[] = {
	{ -EHOSTUNREACH, EAR_ITEM_NOT_FOUND, "nobody is there on the LAN" },
	{ -ENOTCONN, EAR_REMOTE_SERVER_TIMEOUT, "the stream to the other side has ended" },
	{ -ECONNRESET, EAR_REMOTE_SERVER_TIMEOUT, "the stream to the other side has ended" },
	{ -ETIMEDOUT, EAR_REMOTE_SERVER_TIMEOUT, "the other side does not answer" },
	{ -EACCES, EAR_NOT_AUTHORIZED, "no encrypted stream to the other side" },
	{ -EBADMSG, EAR_NOT_AUTHORIZED, "the other side sent nonsense" },
	{ -EKEYREJECTED, EAR_NOT_AUTHORIZED,
	  "REFUSED: its key is not the one it had: an impostor, or a device that was reset (then: "
	  "earshot untrust, and pair again)" },
	{ -EKEYREVOKED, EAR_NOT_AUTHORIZED, "REFUSED: its key was revoked" },
	{ -EPERM, EAR_NOT_AUTHORIZED,
	  "REFUSED: it claims an address whose server does not publish its key" },
	{ -ENOBUFS, EAR_RESOURCE_CONSTRAINT, "too many requests are under way" },
	{ -EDQUOT, EAR_RESOURCE_CONSTRAINT, "too many bytes wait for the other side" },
	{ -ECANCELED, EAR_RECIPIENT_UNAVAILABLE, "stopping" },
	{ 0, EAR_INTERNAL_SERVER_ERROR, "pairing failed here" },
};

static void
ask_fault(struct ask *ask, int error)
{
	const struct fault *fault = faults;

	while (fault->error != 0 && fault->error != error)
		fault++;
	if (ask->step == ASK_PAIR || ask->step == ASK_OPEN || error != -EBADMSG)
		ask_fail(ask, fault->condition, fault->text);
	else
		ask_call_off(ask, fault->condition, fault->text);
}

/* The other end has refused a step. */
static void
ask_refused(struct ask *ask, xmpp_stanza_t *stanza)
{
	enum ear_verdict condition = ear_condition_of(stanza);
	char theirs[PAIRING_TEXT_SIZE], text[PAIRING_TEXT_SIZE + 64];

	pair_clean(ear_error_text_of(stanza), PAIRING_TEXT_SIZE, theirs, sizeof(theirs));
	if (condition == EAR_SERVICE_UNAVAILABLE || condition == EAR_FEATURE_NOT_IMPLEMENTED) {
		condition = EAR_FEATURE_NOT_IMPLEMENTED;
		snprintf(theirs, sizeof(theirs), "it cannot be paired with");
	} else if (condition != EAR_RESOURCE_CONSTRAINT) {
		condition = EAR_NOT_AUTHORIZED;
	}
	snprintf(text, sizeof(text), "the other side refuses: %s",
		 theirs[0] == '\0' ? ear_condition_name(ear_condition_of(stanza)) : theirs);
	ask_fail(ask, condition, text);
}

static void
ask_wrong(struct ask *ask)
{
	ask_call_off(ask, EAR_NOT_AUTHORIZED,
		     "the digits are wrong: a typing error, or somebody is in between; begin again "
		     "only when you know that the screen you read is that of the other side");
}

static void on_answer(void *arg, const struct ear_answer *answer);

static void
ask_send(struct ask *ask, enum ask_step step, xmpp_stanza_t *payload)
{
	struct ear *ear = ask->state->ear;
	xmpp_stanza_t *iq = ear_stanza(ear_ctx(ear), "iq", step == ASK_OPEN ? "get" : "set",
				       ask->address, NULL);

	xmpp_stanza_add_child_ex(iq, payload, 0);
	ask_enter(ask, step);
	ear_request_by(ear, EAR_LINK_LAN, iq, PAIRING_STEP_TIME, on_answer, ask);
}

static void
ask_send_text(struct ask *ask, enum ask_step step, const char *name, const char *text)
{
	ask_send(ask, step, pair_element(ask->state->ear, name, NULL, text));
}

/* 0, or -errno: the stream is there now. */
static int
ask_meet(struct ask *ask)
{
	int error = 0;

	ask->pairing = ear_pairing_new(ask->state->ear, ask->address, true, &error);
	return ask->pairing != NULL ? 0 : error;
}

static void
take_name(struct ask *ask, xmpp_stanza_t *payload)
{
	const char *name = xmpp_stanza_get_attribute(payload, "name");

	if (name != NULL)
		pair_clean(name, PAIRING_NAME_MAX, ask->name, sizeof(ask->name));
}

static int
on_commit(struct ask *ask, xmpp_stanza_t *payload)
{
	char nonce[EAR_PAIRING_TEXT];
	int error;

	if (payload == NULL || !ear_is(payload, "commit", EAR_NS_PAIRING))
		return -EBADMSG;
	error = ask_meet(ask);
	if (error == 0)
		error = ear_pairing_take_commit(ask->pairing, pair_text(payload));
	if (error == 0)
		error = ear_pairing_nonce(ask->pairing, nonce);
	if (error != 0)
		return error;
	take_name(ask, payload);
	ask_send_text(ask, ASK_NONCE, "nonce", nonce);
	return 0;
}

/* What the program is told: which device, which key. */
static xmpp_stanza_t *
ask_element(struct ask *ask, const char *name)
{
	xmpp_stanza_t *element = ear_element(ear_ctx(ask->state->ear), name, EAR_NS_CONTROL);
	char key[EAR_KEY_SIZE];

	ear_key_format(ear_pairing_key(ask->pairing), key);
	ear_set(element, "address", "%s", ask->address);
	ear_set(element, "name", "%s", ask->name);
	ear_set(element, "key", "%s", key);
	return element;
}

static int
on_shown(struct ask *ask)
{
	struct ear_hold *hold = ask->hold;

	ask->hold = NULL;
	ask_enter(ask, ASK_USER);
	ear_hold_reply(hold, ask_element(ask, "pair"));
	return 0;
}

static int
on_nonce(struct ask *ask, xmpp_stanza_t *payload)
{
	char salt[EAR_PAIRING_TEXT];
	int error;

	if (payload == NULL || !ear_is(payload, "nonce", EAR_NS_PAIRING))
		return -EBADMSG;
	error = ear_pairing_take_nonce(ask->pairing, pair_text(payload), salt);
	if (error == 0)
		ask_send_text(ask, ASK_SALT, "salt", salt);
	return error;
}

static int
on_paired(struct ask *ask, xmpp_stanza_t *payload)
{
	struct ear_hold *hold = ask->hold;
	xmpp_stanza_t *element;
	int error;

	if (payload == NULL || !ear_is(payload, "paired", EAR_NS_PAIRING))
		return -EBADMSG;
	take_name(ask, payload);
	error = ear_pairing_done(ask->pairing, ask->name);
	if (error != 0)
		return error;
	ear_info("%s: paired with, by a %s", ask->address,
		 ask->step == ASK_TOKEN ? "token" : "code");
	element = ask_element(ask, "paired");
	ask_free(ask);
	ear_hold_reply(hold, element);
	return 0;
}

/* The stream is there, whatever was answered on it. -EKEYREJECTED: somebody else's stream. */
static int
on_open(struct ask *ask)
{
	char proof[EAR_PAIRING_TEXT];
	xmpp_stanza_t *element;
	int error = ask_meet(ask);

	if (error == 0)
		error = ear_pairing_token_proof(ask->pairing, &ask->key, ask->token, proof);
	if (error != 0)
		return error;
	element = pair_element(ask->state->ear, "token", ear_device_name(ask->state->ear), NULL);
	ear_set(element, "proof", "%s", proof);
	ask_send(ask, ASK_TOKEN, element);
	return 0;
}

/* Returns -errno when that was not what the step needs; ask may be gone when it was. */
static int
ask_advance(struct ask *ask, xmpp_stanza_t *payload)
{
	switch (ask->step) {
	case ASK_PAIR:
		return on_commit(ask, payload);
	case ASK_NONCE:
		return on_shown(ask);
	case ASK_PROOF:
		return on_nonce(ask, payload);
	case ASK_SALT:
	case ASK_TOKEN:
		return on_paired(ask, payload);
	case ASK_OPEN:
		return on_open(ask);
	case ASK_USER:
		break;
	}
	return -EPROTO;
}

static void
ask_open(struct ask *ask)
{
	struct ear *ear = ask->state->ear;

	if (ask->token[0] != '\0')
		ask_send(ask, ASK_OPEN, ear_element(ear_ctx(ear), "ping", EAR_NS_PING));
	else
		ask_send(ask, ASK_PAIR, pair_element(ear, "pair", ear_device_name(ear), NULL));
}

/*
 * Whether it begins once more. The stream there was may have been one of the past: who has just
 * been forgotten, by either user, pairs next.
 */
static bool
ask_again(struct ask *ask, int error)
{
	if (ask->again || ask->pairing != NULL || (error != -ENOTCONN && error != -ECONNRESET))
		return false;
	ask->again = true;
	ask_open(ask);
	return true;
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct ask *ask = arg;
	bool refused = answer->error == -EREMOTEIO && ask->step != ASK_OPEN;
	int error = answer->error == -EREMOTEIO ? 0 : answer->error;

	if (refused) {
		ask_refused(ask, answer->stanza);
		return;
	}
	if (error == 0)
		error = ask_advance(ask, answer->stanza == NULL ? NULL : ear_first(answer->stanza));
	if (error == 0 || ask_again(ask, error))
		return;
	if (error == answer->error)
		ask_fault(ask, error);
	else if (error == -EKEYREJECTED && ask->step == ASK_PROOF)
		ask_wrong(ask);
	else if (error == -EKEYREJECTED)
		ask_fail(ask, EAR_NOT_AUTHORIZED,
			 "somebody with another key is at that address: not the device that made "
			 "the token");
	else if (error == -EINVAL && ask->step == ASK_OPEN)
		ask_fail(ask, EAR_BAD_REQUEST, "the token is none");
	else
		ask_fault(ask, error);
}

/* NULL: refused. Whoever asks again begins again. */
static struct ask *
ask_new(const struct ear_in *in, const char *address)
{
	struct pair_state *state = pair_state(in->ear);
	struct ask *ask = ask_find(state, address);

	if (ask != NULL && ask->pairing != NULL)
		ask_call_off(ask, EAR_CONFLICT, "a program has begun again");
	else if (ask != NULL)
		ask_fail(ask, EAR_CONFLICT, "a program has begun again");
	if (state->ask_count == PAIRING_ASKS_MAX) {
		(void)ear_fail(in, EAR_RESOURCE_CONSTRAINT, "%d pairings are under way",
			       PAIRING_ASKS_MAX);
		return NULL;
	}
	ask = xep_alloc(sizeof(*ask));
	ask->state = state;
	ask->address = xep_strdup(address);
	ask->hold = ear_hold(in);
	ear_timer_init(&ask->user, ear_clock(in->ear), on_user_late, ask);
	ring_add(&state->asks, &ask->item);
	state->ask_count++;
	return ask;
}

enum ear_verdict
ask_begin(const struct ear_in *in, const char *address)
{
	struct ask *ask = ask_new(in, address);

	if (ask != NULL)
		ask_open(ask);
	return EAR_DONE;
}

enum ear_verdict
ask_code(const struct ear_in *in, const char *address, const char *code)
{
	struct ask *ask = ask_find(pair_state(in->ear), address);
	char proof[EAR_PAIRING_TEXT];
	int error;

	if (ask == NULL || ask->step != ASK_USER)
		return ear_fail(in, EAR_UNEXPECTED_REQUEST,
				"no pairing with %.100s waits for digits: it was called off, took "
				"too long, or was not begun",
				address);
	error = ear_pairing_proof(ask->pairing, code, proof);
	if (error == -EINVAL)
		return ear_fail(in, EAR_BAD_REQUEST, "the code is six digits");
	ask->hold = ear_hold(in);
	if (error != 0)
		ask_fault(ask, error);
	else
		ask_send_text(ask, ASK_PROOF, "proof", proof);
	return EAR_DONE;
}

enum ear_verdict
ask_token(const struct ear_in *in, const char *address, const struct ear_key *key,
	  const char *token)
{
	struct ask *ask = ask_new(in, address);

	if (ask == NULL)
		return EAR_DONE;
	ask->key = *key;
	snprintf(ask->token, sizeof(ask->token), "%s", token);
	ask_open(ask);
	return EAR_DONE;
}

bool
ask_give_up(struct pair_state *state, const char *address)
{
	struct ask *ask = ask_find(state, address);

	if (ask != NULL)
		ask_call_off(ask, EAR_GONE, "called off here");
	return ask != NULL;
}

/* Only while nothing of ours is under way: otherwise its answer says what there is to say. */
bool
ask_take_cancel(const struct ear_in *in)
{
	struct ask *ask = ask_find(pair_state(in->ear), in->from);

	if (ask == NULL || in->link != EAR_LINK_LAN)
		return false;
	if (ask->step == ASK_USER)
		ask_fail(ask, EAR_NOT_AUTHORIZED, "the other side has called it off");
	return true;
}

/* What is kept is answered by the engine, which stops. */
void
ask_release_all(struct pair_state *state)
{
	while (state->asks.next != &state->asks)
		ask_free((struct ask *)state->asks.next);
}
