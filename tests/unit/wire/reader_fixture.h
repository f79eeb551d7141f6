/* SPDX-License-Identifier: ISC */
/* reader_fixture.h: a reader, what it said, and ways to feed it. */
#ifndef TESTS_UNIT_WIRE_READER_FIXTURE_H
#define TESTS_UNIT_WIRE_READER_FIXTURE_H

#include <stddef.h>
#include <strophe.h>

#include "wire/reader.h"

#define HEADER                                                                                     \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                               \
	"xmlns:stream='http://etherx.jabber.org/streams' to='juliet@pronto' from='romeo@forza' "   \
	"version='1.0'>"

/* What a stream said; stanzas as text, one behind the other. */
struct seen {
	int headers, stanzas, ends;
	int stop; /* what on_stanza returns */
	char to[64], from[64], version[16], lang[16];
	char log[4096];
	xmpp_stanza_t *last;
};

struct fixture {
	xmpp_ctx_t *ctx;
	struct reader *reader;
	struct seen seen;
};

/* With the caps of a stranger, or of somebody known. */
int reader_set_up(void **state);
int reader_set_up_known(void **state);
int reader_tear_down(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, reader_set_up, reader_tear_down)
#define TEST_KNOWN(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, reader_set_up_known, reader_tear_down)

/* One byte at a time: what sockets of tests deliver by default. */
int trickle_bytes(struct fixture *f, const char *bytes, size_t length);
int trickle(struct fixture *f, const char *text);

/* The same from the start in one piece and byte by byte; both must end alike. */
void expect_bytes(struct fixture *f, const char *bytes, size_t length, int result,
		  const char *condition);
void expect(struct fixture *f, const char *text, int result, const char *condition);

/* Feeds count copies of text; what came of it. */
int repeat(struct fixture *f, const char *text, size_t count);

/* That was over a cap, and no stanza came of it. */
void expect_too_much(struct fixture *f, int result);

#endif
