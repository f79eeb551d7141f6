/* SPDX-License-Identifier: ISC */
/* test_trust_control.c: what programs of this machine ask about keys. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ear.h"
#include "fake_keys.h"

#define PROGRAM "tv@pronto.local/program"
#define NS      " xmlns='" EAR_NS_CONTROL "'"
#define PAGE    50
#define DIGITS  "00112233445566778899aabbccddeeff"

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new();
	fake_keys = (struct fake_keys){ 0 };
	ear->trust.device_name = "livingroom";
	assert_int_equal(ear_key_parse(DIGITS DIGITS, &ear->trust.own_key), 0);
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	assert_int_equal(fake_keys.examining, 0); /* those under way are dropped */
	fake_free(ear);
	return 0;
}

static void
ask(const char *type, const char *xml)
{
	fake_ask(ear, type, PROGRAM, xml);
	assert_non_null(ear->rule);
	assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
}

static const char *const addresses[] = { "phone@forza.local", "phone@old.local" };
static const char *const jids[] = { "romeo@example.org/phone" };

static void
test_list(void **state)
{
	struct ear_key key = { .sha256 = { 0xab } };
	struct ear_pin_info pins[] = {
		{ .key = &key,
		  .name = "phone <3",
		  .voucher = EAR_BY_PAIRING,
		  .trusted = true,
		  .addresses = addresses,
		  .address_count = 2,
		  .jids = jids,
		  .jid_count = 1,
		  .seen_at = 1795000000 },
		{ .key = &key, .name = "", .voucher = EAR_BY_NOBODY, .revoked = true },
	};
	xmpp_stanza_t *list, *pin;

	ear->trust.pins = pins;
	ear->trust.pin_count = 2;
	ask("get", "<trust" NS "/>");
	list = fake_result(ear);
	assert_true(ear_is(list, "trust", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(list, "key"), DIGITS DIGITS);
	assert_string_equal(fake_attribute(list, "name"), "livingroom");
	assert_string_equal(fake_attribute(list, "total"), "2");
	pin = ear_first(list);
	assert_memory_equal(fake_attribute(pin, "key"), "ab0000", 6);
	assert_string_equal(fake_attribute(pin, "name"), "phone <3");
	assert_string_equal(fake_attribute(pin, "voucher"), "pairing");
	assert_string_equal(fake_attribute(pin, "trusted"), "true");
	assert_string_equal(fake_attribute(pin, "revoked"), "false");
	assert_string_equal(fake_attribute(pin, "seen-at"), "1795000000");
	assert_int_equal(fake_children(pin), 3);
	assert_string_equal(ear_text(ear_find(pin, "address", EAR_NS_CONTROL)),
			    "phone@forza.local");
	assert_string_equal(ear_text(ear_find(pin, "jid", EAR_NS_CONTROL)),
			    "romeo@example.org/phone");
	pin = ear_next(pin);
	assert_string_equal(fake_attribute(pin, "voucher"), "nobody");
	assert_string_equal(fake_attribute(pin, "trusted"), "false");
	assert_string_equal(fake_attribute(pin, "revoked"), "true");
	assert_null(xmpp_stanza_get_attribute(pin, "seen-at"));
	assert_null(xmpp_stanza_get_attribute(pin, "name"));
	assert_int_equal(fake_children(pin), 0);
}

/* 4,096 pins do not fit into one stanza. */
static void
test_pages(void **state)
{
	static struct ear_pin_info many[2 * PAGE + 1];
	struct ear_key key = { 0 };
	char xml[128];
	size_t seen = 0;

	for (size_t i = 0; i < 2 * PAGE + 1; i++)
		many[i] = (struct ear_pin_info){ .key = &key, .name = "" };
	ear->trust.pins = many;
	ear->trust.pin_count = 2 * PAGE + 1;
	while (seen < ear->trust.pin_count) {
		snprintf(xml, sizeof(xml), "<trust" NS " first='%zu'/>", seen);
		ask("get", xml);
		assert_string_equal(fake_attribute(fake_result(ear), "total"), "101");
		assert_in_range(fake_children(fake_result(ear)), 1, PAGE);
		seen += fake_children(fake_result(ear));
	}
	ask("get", "<trust" NS " first='-1'/>");
	assert_true(fake_refused(ear, EAR_BAD_REQUEST));
}

static void
test_trust(void **state)
{
	ask("set", "<trust" NS " address='TV@Pronto.local'/>");
	assert_null(fake_result(ear));
	assert_string_equal(fake_keys.who, "tv@pronto.local");
	assert_false(fake_keys.with_key);
	ask("set", "<trust" NS " address='tv@pronto.local' key='0011 2233 4455 6677 8899 AABB ccdd "
		   "eeff " DIGITS "'/>");
	assert_null(fake_result(ear));
	assert_true(fake_keys.with_key);
	assert_true(ear_key_equal(&fake_keys.key, &ear->trust.own_key));
}

static void
fails(int error, const char *xml, enum ear_verdict condition)
{
	fake_keys.error = error;
	ask("set", xml);
	assert_true(fake_refused(ear, condition));
	assert_non_null(ear_error_text_of(ear->answer));
	fake_keys.error = 0;
}

static void
test_trust_fails(void **state)
{
	static const char tv[] = "<trust" NS " address='tv@pronto.local'/>";

	fails(-ENOENT, tv, EAR_ITEM_NOT_FOUND);
	fails(-EACCES, tv, EAR_NOT_AUTHORIZED);
	fails(-ENOBUFS, tv, EAR_RESOURCE_CONSTRAINT);
	fails(-EROFS, tv, EAR_INTERNAL_SERVER_ERROR);
	fails(-EROFS, "<new-key" NS "/>", EAR_INTERNAL_SERVER_ERROR);
}

/* What makes no sense never reaches the engine. */
static void
test_nonsense(void **state)
{
	fails(0, "<trust" NS "/>", EAR_BAD_REQUEST);
	fails(0, "<trust" NS " address='tv@pronto.local' key=''/>", EAR_BAD_REQUEST);
	fails(0, "<trust" NS " address='tv@pronto.local' key='" DIGITS "'/>", EAR_BAD_REQUEST);
	fails(0, "<untrust" NS "/>", EAR_BAD_REQUEST);
	ask("set", "<trust" NS " address='@'/>");
	assert_true(fake_refused(ear, EAR_JID_MALFORMED));
	ask("set", "<untrust" NS " who='@'/>");
	assert_true(fake_refused(ear, EAR_JID_MALFORMED));
	ask("get", "<doctor" NS " address=''/>");
	assert_true(fake_refused(ear, EAR_JID_MALFORMED));
	assert_int_equal(fake_keys.calls, 0);
}

static void
test_untrust(void **state)
{
	ask("set", "<untrust" NS " who='TV@pronto.local'/>");
	assert_null(fake_result(ear));
	assert_string_equal(fake_keys.who, "tv@pronto.local");
	ask("set", "<untrust" NS " who='" DIGITS "00112233445566778899AABBCCDDEEFF'/>");
	assert_null(fake_result(ear));
	assert_string_equal(fake_keys.who, DIGITS DIGITS);
	fails(-ENOENT, "<untrust" NS " who='tv@pronto.local'/>", EAR_ITEM_NOT_FOUND);
}

static void
test_new_key(void **state)
{
	ask("set", "<new-key" NS "/>");
	assert_true(ear_is(fake_result(ear), "new-key", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(fake_result(ear), "key"), DIGITS DIGITS);
}

static void
test_doctor(void **state)
{
	static const struct ear_check checks[] = {
		{ "lan", EAR_CHECK_OK, "tv@pronto.local, port 5298", "" },
		{ "mdns", EAR_CHECK_FAIL, "no name", "look at it" },
	};
	xmpp_stanza_t *check;

	fake_keys.checks = checks;
	fake_keys.check_count = 2;
	ask("get", "<doctor" NS "/>");
	assert_true(fake_keys.about_engine);
	check = ear_first(fake_result(ear));
	assert_string_equal(fake_attribute(check, "name"), "lan");
	assert_string_equal(fake_attribute(check, "state"), "ok");
	assert_string_equal(fake_attribute(check, "text"), "tv@pronto.local, port 5298");
	assert_null(xmpp_stanza_get_attribute(check, "remedy"));
	check = ear_next(check);
	assert_string_equal(fake_attribute(check, "state"), "fail");
	assert_string_equal(fake_attribute(check, "remedy"), "look at it");
	ask("get", "<doctor" NS " address='TV@pronto.local/x'/>");
	assert_false(fake_keys.about_engine);
	assert_string_equal(fake_keys.who, "tv@pronto.local");
}

/* Trying takes time: the answer waits for it. */
static void
test_doctor_tries(void **state)
{
	static const struct ear_check check = { "multicast", EAR_CHECK_WARN, "eth0", "" };

	fake_keys.checks = &check;
	fake_keys.check_count = 1;
	ask("get", "<doctor" NS " address='tv@pronto.local' ms='2500'/>");
	assert_int_equal(ear->holds, 1);
	assert_int_equal(fake_keys.usec, 2500 * EAR_MSEC);
	assert_string_equal(fake_keys.who, "tv@pronto.local");
	fake_keys_examined();
	assert_int_equal(ear->holds, 0);
	assert_true(ear_is(fake_result(ear), "doctor", EAR_NS_CONTROL));
	assert_string_equal(fake_attribute(ear_first(fake_result(ear)), "name"), "multicast");
	assert_int_equal(fake_keys.examining, 0);
}

static void
test_doctors_bounded(void **state)
{
	for (int i = 0; i < 8; i++)
		ask("get", "<doctor" NS " ms='100'/>");
	assert_int_equal(ear->holds, 8);
	ask("get", "<doctor" NS " ms='100'/>");
	assert_int_equal(ear_condition_of(ear->answer), EAR_RESOURCE_CONSTRAINT);
	assert_int_equal(fake_keys.examining, 8);
	ask("get", "<doctor" NS " ms='99'/>");
	assert_int_equal(ear_condition_of(ear->answer), EAR_BAD_REQUEST);
	ask("get", "<doctor" NS " ms='1e3'/>");
	assert_int_equal(ear_condition_of(ear->answer), EAR_BAD_REQUEST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trust, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trust_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_untrust, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doctor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doctor_tries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doctors_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
