/* SPDX-License-Identifier: ISC */
/* dest_bind.c: destinations that turn out to be one device, because one key is at all of them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/dest_impl.h"
#include "core/probe.h"
#include "core/route.h"

static void
move_waiting(struct dest *from, struct dest *to)
{
	queue_append(&to->owed, &from->owed);
	queue_append(&to->returned, &from->returned);
	queue_append(&to->waiting, &from->waiting);
	if (dest_is_waiting(to) || to->owed.count > 0)
		route_look_after(to, 0);
}

static void
move_index(struct dest *from, struct dest *to)
{
	struct map *map = from->ear->dests.by_address;
	const char *key;

	to->sole = false;
	for (size_t i = 0; i < map_count(map); i++)
		if (map_at(map, i, &key) == from)
			map_set(map, key, to);
}

/* What was measured stays true: it is the same link. */
static void
move_path(const struct path *from, struct path *to)
{
	*to = *from;
	to->pinging = false;
}

/* Everything of `other` becomes part of dest. */
void
dest_absorb(struct dest *dest, struct dest *other)
{
	if (other == dest)
		return;
	if (other->lan != NULL && dest->lan == NULL) {
		move_path(&other->by_lan, &dest->by_lan);
		xreplace(&dest->lan, other->lan);
	}
	if (dest->conf == NULL)
		dest->conf = other->conf;
	dest->remembers = dest->remembers || other->remembers;
	/* What a stream has begun with is the newest. */
	if (dest->age.clock[0] == '\0' || (other->lan != NULL && other->age.clock[0] != '\0'))
		dest->age = other->age;
	if (dest->active_until < other->active_until)
		dest->active_until = other->active_until;
	move_index(other, dest);
	move_waiting(other, dest);
	dest_free(other);
}

static struct dest *
at(struct ear *ear, const char *key)
{
	return map_get(ear->dests.by_address, key);
}

/* The address is one of dest's from now on. */
static void
take_address(struct dest *dest, const char *key)
{
	struct dest *other = at(dest->ear, key);

	dest->sole = false;
	if (other == NULL || other->bound)
		map_set(dest->ear->dests.by_address, key, dest);
	else
		dest_absorb(dest, other);
}

static bool
is_in_earshot(const struct dest *dest)
{
	struct ear *ear = dest->ear;

	return dest->bound && dest->lan != NULL &&
	       (peers_find(ear->peers, dest->lan) != NULL ||
		ear->reach->lan_find(ear->reach_arg, dest->lan) != NULL);
}

/* The account without a resource means its only device in earshot; of several, the server chooses
 * (RFC 6121 §8.5.2.1). */
static void
settle_account(struct ear *ear, const char *jid)
{
	struct dest *only = NULL, *other;
	struct list *item, *spare;
	char bare[EAR_JID_SIZE];
	size_t n = 0;

	if (ear_jid_resource(jid) == NULL || ear_jid_bare(jid, bare, sizeof(bare)) != 0)
		return;
	list_each (item, spare, &ear->dests.all) {
		struct dest *dest = container_of(item, struct dest, all);

		if (!is_in_earshot(dest) || !ear_jid_bare_equal(dest->jid, bare))
			continue;
		only = dest;
		n++;
	}
	other = at(ear, bare);
	if (n == 1)
		take_address(only, bare);
	else if (n > 1 && other != NULL && other->bound)
		map_del(ear->dests.by_address, bare);
}

void
dest_settle(struct ear *ear, const char *lan)
{
	const struct dest *dest = at(ear, lan);

	if (dest != NULL && dest->bound)
		settle_account(ear, dest->jid);
}

/* Those that were sent to under an address of that domain. */
static void
take_domain(struct dest *dest)
{
	struct list *item, *spare;

	if (strpbrk(dest->jid, "@/") != NULL)
		return;
	list_each (item, spare, &dest->ear->dests.all) {
		struct dest *other = container_of(item, struct dest, all);
		const char *at_sign = other->jid == NULL ? NULL : strchr(other->jid, '@');

		if (at_sign == NULL || other->conf != NULL || other->bound ||
		    strncmp(at_sign + 1, dest->jid, strlen(dest->jid)) != 0 ||
		    strchr("/", at_sign[1 + strlen(dest->jid)]) == NULL)
			continue;
		dest_absorb(dest, other);
	}
}

