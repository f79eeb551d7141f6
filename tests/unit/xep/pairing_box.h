/* SPDX-License-Identifier: ISC */
/* pairing_box.h: the box that shows the digits, a visitor's arithmetic and the box's programs. */
#ifndef TEST_PAIRING_BOX_H
#define TEST_PAIRING_BOX_H

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
#include "player/ops.h"
#include "trust/pairing.h"

#define PHONE   "phone@sofa.local"
#define TABLET  "tablet@sofa.local"
#define PROGRAM "tv@box.local/program"
#define NS      " xmlns='" EAR_NS_PAIRING "'"
#define CONTROL " xmlns='" EAR_NS_CONTROL "'"
#define DELAY   "<delay xmlns='" EAR_NS_DELAY "' stamp='2002-09-10T23:08:25Z'/>"

static struct ear *ear;
static struct pairing *phone; /* the other end, whose arithmetic is real too */
static char screen[PLAYER_TEXT_SIZE];
static int shows;

static inline int
screen_open(struct ear_player *player, const struct player_config *config, void **self)
{
	*self = player;
	return 0;
}

static inline void
screen_close(void *self)
{
}

static inline int
screen_show(void *self, const char *text, int64_t usec)
{
	shows++;
	snprintf(screen, sizeof(screen), "%s", text);
	return 0;
}

static const struct player_kind screen_kind = {
	.name = "screen",
	.open = screen_open,
	.close = screen_close,
	.show = screen_show,
};

static inline void
meet_phone(void)
{
	pairing_free(phone);
	phone = pairing_new(true, &fake_pairing.other, &ear->trust.own_key, fake_pairing.exporter);
}

static inline int
setup(void **state)
{
	struct player_config config = { .kind = "screen" };

	memset(&fake_pairing, 0, sizeof(fake_pairing));
	memset(fake_pairing.other.sha256, 0x11, EAR_KEY_BYTES);
	screen[0] = '\0';
	shows = 0;
	ear = fake_new();
	memset(ear->trust.own_key.sha256, 0x22, EAR_KEY_BYTES);
	ear->self[EAR_LINK_LAN] = "tv@box.local";
	meet_phone();
	return player_new_of(NULL, ear->clock, &screen_kind, &config, NULL, NULL, &ear->player);
}

static inline int
teardown(void **state)
{
	fake_stop(ear);
	assert_int_equal(fake_pairing.alive, 0);
	assert_string_equal(screen, "");
	player_free(ear->player);
	fake_free(ear);
	pairing_free(phone);
	phone = NULL;
	return 0;
}

static inline void
peer_on(const char *from, unsigned long long serial, const char *xml)
{
	ear->link = EAR_LINK_LAN;
	ear->level = EAR_KEYED;
	ear->link_serial = serial;
	fake_ask(ear, "set", from, xml);
	if (ear->rule != NULL)
		assert_int_equal(ear->rule->verb, EAR_VERB_PAIR);
}

static inline void
peer(const char *from, const char *xml)
{
	peer_on(from, 7, xml);
}

static inline void
program(const char *type, const char *xml)
{
	ear->link = EAR_LINK_LOCAL;
	ear->level = EAR_TRUSTED;
	fake_ask(ear, type, PROGRAM, xml);
	assert_int_equal(ear->rule->verb, EAR_VERB_ADMIN);
}

/* One step with a text, and what the payload of its result says. */
static inline void
step(const char *name, const char *text)
{
	char xml[512];

	snprintf(xml, sizeof(xml), "<%s" NS ">%s</%s>", name, text, name);
	peer(PHONE, xml);
}

static inline const char *
result_text(const char *name)
{
	xmpp_stanza_t *payload = fake_result(ear);

	assert_true(ear_is(payload, name, EAR_NS_PAIRING));
	return ear_text(payload);
}

#define PAIR "<pair" NS " name='Phone'/>"

static inline void
begin(void)
{
	meet_phone();
	peer(PHONE, PAIR);
	assert_int_equal(pairing_take_commit(phone, result_text("commit")), 0);
}

/* Up to the digits on the screen. */
static inline void
begin_shown(void)
{
	char nonce[EAR_PAIRING_TEXT];

	begin();
	assert_int_equal(pairing_nonce(phone, nonce), 0);
	step("nonce", nonce);
	assert_null(fake_result(ear));
}

static inline void
read_screen(char code[EAR_CODE_SIZE])
{
	const char *at = strstr(screen, "pair: ");

	assert_non_null(at);
	snprintf(code, EAR_CODE_SIZE, "%.3s%.3s", at + 6, at + 10);
}

static inline void
wait_after(const char *serial)
{
	char xml[256];

	snprintf(xml, sizeof(xml), "<pairings" CONTROL " after='%s'/>", serial);
	program("get", xml);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
