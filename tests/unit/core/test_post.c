/* SPDX-License-Identifier: ISC */
/* test_post.c: stored messages between a program, a spool on a real disk and a peer that is there
 * or not; on a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/post.h"

#define TV      "tv@pronto.local"
#define PROGRAM "me@box.local/cli-1"
#define MAX     2048

static char dir[64];
static struct ear_clock *clock_;
static struct conf *conf;
static struct ear *ear;
static struct link peer, program;
static xmpp_stanza_t *sent[MAX], *told[MAX]; /* to the peer, to the program */
static size_t sent_count, told_count;
static int full; /* -errno that sending to the peer ends with */

/* --- links -------------------------------------------------------------------------------- */

static int
take(struct link *link, xmpp_stanza_t *stanza)
{
	bool ours = link == &program;

	if (link->state != LINK_UP)
		return -ENOTCONN;
	if (!ours && full != 0)
		return full;
	assert_true(sent_count < MAX && told_count < MAX);
	if (ours)
		told[told_count++] = stanza;
	else
		sent[sent_count++] = stanza;
	return 0;
}

static void
closing(struct link *link)
{
}

static const struct link_ops ops = { .send = take, .close = closing };

static struct link *
find(void *arg, const char *address)
{
	return strcmp(address, TV) == 0 && peer.state == LINK_UP ? &peer : NULL;
}

static struct link *
find_program(void *arg, const char *address)
{
	return strcmp(address, PROGRAM) == 0 ? &program : NULL;
}

static void
recheck(void *arg, const char *address)
{
}

static const struct core_reach reach = {
	.lan_open = find,
	.lan_find = find,
	.lan_recheck = recheck,
	.local_find = find_program,
};

static const struct ear_xep *const no_xeps[] = { NULL };

static void
forget(xmpp_stanza_t **list, size_t *count)
{
	while (*count > 0)
		xmpp_stanza_release(list[--*count]);
}

static void
start(void)
{
	char error[512];

	ear = core_new(clock_, conf, no_xeps, &reach, NULL);
	core_set_self_lan(ear, "me@box.local");
	link_init(&peer, &ops, EAR_LINK_LAN, &core_link_events, ear);
	peer.peer = xstrdup(TV);
	peer.state = LINK_DOWN;
	peer.acks = true;
	link_init(&program, &ops, EAR_LINK_LOCAL, &core_link_events, ear);
	program.peer = xstrdup(PROGRAM);
	program.state = LINK_UP;
	program.level = EAR_TRUSTED;
	assert_int_equal(post_open(ear, dir, error, sizeof(error)), 0);
	core_link_events.identified(ear, &program);
}

/* As kill -9: nothing is tidied up but memory. */
static void
stop(bool killed)
{
	char command[512];

	forget(sent, &sent_count);
	forget(told, &told_count);
	if (killed) {
		/* What the file says now is what a killed process leaves. */
		snprintf(command, sizeof(command), "mkdir %s/kept && cp %s/spool.db* %s/kept/", dir,
			 dir, dir);
		assert_int_equal(system(command), 0);
	}
	core_stop(ear);
	core_free(ear);
	link_release(&peer);
	link_release(&program);
	if (killed) {
		snprintf(command, sizeof(command),
			 "rm -f %s/spool.db* && mv %s/kept/* %s/ && rmdir %s/kept", dir, dir, dir,
			 dir);
		assert_int_equal(system(command), 0);
	}
}

