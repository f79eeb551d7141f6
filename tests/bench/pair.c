/* SPDX-License-Identifier: ISC */
/* pair.c: the lan link with as little as possible above it. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <event2/event.h>

#include <earshot/ear.h>

#include "base/timer.h"
#include "bench.h"
#include "pair.h"
#include "wire/pool.h"

static int
hook_identify(void *owner, const char *claim, const struct sockaddr *source, char *address,
	      size_t size)
{
	return claim == NULL ? -EACCES : ear_jid_from_instance(claim, address, size);
}

static size_t
hook_resolve(void *owner, const char *address, struct dial_target *targets, size_t max)
{
	const struct pair *pair = owner;
	struct sockaddr_in *to = (struct sockaddr_in *)&targets[0].address;

	to->sin_family = AF_INET;
	to->sin_port = htons((uint16_t)pair->peer_port);
	to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	targets[0].length = sizeof(*to);
	targets[0].secure = pair->tls != NULL;
	return 1;
}

static int
hook_may_plain(void *owner, const char *address)
{
	return -EACCES;
}

/* Whoever it is, we have met before. */
static int
hook_keyed(void *owner, struct link *link, const unsigned char *der, size_t length,
	   const char **text)
{
	link->keyed = true;
	link->level = EAR_TRUSTED;
	return 0;
}

static bool
hook_is_met(void *owner, const struct link *link)
{
	return true;
}

/* As long as what an engine with its usual extensions says. */
static xmpp_stanza_t *
hook_features(void *owner)
{
	static const char *const features[] = {
		EAR_NS_DISCO_INFO, EAR_NS_DISCO_ITEMS, EAR_NS_PING,    EAR_NS_VERSION,
		EAR_NS_DELAY,      EAR_NS_CAPS,        EAR_NS_BUTTONS,
	};
	const struct pair *pair = owner;
	xmpp_stanza_t *query = ear_element(pair->ctx, "query", EAR_NS_DISCO_INFO);
	xmpp_stanza_t *identity = ear_child(query, "identity", NULL);

	ear_set(query, "node", "%s#%s", EAR_CAPS_NODE, "QgayPKawpkPSDYmwT/WM94uAlu0=");
	ear_set(identity, "category", "client");
	ear_set(identity, "type", "bot");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		ear_set(ear_child(query, "feature", NULL), "var", "%s", features[i]);
	return query;
}

static const struct lan_hooks hooks = {
	.identify = hook_identify,
	.resolve = hook_resolve,
	.may_plain = hook_may_plain,
	.keyed = hook_keyed,
	.is_met = hook_is_met,
	.features = hook_features,
};

static void
on_identified(void *owner, struct link *link)
{
}

static void
on_up(void *owner, struct link *link)
{
	struct pair *pair = owner;

	pair->up++;
}

static void
on_stanza(void *owner, struct link *link, xmpp_stanza_t *stanza)
{
	struct pair *pair = owner;

	pair->stanzas++;
	if (pair->on_stanza != NULL)
		pair->on_stanza(pair, link, stanza);
}

static void
on_undelivered(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	xmpp_stanza_release(stanza);
}

static void
on_down(void *owner, struct link *link, int error, const char *text)
{
	struct pair *pair = owner;

	pair->down++;
}

static const struct link_events events = {
	.identified = on_identified,
	.up = on_up,
	.stanza = on_stanza,
	.undelivered = on_undelivered,
	.down = on_down,
};

static void
open_lan(struct pair *pair, const char *instance, unsigned port)
{
	struct lan_config config = { .port = port, .interfaces = "all", .tls = pair->tls };
	int error;

	pair->lan =
		lan_new(pair->base, pair->clock, pair->ctx, &config, &hooks, &events, pair, &error);
	if (pair->lan == NULL)
		bench_die("%s: %s", instance, strerror(-error));
	lan_set_self(pair->lan, instance);
}

void
pair_open(struct pair *pair, const char *instance, unsigned port)
{
	ear_log_set_level(EAR_LOG_ERROR);
	pair->base = event_base_new();
	pair->clock = clock_new(pair->base);
	pair->ctx = pool_ctx_new(&pair->pool);
	open_lan(pair, instance, port);
}

void
pair_open_beside(struct pair *pair, const struct pair *first, const char *instance)
{
	pair->base = first->base;
	pair->clock = first->clock;
	pair->pool = first->pool;
	pair->ctx = first->ctx;
	pair->tls = first->tls;
	pair->peer_port = first->peer_port;
	open_lan(pair, instance, PAIR_PORT_ANY);
}

void
pair_close(struct pair *pair)
{
	lan_free(pair->lan);
	clock_free(pair->clock);
	event_base_free(pair->base);
	pool_ctx_free(pair->ctx, pair->pool);
}
