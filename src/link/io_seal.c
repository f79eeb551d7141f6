/* SPDX-License-Identifier: ISC */
/* io_seal.c: bytes of an io with TLS on their way out, and which of them have arrived. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "link/io_seal.h"

#define AHEAD_MAX 65536 /* bytes encrypted for one write */
#define MARKS_MAX 32

/* Where a record ends: in all that goes over the wire, and in what was appended. */
struct mark {
	uint64_t wire, plain;
};

struct seal {
	struct tls *tls;
	struct evbuffer *wire;
	uint64_t wire_sent; /* bytes that the kernel took */
	uint64_t start;     /* before that, wire and plain are the same */
	uint64_t acked;     /* plain bytes */
	bool cut;           /* a record will never be whole: nothing can follow it */
	unsigned count;
	struct mark marks[MARKS_MAX]; /* records that are not acknowledged, the oldest first */
};

static bool
on_nothing(void *arg, const void *bytes, size_t length)
{
	return true;
}

struct seal *
seal_new(struct tls *tls, struct evbuffer *out, uint64_t *taken)
{
	struct seal *seal = xalloc(sizeof(*seal));

	seal->tls = tls;
	seal->wire = evbuffer_new();
	if (seal->wire == NULL)
		abort();
	seal->wire_sent = *taken;
	*taken += evbuffer_get_length(out);
	seal->start = seal->acked = *taken;
	evbuffer_add_buffer(seal->wire, out);
	/* Its failure is told by whatever comes next. */
	tls_read(tls, NULL, 0, seal->wire, on_nothing, NULL);
	return seal;
}

void
seal_free(struct seal *seal)
{
	if (seal == NULL)
		return;
	tls_free(seal->tls);
	evbuffer_free(seal->wire);
	free(seal);
}

struct tls *
seal_tls(const struct seal *seal)
{
	return seal->tls;
}

/* --- which bytes have arrived --------------------------------------------------------------- */

static unsigned
count_sent(const struct seal *seal)
{
	unsigned count = seal->count;

	while (count > 0 && seal->marks[count - 1].wire > seal->wire_sent)
		count--;
	return count;
}

uint64_t
seal_sent(const struct seal *seal)
{
	unsigned count = count_sent(seal);

	if (seal->wire_sent < seal->start)
		return seal->wire_sent;
	return count > 0 ? seal->marks[count - 1].plain : seal->acked;
}

uint64_t
seal_acked(struct seal *seal, int fd)
{
	uint64_t left = io_unacked(fd), wire;
	unsigned gone = 0;

	wire = left < seal->wire_sent ? seal->wire_sent - left : 0;
	if (wire < seal->start)
		return wire;
	while (gone < seal->count && seal->marks[gone].wire <= wire)
		seal->acked = seal->marks[gone++].plain;
	seal->count -= gone;
	memmove(seal->marks, seal->marks + gone, seal->count * sizeof(seal->marks[0]));
	return seal->acked;
}

/*
 * Every second one of those that are with the kernel goes: its record counts as acknowledged when
 * the next one is. The last of them stays, which says what was sent; those behind it are few.
 */
static void
thin_out(struct seal *seal)
{
	unsigned sent = count_sent(seal), kept = 0;

	for (unsigned i = 0; i < seal->count; i++)
		if (i >= sent || (sent - 1 - i) % 2 == 0)
			seal->marks[kept++] = seal->marks[i];
	seal->count = kept;
}

/* ahead: bytes of the wire that are neither sent nor in `wire` yet. */
static void
add_mark(struct seal *seal, int fd, uint64_t plain, size_t ahead)
{
	if (seal->count == MARKS_MAX)
		seal_acked(seal, fd);
	if (seal->count == MARKS_MAX)
		thin_out(seal);
	seal->marks[seal->count].wire = seal->wire_sent + evbuffer_get_length(seal->wire) + ahead;
	seal->marks[seal->count++].plain = plain;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static int
encrypt(struct seal *seal, int fd, struct evbuffer *out, uint64_t *taken)
{
	int n;

	while (evbuffer_get_length(out) > 0 && evbuffer_get_length(seal->wire) < AHEAD_MAX) {
		n = tls_write(seal->tls, out, seal->wire);
		if (n < 0)
			return n;
		*taken += (uint64_t)n;
		add_mark(seal, fd, *taken, 0);
	}
	return 0;
}

/* Behind what is left of it, if anything, may be more of the wire. */
static int
send_brief(struct seal *seal, int fd, const struct tls_brief *brief)
{
	ssize_t n = send(fd, brief->bytes, brief->length, MSG_NOSIGNAL);
	int error = n >= 0 || errno == EAGAIN || errno == EINTR ? 0 : -errno;
	size_t sent = n > 0 ? (size_t)n : 0;

	seal->wire_sent += sent;
	if (sent < brief->length)
		evbuffer_prepend(seal->wire, brief->bytes + sent, brief->length - sent);
	return error;
}

/* Like encrypt, but what the kernel takes at once is never kept. Where it failed there may be a
 * word for the other end. */
static int
push_brief(struct seal *seal, int fd, struct evbuffer *out, uint64_t *taken)
{
	struct tls_brief brief;
	int n = tls_write_brief(seal->tls, out, seal->wire, &brief);

	if (n < 0) {
		evbuffer_prepend(seal->wire, brief.bytes, brief.length);
		return n;
	}
	*taken += (uint64_t)n;
	add_mark(seal, fd, *taken, brief.length);
	return send_brief(seal, fd, &brief);
}

int
seal_push(struct seal *seal, int fd, struct evbuffer *out, uint64_t *taken)
{
	size_t length;
	int rc;

	for (;;) {
		rc = io_send(fd, seal->wire, &seal->wire_sent);
		if (rc != 1)
			return rc;
		if (tls_failure(seal->tls)[0] != '\0')
			return -EPROTO;
		if (seal->cut || !tls_is_ready(seal->tls))
			return 2;
		length = evbuffer_get_length(out);
		if (length == 0)
			return 1;
		rc = length > TLS_BRIEF_MAX ? encrypt(seal, fd, out, taken)
					    : push_brief(seal, fd, out, taken);
		if (rc < 0)
			return rc;
	}
}

int
seal_read(struct seal *seal, const void *bytes, size_t length, tls_plain_fn *fn, void *arg)
{
	return tls_read(seal->tls, bytes, length, seal->wire, fn, arg);
}

bool
seal_has_wire(const struct seal *seal)
{
	return evbuffer_get_length(seal->wire) > 0;
}

void
seal_close(struct seal *seal, int fd, struct evbuffer *out, uint64_t *taken)
{
	if (seal_push(seal, fd, out, taken) != 1)
		return;
	tls_close(seal->tls, seal->wire);
	io_send(fd, seal->wire, &seal->wire_sent);
}

void
seal_forget(struct seal *seal, uint64_t *taken)
{
	uint64_t sent = seal_sent(seal);

	if (sent == *taken)
		return;
	evbuffer_drain(seal->wire, evbuffer_get_length(seal->wire));
	seal->cut = true;
	*taken = sent;
}
