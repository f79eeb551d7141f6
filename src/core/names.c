/* SPDX-License-Identifier: ISC */
/* names.c: the places that configuration names, and the addresses of host names among them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/place.h"
#include "core/names.h"
#include "core/probe.h"
#include "core/ways.h"

struct name {
	struct ear *ear;
	struct sockaddr_storage ways[NAME_WAYS_MAX]; /* without port */
	size_t count;
	int64_t asked_at, found_at; /* 0: never */
	int64_t wait;               /* after asked_at, before it is asked again */
	bool asking, failed;
	char host[];
};

/* --- the cache ------------------------------------------------------------------------------ */

/* Whoever is configured to be there is worth a try. */
static void
try_again(struct dest *dest, void *arg)
{
	const struct name *name = arg;
	struct place place;
	const char *at;

	if (dest->conf == NULL || dest->conf->host == NULL || dest->lan == NULL)
		return;
	for (at = dest->conf->host; place_next(&at, &place) == 1;)
		if (strcmp(place.host, name->host) == 0) {
			path_retry(&dest->by_lan);
			probe_now(dest);
			return;
		}
}

static bool
is_same_list(const struct name *name, const struct sockaddr_storage *ways, size_t count)
{
	return name->count == count && memcmp(name->ways, ways, count * sizeof(ways[0])) == 0;
}

/* Only what tells two addresses apart, so that lists can be compared. */
static void
take_way(struct sockaddr_storage *out, const struct sockaddr_storage *way)
{
	memset(out, 0, sizeof(*out));
	memcpy(out, way, ways_length(way));
	ways_set_port(out, 0);
}

static void
on_failed(struct name *name, const char *text)
{
	name->wait = name->wait < NAME_AGAIN ? NAME_AGAIN : name->wait * 2;
	if (name->wait > NAME_FRESH)
		name->wait = NAME_FRESH;
	if (!name->failed)
		ear_warn("%s (asked for again by itself)", text);
	name->failed = true;
}

/* core_found_fn */
static void
on_found(void *arg, const struct sockaddr_storage *found, size_t count, const char *text)
{
	struct name *name = arg;
	struct sockaddr_storage ways[NAME_WAYS_MAX];

	name->asking = false;
	if (count == 0) {
		on_failed(name, text);
		return;
	}
	if (count > NAME_WAYS_MAX)
		count = NAME_WAYS_MAX;
	for (size_t i = 0; i < count; i++)
		take_way(&ways[i], &found[i]);
	name->found_at = ear_now(name->ear->clock) + 1;
	name->wait = NAME_FRESH;
	name->failed = false;
	if (is_same_list(name, ways, count))
		return;
	memcpy(name->ways, ways, count * sizeof(ways[0]));
	name->count = count;
	ear_debug("%s: %zu addresses", name->host, count);
	dests_each(name->ear, try_again, name);
}

static void
name_ask(struct name *name)
{
	struct ear *ear = name->ear;
	int64_t now = ear_now(ear->clock) + 1;

	if (name->asking || ear->stopping || ear->reach->find_host == NULL ||
	    (name->asked_at != 0 && now - name->asked_at < name->wait))
		return;
	name->asking = true;
	name->asked_at = now;
	ear->reach->find_host(ear->reach_arg, name->host, on_found, name);
}

/* Configuration may be another one by now: the longest unasked that is not being asked for goes. */
static bool
make_room(struct ear *ear)
{
	struct name *oldest = NULL;

	if (map_count(ear->names) < NAMES_MAX)
		return true;
	for (size_t i = 0; i < map_count(ear->names); i++) {
		struct name *name = map_at(ear->names, i, NULL);

		if (!name->asking && (oldest == NULL || name->asked_at < oldest->asked_at))
			oldest = name;
	}
	if (oldest == NULL)
		return false;
	map_del(ear->names, oldest->host);
	free(oldest);
	return true;
}

static struct name *
name_get(struct ear *ear, const char *host)
{
	struct name *name = map_get(ear->names, host);
	size_t size = strlen(host) + 1;

	if (name != NULL)
		return name;
	if (!make_room(ear))
		return NULL;
	name = xalloc(sizeof(*name) + size);
	name->ear = ear;
	memcpy(name->host, host, size);
	map_set(ear->names, host, name);
	return name;
}

/* --- targets -------------------------------------------------------------------------------- */

static size_t
targets_of_name(struct ear *ear, const char *host, struct sockaddr_storage *ways, size_t max)
{
	struct name *name = name_get(ear, host);
	size_t n;

	if (name == NULL)
		return 0;
	name_ask(name);
	if (name->found_at == 0 || ear_now(ear->clock) - name->found_at >= NAME_KEPT)
		return 0;
	n = name->count < max ? name->count : max;
	memcpy(ways, name->ways, n * sizeof(ways[0]));
	return n;
}

static size_t
targets_of_place(struct ear *ear, const struct place *place, unsigned port,
		 struct sockaddr_storage *ways, socklen_t *lengths, size_t max)
{
	size_t n;

	if (!place->numeric)
		n = targets_of_name(ear, place->host, ways, max);
	else
		n = max > 0 && ways_parse(place->host, ways) == 0 ? 1 : 0;
	for (size_t i = 0; i < n; i++) {
		ways_set_port(&ways[i], place->port != 0 ? place->port : port);
		lengths[i] = ways_length(&ways[i]);
	}
	return n;
}

size_t
names_targets(struct ear *ear, const struct conf_peer *peer, struct sockaddr_storage *targets,
	      socklen_t *lengths, size_t max)
{
	const char *at = peer == NULL ? NULL : peer->host;
	struct place place;
	size_t n = 0;

	while (at != NULL && place_next(&at, &place) == 1)
		n += targets_of_place(ear, &place, peer->port, &targets[n], &lengths[n], max - n);
	return n;
}

/* --- its making ----------------------------------------------------------------------------- */

/* Another network may have another name server, and give other answers. */
static void
on_event(void *arg, const struct ear_event *event)
{
	struct ear *ear = arg;

	if (event->kind != EAR_NETWORK_CHANGED)
		return;
	for (size_t i = 0; i < map_count(ear->names); i++) {
		struct name *name = map_at(ear->names, i, NULL);

		name->asked_at = name->wait = 0;
	}
}

void
names_init(struct ear *ear)
{
	ear->names = map_new();
	ear_watch(ear, on_event, ear);
}

void
names_release(struct ear *ear)
{
	for (size_t i = 0; i < map_count(ear->names); i++)
		free(map_at(ear->names, i, NULL));
	map_free(ear->names);
}
