/* SPDX-License-Identifier: ISC */
/* trusted.c: the devices on our list that a server can reach. */
#include <string.h>

#include "core/core.h"
#include "core/meet.h"
#include "core/vouch.h"

struct walk {
	struct ear *ear;
	ear_trusted_fn *fn;
	void *arg;
};

/* So that their lists are there when somebody asks again. */
static void
want_lists(struct ear *ear)
{
	for (size_t i = 0; i < ear->conf->peer_count; i++)
		if (ear->conf->peers[i].trusted && ear->conf->peers[i].jid != NULL)
			vouch_want(ear, ear->conf->peers[i].jid, VOUCH_FRESH);
	if (ear->conf->server_kind == CONF_SERVER_ACCOUNT && ear->self_server != NULL)
		vouch_want(ear, ear->self_server, VOUCH_FRESH);
}

static bool
is_trusted(struct ear *ear, const char *jid, const struct ear_key *key)
{
	const struct pin *pin = pins_find(ear->pins, key);

	if (ear_key_equal(key, ear_own_key(ear)) || (pin != NULL && pin->revoked))
		return false;
	return meet_trusts_jid(ear, jid) || meet_level(ear, pin) == EAR_TRUSTED;
}

static bool
on_published(void *arg, const char *jid, const struct ear_key *key)
{
	const struct walk *walk = arg;

	if (is_trusted(walk->ear, jid, key))
		walk->fn(walk->arg, jid, key);
	return false;
}

/* Those whose servers have not been asked since we started, or cannot be. */
static void
each_pin(const struct walk *walk)
{
	struct ear *ear = walk->ear;
	char jid[EAR_JID_SIZE];

	for (size_t i = 0; i < pins_count(ear->pins); i++) {
		const struct pin *pin = pins_at_index(ear->pins, i);

		if (pin->jid_count > 0 && is_trusted(ear, pin->jids[0], &pin->key) &&
		    vouch_look(ear, pin->jids[0], &pin->key, jid) != VOUCH_YES)
			walk->fn(walk->arg, pin->jids[0], &pin->key);
	}
}

void
ear_each_trusted(struct ear *ear, ear_trusted_fn *fn, void *arg)
{
	struct walk walk = { ear, fn, arg };

	want_lists(ear);
	vouch_each(ear, 0, on_published, &walk);
	each_pin(&walk);
}
