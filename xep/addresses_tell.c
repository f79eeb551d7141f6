/* SPDX-License-Identifier: ISC */
/*
 * addresses_tell.c: whom we have told where we are, and whom when again. One at a time, not faster
 * than TELL_GAP, and nobody more often than TELL_AGAIN: however often our network changes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addresses.h"
#include "memory.h"

#define DEVICES_MAX   256 /* more are not told */
#define TELL_PATIENCE (10 * EAR_SEC)
#define TELL_GAP      (50 * EAR_MSEC)
#define TELL_SOON     (300 * EAR_MSEC) /* spread: not all engines of a house at once */
#define TELL_AGAIN    (2 * EAR_SEC)
#define RETRY_MIN     (3 * EAR_SEC) /* one that did not take it; doubles */
#define RETRY_MAX     (900 * EAR_SEC)
#define REPEAT        (ADDRESSES_LIFE / 2 * EAR_SEC)

/* A device on our list. */
struct device {
	struct addresses_tell *tell;
	char *jid;
	struct ear_key key;
	bool wanted, asking;
	bool told;        /* may have an answer of ours, or our set */
	unsigned version; /* of what it was told last and has taken */
	int64_t told_at;  /* 0: never */
	int64_t due_at;
	unsigned failures; /* in a row */
};

struct addresses_tell {
	struct ear *ear;
	struct device *devices[DEVICES_MAX];
	size_t count;
	struct addresses own;
	unsigned version; /* of own; 0: never looked */
	int64_t gap_until;
	struct ear_timer timer;
};

static int64_t
now_of(const struct addresses_tell *tell)
{
	return ear_now(ear_clock(tell->ear)) + 1; /* 0 is "never" */
}

/* Evenly 0..usec; ids are random, and nobody guesses when. */
static int64_t
spread(int64_t usec)
{
	char id[17];
	uint64_t bits = 0;

	ear_new_id(id);
	for (size_t i = 0; i < 8; i++)
		bits = bits * 64 + ((unsigned char)id[i] & 63);
	return (int64_t)(bits % (uint64_t)(usec + 1));
}

/* --- ourselves ------------------------------------------------------------------------------ */

static void
add_own(void *arg, const char *ip)
{
	addresses_add(arg, ip);
}

/* Whether we are somewhere; a LAN that is switched off is nowhere, and nobody is told of it. */
static bool
look_at_own(struct addresses_tell *tell)
{
	struct ear *ear = tell->ear;
	const char *address = ear_self(ear, EAR_LINK_LAN);
	struct addresses own = { .life = ADDRESSES_LIFE };

	own.port = ear_each_own_address(ear, add_own, &own);
	if (own.port == 0 || address == NULL || strlen(address) >= sizeof(own.address))
		return false;
	memcpy(own.address, address, strlen(address) + 1);
	own.key = *ear_own_key(ear);
	if (tell->version == 0 || memcmp(&own, &tell->own, sizeof(own)) != 0)
		tell->version++;
	tell->own = own;
	return true;
}

/* --- the devices ---------------------------------------------------------------------------- */

static struct device *
find_key(const struct addresses_tell *tell, const struct ear_key *key)
{
	for (size_t i = 0; i < tell->count; i++)
		if (ear_key_equal(&tell->devices[i]->key, key))
			return tell->devices[i];
	return NULL;
}

static struct device *
find_jid(const struct addresses_tell *tell, const char *jid)
{
	for (size_t i = 0; i < tell->count; i++)
		if (strcmp(tell->devices[i]->jid, jid) == 0)
			return tell->devices[i];
	return NULL;
}

static void
drop(struct addresses_tell *tell, size_t i)
{
	struct device *device = tell->devices[i];

	ear_request_forget(tell->ear, device);
	tell->devices[i] = tell->devices[--tell->count];
	free(device->jid);
	free(device);
}

static void
rename_device(struct device *device, const char *jid)
{
	if (strcmp(device->jid, jid) == 0)
		return;
	free(device->jid);
	device->jid = xep_strdup(jid);
	device->version = 0;
}

