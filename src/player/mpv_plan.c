/* SPDX-License-Identifier: ISC */
/* mpv_plan.c: each button as mpv commands, given the state that mpv is in. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <earshot/timer.h>

#include "player/mpv_view.h"
#include "player/ops.h"

#define QUEUE_MAX 10000 /* items: no end of presses makes a playlist without end */

/* Adds a command (the reference is taken). */
static void
add(struct mpv_plan *plan, json_t *command)
{
	if (command == NULL)
		abort();
	assert(plan->count < MPV_COMMANDS_MAX);
	plan->commands[plan->count++] = command;
}

static int
plan_pause(struct mpv_plan *plan, bool pause)
{
	plan->paused = pause;
	add(plan, json_pack("[s,s,b]", "set_property", "pause", pause));
	return 0;
}

/* Starts an item of the playlist of an mpv that is idle. */
static int
plan_start(struct mpv_plan *plan, const struct mpv_view *view, int index)
{
	if (index < 0 || index >= view->playlist_count)
		return -EREMOTEIO;
	plan->settle = MPV_LOADED;
	plan_pause(plan, false);
	add(plan, json_pack("[s,i]", "playlist-play-index", index));
	return 0;
}

static int
plan_play(struct mpv_plan *plan, const struct mpv_view *view)
{
	if (view->idle)
		return plan_start(plan, view,
				  view->resume >= 0 && view->resume < view->playlist_count
					  ? view->resume
					  : 0);
	if (view->ended) { /* unpausing alone would stay at the end */
		plan->settle = MPV_SOUGHT;
		add(plan, json_pack("[s,i,s]", "seek", 0, "absolute+exact"));
	}
	return plan_pause(plan, false);
}

/* mpv may have been started so that it quits when nothing is left to play; a remote control must
 * not take the player away. */
static void
add_staying(struct mpv_plan *plan)
{
	add(plan, json_pack("[s,s,b]", "set_property", "idle", true));
}

/* The playlist stays too. */
static int
plan_stop(struct mpv_plan *plan, const struct mpv_view *view)
{
	if (view->idle)
		return 0;
	plan->settle = MPV_STOPPED;
	add_staying(plan);
	add(plan, json_pack("[s,s]", "stop", "keep-playlist"));
	return 0;
}

static int
plan_skip(struct mpv_plan *plan, const struct mpv_view *view, int by)
{
	if (view->idle)
		return plan_start(plan, view, (view->resume < 0 ? 0 : view->resume) + by);
	plan->settle = MPV_LOADED;
	add(plan, json_pack("[s]", by < 0 ? "playlist-prev" : "playlist-next"));
	return 0;
}

/* Forward past the end is the end, as with the MPRIS method Seek. */
static int
plan_seek(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	if (view->idle || !view->state.seekable)
		return -EREMOTEIO;
	if (!press->relative && press->value < 0)
		return -ERANGE;
	if (!press->relative && view->state.duration_us >= 0 &&
	    press->value > view->state.duration_us)
		return -ERANGE;
	plan->settle = MPV_SOUGHT;
	add(plan, json_pack("[s,f,s]", "seek", (double)press->value / EAR_SEC,
			    press->relative ? "relative+exact" : "absolute+exact"));
	return 0;
}

/* mpv goes above 100 per cent, by distorting; a remote control does not. */
static int
plan_volume(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	int64_t to = press->value;

	if (!press->relative && (to < 0 || to > 100))
		return -ERANGE;
	if (view->state.volume < 0)
		return -EOPNOTSUPP;
	if (press->relative)
		to += view->state.volume;
	plan->volume = to < 0 ? 0 : to > 100 ? 100 : (int)to;
	add(plan, json_pack("[s,s,i]", "set_property", "volume", plan->volume));
	return 0;
}

static int
plan_mute(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	plan->muted = press->has_value ? press->value != 0 : !view->state.muted;
	add(plan, json_pack("[s,s,b]", "set_property", "mute", plan->muted));
	return 0;
}

static int
plan_rate(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	int64_t to = press->value;

	if (!press->relative && (to < EAR_RATE_MIN || to > EAR_RATE_MAX))
		return -ERANGE;
	if (press->relative)
		to += view->state.rate;
	plan->rate = to < EAR_RATE_MIN ? EAR_RATE_MIN : to > EAR_RATE_MAX ? EAR_RATE_MAX : (int)to;
	add(plan, json_pack("[s,s,f]", "set_property", "speed", plan->rate / 1000.0));
	return 0;
}

