/* SPDX-License-Identifier: ISC */
/* test_pubsub_config.c: configuration as text for the store, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pubsub.h"

/* What that text makes of a configuration, as text again. */
static void
assert_again(const char *text, const char *want)
{
	struct pubsub_config config;
	char *again;

	memset(&config, 0x55, sizeof(config));
	pubsub_config_read(&config, text);
	again = pubsub_config_text(&config);
	assert_string_equal(again, want);
	free(again);
}

static void
test_defaults(void **state)
{
	struct pubsub_config config;

	assert_again("", "");
	assert_again(NULL, "");
	pubsub_config_read(&config, "");
	assert_int_equal(config.access_model, PUBSUB_OPEN);
	assert_int_equal(config.publish_model, PUBSUB_BY_PUBLISHERS);
	assert_int_equal(config.send_last, PUBSUB_LAST_ON_SUB_AND_PRESENCE);
	assert_int_equal(config.max_items, 10);
	assert_int_equal(config.max_payload, 65536);
	assert_int_equal(config.backlog, 0);
	assert_true(config.persist_items && config.deliver_notifications &&
		    config.deliver_payloads && config.notify_config && config.notify_delete &&
		    config.notify_retract && config.subscribe);
	assert_false(config.notify_sub || config.atom);
	assert_string_equal(config.message_type, "headline");
	assert_string_equal(config.title, "");
}

/* Every setting, each as it is not by default. */
static void
test_every_setting(void **state)
{
	static const char *const lines[] = {
		"title=Princely Musings = ümläut\n",
		"description=What Hamlet thinks\n",
		"type=urn:example:e2ee:bundle\n",
		"language=en\n",
		"access_model=presence\n",
		"access_model=roster\n",
		"access_model=authorize\n",
		"access_model=whitelist\n",
		"publish_model=subscribers\n",
		"publish_model=open\n",
		"subscribe=0\n",
		"persist_items=0\n",
		"max_items=1\n",
		"max_items=max\n",
		"max_payload_size=131072\n",
		"deliver_notifications=0\n",
		"deliver_payloads=0\n",
		"send_last_published_item=never\n",
		"send_last_published_item=on_sub\n",
		"notification_type=normal\n",
		"notification_type=chat\n",
		"notify_config=0\n",
		"notify_delete=0\n",
		"notify_retract=0\n",
		"notify_sub=1\n",
		"backlog=1000\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_again(lines[i], lines[i]);
	assert_again("title=x\nmax_items=20\naccess_model=roster",
		     "title=x\naccess_model=roster\nmax_items=20\n");
	assert_again("max_items=10000\n", "max_items=max\n");
}

/* What another version wrote, or what nobody can have written. */
static void
test_passed_over(void **state)
{
	char text[1500];

	assert_again("future=1\nmax_items=20\n", "max_items=20\n");
	assert_again("max_items=20\nfuture\n\n=\n=x\n", "max_items=20\n");
	assert_again("max_items=0\n", "");
	assert_again("max_items=10001\n", "");
	assert_again("max_items=-1\nbacklog=1001\nbacklog=1x\nbacklog=\n", "");
	assert_again("access_model=nobody\n", "");
	assert_again("subscribe=no\n", "");
	assert_again("max_item=20\nmax_itemss=20\n", "");
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "title=", 6);
	text[sizeof(text) - 1] = '\0';
	assert_again(text, "");
	memcpy(text + 300, "\nmax_items=20\n", 15);
	assert_again(text, "max_items=20\n");
}

static void
test_atom(void **state)
{
	static const struct {
		const char *text;
		bool atom;
	} cases[] = {
		{ "type=http://www.w3.org/2005/Atom\n", true },
		{ "type=urn:xmpp:microblog:0\n", true },
		{ "type=urn:xmpp:pubsub-social-feed:1\n", true },
		{ "type=urn:xmpp:pubsub-social-feed:gallery:1\n", true },
		{ "type=http://www.w3.org/2005/\n", false },
		{ "", false },
	};
	struct pubsub_config config;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pubsub_config_read(&config, cases[i].text);
		assert_int_equal(config.atom, cases[i].atom);
	}
}

static void
test_keep(void **state)
{
	struct pubsub_config config = pubsub_config_default;

	assert_int_equal(pubsub_config_keep(&config), 10);
	config.persist_items = false;
	assert_int_equal(pubsub_config_keep(&config), 0);
}

static void
test_wide(void **state)
{
	static const bool wide[PUBSUB_ACCESS_COUNT] = {
		[PUBSUB_OPEN] = true, [PUBSUB_PRESENCE] = true, [PUBSUB_ROSTER] = true
	};
	struct pubsub_config config = pubsub_config_default;

	for (unsigned i = 0; i < PUBSUB_ACCESS_COUNT; i++) {
		config.access_model = (enum pubsub_access)i;
		assert_int_equal(pubsub_config_is_wide(&config), wide[i]);
	}
}

static void
test_options(void **state)
{
	struct pubsub_options options;
	char *text;

	pubsub_options_read(&options, "");
	assert_true(options.deliver);
	text = pubsub_options_text(&options);
	assert_string_equal(text, "");
	free(text);
	pubsub_options_read(&options, "future=x\ndeliver=0\n");
	assert_false(options.deliver);
	text = pubsub_options_text(&options);
	assert_string_equal(text, "deliver=0\n");
	free(text);
	pubsub_options_read(&options, NULL);
	assert_true(options.deliver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_every_setting),
		cmocka_unit_test(test_passed_over), cmocka_unit_test(test_atom),
		cmocka_unit_test(test_keep),        cmocka_unit_test(test_wide),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
