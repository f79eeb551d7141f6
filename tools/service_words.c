/* SPDX-License-Identifier: ISC */
/* service_words.c: what the errors of a publish-subscribe service mean, and what helps. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "service.h"

/* Conditions of XEP-0060's own (schema of #errors). */
struct word {
	const char *specific;
	const char *text; /* where the service says nothing itself */
	const char *remedy;
};

static const struct word words[] = {
	{ "closed-node", "only those may read it whom its owner has let in",
	  "ask its owner to make this address a member" },
	{ "configuration-required", "the subscription has to be configured first", NULL },
	{ "invalid-jid", "only the address that asks can be subscribed", NULL },
	{ "invalid-options", "it does not take these options", NULL },
	{ "invalid-payload", "it does not take such an item",
	  "the node may want another kind, such as --atom" },
	{ "invalid-subid", "it knows no such subscription", NULL },
	{ "item-forbidden", "this node keeps no items: it takes none", NULL },
	{ "item-required", "this node wants an item", NULL },
	{ "jid-required", "it wants to know which address", NULL },
	{ "max-items-exceeded", "so many items do not fit into the node", NULL },
	{ "max-nodes-exceeded", "it holds as many nodes as it may", "delete one that is not used" },
	{ "nodeid-required", "it wants the name of a node", NULL },
	{ "not-in-roster-group", "only some groups of its owner's contacts may read it",
	  "ask its owner" },
	{ "not-subscribed", "this address is not subscribed there", NULL },
	{ "payload-required", "this node wants items with content", NULL },
	{ "payload-too-big", "the item is too large for it", "publish less at once" },
	{ "pending-subscription", "its owner has not approved the subscription yet",
	  "wait, or ask" },
	{ "precondition-not-met", "the node is configured otherwise than --options wants",
	  "leave --options out, or change the node: earshot node configure" },
	{ "presence-subscription-required", "only contacts of its owner may read it",
	  "become a contact first: with a chat client, or let its owner add this address" },
	{ "subid-required", "this address is subscribed there more than once", NULL },
	{ "too-many-subscriptions", "it has as many subscriptions as it may", NULL },
	{ "unsupported-access-model", "it does not have this access model", NULL },
};

static const struct word conditions[] = {
	{ "item-not-found", "there is no such node or item", NULL },
	{ "conflict", "there is one of that name already", NULL },
	{ "forbidden", "this address may not do that there", "the owner of the node decides" },
	{ "not-allowed", "it lets nobody do that", NULL },
	{ "not-authorized", "this address is not let in", "the owner of the node decides" },
	{ "not-acceptable", "it does not take this", NULL },
	{ "bad-request", "it does not understand this", NULL },
	{ "feature-not-implemented", "it does not offer this", NULL },
	{ "service-unavailable", "it has no nodes, or it is offline", NULL },
	{ "registration-required", "one has to register there first", NULL },
	{ "payment-required", "it costs something", NULL },
	{ "resource-constraint", "it has no room, or too much to do", "try again" },
};

static const struct word *
find(const struct word *table, size_t count, const char *name)
{
	for (size_t i = 0; name != NULL && i < count; i++)
		if (strcmp(table[i].specific, name) == 0)
			return &table[i];
	return NULL;
}

static xmpp_stanza_t *
specific_of(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = ear_find(stanza, "error", NULL);

	for (xmpp_stanza_t *e = error == NULL ? NULL : ear_first(error); e != NULL;
	     e = ear_next(e)) {
		const char *ns = xmpp_stanza_get_ns(e);

		if (ns != NULL && strcmp(ns, SERVICE_ERRORS) == 0)
			return e;
	}
	return NULL;
}

const char *
service_specific(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *specific = specific_of(stanza);

	return specific == NULL ? NULL : xmpp_stanza_get_name(specific);
}

/* What helps where a node is not found, or cannot do what it should. */
static char *
remedy_of(const struct place *place, xmpp_stanza_t *stanza, const struct word *word)
{
	xmpp_stanza_t *specific = specific_of(stanza);
	const char *feature =
		specific == NULL ? NULL : xmpp_stanza_get_attribute(specific, "feature");
	const char *where = place->address == NULL ? "" : place->address;

	if (specific == NULL && ear_condition_of(stanza) == EAR_NOT_AUTHORIZED &&
	    place->address != NULL && ear_jid_is_lan(where))
		return xasprintf("; if both devices are yours: earshot pair %s", where);
	if (word != NULL && word->remedy != NULL)
		return xasprintf("; %s", word->remedy);
	if (place->address == NULL && (ear_condition_of(stanza) == EAR_FEATURE_NOT_IMPLEMENTED ||
				       ear_condition_of(stanza) == EAR_SERVICE_UNAVAILABLE))
		return xstrdup("; a daemon with [store] kind = none has no nodes for others");
	if (feature != NULL)
		return xasprintf("; it lacks \"%s\"", feature);
	if (ear_condition_of(stanza) == EAR_ITEM_NOT_FOUND && place->address != NULL)
		return xasprintf("; earshot items %s lists the nodes", where);
	if (ear_condition_of(stanza) == EAR_ITEM_NOT_FOUND)
		return xstrdup("; earshot node create makes one");
	return xstrdup("");
}

static char *
refusal(const struct place *place, xmpp_stanza_t *stanza)
{
	const char *name = ear_condition_name(ear_condition_of(stanza));
	const char *specific = service_specific(stanza), *text = ear_error_text_of(stanza);
	const struct word *word = find(words, COUNT(words), specific);
	char *subject = place_text(place), *remedy, *all;

	if (word == NULL)
		word = find(conditions, COUNT(conditions), name);
	if (text == NULL)
		text = word == NULL ? "it gave no reason" : word->text;
	remedy = remedy_of(place, stanza, word);
	all = xasprintf("%s: refused (%s%s%s): %s%s", subject, name, specific == NULL ? "" : ", ",
			specific == NULL ? "" : specific, text, remedy);
	free(remedy);
	free(subject);
	return all;
}

char *
service_reason(const struct place *place, const struct answer *answer)
{
	char *subject, *reason;

	if (answer->stanza != NULL && answer->code == EXIT_REFUSED)
		return refusal(place, answer->stanza);
	subject = place_text(place);
	reason = cli_reason(place->address == NULL ? subject : place->address, answer);
	free(subject);
	return reason;
}

int
service_refused(const struct place *place, const struct answer *answer)
{
	char *reason = service_reason(place, answer);

	if (reason != NULL)
		complain("%s", reason);
	free(reason);
	return answer->code;
}
