/* SPDX-License-Identifier: ISC */
/* pairing.c: commit, reveal, compare: the arithmetic of pairing over one TLS session. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust/octets.h"
#include "trust/pairing.h"

/*
 * What is hashed
 *
 * The ingredients are octets, put one behind the other with nothing between them. Each has a fixed
 * length but for the step, which ends in a zero octet: no two different inputs read the same.
 *
 *	E	32	exporter of the TLS session between the two ends: RFC 8446 §7.5 with the
 *			label "EXPORTER-earshot-pairing-0" and an empty context
 *	KI, KR	32	fingerprints of initiator and responder: SHA-256 of the DER
 *			SubjectPublicKeyInfo of the certificate that each showed in that session
 *	NI, NR	32	nonces of initiator and responder, random, fresh for each pairing
 *	S	32	salt of the initiator's proof, random, fresh for each pairing
 *	D	6	the digits as ASCII characters "0" to "9"
 *	T	16	token, random, as decoded from the 22 characters in the URI
 *
 *	input(step, x)	= "earshot-pairing-0 " || step || 00 || E || KI || KR || x
 *	hash(step, x)	= SHA-256(input(step, x))
 *
 *	commit		= hash("commit", NR)
 *	digits		= hash("code", NI || NR)
 *	proof		= hash("proof", S || D)
 *	token proof	= HMAC-SHA-256(key: T, input("token", nothing))
 *
 * Strings are ASCII without quotes; 00 is one zero octet. The digits are the 32 octets of their
 * hash, read as one number with the first octet the most significant, modulo 1,000,000, written
 * with six decimal digits ("000042"). As 2^256 is not a multiple of 1,000,000, some digits are more
 * likely than others, by a factor below 1 + 2^-236: nothing that anybody can measure.
 *
 * On the wire commit, NI, NR, S, proof and token proof are base64 with padding (RFC 4648 §4): 44
 * characters each. Anything else, also other ways to write the same octets, is refused. A token is
 * base64url without padding (RFC 4648 §5).
 *
 * Who sends what, and what must have happened before
 *
 *	1	R -> I	commit
 *	2	I -> R	NI		R shows its digits now
 *	3	I -> R	proof		I's user has read the digits and typed them
 *	4	R -> I	NR		I checks: hash("commit", NR) is the commit, and the digits
 *					it makes itself are those that were typed
 *	5	I -> R	S		only when they are. R checks: hash("proof", S || the digits
 *					it shows) is the proof
 *
 * Each step happens once. A check that fails ends the pairing: the next attempt begins with new
 * nonces.
 *
 * Why nobody can search
 *
 * Somebody in the middle has two TLS sessions, hence two E and at least one K that is his own, and
 * two sets of digits: DI between initiator and him, DR between him and responder; the user
 * compares them. For DI he has to give his commit before he sees NI: whatever he chooses, NI makes
 * DI random. For DR he has to give his NI before he sees NR, which the responder has already
 * committed to: NR makes DR random. So DI and DR agree with a chance of 1 in 1,000,000 for each
 * pairing that the two ends let happen, and no computing raises it; therefore the two ends count
 * attempts. Passing on a proof or a salt of the other session helps nobody, since E and both K are
 * in each hash. Somebody who does not see the screen has to give a proof, which holds one guess at
 * the digits, before he sees NR: 1 in 1,000,000 again. The proof itself tells nothing about the
 * digits without its salt, and the salt is only told to who has shown to be the one whose digits
 * they are.
 *
 * With a token the initiator knows the responder's fingerprint from where it got the token, so that
 * nobody can be in the middle; the token proof shows the responder that the initiator has seen
 * the token. The responder takes a token once.
 */

#define LABEL       "earshot-pairing-0 "
#define NONCE_BYTES 32
#define TOKEN_BYTES 16
#define INPUT_MAX   256

