/* SPDX-License-Identifier: ISC */
/* test_build.c: elements inside each other, text between them, and half of it forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/stanza.h>

#include "wire/build.h"

#define NS "urn:x and what follows"

struct fixture {
	xmpp_ctx_t *ctx;
	struct build build;
};

static int
set_up(void **state)
{
	static struct fixture f;

	f.ctx = xmpp_ctx_new(NULL, NULL);
	build_init(&f.build, f.ctx);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	build_release(&f->build);
	xmpp_ctx_free(f->ctx);
	return 0;
}

static void
start(struct fixture *f, const char *name)
{
	build_start(&f->build, name, NS, 5);
}

static void
test_tree(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *stanza, *inner;

	start(f, "a");
	build_text(&f->build, "one ", 4);
	build_text(&f->build, "two", 3);
	start(f, "b");
	build_text(&f->build, "three", 5);
	assert_int_equal(f->build.depth, 2);
	assert_null(build_end(&f->build));
	build_text(&f->build, "four", 4);
	stanza = build_end(&f->build);
	assert_true(ear_is(stanza, "a", "urn:x"));
	inner = ear_find(stanza, "b", "urn:x");
	assert_string_equal(ear_text(inner), "three");
	/* However many pieces text came in, it is one node. */
	assert_string_equal(xmpp_stanza_get_text_ptr(xmpp_stanza_get_children(stanza)), "one two");
	assert_ptr_equal(xmpp_stanza_get_next(xmpp_stanza_get_children(stanza)), inner);
	assert_string_equal(xmpp_stanza_get_text_ptr(xmpp_stanza_get_next(inner)), "four");
	xmpp_stanza_release(stanza);
}

static void
test_long_text(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *stanza;

	start(f, "a");
	for (int i = 0; i < 10000; i++)
		build_text(&f->build, "0123456789", 10);
	stanza = build_end(&f->build);
	assert_int_equal(strlen(ear_text(stanza)), 100000);
	xmpp_stanza_release(stanza);
	build_clear(&f->build);
	assert_in_range(f->build.text_room, 0, 512);
}

static void
test_deep(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *stanza = NULL;

	for (int i = 0; i < 100; i++)
		start(f, "a");
	for (int i = 0; i < 100; i++) {
		assert_null(stanza);
		stanza = build_end(&f->build);
	}
	assert_non_null(stanza);
	xmpp_stanza_release(stanza);
	build_clear(&f->build);
	assert_in_range(f->build.room, 0, 8);
}

/* Elements and pieces of text inside one element count, those deeper do not. */
static void
test_too_wide(void **state)
{
	struct fixture *f = *state;

	start(f, "a");
	for (int i = 0; i < BUILD_NODES_MAX / 2; i++) {
		build_text(&f->build, "x", 1);
		start(f, "b");
		build_text(&f->build, "y", 1);
		assert_null(build_end(&f->build));
	}
	assert_false(f->build.too_wide);
	start(f, "b");
	assert_true(f->build.too_wide);
	build_clear(&f->build);
	assert_false(f->build.too_wide);
}

static void
test_clear_in_the_middle(void **state)
{
	struct fixture *f = *state;
	xmpp_stanza_t *stanza;

	start(f, "a");
	start(f, "b");
	build_text(&f->build, "half", 4);
	build_clear(&f->build);
	assert_int_equal(f->build.depth, 0);
	start(f, "c");
	stanza = build_end(&f->build);
	assert_string_equal(xmpp_stanza_get_name(stanza), "c");
	assert_null(xmpp_stanza_get_children(stanza));
	xmpp_stanza_release(stanza);
	build_clear(&f->build);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tree),     TEST(test_long_text),           TEST(test_deep),
		TEST(test_too_wide), TEST(test_clear_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
