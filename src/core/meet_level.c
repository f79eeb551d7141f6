/* SPDX-License-Identifier: ISC */
/* meet_level.c: what a key or an address stands for, as far as it is known already. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "core/policy.h"

/* Other devices of our own account. */
static bool
is_own_account(const struct ear *ear, const char *jid)
{
	return ear->conf->server_kind == CONF_SERVER_ACCOUNT && ear->self_server != NULL &&
	       ear_jid_bare_equal(jid, ear->self_server);
}

/* The section about that address itself: what else is known to be the same device says nothing
 * about who may. Of two the first counts, and one about a resource before one about all of them. */
static const struct conf_peer *
conf_of(const struct ear *ear, const char *jid)
{
	const struct conf_peer *found = NULL;

	for (size_t i = 0; i < ear->conf->peer_count; i++) {
		const struct conf_peer *peer = &ear->conf->peers[i];

		if (peer->jid == NULL || !ear_jid_bare_equal(peer->jid, jid))
			continue;
		if (ear_jid_equal(peer->jid, jid))
			return peer;
		if (found == NULL && ear_jid_resource(peer->jid) == NULL)
			found = peer;
	}
	return found;
}

static bool
conf_trusts(const struct ear *ear, const char *jid)
{
	const struct conf_peer *peer = conf_of(ear, jid);

	return peer != NULL && peer->trusted;
}

/* Who holds the key of a domain may speak as everybody in it. */
static bool
conf_trusts_one_of(const struct ear *ear, const char *domain)
{
	for (size_t i = 0; strpbrk(domain, "@/") == NULL && i < ear->conf->peer_count; i++) {
		const struct conf_peer *peer = &ear->conf->peers[i];
		char bare[EAR_JID_SIZE];
		const char *at;

		if (!peer->trusted || peer->jid == NULL ||
		    ear_jid_bare(peer->jid, bare, sizeof(bare)) != 0)
			continue;
		at = strchr(bare, '@');
		if (at != NULL && strcmp(at + 1, domain) == 0)
			return true;
	}
	return false;
}

enum ear_level
meet_level(struct ear *ear, const struct pin *pin)
{
	if (pin == NULL || pin->revoked)
		return EAR_PLAIN;
	if (pin->trusted)
		return EAR_TRUSTED;
	for (size_t i = 0; i < pin->jid_count; i++)
		if (is_own_account(ear, pin->jids[i]) || conf_trusts(ear, pin->jids[i]) ||
		    conf_trusts_one_of(ear, pin->jids[i]))
			return EAR_TRUSTED;
	return pin->jid_count > 0 || pin->voucher > EAR_BY_SERVER ? EAR_PROVED : EAR_KEYED;
}

bool
meet_trusts_jid(struct ear *ear, const char *jid)
{
	const struct pin *pins[PIN_JIDS_MAX];
	size_t n;

	if (is_own_account(ear, jid) || conf_trusts(ear, jid))
		return true;
	n = ear_jid_resource(jid) == NULL && strchr(jid, '@') != NULL
		    ? 0
		    : pins_of(ear->pins, jid, pins, PIN_JIDS_MAX);

	for (size_t i = 0; i < n; i++)
		if (pins[i]->trusted && !pins[i]->revoked)
			return true;
	return false;
}

bool
meet_is_met(struct ear *ear, const struct link *link)
{
	const struct pin *pin = link->keyed ? pins_find(ear->pins, &link->key) : NULL;

	return pin != NULL && pin->met && link->level >= EAR_PROVED;
}

/* Whoever has an address has it with every resource; of an account that is published with one, a
 * device has that, and speaks for the account as long as nobody asks which. */
static bool
is_of(const char *jid, const char *address)
{
	if (!ear_jid_bare_equal(jid, address))
		return false;
	return ear_jid_resource(jid) == NULL || ear_jid_resource(address) == NULL ||
	       ear_jid_equal(jid, address);
}

/* A domain that has proved itself speaks for everybody in it. */
bool
meet_is_theirs(struct ear *ear, const struct link *link, const char *address)
{
	const struct pin *pin = link->keyed ? pins_find(ear->pins, &link->key) : NULL;
	const char *at = strchr(address, '@');
	char domain[EAR_JID_SIZE];

	if (pin == NULL || ear_jid_is_lan(address))
		return false;
	for (size_t i = 0; i < pin->jid_count; i++)
		if (is_of(pin->jids[i], address))
			return true;
	if (at == NULL || copy_text(domain, sizeof(domain), at + 1) != 0)
		return false;
	domain[strcspn(domain, "/")] = '\0';
	for (size_t i = 0; i < pin->jid_count; i++)
		if (strchr(pin->jids[i], '@') == NULL && ear_jid_equal(pin->jids[i], domain))
			return true;
	return false;
}

/* --- without a key -------------------------------------------------------------------------- */

/* It announces a key, or has shown one. */
static bool
has_key(struct ear *ear, const char *address, const struct peer *peer)
{
	return (peer != NULL && peer->txt.hint[0] != '\0') || pins_at(ear->pins, address) != NULL;
}

/* One that announces a key, has had one, or is known by one speaks TLS: without, it is somebody
 * else or somebody is in between. */
int
meet_may_plain(struct ear *ear, const char *address)
{
	const struct peer *peer = peers_find(ear->peers, address);
	const struct dest *dest = dest_find(ear, address);

	if (has_key(ear, address, peer) || (dest != NULL && dest->bound))
		return -EKEYREJECTED;
	return policy_allows_plain(ear->conf) ? 0 : -EACCES;
}

bool
meet_may_be_keyed(struct ear *ear, const char *address)
{
	const struct peer *peer = peers_find(ear->peers, address);

	/* One that is not announced may be anything. */
	return peer == NULL || has_key(ear, address, peer) ||
	       strcmp(peer->txt.node, EAR_CAPS_NODE) == 0;
}