/*
 * mpv does not tell in which order its playlist is. The option with which it would load one is what
 * others (its MPRIS plug-in) go by and leave as a note too.
 */
static int
plan_shuffle(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	plan->shuffle = press->has_value ? press->value != 0 : view->state.shuffle != 1;
	if (plan->shuffle == view->state.shuffle)
		return 0;
	add(plan, json_pack("[s,s,b]", "set_property", "shuffle", plan->shuffle));
	add(plan, json_pack("[s]", plan->shuffle ? "playlist-shuffle" : "playlist-unshuffle"));
	return 0;
}

static int
plan_repeat(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	int to = player_repeat_wanted(press, view->state.repeat);

	if (to < 0)
		return to;
	plan->repeat = to;
	add(plan,
	    json_pack("[s,s,s]", "set_property", "loop-file", to == EAR_REPEAT_ONE ? "inf" : "no"));
	if (to != EAR_REPEAT_ONE)
		add(plan, json_pack("[s,s,s]", "set_property", "loop-playlist",
				    to == EAR_REPEAT_ALL ? "inf" : "no"));
	return 0;
}

/* The URL is one argument of one command: nothing in it is an option or another command. */
static void
add_loading(struct mpv_plan *plan, const char *url, const char *how)
{
	plan->settle = MPV_LOADED;
	plan->must_play = true;
	add_staying(plan);
	plan_pause(plan, false);
	add(plan, json_pack("[s,s,s]", "loadfile", url, how));
}

static int
plan_open(struct mpv_plan *plan, const struct ear_press *press)
{
	add_loading(plan, press->text, "replace");
	return 0;
}

static int
plan_queue(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	if (view->playlist_count >= QUEUE_MAX)
		return -EREMOTEIO;
	if (view->idle)
		add_loading(plan, press->text, "append-play");
	else
		add(plan, json_pack("[s,s,s]", "loadfile", press->text, "append"));
	return 0;
}

/* Returns the track that is to be played, or -errno. first: the one that comes after the last. */
static int
find_track(const struct mpv_tracks *tracks, const struct ear_press *press, int first)
{
	if (press->has_value)
		return press->value < 0 || press->value > tracks->count ? -ERANGE
									: (int)press->value;
	if (tracks->count == 0)
		return -EREMOTEIO;
	return tracks->selected == tracks->count ? first : tracks->selected + 1;
}

static int
plan_track(struct mpv_plan *plan, const struct mpv_tracks *tracks, const char *property, int track)
{
	if (track < 0)
		return track;
	if (track == 0)
		add(plan, json_pack("[s,s,s]", "set_property", property, "no"));
	else
		add(plan, json_pack("[s,s,i]", "set_property", property, tracks->ids[track - 1]));
	return 0;
}

static int
plan_audio(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	int track = find_track(&view->audio, press, 1);

	if (track >= 0)
		plan->audio = track;
	return plan_track(plan, &view->audio, "aid", track);
}

static int
plan_subtitle(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	int track = find_track(&view->subtitle, press, 0);

	if (track >= 0)
		plan->subtitle = track;
	return plan_track(plan, &view->subtitle, "sid", track);
}

static int
plan_verb(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	switch (press->button) {
	case EAR_PLAY:
		return plan_play(plan, view);
	case EAR_PAUSE:
		return view->idle ? 0 : plan_pause(plan, true);
	case EAR_PLAYPAUSE:
		if (view->idle || view->paused)
			return plan_play(plan, view);
		return plan_pause(plan, true);
	case EAR_STOP:
		return plan_stop(plan, view);
	case EAR_NEXT:
		return plan_skip(plan, view, 1);
	case EAR_PREVIOUS:
		return plan_skip(plan, view, -1);
	case EAR_SEEK:
		return plan_seek(plan, view, press);
	case EAR_VOLUME:
		return plan_volume(plan, view, press);
	case EAR_MUTE:
		return plan_mute(plan, view, press);
	case EAR_RATE:
		return plan_rate(plan, view, press);
	case EAR_SHUFFLE:
		return plan_shuffle(plan, view, press);
	case EAR_REPEAT:
		return plan_repeat(plan, view, press);
	case EAR_OPEN:
		return plan_open(plan, press);
	case EAR_QUEUE:
		return plan_queue(plan, view, press);
	case EAR_AUDIO:
		return plan_audio(plan, view, press);
	case EAR_SUBTITLE:
		return plan_subtitle(plan, view, press);
	case EAR_KEY:
	case EAR_BUTTON_COUNT:
		break;
	}
	return -EOPNOTSUPP;
}

