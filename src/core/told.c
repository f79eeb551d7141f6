/* SPDX-License-Identifier: ISC */
/* told.c: the ways that trusted engines have told over their servers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "core/probe.h"
#include "core/told.h"
#include "core/vouch.h"
#include "core/ways.h"
#include "trust/hint.h"

struct told {
	struct ear *ear;
	char *address, *jid;
	struct ear_key key;
	struct sockaddr_storage ways[EAR_TOLD_MAX];
	size_t count;
	bool fresh;                   /* what it says has not been looked at yet */
	int64_t until;                /* when it is over */
	int64_t rest_until;           /* not dialled before */
	int64_t rest;                 /* how long the last time; 0: it did not have to */
	unsigned long long up_serial; /* of the last link that came up */
};

static struct told *
told_find(struct ear *ear, const char *address)
{
	return map_get(ear->told, address);
}

static bool
is_over(const struct told *told)
{
	return told->count == 0 || ear_now(told->ear->clock) >= told->until;
}

static void
told_free(struct told *told)
{
	free(told->address);
	free(told->jid);
	free(told);
}

static void
wake(struct told *told)
{
	struct dest *dest = dest_find(told->ear, told->address);

	told->rest = told->rest_until = 0;
	if (dest == NULL)
		return;
	path_retry(&dest->by_lan);
	probe_now(dest);
}

/* --- what it is for ------------------------------------------------------------------------- */

/* Its LAN address is expected to be the device of that key. */
static bool
is_expected(const struct told *told)
{
	const struct dest *dest = dest_find(told->ear, told->address);

	return dest != NULL && dest->bound && ear_key_equal(&dest->key, &told->key);
}

size_t
told_targets(struct ear *ear, const char *address, struct sockaddr_storage *targets,
	     socklen_t *lengths, size_t max)
{
	const struct told *told = told_find(ear, address);
	size_t n = 0;

	if (told == NULL || is_over(told) || ear_now(ear->clock) < told->rest_until ||
	    !is_expected(told))
		return 0;
	for (; n < told->count && n < max; n++) {
		targets[n] = told->ways[n];
		lengths[n] = ways_length(&told->ways[n]);
	}
	return n;
}

bool
told_is_known(struct ear *ear, const char *address)
{
	const struct told *told = told_find(ear, address);

	return told != NULL && !is_over(told) && is_expected(told);
}

const struct ear_key *
told_key(struct ear *ear, const char *address)
{
	const struct told *told = told_find(ear, address);
	const struct dest *dest = dest_find(ear, address);

	if (told == NULL || is_over(told) || !is_expected(told) ||
	    peers_find(ear->peers, address) != NULL ||
	    (dest->conf != NULL && dest->conf->host != NULL))
		return NULL;
	return &told->key;
}

void
told_up(struct ear *ear, const struct link *link)
{
	struct told *told = told_find(ear, link->peer);

	if (told == NULL)
		return;
	told->up_serial = link->serial;
	told->rest = told->rest_until = 0;
}

/* Private addresses mean another host in every network: who was dialled in vain is left alone for a
 * while. */
void
told_down(struct ear *ear, const struct link *link)
{
	struct told *told = told_find(ear, link->peer);

	if (told == NULL || told->up_serial == link->serial)
		return;
	told->rest = told->rest == 0 ? TOLD_REST_MIN : told->rest * 2;
	if (told->rest > TOLD_REST_MAX)
		told->rest = TOLD_REST_MAX;
	told->rest_until = ear_now(ear->clock) + told->rest;
}

/* --- whether it is believed ------------------------------------------------------------------ */

/* Whose key is that? 0; -EAGAIN: it is being asked for; -EACCES: another device's, or not of one on
 * our list. */
