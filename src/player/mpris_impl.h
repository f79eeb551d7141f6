/* SPDX-License-Identifier: ISC */
/* mpris_impl.h: what mpris.c (presses) and mpris_watch.c (who is on the bus) share. */
#ifndef PLAYER_MPRIS_IMPL_H
#define PLAYER_MPRIS_IMPL_H

#include <earshot/timer.h>

#include "player/mpris_bus.h"
#include "player/mpris_players.h"
#include "player/retry.h"

enum mpris_phase {
	MPRIS_REST,    /* no job */
	MPRIS_FIND,    /* waiting until the players are known */
	MPRIS_LOOK,    /* reading its properties, for a question or before a press */
	MPRIS_ACT,     /* the call is sent */
	MPRIS_SETTLE,  /* it was answered; waiting for what it causes */
	MPRIS_CONFIRM, /* reading again */
};

struct mpris {
	struct ear_player *player;
	char *only;            /* the name that is configured; NULL: any */
	struct mpris_bus *bus; /* NULL: there is none, or it is not looked at yet */
	struct mpris_players players;
	/* mpris_watch.c */
	int trouble;          /* why there is no bus, as it was said last */
	sd_bus_slot *listing; /* of all names */
	struct list owners;   /* names whose owner was asked for */
	size_t owners_count;
	struct ear_timer gap; /* one that has stopped may have stopped for good */
	struct retry retry;
	/* the job; mpris.c */
	enum mpris_phase phase;
	int64_t since; /* it is in that phase */
	bool is_press;
	struct ear_press press; /* a verb */
	struct mpris_plan plan;
	struct mpris_player *target; /* NULL until there is one */
	sd_bus_slot *call;
	struct ear_timer wait;
	int64_t step, until; /* of MPRIS_SETTLE: the next wait, and the end of all */
};

/* The bus is looked for at once, and again and again, when somebody wants to be told. */
void mpris_watch_init(struct mpris *mpris);
void mpris_watch_release(struct mpris *mpris);

/* Connects unless that is done, and begins to find the players. -ENODEV: there is no bus. */
int mpris_watch_open(struct mpris *mpris);

/* Whether it is still being found out who is there. */
bool mpris_watch_is_finding(const struct mpris *mpris);

/* Takes those who have not answered yet for silent. */
void mpris_watch_hurry(struct mpris *mpris);

/* Reads the properties of a player again, with no job. */
void mpris_watch_read(struct mpris *mpris, struct mpris_player *player);

/* Asks a player for all of its properties; fn has the answer. */
int mpris_ask(struct mpris *mpris, const struct mpris_player *player, sd_bus_message_handler_t fn,
	      void *arg, sd_bus_slot **slot);

/* Takes the answer. -EPROTO: that is none. An error of the player's own leaves all as it was. */
int mpris_take(struct mpris *mpris, struct mpris_player *player, sd_bus_message *answer);

/* Raised by mpris_watch.c, from the loop. */
void mpris_on_found(struct mpris *mpris);
void mpris_on_changed(struct mpris *mpris, struct mpris_player *player);
void mpris_on_leaving(struct mpris *mpris, struct mpris_player *player); /* freed next */
void mpris_on_bus_gone(struct mpris *mpris); /* bus and players are gone already */

#endif
