/* SPDX-License-Identifier: ISC */
/* test_avahi_loop.c: watches and time-outs as Avahi expects them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <event2/event.h>

#include "discover/avahi_loop.h"

static struct event_base *base;
static struct avahi_loop *loop;
static const AvahiPoll *api;
static int fired;

static int
setup(void **state)
{
	base = event_base_new();
	loop = avahi_loop_new(base, NULL, NULL);
	api = avahi_loop_poll(loop);
	fired = 0;
	return 0;
}

static int
teardown(void **state)
{
	avahi_loop_free(loop);
	event_base_free(base);
	return 0;
}

static struct timeval
in_usec(long usec)
{
	struct timeval now, add = { .tv_sec = usec / 1000000, .tv_usec = usec % 1000000 };

	gettimeofday(&now, NULL);
	timeradd(&now, &add, &now);
	return now;
}

static void
on_timeout(AvahiTimeout *timeout, void *arg)
{
	fired++;
	event_base_loopbreak(base);
}

static void
test_timeout_fires_once(void **state)
{
	struct timeval at = in_usec(20000), before, after;
	AvahiTimeout *timeout = api->timeout_new(api, &at, on_timeout, NULL);

	event_base_gettimeofday_cached(base, &before);
	event_base_loop(base, EVLOOP_ONCE);
	gettimeofday(&after, NULL);
	assert_int_equal(fired, 1);
	assert_true(timercmp(&after, &before, >));
	/* Disabled now, until it is updated; a time that has passed means at once. */
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(fired, 1);
	at = (struct timeval){ .tv_sec = 1 };
	api->timeout_update(timeout, &at);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(fired, 2);
	api->timeout_free(timeout);
}

static void
test_timeout_disabled(void **state)
{
	struct timeval at = in_usec(0);
	AvahiTimeout *never = api->timeout_new(api, NULL, on_timeout, NULL);
	AvahiTimeout *stopped = api->timeout_new(api, &at, on_timeout, NULL);

	api->timeout_update(stopped, NULL);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(fired, 0);
	api->timeout_free(never);
	api->timeout_free(stopped);
}

static void
on_timeout_free(AvahiTimeout *timeout, void *arg)
{
	fired++;
	api->timeout_free(timeout);
}

static void
on_watch_free(AvahiWatch *watch, int fd, AvahiWatchEvent event, void *arg)
{
	fired++;
	assert_int_equal(event, AVAHI_WATCH_OUT);
	assert_int_equal(api->watch_get_events(watch), AVAHI_WATCH_OUT);
	api->watch_free(watch);
}

static void
test_freed_in_their_callbacks(void **state)
{
	struct timeval at = in_usec(0);
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	api->timeout_new(api, &at, on_timeout_free, NULL);
	api->watch_new(api, pair[0], AVAHI_WATCH_OUT, on_watch_free, NULL);
	while (fired < 2)
		event_base_loop(base, EVLOOP_ONCE);
	close(pair[0]);
	close(pair[1]);
}

static void
on_watch(AvahiWatch *watch, int fd, AvahiWatchEvent event, void *arg)
{
	char byte;

	fired++;
	assert_int_equal(event, AVAHI_WATCH_IN);
	assert_true(read(fd, &byte, 1) >= 0);
}

static void
test_watch_updates(void **state)
{
	AvahiWatch *watch;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watch = api->watch_new(api, pair[0], 0, on_watch, NULL);
	assert_int_equal(write(pair[1], "x", 1), 1);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(fired, 0);
	api->watch_update(watch, AVAHI_WATCH_IN);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(fired, 1);
	assert_int_equal(api->watch_get_events(watch), 0);
	/* A hang-up shows as readable. */
	close(pair[1]);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(fired, 2);
	api->watch_free(watch);
	close(pair[0]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_timeout_fires_once),
		CASE(test_timeout_disabled),
		CASE(test_freed_in_their_callbacks),
		CASE(test_watch_updates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
