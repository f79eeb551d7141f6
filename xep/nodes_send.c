/* SPDX-License-Identifier: ISC */
/*
 * nodes_send.c: notifications (XEP-0060 §7.1.2).
 *
 * Each holds the item as it was when it left, and says how long that is of use
 * (urn:earshot:delivery:0): a way that stands still for a while brings nobody a row of old states.
 * Whoever has missed one that way gets what is then, once he can be reached.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nodes_impl.h"

static const char *
publisher_of(const struct nodes *nodes, const struct listener *listener)
{
	return listener->ours != NULL ? listener->ours : ear_self(nodes->ear, listener->link);
}

/* Consumes the payload. */
static xmpp_stanza_t *
new_notification(struct nodes *nodes, const struct listener *listener, xmpp_stanza_t *payload)
{
	xmpp_stanza_t *message =
		ear_stanza(ear_ctx(nodes->ear), "message", "headline", listener->address, NULL);
	xmpp_stanza_t *event = ear_child(message, "event", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *items = ear_child(event, "items", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *item = ear_child(items, "item", EAR_NS_PUBSUB_EVENT);
	const char *publisher = publisher_of(nodes, listener);

	if (listener->ours != NULL)
		xmpp_stanza_set_from(message, listener->ours);
	ear_set(items, "node", "%s", listener->node->name);
	xmpp_stanza_set_id(item, NODES_ITEM);
	if (publisher != NULL)
		ear_set(item, "publisher", "%s", publisher);
	xmpp_stanza_add_child_ex(item, payload, 0);
	ear_set(ear_child(message, "expires", EAR_NS_DELIVERY), "ms", "%lld",
		(long long)(listener->node->life / EAR_MSEC));
	return message;
}

/* A program that cannot be sent to has left. Freed later: somebody may be walking the table. */
static void
has_missed(struct nodes *nodes, struct listener *listener)
{
	int64_t now = ear_now(ear_clock(nodes->ear));

	if (listener->failing_since == 0 || now - listener->failed_at > NODES_PATIENCE)
		listener->failing_since = now;
	listener->failed_at = now;
	listener->missed = true;
	listener->gone =
		listener->gone || listener->link == EAR_LINK_LOCAL ||
		(listener->link == EAR_LINK_LAN && now - listener->failing_since >= NODES_PATIENCE);
	if (listener->gone)
		ear_timer_set(&nodes->prune, 0);
	else if (!ear_timer_is_set(&nodes->again))
		ear_timer_set(&nodes->again, NODES_AGAIN);
}

/* Who was let in by other rules than those of today, before a restart for example. */
static bool
may_still(const struct listener *listener)
{
	return listener->link != EAR_LINK_SERVER ||
	       ear_may_by_server(listener->ear, listener->address, listener->node->verb);
}

/* Consumes the payload. */
static void
notify(struct nodes *nodes, struct listener *listener, xmpp_stanza_t *payload)
{
	xmpp_stanza_t *message;

	if (!may_still(listener)) {
		xmpp_stanza_release(payload);
		listener->gone = true;
		ear_timer_set(&nodes->prune, 0);
		return;
	}
	message = new_notification(nodes, listener, payload);
	snprintf(listener->id, sizeof(listener->id), "%s", xmpp_stanza_get_id(message));
	listener->missed = false;
	if (ear_send(nodes->ear, message) != 0)
		has_missed(nodes, listener);
}

void
nodes_notify(struct nodes *nodes, struct listener *listener)
{
	notify(nodes, listener, listener->node->payload(nodes->ear));
}

static void
on_asked(void *arg, const struct ear_answer *answer)
{
	struct listener *listener = arg;
	enum ear_verdict condition =
		answer->error == -EREMOTEIO ? ear_condition_of(answer->stanza) : EAR_PASS;

	if (condition != EAR_SERVICE_UNAVAILABLE && condition != EAR_ITEM_NOT_FOUND &&
	    condition != EAR_GONE)
		return;
	ear_debug("%s: is not there any more", listener->address);
	listener->gone = true;
	ear_timer_set(&nodes_of(listener->ear)->prune, 0);
}

/*
 * A server takes headlines for a client that has left without a word (RFC 6121 §8.5.3.2.1), but
 * says what became of a question (§8.5.3.2.3). Whoever is there by his presence says himself when
 * he leaves.
 */
static void
ask_whether_there(struct nodes *nodes, struct listener *listener)
{
	int64_t now = ear_now(ear_clock(nodes->ear));
	xmpp_stanza_t *iq;

	if (listener->link != EAR_LINK_SERVER || listener->wants ||
	    ear_jid_resource(listener->address) == NULL || now - listener->heard_at < NODES_UNHEARD)
		return;
	listener->heard_at = now;
	iq = ear_stanza(ear_ctx(nodes->ear), "iq", "get", listener->address, NULL);
	ear_child(iq, "query", EAR_NS_DISCO_INFO);
	ear_request_by(nodes->ear, EAR_LINK_SERVER, iq, 0, on_asked, listener);
}

/* One rendering for all. */
static void
notify_all(struct nodes *nodes, const struct node *node)
{
	xmpp_stanza_t *payload = node->payload(nodes->ear);

	for (size_t i = 0; i < nodes->count; i++)
		if (nodes->told[i]->node == node && !nodes->told[i]->gone) {
			notify(nodes, nodes->told[i], xmpp_stanza_copy(payload));
			ask_whether_there(nodes, nodes->told[i]);
		}
	xmpp_stanza_release(payload);
}

/* --- changes ------------------------------------------------------------------------------ */

static void
begin_gap(struct nodes *nodes, size_t i)
{
	nodes->due[i] = false;
	ear_timer_set(&nodes->gaps[i].timer, NODES_GAP);
	notify_all(nodes, nodes_all[i]);
}

static void
on_gap_over(void *arg)
{
	struct gap *gap = arg;

	if (gap->nodes->due[gap - gap->nodes->gaps])
		begin_gap(gap->nodes, gap - gap->nodes->gaps);
}

void
nodes_changed(struct ear *ear, const struct node *node)
{
	struct nodes *nodes = nodes_of(ear);

	for (size_t i = 0; i < NODES_COUNT; i++) {
		if (nodes_all[i] != node)
			continue;
		nodes->due[i] = true;
		if (!ear_timer_is_set(&nodes->gaps[i].timer))
			begin_gap(nodes, i);
	}
}

/* --- interest by presence (XEP-0163 §4.3) ------------------------------------------------- */

static void
want(struct nodes *nodes, const struct ear_in *in, const struct node *node)
{
	struct listener *listener = told_find(nodes, node, in->from);
	bool known = listener != NULL && listener->wants;

	listener = told_hear(nodes, in, node, in->from);
	listener->wants = true;
	if (!known)
		nodes_notify(nodes, listener);
}

static void
want_no_more(struct nodes *nodes, const struct node *node, const char *address)
{
	struct listener *listener = told_find(nodes, node, address);

	if (listener == NULL || !listener->wants)
		return;
	listener->wants = false;
	if (!listener->subscribed)
		told_forget(nodes, listener);
}

void
nodes_wanted(const struct ear_in *in, unsigned wants)
{
	struct nodes *nodes = nodes_of(in->ear);

	for (size_t i = 0; i < NODES_COUNT; i++) {
		if ((wants & 1u << i) != 0 && ear_may(in, nodes_all[i]->verb))
			want(nodes, in, nodes_all[i]);
		else
			want_no_more(nodes, nodes_all[i], in->from);
	}
}

void
nodes_nobody_wants(struct ear *ear, const char *bare)
{
	struct nodes *nodes = nodes_of(ear);

	for (size_t i = nodes->count; i-- > 0;) {
		struct listener *listener = nodes->told[i];

		if (listener->link != EAR_LINK_SERVER || !listener->wants ||
		    (bare != NULL && !ear_jid_bare_equal(listener->address, bare)))
			continue;
		listener->wants = false;
		if (!listener->subscribed)
			told_forget(nodes, listener);
	}
}

/* --- what did not arrive ------------------------------------------------------------------ */

/* RFC 6120 §8.3.2: what may be tried again is of type "wait"; that a server does not find another
 * one is about the way. */
static bool
says_gone(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = ear_find(stanza, "error", NULL);
	const char *type = error == NULL ? NULL : xmpp_stanza_get_type(error);

	return type != NULL && strcmp(type, "wait") != 0 &&
	       ear_condition_of(stanza) != EAR_REMOTE_SERVER_NOT_FOUND;
}

static void
bounced(struct nodes *nodes, struct listener *listener, const struct ear_in *in)
{
	/* What no path took may be refused by ourselves, for a while. */
	if (in->link == EAR_LINK_NONE || !says_gone(in->stanza)) {
		has_missed(nodes, listener);
		return;
	}
	ear_debug("%s: is told no more of %s: %s", listener->address, listener->node->name,
		  ear_condition_name(ear_condition_of(in->stanza)));
	listener->gone = true;
	ear_timer_set(&nodes->prune, 0);
}

enum ear_verdict
nodes_bounced(struct nodes *nodes, const struct ear_in *in)
{
	for (size_t i = 0; in->id != NULL && i < nodes->count; i++) {
		struct listener *listener = nodes->told[i];

		if (strcmp(listener->id, in->id) != 0 ||
		    (!ear_jid_bare_equal(listener->address, in->from) &&
		     !told_is_same(nodes->ear, listener->address, in->from)))
			continue;
		bounced(nodes, listener, in);
		return EAR_DONE;
	}
	return EAR_PASS;
}

/* Somebody at a server is tried again for a while, and then when the link to it is new. */
static bool
is_hopeful(const struct nodes *nodes, const struct listener *listener)
{
	return listener->missed && !listener->gone &&
	       ear_now(ear_clock(nodes->ear)) - listener->failing_since < NODES_PATIENCE;
}

static void
on_again(void *arg)
{
	struct nodes *nodes = arg;

	for (size_t i = 0; i < nodes->count; i++)
		if (nodes->told[i]->link == EAR_LINK_LAN ? nodes->told[i]->missed
							 : is_hopeful(nodes, nodes->told[i]))
			nodes_notify(nodes, nodes->told[i]);
}

void
nodes_retry(struct nodes *nodes, const struct ear_event *event)
{
	for (size_t i = 0; i < nodes->count; i++) {
		struct listener *listener = nodes->told[i];

		if (!listener->missed || listener->gone)
			continue;
		if (event->kind == EAR_SERVER_UP
			    ? listener->link == EAR_LINK_SERVER
			    : told_is_same(nodes->ear, listener->address, event->address))
			nodes_notify(nodes, listener);
	}
}

/* --- who may not any more ----------------------------------------------------------------- */

static void
judge(void *arg, const struct ear_peer_info *peer)
{
	struct listener *listener = arg;
	struct ear_in in = { .ear = listener->ear, .level = peer->level, .link = EAR_LINK_LAN };

	listener->gone = listener->gone || !ear_may(&in, listener->node->verb);
}

void
nodes_judge(struct nodes *nodes, const char *address)
{
	for (size_t i = 0; i < nodes->count; i++) {
		struct listener *listener = nodes->told[i];

		if (listener->link != EAR_LINK_LAN ||
		    (address != NULL && !told_is_same(nodes->ear, listener->address, address)))
			continue;
		ear_each_peer(nodes->ear, listener->address, judge, listener);
		if (listener->gone)
			ear_timer_set(&nodes->prune, 0);
	}
}

static void
on_prune(void *arg)
{
	struct nodes *nodes = arg;

	for (size_t i = nodes->count; i-- > 0;)
		if (nodes->told[i]->gone)
			told_forget(nodes, nodes->told[i]);
}

/* --- timers ------------------------------------------------------------------------------- */

void
nodes_timers(struct nodes *nodes)
{
	struct ear_clock *clock = ear_clock(nodes->ear);

	for (size_t i = 0; i < NODES_COUNT; i++) {
		nodes->gaps[i].nodes = nodes;
		ear_timer_init(&nodes->gaps[i].timer, clock, on_gap_over, &nodes->gaps[i]);
	}
	ear_timer_init(&nodes->again, clock, on_again, nodes);
	ear_timer_init(&nodes->prune, clock, on_prune, nodes);
}

void
nodes_stop_timers(struct nodes *nodes)
{
	for (size_t i = 0; i < NODES_COUNT; i++)
		ear_timer_stop(&nodes->gaps[i].timer);
	ear_timer_stop(&nodes->again);
	ear_timer_stop(&nodes->prune);
}
