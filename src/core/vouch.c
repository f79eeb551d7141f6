/* SPDX-License-Identifier: ISC */
/* vouch.c: the lists of keys that servers publish, as long as they are fresh. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet.h"
#include "core/vouch.h"

struct device {
	struct ear_key key;
	char *name, *resource;
};

struct vouch {
	char *bare;
	struct device *devices;
	size_t count;
	int64_t asked_at;   /* 0: never */
	int64_t told_at;    /* 0: never */
	int64_t event_wait; /* how long the next change has to wait */
	unsigned long long serial;
	bool wanted; /* by us, not by somebody who claims to be that */
	bool asking, told;
	bool none;  /* told that there is no list */
	bool stale; /* somebody says that it has changed */
};

static int64_t
now_of(struct ear *ear)
{
	return ear_now(ear->clock) + 1; /* 0 is "never", also on a fake clock */
}

static void
drop_devices(struct vouch *vouch)
{
	for (size_t i = 0; i < vouch->count; i++) {
		free(vouch->devices[i].name);
		free(vouch->devices[i].resource);
	}
	free(vouch->devices);
	vouch->devices = NULL;
	vouch->count = 0;
}

static void
vouch_free(struct vouch *vouch)
{
	drop_devices(vouch);
	free(vouch->bare);
	free(vouch);
}

static bool
goes_before(const struct vouch *a, const struct vouch *b)
{
	return a->wanted != b->wanted ? b->wanted : a->asked_at < b->asked_at;
}

/* Room for one more: what has been asked for longest ago goes. */
static void
trim(struct ear *ear)
{
	struct vouch *oldest;

	if (map_count(ear->vouches) < VOUCHES_MAX)
		return;
	oldest = map_at(ear->vouches, 0, NULL);
	for (size_t i = 1; i < map_count(ear->vouches); i++) {
		struct vouch *vouch = map_at(ear->vouches, i, NULL);

		if (goes_before(vouch, oldest))
			oldest = vouch;
	}
	map_del(ear->vouches, oldest->bare);
	vouch_free(oldest);
}

static struct vouch *
vouch_get(struct ear *ear, const char *bare)
{
	struct vouch *vouch = map_get(ear->vouches, bare);

	if (vouch != NULL)
		return vouch;
	trim(ear);
	vouch = xalloc(sizeof(*vouch));
	vouch->bare = xstrdup(bare);
	map_set(ear->vouches, bare, vouch);
	return vouch;
}

static struct vouch *
vouch_find(struct ear *ear, const char *jid)
{
	char bare[EAR_JID_SIZE];

	return ear_jid_bare(jid, bare, sizeof(bare)) != 0 ? NULL : map_get(ear->vouches, bare);
}

static bool
can_ask(const struct ear *ear)
{
	return ear->fetch != NULL && !ear->stopping && ear->server != NULL &&
	       ear->server->state == LINK_UP;
}

/*
 * Whoever shows a certificate makes us ask the servers of the addresses in it: not as often as he
 * likes, or the LAN would send queries to anybody in our name.
 */
static bool
take_turn(struct ear *ear)
{
	int64_t now = now_of(ear), more = (now - ear->asks_at) / EAR_SEC;

	if (ear->asks_at == 0 || more >= VOUCH_BURST) {
		ear->asks_left = VOUCH_BURST;
		ear->asks_at = now;
	} else {
		ear->asks_left += (unsigned)more;
		ear->asks_at += more * EAR_SEC;
	}
	if (ear->asks_left > VOUCH_BURST)
		ear->asks_left = VOUCH_BURST;
	if (ear->asks_left == 0)
		return false;
	ear->asks_left--;
	return true;
}

static void
ask(struct ear *ear, struct vouch *vouch, int64_t again)
{
	if (vouch->asking || !can_ask(ear) ||
	    (vouch->asked_at != 0 && now_of(ear) - vouch->asked_at < again))
		return;
	if (!vouch->wanted && !take_turn(ear)) {
		vouch->stale = true;
		meet_later(ear, EAR_SEC);
		return;
	}
	vouch->asking = true;
	vouch->stale = false;
	vouch->asked_at = now_of(ear);
	ear_debug("%s: asking its server for its keys", vouch->bare);
	ear->fetch(ear->fetch_arg, vouch->bare);
}

static bool
is_fresh(struct ear *ear, const struct vouch *vouch, int64_t age)
{
	return vouch->told && !vouch->stale && now_of(ear) - vouch->told_at < age;
}

/* A device that was renamed has another resource, with the same key: the list says which. */
static const struct device *
find_device(const struct vouch *vouch, const char *jid, const struct ear_key *key)
{
	const char *resource = ear_jid_resource(jid);
	const struct device *found = NULL;

	for (size_t i = 0; vouch != NULL && i < vouch->count; i++) {
		const struct device *device = &vouch->devices[i];

		if (!ear_key_equal(&device->key, key))
			continue;
		if (resource == NULL ||
		    (device->resource != NULL && strcmp(device->resource, resource) == 0))
			return device;
		if (found == NULL)
			found = device;
	}
	return found;
}