/*
 * mpv repeats by itself what a key does that is down, and takes no notice when it is told again
 * that it is. It wants to be told which key goes up: keyup without a name is a crash in mpv 0.35.
 */
static const char *
motion_command(enum ear_motion motion)
{
	switch (motion) {
	case EAR_PRESSED:
		return "keypress";
	case EAR_DOWN:
	case EAR_HELD:
		return "keydown";
	case EAR_UP:
		return "keyup";
	}
	return NULL;
}

static int
plan_key(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	const char *name = mpv_key_name(press->key);
	struct ear_press verb;
	bool nothing;

	if (player_key_verb(press, &verb, &nothing) == 0)
		return nothing ? 0 : plan_verb(plan, view, &verb);
	if (name == NULL)
		return -EOPNOTSUPP;
	add(plan, json_pack("[s,s]", motion_command(press->motion), name));
	return 0;
}

#define NEEDS(property) (1u << MPV_##property)

/* The index that plays is what a press of play resumes, should this one leave mpv idle. */
static const unsigned needs[EAR_BUTTON_COUNT] = {
	[EAR_PLAY] = NEEDS(PAUSE) | NEEDS(EOF_REACHED) | NEEDS(PLAYLIST_COUNT),
	[EAR_PLAYPAUSE] = NEEDS(PAUSE) | NEEDS(EOF_REACHED) | NEEDS(PLAYLIST_COUNT),
	[EAR_STOP] = NEEDS(PLAYLIST_POS),
	[EAR_NEXT] = NEEDS(PLAYLIST_COUNT) | NEEDS(PLAYLIST_POS),
	[EAR_PREVIOUS] = NEEDS(PLAYLIST_COUNT) | NEEDS(PLAYLIST_POS),
	[EAR_SEEK] = NEEDS(SEEKABLE) | NEEDS(DURATION) | NEEDS(PLAYLIST_POS),
	[EAR_VOLUME] = NEEDS(VOLUME),
	[EAR_MUTE] = NEEDS(MUTE),
	[EAR_RATE] = NEEDS(SPEED),
	[EAR_SHUFFLE] = NEEDS(SHUFFLE),
	[EAR_REPEAT] = NEEDS(LOOP_FILE) | NEEDS(LOOP_PLAYLIST),
	[EAR_QUEUE] = NEEDS(PLAYLIST_COUNT),
	[EAR_AUDIO] = NEEDS(TRACK_LIST),
	[EAR_SUBTITLE] = NEEDS(TRACK_LIST),
};

unsigned
mpv_plan_needs(const struct ear_press *press)
{
	struct ear_press verb = *press;
	bool nothing;

	if (press->button == EAR_KEY)
		(void)player_key_verb(press, &verb, &nothing);
	return NEEDS(IDLE_ACTIVE) | needs[verb.button];
}

int
mpv_plan_press(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	*plan = (struct mpv_plan){ .paused = -1,
				   .volume = -1,
				   .muted = -1,
				   .rate = -1,
				   .shuffle = -1,
				   .repeat = -1,
				   .audio = -1,
				   .subtitle = -1 };
	return press->button == EAR_KEY ? plan_key(plan, view, press)
					: plan_verb(plan, view, press);
}

/* Whether it is as planned, or nothing was. */
static bool
is_as(int planned, int now)
{
	return planned < 0 || planned == now;
}

bool
mpv_plan_holds(const struct mpv_plan *plan, const struct mpv_view *view)
{
	const struct ear_player_state *state = &view->state;

	/* A file that has come to its end meanwhile is neither paused nor played. */
	if (!view->idle && !view->ended && !is_as(plan->paused, view->paused))
		return false;
	/* Nor has it tracks. */
	if (!view->idle &&
	    (!is_as(plan->audio, state->audio) || !is_as(plan->subtitle, state->subtitle)))
		return false;
	if (plan->must_play && view->idle)
		return false;
	return is_as(plan->volume, state->volume) && is_as(plan->muted, state->muted) &&
	       is_as(plan->rate, state->rate) && is_as(plan->shuffle, state->shuffle) &&
	       is_as(plan->repeat, state->repeat);
}
