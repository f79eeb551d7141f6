/* SPDX-License-Identifier: ISC */
/* io.c: descriptors, what is read from and written to them, and what the kernel knows about them.
 */
#include <errno.h>
#include <linux/in6.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/io_seal.h"

#define READ_SIZE  65536 /* bytes of one read: many stanzas for one turn of the loop */
#define WRITE_VECS 64    /* pieces of one write */
#define DRAIN_MAX  16    /* reads thrown away before a close */

struct io {
	const struct io_events *events;
	void *arg;
	struct event read, write;
	struct evbuffer *out;
	struct seal *seal; /* NULL: in plain */
	uint64_t sent;     /* bytes that the kernel took, or `seal` */
	uint64_t acked;    /* as known last */
	int fd;
	int error;          /* -errno of a failed write; told when all that arrived is read */
	unsigned char busy; /* events of ours that run now */
	bool connecting, secured, failed, closed, tcp;
	bool due; /* a write is on its way: the event is active or waits for room */
};

static void
io_free(struct io *io)
{
	seal_free(io->seal);
	evbuffer_free(io->out);
	free(io);
}

static void
io_leave(struct io *io)
{
	if (--io->busy == 0 && io->closed)
		io_free(io);
}

static void
io_fail(struct io *io, int error)
{
	event_del(&io->read);
	event_del(&io->write);
	io->failed = true;
	io->events->failed(io->arg, error);
}

/* A single piece, as most writes are, without what the kernel has to read for several. */
static ssize_t
send_pieces(int fd, struct evbuffer_iovec *vecs, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)vecs, .msg_iovlen = (size_t)count };

	if (count == 1)
		return send(fd, vecs[0].iov_base, vecs[0].iov_len, MSG_NOSIGNAL);
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int
io_send(int fd, struct evbuffer *out, uint64_t *sent)
{
	struct evbuffer_iovec vecs[WRITE_VECS];
	int count;
	ssize_t n;

	while (evbuffer_get_length(out) > 0) {
		count = evbuffer_peek(out, -1, NULL, vecs, WRITE_VECS);
		n = send_pieces(fd, vecs, count < WRITE_VECS ? count : WRITE_VECS);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		evbuffer_drain(out, (size_t)n);
		*sent += (uint64_t)n;
	}
	return 1;
}

uint64_t
io_unacked(int fd)
{
	int left = 0;

	/* A Unix socket counts its bookkeeping too: too much, which errs to the safe side. */
	return ioctl(fd, SIOCOUTQ, &left) == 0 ? (uint64_t)left : UINT64_MAX;
}

static int
io_push(struct io *io)
{
	if (io->seal != NULL)
		return seal_push(io->seal, io->fd, io->out, &io->sent);
	return io_send(io->fd, io->out, &io->sent);
}

static void
io_write_out(struct io *io)
{
	int rc = io_push(io);

	if (rc < 0 && event_pending(&io->read, EV_READ, NULL)) {
		/* What had arrived is still there to be read, and now an end behind it: not every
		 * failure brings one. */
		io->error = rc;
		shutdown(io->fd, SHUT_RDWR);
	} else if (rc < 0) {
		io_fail(io, rc);
	} else if (rc == 0) {
		io->due = true;
		event_add(&io->write, NULL);
	} else if (rc == 1 && io->events->drained != NULL) {
		io->events->drained(io->arg);
	}
}

/* At the end of the turn: without waiting for the kernel to say that there is room. */
static void
io_schedule(struct io *io)
{
	if (io->due || io->connecting || io->failed || io->closed || io->error != 0)
		return;
	io->due = true;
	event_active(&io->write, EV_WRITE, 0);
}

static void
on_appended(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	if (info->n_added > 0)
		io_schedule(arg);
}

static void
io_finish_connect(struct io *io)
{
	int error = 0;
	socklen_t size = sizeof(error);

	io->connecting = false;
	if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error != 0) {
		io_fail(io, -error);
		return;
	}
	event_add(&io->read, NULL);
	if (evbuffer_get_length(io->out) > 0 || io->seal != NULL)
		io_schedule(io);
	io->events->connected(io->arg);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct io *io = arg;

	io->due = false;
	io->busy++;
	if (io->connecting)
		io_finish_connect(io);
	else
		io_write_out(io);
	io_leave(io);
}

/* What waits for the end of the handshake can leave, and the owner knows before it gets data. */
static void
io_tell_secured(struct io *io)
{
	if (io->secured || !tls_is_ready(io_tls(io)))
		return;
	io->secured = true;
	io_schedule(io);
	io->events->secured(io->arg);
}

static bool
on_plain(void *arg, const void *bytes, size_t length)
{
	struct io *io = arg;

	io_tell_secured(io);
	if (!io->closed)
		io->events->data(io->arg, bytes, length);
	return !io->closed;
}

static void
io_take_sealed(struct io *io, const char *bytes, size_t length)
{
	int rc = seal_read(io->seal, bytes, length, on_plain, io);

	if (rc != -EPROTO && !io->closed)
		io_tell_secured(io);
	if (io->closed)
		return;
	if (seal_has_wire(io->seal))
		io_schedule(io);
	if (rc == -ESHUTDOWN) {
		event_del(&io->read);
		io->events->eof(io->arg);
	} else if (rc < 0) {
		io_push(io); /* why, for the other end */
		io_fail(io, rc);
	}
}

