/* SPDX-License-Identifier: ISC */
/* tls_client.c: the client's side of TLS with a server, whose certificate must be for its name. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "link/tls_impl.h"

static bool
set_authorities(SSL_CTX *ctx, const char *ca_file)
{
	if (ca_file == NULL)
		return SSL_CTX_set_default_verify_paths(ctx) == 1;
	return SSL_CTX_load_verify_file(ctx, ca_file) == 1;
}

static bool
set_domain(SSL *ssl, const char *domain)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, domain) == 1 && SSL_set_tlsext_host_name(ssl, domain) == 1;
}

static struct tls *
client_new(SSL_CTX *ctx, const char *domain, char *error, size_t size)
{
	struct tls *tls;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	/* Another handshake would make SSL_write refuse what tls_seal has taken. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	tls = tls_new(ctx);
	if (set_domain(tls->ssl, domain)) {
		SSL_set_connect_state(tls->ssl);
		return tls;
	}
	snprintf(error, size, "TLS for %s: %s", domain, tls_reason());
	tls_free(tls);
	return NULL;
}

struct tls *
tls_client_new(const char *domain, const char *ca_file, char *error, size_t size)
{
	struct tls *tls = NULL;
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		snprintf(error, size, "TLS for %s: %s", domain, tls_reason());
	else if (!set_authorities(ctx, ca_file))
		snprintf(error, size, "authorities of %s: %s",
			 ca_file != NULL ? ca_file : "the system", tls_reason());
	else
		tls = client_new(ctx, domain, error, size);
	SSL_CTX_free(ctx); /* what is made of it keeps it */
	ERR_clear_error();
	return tls;
}
