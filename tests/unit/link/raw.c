/* SPDX-License-Identifier: ISC */
/* raw.c: raw peers on sockets, and a slow way to one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "link/tls.h"
#include "tests/unit/link/side.h"

static void
raw_init(struct raw *raw, struct net *net)
{
	*raw = (struct raw){ .net = net, .fd = -1, .listener = -1 };
	raw->got = xstrdup("");
}

static void
be_quick(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void
raw_connect(struct raw *raw, struct net *net, unsigned port)
{
	raw_connect_from(raw, net, "127.0.0.1", port);
}

void
raw_connect_from(struct raw *raw, struct net *net, const char *host, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in from = { .sin_family = AF_INET };

	raw_init(raw, net);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	inet_pton(AF_INET, host, &from.sin_addr);
	raw->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(raw->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(raw->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		abort();
	be_quick(raw->fd);
}

static int
listen_somewhere(unsigned *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &length) != 0)
		abort();
	*port = ntohs(at.sin_port);
	return fd;
}

void
raw_listen(struct raw *raw, struct net *net)
{
	raw_init(raw, net);
	raw->listener = listen_somewhere(&raw->port);
}

static bool
has_come(void *arg)
{
	struct raw *raw = arg;

	raw->fd = accept4(raw->listener, NULL, NULL, SOCK_CLOEXEC);
	return raw->fd >= 0;
}

bool
raw_accept(struct raw *raw)
{
	if (raw->fd >= 0)
		close(raw->fd);
	raw_forget(raw);
	raw->eof = raw->reset = false;
	if (!net_until(raw->net, has_come, raw))
		return false;
	be_quick(raw->fd);
	return true;
}

static void
raw_send(struct raw *raw, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(raw->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		net_turn(raw->net);
		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
}

/* What TLS has to say. */
static void
raw_push(struct raw *raw)
{
	size_t length = evbuffer_get_length(raw->wire);

	raw_send(raw, (const char *)evbuffer_pullup(raw->wire, -1), length);
	evbuffer_drain(raw->wire, length);
}

static void
raw_seal(struct raw *raw, const char *text, size_t length)
{
	struct evbuffer *plain = evbuffer_new();

	evbuffer_add(plain, text, length);
	tls_seal(raw->tls, plain, raw->wire);
	evbuffer_free(plain);
	raw_push(raw);
}

void
raw_say(struct raw *raw, const char *text)
{
	if (raw->tls != NULL) {
		raw_seal(raw, text, strlen(text));
		return;
	}
	for (; *text != '\0'; text++) {
		if (send(raw->fd, text, 1, MSG_NOSIGNAL) != 1)
			return;
		net_turn(raw->net);
	}
}

void
raw_say_all(struct raw *raw, const char *text, size_t length)
{
	if (raw->tls != NULL)
		raw_seal(raw, text, length);
	else
		raw_send(raw, text, length);
}

static void
raw_got(struct raw *raw, const char *bytes, size_t length)
{
	raw->got = xrealloc(raw->got, raw->length + length + 1);
	memcpy(raw->got + raw->length, bytes, length);
	raw->length += length;
	raw->got[raw->length] = '\0';
}

static void
raw_open(struct raw *raw, const char *bytes, size_t length)
{
	struct evbuffer *wire = evbuffer_new();
	size_t n;

	evbuffer_add(wire, bytes, length);
	if (tls_feed(raw->tls, wire, raw->plain, raw->wire) != 0)
		raw->eof = true;
	evbuffer_free(wire);
	raw_push(raw);
	n = evbuffer_get_length(raw->plain);
	if (n > 0)
		raw_got(raw, (const char *)evbuffer_pullup(raw->plain, -1), n);
	evbuffer_drain(raw->plain, n);
}

static void
raw_read(struct raw *raw)
{
	char buffer[4096];
	ssize_t n = recv(raw->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n == 0)
		raw->eof = true;
	if (n < 0 && errno != EAGAIN)
		raw->eof = raw->reset = true;
	if (n > 0 && raw->tls != NULL)
		raw_open(raw, buffer, (size_t)n);
	else if (n > 0)
		raw_got(raw, buffer, (size_t)n);
}

static bool
is_secured(void *arg)
{
	struct raw *raw = arg;

	raw_read(raw);
	return raw->eof || tls_is_ready(raw->tls);
}

