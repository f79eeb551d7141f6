/* SPDX-License-Identifier: ISC */
/* test_pair.c: what a pairing leaves behind, when its key can be stored and when it cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/meet.h"
#include "trust/pairing.h"

#define PHONE "juliet@phone.local"

static char dir[64];
static struct link phone;
static struct ear_clock *clock_;
static struct conf *conf;
static struct ear *ear;
static struct ear_key theirs;

static struct link *
find(void *arg, const char *address)
{
	return strcmp(address, PHONE) == 0 ? &phone : NULL;
}

static struct link *
nowhere(void *arg, const char *address)
{
	return NULL;
}

static void
recheck(void *arg, const char *address)
{
}

static int export(void *arg, struct link *link, const char *label, unsigned char *out,
		  size_t length)
{
	memset(out, 7, length);
	return 0;
}

static void
nothing(void *arg)
{
}

static const struct core_reach reach = {
	.lan_open = find,
	.lan_find = find,
	.lan_recheck = recheck,
	.local_find = nowhere,
	.lan_export = export,
	.identity_changed = nothing,
};

static const struct ear_xep *const no_xeps[] = { NULL };

static int
setup(void **state)
{
	char error[512];

	snprintf(dir, sizeof(dir), "/tmp/test_pair.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	clock_ = clock_new_fake();
	conf = conf_new();
	assert_int_equal(conf_parse(conf, "", "test", error, sizeof(error)), 0);
	ear = core_new(clock_, conf, no_xeps, &reach, NULL);
	assert_int_equal(meet_open(ear, dir, error, sizeof(error)), 0);
	memset(&theirs, 3, sizeof(theirs));
	link_init(&phone, NULL, EAR_LINK_LAN, &core_link_events, ear);
	phone.peer = xstrdup(PHONE);
	phone.state = LINK_UP;
	phone.keyed = true;
	phone.key = theirs;
	phone.level = EAR_KEYED;
	dest_get(ear, PHONE);
	return 0;
}

static void
lose_dir(void)
{
	static const char *const names[] = { "pins", "pins.lock", "pins.new", "device.key" };
	char file[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
		unlink(file);
	}
	assert_true(rmdir(dir) == 0 || errno == ENOENT);
}

static int
teardown(void **state)
{
	core_free(ear);
	link_release(&phone);
	conf_free(conf);
	clock_free(clock_);
	lose_dir();
	return 0;
}

/* The other end has the token, in short. */
static struct ear_pairing *
paired(void)
{
	unsigned char exporter[PAIRING_EXPORTER_BYTES];
	char token[EAR_PAIRING_TEXT], proof[EAR_PAIRING_TEXT];
	struct ear_pairing *pairing;
	struct pairing *other;
	int error;

	pairing = ear_pairing_new(ear, PHONE, false, &error);
	assert_non_null(pairing);
	memset(exporter, 7, sizeof(exporter));
	other = pairing_new(true, &theirs, ear_own_key(ear), exporter);
	ear_new_token(token);
	assert_int_equal(strlen(token), 22);
	assert_int_equal(pairing_token_proof(other, ear_own_key(ear), token, proof), 0);
	assert_int_equal(ear_pairing_done(pairing, ""), -EACCES);
	assert_int_equal(ear_pairing_take_token(pairing, token, proof), 0);
	pairing_free(other);
	return pairing;
}

static void
test_done(void **state)
{
	struct ear_pairing *pairing = paired();
	const struct pin *pin;

	assert_int_equal(ear_pairing_done(pairing, "phone"), 0);
	pin = pins_find(ear->pins, &theirs);
	assert_true(pin->trusted && pin->voucher == EAR_BY_PAIRING);
	assert_int_equal(phone.level, EAR_TRUSTED);
	ear_pairing_free(pairing);
}

/* Neither the list nor the stream knows anything of it. */
static void
test_not_stored(void **state)
{
	struct ear_pairing *pairing = paired();

	lose_dir();
	assert_true(ear_pairing_done(pairing, "phone") < 0);
	assert_null(pins_find(ear->pins, &theirs));
	assert_int_equal(phone.level, EAR_KEYED);
	ear_pairing_free(pairing);
}

static void
test_not_stored_but_known(void **state)
{
	struct ear_pairing *pairing = paired();
	struct pin *known = pin_new(&theirs);
	const struct pin *pin;

	pin_add_address(known, PHONE);
	assert_int_equal(pins_put(ear->pins, known), 0);
	pin_free(known);
	lose_dir();
	assert_true(ear_pairing_done(pairing, "phone") < 0);
	pin = pins_find(ear->pins, &theirs);
	assert_non_null(pin);
	assert_false(pin->trusted);
	assert_int_equal(pin->voucher, EAR_BY_NOBODY);
	assert_int_equal(phone.level, EAR_KEYED);
	ear_pairing_free(pairing);
}

/* What a key was revoked by is not given back by people who compare digits. */
static void
test_revoked(void **state)
{
	struct ear_pairing *pairing = paired();
	struct pin *revoked = pin_new(&theirs);
	const struct pin *pin;

	revoked->voucher = EAR_BY_SERVER;
	revoked->revoked = true;
	pin_add_jid(revoked, "phone.example.org");
	assert_int_equal(pins_put(ear->pins, revoked), 0);
	pin_free(revoked);
	assert_int_equal(ear_pairing_done(pairing, "phone"), 0);
	pin = pins_find(ear->pins, &theirs);
	assert_true(pin->trusted && !pin->revoked);
	assert_int_equal(pin->jid_count, 0);
	assert_null(phone.jid);
	ear_pairing_free(pairing);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_done),
		TEST(test_not_stored),
		TEST(test_not_stored_but_known),
		TEST(test_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
