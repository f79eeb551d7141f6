/* SPDX-License-Identifier: ISC */
/* scenario.h: the world of one scenario: the real core, fake links, a fake clock. */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include "base/timer.h"
#include "core/core.h"

#define LINKS_MAX 32

/* A fake link, and what was sent on it and not yet looked at. */
struct fake {
	struct link link;
	struct world *world;
	char name[96]; /* as scenarios call it: a LAN address, "server", a program's resource */
	struct ear_timer timer;
	int64_t pong_usec; /* answers our pings after that; -1: not */
	bool refuses;      /* opening fails */
	bool swallows;     /* a cut cable: takes everything, delivers nothing */
	xmpp_stanza_t *sent[64];
	size_t sent_count;
	xmpp_stanza_t *pings[64];
	int64_t ping_due[64];
	size_t ping_count;
	xmpp_stanza_t *kept[64]; /* not acknowledged: comes back when it dies */
	size_t kept_count;
	bool used;
};

struct world {
	struct ear *ear;
	struct ear_clock *clock;
	struct conf *conf;
	struct fake links[LINKS_MAX];
	const char *file;
	unsigned line;
	char message[2048]; /* why it failed */
};

extern const struct core_reach world_reach;

/* The fake of that name, made when new. */
struct fake *fake_get(struct world *world, enum ear_link_kind kind, const char *name);
struct fake *fake_find(struct world *world, enum ear_link_kind kind, const char *name);
void fake_up(struct fake *fake);

/* Gives back what is not acknowledged, then goes down. */
void fake_die(struct fake *fake, const char *text);
void fake_release(struct fake *fake);

/* Whether a sent stanza is what the pattern says: '*' as a value matches anything, "$x" binds. */
bool match(struct world *world, xmpp_stanza_t *pattern, xmpp_stanza_t *sent);
void match_reset(void);
void match_fill(xmpp_stanza_t *stanza);

#endif
