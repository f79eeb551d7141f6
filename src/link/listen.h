/* SPDX-License-Identifier: ISC */
/* listen.h: sockets that accept, and go on accepting when descriptors run out for a while. */
#ifndef LINK_LISTEN_H
#define LINK_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

struct event_base;
struct ear_clock;
struct listener;

/* A new connection; fd is the callee's. */
typedef void listener_fn(void *arg, int fd, const struct sockaddr *source);

/* Takes over a listening descriptor. It accepts after listener_enable(). name is for the log. */
struct listener *listener_new(struct event_base *base, struct ear_clock *clock, int fd,
			      const char *name, listener_fn *fn, void *arg);
void listener_enable(struct listener *listener);
void listener_free(struct listener *listener);

/* A listening TCP socket on all addresses of that family. A descriptor or -errno. */
int listen_tcp(int family, unsigned port);

/* The port that a descriptor is bound to. */
unsigned listen_port(int fd);

/* Whether that interface is one of these: "all", or a list with commas. */
bool listen_is_named(const char *name, const char *interfaces);

/*
 * Whether a connection came over one of these interfaces ("all", or a list with commas): its own
 * address is one of theirs.
 */
bool listen_is_on(int fd, const char *interfaces);

#endif
