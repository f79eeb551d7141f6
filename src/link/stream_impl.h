/* SPDX-License-Identifier: ISC */
/* stream_impl.h: what stream.c shares with stream_end.c, which says goodbye. */
#ifndef LINK_STREAM_IMPL_H
#define LINK_STREAM_IMPL_H

#include "link/stream.h"

/* On the way to TLS. */
enum stream_tls {
	STREAM_PLAIN,   /* not on it, or there */
	STREAM_EXPECTS, /* what was behind the element that is handled is thrown away */
	STREAM_SHAKES,  /* the handshake goes on */
};

struct stream {
	struct io *io;
	struct ear_clock *clock;
	struct reader *reader;
	xmpp_ctx_t *ctx;
	const struct stream_events *events;
	void *arg;
	struct ear_timer timer; /* the limit of the state that it is in */
	char *text;             /* why it ends */
	int error;
	int64_t begun_at, read_at, got_end_at;
	enum stream_state state;
	enum stream_tls tls;
	unsigned char busy;         /* events that run now: it may not be freed under them */
	bool known;                 /* stream_known was called */
	bool sent_header, sent_end; /* ours */
	bool sent_ahead;            /* our header for the stream after this one */
	bool sent_old;              /* what we send is of the stream before this one */
	bool got_end;               /* their </stream:stream> */
	bool deaf;                  /* after a stream error: what arrives is thrown away */
	bool trickling;             /* the timer watches a stanza that is half here */
	bool fresh;                 /* bytes have come since the timer was set */
	bool whole;                 /* a stanza came to its end in these bytes */
	bool was_read;              /* all that we sent */
	bool aborted;
	bool freed;
};

/* Without a header there is nothing to end yet: stream_header does, if one is still sent. */
void stream_write_end(struct stream *s);
void stream_write_error(struct stream *s, const char *condition, const char *more);
/* The last event. */
void stream_is_over(struct stream *s, int error, const char *text);
/* A stream error that came from here or from the reader: the owner has to be told. */
void stream_fail_inside(struct stream *s, const char *condition, int error, const char *text);
/* The other end has said </stream:stream>, an error; or nothing, and hung up. */
void stream_take_end(struct stream *s);
void stream_take_error(struct stream *s, xmpp_stanza_t *element);
void stream_note_eof(struct stream *s);

#endif
