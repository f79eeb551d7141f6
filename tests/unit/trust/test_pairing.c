/* SPDX-License-Identifier: ISC */
/* test_pairing.c: both ends, the one in the middle, and every step at the wrong time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/octets.h"
#include "trust/pairing.h"

static const struct ear_key key_i = { { 1 } }, key_r = { { 2 } }, key_m = { { 3 } };
static const unsigned char exporter[PAIRING_EXPORTER_BYTES] = { 4 }, exporter2[32] = { 5 };

struct rig {
	struct pairing *i, *r;
	char commit[EAR_PAIRING_TEXT], nonce_i[EAR_PAIRING_TEXT], proof[EAR_PAIRING_TEXT];
	char nonce_r[EAR_PAIRING_TEXT], salt[EAR_PAIRING_TEXT], code[EAR_CODE_SIZE];
};

static int
setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->i = pairing_new(true, &key_i, &key_r, exporter);
	rig->r = pairing_new(false, &key_i, &key_r, exporter);
	*state = rig;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *rig = *state;

	pairing_free(rig->i);
	pairing_free(rig->r);
	free(rig);
	return 0;
}

/* Up to the digits on the responder's screen. */
static void
run_to_code(struct rig *rig)
{
	assert_int_equal(pairing_commit(rig->r, rig->commit), 0);
	assert_int_equal(pairing_take_commit(rig->i, rig->commit), 0);
	assert_int_equal(pairing_nonce(rig->i, rig->nonce_i), 0);
	assert_int_equal(pairing_code(rig->r, rig->nonce_i, rig->code), 0);
}

static void
run_to_nonce(struct rig *rig, const char *typed)
{
	run_to_code(rig);
	assert_int_equal(pairing_proof(rig->i, typed != NULL ? typed : rig->code, rig->proof), 0);
	assert_int_equal(pairing_take_proof(rig->r, rig->proof), 0);
	assert_int_equal(pairing_nonce(rig->r, rig->nonce_r), 0);
}

static void
run(struct rig *rig)
{
	run_to_nonce(rig, NULL);
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), 0);
	assert_int_equal(pairing_take_salt(rig->r, rig->salt), 0);
}

static void
test_straight(void **state)
{
	struct rig *rig = *state;

	run_to_nonce(rig, NULL);
	assert_int_equal(strspn(rig->code, "0123456789"), 6);
	assert_int_equal(strlen(rig->code), 6);
	assert_false(pairing_is_done(rig->i));
	assert_false(pairing_is_done(rig->r));
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), 0);
	assert_true(pairing_is_done(rig->i));
	assert_false(pairing_is_done(rig->r));
	assert_int_equal(pairing_take_salt(rig->r, rig->salt), 0);
	assert_true(pairing_is_done(rig->r));
	assert_int_equal(strlen(rig->commit), 44);
	assert_int_equal(strlen(rig->salt), 44);
}

/* Nothing is the same in the next attempt. */
static void
test_fresh(void **state)
{
	struct rig *rig = *state, *again;
	void *other;

	run(rig);
	setup(&other);
	again = other;
	run(again);
	assert_string_not_equal(rig->commit, again->commit);
	assert_string_not_equal(rig->nonce_i, again->nonce_i);
	assert_string_not_equal(rig->nonce_r, again->nonce_r);
	assert_string_not_equal(rig->salt, again->salt);
	assert_string_not_equal(rig->proof, again->proof);
	teardown(&other);
}

/* --- a second implementation, from the comment in pairing.c --------------------------------- */

static size_t
append(unsigned char *out, size_t n, const void *more, size_t count)
{
	memcpy(out + n, more, count);
	return n + count;
}

/* hash(step, a || b); texts in base64, or digits where they are six. */
static void
hash_of(const char *step, const unsigned char *session, const char *a, const char *b,
	unsigned char out[32])
{
	unsigned char input[512], octets[48];
	const char *const parts[] = { a, b };
	size_t n = append(input, 0, "earshot-pairing-0 ", 18);

	n = append(input, n, step, strlen(step) + 1);
	n = append(input, n, session, 96);
	for (int i = 0; i < 2; i++) {
		if (parts[i] == NULL)
			continue;
		if (strlen(parts[i]) == 6) {
			n = append(input, n, parts[i], 6);
			continue;
		}
		EVP_DecodeBlock(octets, (const unsigned char *)parts[i], 44);
		n = append(input, n, octets, 32);
	}
	EVP_Digest(input, n, out, NULL, EVP_sha256(), NULL);
}

