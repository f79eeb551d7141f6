/* SPDX-License-Identifier: ISC */
/* test_expires.c: the age of stanzas when one of the two machines was asleep. The rest is in
 * scenarios. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/timer.h"
#include "core/core.h"
#include "core/expires.h"

#define JULIET "juliet@forza.local"
#define LIFE   (1500 * EAR_MSEC)

static const struct ear_xep *const no_xeps[] = { NULL };

/* A machine with an engine. */
struct machine {
	struct ear_clock *clock;
	struct conf *conf;
	struct ear *ear;
};

static struct machine sender, receiver;

static struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static const struct core_reach reach = {
	.lan_open = nowhere,
	.lan_find = nowhere,
	.local_find = nowhere,
};

static void
start(struct machine *machine)
{
	machine->clock = clock_new_fake();
	machine->conf = conf_new();
	machine->ear = core_new(machine->clock, machine->conf, no_xeps, &reach, NULL);
}

static void
stop(struct machine *machine)
{
	core_free(machine->ear);
	conf_free(machine->conf);
	clock_free(machine->clock);
}

static int
setup(void **state)
{
	start(&sender);
	start(&receiver);
	clock_advance(receiver.clock, 12345 * EAR_SEC);
	dest_get(receiver.ear, JULIET);
	return 0;
}

static int
teardown(void **state)
{
	stop(&sender);
	stop(&receiver);
	return 0;
}

static xmpp_stanza_t *
sent_now(void)
{
	xmpp_stanza_t *message = ear_stanza(sender.ear->ctx, "message", NULL, JULIET, NULL);

	ear_set(ear_child(message, "expires", EAR_NS_DELIVERY), "ms", "%d", (int)(LIFE / EAR_MSEC));
	return expires_stamp(sender.ear, message);
}

static bool
is_late(xmpp_stanza_t *message)
{
	return expires_is_late(receiver.ear, JULIET, message);
}

/* One that takes no time is never late. */
static void
assert_arrives(void)
{
	xmpp_stanza_t *message = sent_now();

	assert_false(expires_is_over(sender.ear, message));
	assert_false(is_late(message));
	xmpp_stanza_release(message);
}

/* Its timers stood still, and others did not. */
static void
test_sender_slept(void **state)
{
	assert_arrives();
	clock_sleep(sender.clock, 3600 * EAR_SEC);
	clock_advance(receiver.clock, 3600 * EAR_SEC);
	assert_arrives();
}

static void
test_receiver_slept(void **state)
{
	xmpp_stanza_t *message;

	assert_arrives();
	message = sent_now();
	clock_sleep(receiver.clock, 3600 * EAR_SEC);
	clock_advance(sender.clock, 3600 * EAR_SEC);
	/* It lay in a socket all that time. */
	assert_true(is_late(message));
	assert_arrives();
	xmpp_stanza_release(message);
}

/* A press before the lid was closed does nothing when it is opened. */
static void
test_held_through_a_sleep(void **state)
{
	xmpp_stanza_t *message = sent_now();

	clock_advance(sender.clock, LIFE);
	assert_false(expires_is_over(sender.ear, message));
	clock_sleep(sender.clock, EAR_SEC);
	assert_true(expires_is_over(sender.ear, message));
	xmpp_stanza_release(message);
}

/* The first thing that comes lay in a socket; its stream had begun with a clock. */
static void
test_first_of_a_stream(void **state)
{
	char text[200], whole[400];
	xmpp_stanza_t *message, *begin;

	expires_tell_clock(sender.ear, text, sizeof(text));
	snprintf(whole, sizeof(whole), "<enable xmlns='" EAR_NS_SM "'>%s</enable>", text);
	begin = xmpp_stanza_new_from_string(receiver.ear->ctx, whole);
	assert_non_null(begin);
	expires_hear_clock(receiver.ear, JULIET, begin);
	xmpp_stanza_release(begin);
	message = sent_now();
	clock_advance(sender.clock, LIFE + EAR_SEC);
	clock_advance(receiver.clock, LIFE + EAR_SEC);
	assert_true(is_late(message));
	assert_arrives();
	xmpp_stanza_release(message);
}

/* What takes no time, once in an hour, from one whose clock is slower by that much. */
static void
drift_apart(int64_t hours, int64_t usec_of_hour)
{
	for (int64_t i = 0; i < hours; i++) {
		clock_advance(sender.clock, 3600 * EAR_SEC - usec_of_hour);
		clock_advance(receiver.clock, 3600 * EAR_SEC);
		assert_arrives();
	}
}

/* Two clocks of quartz go apart by seconds in a day: that is no age. */
static void
test_clocks_drift(void **state)
{
	xmpp_stanza_t *message;

	assert_arrives();
	drift_apart(72, 360 * EAR_MSEC);
	message = sent_now();
	clock_advance(sender.clock, LIFE + EAR_SEC);
	clock_advance(receiver.clock, LIFE + EAR_SEC);
	assert_true(is_late(message));
	xmpp_stanza_release(message);
	drift_apart(72, -360 * EAR_MSEC);
}

/* A clock that says nothing that can be understood, or none, teaches nothing. */
static void
test_no_clock(void **state)
{
	static const char *const words[] = {
		"<enable xmlns='" EAR_NS_SM "'/>",
		"<enable xmlns='" EAR_NS_SM "'><clock xmlns='" EAR_NS_DELIVERY "'/></enable>",
		"<enable xmlns='" EAR_NS_SM "'><clock xmlns='" EAR_NS_DELIVERY
		"' sent='-1' id='x'/></enable>",
		"<enable xmlns='" EAR_NS_SM "'><clock xmlns='" EAR_NS_DELIVERY
		"' sent='5' id='longer than any that we make'/></enable>",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		xmpp_stanza_t *begin = xmpp_stanza_new_from_string(receiver.ear->ctx, words[i]);

		expires_hear_clock(receiver.ear, JULIET, begin);
		xmpp_stanza_release(begin);
		assert_string_equal(dest_find(receiver.ear, JULIET)->age.clock, "");
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_sender_slept),         CASE(test_receiver_slept),
		CASE(test_held_through_a_sleep), CASE(test_first_of_a_stream),
		CASE(test_clocks_drift),         CASE(test_no_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
