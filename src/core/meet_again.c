/* SPDX-License-Identifier: ISC */
/* meet_again.c: everybody is looked at again when a server, the user or an announcement says
 * something new. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "core/vouch.h"
#include "trust/hint.h"
#include "trust/identity.h"

#define REFUSED_AGAIN (60 * EAR_SEC)  /* one that keeps coming is logged so often */
#define RENEW         (600 * EAR_SEC) /* the claims of open streams are checked again so often */
#define LIARS_MAX     2000
#define SOON          (10 * EAR_MSEC) /* several words at once are one look */

void
meet_at(struct ear *ear, int64_t at)
{
	int64_t now = ear_now(ear->clock);

	if (ear_timer_is_set(&ear->settle) && ear->settle_at <= at)
		return;
	ear->settle_at = at;
	ear_timer_set(&ear->settle, at > now ? at - now : 0);
}

void
meet_soon(struct ear *ear)
{
	meet_at(ear, ear_now(ear->clock) + SOON);
}

void
meet_refused(struct ear *ear, struct meeting *meeting, int error, const char *text)
{
	int64_t now = ear_now(ear->clock);

	if (meeting->refused_at != 0 && now - meeting->refused_at < REFUSED_AGAIN)
		return;
	meeting->refused_at = now + 1;
	ear_error("%s: REFUSED: %s", meeting->address, text);
	core_tell(ear, EAR_TRUST_CHANGED, meeting->address, EAR_LINK_LAN);
}

/* --- revocation ----------------------------------------------------------------------------- */

static void
put(struct ear *ear, const struct pin *pin)
{
	int error = pins_put(ear->pins, pin);

	if (error != 0)
		ear_warn("pins: could not be stored: %s", strerror(-error));
}

void
meet_leave_address(struct ear *ear, const struct pin *known, const char *address)
{
	struct pin *pin = pin_copy(known);

	pin_remove_address(pin, address);
	put(ear, pin);
	pin_free(pin);
}

/* The pin without the JIDs whose servers have said that the key is not theirs; NULL: all stand. */
static struct pin *
without_denied(struct ear *ear, const struct pin *known)
{
	struct pin *pin = NULL;
	char jid[EAR_JID_SIZE];

	for (size_t i = 0; i < known->jid_count; i++) {
		enum vouch_word word = vouch_look(ear, known->jids[i], &known->key, jid);

		if (word != VOUCH_NO && word != VOUCH_NOBODY)
			continue;
		if (pin == NULL)
			pin = pin_copy(known);
		pin_remove_jid(pin, known->jids[i]);
	}
	return pin;
}

static void
revoke_denied(struct ear *ear)
{
	for (size_t i = 0; i < pins_count(ear->pins); i++) {
		struct pin *pin = without_denied(ear, pins_at_index(ear->pins, i));

		if (pin == NULL)
			continue;
		if (pin->jid_count == 0 && pin->voucher == EAR_BY_SERVER) {
			pin->revoked = true;
			ear_warn("%s: its key was revoked",
				 pin->address_count > 0 ? pin->addresses[0] : "a device");
		}
		put(ear, pin);
		pin_free(pin);
		i = (size_t)-1; /* the table has changed: from its start */
	}
}

/* --- open streams --------------------------------------------------------------------------- */

static struct link *
link_of(struct ear *ear, const struct meeting *meeting)
{
	struct link *link = ear->reach->lan_find(ear->reach_arg, meeting->address);

	if (link == NULL || !link->keyed || !ear_key_equal(&link->key, &meeting->key))
		return NULL;
	return link;
}

static void
end_link(struct ear *ear, struct link *link, struct meeting *meeting, int error, const char *text)
{
	struct dest *dest = dest_find(ear, meeting->address);

	link->level = EAR_PLAIN;
	xreplace(&link->jid, NULL);
	if (dest != NULL && dest->bound && ear_key_equal(&dest->key, &meeting->key))
		dest_unbind(dest);
	ear->reach->lan_refuse(ear->reach_arg, link, error, text);
}

static void
refuse(struct ear *ear, struct link *link, struct meeting *meeting, int error, const char *text)
{
	meet_refused(ear, meeting, error, text);
	end_link(ear, link, meeting, error, text);
}

/* That is no refusal: the same device may come again, as somebody who was never seen. */
static void
end_forgotten(struct ear *ear, struct link *link, struct meeting *meeting)
{
	ear_info("%s: its key was forgotten: its stream ends", meeting->address);
	end_link(ear, link, meeting, -ECONNRESET, "its key was forgotten");
}

