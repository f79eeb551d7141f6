/* SPDX-License-Identifier: ISC */
/* stream_end.c: how one XML stream ends: in good order, with an error, without a word. */
#include <errno.h>
#include <stdlib.h>

#include <event2/buffer.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/stream_impl.h"

/* Without a header there is nothing to end yet: stream_header does, if one is still sent. */
void
stream_write_end(struct stream *s)
{
	if (s->sent_end || !s->sent_header)
		return;
	if (!s->deaf && !s->freed && s->events->ending != NULL)
		s->events->ending(s->arg);
	s->sent_end = true;
	writer_end(io_out(s->io));
}

/* The last event. */
void
stream_is_over(struct stream *s, int error, const char *text)
{
	if (s->freed || s->state == STREAM_ENDED)
		return;
	s->state = STREAM_ENDED;
	ear_timer_stop(&s->timer);
	stream_write_end(s);
	s->events->ended(s->arg, error, text);
}

/* In the middle of a handshake there is nobody to say goodbye to (RFC 6120 §5.4.3.2). */
static void
enter_closing(struct stream *s, int64_t limit)
{
	s->state = STREAM_CLOSING;
	s->trickling = false;
	stream_write_end(s);
	ear_timer_set(&s->timer, s->tls == STREAM_SHAKES ? 0 : limit);
}

/* After their </stream:stream>: it is on us to answer it, and on them to close the connection. */
void
stream_take_end(struct stream *s)
{
	if (s->sent_end) {
		stream_is_over(s, s->error, s->text != NULL ? s->text : "closed");
		return;
	}
	s->got_end_at = ear_now(s->clock);
	enter_closing(s, STREAM_CLOSE_USEC);
	s->events->closing(s->arg);
}

static void
write_more(struct stream *s, const char *condition, const char *more)
{
	evbuffer_add_printf(io_out(s->io),
			    "<stream:error><%s xmlns='" EAR_NS_STREAM_ERR "'/>%s</stream:error>",
			    condition, more);
}

/* Ours: </stream:stream> follows at once (RFC 6120 §4.9.1.1). */
void
stream_write_error(struct stream *s, const char *condition, const char *more)
{
	static const struct writer_header bare = { .version = "1.0" };

	if (s->sent_end || s->tls == STREAM_SHAKES)
		return;
	if (!s->sent_header && !s->sent_old)
		writer_header(io_out(s->io), &bare);
	s->sent_header = s->deaf = true;
	if (more != NULL)
		write_more(s, condition, more);
	else
		writer_error(io_out(s->io), condition, NULL);
	stream_write_end(s);
}

/* A stream error that came from this file or from the reader: the owner has to be told. */
void
stream_fail_inside(struct stream *s, const char *condition, int error, const char *text)
{
	stream_fail(s, condition, error, text);
	s->events->closing(s->arg);
}

/* The other end says why it ends the stream. */
void
stream_take_error(struct stream *s, xmpp_stanza_t *element)
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

/*
 * It hangs up because of our </stream:stream>, which its TCP has acknowledged before: not because
 * it has waited for that in vain, nor without waiting.
 */
static bool
was_read(struct stream *s)
{
	return s->got_end && s->got_end_at != 0 && s->sent_end && !s->deaf &&
	       io_acked(s->io) == io_written(s->io) &&
	       ear_now(s->clock) - s->got_end_at < STREAM_CLOSE_USEC / 2;
}

void
stream_note_eof(struct stream *s)
{
	s->was_read = was_read(s);
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
stream_fail_more(struct stream *s, const char *condition, const char *more, int error,
		 const char *text)
{
	if (s->deaf || s->state == STREAM_ENDED)
		return;
	free(s->text);
	s->text = xstrdup(text);
	s->error = error;
	s->deaf = true;
	stream_write_error(s, condition, more);
	enter_closing(s, STREAM_ERROR_USEC);
	io_read(s->io, true);
}

void
stream_fail(struct stream *s, const char *condition, int error, const char *text)
{
	stream_fail_more(s, condition, NULL, error, text);
}

void
stream_abort(struct stream *s)
{
	if (s->state == STREAM_ENDED)
		return;
	s->deaf = s->sent_end = s->aborted = true;
	s->state = STREAM_CLOSING;
	ear_timer_stop(&s->timer);
	io_abort(s->io);
}

bool
stream_was_read(const struct stream *s)
{
	return s->was_read;
}
