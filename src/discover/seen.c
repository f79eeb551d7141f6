/* SPDX-License-Identifier: ISC */
/* seen.c: from what the browser sees to what the peers table knows, by resolvers that stay open. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <avahi-common/error.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/map.h"
#include "discover/seen.h"

#define TXT_WIRE_MAX 9000 /* RFC 6762 §17: no mDNS message is longer */

struct seen_instance {
	char name[64];
	struct seen_way *ways[PEER_WAYS_MAX];
	size_t count;
};

struct seen {
	struct peers *peers;
	struct mdns_stack *stack; /* NULL: detached */
	struct map *instances;    /* name -> struct seen_instance */
	char *own;
	size_t resolvers; /* open now */
	bool waiting;     /* some ways wait for room */
	bool full_told;
};

static int
way_family(const struct seen_way *way)
{
	return way->protocol == AVAHI_PROTO_INET6 ? AF_INET6 : AF_INET;
}

const char *
seen_way_name(const struct seen_way *way)
{
	return way->instance->name;
}

static bool
way_is_hidden(const struct seen_way *way)
{
	const char *own = way->seen->own;

	return own != NULL && strcasecmp(own, way->instance->name) == 0;
}

static void
way_close(struct seen_way *way)
{
	struct seen *seen = way->seen;

	if (way->resolver != NULL) {
		seen->stack->ops->unresolve(seen->stack, way);
		way->resolver = NULL;
		seen->resolvers--;
	}
	if (way->told)
		peers_forget(seen->peers, way->instance->name, way->interface, way_family(way));
	way->told = way->refused = false;
}

static int
way_try_open(struct seen_way *way)
{
	struct seen *seen = way->seen;
	int error;

	if (seen->resolvers >= SEEN_RESOLVERS_MAX)
		return AVAHI_ERR_TOO_MANY_OBJECTS;
	error = seen->stack->ops->resolve(seen->stack, way);
	if (error == 0)
		seen->resolvers++;
	return error;
}

static size_t
instance_resolvers(const struct seen_instance *instance, struct seen_way **last)
{
	size_t n = 0;

	for (size_t i = 0; i < instance->count; i++) {
		if (instance->ways[i]->resolver == NULL)
			continue;
		*last = instance->ways[i];
		n++;
	}
	return n;
}

/* Gives up the second way to somebody, so that somebody else has a first one. */
static bool
make_room(struct seen *seen)
{
	struct seen_way *last;

	for (size_t i = 0; i < map_count(seen->instances); i++) {
		if (instance_resolvers(map_at(seen->instances, i, NULL), &last) < 2)
			continue;
		way_close(last);
		return true;
	}
	return false;
}

static void
tell_full(struct seen *seen, int error)
{
	if (!seen->full_told)
		ear_warn("mdns: %s: no more than %zu ways to peers are watched: %s",
			 seen->stack->ops->name, seen->resolvers, avahi_strerror(error));
	seen->full_told = true;
}

/* False: there is no room, and trying more of them is no use. */
static bool
way_open(struct seen_way *way)
{
	struct seen *seen = way->seen;
	struct seen_way *last;
	int error;

	if (way->resolver != NULL || way_is_hidden(way))
		return true;
	error = peers_check(seen->peers, way->instance->name);
	if (error != 0) {
		seen->waiting |= error == -ENOBUFS;
		return error != -ENOBUFS;
	}
	error = way_try_open(way);
	if (error == AVAHI_ERR_TOO_MANY_OBJECTS) {
		tell_full(seen, error);
		seen->waiting = true;
		if (instance_resolvers(way->instance, &last) > 0 || !make_room(seen))
			return false;
		error = way_try_open(way);
	}
	if (error != 0)
		ear_debug("mdns: %s: cannot be resolved: %s", way->instance->name,
			  avahi_strerror(error));
	return error != AVAHI_ERR_TOO_MANY_OBJECTS;
}

/*
 * After somebody went: the next ones that had no room. What the table refused is resolved again,
 * since a resolver tells what it knows only once.
 */
