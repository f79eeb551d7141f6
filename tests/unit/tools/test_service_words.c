/* SPDX-License-Identifier: ISC */
/* test_service_words.c: what a refusal of a publish-subscribe service means, and what helps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "service.h"

static xmpp_ctx_t *ctx;

/* via: by which link the error came; inside: what is in <error/>. */
static void
says(char *address, const char *node, const char *via, const char *inside, const char *want,
     int code)
{
	char *xml = xasprintf("<iq xmlns='" EAR_NS_CLIENT "' type='error' id='1'><error "
			      "type='cancel'>%s</error><via xmlns='" EAR_NS_CONTROL
			      "' link='%s'/></iq>",
			      inside, via);
	struct place place = { .address = address, .node = node };
	struct answer answer;
	char *reason;

	answer_take(&answer, xmpp_stanza_new_from_string(ctx, xml));
	assert_int_equal(answer.code, code);
	reason = service_reason(&place, &answer);
	assert_string_equal(reason, want);
	free(reason);
	answer_release(&answer);
	free(xml);
}

#define CONDITION(name) "<" name " xmlns='" EAR_NS_STANZA_ERR "'/>"
#define TEXT(text)      "<text xmlns='" EAR_NS_STANZA_ERR "'>" text "</text>"
#define SPECIFIC(rest)  "<" rest " xmlns='" SERVICE_ERRORS "'/>"

static void
test_words(void **state)
{
	says("p.example.org", "n", "server", CONDITION("item-not-found"),
	     "p.example.org: n: refused (item-not-found): there is no such node or item; earshot "
	     "items p.example.org lists the nodes",
	     EXIT_REFUSED);
	says(NULL, "n", "local", CONDITION("item-not-found"),
	     "daemon: n: refused (item-not-found): there is no such node or item; earshot node "
	     "create makes one",
	     EXIT_REFUSED);
	says("p.example.org", "n", "server",
	     CONDITION("not-authorized") SPECIFIC("closed-node") TEXT("no"),
	     "p.example.org: n: refused (not-authorized, closed-node): no; ask its owner to make "
	     "this address a member",
	     EXIT_REFUSED);
	says("tv@box.local", "n", "lan", CONDITION("not-authorized") TEXT("policy"),
	     "tv@box.local: n: refused (not-authorized): policy; if both devices are yours: "
	     "earshot pair tv@box.local",
	     EXIT_REFUSED);
	says("p.example.org", NULL, "server",
	     CONDITION("feature-not-implemented") SPECIFIC("unsupported feature='purge-nodes'"),
	     "p.example.org: refused (feature-not-implemented, unsupported): it does not offer "
	     "this; it lacks \"purge-nodes\"",
	     EXIT_REFUSED);
	says(NULL, "n", "local", CONDITION("service-unavailable"),
	     "daemon: n: refused (service-unavailable): it has no nodes, or it is offline; a "
	     "daemon "
	     "with [store] kind = none has no nodes for others",
	     EXIT_REFUSED);
}

/* What the specification does not know is shown as it came; what is of a path is not the service's.
 */
static void
test_others(void **state)
{
	says("p.example.org", "n", "server", CONDITION("gone") SPECIFIC("brand-new"),
	     "p.example.org: n: refused (gone, brand-new): it gave no reason", EXIT_REFUSED);
	says("p.example.org", "n", "server", "",
	     "p.example.org: n: refused (undefined-condition): "
	     "it gave no reason",
	     EXIT_REFUSED);
	says("p.example.org", "n", "none", CONDITION("recipient-unavailable") TEXT("no path"),
	     "p.example.org: nobody there (recipient-unavailable): no path; earshot peers lists "
	     "who is",
	     EXIT_NOBODY);
}

static void
test_no_answer(void **state)
{
	struct answer answer = { .code = EXIT_TIMEOUT };
	struct place place = { .address = NULL, .node = "n" };
	char *reason = service_reason(&place, &answer);

	assert_string_equal(reason, "daemon: n: no answer in time; --timeout waits longer");
	free(reason);
	answer.code = EXIT_CONFIG;
	assert_null(service_reason(&place, &answer));
}

static void
test_forms(void **state)
{
	char *fields[] = { "access_model=open", "{urn:x}y=a=b", "roster=1", "roster=2" };
	xmpp_stanza_t *parent = ear_element(ctx, "configure", EAR_NS_PUBSUB), *field;
	const char *const vars[] = { "FORM_TYPE", "pubsub#access_model", "{urn:x}y",
				     "pubsub#roster" };
	const char *const values[] = { SERVICE_CONFIG, "open", "a=b", "1" };

	assert_true(service_add_form(parent, SERVICE_CONFIG, fields, 4));
	field = ear_first(ear_first(parent));
	for (size_t i = 0; i < 4; i++, field = ear_next(field)) {
		assert_string_equal(xmpp_stanza_get_attribute(field, "var"), vars[i]);
		assert_string_equal(ear_text(ear_first(field)), values[i]);
	}
	assert_null(field);
	xmpp_stanza_release(parent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_forms),
	};
	int rc;

	xmpp_initialize();
	ctx = xmpp_ctx_new(NULL, NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	xmpp_shutdown();
	return rc;
}
