/* SPDX-License-Identifier: ISC */
/*
 * netwatch.h: the kernel's word when this machine's network changes. Bad news is told in the turn
 * of the loop in which it comes, and once more a moment later; good news is gathered for a moment.
 * At rest it wakes nobody.
 */
#ifndef LINK_NETWATCH_H
#define LINK_NETWATCH_H

#include <earshot/timer.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "link/nettable.h"

struct event_base;
struct netwatch;

/* Good news waits so long for more: an address, its route and its twin come together. Then the next
 * comes not before that. */
#define NETWATCH_GATHER_USEC (50 * EAR_MSEC)
#define NETWATCH_REST_USEC   EAR_SEC
/* The kernel tells that an IPv4 address goes before it takes it: who looks at once may find it
 * still there (seen 1 time in 10 by who waits for the word), and a connection made then has it. */
#define NETWATCH_SETTLE_USEC (100 * EAR_MSEC)
/* Before everything is asked again; doubles while that fails. */
#define NETWATCH_ASK_USEC (100 * EAR_MSEC)
#define NETWATCH_ASK_MAX  (60 * EAR_SEC)

/* From the event loop. better: something can be used that could not before; else something cannot
 * be used any more. */
typedef void netwatch_fn(void *arg, bool better);

/* Never NULL: where the kernel tells nothing, one line says so, and nothing is ever known. */
struct netwatch *netwatch_new(struct event_base *base, struct ear_clock *clock, netwatch_fn *fn,
			      void *arg);

/* One that hears nothing but netwatch_heard(), where it waits for the answers to its first two
 * questions: for tests. */
struct netwatch *netwatch_new_deaf(struct ear_clock *clock, netwatch_fn *fn, void *arg);
void netwatch_free(struct netwatch *watch);

/* Takes what a read from the kernel brought. */
void netwatch_heard(struct netwatch *watch, const void *bytes, size_t length);

/* The kernel had more to tell than there was room for: everything is asked anew. */
void netwatch_missed(struct netwatch *watch);

/* Whether the kernel has told everything once. */
bool netwatch_is_known(const struct netwatch *watch);

/*
 * Whether a connection can bring nothing any more, as far as is known: its own end has an address
 * that this machine does not have any more, or that no interface which works has. A connection that
 * is being made counts from connect(2) on.
 */
bool netwatch_is_lost(const struct netwatch *watch, int fd);

/* Calls fn for each address that can be used now. Both are borrowed. */
typedef void netwatch_address_fn(void *arg, const struct net_address *address,
				 const struct net_link *link);
void netwatch_each(const struct netwatch *watch, netwatch_address_fn *fn, void *arg);

#endif
