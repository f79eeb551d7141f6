/* SPDX-License-Identifier: ISC */
/* test_link.c: the common part of links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/link.h"

static void
test_init(void **state)
{
	struct link a, b;

	link_init(&a, NULL, EAR_LINK_LAN, NULL, &b);
	link_init(&b, NULL, EAR_LINK_LOCAL, NULL, NULL);
	assert_int_not_equal(a.serial, b.serial);
	assert_int_not_equal(a.serial, 0);
	assert_int_equal(a.state, LINK_OPENING);
	assert_int_equal(a.level, EAR_PLAIN);
	assert_ptr_equal(a.owner, &b);
	a.peer = xstrdup("juliet@forza.local");
	link_enter(&a, LINK_UP);
	assert_int_equal(a.state, LINK_UP);
	link_release(&a);
	assert_null(a.peer);
}

static void
test_state_names(void **state)
{
	assert_string_equal(link_state_name(LINK_OPENING), "opening");
	assert_string_equal(link_state_name(LINK_UP), "up");
	assert_string_equal(link_state_name(LINK_CLOSING), "closing");
	assert_string_equal(link_state_name(LINK_DOWN), "down");
}

/* Nothing that asks for control by its name and namespace finds any, however many there were. */
static void
test_strip_control(void **state)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *stanza = ear_stanza(ctx, "iq", "get", NULL, "1");

	ear_child(stanza, "peers", EAR_NS_CONTROL);
	ear_child(stanza, "ping", EAR_NS_PING);
	ear_child(stanza, "paths", EAR_NS_CONTROL);
	link_strip_control(stanza);
	assert_null(xmpp_stanza_get_child_by_ns(stanza, EAR_NS_CONTROL));
	assert_null(ear_find(stanza, "peers", EAR_NS_CONTROL));
	assert_null(ear_find(stanza, "peers", NULL));
	assert_non_null(ear_find(stanza, "ping", EAR_NS_PING));
	xmpp_stanza_release(stanza);
	xmpp_ctx_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_state_names),
		cmocka_unit_test(test_strip_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
