/* SPDX-License-Identifier: ISC */
/* meet_again.c: everybody is looked at again when a server, the user or an announcement says
 * something new. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/meet_impl.h"
#include "core/told.h"
#include "core/vouch.h"
#include "trust/identity.h"

#define RENEW (600 * EAR_SEC) /* the claims of open streams are checked again so often */
#define SOON  (10 * EAR_MSEC) /* several words at once are one look */

void
meet_at(struct ear *ear, int64_t at)
{
	timer_set_sooner(&ear->settle, at - ear_now(ear->clock));
}

void
meet_later(struct ear *ear, int64_t usec)
{
	meet_at(ear, ear_now(ear->clock) + usec);
}

void
meet_soon(struct ear *ear)
{
	meet_later(ear, SOON);
}

/* Whoever looks at that peer sees it, unless the right one is there beside it. */
static void
note_refusal(struct ear *ear, const char *address, int error, const char *text)
{
	const struct link *link = ear->reach->lan_find(ear->reach_arg, address);
	struct dest *dest = dest_find(ear, address);

	if (dest == NULL || (link != NULL && link->state == LINK_UP))
		return;
	dest->refused = error;
	copy_text(dest->by_lan.failure, sizeof(dest->by_lan.failure), text);
}

void
meet_refused(struct ear *ear, struct meeting *meeting, int error, const char *text)
{
	int64_t now = ear_now(ear->clock);

	if (meeting->refused_at != 0 && now - meeting->refused_at < MEETING_KEPT)
		return;
	meeting->refused_at = now + 1;
	note_refusal(ear, meeting->address, error, text);
	ear_error("%s: REFUSED: %s (if that is right: earshot untrust %s)", meeting->address, text,
		  meeting->address);
	core_tell(ear, EAR_TRUST_CHANGED, meeting->address, EAR_LINK_LAN);
}

/* --- revocation ----------------------------------------------------------------------------- */

void
meet_leave_address(struct ear *ear, const struct pin *known, const char *address)
{
	struct pin *pin = pin_copy(known);

	pin_remove_address(pin, address);
	meet_store(ear, pin);
	pin_free(pin);
}

static bool
has_bare(const struct pin *pin, const char *jid)
{
	for (size_t i = 0; i < pin->jid_count; i++)
		if (ear_jid_bare_equal(pin->jids[i], jid))
			return true;
	return false;
}

void
meet_tell_ended(struct ear *ear, const struct pin *pin, const struct pin *left)
{
	for (size_t i = 0; left == NULL && i < pin->address_count; i++)
		core_tell(ear, EAR_TRUST_ENDED, pin->addresses[i], EAR_LINK_NONE);
	for (size_t i = 0; i < pin->jid_count; i++)
		if (left == NULL || !has_bare(left, pin->jids[i]))
			core_tell(ear, EAR_TRUST_ENDED, pin->jids[i], EAR_LINK_NONE);
}

static bool
is_denied(const struct pin *pin, enum vouch_word word)
{
	/* Whoever publishes nothing does not contradict what the user has said. */
	return word == VOUCH_NO || (word == VOUCH_NOBODY && pin->voucher != EAR_BY_USER);
}

/* The pin without the JIDs whose servers have said that the key is not theirs, and with the
 * resource that a renamed device has now; NULL: all stand. */
static struct pin *
without_denied(struct ear *ear, const struct pin *known)
{
	struct pin *pin = NULL;
	char jid[EAR_JID_SIZE];

	for (size_t i = 0; i < known->jid_count; i++) {
		enum vouch_word word = vouch_look(ear, known->jids[i], &known->key, jid);

		bool renamed = word == VOUCH_YES && ear_jid_resource(known->jids[i]) != NULL &&
			       !ear_jid_equal(jid, known->jids[i]);

		if (!is_denied(known, word) && !renamed)
			continue;
		if (pin == NULL)
			pin = pin_copy(known);
		pin_remove_jid(pin, known->jids[i]);
		if (renamed)
			pin_add_jid(pin, jid);
	}
	return pin;
}

/* A key without any JID left is revoked, and remembered with those that it had: whoever is there
 * next is one of them, or another device. */
static void
revoke_pin(struct ear *ear, const struct pin *known, const struct pin *left)
{
	bool stays = left->jid_count > 0 || left->voucher != EAR_BY_SERVER;
	struct pin *pin = pin_copy(known);

	if (!stays) {
		pin->revoked = true;
		ear_warn("%s: its key was revoked",
			 pin->address_count > 0 ? pin->addresses[0] : "a device");
	}
	meet_store(ear, stays ? left : pin);
	meet_tell_ended(ear, pin, stays ? left : NULL);
	pin_free(pin);
}

