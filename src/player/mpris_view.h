/* SPDX-License-Identifier: ISC */
/* mpris_view.h: what an MPRIS player says of itself, and what a press means for one that does. */
#ifndef PLAYER_MPRIS_VIEW_H
#define PLAYER_MPRIS_VIEW_H

#include <earshot/player.h>

#include "player/mpris_value.h"

#define MPRIS_TRACK_SIZE 256 /* of the object path of a track; a longer one is none */

/* The properties of org.mpris.MediaPlayer2.Player. What is missing or makes no sense is unknown;
 * an unknown Can... is taken for true, since a player says itself what it refuses. */
struct mpris_view {
	enum ear_playback playback;
	bool can_control, can_play, can_pause, can_next, can_previous, can_seek;
	double volume;                   /* 1: 100 per cent; negative: unknown */
	double rate, min_rate, max_rate; /* 0: unknown */
	int shuffle, repeat;             /* -1: unknown */
	int64_t position;                /* microseconds; -1: unknown */
	char track[MPRIS_TRACK_SIZE];    /* "" when unknown */
	char title[EAR_TITLE_MAX], artist[256], album[256];
	int64_t length; /* microseconds; -1: unknown */
	int loudness;   /* per cent, before it was muted: it goes back to that; not read */
};

/* Everything unknown. */
void mpris_view_init(struct mpris_view *view);

/* Takes one dictionary of properties; those that are not in it stay as they are. -EPROTO: that is
 * no dictionary of properties. What follows something too big or broken in it is not read. */
int mpris_view_read(struct mpris_view *view, struct mpris_reader *reader);

/* The whole state; name: of the player, for people. */
void mpris_view_state(const struct mpris_view *view, const char *name,
		      struct ear_player_state *state);

int mpris_view_volume(const struct mpris_view *view); /* per cent, -1 */
int mpris_view_rate(const struct mpris_view *view);   /* thousandths; 1000 when unknown */

/* What is sent to the player. */
enum mpris_act {
	MPRIS_NOTHING, /* it is so already */
	MPRIS_CALL,    /* the method `member` */
	MPRIS_SEEK,    /* Seek(time) */
	MPRIS_GOTO,    /* SetPosition(track, time) */
	MPRIS_OPEN,    /* OpenUri(text) */
	MPRIS_SET_REAL,
	MPRIS_SET_SWITCH,
	MPRIS_SET_TEXT,
};

/* How a press is done, and what the view must say afterwards; -1: not looked at. */
struct mpris_plan {
	enum mpris_act act;
	const char *member; /* the method or property */
	double real;
	bool is;
	int64_t time;
	char track[MPRIS_TRACK_SIZE];
	const char *text; /* as long as the press lives */

	int playback, volume, rate, shuffle, repeat;
	int64_t position; /* about there */
	bool skips;       /* another title, or this one from an earlier place */
	int loudness;     /* what the view is to remember, or -1 */
	struct mpris_view before;
};

/*
 * Plans a press of a verb. -ERANGE, -EREMOTEIO (it says that it cannot do that now), -EOPNOTSUPP
 * as in <earshot/player.h>.
 */
int mpris_plan_press(struct mpris_plan *plan, const struct mpris_view *view,
		     const struct ear_press *press);

/* The call for it; NULL: it cannot be made. */
sd_bus_message *mpris_plan_message(const struct mpris_plan *plan, sd_bus *bus,
				   const char *destination);

/* Whether the view that was read so long after the answer bears the press out. */
bool mpris_plan_holds(const struct mpris_plan *plan, const struct mpris_view *view, int64_t waited);

#define MPRIS_PATH       "/org/mpris/MediaPlayer2"
#define MPRIS_ROOT       "org.mpris.MediaPlayer2"
#define MPRIS_PLAYER     "org.mpris.MediaPlayer2.Player"
#define MPRIS_PROPERTIES "org.freedesktop.DBus.Properties"

#endif