static void
fill(struct seen *seen)
{
	size_t room = PEERS_MAX - peers_count(seen->peers);

	if (!seen->waiting || seen->stack == NULL)
		return;
	for (size_t i = 0; i < map_count(seen->instances); i++) {
		struct seen_instance *instance = map_at(seen->instances, i, NULL);
		bool counted = false;

		for (size_t j = 0; j < instance->count; j++) {
			struct seen_way *way = instance->ways[j];

			if (way->resolver != NULL && !way->refused)
				continue;
			if (!counted && room-- == 0)
				return;
			counted = true;
			way_close(way);
			if (!way_open(way))
				return;
		}
	}
	seen->waiting = seen->full_told = false;
}

static struct seen_way *
way_find(const struct seen_instance *instance, AvahiIfIndex interface, AvahiProtocol protocol,
	 size_t *index)
{
	for (size_t i = 0; i < instance->count; i++)
		if (instance->ways[i]->interface == interface &&
		    instance->ways[i]->protocol == protocol) {
			*index = i;
			return instance->ways[i];
		}
	return NULL;
}

static struct seen_instance *
instance_get(struct seen *seen, const char *name)
{
	struct seen_instance *instance = map_get(seen->instances, name);

	if (instance != NULL)
		return instance;
	instance = xalloc(sizeof(*instance));
	copy_text(instance->name, sizeof(instance->name), name);
	map_set(seen->instances, name, instance);
	return instance;
}

static void
instance_free(struct seen_instance *instance)
{
	for (size_t i = 0; i < instance->count; i++)
		free(instance->ways[i]);
	free(instance);
}

struct seen *
seen_new(struct peers *peers)
{
	struct seen *seen = xalloc(sizeof(*seen));

	seen->peers = peers;
	seen->instances = map_new();
	return seen;
}

struct seen_way *
seen_find(const struct seen *seen, AvahiIfIndex interface, AvahiProtocol protocol, const char *name)
{
	const struct seen_instance *instance = map_get(seen->instances, name);
	size_t at;

	return instance == NULL ? NULL : way_find(instance, interface, protocol, &at);
}

/* Closes and forgets everything; whether the peers table hears of it is the caller's word. */
static void
drop_all(struct seen *seen, bool tell)
{
	while (map_count(seen->instances) > 0) {
		struct seen_instance *instance =
			map_at(seen->instances, map_count(seen->instances) - 1, NULL);

		for (size_t i = 0; i < instance->count; i++) {
			instance->ways[i]->told = instance->ways[i]->told && tell;
			way_close(instance->ways[i]);
		}
		map_del(seen->instances, instance->name);
		instance_free(instance);
	}
	seen->waiting = seen->full_told = false;
}

void
seen_free(struct seen *seen)
{
	if (seen == NULL)
		return;
	drop_all(seen, false);
	map_free(seen->instances);
	free(seen->own);
	free(seen);
}

void
seen_attach(struct seen *seen, struct mdns_stack *stack)
{
	seen->stack = stack;
}

void
seen_detach(struct seen *seen)
{
	drop_all(seen, true);
	seen->stack = NULL;
}

void
seen_set_own(struct seen *seen, const char *instance)
{
	if (seen->own != NULL && instance != NULL && strcmp(seen->own, instance) == 0)
		return;
	xreplace(&seen->own, instance);
	for (size_t i = 0; i < map_count(seen->instances); i++) {
		struct seen_instance *other = map_at(seen->instances, i, NULL);

		for (size_t j = 0; j < other->count; j++) {
			if (way_is_hidden(other->ways[j]))
				way_close(other->ways[j]);
			else
				way_open(other->ways[j]);
		}
	}
	fill(seen);
}