static void
address_of(const struct vouch *vouch, const struct device *device, char *out)
{
	if (device->resource == NULL)
		copy_text(out, EAR_JID_SIZE, vouch->bare);
	else
		snprintf(out, EAR_JID_SIZE, "%s/%s", vouch->bare, device->resource);
}

enum vouch_word
vouch_look(struct ear *ear, const char *jid, const struct ear_key *key, char *out)
{
	const struct vouch *vouch = vouch_find(ear, jid);
	const struct device *device = find_device(vouch, jid, key);

	if (device != NULL) {
		address_of(vouch, device, out);
		return VOUCH_YES;
	}
	if (vouch == NULL || (!vouch->told && !vouch->asking))
		return VOUCH_UNKNOWN;
	if (vouch->asking)
		return VOUCH_ASKING;
	return vouch->none ? VOUCH_NOBODY : VOUCH_NO;
}

/* A list without the key may be older than the key. */
enum vouch_word
vouch_check(struct ear *ear, const char *jid, const struct ear_key *key, char *out)
{
	char bare[EAR_JID_SIZE];
	struct vouch *vouch;
	enum vouch_word word;

	if (ear_jid_bare(jid, bare, sizeof(bare)) != 0)
		return VOUCH_UNKNOWN;
	vouch = vouch_get(ear, bare);
	word = vouch_look(ear, jid, key, out);
	if (!is_fresh(ear, vouch, VOUCH_FRESH) || word != VOUCH_YES)
		ask(ear, vouch, VOUCH_AGAIN);
	return word == VOUCH_YES ? word : vouch_look(ear, jid, key, out);
}

void
vouch_want(struct ear *ear, const char *jid, int64_t age)
{
	char bare[EAR_JID_SIZE];
	struct vouch *vouch;

	if (!can_ask(ear) || ear_jid_is_lan(jid) || ear_jid_bare(jid, bare, sizeof(bare)) != 0)
		return;
	vouch = vouch_get(ear, bare);
	vouch->wanted = true;
	if (!is_fresh(ear, vouch, age))
		ask(ear, vouch, VOUCH_AGAIN);
}

bool
vouch_each(struct ear *ear, unsigned long long since,
	   bool (*fn)(void *arg, const char *jid, const struct ear_key *key), void *arg)
{
	char jid[EAR_JID_SIZE];

	for (size_t i = 0; i < map_count(ear->vouches); i++) {
		const struct vouch *vouch = map_at(ear->vouches, i, NULL);

		for (size_t k = 0; vouch->serial > since && k < vouch->count; k++) {
			address_of(vouch, &vouch->devices[k], jid);
			if (fn(arg, jid, &vouch->devices[k].key))
				return true;
		}
	}
	return false;
}

bool
vouch_news(struct ear *ear, unsigned long long *since, char *out)
{
	const struct vouch *first = NULL;

	for (size_t i = 0; *since < ear->lists_serial && i < map_count(ear->vouches); i++) {
		const struct vouch *vouch = map_at(ear->vouches, i, NULL);

		if (vouch->serial > *since && (first == NULL || vouch->serial < first->serial))
			first = vouch;
	}
	*since = first == NULL ? ear->lists_serial : first->serial;
	if (first != NULL)
		copy_text(out, EAR_JID_SIZE, first->bare);
	return first != NULL;
}

static size_t
jids_of(const struct vouch *vouch, const struct ear_key *key, char (*out)[EAR_JID_SIZE], size_t max)
{
	size_t n = 0;

	for (size_t k = 0; k < vouch->count && n < max; k++)
		if (ear_key_equal(&vouch->devices[k].key, key))
			address_of(vouch, &vouch->devices[k], out[n++]);
	return n;
}

size_t
vouch_jids(struct ear *ear, const struct ear_key *key, char (*out)[EAR_JID_SIZE], size_t max)
{
	size_t n = 0;

	for (int wanted = 1; wanted >= 0; wanted--)
		for (size_t i = 0; i < map_count(ear->vouches) && n < max; i++) {
			const struct vouch *vouch = map_at(ear->vouches, i, NULL);

			if (vouch->wanted == (wanted == 1))
				n += jids_of(vouch, key, out + n, max - n);
		}
	return n;
}

const char *
vouch_name(struct ear *ear, const char *jid, const struct ear_key *key)
{
	const struct device *device = find_device(vouch_find(ear, jid), jid, key);

	return device == NULL || device->name == NULL ? "" : device->name;
}

