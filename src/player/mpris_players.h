/* SPDX-License-Identifier: ISC */
/* mpris_players.h: the MPRIS players on the bus, and which of them is driven. */
#ifndef PLAYER_MPRIS_PLAYERS_H
#define PLAYER_MPRIS_PLAYERS_H

#include <earshot/timer.h>

#include "base/list.h"
#include "player/mpris_view.h"

#define MPRIS_PLAYERS_MAX  16
#define MPRIS_NAMES_MAX    4  /* of one player: mpv and VLC have two */
#define MPRIS_LEFT_OUT_MAX 8  /* names that other kinds drive */
#define MPRIS_OWNER_SIZE   64 /* of a unique name (":1.42"); a longer one is not known */
#define MPRIS_NAME_SIZE    256
#define MPRIS_GAP          EAR_SEC /* between two titles */

/* One program, whatever number of names it has. */
struct mpris_player {
	struct list item;
	char owner[MPRIS_OWNER_SIZE];
	char names[MPRIS_NAMES_MAX][MPRIS_NAME_SIZE]; /* without "org.mpris.MediaPlayer2." */
	char identity[64];                            /* for people; "" when it has not said */
	struct mpris_view view;
	uint64_t used; /* when it last began to play or was paused; before that, when it appeared */
	bool known;    /* the view was read */
	int64_t stopped_at; /* ear_now() when it stopped in the midst of playing; 0: it did not */
	bool silent;        /* has let a press down, and said nothing since */
	sd_bus_slot *reading, *asking; /* its properties, its identity; for mpris.c */
	void *arg;
};

struct mpris_players {
	struct list list; /* of struct mpris_player */
	size_t count;
	uint64_t turn;    /* counts what is noted in `used` */
	const char *only; /* names that are looked at; NULL: all */
	char left_out[MPRIS_LEFT_OUT_MAX][MPRIS_NAME_SIZE];
	bool missed; /* there were more than fit */
};

void mpris_players_init(struct mpris_players *players, const char *only);

/* Whether a bus name is that of a player to look at; *end: what follows the prefix. */
bool mpris_players_want(const struct mpris_players *players, const char *name, const char **end);

/* A wanted name (its end) has an owner now. The new player for it; NULL: it is one known already,
 * or there is no room. */
struct mpris_player *mpris_players_add(struct mpris_players *players, const char *end,
				       const char *owner);

/* A name has no owner any more. The player that has none left, to be removed; NULL: none. */
struct mpris_player *mpris_players_drop(struct mpris_players *players, const char *end,
					const char *owner);

/* Forgets and frees it. */
void mpris_players_remove(struct mpris_players *players, struct mpris_player *player);

struct mpris_player *mpris_players_find(const struct mpris_players *players, const char *owner);

/* Its view was read anew; before: what its playback was. True: mpris_players_best may say something
 * else when MPRIS_GAP is over, although nothing happens. */
bool mpris_players_note(struct mpris_players *players, struct mpris_player *player,
			enum ear_playback before, int64_t now);

/* Another kind drives the programs of this name, or no longer. */
void mpris_players_leave_out(struct mpris_players *players, const char *name, bool out);

/*
 * The one to drive: one that plays before one that is paused before one that is stopped; of
 * several, the one that began to play or was paused last. playerctld takes the last one that did
 * anything: here what is heard goes before what a page in the background does. One that has just
 * stopped counts as if it played: VLC is stopped for a moment between two titles, and a press of
 * that moment is meant for it. One that does not answer comes last. NULL: there is none.
 */
struct mpris_player *mpris_players_best(const struct mpris_players *players, int64_t now);

/* For people. */
const char *mpris_player_name(const struct mpris_player *player);

#endif
