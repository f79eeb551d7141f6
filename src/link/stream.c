/* SPDX-License-Identifier: ISC */
/* stream.c: one XML stream over one connection. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/stream.h"
#include "link/tls.h"

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
	int64_t begun_at;
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
	bool freed;
};

static void
stream_destroy(struct stream *s)
{
	ear_timer_stop(&s->timer);
	reader_free(s->reader);
	free(s->text);
	free(s);
}

static void
stream_leave(struct stream *s)
{
	if (--s->busy == 0 && s->freed)
		stream_destroy(s);
}

/* Without a header there is nothing to end yet: stream_header does, if one is still sent. */
static void
write_end(struct stream *s)
{
	if (s->sent_end || !s->sent_header)
		return;
	s->sent_end = true;
	writer_end(io_out(s->io));
}

/* The last event. */
static void
stream_end(struct stream *s, int error, const char *text)
{
	if (s->freed || s->state == STREAM_ENDED)
		return;
	s->state = STREAM_ENDED;
	ear_timer_stop(&s->timer);
	write_end(s);
	s->events->ended(s->arg, error, text);
}

/* In the middle of a handshake there is nobody to say goodbye to (RFC 6120 §5.4.3.2). */
static void
enter_closing(struct stream *s, int64_t limit)
{
	s->state = STREAM_CLOSING;
	s->trickling = false;
	write_end(s);
	ear_timer_set(&s->timer, s->tls == STREAM_SHAKES ? 0 : limit);
}

/* After their </stream:stream>: it is on us to answer it, and on them to close the connection. */
static void
take_end(struct stream *s)
{
	if (s->sent_end) {
		stream_end(s, s->error, s->text != NULL ? s->text : "closed");
		return;
	}
	enter_closing(s, STREAM_CLOSE_USEC);
	s->events->closing(s->arg);
}

/* Ours: </stream:stream> follows at once (RFC 6120 §4.9.1.1). */
static void
write_error(struct stream *s, const char *condition)
{
	static const struct writer_header bare = { .version = "1.0" };

	if (s->sent_end || s->tls == STREAM_SHAKES)
		return;
	if (!s->sent_header && !s->sent_old)
		writer_header(io_out(s->io), &bare);
	s->sent_header = true;
	writer_error(io_out(s->io), condition, NULL);
	write_end(s);
}

/* A stream error that came from this file or from the reader: the owner has to be told. */
static void
fail_inside(struct stream *s, const char *condition, int error, const char *text)
{
	stream_fail(s, condition, error, text);
	s->events->closing(s->arg);
}

/* The other end says why it ends the stream. */
static void
take_error(struct stream *s, xmpp_stanza_t *element)
{
	xmpp_stanza_t *child = ear_first(element);
	const char *condition = child != NULL ? xmpp_stanza_get_name(child) : NULL;
	bool told = s->state == STREAM_CLOSING;

	free(s->text);
	s->text = xasprintf("the other side ended the stream: %.64s",
			    condition != NULL ? condition : "no reason given");
	s->error = -ECONNABORTED;
	s->deaf = true;
	enter_closing(s, STREAM_ERROR_USEC);
	if (!told)
		s->events->closing(s->arg);
}

/* Whether what is behind in the same bytes is not to be read. */
static bool
is_done(const struct stream *s)
{
	return s->freed || s->deaf || s->tls != STREAM_PLAIN;
}

static void
take_features(struct stream *s, xmpp_stanza_t *features)
{
	if (s->events->features != NULL)
		s->events->features(s->arg, features);
}

static int
on_header(void *arg, const struct reader_header *header)
{
	struct stream *s = arg;

	if (s->state == STREAM_HEADER)
		s->state = STREAM_OPEN;
	s->events->header(s->arg, header);
	return is_done(s);
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct stream *s = arg;
	const char *ns = xmpp_stanza_get_ns(stanza), *name = xmpp_stanza_get_name(stanza);

	s->whole = true;
	if (ns == NULL || strcmp(ns, EAR_NS_STREAM) != 0)
		s->events->stanza(s->arg, stanza);
	else if (strcmp(name, "error") == 0)
		take_error(s, stanza);
	else if (strcmp(name, "features") == 0)
		take_features(s, stanza);
	else
		fail_inside(s, "unsupported-stanza-type", -EPROTO,
			    "sent something that is neither a stanza nor features");
	return is_done(s);
}

static int
on_end(void *arg)
{
	struct stream *s = arg;

	s->got_end = true;
	return 1;
}

/*
 * A stanza that comes byte by byte may take its time, but not for ever. Between stanzas the same
 * timer waits for silence, in which parser and TLS give their memory back.
 */
