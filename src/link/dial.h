/* SPDX-License-Identifier: ISC */
/*
 * dial.h: connects to one of the addresses of a host, be it a peer or a server: the next one is
 * begun soon after the last, and at once when that fails (RFC 8305).
 */
#ifndef LINK_DIAL_H
#define LINK_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <earshot/timer.h>

#define DIAL_TARGETS_MAX   16
#define DIAL_STAGGER_USEC  (250 * EAR_MSEC) /* before the next address, RFC 8305 §5 */
#define DIAL_PATIENCE_USEC (100 * EAR_MSEC) /* for the stream of one that may be dialling us */

struct dial;
struct event_base;
struct io;
struct netwatch;

struct dial_target {
	struct sockaddr_storage address; /* with port and scope */
	socklen_t length;
	/* It may be one that keeps the newest of two streams and loses what waits for the other
	 * (libpurple): should it be dialling us right now, its stream is used, not ours. */
	bool patient;
	/* It is announced as one that speaks STARTTLS: need not be asked for its features first. */
	bool secure;
};

/* Run from the event loop, never from inside a call into dial. Targets are borrowed. */
struct dial_events {
	/* One is there; it belongs to the owner, who sets its events. Nothing more is begun. */
	void (*connected)(void *arg, struct io *io, const struct dial_target *target);
	/* May be NULL: one has failed, and others are under way or follow. Only to be told: it may
	 * run inside a call. */
	void (*missed)(void *arg, const struct dial_target *target, int error);
	/* The last one has failed; -errno. */
	void (*failed)(void *arg, const struct dial_target *target, int error);
};

struct dial_setup {
	struct event_base *base;
	struct ear_clock *clock;
	const struct netwatch *net; /* borrowed; NULL: none */
	int64_t connect_usec;       /* for one address */
	const struct dial_events *events;
	void *arg;
};

/* The order to try (RFC 8305 §4): IPv6 and IPv4 in turns, that of the first one first, each in the
 * order it had. */
void dial_order(struct dial_target *targets, size_t count);

/* Begins to try them, in that order; copies them. count: 1 to DIAL_TARGETS_MAX. */
struct dial *dial_new(const struct dial_setup *setup, const struct dial_target *targets,
		      size_t count);

/* Whether there are addresses that have neither failed nor been connected to. */
bool dial_has_next(const struct dial *dial);

/* What was connected to was no good: goes on with those. False: there is none. */
bool dial_next(struct dial *dial);

/* What was connected to is wanted once more. */
void dial_again(struct dial *dial);

/* Drops what our own network has left behind. True: nothing else is under way or follows;
 * failed() comes. */
bool dial_network_changed(struct dial *dial);

void dial_free(struct dial *dial);

#endif
