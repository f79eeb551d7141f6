/* SPDX-License-Identifier: ISC */
/* tls.c: TLS over memory: OpenSSL reads from and writes to buffers of ours. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "link/tls.h"

#define CHUNK 16384 /* the most that one TLS record holds */

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	bool ready;
	char failure[256];
};

/* The first error OpenSSL has queued, in words. */
static const char *
reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text = ERR_reason_error_string(code);

	return text != NULL ? text : "unknown error";
}

static int
set_authorities(SSL_CTX *ctx, const char *ca_file)
{
	if (ca_file == NULL)
		return SSL_CTX_set_default_verify_paths(ctx);
	return SSL_CTX_load_verify_file(ctx, ca_file);
}

static int
set_domain(SSL *ssl, const char *domain)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, domain) == 1 && SSL_set_tlsext_host_name(ssl, domain) == 1;
}

struct tls *
tls_client_new(const char *domain, const char *ca_file, char *error, size_t size)
{
	struct tls *tls = xalloc(sizeof(*tls));

	ERR_clear_error();
	tls->ctx = SSL_CTX_new(TLS_client_method());
	if (tls->ctx == NULL || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1)
		goto fail;
	if (set_authorities(tls->ctx, ca_file) != 1) {
		snprintf(error, size, "authorities of %s: %s",
			 ca_file != NULL ? ca_file : "the system", reason());
		tls_free(tls);
		return NULL;
	}
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS);
	/* Another handshake would make SSL_write refuse what tls_seal has taken. */
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION);
	tls->ssl = SSL_new(tls->ctx);
	if (tls->ssl == NULL || !set_domain(tls->ssl, domain))
		goto fail;
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (tls->in == NULL || tls->out == NULL)
		abort();
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	SSL_set_connect_state(tls->ssl);
	return tls;

fail:
	snprintf(error, size, "TLS for %s: %s", domain, reason());
	tls_free(tls);
	return NULL;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->ctx);
	ERR_clear_error();
	free(tls);
}

/* Moves what OpenSSL wants on the wire. */
static void
collect(struct tls *tls, struct evbuffer *wire_out)
{
	char *bytes;
	long length = BIO_get_mem_data(tls->out, &bytes);

	if (length > 0)
		evbuffer_add(wire_out, bytes, (size_t)length);
	(void)BIO_reset(tls->out);
}

static int
fail(struct tls *tls)
{
	long verified = SSL_get_verify_result(tls->ssl);

	if (verified != X509_V_OK)
		snprintf(tls->failure, sizeof(tls->failure), "certificate refused: %s",
			 X509_verify_cert_error_string(verified));
	else
		snprintf(tls->failure, sizeof(tls->failure), "%s", reason());
	return -EPROTO;
}

/* What a call into OpenSSL that moved nothing means. */
static int
outcome(struct tls *tls, int result)
{
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -ESHUTDOWN;
	default:
		return fail(tls);
	}
}

static int
shake(struct tls *tls)
{
	int result = SSL_do_handshake(tls->ssl);

	if (result != 1)
		return outcome(tls, result);
	tls->ready = true;
	return 0;
}

static int
open_records(struct tls *tls, struct evbuffer *plain_in)
{
	char bytes[CHUNK];
	int n;

	while ((n = SSL_read(tls->ssl, bytes, sizeof(bytes))) > 0)
		evbuffer_add(plain_in, bytes, (size_t)n);
	return outcome(tls, n);
}

int
tls_feed(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *plain_in,
	 struct evbuffer *wire_out)
{
	char bytes[CHUNK];
	int error = 0, n;

	ERR_clear_error();
	while ((n = evbuffer_remove(wire_in, bytes, sizeof(bytes))) > 0)
		BIO_write(tls->in, bytes, n);
	if (!tls->ready)
		error = shake(tls);
	if (error == 0 && tls->ready)
		error = open_records(tls, plain_in);
	collect(tls, wire_out); /* also the alert that tells the other end why */
	return error;
}

int
tls_seal(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out)
{
	char bytes[CHUNK];
	int error = 0, n;

	ERR_clear_error();
	while (error == 0 && (n = evbuffer_remove(plain_out, bytes, sizeof(bytes))) > 0) {
		int written =
			SSL_write(tls->ssl, bytes, n); /* all or an error: memory, one handshake */

		if (written != n)
			error = outcome(tls, written);
	}
	collect(tls, wire_out);
	return error;
}

bool
tls_is_ready(const struct tls *tls)
{
	return tls->ready;
}

const char *
tls_failure(const struct tls *tls)
{
	return tls->failure;
}
