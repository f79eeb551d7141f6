/* SPDX-License-Identifier: ISC */
/* fuzz_pubsub_config.c: any bytes as a configuration: as text out of a store, and as a form that
 * was submitted. What comes of it keeps the promises of pubsub.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pubsub.h"
#include "tests/fuzz/stanzas.h"

/* Every value is one, and its text says the same. */
static void
check_config(const struct pubsub_config *config)
{
	struct pubsub_config again;
	char *text = pubsub_config_text(config), *second;

	MUST(config->access_model < PUBSUB_ACCESS_COUNT);
	MUST(config->publish_model < PUBSUB_PUBLISHERS_COUNT);
	MUST(config->send_last < PUBSUB_LAST_COUNT);
	MUST(config->max_items >= 1 && config->max_items <= EAR_NODE_ITEMS_MAX);
	MUST(config->max_payload >= 1 && config->max_payload <= EAR_PAYLOAD_MAX);
	MUST(config->backlog <= PUBSUB_BACKLOG_MAX);
	MUST(config->message_type != NULL);
	for (const char *c = config->title; *c != '\0'; c++)
		MUST((unsigned char)*c >= ' ' && *c != 0x7f);
	pubsub_config_read(&again, text);
	second = pubsub_config_text(&again);
	MUST(strcmp(text, second) == 0 && again.atom == config->atom);
	free(text);
	free(second);
}

static void
check_submission(xmpp_stanza_t *form, const char *type)
{
	struct pubsub_config config = pubsub_config_default;
	char *text;
	const char *why = NULL;

	if (pubsub_config_submit(&config, form, type, &why) != 0) {
		MUST(why != NULL);
		text = pubsub_config_text(&config);
		MUST(*text == '\0');
		free(text);
		return;
	}
	check_config(&config);
	/* What was taken from it holds; a field that came for nothing does not change that. */
	MUST(strcmp(type, PUBSUB_PUBLISH) != 0 || pubsub_config_holds(&config, form, &why));
}

static void
check_stanza(xmpp_ctx_t *ctx, xmpp_stanza_t *stanza)
{
	struct pubsub_options options = { .deliver = true };
	const char *why = NULL;

	check_submission(stanza, PUBSUB_CONFIG);
	check_submission(stanza, PUBSUB_PUBLISH);
	MUST(pubsub_options_submit(&options, stanza, &why) == 0 || why != NULL);
}

static void
read_text(const uint8_t *data, size_t size)
{
	struct pubsub_config config;
	struct pubsub_options options;
	char *text = calloc(1, size + 1);

	MUST(text != NULL);
	memcpy(text, data, size);
	pubsub_config_read(&config, text);
	check_config(&config);
	pubsub_options_read(&options, text);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	each_stanza(data, size, check_stanza);
	read_text(data, size);
	return 0;
}
