/* SPDX-License-Identifier: ISC */
/* test_0203.c: what is said here and now, and what is hearsay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delay.h"
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

#define FORWARDED "<forwarded xmlns='" EAR_NS_FORWARD "'/>"

static bool
is_hearsay(const char *xml)
{
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ear->ctx, xml);
	struct ear_in in = { .ear = ear, .stanza = stanza };
	bool hearsay;

	assert_non_null(stanza);
	in.payload = ear_find(stanza, "press", EAR_NS_BUTTONS);
	hearsay = delay_is_hearsay(&in);
	xmpp_stanza_release(stanza);
	return hearsay;
}

static void
test_hearsay(void **state)
{
	assert_true(is_hearsay(
		"<message xmlns='jabber:client'><body>x</body><delay xmlns='" EAR_NS_DELAY
		"' stamp='2002-09-10T23:08:25Z'/></message>"));
	assert_true(is_hearsay("<message xmlns='jabber:client'>" FORWARDED "</message>"));
	assert_true(is_hearsay("<message xmlns='jabber:client'><received xmlns='" EAR_NS_CARBONS
			       "'>" FORWARDED "</received></message>"));
	assert_true(is_hearsay("<message xmlns='jabber:client'><sent xmlns='" EAR_NS_CARBONS
			       "'/></message>"));
	assert_true(is_hearsay("<iq xmlns='jabber:client'><press xmlns='" EAR_NS_BUTTONS
			       "'><delay xmlns='" EAR_NS_DELAY "'/></press></iq>"));
}

static void
test_here_and_now(void **state)
{
	assert_false(is_hearsay("<message xmlns='jabber:client'><body>x</body></message>"));
	assert_false(is_hearsay("<message xmlns='jabber:client'/>"));
	assert_false(is_hearsay("<message xmlns='jabber:client'><delay/></message>"));
	assert_false(is_hearsay("<message xmlns='jabber:client'><private xmlns='" EAR_NS_CARBONS
				"'/></message>"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hearsay),
		TEST(test_here_and_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
