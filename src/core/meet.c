/* SPDX-License-Identifier: ISC */
/* meet.c: whose key is it that a stream has shown. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "core/policy.h"
#include "core/vouch.h"
#include "trust/cert.h"
#include "trust/hint.h"
#include "trust/identity.h"

#define CLAIM_WAIT   (2 * EAR_SEC) /* the longest a stream waits for a server's word */
#define STORE_LATER  (5 * EAR_SEC) /* keys of strangers are stored together */
#define SEEN_SECONDS 3600          /* how exact the time of the last meeting is kept */

/* --- levels --------------------------------------------------------------------------------- */

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

/* --- meetings ------------------------------------------------------------------------------- */

/* Each key by itself: another one that is shown there must not hide that a first is still open. */
static void
name_of(const struct ear_key *key, const char *address, char out[MEETING_NAME_SIZE])
{
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	snprintf(out, MEETING_NAME_SIZE, "%s %s", text, address);
}

/* Anybody may come with as many keys as it likes: the longest ago that has no stream goes. */
static void
make_room(struct ear *ear)
{
	struct meeting *oldest = NULL;

	if (map_count(ear->meetings) < MEETINGS_MAX)
		return;
	for (size_t i = 0; i < map_count(ear->meetings); i++) {
		struct meeting *meeting = map_at(ear->meetings, i, NULL);

		if ((oldest == NULL || meeting->since < oldest->since) &&
		    meet_link(ear, meeting) == NULL)
			oldest = meeting;
	}
	if (oldest != NULL)
		meet_forget(ear, oldest);
}

/* Who configuration says is there has to be that one: as if it claimed it. */
static void
add_configured(const struct ear *ear, struct meeting *meeting)
{
	for (size_t i = 0; i < ear->conf->peer_count; i++) {
		const struct conf_peer *peer = &ear->conf->peers[i];
		char jid[EAR_JID_SIZE];

		if (peer->address == NULL || peer->jid == NULL ||
		    !ear_jid_bare_equal(peer->address, meeting->address))
			continue;
		if (ear_jid_prep(peer->jid, jid, sizeof(jid)) == 0)
			meeting->claims[meeting->claim_count++] = xstrdup(jid);
		return;
	}
}

static struct meeting *
meeting_of(struct ear *ear, const char *address, const struct cert *cert)
{
	char name[MEETING_NAME_SIZE];
	struct meeting *meeting;

	name_of(&cert->key, address, name);
	meeting = map_get(ear->meetings, name);
	if (meeting != NULL)
		return meeting;
	make_room(ear);
	meeting = xalloc(sizeof(*meeting));
	meeting->address = xstrdup(address);
	meeting->key = cert->key;
	meeting->since = ear_now(ear->clock);
	for (size_t i = 0; i < cert->jid_count; i++)
		meeting->claims[meeting->claim_count++] = xstrdup(cert->jids[i]);
	add_configured(ear, meeting);
	map_set(ear->meetings, name, meeting);
	meet_at(ear, meeting->since + MEETING_KEPT);
	return meeting;
}

void
meet_forget(struct ear *ear, struct meeting *meeting)
{
	char name[MEETING_NAME_SIZE];

	name_of(&meeting->key, meeting->address, name);
	map_del(ear->meetings, name);
	for (size_t i = 0; i < meeting->claim_count; i++)
		free(meeting->claims[i]);
	free(meeting->address);
	free(meeting);
}

/*
 * A key that is known by more addresses than it claims now is asked for under those too, or a
 * stolen one would not be revoked when it claims nothing. What becomes of it comes later
 * (meet_again.c).
 */
static void
check_known(struct ear *ear, const struct meeting *meeting, const struct pin *known)
{
	char jid[EAR_JID_SIZE];

	for (size_t i = 0; known != NULL && i < known->jid_count; i++)
		vouch_check(ear, known->jids[i], &meeting->key, jid);
}

/*
 * What the servers say of the claims: 0, with proved holding the addresses that are; -EAGAIN; or
 * -EPERM: a claim is false. Of one that is pinned already nobody has to wait.
 */
int
meet_judge_claims(struct ear *ear, const struct meeting *meeting, struct pin *proved)
{
	const struct pin *known = pins_find(ear->pins, &meeting->key);
	bool late = ear_now(ear->clock) - meeting->since >= CLAIM_WAIT;
	char jid[EAR_JID_SIZE];
	int rc = 0;

	check_known(ear, meeting, known);
	for (size_t i = 0; i < meeting->claim_count; i++) {
		const char *claim = meeting->claims[i];
		bool pinned = known != NULL && !known->revoked && pin_has_jid(known, claim);

		switch (vouch_check(ear, claim, &meeting->key, jid)) {
		case VOUCH_YES:
			pin_add_jid(proved, jid);
			break;
		case VOUCH_NO:
			return -EPERM;
		case VOUCH_ASKING:
			if (pinned)
				pin_add_jid(proved, claim);
			else if (!late)
				rc = -EAGAIN;
			break;
		case VOUCH_UNKNOWN:
			if (pinned)
				pin_add_jid(proved, claim);
			break;
		case VOUCH_NOBODY:
			break;
		}
	}
	return rc;
}

