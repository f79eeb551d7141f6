/* SPDX-License-Identifier: ISC */
/* dest.c: destinations under all their addresses. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/core.h"
#include "core/dest_impl.h"
#include "core/probe.h"
#include "core/route.h"

struct dest *
dest_new(struct ear *ear, const char *lan, const char *jid, const struct conf_peer *conf)
{
	struct dest *dest = xalloc(sizeof(*dest));

	dest->ear = ear;
	dest->lan = xstrdup(lan);
	dest->jid = xstrdup(jid);
	dest->conf = conf;
	dest->why = "not used yet";
	path_init(&dest->by_lan, EAR_LINK_LAN);
	path_init(&dest->by_server, EAR_LINK_SERVER);
	queue_init(&dest->owed);
	queue_init(&dest->returned);
	queue_init(&dest->waiting);
	ear_timer_init(&dest->flush, ear->clock, route_flush, dest);
	probe_init(dest);
	list_add(&ear->dests.all, &dest->all);
	ear->dests.count++;
	return dest;
}

/* The address as it stands. Of two sections with one address the first has it. */
void
dest_index(struct dest *dest, const char *address)
{
	struct map *map = dest->ear->dests.by_address;
	char key[EAR_JID_SIZE];

	if (address == NULL || ear_jid_prep(address, key, sizeof(key)) != 0)
		return;
	dest->sole = false;
	if (map_get(map, key) == NULL)
		map_set(map, key, dest);
	else if (map_get(map, key) != dest)
		ear_warn("%s: two [peer] sections have this address, the first counts", key);
}

/* The address without its resource, when nobody else has that. */
void
dest_index_bare(struct dest *dest)
{
	struct map *map = dest->ear->dests.by_address;
	char key[EAR_JID_SIZE];

	dest->sole = false;
	if (dest->jid != NULL && ear_jid_bare(dest->jid, key, sizeof(key)) == 0 &&
	    map_get(map, key) == NULL)
		map_set(map, key, dest);
}

void
dest_unindex(struct dest *dest)
{
	struct map *map = dest->ear->dests.by_address;
	const char *name = dest_name(dest);

	/* Of thousands that are notified one after the other, each makes room for the next. */
	if (dest->sole) {
		if (map_get(map, name) == dest)
			map_del(map, name);
		return;
	}
	for (size_t i = map_count(map); i-- > 0;) {
		const char *key;

		if (map_at(map, i, &key) == dest)
			map_del(map, key);
	}
}

void
dest_free(struct dest *dest)
{
	ear_request_forget(dest->ear, dest);
	probe_release(dest);
	ear_timer_stop(&dest->flush);
	queue_release(&dest->owed);
	queue_release(&dest->returned);
	queue_release(&dest->waiting);
	list_del(&dest->all);
	dest->ear->dests.count--;
	free(dest->lan);
	free(dest->jid);
	free(dest);
}

/* Makes room for one more: the longest unused destination goes that nothing depends on. */
static void
dests_trim(struct ear *ear)
{
	struct list *item, *spare;

	if (ear->dests.count < DESTS_MAX || ear->dests.walking > 0)
		return;
	list_each (item, spare, &ear->dests.all) {
		struct dest *dest = container_of(item, struct dest, all);

		if (dest->conf != NULL || dest->bound || dest_is_waiting(dest) ||
		    dest->owed.count > 0 || dest->switching || dest->flushing ||
		    dest->by_lan.pinging || dest->by_server.pinging)
			continue;
		dest_unindex(dest);
		dest_free(dest);
		return;
	}
}

struct dest *
dest_of_conf(struct ear *ear, const struct conf_peer *peer)
{
	char lan[EAR_JID_SIZE];
	bool has_lan = peer->address != NULL && ear_jid_bare(peer->address, lan, sizeof(lan)) == 0;
	struct dest *dest = dest_new(ear, has_lan ? lan : NULL, peer->jid, peer);

	dest_index(dest, dest->lan);
	dest_index(dest, dest->jid);
	return dest;
}

void
dests_init(struct ear *ear)
{
	struct list *item, *spare;

	ear->dests.by_address = map_new();
	list_init(&ear->dests.all);
	for (size_t i = 0; i < ear->conf->peer_count; i++)
		dest_of_conf(ear, &ear->conf->peers[i]);
	list_each (item, spare, &ear->dests.all)
		dest_index_bare(container_of(item, struct dest, all));
}

void
dests_release(struct ear *ear)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->dests.all)
		dest_free(container_of(item, struct dest, all));
	map_free(ear->dests.by_address);
}

