/* SPDX-License-Identifier: ISC */
/*
 * tls_peer.c: TLS between two peers. Both ends show a certificate, and what TLS proves is that they
 * have its key; no authority is asked, and no name in it is believed here.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/tls_impl.h"

#define CONTEXT_BYTES 16
/* A ticket of our own make holds the client's certificate. */
#define TICKET_MAX (TLS_CERTIFICATE_MAX + 1024)

/* Cheap ones first; all three are those of RFC 8446 §9.1. */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"

struct tls_peers {
	SSL_CTX *ctx; /* one for each key: the keys of its tickets go with it */
	/* The name of all sessions under that key: those of another one are not resumed. */
	unsigned char context[CONTEXT_BYTES];
};

static int
on_verify(X509_STORE_CTX *store, void *arg)
{
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* The client's side has got a ticket. */
static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct tls *tls = tls_of(ssl);
	const unsigned char *ticket;
	size_t length;

	SSL_SESSION_get0_ticket(session, &ticket, &length);
	if (length == 0 || length > TICKET_MAX)
		return 0;
	SSL_SESSION_free(tls->session);
	tls->session = session;
	return 1; /* ours now */
}

static void
make_context(struct tls_peers *peers, EVP_PKEY *key, X509 *certificate)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	if (ctx == NULL || RAND_bytes(peers->context, CONTEXT_BYTES) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, peers->context, CONTEXT_BYTES) != 1 ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, SUITES) != 1 ||
	    SSL_CTX_use_certificate(ctx, certificate) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		abort();
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	SSL_CTX_set_max_cert_list(ctx, TLS_CERTIFICATE_MAX);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_ticket);
	peers->ctx = ctx;
}

struct tls_peers *
tls_peers_new(struct evp_pkey_st *key, struct x509_st *certificate)
{
	struct tls_peers *peers = xalloc(sizeof(*peers));

	make_context(peers, key, certificate);
	return peers;
}

void
tls_peers_free(struct tls_peers *peers)
{
	if (peers == NULL)
		return;
	SSL_CTX_free(peers->ctx);
	free(peers);
}

void
tls_peers_set(struct tls_peers *peers, struct evp_pkey_st *key, struct x509_st *certificate)
{
	SSL_CTX_free(peers->ctx); /* streams that there are keep it */
	make_context(peers, key, certificate);
}

/* A session proves the key that we had when it began. */
static bool
is_current(const struct tls_peers *peers, const struct tls_session *session)
{
	const unsigned char *context;
	unsigned length;

	context = SSL_SESSION_get0_id_context((const SSL_SESSION *)session, &length);
	return length == CONTEXT_BYTES && memcmp(context, peers->context, length) == 0;
}

struct tls *
tls_peer_new(struct tls_peers *peers, bool client, struct tls_session *session)
{
	struct tls *tls = tls_new(peers->ctx);

	if (client)
		SSL_set_connect_state(tls->ssl);
	else
		SSL_set_accept_state(tls->ssl);
	if (client && session != NULL && is_current(peers, session))
		SSL_set_session(tls->ssl, (SSL_SESSION *)session);
	return tls;
}

size_t
tls_certificate(const struct tls *tls, unsigned char **der)
{
	X509 *certificate = tls->ready ? SSL_get0_peer_certificate(tls->ssl) : NULL;
	int length = certificate != NULL ? i2d_X509(certificate, NULL) : 0;
	unsigned char *at;

	*der = NULL;
	if (length <= 0)
		return 0;
	at = *der = xalloc((size_t)length);
	i2d_X509(certificate, &at);
	return (size_t)length;
}

int
tls_export(const struct tls *tls, const char *label, unsigned char *out, size_t length)
{
	int rc = 0;

	ERR_clear_error();
	if (tls->ready)
		rc = SSL_export_keying_material(tls->ssl, out, length, label, strlen(label), NULL,
						0, 0);
	ERR_clear_error();
	return rc == 1 ? 0 : -EPROTO;
}

bool
tls_is_resumed(const struct tls *tls)
{
	return tls->ready && SSL_session_reused(tls->ssl) == 1;
}

struct tls_session *
tls_take_session(struct tls *tls)
{
	SSL_SESSION *session = tls->session;

	tls->session = NULL;
	return (struct tls_session *)session;
}

void
tls_session_free(struct tls_session *session)
{
	SSL_SESSION_free((SSL_SESSION *)session);
}
