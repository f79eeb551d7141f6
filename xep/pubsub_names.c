/* SPDX-License-Identifier: ISC */
/* pubsub_names.c: names of access models, affiliations (XEP-0060 §4.1) and states of subscriptions
 * (§4.2), as they stand in stanzas. */
#include <string.h>

#include "pubsub.h"

static const char *const accesses[PUBSUB_ACCESS_COUNT] = {
	[PUBSUB_OPEN] = "open",           [PUBSUB_PRESENCE] = "presence",
	[PUBSUB_ROSTER] = "roster",       [PUBSUB_AUTHORIZE] = "authorize",
	[PUBSUB_WHITELIST] = "whitelist",
};

static const char *const affiliations[EAR_AFFILIATION_COUNT] = {
	[EAR_AFFILIATION_NONE] = "none",     [EAR_OUTCAST] = "outcast",     [EAR_MEMBER] = "member",
	[EAR_PUBLISH_ONLY] = "publish-only", [EAR_PUBLISHER] = "publisher", [EAR_OWNER] = "owner",
};

static const char *const subscriptions[EAR_SUBSCRIPTION_COUNT] = {
	[EAR_SUBSCRIPTION_NONE] = "none",
	[EAR_PENDING] = "pending",
	[EAR_UNCONFIGURED] = "unconfigured",
	[EAR_SUBSCRIBED] = "subscribed",
};

static int
find(const char *const *names, int count, const char *name)
{
	for (int i = 0; name != NULL && i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *
pubsub_access_name(enum pubsub_access access)
{
	return access < PUBSUB_ACCESS_COUNT ? accesses[access] : NULL;
}

const char *
pubsub_affiliation_name(enum ear_affiliation affiliation)
{
	return affiliation < EAR_AFFILIATION_COUNT ? affiliations[affiliation] : NULL;
}

const char *
pubsub_subscription_name(enum ear_subscription subscription)
{
	return subscription < EAR_SUBSCRIPTION_COUNT ? subscriptions[subscription] : NULL;
}

int
pubsub_affiliation_of(const char *name)
{
	return find(affiliations, EAR_AFFILIATION_COUNT, name);
}

int
pubsub_subscription_of(const char *name)
{
	return find(subscriptions, EAR_SUBSCRIPTION_COUNT, name);
}