static void
session_of(const unsigned char *e, const struct ear_key *i, const struct ear_key *r,
	   unsigned char out[96])
{
	memcpy(out, e, 32);
	memcpy(out + 32, i->sha256, 32);
	memcpy(out + 64, r->sha256, 32);
}

/* Long division by hand, as a number of 256 bits is read. */
static void
digits_of(const unsigned char hash[32], char out[7])
{
	unsigned long long rest = 0;

	for (int i = 0; i < 32; i += 4) {
		unsigned long long word = (unsigned long long)hash[i] << 24 | hash[i + 1] << 16 |
					  hash[i + 2] << 8 | hash[i + 3];

		rest = (rest << 32 | word) % 1000000;
	}
	snprintf(out, 7, "%06llu", rest);
}

static void
expect_text(const unsigned char hash[32], const char *text)
{
	char want[64];

	EVP_EncodeBlock((unsigned char *)want, hash, 32);
	assert_string_equal(want, text);
}

static void
test_formulas(void **state)
{
	struct rig *rig = *state;
	unsigned char session[96], hash[32];
	char code[7];

	run(rig);
	session_of(exporter, &key_i, &key_r, session);
	hash_of("commit", session, rig->nonce_r, NULL, hash);
	expect_text(hash, rig->commit);
	hash_of("proof", session, rig->salt, rig->code, hash);
	expect_text(hash, rig->proof);
	hash_of("code", session, rig->nonce_i, rig->nonce_r, hash);
	digits_of(hash, code);
	assert_string_equal(code, rig->code);
}

/* --- in the middle ---------------------------------------------------------------------------- */

/*
 * M has a session with the initiator, to whom he is the responder, and one with the responder, to
 * whom he is the initiator. left: his end of the first, right: of the second.
 */
struct middle {
	struct pairing *i, *left, *right, *r;
};

static struct middle
middle_new(void)
{
	return (struct middle){
		.i = pairing_new(true, &key_i, &key_m, exporter),
		.left = pairing_new(false, &key_i, &key_m, exporter),
		.right = pairing_new(true, &key_m, &key_r, exporter2),
		.r = pairing_new(false, &key_m, &key_r, exporter2),
	};
}

static void
middle_free(struct middle *m)
{
	pairing_free(m->i);
	pairing_free(m->left);
	pairing_free(m->right);
	pairing_free(m->r);
}

/* He plays both sides by the rules; the user reads the responder's digits to the initiator. */
static void
test_middle(void **state)
{
	int equal = 0;

	for (int try = 0; try < 500; try++) {
		struct middle m = middle_new();
		char text[64], code_i[7], code_r[7];

		assert_int_equal(pairing_commit(m.left, text), 0);
		assert_int_equal(pairing_take_commit(m.i, text), 0);
		assert_int_equal(pairing_nonce(m.i, text), 0);
		assert_int_equal(pairing_code(m.left, text, code_i), 0);
		assert_int_equal(pairing_commit(m.r, text), 0);
		assert_int_equal(pairing_take_commit(m.right, text), 0);
		assert_int_equal(pairing_nonce(m.right, text), 0);
		assert_int_equal(pairing_code(m.r, text, code_r), 0);
		assert_int_equal(pairing_proof(m.i, code_r, text), 0);
		/* The initiator's proof passed on: it is none over there, but that shows later. */
		assert_int_equal(pairing_take_proof(m.left, text), 0);
		assert_int_equal(pairing_take_proof(m.r, text), 0);
		assert_int_equal(pairing_nonce(m.left, text), 0);
		if (strcmp(code_i, code_r) == 0)
			equal++;
		else
			assert_int_equal(pairing_take_nonce(m.i, text, text), -EKEYREJECTED);
		middle_free(&m);
	}
	/* Two would be a chance of 1e-7. */
	assert_true(equal < 2);
}

