/* SPDX-License-Identifier: ISC */
/* nettable.c: reads rtnetlink messages into the table of interfaces and addresses. */
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/nettable.h"

/* linux/if.h cannot be included beside net/if.h. */
#define FLAG_LOWER_UP 0x10000u

void
nettable_init(struct nettable *table)
{
	*table = (struct nettable){ 0 };
}

void
nettable_release(struct nettable *table)
{
	free(table->links);
	free(table->addresses);
}

/* --- the table ---------------------------------------------------------------------------- */

static struct net_link *
find_link(const struct nettable *table, int index)
{
	for (size_t i = 0; i < table->link_count; i++)
		if (table->links[i].index == index)
			return &table->links[i];
	return NULL;
}

static struct net_address *
find_address(const struct nettable *table, const struct net_address *like)
{
	for (size_t i = 0; i < table->address_count; i++) {
		struct net_address *at = &table->addresses[i];

		if (at->link == like->link && at->family == like->family &&
		    memcmp(at->bytes, like->bytes, sizeof(at->bytes)) == 0)
			return at;
	}
	return NULL;
}

static size_t
grown(size_t room)
{
	return room == 0 ? 16 : room * 2;
}

static struct net_link *
add_link(struct nettable *table, int index)
{
	if (table->link_count == NETTABLE_LINKS_MAX) {
		table->full = true;
		return NULL;
	}
	if (table->link_count == table->link_room) {
		table->link_room = grown(table->link_room);
		table->links = xrealloc(table->links, table->link_room * sizeof(table->links[0]));
	}
	table->links[table->link_count] = (struct net_link){ .index = index };
	return &table->links[table->link_count++];
}

static struct net_address *
add_address(struct nettable *table)
{
	if (table->address_count == NETTABLE_ADDRESSES_MAX) {
		table->full = true;
		return NULL;
	}
	if (table->address_count == table->address_room) {
		table->address_room = grown(table->address_room);
		table->addresses = xrealloc(table->addresses,
					    table->address_room * sizeof(table->addresses[0]));
	}
	return &table->addresses[table->address_count++];
}

const struct net_link *
nettable_link(const struct nettable *table, int index)
{
	return find_link(table, index);
}

bool
nettable_is_usable(const struct nettable *table, const struct net_address *address)
{
	const struct net_link *link = find_link(table, address->link);

	return address->ready && link != NULL && link->works;
}

static unsigned
difference(bool was, bool is)
{
	return was == is ? 0 : is ? NET_BETTER : NET_WORSE;
}

static bool
has_ready(const struct nettable *table, int link)
{
	for (size_t i = 0; i < table->address_count; i++)
		if (table->addresses[i].link == link && table->addresses[i].ready)
			return true;
	return false;
}

static unsigned
set_works(const struct nettable *table, struct net_link *link, bool works)
{
	bool was = link->works;

	link->works = works;
	return was != works && has_ready(table, link->index) ? difference(was, works) : 0;
}

static unsigned
drop_address(struct nettable *table, struct net_address *address)
{
	unsigned changes = difference(nettable_is_usable(table, address), false);

	*address = table->addresses[--table->address_count];
	return changes;
}

static unsigned
drop_link(struct nettable *table, struct net_link *link)
{
	unsigned changes = set_works(table, link, false);
	int index = link->index;

	*link = table->links[--table->link_count];
	for (size_t i = table->address_count; i-- > 0;)
		if (table->addresses[i].link == index)
			table->addresses[i] = table->addresses[--table->address_count];
	return changes;
}

void
nettable_begin(struct nettable *table)
{
	for (size_t i = 0; i < table->link_count; i++)
		table->links[i].old = true;
	for (size_t i = 0; i < table->address_count; i++)
		table->addresses[i].old = true;
	table->full = false;
}

unsigned
nettable_end(struct nettable *table)
{
	unsigned changes = 0;

	for (size_t i = table->address_count; i-- > 0;)
		if (table->addresses[i].old)
			changes |= drop_address(table, &table->addresses[i]);
	for (size_t i = table->link_count; i-- > 0;)
		if (table->links[i].old)
			changes |= drop_link(table, &table->links[i]);
	return changes;
}

