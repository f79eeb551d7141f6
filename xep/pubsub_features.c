/* SPDX-License-Identifier: ISC */
/* pubsub_features.c: what the publish-subscribe service says that it can (XEP-0060 §5.1, §10),
 * beside what the engine's own nodes can (nodes.c). access-*: all the access models that there are,
 * as other services say them; which of them is the default is in the form. */
#include "disco.h"
#include "pubsub.h"
#include "rsm.h"

#define FEATURE(name) EAR_NS_PUBSUB "#" name

static const char *const features[] = {
	EAR_NS_RSM,
	FEATURE("access-authorize"),
	FEATURE("access-open"),
	FEATURE("access-presence"),
	FEATURE("access-roster"),
	FEATURE("access-whitelist"),
	FEATURE("auto-create"),
	FEATURE("config-node"),
	FEATURE("config-node-max"),
	FEATURE("create-and-configure"),
	FEATURE("create-nodes"),
	FEATURE("delete-items"),
	FEATURE("delete-nodes"),
	FEATURE("instant-nodes"),
	FEATURE("item-ids"),
	FEATURE("manage-subscriptions"),
	FEATURE("member-affiliation"),
	FEATURE("meta-data"),
	FEATURE("modify-affiliations"),
	FEATURE("multi-items"),
	FEATURE("outcast-affiliation"),
	FEATURE("persistent-items"),
	FEATURE("publish"),
	FEATURE("publish-only-affiliation"),
	FEATURE("publish-options"),
	FEATURE("publisher-affiliation"),
	FEATURE("purge-nodes"),
	FEATURE("retract-items"),
	FEATURE("retrieve-affiliations"),
	FEATURE("retrieve-default"),
	FEATURE("retrieve-default-sub"),
	FEATURE("rsm"),
	FEATURE("subscription-notifications"),
	FEATURE("subscription-options"),
	"urn:xmpp:pubsub-social-feed:1", /* XEP-0472 §3 */
	NULL,
};

static int
start(struct ear *ear)
{
	static const struct disco_nodes disco = { pubsub_disco_info, pubsub_disco_items };

	if (ear_store(ear) != NULL)
		disco_add(ear, &disco);
	return 0;
}

const struct ear_xep ear_xep_pubsub = {
	.number = "-",
	.name = "publish-subscribe service",
	.features = features,
	.identity = "pubsub/service",
	.needs_store = true,
	.start = start,
};
