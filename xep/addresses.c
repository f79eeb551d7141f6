/* SPDX-License-Identifier: ISC */
/* addresses.c: trusted engines tell each other over their servers where they can be dialled
 * (EAR_NS_ADDRESSES, specified in addresses.md). */
#include <errno.h>

#include "addresses.h"

extern const struct ear_xep ear_xep_addresses;

static struct addresses_tell *
tell_of(struct ear *ear)
{
	return ear_state(ear, &ear_xep_addresses);
}

static int
tell_ways(const struct ear_in *in, const struct addresses *theirs)
{
	const char *ip[EAR_TOLD_MAX];
	struct ear_told told = { .jid = in->from,
				 .address = theirs->address,
				 .key = theirs->key,
				 .ip = ip,
				 .count = theirs->count,
				 .port = theirs->port,
				 .usec = theirs->life * EAR_SEC };

	for (size_t i = 0; i < theirs->count; i++)
		ip[i] = theirs->ip[i];
	return ear_tell_ways(in->ear, &told);
}

static enum ear_verdict
refuse(const struct ear_in *in, int error)
{
	switch (error) {
	case -EINVAL:
		return EAR_BAD_REQUEST;
	case -EAGAIN: /* "wait": its keys are being asked for */
	case -ENOBUFS:
		return EAR_RESOURCE_CONSTRAINT;
	case -EEXIST:
		return ear_fail(in, EAR_CONFLICT, "that LAN name is another device's here");
	default:
		ear_info("%s: tells addresses, but not with a key of its own: not believed",
			 in->from);
		return EAR_FORBIDDEN;
	}
}

/* Only the server vouches for who says so, and only those on our list are answered: they are told
 * private addresses. That they go, they may say by any way that proves them. */
static enum ear_verdict
on_set(const struct ear_in *in)
{
	struct addresses theirs;
	xmpp_stanza_t *ours;
	int error;

	if (in->level < EAR_TRUSTED) {
		ear_info("%s: tells addresses, but is not trusted: not believed", in->from);
		return EAR_FORBIDDEN;
	}
	if (addresses_read(in->payload, &theirs) != 0)
		return EAR_BAD_REQUEST;
	if (in->link != EAR_LINK_SERVER && theirs.count > 0)
		return EAR_NOT_ALLOWED;
	error = tell_ways(in, &theirs);
	if (error != 0)
		return refuse(in, error);
	if (in->link != EAR_LINK_SERVER)
		return ear_reply(in, NULL);
	ear_set_remembers(in->ear, in->from);
	ours = addresses_tell_answer(tell_of(in->ear), in->from);
	return ear_reply(in, ours);
}

static void
on_change(void *arg, const struct ear_event *event)
{
	struct addresses_tell *tell = arg;

	switch (event->kind) {
	case EAR_SERVER_UP:
		addresses_tell_again(tell);
		break;
	case EAR_NETWORK_CHANGED:
	case EAR_OWN_KEY_CHANGED:
		addresses_tell_changed(tell);
		break;
	case EAR_TRUST_CHANGED:
		addresses_tell_refresh(tell);
		break;
	case EAR_PEER_CHANGED:
	case EAR_PEER_GONE:
	case EAR_PATH_CHANGED:
	case EAR_TRUST_ENDED:
	case EAR_STREAM_ENDED:
	case EAR_PLAYER_CHANGED:
		break;
	}
}

static int
start(struct ear *ear)
{
	struct addresses_tell *tell = addresses_tell_new(ear);

	ear_set_state(ear, &ear_xep_addresses, tell);
	ear_watch(ear, on_change, tell);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct addresses_tell *tell = tell_of(ear);

	ear_unwatch(ear, on_change, tell);
	addresses_tell_free(tell);
	ear_set_state(ear, &ear_xep_addresses, NULL);
}

static const char *const features[] = { EAR_NS_ADDRESSES, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_SET, EAR_NS_ADDRESSES, "addresses", on_set, EAR_VERB_OTHER },
	{ 0 },
};

const struct ear_xep ear_xep_addresses = {
	.number = "-",
	.name = "told addresses",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
