/* SPDX-License-Identifier: ISC */
/*
 * fuzz_addresses.c: any bytes as an <addresses/> of somebody who is trusted. What is taken holds
 * nothing that may not be dialled, and is written and read again as the same.
 */
#include <stdint.h>
#include <string.h>

#include "addresses.h"
#include "core/ways.h"
#include "tests/fuzz/stanzas.h"

static void
check(xmpp_ctx_t *ctx, const struct addresses *taken)
{
	xmpp_stanza_t *element = addresses_new(ctx, taken);
	struct sockaddr_storage way;
	struct addresses again;

	MUST(taken->count <= EAR_TOLD_MAX && taken->port <= 65535);
	MUST(taken->count == 0 || taken->port > 0);
	MUST(taken->life > 0 && taken->life <= ADDRESSES_LIFE_MAX);
	MUST(ear_jid_is_lan(taken->address));
	for (size_t i = 0; i < taken->count; i++)
		MUST(ways_parse(taken->ip[i], &way) == 0 && ways_is_far(&way));
	MUST(addresses_read(element, &again) == 0);
	MUST(strcmp(again.address, taken->address) == 0 && again.count == taken->count);
	MUST(ear_key_equal(&again.key, &taken->key) && again.life == taken->life);
	MUST(taken->count == 0 || again.port == taken->port);
	for (size_t i = 0; i < taken->count; i++)
		MUST(strcmp(again.ip[i], taken->ip[i]) == 0);
	xmpp_stanza_release(element);
}

static void
check_stanza(xmpp_ctx_t *ctx, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *element = ear_find(stanza, "addresses", EAR_NS_ADDRESSES);
	struct addresses taken;

	if (element != NULL && addresses_read(element, &taken) == 0)
		check(ctx, &taken);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	each_stanza(data, size, check_stanza);
	return 0;
}
