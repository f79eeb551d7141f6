/* SPDX-License-Identifier: ISC */
/* link.c: what every kind of link has in common. */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/ns.h>

#include "base/alloc.h"
#include "link/link.h"

/* Random, so that no counter has to live anywhere; never 0, which others use for "no link". */
static unsigned long long
new_serial(void)
{
	unsigned long long serial;

	do {
		if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
			abort();
	} while (serial == 0);
	return serial;
}

static const char *
kind_name(enum ear_link_kind kind)
{
	switch (kind) {
	case EAR_LINK_NONE:
		return "none";
	case EAR_LINK_LOCAL:
		return "local";
	case EAR_LINK_LAN:
		return "lan";
	case EAR_LINK_SERVER:
		return "server";
	}
	return "?";
}

void
link_init(struct link *link, const struct link_ops *ops, enum ear_link_kind kind,
	  const struct link_events *events, void *owner)
{
	*link = (struct link){
		.ops = ops,
		.events = events,
		.owner = owner,
		.kind = kind,
		.state = LINK_OPENING,
		.level = EAR_PLAIN,
		.serial = new_serial(),
	};
}

void
link_release(struct link *link)
{
	free(link->peer);
	free(link->self);
	free(link->jid);
	link->peer = link->self = link->jid = NULL;
}

void
link_enter(struct link *link, enum link_state state)
{
	if (link->state == state)
		return;
	ear_debug("%s: %s %s -> %s", link->peer != NULL ? link->peer : "?", kind_name(link->kind),
		  link_state_name(link->state), link_state_name(state));
	link->state = state;
}

const char *
link_state_name(enum link_state state)
{
	switch (state) {
	case LINK_OPENING:
		return "opening";
	case LINK_UP:
		return "up";
	case LINK_CLOSING:
		return "closing";
	case LINK_DOWN:
		return "down";
	}
	return "?";
}

/*
 * libstrophe cannot take a child out of a stanza. What is left in its place has a name and a
 * namespace that nothing asks for, and a direct child is the only place where control is looked
 * for.
 */
void
link_strip_control(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *child = xmpp_stanza_get_children(stanza);

	for (; child != NULL; child = xmpp_stanza_get_next(child)) {
		const char *ns = xmpp_stanza_get_ns(child);

		if (ns == NULL || strcmp(ns, EAR_NS_CONTROL) != 0)
			continue;
		xmpp_stanza_set_name(child, "removed");
		xmpp_stanza_set_ns(child, "urn:earshot:removed:0");
	}
}
