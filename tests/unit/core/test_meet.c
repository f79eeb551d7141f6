/* SPDX-License-Identifier: ISC */
/* test_meet.c: one who shows keys without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/meet_impl.h"
#include "trust/identity.h"

#define EVIL "evil@trap.local"

static struct ear_clock *clock_;
static struct conf *conf;
static struct ear *ear;
static struct link first;

static struct link *
find(void *arg, const char *address)
{
	return strcmp(address, EVIL) == 0 && first.keyed ? &first : NULL;
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

static void
refuse(void *arg, struct link *link, int error, const char *text)
{
}

static const struct core_reach reach = {
	.lan_open = nowhere,
	.lan_find = find,
	.lan_recheck = recheck,
	.lan_refuse = refuse,
	.local_find = nowhere,
};

static const struct ear_xep *const no_xeps[] = { NULL };

static int
setup(void **state)
{
	char error[CONF_ERROR_SIZE];

	clock_ = clock_new_fake();
	conf = conf_new();
	assert_int_equal(conf_parse(conf, "", "test", error, sizeof(error)), 0);
	ear = core_new(clock_, conf, no_xeps, &reach, NULL);
	link_init(&first, NULL, EAR_LINK_LAN, &core_link_events, ear);
	first.peer = xstrdup(EVIL);
	return 0;
}

static int
teardown(void **state)
{
	core_free(ear);
	link_release(&first);
	conf_free(conf);
	clock_free(clock_);
	return 0;
}

static int
show(struct link *link)
{
	char error[128];
	struct identity *identity = identity_open(NULL, error, sizeof(error));
	unsigned char *der = NULL;
	const char *text;
	int length = i2d_X509(identity_certificate(identity), &der), rc;

	rc = meet_keyed(ear, link, der, (size_t)length, &text);
	OPENSSL_free(der);
	identity_free(identity);
	return rc;
}

/* The first has a stream and is remembered; of those that are refused only so many are, and after a
 * while none. */
static void
test_keys_without_end(void **state)
{
	struct link other;

	assert_int_equal(show(&first), 0);
	first.state = LINK_UP;
	link_init(&other, NULL, EAR_LINK_LAN, &core_link_events, ear);
	other.peer = xstrdup(EVIL);
	for (unsigned i = 0; i < MEETINGS_MAX + 100; i++) {
		clock_advance(clock_, EAR_MSEC / 100);
		assert_int_not_equal(show(&other), 0);
	}
	assert_int_equal(map_count(ear->meetings), MEETINGS_MAX);
	assert_int_equal(pins_count(ear->pins), 1);
	clock_advance(clock_, 2 * MEETING_KEPT);
	meet_soon(ear);
	clock_advance(clock_, EAR_SEC);
	assert_int_equal(map_count(ear->meetings), 1);
	assert_int_equal(first.level, EAR_KEYED);
	/* And is looked at again, also behind the others. */
	assert_int_equal(ear_untrust(ear, EVIL), 0);
	clock_advance(clock_, EAR_SEC);
	assert_int_equal(first.level, EAR_PLAIN);
	link_release(&other);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_keys_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
