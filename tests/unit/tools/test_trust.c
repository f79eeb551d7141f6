/* SPDX-License-Identifier: ISC */
/* test_trust.c: fingerprints for people, and which exit code an answer about keys means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trust.h"

#define DIGITS "00112233445566778899aabbccddeeff"

static void
test_groups(void **state)
{
	char out[TRUST_GROUPS_SIZE];

	trust_groups(DIGITS "00112233445566778899AABBCCDDEEFF", out);
	assert_string_equal(out, "0011 2233 4455 6677 8899 aabb ccdd eeff "
				 "0011 2233 4455 6677 8899 aabb ccdd eeff");
	trust_groups(DIGITS, out);
	assert_string_equal(out, "?");
	trust_groups("\033[31m", out);
	assert_string_equal(out, "?");
	trust_groups(NULL, out);
	assert_string_equal(out, "?");
}

/* The engine answers itself: its conditions mean something else than those of the other side. */
static void
means(const char *condition, int code)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *iq = ear_stanza(ctx, "iq", "error", NULL, "i");
	struct answer answer = { .code = EXIT_REFUSED, .stanza = iq, .link = EAR_LINK_LOCAL };

	ear_child(ear_child(iq, "error", EAR_NS_CLIENT), condition, EAR_NS_STANZA_ERR);
	ear_set(ear_child(iq, "via", EAR_NS_CONTROL), "link", "local");
	assert_int_equal(trust_refused("tv@box.local", &answer, NULL), code);
	xmpp_stanza_release(iq);
	xmpp_ctx_free(ctx);
}

static void
test_codes(void **state)
{
	means("not-authorized", EXIT_TRUST);
	means("item-not-found", EXIT_NOBODY);
	means("remote-server-timeout", EXIT_TIMEOUT);
	means("resource-constraint", EXIT_REFUSED);
	means("bad-request", EXIT_USAGE);
	means("jid-malformed", EXIT_USAGE);
	means("internal-server-error", EXIT_CONFIG);
	means("nonsense", EXIT_CONFIG);
}

static void
test_no_answer(void **state)
{
	struct answer answer = { .code = EXIT_TIMEOUT };

	assert_int_equal(trust_refused("tv@box.local", &answer, NULL), EXIT_TIMEOUT);
	answer = (struct answer){ .code = EXIT_CONFIG, .interrupted = true };
	assert_int_equal(trust_refused("tv@box.local", &answer, NULL), EXIT_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
