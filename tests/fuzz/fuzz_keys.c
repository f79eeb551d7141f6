/* SPDX-License-Identifier: ISC */
/*
 * fuzz_keys.c: any bytes as the answer of somebody who was asked for its keys, or of the own server
 * that was asked for the node's configuration. What is taken for a device is written and read again
 * as the same one.
 */
#include <stdint.h>
#include <string.h>

#include "keys.h"
#include "tests/fuzz/stanzas.h"

static void
check_device(xmpp_ctx_t *ctx, const struct ear_device *device)
{
	xmpp_stanza_t *item = keys_item_new(ctx, device, NULL);
	struct ear_device again;

	MUST(device->name != NULL && strlen(device->name) <= KEYS_NAME_MAX);
	MUST(keys_item_read(item, &again) == 0);
	MUST(ear_key_equal(&again.key, &device->key));
	MUST(strcmp(again.name, device->name) == 0);
	MUST((again.resource == NULL) == (device->resource == NULL));
	MUST(again.resource == NULL || strcmp(again.resource, device->resource) == 0);
	xmpp_stanza_release(item);
}

static void
check_list(xmpp_ctx_t *ctx, xmpp_stanza_t *iq)
{
	struct ear_device devices[EAR_DEVICES_MAX];
	size_t count = 0, skipped = 0;

	if (keys_items_read(iq, devices, &count, &skipped) != 0)
		return;
	MUST(count <= EAR_DEVICES_MAX);
	for (size_t i = 0; i < count; i++)
		check_device(ctx, &devices[i]);
}

/* Whatever the form says, the limit never rises over what was asked for, nor falls to nothing. */
static void
check_node(xmpp_ctx_t *ctx, xmpp_stanza_t *iq)
{
	for (unsigned want = EAR_DEVICES_MAX; want > 0; want /= 2) {
		unsigned max = want;
		xmpp_stanza_t *form = keys_node_changes(ctx, iq, &max);

		MUST(max >= want && max <= EAR_DEVICES_MAX);
		if (form != NULL)
			xmpp_stanza_release(form);
	}
}

static void
check_stanza(xmpp_ctx_t *ctx, xmpp_stanza_t *stanza)
{
	check_list(ctx, stanza);
	check_node(ctx, stanza);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	each_stanza(data, size, check_stanza);
	return 0;
}
