/* SPDX-License-Identifier: ISC */
/* scenario.h: the world of one scenario: the real core, fake links, a fake clock. */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include "base/timer.h"
#include "core/core.h"

#define LINKS_MAX   32
#define DEVICES_MAX 16
#define STANZAS_MAX 5000 /* that a fake link holds */

struct identity;

/* Somebody with a key. */
struct device {
	char name[32], jid[96];
	struct identity *identity;
};

/* What the server of an address publishes. */
struct list_of {
	char jid[96];
	struct world *world;
	const struct device *devices[DEVICES_MAX];
	size_t count;
	int error;
	unsigned asked;
	struct ear_timer timer;
};

/* A fake link, and what was sent on it and not yet looked at. */
struct fake {
	struct link link;
	struct world *world;
	char name[96]; /* as scenarios call it: a LAN address, "server", a program's resource */
	struct ear_timer timer;
	int64_t pong_usec; /* answers our pings after that; -1: not */
	int64_t open_usec; /* how long it takes until it is up */
	bool mute;         /* sends no receipts although it answers pings */
	bool refuses;      /* opening fails, after a while */
	bool rejects;      /* opening fails at once */
	int refusal;       /* -errno that its end is told with */
	int error;         /* what sending returns: a full queue, a stanza too large; 0: it works */
	unsigned opened;   /* how often core dialled it */
	const struct device *device; /* whose key its streams show */
	bool plain;                  /* it has stopped to know STARTTLS */
	bool waits;                  /* it has shown a key, and is told to wait */
	bool swallows;               /* a cut cable: takes everything, delivers nothing */
	xmpp_stanza_t *sent[STANZAS_MAX];
	size_t sent_count;
	xmpp_stanza_t *pings[STANZAS_MAX];
	int64_t ping_due[STANZAS_MAX];
	size_t ping_count;
	xmpp_stanza_t *kept[STANZAS_MAX]; /* not acknowledged: comes back when it dies */
	size_t kept_count;
	bool used;
};

struct world {
	struct ear *ear;
	struct ear_clock *clock;
	struct conf *conf;
	struct fake links[LINKS_MAX];
	struct device devices[DEVICES_MAX];
	struct list_of lists[DEVICES_MAX];
	size_t device_count, list_count;
	unsigned asked; /* lists, all together */
	const char *file;
	unsigned line;
	char message[2048]; /* why it failed */
	bool stopped;
};

extern const struct core_reach world_reach;

/* The fake of that name, made when new. */
struct fake *fake_get(struct world *world, enum ear_link_kind kind, const char *name);
struct fake *fake_find(struct world *world, enum ear_link_kind kind, const char *name);
void fake_up(struct fake *fake);

/* Gives back what is not acknowledged, then goes down. */
void fake_die(struct fake *fake, int error, const char *text);
void fake_release(struct fake *fake);

/* The core of that configuration, with its server. */
void world_start(struct world *world);
/* The store answers whoever asks it, as it does in the next turns of the loop. */
void world_settle(struct world *world);
/* As if other engines used its store, too. */
void world_share(struct world *world);

/* The engine follows one that was killed while it handed on the message with that origin-id. */
bool world_after_killed(struct world *world, const char *sender, const char *id);

/* Whether everything that was sent was expected. */
bool world_is_quiet(struct world *world);
void world_stop(struct world *world);
void world_end(struct world *world);
bool fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* trust.c */
bool trust_announce(struct world *world, const char *instance, char *rest);
bool trust_shows(struct world *world, struct fake *fake, const char *name);
int trust_secure(struct fake *fake);
void trust_fetch(void *arg, const char *bare);
bool trust_step(struct world *world, const char *what, char *rest);
void trust_end(struct world *world);

/* player.c */
bool player_step(struct world *world, const char *button, const char *value);
void player_end(struct world *world);

/* Whether a sent stanza is what the pattern says: '*' as a value matches anything, "$x" binds. */
bool match(struct world *world, xmpp_stanza_t *pattern, xmpp_stanza_t *sent);
void match_reset(void);
void match_fill(xmpp_stanza_t *stanza);

#endif
