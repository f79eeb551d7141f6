/* SPDX-License-Identifier: ISC */
/* dest.c: destinations under all their addresses. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/core.h"
#include "core/probe.h"
#include "core/route.h"

static struct dest *
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
	list_init(&dest->waiting);
	ear_timer_init(&dest->flush, ear->clock, route_flush, dest);
	probe_init(dest);
	list_add(&ear->dests.all, &dest->all);
	ear->dests.count++;
	return dest;
}

static void
dest_index(struct dest *dest, const char *address)
{
	char key[EAR_JID_SIZE];

	if (address == NULL)
		return;
	if (ear_jid_prep(address, key, sizeof(key)) == 0)
		map_set(dest->ear->dests.by_address, key, dest);
	if (ear_jid_bare(address, key, sizeof(key)) == 0)
		map_set(dest->ear->dests.by_address, key, dest);
}

static void
dest_unindex(struct dest *dest)
{
	struct map *map = dest->ear->dests.by_address;

	for (size_t i = map_count(map); i-- > 0;) {
		const char *key;

		if (map_at(map, i, &key) == dest)
			map_del(map, key);
	}
}

static void
dest_free(struct dest *dest)
{
	struct list *item, *spare;

	ear_request_forget(dest->ear, dest);
	probe_release(dest);
	ear_timer_stop(&dest->flush);
	list_each (item, spare, &dest->waiting)
		route_drop_waiting(item);
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

	if (ear->dests.count < DESTS_MAX)
		return;
	list_each (item, spare, &ear->dests.all) {
		struct dest *dest = container_of(item, struct dest, all);

		if (dest->conf != NULL || dest->waiting_count > 0 || dest->switching ||
		    dest->by_lan.pinging || dest->by_server.pinging)
			continue;
		dest_unindex(dest);
		dest_free(dest);
		return;
	}
}

void
dests_init(struct ear *ear)
{
	ear->dests.by_address = map_new();
	list_init(&ear->dests.all);
	for (size_t i = 0; i < ear->conf->peer_count; i++) {
		const struct conf_peer *peer = &ear->conf->peers[i];
		char lan[EAR_JID_SIZE];
		bool has_lan =
			peer->address != NULL && ear_jid_bare(peer->address, lan, sizeof(lan)) == 0;
		struct dest *dest = dest_new(ear, has_lan ? lan : NULL, peer->jid, peer);

		dest_index(dest, dest->lan);
		dest_index(dest, dest->jid);
	}
}

void
dests_release(struct ear *ear)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->dests.all)
		dest_free(container_of(item, struct dest, all));
	map_free(ear->dests.by_address);
}

/*
 * A full address is looked up as it stands, then without its resource: the device that
 * configuration binds to juliet@example.org/box is not juliet@example.org/phone, but it is
 * juliet@example.org.
 */
struct dest *
dest_find(struct ear *ear, const char *address)
{
	char full[EAR_JID_SIZE], bare[EAR_JID_SIZE];
	struct dest *dest;

	if (ear_jid_prep(address, full, sizeof(full)) != 0 ||
	    ear_jid_bare(address, bare, sizeof(bare)) != 0)
		return NULL;
	dest = map_get(ear->dests.by_address, full);
	if (dest != NULL)
		return dest;
	dest = map_get(ear->dests.by_address, bare);
	if (dest != NULL && dest->conf != NULL && dest->jid != NULL &&
	    ear_jid_resource(dest->jid) != NULL && !ear_jid_is_lan(bare))
		return NULL;
	return dest;
}

struct dest *
dest_get(struct ear *ear, const char *address)
{
	char full[EAR_JID_SIZE], bare[EAR_JID_SIZE];
	struct dest *dest = dest_find(ear, address);
	bool lan;

	if (dest == NULL) {
		if (ear_jid_prep(address, full, sizeof(full)) != 0 ||
		    ear_jid_bare(address, bare, sizeof(bare)) != 0)
			return NULL;
		dests_trim(ear);
		lan = ear_jid_is_lan(bare);
		if (map_get(ear->dests.by_address, bare) == NULL)
			memcpy(full, bare, strlen(bare) + 1);
		dest = dest_new(ear, lan ? bare : NULL, lan ? NULL : full, NULL);
		map_set(ear->dests.by_address, full, dest);
	}
	list_del(&dest->all);
	list_add(&ear->dests.all, &dest->all);
	return dest;
}

bool
dest_is_same(struct ear *ear, const char *a, const char *b)
{
	struct dest *dest;

	if (ear_jid_equal(a, b))
		return true;
	dest = dest_find(ear, a);
	return dest != NULL && dest->conf != NULL && dest == dest_find(ear, b);
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
dest_is_warm(const struct dest *dest)
{
	return dest->conf != NULL && dest->lan != NULL;
}
