/* SPDX-License-Identifier: ISC */
/*
 * nettable.h: this machine's interfaces and their addresses, as rtnetlink(7) tells them. Pure:
 * bytes go in, what they mean for our connections comes out.
 */
#ifndef LINK_NETTABLE_H
#define LINK_NETTABLE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NETTABLE_LINKS_MAX     1024
#define NETTABLE_ADDRESSES_MAX 4096

/* What messages have changed; or-ed together. */
enum {
	NET_WORSE = 1 << 0,   /* an address that could be used cannot be any more */
	NET_BETTER = 1 << 1,  /* there is one more, or a route */
	NET_DONE = 1 << 2,    /* the dump that was asked for is complete */
	NET_AGAIN = 1 << 3,   /* it is not: ask again, when it ends */
	NET_REFUSED = 1 << 4, /* there is none: ask again */
};

struct net_link {
	int index;
	char name[IF_NAMESIZE];
	bool works;    /* up, and with a carrier */
	bool loopback; /* nobody else is behind it */
	bool old;      /* not seen yet in the dump under way */
};

struct net_address {
	int family; /* AF_INET, AF_INET6 */
	int link;   /* index of its interface */
	unsigned char bytes[16];
	unsigned char scope; /* RT_SCOPE_… */
	bool ready;          /* not tentative (RFC 4862 §5.4), and no duplicate */
	bool passing;        /* temporary (RFC 8981) or deprecated: not one to tell others */
	bool old;
};

struct nettable {
	struct net_link *links;
	struct net_address *addresses;
	size_t link_count, link_room, address_count, address_room;
	bool full; /* some were left out: what is not in here may be there all the same */
};

void nettable_init(struct nettable *table);
void nettable_release(struct nettable *table);

/*
 * Takes what one read from the kernel brought, aligned as netlink(7) wants it. Messages of other
 * kinds and such as are cut short are passed over. Returns what has changed.
 */
unsigned nettable_take(struct nettable *table, const void *bytes, size_t length);

/* A dump of interfaces, then one of addresses begin; what they do not bring is gone in the end. */
void nettable_begin(struct nettable *table);
unsigned nettable_end(struct nettable *table);

/* That interface, or NULL. */
const struct net_link *nettable_link(const struct nettable *table, int index);

/* Whether it can be used now: its interface works, and nobody else has it. */
bool nettable_is_usable(const struct nettable *table, const struct net_address *address);

enum net_place {
	NET_UNKNOWN, /* no interface has it */
	NET_DEAD,    /* none that works */
	NET_ALIVE,
};

/* Where that address of ours is; the port does not matter. */
enum net_place nettable_find(const struct nettable *table, const struct sockaddr *address);

#endif