bool
raw_secure(struct raw *raw, struct tls_peers *peers, bool client)
{
	struct evbuffer *nothing = evbuffer_new();

	raw_forget(raw);
	raw->wire = evbuffer_new();
	raw->plain = evbuffer_new();
	raw->tls = tls_peer_new(peers, client, NULL);
	tls_feed(raw->tls, nothing, raw->plain, raw->wire);
	evbuffer_free(nothing);
	raw_push(raw);
	return net_until(raw->net, is_secured, raw) && tls_is_ready(raw->tls);
}

struct wanted {
	struct raw *raw;
	const char *text;
};

static bool
is_there(void *arg)
{
	struct wanted *wanted = arg;

	if (!wanted->raw->eof)
		raw_read(wanted->raw);
	if (wanted->text != NULL && strstr(wanted->raw->got, wanted->text) != NULL)
		return true;
	return wanted->raw->eof;
}

bool
raw_expect(struct raw *raw, const char *text)
{
	struct wanted wanted = { raw, text };

	if (net_until(raw->net, is_there, &wanted) && raw_has(raw, text))
		return true;
	fprintf(stderr, "wanted %s, got %s%s\n", text, raw->got, raw->eof ? " [end]" : "");
	return false;
}

bool
raw_expect_end(struct raw *raw)
{
	struct wanted wanted = { raw, NULL };

	return net_until(raw->net, is_there, &wanted);
}

bool
raw_has(const struct raw *raw, const char *text)
{
	return strstr(raw->got, text) != NULL;
}

void
raw_forget(struct raw *raw)
{
	raw->length = 0;
	raw->got[0] = '\0';
}

void
raw_hang_up(struct raw *raw, bool reset)
{
	struct linger now = { .l_onoff = 1 };

	if (reset)
		setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(raw->fd);
	raw->fd = -1;
}

void
raw_release(struct raw *raw)
{
	if (raw->fd >= 0)
		close(raw->fd);
	if (raw->listener >= 0)
		close(raw->listener);
	free(raw->got);
	if (raw->tls == NULL)
		return;
	tls_free(raw->tls);
	evbuffer_free(raw->wire);
	evbuffer_free(raw->plain);
}

void
relay_init(struct relay *relay, struct net *net, unsigned to, unsigned seed)
{
	memset(relay, 0, sizeof(*relay));
	relay->net = net;
	relay->to = to;
	relay->seed = seed;
	relay->listener = listen_somewhere(&relay->port);
}

static void
relay_take(struct relay *relay)
{
	struct raw out;
	int fd = relay->count + 2 > 16 ? -1 : accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	raw_connect(&out, relay->net, relay->to);
	free(out.got);
	be_quick(fd);
	relay->ways[relay->count].from = relay->ways[relay->count + 1].to = fd;
	relay->ways[relay->count].to = relay->ways[relay->count + 1].from = out.fd;
	relay->count += 2;
}

static unsigned
relay_dice(struct relay *relay, unsigned sides)
{
	relay->seed = relay->seed * 1103515245 + 12345;
	return relay->seed / 65536 % sides;
}

static void
relay_move(struct relay *relay, struct relay_way *way)
{
	ssize_t n;
	size_t part;

	if (!way->done && way->length < sizeof(way->held) && relay_dice(relay, 4) == 0) {
		n = recv(way->from, way->held + way->length, sizeof(way->held) - way->length,
			 MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			way->done = true;
		else if (n > 0)
			way->length += (size_t)n;
	}
	if (relay_dice(relay, 8) == 0 && way->length > 0) {
		part = 1 + relay_dice(relay, (unsigned)way->length);
		n = send(way->to, way->held, part, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			way->length -= (size_t)n;
			memmove(way->held, way->held + n, way->length);
		}
	}
	if (way->done && way->length == 0)
		shutdown(way->to, SHUT_WR);
}

void
relay_turn(struct relay *relay)
{
	relay_take(relay);
	for (size_t i = 0; i < relay->count; i++)
		relay_move(relay, &relay->ways[i]);
}

void
relay_release(struct relay *relay)
{
	for (size_t i = 0; i < relay->count; i++)
		close(relay->ways[i].from);
	close(relay->listener);
}
