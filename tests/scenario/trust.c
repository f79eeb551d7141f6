/* SPDX-License-Identifier: ISC */
/*
 * trust.c: the part of scenarios that is about keys.
 *
 *   device     NAME JID...                    has a key; its certificate claims these
 *   claims     NAME JID...                    its certificate claims these from now on
 *   stranger   ADDRESS JID...                 a fresh key that claims these is shown there, beside
 *                                             whatever is open
 *   peer       INSTANCE announces NAME        on the LAN, with the hint of NAME's key
 *   lan        ADDRESS shows NAME             what its streams show from now on
 *              ADDRESS plain                  it does not know STARTTLS any more
 *   published  JID NAME... | nobody | fails   what its server says, 1 ms after it is asked
 *   changed    JID                            it says that the list has changed
 *   restart                                   all lists are forgotten, as by a restart
 *   asked      JID N [LEAST]                  how often it was asked for at most; "*": all
 *   wanted                                    somebody asks for all trusted devices, once
 *   level      ADDRESS LEVEL                  of its peer
 *   trust      ADDRESS [NAME]                 the user's word; "fails" in place of NAME: it is
 * refused untrust    ADDRESS
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "core/meet.h"
#include "core/vouch.h"
#include "discover/txt.h"
#include "scenario.h"
#include "trust/hint.h"
#include "trust/identity.h"

#define ASK_USEC EAR_MSEC

static char *
word(char **text)
{
	char *start = *text + strspn(*text, " \t"), *end = start + strcspn(start, " \t\n");

	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	return start;
}

static struct device *
device_find(struct world *world, const char *name)
{
	for (size_t i = 0; i < world->device_count; i++)
		if (strcmp(world->devices[i].name, name) == 0)
			return &world->devices[i];
	return NULL;
}

static bool
do_device(struct world *world, char *rest)
{
	const char *name = word(&rest), *jids[IDENTITY_JIDS_MAX], *jid;
	struct device *device = &world->devices[world->device_count++];
	char error[128];
	size_t n = 0;

	if (world->device_count > DEVICES_MAX)
		return fail(world, "too many devices");
	while (n < IDENTITY_JIDS_MAX && *(jid = word(&rest)) != '\0')
		jids[n++] = jid;
	copy_text(device->name, sizeof(device->name), name);
	if (n > 0)
		copy_text(device->jid, sizeof(device->jid), jids[0]);
	device->identity = identity_open(NULL, error, sizeof(error));
	identity_set_jids(device->identity, name, jids, n);
	return true;
}

bool
trust_announce(struct world *world, const char *instance, char *rest)
{
	struct device *device = device_find(world, word(&rest));
	struct peer_way way = { .interface = 1, .family = AF_INET };
	struct sockaddr_in *in = (struct sockaddr_in *)&way.address;
	struct txt txt = { .port = 5298 };
	unsigned char wire[TXT_MAX];
	int length;

	if (device == NULL)
		return fail(world, "no such device");
	in->sin_family = AF_INET;
	in->sin_port = htons(5298);
	inet_pton(AF_INET, "192.0.2.7", &in->sin_addr);
	way.length = sizeof(*in);
	copy_text(txt.node, sizeof(txt.node), EAR_CAPS_NODE);
	hint_make(identity_key(device->identity), txt.hint);
	length = txt_encode(&txt, "minimal", wire, sizeof(wire));
	return peers_see(world->ear->peers, instance, &way, "host.local", wire, (size_t)length) ==
	       0;
}

bool
trust_shows(struct world *world, struct fake *fake, const char *name)
{
	fake->device = device_find(world, name);
	fake->plain = false;
	return fake->device != NULL ? true : fail(world, "no such device");
}

/* What a stream of it comes to: 0, -EAGAIN, or why it is refused. */
int
trust_secure(struct fake *fake)
{
	struct ear *ear = fake->world->ear;
	unsigned char *der = NULL;
	const char *text;
	int length, error;

	if (fake->plain)
		return meet_may_plain(ear, fake->name);
	if (fake->device == NULL)
		return 0;
	length = i2d_X509(identity_certificate(fake->device->identity), &der);
	error = meet_keyed(ear, &fake->link, der, (size_t)length, &text);
	OPENSSL_free(der);
	return error;
}

static bool
do_claims(struct world *world, char *rest)
{
	const struct device *device = device_find(world, word(&rest));
	const char *jids[IDENTITY_JIDS_MAX], *jid;
	size_t n = 0;

	if (device == NULL)
		return fail(world, "no such device");
	while (n < IDENTITY_JIDS_MAX && *(jid = word(&rest)) != '\0')
		jids[n++] = jid;
	identity_set_jids(device->identity, device->name, jids, n);
	return true;
}

/* What becomes of it does not matter, only what it does to others. */
static bool
do_stranger(struct world *world, char *rest)
{
	struct fake fake = { .world = world };
	struct device device = { .name = "stranger" };
	const char *jids[IDENTITY_JIDS_MAX], *jid;
	char error[128];
	size_t n = 0;

	copy_text(fake.name, sizeof(fake.name), word(&rest));
	while (n < IDENTITY_JIDS_MAX && *(jid = word(&rest)) != '\0')
		jids[n++] = jid;
	device.identity = identity_open(NULL, error, sizeof(error));
	identity_set_jids(device.identity, device.name, jids, n);
	fake.device = &device;
	link_init(&fake.link, NULL, EAR_LINK_LAN, &core_link_events, world->ear);
	fake.link.peer = xstrdup(fake.name);
	trust_secure(&fake);
	link_release(&fake.link);
	identity_free(device.identity);
	return true;
}