/* One who says it again and again is asked more and more seldom. */
static void
ask_changed(struct ear *ear, struct vouch *vouch)
{
	int64_t now = now_of(ear);

	if (vouch->event_wait == 0 || now - vouch->asked_at > 2 * vouch->event_wait)
		vouch->event_wait = VOUCH_EVENT;
	ask(ear, vouch, vouch->event_wait);
	if (vouch->asking && vouch->event_wait < VOUCH_FRESH / 8)
		vouch->event_wait *= 2;
}

bool
vouch_renew(struct ear *ear)
{
	bool done = true;

	for (size_t i = 0; i < map_count(ear->vouches); i++) {
		struct vouch *vouch = map_at(ear->vouches, i, NULL);

		if (!vouch->stale || vouch->asking || !can_ask(ear))
			continue;
		ask_changed(ear, vouch);
		done = done && vouch->asking;
	}
	return done;
}

void
vouch_retry(struct ear *ear)
{
	for (size_t i = 0; i < map_count(ear->vouches); i++) {
		struct vouch *vouch = map_at(ear->vouches, i, NULL);

		vouch->asking = false;
		vouch->stale = vouch->told || vouch->stale;
		vouch->asked_at = vouch->event_wait = 0;
	}
}

void
vouch_release(struct ear *ear)
{
	while (map_count(ear->vouches) > 0) {
		struct vouch *vouch = map_at(ear->vouches, 0, NULL);

		map_del(ear->vouches, vouch->bare);
		vouch_free(vouch);
	}
	map_free(ear->vouches);
}

/* --- what extensions tell ------------------------------------------------------------------- */

void
ear_set_fetcher(struct ear *ear, ear_fetch_devices_fn *fn, void *arg)
{
	ear->fetch = fn;
	ear->fetch_arg = arg;
}

/* The resource as it stands in an address. -EINVAL: in none. */
static int
take_device(const struct vouch *vouch, const struct ear_device *from, struct device *device)
{
	char jid[EAR_JID_SIZE], full[EAR_JID_SIZE];

	*device = (struct device){ .key = from->key };
	if (from->resource != NULL) {
		int n = snprintf(jid, sizeof(jid), "%s/%s", vouch->bare, from->resource);

		if (n < 0 || (size_t)n >= sizeof(jid) || ear_jid_prep(jid, full, sizeof(full)) != 0)
			return -EINVAL;
		device->resource = xstrdup(ear_jid_resource(full));
	}
	device->name = xstrdup(from->name);
	return 0;
}

static bool
has_same_keys(const struct vouch *vouch, const struct device *devices, size_t count)
{
	if (vouch->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!ear_key_equal(&vouch->devices[i].key, &devices[i].key))
			return false;
	return true;
}

static void
take_devices(struct ear *ear, struct vouch *vouch, const struct ear_device *from, size_t count)
{
	struct device *devices = count == 0 ? NULL : xalloc(count * sizeof(devices[0]));
	size_t n = 0;

	for (size_t i = 0; i < count && n < EAR_DEVICES_MAX; i++)
		if (take_device(vouch, &from[i], &devices[n]) == 0)
			n++;
	if (!has_same_keys(vouch, devices, n))
		vouch->serial = ++ear->lists_serial;
	drop_devices(vouch);
	vouch->devices = devices;
	vouch->count = n;
}

void
ear_devices_told(struct ear *ear, const char *bare, int error, const struct ear_device *devices,
		 size_t count)
{
	struct vouch *vouch = map_get(ear->vouches, bare);

	if (vouch == NULL || !vouch->asking)
		return;
	vouch->asking = false;
	if (error != 0 && error != -ENOENT) {
		ear_info("%s: its keys could not be asked for: %s", bare, strerror(-error));
		meet_soon(ear);
		return;
	}
	vouch->told = true;
	vouch->none = error == -ENOENT;
	vouch->told_at = now_of(ear);
	take_devices(ear, vouch, devices, vouch->none ? 0 : count);
	/* Nobody tells of a first key; who starts when we do publishes it a moment from now. */
	if (vouch->wanted && vouch->count == 0 && vouch->event_wait < VOUCH_EMPTY)
		vouch->stale = true;
	ear_debug("%s: publishes %zu keys", bare, vouch->count);
	meet_soon(ear);
}

void
ear_devices_changed(struct ear *ear, const char *bare)
{
	struct vouch *vouch = vouch_find(ear, bare);
	const struct pin *pin;
	char canonical[EAR_JID_SIZE];

	/* A key that we hold may hang on it, whether it was asked for in this life or not. */
	if (vouch == NULL && ear_jid_bare(bare, canonical, sizeof(canonical)) == 0 &&
	    pins_of(ear->pins, canonical, &pin, 1) > 0)
		vouch = vouch_get(ear, canonical);
	if (vouch == NULL)
		return;
	vouch->stale = true;
	meet_soon(ear);
}
