/* SPDX-License-Identifier: ISC */
/* test_seen_digest.c: SipHash against OpenSSL's, and that secrets and senders count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "store/seen_digest.h"

#define LENGTHS 200

static uint64_t
openssl_siphash(const uint64_t key[2], const char *bytes, size_t length)
{
	const uint64_t wire[2] = { htole64(key[0]), htole64(key[1]) };
	size_t size = 8, got = 0;
	OSSL_PARAM params[] = { OSSL_PARAM_size_t("size", &size), OSSL_PARAM_END };
	uint64_t out = 0;

	assert_non_null(EVP_Q_mac(NULL, "SIPHASH", NULL, NULL, params, wire, sizeof(wire),
				  (const unsigned char *)bytes, length, (unsigned char *)&out,
				  sizeof(out), &got));
	assert_int_equal(got, sizeof(out));
	return le64toh(out);
}

static void
test_same_as_openssl(void **state)
{
	char bytes[LENGTHS];
	struct seen_who who;

	for (size_t length = 0; length < LENGTHS; length++) {
		assert_int_equal(RAND_bytes((unsigned char *)&who, sizeof(who)), 1);
		assert_int_equal(RAND_bytes((unsigned char *)bytes, sizeof(bytes)), 1);
		assert_true(seen_digest_id(&who, bytes, length) ==
			    openssl_siphash(who.key, bytes, length));
	}
}

static void
test_secret_and_sender_count(void **state)
{
	unsigned char secret[SEEN_KEY] = { 1 };
	struct seen_who a, again, b, other;

	seen_digest_who(secret, "romeo@pronto.local", &a);
	seen_digest_who(secret, "romeo@pronto.local", &again);
	seen_digest_who(secret, "romeo@forza.local", &b);
	secret[SEEN_KEY - 1] ^= 1;
	seen_digest_who(secret, "romeo@pronto.local", &other);
	assert_memory_equal(&a, &again, sizeof(a));
	assert_memory_not_equal(a.name, b.name, sizeof(a.name));
	assert_memory_not_equal(a.name, other.name, sizeof(a.name));
	assert_true(seen_digest_id(&a, "a1", 2) != seen_digest_id(&b, "a1", 2));
	assert_true(seen_digest_id(&a, "a1", 2) != seen_digest_id(&other, "a1", 2));
	assert_true(seen_digest_id(&a, "a1", 2) == seen_digest_id(&again, "a1", 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_openssl),
		cmocka_unit_test(test_secret_and_sender_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
