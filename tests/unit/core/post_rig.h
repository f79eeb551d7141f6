/* SPDX-License-Identifier: ISC */
/*
 * post_rig.h: a program, a spool on a real disk and a peer that is there or not; on a clock that
 * the test moves.
 */
#ifndef POST_RIG_H
#define POST_RIG_H

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

static inline int
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

static inline void
closing(struct link *link)
{
}

static const struct link_ops ops = { .send = take, .close = closing };

static inline struct link *
find(void *arg, const char *address)
{
	return strcmp(address, TV) == 0 && peer.state == LINK_UP ? &peer : NULL;
}

static inline struct link *
find_program(void *arg, const char *address)
{
	return strcmp(address, PROGRAM) == 0 ? &program : NULL;
}

static inline void
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

static inline void
forget(xmpp_stanza_t **list, size_t *count)
{
	while (*count > 0)
		xmpp_stanza_release(list[--*count]);
}

static inline void
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
static inline void
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

static inline int
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

static inline int
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

static inline void
appears(bool acks)
{
	peer.acks = acks;
	peer.state = LINK_UP;
	peer.serial++;
	core_link_events.up(ear, &peer);
	clock_advance(clock_, EAR_MSEC);
}

/* The first `arrived` of what it was sent did; the rest comes back. */
static inline void
dies(size_t arrived)
{
	peer.state = LINK_DOWN;
	for (size_t i = arrived; i < sent_count; i++)
		core_link_events.undelivered(ear, &peer, sent[i], true);
	core_link_events.down(ear, &peer, -ECONNRESET, "reset");
	clock_advance(clock_, EAR_MSEC);
}

static inline void
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

static inline void
say_many(int first, int count)
{
	char id[16];

	for (int i = first; i < first + count; i++) {
		snprintf(id, sizeof(id), "n%d", i);
		says(id, TV, NULL);
	}
	clock_advance(clock_, EAR_MSEC);
}

static inline void
flush(void)
{
	xmpp_stanza_t *iq = ear_stanza(ear->ctx, "iq", "set", NULL, "flush");

	ear_child(iq, "flush", EAR_NS_CONTROL);
	core_link_events.stanza(ear, &program, iq);
	xmpp_stanza_release(iq);
}

static inline void
receipt(const char *from, const char *id)
{
	xmpp_stanza_t *message = ear_stanza(ear->ctx, "message", NULL, "me@box.local", NULL);

	xmpp_stanza_set_from(message, from);
	ear_set(ear_child(message, "received", EAR_NS_RECEIPTS), "id", "%s", id);
	core_link_events.stanza(ear, &peer, message);
	xmpp_stanza_release(message);
	clock_advance(clock_, EAR_MSEC);
}

static inline void
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

static inline const char *
id_of(size_t i)
{
	return xmpp_stanza_get_id(sent[i]);
}

static inline const char *
body_of(size_t i)
{
	return ear_text(ear_find(sent[i], "body", EAR_NS_CLIENT));
}

static inline void
assert_sent(size_t i, int number)
{
	char want[16];

	snprintf(want, sizeof(want), "n%d", number);
	assert_true(i < sent_count);
	assert_string_equal(body_of(i), want);
}

/* Whatever comes is confirmed, until nothing does. */
static inline void
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

static inline void
on_queued(void *arg, const struct ear_queued *queued)
{
	struct listing *listing = arg;

	listing->count[queued->state]++;
	listing->all++;
	listing->tries = queued->tries;
	copy_text(listing->why, sizeof(listing->why), queued->why);
	copy_text(listing->condition, sizeof(listing->condition), queued->condition);
}

static inline struct listing
list(void)
{
	struct listing listing = { 0 };
	const char *error;

	assert_int_equal(ear_each_queued(ear, NULL, on_queued, &listing, &error), 0);
	return listing;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