/* --- judging a key -------------------------------------------------------------------------- */

/* Of an account that does not know the old key any more, the new one is known by any resource. */
static bool
share_jid(const struct pin *old, const struct pin *now)
{
	for (size_t i = 0; i < old->jid_count; i++)
		for (size_t k = 0; k < now->jid_count; k++)
			if (ear_jid_equal(old->jids[i], now->jids[k]) ||
			    (old->revoked && ear_jid_bare_equal(old->jids[i], now->jids[k])))
				return true;
	return false;
}

/* Whether the key that the address had was replaced: the server that vouched for it says so. */
static bool
is_replaced(const struct pin *old, const struct pin *now)
{
	return old->voucher <= EAR_BY_SERVER && share_jid(old, now);
}

/* Somebody else is there than the one who is announced: unless that one is there too, on a stream
 * of his own. */
static void
doubt(struct ear *ear, struct dest *dest, const struct peer *peer)
{
	const struct link *link = ear->reach->lan_find(ear->reach_arg, dest->lan);

	if (link != NULL && link->keyed && link->state == LINK_UP &&
	    ear_key_equal(&link->key, &dest->key))
		return;
	meet_note_liar(ear, peer);
	dest_unbind(dest);
}

/* What the address had and announces. */
static int
judge_memory(struct ear *ear, const char *address, const struct ear_key *key,
	     const struct pin *proved, const char **text)
{
	const struct pin *old = pins_at(ear->pins, address);
	struct dest *dest = dest_find(ear, address);
	const struct peer *peer = peers_find(ear->peers, address);

	if (dest != NULL && dest->bound && !ear_key_equal(&dest->key, key) && peer != NULL &&
	    hint_fits(peer->txt.hint, &dest->key)) {
		doubt(ear, dest, peer);
		*text = "it announces the key of another device";
		return -EKEYREJECTED;
	}
	if (old == NULL || ear_key_equal(&old->key, key) || is_replaced(old, proved))
		return 0;
	*text = "its key is not the one it had";
	return -EKEYREJECTED;
}

static int
judge(struct ear *ear, const struct meeting *meeting, struct pin *proved, const char **text)
{
	const struct pin *known = pins_find(ear->pins, &meeting->key);
	int rc = meet_judge_claims(ear, meeting, proved);

	if (rc == -EPERM) {
		*text = "it claims an address whose server does not publish its key";
		return rc;
	}
	if (rc == 0 && known != NULL && known->revoked && proved->jid_count == 0) {
		*text = "its key was revoked";
		return -EKEYREVOKED;
	}
	return rc != 0 ? rc : judge_memory(ear, meeting->address, &meeting->key, proved, text);
}

/* --- a good key ----------------------------------------------------------------------------- */

static bool
is_at(const struct pin *pin, const char *address)
{
	return pin->address_count > 0 && strcmp(pin->addresses[0], address) == 0;
}

static void
store(struct ear *ear, const struct pin *pin)
{
	int error = pins_put(ear->pins, pin);

	if (pin->voucher == EAR_BY_NOBODY)
		meet_at(ear, ear_now(ear->clock) + STORE_LATER);
	if (error != 0)
		ear_warn("%s: what is known about its key could not be stored: %s",
			 pin->address_count > 0 ? pin->addresses[0] : "?", strerror(-error));
}

/* What is known of the key with what was learned now; stored only when that is something new. */
static void
remember(struct ear *ear, const struct meeting *meeting, const struct pin *proved)
{
	const struct pin *known = pins_find(ear->pins, &meeting->key);
	struct pin *pin = known != NULL ? pin_copy(known) : pin_new(&meeting->key);
	int64_t now = time(NULL);
	bool new = known == NULL || known->revoked || !is_at(known, meeting->address) ||
		   now - known->seen_at > SEEN_SECONDS || now < known->seen_at;

	pin_restore(pin);
	for (size_t i = proved->jid_count; i-- > 0;) {
		if (pin_has_jid(pin, proved->jids[i]))
			continue;
		pin_add_jid(pin, proved->jids[i]);
		new = true;
	}
	if (proved->jid_count > 0 && pin->voucher < EAR_BY_SERVER)
		pin->voucher = EAR_BY_SERVER;
	if (proved->jid_count > 0)
		xreplace(&pin->name, vouch_name(ear, proved->jids[0], &meeting->key));
	pin_add_address(pin, meeting->address);
	pin->seen_at = now;
	if (new)
		store(ear, pin);
	pin_free(pin);
}

