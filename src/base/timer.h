/* SPDX-License-Identifier: ISC */
/* timer.h: the clock behind <earshot/timer.h>. */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <earshot/timer.h>
#include <time.h>

struct event_base;

/* Microseconds of one of the system's clocks. */
int64_t clock_usec(clockid_t clock);

/* As ear_timer_set, unless it runs sooner already. */
void timer_set_sooner(struct ear_timer *timer, int64_t usec);

/* A clock driven by the loop's monotonic time; one libevent timer for all of ours. */
struct ear_clock *clock_new(struct event_base *base);

/* A clock that stands still until clock_advance: for tests. Starts at 1,000 s. */
struct ear_clock *clock_new_fake(void);

/* Moves a fake clock, running what falls due on the way, in order of time. */
void clock_advance(struct ear_clock *clock, int64_t usec);

/* As ear_now, but it goes on while the machine is asleep: what gets old meanwhile is old. */
int64_t clock_boot_now(const struct ear_clock *clock);

/* The machine of a fake clock sleeps for so long: no timer runs. */
void clock_sleep(struct ear_clock *clock, int64_t usec);

/* Timers still set are forgotten, not run. */
void clock_free(struct ear_clock *clock);

#endif
