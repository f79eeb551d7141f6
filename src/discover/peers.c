/* SPDX-License-Identifier: ISC */
/* peers.c: the table of who is on the LAN, sorted by address, and what in it changed. */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <earshot/jid.h>
#include <earshot/log.h>

#include "base/alloc.h"
#include "base/map.h"
#include "discover/peers.h"

#define REFUSED_MAX    32   /* log lines about refused names in one window */
#define REFUSED_WINDOW 3600 /* seconds */

struct peers {
	struct peers_events events;
	void *arg;
	struct peer **entries;
	size_t count, room;
	struct map *refused; /* names that had their log line in this window */
	time_t refused_since;
};

/* One line for a key, and not more than REFUSED_MAX in an hour whatever a peer invents. */
static void
complain(struct peers *peers, const char *key, const char *subject, const char *text)
{
	struct timespec now;
	size_t told;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - peers->refused_since > REFUSED_WINDOW) {
		map_free(peers->refused);
		peers->refused = map_new();
		peers->refused_since = now.tv_sec;
	}
	told = map_count(peers->refused);
	if (told >= REFUSED_MAX || map_get(peers->refused, key) != NULL)
		return;
	map_set(peers->refused, key, peers);
	ear_warn("%s: %s%s", *subject == '\0' ? "(empty name)" : subject, text,
		 told + 1 == REFUSED_MAX ? " (further ones of this hour are not logged)" : "");
}

static void
refuse(struct peers *peers, const char *instance, const char *text)
{
	complain(peers, instance, instance, text);
}

