/* SPDX-License-Identifier: ISC */
/* pubsub_config.c: what there is to configure, at a node (XEP-0060 §16.4.4) and at a subscription
 * (§16.4.2), and how it is by default; as text for the store. */
#include <assert.h>
#include <string.h>

#include "pubsub_setting.h"

static_assert(sizeof(enum pubsub_access) == sizeof(unsigned) &&
		      sizeof(enum pubsub_publishers) == sizeof(unsigned) &&
		      sizeof(enum pubsub_last) == sizeof(unsigned),
	      "a choice is set as a number");

/* --- choices ------------------------------------------------------------------------------ */

static const struct setting_choice access_models[] = {
	[PUBSUB_OPEN] = { "open", "Anyone may subscribe and retrieve items" },
	[PUBSUB_PRESENCE] = { "presence", "Whoever is in earshot, or has this service among his "
					  "contacts" },
	[PUBSUB_ROSTER] = { "roster", "Whoever is trusted by this device" },
	[PUBSUB_AUTHORIZE] = { "authorize", "Subscription requests must be approved and only "
					    "subscribers may retrieve items" },
	[PUBSUB_WHITELIST] = { "whitelist", "Only members" },
	[PUBSUB_ACCESS_COUNT] = { 0 },
};

static const struct setting_choice publish_models[] = {
	[PUBSUB_BY_PUBLISHERS] = { "publishers", "Only publishers may publish" },
	[PUBSUB_BY_SUBSCRIBERS] = { "subscribers", "Subscribers may publish" },
	[PUBSUB_BY_ANYONE] = { "open", "Anyone may publish" },
	[PUBSUB_PUBLISHERS_COUNT] = { 0 },
};

static const struct setting_choice lasts[] = {
	[PUBSUB_LAST_NEVER] = { "never", "Never" },
	[PUBSUB_LAST_ON_SUB] = { "on_sub", "When a new subscription is processed" },
	[PUBSUB_LAST_ON_SUB_AND_PRESENCE] = { "on_sub_and_presence",
					      "When a new subscription is processed and whenever a "
					      "subscriber comes online" },
	[PUBSUB_LAST_COUNT] = { 0 },
};

static const struct setting_choice message_types[] = {
	{ "headline", "Messages of type headline" },
	{ "normal", "Messages of type normal" },
	{ "chat", "Messages of type chat" },
	{ 0 },
};

/* --- settings ----------------------------------------------------------------------------- */

const struct pubsub_config pubsub_config_default = {
	.access_model = PUBSUB_OPEN,
	.publish_model = PUBSUB_BY_PUBLISHERS,
	.send_last = PUBSUB_LAST_ON_SUB_AND_PRESENCE,
	.max_items = 10,
	.max_payload = 65536,
	.backlog = 0,
	.persist_items = true,
	.deliver_notifications = true,
	.deliver_payloads = true,
	.notify_config = true,
	.notify_delete = true,
	.notify_retract = true,
	.notify_sub = false,
	.subscribe = true,
	.message_type = "headline",
};

static const struct pubsub_options options_default = { .deliver = true };

#define AT(member) offsetof(struct pubsub_config, member)
#define LINE(var, label, member)                                                                   \
	{                                                                                          \
		var, label, SETTING_LINE, AT(member), sizeof(((struct pubsub_config *)0)->member), \
			0, 0, NULL, NULL                                                           \
	}
#define FLAG(var, label, member)                                                                   \
	{                                                                                          \
		var, label, SETTING_FLAG, AT(member), 0, 0, 0, NULL, NULL                          \
	}
#define NUMBER(var, label, member, min, max, most)                                                 \
	{                                                                                          \
		var, label, SETTING_NUMBER, AT(member), 0, min, max, most, NULL                    \
	}
#define CHOICE(var, label, kind, member, choices)                                                  \
	{                                                                                          \
		var, label, kind, AT(member), 0, 0, 0, NULL, choices                               \
	}

