/* SPDX-License-Identifier: ISC */
/*
 * tls.c: bytes through OpenSSL, whichever side we are. It reads from the caller's bytes and writes
 * to the caller's buffer, within the call: none of them are kept.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "link/tls_impl.h"

#define RECORD_MAX 16384 /* bytes of data in one record, RFC 8446 §5.1 */
/* What answers a KeyUpdate (RFC 8446 §4.6.3) is written whether or not the other end reads it. */
#define ANSWERS_MAX 64

/* --- the two ends of OpenSSL's pipe -------------------------------------------------------- */

static int
bio_read(BIO *bio, char *bytes, size_t size, size_t *got)
{
	struct tls *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (tls->left == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	*got = size < tls->left ? size : tls->left;
	memcpy(bytes, tls->wire, *got);
	tls->wire += *got;
	tls->left -= *got;
	return 1;
}

/* Whether it stands there. Nothing goes there any more once something is behind it. */
static bool
put_brief(struct tls *tls, const char *bytes, size_t length)
{
	struct tls_brief *brief = tls->brief;

	if (brief == NULL || length > sizeof(brief->bytes) - brief->length ||
	    evbuffer_get_length(tls->out) > 0)
		return false;
	memcpy(brief->bytes + brief->length, bytes, length);
	brief->length += length;
	return true;
}

static int
bio_write(BIO *bio, const char *bytes, size_t length, size_t *written)
{
	struct tls *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (tls->out == NULL || ++tls->answers > ANSWERS_MAX)
		return 0;
	*written = length;
	if (put_brief(tls, bytes, length))
		return 1;
	return evbuffer_add(tls->out, bytes, length) == 0;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH;
}

/* Made once and never changed; it has to outlive whatever uses it. */
static const BIO_METHOD *
bio_method(void)
{
	static BIO_METHOD *method;

	if (method != NULL)
		return method;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
	if (method == NULL || BIO_meth_set_read_ex(method, bio_read) != 1 ||
	    BIO_meth_set_write_ex(method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(method, bio_ctrl) != 1)
		abort();
	return method;
}

/* --- from one call into OpenSSL to the next ------------------------------------------------ */

struct tls *
tls_new(SSL_CTX *ctx)
{
	struct tls *tls = xalloc(sizeof(*tls));
	BIO *bio = BIO_new(bio_method());

	tls->ssl = SSL_new(ctx);
	if (tls->ssl == NULL || bio == NULL)
		abort();
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	return tls;
}

struct tls *
tls_of(const SSL *ssl)
{
	return BIO_get_data(SSL_get_rbio(ssl));
}

const char *
tls_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());

	return text != NULL ? text : "unknown error";
}

/* Errors that are left over would be taken for ours; mostly there are none. */
static void
forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

static int
fail(struct tls *tls)
{
	long verified = SSL_get_verify_result(tls->ssl);

	if (tls->answers > ANSWERS_MAX)
		tls->failure = xstrdup("too many key updates");
	else if (verified != X509_V_OK)
		tls->failure = xasprintf("certificate refused: %s",
					 X509_verify_cert_error_string(verified));
	else
		tls->failure = xstrdup(tls_reason());
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

	tls->answers = 0;
	if (result != 1)
		return outcome(tls, result);
	tls->ready = true;
	return 0;
}

/* When all has been read OpenSSL is not asked again: it takes long to find that there is nothing.
 */
static int
open_records(struct tls *tls, tls_plain_fn *fn, void *arg)
{
	char bytes[RECORD_MAX];
	int n = 1;

	while (n > 0 && (tls->left > 0 || SSL_pending(tls->ssl) > 0)) {
		n = SSL_read(tls->ssl, bytes, sizeof(bytes));
		if (n > 0 && !fn(arg, bytes, (size_t)n))
			return 0;
	}
	return n > 0 ? 0 : outcome(tls, n);
}

int
tls_read(struct tls *tls, const void *wire, size_t length, struct evbuffer *wire_out,
	 tls_plain_fn *fn, void *arg)
{
	bool ready = tls->ready;
	int error = 0;

	if (tls->failure != NULL)
		return -EPROTO;
	forget_errors();
	tls->wire = wire;
	tls->left = length;
	tls->out = wire_out; /* also for the alert that tells the other end why */
	if (!tls->ready)
		error = shake(tls);
	if (error == 0 && tls->ready)
		error = open_records(tls, fn, arg);
	tls->wire = NULL;
	tls->left = 0;
	tls->out = NULL;
	if (error != 0 || !ready)
		forget_errors(); /* a record that was read leaves none */
	return error;
}

int
tls_write(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out)
{
	size_t length = evbuffer_get_length(plain_out);
	int taken;

	if (tls->failure != NULL)
		return -EPROTO;
	if (length > RECORD_MAX)
		length = RECORD_MAX;
	tls->out = wire_out;
	tls->answers = 0;
	taken = SSL_write(tls->ssl, evbuffer_pullup(plain_out, (ev_ssize_t)length), (int)length);
	tls->out = NULL;
	if (taken > 0) {
		evbuffer_drain(plain_out, (size_t)taken);
		return taken;
	}
	taken = fail(tls); /* memory takes all, and there is one handshake */
	forget_errors();
	return taken;
}

int
tls_write_brief(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out,
		struct tls_brief *brief)
{
	int taken;

	brief->length = 0;
	tls->brief = brief;
	taken = tls_write(tls, plain_out, wire_out);
	tls->brief = NULL;
	return taken;
}

void
tls_close(struct tls *tls, struct evbuffer *wire_out)
{
	if (!tls->ready || tls->failure != NULL)
		return;
	tls->out = wire_out;
	tls->answers = 0;
	SSL_shutdown(tls->ssl);
	tls->out = NULL;
	forget_errors();
}

int
tls_end(struct tls *tls)
{
	if (tls->failure == NULL && !tls->ready)
		tls->failure = xstrdup("the connection ended in the handshake");
	return tls->failure == NULL ? 0 : -EPROTO;
}

static bool
on_plain(void *arg, const void *bytes, size_t length)
{
	evbuffer_add(arg, bytes, length);
	return true;
}

int
tls_feed(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *plain_in,
	 struct evbuffer *wire_out)
{
	struct evbuffer_iovec piece = { 0 };
	int error;

	do {
		if (evbuffer_peek(wire_in, -1, NULL, &piece, 1) < 1)
			piece.iov_len = 0;
		error = tls_read(tls, piece.iov_base, piece.iov_len, wire_out, on_plain, plain_in);
		evbuffer_drain(wire_in, piece.iov_len);
	} while (error == 0 && evbuffer_get_length(wire_in) > 0);
	return error;
}

int
tls_seal(struct tls *tls, struct evbuffer *plain_out, struct evbuffer *wire_out)
{
	int taken = 0;

	while (taken >= 0 && evbuffer_get_length(plain_out) > 0)
		taken = tls_write(tls, plain_out, wire_out);
	return taken < 0 ? taken : 0;
}

/* It keeps a buffer for each direction, as long as the longest record. */
void
tls_rest(struct tls *tls)
{
	if (tls->ready && tls->failure == NULL)
		SSL_free_buffers(tls->ssl);
}

bool
tls_is_ready(const struct tls *tls)
{
	return tls->ready;
}

const char *
tls_failure(const struct tls *tls)
{
	return tls->failure != NULL ? tls->failure : "";
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	SSL_SESSION_free(tls->session);
	/* A connection that was cut has done its session no harm: OpenSSL would give it up. */
	if (tls->failure == NULL)
		SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(tls->ssl);
	forget_errors();
	free(tls->failure);
	free(tls);
}