/* He passes every message on as it is, and knows nothing of what he carries. */
static void
test_relay(void **state)
{
	struct middle m = middle_new();
	char text[64], code[7];

	assert_int_equal(pairing_commit(m.r, text), 0);
	assert_int_equal(pairing_take_commit(m.i, text), 0);
	assert_int_equal(pairing_nonce(m.i, text), 0);
	assert_int_equal(pairing_code(m.r, text, code), 0);
	assert_int_equal(pairing_proof(m.i, code, text), 0);
	assert_int_equal(pairing_take_proof(m.r, text), 0);
	assert_int_equal(pairing_nonce(m.r, text), 0);
	/* The commit holds E and both K: it is never the right one in another session. */
	assert_int_equal(pairing_take_nonce(m.i, text, text), -EKEYREJECTED);
	assert_false(pairing_is_done(m.i));
	middle_free(&m);
}

/* Even with the right digits a salt of the other session opens nothing. */
static void
test_relayed_proof(void **state)
{
	struct pairing *r = pairing_new(false, &key_m, &key_r, exporter2);
	unsigned char session[96], hash[32], zero[32] = { 0 };
	char text[64], nonce[64], code[7], salt[64];

	session_of(exporter, &key_i, &key_m, session);
	EVP_EncodeBlock((unsigned char *)salt, zero, 32);
	assert_int_equal(pairing_commit(r, text), 0);
	EVP_EncodeBlock((unsigned char *)nonce, zero, 32);
	assert_int_equal(pairing_code(r, nonce, code), 0);
	hash_of("proof", session, salt, code, hash);
	EVP_EncodeBlock((unsigned char *)text, hash, 32);
	assert_int_equal(pairing_take_proof(r, text), 0);
	assert_int_equal(pairing_nonce(r, text), 0);
	assert_int_equal(pairing_take_salt(r, salt), -EKEYREJECTED);
	pairing_free(r);
}

/*
 * He computes as much as he likes at the moments when that could help. Towards the initiator he
 * prepares many nonces, but must commit to one before NI comes: of all the nonces that would fit
 * afterwards the initiator takes none. Towards the responder he may search NI, but without NR the
 * digits that he aims at are those of some other NR.
 */
#define SEARCH 200000 /* tries for a chance of 1 in 10,000: one run in 5e8 finds none */

static void
text_of(unsigned number, char out[64])
{
	unsigned char octets[32] = { 0 };

	memcpy(octets, &number, sizeof(number));
	EVP_EncodeBlock((unsigned char *)out, octets, 32);
}

/* A commit to nonce 0, then the nonce whose digits come nearest to those the user will type; with
 * four digits of the six the search succeeds every time, so that the test is not one of luck. */
static void
test_search_towards_initiator(void **state)
{
	struct pairing *i = pairing_new(true, &key_i, &key_m, exporter);
	unsigned char session[96], hash[32];
	char text[64], ni[64], nonce[64], code[7], typed[7] = "";

	session_of(exporter, &key_i, &key_m, session);
	text_of(0, nonce);
	hash_of("commit", session, nonce, NULL, hash);
	EVP_EncodeBlock((unsigned char *)text, hash, 32);
	assert_int_equal(pairing_take_commit(i, text), 0);
	assert_int_equal(pairing_nonce(i, ni), 0);
	for (unsigned n = 1; n < SEARCH; n++) {
		text_of(n, nonce);
		hash_of("code", session, ni, nonce, hash);
		digits_of(hash, code);
		if (strncmp(code, "1234", 4) == 0)
			break;
	}
	assert_memory_equal(code, "1234", 4);
	/* The digits that the user reads are by luck those that he found: still refused. */
	memcpy(typed, code, sizeof(typed));
	assert_int_equal(pairing_proof(i, typed, text), 0);
	assert_int_equal(pairing_take_nonce(i, nonce, text), -EKEYREJECTED);
	assert_int_equal(pairing_take_nonce(i, nonce, text), -EPROTO);
	pairing_free(i);
}

/*
 * All his free choices are fixed when the honest nonces come: digits modulo 100 agree in one of a
 * hundred runs, whichever choice he made. The same test with six digits would take a million runs.
 */
