/* SPDX-License-Identifier: ISC */
/* secure_kit.h: two ends of a LAN with TLS, and a raw peer with a key, for the tests of both. */
#ifndef TEST_SECURE_KIT_H
#define TEST_SECURE_KIT_H

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
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/tls.h"
#include "tests/unit/link/side.h"

#define JULIET   "juliet@forza.local"
#define TV       "tv@pronto.local"
#define HEADER   RAW_STREAM " from='juliet@forza' to='tv@pronto' version='1.0'>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED  "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define AUTH     "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
#define SUCCESS  "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define FAILURE                                                                                    \
	"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"            \
	"</stream:stream>"
#define MESSAGE "<message><body>x</body></message>"
#define OFFER   "<stream:features>" STARTTLS "</stream:features>"
#define EXTERNAL                                                                                   \
	"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"                   \
	"<mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"

static struct net net;
static struct side tv, box;
static struct raw raw;
static struct tls_id id;
static struct tls_peers *peers;

static inline int
setup(void **state)
{
	net_init(&net, true);
	side_init_tls(&tv, &net, "tv@pronto");
	side_init_tls(&box, &net, "juliet@forza");
	side_add_target(&box, "127.0.0.1", lan_port(tv.lan));
	tls_id_init(&id, "raw", 0);
	peers = tls_peers_new(id.key, id.certificate);
	raw = (struct raw){ .fd = -1, .listener = -1 };
	return 0;
}

static inline int
teardown(void **state)
{
	raw_release(&raw);
	side_release(&tv);
	side_release(&box);
	tls_peers_free(peers);
	tls_id_release(&id);
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
both_are_up(void *arg)
{
	return tv.up > 0 && box.up > 0;
}

static inline bool
box_is_down(void *arg)
{
	return box.down > 0;
}

static inline bool
tv_has(void *arg)
{
	return tv.body_count >= *(size_t *)arg;
}

static inline bool
box_has(void *arg)
{
	return box.body_count >= *(size_t *)arg;
}

static inline bool
key_was_asked(void *arg)
{
	return ((struct side *)arg)->keys > 0;
}

static inline bool
is_counted(void *arg)
{
	return tv.lan->stream_count == *(size_t *)arg;
}

static inline void
until_tv_has(size_t count)
{
	assert_true(net_until(&net, tv_has, &count));
}

static inline void
until_box_has(size_t count)
{
	assert_true(net_until(&net, box_has, &count));
}

static inline struct lan_stream *
stream_of(struct link *link)
{
	return ((struct lan_link *)link)->out;
}

static inline void
raw_starts(void)
{
	raw_connect(&raw, &net, lan_port(tv.lan));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "</stream:features>"));
	assert_true(raw_has(&raw, "<starttls"));
}

static inline void
raw_shakes(void)
{
	raw_starts();
	raw_say(&raw, STARTTLS);
	assert_true(raw_expect(&raw, "<proceed"));
	assert_true(raw_secure(&raw, peers, true));
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "EXTERNAL"));
	raw_forget(&raw);
}

static inline void
raw_opens(void)
{
	raw_shakes();
	raw_say(&raw, AUTH);
	assert_true(raw_expect(&raw, "<success"));
	raw_say(&raw, "<?xml version='1.0'?>" HEADER);
	assert_true(raw_expect(&raw, "<stream:features"));
	assert_true(net_until(&net, tv_is_up, NULL));
}

static inline void
expect_refusal(const char *said, const char *condition)
{
	raw_say_all(&raw, said, strlen(said));
	assert_true(raw_expect(&raw, condition));
	assert_int_equal(tv.body_count, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
