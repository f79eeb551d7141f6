/* SPDX-License-Identifier: ISC */
/* keys_item.c: what an item of the list holds, and the requests and answers about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keys.h"
#include "memory.h"

#define NS_RSM "http://jabber.org/protocol/rsm" /* XEP-0059 */

#define SINCE_SIZE 32

static const char *
attribute(xmpp_stanza_t *element, const char *name)
{
	return xmpp_stanza_get_attribute(element, name);
}

/* As one that a JID may end in (RFC 7622 §3.4). */
static bool
is_resource(const char *text)
{
	char jid[EAR_JID_PART_MAX + 8], canonical[EAR_JID_SIZE];
	int length = snprintf(jid, sizeof(jid), "a@b/%s", text);

	return length > 0 && (size_t)length < sizeof(jid) &&
	       ear_jid_prep(jid, canonical, sizeof(canonical)) == 0;
}

static int
read_key(xmpp_stanza_t *element, struct ear_key *key)
{
	xmpp_stanza_t *child = ear_find(element, "key", EAR_NS_KEYS);
	const char *hash = child == NULL ? NULL : attribute(child, "hash");
	const char *text = child == NULL ? NULL : ear_text(child);

	if (hash == NULL || strcmp(hash, "sha-256") != 0 || text == NULL ||
	    ear_key_parse(text, key) != 0)
		return -EBADMSG;
	return 0;
}

/* The id is the key: whoever retracts an item knows which key that revokes. */
static bool
is_id_of(xmpp_stanza_t *item, const struct ear_key *key)
{
	const char *id = xmpp_stanza_get_id(item);
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	return id != NULL && strcmp(id, text) == 0;
}

static bool
is_item(xmpp_stanza_t *element)
{
	return strcmp(xmpp_stanza_get_name(element), "item") == 0;
}

int
keys_item_read(xmpp_stanza_t *item, struct ear_device *device)
{
	xmpp_stanza_t *element = ear_find(item, "device", EAR_NS_KEYS);
	const char *name;

	if (element == NULL || read_key(element, &device->key) != 0 ||
	    !is_id_of(item, &device->key))
		return -EBADMSG;
	name = attribute(element, "name");
	device->name = name != NULL && strlen(name) <= KEYS_NAME_MAX ? name : "";
	device->resource = attribute(element, "resource");
	if (device->resource != NULL && !is_resource(device->resource))
		return -EBADMSG;
	return 0;
}

const char *
keys_item_since(xmpp_stanza_t *item)
{
	xmpp_stanza_t *element = ear_find(item, "device", EAR_NS_KEYS);
	const char *since = element == NULL ? NULL : attribute(element, "since");

	return since != NULL && strlen(since) < SINCE_SIZE ? since : NULL;
}

static void
set_since(xmpp_stanza_t *element, const char *since)
{
	char text[EAR_STAMP_SIZE];

	if (since == NULL && ear_stamp(time(NULL), text))
		since = text;
	if (since != NULL)
		ear_set(element, "since", "%s", since);
}

xmpp_stanza_t *
keys_item_new(xmpp_ctx_t *ctx, const struct ear_device *device, const char *since)
{
	xmpp_stanza_t *item = ear_element(ctx, "item", EAR_NS_PUBSUB);
	xmpp_stanza_t *element = ear_child(item, "device", EAR_NS_KEYS);
	char text[EAR_KEY_SIZE];

	ear_key_format(&device->key, text);
	xmpp_stanza_set_id(item, text);
	if (*device->name != '\0')
		ear_set(element, "name", "%s", device->name);
	set_since(element, since);
	if (device->resource != NULL)
		ear_set(element, "resource", "%s", device->resource);
	ear_set(ear_child_text(element, "key", EAR_NS_KEYS, text), "hash", "sha-256");
	return item;
}

bool
keys_is_node(xmpp_stanza_t *element)
{
	const char *node = attribute(element, "node");

	return node != NULL && strcmp(node, EAR_NS_KEYS) == 0;
}

