/* SPDX-License-Identifier: ISC */
/* pairing_user.h: the device whose user reads the digits or scans a code, and a box's arithmetic.
 */
#ifndef TEST_PAIRING_USER_H
#define TEST_PAIRING_USER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timer.h"
#include "fake_ear.h"
#include "fake_pairing.h"
#include "pairing_impl.h"
#include "trust/pairing.h"

#define TV      "tv@box.local"
#define PROGRAM "phone@sofa.local/program"
#define NS      " xmlns='" EAR_NS_PAIRING "'"
#define CONTROL " xmlns='" EAR_NS_CONTROL "'"
#define BEGIN   "<pair" CONTROL " address='" TV "'/>"
#define CANCEL  "<pair" CONTROL " address='" TV "' cancel='true'/>"
#define ZEROS   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct ear *ear;
static struct pairing *tv; /* the other end, whose arithmetic is real too */
static char code[EAR_CODE_SIZE];

static inline void
meet_tv(void)
{
	pairing_free(tv);
	tv = pairing_new(false, &ear->trust.own_key, &fake_pairing.other, fake_pairing.exporter);
}

static inline int
setup(void **state)
{
	memset(&fake_pairing, 0, sizeof(fake_pairing));
	memset(fake_pairing.other.sha256, 0x11, EAR_KEY_BYTES);
	ear = fake_new();
	memset(ear->trust.own_key.sha256, 0x22, EAR_KEY_BYTES);
	ear->trust.device_name = "phone";
	meet_tv();
	return 0;
}

static inline int
teardown(void **state)
{
	fake_stop(ear);
	assert_int_equal(fake_pairing.alive, 0);
	fake_free(ear);
	pairing_free(tv);
	tv = NULL;
	return 0;
}

static inline void
program(const char *xml)
{
	ear->link = EAR_LINK_LOCAL;
	ear->level = EAR_TRUSTED;
	fake_ask(ear, "set", PROGRAM, xml);
	assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
}

static inline void
type(const char *digits)
{
	char xml[256];

	snprintf(xml, sizeof(xml), "<pair" CONTROL " address='" TV "' code='%s'/>", digits);
	program(xml);
}

/* What waits for the other end's answer: that step, by the LAN, and nothing else does. */
static inline xmpp_stanza_t *
asked(const char *name)
{
	xmpp_stanza_t *iq = fake_request(ear, 0), *payload;

	assert_int_equal(ear->request_count, 1);
	assert_int_equal(ear->requests[0].only, EAR_LINK_LAN);
	assert_string_equal(xmpp_stanza_get_to(iq), TV);
	payload = ear_first(iq);
	if (!ear_is(payload, name, EAR_NS_PAIRING))
		fail_msg("not %s: %s", name, xmpp_stanza_get_name(payload));
	return payload;
}

static inline void
tell(const char *name, const char *text)
{
	char xml[512];

	snprintf(xml, sizeof(xml), "<%s" NS " name='living&#x202e;room'>%s</%s>", name, text, name);
	fake_answer(ear, 0, xml);
}

static inline void
refuse(const char *condition, const char *text)
{
	char xml[512];

	snprintf(xml, sizeof(xml),
		 "<error type='cancel'><%s xmlns='" EAR_NS_STANZA_ERR
		 "'/><text xmlns='" EAR_NS_STANZA_ERR "'>%s</text></error>",
		 condition, text);
	fake_answer_error(ear, 0, xml);
}

static inline void
do_commit(void)
{
	char commit[EAR_PAIRING_TEXT];

	meet_tv();
	program(BEGIN);
	assert_null(ear->answer);
	assert_string_equal(fake_attribute(asked("pair"), "name"), "phone");
	assert_int_equal(pairing_commit(tv, commit), 0);
	tell("commit", commit);
}

static inline void
do_nonce(void)
{
	do_commit();
	assert_int_equal(pairing_code(tv, ear_text(asked("nonce")), code), 0);
	assert_null(ear->answer);
	fake_answer(ear, 0, "");
	assert_true(ear_is(fake_result(ear), "pair", EAR_NS_CONTROL));
}

static inline void
do_proof(const char *digits, char nonce[EAR_PAIRING_TEXT])
{
	type(digits);
	assert_null(ear->answer);
	assert_int_equal(pairing_take_proof(tv, ear_text(asked("proof"))), 0);
	assert_int_equal(pairing_nonce(tv, nonce), 0);
}

static inline void
do_salt(void)
{
	char nonce[EAR_PAIRING_TEXT];

	do_nonce();
	do_proof(code, nonce);
	tell("nonce", nonce);
	assert_int_equal(pairing_take_salt(tv, ear_text(asked("salt"))), 0);
}

/* It has ended: the program was told so, and nothing is left behind. */
static inline void
assert_ended(enum ear_verdict condition)
{
	assert_true(fake_refused(ear, condition));
	assert_non_null(ear_error_text_of(ear->answer));
	assert_int_equal(ear->holds, 0);
	assert_int_equal(fake_pairing.alive, 0);
	assert_int_equal(fake_pairing.dones, 0);
}

static inline void
assert_called_off(void)
{
	asked("cancel");
	fake_answer(ear, 0, "");
}

static char token[EAR_PAIRING_TEXT];

/* Scans a code of the device with that key. */

/* Scans a code of the device with that key. */
static inline void
scan(const struct ear_key *key)
{
	char uri[PAIRING_URI_MAX], xml[2 * PAIRING_URI_MAX];

	meet_tv();
	ear_new_token(token);
	assert_int_equal(pair_uri_format(TV, key, token, uri, sizeof(uri)), 0);
	snprintf(xml, sizeof(xml), "<pair" CONTROL " uri='%s'/>", uri);
	program(xml);
	assert_int_equal(ear->request_count, 1);
	assert_int_equal(ear->requests[0].only, EAR_LINK_LAN);
	assert_true(ear_find(fake_request(ear, 0), "ping", EAR_NS_PING) != NULL);
	assert_string_equal(xmpp_stanza_get_type(fake_request(ear, 0)), "get");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
