/* SPDX-License-Identifier: ISC */
/* test_tls_peer.c: two peers in memory, and what an OpenSSL of another mind does to one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "link/tls.h"
#include "tests/unit/link/tls_kit.h"

#define LABEL "EXPORTER-test"
#define MUCH  (10 << 20)

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

static bool
on_heard(void *arg, const void *bytes, size_t length)
{
	struct end *end = arg;

	assert_in_range(length, 1, 16384);
	evbuffer_add(end->heard, bytes, length);
	return ++end->pieces != end->stop_at;
}

static void
give(struct end *to, const void *bytes, size_t length)
{
	if (to->error == 0)
		to->error = tls_read(to->tls, bytes, length, to->wire, on_heard, to);
}

/* Carries what is on its way from one end, in pieces of at most so many bytes. */
static bool
carry_one(struct end *from, struct end *to, size_t piece)
{
	unsigned char bytes[65536];
	int n = evbuffer_remove(from->wire, bytes,
				piece > 1 ? 1 + (size_t)rand_r(&seed) % piece : 1);

	if (n > 0)
		give(to, bytes, (size_t)n);
	return n > 0;
}

static void
carry(size_t piece)
{
	bool some;

	do {
		some = carry_one(&ends[0], &ends[1], piece);
		some |= carry_one(&ends[1], &ends[0], piece);
	} while (some);
}

static void
end_open(struct end *end, struct tls *tls)
{
	end->tls = tls;
	end->wire = evbuffer_new();
	end->heard = evbuffer_new();
	end->error = tls_read(tls, NULL, 0, end->wire, on_heard, end);
}

static void
end_close(struct end *end)
{
	if (end->tls == NULL)
		return;
	tls_free(end->tls);
	evbuffer_free(end->wire);
	evbuffer_free(end->heard);
	memset(end, 0, sizeof(*end));
}

static void
hang_up(void)
{
	end_close(&ends[0]);
	end_close(&ends[1]);
}

static void
meet(struct tls_session *session, size_t piece)
{
	hang_up();
	end_open(&ends[1], tls_peer_new(peers[1], false, NULL));
	end_open(&ends[0], tls_peer_new(peers[0], true, session));
	carry(piece);
}

static void
assert_ready(void)
{
	for (int i = 0; i < 2; i++) {
		assert_string_equal(tls_failure(ends[i].tls), "");
		assert_int_equal(ends[i].error, 0);
		assert_true(tls_is_ready(ends[i].tls));
	}
}

/* Each has the certificate of the other. */
static void
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

static void
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

static void
assert_heard(struct end *end, const void *bytes, size_t length)
{
	assert_int_equal(evbuffer_get_length(end->heard), length);
	assert_memory_equal(evbuffer_pullup(end->heard, -1), bytes, length);
	evbuffer_drain(end->heard, length);
}

static int
setup(void **state)
{
	for (int i = 0; i < 2; i++)
		peers[i] = tls_peers_new(ids[i].key, ids[i].certificate);
	return 0;
}

static int
teardown(void **state)
{
	hang_up();
	for (int i = 0; i < 2; i++)
		tls_peers_free(peers[i]);
	return ERR_peek_error() == 0 ? 0 : -1;
}

/* --- two of us ------------------------------------------------------------------------------ */

static void
test_meet(void **state)
{
	static const size_t pieces[] = { 1, 2, 7, 100, 1000, 65536 };
	unsigned char keys[2][32];
	unsigned char *none;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		meet(NULL, pieces[i]);
		assert_ready();
		assert_certificates(ids[0].certificate, ids[1].certificate);
		assert_false(tls_is_resumed(ends[0].tls));
		say(&ends[0], "<presence/>", 11);
		say(&ends[1], "<iq/>", 5);
		carry(pieces[i]);
		assert_heard(&ends[1], "<presence/>", 11);
		assert_heard(&ends[0], "<iq/>", 5);
		assert_int_equal(tls_export(ends[0].tls, LABEL, keys[0], 32), 0);
		assert_int_equal(tls_export(ends[1].tls, LABEL, keys[1], 32), 0);
		assert_memory_equal(keys[0], keys[1], 32);
	}
	hang_up();
	end_open(&ends[0], tls_peer_new(peers[0], true, NULL));
	assert_int_equal(tls_certificate(ends[0].tls, &none), 0);
	assert_int_equal(tls_export(ends[0].tls, LABEL, keys[0], 32), -EPROTO);
	assert_null(tls_take_session(ends[0].tls));
}