/* --- servers -------------------------------------------------------------------------------- */

static struct list_of *
list_find(struct world *world, const char *jid)
{
	for (size_t i = 0; i < world->list_count; i++)
		if (strcmp(world->lists[i].jid, jid) == 0)
			return &world->lists[i];
	return NULL;
}

static void
on_answer(void *arg)
{
	struct list_of *list = arg;
	struct ear_device devices[EAR_DEVICES_MAX];
	size_t n = 0;

	for (; n < list->count; n++) {
		const struct device *device = list->devices[n];

		devices[n].key = *identity_key(device->identity);
		devices[n].name = device->name;
		devices[n].resource = ear_jid_resource(device->jid);
	}
	ear_devices_told(list->world->ear, list->jid, list->error, devices, n);
}

static struct list_of *
list_get(struct world *world, const char *jid)
{
	struct list_of *list = list_find(world, jid);

	if (list != NULL || world->list_count == DEVICES_MAX)
		return list;
	list = &world->lists[world->list_count++];
	copy_text(list->jid, sizeof(list->jid), jid);
	list->world = world;
	list->error = -ENOENT;
	ear_timer_init(&list->timer, world->clock, on_answer, list);
	return list;
}

void
trust_fetch(void *arg, const char *bare)
{
	struct world *world = arg;
	struct list_of *list = list_get(world, bare);

	world->asked++;
	if (list == NULL)
		return; /* never answered */
	list->asked++;
	ear_timer_set(&list->timer, ASK_USEC);
}

static bool
do_published(struct world *world, char *rest)
{
	struct list_of *list = list_get(world, word(&rest));
	const char *name;

	list->count = 0;
	list->error = 0;
	while (*(name = word(&rest)) != '\0') {
		if (strcmp(name, "nobody") == 0)
			list->error = -ENOENT;
		else if (strcmp(name, "fails") == 0)
			list->error = -EHOSTUNREACH;
		else if ((list->devices[list->count++] = device_find(world, name)) == NULL)
			return fail(world, "no such device");
	}
	return true;
}

static bool
do_asked(struct world *world, char *rest)
{
	const char *jid = word(&rest);
	unsigned max = (unsigned)atoi(word(&rest)), least = (unsigned)atoi(word(&rest)), asked;

	asked = strcmp(jid, "*") == 0 ? world->asked : list_get(world, jid)->asked;
	return asked >= least && asked <= max ? true : fail(world, "asked for %u times", asked);
}

/* --- words ---------------------------------------------------------------------------------- */

static void
on_peer(void *arg, const struct ear_peer_info *peer)
{
	*(const char **)arg = ear_level_name(peer->level);
}

static bool
do_level(struct world *world, char *rest)
{
	const char *address = word(&rest), *want = word(&rest), *is = "unknown";

	ear_each_peer(world->ear, address, on_peer, &is);
	return strcmp(is, want) == 0 ? true : fail(world, "the level is %s", is);
}

static void
on_trusted(void *arg, const char *jid, const struct ear_key *key)
{
}

static bool
do_trust(struct world *world, char *rest)
{
	const char *address = word(&rest), *name = word(&rest);
	const struct device *device = device_find(world, name);
	int error = ear_trust(world->ear, address,
			      device == NULL ? NULL : identity_key(device->identity));

	if ((error != 0) != (strcmp(name, "fails") == 0))
		return fail(world, "trust: %s", error == 0 ? "worked" : strerror(-error));
	return true;
}

bool
trust_step(struct world *world, const char *what, char *rest)
{
	if (strcmp(what, "device") == 0)
		return do_device(world, rest);
	if (strcmp(what, "restart") == 0) {
		vouch_release(world->ear);
		world->ear->vouches = map_new();
		return true;
	}
	if (strcmp(what, "claims") == 0)
		return do_claims(world, rest);
	if (strcmp(what, "stranger") == 0)
		return do_stranger(world, rest);
	if (strcmp(what, "published") == 0)
		return do_published(world, rest);
	if (strcmp(what, "asked") == 0)
		return do_asked(world, rest);
	if (strcmp(what, "level") == 0)
		return do_level(world, rest);
	if (strcmp(what, "trust") == 0)
		return do_trust(world, rest);
	if (strcmp(what, "changed") == 0)
		ear_devices_changed(world->ear, word(&rest));
	else if (strcmp(what, "wanted") == 0)
		ear_each_trusted(world->ear, on_trusted, NULL);
	else if (strcmp(what, "untrust") != 0)
		return fail(world, "what is '%s'?", what);
	else if (ear_untrust(world->ear, word(&rest)) != 0)
		return fail(world, "nothing is known about it");
	return true;
}

void
trust_end(struct world *world)
{
	for (size_t i = 0; i < world->list_count; i++)
		ear_timer_stop(&world->lists[i].timer);
	for (size_t i = 0; i < world->device_count; i++)
		identity_free(world->devices[i].identity);
}
