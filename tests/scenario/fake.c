/* SPDX-License-Identifier: ISC */
/* fake.c: links that lead nowhere: what core sends is kept, what a scenario says arrives. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet.h"
#include "core/route.h"
#include "scenario.h"

static bool
is_ping(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return ear_find(stanza, "ping", EAR_NS_PING) != NULL && type != NULL &&
	       strcmp(type, "get") == 0;
}

/* Servers take a subscription to a list of keys without a word that matters here. */
static bool
is_subscription(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *pubsub = ear_find(stanza, "pubsub", EAR_NS_PUBSUB);

	return pubsub != NULL && (ear_find(pubsub, "subscribe", EAR_NS_PUBSUB) != NULL ||
				  ear_find(pubsub, "unsubscribe", EAR_NS_PUBSUB) != NULL);
}

static void
arm(struct fake *fake)
{
	int64_t first = INT64_MAX, now = ear_now(fake->world->clock);

	for (size_t i = 0; i < fake->ping_count; i++)
		if (fake->ping_due[i] < first)
			first = fake->ping_due[i];
	if (fake->ping_count > 0)
		ear_timer_set(&fake->timer, first - now);
}

/* Somebody behind a server that answers our pings sends the receipts that we ask for, too. */
static void
receipt_later(struct fake *fake, xmpp_stanza_t *stanza)
{
	if (fake->link.kind != EAR_LINK_SERVER || fake->pong_usec < 0 || fake->swallows ||
	    fake->mute || ear_find(stanza, "request", EAR_NS_RECEIPTS) == NULL)
		return;
	fake->ping_due[fake->ping_count] = ear_now(fake->world->clock) + fake->pong_usec;
	fake->pings[fake->ping_count++] = xmpp_stanza_copy(stanza);
	arm(fake);
}

static int
fake_send(struct link *link, xmpp_stanza_t *stanza)
{
	struct fake *fake = container_of(link, struct fake, link);

	if (link->state != LINK_UP && link->state != LINK_OPENING)
		return -ENOTCONN;
	if (fake->sent_count == STANZAS_MAX || fake->kept_count == STANZAS_MAX ||
	    fake->ping_count == STANZAS_MAX)
		return -ENOBUFS;
	if (link_is_full(fake->error) || (fake->error == -EMSGSIZE && ear_first(stanza) != NULL &&
					  !ear_is(ear_first(stanza), "error", EAR_NS_CLIENT)))
		return fake->error;
	if (link->kind == EAR_LINK_SERVER && is_subscription(stanza)) {
		xmpp_stanza_release(stanza);
		return 0;
	}
	if (fake->pong_usec >= 0 && is_ping(stanza) && link->kind != EAR_LINK_LOCAL &&
	    xmpp_stanza_get_attribute(stanza, "from") == NULL) {
		if (!fake->swallows) {
			fake->ping_due[fake->ping_count] =
				ear_now(fake->world->clock) + fake->pong_usec;
			fake->pings[fake->ping_count++] = stanza;
			arm(fake);
		} else {
			xmpp_stanza_release(stanza);
		}
		return 0;
	}
	receipt_later(fake, stanza);
	if (fake->swallows || link->state == LINK_OPENING)
		fake->kept[fake->kept_count++] = stanza;
	else
		fake->sent[fake->sent_count++] = stanza;
	return 0;
}

static void
fake_close(struct link *link)
{
	struct fake *fake = container_of(link, struct fake, link);

	link_enter(link, LINK_CLOSING);
	ear_timer_set(&fake->timer, 0);
}

static void
fake_abandon(struct link *link, int error, const char *text)
{
	struct fake *fake = container_of(link, struct fake, link);

	if (link->state == LINK_CLOSING)
		return;
	fake->refusal = error;
	fake_close(link);
}

static const struct link_ops fake_ops = { .send = fake_send,
					  .close = fake_close,
					  .abandon = fake_abandon };

static xmpp_stanza_t *
receipt_of(struct fake *fake, xmpp_stanza_t *message)
{
	xmpp_stanza_t *receipt = ear_stanza(fake->world->ear->ctx, "message", NULL, NULL, NULL);

	ear_set(ear_child(receipt, "received", EAR_NS_RECEIPTS), "id", "%s",
		xmpp_stanza_get_id(message));
	return receipt;
}

