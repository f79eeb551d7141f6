/* SPDX-License-Identifier: ISC */
/* bare.c: TLS 1.3 as OpenSSL alone does it. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "bare.h"
#include "bench.h"

static SSL_SESSION *newest;

void
bare_id_make(struct bare_id *id)
{
	id->key = EVP_EC_gen("P-256");
	id->certificate = X509_new();
	X509_set_version(id->certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(id->certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(id->certificate), 3600);
	X509_set_pubkey(id->certificate, id->key);
	if (X509_sign(id->certificate, id->key, EVP_sha256()) <= 0)
		bench_die("cannot make a certificate");
}

static int
accept_any(X509_STORE_CTX *store, void *arg)
{
	return 1;
}

static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
	SSL_SESSION_free(newest);
	newest = session;
	return 1;
}

SSL_CTX *
bare_context(const struct bare_id *id)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	/* Other than this the two ends would agree on a dearer one. */
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_use_certificate(ctx, id->certificate);
	SSL_CTX_use_PrivateKey(ctx, id->key);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bench", 5);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_ticket);
	return ctx;
}

SSL_SESSION *
bare_ticket(void)
{
	return newest;
}

void
bare_forget_ticket(void)
{
	SSL_SESSION_free(newest);
	newest = NULL;
}

static SSL *
on_socket(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		bench_die("cannot make a bare TLS connection");
	return ssl;
}

SSL *
bare_connect(SSL_CTX *ctx, int fd, SSL_SESSION *session)
{
	SSL *ssl = on_socket(ctx, fd);

	if (session != NULL)
		SSL_set_session(ssl, session);
	if (SSL_connect(ssl) != 1)
		bench_die("a bare TLS handshake failed");
	return ssl;
}

SSL *
bare_accept(SSL_CTX *ctx, int fd)
{
	SSL *ssl = on_socket(ctx, fd);

	if (SSL_accept(ssl) != 1)
		bench_die("a bare TLS handshake failed");
	return ssl;
}

void
bare_read(SSL *ssl, void *bytes, size_t length)
{
	for (char *at = bytes; length > 0;) {
		int n = SSL_read(ssl, at, (int)length);

		if (n <= 0)
			bench_die("a bare TLS connection ended");
		at += n;
		length -= (size_t)n;
	}
}

void
bare_write(SSL *ssl, const void *bytes, size_t length)
{
	if (SSL_write(ssl, bytes, (int)length) != (int)length)
		bench_die("a bare TLS connection takes nothing");
}

void
bare_free(SSL *ssl)
{
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
}
