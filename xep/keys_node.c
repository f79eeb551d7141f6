/* SPDX-License-Identifier: ISC */
/* keys_node.c: how the node of an account's keys is to be configured (XEP-0060 §8.2, §16.4.4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

#define PUBSUB_OPTIONS EAR_NS_PUBSUB "#publish-options"
#define PUBSUB_CONFIG  EAR_NS_PUBSUB "#node_config"

/* In the order of the form that is submitted. max_items is not in here: it is negotiated. */
static const struct {
	const char *var, *value;
} wanted[] = {
	{ "pubsub#access_model", "open" }, /* also for whom has no presence of ours */
	{ "pubsub#persist_items", "1" },
	/* A key that is revoked must be known as soon as one that is new. */
	{ "pubsub#deliver_notifications", "1" },
	{ "pubsub#notify_retract", "1" },
	{ "pubsub#notify_delete", "1" },
	{ "pubsub#presence_based_delivery", "0" }, /* a component has no presence */
	{ "pubsub#send_last_published_item", "never" },
};

static xmpp_stanza_t *
new_form(xmpp_ctx_t *ctx, const char *type)
{
	xmpp_stanza_t *form = ear_element(ctx, "x", KEYS_NS_FORM);
	xmpp_stanza_t *field = ear_child(form, "field", KEYS_NS_FORM);

	ear_set(form, "type", "submit");
	ear_set(field, "var", "FORM_TYPE");
	ear_set(field, "type", "hidden");
	ear_child_text(field, "value", KEYS_NS_FORM, type);
	return form;
}

static void
add_field(xmpp_stanza_t *form, const char *var, const char *value)
{
	xmpp_stanza_t *field = ear_child(form, "field", KEYS_NS_FORM);

	ear_set(field, "var", "%s", var);
	ear_child_text(field, "value", KEYS_NS_FORM, value);
}

static xmpp_stanza_t *
form_of(xmpp_stanza_t *iq)
{
	xmpp_stanza_t *pubsub = ear_find(iq, "pubsub", EAR_NS_PUBSUB_OWNER);
	xmpp_stanza_t *configure =
		pubsub == NULL ? NULL : ear_find(pubsub, "configure", EAR_NS_PUBSUB_OWNER);

	return configure == NULL ? NULL : ear_find(configure, "x", KEYS_NS_FORM);
}

/* The value of a field, "" when it has none; NULL: the server does not know the field. */
static const char *
value_of(xmpp_stanza_t *form, const char *name)
{
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e)) {
		const char *var = xmpp_stanza_get_attribute(e, "var");
		xmpp_stanza_t *value;
		const char *text;

		if (!ear_is(e, "field", KEYS_NS_FORM) || var == NULL || strcmp(var, name) != 0)
			continue;
		value = ear_find(e, "value", KEYS_NS_FORM);
		text = value == NULL ? NULL : ear_text(value);
		return text == NULL ? "" : text;
	}
	return NULL;
}

/* XEP-0004 §3.3: a boolean is "1" or "true", "0" or "false". */
static bool
is_same(const char *value, const char *want)
{
	if (strcmp(want, "1") == 0)
		return strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
	if (strcmp(want, "0") == 0)
		return strcmp(value, "0") == 0 || strcmp(value, "false") == 0;
	return strcmp(value, want) == 0;
}

/* "max": as many as the server can. */
static unsigned
items_of(const char *value)
{
	unsigned long number = strtoul(value, NULL, 10);

	if (strcmp(value, "max") == 0 || number > EAR_DEVICES_MAX)
		return EAR_DEVICES_MAX;
	return (unsigned)number;
}

/* Never fewer than there may be now: somebody else's item would go. */
static bool
change_max(xmpp_stanza_t *form, const char *value, unsigned *max)
{
	unsigned now = value == NULL ? *max : items_of(value);
	char text[16];

	if (now >= *max) {
		*max = value == NULL ? EAR_DEVICES_MAX : now;
		return false;
	}
	snprintf(text, sizeof(text), "%u", *max);
	add_field(form, "pubsub#max_items", text);
	return true;
}

xmpp_stanza_t *
keys_node_changes(xmpp_ctx_t *ctx, xmpp_stanza_t *iq, unsigned *max)
{
	xmpp_stanza_t *have = form_of(iq), *form;
	size_t changes = 0;

	if (have == NULL)
		return NULL;
	form = new_form(ctx, PUBSUB_CONFIG);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const char *value = value_of(have, wanted[i].var);

		if (value == NULL || is_same(value, wanted[i].value))
			continue;
		add_field(form, wanted[i].var, wanted[i].value);
		changes++;
	}
	if (change_max(form, value_of(have, "pubsub#max_items"), max))
		changes++;
	if (changes > 0)
		return form;
	xmpp_stanza_release(form);
	return NULL;
}

/* Only what servers agree on: ejabberd 23.01 refuses the whole request for a max_items in here. */
void
keys_node_options(xmpp_stanza_t *pubsub)
{
	xmpp_stanza_t *options = ear_child(pubsub, "publish-options", EAR_NS_PUBSUB);
	xmpp_stanza_t *form = new_form(xmpp_stanza_get_context(pubsub), PUBSUB_OPTIONS);

	add_field(form, wanted[0].var, wanted[0].value);
	add_field(form, wanted[1].var, wanted[1].value);
	xmpp_stanza_add_child_ex(options, form, 0);
}
