/* SPDX-License-Identifier: ISC */
/* knock.h: whether somebody takes connections at an address: one is made and closed at once. */
#ifndef LINK_KNOCK_H
#define LINK_KNOCK_H

#include <sys/socket.h>

struct event_base;
struct knock;

struct knock *knock_new(struct event_base *base, const struct sockaddr *to, socklen_t length);
void knock_free(struct knock *knock);

/* 0: it was taken; -EINPROGRESS: no answer by now; else why not (-ECONNREFUSED, -EHOSTUNREACH). */
int knock_result(const struct knock *knock);

/* "192.0.2.7:5298"; borrowed. */
const char *knock_where(const struct knock *knock);

#endif
