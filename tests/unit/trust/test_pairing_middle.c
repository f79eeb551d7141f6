/* SPDX-License-Identifier: ISC */
/* test_pairing_middle.c: somebody between the two ends: relaying, choosing, searching. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "tests/unit/trust/pairing_rig.h"

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

	rig_session(exporter, &key_i, &key_m, session);
	EVP_EncodeBlock((unsigned char *)salt, zero, 32);
	assert_int_equal(pairing_commit(r, text), 0);
	EVP_EncodeBlock((unsigned char *)nonce, zero, 32);
	assert_int_equal(pairing_code(r, nonce, code), 0);
	rig_hash("proof", session, salt, code, hash);
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

/* A commit to nonce 0, then the nonce whose digits come nearest to those the user will type; with
 * four digits of the six the search succeeds every time, so that the test is not one of luck. */
static void
test_search_towards_initiator(void **state)
{
	struct pairing *i = pairing_new(true, &key_i, &key_m, exporter);
	unsigned char session[96], hash[32];
	char text[64], ni[64], nonce[64], code[7], typed[7] = "";

	rig_session(exporter, &key_i, &key_m, session);
	rig_text(0, nonce);
	rig_hash("commit", session, nonce, NULL, hash);
	EVP_EncodeBlock((unsigned char *)text, hash, 32);
	assert_int_equal(pairing_take_commit(i, text), 0);
	assert_int_equal(pairing_nonce(i, ni), 0);
	for (unsigned n = 1; n < SEARCH; n++) {
		rig_text(n, nonce);
		rig_hash("code", session, ni, nonce, hash);
		rig_digits(hash, code);
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

			rig_text(choices[c], chosen);
			rig_session(exporter, &key_i, &key_m, session);
			rig_hash("commit", session, chosen, NULL, hash);
			EVP_EncodeBlock((unsigned char *)text, hash, 32);
			assert_int_equal(pairing_take_commit(m.i, text), 0);
			assert_int_equal(pairing_commit(m.r, text), 0);
			assert_int_equal(pairing_nonce(m.i, text), 0);
			rig_hash("code", session, text, chosen, hash);
			rig_digits(hash, code_i);
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
		rig_text(1, text);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_middle),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_relayed_proof),
		cmocka_unit_test(test_search_towards_initiator),
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_digits_are_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
