/* SPDX-License-Identifier: ISC */
/*
 * tls.h: TLS as a pure transformer of bytes: no socket, no waiting. Bytes of the wire go in and
 * come out through evbuffers, so that a peer which falls silent during the handshake holds nobody.
 */
#ifndef LINK_TLS_H
#define LINK_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;
struct tls;

/*
 * The client's side. The other end must show a certificate for domain (RFC 6125, no partial wild
 * cards) that leads to an authority in ca_file, NULL: the system's. NULL with error filled: the
 * file cannot be read.
 */
struct tls *tls_client_new(const char *domain, const char *ca_file, char *error, size_t size);
void tls_free(struct tls *tls);

/*
 * Takes what has arrived and begins or goes on with the handshake: wire_out gets what has to be
 * sent, plain_in what was decrypted. 0; -EPROTO: failed, see tls_failure; -ESHUTDOWN: the other
 * end closed in good order.
 */
int tls_feed(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *plain_in,
	     struct evbuffer *wire_out);

/* Encrypts all of plain_out. Only when tls_is_ready. Errors as tls_feed. */
int tls_seal(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out);

/* Whether the handshake is over and the other end is who it should be. */
bool tls_is_ready(const struct tls *tls);

/* What went wrong, for people; "" while nothing did. */
const char *tls_failure(const struct tls *tls);

#endif