/* Adds what was proved since, and tells the link. */
static void
raise_link(struct ear *ear, struct link *link, struct meeting *meeting, const struct pin *proved)
{
	const struct pin *known = pins_find(ear->pins, &meeting->key);
	enum ear_level before = link->level;
	struct pin *pin;
	bool new = false;

	if (known == NULL)
		return;
	pin = pin_copy(known);
	for (size_t i = proved->jid_count; i-- > 0;) {
		new = new || !pin_has_jid(pin, proved->jids[i]);
		pin_add_jid(pin, proved->jids[i]);
	}
	if (new && pin->voucher < EAR_BY_SERVER)
		pin->voucher = EAR_BY_SERVER;
	if (new)
		put(ear, pin);
	pin_free(pin);
	meet_apply(ear, link, &meeting->key);
	if (!new && link->level == before)
		return;
	ear_info("%s: %s%s%s", link->peer, ear_level_name(link->level),
		 link->jid != NULL ? ": it is " : "", link->jid != NULL ? link->jid : "");
	core_tell(ear, EAR_TRUST_CHANGED, link->peer, EAR_LINK_LAN);
	core_tell(ear, EAR_PEER_CHANGED, link->peer, EAR_LINK_LAN);
}

static void
look_at(struct ear *ear, struct link *link, struct meeting *meeting)
{
	const struct pin *known = pins_find(ear->pins, &meeting->key);
	struct pin *proved = pin_new(&meeting->key);
	int rc = meet_judge_claims(ear, meeting, proved);

	if (known == NULL)
		end_forgotten(ear, link, meeting);
	else if (rc == -EPERM)
		refuse(ear, link, meeting, known->revoked ? -EKEYREVOKED : -EPERM,
		       known->revoked ? "its key was revoked"
				      : "it claims an address whose server does not publish "
					"its key");
	else if (known->revoked && proved->jid_count == 0)
		refuse(ear, link, meeting, -EKEYREVOKED, "its key was revoked");
	else
		raise_link(ear, link, meeting, proved);
	pin_free(proved);
}

/* Those that wait to be judged have no link of that key yet. */
static bool
is_waiting(struct ear *ear, const struct meeting *meeting)
{
	return ear_now(ear->clock) - meeting->since < 30 * EAR_SEC;
}

static void
look_at_all(struct ear *ear)
{
	for (size_t i = map_count(ear->meetings); i-- > 0;) {
		struct meeting *meeting;
		struct link *link;

		if (i >= map_count(ear->meetings))
			continue;
		meeting = map_at(ear->meetings, i, NULL);
		link = link_of(ear, meeting);
		if (link != NULL)
			look_at(ear, link, meeting);
		else if (!is_waiting(ear, meeting) && meeting->refused_at == 0)
			meet_forget(ear, meeting);
	}
}

/* --- hints ---------------------------------------------------------------------------------- */

void
meet_note_liar(struct ear *ear, const struct peer *peer)
{
	char *old;

	if (map_count(ear->liars) >= LIARS_MAX)
		return;
	old = map_set(ear->liars, peer->address, xstrdup(peer->txt.hint));
	free(old);
}

static bool
is_liar(struct ear *ear, const struct peer *peer)
{
	const char *hint = map_get(ear->liars, peer->address);

	return hint != NULL && strcmp(hint, peer->txt.hint) == 0;
}

struct match {
	struct ear *ear;
	const struct peer *peer;
	bool found;
};

/* Another address has that key, as far as a stream that is open tells. */
static bool
is_elsewhere(struct ear *ear, const struct ear_key *key, const char *address)
{
	for (size_t i = 0; i < map_count(ear->meetings); i++) {
		const struct meeting *meeting = map_at(ear->meetings, i, NULL);

		if (ear_key_equal(&meeting->key, key) && strcmp(meeting->address, address) != 0 &&
		    link_of(ear, meeting) != NULL)
			return true;
	}
	return false;
}

static bool
expect(struct ear *ear, const struct peer *peer, const struct ear_key *key, const char *const *jids,
       size_t count)
{
	const struct dest *dest = dest_find(ear, peer->address);

	if (dest != NULL && dest->bound && ear_key_equal(&dest->key, key))
		return true;
	if (is_elsewhere(ear, key, peer->address))
		return true;
	ear_info("%s: announces the key of %s", peer->address, jids[0]);
	dest_bind(ear, peer->address, key, jids, count);
	return true;
}

static bool
try_published(void *arg, const char *jid, const struct ear_key *key)
{
	struct match *match = arg;
	const struct pin *pin = pins_find(match->ear->pins, key);
	const char *jids[] = { jid };

	if (!hint_fits(match->peer->txt.hint, key) || ear_key_equal(key, ear_own_key(match->ear)) ||
	    (pin != NULL && pin->revoked))
		return false;
	return match->found = expect(match->ear, match->peer, key, jids, 1);
}

static bool
try_pins(struct ear *ear, const struct peer *peer)
{
	for (size_t i = 0; i < pins_count(ear->pins); i++) {
		const struct pin *pin = pins_at_index(ear->pins, i);

		if (pin->revoked || pin->voucher == EAR_BY_NOBODY ||
		    !hint_fits(peer->txt.hint, &pin->key))
			continue;
		if (pin->jid_count > 0)
			expect(ear, peer, &pin->key, (const char *const *)pin->jids,
			       pin->jid_count);
		return true;
	}
	return false;
}

