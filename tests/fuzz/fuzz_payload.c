/* SPDX-License-Identifier: ISC */
/* fuzz_payload.c: what is published, and what a terminal gets of it: any bytes as the XML of an
 * item. What was taken means the same when it is written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/ear.h>

#include "out.h"
#include "payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(xmpp_ctx_t *ctx, xmpp_stanza_t *payload)
{
	char *xml = payload_xml(payload), *text = payload_summary(payload), *again_text, *clean;
	xmpp_stanza_t *again;

	clean = out_escape(text, false);
	if (clean[strcspn(clean, "\033\n\r\b\177")] != '\0')
		abort();
	/* Written, it may be larger than what is taken: escapes. */
	if (payload_parse(ctx, xml, strlen(xml), &again) == NULL) {
		again_text = payload_summary(again);
		if (strcmp(text, again_text) != 0 &&
		    !ear_is(payload, xmpp_stanza_get_name(again), xmpp_stanza_get_ns(again)))
			abort();
		free(again_text);
		xmpp_stanza_release(again);
	} else if (strlen(xml) < PAYLOAD_MAX / 2) {
		abort();
	}
	free(clean);
	free(text);
	free(xml);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static xmpp_ctx_t *ctx;
	xmpp_stanza_t *payload;
	const char *why;

	if (ctx == NULL)
		ctx = xmpp_ctx_new(NULL, NULL);
	why = payload_parse(ctx, (const char *)data, size, &payload);
	if ((why == NULL) != (payload != NULL))
		abort();
	if (payload != NULL) {
		check(ctx, payload);
		xmpp_stanza_release(payload);
	}
	return 0;
}