static int
judge(struct ear *ear, const char *jid, const struct ear_key *key)
{
	const struct pin *pin = pins_find(ear->pins, key);
	bool pinned = pin != NULL && !pin->revoked && pin_has_jid(pin, jid);
	char published[EAR_JID_SIZE];

	if (!meet_trusts_jid(ear, jid) && (!pinned || meet_level(ear, pin) < EAR_TRUSTED))
		return -EACCES;
	switch (vouch_check(ear, jid, key, published)) {
	case VOUCH_YES: /* of an account each device speaks for itself */
		return ear_jid_resource(published) == NULL || ear_jid_equal(published, jid)
			       ? 0
			       : -EACCES;
	case VOUCH_ASKING:
		return pinned ? 0 : -EAGAIN;
	case VOUCH_UNKNOWN:
	case VOUCH_NOBODY:
		if (pinned)
			return 0;
		break;
	case VOUCH_NO:
		break;
	}
	/* What we know is older than this word of it: there may be a list by now. */
	ear_devices_changed(ear, jid);
	return -EAGAIN;
}

/* --- at the look at everybody --------------------------------------------------------------- */

static bool
expect(struct told *told)
{
	const struct pin *pin = pins_find(told->ear->pins, &told->key);
	const char *const *jids = (const char *const *)&told->jid;
	size_t count = 1;

	if (is_expected(told))
		return true;
	if (pin != NULL && !pin->revoked && pin_has_jid(pin, told->jid)) {
		jids = (const char *const *)pin->jids;
		count = pin->jid_count;
	}
	return meet_expect(told->ear, told->address, &told->key, jids, count);
}

/* One that is not expected where it says that it is may be later: the name was another device's, or
 * its key was forgotten and is known again. */
static void
look_at(struct told *told)
{
	struct ear *ear = told->ear;
	bool fresh = told->fresh;

	if (!fresh && is_expected(told))
		return;
	told->fresh = false;
	if (!fresh && judge(ear, told->jid, &told->key) == -EACCES) {
		told->count = 0;
		meet_soon(ear);
	} else if (expect(told)) {
		ear_info("%s: told by its server: it is %s, at %zu addresses", told->address,
			 told->jid, told->count);
		wake(told);
		ear->reach->lan_recheck(ear->reach_arg, told->address);
		core_tell(ear, EAR_PEER_CHANGED, told->address, EAR_LINK_LAN);
	} else if (fresh) {
		ear_info("%s: told by %s, but that name is another device's here", told->address,
			 told->jid);
	}
}

static void
end(struct told *told)
{
	struct ear *ear = told->ear;

	map_del(ear->told, told->address);
	ear_info("%s: says no more where it is", told->address);
	ear->reach->lan_recheck(ear->reach_arg, told->address);
	if (peers_find(ear->peers, told->address) == NULL)
		core_tell(ear, EAR_PEER_GONE, told->address, EAR_LINK_NONE);
	told_free(told);
}

void
told_look(struct ear *ear)
{
	int64_t next = INT64_MAX;

	for (size_t i = map_count(ear->told); i-- > 0;) {
		struct told *told;

		if (i >= map_count(ear->told))
			continue;
		told = map_at(ear->told, i, NULL);
		if (is_over(told)) {
			end(told);
			continue;
		}
		if (told->until < next)
			next = told->until;
		look_at(told);
	}
	if (next != INT64_MAX)
		meet_at(ear, next);
}

/* --- what is told --------------------------------------------------------------------------- */

static int
read_ways(const struct ear_told *from, struct sockaddr_storage *ways)
{
	if (from->count > EAR_TOLD_MAX || from->port > 65535 ||
	    (from->count > 0 && from->port == 0))
		return -EINVAL;
	for (size_t i = 0; i < from->count; i++) {
		if (strchr(from->ip[i], '%') != NULL || ways_parse(from->ip[i], &ways[i]) != 0 ||
		    !ways_is_far(&ways[i]))
			return -EINVAL;
		ways_set_port(&ways[i], from->port);
	}
	return 0;
}

