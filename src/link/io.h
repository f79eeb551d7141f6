/* SPDX-License-Identifier: ISC */
/*
 * io.h: one connected byte stream, whatever is under it: TCP or a Unix socket, with or without TLS.
 * Of libevent only the buffer that one appends to leaks upward.
 */
#ifndef LINK_IO_H
#define LINK_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct event_base;
struct evbuffer;
struct io;
struct tls;

/* Run from the event loop, never from inside a call into io. */
struct io_events {
	void (*connected)(void *arg);
	void (*secured)(void *arg); /* after io_start_tls: both ends have shown their key */
	void (*data)(void *arg, const void *bytes, size_t length);
	void (*drained)(void *arg);           /* everything written has gone to the kernel */
	void (*eof)(void *arg);               /* the other side will send no more */
	void (*failed)(void *arg, int error); /* -errno; nothing follows */
};

/*
 * Begins to connect; source NULL: the kernel chooses. NULL with *error = -errno when that fails at
 * once; otherwise connected() or failed() follows.
 */
struct io *io_new_connect(struct event_base *base, const struct sockaddr *to, socklen_t length,
			  const struct sockaddr *source, socklen_t source_length,
			  const struct io_events *events, void *arg, int *error);

/* Takes over a connected descriptor, and reads from the start. */
struct io *io_new_fd(struct event_base *base, int fd, const struct io_events *events, void *arg);

/* What to append to; written at the end of the turn of the loop, many stanzas in one write. */
struct evbuffer *io_out(struct io *io);

/*
 * What was appended goes to the kernel now, as far as it takes it, and not at the end of the turn:
 * for what must not go with this process. Whether it failed is told at the end of the turn. Does
 * nothing on a stream that is encrypted or not yet connected.
 */
void io_flush(struct io *io);

/*
 * What was appended before this call leaves as it is, what is appended from now on is encrypted,
 * after the handshake; what arrives from now on is decrypted. Consumes tls. May be called from
 * inside data(), whose bytes were the last plain ones: what of them is not meant to be read has to
 * be thrown away by the caller. secured() follows, or failed(-EPROTO).
 */
void io_start_tls(struct io *io, struct tls *tls);

/* NULL: not encrypted. Borrowed. */
struct tls *io_tls(const struct io *io);

/* Another owner from now on (a connection that was dialled becomes a stream). */
void io_set_events(struct io *io, const struct io_events *events, void *arg);

/* Stops and resumes reading (back-pressure: an unknown peer, a full queue above). */
void io_read(struct io *io, bool on);

/* What the kernel has not taken will not leave any more, not even by the flush of io_close. */
void io_forget(struct io *io);

/* The same for what the kernel has and the other end has not: once closed, it sends a reset and
 * nothing else. */
void io_abort(struct io *io);

/*
 * Bytes appended in total; of those, what the kernel has taken; of those, what the other side's TCP
 * has acknowledged (a Unix socket: what the other program has read). With TLS the bytes are those
 * appended, not those of the wire; acknowledged is then a whole record. Right also after failed().
 */
uint64_t io_written(const struct io *io);
uint64_t io_sent(const struct io *io);
uint64_t io_acked(struct io *io);

/* Nothing has come or gone for a while: gives memory back that is taken again when needed. */
void io_rest(struct io *io);

/*
 * Finds a dead cable: TCP keep-alive after idle_ms of silence, and the connection fails when
 * something stays unacknowledged for dead_ms. No effect on a Unix socket.
 */
void io_watch_life(struct io *io, int idle_ms, int dead_ms);

int io_fd(const struct io *io);

/*
 * Detaches and closes now: no event runs any more; memory goes when its running event, if any, has
 * returned. flush: what the kernel takes of what was written is still sent, nothing is waited for.
 * What has arrived unread is thrown away first, so that the other side sees an end and no reset.
 */
void io_close(struct io *io, bool flush);

#endif
