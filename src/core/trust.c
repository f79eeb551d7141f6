/* SPDX-License-Identifier: ISC */
/* trust.c: what the contract offers of keys and pins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/meet_impl.h"
#include "trust/identity.h"

const struct ear_key *
ear_own_key(struct ear *ear)
{
	return identity_key(ear->identity);
}

const char *
ear_device_name(struct ear *ear)
{
	return ear->conf->engine_name;
}

/* What was proved on it was proved by the old key. */
static void
end_stream(struct dest *dest, void *unused)
{
	struct ear *ear = dest->ear;
	struct link *link =
		dest->lan == NULL ? NULL : ear->reach->lan_find(ear->reach_arg, dest->lan);

	if (link != NULL && link->keyed && link->state != LINK_CLOSING)
		link_close(link);
}

int
ear_new_key(struct ear *ear)
{
	int error = identity_renew(ear->identity);

	if (error != 0)
		return error;
	meet_tell_jids(ear);
	ear->reach->identity_changed(ear->reach_arg);
	dests_each(ear, end_stream, NULL);
	ear_warn("this device has a new key");
	core_tell(ear, EAR_OWN_KEY_CHANGED, ear->self_lan, EAR_LINK_NONE);
	return 0;
}

void
ear_each_pin(struct ear *ear, ear_pin_fn *fn, void *arg)
{
	for (size_t i = 0; i < pins_count(ear->pins); i++) {
		const struct pin *pin = pins_at_index(ear->pins, i);
		struct ear_pin_info info = {
			.key = &pin->key,
			.name = pin->name,
			.voucher = pin->voucher,
			.trusted = pin->trusted,
			.revoked = pin->revoked,
			.addresses = (const char *const *)pin->addresses,
			.address_count = pin->address_count,
			.jids = (const char *const *)pin->jids,
			.jid_count = pin->jid_count,
			.seen_at = pin->seen_at,
		};

		fn(arg, &info);
	}
}

/* --- the user's word ------------------------------------------------------------------------ */

static int
changed(struct ear *ear, const char *address)
{
	meet_soon(ear);
	core_tell(ear, EAR_TRUST_CHANGED, address, EAR_LINK_NONE);
	return 0;
}

/* Who has that canonical address; of several the last one put that is not revoked. */
static const struct pin *
find_at(struct ear *ear, const char *full)
{
	const struct pin *found[PIN_JIDS_MAX];
	const struct dest *dest = dest_find(ear, full);
	size_t n;

	if (ear_jid_is_lan(full))
		return pins_at(ear->pins, full);
	/* One that is only expected has no pin. */
	if (dest != NULL && dest->bound && pins_find(ear->pins, &dest->key) != NULL)
		return pins_find(ear->pins, &dest->key);
	n = pins_of(ear->pins, full, found, PIN_JIDS_MAX);
	for (size_t i = 0; i < n; i++)
		if (!found[i]->revoked)
			return found[i];
	return n > 0 ? found[0] : NULL;
}

/* Another key that was seen there is not its key any more. */
static int
take_address(struct ear *ear, const char *address, const struct ear_key *key)
{
	const struct pin *old = pins_at(ear->pins, address);

	if (old == NULL || ear_key_equal(&old->key, key))
		return 0;
	meet_leave_address(ear, old, address);
	return 1;
}

static int
vouch_for(struct ear *ear, const char *full, const struct ear_key *key)
{
	const struct pin *known = pins_find(ear->pins, key);
	struct pin *pin = known != NULL ? pin_copy(known) : pin_new(key);
	int error;

	if (pin->voucher < EAR_BY_PAIRING)
		pin->voucher = EAR_BY_USER;
	pin->trusted = true;
	pin_restore(pin);
	if (ear_jid_is_lan(full)) {
		while (take_address(ear, full, key))
			;
		pin_add_address(pin, full);
	} else if (!pin_has_jid(pin, full)) {
		pin_add_jid(pin, full);
	}
	error = pins_put(ear->pins, pin);
	pin_free(pin);
	return error != 0 ? error : changed(ear, full);
}

int
ear_trust(struct ear *ear, const char *address, const struct ear_key *key)
{
	char full[EAR_JID_SIZE];
	const struct pin *known;
	struct pin *pin;
	int error;

	if (ear_jid_prep(address, full, sizeof(full)) != 0)
		return -EINVAL;
	if (key != NULL)
		return vouch_for(ear, full, key);
	known = find_at(ear, full);
	if (known == NULL)
		return -ENOENT;
	if (known->revoked || known->voucher == EAR_BY_NOBODY)
		return -EACCES;
	pin = pin_copy(known);
	pin->trusted = true;
	error = pins_put(ear->pins, pin);
	pin_free(pin);
	return error != 0 ? error : changed(ear, full);
}

/* Streams end in a moment: what comes by them until then is a stranger's. */
static void
lower_links(struct ear *ear, const struct ear_key *key)
{
	for (size_t i = map_count(ear->meetings); i-- > 0;) {
		struct meeting *meeting = map_at(ear->meetings, i, NULL);
		struct link *link = meet_link(ear, meeting);

		if (link != NULL && ear_key_equal(&link->key, key))
			meet_apply(ear, link, key);
	}
}

static void
forget_key(struct ear *ear, const struct ear_key *key)
{
	struct pin *pin = pin_copy(pins_find(ear->pins, key));
	struct dest *dest;

	pins_remove(ear->pins, key);
	lower_links(ear, key);
	dest = dest_of_key(ear, key);
	if (dest != NULL)
		dest_unbind(dest);
	meet_tell_ended(ear, pin, NULL);
	pin_free(pin);
}

/* A word about the address itself is forgotten too: why it was refused last. */
static void
forget_address(struct ear *ear, const char *full)
{
	struct dest *dest = dest_find(ear, full);

	meet_pardon(ear, full);
	if (dest == NULL)
		return;
	dest->refused = 0;
	path_retry(&dest->by_lan);
	if (dest->by_lan.state == EAR_PATH_FAILED)
		dest->by_lan.state = EAR_PATH_IDLE;
	dest->by_lan.failure[0] = '\0';
}

int
ear_untrust(struct ear *ear, const char *who)
{
	const struct pin *pin;
	struct ear_key key;
	char full[EAR_JID_SIZE];
	int n = 0;

	if (ear_key_parse(who, &key) == 0) {
		if (pins_find(ear->pins, &key) == NULL)
			return -ENOENT;
		forget_key(ear, &key);
		return changed(ear, who);
	}
	if (ear_jid_prep(who, full, sizeof(full)) != 0)
		return -EINVAL;
	while ((pin = find_at(ear, full)) != NULL && n++ < PINS_MAX) {
		key = pin->key;
		forget_key(ear, &key);
	}
	forget_address(ear, full);
	return n == 0 ? -ENOENT : changed(ear, full);
}