static int
setup(void **state)
{
	char error[CONF_ERROR_SIZE];

	ear_log_set_level(EAR_LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/test_post.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	clock_ = clock_new_fake();
	conf = conf_new();
	full = 0;
	assert_int_equal(
		conf_parse(conf, "[policy]\nplaintext = allow\n", "test", error, sizeof(error)), 0);
	start();
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	stop(false);
	conf_free(conf);
	clock_free(clock_);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* --- what happens ------------------------------------------------------------------------- */

static void
appears(bool acks)
{
	peer.acks = acks;
	peer.state = LINK_UP;
	peer.serial++;
	core_link_events.up(ear, &peer);
	clock_advance(clock_, EAR_MSEC);
}

/* The first `arrived` of what it was sent did; the rest comes back. */
static void
dies(size_t arrived)
{
	peer.state = LINK_DOWN;
	for (size_t i = arrived; i < sent_count; i++)
		core_link_events.undelivered(ear, &peer, sent[i], true);
	core_link_events.down(ear, &peer, -ECONNRESET, "reset");
	clock_advance(clock_, EAR_MSEC);
}

static void
says(const char *id, const char *to, const char *life)
{
	xmpp_stanza_t *message = ear_stanza(ear->ctx, "message", "chat", to, id);

	ear_child_text(message, "body", EAR_NS_CLIENT, id);
	ear_set(ear_child(message, "route", EAR_NS_CONTROL), "queue", "true");
	if (life != NULL)
		ear_set(ear_child(message, "expires", EAR_NS_DELIVERY), "ms", "%s", life);
	core_link_events.stanza(ear, &program, message);
	xmpp_stanza_release(message);
}

static void
say_many(int first, int count)
{
	char id[16];

	for (int i = first; i < first + count; i++) {
		snprintf(id, sizeof(id), "n%d", i);
		says(id, TV, NULL);
	}
	clock_advance(clock_, EAR_MSEC);
}

static void
flush(void)
{
	xmpp_stanza_t *iq = ear_stanza(ear->ctx, "iq", "set", NULL, "flush");

	ear_child(iq, "flush", EAR_NS_CONTROL);
	core_link_events.stanza(ear, &program, iq);
	xmpp_stanza_release(iq);
}

static void
receipt(const char *from, const char *id)
{
	xmpp_stanza_t *message = ear_stanza(ear->ctx, "message", NULL, "me@box.local", NULL);

	xmpp_stanza_set_from(message, from);
	ear_set(ear_child(message, "received", EAR_NS_RECEIPTS), "id", "%s", id);
	core_link_events.stanza(ear, &peer, message);
	xmpp_stanza_release(message);
	clock_advance(clock_, EAR_MSEC);
}

static void
refused(xmpp_stanza_t *message, enum ear_verdict condition)
{
	xmpp_stanza_t *error;

	xmpp_stanza_set_from(message, "me@box.local");
	error = ear_error_to(message, condition, "so it is");
	xmpp_stanza_set_from(error, TV);
	core_link_events.stanza(ear, &peer, error);
	xmpp_stanza_release(error);
	clock_advance(clock_, EAR_MSEC);
}

static const char *
id_of(size_t i)
{
	return xmpp_stanza_get_id(sent[i]);
}

static const char *
body_of(size_t i)
{
	return ear_text(ear_find(sent[i], "body", EAR_NS_CLIENT));
}

static void
assert_sent(size_t i, int number)
{
	char want[16];

	snprintf(want, sizeof(want), "n%d", number);
	assert_true(i < sent_count);
	assert_string_equal(body_of(i), want);
}

/* Whatever comes is confirmed, until nothing does. */
static void
confirm_all(void)
{
	for (size_t i = 0; i < sent_count; i++)
		receipt(TV, id_of(i));
}

struct listing {
	size_t count[3], all;
	unsigned tries;
	char why[128], condition[64];
};

static void
on_queued(void *arg, const struct ear_queued *queued)
{
	struct listing *listing = arg;

	listing->count[queued->state]++;
	listing->all++;
	listing->tries = queued->tries;
	copy_text(listing->why, sizeof(listing->why), queued->why);
	copy_text(listing->condition, sizeof(listing->condition), queued->condition);
}

static struct listing
list(void)
{
	struct listing listing = { 0 };
	const char *error;

	assert_int_equal(ear_each_queued(ear, NULL, on_queued, &listing, &error), 0);
	return listing;
}

/* --- taking ------------------------------------------------------------------------------- */

static void
test_stored_before_the_flush_is_answered(void **state)
{
	assert_int_equal(list().all, 0);
	says("a", TV, NULL);
	flush();
	assert_int_equal(told_count, 1);
	assert_string_equal(xmpp_stanza_get_id(told[0]), "flush");
	assert_string_equal(xmpp_stanza_get_type(told[0]), "result");
	stop(true);
	start();
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	assert_int_equal(sent_count, 0);
}

static void
test_refused_before_the_flush_is_answered(void **state)
{
	char *text = xalloc(300 * 1024);

	memset(text, 'x', 300 * 1024 - 1);
	says(text, TV, NULL);
	assert_int_equal(told_count, 1);
	assert_int_equal(ear_condition_of(told[0]), EAR_POLICY_VIOLATION);
	assert_non_null(strstr(ear_error_text_of(told[0]), "too long"));
	says("b", "a@@b", NULL);
	assert_int_equal(told_count, 2);
	assert_int_equal(ear_condition_of(told[1]), EAR_JID_MALFORMED);
	flush();
	assert_int_equal(told_count, 3);
	assert_int_equal(list().all, 0);
	free(text);
}

static void
test_bound_refuses_only_what_is_over(void **state)
{
	say_many(0, 1002);
	assert_int_equal(told_count, 2);
	assert_int_equal(ear_condition_of(told[0]), EAR_RESOURCE_CONSTRAINT);
	assert_string_equal(xmpp_stanza_get_id(told[0]), "n1000");
	assert_string_equal(xmpp_stanza_get_id(told[1]), "n1001");
	assert_int_equal(list().all, 1000);
}

static void
test_only_messages(void **state)
{
	xmpp_stanza_t *presence = ear_stanza(ear->ctx, "presence", NULL, TV, "p");

	ear_set(ear_child(presence, "route", EAR_NS_CONTROL), "queue", "true");
	core_link_events.stanza(ear, &program, presence);
	xmpp_stanza_release(presence);
	assert_int_equal(told_count, 1);
	assert_int_equal(ear_condition_of(told[0]), EAR_BAD_REQUEST);
}

static void
test_kind_none(void **state)
{
	xreplace(&conf->store_kind, "none");
	stop(false);
	start();
	says("a", TV, NULL);
	assert_int_equal(told_count, 1);
	assert_int_equal(ear_condition_of(told[0]), EAR_FEATURE_NOT_IMPLEMENTED);
	assert_int_equal(list().all, 0);
}

/* --- leaving ------------------------------------------------------------------------------ */

static void
test_one_first_then_a_window(void **state)
{
	say_many(0, 40);
	appears(true);
	assert_int_equal(sent_count, 1);
	assert_sent(0, 0);
	assert_non_null(ear_find(sent[0], "request", EAR_NS_RECEIPTS));
	assert_string_equal(
		xmpp_stanza_get_attribute(ear_find(sent[0], "origin-id", EAR_NS_SID), "id"),
		id_of(0));
	assert_null(ear_find(sent[0], "route", EAR_NS_CONTROL));
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 17);
	receipt(TV, id_of(1));
	assert_int_equal(sent_count, 18);
	confirm_all();
	assert_int_equal(sent_count, 40);
	for (int i = 0; i < 40; i++)
		assert_sent((size_t)i, i);
	assert_int_equal(list().all, 0);
	/* Also what comes now, at once. */
	say_many(40, 1);
	assert_int_equal(sent_count, 41);
}

static void
test_a_stranger_confirms_nothing(void **state)
{
	say_many(0, 2);
	appears(true);
	receipt("evil@trap.local", id_of(0));
	receipt(TV, "other");
	assert_int_equal(sent_count, 1);
	assert_int_equal(list().all, 2);
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 2);
}

