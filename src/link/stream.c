/* SPDX-License-Identifier: ISC */
/* stream.c: one XML stream over one connection, but for its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/stream_impl.h"
#include "link/tls.h"

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
		stream_take_error(s, stanza);
	else if (strcmp(name, "features") == 0)
		take_features(s, stanza);
	else
		stream_fail_inside(s, "unsupported-stanza-type", -EPROTO,
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
	s->read_at = ear_now(s->clock);
	rc = reader_feed(s->reader, bytes, length);
	if (!s->freed && s->tls != STREAM_PLAIN)
		reader_reset(s->reader);
	else if (!s->freed && s->got_end)
		stream_take_end(s);
	else if (rc < 0 && !s->freed && !s->deaf)
		stream_fail_inside(s, reader_error(s->reader), rc, reader_error(s->reader));
	else if (!s->freed)
		watch(s);
	stream_leave(s);
}

static void
on_eof(void *arg)
{
	struct stream *s = arg;

	s->busy++;
	stream_note_eof(s);
	if (s->state == STREAM_CLOSING)
		stream_is_over(s, s->error, s->text != NULL ? s->text : "closed");
	else
		stream_is_over(s, -ECONNRESET, "the other side hung up without ending the stream");
	stream_leave(s);
}

/* What TLS says is more than that the protocol was not followed. */
static void
fail_below(struct stream *s, int error)
{
	struct tls *tls = io_tls(s->io);

	if (error != -EPROTO || tls == NULL || *tls_failure(tls) == '\0') {
		stream_is_over(s, error, strerror(-error));
		return;
	}
	free(s->text);
	s->text = xasprintf("TLS failed: %.200s", tls_failure(tls));
	stream_is_over(s, error, s->text);
}

static void
on_failed(void *arg, int error)
{
	struct stream *s = arg;

	s->busy++;
	if (s->state == STREAM_CLOSING)
		stream_is_over(s, s->error, s->text != NULL ? s->text : "closed");
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
		stream_fail_inside(s, "connection-timeout", -ETIMEDOUT,
				   s->tls == STREAM_SHAKES ? "no TLS handshake in time"
							   : "no stream header in time");
		break;
	case STREAM_OPEN:
		if (s->known && !s->trickling)
			rest(s);
		else if (s->known)
			stream_fail_inside(s, "policy-violation", -ETIMEDOUT,
					   "a stanza took too long");
		else
			stream_fail_inside(s, "not-authorized", -ETIMEDOUT,
					   "not identified in time");
		break;
	case STREAM_CLOSING:
		stream_is_over(s, s->error, s->text != NULL ? s->text : "closed");
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

int64_t
stream_read_at(const struct stream *s)
{
	return s->read_at;
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
		stream_write_end(s);
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
	static const struct writer_ends own;

	return stream_send_as(s, stanza, &own);
}

int
stream_send_as(struct stream *s, xmpp_stanza_t *stanza, const struct writer_ends *ends)
{
	if (s->sent_end || s->state == STREAM_ENDED)
		return -ENOTCONN;
	if (s->state == STREAM_OPEN && s->known && !ear_timer_is_set(&s->timer))
		ear_timer_set(&s->timer, STREAM_REST_USEC);
	s->fresh = true;
	return writer_stanza_as(io_out(s->io), stanza, ends, STREAM_STANZA_MAX);
}

void
stream_write(struct stream *s, const char *text, size_t length)
{
	if (!s->sent_header || s->sent_end || s->state == STREAM_ENDED)
		return;
	if (s->state == STREAM_OPEN && s->known && !ear_timer_is_set(&s->timer))
		ear_timer_set(&s->timer, STREAM_REST_USEC);
	s->fresh = true;
	evbuffer_add(io_out(s->io), text, length);
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
stream_free(struct stream *s, const char *condition)
{
	if (s == NULL || s->freed)
		return;
	if (condition != NULL)
		stream_write_error(s, condition, NULL);
	stream_write_end(s);
	s->freed = true;
	s->state = STREAM_ENDED;
	ear_timer_stop(&s->timer);
	io_close(s->io, !s->aborted);
	if (s->busy == 0)
		stream_destroy(s);
}