static void
pong(struct fake *fake, xmpp_stanza_t *ping)
{
	xmpp_stanza_t *answer =
		is_ping(ping) ? ear_answer_to(ping, "result") : receipt_of(fake, ping);

	xmpp_stanza_set_from(answer, xmpp_stanza_get_to(ping));
	core_link_events.stanza(fake->world->ear, &fake->link, answer);
	xmpp_stanza_release(answer);
	xmpp_stanza_release(ping);
}

/* Whether it is up now. */
static bool
secure(struct fake *fake)
{
	int error = trust_secure(fake);

	fake->waits = error == -EAGAIN;
	if (error == 0)
		fake_up(fake);
	else if (!fake->waits)
		fake_die(fake, error, "refused");
	return error == 0;
}

static void
on_timer(void *arg)
{
	struct fake *fake = arg;
	int64_t now = ear_now(fake->world->clock);

	if (fake->link.state == LINK_CLOSING) {
		fake_die(fake, fake->refusal, fake->refusal != 0 ? "refused" : "closed");
		return;
	}
	if (fake->link.state == LINK_OPENING && (fake->refuses || fake->rejects)) {
		fake_die(fake, fake->rejects ? -ECONNREFUSED : -ETIMEDOUT, "cannot be opened");
		return;
	}
	if (fake->link.state == LINK_OPENING && !secure(fake))
		return;
	for (size_t i = 0; i < fake->ping_count;) {
		xmpp_stanza_t *ping = fake->pings[i];

		if (fake->ping_due[i] > now) {
			i++;
			continue;
		}
		fake->ping_count--;
		memmove(&fake->pings[i], &fake->pings[i + 1],
			(fake->ping_count - i) * sizeof(fake->pings[0]));
		memmove(&fake->ping_due[i], &fake->ping_due[i + 1],
			(fake->ping_count - i) * sizeof(fake->ping_due[0]));
		if (fake->swallows)
			xmpp_stanza_release(ping);
		else
			pong(fake, ping);
	}
	arm(fake);
}

/* As the real one (lan_queue_flush): what waited for a JID is not for every key, and may have
 * waited too long. */
static bool
is_theirs(struct fake *fake, xmpp_stanza_t *stanza)
{
	const char *to = xmpp_stanza_get_to(stanza);

	return fake->link.kind != EAR_LINK_LAN || to == NULL || ear_jid_is_lan(to) ||
	       (fake->link.jid != NULL && meet_is_theirs(fake->world->ear, &fake->link, to));
}

void
fake_up(struct fake *fake)
{
	size_t n = fake->kept_count;

	link_enter(&fake->link, LINK_UP);
	fake->kept_count = 0;
	for (size_t i = 0; i < n; i++) {
		xmpp_stanza_t *stanza = fake->kept[i];

		if (is_theirs(fake, stanza) && !core_link_events.stale(fake->world->ear, stanza)) {
			fake->sent[fake->sent_count++] = stanza;
			continue;
		}
		core_link_events.undelivered(fake->world->ear, &fake->link, stanza, false);
		xmpp_stanza_release(stanza);
	}
	core_link_events.up(fake->world->ear, &fake->link);
}

void
fake_die(struct fake *fake, int error, const char *text)
{
	struct ear *ear = fake->world->ear;
	bool maybe = fake->link.state != LINK_OPENING;
	size_t n = fake->kept_count;

	link_enter(&fake->link, LINK_DOWN);
	fake->kept_count = 0;
	for (size_t i = 0; i < n; i++) {
		xmpp_stanza_t *copy = xmpp_stanza_copy(fake->kept[i]);

		/* As the real ones, which keep only what they wrote. */
		xmpp_stanza_release(fake->kept[i]);
		core_link_events.undelivered(ear, &fake->link, copy, maybe);
		xmpp_stanza_release(copy);
	}
	while (fake->ping_count > 0)
		xmpp_stanza_release(fake->pings[--fake->ping_count]);
	ear_timer_stop(&fake->timer);
	core_link_events.down(ear, &fake->link, error, text);
}

