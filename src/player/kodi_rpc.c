/* SPDX-License-Identifier: ISC */
/* kodi_rpc.c: the connection to Kodi. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/timer.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "base/alloc.h"
#include "player/kodi_cut.h"
#include "player/kodi_rpc.h"
#include "player/mpv_ipc.h"
#include "player/tcp.h"

#define CONNECT_MAX (2 * EAR_SEC) /* to be connected and to have its first answer */
#define LINGER      5             /* seconds */
#define GREETING_ID 0             /* of the first call, which shows whether Kodi is there at all */

/* JSON-RPC 2.0 section 5.1 */
#define METHOD_NOT_FOUND (-32601)

struct kodi_rpc {
	struct bufferevent *stream;
	const struct kodi_rpc_events *events;
	void *arg;
	struct kodi_cut cut;
	struct ear_timer timer; /* until it is up */
	int late;               /* what the timer's end means */
	bool up;
	bool reading; /* inside on_read: freed at its end */
	bool closed;
};

static void
fail(struct kodi_rpc *rpc, int error)
{
	ear_timer_stop(&rpc->timer);
	bufferevent_disable(rpc->stream, EV_READ | EV_WRITE);
	rpc->events->gone(rpc->arg, error);
}

static int
error_of(json_t *error)
{
	json_int_t code = json_integer_value(json_object_get(error, "code"));

	return code == METHOD_NOT_FOUND ? -EOPNOTSUPP : -EREMOTEIO;
}

static void
take_answer(struct kodi_rpc *rpc, json_t *object)
{
	json_int_t id = json_integer_value(json_object_get(object, "id"));
	json_t *result = json_object_get(object, "result");
	json_t *error = json_object_get(object, "error");

	if (rpc->up)
		rpc->events->answer(rpc->arg, id, result == NULL ? error_of(error) : 0, result);
	else if (id == GREETING_ID && result != NULL) {
		rpc->up = true;
		ear_timer_stop(&rpc->timer);
		rpc->events->up(rpc->arg);
	}
}

/* Of an object that is neither an answer nor a notification nothing is made. */
static int
take_object(struct kodi_rpc *rpc, char *text, size_t length)
{
	json_t *object, *method;

	mpv_ipc_repair(text, length);
	object = json_loadb(text, length, 0, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		return -EPROTO;
	}
	method = json_object_get(object, "method");
	if (json_is_integer(json_object_get(object, "id")))
		take_answer(rpc, object);
	else if (rpc->up && json_is_string(method))
		rpc->events->notice(rpc->arg, json_string_value(method),
				    json_object_get(json_object_get(object, "params"), "data"));
	json_decref(object);
	return 0;
}

static void
take_objects(struct kodi_rpc *rpc)
{
	struct evbuffer *in = bufferevent_get_input(rpc->stream);
	int error = 0;

	while (!rpc->closed && error == 0) {
		char *text = (char *)evbuffer_pullup(in, -1);

		if (!kodi_cut_object(&rpc->cut, text, evbuffer_get_length(in), &error))
			break;
		error = take_object(rpc, text, rpc->cut.seen);
		evbuffer_drain(in, rpc->cut.seen);
		rpc->cut = (struct kodi_cut){ 0 };
	}
	if (!rpc->closed && error != 0)
		fail(rpc, error);
}

static void
on_lingered(evutil_socket_t none, short what, void *arg)
{
	close((int)(intptr_t)arg);
}

/*
 * Kodi sends without MSG_NOSIGNAL: when what it announces meets a connection that is reset, it dies
 * of SIGPIPE. So it is told that we go, and can send on until it has gone itself.
 */
static void
linger(struct bufferevent *stream)
{
	int fd = fcntl(bufferevent_getfd(stream), F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)shutdown(fd, SHUT_WR);
	if (event_base_once(bufferevent_get_base(stream), -1, EV_TIMEOUT, on_lingered,
			    (void *)(intptr_t)fd, &(struct timeval){ .tv_sec = LINGER }) != 0)
		close(fd);
}

static void
destroy(struct kodi_rpc *rpc)
{
	if (rpc->up)
		linger(rpc->stream);
	bufferevent_free(rpc->stream);
	free(rpc);
}

/*
 * Kodi sends an answer behind a notification in a second segment, and holds it back until the first
 * is acknowledged: to wait with that, as the kernel would, costs 40 ms.
 */
static void
acknowledge(struct bufferevent *stream)
{
	int on = 1;

	(void)setsockopt(bufferevent_getfd(stream), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static void
on_read(struct bufferevent *stream, void *arg)
{
	struct kodi_rpc *rpc = arg;

	acknowledge(stream);
	rpc->reading = true;
	take_objects(rpc);
	rpc->reading = false;
	if (rpc->closed)
		destroy(rpc);
}

static void
send_object(struct kodi_rpc *rpc, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text == NULL)
		abort();
	bufferevent_write(rpc->stream, text, strlen(text));
	free(text);
	json_decref(object);
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
	struct kodi_rpc *rpc = arg;

	if ((what & BEV_EVENT_CONNECTED) == 0) {
		fail(rpc, -ENODEV);
		return;
	}
	tcp_watch(bufferevent_getfd(stream));
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	send_object(rpc, json_pack("{s:s, s:i, s:s}", "jsonrpc", "2.0", "id", GREETING_ID, "method",
				   "JSONRPC.Ping"));
}

static void
on_late(void *arg)
{
	struct kodi_rpc *rpc = arg;

	fail(rpc, rpc->late);
}

struct kodi_rpc *
kodi_rpc_new(struct event_base *base, struct ear_clock *clock, const struct sockaddr *address,
	     socklen_t length, const struct kodi_rpc_events *events, void *arg)
{
	struct kodi_rpc *rpc = xalloc(sizeof(*rpc));

	rpc->events = events;
	rpc->arg = arg;
	rpc->late = -ETIMEDOUT;
	ear_timer_init(&rpc->timer, clock, on_late, rpc);
	ear_timer_set(&rpc->timer, CONNECT_MAX);
	rpc->stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(rpc->stream, on_read, NULL, on_event, rpc);
	bufferevent_setwatermark(rpc->stream, EV_READ, 0, KODI_OBJECT_MAX);
	if (bufferevent_socket_connect(rpc->stream, address, (int)length) != 0) {
		rpc->late = -ENODEV; /* no way there at all, which is told from the loop too */
		ear_timer_set(&rpc->timer, 0);
	}
	return rpc;
}

void
kodi_rpc_free(struct kodi_rpc *rpc)
{
	if (rpc == NULL)
		return;
	ear_timer_stop(&rpc->timer);
	rpc->closed = true;
	if (!rpc->reading)
		destroy(rpc);
}

int
kodi_rpc_call(struct kodi_rpc *rpc, json_int_t id, const char *method, json_t *params)
{
	json_t *object = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method",
				   method, "params", params);

	if (object == NULL)
		abort();
	if (evbuffer_get_length(bufferevent_get_output(rpc->stream)) > KODI_UNSENT_MAX) {
		json_decref(object);
		return -ENOBUFS;
	}
	send_object(rpc, object);
	return 0;
}
