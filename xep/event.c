/* SPDX-License-Identifier: ISC */
/* event.c: what a program that watches is told of an event: of a change of the path also which it
 * is now, how long it takes, and why. */
#include <inttypes.h>

#include "event.h"

static const char *
event_name(enum ear_event_kind kind)
{
	switch (kind) {
	case EAR_PEER_CHANGED:
		return "peer-changed";
	case EAR_PEER_GONE:
		return "peer-gone";
	case EAR_PATH_CHANGED:
		return "path-changed";
	case EAR_SERVER_UP:
		return "server-up";
	case EAR_TRUST_CHANGED:
		return "trust-changed";
	case EAR_TRUST_ENDED:
		return "trust-ended";
	case EAR_STREAM_ENDED:
		return "stream-ended";
	case EAR_OWN_KEY_CHANGED:
		return "own-key-changed";
	case EAR_NETWORK_CHANGED:
		return "network-changed";
	case EAR_PLAYER_CHANGED:
		return "player-changed";
	}
	return "unknown";
}

static void
add_path(void *arg, const struct ear_path_info *path)
{
	xmpp_stanza_t *event = arg;

	if (path->link == EAR_LINK_SERVER && path->address != NULL)
		ear_set(event, "jid", "%s", path->address);
	if (path->chosen) {
		if (path->rtt_us >= 0)
			ear_set(event, "rtt-us", "%" PRId64, path->rtt_us);
		ear_set(event, "why", "%s", path->why);
	} else if (path->state == EAR_PATH_FAILED && path->failure[0] != '\0') {
		ear_set(event, "failed", "%s", ear_link_name(path->link));
		ear_set(event, "failure", "%s", path->failure);
	}
}

xmpp_stanza_t *
event_message(struct ear *ear, const char *to, const struct ear_event *event)
{
	xmpp_stanza_t *message = ear_stanza(ear_ctx(ear), "message", "headline", to, NULL);
	xmpp_stanza_t *element = ear_child(message, "event", EAR_NS_CONTROL);

	ear_set(element, "kind", "%s", event_name(event->kind));
	if (event->address != NULL && event->address[0] != '\0')
		ear_set(element, "address", "%s", event->address);
	if (event->kind == EAR_PATH_CHANGED) {
		ear_set(element, "link", "%s", ear_link_name(event->link));
		ear_each_path(ear, event->address, add_path, element);
	}
	return message;
}