static void
test_chance(void **state)
{
	static const unsigned choices[] = { 0, 1, 77, 0xffffffff };
	enum { RUNS = 5000 };

	for (size_t c = 0; c < sizeof(choices) / sizeof(choices[0]); c++) {
		int agree = 0;

		for (int run_count = 0; run_count < RUNS; run_count++) {
			struct middle m = middle_new();
			unsigned char session[96], hash[32];
			char chosen[64], text[64], code_i[7], code_r[7];

			text_of(choices[c], chosen);
			session_of(exporter, &key_i, &key_m, session);
			hash_of("commit", session, chosen, NULL, hash);
			EVP_EncodeBlock((unsigned char *)text, hash, 32);
			assert_int_equal(pairing_take_commit(m.i, text), 0);
			assert_int_equal(pairing_commit(m.r, text), 0);
			assert_int_equal(pairing_nonce(m.i, text), 0);
			hash_of("code", session, text, chosen, hash);
			digits_of(hash, code_i);
			assert_int_equal(pairing_code(m.r, chosen, code_r), 0);
			agree += strcmp(code_i + 4, code_r + 4) == 0;
			middle_free(&m);
		}
		/* 50 expected, deviation 7: six deviations. */
		if (agree < 8 || agree > 92)
			fail_msg("%d of %d agree", agree, RUNS);
	}
}

/* Each digit everywhere equally often. */
static void
test_digits_are_even(void **state)
{
	int seen[6][10] = { { 0 } };
	enum { RUNS = 5000 };

	for (int n = 0; n < RUNS; n++) {
		struct pairing *r = pairing_new(false, &key_i, &key_r, exporter);
		char text[64], code[7];

		assert_int_equal(pairing_commit(r, text), 0);
		text_of(1, text);
		assert_int_equal(pairing_code(r, text, code), 0);
		for (int d = 0; d < 6; d++)
			seen[d][code[d] - '0']++;
		pairing_free(r);
	}
	for (int d = 0; d < 6; d++)
		for (int v = 0; v < 10; v++)
			/* 500 expected, deviation 21: six deviations. */
			if (seen[d][v] < 372 || seen[d][v] > 628)
				fail_msg("digit %d: %d times %d", d, seen[d][v], v);
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static void
other_digits(const char *code, char out[7])
{
	memcpy(out, code, 7);
	out[5] = code[5] == '9' ? '0' : (char)(code[5] + 1);
}

static void
test_mistyped(void **state)
{
	struct rig *rig = *state;
	char wrong[7];

	run_to_code(rig);
	other_digits(rig->code, wrong);
	assert_int_equal(pairing_proof(rig->i, wrong, rig->proof), 0);
	assert_int_equal(pairing_take_proof(rig->r, rig->proof), 0);
	assert_int_equal(pairing_nonce(rig->r, rig->nonce_r), 0);
	rig->salt[0] = 'x';
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), -EKEYREJECTED);
	/* The salt stays at home. */
	assert_string_equal(rig->salt, "x");
	assert_false(pairing_is_done(rig->i));
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), -EPROTO);
	assert_int_equal(pairing_proof(rig->i, rig->code, rig->proof), -EPROTO);
}

/* Without a look at the screen: the proof holds a guess, the salt opens it, and it is wrong. */
static void
test_guessed(void **state)
{
	struct rig *rig = *state;
	unsigned char session[96], hash[32];
	char wrong[7], salt[64], text[64];

	run_to_code(rig);
	session_of(exporter, &key_i, &key_r, session);
	other_digits(rig->code, wrong);
	text_of(5, salt);
	hash_of("proof", session, salt, wrong, hash);
	EVP_EncodeBlock((unsigned char *)text, hash, 32);
	assert_int_equal(pairing_take_proof(rig->r, text), 0);
	assert_int_equal(pairing_nonce(rig->r, rig->nonce_r), 0);
	assert_int_equal(pairing_take_salt(rig->r, salt), -EKEYREJECTED);
	assert_int_equal(pairing_take_salt(rig->r, salt), -EPROTO);
	assert_false(pairing_is_done(rig->r));
}

