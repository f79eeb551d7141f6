/* SPDX-License-Identifier: ISC */
/*
 * fuzz_addresses.c: any bytes as an <addresses/> of somebody who is trusted. What is taken holds
 * nothing that may not be dialled, and is written and read again as the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "core/ways.h"
#include "wire/reader.h"

#define HEADER                                                                                     \
	"<stream:stream xmlns='jabber:client' "                                                    \
	"xmlns:stream='http://etherx.jabber.org/streams'>"

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static int
on_header(void *arg, const struct reader_header *header)
{
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *element = ear_find(stanza, "addresses", EAR_NS_ADDRESSES);
	struct addresses taken;

	if (element != NULL && addresses_read(element, &taken) == 0)
		check(arg, &taken);
	return 0;
}

static int
on_end(void *arg)
{
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct reader_events events = { .header = on_header,
						     .stanza = on_stanza,
						     .end = on_end };
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	struct reader *reader = reader_new(ctx, &reader_caps_known, &events, ctx);

	if (reader_feed(reader, HEADER, sizeof(HEADER) - 1) == 0)
		reader_feed(reader, (const char *)data, size);
	reader_free(reader);
	xmpp_ctx_free(ctx);
	return 0;
}
