/* SPDX-License-Identifier: ISC */
/*
 * metrics_http.c: one page over HTTP, by libevent's server, and what that server does not bound.
 *
 * libevent has caps on headers and body, and a time-out between two reads; not on how many connect
 * nor on how long one takes in all. So every connection is counted here and ends after
 * VISIT_USEC, whatever it does; while MAX_VISITORS are there, nobody else is let in.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "base/endpoint.h"
#include "base/list.h"
#include "link/listen.h"
#include "link/metrics_http.h"

#define MAX_VISITORS  16
#define MAX_HEADERS   8192
#define VISIT_USEC    (5 * EAR_SEC)
#define NO_SOCKET_FOR (1 * EAR_SEC) /* after accept() has failed */

struct metrics_http {
	struct evhttp *server;
	struct evconnlistener *listener; /* of server */
	struct ear_clock *clock;
	metrics_http_fn *fn;
	void *arg;
	struct list visitors;
	size_t count;
	struct ear_timer pause;
};

/* A connection. We hold a reference, so that its descriptor is its own until we have let go. */
struct visitor {
	struct list all;
	struct metrics_http *http;
	struct bufferevent *buffer;
	struct ear_timer deadline;
};

static void
visitor_free(struct visitor *visitor)
{
	struct metrics_http *http = visitor->http;

	ear_timer_stop(&visitor->deadline);
	list_del(&visitor->all);
	bufferevent_decref(visitor->buffer);
	free(visitor);
	if (http->count-- == MAX_VISITORS && !ear_timer_is_set(&http->pause))
		evconnlistener_enable(http->listener);
}

/* The server sees its end, if it has not forgotten it long ago. */
static void
on_deadline(void *arg)
{
	struct visitor *visitor = arg;

	shutdown(bufferevent_getfd(visitor->buffer), SHUT_RDWR);
	visitor_free(visitor);
}

static struct bufferevent *
on_connection(struct event_base *base, void *arg)
{
	struct metrics_http *http = arg;
	struct visitor *visitor = xalloc(sizeof(*visitor));

	visitor->buffer = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (visitor->buffer == NULL)
		abort();
	visitor->http = http;
	bufferevent_incref(visitor->buffer);
	list_add(&http->visitors, &visitor->all);
	ear_timer_init(&visitor->deadline, http->clock, on_deadline, visitor);
	ear_timer_set(&visitor->deadline, VISIT_USEC);
	if (++http->count == MAX_VISITORS)
		evconnlistener_disable(http->listener);
	return visitor->buffer;
}

static void
on_close(struct evhttp_connection *connection, void *arg)
{
	struct bufferevent *buffer = evhttp_connection_get_bufferevent(connection);
	struct metrics_http *http = arg;
	struct list *item, *spare;

	list_each (item, spare, &http->visitors) {
		struct visitor *visitor = container_of(item, struct visitor, all);

		if (visitor->buffer == buffer) {
			visitor_free(visitor);
			return;
		}
	}
}

/* The right length also where HEAD leaves the body out (RFC 9110 §9.3.2). */
static void
send_page(struct metrics_http *http, struct evhttp_request *request)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	char *text = http->fn(http->arg), length[24];
	struct evbuffer *body = evbuffer_new();

	if (body == NULL)
		abort();
	snprintf(length, sizeof(length), "%zu", strlen(text));
	evhttp_add_header(headers, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	evhttp_add_header(headers, "Content-Length", length);
	if (evhttp_request_get_command(request) == EVHTTP_REQ_GET)
		evbuffer_add(body, text, strlen(text));
	evhttp_send_reply(request, HTTP_OK, "OK", body);
	evbuffer_free(body);
	free(text);
}

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, arg);
	evhttp_add_header(headers, "Connection", "close");
	if (path == NULL || strcmp(path, "/metrics") != 0) {
		evhttp_send_error(request, HTTP_NOTFOUND, "Not Found");
	} else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		evhttp_add_header(headers, "Allow", "GET, HEAD");
		evhttp_send_error(request, HTTP_BADMETHOD, "Method Not Allowed");
	} else {
		send_page(arg, request);
	}
}

/* Without descriptors the listener would spin. */
static void
on_no_socket(struct evconnlistener *listener, void *arg)
{
	struct metrics_http *http = arg;

	ear_warn("metrics: accept: %s", strerror(EVUTIL_SOCKET_ERROR()));
	evconnlistener_disable(listener);
	ear_timer_set(&http->pause, NO_SOCKET_FOR);
}

static void
on_pause_over(void *arg)
{
	struct metrics_http *http = arg;

	if (http->count < MAX_VISITORS)
		evconnlistener_enable(http->listener);
}

static struct evconnlistener *
listen_at(struct event_base *base, const char *endpoint, int *error)
{
	struct sockaddr_storage address;
	struct evconnlistener *listener;
	socklen_t length;

	*error = endpoint_parse(endpoint, &address, &length);
	if (*error != 0)
		return NULL;
	errno = 0;
	listener = evconnlistener_new_bind(
		base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
		MAX_VISITORS, (struct sockaddr *)&address, length);
	*error = listener != NULL ? 0 : errno != 0 ? -errno : -EIO;
	return listener;
}

struct metrics_http *
metrics_http_new(struct event_base *base, struct ear_clock *clock, const char *endpoint,
		 metrics_http_fn *fn, void *arg, int *error)
{
	struct metrics_http *http = xalloc(sizeof(*http));

	http->listener = listen_at(base, endpoint, error);
	if (http->listener == NULL) {
		free(http);
		return NULL;
	}
	http->clock = clock;
	http->fn = fn;
	http->arg = arg;
	list_init(&http->visitors);
	ear_timer_init(&http->pause, clock, on_pause_over, http);
	http->server = evhttp_new(base);
	if (http->server == NULL || evhttp_bind_listener(http->server, http->listener) == NULL)
		abort();
	evconnlistener_set_error_cb(http->listener, on_no_socket);
	evhttp_set_max_headers_size(http->server, MAX_HEADERS);
	evhttp_set_max_body_size(http->server, 0);
	evhttp_set_timeout(http->server, VISIT_USEC / EAR_SEC);
	/* Those that it knows, so that the answer is ours: 405, not 501. */
	evhttp_set_allowed_methods(
		http->server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
				      EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(http->server, on_connection, http);
	evhttp_set_gencb(http->server, on_request, http);
	return http;
}

unsigned
metrics_http_port(const struct metrics_http *http)
{
	return listen_port(evconnlistener_get_fd(http->listener));
}

void
metrics_http_free(struct metrics_http *http)
{
	if (http == NULL)
		return;
	ear_timer_stop(&http->pause);
	evconnlistener_disable(http->listener);
	while (!list_is_empty(&http->visitors)) {
		struct visitor *visitor = container_of(http->visitors.next, struct visitor, all);

		ear_timer_stop(&visitor->deadline);
		list_del(&visitor->all);
		bufferevent_decref(visitor->buffer);
		free(visitor);
	}
	evhttp_free(http->server);
	free(http);
}
