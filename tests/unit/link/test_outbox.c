/* SPDX-License-Identifier: ISC */
/* test_outbox.c: what is kept, what counts as delivered, when there is no room. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "link/outbox.h"

static xmpp_ctx_t *ctx;
static struct outbox box;

static int
setup(void **state)
{
	ctx = xmpp_ctx_new(NULL, NULL);
	outbox_init(&box);
	return 0;
}

static int
teardown(void **state)
{
	outbox_release(&box);
	xmpp_ctx_free(ctx);
	return 0;
}

static void
add(size_t bytes, uint64_t end, int64_t at)
{
	outbox_add(&box, ear_element(ctx, "message", EAR_NS_CLIENT), bytes, end, at);
}

static void
test_prune(void **state)
{
	add(10, 10, 1);
	add(10, 20, 5);
	add(10, 30, 6);
	outbox_prune(&box, 9, INT64_MAX);
	assert_int_equal(box.count, 3);
	outbox_prune(&box, 25, 5);
	assert_int_equal(box.count, 2);
	outbox_prune(&box, 25, 6);
	assert_int_equal(box.count, 1);
	assert_int_equal(box.bytes, 10);
}

static void
test_order(void **state)
{
	struct outbox_item *item;

	add(1, 1, 0);
	add(2, 3, 0);
	item = outbox_take(&box);
	assert_int_equal(item->bytes, 1);
	outbox_put(&box, item);
	item = outbox_take(&box);
	assert_int_equal(item->bytes, 2);
	outbox_put_first(&box, item);
	item = outbox_take(&box);
	assert_int_equal(item->bytes, 2);
	outbox_item_free(item);
	assert_int_equal(box.count, 1);
}

static void
test_bound_of_stanzas(void **state)
{
	for (int i = 0; i < OUTBOX_STANZAS_MAX; i++) {
		assert_int_equal(outbox_make_room(&box, 0), 0);
		add(1, (uint64_t)i + 1, 0);
	}
	assert_int_equal(outbox_make_room(&box, 0), -ENOBUFS);
	assert_int_equal(outbox_make_room(&box, 1), 0);
	assert_int_equal(box.count, OUTBOX_STANZAS_MAX - 1);
}

static void
test_bound_of_bytes(void **state)
{
	add(OUTBOX_BYTES_MAX / 2, UINT64_MAX, 0);
	assert_int_equal(outbox_make_room(&box, 0), 0);
	add(OUTBOX_BYTES_MAX / 2, UINT64_MAX, 0);
	assert_int_equal(outbox_make_room(&box, 0), -EDQUOT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_prune),
		T(test_order),
		T(test_bound_of_stanzas),
		T(test_bound_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
