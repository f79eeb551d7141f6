/* SPDX-License-Identifier: ISC */
/* client.c: an XMPP client of the engine, over the local link. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "client.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define STANZA_MAX ((size_t)256 * 1024) /* as reader_caps_known of the engine */

struct client {
	struct bufferevent *io;
	struct reader *reader;
	const struct client_events *events;
	void *arg;
	char *address;
	bool down;
};

static void
client_down(struct client *client, bool nonsense, const char *why)
{
	if (client->down)
		return;
	client->down = true;
	bufferevent_disable(client->io, EV_READ | EV_WRITE);
	client->events->down(client->arg, nonsense, why);
}

static int
on_header(void *arg, const struct reader_header *header)
{
	struct client *client = arg;

	if (header->to == NULL) {
		client_down(client, true, "the daemon did not say who we are");
		return -EPROTO;
	}
	client->address = xstrdup(header->to);
	client->events->up(client->arg);
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct client *client = arg;
	char why[256];
	const char *ns = xmpp_stanza_get_ns(stanza);

	if (ns != NULL && strcmp(ns, EAR_NS_STREAM) == 0) {
		/* Features are nothing to us; an error ends the stream. */
		if (strcmp(xmpp_stanza_get_name(stanza), "error") != 0)
			return 0;
		const char *text = ear_error_text_of(stanza);
		xmpp_stanza_t *condition = ear_first(stanza);

		snprintf(why, sizeof(why), "the daemon ended the stream: %s%s%s",
			 condition == NULL ? "no reason" : xmpp_stanza_get_name(condition),
			 text == NULL ? "" : ": ", text == NULL ? "" : text);
		client_down(client, false, why);
		return -ECONNABORTED;
	}
	client->events->stanza(client->arg, stanza);
	return 0;
}

static int
on_end(void *arg)
{
	client_down(arg, false, "the daemon ended the stream");
	return -ESHUTDOWN;
}

static const struct reader_events reader_events = { on_header, on_stanza, on_end };

static void
on_readable(struct bufferevent *io, void *arg)
{
	struct client *client = arg;
	struct evbuffer *in = bufferevent_get_input(io);
	struct evbuffer_iovec piece;

	while (!client->down && evbuffer_peek(in, -1, NULL, &piece, 1) > 0) {
		if (reader_feed(client->reader, piece.iov_base, piece.iov_len) != 0) {
			client_down(client, true,
				    "the daemon sent something that is no XMPP stream");
			return;
		}
		evbuffer_drain(in, piece.iov_len);
	}
}

static void
on_event(struct bufferevent *io, short what, void *arg)
{
	if (what & BEV_EVENT_EOF)
		client_down(arg, false, "the daemon closed the connection");
	else if (what & BEV_EVENT_ERROR)
		client_down(arg, false, strerror(errno));
}

struct client *
client_new(struct event_base *base, xmpp_ctx_t *ctx, int fd, const struct client_events *events,
	   void *arg)
{
	struct client *client = xalloc(sizeof(*client));
	struct writer_header header = { .version = "1.0" };

	evutil_make_socket_nonblocking(fd);
	client->events = events;
	client->arg = arg;
	client->reader = reader_new(ctx, &reader_caps_known, &reader_events, client);
	client->io = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client->io == NULL)
		abort();
	bufferevent_setcb(client->io, on_readable, NULL, on_event, client);
	writer_header(bufferevent_get_output(client->io), &header);
	bufferevent_enable(client->io, EV_READ | EV_WRITE);
	return client;
}

const char *
client_address(const struct client *client)
{
	return client->address;
}

int
client_send(struct client *client, xmpp_stanza_t *stanza)
{
	int rc = -ENOTCONN;

	if (!client->down)
		rc = writer_stanza(bufferevent_get_output(client->io), stanza, STANZA_MAX);
	xmpp_stanza_release(stanza);
	return rc;
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	if (!client->down) {
		struct evbuffer *out = bufferevent_get_output(client->io);

		/* What the kernel does not take now is lost with us: every command that cares has
		 * waited for an answer. */
		writer_end(out);
		bufferevent_setcb(client->io, NULL, NULL, NULL, NULL);
		evbuffer_unfreeze(out, 1);
		evbuffer_write(out, bufferevent_getfd(client->io));
	}
	bufferevent_free(client->io);
	reader_free(client->reader);
	free(client->address);
	free(client);
}

int
client_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}
