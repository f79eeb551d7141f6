/* SPDX-License-Identifier: ISC */
/* avahi_loop.h: what Avahi needs of an event loop, out of libevent. */
#ifndef DISCOVER_AVAHI_LOOP_H
#define DISCOVER_AVAHI_LOOP_H

#include <avahi-common/watch.h>

struct event_base;
struct avahi_loop;

/*
 * stepped runs from the loop when somebody set the wall clock by a second or more. Avahi counts its
 * time-outs in wall-clock time; those that we hold go on as the durations they were meant to be,
 * but what avahi-core has in its own queue is then wrong by the step.
 */
struct avahi_loop *avahi_loop_new(struct event_base *base, void (*stepped)(void *arg), void *arg);

/* Everything that was made through avahi_loop_poll has to be freed before. */
void avahi_loop_free(struct avahi_loop *loop);

const AvahiPoll *avahi_loop_poll(const struct avahi_loop *loop);

#endif
