/* SPDX-License-Identifier: ISC */
/* engine_lan.c: what the LAN link asks: who may that be, where is he, whose key is it. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "core/core.h"
#include "core/engine_lan.h"
#include "core/meet.h"
#include "core/route.h"
#include "core/ways.h"

/* A link-local address is another host's on another link; a configured one may have no scope. */
static bool
same_host6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
	if (memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) != 0)
		return false;
	return !IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr) || a->sin6_scope_id == 0 ||
	       a->sin6_scope_id == b->sin6_scope_id;
}

static bool
same_host(const struct sockaddr_storage *a, const struct sockaddr *b)
{
	struct sockaddr_storage copy = *a;

	if (copy.ss_family != b->sa_family)
		return false;
	if (b->sa_family == AF_INET6)
		return same_host6((struct sockaddr_in6 *)&copy, (const struct sockaddr_in6 *)b);
	return ((struct sockaddr_in *)&copy)->sin_addr.s_addr ==
	       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

static bool
may_come_from(struct ear *ear, const char *address, const struct sockaddr *source)
{
	struct sockaddr_storage targets[DIAL_TARGETS_MAX];
	socklen_t lengths[DIAL_TARGETS_MAX];
	size_t n = route_targets(ear, address, targets, lengths, DIAL_TARGETS_MAX);

	for (size_t i = 0; i < n; i++)
		if (same_host(&targets[i], source))
			return true;
	return false;
}

/* Its addresses are found one after the other: of a family without any, the first may be this. */
static bool
has_way_of(const struct peer *peer, int family)
{
	for (size_t i = 0; i < peer->way_count; i++)
		if (peer->ways[i].address.ss_family == family)
			return true;
	return false;
}

static int
hook_identify(void *owner, const char *claim, const struct sockaddr *source, char *address,
	      size_t size)
{
	struct ear *ear = owner;
	const struct peer *peer;
	const struct dest *dest;

	if (claim == NULL) {
		peer = peers_find_source(ear->peers, source);
		return peer == NULL ? -EAGAIN : copy_text(address, size, peer->address);
	}
	if (ear_jid_from_instance(claim, address, size) != 0 || core_is_self(ear, address))
		return -EACCES;
	/* Who has a key that we know proves with it who he is, from wherever he comes: mDNS may
	 * take minutes to learn that his address has changed. */
	if (may_come_from(ear, address, source) || meet_may_plain(ear, address) == -EKEYREJECTED)
		return 0;
	peer = peers_find(ear->peers, address);
	if (peer != NULL)
		return has_way_of(peer, source->sa_family) ? -EACCES : -EAGAIN;
	dest = dest_find(ear, address);
	return dest != NULL && dest->conf != NULL && dest->conf->host != NULL ? -EACCES : -EAGAIN;
}

static size_t
hook_resolve(void *owner, const char *address, struct dial_target *targets, size_t max)
{
	struct sockaddr_storage found[DIAL_TARGETS_MAX];
	socklen_t lengths[DIAL_TARGETS_MAX];
	size_t n = route_targets(owner, address, found, lengths,
				 max < DIAL_TARGETS_MAX ? max : DIAL_TARGETS_MAX);
	struct ear *ear = owner;
	const struct peer *peer = peers_find(ear->peers, address);
	/* It announces a key, or has shown one: it need not be asked whether it speaks TLS. */
	bool secure = meet_may_plain(ear, address) == -EKEYREJECTED;

	n = ways_order(found, lengths, n);
	for (size_t i = 0; i < n; i++) {
		targets[i].secure = secure;
		targets[i].patient = peer != NULL && strcmp(peer->txt.node, EAR_CAPS_NODE) != 0;
		targets[i].address = found[i];
		targets[i].length = lengths[i];
	}
	return n;
}

static xmpp_stanza_t *
hook_features(void *owner)
{
	char node[128];

	snprintf(node, sizeof(node), "%s#%s", EAR_CAPS_NODE, ear_caps_ver(owner));
	return ear_disco_info(owner, node);
}

static int
hook_may_plain(void *owner, const char *address)
{
	return meet_may_plain(owner, address);
}

static int
hook_keyed(void *owner, struct link *link, const unsigned char *der, size_t length,
	   const char **text)
{
	return meet_keyed(owner, link, der, length, text);
}

static bool
hook_is_met(void *owner, const struct link *link)
{
	return meet_is_met(owner, link);
}

/* Whoever knows our key means us, also by the resource that our account had here before. */
static bool
hook_is_ours(void *owner, const char *address)
{
	const struct ear *ear = owner;

	return core_is_self(ear, address) ||
	       (ear->self_server != NULL && ear_jid_bare_equal(address, ear->self_server));
}

static bool
hook_is_theirs(void *owner, const struct link *link, const char *address)
{
	return meet_is_theirs(owner, link, address);
}

static void
hook_tell_clock(void *owner, char *out, size_t size)
{
	expires_tell_clock(owner, out, size);
}

static void
hook_hear_clock(void *owner, const struct link *link, xmpp_stanza_t *element)
{
	expires_hear_clock(owner, link->peer, element);
}

const struct lan_hooks engine_lan_hooks = {
	.may_plain = hook_may_plain,
	.keyed = hook_keyed,
	.is_met = hook_is_met,
	.is_ours = hook_is_ours,
	.is_theirs = hook_is_theirs,
	.identify = hook_identify,
	.resolve = hook_resolve,
	.tell_clock = hook_tell_clock,
	.hear_clock = hook_hear_clock,
	.features = hook_features,
};