/* The last step that has happened; the same order at both ends. */
enum pairing_state {
	PAIRING_NEW,
	PAIRING_COMMITTED, /* the commit was sent, or taken */
	PAIRING_NONCED,    /* so was the initiator's nonce: the responder shows its digits */
	PAIRING_PROVED,    /* so was the proof */
	PAIRING_REVEALED,  /* responder: its nonce was sent */
	PAIRING_DONE,      /* all checks of this side have passed */
	PAIRING_FAILED,    /* one has not: nothing goes on */
};

struct pairing {
	bool is_initiator;
	enum pairing_state state;
	unsigned char session[PAIRING_EXPORTER_BYTES + 2 * EAR_KEY_BYTES]; /* E, KI, KR */
	struct ear_key responder;
	unsigned char initiator_nonce[NONCE_BYTES], responder_nonce[NONCE_BYTES];
	unsigned char salt[NONCE_BYTES];
	unsigned char commit[OCTETS_HASH], proof[OCTETS_HASH]; /* the other end's */
	char code[EAR_CODE_SIZE]; /* shown by the responder; typed at the initiator */
};

struct pairing *
pairing_new(bool is_initiator, const struct ear_key *initiator, const struct ear_key *responder,
	    const unsigned char exporter[PAIRING_EXPORTER_BYTES])
{
	struct pairing *pairing = xalloc(sizeof(*pairing));
	unsigned char *end = pairing->session;

	pairing->is_initiator = is_initiator;
	pairing->responder = *responder;
	memcpy(end, exporter, PAIRING_EXPORTER_BYTES);
	end += PAIRING_EXPORTER_BYTES;
	memcpy(end, initiator->sha256, EAR_KEY_BYTES);
	memcpy(end + EAR_KEY_BYTES, responder->sha256, EAR_KEY_BYTES);
	if (is_initiator) {
		octets_random(pairing->initiator_nonce, NONCE_BYTES);
		octets_random(pairing->salt, NONCE_BYTES);
	} else {
		octets_random(pairing->responder_nonce, NONCE_BYTES);
	}
	return pairing;
}

void
pairing_free(struct pairing *pairing)
{
	if (pairing != NULL)
		OPENSSL_cleanse(pairing, sizeof(*pairing));
	free(pairing);
}

bool
pairing_is_done(const struct pairing *pairing)
{
	return pairing->state == PAIRING_DONE;
}

/* 0 when that role may take its next step from that state; -EPROTO. */
static int
check_turn(const struct pairing *pairing, bool is_initiator, enum pairing_state state)
{
	return pairing->is_initiator == is_initiator && pairing->state == state ? 0 : -EPROTO;
}

/* The outcome of a check: there is no second try. */
static int
judge(struct pairing *pairing, bool right)
{
	pairing->state = right ? PAIRING_DONE : PAIRING_FAILED;
	return right ? 0 : -EKEYREJECTED;
}

/* input(step, a || b) of the comment above; returns its length. */
static size_t
make_input(const struct pairing *pairing, const char *step, const void *a, size_t a_count,
	   const void *b, size_t b_count, unsigned char out[INPUT_MAX])
{
	/* The NUL that snprintf writes is the zero octet. */
	size_t n = (size_t)snprintf((char *)out, INPUT_MAX, LABEL "%s", step) + 1;

	memcpy(out + n, pairing->session, sizeof(pairing->session));
	n += sizeof(pairing->session);
	if (a_count > 0)
		memcpy(out + n, a, a_count);
	n += a_count;
	if (b_count > 0)
		memcpy(out + n, b, b_count);
	return n + b_count;
}

static void
make_hash(const struct pairing *pairing, const char *step, const void *a, size_t a_count,
	  const void *b, size_t b_count, unsigned char out[OCTETS_HASH])
{
	unsigned char input[INPUT_MAX];
	size_t n = make_input(pairing, step, a, a_count, b, b_count, input);

	octets_sha256(input, n, out);
	OPENSSL_cleanse(input, sizeof(input));
}

