/* SPDX-License-Identifier: ISC */
/*
 * keys_serve.c: our list where no server keeps it: a component answers for every address of its
 * domain, and any of us whoever asks it directly. It always holds one device, this one.
 */
#include <string.h>

#include "keys.h"
#include "memory.h"

#define READERS_MAX 256 /* who is told of a change; whoever asked longest ago goes */

struct reader {
	char *address; /* who asked, */
	char *asked;   /* and which address of ours */
};

struct keys_serve {
	struct ear *ear;
	struct reader readers[READERS_MAX]; /* the longest ago first */
	size_t count;
};

static void
reader_remove(struct keys_serve *serve, size_t i)
{
	free(serve->readers[i].address);
	free(serve->readers[i].asked);
	serve->count--;
	memmove(&serve->readers[i], &serve->readers[i + 1],
		(serve->count - i) * sizeof(serve->readers[0]));
}

static void
reader_forget(struct keys_serve *serve, const char *address, const char *asked)
{
	for (size_t i = serve->count; i-- > 0;)
		if (strcmp(serve->readers[i].address, address) == 0 &&
		    strcmp(serve->readers[i].asked, asked) == 0)
			reader_remove(serve, i);
}

/* Which address of ours that is, NULL when it is none that a server vouches for. */
static const char *
asked_address(const struct ear_in *in, char *bare)
{
	if (in->link != EAR_LINK_SERVER || in->to == NULL || keys_is_account(in->ear) ||
	    ear_jid_bare(in->to, bare, EAR_JID_SIZE) != 0)
		return NULL;
	return bare;
}

static void
reader_add(struct keys_serve *serve, const struct ear_in *in, const char *address)
{
	char bare[EAR_JID_SIZE];
	const char *asked = asked_address(in, bare);

	if (asked == NULL)
		return;
	reader_forget(serve, address, asked);
	if (serve->count == READERS_MAX)
		reader_remove(serve, 0);
	serve->readers[serve->count++] = (struct reader){ xep_strdup(address), xep_strdup(asked) };
}

/* XEP-0060 §6.5.7: a request may name the items that it wants. */
static bool
is_wanted(xmpp_stanza_t *items, const struct ear_key *key)
{
	char text[EAR_KEY_SIZE];
	bool named = false;

	ear_key_format(key, text);
	for (xmpp_stanza_t *e = ear_first(items); e != NULL; e = ear_next(e)) {
		const char *id = xmpp_stanza_get_id(e);

		if (!ear_is(e, "item", EAR_NS_PUBSUB))
			continue;
		if (id != NULL && strcmp(id, text) == 0)
			return true;
		named = true;
	}
	return !named;
}

enum ear_verdict
keys_serve_items(struct keys_serve *serve, const struct ear_in *in)
{
	struct ear_device self = keys_self(in->ear, in->link);
	xmpp_stanza_t *asked = ear_find(in->payload, "items", EAR_NS_PUBSUB);
	xmpp_stanza_t *pubsub, *items;

	if (asked == NULL || !keys_is_node(asked))
		return EAR_PASS;
	pubsub = ear_element(ear_ctx(in->ear), "pubsub", EAR_NS_PUBSUB);
	items = ear_child(pubsub, "items", EAR_NS_PUBSUB);
	ear_set(items, "node", "%s", EAR_NS_KEYS);
	if (is_wanted(asked, &self.key))
		xmpp_stanza_add_child_ex(items, keys_item_new(ear_ctx(in->ear), &self, NULL), 0);
	reader_add(serve, in, in->from);
	return ear_reply(in, pubsub);
}

static enum ear_verdict
reply_subscription(const struct ear_in *in, const char *jid, const char *state)
{
	xmpp_stanza_t *pubsub = ear_element(ear_ctx(in->ear), "pubsub", EAR_NS_PUBSUB);
	xmpp_stanza_t *subscription = ear_child(pubsub, "subscription", EAR_NS_PUBSUB);

	ear_set(subscription, "node", "%s", EAR_NS_KEYS);
	ear_set(subscription, "jid", "%s", jid);
	ear_set(subscription, "subscription", "%s", state);
	return ear_reply(in, pubsub);
}

enum ear_verdict
keys_serve_subscribe(struct keys_serve *serve, const struct ear_in *in)
{
	xmpp_stanza_t *on = ear_find(in->payload, "subscribe", EAR_NS_PUBSUB);
	xmpp_stanza_t *off = ear_find(in->payload, "unsubscribe", EAR_NS_PUBSUB);
	xmpp_stanza_t *wish = on != NULL ? on : off;
	char bare[EAR_JID_SIZE];
	const char *jid, *asked;

	if (wish == NULL || !keys_is_node(wish))
		return EAR_PASS;
	asked = asked_address(in, bare);
	if (asked == NULL)
		return EAR_FEATURE_NOT_IMPLEMENTED;
	/* XEP-0060 §6.1.3.1: nobody subscribes anybody else. */
	jid = xmpp_stanza_get_attribute(wish, "jid");
	if (jid == NULL || !ear_jid_bare_equal(jid, in->from))
		return EAR_BAD_REQUEST;
	if (on != NULL)
		reader_add(serve, in, jid);
	else
		reader_forget(serve, jid, asked);
	return reply_subscription(in, jid, on != NULL ? "subscribed" : "none");
}

static xmpp_stanza_t *
new_event(struct ear *ear, const struct reader *reader)
{
	struct ear_device self = keys_self(ear, EAR_LINK_SERVER);
	xmpp_stanza_t *message =
		ear_stanza(ear_ctx(ear), "message", "headline", reader->address, NULL);
	xmpp_stanza_t *event = ear_child(message, "event", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *items = ear_child(event, "items", EAR_NS_PUBSUB_EVENT);
	xmpp_stanza_t *item = ear_child(items, "item", EAR_NS_PUBSUB_EVENT);
	char text[EAR_KEY_SIZE];

	ear_key_format(&self.key, text);
	ear_set(items, "node", "%s", EAR_NS_KEYS);
	xmpp_stanza_set_id(item, text);
	xmpp_stanza_set_from(message, reader->asked);
	return message;
}

void
keys_serve_changed(struct keys_serve *serve)
{
	for (size_t i = 0; i < serve->count; i++)
		ear_send(serve->ear, new_event(serve->ear, &serve->readers[i]));
}

struct keys_serve *
keys_serve_new(struct ear *ear)
{
	struct keys_serve *serve = xep_alloc(sizeof(*serve));

	serve->ear = ear;
	return serve;
}

void
keys_serve_free(struct keys_serve *serve)
{
	while (serve->count > 0)
		reader_remove(serve, serve->count - 1);
	free(serve);
}
