/* SPDX-License-Identifier: ISC */
/* nets.c: the network interfaces as they are now. */
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"
#include "discover/nets.h"

bool
nets_is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	if (strcmp(list, "all") == 0)
		return true;
	for (const char *at = list; *at != '\0';) {
		at += strspn(at, ", ");
		size_t n = strcspn(at, ", ");

		if (n == length && strncmp(at, name, n) == 0)
			return true;
		at += n;
	}
	return false;
}

static bool
is_wanted(const struct ifaddrs *at, const char *list)
{
	if ((at->ifa_flags & IFF_LOOPBACK) && strcmp(list, "all") == 0)
		return false;
	return strlen(at->ifa_name) < IF_NAMESIZE && nets_is_listed(list, at->ifa_name);
}

/* The kernel tells an interface without addresses, too, as one of AF_PACKET. */
static struct net *
net_of(struct net *nets, size_t *count, size_t max, const struct ifaddrs *at)
{
	struct net *net;

	for (size_t i = 0; i < *count; i++)
		if (strcmp(nets[i].name, at->ifa_name) == 0)
			return &nets[i];
	if (*count == max)
		return NULL;
	net = &nets[(*count)++];
	memset(net, 0, sizeof(*net));
	copy_text(net->name, sizeof(net->name), at->ifa_name);
	net->index = (int)if_nametoindex(at->ifa_name);
	net->flags = at->ifa_flags;
	return net;
}

static void
add_address(struct net *net, const struct sockaddr *address)
{
	size_t size = 0;

	if (address != NULL && address->sa_family == AF_INET)
		size = sizeof(struct sockaddr_in);
	else if (address != NULL && address->sa_family == AF_INET6)
		size = sizeof(struct sockaddr_in6);
	if (size > 0 && net->count < NET_ADDRESSES)
		memcpy(&net->addresses[net->count++], address, size);
}

size_t
nets_look(const char *list, struct net *nets, size_t max)
{
	struct ifaddrs *all;
	struct net *net;
	size_t count = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
		net = is_wanted(at, list) ? net_of(nets, &count, max, at) : NULL;
		if (net != NULL)
			add_address(net, at->ifa_addr);
	}
	freeifaddrs(all);
	return count;
}

enum net_state
net_state(const struct net *net)
{
	if (!(net->flags & IFF_UP))
		return NET_DOWN;
	if (!(net->flags & IFF_RUNNING))
		return NET_NO_CARRIER;
	if (net->count == 0)
		return NET_NO_ADDRESS;
	/* Loopback has not the flag, and carries it all the same. */
	if (!(net->flags & (IFF_MULTICAST | IFF_LOOPBACK)))
		return NET_NO_MULTICAST;
	return NET_WORKS;
}

void
net_format(const struct sockaddr_storage *address, char *out, size_t size)
{
	socklen_t length = address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
							 : sizeof(struct sockaddr_in6);

	if (getnameinfo((const struct sockaddr *)address, length, out, (socklen_t)size, NULL, 0,
			NI_NUMERICHOST) != 0)
		copy_text(out, size, "?");
}

bool
net_is_link_local(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr);
	return (ntohl(four->sin_addr.s_addr) >> 16) == 0xa9fe; /* 169.254/16, RFC 3927 */
}
