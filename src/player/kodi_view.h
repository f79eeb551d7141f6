/* SPDX-License-Identifier: ISC */
/* kodi_view.h: what is asked of Kodi, and what a press means for a Kodi that is in that state. */
#ifndef PLAYER_KODI_VIEW_H
#define PLAYER_KODI_VIEW_H

#include <earshot/player.h>
#include <jansson.h>

/* What makes up a view. The last two are asked when something plays only. */
enum kodi_ask {
	KODI_PLAYERS,
	KODI_APPLICATION,
	KODI_MUSIC_SIZE,
	KODI_VIDEO_SIZE,
	KODI_PROPERTIES,
	KODI_ITEM,
	KODI_ASKS,
};

#define KODI_LISTS 2 /* playlists: music is 0, video 1 */

struct kodi_view {
	int player;      /* what plays, -1: nothing */
	int list, index; /* from which playlist, and where in it; -1: from none */
	int size[KODI_LISTS];
	int speed; /* 0 is paused, below 0 winds back */
	bool can_change_speed, can_shuffle, can_repeat;
	struct ear_player_state state; /* complete after kodi_view_finish */
};

/* Everything unknown, nothing plays. */
void kodi_view_init(struct kodi_view *view);

/* The method of a question; *params is a new object. */
const char *kodi_view_question(const struct kodi_view *view, enum kodi_ask ask, json_t **params);

/* Takes the answer. -EPROTO: that is no answer to it. */
int kodi_view_set(struct kodi_view *view, enum kodi_ask ask, json_t *result);

/* What played has ended between two questions. */
void kodi_view_nothing(struct kodi_view *view);

/* Sums up, when all was answered. resume_list: the playlist that would play, -1 unknown. */
void kodi_view_finish(struct kodi_view *view, int resume_list);

/* Items of the playlist, 0 when it is none that can be asked. */
int kodi_view_size(const struct kodi_view *view, int list);

/* The playlist that plays, or would: resume_list while it holds something, or one that does. -1:
 * there is none. */
int kodi_view_list(const struct kodi_view *view, int resume_list);

/* What the view must say after a press. */
enum kodi_goal {
	KODI_NO_GOAL,
	KODI_PLAYBACK, /* enum ear_playback */
	KODI_INDEX,    /* another item plays, this one of the playlist */
	KODI_STARTED,  /* another item plays */
	KODI_POSITION, /* about this position, for the time that went by */
	KODI_QUEUED,   /* at least so many items in the playlist plan.list */
	KODI_VOLUME,
	KODI_MUTED,
	KODI_SPEED,
	KODI_SHUFFLE,
	KODI_REPEAT,
	KODI_AUDIO,
	KODI_SUBTITLE,
};

/* How a press is done. */
struct kodi_plan {
	const char *method; /* NULL: it is so already */
	json_t *params;     /* owned */
	enum kodi_goal goal;
	int64_t value;
	int list;
};

/*
 * Plans a press. resume_list, resume_index: what was playing before a stop, -1 unknown. -ERANGE,
 * -EREMOTEIO (nothing to play, no next, cannot seek), -EOPNOTSUPP as in <earshot/player.h>; the
 * plan is then empty.
 */
int kodi_plan_press(struct kodi_plan *plan, const struct kodi_view *view, int resume_list,
		    int resume_index, const struct ear_press *press);

/*
 * Whether the view read afterwards bears the press out, so long after it. started: an item began to
 * play meanwhile.
 */
bool kodi_plan_holds(const struct kodi_plan *plan, const struct kodi_view *view, bool started,
		     int64_t elapsed);

void kodi_plan_release(struct kodi_plan *plan);

/* Plans a key that is no media key: -EOPNOTSUPP when it is one. Its release does nothing. */
int kodi_plan_key(struct kodi_plan *plan, const struct ear_press *press);

#endif
