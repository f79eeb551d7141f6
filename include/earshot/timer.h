/* SPDX-License-Identifier: ISC */
/* timer.h: one-shot timers on the engine's clock, which tests may replace by a fake. */
#ifndef EARSHOT_TIMER_H
#define EARSHOT_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EAR_MSEC INT64_C(1000)    /* one millisecond in the unit of this header */
#define EAR_SEC  INT64_C(1000000) /* one second */

struct ear_clock;

typedef void ear_timer_fn(void *arg);

/* Embedded in its owner's struct; every field is private to timer.c. */
struct ear_timer {
	struct ear_clock *clock;
	ear_timer_fn *fn;
	void *arg;
	int64_t at;
	size_t slot; /* position in the clock's heap + 1, 0 when not set */
};

/* Microseconds of a monotonic clock; never goes back, unrelated to the wall clock. */
int64_t ear_now(const struct ear_clock *clock);

/* Prepares a timer that is not running. */
void ear_timer_init(struct ear_timer *timer, struct ear_clock *clock, ear_timer_fn *fn, void *arg);

/* (Re)starts it: fn runs once, usec from now, from the event loop, never from this call. */
void ear_timer_set(struct ear_timer *timer, int64_t usec);

/* Stops it; harmless when it is not running. Required before its memory goes. */
void ear_timer_stop(struct ear_timer *timer);

bool ear_timer_is_set(const struct ear_timer *timer);

#endif
