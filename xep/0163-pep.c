/* SPDX-License-Identifier: ISC */
/*
 * 0163-pep.c: who wants to hear of nodes, ours or the service's, without subscribing (XEP-0163
 * §4.3.2): whoever is there with capabilities that say so. Of a component, those are users whose
 * presence comes through the server (RFC 6121); on the LAN, peers whose TXT record has the hash
 * (XEP-0174 §4). What an account publishes is its server's business.
 */
#include <string.h>

#include "caps.h"
#include "memory.h"
#include "nodes.h"
#include "presence.h"
#include "pubsub.h"

extern const struct ear_xep ear_xep_0163;

struct pep {
	struct ear *ear;
	struct caps *caps;
};

/* Of the nodes that are the engine's own. */
static unsigned
own_of(const char *const *nodes, size_t count)
{
	unsigned wants = 0;

	for (size_t i = 0; i < NODES_COUNT; i++)
		for (size_t j = 0; j < count; j++)
			if (strcmp(nodes_all[i]->name, nodes[j]) == 0)
				wants |= 1u << i;
	return wants;
}

static void
on_wants(void *arg, const struct ear_in *in, const char *const *nodes, size_t count)
{
	struct pubsub_teller *teller = pubsub_teller_of(in->ear);

	if (!in->passed)
		nodes_wanted(in, own_of(nodes, count));
	if (teller != NULL)
		pubsub_teller_wanted(teller, in, nodes, count);
}

static void
nobody_wants(struct pep *pep, const char *bare)
{
	struct pubsub_teller *teller = pubsub_teller_of(pep->ear);

	nodes_nobody_wants(pep->ear, bare);
	if (teller != NULL)
		pubsub_teller_nobody(teller, bare);
}

static void
is_there(const struct ear_in *in, bool there)
{
	struct pubsub_teller *teller = pubsub_teller_of(in->ear);

	if (teller != NULL)
		pubsub_teller_there(teller, in, there);
}

static bool
may_any(const struct ear_in *in)
{
	for (size_t i = 0; i < NODES_COUNT; i++)
		if (ear_may(in, nodes_all[i]->verb))
			return true;
	/* What he may see of the service's nodes is decided for each. */
	return pubsub_teller_of(in->ear) != NULL && ear_may(in, EAR_VERB_SUBSCRIBE);
}

/* --- users of a server -------------------------------------------------------------------- */

static void
is_available(struct pep *pep, const struct ear_in *in)
{
	xmpp_stanza_t *c = ear_find(in->stanza, "c", EAR_NS_CAPS);

	if (c == NULL || !may_any(in))
		return;
	caps_find(pep->caps, in, xmpp_stanza_get_attribute(c, "node"),
		  xmpp_stanza_get_attribute(c, "hash"), xmpp_stanza_get_attribute(c, "ver"));
}

/* RFC 6121 §3: we get no presence of him any more, and not every server says that as well. */
static void
is_no_contact(struct pep *pep, const struct ear_in *in)
{
	char bare[EAR_JID_SIZE];

	if (ear_jid_bare(in->from, bare, sizeof(bare)) != 0)
		return;
	caps_forget(pep->caps, bare);
	nobody_wants(pep, bare);
}

static enum ear_verdict
on_presence(const struct ear_in *in)
{
	struct pep *pep = ear_state(in->ear, &ear_xep_0163);
	const char *type = xmpp_stanza_get_type(in->stanza);

	if (in->link != EAR_LINK_SERVER || !presence_is_component(in->ear) || in->to == NULL)
		return EAR_PASS;
	if (type == NULL) {
		is_there(in, true);
		is_available(pep, in);
	} else if (strcmp(type, "unavailable") == 0) {
		caps_forget(pep->caps, in->from);
		is_there(in, false);
		on_wants(pep, in, NULL, 0);
	} else if (strcmp(type, "unsubscribe") == 0 || strcmp(type, "unsubscribed") == 0) {
		is_no_contact(pep, in);
	}
	return EAR_PASS; /* the programs may want to see it, too */
}

/* --- peers on the LAN --------------------------------------------------------------------- */

static void
on_peer(void *arg, const struct ear_peer_info *peer)
{
	struct pep *pep = arg;
	struct ear_in in = {
		.ear = pep->ear, .from = peer->address, .level = peer->level, .link = EAR_LINK_LAN
	};

	if (!ear_jid_is_lan(peer->address) || !may_any(&in))
		return;
	if (peer->in_earshot && *peer->caps_hash != '\0')
		caps_find(pep->caps, &in, peer->caps_node, peer->caps_hash, peer->caps_ver);
}

static void
is_gone(struct pep *pep, const char *address)
{
	struct ear_in in = { .ear = pep->ear, .from = address, .link = EAR_LINK_LAN };

	caps_forget(pep->caps, address);
	on_wants(pep, &in, NULL, 0);
}

/* What he wanted he got as who he was; as who he is now he may want less. */
static void
is_less(struct pep *pep, const char *address)
{
	is_gone(pep, address);
	ear_each_peer(pep->ear, address, on_peer, pep);
}

/* --- life --------------------------------------------------------------------------------- */

static void
on_change(void *arg, const struct ear_event *event)
{
	struct pep *pep = arg;

	switch (event->kind) {
	case EAR_PEER_CHANGED:
	case EAR_TRUST_CHANGED:
		if (event->address != NULL)
			ear_each_peer(pep->ear, event->address, on_peer, pep);
		break;
	case EAR_PEER_GONE:
		is_gone(pep, event->address);
		break;
	case EAR_TRUST_ENDED:
		if (ear_jid_is_lan(event->address))
			is_less(pep, event->address);
		break;
	case EAR_SERVER_UP: /* who left meanwhile, nobody told us */
		nobody_wants(pep, NULL);
		break;
	case EAR_PATH_CHANGED:
	case EAR_STREAM_ENDED:
	case EAR_OWN_KEY_CHANGED:
	case EAR_NETWORK_CHANGED:
	case EAR_PLAYER_CHANGED:
		break;
	}
}

static int
start(struct ear *ear)
{
	struct pep *pep = xep_alloc(sizeof(*pep));

	pep->ear = ear;
	pep->caps = caps_new(ear, on_wants, pep);
	ear_set_state(ear, &ear_xep_0163, pep);
	ear_watch(ear, on_change, pep);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct pep *pep = ear_state(ear, &ear_xep_0163);

	ear_unwatch(ear, on_change, pep);
	caps_free(pep->caps);
	ear_set_state(ear, &ear_xep_0163, NULL);
	free(pep);
}

/* Anyone may say that he is there; what he may see is decided when he wants it. */
static const struct ear_rule rules[] = {
	{ EAR_PRESENCE, NULL, NULL, on_presence, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_0163 = {
	.number = "0163",
	.name = "personal eventing",
	.rules = rules,
	.start = start,
	.stop = stop,
};
