/* SPDX-License-Identifier: ISC */
/* seen.h: the services that the browser sees, and the resolvers that are open for them. */
#ifndef DISCOVER_SEEN_H
#define DISCOVER_SEEN_H

#include "discover/mdns_kind.h"
#include "discover/peers.h"

#define SEEN_RESOLVERS_MAX 4096 /* open at once; a daemon may allow fewer */
#define SEEN_NAMES_MAX     8192 /* with and without a resolver */

struct seen_instance;

/* One service on one (interface, protocol). Only the kinds look inside. */
struct seen_way {
	struct seen *seen;
	struct seen_instance *instance;
	AvahiIfIndex interface;
	AvahiProtocol protocol;
	bool told;      /* the peers table has it */
	bool refused;   /* it had no room for it */
	void *resolver; /* the kind's; NULL: none open */
};

const char *seen_way_name(const struct seen_way *way);

/* peers is borrowed. */
struct seen *seen_new(struct peers *peers);
void seen_free(struct seen *seen);

/* From now on, the resolvers are this stack's. */
void seen_attach(struct seen *seen, struct mdns_stack *stack);

/* Closes every resolver and forgets everything seen, and all peers. */
void seen_detach(struct seen *seen);

/*
 * The name that is ours (copied; NULL: none): a service of that name is no peer, wherever it comes
 * from: our own record may still be in somebody's cache from before a restart. Avahi's flags for
 * own services are no help: they are also set for a foreign one while we probe for its name.
 */
void seen_set_own(struct seen *seen, const char *instance);

/* The way, as long as the browser sees it, or NULL. */
struct seen_way *seen_find(const struct seen *seen, AvahiIfIndex interface, AvahiProtocol protocol,
			   const char *instance);

/* What the kinds report. A NULL host means that the service does not resolve (any more). */
void seen_add(struct seen *seen, AvahiIfIndex interface, AvahiProtocol protocol,
	      const char *instance);
void seen_remove(struct seen *seen, AvahiIfIndex interface, AvahiProtocol protocol,
		 const char *instance);
void seen_resolved(struct seen_way *way, const char *host, const AvahiAddress *address,
		   uint16_t port, AvahiStringList *txt);

#endif
