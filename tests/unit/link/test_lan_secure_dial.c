/* SPDX-License-Identifier: ISC */
/* test_lan_secure_dial.c: whom we dial: in the middle, stalling, refusing. */
#include "tests/unit/link/secure_kit.h"

static void
tv_dials(void)
{
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_int_equal(side_send(&tv, lan_open(tv.lan, JULIET), JULIET, "secret"), 0);
	assert_true(raw_accept(&raw));
	assert_true(raw_expect(&raw, "<stream:stream"));
}

#define ANSWER RAW_STREAM " from='juliet@forza' to='tv@pronto' version='1.0'>"

static void
expect_down(int error)
{
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, error);
	assert_int_equal(tv.back_count, 1);
	assert_false(tv.back[0].maybe);
	raw_expect_end(&raw);
	assert_false(raw_has(&raw, "secret"));
	assert_int_equal(tv.up, 0);
}

/* Somebody in the middle takes <starttls/> out of the features, or says that there is no 1.0. */
static void
test_stripped(void **state)
{
	static const char *const said[] = {
		ANSWER "<stream:features/>",
		ANSWER MESSAGE,
		RAW_STREAM " from='juliet@forza'>",
	};

	for (size_t i = 0; i < 6; i++) {
		tv.secure = i % 2 == 0;
		tv.plain_rc = i < 3 ? -EKEYREJECTED : -EACCES;
		tv_dials();
		raw_say(&raw, said[i / 2]);
		expect_down(tv.plain_rc);
		assert_true(raw_has(&raw, "policy-violation"));
		assert_non_null(strstr(tv.text, "encrypt"));
		assert_int_equal(tv.body_count, 0);
		raw_release(&raw);
		tv.down = tv.target_count = 0;
		free(tv.back[0].body);
		free(tv.back[0].to);
		free(tv.back[0].from);
		tv.back_count = 0;
	}
	raw = (struct raw){ .fd = -1, .listener = -1 };
}

static void
test_without_tls(void **state)
{
	tv_dials();
	raw_say(&raw, ANSWER "<stream:features/>");
	assert_true(raw_expect(&raw, "secret"));
	assert_false(raw_has(&raw, "starttls"));
}

/* Features may never come. */
static void
test_without_features(void **state)
{
	tv_dials();
	raw_say(&raw, ANSWER);
	net_for(&net, 3);
	assert_int_equal(tv.up, 0);
	clock_advance(net.clock, LAN_FEATURES_USEC);
	assert_true(raw_expect(&raw, "secret"));
}

static void
test_without_features_refused(void **state)
{
	tv.plain_rc = -EACCES;
	tv_dials();
	raw_say(&raw, ANSWER);
	net_for(&net, 3);
	clock_advance(net.clock, LAN_FEATURES_USEC);
	expect_down(-EACCES);
}

/* Ours waits for its key to be judged when an unencrypted one from there is taken. */
static void
test_plain_while_pending(void **state)
{
	struct raw plain;
	struct link *first;

	tv.keyed_rc = -EAGAIN;
	tv_dials();
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say(&raw, PROCEED);
	assert_true(raw_secure(&raw, peers, false));
	raw_say(&raw, ANSWER EXTERNAL);
	raw_connect(&plain, &net, lan_port(tv.lan));
	raw_say(&plain, HEADER MESSAGE);
	until_tv_has(1);
	first = tv.link;
	assert_false(first->keyed);
	tv.keyed_rc = 0;
	lan_recheck(tv.lan, NULL);
	assert_true(raw_expect(&raw, "<auth"));
	assert_false(first->keyed);
	assert_int_equal(first->level, EAR_PLAIN);
	raw_say(&raw, SUCCESS ANSWER MESSAGE);
	until_tv_has(2);
	assert_ptr_not_equal(tv.link, first);
	assert_true(tv.link->keyed);
	assert_true(raw_expect(&plain, "</stream:stream>"));
	raw_release(&plain);
}

