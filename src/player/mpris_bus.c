/* SPDX-License-Identifier: ISC */
/* mpris_bus.c: sd-bus under libevent. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/timer.h>
#include <event2/event.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "player/mpris_bus.h"

#define TURN_MAX 16 /* messages of one turn of the loop: a flood holds up nobody else */

struct mpris_bus {
	sd_bus *bus;
	struct event_base *base;
	struct event *io;
	int fd; /* what io watches */
	short what;
	struct ear_timer due; /* sd-bus wants to run then */
	mpris_bus_gone_fn *gone;
	void *arg;
};

/* The first entry of the list that is a Unix socket; the caller's. */
static char *
first_unix(const char *list)
{
	while (*list != '\0') {
		size_t length = strcspn(list, ";");

		if (strncmp(list, "unix:", 5) == 0)
			return xstrndup(list, length);
		list += length + (list[length] == ';');
	}
	return NULL;
}

/* The path as the value of an address (D-Bus specification, "Server Addresses"). */
static char *
address_of_path(const char *dir)
{
	static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_/.\\*";
	static const char hex[] = "0123456789abcdef";
	char *escaped = xalloc(3 * strlen(dir) + 1), *out = escaped, *address;

	for (; *dir != '\0'; dir++) {
		unsigned char c = *dir;

		if (strchr(plain, c) != NULL) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '%';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	address = xasprintf("unix:path=%s/bus", escaped);
	free(escaped);
	return address;
}

static char *
session_address(void)
{
	const char *list = getenv("DBUS_SESSION_BUS_ADDRESS"), *dir = getenv("XDG_RUNTIME_DIR");

	if (list != NULL && *list != '\0')
		return first_unix(list);
	return dir != NULL && *dir == '/' ? address_of_path(dir) : NULL;
}

static void on_io(evutil_socket_t fd, short what, void *arg);

static int
watch(struct mpris_bus *bus, int fd, short what)
{
	if (bus->io != NULL && bus->fd == fd && bus->what == what)
		return 0;
	if (bus->io != NULL)
		event_free(bus->io);
	bus->fd = fd;
	bus->what = what;
	bus->io = event_new(bus->base, fd, what | EV_PERSIST, on_io, bus);
	return event_add(bus->io, NULL);
}

/* Waits for what sd-bus waits for. */
static int
arm(struct mpris_bus *bus)
{
	int fd = sd_bus_get_fd(bus->bus), events = sd_bus_get_events(bus->bus);
	uint64_t until = UINT64_MAX;
	int64_t wait;

	if (fd < 0 || events < 0 || sd_bus_get_timeout(bus->bus, &until) < 0)
		return -ENOTCONN;
	if (until == UINT64_MAX) {
		ear_timer_stop(&bus->due);
	} else {
		wait = until > INT64_MAX ? 0 : (int64_t)until - clock_usec(CLOCK_MONOTONIC);
		ear_timer_set(&bus->due, wait < 0 ? 0 : wait);
	}
	return watch(bus, fd, (events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));
}

/* Last in its turn: gone() may free the bus. */
static void
process(struct mpris_bus *bus)
{
	int n = 1;

	for (int i = 0; i < TURN_MAX && n > 0; i++)
		n = sd_bus_process(bus->bus, NULL);
	if (n >= 0 && sd_bus_is_open(bus->bus) > 0 && arm(bus) == 0) {
		if (n > 0) /* more is there, maybe read already */
			ear_timer_set(&bus->due, 0);
		return;
	}
	bus->gone(bus->arg);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	process(arg);
}

static void
on_due(void *arg)
{
	process(arg);
}

static int
connect_to(sd_bus *bus, const char *address)
{
	int error = sd_bus_set_address(bus, address);

	if (error >= 0)
		error = sd_bus_set_bus_client(bus, 1);
	return error < 0 ? error : sd_bus_start(bus);
}

struct mpris_bus *
mpris_bus_new(struct event_base *base, struct ear_clock *clock, mpris_bus_gone_fn *gone, void *arg,
	      int *error)
{
	char *address = session_address();
	struct mpris_bus *bus;
	sd_bus *raw = NULL;

	*error = address == NULL ? -ENODEV : sd_bus_new(&raw);
	if (*error >= 0)
		*error = connect_to(raw, address);
	free(address);
	if (*error < 0) {
		sd_bus_close_unref(raw);
		if (*error == -ENOENT || *error == -ECONNREFUSED)
			*error = -ENODEV;
		return NULL;
	}
	*error = 0;
	bus = xalloc(sizeof(*bus));
	bus->bus = raw;
	bus->base = base;
	bus->gone = gone;
	bus->arg = arg;
	ear_timer_init(&bus->due, clock, on_due, bus);
	ear_timer_set(&bus->due, 0);
	return bus;
}

void
mpris_bus_free(struct mpris_bus *bus)
{
	if (bus == NULL)
		return;
	ear_timer_stop(&bus->due);
	if (bus->io != NULL)
		event_free(bus->io);
	sd_bus_close_unref(bus->bus);
	free(bus);
}

sd_bus *
mpris_bus_of(struct mpris_bus *bus)
{
	return bus->bus;
}

/* What could not be written at once, and a new time-out, are seen to in the next turn. */
int
mpris_bus_call(struct mpris_bus *bus, sd_bus_message *message, sd_bus_message_handler_t fn,
	       void *arg, sd_bus_slot **slot)
{
	int error = -ENOBUFS;

	*slot = NULL;
	if (message != NULL)
		error = sd_bus_call_async(bus->bus, slot, message, fn, arg, UINT64_MAX);
	sd_bus_message_unref(message);
	ear_timer_set(&bus->due, 0);
	return error < 0 ? error : 0;
}

int
mpris_bus_match(struct mpris_bus *bus, const char *rule, sd_bus_message_handler_t fn, void *arg)
{
	int error = sd_bus_add_match_async(bus->bus, NULL, rule, fn, NULL, arg);

	ear_timer_set(&bus->due, 0);
	return error < 0 ? error : 0;
}
