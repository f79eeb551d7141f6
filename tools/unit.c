/* SPDX-License-Identifier: ISC */
/*
 * unit.c: what systemd is told of the daemon while it runs.
 *
 * The watchdog is fed by a timer of the same loop that serves everybody: a loop that hangs feeds
 * nothing, and systemd starts the daemon again (WatchdogSec= in the unit).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "core/engine.h"
#include "notify.h"
#include "unit.h"

#define LOOK_USEC      (5 * EAR_SEC)    /* between two looks at how it is */
#define SOON_USEC      (200 * EAR_MSEC) /* after something has changed */
#define STARTING_USEC  (20 * EAR_MSEC)  /* before it is ready */
#define NAME_WAIT_USEC (8 * EAR_SEC)    /* then it is ready without a name on the LAN */

struct unit {
	struct ear *ear;
	struct event *look, *watchdog;
	bool ready;
	int64_t waited;
	char status[200];
};

static void
set(struct event *event, int64_t usec)
{
	struct timeval after = { .tv_sec = usec / EAR_SEC, .tv_usec = usec % EAR_SEC };

	event_add(event, &after);
}

static void
tell_status(struct unit *unit)
{
	char status[sizeof(unit->status)], line[sizeof(status) + 8];

	engine_describe(unit->ear, status, sizeof(status));
	if (strcmp(status, unit->status) == 0)
		return;
	copy_text(unit->status, sizeof(unit->status), status);
	snprintf(line, sizeof(line), "STATUS=%s", status);
	notify(line);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct unit *unit = arg;

	if (unit->ear == NULL)
		return;
	if (!unit->ready && !engine_is_ready(unit->ear) && unit->waited < NAME_WAIT_USEC) {
		unit->waited += STARTING_USEC;
		set(unit->look, STARTING_USEC);
		return;
	}
	tell_status(unit);
	if (!unit->ready)
		notify("READY=1");
	unit->ready = true;
	set(unit->look, LOOK_USEC);
}

static void
on_event(void *arg, const struct ear_event *event)
{
	struct unit *unit = arg;

	if (unit->ready && (event->kind == EAR_PEER_CHANGED || event->kind == EAR_PEER_GONE ||
			    event->kind == EAR_SERVER_UP))
		set(unit->look, SOON_USEC);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	notify("WATCHDOG=1");
}

/* sd_watchdog_enabled(3): meant for us, and half of the time is often enough. */
static int64_t
watchdog_usec(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return strtoll(usec, NULL, 10) / 2;
}

static void
start_watchdog(struct unit *unit, struct event_base *base)
{
	int64_t usec = watchdog_usec();
	struct timeval every = { .tv_sec = usec / EAR_SEC, .tv_usec = usec % EAR_SEC };

	if (usec <= 0)
		return;
	unit->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, unit);
	event_add(unit->watchdog, &every);
	notify("WATCHDOG=1");
}

struct unit *
unit_new(struct event_base *base)
{
	struct unit *unit;

	if (!notify_is_wanted())
		return NULL;
	unit = xalloc(sizeof(*unit));
	unit->look = evtimer_new(base, on_look, unit);
	start_watchdog(unit, base);
	return unit;
}

void
unit_set_engine(struct unit *unit, struct ear *ear)
{
	if (unit == NULL)
		return;
	if (unit->ear != NULL)
		ear_unwatch(unit->ear, on_event, unit);
	unit->ear = ear;
	if (ear == NULL)
		return;
	ear_watch(ear, on_event, unit);
	set(unit->look, 0);
}

void
unit_reloading(struct unit *unit)
{
	struct timespec now;
	char text[64];

	if (unit == NULL)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * EAR_SEC + now.tv_nsec / 1000);
	notify(text);
}

/* What was not ready before is not ready by reading the file again. */
void
unit_reloaded(struct unit *unit)
{
	if (unit == NULL)
		return;
	if (unit->ready)
		notify("READY=1");
	set(unit->look, 0);
}

void
unit_stopping(struct unit *unit)
{
	if (unit != NULL)
		notify("STOPPING=1\nSTATUS=saying goodbye");
}

void
unit_free(struct unit *unit)
{
	if (unit == NULL)
		return;
	unit_set_engine(unit, NULL);
	event_free(unit->look);
	if (unit->watchdog != NULL)
		event_free(unit->watchdog);
	free(unit);
}
