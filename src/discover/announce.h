/* SPDX-License-Identifier: ISC */
/* announce.h: our own instance on the network: its name, its records, collisions. */
#ifndef DISCOVER_ANNOUNCE_H
#define DISCOVER_ANNOUNCE_H

#include "discover/mdns_kind.h"

struct ear_clock;

/*
 * XEP-0174 §3: "user@machine", or "user-N@machine" where N > 0, as what fits in 63 bytes and is a
 * valid instance: what a host name may not hold becomes '-', user and machine are cut at a
 * character. -EINVAL: no valid name can be made of them.
 */
int announce_name(const char *user, const char *machine, unsigned n, char *out, size_t size);

struct announce_events {
	/* A step is due: announce_step, from the loop. */
	void (*wake)(void *arg, int64_t usec);
	/* This is the name now, also while it is still being probed. */
	void (*name)(void *arg, const char *instance);
	void (*published)(void *arg, const char *instance);
};

/* Strings are copied. */
struct announce *announce_new(struct ear_clock *clock, const char *user, const char *machine,
			      unsigned port, const struct announce_events *events, void *arg);
void announce_free(struct announce *announce);

void announce_set_txt(struct announce *announce, const uint8_t *txt, size_t length);

/*
 * Brings the network to what is wanted: on stack's interfaces, or nowhere with NULL (which closes
 * every group, and has to come before the stack is closed).
 */
void announce_step(struct announce *announce, struct mdns_stack *stack);

/* The established name, or NULL. */
const char *announce_instance(const struct announce *announce);

/* Whether it has another name than was wanted (fitted into out). */
bool announce_is_renamed(const struct announce *announce, char *out, size_t size);

/* Avahi's error that keeps us from publishing, 0 for none. */
int announce_error(const struct announce *announce);

#endif
