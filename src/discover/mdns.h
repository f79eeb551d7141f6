/* SPDX-License-Identifier: ISC */
/* mdns.h: publishing and browsing _presence._tcp (XEP-0174 §3-§6) by Avahi: its daemon, or its core
 * inside us. */
#ifndef DISCOVER_MDNS_H
#define DISCOVER_MDNS_H

#include <stdint.h>

#include "discover/peers.h"

struct event_base;
struct ear_clock;

enum mdns_kind {
	MDNS_AUTO,
	MDNS_DAEMON,
	MDNS_EMBEDDED
}; /* AUTO: the daemon where one runs, and whenever one appears */

struct mdns_config {
	enum mdns_kind kind;
	const char *interfaces;     /* "all" or a comma-separated list of names */
	const char *user, *machine; /* the instance is "user@machine"; -1, -2 ... are put behind the
				       user on collision */
	unsigned port;
};

struct mdns_events {
	/* Our instance is established under this name (maybe after a collision, or again after a
	 * restart). */
	void (*published)(void *arg, const char *instance);
	/* Discovery stopped working or works again; text for the log and for `earshot doctor`. */
	void (*state)(void *arg, bool works, const char *text);
};

struct mdns;

/*
 * Starts. Peers found go into peers (borrowed), our own instance does not. Strings are copied.
 * Never fails for good: what does not work now is tried again with back-off, and told by
 * events->state.
 */
struct mdns *mdns_new(struct event_base *base, struct ear_clock *clock,
		      const struct mdns_config *config, struct peers *peers,
		      const struct mdns_events *events, void *arg);

/* Publishes, or changes, the TXT record (wire form, copied). Nothing is published before the first
 * call. */
void mdns_publish(struct mdns *mdns, const uint8_t *txt, size_t length);

/* The instance as published now, or NULL. */
const char *mdns_instance(const struct mdns *mdns);

/* "daemon" or "embedded", for logs and tests. */
const char *mdns_kind_name(const struct mdns *mdns);

/* What keeps our name from standing. */
enum mdns_trouble {
	MDNS_FINE,       /* it stands */
	MDNS_STARTING,   /* nothing so far: names are probed for a second and more */
	MDNS_NO_DAEMON,  /* MDNS_DAEMON, and none runs */
	MDNS_REFUSED,    /* the daemon publishes nothing for programs */
	MDNS_PORT_TAKEN, /* the stack inside us may not have UDP port 5353, or no interface */
	MDNS_FAILS,      /* otherwise; events->state has told the text */
};

enum mdns_trouble mdns_trouble(const struct mdns *mdns);

/* Whether our instance has another name than was wanted, which is fitted into out: that one is
 * somebody else's. */
bool mdns_is_renamed(const struct mdns *mdns, char *out, size_t size);

/* Says goodbye and frees; blocks no longer than it takes to hand the packets to the kernel. */
void mdns_free(struct mdns *mdns);

#endif
