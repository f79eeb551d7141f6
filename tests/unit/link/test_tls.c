/* SPDX-License-Identifier: ISC */
/* test_tls.c: the client's TLS against OpenSSL's server, in memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "link/tls.h"

#define DOMAIN "example.test"

struct fixture {
	char ca[64];
	SSL_CTX *ctx;
	SSL *server;
	struct tls *client;
	struct evbuffer *to_client, *to_server, *plain; /* plain: what the client decrypted */
	int error;                                      /* of the client */
};

/* A certificate for name, its own authority. */
static X509 *
certificate(EVP_PKEY *key, const char *name)
{
	X509 *made = X509_new();
	X509_EXTENSION *names;
	char text[300];

	X509_set_version(made, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
	X509_gmtime_adj(X509_getm_notBefore(made), -3600);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_set_pubkey(made, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
				   (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(made));
	snprintf(text, sizeof(text), "DNS:%s", name);
	names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	X509_add_ext(made, names, -1);
	X509_EXTENSION_free(names);
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	return made;
}

static void
serve(struct fixture *f, const char *name, int version)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *made = certificate(key, name);
	FILE *file;

	snprintf(f->ca, sizeof(f->ca), "/tmp/test_tls.XXXXXX");
	file = fdopen(mkstemp(f->ca), "w");
	PEM_write_X509(file, made);
	fclose(file);
	f->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(f->ctx, 0);
	SSL_CTX_set_min_proto_version(f->ctx, version);
	SSL_CTX_set_max_proto_version(f->ctx, version);
	SSL_CTX_use_certificate(f->ctx, made);
	SSL_CTX_use_PrivateKey(f->ctx, key);
	f->server = SSL_new(f->ctx);
	SSL_set_bio(f->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(f->server);
	X509_free(made);
	EVP_PKEY_free(key);
}

static void
begin(struct fixture *f, const char *name, int version)
{
	char error[256];

	serve(f, name, version);
	f->client = tls_client_new(DOMAIN, f->ca, error, sizeof(error));
	assert_non_null(f->client);
	f->error = tls_feed(f->client, f->to_client, f->plain, f->to_server);
}

/* Carries bytes until nobody has any, in pieces of so many. Returns what the server could read. */
static size_t
carry(struct fixture *f, char *read, size_t size, size_t piece)
{
	char bytes[4096];
	size_t got = 0;
	int n, idle = 0;

	while (idle++ < 2) {
		while ((n = evbuffer_remove(f->to_server, bytes, sizeof(bytes))) > 0)
			BIO_write(SSL_get_rbio(f->server), bytes, n);
		while (got < size && (n = SSL_read(f->server, read + got, (int)(size - got))) > 0)
			got += (size_t)n;
		while (f->error == 0 &&
		       (n = BIO_read(SSL_get_wbio(f->server), bytes, (int)piece)) > 0) {
			evbuffer_add(f->to_client, bytes, (size_t)n);
			f->error = tls_feed(f->client, f->to_client, f->plain, f->to_server);
			idle = 0;
		}
	}
	return got;
}

static void
say(struct fixture *f, const char *text, size_t length)
{
	struct evbuffer *plain = evbuffer_new();

	evbuffer_add(plain, text, length);
	assert_int_equal(tls_seal(f->client, plain, f->to_server), 0);
	assert_int_equal(evbuffer_get_length(plain), 0);
	evbuffer_free(plain);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->to_client = evbuffer_new();
	f->to_server = evbuffer_new();
	f->plain = evbuffer_new();
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	tls_free(f->client);
	SSL_free(f->server);
	SSL_CTX_free(f->ctx);
	evbuffer_free(f->to_client);
	evbuffer_free(f->to_server);
	evbuffer_free(f->plain);
	if (f->ca[0] != '\0')
		unlink(f->ca);
	free(f);
	ERR_clear_error();
	return 0;
}

static void
test_both_ways(void **state)
{
	struct fixture *f = *state;
	static char large[200000], back[200000];

	memset(large, 'x', sizeof(large));
	begin(f, DOMAIN, TLS1_3_VERSION);
	carry(f, back, sizeof(back), 1);
	assert_true(tls_is_ready(f->client));
	assert_string_equal(SSL_get_servername(f->server, TLSEXT_NAMETYPE_host_name), DOMAIN);
	say(f, large, sizeof(large));
	assert_int_equal(carry(f, back, sizeof(back), 4096), sizeof(large));
	assert_memory_equal(large, back, sizeof(large));
	assert_int_equal(SSL_write(f->server, large, sizeof(large)), sizeof(large));
	carry(f, back, sizeof(back), 1000);
	assert_int_equal(evbuffer_get_length(f->plain), sizeof(large));
}

static void
test_old_versions_are_refused(void **state)
{
	struct fixture *f = *state;
	char back[16];

	begin(f, DOMAIN, TLS1_1_VERSION);
	carry(f, back, sizeof(back), 4096);
	assert_int_equal(f->error, -EPROTO);
	assert_false(tls_is_ready(f->client));
	assert_string_not_equal(tls_failure(f->client), "");
}

static void
test_another_name(void **state)
{
	static const char *const names[] = { "other.test", "e*.test", "*.example.test", "*" };
	struct fixture *f;
	char back[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		f = *state;
		begin(f, names[i], TLS1_3_VERSION);
		carry(f, back, sizeof(back), 4096);
		assert_int_equal(f->error, -EPROTO);
		assert_non_null(strstr(tls_failure(f->client), "hostname mismatch"));
		teardown(state);
		setup(state);
	}
}

static void
test_unknown_authority(void **state)
{
	struct fixture *f = *state;
	char back[16], error[256];

	serve(f, DOMAIN, TLS1_3_VERSION);
	f->client = tls_client_new(DOMAIN, NULL, error, sizeof(error));
	assert_non_null(f->client);
	f->error = tls_feed(f->client, f->to_client, f->plain, f->to_server);
	carry(f, back, sizeof(back), 4096);
	assert_int_equal(f->error, -EPROTO);
	assert_non_null(strstr(tls_failure(f->client), "certificate refused"));
	assert_null(tls_client_new(DOMAIN, "/nowhere/ca.pem", error, sizeof(error)));
	assert_non_null(strstr(error, "/nowhere/ca.pem"));
}

/* What came before close_notify is there. */
static void
test_close_notify(void **state)
{
	struct fixture *f = *state;
	char back[16];

	begin(f, DOMAIN, TLS1_3_VERSION);
	carry(f, back, sizeof(back), 4096);
	SSL_write(f->server, "last words", 10);
	SSL_shutdown(f->server);
	carry(f, back, sizeof(back), 4096);
	assert_int_equal(f->error, -ESHUTDOWN);
	assert_int_equal(evbuffer_get_length(f->plain), 10);
}

static void
test_garbage(void **state)
{
	struct fixture *f = *state;
	char back[16], waste[5000];

	begin(f, DOMAIN, TLS1_3_VERSION);
	carry(f, back, sizeof(back), 4096);
	memset(waste, 'x', sizeof(waste));
	evbuffer_add(f->to_client, waste, sizeof(waste));
	assert_int_equal(tls_feed(f->client, f->to_client, f->plain, f->to_server), -EPROTO);
	assert_string_not_equal(tls_failure(f->client), "");
}

/* In TLS 1.2 a server may ask for another handshake; what we say meanwhile goes out all the same.
 */
static void
test_renegotiation_is_refused(void **state)
{
	struct fixture *f = *state;
	char back[16];

	begin(f, DOMAIN, TLS1_2_VERSION);
	carry(f, back, sizeof(back), 4096);
	assert_true(tls_is_ready(f->client));
	SSL_renegotiate(f->server);
	SSL_do_handshake(f->server);
	while (BIO_pending(SSL_get_wbio(f->server)) > 0) {
		char bytes[4096];
		int n = BIO_read(SSL_get_wbio(f->server), bytes, sizeof(bytes));

		evbuffer_add(f->to_client, bytes, (size_t)n);
	}
	assert_int_equal(tls_feed(f->client, f->to_client, f->plain, f->to_server), 0);
	evbuffer_drain(f->to_server, evbuffer_get_length(f->to_server));
	say(f, "hello", 5);
	assert_true(evbuffer_get_length(f->to_server) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_versions_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_authority, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_notify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renegotiation_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