static void
test_same_ids_after_a_restart(void **state)
{
	char ids[3][32];

	say_many(0, 4);
	appears(true);
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 4);
	for (size_t i = 0; i < 3; i++)
		copy_text(ids[i], sizeof(ids[0]), id_of(i + 1));
	/* The receipt of 0 is on the disk by now, that of 1 is not. */
	clock_advance(clock_, EAR_SEC);
	receipt(TV, id_of(1));
	stop(true);
	start();
	appears(true);
	assert_int_equal(sent_count, 1);
	confirm_all();
	assert_int_equal(sent_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(id_of(i), ids[i]);
	assert_int_equal(list().all, 0);
}

static void
test_comes_back_and_leaves_again(void **state)
{
	say_many(0, 5);
	appears(true);
	receipt(TV, id_of(0));
	assert_int_equal(sent_count, 5);
	dies(2);
	clock_advance(clock_, 60 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 4);
	forget(sent, &sent_count);
	appears(true);
	clock_advance(clock_, 60 * EAR_SEC);
	confirm_all();
	assert_int_equal(list().all, 0);
	/* Whoever remembers drops the first again; the order holds. */
	for (size_t i = 1; i < sent_count; i++)
		assert_true(strcmp(body_of(i - 1), body_of(i)) <= 0);
	assert_sent(sent_count - 1, 4);
}

