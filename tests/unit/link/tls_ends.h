/* SPDX-License-Identifier: ISC */
/* tls_ends.h: two ends of TLS in memory and the wire between them, for the tests of both. */
#ifndef TEST_TLS_ENDS_H
#define TEST_TLS_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <openssl/err.h>

#include "link/tls.h"
#include "tests/unit/link/tls_kit.h"

/* One end: what it wants to say, what it has on its way to the other, what it has heard. */
struct end {
	struct tls *tls;
	struct evbuffer *wire, *heard;
	int error;
	size_t pieces, stop_at; /* stop_at: fn returns false at that piece; 0: never */
};

static struct tls_id ids[2], third, large;
static struct tls_peers *peers[2]; /* 0: client, 1: server */
static struct end ends[2];
static unsigned seed;

static inline bool
on_heard(void *arg, const void *bytes, size_t length)
{
	struct end *end = arg;

	assert_in_range(length, 1, 16384);
	evbuffer_add(end->heard, bytes, length);
	return ++end->pieces != end->stop_at;
}

static inline void
give(struct end *to, const void *bytes, size_t length)
{
	if (to->error == 0)
		to->error = tls_read(to->tls, bytes, length, to->wire, on_heard, to);
}

/* Carries what is on its way from one end, in pieces of at most so many bytes. */
static inline bool
carry_one(struct end *from, struct end *to, size_t piece)
{
	unsigned char bytes[65536];
	int n = evbuffer_remove(from->wire, bytes,
				piece > 1 ? 1 + (size_t)rand_r(&seed) % piece : 1);

	if (n > 0)
		give(to, bytes, (size_t)n);
	return n > 0;
}

static inline void
carry(size_t piece)
{
	bool some;

	do {
		some = carry_one(&ends[0], &ends[1], piece);
		some |= carry_one(&ends[1], &ends[0], piece);
	} while (some);
}

static inline void
end_open(struct end *end, struct tls *tls)
{
	end->tls = tls;
	end->wire = evbuffer_new();
	end->heard = evbuffer_new();
	end->error = tls_read(tls, NULL, 0, end->wire, on_heard, end);
}

static inline void
end_close(struct end *end)
{
	if (end->tls == NULL)
		return;
	tls_free(end->tls);
	evbuffer_free(end->wire);
	evbuffer_free(end->heard);
	memset(end, 0, sizeof(*end));
}

static inline void
hang_up(void)
{
	end_close(&ends[0]);
	end_close(&ends[1]);
}

static inline void
meet(struct tls_session *session, size_t piece)
{
	hang_up();
	end_open(&ends[1], tls_peer_new(peers[1], false, NULL));
	end_open(&ends[0], tls_peer_new(peers[0], true, session));
	carry(piece);
}

static inline void
assert_ready(void)
{
	for (int i = 0; i < 2; i++) {
		assert_string_equal(tls_failure(ends[i].tls), "");
		assert_int_equal(ends[i].error, 0);
		assert_true(tls_is_ready(ends[i].tls));
	}
}

/* Each has the certificate of the other. */
static inline void
assert_certificates(X509 *client, X509 *server)
{
	X509 *whose[2] = { server, client }, *got;
	const unsigned char *at;
	unsigned char *der;
	size_t length;

	for (int i = 0; i < 2; i++) {
		length = tls_certificate(ends[i].tls, &der);
		at = der;
		got = d2i_X509(NULL, &at, (long)length);
		assert_non_null(got);
		assert_ptr_equal(at, der + length);
		assert_int_equal(X509_cmp(got, whose[i]), 0);
		X509_free(got);
		free(der);
	}
}

static inline void
say(struct end *end, const void *bytes, size_t length)
{
	struct evbuffer *plain = evbuffer_new();
	int n;

	evbuffer_add(plain, bytes, length);
	while (evbuffer_get_length(plain) > 0) {
		n = tls_write(end->tls, plain, end->wire);
		assert_in_range(n, 1, 16384);
	}
	evbuffer_free(plain);
}

static inline void
assert_heard(struct end *end, const void *bytes, size_t length)
{
	assert_int_equal(evbuffer_get_length(end->heard), length);
	assert_memory_equal(evbuffer_pullup(end->heard, -1), bytes, length);
	evbuffer_drain(end->heard, length);
}

static inline int
setup(void **state)
{
	for (int i = 0; i < 2; i++)
		peers[i] = tls_peers_new(ids[i].key, ids[i].certificate);
	return 0;
}

static inline int
teardown(void **state)
{
	hang_up();
	for (int i = 0; i < 2; i++)
		tls_peers_free(peers[i]);
	return ERR_peek_error() == 0 ? 0 : -1;
}

static inline int
setup_all(void **state)
{
	tls_id_init(&ids[0], "client", 0);
	tls_id_init(&ids[1], "server", 0);
	tls_id_init(&third, "third", 0);
	tls_id_init(&large, "large", TLS_CERTIFICATE_MAX);
	return 0;
}

static inline int
teardown_all(void **state)
{
	tls_id_release(&ids[0]);
	tls_id_release(&ids[1]);
	tls_id_release(&third);
	tls_id_release(&large);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
