/* SPDX-License-Identifier: ISC */
/*
 * ops.h: what a kind of player does for player.c, and the other way round.
 *
 * The life of a press here. ear_player_press() makes a job of it, with a time-out that counts from
 * that moment. Jobs wait in one queue, in order; one at a time is given to the kind by begin(), and
 * the kind ends it by player_done() with the state that it has read back. What the job's time-out
 * finds unfinished is taken away by abandon(). The callback of the one who asked runs from the next
 * turn of the loop, so that a kind may end a job from anywhere.
 */
#ifndef PLAYER_OPS_H
#define PLAYER_OPS_H

#include <earshot/timer.h>

#include "player/kind.h"

#define PLAYER_PENDING_MAX 64 /* jobs in the queue; more get -ENOBUFS */
#define PLAYER_TIMEOUT     (2 * EAR_SEC)
#define PLAYER_TEXT_SIZE   256 /* of a line on the screen, with its NUL */

struct player_kind {
	const char *name;
	/* Makes the kind's own part. 0 or -errno; that no player is there yet is no error. */
	int (*open)(struct ear_player *player, const struct player_config *config, void **self);
	/* Frees it. No job is begun at that time. */
	void (*close)(void *self);
	/* Begins one press, or a question (NULL). The press and its text live until the job is
	 * over. A URL in it is playable (player/url.h). */
	void (*begin)(void *self, const struct ear_press *press);
	/* The job that was begun is over: player_done() is not to be called for it. */
	void (*abandon)(void *self);
	/* Optional: whether there is something to drive now. May connect to it. */
	bool (*is_there)(void *self);
	/* Optional: the name of the kind behind this one that is driven now. */
	const char *(*driven)(void *self);
	/* Optional: shows a line on the screen, "" takes it away. It is text, whatever it looks
	 * like: nothing in it is expanded. Valid UTF-8 without control characters, below
	 * PLAYER_TEXT_SIZE bytes. 0 or -ENODEV. */
	int (*show)(void *self, const char *text, int64_t usec);
	/*
	 * Optional: another kind drives the program of this name ("mpv", "mpd") itself, so that
	 * this kind leaves out each player that is one; out false: it may be driven again. For
	 * MPRIS: the bus names org.mpris.MediaPlayer2.NAME and org.mpris.MediaPlayer2.NAME.*
	 * (instances), whatever their case. Given by player_auto, from the loop, also when nothing
	 * has changed; no job is to end with an error for it: one that is begun goes on, and
	 * player_poke() tells what is driven instead.
	 */
	void (*leave_out)(void *self, const char *name, bool out);
};

extern const struct player_kind player_auto, player_mpv, player_mpris, player_kodi, player_mpd,
	player_demo;

/* As player_new, for a kind given directly. */
int player_new_of(struct event_base *base, struct ear_clock *clock, const struct player_kind *kind,
		  const struct player_config *config, player_changed_fn *changed, void *arg,
		  struct ear_player **player);

/* Everything unknown: what each kind begins with. */
void player_state_init(struct ear_player_state *state);

/* Whether nothing has changed, but that time has gone by. */
bool player_state_same(const struct ear_player_state *a, const struct ear_player_state *b);

/* What came from a player, as text of a state: valid UTF-8, no control characters, whole
 * characters only where it is cut. */
void player_state_text(char *out, size_t size, const char *text);

/* The verb that a media key stands for (volumeup: +5 per cent, fastforward: +10 s ...), for kinds
 * that have no keys. -EOPNOTSUPP: that key is no verb; its release (EAR_UP) is 0 with
 * *nothing true. */
int player_key_verb(const struct ear_press *key, struct ear_press *verb, bool *nothing);

/* What a press of EAR_REPEAT wants of a player that repeats so: what it says, or the next. -ERANGE:
 * it says nothing that there is. */
int player_repeat_wanted(const struct ear_press *press, int now);

/* Ends the job that was begun; state (copied) is NULL on error. */
void player_done(struct ear_player *player, int error, const struct ear_player_state *state);

/* Something may have changed by itself, or the player has come or gone: the state is read, and told
 * if it has. Bursts are read once. */
void player_poke(struct ear_player *player);

/* Tells a state that is known without asking for it; NULL: the player has gone. */
void player_tell(struct ear_player *player, const struct ear_player_state *state);

/* The kind's leave_out(), if it has one. */
void player_leave_out(struct ear_player *player, const char *name, bool out);

/* Whether somebody wants to be told of changes: without, a kind need not watch for them. */
bool player_is_watched(const struct ear_player *player);

struct event_base *player_base(const struct ear_player *player);
struct ear_clock *player_clock(const struct ear_player *player);

#endif