/* Tells the link who it is, and its destination. */
void
meet_apply(struct ear *ear, struct link *link, const struct ear_key *key)
{
	const struct pin *pin = pins_find(ear->pins, key);
	struct dest *dest;

	link->key = *key;
	link->keyed = true;
	link->level = pin == NULL ? EAR_KEYED : meet_level(ear, pin);
	xreplace(&link->jid, pin != NULL && pin->jid_count > 0 ? pin->jids[0] : NULL);
	if (pin == NULL || pin->jid_count == 0) {
		dest = dest_get(ear, link->peer);
		if (dest != NULL && dest->bound)
			dest_unbind(dest);
	} else {
		dest = dest_bind(ear, link->peer, key, (const char *const *)pin->jids,
				 pin->jid_count);
	}
	if (dest != NULL)
		dest->trusted = link->level == EAR_TRUSTED;
}

static void
admit(struct ear *ear, struct link *link, struct meeting *meeting, const struct pin *proved)
{
	const struct pin *old = pins_at(ear->pins, meeting->address);

	/* Replaced, as judge_memory has found. */
	if (old != NULL && !ear_key_equal(&old->key, &meeting->key))
		meet_leave_address(ear, old, meeting->address);
	remember(ear, meeting, proved);
	meet_apply(ear, link, &meeting->key);
	ear_info("%s: encrypted, %s%s%s", link->peer, ear_level_name(link->level),
		 link->jid != NULL ? ": it is " : "", link->jid != NULL ? link->jid : "");
}

int
meet_keyed(struct ear *ear, struct link *link, const unsigned char *der, size_t length,
	   const char **text)
{
	struct meeting *meeting;
	struct pin *proved;
	struct cert cert;
	int rc = cert_read(der, length, &cert);

	*text = "its certificate cannot be read";
	if (rc == 0 && ear_key_equal(&cert.key, ear_own_key(ear))) {
		*text = "it shows our own certificate";
		rc = -EPERM;
	}
	if (rc != 0) {
		cert_release(&cert);
		return -EPERM;
	}
	meeting = meeting_of(ear, link->peer, &cert);
	cert_release(&cert);
	proved = pin_new(&meeting->key);
	rc = judge(ear, meeting, proved, text);
	if (rc == 0)
		admit(ear, link, meeting, proved);
	else if (rc == -EAGAIN)
		meet_at(ear, meeting->since + CLAIM_WAIT);
	else
		meet_refused(ear, meeting, rc, *text);
	pin_free(proved);
	return rc;
}

bool
meet_is_met(struct ear *ear, const struct link *link)
{
	const struct pin *pin = link->keyed ? pins_find(ear->pins, &link->key) : NULL;

	return pin != NULL && pin->met && link->level >= EAR_PROVED;
}

void
meet_up(struct ear *ear, struct link *link)
{
	const struct pin *known = link->keyed ? pins_find(ear->pins, &link->key) : NULL;
	struct pin *pin;

	/* Whose list has it: who follows that list hears when it is taken off. */
	if (link->jid != NULL)
		core_tell(ear, EAR_TRUST_CHANGED, link->peer, EAR_LINK_LAN);
	if (known == NULL || known->met)
		return;
	pin = pin_copy(known);
	pin->met = true;
	store(ear, pin);
	pin_free(pin);
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

/* One that announces a key, has had one, or is known by one speaks TLS: without, it is somebody
 * else or somebody is in between. */
int
meet_may_plain(struct ear *ear, const char *address)
{
	const struct peer *peer = peers_find(ear->peers, address);
	const struct dest *dest = dest_find(ear, address);

	if (pins_at(ear->pins, address) != NULL || (peer != NULL && peer->txt.hint[0] != '\0') ||
	    (dest != NULL && dest->bound))
		return -EKEYREJECTED;
	return policy_allows_plain(ear->conf) ? 0 : -EACCES;
}

bool
meet_may_be_keyed(struct ear *ear, const char *address)
{
	const struct peer *peer = peers_find(ear->peers, address);

	/* One that is not announced may be anything. */
	return peer == NULL || peer->txt.hint[0] != '\0' ||
	       strcmp(peer->txt.node, EAR_CAPS_NODE) == 0 || pins_at(ear->pins, address) != NULL;
}