static void
rest_both(void)
{
	tls_rest(ends[0].tls);
	tls_rest(ends[1].tls);
}

/* Whenever it comes, also in the middle of the handshake and of a record, nothing is lost. */
static void
test_rest(void **state)
{
	end_open(&ends[1], tls_peer_new(peers[1], false, NULL));
	end_open(&ends[0], tls_peer_new(peers[0], true, NULL));
	rest_both();
	while (carry_one(&ends[0], &ends[1], 100) || carry_one(&ends[1], &ends[0], 100))
		rest_both();
	assert_ready();
	rest_both();
	say(&ends[0], "<presence/>", 11);
	rest_both();
	while (carry_one(&ends[0], &ends[1], 4))
		rest_both();
	assert_heard(&ends[1], "<presence/>", 11);
	rest_both();
	say(&ends[1], "<iq/>", 5);
	carry(1);
	assert_heard(&ends[0], "<iq/>", 5);
}

static void
test_much_both_ways(void **state)
{
	char *much = malloc(MUCH), *more = malloc(MUCH);

	for (size_t i = 0; i < MUCH; i++) {
		much[i] = (char)(i * 2654435761U >> 24);
		more[i] = (char)~much[i];
	}
	meet(NULL, 65536);
	say(&ends[0], much, MUCH);
	say(&ends[1], more, MUCH);
	carry(65536);
	assert_heard(&ends[1], much, MUCH);
	assert_heard(&ends[0], more, MUCH);
	free(much);
	free(more);
}

/* Many small pieces that lie apart leave in few records. */
static void
test_one_record_of_many_pieces(void **state)
{
	struct evbuffer *plain = evbuffer_new();
	char page[4096] = { 0 };

	meet(NULL, 65536);
	for (int i = 0; i < 4; i++)
		evbuffer_add_reference(plain, page, sizeof(page), NULL, NULL);
	assert_int_equal(tls_write(ends[0].tls, plain, ends[0].wire), 16384);
	assert_int_equal(evbuffer_get_length(plain), 0);
	assert_in_range(evbuffer_get_length(ends[0].wire), 16385, 16384 + 256);
	evbuffer_free(plain);
}

static void
test_stops_when_told(void **state)
{
	static char bytes[100000];

	meet(NULL, 65536);
	say(&ends[0], bytes, sizeof(bytes));
	ends[1].stop_at = 2;
	assert_true(evbuffer_get_length(ends[0].wire) > sizeof(bytes));
	give(&ends[1], evbuffer_pullup(ends[0].wire, -1), evbuffer_get_length(ends[0].wire));
	assert_int_equal(ends[1].error, 0);
	assert_int_equal(ends[1].pieces, 2);
}

static void
test_goodbye(void **state)
{
	meet(NULL, 65536);
	say(&ends[0], "last", 4);
	tls_close(ends[0].tls, ends[0].wire);
	carry(1);
	assert_heard(&ends[1], "last", 4);
	assert_int_equal(ends[1].error, -ESHUTDOWN);
	assert_string_equal(tls_failure(ends[1].tls), "");
	/* The other direction is still open. */
	say(&ends[1], "and mine", 8);
	carry(1);
	assert_heard(&ends[0], "and mine", 8);
}

/* --- resumption ----------------------------------------------------------------------------- */

static struct tls_session *
first_meeting(void)
{
	struct tls_session *session;

	meet(NULL, 65536);
	assert_ready();
	session = tls_take_session(ends[0].tls);
	assert_non_null(session);
	assert_null(tls_take_session(ends[0].tls));
	assert_null(tls_take_session(ends[1].tls));
	return session;
}

