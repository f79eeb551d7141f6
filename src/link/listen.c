/* SPDX-License-Identifier: ISC */
/* listen.c: listening sockets. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "link/listen.h"

#define BACKLOG      128
#define ACCEPTS_MAX  64 /* in one turn of the loop */
#define BACK_OFF_MIN (100 * EAR_MSEC)
#define BACK_OFF_MAX (2 * EAR_SEC)

struct listener {
	struct event *event;
	struct ear_timer timer; /* accepts again */
	int64_t back_off;       /* 0: all is well */
	listener_fn *fn;
	void *arg;
	char *name;
	int fd;
};

/* Descriptors or memory are gone. The socket stays readable, so it must be left alone for a while.
 */
static void
listener_rest(struct listener *listener, int error)
{
	if (listener->back_off == 0) {
		ear_error("%s: cannot accept: %s", listener->name, strerror(error));
		listener->back_off = BACK_OFF_MIN;
	} else if (listener->back_off < BACK_OFF_MAX) {
		listener->back_off *= 2;
	}
	event_del(listener->event);
	ear_timer_set(&listener->timer, listener->back_off);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage source = { .ss_family = AF_UNSPEC };
		socklen_t length = sizeof(source);
		int new = accept4(fd, (struct sockaddr *)&source, &length,
				  SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (new >= 0) {
			listener->back_off = 0;
			listener->fn(listener->arg, new, (struct sockaddr *)&source);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			listener_rest(listener, errno);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void
on_rested(void *arg)
{
	listener_enable(arg);
}

struct listener *
listener_new(struct event_base *base, struct ear_clock *clock, int fd, const char *name,
	     listener_fn *fn, void *arg)
{
	struct listener *listener = xalloc(sizeof(*listener));

	listener->fd = fd;
	listener->fn = fn;
	listener->arg = arg;
	listener->name = xstrdup(name);
	listener->event = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, listener);
	if (listener->event == NULL)
		abort();
	ear_timer_init(&listener->timer, clock, on_rested, listener);
	return listener;
}

void
listener_enable(struct listener *listener)
{
	event_add(listener->event, NULL);
}

void
listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	ear_timer_stop(&listener->timer);
	event_free(listener->event);
	close(listener->fd);
	free(listener->name);
	free(listener);
}

int
listen_tcp(int family, unsigned port)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, rc, error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		rc = bind(fd, (struct sockaddr *)&any6, sizeof(any6));
	} else {
		rc = bind(fd, (struct sockaddr *)&any4, sizeof(any4));
	}
	if (rc == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

unsigned
listen_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	socklen_t length = sizeof(at);

	if (getsockname(fd, &at.any, &length) != 0)
		return 0;
	return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

static bool
same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (b == NULL || a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a->sa_family == AF_INET6 && a6->sin6_scope_id == b6->sin6_scope_id &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

bool
listen_is_named(const char *name, const char *interfaces)
{
	size_t length = strlen(name);

	if (interfaces == NULL || strcmp(interfaces, "all") == 0)
		return true;
	for (const char *at = interfaces; *at != '\0'; at += strcspn(at, ", ")) {
		at += strspn(at, ", ");
		if (strcspn(at, ", ") == length && strncmp(at, name, length) == 0)
			return true;
	}
	return false;
}

bool
listen_is_on(int fd, const char *interfaces)
{
	struct sockaddr_storage self;
	socklen_t length = sizeof(self);
	struct ifaddrs *all;
	bool found = false;

	if (interfaces == NULL || strcmp(interfaces, "all") == 0)
		return true;
	if (getsockname(fd, (struct sockaddr *)&self, &length) != 0 || getifaddrs(&all) != 0)
		return false;
	for (struct ifaddrs *at = all; at != NULL && !found; at = at->ifa_next)
		found = same_host((struct sockaddr *)&self, at->ifa_addr) &&
			listen_is_named(at->ifa_name, interfaces);
	freeifaddrs(all);
	return found;
}
