/* SPDX-License-Identifier: ISC */
/* meet.c: whose key is it that a stream has shown. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "core/told.h"
#include "core/vouch.h"
#include "trust/cert.h"
#include "trust/hint.h"

#define CLAIM_WAIT   (2 * EAR_SEC) /* the longest a stream waits for a server's word */
#define STORE_LATER  (5 * EAR_SEC) /* keys of strangers are stored together */
#define SEEN_SECONDS 3600          /* how exact the time of the last meeting is kept */

/* --- claims --------------------------------------------------------------------------------- */

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

void
meet_store(struct ear *ear, const struct pin *pin)
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
		meet_store(ear, pin);
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
	const struct ear_key *expected = told_key(ear, link->peer);
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
	if (rc == 0 && expected != NULL && !ear_key_equal(&cert.key, expected)) {
		cert_release(&cert);
		*text = "another device is at the addresses that it told";
		return -EADDRNOTAVAIL;
	}
	meeting = meet_note(ear, link->peer, &cert);
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
	meet_store(ear, pin);
	pin_free(pin);
}