/* The other side has sent its last. */
static void
io_take_end(struct io *io)
{
	if (io->seal != NULL && tls_end(io_tls(io)) != 0) {
		io_fail(io, -EPROTO);
		return;
	}
	event_del(&io->read);
	io->events->eof(io->arg);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct io *io = arg;
	char buffer[READ_SIZE];
	ssize_t n = recv(io->fd, buffer, sizeof(buffer), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	io->busy++;
	if (n > 0 && io->seal != NULL) {
		io_take_sealed(io, buffer, (size_t)n);
	} else if (n > 0) {
		io->events->data(io->arg, buffer, (size_t)n);
	} else if (n == 0 && io->error == 0) {
		io_take_end(io);
	} else {
		io_fail(io, io->error != 0 ? io->error : -errno);
	}
	io_leave(io);
}

static struct io *
io_new(struct event_base *base, int fd, const struct io_events *events, void *arg)
{
	struct io *io = xalloc(sizeof(*io));
	int domain = AF_UNSPEC, one = 1;
	socklen_t size = sizeof(domain);

	io->events = events;
	io->arg = arg;
	io->fd = fd;
	io->out = evbuffer_new();
	if (io->out == NULL || evbuffer_add_cb(io->out, on_appended, io) == NULL)
		abort();
	event_assign(&io->read, base, fd, EV_READ | EV_PERSIST, on_read, io);
	event_assign(&io->write, base, fd, EV_WRITE, on_write, io);
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	io->tcp = domain == AF_INET || domain == AF_INET6;
	if (io->tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return io;
}

/*
 * Peers compare our source address with what they resolved, so it must not be one of the
 * temporary addresses of RFC 8981, which nobody announces.
 */
static int
open_socket(const struct sockaddr *to, const struct sockaddr *source, socklen_t source_length)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error, public = IPV6_PREFER_SRC_PUBLIC;

	if (fd < 0)
		return -errno;
	if (to->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, &public, sizeof(public));
	if (source == NULL || bind(fd, source, source_length) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

struct io *
io_new_connect(struct event_base *base, const struct sockaddr *to, socklen_t length,
	       const struct sockaddr *source, socklen_t source_length,
	       const struct io_events *events, void *arg, int *error)
{
	int fd = open_socket(to, source, source_length);
	struct io *io;

	if (fd < 0) {
		*error = fd;
		return NULL;
	}
	if (connect(fd, to, length) != 0 && errno != EINPROGRESS) {
		*error = -errno;
		close(fd);
		return NULL;
	}
	io = io_new(base, fd, events, arg);
	io->connecting = true;
	event_add(&io->write, NULL);
	return io;
}

struct io *
io_new_fd(struct event_base *base, int fd, const struct io_events *events, void *arg)
{
	struct io *io;

	evutil_make_socket_nonblocking(fd);
	io = io_new(base, fd, events, arg);
	event_add(&io->read, NULL);
	return io;
}

struct evbuffer *
io_out(struct io *io)
{
	return io->out;
}

void
io_flush(struct io *io)
{
	if (!io->connecting && !io->failed && !io->closed && io->error == 0 && io->seal == NULL)
		io_push(io);
}

void
io_start_tls(struct io *io, struct tls *tls)
{
	io->seal = seal_new(tls, io->out, &io->sent);
	io_schedule(io);
}

struct tls *
io_tls(const struct io *io)
{
	return io->seal != NULL ? seal_tls(io->seal) : NULL;
}

void
io_set_events(struct io *io, const struct io_events *events, void *arg)
{
	io->events = events;
	io->arg = arg;
}

void
io_read(struct io *io, bool on)
{
	if (io->failed || io->closed)
		return;
	if (on)
		event_add(&io->read, NULL);
	else
		event_del(&io->read);
}

void
io_forget(struct io *io)
{
	evbuffer_drain(io->out, evbuffer_get_length(io->out));
	if (io->seal != NULL)
		seal_forget(io->seal, &io->sent);
}

void
io_abort(struct io *io)
{
	struct linger now = { .l_onoff = 1 };

	io_forget(io);
	setsockopt(io->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

uint64_t
io_written(const struct io *io)
{
	return io->sent + evbuffer_get_length(io->out);
}

uint64_t
io_sent(const struct io *io)
{
	return io->seal != NULL ? seal_sent(io->seal) : io->sent;
}

uint64_t
io_acked(struct io *io)
{
	uint64_t left, acked = io->acked;

	if (acked >= io->sent)
		return acked;
	if (io->seal != NULL) {
		acked = seal_acked(io->seal, io->fd);
	} else {
		left = io_unacked(io->fd);
		acked = left < io->sent ? io->sent - left : 0;
	}
	if (acked > io->acked)
		io->acked = acked;
	return io->acked;
}

void
io_rest(struct io *io)
{
	if (io->seal != NULL)
		tls_rest(io_tls(io));
}

void
io_watch_life(struct io *io, int idle_ms, int dead_ms)
{
	int on = 1, idle = idle_ms < 1000 ? 1 : idle_ms / 1000, interval = 1;
	int count = dead_ms < 1000 ? 1 : dead_ms / 1000;

	if (!io->tcp)
		return;
	setsockopt(io->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(io->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(io->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(io->fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(io->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
}

int
io_fd(const struct io *io)
{
	return io->fd;
}

void
io_close(struct io *io, bool flush)
{
	char waste[4096];

	if (io->closed)
		return;
	event_del(&io->read);
	event_del(&io->write);
	io->closed = true;
	if (!io->connecting) {
		if (flush && !io->failed && io->seal != NULL)
			seal_close(io->seal, io->fd, io->out, &io->sent);
		else if (flush && !io->failed)
			io_push(io);
		for (int i = 0; i < DRAIN_MAX; i++)
			if (recv(io->fd, waste, sizeof(waste), MSG_DONTWAIT) <= 0)
				break;
	}
	close(io->fd);
	if (io->busy == 0)
		io_free(io);
}