static void
watch(struct stream *s)
{
	bool half = !reader_is_between(s->reader);

	if (s->state != STREAM_OPEN || !s->known)
		return;
	s->fresh = true;
	if (half && (!s->trickling || s->whole))
		ear_timer_set(&s->timer, STREAM_STANZA_USEC);
	else if (!half && (s->trickling || !ear_timer_is_set(&s->timer)))
		ear_timer_set(&s->timer, STREAM_REST_USEC);
	s->trickling = half;
}

static void
rest(struct stream *s)
{
	if (s->fresh) {
		ear_timer_set(&s->timer, STREAM_REST_USEC);
	} else {
		reader_rest(s->reader);
		io_rest(s->io);
	}
	s->fresh = false;
}

static void
on_data(void *arg, const void *bytes, size_t length)
{
	struct stream *s = arg;
	int rc;

	if (s->got_end || is_done(s))
		return;
	s->busy++;
	s->whole = false;
	rc = reader_feed(s->reader, bytes, length);
	if (!s->freed && s->tls != STREAM_PLAIN)
		reader_reset(s->reader);
	else if (!s->freed && s->got_end)
		take_end(s);
	else if (rc < 0 && !s->freed && !s->deaf)
		fail_inside(s, reader_error(s->reader), rc, reader_error(s->reader));
	else if (!s->freed)
		watch(s);
	stream_leave(s);
}

static void
on_eof(void *arg)
{
	struct stream *s = arg;

	s->busy++;
	if (s->state == STREAM_CLOSING)
		stream_end(s, s->error, s->text != NULL ? s->text : "closed");
	else
		stream_end(s, -ECONNRESET, "the other side hung up without ending the stream");
	stream_leave(s);
}

/* What TLS says is more than that the protocol was not followed. */
static void
fail_below(struct stream *s, int error)
{
	struct tls *tls = io_tls(s->io);

	if (error != -EPROTO || tls == NULL || *tls_failure(tls) == '\0') {
		stream_end(s, error, strerror(-error));
		return;
	}
	free(s->text);
	s->text = xasprintf("TLS failed: %.200s", tls_failure(tls));
	stream_end(s, error, s->text);
}

static void
on_failed(void *arg, int error)
{
	struct stream *s = arg;

	s->busy++;
	if (s->state == STREAM_CLOSING)
		stream_end(s, s->error, s->text != NULL ? s->text : "closed");
	else
		fail_below(s, error);
	stream_leave(s);
}

static void
on_secured(void *arg)
{
	struct stream *s = arg;

	s->busy++;
	s->tls = STREAM_PLAIN;
	if (s->state == STREAM_HEADER)
		s->events->secured(s->arg);
	stream_leave(s);
}

static void
on_drained(void *arg)
{
	struct stream *s = arg;

	s->busy++;
	if (s->events->drained != NULL && s->state != STREAM_ENDED)
		s->events->drained(s->arg);
	stream_leave(s);
}

static void
on_timer(void *arg)
{
	struct stream *s = arg;

	s->busy++;
	switch (s->state) {
	case STREAM_HEADER:
		fail_inside(s, "connection-timeout", -ETIMEDOUT,
			    s->tls == STREAM_SHAKES ? "no TLS handshake in time"
						    : "no stream header in time");
		break;
	case STREAM_OPEN:
		if (s->known && !s->trickling)
			rest(s);
		else if (s->known)
			fail_inside(s, "policy-violation", -ETIMEDOUT, "a stanza took too long");
		else
			fail_inside(s, "not-authorized", -ETIMEDOUT, "not identified in time");
		break;
	case STREAM_CLOSING:
		stream_end(s, s->error, s->text != NULL ? s->text : "closed");
		break;
	case STREAM_ENDED:
		break;
	}
	stream_leave(s);
}

static const struct io_events io_events = {
	.secured = on_secured,
	.data = on_data,
	.drained = on_drained,
	.eof = on_eof,
	.failed = on_failed,
};

static const struct reader_events reader_events = {
	.header = on_header,
	.stanza = on_stanza,
	.end = on_end,
};

struct stream *
stream_new(struct ear_clock *clock, xmpp_ctx_t *ctx, struct io *io, int64_t limit,
	   const struct stream_events *events, void *arg)
{
	struct stream *s = xalloc(sizeof(*s));

	s->io = io;
	s->clock = clock;
	s->begun_at = ear_now(clock);
	s->ctx = ctx;
	s->events = events;
	s->arg = arg;
	s->reader = reader_new(ctx, &reader_caps_unknown, &reader_events, s);
	io_set_events(io, &io_events, s);
	ear_timer_init(&s->timer, clock, on_timer, s);
	ear_timer_set(&s->timer, limit);
	return s;
}

