/* SPDX-License-Identifier: ISC */
/*
 * mdns_kind.h: what the kinds of mDNS (Avahi's daemon, Avahi's core inside us) have in common.
 *
 * A service travels like this: the kind's browser sees it on one (interface, protocol) and calls
 * seen_add; seen.c has the kind open a resolver for it, which stays open; what that finds goes by
 * seen_resolved into the peers table, and so does every later change. announce.c does the other
 * direction: one group of records for each interface, or one for all. mdns.c chooses the kind. A
 * callback of Avahi only notes what happened; what follows from it is done from the event loop.
 */
#ifndef DISCOVER_MDNS_KIND_H
#define DISCOVER_MDNS_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include <avahi-common/address.h>
#include <avahi-common/defs.h>
#include <avahi-common/strlst.h>
#include <avahi-common/watch.h>

#define MDNS_TYPE   "_presence._tcp" /* XEP-0174 §3 */
#define MDNS_DOMAIN "local"

struct announce;
struct ifaces;
struct mdns;
struct seen;
struct seen_way;

enum stack_state {
	STACK_WAITING,  /* nobody there to talk to; the kind notices when that changes */
	STACK_STARTING, /* browsing works, the host's own name is not established */
	STACK_RUNNING,
	STACK_FAILED, /* to be closed */
};

enum group_state {
	GROUP_REGISTERING, /* probing */
	GROUP_ESTABLISHED,
	GROUP_COLLISION,
	GROUP_FAILED,
};

/* Begins the struct of its kind. */
struct mdns_stack {
	const struct stack_ops *ops;
	struct mdns *mdns;
	struct seen *seen;
	const struct ifaces *ifaces;
	enum stack_state state;
	int error;    /* Avahi's, when FAILED */
	bool closing; /* close() follows at once */
};

/* The records of our service on one interface (AVAHI_IF_UNSPEC: on all). */
struct mdns_group {
	struct announce *announce;
	struct mdns_stack *stack;
	AvahiIfIndex interface;
	enum group_state state;
	void *handle; /* the kind's */
};

/* int: 0 or an error of Avahi's. Everything of a stack is closed before the stack. */
struct stack_ops {
	const char *name;
	bool by_interface; /* a list of interfaces is ours to keep to, the kind does not know it */

	struct mdns_stack *(*open)(const AvahiPoll *poll, const struct mdns_stack *common,
				   int *error);
	void (*close)(struct mdns_stack *stack);
	int (*browse)(struct mdns_stack *stack);

	int (*group_open)(struct mdns_group *group, const char *instance, uint16_t port,
			  AvahiStringList *txt);
	int (*group_update)(struct mdns_group *group, const char *instance, AvahiStringList *txt);
	void (*group_close)(struct mdns_group *group);

	int (*resolve)(struct mdns_stack *stack, struct seen_way *way);
	void (*unresolve)(struct mdns_stack *stack, struct seen_way *way);
};

extern const struct stack_ops stack_client, stack_core;

/* What the kinds report. mdns.c */
void stack_enter(struct mdns_stack *stack, enum stack_state state, int error);

/* announce.c */
void group_enter(struct mdns_group *group, enum group_state state);

/* The same, as either of Avahi's libraries tells it. */
void group_on_avahi(struct mdns_group *group, AvahiEntryGroupState state);

#endif
