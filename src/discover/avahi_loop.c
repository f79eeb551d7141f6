/* SPDX-License-Identifier: ISC */
/* avahi_loop.c: an AvahiPoll over libevent, on monotonic time. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "discover/avahi_loop.h"

#define USEC         INT64_C(1000000)
#define DURATION_MAX (24 * 3600 * USEC) /* Avahi asks again when it was woken too early */
#define STEP_MIN     USEC
#define FOREVER      INT64_C(0x7fffffffffff) /* seconds: a date that the timer never sees */

struct avahi_loop {
	AvahiPoll poll;
	struct event_base *base;
	void (*stepped)(void *arg);
	void *arg;
	int clock_fd; /* -1: the kernel does not tell when the clock is set */
	struct event *clock_event;
	int64_t offset; /* wall clock minus monotonic clock */
	size_t in_use;  /* watches and time-outs that Avahi has not given back */
};

struct AvahiWatch {
	struct avahi_loop *loop;
	struct event *event; /* NULL while Avahi waits for nothing */
	int fd;
	AvahiWatchEvent happened;
	AvahiWatchCallback callback;
	void *arg;
	bool *gone; /* set while the callback runs: told when the watch is freed in there */
};

struct AvahiTimeout {
	struct avahi_loop *loop;
	struct event *event;
	AvahiTimeoutCallback callback;
	void *arg;
};

static int64_t
clock_offset(void)
{
	return clock_usec(CLOCK_REALTIME) - clock_usec(CLOCK_MONOTONIC);
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	AvahiWatch *watch = arg;
	bool gone = false;

	/* A hang-up or an error shows as readable; the read then finds out which. */
	watch->happened = ((what & EV_READ) != 0 ? AVAHI_WATCH_IN : 0) |
			  ((what & EV_WRITE) != 0 ? AVAHI_WATCH_OUT : 0);
	watch->gone = &gone;
	watch->callback(watch, watch->fd, watch->happened, watch->arg);
	if (gone)
		return;
	watch->gone = NULL;
	watch->happened = 0;
}

static void
watch_update(AvahiWatch *watch, AvahiWatchEvent events)
{
	short what = ((events & (AVAHI_WATCH_IN | AVAHI_WATCH_HUP | AVAHI_WATCH_ERR)) != 0 ? EV_READ
											   : 0) |
		     ((events & AVAHI_WATCH_OUT) != 0 ? EV_WRITE : 0);

	if (watch->event != NULL)
		event_free(watch->event);
	watch->event = NULL;
	if (what == 0)
		return;
	watch->event = event_new(watch->loop->base, watch->fd, what | EV_PERSIST, on_watch, watch);
	event_add(watch->event, NULL);
}

static AvahiWatch *
watch_new(const AvahiPoll *api, int fd, AvahiWatchEvent events, AvahiWatchCallback callback,
	  void *arg)
{
	struct avahi_loop *loop = api->userdata;
	AvahiWatch *watch = xalloc(sizeof(*watch));

	*watch = (AvahiWatch){ .loop = loop, .fd = fd, .callback = callback, .arg = arg };
	loop->in_use++;
	watch_update(watch, events);
	return watch;
}

static AvahiWatchEvent
watch_get_events(AvahiWatch *watch)
{
	return watch->happened;
}

static void
watch_free(AvahiWatch *watch)
{
	if (watch->gone != NULL)
		*watch->gone = true;
	if (watch->event != NULL)
		event_free(watch->event);
	watch->loop->in_use--;
	free(watch);
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	AvahiTimeout *timeout = arg;

	timeout->callback(timeout, timeout->arg);
}

/* Avahi says when by the wall clock; how long that is from now holds also when the clock is set. */
static void
timeout_update(AvahiTimeout *timeout, const struct timeval *at)
{
	struct timeval duration;
	int64_t left;

	event_del(timeout->event);
	if (at == NULL)
		return;
	left = at->tv_sec * USEC + at->tv_usec - clock_usec(CLOCK_REALTIME);
	if (left < 0)
		left = 0;
	if (left > DURATION_MAX)
		left = DURATION_MAX;
	duration.tv_sec = left / USEC;
	duration.tv_usec = left % USEC;
	event_add(timeout->event, &duration);
}

static AvahiTimeout *
timeout_new(const AvahiPoll *api, const struct timeval *at, AvahiTimeoutCallback callback,
	    void *arg)
{
	struct avahi_loop *loop = api->userdata;
	AvahiTimeout *timeout = xalloc(sizeof(*timeout));

	*timeout = (AvahiTimeout){ .loop = loop, .callback = callback, .arg = arg };
	timeout->event = evtimer_new(loop->base, on_timeout, timeout);
	loop->in_use++;
	timeout_update(timeout, at);
	return timeout;
}

static void
timeout_free(AvahiTimeout *timeout)
{
	event_free(timeout->event);
	timeout->loop->in_use--;
	free(timeout);
}

static int
clock_arm(struct avahi_loop *loop)
{
	const struct itimerspec never = { .it_value.tv_sec = FOREVER };

	return timerfd_settime(loop->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
			       NULL);
}

static void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	struct avahi_loop *loop = arg;
	int64_t offset = clock_offset(), step = offset - loop->offset;
	uint64_t expired;

	if (read(loop->clock_fd, &expired, sizeof(expired)) < 0 && errno == EAGAIN)
		return;
	clock_arm(loop);
	loop->offset = offset;
	if (step > -STEP_MIN && step < STEP_MIN)
		return;
	ear_info("mdns: the clock was set by %lld s", (long long)(step / USEC));
	loop->stepped(loop->arg);
}

/* A timer that never expires: the kernel cancels it when the clock is set, which costs nothing. */
static void
clock_watch(struct avahi_loop *loop)
{
	loop->offset = clock_offset();
	loop->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->clock_fd < 0 || clock_arm(loop) < 0) {
		ear_warn("mdns: cannot watch the clock: %m");
		return;
	}
	loop->clock_event =
		event_new(loop->base, loop->clock_fd, EV_READ | EV_PERSIST, on_clock, loop);
	event_add(loop->clock_event, NULL);
}

struct avahi_loop *
avahi_loop_new(struct event_base *base, void (*stepped)(void *arg), void *arg)
{
	struct avahi_loop *loop = xalloc(sizeof(*loop));

	loop->base = base;
	loop->stepped = stepped;
	loop->arg = arg;
	loop->poll = (AvahiPoll){
		.userdata = loop,
		.watch_new = watch_new,
		.watch_update = watch_update,
		.watch_get_events = watch_get_events,
		.watch_free = watch_free,
		.timeout_new = timeout_new,
		.timeout_update = timeout_update,
		.timeout_free = timeout_free,
	};
	clock_watch(loop);
	return loop;
}

void
avahi_loop_free(struct avahi_loop *loop)
{
	if (loop == NULL)
		return;
	assert(loop->in_use == 0);
	if (loop->clock_event != NULL)
		event_free(loop->clock_event);
	if (loop->clock_fd >= 0)
		close(loop->clock_fd);
	free(loop);
}

const AvahiPoll *
avahi_loop_poll(const struct avahi_loop *loop)
{
	return &loop->poll;
}
