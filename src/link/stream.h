/* SPDX-License-Identifier: ISC */
/*
 * stream.h: one XML stream (RFC 6120 §4) over one connection: headers, stanzas, stream errors, the
 * two-sided close, and the limits in time. Who the other end is, is its owner's business.
 */
#ifndef LINK_STREAM_H
#define LINK_STREAM_H

#include <earshot/timer.h>
#include <strophe.h>

#include "wire/reader.h"
#include "wire/writer.h"

struct ear_clock;
struct io;
struct stream;
struct tls;

#define STREAM_HEADER_USEC (10 * EAR_SEC)   /* from the start to header and name */
#define STREAM_STANZA_USEC (60 * EAR_SEC)   /* from the first byte of a stanza to its last */
#define STREAM_REST_USEC   (250 * EAR_MSEC) /* of silence, after which it needs little memory */
#define STREAM_CLOSE_USEC  (5 * EAR_SEC)    /* from our </stream:stream> to theirs */
#define STREAM_ERROR_USEC  (2 * EAR_SEC)    /* the same after a stream error */
#define STREAM_STANZA_MAX  (256 * 1024)     /* bytes of one stanza that we send */

enum stream_state {
	STREAM_HEADER,  /* their header has not come */
	STREAM_OPEN,    /* it has */
	STREAM_CLOSING, /* one side said </stream:stream>; what arrives is still delivered */
	STREAM_ENDED,   /* over, to be freed */
};

/* Run from the event loop, never from inside a call into the stream, which may be freed in any. */
struct stream_events {
	void (*header)(void *arg, const struct reader_header *header);
	/* <stream:features/>; borrowed; may be NULL. */
	void (*features)(void *arg, xmpp_stanza_t *features);
	/* After stream_start_tls: both ends have shown a key. NULL where TLS never starts. */
	void (*secured)(void *arg);
	/* Everything but features and stream errors, also what is no stanza; borrowed. */
	void (*stanza)(void *arg, xmpp_stanza_t *stanza);
	void (*drained)(void *arg); /* all that was written has gone to the kernel; may be NULL */
	/* Our </stream:stream> is about to be written, not after an error: the last chance to say
	 * something, also from inside a call that ends the stream. NULL: nothing to say. */
	void (*ending)(void *arg);
	/* It is closing because of the other end, or of a failure: nothing can be sent any more. */
	void (*closing)(void *arg);
	/* error 0: both sides agreed. text names the cause for people. */
	void (*ended)(void *arg, int error, const char *text);
};

/* Takes over a connected io. limit: microseconds until stream_known() must have been called. */
struct stream *stream_new(struct ear_clock *clock, xmpp_ctx_t *ctx, struct io *io, int64_t limit,
			  const struct stream_events *events, void *arg);

enum stream_state stream_state(const struct stream *stream);

/* When that was read which is delivered now. */
int64_t stream_read_at(const struct stream *stream);

struct io *stream_io(struct stream *stream);

/*
 * Called from inside stanza() for <starttls/> or <proceed/>: whatever the other end has put behind
 * that element is thrown away, and nothing is read before stream_start_tls, which may then come at
 * any time.
 */
void stream_expect_tls(struct stream *stream);

/*
 * STARTTLS (RFC 6120 §5.4.2.3), called from inside stanza() or after stream_expect_tls: what was
 * sent so far leaves in plain; whatever the other end has put behind the element that is handled is
 * thrown away. Then a new stream begins. Consumes tls.
 */
void stream_start_tls(struct stream *stream, struct tls *tls);

/*
 * A new stream after SASL (RFC 6120 §6.4.6), called from inside stanza(): what is behind the
 * element that is handled is the other end's new header. Ours is to be sent again.
 */
void stream_restart(struct stream *stream);

/* The other end has been told so: until our header comes, an error too begins with one. */
void stream_renew(struct stream *stream);

/* Sends our header. */
void stream_header(struct stream *stream, const struct writer_header *header);

/* The same for the stream that stream_restart will begin: a pipelined one right behind <auth/>. */
void stream_header_ahead(struct stream *stream, const struct writer_header *header);

/* Sends <stream:features> with that child (consumed, may be NULL). */
void stream_features(struct stream *stream, xmpp_stanza_t *child);

/* Appends a stanza (borrowed). 0, -EMSGSIZE, -ENOTCONN. */
int stream_send(struct stream *stream, xmpp_stanza_t *stanza);

/* The same between others than it says. */
int stream_send_as(struct stream *stream, xmpp_stanza_t *stanza, const struct writer_ends *ends);

/* The same for an element that is written already, where stanzas may be sent. */
void stream_write(struct stream *stream, const char *text, size_t length);

/* A whitespace keep-alive (RFC 6120 §4.6.1), which a dead other end cannot acknowledge. */
void stream_probe(struct stream *stream);

/* Who the other end is, is known: larger caps, no more limit. */
void stream_known(struct stream *stream);

/* Stops reading, or goes on. */
void stream_pause(struct stream *stream, bool on);

/* Begins the two-sided close. */
void stream_close(struct stream *stream);

/*
 * Ends it with a stream error of RFC 6120 §4.9.3; nothing more is delivered. ended() gets error and
 * text.
 */
void stream_fail(struct stream *stream, const char *condition, int error, const char *text);

/* The same; `more` is the application's own element (RFC 6120 §4.9.4), written already. */
void stream_fail_more(struct stream *stream, const char *condition, const char *more, int error,
		      const char *text);

/* Ends it without a word: nothing more leaves, not even what the kernel has; to be freed. */
void stream_abort(struct stream *stream);

/*
 * Whether the other end has certainly read all that was sent: it ended the stream, has got our
 * answer to that, and has hung up then (RFC 6120 §4.4). It may know otherwise that it has.
 */
bool stream_was_read(const struct stream *stream);

/* Ends and frees now, without waiting for the other side. condition: a stream error, or NULL. */
void stream_free(struct stream *stream, const char *condition);

#endif
