/* SPDX-License-Identifier: ISC */
/* contract.c: what <earshot/ear.h> offers that needs no more than a look into the engine. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/core.h"
#include "core/delivery.h"
#include "core/disco.h"
#include "core/dispatch.h"
#include "core/expires.h"
#include "core/policy.h"
#include "core/route.h"

xmpp_ctx_t *
ear_ctx(struct ear *ear)
{
	return ear->ctx;
}

struct ear_clock *
ear_clock(struct ear *ear)
{
	return ear->clock;
}

struct ear_player *
ear_player(struct ear *ear)
{
	return ear->player;
}

bool
ear_player_takes_words(struct ear *ear)
{
	return ear->player != NULL && ear->conf->player_chat;
}

size_t
ear_nodes_per_owner(struct ear *ear)
{
	return ear->conf->store_nodes_per_owner;
}

const struct ear_xep *const *
ear_xeps(struct ear *ear)
{
	return ear->xeps;
}

const char *
ear_self(struct ear *ear, enum ear_link_kind link)
{
	return link == EAR_LINK_SERVER ? ear->self_server : ear->self_lan;
}

static size_t
index_of(struct ear *ear, const struct ear_xep *xep)
{
	size_t i = 0;

	while (ear->xeps[i] != NULL && ear->xeps[i] != xep)
		i++;
	return i;
}

void
ear_set_state(struct ear *ear, const struct ear_xep *xep, void *state)
{
	ear->xep_states[index_of(ear, xep)] = state;
}

void *
ear_state(struct ear *ear, const struct ear_xep *xep)
{
	return ear->xep_states[index_of(ear, xep)];
}

int
ear_send(struct ear *ear, xmpp_stanza_t *stanza)
{
	int error;

	core_stamp(ear, stanza);
	stanza = delivery_accept(ear, stanza);
	error = route_out(ear, stanza, EAR_LINK_NONE);
	if (error != 0)
		xmpp_stanza_release(stanza);
	return error;
}

uint64_t
ear_mark(struct ear *ear)
{
	return ear->server == NULL ? 0 : ear->server->taken;
}

/* Everybody whom the server reaches shares its link. */
bool
ear_has_left(struct ear *ear, const char *to, uint64_t mark)
{
	struct dest *dest = dest_find(ear, to);

	if (dest == NULL)
		return true;
	if (dest_is_waiting(dest))
		return false;
	if (dest->jid != NULL && ear->server != NULL &&
	    ear->server->taken - link_unacked(ear->server) < mark) {
		if (ear->server->ops->ask != NULL)
			ear->server->ops->ask(ear->server);
		return false;
	}
	return dest->lan == NULL ||
	       link_unacked(ear->reach->lan_find(ear->reach_arg, dest->lan)) == 0;
}

/* Asked of everybody who is told of an event: one preparation has to do for all questions. */
bool
ear_only_by_server(struct ear *ear, const char *address)
{
	char full[EAR_JID_SIZE], bare[EAR_JID_SIZE];
	const struct dest *dest;

	if (ear->server == NULL || ear->server->state != LINK_UP ||
	    dest_forms(ear, address, full, bare) != 0)
		return false;
	if (ear_jid_bare_is_lan(bare) || core_is_self_canonical(ear, full, bare) ||
	    ear->reach->local_find(ear->reach_arg, address) != NULL)
		return false;
	dest = dest_find_canonical(ear, full, bare);
	return dest == NULL || (dest->lan == NULL && dest->conf == NULL && !dest->bound &&
				!dest->trusted && !dest->remembers && !dest->switching &&
				!dest->flushing && !dest_is_waiting(dest) && dest->owed.count == 0);
}

bool
ear_may(const struct ear_in *in, enum ear_verb verb)
{
	return policy_allows(in->ear->conf, verb, in->level, in->link);
}

bool
ear_may_by_server(struct ear *ear, const char *address, enum ear_verb verb)
{
	return ear->server != NULL &&
	       policy_allows(ear->conf, verb, dispatch_level(ear, ear->server, address),
			     EAR_LINK_SERVER);
}

enum ear_level
ear_level_by_server(struct ear *ear, const char *address)
{
	return ear->server == NULL ? EAR_PLAIN : dispatch_level(ear, ear->server, address);
}

int64_t
ear_held_up(const struct ear_in *in)
{
	return expires_age(in->ear, in->from, in->stanza);
}

xmpp_stanza_t *
ear_disco_info(struct ear *ear, const char *node)
{
	return disco_info(ear->ctx, ear->xeps, ear->store != NULL, ear->conf->engine_name, node);
}

const char *
ear_caps_ver(struct ear *ear)
{
	return ear->caps_ver;
}

void
ear_caps_ver_of(xmpp_stanza_t *query, char *out)
{
	disco_ver(query, out, EAR_CAPS_VER_SIZE);
}
