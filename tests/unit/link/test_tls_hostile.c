/* SPDX-License-Identifier: ISC */
/* test_tls_hostile.c: what garbage, forgers and an OpenSSL of another mind do to a peer. */
#include <openssl/ssl.h>

#include "tests/unit/link/tls_ends.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_garbage),          T(test_ends_in_the_handshake),    T(test_forged_record),
		T(test_replayed_record),  T(test_certificate_too_large),    T(test_no_certificate),
		T(test_old_version),      T(test_server_that_does_not_ask), T(test_key_update),
		T(test_key_update_flood), T(test_refused_by_the_other),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