void
dests_each(struct ear *ear, void (*fn)(struct dest *dest, void *arg), void *arg)
{
	struct list *item;

	ear->dests.walking++;
	for (item = ear->dests.all.next; item != &ear->dests.all; item = item->next)
		fn(container_of(item, struct dest, all), arg);
	ear->dests.walking--;
}

/* Who has proved to be a domain is everybody in it, as on the server path. */
static struct dest *
find_domain(struct ear *ear, const char *bare)
{
	const char *at = strchr(bare, '@');
	struct dest *dest = at == NULL ? NULL : map_get(ear->dests.by_address, at + 1);

	return dest != NULL && dest->bound ? dest : NULL;
}

/*
 * A full address is looked up as it stands, then without its resource: the device that
 * configuration binds to juliet@example.org/box is not juliet@example.org/phone, but it is
 * juliet@example.org.
 */
struct dest *
dest_find_canonical(struct ear *ear, const char *full, const char *bare)
{
	struct dest *dest = map_get(ear->dests.by_address, full);

	if (dest != NULL)
		return dest;
	if (full[strlen(bare)] != '\0')
		dest = map_get(ear->dests.by_address, bare);
	if (dest != NULL && dest->jid != NULL && ear_jid_resource(dest->jid) != NULL &&
	    !ear_jid_is_lan(bare))
		return NULL;
	return dest != NULL ? dest : find_domain(ear, bare);
}

/* All keys are canonical, so an address that is one has nothing to be prepared. */
static struct dest *
find_as_is(const struct ear *ear, const char *address)
{
	return map_get(ear->dests.by_address, address);
}

int
dest_forms(const struct ear *ear, const char *address, char *full, char *bare)
{
	int error = find_as_is(ear, address) != NULL ? copy_text(full, EAR_JID_SIZE, address)
						     : ear_jid_prep(address, full, EAR_JID_SIZE);

	if (error == 0)
		copy_text(bare, strcspn(full, "/") + 1, full);
	return error;
}

struct dest *
dest_find(struct ear *ear, const char *address)
{
	char full[EAR_JID_SIZE], bare[EAR_JID_SIZE];
	struct dest *dest = find_as_is(ear, address);

	if (dest != NULL)
		return dest;
	return dest_forms(ear, address, full, bare) != 0 ? NULL
							 : dest_find_canonical(ear, full, bare);
}

/* A LAN address has no resources; a JID is one destination with all of them, but for the one that
 * configuration names in full. */
static struct dest *
dest_add(struct ear *ear, const char *full, const char *bare)
{
	bool lan = ear_jid_is_lan(bare);
	const char *key = map_get(ear->dests.by_address, bare) == NULL ? bare : full;
	struct dest *dest;

	dests_trim(ear);
	dest = dest_new(ear, lan ? bare : NULL, lan ? NULL : key, NULL);
	dest->sole = true;
	map_set(ear->dests.by_address, key, dest);
	return dest;
}

struct dest *
dest_get(struct ear *ear, const char *address)
{
	char full[EAR_JID_SIZE], bare[EAR_JID_SIZE];
	struct dest *dest = find_as_is(ear, address);

	if (dest == NULL) {
		if (dest_forms(ear, address, full, bare) != 0)
			return NULL;
		dest = dest_find_canonical(ear, full, bare);
	}
	if (dest == NULL)
		return dest_add(ear, full, bare);
	if (ear->dests.walking == 0) {
		list_del(&dest->all);
		list_add(&ear->dests.all, &dest->all);
	}
	return dest;
}

bool
dest_is_same(struct ear *ear, const char *a, const char *b)
{
	struct dest *dest = dest_find(ear, a);

	if ((dest != NULL && strcmp(a, b) == 0) || ear_jid_equal(a, b))
		return true;
	return dest != NULL && (dest->conf != NULL || dest->lan != NULL) &&
	       dest == dest_find(ear, b);
}

struct path *
dest_path(struct dest *dest, enum ear_link_kind kind)
{
	if (kind == EAR_LINK_LAN && dest->lan != NULL)
		return &dest->by_lan;
	if (kind == EAR_LINK_SERVER && dest->jid != NULL)
		return &dest->by_server;
	return NULL;
}

const char *
dest_name(const struct dest *dest)
{
	return dest->lan != NULL ? dest->lan : dest->jid;
}

bool
dest_is_waiting(const struct dest *dest)
{
	return dest->returned.count + dest->waiting.count > 0;
}

bool
dest_is_warm(const struct dest *dest)
{
	return dest->lan != NULL && (dest->conf != NULL || dest->trusted);
}