xmpp_stanza_t *
keys_request(xmpp_ctx_t *ctx, const char *type, const char *to, const char *ns, const char *name,
	     xmpp_stanza_t **child)
{
	xmpp_stanza_t *iq = ear_stanza(ctx, "iq", type, to, NULL);
	xmpp_stanza_t *pubsub = ear_child(iq, "pubsub", ns);

	*child = ear_child(pubsub, name, ns);
	ear_set(*child, "node", "%s", EAR_NS_KEYS);
	return iq;
}

xmpp_stanza_t *
keys_own_request(struct ear *ear, const char *type, const char *ns, const char *name,
		 xmpp_stanza_t **child)
{
	char bare[EAR_JID_SIZE];

	if (ear_jid_bare(ear_self(ear, EAR_LINK_SERVER), bare, sizeof(bare)) != 0)
		*bare = '\0';
	return keys_request(ear_ctx(ear), type, bare, ns, name, child);
}

xmpp_stanza_t *
keys_retract_request(struct ear *ear, const struct ear_key *key)
{
	xmpp_stanza_t *child, *iq = keys_own_request(ear, "set", EAR_NS_PUBSUB, "retract", &child);
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	ear_set(child, "notify", "true");
	xmpp_stanza_set_id(ear_child(child, "item", EAR_NS_PUBSUB), text);
	return iq;
}

xmpp_stanza_t *
keys_items_of(xmpp_stanza_t *iq)
{
	xmpp_stanza_t *pubsub = ear_find(iq, "pubsub", EAR_NS_PUBSUB);
	xmpp_stanza_t *items = pubsub == NULL ? NULL : ear_find(pubsub, "items", EAR_NS_PUBSUB);

	return items != NULL && keys_is_node(items) ? items : NULL;
}

/* A server that answers with a page says how many there are; without the others nobody knows
 * whether a key that is missing is revoked. */
static bool
is_part(xmpp_stanza_t *iq, size_t items)
{
	xmpp_stanza_t *pubsub = ear_find(iq, "pubsub", EAR_NS_PUBSUB);
	xmpp_stanza_t *set = ear_find(pubsub, "set", NS_RSM);
	xmpp_stanza_t *count = set == NULL ? NULL : ear_find(set, "count", NS_RSM);
	const char *text = count == NULL ? NULL : ear_text(count);

	return text != NULL && strtoul(text, NULL, 10) > items;
}

int
keys_items_read(xmpp_stanza_t *iq, struct ear_device devices[EAR_DEVICES_MAX], size_t *count,
		size_t *skipped)
{
	xmpp_stanza_t *items = keys_items_of(iq);
	struct ear_device device;

	*count = *skipped = 0;
	if (items == NULL)
		return -EBADMSG;
	for (xmpp_stanza_t *e = ear_first(items); e != NULL; e = ear_next(e)) {
		if (*count < EAR_DEVICES_MAX && is_item(e) && keys_item_read(e, &device) == 0)
			devices[(*count)++] = device;
		else
			(*skipped)++;
	}
	return is_part(iq, *count + *skipped) ? -EMSGSIZE : 0;
}

bool
keys_is_account(struct ear *ear)
{
	const char *self = ear_self(ear, EAR_LINK_SERVER);

	return self != NULL && ear_jid_resource(self) != NULL;
}

struct ear_device
keys_self(struct ear *ear, enum ear_link_kind link)
{
	struct ear_device device = { .key = *ear_own_key(ear), .name = ear_device_name(ear) };

	if (device.name == NULL || strlen(device.name) > KEYS_NAME_MAX)
		device.name = "";
	if (link == EAR_LINK_SERVER && keys_is_account(ear))
		device.resource = ear_jid_resource(ear_self(ear, EAR_LINK_SERVER));
	return device;
}

void
keys_failure(const struct ear_answer *answer, char *out, size_t size)
{
	const char *text;

	if (answer->error != -EREMOTEIO || answer->stanza == NULL) {
		snprintf(out, size, "%s", strerror(-answer->error));
		return;
	}
	text = ear_error_text_of(answer->stanza);
	snprintf(out, size, "%s%s%s", ear_condition_name(ear_condition_of(answer->stanza)),
		 text == NULL ? "" : ": ", text == NULL ? "" : text);
}
