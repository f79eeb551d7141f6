/* SPDX-License-Identifier: ISC */
/*
 * io.h: one connected byte stream, whatever is under it: TCP or a Unix socket now, TLS later. No
 * TLS word leaks upward, and of libevent only the buffer that one appends to.
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

/* Run from the event loop, never from inside a call into io. */
struct io_events {
	void (*connected)(void *arg);
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

/* Another owner from now on (a connection that was dialled becomes a stream). */
void io_set_events(struct io *io, const struct io_events *events, void *arg);

/* Stops and resumes reading (back-pressure: an unknown peer, a full queue above). */
void io_read(struct io *io, bool on);

/* What the kernel has not taken will not leave any more, not even by the flush of io_close. */
void io_forget(struct io *io);

/*
 * Bytes appended in total; of those, what the kernel has taken; of those, what the other side's TCP
 * has acknowledged (a Unix socket: what the other program has read). Right also after failed().
 */
uint64_t io_written(const struct io *io);
uint64_t io_sent(const struct io *io);
uint64_t io_acked(struct io *io);

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
