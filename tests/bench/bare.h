/* SPDX-License-Identifier: ISC */
/* bare.h: TLS 1.3 between two blocking sockets, and nothing else: the floor of secured streams. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* What a device has: a key as ours are, and a certificate of its own make. */
struct bare_id {
	EVP_PKEY *key;
	X509 *certificate;
};

void bare_id_make(struct bare_id *id);

/* Both ends show a certificate, any one; sessions are resumed. Either side. */
SSL_CTX *bare_context(const struct bare_id *id);

/* The newest ticket that a client of this process has got; borrowed, NULL: none. */
SSL_SESSION *bare_ticket(void);
void bare_forget_ticket(void);

/* The handshake on a blocking socket; session may be NULL. bench_die if it fails. */
SSL *bare_connect(SSL_CTX *ctx, int fd, SSL_SESSION *session);
SSL *bare_accept(SSL_CTX *ctx, int fd);

/* All of it, or bench_die. */
void bare_read(SSL *ssl, void *bytes, size_t length);
void bare_write(SSL *ssl, const void *bytes, size_t length);

/* Frees it; fd is the caller's. */
void bare_free(SSL *ssl);

#endif