static void
make_commit(const struct pairing *pairing, unsigned char out[OCTETS_HASH])
{
	make_hash(pairing, "commit", pairing->responder_nonce, NONCE_BYTES, NULL, 0, out);
}

static void
make_code(const struct pairing *pairing, char out[EAR_CODE_SIZE])
{
	unsigned char hash[OCTETS_HASH];
	unsigned code = 0;

	make_hash(pairing, "code", pairing->initiator_nonce, NONCE_BYTES, pairing->responder_nonce,
		  NONCE_BYTES, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		code = (code << 8 | hash[i]) % 1000000;
	snprintf(out, EAR_CODE_SIZE, "%06u", code % 1000000);
	OPENSSL_cleanse(hash, sizeof(hash));
}

static void
make_proof(const struct pairing *pairing, unsigned char out[OCTETS_HASH])
{
	make_hash(pairing, "proof", pairing->salt, NONCE_BYTES, pairing->code, EAR_CODE_SIZE - 1,
		  out);
}

int
pairing_commit(struct pairing *pairing, char out[EAR_PAIRING_TEXT])
{
	unsigned char commit[OCTETS_HASH];
	int error = check_turn(pairing, false, PAIRING_NEW);

	if (error != 0)
		return error;
	make_commit(pairing, commit);
	octets_base64(commit, sizeof(commit), out);
	pairing->state = PAIRING_COMMITTED;
	return 0;
}

/* One step that only takes a text: it has happened when the text was one. */
static int
take(struct pairing *pairing, const char *text, unsigned char out[OCTETS_HASH],
     enum pairing_state next)
{
	int error = octets_from_base64(text, out, OCTETS_HASH);

	if (error == 0)
		pairing->state = next;
	return error;
}

int
pairing_take_commit(struct pairing *pairing, const char *commit)
{
	int error = check_turn(pairing, true, PAIRING_NEW);

	return error != 0 ? error : take(pairing, commit, pairing->commit, PAIRING_COMMITTED);
}

/* The nonce that opens our commit is worth a lot to who has not given a proof yet. */
static int
reveal(struct pairing *pairing, char out[EAR_PAIRING_TEXT])
{
	if (pairing->state < PAIRING_PROVED)
		return -EACCES;
	if (pairing->state != PAIRING_PROVED)
		return -EPROTO;
	octets_base64(pairing->responder_nonce, NONCE_BYTES, out);
	pairing->state = PAIRING_REVEALED;
	return 0;
}

int
pairing_nonce(struct pairing *pairing, char out[EAR_PAIRING_TEXT])
{
	int error;

	if (!pairing->is_initiator)
		return reveal(pairing, out);
	error = check_turn(pairing, true, PAIRING_COMMITTED);
	if (error != 0)
		return error;
	octets_base64(pairing->initiator_nonce, NONCE_BYTES, out);
	pairing->state = PAIRING_NONCED;
	return 0;
}

int
pairing_code(struct pairing *pairing, const char *nonce, char out[EAR_CODE_SIZE])
{
	int error = check_turn(pairing, false, PAIRING_COMMITTED);

	if (error == 0)
		error = take(pairing, nonce, pairing->initiator_nonce, PAIRING_NONCED);
	if (error != 0)
		return error;
	make_code(pairing, pairing->code);
	memcpy(out, pairing->code, EAR_CODE_SIZE);
	return 0;
}

int
pairing_proof(struct pairing *pairing, const char *code, char out[EAR_PAIRING_TEXT])
{
	unsigned char proof[OCTETS_HASH];
	int error = check_turn(pairing, true, PAIRING_NONCED);

	if (error != 0)
		return error;
	if (strspn(code, "0123456789") != EAR_CODE_SIZE - 1 || strlen(code) != EAR_CODE_SIZE - 1)
		return -EINVAL;
	memcpy(pairing->code, code, EAR_CODE_SIZE);
	make_proof(pairing, proof);
	octets_base64(proof, sizeof(proof), out);
	pairing->state = PAIRING_PROVED;
	return 0;
}

int
pairing_take_proof(struct pairing *pairing, const char *proof)
{
	int error = check_turn(pairing, false, PAIRING_NONCED);

	if (error == 0)
		return take(pairing, proof, pairing->proof, PAIRING_PROVED);
	if (!pairing->is_initiator && pairing->state >= PAIRING_PROVED &&
	    pairing->state != PAIRING_FAILED)
		return -EALREADY;
	return error;
}

int
pairing_take_nonce(struct pairing *pairing, const char *nonce, char out[EAR_PAIRING_TEXT])
{
	unsigned char commit[OCTETS_HASH];
	char code[EAR_CODE_SIZE];
	int error = check_turn(pairing, true, PAIRING_PROVED);

	if (error == 0)
		error = octets_from_base64(nonce, pairing->responder_nonce, NONCE_BYTES);
	if (error != 0)
		return error;
	make_commit(pairing, commit);
	make_code(pairing, code);
	error = judge(pairing, (CRYPTO_memcmp(commit, pairing->commit, sizeof(commit)) |
				CRYPTO_memcmp(code, pairing->code, sizeof(code))) == 0);
	if (error == 0)
		octets_base64(pairing->salt, NONCE_BYTES, out);
	OPENSSL_cleanse(code, sizeof(code));
	return error;
}

int
pairing_take_salt(struct pairing *pairing, const char *salt)
{
	unsigned char proof[OCTETS_HASH];
	int error = check_turn(pairing, false, PAIRING_REVEALED);

	if (error == 0)
		error = octets_from_base64(salt, pairing->salt, NONCE_BYTES);
	if (error != 0)
		return error;
	make_proof(pairing, proof);
	return judge(pairing, CRYPTO_memcmp(proof, pairing->proof, sizeof(proof)) == 0);
}

/* -EINVAL: that is no token. */
static int
make_token_proof(const struct pairing *pairing, const char *token, unsigned char out[OCTETS_HASH])
{
	unsigned char secret[TOKEN_BYTES], input[INPUT_MAX];

	if (octets_from_base64url(token, secret, sizeof(secret)) != 0)
		return -EINVAL;
	octets_hmac(secret, sizeof(secret), input,
		    make_input(pairing, "token", NULL, 0, NULL, 0, input), out);
	OPENSSL_cleanse(secret, sizeof(secret));
	return 0;
}

int
pairing_token_proof(struct pairing *pairing, const struct ear_key *key, const char *token,
		    char out[EAR_PAIRING_TEXT])
{
	unsigned char proof[OCTETS_HASH];
	int error = check_turn(pairing, true, PAIRING_NEW);

	if (error == 0)
		error = make_token_proof(pairing, token, proof);
	if (error == 0)
		error = judge(pairing, ear_key_equal(key, &pairing->responder));
	if (error == 0)
		octets_base64(proof, sizeof(proof), out);
	return error;
}

int
pairing_take_token(struct pairing *pairing, const char *token, const char *proof)
{
	unsigned char theirs[OCTETS_HASH], ours[OCTETS_HASH];
	int error = check_turn(pairing, false, PAIRING_NEW);

	if (error == 0)
		error = make_token_proof(pairing, token, ours);
	if (error == 0)
		error = octets_from_base64(proof, theirs, sizeof(theirs));
	if (error != 0)
		return error;
	return judge(pairing, CRYPTO_memcmp(theirs, ours, sizeof(ours)) == 0);
}

void
ear_new_token(char out[EAR_PAIRING_TEXT])
{
	unsigned char secret[TOKEN_BYTES];

	octets_random(secret, sizeof(secret));
	octets_base64url(secret, sizeof(secret), out);
	OPENSSL_cleanse(secret, sizeof(secret));
}