static void
test_other_commit(void **state)
{
	struct rig *rig = *state;
	char commit[64];

	assert_int_equal(pairing_commit(rig->r, rig->commit), 0);
	memcpy(commit, rig->commit, sizeof(commit));
	commit[0] = commit[0] == 'A' ? 'B' : 'A';
	assert_int_equal(pairing_take_commit(rig->i, commit), 0);
	assert_int_equal(pairing_nonce(rig->i, rig->nonce_i), 0);
	assert_int_equal(pairing_code(rig->r, rig->nonce_i, rig->code), 0);
	assert_int_equal(pairing_proof(rig->i, rig->code, rig->proof), 0);
	assert_int_equal(pairing_take_proof(rig->r, rig->proof), 0);
	assert_int_equal(pairing_nonce(rig->r, rig->nonce_r), 0);
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), -EKEYREJECTED);
}

static void
test_not_digits(void **state)
{
	static const char *const bad[] = { "",       "12345",   "1234567",
					   "12345a", " 12345",  "123 456",
					   "-12345", "12345\n", "1234567890123456789" };
	struct rig *rig = *state;

	run_to_code(rig);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pairing_proof(rig->i, bad[i], rig->proof), -EINVAL);
	assert_int_equal(pairing_proof(rig->i, rig->code, rig->proof), 0);
}

/* --- order -------------------------------------------------------------------------------------
 */

enum step {
	COMMIT,
	TAKE_COMMIT,
	NONCE,
	CODE,
	PROOF,
	TAKE_PROOF,
	TAKE_NONCE,
	TAKE_SALT,
	TOKEN_PROOF,
	TAKE_TOKEN,
	STEPS
};

static int
do_step(struct pairing *pairing, enum step step, const struct rig *rig)
{
	static const char token[] = "AAAAAAAAAAAAAAAAAAAAAA";
	char out[64];

	switch (step) {
	case COMMIT:
		return pairing_commit(pairing, out);
	case TAKE_COMMIT:
		return pairing_take_commit(pairing, rig->commit);
	case NONCE:
		return pairing_nonce(pairing, out);
	case CODE:
		return pairing_code(pairing, rig->nonce_i, out);
	case PROOF:
		return pairing_proof(pairing, rig->code, out);
	case TAKE_PROOF:
		return pairing_take_proof(pairing, rig->proof);
	case TAKE_NONCE:
		return pairing_take_nonce(pairing, rig->nonce_r, out);
	case TAKE_SALT:
		return pairing_take_salt(pairing, rig->salt);
	case TOKEN_PROOF:
		return pairing_token_proof(pairing, &key_r, token, out);
	case TAKE_TOKEN:
		return pairing_take_token(pairing, token, rig->proof);
	case STEPS:
		break;
	}
	return -ENOSYS;
}

/* Every step but those in its turn, which is none where may and may2 are STEPS. */
static void
expect_only(struct pairing *pairing, const struct rig *rig, enum step may, enum step may2)
{
	for (enum step step = 0; step < STEPS; step++)
		if (step != may && step != may2 && do_step(pairing, step, rig) != -EPROTO)
			fail_msg("step %d was not out of order", step);
}

/* Something to try with where the real text is not there yet. */
static void
fill(struct rig *rig)
{
	snprintf(rig->code, sizeof(rig->code), "000000");
	text_of(1, rig->nonce_i);
	text_of(2, rig->nonce_r);
	text_of(3, rig->salt);
	text_of(4, rig->proof);
	text_of(5, rig->commit);
}

static void
test_order_initiator(void **state)
{
	struct rig *rig = *state;

	fill(rig);
	expect_only(rig->i, rig, TAKE_COMMIT, TOKEN_PROOF);
	assert_int_equal(pairing_commit(rig->r, rig->commit), 0);
	assert_int_equal(pairing_take_commit(rig->i, rig->commit), 0);
	expect_only(rig->i, rig, NONCE, STEPS);
	assert_int_equal(pairing_nonce(rig->i, rig->nonce_i), 0);
	expect_only(rig->i, rig, PROOF, STEPS);
	assert_int_equal(pairing_code(rig->r, rig->nonce_i, rig->code), 0);
	assert_int_equal(pairing_proof(rig->i, rig->code, rig->proof), 0);
	expect_only(rig->i, rig, TAKE_NONCE, STEPS);
	assert_int_equal(pairing_take_proof(rig->r, rig->proof), 0);
	assert_int_equal(pairing_nonce(rig->r, rig->nonce_r), 0);
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), 0);
	expect_only(rig->i, rig, STEPS, STEPS);
	assert_true(pairing_is_done(rig->i));
}

