/* SPDX-License-Identifier: ISC */
/* test_0115.c: the caps of our presence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ear.h"

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

extern const struct ear_xep ear_xep_0115;

static xmpp_stanza_t *
outgoing(const char *name, const char *type)
{
	xmpp_stanza_t *stanza = ear_stanza(ear->ctx, name, type, NULL, NULL);

	ear_xep_0115.outgoing(ear, stanza);
	return stanza;
}

static void
test_presence(void **state)
{
	xmpp_stanza_t *presence = outgoing("presence", NULL);
	xmpp_stanza_t *c = ear_find(presence, "c", EAR_NS_CAPS);

	assert_string_equal(fake_attribute(c, "hash"), "sha-1");
	assert_string_equal(fake_attribute(c, "node"), EAR_CAPS_NODE);
	assert_string_equal(fake_attribute(c, "ver"), ear_caps_ver(ear));
	ear_xep_0115.outgoing(ear, presence); /* sent a second time, by another link */
	assert_int_equal(fake_children(presence), 1);
	xmpp_stanza_release(presence);
}

static void
test_others(void **state)
{
	static const char *const cases[][2] = { { "presence", "unavailable" },
						{ "presence", "subscribe" },
						{ "presence", "error" },
						{ "message", NULL },
						{ "iq", "get" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmpp_stanza_t *stanza = outgoing(cases[i][0], cases[i][1]);

		assert_int_equal(fake_children(stanza), 0);
		xmpp_stanza_release(stanza);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_presence),
		TEST(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