enum stream_state
stream_state(const struct stream *s)
{
	return s->state;
}

struct io *
stream_io(struct stream *s)
{
	return s->io;
}

void
stream_expect_tls(struct stream *s)
{
	if (s->state == STREAM_ENDED)
		return;
	s->tls = STREAM_EXPECTS;
	io_read(s->io, false);
}

/*
 * The limit goes on from where the stream began, but for one that had less than the usual: the
 * other end is there now.
 */
void
stream_start_tls(struct stream *s, struct tls *tls)
{
	int64_t limit = s->begun_at + STREAM_HEADER_USEC - ear_now(s->clock);

	if (s->state == STREAM_ENDED || s->state == STREAM_CLOSING) {
		tls_free(tls);
		return;
	}
	s->tls = STREAM_SHAKES;
	s->state = STREAM_HEADER;
	s->sent_header = false;
	if (s->busy == 0)
		reader_reset(s->reader);
	ear_timer_set(&s->timer, limit > 0 ? limit : 0);
	io_start_tls(s->io, tls);
	io_read(s->io, true);
}

void
stream_restart(struct stream *s)
{
	if (s->state == STREAM_OPEN)
		s->state = STREAM_HEADER;
	s->sent_old = s->sent_header && !s->sent_ahead;
	s->sent_header = s->sent_ahead;
	s->sent_ahead = false;
	reader_restart(s->reader);
}

void
stream_renew(struct stream *s)
{
	s->sent_old = false;
}

void
stream_header_ahead(struct stream *s, const struct writer_header *header)
{
	if (s->sent_ahead || s->sent_end)
		return;
	s->sent_ahead = true;
	writer_header(io_out(s->io), header);
}

void
stream_header(struct stream *s, const struct writer_header *header)
{
	if (s->sent_header || s->sent_end)
		return;
	s->sent_header = true;
	writer_header(io_out(s->io), header);
	if (s->state == STREAM_CLOSING)
		write_end(s);
}

void
stream_features(struct stream *s, xmpp_stanza_t *child)
{
	xmpp_stanza_t *features = ear_element(s->ctx, "stream:features", NULL);

	if (child != NULL) {
		xmpp_stanza_add_child(features, child);
		xmpp_stanza_release(child);
	}
	if (!s->sent_end)
		writer_stanza(io_out(s->io), features, STREAM_STANZA_MAX);
	xmpp_stanza_release(features);
}

int
stream_send(struct stream *s, xmpp_stanza_t *stanza)
{
	if (s->sent_end || s->state == STREAM_ENDED)
		return -ENOTCONN;
	if (s->state == STREAM_OPEN && s->known && !ear_timer_is_set(&s->timer))
		ear_timer_set(&s->timer, STREAM_REST_USEC);
	s->fresh = true;
	return writer_stanza(io_out(s->io), stanza, STREAM_STANZA_MAX);
}

void
stream_probe(struct stream *s)
{
	if (s->sent_header && !s->sent_end)
		evbuffer_add(io_out(s->io), "\n", 1);
}

void
stream_known(struct stream *s)
{
	s->known = true;
	reader_set_caps(s->reader, &reader_caps_known);
	if (s->state == STREAM_OPEN)
		ear_timer_stop(&s->timer);
}

void
stream_pause(struct stream *s, bool on)
{
	if (s->state != STREAM_ENDED && s->tls != STREAM_EXPECTS)
		io_read(s->io, !on);
}

void
stream_close(struct stream *s)
{
	if (s->state == STREAM_CLOSING || s->state == STREAM_ENDED)
		return;
	enter_closing(s, STREAM_CLOSE_USEC);
	io_read(s->io, true);
}

void
stream_fail(struct stream *s, const char *condition, int error, const char *text)
{
	if (s->deaf || s->state == STREAM_ENDED)
		return;
	free(s->text);
	s->text = xstrdup(text);
	s->error = error;
	s->deaf = true;
	write_error(s, condition);
	enter_closing(s, STREAM_ERROR_USEC);
	io_read(s->io, true);
}

void
stream_free(struct stream *s, const char *condition)
{
	if (s == NULL || s->freed)
		return;
	if (condition != NULL)
		write_error(s, condition);
	write_end(s);
	s->freed = true;
	s->state = STREAM_ENDED;
	ear_timer_stop(&s->timer);
	io_close(s->io, true);
	if (s->busy == 0)
		stream_destroy(s);
}
