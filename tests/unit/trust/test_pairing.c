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
#include "tests/unit/trust/pairing_rig.h"

static void
test_straight(void **state)
{
	struct rig *rig = *state;

	rig_to_nonce(rig, NULL);
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

	rig_run(rig);
	rig_new(&other);
	again = other;
	rig_run(again);
	assert_string_not_equal(rig->commit, again->commit);
	assert_string_not_equal(rig->nonce_i, again->nonce_i);
	assert_string_not_equal(rig->nonce_r, again->nonce_r);
	assert_string_not_equal(rig->salt, again->salt);
	assert_string_not_equal(rig->proof, again->proof);
	rig_free(&other);
}

static void
test_formulas(void **state)
{
	struct rig *rig = *state;
	unsigned char session[96], hash[32];
	char code[7];

	rig_run(rig);
	rig_session(exporter, &key_i, &key_r, session);
	rig_hash("commit", session, rig->nonce_r, NULL, hash);
	rig_expect(hash, rig->commit);
	rig_hash("proof", session, rig->salt, rig->code, hash);
	rig_expect(hash, rig->proof);
	rig_hash("code", session, rig->nonce_i, rig->nonce_r, hash);
	rig_digits(hash, code);
	assert_string_equal(code, rig->code);
}

/* --- what is wrong ------------------------------------------------------------ */

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

	rig_to_code(rig);
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

	rig_to_code(rig);
	rig_session(exporter, &key_i, &key_r, session);
	other_digits(rig->code, wrong);
	rig_text(5, salt);
	rig_hash("proof", session, salt, wrong, hash);
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

	rig_to_code(rig);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pairing_proof(rig->i, bad[i], rig->proof), -EINVAL);
	assert_int_equal(pairing_proof(rig->i, rig->code, rig->proof), 0);
}

/* --- order ------------------------------------------------------------ */

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
	rig_text(1, rig->nonce_i);
	rig_text(2, rig->nonce_r);
	rig_text(3, rig->salt);
	rig_text(4, rig->proof);
	rig_text(5, rig->commit);
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

/* --- texts ------------------------------------------------------------ */

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

/* --- token ------------------------------------------------------------ */

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
	n = rig_append(input, 0, "earshot-pairing-0 token", 24);
	rig_session(exporter, &key_i, &key_r, input + n);
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, 16, input, n + 96,
				  want, 32, &length));
	rig_expect(want, proof);
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

	rig_text(1, rig->proof);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(pairing_token_proof(rig->i, &key_r, bad[i], proof), -EINVAL);
		assert_int_equal(pairing_take_token(rig->r, bad[i], rig->proof), -EINVAL);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_straight),    TEST(test_fresh),           TEST(test_formulas),
		TEST(test_mistyped),    TEST(test_guessed),         TEST(test_other_commit),
		TEST(test_not_digits),  TEST(test_order_initiator), TEST(test_order_responder),
		TEST(test_malformed),   TEST(test_token),           TEST(test_token_of_another),
		TEST(test_wrong_token), TEST(test_token_elsewhere), TEST(test_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
