/* SPDX-License-Identifier: ISC */
/*
 * pubsub_tell_gone.c: notifications that come back (XEP-0060 §12.4). Whoever is not there may be
 * later; whoever is not at all loses his subscription, but not for one word of a server that may
 * only be starting: unless it says that he has gone for good, it has to say so several times, over
 * an hour.
 *
 * That is counted in memory. Several engines count each what it has sent itself, whichever of them
 * it comes back to: the first that has heard it so often ends it for all. That takes more bounces
 * than one engine needs, up to 2N + 1 of N engines before one of them has heard three, and an hour
 * from the first that this one has heard.
 */
#include <errno.h>

#include "memory.h"
#include "nodes_impl.h"
#include "pubsub_tell_impl.h"

#define GONE_MAX  256
#define BOUNCES   3
#define LONG      (3600 * EAR_SEC)
#define TRIES_MAX 8 /* to take the subscription away, when its node changes meanwhile */

/* Who seems to be gone, at one node. */
struct gone {
	struct gone *next; /* heard of longer ago */
	struct pubsub_teller *teller;
	char *address, *node;
	unsigned bounces, tries;
	int64_t since;
	bool asking;
};

static void
gone_free(struct gone *gone)
{
	struct gone **place = &gone->teller->gones;

	while (*place != gone)
		place = &(*place)->next;
	*place = gone->next;
	gone->teller->gone_count--;
	ear_store_forget(gone->teller->store, gone);
	free(gone->address);
	free(gone->node);
	free(gone);
}

static struct gone *
gone_get(struct pubsub_teller *teller, const char *address, const char *node)
{
	struct gone *gone = teller->gones, *oldest = NULL;

	for (; gone != NULL; oldest = gone, gone = gone->next)
		if (strcmp(gone->address, address) == 0 && strcmp(gone->node, node) == 0)
			return gone;
	if (teller->gone_count >= GONE_MAX)
		gone_free(oldest);
	gone = xep_alloc(sizeof(*gone));
	gone->teller = teller;
	gone->address = xep_strdup(address);
	gone->node = xep_strdup(node);
	gone->since = ear_now(ear_clock(teller->ear));
	gone->next = teller->gones;
	teller->gones = gone;
	teller->gone_count++;
	return gone;
}

/* --- the subscription ends ---------------------------------------------------------------- */

static void ask(struct gone *gone);

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	struct gone *gone = arg;

	if (changed->error == -ESTALE && ++gone->tries < TRIES_MAX) {
		ask(gone);
		return;
	}
	if (changed->error == 0)
		ear_info("%s: is gone: subscribed to %s no more", gone->address, gone->node);
	gone_free(gone);
}

static bool
is_subscribed(const struct gone *gone, const struct ear_stored_answer *answer)
{
	for (size_t i = 1; answer->error == 0 && i < answer->count; i++)
		if (strcmp(answer->rows[i].jid, gone->address) == 0)
			return true;
	return false;
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct gone *gone = arg;
	const struct ear_change change = { .kind = EAR_SUBSCRIBE,
					   .jid = gone->address,
					   .subscription = EAR_SUBSCRIPTION_NONE };
	struct ear_transaction transaction = { .node = gone->node, .changes = &change, .count = 1 };

	if (!is_subscribed(gone, answer)) {
		gone_free(gone);
		return;
	}
	transaction.epoch = answer->rows[0].epoch;
	ear_store_change(gone->teller->store, &transaction, on_changed, gone);
}

static void
ask(struct gone *gone)
{
	char who[EAR_JID_SIZE];
	const struct ear_query query = { .kind = EAR_QUERY_NODE, .node = gone->node, .who = who };

	gone->asking = true;
	if (ear_jid_bare(gone->address, who, sizeof(who)) != 0)
		who[0] = '\0';
	ear_store_query(gone->teller->store, &query, on_node, gone);
}

/* --- what came back ----------------------------------------------------------------------- */

/* RFC 6120 §8.3.2: what may be tried again is of type "wait"; that a server does not find another
 * one is about the way. */
static bool
is_for_good(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = ear_find(stanza, "error", NULL);
	const char *type = error == NULL ? NULL : xmpp_stanza_get_type(error);

	return (type != NULL && strcmp(type, "cancel") == 0 &&
		ear_condition_of(stanza) != EAR_REMOTE_SERVER_NOT_FOUND) ||
	       ear_condition_of(stanza) == EAR_GONE;
}

/* A program of this machine: each has an address of its own while it is there. */
static bool
is_program(struct ear *ear, const char *address)
{
	const char *self = ear_self(ear, EAR_LINK_LOCAL), *server = ear_self(ear, EAR_LINK_SERVER);

	return self != NULL && ear_jid_resource(address) != NULL &&
	       ear_jid_bare_equal(address, self) &&
	       (server == NULL || !ear_jid_equal(address, server));
}

static void
count(struct pubsub_teller *teller, const struct sent *sent, const char *to,
      enum ear_verdict condition)
{
	struct gone *gone = gone_get(teller, to, sent->tale->event.node);

	gone->bounces++;
	if (gone->asking ||
	    (condition != EAR_GONE &&
	     (gone->bounces < BOUNCES || ear_now(ear_clock(teller->ear)) - gone->since < LONG)))
		return;
	ask(gone);
}

/* His address in it as it was sent to, or NULL. */
static const char *
whose(struct pubsub_teller *teller, const struct sent *sent, const struct ear_in *in)
{
	if (sent->tale == NULL || strcmp(sent->id, in->id) != 0)
		return NULL;
	if (sent->size > 0)
		return multi_find(sent, in->from);
	return ear_jid_bare_equal(sent->to, in->from) ||
			       told_is_same(teller->ear, sent->to, in->from)
		       ? sent->to
		       : NULL;
}

static void
come_back(struct pubsub_teller *teller, struct sent *sent, const char *to, const struct ear_in *in)
{
	ear_debug("%s: was not told of %s: %s", to, sent->tale->event.node,
		  ear_condition_name(ear_condition_of(in->stanza)));
	if (in->link != EAR_LINK_NONE && is_for_good(in->stanza))
		count(teller, sent, to, ear_condition_of(in->stanza));
	if (sent->tale->event.backlog > 0)
		late_keep(teller, sent->tale, to, TELL_SETTLE_USEC);
	if (sent->size > 0)
		multi_take_out(sent, to);
	else
		sent_forget(sent);
}

enum ear_verdict
pubsub_teller_bounced(struct pubsub_teller *teller, const struct ear_in *in)
{
	if (in->id == NULL)
		return EAR_PASS;
	if (multi_bounced(teller, in))
		return EAR_DONE;
	for (size_t i = 0; i < TELL_SENT_MAX; i++) {
		const char *to = whose(teller, &teller->sent[i], in);

		if (to == NULL)
			continue;
		come_back(teller, &teller->sent[i], to, in);
		return EAR_DONE;
	}
	return EAR_PASS;
}

bool
gone_unsent(struct pubsub_teller *teller, const char *address, const char *node)
{
	struct gone *gone;

	if (!is_program(teller->ear, address))
		return false;
	gone = gone_get(teller, address, node);
	if (!gone->asking)
		ask(gone);
	return true;
}

void
gone_release(struct pubsub_teller *teller)
{
	while (teller->gones != NULL)
		gone_free(teller->gones);
}