static void
test_resumed(void **state)
{
	struct tls_session *session = first_meeting(), *next;
	unsigned char keys[3][32];

	tls_export(ends[0].tls, LABEL, keys[0], 32);
	for (int i = 1; i < 3; i++) {
		meet(session, i == 1 ? 1 : 65536);
		assert_ready();
		assert_true(tls_is_resumed(ends[0].tls));
		assert_true(tls_is_resumed(ends[1].tls));
		assert_certificates(ids[0].certificate, ids[1].certificate);
		tls_export(ends[0].tls, LABEL, keys[i], 32);
		assert_memory_not_equal(keys[i], keys[i - 1], 32);
		next = tls_take_session(ends[0].tls);
		assert_non_null(next);
		tls_session_free(session);
		session = next;
		say(&ends[0], "again", 5);
		carry(65536);
		assert_heard(&ends[1], "again", 5);
	}
	assert_memory_not_equal(keys[0], keys[2], 32);
	tls_session_free(session);
}

/* Whoever's key was replaced: the session that began with the old one is not gone on with. */
static void
test_other_key_ends_sessions(void **state)
{
	struct tls_session *session;

	for (int i = 0; i < 2; i++) {
		session = first_meeting();
		tls_peers_set(peers[i], third.key, third.certificate);
		meet(session, 65536);
		assert_ready();
		assert_false(tls_is_resumed(ends[0].tls));
		assert_false(tls_is_resumed(ends[1].tls));
		if (i == 0)
			assert_certificates(third.certificate, ids[1].certificate);
		else
			assert_certificates(ids[0].certificate, third.certificate);
		tls_session_free(session);
		tls_peers_set(peers[i], ids[i].key, ids[i].certificate);
	}
}

/* Streams that are open go on when the key is replaced, or all of it is freed. */
static void
test_other_key_keeps_streams(void **state)
{
	meet(NULL, 65536);
	tls_peers_set(peers[0], third.key, third.certificate);
	tls_peers_set(peers[1], third.key, third.certificate);
	say(&ends[0], "still", 5);
	carry(1);
	assert_heard(&ends[1], "still", 5);
	assert_certificates(ids[0].certificate, ids[1].certificate);
}

/* A session is with one peer: another one cannot take it. */
static void
test_session_of_another_peer(void **state)
{
	struct tls_session *session = first_meeting();
	struct tls_peers *real = peers[1];

	peers[1] = tls_peers_new(third.key, third.certificate);
	meet(session, 65536);
	assert_ready();
	assert_false(tls_is_resumed(ends[0].tls));
	assert_certificates(ids[0].certificate, third.certificate);
	tls_session_free(session);
	tls_peers_free(peers[1]);
	peers[1] = real;
}

/* --- hostile ones --------------------------------------------------------------------------- */

static void
garbage(int who, const char *bytes, size_t length)
{
	hang_up();
	end_open(&ends[who], tls_peer_new(peers[who], who == 0, NULL));
	for (size_t i = 0; i < length; i++)
		give(&ends[who], bytes + i, 1);
	for (int n = 0; n < 20000; n++)
		give(&ends[who], "\x28\xff", 2);
	assert_int_equal(ends[who].error, -EPROTO);
	assert_string_not_equal(tls_failure(ends[who].tls), "");
	assert_false(tls_is_ready(ends[who].tls));
	/* It stays so. */
	ends[who].error = 0;
	give(&ends[who], "x", 1);
	assert_int_equal(ends[who].error, -EPROTO);
}

#define G(text) garbage(who, text, sizeof(text) - 1)

static void
test_garbage(void **state)
{
	for (int who = 0; who < 2; who++) {
		G("");
		G("<stream:stream xmlns='jabber:client'>");
		G("\x16\x03\x01\xff\xff\x01");                 /* a record too long */
		G("\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff"); /* a hello too long */
		G("\x16\x03\x01\x00\x00");                     /* an empty one */
		G("\x15\x03\x01\x00\x02\x02\x28");             /* an alert */
		G("\x17\x03\x03\x00\x05xxxxx");                /* data too early */
	}
}