/* ear_trusted_fn */
static void
want(void *arg, const char *jid, const struct ear_key *key)
{
	struct addresses_tell *tell = arg;
	struct device *device = find_key(tell, key);

	if (device == NULL && tell->count == DEVICES_MAX)
		return;
	if (device == NULL) {
		device = xep_alloc(sizeof(*device));
		device->tell = tell;
		device->jid = xep_strdup(jid);
		device->key = *key;
		tell->devices[tell->count++] = device;
	} else if (!device->wanted) {
		rename_device(device, jid);
	}
	device->wanted = true;
}

/* --- when ----------------------------------------------------------------------------------- */

/* Not sooner than it may be told again. */
static void
plan(struct device *device, int64_t usec)
{
	int64_t now = now_of(device->tell), at = now + usec;

	if (device->told_at != 0 && at < device->told_at + TELL_AGAIN)
		at = device->told_at + TELL_AGAIN;
	device->due_at = at;
}

static struct device *
first_due(const struct addresses_tell *tell)
{
	struct device *first = NULL;

	for (size_t i = 0; i < tell->count; i++) {
		struct device *device = tell->devices[i];

		if (!device->asking && (first == NULL || device->due_at < first->due_at))
			first = device;
	}
	return first;
}

static void
arm(struct addresses_tell *tell)
{
	const struct device *first = first_due(tell);
	int64_t now = now_of(tell), at;

	ear_timer_stop(&tell->timer);
	if (first == NULL || tell->version == 0 || ear_self(tell->ear, EAR_LINK_SERVER) == NULL)
		return;
	at = first->due_at > tell->gap_until ? first->due_at : tell->gap_until;
	ear_timer_set(&tell->timer, at > now ? at - now : 0);
}

static void
succeed(struct device *device, unsigned version)
{
	device->failures = 0;
	device->version = version;
	plan(device, REPEAT - spread(REPEAT / 4));
	if (version != device->tell->version)
		plan(device, spread(TELL_SOON));
}

static void
fail(struct device *device)
{
	unsigned doublings = device->failures++;
	int64_t wait = doublings >= 9 ? RETRY_MAX : RETRY_MIN << doublings;

	wait = wait < RETRY_MAX ? wait : RETRY_MAX;
	plan(device, wait + spread(wait / 4));
}

/* --- telling -------------------------------------------------------------------------------- */

/* What the other side says of itself. */
static int
take(struct device *device, xmpp_stanza_t *iq)
{
	xmpp_stanza_t *element = ear_find(iq, "addresses", EAR_NS_ADDRESSES);
	const char *ip[EAR_TOLD_MAX];
	struct addresses theirs;
	struct ear_told told;

	if (element == NULL)
		return 0; /* nowhere now, or a set was all that it wanted */
	if (addresses_read(element, &theirs) != 0)
		return -EBADMSG;
	for (size_t i = 0; i < theirs.count; i++)
		ip[i] = theirs.ip[i];
	told = (struct ear_told){ .jid = device->jid,
				  .address = theirs.address,
				  .key = theirs.key,
				  .ip = ip,
				  .count = theirs.count,
				  .port = theirs.port,
				  .usec = theirs.life * EAR_SEC };
	return ear_tell_ways(device->tell->ear, &told);
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct device *device = arg;
	struct addresses_tell *tell = device->tell;
	unsigned version = device->version;
	int error = answer->error;

	device->asking = false;
	if (error == -ECANCELED)
		return;
	if (error == 0 && answer->link != EAR_LINK_SERVER)
		error = -EPROTO;
	if (error == 0)
		error = take(device, answer->stanza);
	if (error == 0) {
		ear_set_remembers(tell->ear, device->jid);
		succeed(device, version);
	} else {
		ear_debug("%s: telling it our addresses: %s", device->jid,
			  error == -EREMOTEIO ? ear_condition_name(ear_condition_of(answer->stanza))
					      : strerror(-error));
		device->version = 0;
		fail(device);
	}
	arm(tell);
}