/* A record that is put goes to the end. */
static void
revoke_denied(struct ear *ear)
{
	int error;

	pins_batch(ear->pins, true);
	for (size_t i = 0, n = pins_count(ear->pins); n > 0; n--) {
		const struct pin *known = pins_at_index(ear->pins, i);
		struct pin *left = known->revoked ? NULL : without_denied(ear, known);

		if (left != NULL)
			revoke_pin(ear, known, left);
		else
			i++;
		pin_free(left);
	}
	error = pins_batch(ear->pins, false);
	if (error != 0)
		ear_warn("pins: could not be stored: %s", strerror(-error));
}

/* --- open streams --------------------------------------------------------------------------- */

struct link *
meet_link(struct ear *ear, const struct meeting *meeting)
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
	if (pin->revoked && proved->jid_count > 0) {
		pin_restore(pin);
		new = true;
	}
	for (size_t i = proved->jid_count; i-- > 0;) {
		new = new || !pin_has_jid(pin, proved->jids[i]);
		pin_add_jid(pin, proved->jids[i]);
	}
	if (new && pin->voucher < EAR_BY_SERVER)
		pin->voucher = EAR_BY_SERVER;
	if (new)
		meet_store(ear, pin);
	pin_free(pin);
	meet_apply(ear, link, &meeting->key);
	if (!new && link->level == before)
		return;
	ear_info("%s: %s%s%s", link->peer, ear_level_name(link->level),
		 link->jid != NULL ? ": it is " : "", link->jid != NULL ? link->jid : "");
	core_tell(ear, EAR_TRUST_CHANGED, link->peer, EAR_LINK_LAN);
	core_tell(ear, EAR_PEER_CHANGED, link->peer, EAR_LINK_LAN);
}

/* The user has said since that the address has another key. */
static bool
is_supplanted(struct ear *ear, const struct meeting *meeting)
{
	const struct pin *pin = pins_at(ear->pins, meeting->address);

	return pin != NULL && pin->voucher > EAR_BY_SERVER &&
	       !ear_key_equal(&pin->key, &meeting->key);
}

static void
look_at(struct ear *ear, struct link *link, struct meeting *meeting)
{
	const struct pin *known = pins_find(ear->pins, &meeting->key);
	struct pin *proved = pin_new(&meeting->key);
	int rc = meet_judge_claims(ear, meeting, proved);

	if (known == NULL)
		end_forgotten(ear, link, meeting);
	else if (is_supplanted(ear, meeting))
		refuse(ear, link, meeting, -EKEYREJECTED, "its key is not the one it has");
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
is_over(struct ear *ear, const struct meeting *meeting)
{
	int64_t now = ear_now(ear->clock);

	return now - meeting->since >= MEETING_KEPT &&
	       (meeting->refused_at == 0 || now - meeting->refused_at >= MEETING_KEPT);
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
		link = meet_link(ear, meeting);
		if (link != NULL)
			look_at(ear, link, meeting);
		else if (is_over(ear, meeting))
			meet_forget(ear, meeting);
	}
}

/* --- all of it ------------------------------------------------------------------------------ */

/* Nobody is reached by a key that is none any more: its JIDs may have another one by now. */
static void
leave_revoked(struct ear *ear)
{
	struct list *item, *spare;

	list_each (item, spare, &ear->dests.all) {
		struct dest *dest = container_of(item, struct dest, all);
		const struct pin *pin = dest->bound ? pins_find(ear->pins, &dest->key) : NULL;

		if (pin != NULL && pin->revoked)
			dest_unbind(dest);
	}
}

/* Whose keys are other ones than before. */
static void
tell_lists(struct ear *ear)
{
	char bare[EAR_JID_SIZE];

	while (vouch_news(ear, &ear->lists_told, bare))
		core_tell(ear, EAR_TRUST_CHANGED, bare, EAR_LINK_NONE);
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
	leave_revoked(ear);
	meet_match_all(ear);
	told_look(ear);
	tell_lists(ear);
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
	meet_hints_init(ear);
	ear_timer_init(&ear->settle, ear->clock, on_settle, ear);
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
	map_free(ear->meetings);
	meet_hints_release(ear);
	vouch_release(ear);
	pins_free(ear->pins);
	identity_free(ear->identity);
}
