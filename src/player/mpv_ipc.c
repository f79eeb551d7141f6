/* SPDX-License-Identifier: ISC */
/* mpv_ipc.c: mpv's JSON IPC connection. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <unistr.h>

#include "base/alloc.h"
#include "player/mpv_ipc.h"

struct mpv_ipc {
	struct bufferevent *stream;
	const struct mpv_ipc_events *events;
	void *arg;
	bool reading; /* inside on_read: freed at its end */
	bool closed;
};

static void
fail(struct mpv_ipc *ipc, int error)
{
	bufferevent_disable(ipc->stream, EV_READ | EV_WRITE);
	ipc->events->gone(ipc->arg, error);
}

/* Returns whether to go on. */
static bool
take_line(struct mpv_ipc *ipc, char *line, size_t length)
{
	json_t *object;

	mpv_ipc_repair(line, length);
	object = json_loadb(line, length, 0, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		fail(ipc, -EPROTO);
		return false;
	}
	ipc->events->object(ipc->arg, object);
	json_decref(object);
	return !ipc->closed;
}

static void
take_lines(struct mpv_ipc *ipc)
{
	struct evbuffer *in = bufferevent_get_input(ipc->stream);
	bool more = true;
	size_t length;
	char *line;

	while (more && (line = evbuffer_readln(in, &length, EVBUFFER_EOL_LF)) != NULL) {
		more = take_line(ipc, line, length);
		free(line);
	}
	if (more && evbuffer_get_length(in) >= MPV_LINE_MAX)
		fail(ipc, -EPROTO);
}

/* What was said last goes out as far as the socket takes it. */
static void
destroy(struct mpv_ipc *ipc)
{
	struct evbuffer *out = bufferevent_get_output(ipc->stream);

	evbuffer_unfreeze(out, 1);
	if (evbuffer_get_length(out) > 0)
		(void)evbuffer_write(out, bufferevent_getfd(ipc->stream));
	bufferevent_free(ipc->stream);
	free(ipc);
}

static void
on_read(struct bufferevent *stream, void *arg)
{
	struct mpv_ipc *ipc = arg;

	ipc->reading = true;
	take_lines(ipc);
	ipc->reading = false;
	if (ipc->closed)
		destroy(ipc);
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
	fail(arg, -ENODEV);
}

static int
connect_error(int error)
{
	if (error == ENOENT || error == ECONNREFUSED)
		return -ENODEV;
	/* A full backlog: it has not accepted for a while. */
	return error == EAGAIN ? -ETIMEDOUT : -error;
}

/* Returns the descriptor, or -errno. */
static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, error;

	if (copy_text(address.sun_path, sizeof(address.sun_path), path) != 0)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = connect_error(errno);
	close(fd);
	return error;
}

struct mpv_ipc *
mpv_ipc_new(struct event_base *base, const char *path, const struct mpv_ipc_events *events,
	    void *arg, int *error)
{
	struct mpv_ipc *ipc;
	int fd = connect_to(path);

	*error = fd < 0 ? fd : 0;
	if (fd < 0)
		return NULL;
	ipc = xalloc(sizeof(*ipc));
	ipc->events = events;
	ipc->arg = arg;
	ipc->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(ipc->stream, on_read, NULL, on_event, ipc);
	bufferevent_setwatermark(ipc->stream, EV_READ, 0, MPV_LINE_MAX);
	bufferevent_enable(ipc->stream, EV_READ | EV_WRITE);
	return ipc;
}

void
mpv_ipc_free(struct mpv_ipc *ipc)
{
	if (ipc == NULL)
		return;
	ipc->closed = true;
	if (!ipc->reading)
		destroy(ipc);
}

int
mpv_ipc_send(struct mpv_ipc *ipc, json_int_t request_id, json_t *command)
{
	struct evbuffer *out = bufferevent_get_output(ipc->stream);
	json_t *object = json_pack("{s:o, s:I}", "command", command, "request_id", request_id);
	char *text = json_dumps(object, JSON_COMPACT);
	bool full = evbuffer_get_length(out) > MPV_UNSENT_MAX;

	if (text == NULL)
		abort();
	if (!full) {
		evbuffer_add(out, text, strlen(text));
		evbuffer_add(out, "\n", 1);
	}
	free(text);
	json_decref(object);
	return full ? -ENOBUFS : 0;
}

void
mpv_ipc_repair(char *text, size_t length)
{
	const uint8_t *bad = (const uint8_t *)text;
	const uint8_t *end = bad + length;

	while ((bad = u8_check(bad, end - bad)) != NULL)
		text[bad++ - (const uint8_t *)text] = '?';
}

int
mpv_ipc_check_path(const char *path)
{
	return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path) ? 0 : -ENAMETOOLONG;
}
