/* SPDX-License-Identifier: ISC */
/*
 * bench_tls.c: handshakes between two peers in memory, both ends in this process, beside a bare
 * OpenSSL that does the same with its own memory buffers; both full and resumed.
 */
#include <stdbool.h>
#include <stddef.h>

#include <event2/buffer.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "bench.h"
#include "link/tls.h"

#define HANDSHAKES 400 /* of one run */
#define BYTES      16384

struct id {
	EVP_PKEY *key;
	X509 *certificate;
};

static void
id_make(struct id *id)
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

/* --- ours ------------------------------------------------------------------------------------ */

static bool
on_plain(void *arg, const void *bytes, size_t length)
{
	return true;
}

static void
feed(struct tls *tls, struct evbuffer *in, struct evbuffer *out)
{
	size_t length = evbuffer_get_length(in);

	if (tls_read(tls, evbuffer_pullup(in, -1), length, out, on_plain, NULL) != 0)
		bench_die("%s", tls_failure(tls));
	evbuffer_drain(in, length);
}

/* session: the ticket to use and, afterwards, the next one. */
static void
ours_meet(struct tls_peers *const peers[2], struct tls_session **session)
{
	struct tls *client = tls_peer_new(peers[0], true, *session);
	struct tls *server = tls_peer_new(peers[1], false, NULL);
	struct evbuffer *up = evbuffer_new(), *down = evbuffer_new();
	bool resumed = *session != NULL;

	do {
		feed(client, down, up);
		feed(server, up, down);
	} while (!tls_is_ready(server));
	feed(client, down, up);
	if (!tls_is_ready(client) || tls_is_resumed(client) != resumed)
		bench_die("this was another kind of handshake");
	tls_session_free(*session);
	*session = tls_take_session(client);
	tls_free(client);
	tls_free(server);
	evbuffer_free(up);
	evbuffer_free(down);
}

static double
ours(const struct id ids[2], bool resume)
{
	struct tls_peers *peers[2];
	struct tls_session *session = NULL;
	int64_t start;
	double took;

	for (int i = 0; i < 2; i++)
		peers[i] = tls_peers_new(ids[i].key, ids[i].certificate);
	ours_meet(peers, &session);
	start = bench_now();
	for (int i = 0; i < HANDSHAKES; i++) {
		if (!resume) {
			tls_session_free(session);
			session = NULL;
		}
		ours_meet(peers, &session);
	}
	took = (double)(bench_now() - start) / 1e9;
	tls_session_free(session);
	tls_peers_free(peers[0]);
	tls_peers_free(peers[1]);
	return HANDSHAKES / took;
}

/* --- bare ------------------------------------------------------------------------------------ */

static int
accept_any(X509_STORE_CTX *store, void *arg)
{
	return 1;
}

static SSL_SESSION *newest;

static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
	SSL_SESSION_free(newest);
	newest = session;
	return 1;
}

static SSL_CTX *
bare_context(const struct id *id)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
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

static void
bare_meet(SSL_CTX *const ctx[2], bool resume)
{
	SSL *client = SSL_new(ctx[0]), *server = SSL_new(ctx[1]);
	BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
	char bytes[BYTES];

	BIO_up_ref(up);
	BIO_up_ref(down);
	SSL_set_bio(client, down, up);
	SSL_set_bio(server, up, down);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	if (resume)
		SSL_set_session(client, newest);
	do
		SSL_do_handshake(client);
	while (SSL_do_handshake(server) != 1);
	SSL_read(client, bytes, sizeof(bytes));
	if (!SSL_is_init_finished(client) || SSL_session_reused(client) != resume)
		bench_die("this was another kind of bare handshake");
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client);
	SSL_free(server);
}

static double
bare(const struct id ids[2], bool resume)
{
	SSL_CTX *ctx[2] = { bare_context(&ids[0]), bare_context(&ids[1]) };
	int64_t start;
	double took;

	bare_meet(ctx, false);
	start = bench_now();
	for (int i = 0; i < HANDSHAKES; i++)
		bare_meet(ctx, resume);
	took = (double)(bench_now() - start) / 1e9;
	SSL_SESSION_free(newest);
	newest = NULL;
	SSL_CTX_free(ctx[0]);
	SSL_CTX_free(ctx[1]);
	return HANDSHAKES / took;
}

static void
measure(const char *name, const struct id ids[2], bool resume)
{
	struct bench bench = { .name = name, .unit = "/s", .kind = BENCH_RATIO_LEAST, .bar = 0.9 };

	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.ours[i] = ours(ids, resume);
		bench.floor[i] = bare(ids, resume);
	}
	bench_report(&bench);
}

int
main(void)
{
	struct id ids[2];

	bench_pin(0);
	id_make(&ids[0]);
	id_make(&ids[1]);
	measure("tls-handshakes", ids, false);
	measure("tls-handshakes-resumed", ids, true);
	return 0;
}