static void
test_ends_in_the_handshake(void **state)
{
	hang_up();
	end_open(&ends[1], tls_peer_new(peers[1], false, NULL));
	end_open(&ends[0], tls_peer_new(peers[0], true, NULL));
	carry_one(&ends[0], &ends[1], 1);
	assert_int_equal(tls_end(ends[1].tls), -EPROTO);
	assert_string_not_equal(tls_failure(ends[1].tls), "");
	meet(NULL, 65536);
	assert_int_equal(tls_end(ends[1].tls), 0);
	assert_string_equal(tls_failure(ends[1].tls), "");
}

/* A bit that changes on the way: nothing of that record is heard, and the other end is told. */
static void
test_forged_record(void **state)
{
	unsigned char *bytes;

	meet(NULL, 65536);
	say(&ends[0], "press play", 10);
	bytes = evbuffer_pullup(ends[0].wire, -1);
	bytes[evbuffer_get_length(ends[0].wire) - 3] ^= 1;
	carry(65536);
	assert_int_equal(ends[1].error, -EPROTO);
	assert_int_equal(evbuffer_get_length(ends[1].heard), 0);
	assert_int_equal(ends[0].error, -EPROTO);
	assert_non_null(strstr(tls_failure(ends[0].tls), "alert"));
}

/* What was recorded and comes again. */
static void
test_replayed_record(void **state)
{
	struct evbuffer *copy = evbuffer_new();

	meet(NULL, 65536);
	say(&ends[0], "press play", 10);
	evbuffer_add(copy, evbuffer_pullup(ends[0].wire, -1), evbuffer_get_length(ends[0].wire));
	carry(65536);
	assert_heard(&ends[1], "press play", 10);
	give(&ends[1], evbuffer_pullup(copy, -1), evbuffer_get_length(copy));
	assert_int_equal(ends[1].error, -EPROTO);
	assert_int_equal(evbuffer_get_length(ends[1].heard), 0);
	evbuffer_free(copy);
}

static void
test_certificate_too_large(void **state)
{
	for (int i = 0; i < 2; i++) {
		tls_peers_set(peers[i], large.key, large.certificate);
		meet(NULL, 65536);
		assert_int_equal(ends[1 - i].error, -EPROTO);
		assert_false(tls_is_ready(ends[1 - i].tls));
		assert_non_null(strstr(tls_failure(ends[1 - i].tls), "excessive message size"));
		tls_peers_set(peers[i], ids[i].key, ids[i].certificate);
	}
}

/* --- another implementation's mind ---------------------------------------------------------- */

/* A bare OpenSSL on the other side of ends[which]. */
static SSL *
foreign(bool client, const struct tls_id *id, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL *ssl;

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	if (id != NULL) {
		SSL_CTX_use_certificate(ctx, id->certificate);
		SSL_CTX_use_PrivateKey(ctx, id->key);
	}
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (client)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	return ssl;
}

static void
exchange(SSL *ssl, struct end *end)
{
	char bytes[4096];
	int n, idle = 0;

	while (idle++ < 2) {
		SSL_read(ssl, bytes, sizeof(bytes)); /* goes on with the handshake */
		while ((n = BIO_read(SSL_get_wbio(ssl), bytes, sizeof(bytes))) > 0) {
			give(end, bytes, (size_t)n);
			idle = 0;
		}
		while ((n = evbuffer_remove(end->wire, bytes, sizeof(bytes))) > 0) {
			BIO_write(SSL_get_rbio(ssl), bytes, n);
			idle = 0;
		}
		ERR_clear_error();
	}
}

static void
refused(bool foreign_client, const struct tls_id *id, int version, const char *why)
{
	SSL *ssl = foreign(foreign_client, id, version);

	hang_up();
	end_open(&ends[0], tls_peer_new(peers[0], !foreign_client, NULL));
	exchange(ssl, &ends[0]);
	assert_int_equal(ends[0].error, -EPROTO);
	assert_false(tls_is_ready(ends[0].tls));
	if (strstr(tls_failure(ends[0].tls), why) == NULL)
		fail_msg("%s", tls_failure(ends[0].tls));
	SSL_free(ssl);
}

static void
test_no_certificate(void **state)
{
	refused(true, NULL, TLS1_3_VERSION, "peer did not return a certificate");
}

