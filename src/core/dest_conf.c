/* SPDX-License-Identifier: ISC */
/* dest_conf.c: destinations after the configuration has changed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/dest_conf.h"
#include "core/dest_impl.h"
#include "core/probe.h"
#include "core/route.h"

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* --- sections that stay or go ----------------------------------------------------------------- */

/* The section of the same addresses: the same device. */
static const struct conf_peer *
find_section(const struct conf *conf, const struct conf_peer *old)
{
	for (size_t i = 0; i < conf->peer_count; i++) {
		const struct conf_peer *peer = &conf->peers[i];

		if (is_same_text(peer->address, old->address) && is_same_text(peer->jid, old->jid))
			return peer;
	}
	return NULL;
}

/* Where it was tried in vain before may not be where it is. */
static void
keep_section(struct dest *dest, const struct conf_peer *peer)
{
	bool moved = !is_same_text(dest->conf->host, peer->host) || dest->conf->port != peer->port;

	dest->conf = peer;
	if (moved)
		path_retry(&dest->by_lan);
}

/*
 * Nobody says any more that its two addresses are one device. It stays what is at the LAN address;
 * what waits for the JID goes to whoever that is now.
 */
static void
split(struct dest *dest)
{
	struct ear *ear = dest->ear;
	char *jid = dest->jid;

	dest_unindex(dest);
	dest->sole = false;
	dest->jid = NULL;
	if (dest->chosen == &dest->by_server)
		dest->chosen = NULL;
	path_init(&dest->by_server, EAR_LINK_SERVER);
	map_set(ear->dests.by_address, dest->lan, dest);
	dest_get(ear, jid);
	free(jid);
	if (dest_is_waiting(dest))
		route_look_after(dest, 0);
}

static void
drop_section(struct dest *dest)
{
	dest->conf = NULL;
	if (!dest->bound && dest->lan != NULL && dest->jid != NULL)
		split(dest);
}

/* --- new sections ----------------------------------------------------------------------------- */

/* Who is at that address as it stands, unless a section or a key has it. */
static struct dest *
find_free(struct ear *ear, const char *address, struct dest **taken)
{
	char key[EAR_JID_SIZE];
	struct dest *dest;

	if (address == NULL || ear_jid_prep(address, key, sizeof(key)) != 0)
		return NULL;
	dest = map_get(ear->dests.by_address, key);
	if (dest == NULL || (dest->conf == NULL && !dest->bound))
		return dest;
	*taken = dest;
	return NULL;
}

/* One that its key has bound already is that device, if the section says the same. */
static bool
join_bound(struct dest *dest, const struct conf_peer *peer)
{
	if (dest == NULL || !dest->bound || dest->conf != NULL)
		return false;
	if ((peer->address != NULL &&
	     (dest->lan == NULL || !ear_jid_bare_equal(dest->lan, peer->address))) ||
	    (peer->jid != NULL && !ear_jid_bare_equal(dest->jid, peer->jid))) {
		dest_unbind(dest);
		return false;
	}
	dest->conf = peer;
	return true;
}

/* Both may be known already, each for itself. */
static void
add_section(struct ear *ear, const struct conf_peer *peer)
{
	struct dest *taken[2] = { NULL, NULL }, *at[2], *dest;

	at[0] = find_free(ear, peer->address, &taken[0]);
	at[1] = find_free(ear, peer->jid, &taken[1]);
	if (join_bound(taken[0], peer) || (taken[1] != taken[0] && join_bound(taken[1], peer)))
		return;
	for (size_t i = 0; i < 2; i++)
		if (at[i] != NULL)
			dest_unindex(at[i]);
	dest = dest_of_conf(ear, peer);
	for (size_t i = 0; i < 2; i++) {
		if (at[i] == NULL || (i == 1 && at[1] == at[0]))
			continue;
		/* What was measured there is its path now. */
		if (i == 0)
			dest->by_lan = at[i]->by_lan;
		else
			dest->by_server = at[i]->by_server;
		dest->by_lan.pinging = dest->by_server.pinging = false;
		dest_absorb(dest, at[i]);
	}
	dest_index_bare(dest);
	probe_now(dest);
}

/* --- all ---------------------------------------------------------------------------------- */

/* Sections of which a destination has been found are marked. */
static void
follow(struct ear *ear, bool *found)
{
	struct list *item, *spare;

	ear->dests.walking++; /* none goes while new ones come */
	list_each (item, spare, &ear->dests.all) {
		struct dest *dest = container_of(item, struct dest, all);
		const struct conf_peer *peer;

		if (dest->conf == NULL)
			continue;
		peer = find_section(ear->conf, dest->conf);
		if (peer == NULL || found[peer - ear->conf->peers]) {
			drop_section(dest);
			continue;
		}
		found[peer - ear->conf->peers] = true;
		keep_section(dest, peer);
	}
	ear->dests.walking--;
}

static void
choose_again(struct dest *dest, void *unused)
{
	if (dest->chosen != NULL)
		route_choose(dest);
	probe_now(dest);
}

void
dests_reload(struct ear *ear)
{
	size_t count = ear->conf->peer_count;
	bool *found = xalloc((count + 1) * sizeof(*found));

	follow(ear, found);
	for (size_t i = 0; i < count; i++)
		if (!found[i])
			add_section(ear, &ear->conf->peers[i]);
	free(found);
	dests_each(ear, choose_again, NULL);
}
