/* SPDX-License-Identifier: ISC */
/* nets.h: the network interfaces as they are now, and what keeps one from being of use. */
#ifndef DISCOVER_NETS_H
#define DISCOVER_NETS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define NETS_MAX      16
#define NET_ADDRESSES 8

enum net_state {
	NET_WORKS,
	NET_NO_MULTICAST,
	NET_NO_ADDRESS,
	NET_NO_CARRIER,
	NET_DOWN,
};

struct net {
	char name[IF_NAMESIZE];
	int index;
	unsigned flags; /* IFF_... */
	struct sockaddr_storage addresses[NET_ADDRESSES];
	size_t count;
};

/*
 * Those that the list names; "all" is all but loopback, which is nobody's network. Returns how many
 * were filled in, 0 also when the kernel does not tell.
 */
size_t nets_look(const char *list, struct net *nets, size_t max);

enum net_state net_state(const struct net *net);

/* "192.0.2.7", "fe80::1%eth0". */
void net_format(const struct sockaddr_storage *address, char *out, size_t size);

bool net_is_link_local(const struct sockaddr_storage *address);

/* Whether that list of names, with commas between, holds it; "all" does. */
bool nets_is_listed(const char *list, const char *name);

#endif