/* Where the address is, or would be. */
static size_t
slot_of(const struct peers *peers, const char *address, bool *found)
{
	size_t low = 0, high = peers->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(address, peers->entries[middle]->address);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/*
 * The slot of an instance, and its address. DNS names are equal without regard to ASCII case; any
 * other instance that comes to the same address is somebody who wants to be taken for the first.
 */
static int
locate(const struct peers *peers, const char *instance, char *address, size_t size, size_t *slot,
       bool *found)
{
	int error = ear_jid_from_instance(instance, address, size);

	if (error != 0)
		return error == -ENAMETOOLONG ? error : -EINVAL;
	*slot = slot_of(peers, address, found);
	if (*found && strcasecmp(peers->entries[*slot]->instance, instance) != 0)
		return -EEXIST;
	return 0;
}

static int
locate_or_refuse(struct peers *peers, const char *instance, char *address, size_t size,
		 size_t *slot, bool *found)
{
	switch (locate(peers, instance, address, size, slot, found)) {
	case 0:
		return 0;
	case -ENAMETOOLONG:
		refuse(peers, instance, "refused: longer than the 63 bytes of a DNS-SD name");
		break;
	case -EEXIST:
		refuse(peers, instance, "refused: another instance has the same address");
		break;
	default:
		refuse(peers, instance, "refused: not a name of the form user@machine");
		break;
	}
	return -EINVAL;
}

static int
refuse_when_full(struct peers *peers, const char *instance)
{
	if (peers->count < PEERS_MAX)
		return 0;
	complain(peers, "full", instance, "refused: too many peers are known already");
	return -ENOBUFS;
}

static struct peer_way *
way_find(struct peer *peer, int interface, int family)
{
	for (size_t i = 0; i < peer->way_count; i++)
		if (peer->ways[i].interface == interface && peer->ways[i].family == family)
			return &peer->ways[i];
	return NULL;
}

static void
entry_insert(struct peers *peers, size_t slot, struct peer *entry)
{
	if (peers->count == peers->room) {
		peers->room = peers->room == 0 ? 16 : peers->room * 2;
		peers->entries = xrealloc(peers->entries, peers->room * sizeof(peers->entries[0]));
	}
	memmove(&peers->entries[slot + 1], &peers->entries[slot],
		(peers->count - slot) * sizeof(peers->entries[0]));
	peers->entries[slot] = entry;
	peers->count++;
}

/* Out of the table first, then told, then freed: whoever hears of it finds it gone. */
static void
entry_remove(struct peers *peers, size_t slot)
{
	struct peer *entry = peers->entries[slot];

	peers->count--;
	memmove(&peers->entries[slot], &peers->entries[slot + 1],
		(peers->count - slot) * sizeof(peers->entries[0]));
	peers->events.lost(peers->arg, entry);
	free(entry);
}

/* The record is kept as far as it could be read. True when it differs from the one before. */
static bool
take_txt(struct peers *peers, struct peer *entry, const unsigned char *wire, size_t length)
{
	struct txt txt;
	int error = txt_decode(wire, length, &txt);
	bool changed;

	if (error != 0)
		complain(peers, entry->address, entry->address,
			 error == -EMSGSIZE ? "TXT record too long, or too many keys: read in part"
					    : "TXT record ends inside a string: read in part");
	changed = memcmp(&txt, &entry->txt, sizeof(txt)) != 0;
	entry->txt = txt;
	return changed;
}

static bool
take_way(struct peer_way *old, const struct peer_way *way)
{
	if (old->length == way->length && memcmp(&old->address, &way->address, way->length) == 0)
		return false;
	*old = *way;
	return true;
}

static bool
way_is_resolved(const struct peer_way *way)
{
	return way->address.ss_family != AF_UNSPEC;
}

static void
see_unresolved(struct peers *peers, struct peer *entry, const struct peer_way *way)
{
	struct peer_way *old = way_find(entry, way->interface, way->family);

	if (old == NULL || !way_is_resolved(old))
		return;
	old->address = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	old->length = 0;
	peers->events.changed(peers->arg, entry);
}

static int
see_again(struct peers *peers, struct peer *peer, const struct peer_way *way, const char *host,
	  const unsigned char *txt, size_t txt_length)
{
	struct peer_way *old = way_find(peer, way->interface, way->family);
	bool changed;

	if (old == NULL && peer->way_count == PEER_WAYS_MAX) {
		complain(peers, peer->address, peer->address, "too many ways to it: one left out");
		return -ENOBUFS;
	}
	changed = take_txt(peers, peer, txt, txt_length);
	if (strcmp(peer->host, host) != 0) {
		copy_text(peer->host, sizeof(peer->host), host);
		changed = true;
	}
	if (old == NULL) {
		peer->ways[peer->way_count++] = *way;
		changed = true;
	} else if (take_way(old, way)) {
		changed = true;
	}
	if (changed)
		peers->events.changed(peers->arg, peer);
	return 0;
}

static int
see_first(struct peers *peers, size_t slot, const char *address, const char *instance,
	  const struct peer_way *way, const char *host, const unsigned char *txt, size_t txt_length)
{
	struct peer *entry;
	int error = refuse_when_full(peers, instance);

	if (error != 0)
		return error;
	entry = xalloc(sizeof(*entry));
	copy_text(entry->address, sizeof(entry->address), address);
	copy_text(entry->instance, sizeof(entry->instance), instance);
	copy_text(entry->host, sizeof(entry->host), host);
	entry->ways[0] = *way;
	entry->way_count = 1;
	take_txt(peers, entry, txt, txt_length);
	entry_insert(peers, slot, entry);
	peers->events.found(peers->arg, entry);
	return 0;
}

struct peers *
peers_new(const struct peers_events *events, void *arg)
{
	struct peers *peers = xalloc(sizeof(*peers));
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	peers->events = *events;
	peers->arg = arg;
	peers->refused = map_new();
	peers->refused_since = now.tv_sec;
	return peers;
}

void
peers_free(struct peers *peers)
{
	if (peers == NULL)
		return;
	for (size_t i = 0; i < peers->count; i++)
		free(peers->entries[i]);
	free(peers->entries);
	map_free(peers->refused);
	free(peers);
}

int
peers_check(struct peers *peers, const char *instance)
{
	char address[sizeof(((struct peer *)0)->address)];
	size_t slot;
	bool found;
	int error = locate_or_refuse(peers, instance, address, sizeof(address), &slot, &found);

	if (error != 0)
		return error;
	return found ? 0 : refuse_when_full(peers, instance);
}

int
peers_see(struct peers *peers, const char *instance, const struct peer_way *way, const char *host,
	  const unsigned char *txt, size_t txt_length)
{
	char address[sizeof(((struct peer *)0)->address)];
	size_t slot;
	bool found;
	int error = locate_or_refuse(peers, instance, address, sizeof(address), &slot, &found);

	if (error != 0)
		return error;
	if (!way_is_resolved(way)) {
		if (found)
			see_unresolved(peers, peers->entries[slot], way);
		return 0;
	}
	if (strlen(host) > PEER_HOST_MAX) {
		refuse(peers, instance, "refused: its host name is too long");
		return -ENOBUFS;
	}
	if (found)
		return see_again(peers, peers->entries[slot], way, host, txt, txt_length);
	return see_first(peers, slot, address, instance, way, host, txt, txt_length);
}

void
peers_forget(struct peers *peers, const char *instance, int interface, int family)
{
	char address[sizeof(((struct peer *)0)->address)];
	struct peer_way *way;
	struct peer *entry;
	size_t slot;
	bool found;

	if (locate(peers, instance, address, sizeof(address), &slot, &found) != 0 || !found)
		return;
	entry = peers->entries[slot];
	way = way_find(entry, interface, family);
	if (way == NULL)
		return;
	*way = entry->ways[--entry->way_count];
	if (entry->way_count == 0)
		entry_remove(peers, slot);
	else
		peers->events.changed(peers->arg, entry);
}

void
peers_clear(struct peers *peers)
{
	while (peers->count > 0)
		entry_remove(peers, peers->count - 1);
}

const struct peer *
peers_find(const struct peers *peers, const char *address)
{
	bool found;
	size_t slot = slot_of(peers, address, &found);

	return found ? peers->entries[slot] : NULL;
}

const struct peer *
peers_find_source(const struct peers *peers, const struct sockaddr *source)
{
	const struct peer *only = NULL;

	for (size_t i = 0; i < peers->count; i++) {
		if (!peer_has_source(peers->entries[i], source))
			continue;
		if (only != NULL)
			return NULL;
		only = peers->entries[i];
	}
	return only;
}

/* An address as 16 bytes, IPv4 mapped into IPv6, and the scope where it has a meaning. */
static bool
address_normal(const struct sockaddr *address, struct in6_addr *out, uint32_t *scope)
{
	*scope = 0;
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)address;

		memset(out, 0, sizeof(*out));
		out->s6_addr[10] = out->s6_addr[11] = 0xff;
		memcpy(&out->s6_addr[12], &v4->sin_addr, 4);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)address;

		*out = v6->sin6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(out))
			*scope = v6->sin6_scope_id;
		return true;
	}
	return false;
}

bool
peer_has_source(const struct peer *peer, const struct sockaddr *source)
{
	struct in6_addr wanted, has;
	uint32_t wanted_scope, has_scope;

	if (!address_normal(source, &wanted, &wanted_scope))
		return false;
	for (size_t i = 0; i < peer->way_count; i++) {
		const struct sockaddr *address = (const void *)&peer->ways[i].address;

		if (address_normal(address, &has, &has_scope) && has_scope == wanted_scope &&
		    memcmp(&has, &wanted, sizeof(has)) == 0)
			return true;
	}
	return false;
}

size_t
peers_count(const struct peers *peers)
{
	return peers->count;
}

const struct peer *
peers_at(const struct peers *peers, size_t i)
{
	return i < peers->count ? peers->entries[i] : NULL;
}
