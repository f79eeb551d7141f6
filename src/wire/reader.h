/* SPDX-License-Identifier: ISC */
/* reader.h: bytes of an XML stream in, stream headers and whole stanzas out; capped while parsing.
 */
#ifndef WIRE_READER_H
#define WIRE_READER_H

#include <stddef.h>
#include <strophe.h>

/* What one stream may make us hold. Smaller before its other end is known. */
struct reader_caps {
	size_t stanza_bytes; /* bytes of the stream between the start and the end of one stanza, and
				of a header */
	unsigned depth;      /* elements inside each other, the stanza itself is 1 */
	unsigned attributes; /* of one element, namespace declarations included */
	unsigned children;   /* elements inside one stanza, all levels; directly inside one element
				no more than 1,024, text between them included */
};

extern const struct reader_caps reader_caps_unknown; /* 16 KiB, 16, 32, 128 */
extern const struct reader_caps reader_caps_known;   /* 256 KiB, 64, 64, 4096 */

/* The stream header (RFC 6120 §4.7); views valid during the callback, NULL where absent. */
struct reader_header {
	const char *to, *from, *id, *version, *lang, *ns;
};

/*
 * Each runs inside reader_feed. Non-zero stops the reading: reader_feed returns it, and the reader
 * takes no more. The reader may not be freed inside.
 */
struct reader_events {
	int (*header)(void *arg, const struct reader_header *header);
	int (*stanza)(void *arg, xmpp_stanza_t *stanza); /* borrowed; direct child of the stream,
							    xmlns set on every element */
	int (*end)(void *arg);                           /* </stream:stream> */
};

struct reader;

/* caps is copied. ctx is borrowed: it allocates the stanzas. */
struct reader *reader_new(xmpp_ctx_t *ctx, const struct reader_caps *caps,
			  const struct reader_events *events, void *arg);
void reader_free(struct reader *reader);

/* Other caps from the next stanza on. */
void reader_set_caps(struct reader *reader, const struct reader_caps *caps);

/*
 * For a stream that has been idle: gives nearly all memory (10 KiB) back until bytes come, which
 * then cost a few microseconds more. Does nothing where that is not possible: inside a stanza,
 * before the header, or behind one that declares other prefixes than usual.
 */
void reader_rest(struct reader *reader);

/* A new stream on the same connection (after STARTTLS): forgets everything. */
void reader_reset(struct reader *reader);

/*
 * The same after SASL, called from inside the stanza callback, which then returns 0: what follows
 * that stanza in the bytes being fed is the beginning of the new stream, and is read as such.
 */
void reader_restart(struct reader *reader);

/*
 * Parses some bytes. 0; what a callback returned; or -errno, after which reader_error names the
 * stream error to send: -EMSGSIZE a cap (policy-violation), -EBADMSG not well-formed
 * (not-well-formed), -EPROTO restricted XML, RFC 6120 §11.1 (restricted-xml), -ENOMSG a root that
 * is not a stream header (invalid-xml, invalid-namespace, bad-namespace-prefix), -EILSEQ
 * unsupported-encoding (§11.6), -ESHUTDOWN bytes after the end.
 */
int reader_feed(struct reader *reader, const void *bytes, size_t length);

/* The stream error condition of RFC 6120 §4.9.3 for the last failure, NULL when none. */
const char *reader_error(const struct reader *reader);

/* Whether it stands between stanzas: nothing half read is held. */
int reader_is_between(const struct reader *reader);

#endif