static const struct setting config_settings[] = {
	LINE("pubsub#title", "A friendly name for the node", title),
	LINE("pubsub#description", "A description of the node", description),
	LINE("pubsub#type",
	     "The semantic type information of data in the node, usually the namespace of the "
	     "payload",
	     type),
	LINE("pubsub#language", "The default language of the node", language),
	CHOICE("pubsub#access_model", "Who may subscribe and retrieve items", SETTING_CHOICE,
	       access_model, access_models),
	CHOICE("pubsub#publish_model", "Who may publish", SETTING_CHOICE, publish_model,
	       publish_models),
	FLAG("pubsub#subscribe", "Whether to allow subscriptions", subscribe),
	FLAG("pubsub#persist_items", "Whether to persist items to storage", persist_items),
	NUMBER("pubsub#max_items", "The maximum number of items to persist; max: as many as may be",
	       max_items, 1, EAR_NODE_ITEMS_MAX, "max"),
	NUMBER("pubsub#max_payload_size", "The maximum payload size in bytes", max_payload, 1,
	       (unsigned)EAR_PAYLOAD_MAX, NULL),
	FLAG("pubsub#deliver_notifications", "Whether to deliver event notifications",
	     deliver_notifications),
	FLAG("pubsub#deliver_payloads", "Whether to deliver payloads with event notifications",
	     deliver_payloads),
	CHOICE("pubsub#send_last_published_item", "When to send the last published item",
	       SETTING_CHOICE, send_last, lasts),
	CHOICE("pubsub#notification_type", "The delivery style for notifications", SETTING_NAME,
	       message_type, message_types),
	FLAG("pubsub#notify_config",
	     "Whether to notify subscribers when the node configuration changes", notify_config),
	FLAG("pubsub#notify_delete", "Whether to notify subscribers when the node is deleted",
	     notify_delete),
	FLAG("pubsub#notify_retract",
	     "Whether to notify subscribers when items are removed from the node", notify_retract),
	FLAG("pubsub#notify_sub", "Whether to notify owners about new subscribers and unsubscribes",
	     notify_sub),
	NUMBER(PUBSUB_BACKLOG, "How many events wait for a subscriber who is not there", backlog, 0,
	       PUBSUB_BACKLOG_MAX, NULL),
};

static const struct setting options_settings[] = {
	{ "pubsub#deliver", "Whether to receive notifications", SETTING_FLAG,
	  offsetof(struct pubsub_options, deliver), 0, 0, 0, NULL, NULL },
};

const struct setting_table pubsub_config_table = {
	config_settings,
	sizeof(config_settings) / sizeof(config_settings[0]),
	&pubsub_config_default,
};

const struct setting_table pubsub_options_table = {
	options_settings,
	sizeof(options_settings) / sizeof(options_settings[0]),
	&options_default,
};

/* --- what follows from it ----------------------------------------------------------------- */

/* XEP-0472 §4: what says by its type that it holds Atom entries. */
void
pubsub_config_settle(struct pubsub_config *config)
{
	static const char *const types[] = {
		EAR_NS_ATOM,
		"urn:xmpp:pubsub-social-feed:1",
		"urn:xmpp:pubsub-social-feed:gallery:1",
		"urn:xmpp:microblog:0",
	};

	config->atom = false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		config->atom = config->atom || strcmp(config->type, types[i]) == 0;
}

size_t
pubsub_config_keep(const struct pubsub_config *config)
{
	return config->persist_items ? config->max_items : 0;
}

bool
pubsub_config_is_wide(const struct pubsub_config *config)
{
	return config->access_model == PUBSUB_OPEN || config->access_model == PUBSUB_PRESENCE ||
	       config->access_model == PUBSUB_ROSTER;
}

/* --- as text ------------------------------------------------------------------------------ */

char *
pubsub_config_text(const struct pubsub_config *config)
{
	return settings_text(&pubsub_config_table, config);
}

void
pubsub_config_read(struct pubsub_config *config, const char *text)
{
	settings_read(&pubsub_config_table, config, sizeof(*config), text);
	pubsub_config_settle(config);
}

char *
pubsub_options_text(const struct pubsub_options *options)
{
	return settings_text(&pubsub_options_table, options);
}

void
pubsub_options_read(struct pubsub_options *options, const char *text)
{
	settings_read(&pubsub_options_table, options, sizeof(*options), text);
}