/* Who does that peer say that it is, to those who know it? False: somebody we do not know. */
static bool
match_hint(struct ear *ear, const struct peer *peer)
{
	struct match match = { ear, peer, false };

	if (peer->txt.hint[0] == '\0' || is_liar(ear, peer) || try_pins(ear, peer))
		return true;
	vouch_each(ear, try_published, &match);
	return match.found;
}

static size_t
match_all(struct ear *ear)
{
	size_t unknown = 0;

	for (size_t i = 0; i < peers_count(ear->peers); i++)
		if (!match_hint(ear, peers_at(ear->peers, i)))
			unknown++;
	return unknown;
}

/*
 * Somebody is in earshot whom we cannot place: he may be one of those whom we know by JID, and may
 * not have published his key before we asked. Asked for less and less often; an answer that came
 * within half of the time is still good.
 */
static void
seek_all(struct ear *ear)
{
	int64_t now = ear_now(ear->clock);

	if (now < ear->seek_at) {
		meet_at(ear, ear->seek_at);
		return;
	}
	for (size_t i = 0; i < ear->conf->peer_count; i++)
		if (ear->conf->peers[i].jid != NULL)
			vouch_want(ear, ear->conf->peers[i].jid, ear->seek_wait / 2);
	if (ear->conf->server_kind == CONF_SERVER_ACCOUNT && ear->self_server != NULL)
		vouch_want(ear, ear->self_server, ear->seek_wait / 2);
	ear->seek_at = now + ear->seek_wait;
	meet_at(ear, ear->seek_at);
	if (ear->seek_wait < VOUCH_FRESH)
		ear->seek_wait *= 2;
}

void
meet_announced(struct ear *ear, const struct peer *peer)
{
	if (peer->txt.hint[0] == '\0')
		return;
	ear->seek_wait = VOUCH_AGAIN;
	ear->seek_at = 0;
	meet_soon(ear);
}

void
meet_seek(struct ear *ear, const char *jid)
{
	for (size_t i = 0; i < peers_count(ear->peers); i++)
		if (peers_at(ear->peers, i)->txt.hint[0] != '\0') {
			vouch_want(ear, jid, VOUCH_FRESH);
			return;
		}
}

static void
on_settle(void *arg)
{
	struct ear *ear = arg;

	if (ear->stopping)
		return;
	pins_flush(ear->pins);
	/* Destinations may not be joined under somebody who walks over them. */
	if (ear->dests.walking > 0) {
		meet_soon(ear);
		return;
	}
	revoke_denied(ear);
	look_at_all(ear);
	if (match_all(ear) > 0)
		seek_all(ear);
	ear->reach->lan_recheck(ear->reach_arg, NULL);
	if (!vouch_renew(ear))
		meet_at(ear, ear_now(ear->clock) + VOUCH_EVENT);
	else if (map_count(ear->meetings) > 0)
		meet_at(ear, ear_now(ear->clock) + RENEW);
}

/* --- its making ----------------------------------------------------------------------------- */

void
meet_init(struct ear *ear)
{
	char unused[8];

	ear->identity = identity_open(NULL, unused, sizeof(unused));
	ear->pins = pins_open(NULL, unused, sizeof(unused));
	ear->vouches = map_new();
	ear->meetings = map_new();
	ear->liars = map_new();
	ear_timer_init(&ear->settle, ear->clock, on_settle, ear);
	ear->seek_wait = VOUCH_AGAIN;
	meet_tell_jids(ear);
}

int
meet_open(struct ear *ear, const char *dir, char *error, size_t size)
{
	struct identity *identity = identity_open(dir, error, size);
	struct pins *pins = identity == NULL ? NULL : pins_open(dir, error, size);

	if (pins == NULL) {
		identity_free(identity);
		return -EINVAL;
	}
	identity_free(ear->identity);
	pins_free(ear->pins);
	ear->identity = identity;
	ear->pins = pins;
	meet_tell_jids(ear);
	return 0;
}

void
meet_tell_jids(struct ear *ear)
{
	const char *jids[] = { ear->self_server };

	identity_set_jids(ear->identity, ear->conf->engine_name, jids,
			  ear->self_server == NULL ? 0 : 1);
}

void
meet_release(struct ear *ear)
{
	ear_timer_stop(&ear->settle);
	while (map_count(ear->meetings) > 0)
		meet_forget(ear, map_at(ear->meetings, 0, NULL));
	while (map_count(ear->liars) > 0) {
		const char *key;
		void *hint = map_at(ear->liars, 0, &key);

		map_del(ear->liars, key);
		free(hint);
	}
	map_free(ear->meetings);
	map_free(ear->liars);
	vouch_release(ear);
	pins_free(ear->pins);
	identity_free(ear->identity);
}