static void
test_old_version(void **state)
{
	refused(true, &third, TLS1_2_VERSION, "unsupported protocol");
	refused(false, &third, TLS1_2_VERSION, "protocol version");
}

/* A server that asks for no certificate of ours: it could not know whom it talks to. */
static void
test_server_that_does_not_ask(void **state)
{
	SSL *ssl = foreign(false, &third, TLS1_3_VERSION);

	hang_up();
	end_open(&ends[0], tls_peer_new(peers[0], true, NULL));
	exchange(ssl, &ends[0]);
	assert_true(tls_is_ready(ends[0].tls));
	SSL_free(ssl);
}

static SSL *
foreign_friend(void)
{
	SSL *ssl = foreign(true, &third, TLS1_3_VERSION);

	hang_up();
	end_open(&ends[1], tls_peer_new(peers[1], false, NULL));
	exchange(ssl, &ends[1]);
	assert_int_equal(ends[1].error, 0);
	assert_true(tls_is_ready(ends[1].tls));
	return ssl;
}

/* Now and then the keys are renewed. */
static void
test_key_update(void **state)
{
	SSL *ssl = foreign_friend();

	for (int i = 0; i < 10; i++) {
		SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
		assert_int_equal(SSL_write(ssl, "hello", 5), 5);
		exchange(ssl, &ends[1]);
		assert_heard(&ends[1], "hello", 5);
		say(&ends[1], "hi", 2);
		exchange(ssl, &ends[1]);
		assert_int_equal(ends[1].error, 0);
	}
	SSL_free(ssl);
}

/* Nobody makes us answer for ever, nor hold answers that it does not read. */
static void
test_key_update_flood(void **state)
{
	SSL *ssl = foreign_friend();
	char bytes[256];
	size_t before = evbuffer_get_length(ends[1].wire);
	int n, i;

	for (i = 0; i < 10000 && ends[1].error == 0; i++) {
		SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(ssl);
		while ((n = BIO_read(SSL_get_wbio(ssl), bytes, sizeof(bytes))) > 0)
			give(&ends[1], bytes, (size_t)n);
	}
	assert_int_equal(ends[1].error, -EPROTO);
	assert_string_equal(tls_failure(ends[1].tls), "too many key updates");
	assert_in_range(i, 10, 100);
	assert_true(evbuffer_get_length(ends[1].wire) - before < 4096);
	SSL_free(ssl);
	ERR_clear_error();
}

/* The other end takes our certificate for none that it would trust. */
static void
test_refused_by_the_other(void **state)
{
	SSL *ssl = foreign(false, &third, TLS1_3_VERSION);

	SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	hang_up();
	end_open(&ends[0], tls_peer_new(peers[0], true, NULL));
	exchange(ssl, &ends[0]);
	assert_int_equal(ends[0].error, -EPROTO);
	assert_non_null(strstr(tls_failure(ends[0].tls), "alert"));
	SSL_free(ssl);
}

static int
setup_all(void **state)
{
	tls_id_init(&ids[0], "client", 0);
	tls_id_init(&ids[1], "server", 0);
	tls_id_init(&third, "third", 0);
	tls_id_init(&large, "large", TLS_CERTIFICATE_MAX);
	return 0;
}

static int
teardown_all(void **state)
{
	tls_id_release(&ids[0]);
	tls_id_release(&ids[1]);
	tls_id_release(&third);
	tls_id_release(&large);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_meet),
		T(test_rest),
		T(test_much_both_ways),
		T(test_one_record_of_many_pieces),
		T(test_stops_when_told),
		T(test_goodbye),
		T(test_resumed),
		T(test_other_key_ends_sessions),
		T(test_other_key_keeps_streams),
		T(test_session_of_another_peer),
		T(test_garbage),
		T(test_ends_in_the_handshake),
		T(test_forged_record),
		T(test_replayed_record),
		T(test_certificate_too_large),
		T(test_no_certificate),
		T(test_old_version),
		T(test_server_that_does_not_ask),
		T(test_key_update),
		T(test_key_update_flood),
		T(test_refused_by_the_other),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
