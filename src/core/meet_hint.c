/* SPDX-License-Identifier: ISC */
/* meet_hint.c: whom the peers announce that they are, to those who know them already; and looking
 * for those whom nobody knows. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "core/probe.h"
#include "core/vouch.h"
#include "trust/hint.h"

#define LIAR_KEPT (600 * EAR_SEC) /* one that has shown another key is not dialled so long */
#define SEEK_CALM                                                                                  \
	(60 * EAR_SEC) /* however many come: looking for strangers begins anew so often            \
			*/

/*
 * Whose hint is it: a hash for each key that we know. Neither whoever announces thousands of hints
 * nor whoever publishes thousands of keys may make us do all of it again, so each hint is held
 * against each key once.
 */
struct hint {
	char text[HINT_SIZE];
	bool known;
	struct ear_key key;                       /* that it was made of */
	unsigned long long pins_seen, lists_seen; /* it was held against all up to there */
	int64_t liar_until;                       /* another key was shown there; 0: not */
};

static struct hint *
hint_get(struct ear *ear, const struct peer *peer)
{
	struct hint *hint = map_get(ear->hints, peer->address);

	if (hint == NULL) {
		hint = xalloc(sizeof(*hint));
		map_set(ear->hints, peer->address, hint);
	}
	if (strcmp(hint->text, peer->txt.hint) != 0) {
		*hint = (struct hint){ 0 };
		copy_text(hint->text, sizeof(hint->text), peer->txt.hint);
	}
	return hint;
}

static bool
try_key(struct hint *hint, const struct ear_key *key)
{
	if (!hint_fits(hint->text, key))
		return false;
	hint->known = true;
	hint->key = *key;
	return true;
}

/* The records that have changed since are the last ones. */
static void
try_pins(struct ear *ear, struct hint *hint)
{
	unsigned long long seen = hint->pins_seen;

	for (size_t i = pins_count(ear->pins); i-- > 0 && !hint->known;) {
		const struct pin *pin = pins_at_index(ear->pins, i);
		unsigned long long serial = pins_serial(ear->pins, i);

		if (serial <= seen)
			return;
		if (serial > hint->pins_seen)
			hint->pins_seen = serial;
		if (pin->voucher != EAR_BY_NOBODY)
			try_key(hint, &pin->key);
	}
}

static bool
try_published(void *arg, const char *jid, const struct ear_key *key)
{
	return try_key(arg, key);
}

/* The key that a hint was made of, as far as we know it. */
static const struct ear_key *
key_of(struct ear *ear, struct hint *hint)
{
	if (!hint->known)
		try_pins(ear, hint);
	if (!hint->known && hint->lists_seen < ear->lists_serial) {
		vouch_each(ear, hint->lists_seen, try_published, hint);
		hint->lists_seen = ear->lists_serial;
	}
	return hint->known ? &hint->key : NULL;
}

/* --- those who lie ------------------------------------------------------------------------- */

void
meet_note_liar(struct ear *ear, const struct peer *peer)
{
	hint_get(ear, peer)->liar_until = ear_now(ear->clock) + LIAR_KEPT;
	meet_soon(ear);
}

void
meet_pardon(struct ear *ear, const char *address)
{
	struct hint *hint = map_get(ear->hints, address);

	if (hint != NULL)
		hint->liar_until = 0;
	for (size_t i = 0; i < map_count(ear->meetings); i++) {
		struct meeting *meeting = map_at(ear->meetings, i, NULL);

		if (strcmp(meeting->address, address) == 0)
			meeting->refused_at = 0;
	}
}

/* --- whom they say that they are ----------------------------------------------------------- */

/* Another address has that key, as far as a stream that is open tells. */
static bool
is_elsewhere(struct ear *ear, const struct ear_key *key, const char *address)
{
	for (size_t i = 0; i < map_count(ear->meetings); i++) {
		const struct meeting *meeting = map_at(ear->meetings, i, NULL);

		if (ear_key_equal(&meeting->key, key) && strcmp(meeting->address, address) != 0 &&
		    meet_link(ear, meeting) != NULL)
			return true;
	}
	return false;
}

/* The one who announced it first keeps the place for as long as that works: whoever copies a hint
 * does not take it away. */
static bool
is_taken(struct ear *ear, const struct ear_key *key, const char *address)
{
	const struct dest *dest = dest_of_key(ear, key);
	const struct peer *peer =
		dest == NULL || dest->lan == NULL ? NULL : peers_find(ear->peers, dest->lan);

	return peer != NULL && strcmp(peer->address, address) != 0 &&
	       dest->by_lan.state != EAR_PATH_FAILED && hint_fits(peer->txt.hint, key);
}

/* What the key will be worth once a stream has shown it. */
static enum ear_level
expected_level(struct ear *ear, const struct ear_key *key, const char *const *jids, size_t count)
{
	const struct pin *known = pins_find(ear->pins, key);
	struct pin *pin = known != NULL ? pin_copy(known) : pin_new(key);
	enum ear_level level;

	for (size_t i = 0; i < count; i++)
		pin_add_jid(pin, jids[i]);
	level = meet_level(ear, pin);
	pin_free(pin);
	return level;
}

