/* SPDX-License-Identifier: ISC */
/* tls_impl.h: what tls.c shares with who sets a side up: tls_client.c and tls_peer.c. */
#ifndef LINK_TLS_IMPL_H
#define LINK_TLS_IMPL_H

#include <openssl/ssl.h>

#include "link/tls.h"

/* An established one is mostly OpenSSL's own memory: nothing of the wire waits in here. */
struct tls {
	SSL *ssl;
	const unsigned char *wire; /* of the running call: what has arrived and is not read yet */
	size_t left;
	struct evbuffer *out;    /* of the running call: where the wire begins */
	struct tls_brief *brief; /* the same, before it; may be NULL */
	SSL_SESSION *session;    /* the newest ticket */
	char *failure;           /* NULL: none */
	unsigned answers;        /* to what the other end sends besides data, since we sent data */
	bool ready;
};

/* One that has to be told yet which side it is. Aborts without memory. */
struct tls *tls_new(SSL_CTX *ctx);

/* The one that ssl belongs to. */
struct tls *tls_of(const SSL *ssl);

/* The first error that OpenSSL has queued, in words. */
const char *tls_reason(void);

#endif
