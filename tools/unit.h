/* SPDX-License-Identifier: ISC */
/* unit.h: what systemd is told of the daemon while it runs: ready, how it is, alive. */
#ifndef TOOLS_UNIT_H
#define TOOLS_UNIT_H

struct event_base;
struct ear;
struct unit;

/*
 * Tells READY=1 once the engine can be reached under its name on the LAN, or it is clear that this
 * will take its time; STATUS= whenever that changes; WATCHDOG=1 as often as $WATCHDOG_USEC wants.
 * Without a systemd it does nothing.
 */
struct unit *unit_new(struct event_base *base);

/* The engine that it is about; NULL: there is none now. */
void unit_set_engine(struct unit *unit, struct ear *ear);

/* The configuration is being read again, and has been: RELOADING=1, READY=1. */
void unit_reloading(struct unit *unit);
void unit_reloaded(struct unit *unit);

/* STOPPING=1. */
void unit_stopping(struct unit *unit);

void unit_free(struct unit *unit);

#endif
