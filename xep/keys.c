/* SPDX-License-Identifier: ISC */
/* keys.c: published keys (EAR_NS_KEYS): the rules, and what starts what. */
#include <string.h>

#include "delay.h"
#include "keys.h"
#include "memory.h"

extern const struct ear_xep ear_xep_keys;

struct keys {
	struct ear *ear;
	struct keys_publish *publish;
	struct keys_serve *serve;
	struct keys_fetch *fetch;
	struct keys_follow *follow;
	struct keys_control *control;
};

static struct keys *
keys_of(struct ear *ear)
{
	return ear_state(ear, &ear_xep_keys);
}

static enum ear_verdict
on_get(const struct ear_in *in)
{
	return keys_serve_items(keys_of(in->ear)->serve, in);
}

static enum ear_verdict
on_set(const struct ear_in *in)
{
	return keys_serve_subscribe(keys_of(in->ear)->serve, in);
}

/* Of whatever kind: items, retractions, the node purged or deleted (XEP-0060 §7.1.2, §8.4, §8.5).
 */
static bool
is_about_keys(xmpp_stanza_t *event)
{
	xmpp_stanza_t *child = ear_first(event);

	return child != NULL && keys_is_node(child);
}

/* What it says is not believed: it is a reason to look. Only of the sender's own list, therefore,
 * and only by the server, which vouches for the sender and keeps the list. */
static enum ear_verdict
on_event(const struct ear_in *in)
{
	struct keys *keys = keys_of(in->ear);
	char bare[EAR_JID_SIZE];

	if (!is_about_keys(in->payload))
		return EAR_PASS;
	if (in->level < EAR_PROVED || in->link != EAR_LINK_SERVER || ear_jid_is_lan(in->from) ||
	    delay_is_hearsay(in) || ear_jid_bare(in->from, bare, sizeof(bare)) != 0)
		return EAR_DONE;
	keys_fetch_outdate(keys->fetch, bare);
	ear_devices_changed(in->ear, bare);
	return EAR_DONE;
}

static enum ear_verdict
on_devices(const struct ear_in *in)
{
	return keys_control_list(keys_of(in->ear)->control, in);
}

static enum ear_verdict
on_revoke(const struct ear_in *in)
{
	return keys_control_revoke(keys_of(in->ear)->control, in);
}

static void
on_change(void *arg, const struct ear_event *event)
{
	struct keys *keys = arg;

	switch (event->kind) {
	case EAR_SERVER_UP:
		keys_publish_start(keys->publish);
		keys_follow_again(keys->follow);
		break;
	case EAR_OWN_KEY_CHANGED:
		keys_publish_start(keys->publish);
		keys_serve_changed(keys->serve);
		break;
	case EAR_TRUST_CHANGED:
		keys_follow_refresh(keys->follow);
		break;
	case EAR_PEER_CHANGED:
	case EAR_PEER_GONE:
	case EAR_PATH_CHANGED:
	case EAR_TRUST_ENDED:
	case EAR_STREAM_ENDED:
	case EAR_NETWORK_CHANGED:
	case EAR_PLAYER_CHANGED:
		break;
	}
}

static int
start(struct ear *ear)
{
	struct keys *keys = xep_alloc(sizeof(*keys));

	keys->ear = ear;
	keys->publish = keys_publish_new(ear);
	keys->serve = keys_serve_new(ear);
	keys->fetch = keys_fetch_new(ear);
	keys->follow = keys_follow_new(ear);
	keys->control = keys_control_new(ear, keys->fetch);
	ear_set_state(ear, &ear_xep_keys, keys);
	ear_watch(ear, on_change, keys);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct keys *keys = keys_of(ear);

	ear_unwatch(ear, on_change, keys);
	keys_control_free(keys->control);
	keys_follow_free(keys->follow);
	keys_fetch_free(keys->fetch);
	keys_serve_free(keys->serve);
	keys_publish_free(keys->publish);
	ear_set_state(ear, &ear_xep_keys, NULL);
	free(keys);
}

static const char *const features[] = { EAR_NS_KEYS, EAR_NS_KEYS "+notify", NULL };

/* Public keys, by name: whoever may ask what we can do may ask whose key it is. What an event needs
 * is in its handler, because one of another node is none of ours to refuse. */
static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_PUBSUB, "pubsub", on_get, EAR_VERB_QUERY },
	{ EAR_IQ_SET, EAR_NS_PUBSUB, "pubsub", on_set, EAR_VERB_QUERY },
	{ EAR_MESSAGE, EAR_NS_PUBSUB_EVENT, "event", on_event, EAR_VERB_QUERY },
	{ EAR_IQ_GET, EAR_NS_CONTROL, "devices", on_devices, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "revoke", on_revoke, EAR_VERB_ADMIN },
	{ 0 },
};

const struct ear_xep ear_xep_keys = {
	.number = "-",
	.name = "published keys",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