void
seen_add(struct seen *seen, AvahiIfIndex interface, AvahiProtocol protocol, const char *name)
{
	struct seen_instance *instance;
	struct seen_way *way;
	size_t at;

	/* The browser says it once: a name that finds no room now has to be remembered. */
	if (seen->stack == NULL || peers_check(seen->peers, name) == -EINVAL)
		return;
	if (map_get(seen->instances, name) == NULL && map_count(seen->instances) >= SEEN_NAMES_MAX)
		return;
	instance = instance_get(seen, name);
	way = way_find(instance, interface, protocol, &at);
	if (way == NULL) {
		if (instance->count == PEER_WAYS_MAX) {
			ear_debug("mdns: %s: on more than %d ways", name, PEER_WAYS_MAX);
			return;
		}
		way = xalloc(sizeof(*way));
		*way = (struct seen_way){ .seen = seen,
					  .instance = instance,
					  .interface = interface,
					  .protocol = protocol };
		instance->ways[instance->count++] = way;
	}
	way_open(way);
}

void
seen_remove(struct seen *seen, AvahiIfIndex interface, AvahiProtocol protocol, const char *name)
{
	struct seen_instance *instance = map_get(seen->instances, name);
	struct seen_way *way;
	size_t at;

	if (instance == NULL)
		return;
	way = way_find(instance, interface, protocol, &at);
	if (way == NULL)
		return;
	way_close(way);
	free(way);
	instance->ways[at] = instance->ways[--instance->count];
	if (instance->count == 0) {
		map_del(seen->instances, name);
		free(instance);
	}
	fill(seen);
}

/*
 * An address that a stream may be dialled to. Who answers for a name on the LAN must not send us to
 * services of our own machine: loopback addresses count on the loopback interface only.
 */
static bool
address_is_usable(const struct seen_way *way, const AvahiAddress *address)
{
	bool loopback;

	if (address->proto != way->protocol)
		return false;
	if (address->proto == AVAHI_PROTO_INET) {
		uint32_t v4 = ntohl(address->data.ipv4.address);

		if (v4 >> 24 == 0 || v4 >> 28 >= 0xe)
			return false;
		loopback = v4 >> 24 == 127;
	} else {
		struct in6_addr v6;

		memcpy(&v6, address->data.ipv6.address, sizeof(v6));
		if (IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_MULTICAST(&v6) ||
		    IN6_IS_ADDR_V4MAPPED(&v6) || IN6_IS_ADDR_V4COMPAT(&v6))
			return false;
		loopback = IN6_IS_ADDR_LOOPBACK(&v6);
	}
	return !loopback || way->interface == (int)if_nametoindex("lo");
}

static void
fill_address(struct peer_way *out, const AvahiAddress *address, uint16_t port)
{
	if (out->family == AF_INET) {
		struct sockaddr_in *v4 = (void *)&out->address;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = address->data.ipv4.address;
		out->length = sizeof(*v4);
	} else {
		struct sockaddr_in6 *v6 = (void *)&out->address;

		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, address->data.ipv6.address, sizeof(v6->sin6_addr));
		/* Avahi gives fe80:: without scope and the interface beside it. */
		if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
			v6->sin6_scope_id = (uint32_t)out->interface;
		out->length = sizeof(*v6);
	}
}

void
seen_resolved(struct seen_way *way, const char *host, const AvahiAddress *address, uint16_t port,
	      AvahiStringList *txt)
{
	struct peer_way out = { .interface = way->interface, .family = way_family(way) };
	uint8_t wire[TXT_WIRE_MAX];
	size_t length = 0;
	int error;

	if (host != NULL && (port == 0 || !address_is_usable(way, address))) {
		ear_debug("mdns: %s: its port or address cannot be used", way->instance->name);
		host = NULL;
	}
	if (host != NULL) {
		fill_address(&out, address, port);
		length = avahi_string_list_serialize(txt, wire, sizeof(wire));
	}
	error = peers_see(way->seen->peers, way->instance->name, &out, host, wire, length);
	if (error == 0 && host != NULL)
		way->told = true;
	way->refused = error == -ENOBUFS && !way->told;
	way->seen->waiting |= way->refused;
}
