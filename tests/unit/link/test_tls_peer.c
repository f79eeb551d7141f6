/* SPDX-License-Identifier: ISC */
/* test_tls_peer.c: two peers in memory: what they say, and the sessions they go on with. */
#include "tests/unit/link/tls_ends.h"

#define LABEL "EXPORTER-test"
#define MUCH  (10 << 20)

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
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