static void
test_failed_starttls(void **state)
{
	tv.plain_rc = -EACCES;
	tv_dials();
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say(&raw, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
	expect_down(-EACCES);
}

static void
raw_accepts(const char *injected)
{
	char text[256];

	tv_dials();
	snprintf(text, sizeof(text), "%s%s", PROCEED, injected);
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say_all(&raw, text, strlen(text));
	assert_true(raw_secure(&raw, peers, false));
	assert_true(raw_expect(&raw, "<stream:stream"));
	assert_false(raw_has(&raw, "<auth"));
	raw_forget(&raw);
	raw_say(&raw, ANSWER EXTERNAL);
	assert_true(raw_expect(&raw, "</auth>"));
	assert_true(raw_has(&raw, "EXTERNAL"));
}

static void
test_foreign_accepts(void **state)
{
	raw_accepts("");
	assert_int_equal(tv.up, 0);
	raw_say(&raw, SUCCESS);
	assert_true(raw_expect(&raw, "<stream:stream"));
	raw_say(&raw, ANSWER "<stream:features/>" MESSAGE);
	assert_true(raw_expect(&raw, "secret"));
	until_tv_has(1);
	clock_advance(net.clock, STREAM_HEADER_USEC * 2);
	net_for(&net, 5);
	assert_int_equal(tv.down, 0);
}

static void
test_injected_behind_proceed(void **state)
{
	raw_accepts(SUCCESS ANSWER MESSAGE);
	assert_int_equal(tv.body_count + tv.up, 0);
	raw_say(&raw, SUCCESS ANSWER MESSAGE);
	until_tv_has(1);
}

static void
test_auth_fails(void **state)
{
	raw_accepts("");
	raw_say(&raw, FAILURE);
	expect_down(-EACCES);
}

static void
test_stanza_before_success(void **state)
{
	raw_accepts("");
	raw_say(&raw, MESSAGE);
	expect_down(-EPROTO);
	assert_int_equal(tv.body_count, 0);
}

static void
test_no_external(void **state)
{
	tv_dials();
	raw_say(&raw, ANSWER OFFER);
	assert_true(raw_expect(&raw, "<starttls"));
	raw_say(&raw, PROCEED);
	assert_true(raw_secure(&raw, peers, false));
	raw_say(&raw, ANSWER "<stream:features/>");
	expect_down(-EACCES);
}

static void
test_accepts_and_stalls(void **state)
{
	static const char *const sealed[] = { "", ANSWER, ANSWER EXTERNAL, SUCCESS };

	for (size_t i = 0; i < 6; i++) {
		tv.secure = i % 2 == 0;
		tv_dials();
		raw_say(&raw, ANSWER OFFER);
		assert_true(raw_expect(&raw, "<starttls"));
		if (i > 0) {
			raw_say(&raw, PROCEED);
			if (i > 1) {
				assert_true(raw_secure(&raw, peers, false));
				raw_say(&raw, sealed[i - 2]);
			}
		}
		net_for(&net, 3);
		clock_advance(net.clock, STREAM_HEADER_USEC);
		clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
		assert_true(net_until(&net, tv_is_down, NULL));
		assert_int_not_equal(tv.error, 0);
		assert_int_equal(tv.back_count, i + 1);
		raw_release(&raw);
		tv.down = tv.target_count = 0;
	}
	raw = (struct raw){ .fd = -1, .listener = -1 };
}

static void
test_huge_features(void **state)
{
	char *huge = malloc(100000);

	memset(huge, 'x', 100000);
	memcpy(huge, "<stream:features><a b='", 23);
	tv_dials();
	raw_say(&raw, ANSWER);
	raw_say_all(&raw, huge, 100000);
	free(huge);
	clock_advance(net.clock, STREAM_ERROR_USEC + EAR_SEC);
	assert_true(net_until(&net, tv_is_down, NULL));
	assert_int_equal(tv.error, -EMSGSIZE);
	assert_int_equal(tv.back_count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stripped),
		T(test_without_tls),
		T(test_without_features),
		T(test_without_features_refused),
		T(test_plain_while_pending),
		T(test_failed_starttls),
		T(test_foreign_accepts),
		T(test_injected_behind_proceed),
		T(test_auth_fails),
		T(test_stanza_before_success),
		T(test_no_external),
		T(test_accepts_and_stalls),
		T(test_huge_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