static void
test_nobody_listens(void **state)
{
	say_many(0, 20);
	appears(true);
	refused(sent[0], EAR_SERVICE_UNAVAILABLE);
	assert_int_equal(sent_count, 1);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 20);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	assert_sent(1, 0);
	assert_string_equal(id_of(0), id_of(1));
	refused(sent[1], EAR_SERVICE_UNAVAILABLE);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 3);
	/* Not oftener than every two minutes in the end. */
	for (int i = 0; i < 3600; i++) {
		refused(sent[sent_count - 1], EAR_SERVICE_UNAVAILABLE);
		clock_advance(clock_, EAR_SEC);
	}
	assert_in_range(sent_count, 20, 45);
	clock_advance(clock_, 120 * EAR_SEC);
	confirm_all();
	assert_int_equal(list().all, 0);
}

static void
test_an_error_is_the_end_of_one(void **state)
{
	struct listing listing;

	say_many(0, 3);
	appears(true);
	refused(sent[0], EAR_FORBIDDEN);
	clock_advance(clock_, EAR_SEC);
	assert_int_equal(sent_count, 2);
	confirm_all();
	confirm_all();
	listing = list();
	assert_int_equal(listing.all, 1);
	assert_int_equal(listing.count[EAR_QUEUED_FAILED], 1);
	assert_string_equal(listing.condition, "forbidden");
	assert_string_equal(listing.why, "so it is");
	stop(true);
	start();
	appears(true);
	clock_advance(clock_, 300 * EAR_SEC);
	assert_int_equal(sent_count, 0);
}

static void
test_no_receipt(void **state)
{
	say_many(0, 2);
	appears(true);
	for (size_t i = 1; i <= 3; i++) {
		assert_int_equal(sent_count, i);
		assert_sent(i - 1, 0);
		clock_advance(clock_, 61 * EAR_SEC);
	}
	assert_string_equal(list().condition, "");
	assert_int_equal(list().count[EAR_QUEUED_FAILED], 1);
	assert_sent(sent_count - 1, 1);
}

static void
test_full_link(void **state)
{
	full = -ENOBUFS;
	say_many(0, 3);
	appears(true);
	assert_int_equal(sent_count, 0);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 3);
	full = 0;
	clock_advance(clock_, 60 * EAR_SEC);
	confirm_all();
	assert_int_equal(list().all, 0);
	full = -EMSGSIZE;
	say_many(3, 1);
	clock_advance(clock_, 5 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_FAILED], 1);
	assert_non_null(strstr(list().why, "too large"));
}

static void
test_life(void **state)
{
	says("late", TV, "5000");
	says("long", TV, "50000");
	clock_advance(clock_, 6 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_FAILED], 1);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	appears(true);
	clock_advance(clock_, EAR_SEC);
	assert_int_equal(sent_count, 1);
	assert_string_equal(body_of(0), "long");
	assert_string_equal(
		xmpp_stanza_get_attribute(ear_find(sent[0], "expires", EAR_NS_DELIVERY), "ms"),
		"43999");
}