/* It was seen at another LAN address before, or is seen at none any more. */
static void
leave_lan(struct dest *dest)
{
	if (dest->lan == NULL)
		return;
	map_del(dest->ear->dests.by_address, dest->lan);
	xreplace(&dest->lan, NULL);
	if (dest->chosen == &dest->by_lan)
		dest->chosen = NULL;
	path_init(&dest->by_lan, EAR_LINK_LAN);
}

static bool
is_one_of(const char *jid, const char *const *jids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ear_jid_bare_equal(jid, jids[i]))
			return true;
	return false;
}

struct dest *
dest_of_key(struct ear *ear, const struct ear_key *key)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->dests.all) {
		struct dest *dest = container_of(item, struct dest, all);

		if (dest->bound && ear_key_equal(&dest->key, key))
			return dest;
	}
	return NULL;
}

/* The one of that key, wherever it was; else the one of its first JID. */
static struct dest *
find_main(struct ear *ear, const struct ear_key *key, const char *jid)
{
	struct dest *dest = dest_of_key(ear, key);

	if (dest != NULL)
		return dest;
	dest = at(ear, jid);
	return dest != NULL && !dest->bound ? dest : NULL;
}

/* By configuration, or as one of those. */
static bool
keeps(const struct dest *dest, const char *address, const char *const *jids, size_t count)
{
	const struct conf_peer *conf = dest->conf;

	if (conf != NULL && ((conf->jid != NULL && ear_jid_bare_equal(conf->jid, address)) ||
			     (conf->address != NULL && ear_jid_bare_equal(conf->address, address))))
		return true;
	return is_one_of(address, jids, count);
}

/* What the device was known by and is not any more: nothing that is sent there goes to it. */
static void
drop_addresses(struct dest *dest, const char *const *jids, size_t count)
{
	struct map *map = dest->ear->dests.by_address;
	const char *key;

	for (size_t i = map_count(map); i-- > 0;)
		if (map_at(map, i, &key) == dest && !ear_jid_is_lan(key) &&
		    !keeps(dest, key, jids, count))
			map_del(map, key);
}

struct dest *
dest_bind(struct ear *ear, const char *lan, const struct ear_key *key, const char *const *jids,
	  size_t count)
{
	struct dest *dest = find_main(ear, key, jids[0]), *other = at(ear, lan);

	assert(count > 0 && ear->dests.walking == 0);
	/* Another key was here, or configuration says that somebody else is: those JIDs stay,
	 * without this address. */
	if (other != NULL && other != dest &&
	    (other->bound || (other->jid != NULL && !is_one_of(other->jid, jids, count))))
		leave_lan(other);
	if (dest == NULL)
		dest = dest_new(ear, NULL, jids[0], NULL);
	if (dest->lan != NULL && strcmp(dest->lan, lan) != 0)
		leave_lan(dest);
	drop_addresses(dest, jids, count);
	dest->key = *key;
	dest->bound = true;
	xreplace(&dest->jid, jids[0]);
	take_address(dest, lan);
	xreplace(&dest->lan, lan);
	for (size_t i = 0; i < count; i++)
		take_address(dest, jids[i]);
	take_domain(dest);
	settle_account(ear, dest->jid);
	probe_now(dest);
	return dest;
}

/* Configuration says where it is, as long as no key says otherwise. */
static void
come_home(struct dest *dest)
{
	const char *home = dest->conf == NULL ? NULL : dest->conf->address;
	char lan[EAR_JID_SIZE];

	if (dest->bound || dest->lan != NULL || home == NULL ||
	    ear_jid_bare(home, lan, sizeof(lan)) != 0 || at(dest->ear, lan) != NULL)
		return;
	dest->sole = false;
	xreplace(&dest->lan, lan);
	map_set(dest->ear->dests.by_address, lan, dest);
}

void
dest_unbind(struct dest *dest)
{
	struct list *item, *spare;

	if (!dest->bound)
		return;
	dest->bound = dest->trusted = dest->remembers = false;
	delivery_stop(dest);
	leave_lan(dest);
	drop_addresses(dest, (const char *const *)&dest->jid, 1);
	list_each (item, spare, &dest->ear->dests.all)
		come_home(container_of(item, struct dest, all));
	route_choose(dest);
	route_flush(dest);
}