static bool
has_one_of(const struct pin *pin, const char *const *jids, size_t count)
{
	for (size_t i = 0; i < pin->jid_count; i++)
		for (size_t k = 0; k < count; k++)
			if (ear_jid_bare_equal(pin->jids[i], jids[k]))
				return true;
	return false;
}

/* Who had another key there, or is another one by configuration, is not whoever announces something
 * under that name: what is sent there must not go to that one's server. */
static bool
is_anothers(struct ear *ear, const char *address, const struct ear_key *key,
	    const char *const *jids, size_t count)
{
	const struct pin *pin = pins_at(ear->pins, address);
	const struct dest *dest = dest_find(ear, address);

	if (pin != NULL && !ear_key_equal(&pin->key, key) &&
	    !(pin->revoked && has_one_of(pin, jids, count)))
		return true;
	if (dest == NULL || dest->bound || dest->conf == NULL || dest->conf->jid == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (ear_jid_bare_equal(dest->conf->jid, jids[i]))
			return false;
	return true;
}

bool
meet_expect(struct ear *ear, const char *address, const struct ear_key *key,
	    const char *const *jids, size_t count)
{
	struct dest *dest = dest_find(ear, address);

	if ((dest != NULL && dest->bound && ear_key_equal(&dest->key, key)) ||
	    is_elsewhere(ear, key, address) || is_taken(ear, key, address) ||
	    is_anothers(ear, address, key, jids, count))
		return false;
	dest = dest_bind(ear, address, key, jids, count);
	dest->trusted = expected_level(ear, key, jids, count) == EAR_TRUSTED;
	probe_now(dest);
	return true;
}

static void
expect(struct ear *ear, const struct peer *peer, const struct ear_key *key, const char *const *jids,
       size_t count)
{
	if (meet_expect(ear, peer->address, key, jids, count))
		ear_info("%s: announces the key of %s", peer->address, jids[0]);
}

/* Whoever publishes a key says that it is his; the device says later whose it is. Those whom we
 * have asked for first. */
static bool
expect_published(struct ear *ear, const struct peer *peer, const struct ear_key *key)
{
	char jids[PIN_JIDS_MAX][EAR_JID_SIZE];
	const char *list[PIN_JIDS_MAX];
	size_t n = vouch_jids(ear, key, jids, PIN_JIDS_MAX);

	for (size_t i = 0; i < n; i++)
		list[i] = jids[i];
	if (n > 0)
		expect(ear, peer, key, list, n);
	return n > 0;
}

/* Who does that peer say that it is, to those who know it? False: somebody we do not know. */
static bool
match_hint(struct ear *ear, const struct peer *peer)
{
	const struct ear_key *key;
	const struct pin *pin;
	struct hint *hint;

	if (peer->txt.hint[0] == '\0')
		return true;
	hint = hint_get(ear, peer);
	if (ear_now(ear->clock) < hint->liar_until)
		return true;
	key = key_of(ear, hint);
	if (key == NULL || ear_key_equal(key, ear_own_key(ear)))
		return false;
	pin = pins_find(ear->pins, key);
	if (pin == NULL || pin->revoked || pin->voucher == EAR_BY_NOBODY)
		return expect_published(ear, peer, key);
	if (pin->jid_count > 0)
		expect(ear, peer, key, (const char *const *)pin->jids, pin->jid_count);
	return true;
}

/* --- looking for strangers ----------------------------------------------------------------- */

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

/* Those that are gone, so that names which come and go do not stay. */
static void
forget_gone(struct ear *ear)
{
	if (map_count(ear->hints) <= peers_count(ear->peers))
		return;
	for (size_t i = map_count(ear->hints); i-- > 0;) {
		const char *address;
		struct hint *hint = map_at(ear->hints, i, &address);

		if (peers_find(ear->peers, address) != NULL)
			continue;
		map_del(ear->hints, address);
		free(hint);
	}
}

void
meet_match_all(struct ear *ear)
{
	size_t unknown = 0;

	forget_gone(ear);
	for (size_t i = 0; i < peers_count(ear->peers); i++)
		if (!match_hint(ear, peers_at(ear->peers, i)))
			unknown++;
	if (unknown > 0)
		seek_all(ear);
}

/* Whoever announces something new again and again has nobody asked for more often. */
void
meet_announced(struct ear *ear, const struct peer *peer)
{
	int64_t now = ear_now(ear->clock);

	if (peer->txt.hint[0] == '\0')
		return;
	if (ear->seek_begun == 0 || now - ear->seek_begun >= SEEK_CALM) {
		ear->seek_begun = now + 1;
		ear->seek_wait = VOUCH_AGAIN;
		ear->seek_at = 0;
	} else if (ear->seek_at > ear->seek_begun + SEEK_CALM) {
		ear->seek_at = ear->seek_begun + SEEK_CALM;
	}
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

void
meet_hints_init(struct ear *ear)
{
	ear->hints = map_new();
	ear->seek_wait = VOUCH_AGAIN;
}

void
meet_hints_release(struct ear *ear)
{
	for (size_t i = 0; i < map_count(ear->hints); i++)
		free(map_at(ear->hints, i, NULL));
	map_free(ear->hints);
}
