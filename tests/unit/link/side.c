/* SPDX-License-Identifier: ISC */
/* side.c: a loop, and one end of a LAN with a memory. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <openssl/evp.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/tls.h"
#include "tests/unit/link/side.h"

#define PATIENCE 60000 /* ms */

static int64_t
wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
net_init(struct net *net, bool fake_clock)
{
	ear_log_set_level(getenv("V") != NULL ? EAR_LOG_DEBUG : EAR_LOG_ERROR);
	net->base = event_base_new();
	net->fake = fake_clock;
	net->clock = fake_clock ? clock_new_fake() : clock_new(net->base);
	net->ctx = xmpp_ctx_new(NULL, NULL);
}

void
net_release(struct net *net)
{
	clock_free(net->clock);
	event_base_free(net->base);
	xmpp_ctx_free(net->ctx);
}

void
net_turn(struct net *net)
{
	event_base_loop(net->base, EVLOOP_NONBLOCK);
	if (net->fake)
		clock_advance(net->clock, 10);
}

bool
net_until(struct net *net, bool (*condition)(void *arg), void *arg)
{
	int64_t end = wall() + PATIENCE;

	while (!condition(arg)) {
		if (wall() > end)
			return false;
		net_turn(net);
	}
	return true;
}

void
net_for(struct net *net, int msec)
{
	int64_t end = wall() + msec, fake_end = ear_now(net->clock) + msec * EAR_MSEC;

	while (wall() < end)
		if (net->fake && ear_now(net->clock) >= fake_end)
			event_base_loop(net->base, EVLOOP_NONBLOCK);
		else
			net_turn(net);
}

static int
on_identify(void *owner, const char *claim, const struct sockaddr *source, char *address,
	    size_t size)
{
	struct side *side = owner;

	if (side->identify_rc != 0)
		return side->identify_rc;
	if (claim != NULL)
		return ear_jid_from_instance(claim, address, size) == 0 ? 0 : -EACCES;
	return side->by_source != NULL ? copy_text(address, size, side->by_source) : -EAGAIN;
}

static size_t
on_resolve(void *owner, const char *address, struct dial_target *targets, size_t max)
{
	struct side *side = owner;

	memcpy(targets, side->targets, side->target_count * sizeof(targets[0]));
	for (size_t i = 0; i < side->target_count; i++)
		targets[i].secure = side->secure;
	return side->target_count;
}

static xmpp_stanza_t *
on_features(void *owner)
{
	struct side *side = owner;

	return side->features ? ear_element(side->net->ctx, "query", EAR_NS_DISCO_INFO) : NULL;
}

static int
on_may_plain(void *owner, const char *address)
{
	return ((struct side *)owner)->plain_rc;
}

/* The certificate's hash will do for the key's. */
static int
on_keyed(void *owner, struct link *link, const unsigned char *der, size_t length, const char **text)
{
	struct side *side = owner;

	side->keys++;
	if (side->keyed_rc != 0) {
		*text = "a bad key";
		return side->keyed_rc;
	}
	EVP_Digest(der, length, link->key.sha256, NULL, EVP_sha256(), NULL);
	link->keyed = true;
	link->level = side->jid != NULL ? EAR_PROVED : EAR_KEYED;
	if (side->jid != NULL)
		xreplace(&link->jid, side->jid);
	return 0;
}

static bool
on_is_met(void *owner, const struct link *link)
{
	return ((struct side *)owner)->met;
}

static bool
on_is_ours(void *owner, const char *address)
{
	const struct side *side = owner;

	return side->ours != NULL && strcmp(side->ours, address) == 0;
}

static bool
on_is_theirs(void *owner, const struct link *link, const char *address)
{
	const struct side *side = owner;

	return side->theirs != NULL && strcmp(side->theirs, address) == 0;
}

static void
on_identified(void *owner, struct link *link)
{
	struct side *side = owner;

	side->identified++;
	side->link = link;
}

static void
on_up(void *owner, struct link *link)
{
	struct side *side = owner;

	side->up++;
	side->link = link;
	side->acks = link->acks;
	if (side->refuse_up != 0)
		lan_refuse(link, side->refuse_up, "refused when up");
}

static char *
body_of(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *body = xmpp_stanza_get_child_by_name(stanza, "body");
	char *text = body != NULL ? xmpp_stanza_get_text(body) : NULL;
	char *copy = xstrdup(text != NULL ? text : "");

	if (text != NULL)
		xmpp_free(xmpp_stanza_get_context(stanza), text);
	return copy;
}

