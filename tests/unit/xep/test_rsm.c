/* SPDX-License-Identifier: ISC */
/* test_rsm.c: pages of result sets (XEP-0059), asked for and answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "rsm.h"

#define SET(xml)                                                                                   \
	"<pubsub xmlns='" EAR_NS_PUBSUB "'><set xmlns='" EAR_NS_RSM "'>" xml "</set></pubsub>"

static xmpp_ctx_t *ctx;
static xmpp_stanza_t *parent;

static int
setup(void **state)
{
	ctx = xmpp_ctx_new(NULL, NULL);
	parent = NULL;
	return 0;
}

static int
teardown(void **state)
{
	if (parent != NULL)
		xmpp_stanza_release(parent);
	xmpp_ctx_free(ctx);
	return 0;
}

static int
read_xml(const char *xml, struct rsm *rsm)
{
	if (parent != NULL)
		xmpp_stanza_release(parent);
	parent = ear_parse(ctx, xml);
	assert_non_null(parent);
	return rsm_read(rsm, parent);
}

static void
test_none(void **state)
{
	struct rsm rsm;

	assert_int_equal(read_xml("<pubsub xmlns='" EAR_NS_PUBSUB "'><set/></pubsub>", &rsm), 0);
	assert_false(rsm.asked);
	assert_int_equal(rsm.max, RSM_MAX);
	assert_null(rsm.after);
	assert_null(rsm.before);
	assert_false(rsm.by_index);
}

/* §2.1, §2.2, §2.3, §2.5, §2.6, §2.7 */
static void
test_asked(void **state)
{
	struct rsm rsm;

	assert_int_equal(read_xml(SET("<max>10</max>"), &rsm), 0);
	assert_true(rsm.asked);
	assert_int_equal(rsm.max, 10);
	assert_null(rsm.after);
	assert_int_equal(read_xml(SET(""), &rsm), 0);
	assert_true(rsm.asked);
	assert_int_equal(rsm.max, RSM_MAX);
	assert_int_equal(read_xml(SET("<max>10</max><after>a&amp;b</after>"), &rsm), 0);
	assert_string_equal(rsm.after, "a&b");
	assert_null(rsm.before);
	assert_int_equal(read_xml(SET("<max>10</max><after/>"), &rsm), 0);
	assert_null(rsm.after);
	assert_int_equal(read_xml(SET("<before>x</before>"), &rsm), 0);
	assert_string_equal(rsm.before, "x");
	assert_int_equal(read_xml(SET("<max>10</max><before/>"), &rsm), 0);
	assert_string_equal(rsm.before, "");
	assert_int_equal(read_xml(SET("<max>10</max><index>371</index>"), &rsm), 0);
	assert_true(rsm.by_index);
	assert_int_equal(rsm.index, 371);
	assert_int_equal(read_xml(SET("<index>3</index><after>x</after>"), &rsm), 0);
	assert_false(rsm.by_index);
	assert_int_equal(read_xml(SET("<max>0</max>"), &rsm), 0);
	assert_int_equal(rsm.max, 0);
}

static void
test_bounds(void **state)
{
	static const char *const bad[] = {
		SET("<max/>"),
		SET("<max>-1</max>"),
		SET("<max>x</max>"),
		SET("<max> 1</max>"),
		SET("<max>1x</max>"),
		SET("<max>9999999999</max>"),
		SET("<index/>"),
		SET("<index>-1</index>"),
		SET("<after>a</after><before>b</before>"),
		SET("<after/><before/>"),
	};
	struct rsm rsm;

	assert_int_equal(read_xml(SET("<max>100000</max>"), &rsm), 0);
	assert_int_equal(rsm.max, RSM_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_xml(bad[i], &rsm) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
}

static void
check_added(const char *first, const char *last, size_t index, size_t count, const char *expected)
{
	xmpp_stanza_t *pubsub = ear_element(ctx, "pubsub", EAR_NS_PUBSUB);
	char *text;

	rsm_add(pubsub, first, last, index, count);
	text = ear_render(ear_first(pubsub), SIZE_MAX);
	assert_string_equal(text, expected);
	free(text);
	xmpp_stanza_release(pubsub);
}

static void
test_add(void **state)
{
	check_added("a", "b<", 10, 800,
		    "<set xmlns=\"" EAR_NS_RSM "\"><first index=\"10\">a</first><last>b&lt;</last>"
		    "<count>800</count></set>");
	check_added(NULL, NULL, 0, 790, "<set xmlns=\"" EAR_NS_RSM "\"><count>790</count></set>");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_add, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
