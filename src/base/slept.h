/* SPDX-License-Identifier: ISC */
/* slept.h: whether this machine was asleep, during which none of our timers ran. */
#ifndef BASE_SLEPT_H
#define BASE_SLEPT_H

#include <stdint.h>

struct event_base;
struct slept;

#define SLEPT_MIN_USEC INT64_C(1000000) /* shorter than that is none */

/* From the event loop. usec: how long. */
typedef void slept_fn(void *arg, int64_t usec);

/* Never NULL: where the kernel cannot tell, one line says so. At rest it wakes nobody. */
struct slept *slept_new(struct event_base *base, slept_fn *fn, void *arg);

/* asleep(clock) says how long the machine has been asleep since it was started; only slept_look()
 * asks for it: for tests. */
struct slept *slept_new_fake(int64_t (*asleep)(void *clock), void *clock, slept_fn *fn, void *arg);

/* Tells if it has slept since the last look. */
void slept_look(struct slept *slept);

void slept_free(struct slept *slept);

#endif