/* --- messages ----------------------------------------------------------------------------- */

/* The body of a message, NULL when it is cut short; *attributes and *left: what follows it. */
static const void *
body_of(const struct nlmsghdr *header, size_t size, const struct rtattr **attributes, int *left)
{
	size_t whole = header->nlmsg_len - NLMSG_LENGTH(0), aligned = NLMSG_ALIGN(size);

	if (whole < size)
		return NULL;
	*attributes = (const void *)((const char *)NLMSG_DATA(header) + aligned);
	*left = whole < aligned ? 0 : (int)(whole - aligned);
	return NLMSG_DATA(header);
}

/* The first attribute of that type, when it has at least so many bytes; or NULL. */
static const struct rtattr *
attribute(const struct rtattr *at, int left, unsigned type, size_t size)
{
	for (; RTA_OK(at, left); at = RTA_NEXT(at, left))
		if ((at->rta_type & NLA_TYPE_MASK) == type)
			return RTA_PAYLOAD(at) >= size ? at : NULL;
	return NULL;
}

static void
take_name(struct net_link *link, const struct rtattr *attributes, int left)
{
	const struct rtattr *name = attribute(attributes, left, IFLA_IFNAME, 1);
	size_t length;

	if (name == NULL)
		return;
	length = strnlen(RTA_DATA(name), RTA_PAYLOAD(name));
	if (length >= IF_NAMESIZE)
		length = IF_NAMESIZE - 1;
	memcpy(link->name, RTA_DATA(name), length);
	link->name[length] = '\0';
}

/*
 * A bridge tells of its ports in the same group, under its own family: that a port leaves it is not
 * the end of the interface.
 */
static unsigned
take_link(struct nettable *table, const struct nlmsghdr *header)
{
	const unsigned all = IFF_UP | IFF_RUNNING | FLAG_LOWER_UP;
	const struct rtattr *attributes;
	const struct ifinfomsg *info;
	struct net_link *link;
	int left;

	info = body_of(header, sizeof(*info), &attributes, &left);
	if (info == NULL || info->ifi_family != AF_UNSPEC)
		return 0;
	link = find_link(table, info->ifi_index);
	if (header->nlmsg_type == RTM_DELLINK)
		return link == NULL ? 0 : drop_link(table, link);
	if (link == NULL && (link = add_link(table, info->ifi_index)) == NULL)
		return 0;
	link->old = false;
	link->loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
	take_name(link, attributes, left);
	return set_works(table, link, (info->ifi_flags & all) == all);
}

