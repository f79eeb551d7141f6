/* SPDX-License-Identifier: ISC */
/* reader_impl.h: what the two files of the reader share. */
#ifndef WIRE_READER_IMPL_H
#define WIRE_READER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/build.h"
#include "wire/reader.h"
#include "wire/token.h"

enum reader_state {
	READER_PROLOG, /* before the stream header */
	READER_OPEN,   /* in the stream */
	READER_ENDED,  /* behind </stream:stream> */
};

struct reader {
	struct XML_ParserStruct *expat;
	struct build build;
	struct reader_events events;
	void *arg;
	struct reader_caps caps, next_caps; /* of the stanza being read, and from the next one on */
	enum reader_state state;
	bool feeding;
	bool restarting;       /* behind the stanza that is handled another stream begins */
	size_t blank;          /* bytes passed over before the header of that one */
	bool again;            /* this is not the first stream */
	bool waking;           /* reading wake_header */
	bool usual;            /* the header declares what wake_header does and nothing else */
	bool client;           /* the default namespace of the header is jabber:client */
	unsigned declarations; /* of namespaces, on the tag being read */
	unsigned children;     /* elements inside the stanza being read */
	int64_t base;          /* of the stream's bytes, the number that expat was not given */
	uint64_t fed;          /* bytes taken from our caller */
	uint64_t boundary;     /* of them, those of whole stanzas and of space between them */
	struct token token;    /* what expat has begun and not ended */
	char *held;            /* bytes of it that expat has not seen */
	size_t held_length;
	int result; /* what reader_feed says from now on; 0: all is well */
	const char *condition;
};

/* The first of several counts; condition is NULL when a callback wants it. */
void reader_stop(struct reader *reader, int result, const char *condition);

void reader_too_much(struct reader *reader);

/* How many bytes may belong to what is being read. */
size_t reader_byte_cap(const struct reader *reader);

/* Of the stream, where the event that is being handled begins, or what has not ended yet. */
uint64_t reader_event_start(const struct reader *reader);

/* A parser before its first byte; out of memory aborts. */
void reader_make_parser(struct reader *reader);
void reader_drop_parser(struct reader *reader);

/* Hands bytes to it. What it refuses stops the reader. */
void reader_parse(struct reader *reader, const char *bytes, size_t length);

#endif
