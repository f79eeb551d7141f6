/* SPDX-License-Identifier: ISC */
/* lan_address.c: whose addresses stand in a stanza, on the wire and above it. */
#include <string.h>
#include <strings.h>

#include <earshot/jid.h>

#include "base/alloc.h"
#include "link/lan_impl.h"

bool
lan_address_names(const char *name, const char *wire, const char *address)
{
	char text[EAR_JID_SIZE], canonical[LAN_ADDRESS_SIZE];

	if (strcmp(name, wire) == 0 || ear_jid_bare_equal(name, address))
		return true;
	if (copy_text(text, sizeof(text), name) != 0)
		return false;
	text[strcspn(text, "/")] = '\0';
	return ear_jid_from_instance(text, canonical, sizeof(canonical)) == 0 &&
	       strcasecmp(canonical, address) == 0;
}

/* An empty one is as none (iChat). */
static const char *
address_in(xmpp_stanza_t *stanza, const char *attribute)
{
	const char *value = xmpp_stanza_get_attribute(stanza, attribute);

	return value != NULL && *value != '\0' ? value : NULL;
}

static const char *
take_from(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	struct lan_link *l = ls->link;
	struct link *link = &l->link;
	const char *from = address_in(stanza, "from");

	/* The usual one of a peer that is called by its JID costs no more than to look at it. */
	if (from != NULL && link->jid != NULL && strcmp(from, link->jid) == 0)
		return NULL;
	if (from == NULL || lan_address_names(from, l->wire, link->peer))
		xmpp_stanza_set_attribute(stanza, "from",
					  link->jid != NULL ? link->jid : link->peer);
	else if (link->jid == NULL || !ls->lan->hooks.is_theirs(link->owner, link, from))
		return "invalid-from";
	return NULL;
}

/* The JID that it called us by before, if that is ours still. */
static bool
is_usual(const struct lan_stream *ls, const char *to)
{
	const struct link *link = &ls->link->link;

	return to != NULL && link->jid != NULL && ls->ours != NULL && strcmp(to, ls->ours) == 0 &&
	       ls->lan->hooks.is_ours(link->owner, to);
}

static const char *
take_to(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	struct link *link = &ls->link->link;
	const char *to = address_in(stanza, "to");

	if (is_usual(ls, to))
		return NULL;
	if (to == NULL || lan_address_names(to, ls->lan->self, link->self)) {
		xmpp_stanza_set_attribute(stanza, "to", link->self);
		return NULL;
	}
	if (link->jid == NULL || !ls->lan->hooks.is_ours(link->owner, to))
		return "improper-addressing";
	if (ls->ours == NULL || strcmp(ls->ours, to) != 0)
		xreplace(&ls->ours, to);
	return NULL;
}

const char *
lan_address_take(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	const char *condition = take_from(ls, stanza);

	return condition != NULL ? condition : take_to(ls, stanza);
}

/* One that has called us by a JID knows us by that, and by others that are ours. */
const char *
lan_address_from(const struct lan_stream *ls, const char *from)
{
	const struct link *link = &ls->link->link;

	if (link->jid == NULL || ls->ours == NULL)
		return ls->lan->self;
	if (from != NULL && strcmp(from, ls->ours) != 0 &&
	    ls->lan->hooks.is_ours(link->owner, from))
		return from;
	return ls->ours;
}

const char *
lan_address_to(const struct lan_stream *ls, const char *to)
{
	const struct link *link = &ls->link->link;

	if (link->jid == NULL || to == NULL || strcmp(to, link->peer) == 0)
		return ls->link->wire;
	if (strcmp(to, link->jid) != 0 && ear_jid_bare_equal(to, link->peer))
		return ls->link->wire;
	return to;
}
