/* SPDX-License-Identifier: ISC */
/* ways.c: lists of socket addresses: read, judged, put in order. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "core/ways.h"

socklen_t
ways_length(const struct sockaddr_storage *way)
{
	return way->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					  : sizeof(struct sockaddr_in);
}

void
ways_set_port(struct sockaddr_storage *way, unsigned port)
{
	if (way->ss_family == AF_INET6)
		((struct sockaddr_in6 *)way)->sin6_port = htons((uint16_t)port);
	else if (way->ss_family == AF_INET)
		((struct sockaddr_in *)way)->sin_port = htons((uint16_t)port);
}

static int
parse6(const char *text, struct sockaddr_in6 *six)
{
	const char *scope = strchr(text, '%');
	char address[INET6_ADDRSTRLEN];
	size_t length = scope == NULL ? strlen(text) : (size_t)(scope - text);

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1)
		return -EINVAL;
	six->sin6_family = AF_INET6;
	if (scope == NULL)
		return 0;
	six->sin6_scope_id = if_nametoindex(scope + 1);
	return six->sin6_scope_id == 0 ? -EINVAL : 0;
}

int
ways_parse(const char *text, struct sockaddr_storage *way)
{
	struct sockaddr_in *four = (struct sockaddr_in *)way;

	memset(way, 0, sizeof(*way));
	if (inet_pton(AF_INET, text, &four->sin_addr) != 1)
		return parse6(text, (struct sockaddr_in6 *)way);
	four->sin_family = AF_INET;
	return 0;
}

/* RFC 6890: "this" network, loopback, link-local, multicast and what is above. */
static bool
is_far4(uint32_t address)
{
	unsigned first = address >> 24;

	return first != 0 && first != 127 && address >> 16 != 0xa9fe && first < 224;
}

static bool
is_far6(const struct in6_addr *address)
{
	return !IN6_IS_ADDR_UNSPECIFIED(address) && !IN6_IS_ADDR_LOOPBACK(address) &&
	       !IN6_IS_ADDR_LINKLOCAL(address) && !IN6_IS_ADDR_MULTICAST(address) &&
	       !IN6_IS_ADDR_V4MAPPED(address) && !IN6_IS_ADDR_V4COMPAT(address);
}

bool
ways_is_far(const struct sockaddr_storage *way)
{
	if (way->ss_family == AF_INET)
		return is_far4(ntohl(((const struct sockaddr_in *)way)->sin_addr.s_addr));
	return way->ss_family == AF_INET6 &&
	       is_far6(&((const struct sockaddr_in6 *)way)->sin6_addr);
}

/* Socket addresses are compared by their fields: what lies between is not always zero. */
static bool
is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *six = (const void *)a, *other6 = (const void *)b;
	const struct sockaddr_in *four = (const void *)a, *other4 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return six->sin6_port == other6->sin6_port &&
		       six->sin6_scope_id == other6->sin6_scope_id &&
		       memcmp(&six->sin6_addr, &other6->sin6_addr, sizeof(six->sin6_addr)) == 0;
	return four->sin_port == other4->sin_port &&
	       four->sin_addr.s_addr == other4->sin_addr.s_addr;
}

static size_t
drop_twins(struct sockaddr_storage *ways, socklen_t *lengths, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		size_t twin = 0;

		while (twin < kept && !is_same(&ways[twin], &ways[i]))
			twin++;
		if (twin < kept)
			continue;
		ways[kept] = ways[i];
		lengths[kept++] = lengths[i];
	}
	return kept;
}

/* Moves entry `from` to place `to`, which is before it. */
static void
move_up(struct sockaddr_storage *ways, socklen_t *lengths, size_t from, size_t to)
{
	struct sockaddr_storage way = ways[from];
	socklen_t length = lengths[from];

	memmove(&ways[to + 1], &ways[to], (from - to) * sizeof(ways[0]));
	memmove(&lengths[to + 1], &lengths[to], (from - to) * sizeof(lengths[0]));
	ways[to] = way;
	lengths[to] = length;
}

size_t
ways_order(struct sockaddr_storage *ways, socklen_t *lengths, size_t count)
{
	count = drop_twins(ways, lengths, count);
	for (size_t i = 0; i < count; i++) {
		bool six = i % 2 == 0;
		size_t next = i;

		while (next < count && (ways[next].ss_family == AF_INET6) != six)
			next++;
		if (next < count)
			move_up(ways, lengths, next, i);
	}
	return count;
}