/* The LAN address as it is in the table, and the JID. */
static int
read_names(const struct ear_told *from, char *address, char *jid)
{
	char instance[EAR_INSTANCE_MAX + 1];

	if (ear_jid_prep(from->jid, jid, EAR_JID_SIZE) != 0 || ear_jid_is_lan(jid) ||
	    ear_jid_prep(from->address, address, EAR_JID_SIZE) != 0 || !ear_jid_is_lan(address) ||
	    ear_jid_resource(address) != NULL)
		return -EINVAL;
	return ear_jid_to_instance(address, instance, sizeof(instance)) == 0 ? 0 : -EINVAL;
}

/* A device has one name: what was told of it under another is over. */
static void
leave_other_names(struct ear *ear, const struct ear_key *key, const char *address)
{
	for (size_t i = 0; i < map_count(ear->told); i++) {
		struct told *told = map_at(ear->told, i, NULL);

		if (ear_key_equal(&told->key, key) && strcmp(told->address, address) != 0)
			told->count = 0;
	}
}

static bool
is_news(const struct told *told, const struct told *now)
{
	return told->count != now->count || !ear_key_equal(&told->key, &now->key) ||
	       memcmp(told->ways, now->ways, now->count * sizeof(now->ways[0])) != 0;
}

static struct told *
told_add(struct ear *ear, const char *address, const char *jid)
{
	struct told *told = xalloc(sizeof(*told));

	told->ear = ear;
	told->address = xstrdup(address);
	told->jid = xstrdup(jid);
	map_set(ear->told, address, told);
	return told;
}

static int
take(struct ear *ear, const char *address, const char *jid, const struct told *now)
{
	struct told *told = told_find(ear, address);

	/* Of two devices that call themselves the same, the one that said so first. */
	if (told != NULL && !is_over(told) && !ear_key_equal(&told->key, &now->key) &&
	    !ear_jid_equal(told->jid, jid))
		return -EEXIST;
	if (told == NULL && now->count == 0)
		return 0;
	if (told == NULL && map_count(ear->told) >= TOLD_PEERS_MAX)
		return -ENOBUFS;
	if (told == NULL)
		told = told_add(ear, address, jid);
	told->fresh = told->fresh || is_news(told, now);
	xreplace(&told->jid, jid);
	told->key = now->key;
	memcpy(told->ways, now->ways, sizeof(told->ways));
	told->count = now->count;
	told->until = now->until;
	return 0;
}

int
ear_tell_ways(struct ear *ear, const struct ear_told *from)
{
	char address[EAR_JID_SIZE], jid[EAR_JID_SIZE];
	int64_t usec = from->usec < TOLD_LIFE_MAX ? from->usec : TOLD_LIFE_MAX;
	struct told now = { .ear = ear,
			    .key = from->key,
			    .count = from->count,
			    .until = ear_now(ear->clock) + usec };
	int error = read_names(from, address, jid);

	if (error == 0)
		error = read_ways(from, now.ways);
	if (error == 0)
		error = judge(ear, jid, &from->key);
	if (error == 0 && core_is_self(ear, address))
		error = -EEXIST;
	if (error == 0)
		error = take(ear, address, jid, &now);
	if (error != 0)
		return error;
	leave_other_names(ear, &from->key, address);
	meet_soon(ear);
	return 0;
}

/* --- its making ----------------------------------------------------------------------------- */

/* What led nowhere may lead somewhere from here. */
static void
on_event(void *arg, const struct ear_event *event)
{
	struct ear *ear = arg;

	if (event->kind != EAR_NETWORK_CHANGED)
		return;
	for (size_t i = 0; i < map_count(ear->told); i++)
		wake(map_at(ear->told, i, NULL));
}

void
told_init(struct ear *ear)
{
	ear->told = map_new();
	ear_watch(ear, on_event, ear);
}

void
told_release(struct ear *ear)
{
	for (size_t i = 0; i < map_count(ear->told); i++)
		told_free(map_at(ear->told, i, NULL));
	map_free(ear->told);
}
