/* SPDX-License-Identifier: ISC */
/*
 * bench_tls.c: handshakes between two peers in memory, both ends in this process, beside a bare
 * OpenSSL that does the same with its own memory buffers; both full and resumed.
 */
#include <stdbool.h>
#include <stddef.h>

#include <event2/buffer.h>
#include "bare.h"
#include "bench.h"
#include "link/tls.h"

#define HANDSHAKES 400 /* of one run */
#define BYTES      16384

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
ours(const struct bare_id ids[2], bool resume)
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
		SSL_set_session(client, bare_ticket());
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
bare(const struct bare_id ids[2], bool resume)
{
	SSL_CTX *ctx[2] = { bare_context(&ids[0]), bare_context(&ids[1]) };
	int64_t start;
	double took;

	bare_meet(ctx, false);
	start = bench_now();
	for (int i = 0; i < HANDSHAKES; i++)
		bare_meet(ctx, resume);
	took = (double)(bench_now() - start) / 1e9;
	bare_forget_ticket();
	SSL_CTX_free(ctx[0]);
	SSL_CTX_free(ctx[1]);
	return HANDSHAKES / took;
}

static void
measure(const char *name, const struct bare_id ids[2], bool resume)
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
	struct bare_id ids[2];

	bench_pin(0);
	bare_id_make(&ids[0]);
	bare_id_make(&ids[1]);
	measure("tls-handshakes", ids, false);
	measure("tls-handshakes-resumed", ids, true);
	return 0;
}
