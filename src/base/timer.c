/* SPDX-License-Identifier: ISC */
/* timer.c: a binary heap of timers on one clock, real (libevent) or fake (tests). */
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/timer.h"

#define FAKE_START (1000 * EAR_SEC)

struct ear_clock {
	struct event *event; /* NULL: fake */
	int64_t fake_now;
	int64_t fake_slept; /* in all */
	struct ear_timer **heap;
	size_t count, room;
	bool running; /* inside clock_run: the event is armed once at its end */
};

static void
heap_put(struct ear_clock *clock, size_t i, struct ear_timer *timer)
{
	clock->heap[i] = timer;
	timer->slot = i + 1;
}

static void
heap_up(struct ear_clock *clock, size_t i)
{
	struct ear_timer *timer = clock->heap[i];

	for (; i > 0 && clock->heap[(i - 1) / 2]->at > timer->at; i = (i - 1) / 2)
		heap_put(clock, i, clock->heap[(i - 1) / 2]);
	heap_put(clock, i, timer);
}

static void
heap_down(struct ear_clock *clock, size_t i)
{
	struct ear_timer *timer = clock->heap[i];
	size_t child;

	for (; (child = 2 * i + 1) < clock->count; i = child) {
		if (child + 1 < clock->count && clock->heap[child + 1]->at < clock->heap[child]->at)
			child++;
		if (clock->heap[child]->at >= timer->at)
			break;
		heap_put(clock, i, clock->heap[child]);
	}
	heap_put(clock, i, timer);
}

static void
clock_arm(struct ear_clock *clock)
{
	struct timeval tv;
	int64_t left;

	if (clock->event == NULL || clock->running)
		return;
	if (clock->count == 0) {
		event_del(clock->event);
		return;
	}
	left = clock->heap[0]->at - ear_now(clock);
	/* Due in this turn: the loop's own timers are only as fine as a millisecond. */
	if (left <= 1) {
		event_active(clock->event, EV_TIMEOUT, 0);
		return;
	}
	tv.tv_sec = left / EAR_SEC;
	tv.tv_usec = left % EAR_SEC;
	event_add(clock->event, &tv);
}

/* Runs what is due at `now`; timers set on the way for a time not after now run too. */
static void
clock_run(struct ear_clock *clock, int64_t now)
{
	clock->running = true;
	while (clock->count > 0 && clock->heap[0]->at <= now) {
		struct ear_timer *timer = clock->heap[0];

		if (clock->event == NULL)
			clock->fake_now = timer->at;
		ear_timer_stop(timer);
		timer->fn(timer->arg);
	}
	clock->running = false;
	clock_arm(clock);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct ear_clock *clock = arg;

	clock_run(clock, ear_now(clock));
}

int64_t
clock_usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * EAR_SEC + ts.tv_nsec / 1000;
}

int64_t
ear_now(const struct ear_clock *clock)
{
	return clock->event == NULL ? clock->fake_now : clock_usec(CLOCK_MONOTONIC);
}

int64_t
clock_boot_now(const struct ear_clock *clock)
{
	return clock->event == NULL ? clock->fake_now + clock->fake_slept
				    : clock_usec(CLOCK_BOOTTIME);
}

void
ear_timer_init(struct ear_timer *timer, struct ear_clock *clock, ear_timer_fn *fn, void *arg)
{
	*timer = (struct ear_timer){ .clock = clock, .fn = fn, .arg = arg };
}

/* Strictly later than now, so that a timer that sets itself for 0 cannot hold the loop. */
static int64_t
time_after(const struct ear_clock *clock, int64_t usec)
{
	return ear_now(clock) + (usec > 0 ? usec : 1);
}

void
ear_timer_set(struct ear_timer *timer, int64_t usec)
{
	struct ear_clock *clock = timer->clock;

	ear_timer_stop(timer);
	timer->at = time_after(clock, usec);
	if (clock->count == clock->room) {
		clock->room = clock->room == 0 ? 64 : clock->room * 2;
		clock->heap = xrealloc(clock->heap, clock->room * sizeof(clock->heap[0]));
	}
	clock->heap[clock->count] = timer;
	heap_up(clock, clock->count++);
	if (timer->slot == 1)
		clock_arm(clock);
}

void
timer_set_sooner(struct ear_timer *timer, int64_t usec)
{
	if (timer->slot == 0 || timer->at > time_after(timer->clock, usec))
		ear_timer_set(timer, usec);
}

void
ear_timer_stop(struct ear_timer *timer)
{
	struct ear_clock *clock = timer->clock;
	size_t i;

	if (timer->slot == 0)
		return;
	i = timer->slot - 1;
	assert(clock->heap[i] == timer);
	timer->slot = 0;
	if (i == --clock->count)
		return;
	clock->heap[i] = clock->heap[clock->count];
	clock->heap[i]->slot = i + 1;
	heap_down(clock, i);
	heap_up(clock, i);
}

bool
ear_timer_is_set(const struct ear_timer *timer)
{
	return timer->slot != 0;
}

struct ear_clock *
clock_new(struct event_base *base)
{
	struct ear_clock *clock = xalloc(sizeof(*clock));

	clock->event = evtimer_new(base, on_event, clock);
	return clock;
}

struct ear_clock *
clock_new_fake(void)
{
	struct ear_clock *clock = xalloc(sizeof(*clock));

	clock->fake_now = FAKE_START;
	return clock;
}

void
clock_advance(struct ear_clock *clock, int64_t usec)
{
	int64_t until = clock->fake_now + usec;

	assert(clock->event == NULL);
	clock_run(clock, until);
	clock->fake_now = until;
}

void
clock_sleep(struct ear_clock *clock, int64_t usec)
{
	assert(clock->event == NULL);
	clock->fake_slept += usec;
}

void
clock_free(struct ear_clock *clock)
{
	if (clock == NULL)
		return;
	while (clock->count > 0)
		ear_timer_stop(clock->heap[0]);
	if (clock->event != NULL)
		event_free(clock->event);
	free(clock->heap);
	free(clock);
}