/* Ours is IFA_LOCAL, where a point-to-point link has the other end's in IFA_ADDRESS. */
static bool
read_address(const struct nlmsghdr *header, struct net_address *out)
{
	const struct rtattr *attributes, *bytes, *flags;
	const struct ifaddrmsg *info;
	uint32_t set;
	size_t size;
	int left;

	info = body_of(header, sizeof(*info), &attributes, &left);
	if (info == NULL || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return false;
	size = info->ifa_family == AF_INET ? 4 : 16;
	bytes = attribute(attributes, left, IFA_LOCAL, size);
	if (bytes == NULL)
		bytes = attribute(attributes, left, IFA_ADDRESS, size);
	if (bytes == NULL)
		return false;
	*out = (struct net_address){ .family = info->ifa_family,
				     .link = (int)info->ifa_index,
				     .scope = info->ifa_scope };
	memcpy(out->bytes, RTA_DATA(bytes), size);
	set = info->ifa_flags;
	flags = attribute(attributes, left, IFA_FLAGS, sizeof(set));
	if (flags != NULL)
		memcpy(&set, RTA_DATA(flags), sizeof(set));
	/* One that RFC 4429 allows to be used before it is certain, is. */
	out->ready = (set & IFA_F_DADFAILED) == 0 &&
		     ((set & IFA_F_TENTATIVE) == 0 || (set & IFA_F_OPTIMISTIC) != 0);
	out->passing = (set & (IFA_F_TEMPORARY | IFA_F_DEPRECATED)) != 0 && out->family == AF_INET6;
	return true;
}

static unsigned
take_address(struct nettable *table, const struct nlmsghdr *header)
{
	struct net_address new, *old;
	bool was;

	if (!read_address(header, &new))
		return 0;
	old = find_address(table, &new);
	if (header->nlmsg_type == RTM_DELADDR)
		return old == NULL ? 0 : drop_address(table, old);
	was = old != NULL && nettable_is_usable(table, old);
	if (old == NULL && (old = add_address(table)) == NULL)
		return 0;
	*old = new;
	return difference(was, nettable_is_usable(table, old));
}

/* An address often comes before the route that makes it useful. The kernel's own come with it. */
static unsigned
take_route(const struct nlmsghdr *header)
{
	const struct rtattr *attributes;
	const struct rtmsg *route;
	int left;

	route = body_of(header, sizeof(*route), &attributes, &left);
	return route != NULL && route->rtm_type == RTN_UNICAST &&
			       route->rtm_protocol != RTPROT_KERNEL &&
			       (route->rtm_flags & RTM_F_CLONED) == 0
		       ? NET_BETTER
		       : 0;
}

/* A dump may end with an error, after a part of what there is. */
static unsigned
take_done(const struct nlmsghdr *header)
{
	const struct rtattr *attributes;
	const int *error;
	int left;

	error = body_of(header, sizeof(*error), &attributes, &left);
	return error != NULL && *error < 0 ? NET_DONE | NET_AGAIN : NET_DONE;
}

static unsigned
take_message(struct nettable *table, const struct nlmsghdr *header)
{
	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return take_link(table, header);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return take_address(table, header);
	case RTM_NEWROUTE:
		return take_route(header);
	case NLMSG_DONE:
		return take_done(header);
	case NLMSG_ERROR:
		return NET_REFUSED;
	default:
		return 0;
	}
}

unsigned
nettable_take(struct nettable *table, const void *bytes, size_t length)
{
	const struct nlmsghdr *header = bytes;
	size_t left = length, step;
	unsigned changes = 0;

	while (left >= sizeof(*header) && header->nlmsg_len >= sizeof(*header) &&
	       header->nlmsg_len <= left) {
		changes |= take_message(table, header);
		if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
			changes |= NET_AGAIN;
		step = NLMSG_ALIGN((size_t)header->nlmsg_len);
		if (step >= left)
			break;
		left -= step;
		header = (const void *)((const char *)header + step);
	}
	return changes;
}

/* --- questions ---------------------------------------------------------------------------- */

/* Its bytes; which interface it is on where that belongs to it, else 0. False: neither family. */
static bool
normalise(const struct sockaddr *address, struct net_address *out)
{
	const struct sockaddr_in6 *v6 = (const void *)address;
	const struct sockaddr_in *v4 = (const void *)address;

	*out = (struct net_address){ .family = address->sa_family };
	if (address->sa_family == AF_INET) {
		memcpy(out->bytes, &v4->sin_addr, 4);
	} else if (address->sa_family != AF_INET6) {
		return false;
	} else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		out->family = AF_INET;
		memcpy(out->bytes, &v6->sin6_addr.s6_addr[12], 4);
	} else {
		memcpy(out->bytes, &v6->sin6_addr, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
			out->link = (int)v6->sin6_scope_id;
	}
	return true;
}

enum net_place
nettable_find(const struct nettable *table, const struct sockaddr *address)
{
	enum net_place place = NET_UNKNOWN;
	struct net_address like;
	const struct net_link *link;

	if (!normalise(address, &like))
		return NET_UNKNOWN;
	for (size_t i = 0; i < table->address_count; i++) {
		const struct net_address *at = &table->addresses[i];

		if (at->family != like.family || (like.link != 0 && like.link != at->link) ||
		    memcmp(at->bytes, like.bytes, sizeof(at->bytes)) != 0)
			continue;
		link = find_link(table, at->link);
		if (link == NULL || link->works)
			return NET_ALIVE;
		place = NET_DEAD;
	}
	return place;
}