void
fake_release(struct fake *fake)
{
	if (!fake->used)
		return;
	for (size_t i = 0; i < fake->sent_count; i++)
		xmpp_stanza_release(fake->sent[i]);
	for (size_t i = 0; i < fake->kept_count; i++)
		xmpp_stanza_release(fake->kept[i]);
	for (size_t i = 0; i < fake->ping_count; i++)
		xmpp_stanza_release(fake->pings[i]);
	ear_timer_stop(&fake->timer);
	link_release(&fake->link);
	fake->used = false;
}

struct fake *
fake_find(struct world *world, enum ear_link_kind kind, const char *name)
{
	for (size_t i = 0; i < LINKS_MAX; i++)
		if (world->links[i].used && world->links[i].link.kind == kind &&
		    strcmp(world->links[i].name, name) == 0)
			return &world->links[i];
	return NULL;
}

struct fake *
fake_get(struct world *world, enum ear_link_kind kind, const char *name)
{
	struct fake *fake = fake_find(world, kind, name);

	for (size_t i = 0; fake == NULL && i < LINKS_MAX; i++) {
		if (world->links[i].used)
			continue;
		fake = &world->links[i];
		*fake = (struct fake){
			.world = world, .used = true, .pong_usec = -1, .open_usec = EAR_MSEC
		};
		copy_text(fake->name, sizeof(fake->name), name);
		link_init(&fake->link, &fake_ops, kind, &core_link_events, world->ear);
		fake->link.peer = xstrdup(name);
		fake->link.state = LINK_DOWN;
		fake->link.level = kind == EAR_LINK_LAN      ? EAR_PLAIN
				   : kind == EAR_LINK_SERVER ? EAR_PROVED
							     : EAR_TRUSTED;
		fake->link.earshot = true;
		fake->link.acks = kind == EAR_LINK_LAN;
		ear_timer_init(&fake->timer, world->clock, on_timer, fake);
	}
	return fake;
}

/* --- what core reaches -------------------------------------------------------------------- */

static struct link *
open_lan(void *arg, const char *address)
{
	struct world *world = arg;
	struct fake *fake = fake_find(world, EAR_LINK_LAN, address);
	struct sockaddr_storage target;
	socklen_t length;

	if (fake != NULL && fake->link.state != LINK_DOWN)
		return &fake->link;
	if (route_targets(world->ear, address, &target, &length, 1) == 0)
		return NULL;
	fake = fake_get(world, EAR_LINK_LAN, address);
	fake->link.state = LINK_OPENING;
	fake->link.keyed = false;
	fake->refusal = 0;
	fake->opened++;
	ear_timer_set(&fake->timer, fake->refuses ? 2 * EAR_SEC : fake->open_usec);
	return &fake->link;
}

static struct link *
find_lan(void *arg, const char *address)
{
	struct fake *fake = fake_find(arg, EAR_LINK_LAN, address);

	return fake == NULL || fake->link.state == LINK_DOWN ? NULL : &fake->link;
}

static void
recheck_lan(void *arg, const char *address)
{
	struct world *world = arg;

	for (size_t i = 0; i < LINKS_MAX; i++)
		if (world->links[i].used && world->links[i].waits)
			ear_timer_set(&world->links[i].timer, 0);
}

static struct link *
find_local(void *arg, const char *address)
{
	struct fake *fake = fake_find(arg, EAR_LINK_LOCAL, address);

	return fake == NULL || fake->link.state == LINK_DOWN ? NULL : &fake->link;
}

static const char *
failure(void *arg)
{
	return "refused";
}

static int export(void *arg, struct link *link, const char *label, unsigned char *out,
		  size_t length)
{
	memset(out, 0, length);
	return 0;
}

static void
refuse_lan(void *arg, struct link *link, int error, const char *text)
{
	container_of(link, struct fake, link)->refusal = error;
	fake_close(link);
}

static void
identity_changed(void *arg)
{
}

const struct core_reach world_reach = {
	.lan_open = open_lan,
	.lan_find = find_lan,
	.lan_recheck = recheck_lan,
	.local_find = find_local,
	.server_failure = failure,
	.lan_export = export,
	.lan_refuse = refuse_lan,
	.identity_changed = identity_changed,
};
