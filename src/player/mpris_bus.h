/* SPDX-License-Identifier: ISC */
/* mpris_bus.h: the session bus, on the event loop: found, connected to, never waited for. */
#ifndef PLAYER_MPRIS_BUS_H
#define PLAYER_MPRIS_BUS_H

#include <systemd/sd-bus.h>

struct ear_clock;
struct event_base;
struct mpris_bus;

/* The bus is gone; from the loop, never from inside a callback of a message. Nothing follows;
 * mpris_bus_free is allowed inside. */
typedef void mpris_bus_gone_fn(void *arg);

/*
 * Begins to connect to the user's session bus: that of $DBUS_SESSION_BUS_ADDRESS (the first Unix
 * socket in it: other transports would be looked up or started, and waited for), or else
 * $XDG_RUNTIME_DIR/bus. Messages may be sent at once. NULL with *error: -ENODEV there is none.
 */
struct mpris_bus *mpris_bus_new(struct event_base *base, struct ear_clock *clock,
				mpris_bus_gone_fn *gone, void *arg, int *error);

/* What waits to be sent is forgotten. Every slot of its messages must have been let go before. */
void mpris_bus_free(struct mpris_bus *bus);

/* For the making of messages. */
sd_bus *mpris_bus_of(struct mpris_bus *bus);

/*
 * Sends a call, whose reference is taken; message NULL: it could not be made. fn has the answer,
 * without a time-out, unless *slot is let go before. -errno: nothing was sent, and *slot is NULL.
 */
int mpris_bus_call(struct mpris_bus *bus, sd_bus_message *message, sd_bus_message_handler_t fn,
		   void *arg, sd_bus_slot **slot);

/* Has signals of this rule handed to fn for as long as the bus lives. */
int mpris_bus_match(struct mpris_bus *bus, const char *rule, sd_bus_message_handler_t fn,
		    void *arg);

#endif
