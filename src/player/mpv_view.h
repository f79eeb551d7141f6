/* SPDX-License-Identifier: ISC */
/* mpv_view.h: what is read from mpv, and what a press means for an mpv that is in that state. */
#ifndef PLAYER_MPV_VIEW_H
#define PLAYER_MPV_VIEW_H

#include <earshot/player.h>
#include <jansson.h>

/* The properties that make up a view, in the order in which they are read. */
enum mpv_property {
	MPV_PAUSE,
	MPV_IDLE_ACTIVE,
	MPV_EOF_REACHED,
	MPV_MEDIA_TITLE,
	MPV_TIME_POS,
	MPV_DURATION,
	MPV_VOLUME,
	MPV_MUTE,
	MPV_SEEKABLE,
	MPV_PLAYLIST_COUNT,
	MPV_PLAYLIST_POS,
	MPV_SPEED,
	MPV_SHUFFLE,
	MPV_LOOP_FILE,
	MPV_LOOP_PLAYLIST,
	MPV_ARTIST,
	MPV_ALBUM,
	MPV_TRACK_LIST,
	MPV_PROPERTIES,
};

#define MPV_ALL ((1u << MPV_PROPERTIES) - 1)
extern const char *const mpv_properties[MPV_PROPERTIES];

#define MPV_TRACKS_MAX 64 /* of a kind; what comes after them is not counted */

/* mpv's ids of the tracks of one kind, in their order. A number of ours is an index + 1. */
struct mpv_tracks {
	int count, selected; /* selected: a number; 0: none is played */
	int ids[MPV_TRACKS_MAX];
};

struct mpv_view {
	bool idle, paused, ended; /* ended: stands at the end of the file (keep-open) */
	int playlist_count, playlist_index;
	int resume; /* the index that was playing when it was last seen, for an idle mpv; or -1 */
	bool loops_file, loops_playlist;
	struct mpv_tracks audio, subtitle;
	struct ear_player_state state; /* complete after mpv_view_finish */
};

/* Everything unknown. */
void mpv_view_init(struct mpv_view *view);

/*
 * Takes the answer to the reading of property i; data NULL: mpv says that it has none now. -EPROTO:
 * that is no value for it, or it is one that mpv always has.
 */
int mpv_view_set(struct mpv_view *view, size_t i, json_t *data);

/* Sums up, when every property was set. resume: that of the view before, which this one hands on
 * when it is idle. */
void mpv_view_finish(struct mpv_view *view, int resume);

/* The value of mpv's property track-list. -EPROTO: it is none. */
int mpv_tracks_read(struct mpv_tracks *audio, struct mpv_tracks *subtitle, json_t *list);

/* What must happen after the commands before the new state can be read. */
enum mpv_settle {
	MPV_AT_ONCE,
	MPV_SOUGHT,  /* playback restarts at the new position, or comes to its end */
	MPV_LOADED,  /* another file starts and plays, or none could */
	MPV_STOPPED, /* idle */
};

#define MPV_COMMANDS_MAX 3

/* How a press is done. */
struct mpv_plan {
	json_t *commands[MPV_COMMANDS_MAX]; /* owned */
	size_t count;                       /* 0: it is so already */
	enum mpv_settle settle;
	bool must_play; /* it opens something: an mpv that is idle afterwards could not */
	/* What the view must say afterwards; -1: not looked at. */
	int paused, volume, muted, rate, shuffle, repeat, audio, subtitle;
};

/* What a press has to know of mpv: a bit for each property that must have been set. Never nothing,
 * so that an mpv that hangs is found out. */
unsigned mpv_plan_needs(const struct ear_press *press);

/*
 * Plans a press. -ERANGE, -EREMOTEIO (nothing to play, no next, cannot seek), -EOPNOTSUPP as in
 * <earshot/player.h>; the plan is then empty.
 */
int mpv_plan_press(struct mpv_plan *plan, const struct mpv_view *view,
		   const struct ear_press *press);

/* Whether the view read afterwards bears the press out. */
bool mpv_plan_holds(const struct mpv_plan *plan, const struct mpv_view *view);

/* mpv's name of a key that stands for no verb (player_key_verb); NULL: it has none. */
const char *mpv_key_name(enum ear_remote_key key);

#endif
