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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_sender_slept),
		CASE(test_receiver_slept),
		CASE(test_held_through_a_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
