/* SPDX-License-Identifier: ISC */
/* mpd_view.h: what is read from MPD, and what a press means for an MPD that is in that state. */
#ifndef PLAYER_MPD_VIEW_H
#define PLAYER_MPD_VIEW_H

#include <earshot/player.h>

#include "player/mpd_link.h"

/* The answers to `status` and `currentsong`, one after the other. */
struct mpd_view {
	bool has_state, has_format;
	int song, song_id, next, length; /* of the queue; -1: none */
	bool repeat, single, random;
	bool in_song; /* the lines are those of currentsong now */
	char station[EAR_TITLE_MAX], file[EAR_TITLE_MAX];
	struct ear_player_state state; /* complete after mpd_view_finish */
};

/* Everything unknown. */
void mpd_view_init(struct mpd_view *view);

/* Takes a line. -EPROTO: that is no value for it. */
int mpd_view_set(struct mpd_view *view, const char *name, const char *value);

/* The id of a song in the queue, by MPD's answer; -EPROTO. */
int mpd_view_take_id(int *id, const char *value);

/*
 * Sums up, when every line was taken. *hushed: the volume before we muted MPD, which itself knows
 * no such thing, or -1; it is -1 afterwards when somebody has made MPD heard again. -EPROTO:
 * something that MPD always says is missing.
 */
int mpd_view_finish(struct mpd_view *view, int *hushed);

/* Whether it plays something of which it does not know yet what it is, or whether it is there. */
bool mpd_view_is_loading(const struct mpd_view *view);

#define MPD_COMMANDS_MAX 2

/* How a press is done. */
struct mpd_plan {
	struct mpd_command commands[MPD_COMMANDS_MAX];
	size_t count; /* 0: it is so already */
	bool opens;   /* what was added is to be played, by the id in MPD's answer */
	bool loads;   /* something else may begin to play: until it does, mpd_view_is_loading() */
	int hushed;   /* as of mpd_view_finish(), when the commands are done */
	int playback; /* enum ear_playback that must come of it; -1: not looked at */
	int volume;   /* likewise; of the mixer, as *hushed is no business of it */
	int song_id;  /* likewise */
};

/*
 * Plans a press, which is a verb. -ERANGE, -EREMOTEIO (nothing to play, no next, cannot seek),
 * -EOPNOTSUPP as in <earshot/player.h>; the plan is then empty. The text of the press is borrowed.
 */
int mpd_plan_press(struct mpd_plan *plan, const struct mpd_view *view, int hushed,
		   const struct ear_press *press);

/* The second half of a plan that opens: to play song_id. */
void mpd_plan_open(struct mpd_plan *plan, int song_id);

/* To take a song out of the queue again. */
void mpd_plan_remove(struct mpd_plan *plan, int song_id);

/* Whether the view read afterwards bears the press out. */
bool mpd_plan_holds(const struct mpd_plan *plan, const struct mpd_view *view);

#endif
