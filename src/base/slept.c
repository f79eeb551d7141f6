/* SPDX-License-Identifier: ISC */
/*
 * slept.c: CLOCK_BOOTTIME goes on while the machine is asleep, CLOCK_MONOTONIC does not; what lies
 * between the two is the time that it slept, whatever the wall clock is set to.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/slept.h"
#include "base/timer.h"

#define FOREVER  INT64_C(0x7fffffffffff) /* seconds: a date that the timer never sees */
#define TRIES    4
#define TOGETHER (10 * INT64_C(1000)) /* two clocks that are read in that time belong together */

struct slept {
	slept_fn *fn;
	void *arg;
	int64_t (*asleep)(void *clock);
	void *clock;
	int64_t before; /* what asleep() said last */
	int fd;         /* -1: none */
	struct event *event;
};

static int64_t
asleep_since_boot(void *unused)
{
	int64_t before = 0, boot = 0, after;

	for (int i = 0; i < TRIES; i++) {
		before = clock_usec(CLOCK_MONOTONIC);
		boot = clock_usec(CLOCK_BOOTTIME);
		after = clock_usec(CLOCK_MONOTONIC);
		if (after - before < TOGETHER)
			break;
	}
	return boot - before;
}

void
slept_look(struct slept *slept)
{
	int64_t now = slept->asleep(slept->clock), usec = now - slept->before;

	slept->before = now;
	if (usec >= SLEPT_MIN_USEC)
		slept->fn(slept->arg, usec);
}

/* A timer that never expires: the kernel cancels it when the wall clock jumps, as it does at the
 * end of a sleep. */
static int
arm(const struct slept *slept)
{
	const struct itimerspec never = { .it_value.tv_sec = FOREVER };

	return timerfd_settime(slept->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
			       NULL);
}

static void
on_jump(evutil_socket_t fd, short what, void *arg)
{
	struct slept *slept = arg;
	uint64_t expired;

	if (read(slept->fd, &expired, sizeof(expired)) < 0 && errno == EAGAIN)
		return;
	arm(slept);
	slept_look(slept);
}

struct slept *
slept_new_fake(int64_t (*asleep)(void *clock), void *clock, slept_fn *fn, void *arg)
{
	struct slept *slept = xalloc(sizeof(*slept));

	slept->fn = fn;
	slept->arg = arg;
	slept->asleep = asleep;
	slept->clock = clock;
	slept->before = asleep(clock);
	slept->fd = -1;
	return slept;
}

struct slept *
slept_new(struct event_base *base, slept_fn *fn, void *arg)
{
	struct slept *slept = slept_new_fake(asleep_since_boot, NULL, fn, arg);

	slept->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (slept->fd < 0 || arm(slept) < 0) {
		ear_warn("the kernel does not tell when this machine wakes up: %m");
		return slept;
	}
	slept->event = event_new(base, slept->fd, EV_READ | EV_PERSIST, on_jump, slept);
	event_add(slept->event, NULL);
	return slept;
}

void
slept_free(struct slept *slept)
{
	if (slept == NULL)
		return;
	if (slept->event != NULL)
		event_free(slept->event);
	if (slept->fd >= 0)
		close(slept->fd);
	free(slept);
}