/* Responder: its own errors for two of the steps. */
static void
expect_responder(struct pairing *r, const struct rig *rig, enum step may, int nonce, int proof)
{
	for (enum step step = 0; step < STEPS; step++) {
		int want = step == NONCE ? nonce : step == TAKE_PROOF ? proof : -EPROTO;

		if (step != may && do_step(r, step, rig) != want)
			fail_msg("step %d was not out of order", step);
	}
}

/* The nonce is a secret until there is a proof, and a proof is taken once. */
static void
test_order_responder(void **state)
{
	struct rig *rig = *state;
	struct pairing *r = rig->r;

	fill(rig);
	assert_int_equal(pairing_nonce(r, rig->nonce_r), -EACCES);
	assert_int_equal(do_step(r, TAKE_SALT, rig), -EPROTO);
	assert_int_equal(do_step(r, CODE, rig), -EPROTO);
	assert_int_equal(do_step(r, TAKE_PROOF, rig), -EPROTO);
	assert_int_equal(pairing_commit(r, rig->commit), 0);
	expect_responder(r, rig, CODE, -EACCES, -EPROTO);
	assert_int_equal(pairing_take_commit(rig->i, rig->commit), 0);
	assert_int_equal(pairing_nonce(rig->i, rig->nonce_i), 0);
	assert_int_equal(pairing_code(r, rig->nonce_i, rig->code), 0);
	expect_responder(r, rig, TAKE_PROOF, -EACCES, 0);
	assert_int_equal(pairing_proof(rig->i, rig->code, rig->proof), 0);
	assert_int_equal(pairing_take_proof(r, rig->proof), 0);
	expect_responder(r, rig, NONCE, 0, -EALREADY);
	assert_int_equal(pairing_nonce(r, rig->nonce_r), 0);
	expect_responder(r, rig, TAKE_SALT, -EPROTO, -EALREADY);
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), 0);
	assert_int_equal(pairing_take_salt(r, rig->salt), 0);
	expect_responder(r, rig, STEPS, -EPROTO, -EALREADY);
	assert_true(pairing_is_done(r));
}

/* --- texts -------------------------------------------------------------------------------------
 */

static const char *const malformed[] = {
	"",
	"A",
	"====",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=A",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	" AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAAAAAAAAAAAAAA-AAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAAAAAAAAAAAAAA\xc3\xa9"
	"AAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	"A=",
};

#define EACH_MALFORMED(call)                                                                       \
	for (size_t n = 0; n < sizeof(malformed) / sizeof(malformed[0]); n++) {                    \
		const char *bad = malformed[n];                                                    \
                                                                                                   \
		if ((call) != -EBADMSG)                                                            \
			fail_msg("\"%s\" was taken: %s", bad, #call);                              \
	}

/* What is no text at all is not that step: the right one may follow. */
static void
test_malformed(void **state)
{
	struct rig *rig = *state;
	char out[64], token[64];

	ear_new_token(token);
	EACH_MALFORMED(pairing_take_token(rig->r, token, bad));
	assert_int_equal(pairing_commit(rig->r, rig->commit), 0);
	EACH_MALFORMED(pairing_take_commit(rig->i, bad));
	assert_int_equal(pairing_take_commit(rig->i, rig->commit), 0);
	assert_int_equal(pairing_nonce(rig->i, rig->nonce_i), 0);
	EACH_MALFORMED(pairing_code(rig->r, bad, out));
	assert_int_equal(pairing_code(rig->r, rig->nonce_i, rig->code), 0);
	assert_int_equal(pairing_proof(rig->i, rig->code, rig->proof), 0);
	EACH_MALFORMED(pairing_take_proof(rig->r, bad));
	assert_int_equal(pairing_take_proof(rig->r, rig->proof), 0);
	assert_int_equal(pairing_nonce(rig->r, rig->nonce_r), 0);
	EACH_MALFORMED(pairing_take_nonce(rig->i, bad, out));
	assert_int_equal(pairing_take_nonce(rig->i, rig->nonce_r, rig->salt), 0);
	EACH_MALFORMED(pairing_take_salt(rig->r, bad));
	assert_int_equal(pairing_take_salt(rig->r, rig->salt), 0);
}

/* --- token -------------------------------------------------------------------------------------
 */

static void
test_token(void **state)
{
	struct rig *rig = *state;
	unsigned char secret[16], input[256], want[32];
	char token[64], proof[64];
	size_t n, length;

	ear_new_token(token);
	assert_int_equal(strlen(token), 22);
	assert_int_equal(pairing_token_proof(rig->i, &key_r, token, proof), 0);
	assert_true(pairing_is_done(rig->i));
	assert_int_equal(pairing_take_token(rig->r, token, proof), 0);
	assert_true(pairing_is_done(rig->r));
	assert_int_equal(pairing_take_token(rig->r, token, proof), -EPROTO);
	/* From the comment in pairing.c. */
	assert_int_equal(octets_from_base64url(token, secret, 16), 0);
	n = append(input, 0, "earshot-pairing-0 token", 24);
	session_of(exporter, &key_i, &key_r, input + n);
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, 16, input, n + 96,
				  want, 32, &length));
	expect_text(want, proof);
}