static void
test_drop(void **state)
{
	const char *error;
	size_t count;

	say_many(0, 3);
	appears(true);
	assert_int_equal(ear_drop_queued(ear, id_of(0), &count, &error), 0);
	assert_int_equal(count, 1);
	clock_advance(clock_, EAR_MSEC);
	assert_int_equal(sent_count, 2);
	assert_sent(1, 1);
	assert_int_equal(ear_drop_queued(ear, TV, &count, &error), 0);
	assert_int_equal(count, 2);
	receipt(TV, id_of(1));
	clock_advance(clock_, 200 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	assert_int_equal(list().all, 0);
}

/* --- to whoever remembers nothing --------------------------------------------------------- */

static void
test_at_most_once(void **state)
{
	say_many(0, 30);
	appears(false);
	assert_int_equal(sent_count, 1);
	assert_int_equal(list().count[EAR_QUEUED_SENT], 1);
	clock_advance(clock_, 5 * EAR_SEC);
	assert_int_equal(sent_count, 30);
	for (int i = 0; i < 30; i++)
		assert_sent((size_t)i, i);
	stop(true);
	start();
	appears(false);
	clock_advance(clock_, 300 * EAR_SEC);
	assert_int_equal(sent_count, 0);
	assert_int_equal(list().all, 0);
}

static void
test_killed_before_it_leaves(void **state)
{
	say_many(0, 30);
	appears(false);
	assert_int_equal(sent_count, 1);
	stop(true);
	start();
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 29);
	appears(false);
	clock_advance(clock_, 5 * EAR_SEC);
	assert_int_equal(sent_count, 29);
	assert_sent(0, 1);
}

static void
test_counts_as_sent(void **state)
{
	say_many(0, 1);
	appears(false);
	clock_advance(clock_, 59 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_SENT], 1);
	clock_advance(clock_, 2 * EAR_SEC);
	assert_int_equal(list().all, 0);
}

static void
test_may_have_arrived(void **state)
{
	struct listing listing;

	say_many(0, 1);
	appears(false);
	dies(0);
	appears(false);
	clock_advance(clock_, 300 * EAR_SEC);
	assert_int_equal(sent_count, 1);
	listing = list();
	assert_int_equal(listing.count[EAR_QUEUED_FAILED], 1);
	assert_string_equal(listing.condition, "remote-server-timeout");
}

static void
test_refused_did_not_arrive(void **state)
{
	say_many(0, 1);
	appears(false);
	refused(sent[0], EAR_SERVICE_UNAVAILABLE);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	clock_advance(clock_, 3 * EAR_SEC);
	assert_int_equal(sent_count, 2);
	full = -ENOBUFS;
	refused(sent[1], EAR_SERVICE_UNAVAILABLE);
	clock_advance(clock_, 10 * EAR_SEC);
	assert_int_equal(list().count[EAR_QUEUED_WAITING], 1);
	full = 0;
	clock_advance(clock_, 60 * EAR_SEC);
	assert_int_equal(sent_count, 3);
}

/* --- trouble ------------------------------------------------------------------------------ */

static void
test_nothing_stored_costs_no_file(void **state)
{
	char path[96];

	appears(true);
	clock_advance(clock_, 60 * EAR_SEC);
	assert_int_equal(list().all, 0);
	snprintf(path, sizeof(path), "%s/spool.db", dir);
	assert_null(fopen(path, "r"));
}

static void
test_no_directory(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rmdir %s", dir);
	assert_int_equal(system(command), 0);
	says("a", TV, NULL);
	flush();
	assert_int_equal(told_count, 2);
	assert_int_equal(ear_condition_of(told[0]), EAR_INTERNAL_SERVER_ERROR);
	assert_non_null(strstr(ear_error_text_of(told[0]), dir));
	snprintf(command, sizeof(command), "mkdir %s", dir);
	assert_int_equal(system(command), 0);
	say_many(0, 1);
	assert_int_equal(list().all, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_stored_before_the_flush_is_answered),
		TEST(test_refused_before_the_flush_is_answered),
		TEST(test_bound_refuses_only_what_is_over),
		TEST(test_only_messages),
		TEST(test_kind_none),
		TEST(test_one_first_then_a_window),
		TEST(test_a_stranger_confirms_nothing),
		TEST(test_same_ids_after_a_restart),
		TEST(test_comes_back_and_leaves_again),
		TEST(test_nobody_listens),
		TEST(test_an_error_is_the_end_of_one),
		TEST(test_no_receipt),
		TEST(test_full_link),
		TEST(test_life),
		TEST(test_drop),
		TEST(test_at_most_once),
		TEST(test_killed_before_it_leaves),
		TEST(test_counts_as_sent),
		TEST(test_may_have_arrived),
		TEST(test_refused_did_not_arrive),
		TEST(test_nothing_stored_costs_no_file),
		TEST(test_no_directory),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
