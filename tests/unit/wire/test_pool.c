/* SPDX-License-Identifier: ISC */
/* test_pool.c: stanzas of a context with a pool, many and few, small and large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <earshot/stanza.h>

#include "wire/pool.h"

#define STANZAS 2000 /* more than are kept */

static xmpp_stanza_t *
stanza_of(xmpp_ctx_t *ctx, size_t bytes)
{
	xmpp_stanza_t *stanza = ear_stanza(ctx, "message", "chat", "juliet@pronto", NULL);
	char text[600];

	assert_true(bytes < sizeof(text));
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	ear_child_text(stanza, "body", NULL, text);
	return stanza;
}

static void
check(xmpp_stanza_t *stanza, size_t bytes)
{
	const char *text = ear_text(ear_find(stanza, "body", NULL));

	assert_string_equal(xmpp_stanza_get_to(stanza), "juliet@pronto");
	assert_int_equal(text == NULL ? 0 : strlen(text), bytes);
}

static void
test_reuse(void **state)
{
	static xmpp_stanza_t *stanzas[STANZAS];
	struct pool *pool;
	xmpp_ctx_t *ctx = pool_ctx_new(&pool);

	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < STANZAS; i++)
			stanzas[i] = stanza_of(ctx, (i + round * 7) % 500);
		for (size_t i = 0; i < STANZAS; i++)
			check(stanzas[i], (i + round * 7) % 500);
		for (size_t i = 0; i < STANZAS; i++)
			xmpp_stanza_release(stanzas[i]);
	}
	pool_ctx_free(ctx, pool);
}

/* libstrophe's own calls that grow a block. */
static void
test_text(void **state)
{
	struct pool *pool;
	xmpp_ctx_t *ctx = pool_ctx_new(&pool);
	xmpp_stanza_t *stanza = stanza_of(ctx, 300);
	char *text;
	size_t length;

	assert_int_equal(xmpp_stanza_to_text(stanza, &text, &length), 0);
	assert_true(length > 300);
	xmpp_free(ctx, text);
	xmpp_stanza_release(stanza);
	pool_ctx_free(ctx, pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