static void
test_token_of_another(void **state)
{
	struct rig *rig = *state;
	char token[64], proof[64] = "";

	ear_new_token(token);
	assert_int_equal(pairing_token_proof(rig->i, &key_m, token, proof), -EKEYREJECTED);
	assert_string_equal(proof, "");
	assert_false(pairing_is_done(rig->i));
	assert_int_equal(pairing_token_proof(rig->i, &key_r, token, proof), -EPROTO);
}

static void
test_wrong_token(void **state)
{
	struct rig *rig = *state;
	char token[64], other[64], proof[64];

	ear_new_token(token);
	ear_new_token(other);
	assert_string_not_equal(token, other);
	assert_int_equal(pairing_token_proof(rig->i, &key_r, other, proof), 0);
	assert_int_equal(pairing_take_token(rig->r, token, proof), -EKEYREJECTED);
	assert_false(pairing_is_done(rig->r));
	assert_int_equal(pairing_take_token(rig->r, other, proof), -EPROTO);
}

/* A proof of one session is none in another, nor for another initiator. */
static void
test_token_elsewhere(void **state)
{
	struct rig *rig = *state;
	struct pairing *session = pairing_new(false, &key_i, &key_r, exporter2);
	struct pairing *initiator = pairing_new(false, &key_m, &key_r, exporter);
	char token[64], proof[64];

	ear_new_token(token);
	assert_int_equal(pairing_token_proof(rig->i, &key_r, token, proof), 0);
	assert_int_equal(pairing_take_token(session, token, proof), -EKEYREJECTED);
	assert_int_equal(pairing_take_token(initiator, token, proof), -EKEYREJECTED);
	pairing_free(session);
	pairing_free(initiator);
}

static void
test_no_token(void **state)
{
	static const char *const bad[] = { "",
					   "AAAAAAAAAAAAAAAAAAAAA",
					   "AAAAAAAAAAAAAAAAAAAAAAA",
					   "AAAAAAAAAAAAAAAAAAAAAB",
					   "AAAAAAAAAAAAAAAAAAAA==",
					   "AAAAAAAAAAAAAAAAAAAAAA==",
					   "AAAAAAAAAA+AAAAAAAAAAA",
					   "AAAAAAAAAA AAAAAAAAAAA" };
	struct rig *rig = *state;
	char proof[64];

	text_of(1, rig->proof);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(pairing_token_proof(rig->i, &key_r, bad[i], proof), -EINVAL);
		assert_int_equal(pairing_take_token(rig->r, bad[i], rig->proof), -EINVAL);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_straight),
		TEST(test_fresh),
		TEST(test_formulas),
		cmocka_unit_test(test_middle),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_relayed_proof),
		cmocka_unit_test(test_search_towards_initiator),
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_digits_are_even),
		TEST(test_mistyped),
		TEST(test_guessed),
		TEST(test_other_commit),
		TEST(test_not_digits),
		TEST(test_order_initiator),
		TEST(test_order_responder),
		TEST(test_malformed),
		TEST(test_token),
		TEST(test_token_of_another),
		TEST(test_wrong_token),
		TEST(test_token_elsewhere),
		TEST(test_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
