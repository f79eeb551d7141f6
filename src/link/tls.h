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
struct evp_pkey_st;
struct tls;
struct tls_peers;
struct tls_session;
struct x509_st;

#define TLS_CERTIFICATE_MAX 8192 /* bytes that the other end's certificates may have together */

#define TLS_BRIEF_MAX 2048 /* bytes of data in a record that is called short */

/*
 * The client's side. The other end must show a certificate for domain (RFC 6125, no partial wild
 * cards) that leads to an authority in ca_file, NULL: the system's. NULL with error filled: the
 * file cannot be read.
 */
struct tls *tls_client_new(const char *domain, const char *ca_file, char *error, size_t size);
void tls_free(struct tls *tls);

/* --- between two peers ---------------------------------------------------------------------- */

/* What all direct streams share: our key and certificate (both referenced), session tickets. */
struct tls_peers *tls_peers_new(struct evp_pkey_st *key, struct x509_st *certificate);
void tls_peers_free(struct tls_peers *peers);

/* From the next handshake on; older tickets are worth nothing any more. */
void tls_peers_set(struct tls_peers *peers, struct evp_pkey_st *key, struct x509_st *certificate);

/*
 * TLS 1.3 and nothing below; both ends must show a certificate, any one: whose key that is, is for
 * the caller to judge, also on a resumed session. session: of an earlier client side (borrowed), or
 * NULL. No early data: it could be replayed.
 */
struct tls *tls_peer_new(struct tls_peers *peers, bool client, struct tls_session *session);

/*
 * As tls_feed for bytes: hands what was decrypted to fn piece by piece (16 KiB at most), until all
 * of wire is read or fn returns false. Errors as tls_feed.
 */
typedef bool tls_plain_fn(void *arg, const void *bytes, size_t length);
int tls_read(struct tls *tls, const void *wire, size_t length, struct evbuffer *wire_out,
	     tls_plain_fn *fn, void *arg);

/* Encrypts some of plain_out, at least a byte and at most one record: how many were taken, or as
 * tls_seal. */
int tls_write(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out);

/* Of the caller's stack: most records are short, and the kernel takes them at once. */
struct tls_brief {
	size_t length;
	char bytes[TLS_BRIEF_MAX + 256]; /* and what TLS puts around them */
};

/* The same. The first bytes of the wire, and mostly all, go into brief where wire_out is empty;
 * what has no room there is behind them in wire_out. */
int tls_write_brief(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out,
		    struct tls_brief *brief);

/* Says goodbye (close_notify) into wire_out. */
void tls_close(struct tls *tls, struct evbuffer *wire_out);

/* The wire has ended. 0; -EPROTO: in the middle of the handshake, see tls_failure. */
int tls_end(struct tls *tls);

/* The other end's certificate as DER, once ready; the caller frees. Returns its length, 0: none. */
size_t tls_certificate(const struct tls *tls, unsigned char **der);

/* RFC 8446 §7.5, without context. 0 or -EPROTO. */
int tls_export(const struct tls *tls, const char *label, unsigned char *out, size_t length);

/* Whether the handshake was a resumption. */
bool tls_is_resumed(const struct tls *tls);

/* The newest ticket that came, to be freed by the caller; NULL: none has come since the last call.
 */
struct tls_session *tls_take_session(struct tls *tls);
void tls_session_free(struct tls_session *session);

/* --- bytes ---------------------------------------------------------------------------------- */

/*
 * Takes what has arrived and begins or goes on with the handshake: wire_out gets what has to be
 * sent, plain_in what was decrypted. 0; -EPROTO: failed, see tls_failure; -ESHUTDOWN: the other
 * end closed in good order.
 */
int tls_feed(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *plain_in,
	     struct evbuffer *wire_out);

/* Encrypts all of plain_out. Only when tls_is_ready. Errors as tls_feed. */
int tls_seal(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out);

/* Nothing has come or gone for a while: gives memory back that the next record will need again. */
void tls_rest(struct tls *tls);

/* Whether the handshake is over and the other end is who it should be. */
bool tls_is_ready(const struct tls *tls);

/* What went wrong, for people; "" while nothing did. */
const char *tls_failure(const struct tls *tls);

#endif
