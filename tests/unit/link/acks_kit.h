/* SPDX-License-Identifier: ISC */
/* acks_kit.h: a raw peer that acknowledges stanzas on a plain stream, and what it says. */
#ifndef TEST_ACKS_KIT_H
#define TEST_ACKS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/timer.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "tests/unit/link/side.h"

#define JULIET   "juliet@forza.local"
#define HEADER   RAW_STREAM " from='juliet@forza' to='tv@pronto' version='1.0'>"
#define END      "</stream:stream>"
#define SM       " xmlns='" EAR_NS_SM "'"
#define OFFER_SM "<stream:features><sm" SM "/></stream:features>"
#define ENABLE   "<enable" SM "/>"
#define ENABLED  "<enabled" SM "/>"
#define ASK      "<r" SM "/>"
#define MESSAGE  "<message><body>x</body></message>"

static struct net net;
static struct side tv;
static struct raw raw, other;

static inline int
setup(void **state)
{
	net_init(&net, true);
	side_init(&tv, &net, "tv@pronto", 0);
	raw = other = (struct raw){ .fd = -1, .listener = -1 };
	return 0;
}

static inline int
teardown(void **state)
{
	raw_release(&raw);
	raw_release(&other);
	side_release(&tv);
	net_release(&net);
	return 0;
}

static inline bool
tv_is_up(void *arg)
{
	return tv.up > 0;
}

static inline bool
tv_is_down(void *arg)
{
	return tv.down > 0;
}

static inline bool
tv_has(void *arg)
{
	return tv.body_count >= *(size_t *)arg;
}

static inline bool
tv_has_acked(void *arg)
{
	return tv.acked >= *(int *)arg;
}

static inline void
until_acked(int count)
{
	assert_true(net_until(&net, tv_has_acked, &count));
}

static inline bool
tv_has_acks(void *arg)
{
	return tv.link != NULL && tv.link->acks;
}

static inline struct lan_stream *
out(void)
{
	return ((struct lan_link *)tv.link)->out;
}

/* A raw peer dials, and asks for acknowledgements. */
static inline void
opens(struct raw *peer)
{
	raw_connect(peer, &net, lan_port(tv.lan));
	raw_say(peer, HEADER);
	assert_true(raw_expect(peer, "</stream:features>"));
	assert_true(raw_has(peer, "<sm xmlns=\"" EAR_NS_SM "\"/>"));
	raw_say(peer, ENABLE);
	assert_true(raw_expect(peer, ENABLED));
	assert_true(net_until(&net, tv_has_acks, NULL));
	raw_forget(peer);
}

/* We dial a raw peer that offers them. */
static inline void
is_dialled(void)
{
	raw_listen(&raw, &net);
	side_add_target(&tv, "127.0.0.1", raw.port);
	assert_non_null(lan_open(tv.lan, JULIET));
	assert_true(raw_accept(&raw));
	raw_say(&raw, HEADER OFFER_SM);
	assert_true(raw_expect(&raw, ENABLE));
}

static inline void
say_acked(struct raw *peer, unsigned h)
{
	char text[64];

	snprintf(text, sizeof(text), "<a" SM " h='%u'/>", h);
	raw_say_all(peer, text, strlen(text));
}

static inline void
send_one(const char *body)
{
	assert_int_equal(side_send(&tv, tv.link, JULIET, body), 0);
}

/* A few turns, in which the fake clock hardly moves. */
static inline void
settle(void)
{
	for (int i = 0; i < 20; i++)
		net_turn(&net);
}

/* What comes within so many milliseconds. */
static inline void
after(int msec)
{
	char bytes[65536];
	ssize_t n;

	clock_advance(net.clock, msec * EAR_MSEC);
	settle();
	raw_forget(&raw);
	n = recv(raw.fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);
	if (n <= 0)
		return;
	raw.got = realloc(raw.got, (size_t)n + 1);
	raw.length = (size_t)n;
	memcpy(raw.got, bytes, raw.length);
	raw.got[n] = '\0';
}

static inline size_t
count_of(const struct raw *peer, const char *text)
{
	size_t count = 0;

	for (const char *at = peer->got; (at = strstr(at, text)) != NULL; at += strlen(text))
		count++;
	return count;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
