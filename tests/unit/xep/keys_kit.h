/* SPDX-License-Identifier: ISC */
/* keys_kit.h: an engine with a key and what waits for its server, for the tests of key lists. */
#ifndef TEST_KEYS_KIT_H
#define TEST_KEYS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "fake_ear.h"
#include "keys.h"

#define OWN   "0101010101010101010101010101010101010101010101010101010101010101"
#define OLD   "0202020202020202020202020202020202020202020202020202020202020202"
#define OTHER "0303030303030303030303030303030303030303030303030303030303030303"
#define SELF  "tv@example.org/livingroom-1"
#define BARE  "tv@example.org"

#define DEVICE(key, name, more)                                                                    \
	"<item id='" key "'><device xmlns='urn:earshot:keys:0' name='" name                        \
	"' since='2026-01-02T03:04:05Z' " more "><key hash='sha-256'>" key                         \
	"</key></device></item>"
#define OURS     DEVICE(OWN, "livingroom", "resource='livingroom-1'")
#define ANOTHERS DEVICE(OTHER, "kitchen", "resource='kitchen-1'")
#define LIST(items)                                                                                \
	"<pubsub xmlns='http://jabber.org/protocol/pubsub'><items "                                \
	"node='urn:earshot:keys:0'>" items "</items></pubsub>"
#define ERROR(type, condition)                                                                     \
	"<error type='" type "'><" condition                                                       \
	" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

static struct ear *ear;

static inline struct ear_key
key_of(const char *text)
{
	struct ear_key key;

	assert_int_equal(ear_key_parse(text, &key), 0);
	return key;
}

static inline int
setup(void **state)
{
	ear = fake_new();
	ear->trust.own_key = key_of(OWN);
	ear->link = EAR_LINK_SERVER;
	ear->level = EAR_PROVED;
	return 0;
}

static inline int
teardown(void **state)
{
	fake_stop(ear);
	assert_null(ear->trust.fetch);
	fake_free(ear);
	return 0;
}

/* The first request that asks or sets that child of a <pubsub/>; its number in *at. */
static inline xmpp_stanza_t *
pending(const char *ns, const char *name, size_t *at)
{
	*at = 0;
	for (size_t i = 0; i < ear->request_count; i++) {
		xmpp_stanza_t *pubsub = ear_find(fake_request(ear, i), "pubsub", ns);
		xmpp_stanza_t *child = pubsub == NULL ? NULL : ear_find(pubsub, name, ns);

		if (child == NULL)
			continue;
		assert_int_equal(ear->requests[i].only, EAR_LINK_SERVER);
		assert_string_equal(fake_attribute(child, "node"), EAR_NS_KEYS);
		*at = i;
		return child;
	}
	return NULL;
}

static inline xmpp_stanza_t *
must(const char *ns, const char *name, const char *type, size_t *at)
{
	xmpp_stanza_t *child = pending(ns, name, at);

	assert_non_null(child);
	assert_string_equal(fake_attribute(fake_request(ear, *at), "type"), type);
	return child;
}

static inline void
answer(const char *ns, const char *name, const char *type, const char *xml)
{
	size_t at;

	must(ns, name, type, &at);
	fake_answer(ear, at, xml);
}

static inline void
refuse(const char *ns, const char *name, const char *type, const char *xml)
{
	size_t at;

	must(ns, name, type, &at);
	fake_answer_error(ear, at, xml);
}

static inline bool
asks(const char *ns, const char *name)
{
	size_t at;

	return pending(ns, name, &at) != NULL;
}

#define PS    EAR_NS_PUBSUB
#define OWNER EAR_NS_PUBSUB_OWNER

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