static void
on_stanza(void *owner, struct link *link, xmpp_stanza_t *stanza)
{
	struct side *side = owner;
	char *text;
	size_t length;

	if (side->body_count < SIDE_MAX)
		side->bodies[side->body_count++] = body_of(stanza);
	if (xmpp_stanza_to_text(stanza, &text, &length) == 0) {
		xreplace(&side->last, text);
		xmpp_free(xmpp_stanza_get_context(stanza), text);
	}
	if (side->answers != NULL)
		side_send(side, link, link->peer, side->answers);
}

static void
on_undelivered(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	struct side *side = owner;
	struct link *other;

	if (side->resend && !maybe) {
		other = lan_open(side->lan, link->peer);
		if (other != NULL && link_send(other, xmpp_stanza_clone(stanza)) == 0)
			return;
	}
	if (side->back_count == SIDE_MAX)
		return;
	side->back[side->back_count++] = (struct given_back){
		.body = body_of(stanza),
		.to = xstrdup(xmpp_stanza_get_attribute(stanza, "to")),
		.from = xstrdup(xmpp_stanza_get_attribute(stanza, "from")),
		.maybe = maybe,
	};
}

static bool
on_stale(void *owner, xmpp_stanza_t *stanza)
{
	const char *stale = ((struct side *)owner)->stale;
	char *body = body_of(stanza);
	bool is = stale != NULL && body != NULL && strcmp(body, stale) == 0;

	free(body);
	return is;
}

static void
on_silent(void *owner, struct link *link, bool silent)
{
	struct side *side = owner;

	if (silent)
		side->silent++;
	else
		side->heard++;
}

static void
on_acked(void *owner, struct link *link, int64_t rtt)
{
	struct side *side = owner;

	side->acked++;
	side->rtt = rtt;
}

static void
on_down(void *owner, struct link *link, int error, const char *text)
{
	struct side *side = owner;

	side->down++;
	side->error = error;
	xreplace(&side->text, text);
	if (side->link == link)
		side->link = NULL;
}

static const struct link_events events = {
	.identified = on_identified,
	.up = on_up,
	.stanza = on_stanza,
	.undelivered = on_undelivered,
	.stale = on_stale,
	.silent = on_silent,
	.acked = on_acked,
	.down = on_down,
};

static const struct lan_hooks hooks = {
	.identify = on_identify,
	.resolve = on_resolve,
	.may_plain = on_may_plain,
	.keyed = on_keyed,
	.is_met = on_is_met,
	.is_ours = on_is_ours,
	.is_theirs = on_is_theirs,
	.features = on_features,
};

static void
start(struct side *side, int64_t idle_usec)
{
	struct lan_config config = { .interfaces = "all",
				     .idle_usec = idle_usec,
				     .tls = side->tls };
	int error;

	side->lan = lan_new(side->net->base, side->net->clock, side->net->ctx, &config, &hooks,
			    &events, side, &error);
	if (side->lan == NULL)
		abort();
	lan_set_self(side->lan, side->self);
}

void
side_init(struct side *side, struct net *net, const char *self, int64_t idle_usec)
{
	*side = (struct side){ .net = net, .self = self };
	start(side, idle_usec);
}

void
side_init_tls(struct side *side, struct net *net, const char *self)
{
	*side = (struct side){ .net = net, .self = self };
	tls_id_init(&side->id, self, 0);
	side->tls = tls_peers_new(side->id.key, side->id.certificate);
	start(side, 0);
}

void
side_release(struct side *side)
{
	lan_free(side->lan);
	for (size_t i = 0; i < side->body_count; i++)
		free(side->bodies[i]);
	for (size_t i = 0; i < side->back_count; i++) {
		free(side->back[i].body);
		free(side->back[i].to);
		free(side->back[i].from);
	}
	free(side->text);
	free(side->last);
	if (side->tls == NULL)
		return;
	tls_peers_free(side->tls);
	tls_id_release(&side->id);
}

void
side_add_target(struct side *side, const char *host, unsigned port)
{
	struct dial_target *target = &side->targets[side->target_count++];
	struct sockaddr_in *v4 = (struct sockaddr_in *)&target->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&target->address;

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		target->length = sizeof(*v4);
	} else {
		inet_pton(AF_INET6, host, &v6->sin6_addr);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		target->length = sizeof(*v6);
	}
}

int
side_send(struct side *side, struct link *link, const char *to, const char *body)
{
	xmpp_stanza_t *stanza = ear_stanza(side->net->ctx, "message", "chat", to, NULL);
	int rc;

	ear_child_text(stanza, "body", NULL, body);
	rc = link_send(link, stanza);
	if (rc != 0)
		xmpp_stanza_release(stanza);
	return rc;
}
