/* SPDX-License-Identifier: ISC */
/* kind.h: the kinds of players behind <earshot/player.h>, and the making of a player from the
 * configuration. */
#ifndef PLAYER_KIND_H
#define PLAYER_KIND_H

#include <earshot/player.h>

struct event_base;
struct ear_clock;
struct ear_player;

/* "auto" is all kinds of real players at once: there the socket is mpv's, the URL Kodi's. */
struct player_config {
	const char *kind;   /* "auto", "mpv", "mpris", "kodi", "mpd", "demo", "none" */
	const char *socket; /* mpv's JSON IPC socket or MPD's; NULL: the usual places */
	const char *url;    /* "tcp://127.0.0.1:9090" of Kodi, 6600 of MPD; NULL: these */
	const char *name; /* end of the bus name of an MPRIS player ("vlc"); NULL: the active one */
	const char *secret; /* MPD's password; NULL: none. Copied, never logged */
};

/* Tells that the state changed, by itself (the next item began, somebody pressed a key at the box)
 * or by a press; NULL: the player is gone. */
typedef void player_changed_fn(void *arg, const struct ear_player_state *state);

/*
 * -EINVAL: unknown kind. A player that is not there (yet) is no error: it is looked for again at
 * each press, and reconnected while it runs. *player is NULL for "none".
 */
int player_new(struct event_base *base, struct ear_clock *clock, const struct player_config *config,
	       player_changed_fn *changed, void *arg, struct ear_player **player);

/* Pending presses end with -ECANCELED. */
void player_free(struct ear_player *player);

#endif
