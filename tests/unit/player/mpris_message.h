/* SPDX-License-Identifier: ISC */
/* mpris_message.h: D-Bus messages without a bus, for what reads and writes them. */
#ifndef MPRIS_MESSAGE_H
#define MPRIS_MESSAGE_H

#include <systemd/sd-bus.h>

/* A connection to nobody, which makes messages. */
sd_bus *messages_open(void);
void messages_close(sd_bus *bus);

/* An empty one. */
sd_bus_message *message_new(sd_bus *bus);

/* Ends the writing, so that it can be read from its start. */
void message_seal(sd_bus_message *message);

#endif