static void
tell_device(struct device *device)
{
	struct addresses_tell *tell = device->tell;
	xmpp_ctx_t *ctx = ear_ctx(tell->ear);
	xmpp_stanza_t *iq = ear_stanza(ctx, "iq", "set", device->jid, NULL);

	xmpp_stanza_add_child_ex(iq, addresses_new(ctx, &tell->own), 0);
	ear_debug("%s: telling it our %zu addresses", device->jid, tell->own.count);
	device->asking = device->told = true;
	device->version = tell->version;
	device->told_at = now_of(tell);
	tell->gap_until = device->told_at + TELL_GAP;
	ear_request_by(tell->ear, EAR_LINK_SERVER, iq, TELL_PATIENCE, on_answer, device);
}

static void
on_timer(void *arg)
{
	struct addresses_tell *tell = arg;
	struct device *device = first_due(tell);

	if (device != NULL && device->due_at <= now_of(tell) && look_at_own(tell))
		tell_device(device);
	arm(tell);
}

xmpp_stanza_t *
addresses_tell_answer(struct addresses_tell *tell, const char *jid)
{
	struct device *device = find_jid(tell, jid);

	if (!look_at_own(tell))
		return NULL;
	if (device != NULL && !device->asking) {
		device->told = true;
		device->told_at = now_of(tell);
		succeed(device, tell->version);
		arm(tell);
	}
	return addresses_new(ear_ctx(tell->ear), &tell->own);
}

/* --- life ----------------------------------------------------------------------------------- */

void
addresses_tell_refresh(struct addresses_tell *tell)
{
	if (!look_at_own(tell))
		return;
	for (size_t i = 0; i < tell->count; i++)
		tell->devices[i]->wanted = false;
	ear_each_trusted(tell->ear, want, tell);
	for (size_t i = tell->count; i-- > 0;) {
		struct device *device = tell->devices[i];

		if (!device->wanted)
			drop(tell, i);
		else if (device->due_at == 0)
			plan(device, spread(TELL_SOON));
	}
	arm(tell);
}

void
addresses_tell_changed(struct addresses_tell *tell)
{
	unsigned before = tell->version;

	if (!look_at_own(tell))
		return;
	for (size_t i = 0; before != tell->version && i < tell->count; i++) {
		tell->devices[i]->failures = 0;
		plan(tell->devices[i], spread(TELL_SOON));
	}
	addresses_tell_refresh(tell);
}

/* What was under way has been lost, or answered by nobody. */
void
addresses_tell_again(struct addresses_tell *tell)
{
	for (size_t i = 0; i < tell->count; i++) {
		struct device *device = tell->devices[i];

		ear_request_forget(tell->ear, device);
		device->asking = false;
		device->failures = 0;
		plan(device, spread(TELL_SOON));
	}
	addresses_tell_refresh(tell);
}

static void
take_back(const struct device *device, const struct addresses *own)
{
	struct ear *ear = device->tell->ear;
	xmpp_stanza_t *iq;

	if (!device->told || now_of(device->tell) - device->told_at > ADDRESSES_LIFE * EAR_SEC)
		return;
	iq = ear_stanza(ear_ctx(ear), "iq", "set", device->jid, NULL);
	xmpp_stanza_add_child_ex(iq, addresses_new(ear_ctx(ear), own), 0);
	ear_send(ear, iq);
}

struct addresses_tell *
addresses_tell_new(struct ear *ear)
{
	struct addresses_tell *tell = xep_alloc(sizeof(*tell));

	tell->ear = ear;
	ear_timer_init(&tell->timer, ear_clock(ear), on_timer, tell);
	return tell;
}

void
addresses_tell_free(struct addresses_tell *tell)
{
	tell->own.count = 0;
	for (size_t i = 0; i < tell->count; i++)
		take_back(tell->devices[i], &tell->own);
	while (tell->count > 0)
		drop(tell, tell->count - 1);
	ear_timer_stop(&tell->timer);
	free(tell);
}
